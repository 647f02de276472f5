#include "reader/calendar.h"

#include "core/day.h"
#include "core/status.h"

/* The session whose hours a time is in: after the open, up to the close. Hours are known. */
static bool session_around(const bp__calendar *c, int64_t time, size_t *at)
{
    const size_t below = bp__sorted_below(&c->opens, time);
    if (below == 0 || time > c->close[below - 1]) return false;
    *at = below - 1;
    return true;
}

bool bp__reader_is_market_minute(const bp_reader *r, int64_t minute)
{
    size_t at;
    return minute % BP__MINUTE_NS == 0 && session_around(&r->calendar, minute, &at);
}

bp_status bp_reader_session_hours(const bp_reader *reader, int64_t session, int64_t *open, int64_t *close)
{
    const bp__calendar *c = &reader->calendar;
    size_t at = 0;
    char text[32];
    if (!bp__sorted_find(&c->session, session, &at))
        BP_FAIL(BP_ENODATA_ON, "%s: %s is no session of the calendar", bp__reader_name(reader),
                bp__time_text(session, text));
    *open = c->open[at];
    *close = c->close[at];
    return BP_OK;
}

bp_status bp_reader_session_of(const bp_reader *reader, int64_t minute, int64_t *session)
{
    const bp__calendar *c = &reader->calendar;
    size_t at = 0;
    char text[32];
    if (!c->has_hours || !session_around(c, minute, &at))
        BP_FAIL(BP_ENODATA_ON, "%s: %s is in no session%s", bp__reader_name(reader),
                bp__time_text(minute, text), c->has_hours ? "" : ": the bundle's calendar has no hours");
    *session = c->session.at[at];
    return BP_OK;
}

/* The session of a bar; outside of the hours, the UTC day. */
static int64_t session_of_bar(const bp_reader *r, int64_t time)
{
    size_t at;
    if (time == BP_TIME_MISSING) return BP_TIME_MISSING;
    if (r->calendar.has_hours && session_around(&r->calendar, time, &at)) return r->calendar.session.at[at];
    return bp__day_of(time);
}

int64_t bp_reader_minute_first_session(const bp_reader *reader)
{
    return session_of_bar(reader, reader->minute.first);
}

int64_t bp_reader_minute_last_session(const bp_reader *reader)
{
    return session_of_bar(reader, reader->minute.last);
}

int64_t bp_reader_minute_last_available(const bp_reader *reader)
{
    const int64_t last = reader->minute.last;
    size_t at;
    if (last != BP_TIME_MISSING && reader->calendar.has_hours && session_around(&reader->calendar, last, &at))
        return reader->calendar.close[at];
    return last;
}
