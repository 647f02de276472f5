/** @file src/bundle/newdir.h
 * A folder that appears as a whole, or not at all.
 *
 *  1. bp__newdir_begin() makes a hidden folder, ".NAME.XXXXXX", beside the one that is to be.
 *  2. Whoever makes it creates files through `fd`, and folders of one level, and lists each file in `made`.
 *  3. bp__newdir_commit() brings all of it to the disk and gives it its name; or bp__newdir_abort() removes
 *     it.
 *
 * What is there already is replaced only if it is asked for, and only if everything in it is as we made it
 * (src/bundle/manifest.h): what others made or changed is never removed. A kill leaves the hidden folder behind. Its lock (flock) ends with
 * its process, so that the next begin for the same folder knows it for a left-over, and removes it.
 */
#ifndef BP_BUNDLE_NEWDIR_H
#define BP_BUNDLE_NEWDIR_H

#include <limits.h>
#include <stdbool.h>

#include "bundle/manifest.h"
#include "core/status.h"

/** What belongs into such a folder, by name: all there is to tell what a killed process left. */
typedef struct bp__newdir_kind {
    bool (*is_folder)(const char *name);                   /**< of the folder */
    bool (*is_file)(const char *folder, const char *name); /**< folder: "", or one that is_folder() */
} bp__newdir_kind;

typedef struct bp__newdir {
    const bp__newdir_kind *kind; /**< borrowed */
    char path[PATH_MAX];         /**< of what is to be, absolute */
    const char *name;            /**< the last part of it */
    bool replace;
    int parent, fd;    /**< open folders */
    bp__manifest made; /**< what is in it; bp__newdir_commit() writes it down */
    char tmp[NAME_MAX + 1];
} bp__newdir;

/** @param[in] replace  whether a whole one may be there, to be replaced; an empty folder always may
 *  @retval BP_EIO  there is something that is not to be replaced: the text says what
 *  @retval BP_EIO  the folder around it is missing or cannot be written to
 *  @retval BP_EINVAL  no name of a folder */
bp_status bp__newdir_begin(const char *path, bool replace, const bp__newdir_kind *kind, bp__newdir *dir);

/** Make a folder in it. @param[out] fd  open; the caller's */
bp_status bp__newdir_folder(const bp__newdir *dir, const char *name, int *fd);

/** Blocks on the disk. `dir` is done with, whatever the outcome.
 *  @retval BP_EIO  what was there is untouched, and the hidden folder is gone */
bp_status bp__newdir_commit(bp__newdir *dir);

void bp__newdir_abort(bp__newdir *dir);

#endif
