#include "backtest/windows.h"

#include <math.h>
#include <stdlib.h>

static const bp_column COLUMNS[BP__NUM_ADJUSTMENTS][2] = {
    {BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO},
    {BP_COL_MERGER_SID, BP_COL_MERGER_RATIO},
    {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_RATIO},
};

bp_status bp__windows_make(const bp__scope *scope, bp__windows *w)
{
    for (size_t k = 0; k < BP__NUM_ADJUSTMENTS; k++) {
        BP_TRY(bp__scope_events(scope, COLUMNS[k][0], COLUMNS[k][1], &w->by[k]));
        w->begin[k] = calloc(scope->num_assets + 1, sizeof *w->begin[k]);
        if (!w->begin[k]) return BP_ENOMEM;
        for (size_t asset = 0, e = 0; asset <= scope->num_assets; asset++) {
            while (e < w->by[k].count && w->by[k].at[e].asset < asset) e++;
            w->begin[k][asset] = e;
        }
    }
    w->made = true;
    return BP_OK;
}

void bp__windows_fini(bp__windows *w)
{
    for (size_t k = 0; k < BP__NUM_ADJUSTMENTS; k++) {
        free(w->by[k].at);
        free(w->begin[k]);
    }
    *w = (bp__windows){0};
}

/* Adjust values of bars first … first+count-1, as seen from bar t. */
static void adjust(const bp__windows *w, size_t asset, bp_bar_column column, int32_t t, int32_t first,
                   int32_t count, double *value)
{
    const bool is_volume = column == BP_BAR_VOLUME;
    for (size_t k = 0; k < (is_volume ? 1 : BP__NUM_ADJUSTMENTS); k++)
        for (size_t e = w->begin[k][asset]; e < w->begin[k][asset + 1]; e++) {
            const bp__event *event = &w->by[k].at[e];
            if (event->t <= first || event->t > t) continue;
            for (int32_t i = 0; i < count && first + i < event->t; i++)
                value[i] = is_volume ? value[i] / event->value : value[i] * event->value;
        }
}

/* The last price before bar t, as seen from bar `from`; NaN: there is none. */
static double before(const bp__scope *s, const bp__windows *w, size_t asset, bp_bar_column column, int32_t t,
                     int32_t from, unsigned how)
{
    while (--t >= -s->first) {
        double price = bp__scope_value(s, asset, column, t);
        if (!bp__priced(price)) continue;
        if (!(how & BP_AS_TRADED)) adjust(w, asset, column, from, t, 1, &price);
        return price;
    }
    return NAN;
}

int32_t bp__window(const bp__scope *s, const bp__windows *w, size_t asset, bp_bar_column column, int32_t t,
                   int32_t k, unsigned how, double *value)
{
    const int32_t first = t - k + 1, begin = first < -s->first ? -s->first : first;
    const bool is_volume = column == BP_BAR_VOLUME;
    for (int32_t u = first; u <= t; u++) {
        const double x = u < begin ? NAN : bp__scope_value(s, asset, column, u);
        value[u - first] = bp__priced(x) ? x : is_volume ? 0 : NAN;
    }
    if (!(how & BP_AS_TRADED)) adjust(w, asset, column, t, first, k, value);
    if ((how & BP_CARRIED) && !is_volume)
        for (int32_t i = 0; i < k; i++)
            if (isnan(value[i])) value[i] = i > 0 ? value[i - 1] : before(s, w, asset, column, first, t, how);
    return t - begin + 1;
}
