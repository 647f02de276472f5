#include "backtest/panel.h"

#include <math.h>
#include <stdlib.h>

#include "backtest/panel_kernels.h"
#include "core/status.h"

/* Arguments ------------------------------------------------------------------------------------- */

#define NO_K INT32_MAX /* the helper takes none */

static const struct {
    const char *name;
    int32_t least; /* k */
} HELPERS[BP__NUM_HELPERS] = {
    [BP__SMA] = {"sma", 1},     [BP__STD] = {"std", 2},         [BP__EMA] = {"ema", 1},
    [BP__RSI] = {"rsi", 1},     [BP__RETURNS] = {"returns", 1}, [BP__SCORE] = {"zscore", 2},
    [BP__SHIFT] = {"shift", 0}, [BP__RANK] = {"rank", NO_K},    [BP__ZSCORE] = {"zscore", NO_K},
};

static bool is_helper(bp__helper helper)
{
    return (unsigned)helper < BP__NUM_HELPERS;
}

const char *bp__helper_name(bp__helper helper)
{
    return is_helper(helper) ? HELPERS[helper].name : "no helper";
}

bool bp__helper_takes_k(bp__helper helper)
{
    return is_helper(helper) && HELPERS[helper].least != NO_K;
}

bp_status bp__helper_check(bp__helper helper, int64_t k)
{
    if (!is_helper(helper)) BP_FAIL(BP_EINVAL, "helper %d: there is no such helper", (int)helper);
    const char *name = HELPERS[helper].name;
    const int32_t least = HELPERS[helper].least;
    if (least == NO_K) {
        if (k != 0)
            BP_FAIL(BP_EINVAL, "%s: across assets it takes no k, but %lld is given", name, (long long)k);
        return BP_OK;
    }
    if (helper == BP__SHIFT && k < 0)
        BP_FAIL(BP_EINVAL, "shift: n is %lld, which would look ahead; allowed are 0 to %d", (long long)k,
                BP__PANEL_MAX_K);
    if (k < least || k > BP__PANEL_MAX_K)
        BP_FAIL(BP_EINVAL, "%s: %s is %lld, allowed are %d to %d", name, helper == BP__SHIFT ? "n" : "k",
                (long long)k, (int)least, BP__PANEL_MAX_K);
    return BP_OK;
}

static bp_status check_shape(const bp__scope *s, bp__helper helper, const bp__panel *x)
{
    const size_t rows = s->num_assets, columns = bp__panel_columns(s);
    if (x->rows != rows || x->columns != columns)
        BP_FAIL(
            BP_EINVAL,
            "%s: x is [%zu][%zu], but has to be [%zu][%zu]: a row for each asset, a column for each session "
            "from the bundle's first to the last of the range",
            bp__helper_name(helper), x->rows, x->columns, rows, columns);
    if (x->stride < columns)
        BP_FAIL(BP_EINVAL, "%s: rows of x are %zu apart, but are %zu long", bp__helper_name(helper),
                x->stride, columns);
    return BP_OK;
}

static bp_status check_column(bp_bar_column column)
{
    if ((unsigned)column > BP_BAR_VOLUME)
        BP_FAIL(BP_EINVAL, "column %d of a bar: there is no such column", (int)column);
    return BP_OK;
}

/* Columns --------------------------------------------------------------------------------------- */

/* Where an asset's values of a column are. */
typedef struct source {
    const double *value;
    const int32_t *where; /* place of column i of the panel; NULL: i */
} source;

static source source_of(const bp__scope *s, bp_bar_column column, size_t asset)
{
    if (column == BP_BAR_OPEN) return (source){.value = s->open[asset] - s->first};
    if (column == BP_BAR_CLOSE) return (source){.value = s->close[asset] - s->first};
    bp_array all;
    if (!bp_bundle_column(s->bundle, (bp_column)(BP_COL_OPEN + (int)column), &all) ||
        all.shape[0] != bp_bundle_num_assets(s->bundle)) /* the bundle lacks it */
        return (source){.value = NULL};
    return (source){.value = (const double *)all.data + s->row[asset] * all.shape[1],
                    .where = s->where ? s->where - s->first : NULL};
}

/* Columns begin … end-1, between two splits. */
static void read_prices(const double *restrict close, source from, int32_t begin, int32_t end, double g,
                        double *restrict out)
{
    if (from.where)
        for (int32_t i = begin; i < end; i++) {
            const double x = from.value[from.where[i]];
            out[i] = bp__priced(close[i]) && bp__priced(x) ? x / g : NAN;
        }
    else
        for (int32_t i = begin; i < end; i++) {
            const double x = from.value[i];
            const int there = bp__priced(close[i]) & (int)bp__priced(x); /* no branch for what is random */
            out[i] = there ? x / g : NAN;
        }
}

static void read_volumes(const double *restrict close, source from, int32_t begin, int32_t end, double g,
                         double *restrict out)
{
    for (int32_t i = begin; i < end; i++) {
        const double x = from.value[from.where ? from.where[i] : i];
        out[i] = bp__priced(close[i]) && x > 0 ? x * g : 0;
    }
}

static void read_row(const bp__scope *s, bp_bar_column column, size_t asset, double *out)
{
    const source from = source_of(s, column, asset);
    const double *close = s->close[asset] - s->first;
    const bool is_volume = column == BP_BAR_VOLUME;
    const int32_t columns = (int32_t)bp__panel_columns(s);
    const int32_t end = from.value ? bp__panel_end(s, asset) : 0;
    const bp__event *split = s->all_splits.at + s->splits_begin[asset];
    const bp__event *splits_end = s->all_splits.at + s->splits_begin[asset + 1];
    double g = 1.0;
    for (int32_t begin = 0, until; begin < end; begin = until) {
        for (; split < splits_end && split->t + s->first <= begin; split++) g *= split->value;
        until = split < splits_end && split->t + s->first < end ? split->t + s->first : end;
        (is_volume ? read_volumes : read_prices)(close, from, begin, until, g, out);
    }
    for (int32_t i = end; i < columns; i++) out[i] = is_volume ? 0 : NAN;
}

bp_status bp__panel_column(const bp__scope *s, bp_bar_column column, double *out)
{
    BP_TRY(check_column(column));
    for (size_t i = 0; i < s->num_assets; i++) read_row(s, column, i, out + i * bp__panel_columns(s));
    return BP_OK;
}

/* Whether a row of the bundle is what read_row() would make of it. */
static bool row_is_plain(const bp__scope *s, bp_bar_column column, size_t asset)
{
    const double *x = source_of(s, column, asset).value, *close = s->close[asset] - s->first;
    const int32_t columns = (int32_t)bp__panel_columns(s), end = bp__panel_end(s, asset);
    const size_t first_split = s->splits_begin[asset];
    if (first_split < s->splits_begin[asset + 1] && s->all_splits.at[first_split].t + s->first < end)
        return false;
    bool differs = false;
    if (column == BP_BAR_VOLUME) {
        for (int32_t i = 0; i < end; i++) differs |= !(x[i] == 0 || (x[i] > 0 && bp__priced(close[i])));
        for (int32_t i = end; i < columns; i++) differs |= !(x[i] == 0);
    } else {
        for (int32_t i = 0; i < end; i++)
            differs |= !(isnan(x[i]) || (bp__priced(x[i]) && bp__priced(close[i])));
        for (int32_t i = end; i < columns; i++) differs |= !isnan(x[i]);
    }
    return !differs;
}

bool bp__panel_borrow(const bp__scope *s, bp_bar_column column, bp__panel *panel)
{
    if ((unsigned)column > BP_BAR_VOLUME || s->num_assets == 0) return false;
    const source first = source_of(s, column, 0);
    if (!first.value || first.where) return false;
    size_t stride = bp__panel_columns(s);
    if (s->num_assets > 1) {
        const uintptr_t second = (uintptr_t)source_of(s, column, 1).value, begin = (uintptr_t)first.value;
        if (second <= begin) return false;
        stride = (second - begin) / sizeof(double);
    }
    for (size_t i = 0; i < s->num_assets; i++) {
        const uintptr_t at = (uintptr_t)source_of(s, column, i).value;
        if (at != (uintptr_t)first.value + i * stride * sizeof(double)) return false;
    }
    for (size_t i = 0; i < s->num_assets; i++)
        if (!row_is_plain(s, column, i)) return false;
    *panel = (bp__panel){
        .value = first.value, .rows = s->num_assets, .columns = bp__panel_columns(s), .stride = stride};
    return true;
}

void bp__panel_tradable(const bp__scope *s, bool *out)
{
    const int32_t columns = (int32_t)bp__panel_columns(s);
    for (size_t asset = 0; asset < s->num_assets; asset++, out += columns) {
        const bp__asset *a = &s->asset[asset];
        const int32_t end = bp__panel_end(s, asset), begin = a->count > 0 ? a->first + s->first : end;
        for (int32_t i = 0; i < columns; i++) out[i] = i >= begin && i < end;
    }
}

/* Helpers --------------------------------------------------------------------------------------- */

/* Across assets the closes are needed side by side. */
static bp_status apply_across_closes(const bp__scope *s, bp__helper helper, double *out)
{
    bp__panel closes;
    if (bp__panel_borrow(s, BP_BAR_CLOSE, &closes)) return bp__panel_across(helper, &closes, out);
    const size_t columns = bp__panel_columns(s);
    double *own = malloc((s->num_assets * columns + 1) * sizeof *own);
    if (!own) return BP_ENOMEM;
    bp_status status = bp__panel_column(s, BP_BAR_CLOSE, own);
    closes = (bp__panel){.value = own, .rows = s->num_assets, .columns = columns, .stride = columns};
    if (status == BP_OK) status = bp__panel_across(helper, &closes, out);
    free(own);
    return status;
}

bp_status bp__panel_apply(const bp__scope *s, bp__helper helper, int64_t k, const bp__panel *x, double *out)
{
    BP_TRY(bp__helper_check(helper, k));
    if (x) BP_TRY(check_shape(s, helper, x));
    bp_status status;
    if (bp__helper_takes_k(helper))
        status = bp__panel_along(s, helper, (int32_t)k, x, out);
    else
        status = x ? bp__panel_across(helper, x, out) : apply_across_closes(s, helper, out);
    if (status == BP_ENOMEM) /* raised above without a text */
        bp__fail(BP_ENOMEM, "%s: no memory beside a panel of %zu assets and %zu sessions",
                 bp__helper_name(helper), s->num_assets, bp__panel_columns(s));
    return status;
}

/* Windows --------------------------------------------------------------------------------------- */

bp_status bp__panel_windows_check(const bp__scope *s, int32_t t, int64_t k, bp_bar_column column,
                                  unsigned how)
{
    BP_TRY(check_column(column));
    if (t < 0 || (size_t)t >= s->num_sessions)
        BP_FAIL(BP_EINVAL, "window: session %d, but the range has 0 to %zu", (int)t, s->num_sessions - 1);
    if (k < 1 || k > BP__PANEL_MAX_K)
        BP_FAIL(BP_EINVAL, "window: k is %lld, allowed are 1 to %d", (long long)k, BP__PANEL_MAX_K);
    if (how & ~(unsigned)(BP_AS_TRADED | BP_CARRIED))
        BP_FAIL(BP_EINVAL, "window: %#x has more in it than BP_AS_TRADED and BP_CARRIED", how);
    return BP_OK;
}

bp_status bp__panel_windows(const bp__scope *s, const bp__windows *windows, int32_t t, int64_t k,
                            bp_bar_column column, unsigned how, double *out)
{
    BP_TRY(bp__panel_windows_check(s, t, k, column, how));
    for (size_t i = 0; i < s->num_assets; i++)
        bp__window(s, windows, i, column, t, (int32_t)k, how, out + i * (size_t)k);
    return BP_OK;
}
