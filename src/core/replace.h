/** @file src/core/replace.h
 * Replaces a file as a whole: a reader sees the old one or the new one, never a part.
 *
 *  1. bp__replace_begin() makes a hidden temporary file, ".NAME.XXXXXX", in the same folder.
 *  2. Whoever replaces the file writes to `fd`.
 *  3. bp__replace_commit() brings the bytes to the disk (fsync), gives them their name by a rename, and syncs the
 *     folder; or bp__replace_abort() forgets it all.
 *
 * A kill in between leaves the temporary file behind, nothing else. Its lock (flock) ends with the process that held
 * it: so the next replacement of the same file knows it for a left-over, and removes it.
 */
#ifndef BP_CORE_REPLACE_H
#define BP_CORE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct bp__replacement {
    const char *path; /**< borrowed: how errors name the file */
    const char *name; /**< the last part of it */
    int dir, fd;      /**< fd: open for reading and writing; empty at first */
    char tmp[256];
} bp__replacement;

/** Begin to replace `path`; the mode of the new file follows the umask.
 *
 * @param[out] r  on success: to be committed or aborted
 * @retval BP_EIO  the folder is missing or cannot be written, `path` is a folder or a device, ...; names the path */
bp_status bp__replace_begin(const char *path, bp__replacement *r);

/** Make what was written the file. Blocks on the disk. `r` is done with, whatever the outcome.
 *  @retval BP_EIO  no space, ...; the old file is untouched and the temporary one is gone */
bp_status bp__replace_commit(bp__replacement *r);

void bp__replace_abort(bp__replacement *r);

/** From a handler of a signal that ends the process: remove the temporary file of the replacement that is under way, of
 *  the first one where there are several; none is begun any more. Async-signal-safe. @return whether there was one */
bool bp__replace_drop(void);

/** Report that something about a file failed with `err`: for whoever writes to `fd`. @return BP_EIO */
bp_status bp__replace_fail(const char *path, const char *what, int err);

/** Make `path` a file with these bytes. Any thread; blocks on the disk.
 *
 * @retval BP_EIO  as bp__replace_begin() and bp__replace_commit(): the old file is untouched */
bp_status bp__replace_file(const char *path, const void *bytes, size_t size);

#endif
