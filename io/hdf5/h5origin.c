#include "io/hdf5/h5origin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/replace.h"
#include "io/hdf5/h5patch.h"
#include "io/hdf5/h5remote.h"
#include "io/hdf5/h5util.h"

#define COPY_BYTES (UINT64_C(1) << 20)

/* Reading --------------------------------------------------------------------------------------- */

static bp_status open_regular(const char *path, int *fd, uint64_t *bytes)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0)
        BP_FAIL_ERRNO(errno == ENOENT || errno == ENOTDIR ? BP_ENOTFOUND : BP_EIO, errno,
                      "%s: cannot be opened", path);
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *bytes = (uint64_t)st.st_size;
        return BP_OK;
    }
    close(*fd);
    BP_FAIL(BP_EFORMAT, "%s: not a regular file", path);
}

bp_status bp__h5_origin(const char *path, bp__origin *origin)
{
    uint64_t bytes;
    int fd;
    *origin = (bp__origin){0};
    BP_TRY(open_regular(path, &fd, &bytes));
    const bp__subject file = {.label = path, .fd = fd, .bytes = bytes};
    const bp_status s = bp__h5_ask_origin(&file, origin);
    close(fd);
    if (bp__failed(s)) bp__origin_fini(origin);
    return s;
}

bool bp__h5_source_note(const char *path, const char *bundle, char *text, size_t size)
{
    bp__origin origin;
    if (bp__failed(bp__h5_origin(path, &origin))) return false;
    const bool there = bp__source_note(&origin, bundle, text, size);
    bp__origin_fini(&origin);
    return there;
}

/* Another time ---------------------------------------------------------------------------------- */

static bp_status write_all(const bp__replacement *r, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(r->fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return bp__replace_fail(r->path, "cannot be written", errno);
        done += (size_t)n;
    }
    return BP_OK;
}

static bp_status copy(const bp__replacement *r, int from)
{
    char *buffer = malloc(COPY_BYTES);
    ssize_t n = 0;
    if (!buffer) BP_FAIL(BP_ENOMEM, "%s: no memory to copy it", r->path);
    bp_status s = BP_OK;
    while (s == BP_OK && ((n = read(from, buffer, COPY_BYTES)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0) s = write_all(r, buffer, (size_t)n);
    if (s == BP_OK && n < 0) s = bp__fail_errno(BP_EIO, errno, "%s: cannot be read", r->path);
    free(buffer);
    return s;
}

/* Of a bundle that an earlier version made it is not there, and not known. */
static bool write_stamp(hid_t file, uint64_t stamp)
{
    const htri_t there = H5Aexists_by_name(file, "/", "source_stamp", H5P_DEFAULT);
    return there == 0 ||
           (there > 0 && bp__h5_patch_attr(file, "/", "source_stamp", H5T_NATIVE_UINT64, &stamp));
}

/* The attributes are there, with room for the values: only bytes in their places change. */
static bp_status stamp(const bp__replacement *r, const bp__source_seen *seen)
{
    bp__h5_lock();
    const hid_t file = bp__h5_patch_open(r->fd);
    bool done = file >= 0 && bp__h5_patch_attr(file, "/", "source_time", H5T_NATIVE_INT64, &seen->time) &&
                bp__h5_patch_attr(file, "/", "source_files", H5T_NATIVE_UINT64, &seen->files) &&
                write_stamp(file, seen->stamp);
    done = bp__h5_patch_close(file) && done;
    bp__h5_unlock();
    if (!done) BP_FAIL(BP_EIO, "%s: the time of its source cannot be written", r->path);
    return BP_OK;
}

bp_status bp__h5_restamp(const char *path, const bp__source_seen *seen)
{
    bp__replacement r;
    uint64_t bytes;
    int fd;
    BP_TRY(open_regular(path, &fd, &bytes));
    bp_status s = bp__replace_begin(path, &r);
    if (bp__failed(s)) {
        close(fd);
        return s;
    }
    s = copy(&r, fd);
    if (s == BP_OK) s = stamp(&r, seen);
    close(fd);
    if (s == BP_OK) return bp__replace_commit(&r);
    bp__replace_abort(&r);
    return s;
}
