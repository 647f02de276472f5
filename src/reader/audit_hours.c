#include "reader/audit_hours.h"

#include <stdlib.h>

#include "core/day.h"
#include "core/search.h"
#include "reader/audit_columns.h"

#define NS_PER_MINUTE   INT64_C(60000000000)
#define MINUTES_PER_DAY 1440
#define PAUSE_MINUTES   360 /* so long no bar at all: a market that rests, and no lack of trades */
#define HALF_DAY        (BP_NS_PER_DAY / 2)

static bool is_whole(int64_t open, int64_t close)
{
    return open != BP_TIME_MISSING && close != BP_TIME_MISSING;
}

bp_status bp__audit_hours_init(const bp_bundle *bundle, bp__audit_hours *hours)
{
    size_t n, opens, closes;
    const int64_t *session = bp__audit_column(bundle, BP_COL_SESSION, &n);
    const int64_t *open = bp__audit_column(bundle, BP_COL_MARKET_OPEN, &opens);
    const int64_t *close = bp__audit_column(bundle, BP_COL_MARKET_CLOSE, &closes);
    *hours = (bp__audit_hours){0};
    if (n == 0 || opens != n || closes != n) return BP_OK;
    int64_t *all = calloc(3 * n, sizeof *all);
    if (!all) BP_FAIL(BP_ENOMEM, "no memory for a calendar of %zu sessions", n);
    *hours = (bp__audit_hours){.session = all,
                               .open = all + n,
                               .close = all + 2 * n,
                               .listed = session,
                               .open_of = open,
                               .close_of = close,
                               .num_sessions = n};
    for (size_t i = 0; i < n; i++) {
        if (!is_whole(open[i], close[i]) || close[i] < open[i]) continue;
        if (hours->n > 0 && close[i] < hours->close[hours->n - 1]) continue; /* no calendar goes backwards */
        hours->session[hours->n] = session[i];
        hours->open[hours->n] = open[i];
        hours->close[hours->n++] = close[i];
    }
    return BP_OK;
}

void bp__audit_hours_fini(bp__audit_hours *hours)
{
    free(hours->session);
    *hours = (bp__audit_hours){0};
}

bp__audit_day bp__audit_day_of(const int64_t *dt, size_t n)
{
    bool busy[MINUTES_PER_DAY] = {false};
    size_t run = 0, longest = 0, end = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t minute = dt[i] / NS_PER_MINUTE % MINUTES_PER_DAY;
        busy[minute < 0 ? minute + MINUTES_PER_DAY : minute] = true;
    }
    for (size_t k = 0; n > 0 && k < 2 * MINUTES_PER_DAY; k++) { /* a pause may go over midnight */
        run = busy[k % MINUTES_PER_DAY] ? 0 : run + 1;
        if (run <= longest) continue;
        longest = run;
        end = k + 1;
    }
    const size_t middle = (end + (MINUTES_PER_DAY - longest) / 2) % MINUTES_PER_DAY;
    return (bp__audit_day){longest >= PAUSE_MINUTES, (int64_t)middle * NS_PER_MINUTE};
}

/* The day on which a session has its middle, as near as can be to a time. */
static int64_t nearest_day(int64_t dt, int64_t middle)
{
    int64_t shifted;
    /* a file may hold times at the very ends of what there is */
    return bp__day_of(__builtin_sub_overflow(dt, middle - HALF_DAY, &shifted) ? dt : shifted);
}

/* The middle of a session, after the midnight of its day. */
static int64_t middle_of(const bp__audit_hours *hours, size_t i)
{
    int64_t begin, length;
    const bool odd = __builtin_sub_overflow(hours->open[i], hours->session[i], &begin) ||
                     __builtin_sub_overflow(hours->close[i], hours->open[i], &length);
    /* hours of other days are a defect of the file: then days are those of UTC */
    if (odd || begin < -BP_NS_PER_DAY || begin > BP_NS_PER_DAY || length > BP_NS_PER_DAY) return HALF_DAY;
    return begin + length / 2;
}

bp__audit_place bp__audit_place_bar(const bp__audit_hours *hours, bp__audit_day day, int64_t dt,
                                    int64_t *session)
{
    if (hours->n == 0) {
        *session = nearest_day(dt, day.known ? day.middle : HALF_DAY);
        return day.known ? BP__WITHIN : BP__NOBODY_KNOWS;
    }
    const size_t i = bp__first_from(hours->close, hours->n, dt);
    if (i < hours->n && hours->open[i] <= dt) {
        *session = hours->session[i];
        return BP__WITHIN;
    }
    *session = nearest_day(dt, middle_of(hours, i < hours->n ? i : hours->n - 1));
    const size_t q = bp__first_from(hours->listed, hours->num_sessions, *session);
    const bool unknown = q < hours->num_sessions && hours->listed[q] == *session &&
                         !is_whole(hours->open_of[q], hours->close_of[q]);
    return unknown ? BP__WITHIN : BP__OUTSIDE;
}
