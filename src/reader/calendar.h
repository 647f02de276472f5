/** @file src/reader/calendar.h
 * Sessions, their hours, and the minutes in them.
 */
#ifndef BP_READER_CALENDAR_H
#define BP_READER_CALENDAR_H

#include "reader/reader.h"

#define BP__MINUTE_NS (INT64_C(60) * 1000000000)

/** The minute at or before a time, which is a minute or more above INT64_MIN. */
static inline int64_t bp__minute_of(int64_t time)
{
    const int64_t past = time % BP__MINUTE_NS;
    return time - (past < 0 ? past + BP__MINUTE_NS : past);
}

/** Whether a time is a minute of a session. Hours are known. */
bool bp__reader_is_market_minute(const bp_reader *reader, int64_t minute);

#endif
