/** @file io/source_state.h
 * Whether what a bundle was made from has changed since: looked at, not read.
 *
 * The state of a source is the newest time of modification among its files and how many files there are.
 * Hidden files do not count, nor does *.h5 below a folder: people have bundles beside what these are made
 * from. The state is taken before the source is read and kept as the time and the files of the bundle's
 * origin, so that whatever changes meanwhile counts as newer. A file that is replaced by an older one of the
 * same name is not noticed.
 */
#ifndef BP_IO_SOURCE_STATE_H
#define BP_IO_SOURCE_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "io/origin.h"

/** More files than that are not looked at: their number is then this one, which says so. */
#define BP__SOURCE_FILES_MOST 200000

/** Look at a file, or at every file below a folder. Links are not followed, but for `path` itself.
 *
 * @param[out] time   ns; BP_TIME_MISSING where there is no file
 * @retval BP_ENOTFOUND  nothing there
 * @retval BP_EIO        it cannot be looked at; the text names what
 */
bp_status bp__source_look(const char *path, int64_t *time, uint64_t *files);

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
