#include "io/ingest/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bp_status bp__sealed_open(const char *folder, bp__sealed *sealed)
{
    struct stat st;
    *sealed = (bp__sealed){0};
    char *root = realpath(folder, NULL);
    if (!root)
        BP_FAIL_ERRNO(errno == ENOENT ? BP_ENOTFOUND : BP_EIO, errno, "%s: cannot be opened as a folder",
                      folder);
    if (stat(root, &st) != 0 || !S_ISDIR(st.st_mode)) {
        free(root);
        BP_FAIL(BP_EFORMAT, "%s: not a folder", folder);
    }
    sealed->root = root;
    pthread_mutex_init(&sealed->lock, NULL);
    return BP_OK;
}

void bp__sealed_close(bp__sealed *sealed)
{
    if (!sealed->root) return;
    for (size_t i = 0; i < sealed->files.n; i++) free(sealed->files.row[i].name);
    free(sealed->files.row);
    free(sealed->root);
    pthread_mutex_destroy(&sealed->lock);
    *sealed = (bp__sealed){0};
}

/* Opening --------------------------------------------------------------------------------------- */

static const char *kind_of(mode_t mode)
{
    return S_ISREG(mode)    ? "a file"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* What has been found is looked at, not what is going to be opened: nothing can be put in its place in
 * between. */
static bp_status check_found(const bp__sealed *sealed, const char *name, unsigned type, int found)
{
    char link[32], where[PATH_MAX + 1];
    struct stat st;
    if (fstat(found, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s/%s: cannot be examined", sealed->root, name);
    if ((st.st_mode & S_IFMT) != type)
        BP_FAIL(BP_EFORMAT, "%s/%s: is %s where %s should be", sealed->root, name, kind_of(st.st_mode),
                kind_of(type));
    snprintf(link, sizeof link, "/proc/self/fd/%d", found);
    const ssize_t n = readlink(link, where, sizeof where - 1);
    if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s/%s: cannot tell where it is", sealed->root, name);
    where[n] = '\0';
    const size_t length = strcmp(sealed->root, "/") == 0 ? 0 : strlen(sealed->root);
    const bool below = strncmp(where, sealed->root, length) == 0 && (where[length] == '/' || !where[length]);
    if (!below)
        BP_FAIL(BP_EFORMAT, "%s/%s: leads out of the folder, to %.200s; put a copy in its place",
                sealed->root, name, where);
    return BP_OK;
}

bp_status bp__sealed_get(const bp__sealed *sealed, const char *name, unsigned type, int *fd)
{
    char *path = NULL;
    char link[32];
    if (asprintf(&path, "%s/%s", sealed->root, name) < 0) BP_FAIL(BP_ENOMEM, "%s: no memory", name);
    const int found = open(path, O_PATH | O_CLOEXEC); /* of a FIFO or a device, this does nothing */
    const int err = errno;
    free(path);
    if (found < 0)
        BP_FAIL_ERRNO(err == ENOENT || err == ENOTDIR ? BP_ENOTFOUND : BP_EIO, err, "%s/%s: cannot be opened",
                      sealed->root, name);
    bp_status s = check_found(sealed, name, type, found);
    snprintf(link, sizeof link, "/proc/self/fd/%d", found);
    if (s == BP_OK && (*fd = open(link, O_RDONLY | O_CLOEXEC)) < 0)
        s = bp__fail_errno(BP_EIO, errno, "%s/%s: cannot be opened", sealed->root, name);
    close(found);
    return s;
}

bp_status bp__sealed_has(const bp__sealed *sealed, const char *name, unsigned type, bool *there)
{
    int fd;
    const bp_status s = bp__sealed_get(sealed, name, type, &fd);
    *there = s == BP_OK;
    if (s == BP_OK) close(fd);
    return s == BP_ENOTFOUND ? BP_OK : s;
}

/* Reading --------------------------------------------------------------------------------------- */

static bp_status remember(bp__sealed *sealed, const char *name, const char hash[BP__HASH_TEXT])
{
    bp__sealed_file file = {.name = strdup(name)};
    if (!file.name) BP_FAIL(BP_ENOMEM, "%s/%s: no memory", sealed->root, name);
    memcpy(file.hash, hash, sizeof file.hash);
    pthread_mutex_lock(&sealed->lock);
    void *row = sealed->files.row;
    const bp_status s = bp__table_grow(&row, sealed->files.n, &sealed->files.cap, sizeof file);
    sealed->files.row = row;
    if (s == BP_OK) sealed->files.row[sealed->files.n++] = file;
    pthread_mutex_unlock(&sealed->lock);
    if (bp__failed(s)) free(file.name);
    return s;
}

static bp_status read_all(const bp__sealed *sealed, const char *name, int fd, char *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = read(fd, to + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s/%s: cannot be read", sealed->root, name);
        if (n == 0) BP_FAIL(BP_EIO, "%s/%s: became shorter while it was read; run again", sealed->root, name);
        done += (size_t)n;
    }
    return BP_OK;
}

static bp_status load_file(const bp__sealed *sealed, const char *name, int fd, uint64_t most, char **bytes,
                           size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s/%s: cannot be examined", sealed->root, name);
    if ((uint64_t)st.st_size > most)
        BP_FAIL(BP_EFORMAT, "%s/%s: has %lld bytes, %llu at most are expected", sealed->root, name,
                (long long)st.st_size, (unsigned long long)most);
    *size = (size_t)st.st_size;
    *bytes = malloc(*size + 1);
    if (!*bytes) BP_FAIL(BP_ENOMEM, "%s/%s: no memory for %zu bytes", sealed->root, name, *size);
    (*bytes)[*size] = '\0';
    return read_all(sealed, name, fd, *bytes, *size);
}

bp_status bp__sealed_load(bp__sealed *sealed, const char *name, uint64_t most, char **bytes, size_t *size)
{
    char hash[BP__HASH_TEXT];
    int fd;
    *bytes = NULL;
    BP_TRY(bp__sealed_get(sealed, name, S_IFREG, &fd));
    bp_status s = load_file(sealed, name, fd, most, bytes, size);
    close(fd);
    if (s == BP_OK) s = bp__bytes_hash(*bytes, *size, hash);
    if (s == BP_OK) s = remember(sealed, name, hash);
    if (s == BP_OK) return BP_OK;
    free(*bytes);
    *bytes = NULL;
    return s;
}

bp_status bp__sealed_path(bp__sealed *sealed, const char *name, char **path)
{
    char hash[BP__HASH_TEXT];
    int fd;
    *path = NULL;
    BP_TRY(bp__sealed_get(sealed, name, S_IFREG, &fd));
    bp_status s = bp__file_hash(fd, name, hash);
    close(fd);
    if (s == BP_OK) s = remember(sealed, name, hash);
    if (s == BP_OK && asprintf(path, "%s/%s", sealed->root, name) < 0) {
        *path = NULL;
        s = bp__fail(BP_ENOMEM, "%s/%s: no memory", sealed->root, name);
    }
    return s;
}

/* Lists ----------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bp_status take_names(DIR *dir, bp__sealed_names *names)
{
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        BP__APPEND(&names->name, NULL);
        char **last = &names->name.row[names->name.n - 1];
        if (!(*last = strdup(entry->d_name))) BP_FAIL(BP_ENOMEM, "no memory for the names of a folder");
    }
    return errno == 0 ? BP_OK : BP_EIO;
}

bp_status bp__sealed_list(const bp__sealed *sealed, const char *name, bp__sealed_names *names)
{
    int fd;
    *names = (bp__sealed_names){0};
    BP_TRY(bp__sealed_get(sealed, name, S_IFDIR, &fd));
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        BP_FAIL_ERRNO(BP_EIO, errno, "%s/%s: cannot be listed", sealed->root, name);
    }
    bp_status s = take_names(dir, names);
    if (s == BP_EIO) s = bp__fail_errno(BP_EIO, errno, "%s/%s: cannot be listed", sealed->root, name);
    closedir(dir);
    if (s == BP_OK && names->name.n > 0)
        qsort(names->name.row, names->name.n, sizeof *names->name.row, by_bytes);
    return s;
}

void bp__sealed_names_fini(bp__sealed_names *names)
{
    for (size_t i = 0; i < names->name.n; i++) free(names->name.row[i]);
    free(names->name.row);
    *names = (bp__sealed_names){0};
}

/* Content --------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const bp__sealed_file *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->hash, y->hash);
}

bp_status bp__sealed_content(bp__sealed *sealed, char hash[BP__HASH_TEXT])
{
    char *text = NULL;
    size_t size = 0;
    FILE *all = open_memstream(&text, &size);
    if (!all) BP_FAIL(BP_ENOMEM, "%s: no memory for the names of its files", sealed->root);
    if (sealed->files.n > 0) qsort(sealed->files.row, sealed->files.n, sizeof *sealed->files.row, by_name);
    for (size_t i = 0; i < sealed->files.n; i++) { /* some are read by more than one thread */
        const bp__sealed_file *file = &sealed->files.row[i];
        if (i > 0 && by_name(file, file - 1) == 0) continue;
        fprintf(all, "%s  %s", file->hash, file->name);
        fputc('\0', all);
    }
    bp_status s = fclose(all) == 0
                      ? bp__bytes_hash(text, size, hash)
                      : bp__fail(BP_ENOMEM, "%s: no memory for the names of its files", sealed->root);
    free(text);
    return s;
}
