/** @file io/ingest/calendar.h
 * Trading calendars as far as an ingest needs them: when a day's session opens and closes, in UTC.
 *
 * They know time zones, regular hours and weekdays. The sessions of a bundle are the days on which something
 * traded, so that holidays need not be known; but there are days on which hours are others than the regular
 * ones, and years in which they were: bp__calendar_knows() says of which days they can be stated. A calendar
 * does not change: any thread.
 */
#ifndef BP_IO_INGEST_CALENDAR_H
#define BP_IO_INGEST_CALENDAR_H

#include "io/ingest/zone.h"

typedef struct bp__calendar bp__calendar;

/** @param[in] name  "XNYS", "NYSE", "24/7", … in any case
 *  @retval BP_EINVAL  no such calendar: the text lists them
 *  @retval any        of bp__zone_load() */
bp_status bp__calendar_open(const char *name, bp__calendar **calendar);
void bp__calendar_close(bp__calendar **calendar);

/** "XNYS" for "nyse"; "US", "" where it has no country. */
const char *bp__calendar_name(const bp__calendar *calendar);
const char *bp__calendar_country(const bp__calendar *calendar);

/** The zone whose days its sessions are (bp__zone_day()). */
const bp__zone *bp__calendar_zone(const bp__calendar *calendar);

/** When a session opens and closes, if its hours are the regular ones.
 *  @return false: not on this weekday; *open and *close are BP_TIME_MISSING */
bool bp__calendar_hours(const bp__calendar *calendar, int64_t session, int64_t *open, int64_t *close);

/** Whether the hours are the regular ones, as far as rules tell: not on holidays and half days, nor on days
 *  around holidays that no rule tells, nor before the hours became what they are. */
bool bp__calendar_knows(const bp__calendar *calendar, int64_t session);

#endif
