/* What is known of a draft only when all of it is there: order, sessions, lifetimes, factors, price ratios. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/name.h"
#include "core/search.h"
#include "io/draft.h"

#define SORT(table, compare)                                                                                 \
    do {                                                                                                     \
        if ((table)->n > 1) qsort((table)->row, (table)->n, sizeof *(table)->row, compare);                  \
    } while (0)

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Sessions -------------------------------------------------------------------------------------- */

static bp_status mark_days_again(bp__draft *draft)
{
    memset(draft->day_set, 0, BP__DAY_WORDS * sizeof *draft->day_set);
    for (size_t i = 0; i < draft->series[BP__DAILY].n; i++) {
        const bp__draft_series *series = &draft->series[BP__DAILY].row[i];
        bp__bar *bars = malloc(series->bars * sizeof *bars + 1);
        if (!bars) BP_FAIL(BP_ENOMEM, "no memory for %zu bars", series->bars);
        const bp_status s = bp__draft_read(draft, series, bars);
        for (size_t k = 0; s == BP_OK && k < series->bars; k++)
            bp__draft_mark_day(draft->day_set, bars[k].dt);
        free(bars);
        BP_TRY(s);
    }
    return BP_OK;
}

static bp_status list_days(bp__draft *draft)
{
    if (draft->day_set_stale) BP_TRY(mark_days_again(draft));
    for (size_t i = 0; i < draft->more_days.n; i++)
        bp__draft_mark_day(draft->day_set, draft->more_days.row[i]);
    for (size_t w = 0; w < BP__DAY_WORDS; w++)
        for (uint64_t bits = draft->day_set[w]; bits; bits &= bits - 1) {
            const int64_t day = (int64_t)(64 * w) + __builtin_ctzll(bits) - BP__DAYS_BEFORE_EPOCH;
            BP__APPEND(&draft->days, day * BP_NS_PER_DAY);
        }
    return BP_OK;
}

size_t bp__draft_find_day(const bp__draft *draft, int64_t day)
{
    return bp__first_from(draft->days.row, draft->days.n, day);
}

/* Series ---------------------------------------------------------------------------------------- */

static int series_in_order(const void *a, const void *b)
{
    return by_number(((const bp__draft_series *)a)->sid, ((const bp__draft_series *)b)->sid);
}

static void sort_series(bp__draft *draft, int frame)
{
    size_t kept = 0;
    bp__draft_series *row = draft->series[frame].row;
    for (size_t i = 0; i < draft->series[frame].n; i++) {
        if (row[i].dropped)
            free(row[i].runs.row);
        else
            row[kept++] = row[i];
    }
    draft->series[frame].n = kept;
    SORT(&draft->series[frame], series_in_order);
}

size_t bp__draft_find_series(const bp__draft *draft, int frame, int64_t sid)
{
    const bp__draft_series key = {.sid = sid}, *row = draft->series[frame].row;
    if (draft->series[frame].n == 0) return SIZE_MAX;
    const bp__draft_series *found = bsearch(&key, row, draft->series[frame].n, sizeof *row, series_in_order);
    return found ? (size_t)(found - row) : SIZE_MAX;
}

/* Factors --------------------------------------------------------------------------------------- */

/* One factor for all series, if there is one that does; else each series gets its own. */
static void choose_factors(bp__draft *draft, int frame, int kind)
{
    const int usual = kind == BP__PRICE ? BP__SCALE_PRICE : BP__SCALE_VOLUME;
    bp__scale all = BP__SCALE_ANY;
    double fixed = 0;
    bool mixed = false;
    size_t num_fixed = 0;
    for (size_t i = 0; i < draft->series[frame].n; i++) {
        const bp__draft_series *series = &draft->series[frame].row[i];
        if (series->factor[kind] > 0) {
            mixed |= num_fixed++ > 0 && series->factor[kind] != fixed;
            fixed = series->factor[kind];
        } else {
            all = bp__scale_both(all, series->scale[kind]);
        }
    }
    mixed |= num_fixed > 0 && num_fixed < draft->series[frame].n;
    double *factor = &draft->factor[frame][kind];
    draft->by_asset[frame][kind] = mixed || (num_fixed == 0 && all.low > all.high);
    *factor = bp__scale_factor(usual);
    if (!draft->by_asset[frame][kind])
        *factor = num_fixed > 0 ? fixed : bp__scale_factor(bp__scale_choose(all, usual));
    for (size_t i = 0; i < draft->series[frame].n; i++) {
        bp__draft_series *series = &draft->series[frame].row[i];
        if (series->factor[kind] > 0) continue;
        series->factor[kind] = draft->by_asset[frame][kind]
                                   ? bp__scale_factor(bp__scale_choose(series->scale[kind], usual))
                                   : *factor;
    }
}

static bp_status check_prices(const bp__draft *draft, int frame)
{
    for (size_t i = 0; i < draft->series[frame].n; i++) {
        const bp__draft_series *series = &draft->series[frame].row[i];
        const bp__scale *scale = &series->scale[BP__PRICE];
        if (scale->low > scale->high && series->factor[BP__PRICE] == 0)
            BP_FAIL(BP_ERANGE, "sid %lld: its %s prices lie too far apart to be kept to a millionth",
                    (long long)series->sid, bp__frame_name[frame]);
    }
    return BP_OK;
}

static bp_status finish_series(bp__draft *draft)
{
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        sort_series(draft, f);
        BP_TRY(check_prices(draft, f));
        for (int k = 0; k < BP__NUM_SCALES; k++) choose_factors(draft, f, k);
    }
    return BP_OK;
}

/* Dividends ------------------------------------------------------------------------------------- */

static int payouts_in_order(const void *a, const void *b)
{
    const bp__draft_payout *x = a, *y = b;
    int c = by_number(x->sid, y->sid);
    if (c == 0) c = by_number(x->ex_date, y->ex_date);
    if (c == 0) c = (x->amount > y->amount) - (x->amount < y->amount);
    return c ? c : by_number(x->pay_date, y->pay_date);
}

/* The close of a day as it will be read back; NaN if there is none. */
static double close_on(const bp__draft_series *series, const bp__bar *bars, int64_t day)
{
    size_t low = 0, high = series->bars;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (bars[mid].dt < day)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == series->bars || bars[low].dt != day) return NAN;
    const double factor = series->factor[BP__PRICE];
    return bp__scale_read(bp__scale_store(bars[low].value[BP__CLOSE], factor), factor, true);
}

static bp_status add_dividend_ratio(bp__draft *draft, const bp__draft_payout *payout,
                                    const bp__draft_series *series, const bp__bar *bars)
{
    const size_t column = bp__draft_find_day(draft, payout->ex_date);
    if (column == 0) return BP_OK;
    const double ratio = 1.0 - payout->amount / close_on(series, bars, draft->days.row[column - 1]);
    if (!(ratio > 0) || !isfinite(ratio)) return BP_OK;
    return bp__draft_add_ratio(draft, BP__DIVIDENDS, &(bp__draft_ratio){payout->sid, payout->ex_date, ratio});
}

/* Dividends `from` to `to` are those of one sid. */
static bp_status divide_series(bp__draft *draft, size_t from, size_t to)
{
    const size_t row = bp__draft_find_series(draft, BP__DAILY, draft->undivided.row[from].sid);
    if (row == SIZE_MAX) return BP_OK;
    const bp__draft_series *series = &draft->series[BP__DAILY].row[row];
    bp__bar *bars = malloc(series->bars * sizeof *bars + 1);
    if (!bars) BP_FAIL(BP_ENOMEM, "no memory for %zu bars", series->bars);
    bp_status s = bp__draft_read(draft, series, bars);
    for (size_t i = from; i < to && s == BP_OK; i++)
        s = add_dividend_ratio(draft, &draft->undivided.row[i], series, bars);
    free(bars);
    return s;
}

static bp_status divide(bp__draft *draft)
{
    SORT(&draft->undivided, payouts_in_order);
    for (size_t from = 0, to; from < draft->undivided.n; from = to) {
        for (to = from; to < draft->undivided.n; to++)
            if (draft->undivided.row[to].sid != draft->undivided.row[from].sid) break;
        BP_TRY(divide_series(draft, from, to));
    }
    return BP_OK;
}

/* Assets ---------------------------------------------------------------------------------------- */

static int assets_in_order(const void *a, const void *b)
{
    return by_number(((const bp__draft_asset *)a)->sid, ((const bp__draft_asset *)b)->sid);
}

size_t bp__draft_find_asset(const bp__draft *draft, int64_t sid)
{
    const bp__draft_asset key = {.sid = sid}, *row = draft->assets.row;
    if (draft->assets.n == 0) return SIZE_MAX;
    const bp__draft_asset *found = bsearch(&key, row, draft->assets.n, sizeof *row, assets_in_order);
    return found ? (size_t)(found - row) : SIZE_MAX;
}

/* Days of the first and the last bar in either frame; BP_TIME_MISSING without any. */
static void span(const bp__draft *draft, int64_t sid, int64_t *start, int64_t *end)
{
    *start = *end = BP_TIME_MISSING;
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        const size_t row = bp__draft_find_series(draft, f, sid);
        if (row == SIZE_MAX || draft->series[f].row[row].bars == 0) continue;
        const int64_t first = bp__day_of(draft->series[f].row[row].first),
                      last = bp__day_of(draft->series[f].row[row].last);
        if (*start == BP_TIME_MISSING || first < *start) *start = first;
        if (*end == BP_TIME_MISSING || last > *end) *end = last;
    }
}

static void fill_dates(const bp__draft *draft, bp__draft_asset *asset)
{
    int64_t start, end;
    span(draft, asset->sid, &start, &end);
    if (asset->start_date == BP_TIME_MISSING) asset->start_date = start;
    if (asset->first_traded == BP_TIME_MISSING) asset->first_traded = start;
    if (asset->end_date != BP_TIME_MISSING || end == BP_TIME_MISSING) return;
    asset->end_date = end;
    if (asset->auto_close_date == BP_TIME_MISSING) asset->auto_close_date = end + BP_NS_PER_DAY;
}

static int mappings_in_order(const void *a, const void *b)
{
    const bp__draft_mapping *x = a, *y = b;
    int c = by_number(x->sid, y->sid);
    if (c == 0) c = by_number(x->start_date, y->start_date);
    return c ? c : strcmp(x->symbol, y->symbol);
}

static bp_status finish_assets(bp__draft *draft)
{
    SORT(&draft->assets, assets_in_order);
    for (size_t i = 0; i < draft->assets.n; i++) {
        bp__draft_asset *asset = &draft->assets.row[i];
        if (i > 0 && asset->sid == asset[-1].sid)
            BP_FAIL(BP_EINVAL, "two assets, %s and %s, have the sid %lld", asset[-1].symbol, asset->symbol,
                    (long long)asset->sid);
        if (strlen(asset->currency) != 3)
            BP_FAIL(BP_EINVAL, "%s: currency '%s' is not 3 letters long", asset->symbol, asset->currency);
        fill_dates(draft, asset);
    }
    /* without a start of its own a symbol has been the asset's all its life */
    for (size_t i = 0; i < draft->mappings.n; i++) {
        bp__draft_mapping *mapping = &draft->mappings.row[i];
        const size_t row = bp__draft_find_asset(draft, mapping->sid);
        if (row == SIZE_MAX) continue;
        if (mapping->start_date == BP_TIME_MISSING) mapping->start_date = draft->assets.row[row].start_date;
        if (mapping->end_date == BP_TIME_MISSING) mapping->end_date = draft->assets.row[row].end_date;
    }
    SORT(&draft->mappings, mappings_in_order);
    return BP_OK;
}

/* Calendar, adjustments ------------------------------------------------------------------------- */

static int sessions_in_order(const void *a, const void *b)
{
    return by_number(((const bp__draft_session *)a)->session, ((const bp__draft_session *)b)->session);
}

static int ratios_in_order(const void *a, const void *b)
{
    const bp__draft_ratio *x = a, *y = b;
    int c = by_number(x->sid, y->sid);
    if (c == 0) c = by_number(x->effective_date, y->effective_date);
    return c ? c : (x->ratio > y->ratio) - (x->ratio < y->ratio);
}

static int stocks_in_order(const void *a, const void *b)
{
    const bp__draft_stock *x = a, *y = b;
    int c = by_number(x->sid, y->sid);
    if (c == 0) c = by_number(x->ex_date, y->ex_date);
    if (c == 0) c = by_number(x->payment_sid, y->payment_sid);
    return c ? c : (x->ratio > y->ratio) - (x->ratio < y->ratio);
}

static bp_status finish_calendar(bp__draft *draft)
{
    char day[32];
    SORT(&draft->calendar, sessions_in_order);
    for (size_t i = 1; i < draft->calendar.n; i++)
        if (draft->calendar.row[i].session == draft->calendar.row[i - 1].session)
            BP_FAIL(BP_EINVAL, "the calendar has the session %s twice",
                    bp__day_text(draft->calendar.row[i].session, day));
    return BP_OK;
}

static bp_status finish_adjustments(bp__draft *draft)
{
    static const char *const name[BP__NUM_RATIOS] = {"split", "merger", "dividend"};
    char day[32];
    for (int k = 0; k < BP__NUM_RATIOS; k++) {
        SORT(&draft->ratios[k], ratios_in_order);
        for (size_t i = 0; i < draft->ratios[k].n; i++) {
            const bp__draft_ratio *ratio = &draft->ratios[k].row[i];
            if (!(ratio->ratio > 0) || !isfinite(ratio->ratio))
                BP_FAIL(BP_EINVAL, "sid %lld: the %s of %s has the ratio %g, which is not positive",
                        (long long)ratio->sid, name[k], bp__day_text(ratio->effective_date, day),
                        ratio->ratio);
        }
    }
    SORT(&draft->payouts, payouts_in_order);
    SORT(&draft->stocks, stocks_in_order);
    return BP_OK;
}

bp_status bp__draft_finish(bp__draft *draft)
{
    BP_TRY(list_days(draft));
    BP_TRY(finish_series(draft));
    BP_TRY(divide(draft));
    BP_TRY(finish_assets(draft));
    BP_TRY(finish_calendar(draft));
    return finish_adjustments(draft);
}
