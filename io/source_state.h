/** @file io/source_state.h
 * Whether what a bundle was made from has changed since: looked at, not read.
 *
 * The state of a source is how many files it has, the newest time of modification among them, and a stamp of
 * the name, the size and the time of each: so a file that was replaced by an older one, as `cp -p` or a backup
 * does, counts as well. Hidden files do not count, nor does *.h5 below a folder: people have bundles beside
 * what these are made from. The state is taken before the source is read and kept in the bundle's origin, so
 * that whatever changes meanwhile counts as newer. A file that was changed and has its old size and time is not
 * noticed.
 */
#ifndef BP_IO_SOURCE_STATE_H
#define BP_IO_SOURCE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "io/origin.h"

/** More files than that are not looked at: their number is then this one, which says so. */
#define BP__SOURCE_FILES_MOST 200000

typedef struct bp__source_seen {
    int64_t time;   /**< newest modification, ns; BP_TIME_MISSING where there is no file */
    uint64_t files; /**< how many there are */
    uint64_t stamp; /**< below 2^63; does not depend on the order in which a folder is read */
} bp__source_seen;

/** Look at a file, or at every file below a folder. Links are not followed, but for `path` itself.
 *
 * @retval BP_ENOTFOUND  nothing there
 * @retval BP_EIO        it cannot be looked at; the text names what
 */
bp_status bp__source_look(const char *path, bp__source_seen *seen);

typedef enum bp__source_state {
    BP__SOURCE_UNKNOWN, /**< the bundle does not tell where it comes from, or there are too many files to look
                             at */
    BP__SOURCE_SAME,
    BP__SOURCE_NEWER,
    BP__SOURCE_GONE, /**< it is not there any more, or cannot be looked at */
} bp__source_state;

/** How the source of a bundle is now. */
bp__source_state bp__source_compare(const bp__origin *origin);

/** In words, such as "the source /data/csv has changed since: run 'bundle sync NAME'".
 *  @return false if there is nothing to say: the same, or not known */
bool bp__source_note(const bp__origin *origin, const char *bundle, char *text, size_t size);

#endif
