/* Minute bars: each for itself, within the hours of the calendar, and beside the daily bar of their session. */
#include <math.h>
#include <stdlib.h>

#include "core/day.h"
#include "reader/audit_columns.h"
#include "reader/audit_market.h"

#define NS_PER_MINUTE INT64_C(60000000000)
#define HAIR          1e-9 /* what arithmetic may add to equal prices */

/* Hours -------------------------------------------------------------------------------------------- */

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
                               .unknown_of = session,
                               .open_of = open,
                               .num_sessions = n};
    for (size_t i = 0; i < n; i++) {
        if (open[i] == BP_TIME_MISSING || close[i] == BP_TIME_MISSING || close[i] < open[i]) continue;
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

/* First place of an ascending array at or after a time. */
static size_t find(const int64_t *at, size_t n, int64_t time)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (at[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* @param[out] session  that a bar belongs to
 * @return whether it may be there, as far as that is known */
static bool within(const bp__audit_hours *hours, int64_t dt, int64_t *session)
{
    const int64_t day = bp__day_of(dt);
    *session = day;
    if (hours->n == 0) return true;
    const size_t i = find(hours->close, hours->n, dt);
    if (i < hours->n && hours->open[i] <= dt) {
        *session = hours->session[i];
        return true;
    }
    const size_t q = find(hours->unknown_of, hours->num_sessions, day);
    return q < hours->num_sessions && hours->unknown_of[q] == day && hours->open_of[q] == BP_TIME_MISSING;
}

/* Bars --------------------------------------------------------------------------------------------- */

typedef struct some {
    size_t bars;
    int64_t first;
} some;

static void count(some *s, int64_t time)
{
    if (s->bars++ == 0) s->first = time;
}

/* The bars of a session together. */
typedef struct whole {
    int64_t session;
    double high, low, close;
} whole;

/* What is looked at of one sid. */
typedef struct minutes {
    const bp_bundle *bundle;
    bp__findings *findings;
    const bp__audit_thresholds *thresholds;
    int64_t sid;
    const char *symbol;
    bool daily;
    size_t row;
    some partial, alone, order, outside, seconds, weekend;
    size_t weekend_sessions, sessions;
} minutes;

#define TELL(m, kind, date, size, weight, ...)                                                               \
    bp__findings_add((m)->findings, BP__FOUND_##kind, (m)->sid, (m)->symbol, (date), (size), (weight),       \
                     __VA_ARGS__)

/* Comparisons with NaN are false: what is missing is in no wrong place. */
static void check_range(const minutes *m, const double *price, int64_t dt)
{
    const double open = price[0], high = price[1], low = price[2], close = price[3];
    const double most = fmax(open, close), least = fmin(open, close), up = 1 + HAIR;
    double off = 0;
    if (low > high * up) off = low / high - 1;
    if (most > high * up) off = fmax(off, most / high - 1);
    if (low > least * up) off = fmax(off, low / least - 1);
    if (off > 0)
        TELL(m, MINUTE_RANGE, dt, 100 * off, 100 * off,
             "the open, %.6g, or the close, %.6g, of a minute is not within low and high, %.6g to %.6g", open,
             close, low, high);
}

static void compare(const minutes *m, const whole *w)
{
    static const char *const name[] = {"high", "low", "close"};
    const size_t d = bp_bundle_num_sessions(m->bundle);
    const size_t t = find(bp_bundle_sessions(m->bundle), d, w->session);
    if (!m->daily || t == d || bp_bundle_sessions(m->bundle)[t] != w->session) return;
    const double value[] = {w->high, w->low, w->close};
    double worst = 0, there = 0, here = 0;
    int which = 0;
    for (int k = 0; k < 3; k++) {
        const double daily = bp_bundle_daily(m->bundle, (bp_column)(BP_COL_HIGH + k))[m->row * d + t];
        if (!bp__audit_priced(daily) || !bp__audit_priced(value[k])) continue;
        /* minutes may be missing: then their range is the smaller one */
        double off = value[k] / daily - 1;
        if ((k == 0 && off < 0) || (k == 1 && off > 0)) off = 0;
        if (fabs(off) <= fabs(worst)) continue;
        worst = off;
        which = k;
        there = daily;
        here = value[k];
    }
    const double size = 100 * worst;
    if (fabs(size) > m->thresholds->minutes)
        TELL(m, MINUTE_DAILY, w->session, size, fabs(size),
             "the %s of its minutes is %.6g, that of its day %.6g", name[which], here, there);
}

static void end_session(minutes *m, const whole *w)
{
    if (w->session == BP_TIME_MISSING) return;
    m->sessions++;
    if (bp__audit_is_weekend(w->session)) {
        m->weekend_sessions++;
        count(&m->weekend, w->session);
    }
    compare(m, w);
}

static void tell(const minutes *m, const bp__audit_hours *hours)
{
    static const struct {
        bp__finding_kind kind;
        double weight;
        const char *text;
    } kinds[] = {
        {BP__FOUND_MINUTE_PARTIAL, 1, "minute bars with some prices missing"},
        {BP__FOUND_MINUTE_VOLUME, 0.5, "minute bars with a volume but no price"},
        {BP__FOUND_MINUTE_ORDER, 10, "minute bars that are not later than the one before"},
        {BP__FOUND_MINUTE_HOURS, 3, "minute bars outside of the calendar's hours"},
        {BP__FOUND_MINUTE_SECONDS, 1, "minute bars that are not at a whole minute"},
    };
    const some *found[] = {&m->partial, &m->alone, &m->order, &m->outside, &m->seconds};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (found[k]->bars > 0)
            bp__findings_add(m->findings, kinds[k].kind, m->sid, m->symbol, found[k]->first,
                             (double)found[k]->bars, kinds[k].weight, "%zu %s; this is the first",
                             found[k]->bars, kinds[k].text);
    const bool regular = m->weekend_sessions >= 3 && m->weekend_sessions * 10 >= m->sessions;
    if (m->weekend_sessions > 0 && !regular && hours->n == 0) /* else the calendar knows better */
        TELL(m, WEEKEND, m->weekend.first, (double)m->weekend_sessions, 1,
             "%zu of its %zu days with minute bars %s on a weekend; this is the first", m->weekend_sessions,
             m->sessions, m->weekend_sessions == 1 ? "is" : "are");
}

void bp__audit_minutes(const bp_bundle *bundle, const bp__audit_hours *hours,
                       const bp__audit_thresholds *thresholds, size_t m, bp__findings *findings)
{
    const int64_t *sid = bp__audit_column(bundle, BP_COL_MINUTE_SID, NULL);
    const int64_t *offset = bp__audit_column(bundle, BP_COL_MINUTE_OFFSET, NULL);
    const int64_t *dt = bp__audit_column(bundle, BP_COL_MINUTE_DT, NULL);
    const double *value[5];
    minutes x = {.bundle = bundle,
                 .findings = findings,
                 .thresholds = thresholds,
                 .sid = sid[m],
                 .symbol = bp__audit_symbol(bundle, sid[m])};
    whole w = {.session = BP_TIME_MISSING};
    x.daily = bp_bundle_row(bundle, sid[m], &x.row) == BP_OK;
    for (int k = 0; k < 5; k++)
        value[k] = bp__audit_column(bundle, (bp_column)(BP_COL_MINUTE_OPEN + k), NULL);
    for (int64_t i = offset[m]; i < offset[m + 1]; i++) {
        const double price[] = {value[0][i], value[1][i], value[2][i], value[3][i]};
        const int missing = isnan(price[0]) + isnan(price[1]) + isnan(price[2]) + isnan(price[3]);
        int64_t session;
        if (missing == 4 && value[4][i] > 0) count(&x.alone, dt[i]);
        if (missing > 0 && missing < 4) count(&x.partial, dt[i]);
        check_range(&x, price, dt[i]);
        if (i > offset[m] && dt[i] <= dt[i - 1]) count(&x.order, dt[i]);
        if (dt[i] % NS_PER_MINUTE != 0) count(&x.seconds, dt[i]);
        if (!within(hours, dt[i], &session)) {
            count(&x.outside, dt[i]);
            continue; /* before or after hours: no part of the daily bar */
        }
        if (session != w.session) {
            end_session(&x, &w);
            w = (whole){session, NAN, NAN, NAN};
        }
        w.high = fmax(w.high, price[1]);
        w.low = fmin(w.low, price[2]);
        if (!isnan(price[3])) w.close = price[3];
    }
    end_session(&x, &w);
    tell(&x, hours);
}
