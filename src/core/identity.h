/** @file src/core/identity.h
 * What distinguishes one state of a file from another without reading it.
 *
 * Equal identities mean: not replaced (dev, ino), not rewritten (size, mtime, ctime). The times advance
 * with the kernel's tick, so a file is not read before its ctime is BP__SETTLE_NS old: any later rewrite then
 * gets another ctime.
 */
#ifndef BP_CORE_IDENTITY_H
#define BP_CORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/status.h"

#define BP__SETTLE_NS INT64_C(20000000)

typedef struct bp__identity {
    uint64_t dev, ino, size;
    int64_t mtime_ns, ctime_ns;
} bp__identity;

/** From a stat result. */
bp__identity bp__identity_from(const struct stat *st);

bool bp__identity_equal(const bp__identity *a, const bp__identity *b);

/** Find out the identity of `path`, relative to the folder `dirfd` (or AT_FDCWD).
 *  @param label  how errors name the file
 *  @retval BP_ENOTFOUND  nothing there
 *  @retval BP_EFORMAT    not a regular file
 *  @retval BP_EIO        stat() failed */
bp_status bp__identify(int dirfd, const char *path, const char *label, bp__identity *id);

/** Find out the identity of `path`, and return when it is old enough that any later change shows.
 *  Blocks: for BP__SETTLE_NS at most.  @retval any  as bp__identify() */
bp_status bp__identify_settled(const char *path, bp__identity *id);

/** Nanoseconds from wall-clock time `now_ns` until the file has settled; 0 if it has, or if its ctime lies
 *  in the future (waiting for a skewed server clock has no end). */
int64_t bp__unsettled_ns(const bp__identity *id, int64_t now_ns);

#endif
