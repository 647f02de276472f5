/** @file src/core/identity.h
 * What distinguishes one state of a file from another without reading it.
 *
 * Equal identities mean: not replaced (dev, ino), not rewritten (size, mtime, ctime). Times advance in steps, so
 * a file is not read before it has *settled*: any later rewrite then gets another ctime.
 *
 *     fine     a local file system that stamps with the kernel's tick: settled when its ctime is BP__SETTLE_NS old
 *     coarse   the ctime has no nanoseconds, or it is not known who stamps, and in which steps (NFS, Lustre, FAT,
 *              CIFS, FUSE and whatever is not in the list of fine ones): the file has to be seen unchanged for
 *              BP__SETTLE_COARSE_NS, by the clock of this machine
 *
 * Coarse files that are older than BP__SETTLE_COARSE_NS + BP__SKEW_NS have settled without being watched: so
 * a server's clock may be any time ahead of ours, and BP__SKEW_NS behind it.
 *
 * A look opens the file. NFS promises "close to open": open() asks the server for the file's attributes, where
 * stat() may tell those that the client heard up to a minute ago.
 */
#ifndef BP_CORE_IDENTITY_H
#define BP_CORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/status.h"

#define BP__SETTLE_NS        INT64_C(20000000)
#define BP__SETTLE_COARSE_NS INT64_C(2000000000) /* FAT's step; others have 1 s at most */
#define BP__SKEW_NS          INT64_C(10000000000)

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
 *  @retval BP_ESYS       no file descriptor is left
 *  @retval BP_EIO        it cannot be opened, or stat() failed */
bp_status bp__identify(int dirfd, const char *path, const char *label, bp__identity *id);

/** Find out the identity of `path`, and return when it is old enough that any later change shows.
 *  Blocks: until then; for a few seconds if the file keeps changing.
 *  @retval BP_ECHANGED  the file keeps changing
 *  @retval any          as bp__identify() */
bp_status bp__identify_settled(const char *path, bp__identity *id);

/** Nanoseconds until the file has settled; 0 if it has.
 *  @param fine        bp__filesystem.fine
 *  @param now_ns      wall-clock time
 *  @param watched_ns  how long the file has been seen with this identity */
int64_t bp__unsettled_ns(const bp__identity *id, bool fine, int64_t now_ns, int64_t watched_ns);

/** What is known of a file system. */
typedef struct bp__filesystem {
    const char *name; /**< static: "ext4"; "unknown" */
    bool
        fine; /**< stamps with this kernel's tick, and every stat() on this machine tells the truth at once */
} bp__filesystem;

/** By the type that statfs() tells. */
bp__filesystem bp__filesystem_of(uint64_t type);

/** Of the file or folder at `path`; "unknown" if it cannot be found out. May block on a network. */
bp__filesystem bp__filesystem_at(const char *path);

#endif
