/* Minute bars: each for itself, within the hours of the calendar, and beside the daily bar of their session. */
#include <math.h>

#include "core/search.h"
#include "reader/audit_columns.h"
#include "reader/audit_market.h"

#define NS_PER_MINUTE INT64_C(60000000000)
#define HAIR          1e-9 /* what arithmetic may add to equal prices */

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
    bool sure; /* that they are of it */
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
    some partial, alone, order, outside, seconds, weekend, unlisted;
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

static void compare(minutes *m, const whole *w)
{
    static const char *const name[] = {"high", "low", "close"};
    const size_t d = bp_bundle_num_sessions(m->bundle);
    const size_t t = bp__first_from(bp_bundle_sessions(m->bundle), d, w->session);
    if (!m->daily) return;
    if (t == d || bp_bundle_sessions(m->bundle)[t] != w->session) {
        count(&m->unlisted, w->session);
        return;
    }
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
    if (w->session == BP_TIME_MISSING || !w->sure) return;
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
        {BP__FOUND_MINUTE_SESSION, 1, "days with minute bars that are no sessions of the daily ones"},
    };
    const some *found[] = {&m->partial, &m->alone, &m->order, &m->outside, &m->seconds, &m->unlisted};
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
    const size_t bars = (size_t)(offset[m + 1] - offset[m]);
    const bp__audit_day day =
        hours->n == 0 && bars > 0 ? bp__audit_day_of(dt + offset[m], bars) : (bp__audit_day){0};
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
        const bp__audit_place place = bp__audit_place_bar(hours, day, dt[i], &session);
        if (place == BP__OUTSIDE) {
            count(&x.outside, dt[i]);
            continue; /* before or after hours: no part of the daily bar */
        }
        if (session != w.session) {
            end_session(&x, &w);
            w = (whole){session, place == BP__WITHIN, NAN, NAN, NAN};
        }
        w.high = fmax(w.high, price[1]);
        w.low = fmin(w.low, price[2]);
        if (!isnan(price[3])) w.close = price[3];
    }
    end_session(&x, &w);
    tell(&x, hours);
}
