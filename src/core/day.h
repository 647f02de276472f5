/** @file src/core/day.h
 * Days and times as text, and back. All times are int64 ns since the epoch, UTC, in the proleptic Gregorian
 * calendar. Pure; any thread.
 */
#ifndef BP_CORE_DAY_H
#define BP_CORE_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/status.h"

/** The midnight at or before a time; the first one that there is, of times before it. */
int64_t bp__day_of(int64_t ns);

/** Days from 1970-01-01 to a date; negative before it. @param[in] month, day  from 1; must be a date */
int64_t bp__days_from_civil(int year, int month, int day);

/** Whether there is such a date: no 30 February. */
bool bp__is_date(int year, int month, int day);

/** "2010-01-04"; "-" for BP_TIME_MISSING. @return `text` */
const char *bp__day_text(int64_t ns, char text[32]);

/** The same, with " HH:MM" unless the time is a midnight. @return `text` */
const char *bp__time_text(int64_t ns, char text[32]);

/** "2010-01-04T00:00:00". @return `text` */
const char *bp__iso_text(int64_t ns, char text[32]);

/** Read a day that is written as YYYY-MM-DD and nothing else.
 *  @retval BP_EINVAL  it is not one, there is no such day, or it is out of range; the error says which */
bp_status bp__day_from(const char *text, int64_t *ns);

#endif
