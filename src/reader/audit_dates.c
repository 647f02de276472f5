/* Sessions, the calendar, lifetimes and the dates of assets: what is no day, contradicts another table, or lies where
 * there is nothing. */
#include <inttypes.h>

#include "core/day.h"
#include "core/search.h"
#include "reader/audit_columns.h"

#define TELL(kind, date, size, weight, ...)                                                                  \
    bp__findings_add(findings, BP__FOUND_##kind, BP__NO_SID, "", (date), (size), (weight), __VA_ARGS__)
#define ABOUT(kind, sid, date, size, weight, ...)                                                            \
    bp__findings_add(findings, BP__FOUND_##kind, (sid), bp__audit_symbol(bundle, (sid)), (date), (size),     \
                     (weight), __VA_ARGS__)

typedef struct some {
    size_t n;
    int64_t first;
} some;

static void count(some *s, int64_t day)
{
    if (s->n++ == 0) s->first = day;
}

/* Sessions ----------------------------------------------------------------------------------------- */

/* Events are dated by midnights: in a session that begins at another time they act a session too late. */
static void check_midnights(bp__findings *findings, const int64_t *day, size_t n, const char *whose)
{
    some odd = {0};
    for (size_t t = 0; t < n; t++) {
        if (day[t] == BP_TIME_MISSING)
            TELL(SESSION_TIME, BP_TIME_MISSING, 1, 20,
                 "session %zu%s is a missing time: its bars are of no day", t, whose);
        else if (day[t] % BP_NS_PER_DAY != 0)
            count(&odd, day[t]);
    }
    if (odd.n > 0)
        TELL(SESSION_TIME, odd.first, (double)odd.n, 10,
             "%zu of %zu sessions%s %s at no midnight, UTC; this is the first", odd.n, n, whose,
             odd.n == 1 ? "is" : "are");
}

/* Calendar ----------------------------------------------------------------------------------------- */

/* Hours of a session reach into the days beside it at most, and no session begins before the one before has ended. */
static const char *wrong_hours(int64_t session, int64_t open, int64_t close, int64_t close_before)
{
    int64_t begin, length;
    if (open == BP_TIME_MISSING && close == BP_TIME_MISSING) return NULL;
    if (open == BP_TIME_MISSING || close == BP_TIME_MISSING) return "has an end or a beginning, not both";
    if (close <= open) return "ends before it begins";
    if (__builtin_sub_overflow(open, session, &begin) || __builtin_sub_overflow(close, open, &length) ||
        begin < -BP_NS_PER_DAY || begin > BP_NS_PER_DAY || length > BP_NS_PER_DAY)
        return "has hours that are of another day";
    return open < close_before ? "begins before the one before has ended" : NULL;
}

static void check_hours(bp__findings *findings, const int64_t *session, const int64_t *open,
                        const int64_t *close, size_t n)
{
    const char *first_reason = NULL;
    some wrong = {0};
    int64_t before = BP_TIME_MISSING;
    for (size_t q = 0; q < n; q++) {
        const char *reason = wrong_hours(session[q], open[q], close[q], before);
        if (close[q] != BP_TIME_MISSING) before = close[q];
        if (!reason) continue;
        if (!first_reason) first_reason = reason;
        count(&wrong, session[q]);
    }
    if (wrong.n > 0)
        TELL(CALENDAR_HOURS, wrong.first, (double)wrong.n, 3,
             "%zu session%s of the calendar with wrong hours; this is the first: it %s", wrong.n,
             wrong.n == 1 ? "" : "s", first_reason);
}

/* Of `n` days from `first` to `last` those that are not among the others. */
static some not_among(const int64_t *day, size_t n, const int64_t *other, size_t num_other, int64_t first,
                      int64_t last)
{
    some missing = {0};
    for (size_t t = bp__first_from(day, n, first); t < n && day[t] <= last; t++) {
        const size_t q = bp__first_from(other, num_other, day[t]);
        if (q == num_other || other[q] != day[t]) count(&missing, day[t]);
    }
    return missing;
}

/* A file without daily bars, or without a calendar, contradicts nothing. */
static void compare_calendar(bp__findings *findings, const int64_t *session, size_t q, const int64_t *day,
                             size_t d)
{
    if (q == 0 || d == 0) return;
    const some unlisted = not_among(day, d, session, q, day[0], day[d - 1]);
    const some without = not_among(session, q, day, d, day[0], day[d - 1]);
    if (unlisted.n > 0)
        TELL(CALENDAR_DAYS, unlisted.first, (double)unlisted.n, 2,
             "%zu of %zu sessions %s not in the calendar; this is the first", unlisted.n, d,
             unlisted.n == 1 ? "is" : "are");
    if (without.n > 0)
        TELL(CALENDAR_DAYS, without.first, (double)without.n, 2,
             "%zu session%s of the calendar, within the daily bars, without any bar; this is the first",
             without.n, without.n == 1 ? "" : "s");
}

static void check_calendar(const bp_bundle *bundle, bp__findings *findings)
{
    size_t q, opens, closes;
    const int64_t *session = bp__audit_column(bundle, BP_COL_SESSION, &q);
    const int64_t *open = bp__audit_column(bundle, BP_COL_MARKET_OPEN, &opens);
    const int64_t *close = bp__audit_column(bundle, BP_COL_MARKET_CLOSE, &closes);
    check_midnights(findings, session, q, " of the calendar");
    if (opens == q && closes == q) check_hours(findings, session, open, close, q);
    compare_calendar(findings, session, q, bp_bundle_sessions(bundle), bp_bundle_num_sessions(bundle));
}

/* Lifetimes ---------------------------------------------------------------------------------------- */

/* Whether there is anything of an asset in a session. */
static bool has_bar(const bp_bundle *bundle, size_t at)
{
    for (int k = 0; k < 5; k++) {
        const double *value = bp_bundle_daily(bundle, (bp_column)(BP_COL_OPEN + k));
        if (value && value[at] > 0) return true;
    }
    return false;
}

/* A search takes an asset as delisted where its lifetime ends, whatever bars follow, and never where it ends nowhere. */
static void check_lifetime(const bp_bundle *bundle, bp__findings *findings, size_t row, int64_t start,
                           int64_t end)
{
    const size_t d = bp_bundle_num_sessions(bundle);
    const int64_t sid = bp_bundle_sids(bundle)[row], *day = bp_bundle_sessions(bundle);
    char text[4][32];
    size_t first = 0, last = d;
    if (start < 0 || end < 0 || (uint64_t)start >= d || (uint64_t)end >= d) {
        ABOUT(LIFETIME, sid, BP_TIME_MISSING, 1, 10,
              "its lifetime is from session %" PRId64 " to %" PRId64
              ", but sessions are counted from 0 to %zu",
              start, end, d - 1);
        return;
    }
    if (end < start) {
        ABOUT(LIFETIME, sid, day[end], (double)(start - end), 10,
              "its lifetime ends in session %" PRId64 ", before it begins, in session %" PRId64, end, start);
        return;
    }
    while (first < d && !has_bar(bundle, row * d + first)) first++;
    if (first == d) return; /* told as an asset without bars */
    while (!has_bar(bundle, row * d + last - 1)) last--;
    if ((size_t)start == first && (size_t)end == last - 1) return;
    const bool cuts = (size_t)start > first || (size_t)end < last - 1;
    ABOUT(LIFETIME_BARS, sid, day[end], (double)((int64_t)last - 1 - end), cuts ? 5 : 1,
          "its lifetime is from %s to %s, but its bars are from %s to %s%s",
          bp__day_text(day[start], text[0]), bp__day_text(day[end], text[1]),
          bp__day_text(day[first], text[2]), bp__day_text(day[last - 1], text[3]),
          (size_t)end < last - 1 ? ": a search takes it as delisted while it trades" : "");
}

static void check_lifetimes(const bp_bundle *bundle, bp__findings *findings)
{
    size_t n, m;
    const int64_t *start = bp__audit_column(bundle, BP_COL_LIFE_START, &n);
    const int64_t *end = bp__audit_column(bundle, BP_COL_LIFE_END, &m);
    if (bp_bundle_num_sessions(bundle) == 0 || !start || !end) return;
    for (size_t i = 0; i < n && i < m && i < bp_bundle_num_assets(bundle); i++)
        check_lifetime(bundle, findings, i, start[i], end[i]);
}

/* Assets ------------------------------------------------------------------------------------------- */

static void check_dates(const bp_bundle *bundle, bp__findings *findings, int64_t sid, const int64_t date[4])
{
    static const char *const name[] = {"start date", "end date", "day of its first trade",
                                       "day of its automatic close"};
    char text[2][32];
    const int64_t end = date[1], traded = date[2], closed = date[3];
    for (int k = 0; k < 4; k++) {
        if (date[k] == BP_TIME_MISSING || date[k] % BP_NS_PER_DAY == 0) continue;
        ABOUT(ASSET_DATE, sid, date[k], 1, 1, "its %s is no midnight, UTC", name[k]);
        break; /* one is enough of each asset */
    }
    if (end == BP_TIME_MISSING) return;
    if (traded != BP_TIME_MISSING && traded > end)
        ABOUT(ASSET_DATE, sid, traded, 1, 1, "its %s, %s, is behind its %s, %s", name[2],
              bp__day_text(traded, text[0]), name[1], bp__day_text(end, text[1]));
    if (closed != BP_TIME_MISSING && closed < end)
        ABOUT(ASSET_DATE, sid, closed, 1, 1, "its %s, %s, is before its %s, %s", name[3],
              bp__day_text(closed, text[0]), name[1], bp__day_text(end, text[1]));
}

static void check_assets(const bp_bundle *bundle, bp__findings *findings)
{
    static const bp_column column[] = {BP_COL_ASSET_START, BP_COL_ASSET_END, BP_COL_ASSET_FIRST_TRADED,
                                       BP_COL_ASSET_AUTO_CLOSE};
    const int64_t *all[4];
    size_t n, rows;
    const int64_t *sid = bp__audit_column(bundle, BP_COL_ASSET_SID, &n);
    for (int k = 0; k < 4; k++) {
        all[k] = bp__audit_column(bundle, column[k], &rows);
        if (rows != n) all[k] = NULL;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t date[4];
        for (int k = 0; k < 4; k++) date[k] = all[k] ? all[k][i] : BP_TIME_MISSING;
        check_dates(bundle, findings, sid[i], date);
        if (sid[i] < 0)
            ABOUT(NEGATIVE_SID, sid[i], BP_TIME_MISSING, 1, 1,
                  "its sid is negative: zipline has no such assets");
    }
}

void bp__audit_dates(const bp_bundle *bundle, bp__findings *findings)
{
    check_midnights(findings, bp_bundle_sessions(bundle), bp_bundle_num_sessions(bundle), "");
    check_calendar(bundle, findings);
    check_lifetimes(bundle, findings);
    check_assets(bundle, findings);
}
