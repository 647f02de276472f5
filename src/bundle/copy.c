#include "bundle/copy.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/ingest/wanted.h"

typedef struct copy {
    const char *path;
    bp__h5series *file;
    const bp_bundle *head;
    const bp__copy_options *options;
    bp__report *report;
    const bp__progress *progress;
    bp__draft *draft;
    bool *chosen; /* [A] by --symbols; NULL: all */
    uint64_t done, total, blank;
} copy;

static size_t rows_of(const copy *c, bp_column column)
{
    bp_array a;
    return bp_bundle_column(c->head, column, &a) ? a.shape[0] : 0;
}

static const void *data_of(const copy *c, bp_column column)
{
    bp_array a;
    return bp_bundle_column(c->head, column, &a) ? a.data : NULL;
}

static int64_t i64_at(const copy *c, bp_column column, size_t row)
{
    return ((const int64_t *)data_of(c, column))[row];
}

static double f64_at(const copy *c, bp_column column, size_t row)
{
    return ((const double *)data_of(c, column))[row];
}

static const char *text_at(const copy *c, bp_column column, size_t row)
{
    return bp_bundle_text(c->head, ((const uint32_t *)data_of(c, column))[row]);
}

/* Which assets ---------------------------------------------------------------------------------- */

static bool is_there(const void *source, const char *symbol)
{
    const copy *c = source;
    for (size_t i = 0; i < rows_of(c, BP_COL_ASSET_SID); i++)
        if (strcmp(text_at(c, BP_COL_ASSET_SYMBOL, i), symbol) == 0) return true;
    return false;
}

static bp_status choose_assets(copy *c)
{
    const char *list = c->options->symbols;
    const size_t n = rows_of(c, BP_COL_ASSET_SID);
    if (!list) return BP_OK;
    BP_TRY(bp__wanted_check(list, c->path, is_there, c));
    c->chosen = calloc(n + 1, sizeof *c->chosen);
    if (!c->chosen) BP_FAIL(BP_ENOMEM, "%s: no memory for its assets", c->path);
    for (size_t i = 0; i < n; i++) c->chosen[i] = bp__wanted_has(list, text_at(c, BP_COL_ASSET_SYMBOL, i));
    return BP_OK;
}

static bool is_chosen(const copy *c, int64_t sid)
{
    size_t row;
    if (!c->chosen) return true;
    return bp_bundle_asset_row(c->head, sid, &row) == BP_OK && c->chosen[row];
}

/* Assets and symbols ---------------------------------------------------------------------------- */

static void set_currency(const copy *c, bp__draft_asset *asset)
{
    size_t row;
    strcpy(asset->currency, BP_NO_CURRENCY);
    if (bp_bundle_row(c->head, asset->sid, &row) == BP_OK)
        memcpy(asset->currency, (const char *)data_of(c, BP_COL_CURRENCY) + 3 * row, 3);
    if (c->options->currency && strcmp(asset->currency, BP_NO_CURRENCY) == 0)
        strcpy(asset->currency, c->options->currency);
}

/* Texts of the image are not written to by the draft, which copies them. */
static char *own_text(const copy *c, bp_column column, size_t row)
{
    return (char *)(uintptr_t)text_at(c, column, row);
}

static bp_status copy_assets(copy *c)
{
    for (size_t i = 0; i < rows_of(c, BP_COL_ASSET_SID); i++) {
        if (c->chosen && !c->chosen[i]) continue;
        bp__draft_asset asset = {.sid = i64_at(c, BP_COL_ASSET_SID, i),
                                 .symbol = own_text(c, BP_COL_ASSET_SYMBOL, i),
                                 .name = own_text(c, BP_COL_ASSET_NAME, i),
                                 .exchange = own_text(c, BP_COL_ASSET_EXCHANGE, i),
                                 .start_date = i64_at(c, BP_COL_ASSET_START, i),
                                 .end_date = i64_at(c, BP_COL_ASSET_END, i),
                                 .first_traded = i64_at(c, BP_COL_ASSET_FIRST_TRADED, i),
                                 .auto_close_date = i64_at(c, BP_COL_ASSET_AUTO_CLOSE, i)};
        set_currency(c, &asset);
        BP_TRY(bp__draft_add_asset(c->draft, &asset));
    }
    for (size_t i = 0; i < rows_of(c, BP_COL_MAP_SID); i++) {
        const bp__draft_mapping mapping = {.sid = i64_at(c, BP_COL_MAP_SID, i),
                                           .symbol = own_text(c, BP_COL_MAP_SYMBOL, i),
                                           .start_date = i64_at(c, BP_COL_MAP_START, i),
                                           .end_date = i64_at(c, BP_COL_MAP_END, i)};
        if (is_chosen(c, mapping.sid)) BP_TRY(bp__draft_add_mapping(c->draft, &mapping));
    }
    return BP_OK;
}

/* Sids with bars that the asset table lacks: they get a row, as if there were no table. */
static bp_status add_missing_assets(copy *c, bp_column index, bp_column other)
{
    size_t row;
    for (size_t i = 0; i < rows_of(c, index) && !c->chosen; i++) {
        const int64_t sid = i64_at(c, index, i);
        char symbol[24], none[1] = "";
        if (bp_bundle_asset_row(c->head, sid, &row) == BP_OK) continue;
        if (other == BP_COL_SID && bp_bundle_row(c->head, sid, &row) == BP_OK) continue; /* has been added */
        snprintf(symbol, sizeof symbol, "%" PRId64, sid);
        bp__draft_asset asset = {.sid = sid,
                                 .symbol = symbol,
                                 .name = none,
                                 .exchange = none,
                                 .start_date = BP_TIME_MISSING,
                                 .end_date = BP_TIME_MISSING,
                                 .first_traded = BP_TIME_MISSING,
                                 .auto_close_date = BP_TIME_MISSING};
        set_currency(c, &asset);
        BP_TRY(bp__draft_add_asset(c->draft, &asset));
        bp__report_add(c->report, BP__NOTE, c->path, 0,
                       "sid %" PRId64 " has bars and no row in the table of assets: its symbol is '%s'", sid,
                       symbol);
    }
    return BP_OK;
}

/* Calendar and adjustments ---------------------------------------------------------------------- */

static bp_status copy_sessions(copy *c)
{
    for (size_t i = 0; i < rows_of(c, BP_COL_SESSION); i++)
        BP_TRY(bp__draft_add_session(c->draft, &(bp__draft_session){i64_at(c, BP_COL_SESSION, i),
                                                                    i64_at(c, BP_COL_MARKET_OPEN, i),
                                                                    i64_at(c, BP_COL_MARKET_CLOSE, i)}));
    /* days on which nobody traded stay, unless it is a choice of assets that makes them empty */
    for (size_t i = 0; i < rows_of(c, BP_COL_DAY); i++) {
        const int64_t day = i64_at(c, BP_COL_DAY, i);
        if (day % BP_NS_PER_DAY != 0)
            BP_FAIL(BP_EFORMAT, "%s: index/day: row %zu: %" PRId64 " is no midnight", c->path, i, day);
        if (!c->chosen) BP_TRY(bp__draft_add_day(c->draft, day));
    }
    return BP_OK;
}

static bp_status copy_ratios(copy *c, int kind, bp_column sid, bp_column date, bp_column ratio)
{
    for (size_t i = 0; i < rows_of(c, sid); i++) {
        const bp__draft_ratio r = {i64_at(c, sid, i), i64_at(c, date, i), f64_at(c, ratio, i)};
        if (is_chosen(c, r.sid)) BP_TRY(bp__draft_add_ratio(c->draft, kind, &r));
    }
    return BP_OK;
}

static bp_status copy_dividends(copy *c)
{
    BP_TRY(copy_ratios(c, BP__DIVIDENDS, BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_DATE, BP_COL_DIVIDEND_RATIO));
    for (size_t i = 0; i < rows_of(c, BP_COL_PAYOUT_SID); i++) {
        const bp__draft_payout p = {i64_at(c, BP_COL_PAYOUT_SID, i),      i64_at(c, BP_COL_PAYOUT_EX, i),
                                    i64_at(c, BP_COL_PAYOUT_DECLARED, i), i64_at(c, BP_COL_PAYOUT_RECORD, i),
                                    i64_at(c, BP_COL_PAYOUT_PAY, i),      f64_at(c, BP_COL_PAYOUT_AMOUNT, i)};
        if (is_chosen(c, p.sid)) BP_TRY(bp__draft_add_payout(c->draft, &p));
    }
    return BP_OK;
}

static bp_status copy_adjustments(copy *c)
{
    if (!c->options->ignore_splits)
        BP_TRY(copy_ratios(c, BP__SPLITS, BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO));
    BP_TRY(copy_ratios(c, BP__MERGERS, BP_COL_MERGER_SID, BP_COL_MERGER_DATE, BP_COL_MERGER_RATIO));
    if (!c->options->ignore_dividends) BP_TRY(copy_dividends(c));
    for (size_t i = 0; i < rows_of(c, BP_COL_STOCK_SID); i++) {
        const bp__draft_stock s = {
            i64_at(c, BP_COL_STOCK_SID, i),      i64_at(c, BP_COL_STOCK_EX, i),
            i64_at(c, BP_COL_STOCK_DECLARED, i), i64_at(c, BP_COL_STOCK_RECORD, i),
            i64_at(c, BP_COL_STOCK_PAY, i),      i64_at(c, BP_COL_STOCK_PAYMENT_SID, i),
            f64_at(c, BP_COL_STOCK_RATIO, i)};
        if (is_chosen(c, s.sid)) BP_TRY(bp__draft_add_stock(c->draft, &s));
    }
    return BP_OK;
}

/* Bars ------------------------------------------------------------------------------------------ */

/* The one factor of the four prices of a row; 0 where they have several, and the draft has to choose. */
static double price_factor(const copy *c, bp_column open, size_t row)
{
    const double factor = bp__h5_series_factor(c->file, open, row);
    for (int f = 1; f < BP__VOLUME; f++)
        if (bp__h5_series_factor(c->file, open + (bp_column)f, row) != factor) return 0;
    return factor;
}

/* What the file says of its own bars: a draft's texts do not name it. */
static bp_status bars_failed(const copy *c, bp_status status)
{
    char why[BP_ERROR_TEXT_MAX];
    snprintf(why, sizeof why, "%s", bp_error_text());
    return bp__fail(status, "%s: %s", c->path, why);
}

static bp_status add_bars(copy *c, int frame, int64_t sid, size_t row, const bp__bar *bars, size_t n)
{
    static const bp__scale any[BP__NUM_SCALES] = {{BP__SCALE_COARSEST, BP__SCALE_FINEST},
                                                  {BP__SCALE_COARSEST, BP__SCALE_FINEST}};
    const bp_column open = frame == BP__DAILY ? BP_COL_OPEN : BP_COL_MINUTE_OPEN;
    const double factor = price_factor(c, open, row),
                 amount = bp__h5_series_factor(c->file, open + BP__VOLUME, row);
    const bp_status s = bp__draft_add_bars(c->draft, frame, sid, bars, n, factor > 0 ? any : NULL);
    if (bp__failed(s)) return bars_failed(c, s);
    if (factor == 0)
        bp__report_add(c->report, BP__WARNING, c->path, 0,
                       "sid %" PRId64
                       ": its %s prices are stored by several factors, and will be by one: they are "
                       "kept to a millionth, not to the last bit",
                       sid, bp__frame_name[frame]);
    bp__draft_fix_factors(c->draft, frame, sid, factor, amount);
    c->done += n;
    BP__TELL(c->progress, "reading", c->done, c->total);
    return BP_OK;
}

static bp_status copy_daily(copy *c, bp__bar *bars)
{
    const size_t sessions = bp_bundle_num_sessions(c->head);
    const double *value[BP__NUM_FIELDS];
    for (size_t row = 0; row < bp_bundle_num_assets(c->head); row++) {
        const int64_t sid = bp_bundle_sids(c->head)[row];
        if (!is_chosen(c, sid)) continue;
        BP_TRY(bp__h5_series_daily(c->file, row, value));
        size_t n = 0;
        for (size_t i = 0; i < sessions; i++) {
            bars[n].dt = bp_bundle_sessions(c->head)[i];
            for (int f = 0; f < BP__NUM_FIELDS; f++) bars[n].value[f] = value[f][i];
            n += !bp__bar_is_blank(&bars[n]);
        }
        BP_TRY(add_bars(c, BP__DAILY, sid, row, bars, n));
    }
    return BP_OK;
}

static bp_status copy_minutes(copy *c, bp__bar *bars)
{
    const double *value[BP__NUM_FIELDS];
    const int64_t *dt;
    size_t n;
    for (size_t row = 0; row < rows_of(c, BP_COL_MINUTE_SID); row++) {
        const int64_t sid = i64_at(c, BP_COL_MINUTE_SID, row);
        if (!is_chosen(c, sid)) continue;
        BP_TRY(bp__h5_series_minute(c->file, row, &dt, value, &n));
        for (size_t i = 0; i < n; i++) {
            bars[i].dt = dt[i];
            for (int f = 0; f < BP__NUM_FIELDS; f++) bars[i].value[f] = value[f][i];
            c->blank += bp__bar_is_blank(&bars[i]);
        }
        BP_TRY(add_bars(c, BP__MINUTE, sid, row, bars, n));
    }
    return BP_OK;
}

/* Bars of the longest series. */
static size_t longest_series(const copy *c)
{
    size_t most = bp_bundle_num_sessions(c->head);
    for (size_t i = 0; i < rows_of(c, BP_COL_MINUTE_SID); i++) {
        const int64_t *offset = (const int64_t *)data_of(c, BP_COL_MINUTE_OFFSET) + i;
        if ((size_t)(offset[1] - offset[0]) > most) most = (size_t)(offset[1] - offset[0]);
    }
    return most;
}

static bp_status copy_bars(copy *c)
{
    c->total = bp_bundle_num_assets(c->head) * bp_bundle_num_sessions(c->head) + rows_of(c, BP_COL_MINUTE_DT);
    const size_t most = longest_series(c);
    bp__bar *bars = malloc((most + 1) * sizeof *bars);
    if (!bars) BP_FAIL(BP_ENOMEM, "%s: no memory for a series of %zu bars", c->path, most);
    bp_status s = copy_daily(c, bars);
    if (s == BP_OK) s = copy_minutes(c, bars);
    free(bars);
    if (s == BP_OK && c->blank > 0)
        bp__report_add(c->report, BP__NOTE, c->path, 0,
                       "%" PRIu64 " minute bars without any value are left out", c->blank);
    return s;
}

bp_status bp__copy_bundle(const char *path, bp__h5series *file, const bp__copy_options *options,
                          bp__report *report, const bp__progress *progress, bp__draft *draft)
{
    copy c = {.path = path,
              .file = file,
              .head = bp__h5_series_head(file),
              .options = options,
              .report = report,
              .progress = progress,
              .draft = draft};
    memcpy(draft->schema_version, c.head->image->schema_version, sizeof draft->schema_version);
    memcpy(draft->calendar_name, c.head->image->calendar_name, sizeof draft->calendar_name);
    bp_status s = choose_assets(&c);
    if (s == BP_OK) s = copy_assets(&c);
    if (s == BP_OK) s = add_missing_assets(&c, BP_COL_SID, BP_COL_ASSET_SID);
    if (s == BP_OK) s = add_missing_assets(&c, BP_COL_MINUTE_SID, BP_COL_SID);
    if (s == BP_OK) s = copy_sessions(&c);
    if (s == BP_OK) s = copy_adjustments(&c);
    if (s == BP_OK) s = copy_bars(&c);
    free(c.chosen);
    return s == BP_OK ? bp__h5_series_check(file) : s;
}
