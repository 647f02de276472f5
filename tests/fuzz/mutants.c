/* mutants [--own] [--write FOLDER [--accepted] [--values]] SEED COUNT [FILE...] : bundle files with damage, read as any load
 * reads them.
 *
 * Each mutant is one of the FILEs, or of files that are made here in every form of storage, with one to four changes:
 * bits, bytes, lengths and addresses, pieces moved or lost. Most of them are outside of the bars, where libhdf5 reads. This
 * process must survive all of them, whatever becomes of its parser's children; what is refused must name the file; what is
 * accepted is compared with the file that it was made of. Prints the seed, and how many came to what.
 *
 *     --own           of the FILEs alone
 *     --write FOLDER  keep the originals there, as original-K.h5, and each mutant, as mN-K.h5, K being what it was made of
 *     --accepted      keep only mutants that are accepted
 *     --values        beside each of these what was read of it, as mN-K.h5.values: lines of texts and columns, an empty
 *                     line, the image
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "io/hdf5/h5read.h"
#include "io/make_file.h"
#include "io/parser/ask.h"

#define MOST_ORIGINALS 40
#define MOST_IMAGE     (UINT64_C(1) << 28)
#define LIMIT_MS       1000 /* of a question; a load may ask several */

enum outcome { EQUAL, OTHER, REFUSED, CRASHED, TIMED_OUT, NUM_OUTCOMES };

typedef struct original {
    const char *name;
    uint8_t *bytes; /* owned */
    size_t n;
    uint8_t *is_bar; /* [n] whether a byte is of a stored chunk of bars; owned */
    char hash[BP__HASH_TEXT];
} original;

static struct {
    bool own, accepted, values;
    const char *write;
} options;

static char folder[] = "/tmp/mutants.XXXXXX", path[4096];
static original originals[MOST_ORIGINALS];
static size_t num_originals;
static uint64_t state;
static int failures;

static const file_format formats[] = {
    {"contiguous", 7, 40, 30, .chunk = {0}, .extras = true},
    {"compact", 7, 40, 30, .compact = true, .extras = true},
    {"gzip, shuffle", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .shuffle = true, .extras = true},
    {"fletcher32", 7, 40, 30, .chunk = {2, 13}, .fletcher = true, .extras = true},
    {"gzip twice", 7, 40, 30, .chunk = {2, 13}, .deflate = 2},
    {"big-endian", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .shuffle = true, .big_endian = true},
    {"too many chunks", 20, 70, 1200, .chunk = {1, 1}},
    {"factors", 23, 40, 30, .chunk = {5, 13}, .deflate = 1, .by_asset = true, .extras = true},
    {"user block", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .userblock = true},
    {"edges", 7, 40, 30, {2, 13}, .deflate = 1, .shuffle = true, .whole_edges_only = true},
    {"latest format", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .shuffle = true, .latest = true,
     .extras = true},
    {"half written", 8, 40, 0, .chunk = {2, 13}, .deflate = 1, .sparse = true},
};

static void die(const char *what)
{
    fprintf(stderr, "mutants: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 24) % below;
}

/* Reading --------------------------------------------------------------------------------------- */

static bp_status decode_all(bp__source *source, void *image)
{
    const bp__loader *loader = bp__h5_loader();
    const bp__plan *plan = loader->plan(source);
    bp__decoder *decoder = NULL;
    bp_status s = loader->decoder_create(&decoder);
    memcpy(image, plan->head, plan->head_bytes);
    for (uint64_t i = 0; i < plan->num_tasks && s == BP_OK; i++)
        s = bp__load_task(loader, source, path, decoder, i, image);
    loader->decoder_destroy(&decoder);
    return s;
}

static void put_hex(FILE *file, const char *what, const char *text)
{
    fprintf(file, "%s ", what);
    while (*text) fprintf(file, "%02x", (unsigned char)*text++);
    fprintf(file, "\n");
}

static void write_values(const bp__image *image)
{
    char name[sizeof path + 8];
    snprintf(name, sizeof name, "%s.values", path);
    FILE *file = fopen(name, "wb");
    if (!file) die(name);
    put_hex(file, "schema_version", image->schema_version);
    put_hex(file, "calendar_name", image->calendar_name);
    for (int i = 0; i < BP_NUM_COLUMNS; i++) {
        const bp__image_column *c = &image->column[i];
        fprintf(file, "%s %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                bp_column_name((bp_column)i), c->type, c->shape[0], c->shape[1], c->offset, c->bytes);
    }
    fprintf(file, "\n");
    if (fwrite(image, 1, image->bytes, file) != image->bytes || fclose(file) != 0) die(name);
}

/* Read what lies at `path`. @param[out] hash  of its content */
static bp_status read_file(char hash[BP__HASH_TEXT])
{
    const bp__loader *loader = bp__h5_loader();
    bp__source *source;
    bp_status s = loader->open(path, &source);
    if (s != BP_OK) return s;
    const bp__plan *plan = loader->plan(source);
    void *image = plan->image_bytes < MOST_IMAGE ? calloc(1, plan->image_bytes) : NULL;
    s = image ? decode_all(source, image) : bp__fail(BP_ENOMEM, "%s: too large", path);
    if (s == BP_OK) s = bp__content_hash(image, hash);
    if (s == BP_OK && options.values) write_values(image);
    free(image);
    loader->close(&source);
    return s;
}

static enum outcome try_file(const original *of)
{
    char hash[BP__HASH_TEXT];
    const bp_status s = read_file(hash);
    if (s == BP_OK) return strcmp(hash, of->hash) == 0 ? EQUAL : OTHER;
    const char *text = bp_error_text();
    if (!strstr(text, path) || strlen(text) < strlen(path) + 8) {
        printf("FAILED: %s: an error that does not name the file and a reason: %s\n", of->name, text);
        failures++;
    }
    if (s == BP_ETIMEOUT) return TIMED_OUT;
    return strstr(text, "ended by signal") || strstr(text, "ended with code") ? CRASHED : REFUSED;
}

/* Originals ------------------------------------------------------------------------------------- */

static void write_bytes(const uint8_t *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0) die(path);
}

static void mark_bars(original *o)
{
    bp__source *source;
    o->is_bar = calloc(o->n + 1, 1);
    if (!o->is_bar || bp__h5_loader()->open(path, &source) != BP_OK) die(bp_error_text());
    const bp__plan *plan = bp__h5_loader()->plan(source);
    for (uint64_t i = 0; i < plan->num_tasks; i++) {
        const bp__plan_task *t = &plan->task[i];
        if (!plan->dataset[t->dataset].through_hdf5) memset(o->is_bar + t->file_offset, 1, t->stored_bytes);
    }
    bp__h5_loader()->close(&source);
}

static void add_original(const char *name, const char *from)
{
    original *o = &originals[num_originals];
    FILE *file = fopen(from, "rb");
    if (num_originals == MOST_ORIGINALS || !file || fseek(file, 0, SEEK_END) != 0) die(from);
    o->name = name;
    o->n = (size_t)ftell(file);
    o->bytes = malloc(o->n + 1);
    rewind(file);
    if (!o->bytes || fread(o->bytes, 1, o->n, file) != o->n || fclose(file) != 0) die(from);
    write_bytes(o->bytes, o->n);
    if (read_file(o->hash) != BP_OK) return; /* of several countries, or unsorted: nothing to compare with */
    mark_bars(o);
    if (options.write) {
        snprintf(path, sizeof path, "%s/original-%zu.h5", options.write, num_originals);
        write_bytes(o->bytes, o->n);
    }
    num_originals++;
}

/* Mutants --------------------------------------------------------------------------------------- */

/* Somewhere: mostly outside of the bars. */
static size_t place(const original *o, size_t n, size_t width)
{
    size_t at = 0;
    for (int tries = 0; tries < 50; tries++) {
        at = draw(n - width + 1);
        if (draw(10) == 0 || !o->is_bar[at]) break;
    }
    return at;
}

static void put(uint8_t *bytes, size_t at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *bytes, size_t at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value |= (uint64_t)bytes[at + i] << 8 * i;
    return value;
}

/* One change. @return bytes that are left */
static size_t change(const original *o, uint8_t *bytes, size_t n)
{
    static const uint64_t special[] = {0,
                                       1,
                                       2,
                                       7,
                                       8,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x100,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x10000,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       UINT64_C(0x100000000),
                                       INT64_MAX,
                                       UINT64_MAX};
    static const size_t widths[] = {1, 2, 4, 8};
    const size_t width = widths[draw(4)], at = place(o, n, 64);
    switch (draw(9)) {
    case 0: bytes[at] ^= (uint8_t)(1u << draw(8)); break;
    case 1: bytes[at] = (uint8_t)draw(256); break;
    case 2: put(bytes, at, special[draw(sizeof special / sizeof *special)], width); break;
    case 3: put(bytes, at, get(bytes, at, width) + 1 - 2 * draw(2), width); break;
    case 4: put(bytes, at, get(bytes, at, width) * 2, width); break;
    case 5: put(bytes, at, draw(n), width); break; /* as an address */
    case 6: memmove(bytes + at, bytes + place(o, n, 64), 1 + draw(64)); break;
    case 7: memset(bytes + at, 0, 1 + draw(64)); break;
    default:
        if (draw(20) != 0) break;
        return 64 + draw(n - 64); /* cut */
    }
    return n;
}

static void mutate_and_try(size_t count[NUM_OUTCOMES], unsigned long long number)
{
    const size_t which = draw(num_originals);
    const original *o = &originals[which];
    uint8_t *bytes = malloc(o->n);
    size_t n = o->n;
    if (!bytes) die("no memory");
    memcpy(bytes, o->bytes, n);
    for (uint64_t i = 1 + draw(4); i > 0 && n > 64; i--) n = change(o, bytes, n);
    if (options.write) snprintf(path, sizeof path, "%s/m%llu-%zu.h5", options.write, number, which);
    write_bytes(bytes, n);
    const enum outcome outcome = try_file(o);
    count[outcome]++;
    if (options.accepted && outcome != EQUAL && outcome != OTHER && unlink(path) != 0) die(path);
    free(bytes);
}

static void make_originals(char *const *file, int n)
{
    const bool values = options.values;
    options.values = false; /* they are of mutants */
    for (size_t i = 0; !options.own && i < sizeof formats / sizeof *formats; i++) {
        snprintf(path, sizeof path, "%s/mutant.h5", folder);
        if (!make_file(path, &formats[i])) die(path);
        add_original(formats[i].name, path);
    }
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/mutant.h5", folder);
        add_original(file[i], file[i]);
    }
    options.values = values;
    snprintf(path, sizeof path, "%s/mutant.h5", folder);
}

/* @return how many words were options; -1: not understood */
static int read_options(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--own") == 0)
            options.own = true;
        else if (strcmp(argv[i], "--accepted") == 0)
            options.accepted = true;
        else if (strcmp(argv[i], "--values") == 0)
            options.values = true;
        else if (strcmp(argv[i], "--write") == 0 && i + 1 < argc)
            options.write = argv[++i];
        else
            return -1;
    }
    const bool needless = !options.write && (options.accepted || options.values);
    return needless || argc - i < 2 || (options.own && argc - i < 3) ? -1 : i - 1;
}

int main(int argc, char **argv)
{
    size_t count[NUM_OUTCOMES] = {0};
    const int skip = read_options(argc, argv);
    if (skip < 0) {
        fprintf(stderr,
                "usage: mutants [--own] [--write FOLDER [--accepted] [--values]] SEED COUNT [FILE...]\n");
        return 2;
    }
    argv += skip;
    argc -= skip;
    state = strtoull(argv[1], NULL, 10);
    const unsigned long long wanted = strtoull(argv[2], NULL, 10);
    if (!mkdtemp(folder)) die(folder);
    bp__parser_prepare(0);
    make_originals(argv + 3, argc - 3);
    bp__parser_prepare(LIMIT_MS + LIMIT_MS / 3);
    const uint64_t begun = bp__clock_ns();
    for (unsigned long long i = 0; i < wanted && num_originals > 0; i++) mutate_and_try(count, i);
    const double seconds = (double)(bp__clock_ns() - begun) / 1e9;
    snprintf(path, sizeof path, "%s/mutant.h5", folder);
    unlink(path);
    rmdir(folder);
    printf(
        "seed %s: %llu mutants of %zu files in %.1f s: %zu equal, %zu with other values, %zu refused, %zu crashed a parser, "
        "%zu timed out\n",
        argv[1], wanted, num_originals, seconds, count[EQUAL], count[OTHER], count[REFUSED], count[CRASHED],
        count[TIMED_OUT]);
    for (size_t i = 0; i < num_originals; i++) {
        free(originals[i].bytes);
        free(originals[i].is_bar);
    }
    return failures > 0 || num_originals == 0;
}
