#include "core/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define NAME_ATTEMPTS 100

static bp_status disk_fail(const char *path, const char *what, int err)
{
    if (err == ENOSPC || err == EDQUOT) BP_FAIL(BP_EIO, "%s: no space: free some and run again", path);
    BP_FAIL_ERRNO(BP_EIO, err, "%s: %s", path, what);
}

static bp_status write_all(const char *path, int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size < (1u << 30) ? size : (1u << 30));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return disk_fail(path, "cannot be written", errno);
        bytes += n;
        size -= (size_t)n;
    }
    if (fsync(fd) != 0) return disk_fail(path, "cannot be brought to the disk", errno);
    return BP_OK;
}

/* ".NAME.XXXXXX" in the folder: hidden, and unlike mkstemp's with a mode that follows the umask. */
static bp_status create_temporary(const char *path, int dir, const char *name, char *tmp, size_t size,
                                  int *fd)
{
    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        unsigned r = 0;
        if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r) return disk_fail(path, "no random name", errno);
        int n = snprintf(tmp, size, ".%s.%06x", name, r & 0xffffffu);
        if (n < 0 || (size_t)n >= size) return disk_fail(path, "cannot be written", ENAMETOOLONG);
        *fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0) return BP_OK;
        if (errno != EEXIST) return disk_fail(path, "cannot be written", errno);
    }
    return disk_fail(path, "no free temporary name", EEXIST);
}

static bp_status replace_in(const char *path, int dir, const char *name, const void *bytes, size_t size)
{
    char tmp[256];
    int fd = -1;
    BP_TRY(create_temporary(path, dir, name, tmp, sizeof tmp, &fd));
    bp_status s = write_all(path, fd, bytes, size);
    if (close(fd) != 0 && s == BP_OK) s = disk_fail(path, "cannot be written", errno);
    if (s == BP_OK && renameat(dir, tmp, dir, name) != 0) s = disk_fail(path, "cannot be replaced", errno);
    if (bp__failed(s)) {
        unlinkat(dir, tmp, 0);
        return s;
    }
    /* some file systems cannot sync a folder; they order the rename by other means */
    if (fsync(dir) != 0 && errno != EINVAL)
        return disk_fail(path, "is there, but its folder is not on the disk", errno);
    return BP_OK;
}

bp_status bp__replace_file(const char *path, const void *bytes, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *folder = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!folder) BP_FAIL(BP_ENOMEM, "%s: no memory", path);
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bp_status s = dir < 0 ? disk_fail(folder, "cannot be opened as a folder", errno)
                          : replace_in(path, dir, name, bytes, size);
    if (dir >= 0) close(dir);
    free(folder);
    return s;
}
