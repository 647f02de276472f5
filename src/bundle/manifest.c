#include "bundle/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "core/replace.h"

#define PATH_SIZE (2 * NAME_MAX + 2) /* FOLDER/NAME */

void bp__manifest_fini(bp__manifest *manifest)
{
    for (size_t i = 0; i < manifest->files.n; i++) free(manifest->files.row[i].path);
    free(manifest->files.row);
    *manifest = (bp__manifest){0};
}

static bp_status add(bp__manifest *manifest, const char *path, uint64_t bytes, uint32_t crc)
{
    bp__manifest_file file = {strdup(path), bytes, crc};
    if (!file.path) BP_FAIL(BP_ENOMEM, "%s: no memory for its name", path);
    void *rows = manifest->files.row;
    const bp_status s = bp__table_grow(&rows, manifest->files.n, &manifest->files.cap, sizeof file);
    manifest->files.row = rows;
    if (s == BP_OK)
        manifest->files.row[manifest->files.n++] = file;
    else
        free(file.path);
    return s;
}

static const char *path_of(const char *folder, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s%s%s", folder, *folder ? "/" : "", name);
    return path;
}

bp_status bp__manifest_add(bp__manifest *manifest, const char *folder, const char *name, uint64_t bytes,
                           uint32_t crc)
{
    char path[PATH_SIZE];
    return add(manifest, path_of(folder, name, path), bytes, crc);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const bp__manifest_file *)a)->path, ((const bp__manifest_file *)b)->path);
}

static void sort(bp__manifest *manifest)
{
    if (manifest->files.n > 1)
        qsort(manifest->files.row, manifest->files.n, sizeof *manifest->files.row, by_path);
}

const bp__manifest_file *bp__manifest_find(const bp__manifest *manifest, const char *folder, const char *name)
{
    char path[PATH_SIZE];
    const bp__manifest_file key = {.path = (char *)path_of(folder, name, path)};
    if (manifest->files.n == 0) return NULL;
    return bsearch(&key, manifest->files.row, manifest->files.n, sizeof key, by_path);
}

/* Writing, reading ------------------------------------------------------------------------------ */

static int write_lines(const bp__manifest *manifest, FILE *file)
{
    for (size_t i = 0; i < manifest->files.n; i++) {
        const bp__manifest_file *f = &manifest->files.row[i];
        fprintf(file, "%08" PRIx32 " %" PRIu64 " %s\n", f->crc, f->bytes, f->path);
    }
    errno = 0;
    if (fflush(file) == 0 && !ferror(file)) return 0;
    return errno ? errno : EIO;
}

bp_status bp__manifest_write(bp__manifest *manifest, int folder, const char *label)
{
    const int fd = openat(folder, BP__MANIFEST_PART, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    int err = file ? 0 : errno;
    sort(manifest);
    if (file) err = write_lines(manifest, file);
    if (file ? fclose(file) != 0 : fd >= 0 && close(fd) != 0) err = err ? err : errno;
    if (err == 0 && renameat(folder, BP__MANIFEST_PART, folder, BP__MANIFEST) != 0) err = errno;
    return err == 0 ? BP_OK : bp__replace_fail(label, "cannot be written", err);
}

/* What write_lines() writes, and nothing else. */
static bool parse(const char *line, uint32_t *crc, uint64_t *bytes, const char **path)
{
    int digits = 0, end = 0;
    if (sscanf(line, "%8" SCNx32 "%n %" SCNu64 " %n", crc, &digits, bytes, &end) < 2 || digits != 8 ||
        end == 0)
        return false;
    *path = line + end;
    return **path != '\0';
}

static bp_status read_lines(FILE *file, const char *label, bp__manifest *manifest)
{
    char *line = NULL;
    size_t size = 0, number = 0;
    bp_status s = BP_OK;
    for (ssize_t n; s == BP_OK && (n = getline(&line, &size, file)) > 0;) {
        bp__manifest_file f;
        const char *path;
        number++;
        const bool whole = line[n - 1] == '\n' && strlen(line) == (size_t)n;
        if (whole) line[n - 1] = '\0';
        if (whole && parse(line, &f.crc, &f.bytes, &path))
            s = add(manifest, path, f.bytes, f.crc);
        else
            s = bp__fail(BP_EFORMAT, "%s/" BP__MANIFEST ":%zu: is no line that an export writes", label,
                         number);
    }
    free(line);
    if (s == BP_OK && ferror(file)) s = bp__fail(BP_EIO, "%s/" BP__MANIFEST ": cannot be read", label);
    return s;
}

bp_status bp__manifest_read(int folder, const char *label, bp__manifest *manifest)
{
    struct stat st;
    *manifest = (bp__manifest){0};
    const int fd = openat(folder, BP__MANIFEST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) BP_FAIL(BP_ENOTFOUND, "%s: has no " BP__MANIFEST, label);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s/" BP__MANIFEST ": cannot be opened", label);
    FILE *file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
    if (!file) {
        close(fd);
        BP_FAIL(BP_EFORMAT, "%s/" BP__MANIFEST ": is no file that an export writes", label);
    }
    const bp_status s = read_lines(file, label, manifest);
    fclose(file);
    if (bp__failed(s)) bp__manifest_fini(manifest);
    sort(manifest);
    return s;
}

/* Comparing ------------------------------------------------------------------------------------- */

static bool holds(const bp__manifest_file *file, int fd)
{
    unsigned char buffer[1 << 16];
    uint64_t bytes = 0;
    uLong crc = crc32(0, NULL, 0);
    for (;;) {
        const ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) return bytes == file->bytes && crc == file->crc;
        bytes += (uint64_t)n;
        crc = crc32(crc, buffer, (uInt)n);
    }
}

bool bp__manifest_matches(const bp__manifest_file *file, int folder, const char *name)
{
    struct stat st;
    const int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    const bool same =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == file->bytes && holds(file, fd);
    close(fd);
    return same;
}
