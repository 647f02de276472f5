#include "io/draft.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/loader.h"

const char *const bp__field_name[BP__NUM_FIELDS] = {"open", "high", "low", "close", "volume"};

bp_status bp__draft_init(bp__draft *draft, const char *bundle_name)
{
    *draft = (bp__draft){.schema_version = "v1", .currency = "USD"};
    BP_TRY(bp__bundle_name_check(bundle_name));
    strcpy(draft->bundle_name, bundle_name);
    return BP_OK;
}

void bp__draft_fini(bp__draft *draft)
{
    for (size_t i = 0; i < draft->assets.n; i++) {
        free(draft->assets.row[i].symbol);
        free(draft->assets.row[i].name);
        free(draft->assets.row[i].exchange);
    }
    for (size_t i = 0; i < draft->mappings.n; i++) free(draft->mappings.row[i].symbol);
    for (int f = 0; f < BP__NUM_FIELDS; f++) free(draft->daily[f]);
    for (int k = 0; k < BP__NUM_RATIOS; k++) free(draft->ratios[k].row);
    free(draft->sid);
    free(draft->day);
    free(draft->assets.row);
    free(draft->mappings.row);
    free(draft->calendar.row);
    free(draft->payouts.row);
    free(draft->stocks.row);
    free(draft->minutes.row);
    free(draft->bars.row);
    *draft = (bp__draft){0};
}

bp_status bp__draft_set_daily(bp__draft *draft, size_t n, size_t d)
{
    size_t cells;
    if (__builtin_mul_overflow(n, d, &cells))
        BP_FAIL(BP_ERANGE, "%zu sids x %zu sessions are too many", n, d);
    bp__draft made = *draft;
    made.num_sids = n;
    made.num_sessions = d;
    made.sid = calloc(n + 1, sizeof *made.sid);
    made.day = calloc(d + 1, sizeof *made.day);
    bool ok = made.sid && made.day;
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        made.daily[f] = calloc(cells + 1, sizeof *made.daily[f]);
        ok = ok && made.daily[f];
    }
    if (!ok) {
        free(made.sid);
        free(made.day);
        for (int f = 0; f < BP__NUM_FIELDS; f++) free(made.daily[f]);
        BP_FAIL(BP_ENOMEM, "no memory for the daily bars of %zu sids x %zu sessions", n, d);
    }
    *draft = made;
    return BP_OK;
}

/* Rows ------------------------------------------------------------------------------------------ */

bp_status bp__table_grow(void **row, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return BP_OK;
    size_t more = *cap ? 2 * *cap : 64;
    void *grown = reallocarray(*row, more, size);
    if (!grown) BP_FAIL(BP_ENOMEM, "no memory for %zu rows of a bundle", more);
    *row = grown;
    *cap = more;
    return BP_OK;
}

bp_status bp__draft_add_asset(bp__draft *draft, const bp__draft_asset *asset)
{
    bp__draft_asset a = *asset;
    a.symbol = a.name = a.exchange = NULL;
    BP__APPEND(&draft->assets, a);
    bp__draft_asset *to = &draft->assets.row[draft->assets.n - 1];
    to->symbol = strdup(asset->symbol);
    to->name = strdup(asset->name);
    to->exchange = strdup(asset->exchange);
    if (to->symbol && to->name && to->exchange) return BP_OK;
    free(to->symbol);
    free(to->name);
    free(to->exchange);
    draft->assets.n--;
    BP_FAIL(BP_ENOMEM, "no memory for asset %lld", (long long)asset->sid);
}

bp_status bp__draft_add_mapping(bp__draft *draft, const bp__draft_mapping *mapping)
{
    BP__APPEND(&draft->mappings, *mapping);
    bp__draft_mapping *to = &draft->mappings.row[draft->mappings.n - 1];
    to->symbol = strdup(mapping->symbol);
    if (to->symbol) return BP_OK;
    draft->mappings.n--;
    BP_FAIL(BP_ENOMEM, "no memory for a symbol of asset %lld", (long long)mapping->sid);
}

bp_status bp__draft_add_session(bp__draft *draft, const bp__draft_session *session)
{
    BP__APPEND(&draft->calendar, *session);
    return BP_OK;
}

bp_status bp__draft_add_ratio(bp__draft *draft, int kind, const bp__draft_ratio *ratio)
{
    BP__APPEND(&draft->ratios[kind], *ratio);
    return BP_OK;
}

bp_status bp__draft_add_payout(bp__draft *draft, const bp__draft_payout *payout)
{
    BP__APPEND(&draft->payouts, *payout);
    return BP_OK;
}

bp_status bp__draft_add_stock(bp__draft *draft, const bp__draft_stock *stock)
{
    BP__APPEND(&draft->stocks, *stock);
    return BP_OK;
}

bp_status bp__draft_add_minute(bp__draft *draft, int64_t sid)
{
    bp__draft_minute m = {.sid = sid, .first = draft->bars.n};
    BP__APPEND(&draft->minutes, m);
    return BP_OK;
}

bp_status bp__draft_add_bar(bp__draft *draft, const bp__draft_bar *bar)
{
    BP__APPEND(&draft->bars, *bar);
    return BP_OK;
}

bp_status bp__draft_add_dividend(bp__draft *draft, size_t row, size_t ex, const bp__draft_payout *payout)
{
    BP_TRY(bp__draft_add_payout(draft, payout));
    uint32_t before = ex > 0 ? draft->daily[BP__CLOSE][row * draft->num_sessions + ex - 1] : 0;
    if (before == 0) return BP_OK;
    double ratio = 1.0 - payout->amount / (before * (1.0 / BP__PRICE_SCALE));
    if (!(ratio > 0)) return BP_OK;
    return bp__draft_add_ratio(draft, BP__DIVIDENDS, &(bp__draft_ratio){payout->sid, payout->ex_date, ratio});
}

void bp__draft_lifetime(const bp__draft *draft, size_t row, int64_t *first, int64_t *last)
{
    size_t d = draft->num_sessions;
    *first = 0;
    *last = (int64_t)d - 1;
    bool found = false;
    for (size_t t = 0; t < d; t++) {
        uint32_t any = 0;
        for (int f = 0; f < BP__NUM_FIELDS; f++) any |= draft->daily[f][row * d + t];
        if (!any) continue;
        if (!found) *first = (int64_t)t;
        *last = (int64_t)t;
        found = true;
    }
}

/* Check ----------------------------------------------------------------------------------------- */

static bp_status check_ascending(const char *what, const int64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (x[i] <= x[i - 1]) BP_FAIL(BP_EINVAL, "%s: row %zu is not greater than the one before", what, i);
    return BP_OK;
}

/* (sid, time) ascending; equal pairs are allowed: an asset can pay two dividends on one day. */
#define CHECK_ORDER(what, table, time)                                                                       \
    do {                                                                                                     \
        for (size_t i = 1; i < (table)->n; i++)                                                              \
            if ((table)->row[i].sid < (table)->row[i - 1].sid ||                                             \
                ((table)->row[i].sid == (table)->row[i - 1].sid &&                                           \
                 (table)->row[i].time < (table)->row[i - 1].time))                                           \
                BP_FAIL(BP_EINVAL, "%s: row %zu is not in the order of sid and " #time, what, i);            \
    } while (0)

static bp_status check_minutes(const bp__draft *draft)
{
    size_t m = draft->minutes.n;
    if (draft->bars.n > 0 && (m == 0 || draft->minutes.row[0].first != 0))
        BP_FAIL(BP_EINVAL, "minute: there are bars that belong to no sid");
    for (size_t i = 0; i < m; i++) {
        const bp__draft_minute *at = &draft->minutes.row[i];
        size_t end = i + 1 < m ? at[1].first : draft->bars.n;
        if (i > 0 && at->sid <= at[-1].sid)
            BP_FAIL(BP_EINVAL, "minute: sid %lld is not ascending", (long long)at->sid);
        for (size_t k = at->first + 1; k < end; k++)
            if (draft->bars.row[k].dt <= draft->bars.row[k - 1].dt)
                BP_FAIL(BP_EINVAL, "minute: bar %zu of sid %lld is not later than the one before",
                        k - at->first, (long long)at->sid);
    }
    return BP_OK;
}

bp_status bp__draft_check(const bp__draft *draft)
{
    static const char *const ratio_name[BP__NUM_RATIOS] = {"splits", "mergers", "dividends"};
    BP_TRY(bp__bundle_name_check(draft->bundle_name));
    if (strlen(draft->currency) != 3)
        BP_FAIL(BP_EINVAL, "currency '%s' is not 3 letters long", draft->currency);
    BP_TRY(check_ascending("index/sid", draft->sid, draft->num_sids));
    BP_TRY(check_ascending("index/day", draft->day, draft->num_sessions));
    for (size_t i = 1; i < draft->assets.n; i++)
        if (draft->assets.row[i].sid <= draft->assets.row[i - 1].sid)
            BP_FAIL(BP_EINVAL, "assets: row %zu is not in the order of sid", i);
    CHECK_ORDER("assets/symbol_mappings", &draft->mappings, start_date);
    for (size_t i = 1; i < draft->calendar.n; i++)
        if (draft->calendar.row[i].session <= draft->calendar.row[i - 1].session)
            BP_FAIL(BP_EINVAL, "calendar/session: row %zu is not greater than the one before", i);
    for (int k = 0; k < BP__NUM_RATIOS; k++) {
        CHECK_ORDER(ratio_name[k], &draft->ratios[k], effective_date);
        for (size_t i = 0; i < draft->ratios[k].n; i++)
            if (!(draft->ratios[k].row[i].ratio > 0) || !isfinite(draft->ratios[k].row[i].ratio))
                BP_FAIL(BP_EINVAL, "%s: the ratio in row %zu is not positive", ratio_name[k], i);
    }
    CHECK_ORDER("dividend_payouts", &draft->payouts, ex_date);
    CHECK_ORDER("stock_dividend_payouts", &draft->stocks, ex_date);
    return check_minutes(draft);
}

/* Numbers --------------------------------------------------------------------------------------- */

static bp_status to_u32(const char *what, double value, double scale, uint32_t *out)
{
    if (isnan(value)) {
        *out = 0;
        return BP_OK;
    }
    double x = nearbyint(value * scale); /* half to even: the default rounding mode */
    if (value < 0 || x > UINT32_MAX)
        BP_FAIL(BP_ERANGE, "%s %.17g is out of range, a bundle file holds 0 to %.10g", what, value,
                UINT32_MAX / scale);
    *out = (uint32_t)x;
    return BP_OK;
}

bp_status bp__price_to_u32(double price, uint32_t *out)
{
    return to_u32("price", price, BP__PRICE_SCALE, out);
}

bp_status bp__volume_to_u32(double volume, uint32_t *out)
{
    return to_u32("volume", volume, 1, out);
}
