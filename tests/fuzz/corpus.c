/* fuzz_NAME_corpus [--write-seeds FOLDER] [FILE | FOLDER]... : the target, once with each of its seeds, then with each FILE
 * and with each file of a FOLDER. For compilers that have no libFuzzer; what is wrong ends the process, after the name of the
 * input.
 *
 *   --write-seeds FOLDER   puts the seeds there instead, as files, for libFuzzer to begin with
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

#define MOST_BYTES (UINT64_C(16) << 20)

static uint8_t seed[FUZZ_SEED_MAX];
static size_t inputs;

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static void run(const char *name, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = fuzz_copy(bytes, size);
    printf("%s: %zu bytes\n", name, size);
    fflush(stdout); /* the last line is about what ended the process */
    FUZZ_HOLDS(LLVMFuzzerTestOneInput(copy, size) == 0);
    free(copy);
    inputs++;
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (!file || fstat(fileno(file), &st) != 0) die(path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > MOST_BYTES) {
        fprintf(stderr, "%s: not a file of at most %llu bytes\n", path, (unsigned long long)MOST_BYTES);
        exit(1);
    }
    const size_t size = (size_t)st.st_size;
    uint8_t *bytes = fuzz_room(size);
    if (fread(bytes, 1, size, file) != size || fclose(file) != 0) die(path);
    run(path, bytes, size);
    free(bytes);
}

static void run_folder(const char *path)
{
    struct dirent **entry;
    char name[4096];
    const int n = scandir(path, &entry, NULL, alphasort);
    if (n < 0) die(path);
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.') run_file(name);
        free(entry[i]);
    }
    free(entry);
}

static void write_seeds(const char *folder)
{
    char name[4096];
    size_t n;
    for (unsigned i = 0; (n = fuzz_seed(i, seed)) > 0; i++) {
        snprintf(name, sizeof name, "%s/seed_%02u", folder, i);
        FILE *file = fopen(name, "wb");
        if (!file || fwrite(seed, 1, n, file) != n || fclose(file) != 0) die(name);
    }
}

static void run_seeds(void)
{
    char name[32];
    size_t n;
    for (unsigned i = 0; (n = fuzz_seed(i, seed)) > 0; i++) {
        snprintf(name, sizeof name, "seed %u", i);
        run(name, seed, n);
    }
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc == 3 && strcmp(argv[1], "--write-seeds") == 0) {
        write_seeds(argv[2]);
        return 0;
    }
    if (argc > 1 && argv[1][0] == '-') {
        fprintf(stderr, "usage: %s [--write-seeds FOLDER] [FILE | FOLDER]...\n", argv[0]);
        return 2;
    }
    run_seeds();
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) != 0) die(argv[i]);
        if (S_ISDIR(st.st_mode))
            run_folder(argv[i]);
        else
            run_file(argv[i]);
    }
    printf("%zu inputs\n", inputs);
    return inputs == 0; /* a target without any tests nothing */
}
