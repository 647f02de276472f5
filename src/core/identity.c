#include "core/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bp__identity bp__identity_from(const struct stat *st)
{
    return (bp__identity){
        .dev = (uint64_t)st->st_dev,
        .ino = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_ns = ns_of(st->st_mtim),
        .ctime_ns = ns_of(st->st_ctim),
    };
}

bool bp__identity_equal(const bp__identity *a, const bp__identity *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

bp_status bp__identify(int dirfd, const char *path, const char *label, bp__identity *id)
{
    struct stat st;
    if (fstatat(dirfd, path, &st, 0) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            BP_FAIL(BP_ENOTFOUND, "%s: no such bundle file; 'bundle list' shows what is there", label);
        BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", label);
    }
    if (!S_ISREG(st.st_mode)) BP_FAIL(BP_EFORMAT, "%s: not a regular file", label);
    *id = bp__identity_from(&st);
    return BP_OK;
}

int64_t bp__unsettled_ns(const bp__identity *id, int64_t now_ns)
{
    int64_t age = now_ns - id->ctime_ns;
    return age < 0 || age >= BP__SETTLE_NS ? 0 : BP__SETTLE_NS - age;
}

bp_status bp__identify_settled(const char *path, bp__identity *id)
{
    struct timespec now;
    BP_TRY(bp__identify(AT_FDCWD, path, path, id));
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = bp__unsettled_ns(id, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    struct timespec pause = {ns / 1000000000, ns % 1000000000};
    while (ns > 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) == EINTR) continue;
    return BP_OK;
}
