/** @file io/ingest/each.h
 * A list of work done by several threads.
 */
#ifndef BP_IO_INGEST_EACH_H
#define BP_IO_INGEST_EACH_H

#include <stddef.h>

#include "core/status.h"

/** Call work(context, i) for each i from 0 to n-1, in that order but side by side. After a failure no further
 *  one is begun.
 *
 * @param[in] threads  0: as many as there are processors
 * @return the failure of the smallest i, with its text: the same however many threads there are
 */
bp_status bp__each(unsigned threads, size_t n, bp_status (*work)(void *context, size_t i), void *context);

#endif
