#include "io/hdf5/h5read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/descriptor.h"
#include "io/hdf5/decode.h"
#include "io/hdf5/h5inline.h"
#include "io/hdf5/h5remote.h"

struct bp__source {
    char *path;
    int fd;
    bp__plan plan; /* owns head, dataset, task */
};

/* Note which file it is, in which state. */
static bp_status note_identity(bp__source *source)
{
    struct stat st;
    const char *path = source->path;
    if (fstat(source->fd, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", path);
    if (S_ISDIR(st.st_mode)) BP_FAIL(BP_EFORMAT, "%s: is a folder, not a bundle file", path);
    if (!S_ISREG(st.st_mode)) BP_FAIL(BP_EFORMAT, "%s: not a regular file", path);
    if (st.st_size == 0) BP_FAIL(BP_EFORMAT, "%s: is empty, not a bundle file", path);
    source->plan.identity = bp__identity_from(&st);
    return BP_OK;
}

/* Open what is there without waiting for it. */
static bp_status open_regular(bp__source *source)
{
    const char *path = source->path;
    source->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (source->fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) BP_FAIL(BP_ENOTFOUND, "%s: no such bundle file", path);
        /* a socket */
        if (errno == ENXIO || errno == ENODEV) BP_FAIL(BP_EFORMAT, "%s: not a regular file", path);
        return bp__open_failed(path, errno);
    }
    return note_identity(source);
}

/* The same by a descriptor of one's own. */
static bp_status duplicate(bp__source *source, int fd)
{
    source->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return source->fd < 0 ? bp__open_failed(source->path, errno) : note_identity(source);
}

static void source_close(bp__source **source)
{
    bp__source *s = *source;
    if (!s) return;
    *source = NULL;
    if (s->fd >= 0) close(s->fd);
    bp__plan_fini(&s->plan);
    free(s->path);
    free(s);
}

/* An open file, without a plan. @param[in] fd  -1: what lies at `path` */
static bp_status source_create(const char *path, int fd, bp__source **source)
{
    bp__source *src = *source = calloc(1, sizeof *src);
    if (!src) BP_FAIL(BP_ENOMEM, "%s: no memory to open it", path);
    src->fd = -1;
    src->path = strdup(path);
    bp_status s = !src->path ? bp__fail(BP_ENOMEM, "%s: no memory to open it", path)
                  : fd < 0   ? open_regular(src)
                             : duplicate(src, fd);
    if (bp__failed(s)) source_close(source);
    return s;
}

static bp__subject subject_of(const bp__source *source)
{
    return (bp__subject){.label = source->path, .fd = source->fd, .bytes = source->plan.identity.size};
}

bp_status bp__h5_open_country(const char *path, const char *country, bp__source **source)
{
    BP_TRY(source_create(path, -1, source));
    const bp__subject file = subject_of(*source);
    bp_status s = bp__h5_ask_plan(&file, country, &(*source)->plan);
    if (bp__failed(s)) source_close(source);
    return s;
}

bp_status bp__h5_open_written(const char *label, int fd, bp__source **source)
{
    BP_TRY(source_create(label, fd, source));
    const bp__subject file = subject_of(*source);
    bp__plan *plan = &(*source)->plan;
    bp_status s = bp__h5_inline_plan(&file, NULL, plan);
    if (s == BP_OK) s = bp__plan_check(plan, label, file.bytes);
    if (bp__failed(s)) source_close(source);
    return s;
}

static bp_status source_open(const char *path, bp__source **source)
{
    return bp__h5_open_country(path, NULL, source);
}

bp_status bp__h5_check_unchanged(const bp__source *source)
{
    struct stat st;
    if (fstat(source->fd, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", source->path);
    const bp__identity now = bp__identity_from(&st);
    if (bp__identity_equal(&now, &source->plan.identity)) return BP_OK;
    BP_FAIL(BP_ECHANGED, "%s: was written to while it was read; try again", source->path);
}

bp_status bp__h5_countries_of(const char *path, bp__h5countries *countries)
{
    bp__source *source;
    BP_TRY(source_create(path, -1, &source));
    const bp__subject file = subject_of(source);
    const bp_status s = bp__h5_ask_countries(&file, countries);
    source_close(&source);
    return s;
}

static const bp__plan *source_plan(const bp__source *source)
{
    return &source->plan;
}

static bp_status source_fetch(bp__source *source, uint64_t task, void *stored)
{
    return bp__fetch_task(source->path, source->fd, &source->plan, task, stored);
}

const bp__loader *bp__h5_loader(void)
{
    static const bp__loader loader = {.open = source_open,
                                      .plan = source_plan,
                                      .fetch = source_fetch,
                                      .close = source_close,
                                      .decoder_create = bp__decoder_create,
                                      .unpack = bp__decoder_unpack,
                                      .decode = bp__decoder_run,
                                      .decoder_destroy = bp__decoder_destroy};
    return &loader;
}
