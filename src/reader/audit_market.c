/* What shows only beside the other assets.
 *
 * DESIGN. The calendar of a bundle is taken from its bars, for a file's calendar may be missing or made up. An asset that
 * regularly trades on weekends is expected in all sessions of its life, any other in those that are no weekend. So a
 * bundle of shares and crypto-currencies has neither holes nor sessions in which few assets trade; it is told once that
 * it is mixed. Sessions far from most others in time are strays, a date that was mistyped, or an epoch, if an asset
 * trades in them that trades elsewhere, too. One that has all of its bars there may well have lived then.
 */
#include "reader/audit_market.h"

#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/day.h"

#define REGULAR_BARS   3  /* on weekends, of an asset that trades then, */
#define REGULAR_SHARE  10 /* and one of so many of its bars at least */
#define STRAY_SESSIONS 5  /* so many at most, or a 20th of the others, lie apart */
#define USUAL_SESSIONS 4  /* from fewer no usual distance can be told */
#define APART_DAYS     10
#define APART_GAPS     8 /* usual gaps */
#define FEED_SESSIONS  5 /* an asset that ends so shortly before the bundle has hardly been delisted */
#define FEWEST_ASSETS  3 /* of which one can be few */

typedef struct market {
    const bp__audit_thresholds *thresholds;
    bp__findings *findings;
    const int64_t *day;
    size_t days, n;
    const bp__audit_asset *asset;
    bool *regular;            /* [n] it trades on weekends */
    bool *weekend;            /* [days] */
    size_t *trading, *alive;  /* [days] assets with a price; those of which one is expected */
    size_t *weekend_sessions; /* [n] in which the asset trades */
    size_t begin, end;        /* sessions but for strays */
} market;

#define TELL(m, kind, date, size, weight, ...)                                                               \
    bp__findings_add((m)->findings, BP__FOUND_##kind, BP__NO_SID, "", (date), (size), (weight), __VA_ARGS__)
#define TELL_ASSET(m, a, kind, date, size, weight, ...)                                                      \
    bp__findings_add((m)->findings, BP__FOUND_##kind, (a)->sid, (a)->symbol, (date), (size), (weight),       \
                     __VA_ARGS__)

bool bp__audit_is_weekend(int64_t day)
{
    const int64_t weekday =
        (bp__day_of(day) / BP_NS_PER_DAY % 7 + 10) % 7; /* 0: Monday; 1970-01-01 was a Thursday */
    return weekday >= 5;
}

/* Divided first: the whole range of times has more nanoseconds than fit. */
static int64_t days_since(int64_t before, int64_t day)
{
    return day / BP_NS_PER_DAY - before / BP_NS_PER_DAY;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static bool expected(const market *m, size_t i, size_t t)
{
    const bp__audit_asset *a = &m->asset[i];
    return t >= a->first && t <= a->last && (m->regular[i] || !m->weekend[t]);
}

static void count(market *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const bp__audit_asset *a = &m->asset[i];
        for (size_t t = a->first; t <= a->last; t++)
            m->weekend_sessions[i] += m->weekend[t] && bp__audit_present(a, t);
        m->regular[i] =
            m->weekend_sessions[i] >= REGULAR_BARS && m->weekend_sessions[i] * REGULAR_SHARE >= a->bars;
        for (size_t t = a->first; t <= a->last; t++) {
            m->trading[t] += bp__audit_present(a, t);
            m->alive[t] += expected(m, i, t);
        }
    }
}

/* The one asset that trades in a session, or "". */
static const char *only_one(const market *m, size_t t)
{
    for (size_t i = 0; m->trading[t] == 1 && i < m->n; i++)
        if (t >= m->asset[i].first && t <= m->asset[i].last && bp__audit_present(&m->asset[i], t))
            return m->asset[i].symbol;
    return "";
}

/* Sessions ----------------------------------------------------------------------------------------- */

static int by_length(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The gap between two sessions from which on they lie apart. */
static bp_status find_apart(const market *m, int64_t *apart)
{
    *apart = INT64_MAX;
    if (m->days < 2) return BP_OK;
    int64_t *gap = malloc((m->days - 1) * sizeof *gap);
    if (!gap) return BP_ENOMEM;
    for (size_t t = 1; t < m->days; t++) gap[t - 1] = days_since(m->day[t - 1], m->day[t]);
    qsort(gap, m->days - 1, sizeof *gap, by_length);
    const int64_t usual = APART_GAPS * gap[(m->days - 2) / 2];
    *apart = usual > APART_DAYS ? usual : APART_DAYS;
    free(gap);
    return BP_OK;
}

static size_t end_of_part(const market *m, size_t t, int64_t apart)
{
    do t++;
    while (t < m->days && days_since(m->day[t - 1], m->day[t]) <= apart);
    return t;
}

/* Whether an asset that trades in a part trades outside of it. Sessions without any price are nobody's. */
static bool stretches(const market *m, size_t begin, size_t end)
{
    bool any = false;
    for (size_t i = 0; i < m->n; i++) {
        const bp__audit_asset *a = &m->asset[i];
        for (size_t t = begin; t < end && t <= a->last; t++) {
            if (t < a->first || !bp__audit_present(a, t)) continue;
            if (a->first < begin || a->last >= end) return true;
            any = true;
        }
    }
    return !any;
}

static void tell_stray(const market *m, size_t t)
{
    if (m->day[t] == BP_TIME_MISSING) return; /* told as what it is */
    const char *one = only_one(m, t);
    TELL(m, STRAY_SESSION, m->day[t], (double)m->trading[t], 20,
         "a session far from all others, in which %zu of %zu assets trade%s%s: a mistyped date?",
         m->trading[t], m->n, *one ? ": " : "", one);
}

/* Parts of the time that lie apart: the largest is what the bundle is about. */
static bp_status check_parts(market *m)
{
    int64_t apart;
    m->begin = 0;
    m->end = 0;
    BP_TRY(find_apart(m, &apart));
    for (size_t t = 0, end; t < m->days; t = end) {
        end = end_of_part(m, t, apart);
        if (end - t > m->end - m->begin) {
            m->begin = t;
            m->end = end;
        }
    }
    const size_t largest = m->end - m->begin;
    const bool usual = largest >= USUAL_SESSIONS;
    size_t begin = m->days, stop = 0;
    for (size_t t = 0, end; t < m->days; t = end) {
        end = end_of_part(m, t, apart);
        const bool few = end - t <= STRAY_SESSIONS || (end - t) * 20 <= largest;
        if (t != m->begin && usual && few && (end - t) * 2 <= largest && stretches(m, t, end)) {
            for (size_t s = t; s < end; s++) tell_stray(m, s);
            continue;
        }
        if (stop > 0) {
            const int64_t days = days_since(m->day[stop - 1], m->day[t]);
            char last[32];
            TELL(m, CALENDAR_GAP, m->day[t], (double)days, 2, "no session in the %lld days since %s",
                 (long long)days, bp__day_text(m->day[stop - 1], last));
        }
        if (begin == m->days) begin = t;
        stop = end;
    }
    m->begin = begin;
    m->end = stop;
    return BP_OK;
}

static void check_sessions(const market *m)
{
    for (size_t t = 0; t < m->days; t++) {
        const size_t trading = m->trading[t], alive = m->alive[t];
        if (trading == 0) {
            TELL(m, BLANK_SESSION, m->day[t], 1, 1, "a session in which no asset has a price");
            continue;
        }
        const bool few = trading == 1 || (double)trading * 100 < (double)alive * m->thresholds->few;
        if (t < m->begin || t >= m->end || alive < FEWEST_ASSETS || !few) continue;
        const char *one = only_one(m, t);
        TELL(m, FEW_ASSETS, m->day[t], (double)trading, 2, "%zu of %zu assets trade%s%s%s", trading, alive,
             trading == 1 ? "s" : "", *one ? ": " : "", one);
    }
}

/* Assets ------------------------------------------------------------------------------------------- */

static void check_ends(const market *m, size_t i)
{
    const bp__audit_asset *a = &m->asset[i];
    const size_t late = a->first, early = m->days - 1 - a->last;
    if (late > 0)
        TELL_ASSET(m, a, BEGINS_LATE, m->day[a->first], (double)late, 0.1,
                   "begins %zu session%s after the bundle", late, plural(late));
    if (early > 0)
        TELL_ASSET(m, a, ENDS_EARLY, m->day[a->last], (double)early, early <= FEED_SESSIONS ? 3 : 0.2,
                   "ends %zu session%s before the bundle: taken as delisted", early, plural(early));
}

/* Where at least half of those that could trade do so, the others have a hole. */
static void check_holes(const market *m, size_t i)
{
    const bp__audit_asset *a = &m->asset[i];
    size_t missing = 0, holes = 0, longest = 0, longest_at = 0, run = 0;
    for (size_t t = a->first; t <= a->last; t++) {
        if (!expected(m, i, t) || m->trading[t] * 2 < m->alive[t]) continue;
        if (bp__audit_present(a, t)) {
            run = 0;
            continue;
        }
        missing++;
        if (run++ == 0) holes++;
        if (run > longest) {
            longest = run;
            longest_at = t + 1;
        }
    }
    if (missing == 0) return;
    /* the session at which the longest one begins */
    size_t begin = longest_at - 1;
    while (begin > a->first && !bp__audit_present(a, begin - 1)) begin--;
    const double part = (double)missing / (double)(missing + a->bars);
    TELL_ASSET(m, a, HOLE, m->day[begin], (double)missing, part < 0.1 ? 0.5 + 30 * part : 3.5,
               "%zu session%s missing, in %zu hole%s; the longest, of %zu session%s, begins here", missing,
               plural(missing), holes, plural(holes), longest, plural(longest));
}

/* Bars on weekends of an asset that has hardly any. */
static void check_weekends(const market *m, size_t i)
{
    const bp__audit_asset *a = &m->asset[i];
    if (m->regular[i] || m->weekend_sessions[i] == 0) return;
    size_t first = a->first, alone = 0;
    while (!bp__audit_present(a, first) || !m->weekend[first]) first++;
    for (size_t t = first; t <= a->last; t++)
        if (bp__audit_present(a, t) && m->weekend[t]) alone += m->trading[t] * 2 < m->n;
    TELL_ASSET(m, a, WEEKEND, m->day[first], (double)m->weekend_sessions[i], alone > 0 ? 2 : 1,
               "%zu of its %zu sessions %s on a weekend; this is the first", m->weekend_sessions[i], a->bars,
               m->weekend_sessions[i] == 1 ? "is" : "are");
}

static void check_mixture(const market *m)
{
    size_t regular = 0, one = 0, first = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (!m->regular[i]) continue;
        if (regular++ == 0) one = i;
    }
    if (regular == 0 || regular == m->n) return;
    while (!bp__audit_present(&m->asset[one], first) || !m->weekend[first]) first++;
    TELL(
        m, MIXED_CALENDARS, m->day[first], (double)regular, 2,
        "%zu of %zu assets trade%s on weekends (%s%s): a search over all of them has sessions in which the others stand "
        "still",
        regular, m->n, regular == 1 ? "s" : "", m->asset[one].symbol, regular > 1 ? ", ..." : "");
}

static bp_status allocate(market *m)
{
    m->regular = calloc(m->n + 1, sizeof *m->regular);
    m->weekend_sessions = calloc(m->n + 1, sizeof *m->weekend_sessions);
    m->weekend = calloc(m->days + 1, sizeof *m->weekend);
    m->trading = calloc(m->days + 1, sizeof *m->trading);
    m->alive = calloc(m->days + 1, sizeof *m->alive);
    if (!m->regular || !m->weekend_sessions || !m->weekend || !m->trading || !m->alive) return BP_ENOMEM;
    for (size_t t = 0; t < m->days; t++) m->weekend[t] = bp__audit_is_weekend(m->day[t]);
    return BP_OK;
}

bp_status bp__audit_market(const bp__audit_thresholds *thresholds, bp__findings *findings, const int64_t *day,
                           size_t days, const bp__audit_asset *asset, size_t n)
{
    market m = {
        .thresholds = thresholds, .findings = findings, .day = day, .days = days, .asset = asset, .n = n};
    bp_status s = allocate(&m);
    if (s == BP_OK) count(&m);
    if (s == BP_OK) s = check_parts(&m);
    if (s == BP_OK) {
        check_sessions(&m);
        check_mixture(&m);
        for (size_t i = 0; i < n; i++) {
            check_ends(&m, i);
            check_holes(&m, i);
            check_weekends(&m, i);
        }
    }
    free(m.regular);
    free(m.weekend_sessions);
    free(m.weekend);
    free(m.trading);
    free(m.alive);
    if (bp__failed(s)) BP_FAIL(s, "no memory to compare %zu assets in %zu sessions", n, days);
    return BP_OK;
}
