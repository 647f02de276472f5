/** @file io/ingest/zone.h
 * Time zones, from the zone database of the system (TZif files): local times and UTC, with every change of
 * summer time.
 *
 * The database is in $TZDIR, or /usr/share/zoneinfo. A zone does not change once it is loaded: any thread.
 * The process's own TZ is neither used nor changed.
 */
#ifndef BP_IO_INGEST_ZONE_H
#define BP_IO_INGEST_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__zone bp__zone;

/** A time span during which the offset is the same: at UTC seconds from <= t < to. */
typedef struct bp__zone_span {
    int64_t from, to;
    int32_t offset; /**< seconds east of UTC */
} bp__zone_span;

/** @param[in]  name  "UTC", "America/New_York", …
 *  @retval BP_EINVAL     no such zone, or not the name of one
 *  @retval BP_ENOTFOUND  there is no zone database: the text says what to install
 *  @retval BP_EFORMAT    its file is damaged
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__zone_load(const char *name, bp__zone **zone);
void bp__zone_free(bp__zone **zone);

const char *bp__zone_name(const bp__zone *zone);

/** The span that a time is in. @param[in] t  seconds since the epoch, UTC; zone  NULL: UTC */
bp__zone_span bp__zone_at(const bp__zone *zone, int64_t t);

/** The day there (a midnight, UTC) of a time. @param[in] ns  since the epoch, UTC; zone  NULL: UTC */
int64_t bp__zone_day(const bp__zone *zone, int64_t ns);

/** UTC seconds of a local time, earlier one first.
 *  @return how many there are: 0 when clocks are put forward over it, 2 when they are put back to it */
int bp__zone_to_utc(const bp__zone *zone, int64_t local, int64_t utc[2]);

#endif
