/* The small tables of a bundle: assets, symbols, events. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "reader/audit_columns.h"
#include "reader/audit_owners.h"

const char *bp__audit_symbol(const bp_bundle *bundle, int64_t sid)
{
    size_t row;
    if (bp_bundle_row(bundle, sid, &row) == BP_OK) return bp_bundle_symbol(bundle, row);
    const uint32_t *symbol = bp__audit_column(bundle, BP_COL_ASSET_SYMBOL, NULL);
    return symbol && bp_bundle_asset_row(bundle, sid, &row) == BP_OK ? bp_bundle_text(bundle, symbol[row])
                                                                     : "";
}

#define ABOUT(kind, sid, date, size, weight, ...)                                                            \
    bp__findings_add(findings, BP__FOUND_##kind, (sid), bp__audit_symbol(bundle, (sid)), (date), (size),     \
                     (weight), __VA_ARGS__)

static double days_between(int64_t from, int64_t to)
{
    const int64_t days = to / BP_NS_PER_DAY - from / BP_NS_PER_DAY; /* their difference may not fit in ns */
    return (double)days;
}

/* Assets ------------------------------------------------------------------------------------------- */

/* The days of the first and the last bar are those of the lifetimes, which the file states as well. */
static void check_life(const bp_bundle *bundle, bp__findings *findings, int64_t sid, int64_t start,
                       int64_t end)
{
    char text[32];
    size_t row, n, days = bp_bundle_num_sessions(bundle);
    const int64_t *first = bp__audit_column(bundle, BP_COL_LIFE_START, &n);
    const int64_t *last = bp__audit_column(bundle, BP_COL_LIFE_END, NULL), *day = bp_bundle_sessions(bundle);
    if (start != BP_TIME_MISSING && end != BP_TIME_MISSING && end < start) {
        ABOUT(LIFE_BACKWARDS, sid, start, days_between(end, start), 5, "ends on %s, before it starts",
              bp__day_text(end, text));
        return;
    }
    if (!first || !last || bp__failed(bp_bundle_row(bundle, sid, &row)) || row >= n) return;
    if (first[row] < 0 || last[row] < first[row] || (uint64_t)last[row] >= days) return; /* no bar */
    if (start != BP_TIME_MISSING && day[first[row]] < bp__day_of(start))
        ABOUT(BARS_OUTSIDE_LIFE, sid, day[first[row]], days_between(day[first[row]], start), 1,
              "its first bar lies before its start date, %s", bp__day_text(start, text));
    if (end != BP_TIME_MISSING && day[last[row]] > end)
        ABOUT(BARS_OUTSIDE_LIFE, sid, day[last[row]], days_between(end, day[last[row]]), 1,
              "its last bar lies behind its end date, %s", bp__day_text(end, text));
}

/* The table of mappings says who had which symbol when; without it, an asset has its symbol all its life. */
static bp_status check_symbols(const bp_bundle *bundle, bp__findings *findings)
{
    static const bp_column tables[2][4] = {
        {BP_COL_MAP_SID, BP_COL_MAP_SYMBOL, BP_COL_MAP_START, BP_COL_MAP_END},
        {BP_COL_ASSET_SID, BP_COL_ASSET_SYMBOL, BP_COL_ASSET_START, BP_COL_ASSET_END}};
    size_t n, row;
    const bp_column *table = tables[bp__audit_column(bundle, BP_COL_MAP_SID, NULL) == NULL];
    const int64_t *sid = bp__audit_column(bundle, table[0], &n);
    const uint32_t *symbol = bp__audit_column(bundle, table[1], NULL);
    const int64_t *start = bp__audit_column(bundle, table[2], NULL),
                  *end = bp__audit_column(bundle, table[3], NULL);
    if (!sid || !symbol) return BP_OK;
    bp__audit_owner *owner = calloc(n, sizeof *owner);
    if (!owner) BP_FAIL(BP_ENOMEM, "no memory to compare %zu symbols", n);
    for (size_t i = 0; i < n; i++)
        owner[i] = (bp__audit_owner){.symbol = bp_bundle_text(bundle, symbol[i]),
                                     .sid = sid[i],
                                     .start = start ? start[i] : BP_TIME_MISSING,
                                     .end = end ? end[i] : BP_TIME_MISSING,
                                     .known = bp_bundle_asset_row(bundle, sid[i], &row) == BP_OK};
    bp__audit_owners(findings, owner, n);
    free(owner);
    return BP_OK;
}

static bp_status check_assets(const bp_bundle *bundle, bp__findings *findings)
{
    size_t n, row;
    const int64_t *sid = bp__audit_column(bundle, BP_COL_ASSET_SID, &n);
    const int64_t *start = bp__audit_column(bundle, BP_COL_ASSET_START, NULL);
    const int64_t *end = bp__audit_column(bundle, BP_COL_ASSET_END, NULL), *daily = bp_bundle_sids(bundle);
    size_t minutes;
    const int64_t *minute = bp__audit_column(bundle, BP_COL_MINUTE_SID, &minutes);
    if (n == 0) return BP_OK; /* a file without an asset table: its sids are their own symbols */
    for (size_t i = 0; i < n; i++)
        check_life(bundle, findings, sid[i], start ? start[i] : BP_TIME_MISSING,
                   end ? end[i] : BP_TIME_MISSING);
    for (size_t i = 0; i < bp_bundle_num_assets(bundle); i++)
        if (bp__failed(bp_bundle_asset_row(bundle, daily[i], &row)))
            ABOUT(NO_ASSET, daily[i], BP_TIME_MISSING, 1, 2,
                  "has daily bars, but is not in the table of assets");
    for (size_t i = 0; i < minutes; i++)
        if (bp__failed(bp_bundle_asset_row(bundle, minute[i], &row)) &&
            bp__failed(bp_bundle_row(bundle, minute[i], &row)))
            ABOUT(NO_ASSET, minute[i], BP_TIME_MISSING, 1, 2,
                  "has minute bars, but is not in the table of assets");
    return check_symbols(bundle, findings);
}

/* Events ------------------------------------------------------------------------------------------- */

static bool known(const bp_bundle *bundle, int64_t sid)
{
    size_t row;
    return bp_bundle_row(bundle, sid, &row) == BP_OK || bp_bundle_asset_row(bundle, sid, &row) == BP_OK;
}

/* What there are bars of: first and last day; INT64_MAX and INT64_MIN where there are none. */
typedef struct span {
    int64_t first, last;
} span;

static span span_of(const bp_bundle *bundle)
{
    size_t minutes;
    span all = {INT64_MAX, INT64_MIN};
    const size_t d = bp_bundle_num_sessions(bundle);
    const int64_t *day = bp_bundle_sessions(bundle),
                  *dt = bp__audit_column(bundle, BP_COL_MINUTE_DT, &minutes);
    if (d > 0) all = (span){day[0], day[d - 1]};
    for (size_t i = 0; i < minutes; i++) {
        if (dt[i] < all.first) all.first = dt[i];
        if (dt[i] > all.last) all.last = dt[i];
    }
    all.first = bp__day_of(all.first);
    return all;
}

/* Whether an event acts when it says so. */
static void check_date(const bp_bundle *bundle, bp__findings *findings, const span *all, int64_t sid,
                       int64_t date, const char *name)
{
    if (date == BP_TIME_MISSING)
        ABOUT(EVENT_DATE, sid, date, 1, 20, "a %s without a date: it acts on nothing", name);
    else if (date % BP_NS_PER_DAY != 0)
        ABOUT(EVENT_DATE, sid, date, 1, 5, "a %s at no midnight, UTC: it acts a session too late", name);
    else if (date < all->first)
        ABOUT(EVENT_OUTSIDE, sid, date, 1, 0.2, "a %s before the first session: it acts on nothing", name);
    else if (date > all->last)
        ABOUT(EVENT_OUTSIDE, sid, date, 1, 0.2, "a %s behind the last session: it acts on nothing", name);
}

/* What only dividends state: when they are paid, and in shares of whom. */
static void check_payments(const bp_bundle *bundle, bp__findings *findings)
{
    static const bp_column table[2][3] = {{BP_COL_PAYOUT_SID, BP_COL_PAYOUT_EX, BP_COL_PAYOUT_PAY},
                                          {BP_COL_STOCK_SID, BP_COL_STOCK_EX, BP_COL_STOCK_PAY}};
    size_t n;
    char text[32];
    for (size_t k = 0; k < 2; k++) {
        const int64_t *sid = bp__audit_column(bundle, table[k][0], &n);
        const int64_t *ex = bp__audit_column(bundle, table[k][1], NULL);
        const int64_t *pay = bp__audit_column(bundle, table[k][2], NULL);
        for (size_t i = 0; ex && pay && i < n; i++)
            if (pay[i] != BP_TIME_MISSING && ex[i] != BP_TIME_MISSING && pay[i] < ex[i])
                ABOUT(EVENT_DATE, sid[i], ex[i], 1, 2, "a dividend that is paid on %s, before its ex-date",
                      bp__day_text(pay[i], text));
    }
    const int64_t *sid = bp__audit_column(bundle, BP_COL_STOCK_SID, &n);
    const int64_t *ex = bp__audit_column(bundle, BP_COL_STOCK_EX, NULL);
    const int64_t *payment = bp__audit_column(bundle, BP_COL_STOCK_PAYMENT_SID, NULL);
    for (size_t i = 0; ex && payment && i < n; i++)
        if (!known(bundle, payment[i]))
            ABOUT(UNKNOWN_SID, sid[i], ex[i], 1, 1,
                  "a dividend in shares of sid %" PRId64 ", which is not in the bundle", payment[i]);
}

/* A cash dividend takes something off the price before: its ratio is below 1. */
static void check_value(const bp_bundle *bundle, bp__findings *findings, int64_t sid, int64_t date,
                        double value, const char *name, const char *value_name, bool paid, bool lowers)
{
    if (!(value > 0 && isfinite(value)))
        ABOUT(RATIO, sid, date, 1, value == 0 && paid ? 0.5 : 100,
              "a %s whose %s, %.6g, is no positive number", name, value_name, value);
    else if (lowers && value > 1)
        ABOUT(RATIO, sid, date, 100 * (value - 1), fmin(100 * (value - 1), 1e9),
              "a %s whose %s, %.6g, is above 1: it raises the prices before it", name, value_name, value);
}

static void check_events(const bp_bundle *bundle, bp__findings *findings)
{
    const span all = span_of(bundle);
    static const struct {
        bp_column sid, date, value;
        const char *name, *value_name;
    } table[] = {
        {BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO, "split", "ratio"},
        {BP_COL_MERGER_SID, BP_COL_MERGER_DATE, BP_COL_MERGER_RATIO, "merger", "ratio"},
        {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_DATE, BP_COL_DIVIDEND_RATIO, "dividend", "ratio"},
        {BP_COL_PAYOUT_SID, BP_COL_PAYOUT_EX, BP_COL_PAYOUT_AMOUNT, "dividend", "amount"},
        {BP_COL_STOCK_SID, BP_COL_STOCK_EX, BP_COL_STOCK_RATIO, "stock dividend", "ratio"},
    };
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        size_t n, m;
        const int64_t *sid = bp__audit_column(bundle, table[k].sid, &n);
        const int64_t *date = bp__audit_column(bundle, table[k].date, NULL);
        const double *value = bp__audit_column(bundle, table[k].value, &m);
        for (size_t i = 0; date && value && i < n && i < m; i++) {
            if (!known(bundle, sid[i]))
                ABOUT(UNKNOWN_SID, sid[i], date[i], 1, 0.5, "a %s of a sid that is not in the bundle",
                      table[k].name);
            check_value(bundle, findings, sid[i], date[i], value[i], table[k].name, table[k].value_name,
                        k >= 3, k == 2);
            check_date(bundle, findings, &all, sid[i], date[i], table[k].name);
        }
    }
}

bp_status bp__audit_tables(const bp_bundle *bundle, bp__findings *findings)
{
    check_events(bundle, findings);
    check_payments(bundle, findings);
    return check_assets(bundle, findings);
}
