/** @file src/reader/trades.h
 * Which bars have a volume: a bit for each, and for each word of bits the last one before it that is not
 * empty. So the last trade before any bar is found in two steps, however long nothing was traded.
 */
#ifndef BP_READER_TRADES_H
#define BP_READER_TRADES_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__trades bp__trades;

/** An index that is built by the first who asks. @param[out] trades  owned: bp__trades_destroy()
 *  @retval BP_ENOMEM, BP_ESYS */
bp_status bp__trades_create(bp__trades **trades);
void bp__trades_destroy(bp__trades **trades);

/** The last bar with a volume in low … end-1, SIZE_MAX if there is none.
 *
 * @param[in] name    of the volumes, for errors
 * @param[in] volume  [n] the same at every call
 * @retval BP_ENOMEM, BP_ERANGE  nothing was built; the next call tries again
 */
bp_status bp__trades_last(bp__trades *trades, const char *name, const double *volume, size_t n, size_t low,
                          size_t end, size_t *found);

#endif
