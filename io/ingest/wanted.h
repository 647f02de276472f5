/** @file io/ingest/wanted.h
 * `--symbols`: the assets that are asked for, as names with commas between them. Blanks around a name do not count.
 *
 * A name that the source does not have is no defect of the source but a slip of who typed it, as with the options of
 * the optimizer: wrong usage, of which nothing is made. One thread.
 */
#ifndef BP_IO_INGEST_WANTED_H
#define BP_IO_INGEST_WANTED_H

#include <stdbool.h>

#include "core/status.h"

/** Whether the list names a symbol. @param[in] list  NULL: it names all */
bool bp__wanted_has(const char *list, const char *symbol);

/** Whether a source has a symbol. */
typedef bool bp__wanted_have(const void *source, const char *symbol);

/** @param[in] path  how errors name the source
 *  @retval BP_EINVAL  the text tells all names that it does not have, or as many as fit
 *  @retval BP_ENOMEM */
bp_status bp__wanted_check(const char *list, const char *path, bp__wanted_have *have, const void *source);

#endif
