/** @file src/core/replace.h
 * Replaces a file as a whole: a reader sees the old one or the new one, never a part.
 *
 * The bytes go to a hidden temporary file in the same folder and to the disk (fsync), and get their name by
 * a rename; then the folder is synced. A kill in between leaves ".NAME.XXXXXX" behind, nothing else.
 */
#ifndef BP_CORE_REPLACE_H
#define BP_CORE_REPLACE_H

#include <stddef.h>

#include "core/status.h"

/** Make `path` a file with these bytes; its mode follows the umask. Any thread; blocks on the disk.
 *
 * @retval BP_EIO  the folder is missing, the disk is full, ...; the text names the path; the old file is
 *                 untouched and the temporary one is gone */
bp_status bp__replace_file(const char *path, const void *bytes, size_t size);

#endif
