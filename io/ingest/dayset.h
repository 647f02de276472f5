/** @file io/ingest/dayset.h
 * A set of days, a bit for each between the first and the last. One thread.
 */
#ifndef BP_IO_INGEST_DAYSET_H
#define BP_IO_INGEST_DAYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__dayset { /* zeroed: empty */
    int64_t first;          /**< day of the first bit, a multiple of 64 */
    uint64_t *bits;
    size_t words;
} bp__dayset;

void bp__dayset_fini(bp__dayset *set);

/** @param[in] day  ns since the epoch, a midnight. @retval BP_ENOMEM */
bp_status bp__dayset_add(bp__dayset *set, int64_t day);
bp_status bp__dayset_merge(bp__dayset *into, const bp__dayset *from);
bool bp__dayset_has(const bp__dayset *set, int64_t day);

/** Widen a span to all days of the set. @param[in,out] first, last  BP_TIME_MISSING: it is empty */
void bp__dayset_span(const bp__dayset *set, int64_t *first, int64_t *last);

/** The first day of the set that is at or after `*day`. @return false: there is none */
bool bp__dayset_next(const bp__dayset *set, int64_t *day);

#endif
