/* bundle verify: reads all of a bundle and says what is not plausible in it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bundle/command.h"
#include "bundle/source_lines.h"
#include "cli/locate.h"
#include "core/bundle.h"
#include "core/day.h"
#include "core/direct.h"
#include "core/json.h"
#include "core/text.h"
#include "io/hdf5/h5read.h"

/* What can be odd about a bundle that reads well: none of it stops a backtest. */
#define FINDING_MAP(X)                                                                                       \
    X(BAR_PARTIAL, "daily bars with some prices missing")                                                    \
    X(BAR_RANGE, "daily bars with open or close not within low and high")                                    \
    X(BAR_VOLUME, "daily bars with a volume but no price")                                                   \
    X(MINUTE_PARTIAL, "minute bars with some prices missing")                                                \
    X(MINUTE_RANGE, "minute bars with open or close not within low and high")                                \
    X(MINUTE_VOLUME, "minute bars with a volume but no price")                                               \
    X(MINUTE_ORDER, "minute bars that are not later than the one before")                                    \
    X(NO_BAR, "assets without any daily bar")                                                                \
    X(NO_ASSET, "sids with daily bars that are not in the asset table")                                      \
    X(LIFE, "assets that end before they start")                                                             \
    X(RATIO, "splits, mergers or dividends with a ratio that is not positive")                               \
    X(STRANGER, "splits, mergers, dividends or payouts of a sid that is not in the bundle")

typedef enum finding {
#define X(id, text) id,
    FINDING_MAP(X)
#undef X
        NUM_FINDINGS
} finding;

static const char *const finding_text[NUM_FINDINGS] = {
#define X(id, text) [id] = text,
    FINDING_MAP(X)
#undef X
};

typedef struct findings {
    size_t count[NUM_FINDINGS];
    int64_t sid[NUM_FINDINGS], time[NUM_FINDINGS]; /* of the first one */
} findings;

static void note(findings *f, finding kind, int64_t sid, int64_t time)
{
    if (f->count[kind]++ > 0) return;
    f->sid[kind] = sid;
    f->time[kind] = time;
}

static const void *column(const bp_bundle *b, bp_column c, size_t *n)
{
    bp_array a = {0};
    bp_bundle_column(b, c, &a);
    if (n) *n = a.shape[0];
    return a.data;
}

/* Bars ------------------------------------------------------------------------------------------ */

/* Five columns of bars, in the order of open, high, low, close, volume. */
typedef struct bars {
    const double *value[5];
    finding partial, range, volume;
} bars;

/* @return whether there is a price */
static bool check_bar(findings *f, const bars *b, size_t i, int64_t sid, int64_t time)
{
    double open = b->value[0][i], high = b->value[1][i], low = b->value[2][i], close = b->value[3][i];
    int missing = isnan(open) + isnan(high) + isnan(low) + isnan(close);
    if (missing == 4 && b->value[4][i] != 0) note(f, b->volume, sid, time);
    if (missing > 0 && missing < 4) note(f, b->partial, sid, time);
    /* comparisons with NaN are false: what is missing is in no wrong place */
    if (open > high || close > high || open < low || close < low || low > high) note(f, b->range, sid, time);
    return missing < 4;
}

static void check_daily(findings *f, const bp_bundle *bundle)
{
    const size_t n = bp_bundle_num_assets(bundle), d = bp_bundle_num_sessions(bundle);
    const int64_t *sid = bp_bundle_sids(bundle), *day = bp_bundle_sessions(bundle);
    bars b = {.partial = BAR_PARTIAL, .range = BAR_RANGE, .volume = BAR_VOLUME};
    size_t assets, row;
    for (int i = 0; i < 5; i++) b.value[i] = bp_bundle_daily(bundle, (bp_column)(BP_COL_OPEN + i));
    column(bundle, BP_COL_ASSET_SID, &assets);
    for (size_t i = 0; i < n; i++) {
        bool any = false;
        for (size_t t = 0; t < d; t++) any |= check_bar(f, &b, i * d + t, sid[i], day[t]);
        if (!any) note(f, NO_BAR, sid[i], BP_TIME_MISSING);
        if (assets > 0 && bp__failed(bp_bundle_asset_row(bundle, sid[i], &row)))
            note(f, NO_ASSET, sid[i], BP_TIME_MISSING);
    }
}

static void check_minute(findings *f, const bp_bundle *bundle)
{
    size_t m;
    const int64_t *sid = column(bundle, BP_COL_MINUTE_SID, &m);
    const int64_t *offset = column(bundle, BP_COL_MINUTE_OFFSET, NULL);
    const int64_t *dt = column(bundle, BP_COL_MINUTE_DT, NULL);
    bars b = {.partial = MINUTE_PARTIAL, .range = MINUTE_RANGE, .volume = MINUTE_VOLUME};
    for (int i = 0; i < 5; i++) b.value[i] = column(bundle, (bp_column)(BP_COL_MINUTE_OPEN + i), NULL);
    for (size_t i = 0; i < m; i++)
        for (int64_t k = offset[i]; k < offset[i + 1]; k++) {
            check_bar(f, &b, (size_t)k, sid[i], dt[k]);
            if (k > offset[i] && dt[k] <= dt[k - 1]) note(f, MINUTE_ORDER, sid[i], dt[k]);
        }
}

/* Tables ---------------------------------------------------------------------------------------- */

static void check_assets(findings *f, const bp_bundle *bundle)
{
    size_t n;
    const int64_t *sid = column(bundle, BP_COL_ASSET_SID, &n);
    const int64_t *start = column(bundle, BP_COL_ASSET_START, NULL),
                  *end = column(bundle, BP_COL_ASSET_END, NULL);
    for (size_t i = 0; i < n; i++)
        if (start[i] != BP_TIME_MISSING && end[i] != BP_TIME_MISSING && end[i] < start[i])
            note(f, LIFE, sid[i], start[i]);
}

static bool known(const bp_bundle *bundle, int64_t sid)
{
    size_t row;
    return bp_bundle_row(bundle, sid, &row) == BP_OK || bp_bundle_asset_row(bundle, sid, &row) == BP_OK;
}

static void check_adjustments(findings *f, const bp_bundle *bundle)
{
    static const struct {
        bp_column sid, date;
        bool ratio; /* the column behind `date` is one */
    } table[] = {{BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, true},
                 {BP_COL_MERGER_SID, BP_COL_MERGER_DATE, true},
                 {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_DATE, true},
                 {BP_COL_PAYOUT_SID, BP_COL_PAYOUT_EX, false},
                 {BP_COL_STOCK_SID, BP_COL_STOCK_EX, false}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        size_t n;
        const int64_t *sid = column(bundle, table[k].sid, &n), *date = column(bundle, table[k].date, NULL);
        const double *ratio = table[k].ratio ? column(bundle, (bp_column)(table[k].date + 1), NULL) : NULL;
        for (size_t i = 0; i < n; i++) {
            if (!known(bundle, sid[i])) note(f, STRANGER, sid[i], date[i]);
            if (ratio && !(ratio[i] > 0 && isfinite(ratio[i]))) note(f, RATIO, sid[i], date[i]);
        }
    }
}

/* Report ---------------------------------------------------------------------------------------- */

static void warning_text(const findings *f, int kind, char *text, size_t size)
{
    char time[32];
    int n = snprintf(text, size, "%zu %s; the first: sid %" PRId64, f->count[kind], finding_text[kind],
                     f->sid[kind]);
    if (f->time[kind] != BP_TIME_MISSING && n > 0 && (size_t)n < size)
        snprintf(text + n, size - (size_t)n, " on %s", bp__time_text(f->time[kind], time));
}

static void report_json(const findings *f, const bp__target *target, const bp_version *v)
{
    char text[256];
    bp__json j = {.file = stdout};
    bp__json_open(&j, NULL, '{');
    bp__json_text(&j, "name", target->name);
    bp__json_text(&j, "path", target->path);
    bp__json_bool(&j, "ok", v != NULL);
    if (v) {
        bp__json_open(&j, "warnings", '[');
        for (int k = 0; k < NUM_FINDINGS; k++) {
            if (f->count[k] == 0) continue;
            warning_text(f, k, text, sizeof text);
            bp__json_text(&j, NULL, text);
        }
        bp__json_close(&j, ']');
        bp__json_text(&j, "computed_hash", v->computed_hash);
        bp__json_text(&j, "content_hash", v->content_hash);
    } else {
        bp__json_text(&j, "error", bp_error_text());
    }
    if (v) bp__source_json(&j, target->path);
    bp__json_close(&j, '}');
}

static void report_text(const findings *f, const bp__target *target, const bp_version *v)
{
    char text[256];
    for (int k = 0; k < NUM_FINDINGS; k++) {
        if (f->count[k] == 0) continue;
        warning_text(f, k, text, sizeof text);
        printf("warning: %s\n", text);
    }
    bp__source_text_note(target->path, target->name);
    bp__text_line(stdout, "%s: good, content_hash %s", target->path, v->content_hash);
}

static bp_status verify(const bp__target *target, findings *f, bp_version *version)
{
    const bp_bundle *bundle;
    BP_TRY(bp__direct_load(bp__h5_loader(), target->root, target->name, &bundle));
    bp_status s = bp__image_selfcheck(bundle->image, bundle->image->bytes);
    if (s == BP_OK) {
        check_daily(f, bundle);
        check_minute(f, bundle);
        check_assets(f, bundle);
        check_adjustments(f, bundle);
        s = bp_bundle_version(bundle, version);
    }
    bp_bundle_release(&bundle);
    return s;
}

bp_status bp__run_verify(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    bp_version version = bp_version_init();
    findings f = {0};
    BP_TRY(bp__target_find(line->arg[0], line->root, &target));
    bp_status s = verify(&target, &f, &version);
    if (line->json)
        report_json(&f, &target, bp__failed(s) ? NULL : &version);
    else if (s == BP_OK)
        report_text(&f, &target, &version);
    bp_version_fini(&version);
    return s;
}
