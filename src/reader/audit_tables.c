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
    return (double)(to / BP_NS_PER_DAY) - (double)(from / BP_NS_PER_DAY);
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
    if (n == 0) return BP_OK; /* a file without an asset table: its sids are their own symbols */
    for (size_t i = 0; i < n; i++)
        check_life(bundle, findings, sid[i], start ? start[i] : BP_TIME_MISSING,
                   end ? end[i] : BP_TIME_MISSING);
    for (size_t i = 0; i < bp_bundle_num_assets(bundle); i++)
        if (bp__failed(bp_bundle_asset_row(bundle, daily[i], &row)))
            ABOUT(NO_ASSET, daily[i], BP_TIME_MISSING, 1, 2,
                  "has daily bars, but is not in the table of assets");
    return check_symbols(bundle, findings);
}

/* Events ------------------------------------------------------------------------------------------- */

static bool known(const bp_bundle *bundle, int64_t sid)
{
    size_t row;
    return bp_bundle_row(bundle, sid, &row) == BP_OK || bp_bundle_asset_row(bundle, sid, &row) == BP_OK;
}

static void check_events(const bp_bundle *bundle, bp__findings *findings)
{
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
            if (!(value[i] > 0 && isfinite(value[i])))
                ABOUT(RATIO, sid[i], date[i], 1, value[i] == 0 && k >= 3 ? 0.5 : 100,
                      "a %s whose %s, %.6g, is not positive", table[k].name, table[k].value_name, value[i]);
        }
    }
}

bp_status bp__audit_tables(const bp_bundle *bundle, bp__findings *findings)
{
    check_events(bundle, findings);
    return check_assets(bundle, findings);
}
