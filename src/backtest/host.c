/* The functions that strategies call. Each turns the face that a strategy holds into what is behind it, checks its
 * arguments, because a plug-in is somebody else's, and answers out of the scope or the account. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/arithmetic.h"
#include "backtest/bands.h"
#include "backtest/call.h"
#include "backtest/crossings.h"
#include "backtest/exact.h"
#include "backtest/moving.h"
#include "backtest/trader.h"
#include "core/day.h"
#include "core/status.h"

#define MAX_WINDOW 1000000

/* Failures -------------------------------------------------------------------------------------- */

void bp__call_fail(bp__call *call, int32_t t, const char *fmt, ...)
{
    char day[32];
    int n = 0;
    va_list ap;
    if (call->failed) return;
    call->failed = true;
    if (t >= 0 && (size_t)t < call->scope->num_sessions)
        n = snprintf(call->why, sizeof call->why, "%s: ", bp__day_text(call->scope->day[t], day));
    va_start(ap, fmt);
    vsnprintf(call->why + n, sizeof call->why - (size_t)n, fmt, ap);
    va_end(ap);
}

bp_status bp__call_end(bp__call *call)
{
    const char *fault = bp__arithmetic_fault();
    if (fault) {
        bp__arithmetic_restore();
        bp__call_fail(call, call->t, "it changed the arithmetic of its thread, which %s", fault);
    }
    return bp__call_status(call);
}

void bp__call_interrupt(bp__call *call)
{
    call->failed = call->interrupted = true;
}

bp_status bp__call_status(const bp__call *call)
{
    if (call->interrupted) BP_FAIL(BP_ESTOPPED, "strategy %s was interrupted", call->strategy->name);
    if (!call->failed) return BP_OK;
    char text[BP_LONG_TEXT_MAX];
    snprintf(text, sizeof text, "strategy %.40s: %s", call->strategy->name, call->why);
    return bp__fail_long(BP_EINVAL, text);
}

static bool asset_is_there(bp__call *call, size_t asset)
{
    if (asset < call->scope->num_assets) return true;
    bp__call_fail(call, call->t, "it asks for asset %zu, but there are %zu, from 0 on", asset,
                  call->scope->num_assets);
    return false;
}

static bool column_is_there(bp__call *call, bp_bar_column column)
{
    if ((unsigned)column <= BP_BAR_VOLUME) return true;
    bp__call_fail(call, call->t, "it asks for column %d of a bar, which there is not", (int)column);
    return false;
}

/* Market ---------------------------------------------------------------------------------------- */

static bp__call *call_of(const bp_market *m)
{
    return ((const bp__market *)m)->call;
}

static const bp__scope *scope_of(const bp_market *m)
{
    return call_of(m)->scope;
}

static bool bar_is_there(const bp_market *m, int32_t t)
{
    const bp__scope *s = scope_of(m);
    if (t >= -s->first && t < (int32_t)s->num_sessions) return true;
    bp__call_fail(call_of(m), BP__NEVER, "it asks for bar %d, but there are %d to %d", (int)t, -(int)s->first,
                  (int)s->num_sessions - 1);
    return false;
}

static size_t market_num_assets(const bp_market *m)
{
    return scope_of(m)->num_assets;
}

static int32_t market_num_bars(const bp_market *m)
{
    return (int32_t)scope_of(m)->num_sessions;
}

static int64_t market_time(const bp_market *m, int32_t t)
{
    return bar_is_there(m, t) ? scope_of(m)->day[t] : 0;
}

static bool market_ends_session(const bp_market *m, int32_t t)
{
    return bar_is_there(m, t);
}

static int32_t find_symbol(const bp__scope *s, const char *symbol)
{
    for (size_t i = 0; symbol && i < s->num_assets; i++)
        if (strcmp(symbol, bp__scope_symbol(s, i)) == 0) return (int32_t)i;
    return -1;
}

static int32_t market_find(const bp_market *m, const char *symbol)
{
    return find_symbol(scope_of(m), symbol);
}

static const char *market_symbol(const bp_market *m, size_t asset)
{
    return asset_is_there(call_of(m), asset) ? bp__scope_symbol(scope_of(m), asset) : NULL;
}

static int64_t sid_of(const bp__scope *s, size_t asset)
{
    return bp_bundle_sids(s->bundle)[s->row[asset]];
}

static int64_t market_sid(const bp_market *m, size_t asset)
{
    return asset_is_there(call_of(m), asset) ? sid_of(scope_of(m), asset) : 0;
}

static const double *market_closes(const bp_market *m, size_t asset, int32_t *count)
{
    *count = 0;
    if (!asset_is_there(call_of(m), asset)) return NULL;
    *count = scope_of(m)->asset[asset].count;
    const double *closes = bp__derived_lend_closes(&call_of(m)->derived, asset);
    if (!closes && *count > 0) bp__call_fail(call_of(m), BP__NEVER, "there is no memory for adjusted closes");
    if (!closes) *count = 0;
    return closes;
}

static void market_read(const bp_market *m, size_t asset, bp_bar_column column, double *value)
{
    const bp__scope *s = scope_of(m);
    if (!asset_is_there(call_of(m), asset) || !column_is_there(call_of(m), column)) return;
    const bp__asset *a = &s->asset[asset];
    if (column == BP_BAR_CLOSE && a->count > 0) {
        memcpy(value, bp__derived_closes(&call_of(m)->derived, asset), (size_t)a->count * sizeof *value);
        return;
    }
    const bp__event *split = s->all_splits.at + s->splits_begin[asset];
    const bp__event *end = s->all_splits.at + s->splits_begin[asset + 1];
    double g = 1.0;
    for (int32_t j = 0; j < a->count; j++) {
        const int32_t t = bp__observed_at(a, j);
        for (; split < end && split->t <= t; split++) g *= split->value;
        const double x = bp__scope_value(s, asset, column, t);
        if (column == BP_BAR_VOLUME)
            value[j] = x > 0 ? x * g : 0;
        else
            value[j] = bp__priced(x) ? x / g : NAN;
    }
}

static int32_t market_bar_of(const bp_market *m, size_t asset, int32_t j)
{
    if (!asset_is_there(call_of(m), asset)) return 0;
    const bp__asset *a = &scope_of(m)->asset[asset];
    if (j >= 0 && j < a->count) return bp__observed_at(a, j);
    bp__call_fail(call_of(m), BP__NEVER, "it asks for observation %d of %.20s, but there are %d", (int)j,
                  bp__scope_symbol(scope_of(m), asset), (int)a->count);
    return 0;
}

static int32_t market_observations(const bp_market *m, size_t asset, int32_t t)
{
    return asset_is_there(call_of(m), asset) ? bp__observations_until(&scope_of(m)->asset[asset], t) : 0;
}

static bool market_is_listed(const bp_market *m, size_t asset, int32_t t)
{
    return asset_is_there(call_of(m), asset) && t < scope_of(m)->asset[asset].delisted;
}

static bool window_is_sensible(bp__call *call, int32_t k, int32_t least)
{
    if (k >= least && k <= MAX_WINDOW) return true;
    bp__call_fail(call, call->t, "it asks for a window of %d, allowed are %d to %d", (int)k, (int)least,
                  MAX_WINDOW);
    return false;
}

static void market_means(const bp_market *m, size_t asset, int32_t k, double *mean)
{
    bp__call *call = call_of(m);
    if (!asset_is_there(call, asset) || !window_is_sensible(call, k, 1)) return;
    const bp__sums *sums = bp__derived_sums(&call->derived, asset);
    bp__moving_means(call->isa, sums->hi, sums->lo, call->scope->asset[asset].count, k, mean);
}

static void market_deviations(const bp_market *m, size_t asset, int32_t k, const double *mean,
                              double *deviation)
{
    bp__call *call = call_of(m);
    if (!asset_is_there(call, asset) || !window_is_sensible(call, k, 2)) return;
    const double *closes = bp__derived_closes(&call->derived, asset);
    bp__moving_deviations(call->isa, closes, call->scope->asset[asset].count, k, mean, deviation);
}

static void *market_scratch(const bp_market *m, size_t bytes)
{
    void *memory = bp__scratch_take(&call_of(m)->scratch, bytes);
    if (!memory) bp__call_fail(call_of(m), BP__NEVER, "there is no memory for %zu bytes of scratch", bytes);
    return memory;
}

static void market_fail(const bp_market *m, const char *why)
{
    bp__call_fail(call_of(m), BP__NEVER, "%s", why ? why : "it has failed");
}

/* What signals and weights say -------------------------------------------------------------------- */

static bool bar_is_in_range(bp__call *call, int32_t t)
{
    if (t >= 0 && (size_t)t < call->scope->num_sessions) return true;
    bp__call_fail(call, BP__NEVER, "it speaks of bar %d, but the range has 0 to %zu", (int)t,
                  call->scope->num_sessions - 1);
    return false;
}

/* @return false: this call has answered by weights before, and so has failed */
static bool may_signal(bp__call *call, int32_t t)
{
    call->toggled = true;
    if (!call->weights || call->weights->count == 0) return true;
    bp__call_fail(call, t, "it answers by weights and by signals as well; choose one");
    return false;
}

static void signals_toggle(bp_signals *face, int32_t t, size_t asset)
{
    bp__signals *s = (bp__signals *)face;
    if (!may_signal(s->call, t)) return;
    if (!bar_is_in_range(s->call, t) || !asset_is_there(s->call, asset)) return;
    if (t >= s->call->scope->asset[asset].delisted) {
        bp__call_fail(s->call, t, "%.20s is toggled, but it is delisted",
                      bp__scope_symbol(s->call->scope, asset));
        return;
    }
    if (bp__observations_until(&s->call->scope->asset[asset], t) == 0) {
        bp__call_fail(s->call, t, "%.20s is toggled, but it has no price yet",
                      bp__scope_symbol(s->call->scope, asset));
        return;
    }
    bp__signals_turn(s, (size_t)t, asset);
}

static void signals_decide(bp_signals *face, int32_t t)
{
    bp__signals *s = (bp__signals *)face;
    if (!may_signal(s->call, t) || !bar_is_in_range(s->call, t)) return;
    if (s->lanes)
        s->lanes->decide[t] |= s->lane;
    else
        s->decide[t] = true;
}

static void signals_cross(const bp_market *m, size_t asset, size_t count, const int32_t *fast,
                          const int32_t *slow, bp_signals *const *signals)
{
    bp__call *call = call_of(m);
    if (!may_signal(call, BP__NEVER) || !asset_is_there(call, asset)) return;
    for (size_t i = 0; i < count; i++)
        if (!window_is_sensible(call, fast[i], 1) || !window_is_sensible(call, slow[i], 1)) return;
    bp__cross(call, asset, bp__derived_sums(&call->derived, asset), count, fast, slow, signals);
}

static void signals_band(const bp_market *m, size_t asset, const double *value, size_t count,
                         const double *low, const double *high, bp_signals *const *signals)
{
    bp__call *call = call_of(m);
    if (may_signal(call, BP__NEVER) && asset_is_there(call, asset))
        bp__band(call, asset, value, count, low, high, signals);
}

static bool grow(bp__weights *w)
{
    if (w->count < w->capacity) return true;
    const size_t n = w->call->scope->num_assets, more = w->capacity ? 2 * w->capacity : 64;
    int32_t *t = realloc(w->t, more * sizeof *t);
    if (t) w->t = t;
    double *row = realloc(w->row, (more * n + 1) * sizeof *row);
    if (row) w->row = row;
    if (!t || !row) return false;
    w->capacity = more;
    return true;
}

static double *weights_row(bp_weights *face, int32_t t)
{
    bp__weights *w = (bp__weights *)face;
    const size_t n = w->call->scope->num_assets;
    if (w->call->toggled)
        bp__call_fail(w->call, t, "it answers by signals and by weights as well; choose one");
    if (!bar_is_in_range(w->call, t)) return bp__scratch_take(&w->call->scratch, n * sizeof *w->row);
    if (w->count > 0 && t <= w->t[w->count - 1])
        bp__call_fail(w->call, t, "a rebalance comes after a later one, or twice");
    if (!grow(w)) {
        bp__call_fail(w->call, t, "there is no memory for %zu rebalances", w->count + 1);
        return NULL;
    }
    double *row = w->row + w->count * n;
    memset(row, 0, n * sizeof *row);
    w->t[w->count++] = t;
    return row;
}

bp_weights *bp__market_weights(const bp_market *m)
{
    bp__call *call = call_of(m);
    if (call->weights) return &call->weights->face;
    bp__call_fail(call, BP__NEVER,
                  "it answers by weights where signals of several combinations are asked for, or its "
                  "form is another");
    return NULL;
}

/* View ------------------------------------------------------------------------------------------ */

static const bp__view *of(const bp_view *v)
{
    return (const bp__view *)v;
}

static const bp__scope *seen(const bp_view *v)
{
    return of(v)->call->scope;
}

static bool asset_is_seen(const bp_view *v, size_t asset)
{
    return asset_is_there(of(v)->call, asset);
}

static size_t view_num_assets(const bp_view *v)
{
    return seen(v)->num_assets;
}

static int32_t view_bar(const bp_view *v)
{
    return of(v)->call->t;
}

static int64_t view_time(const bp_view *v)
{
    return seen(v)->day[of(v)->call->t];
}

static bool view_ends_session(const bp_view *v)
{
    (void)v;
    return true;
}

static int32_t view_find(const bp_view *v, const char *symbol)
{
    return find_symbol(seen(v), symbol);
}

static const char *view_symbol(const bp_view *v, size_t asset)
{
    return asset_is_seen(v, asset) ? bp__scope_symbol(seen(v), asset) : NULL;
}

static int64_t view_sid(const bp_view *v, size_t asset)
{
    return asset_is_seen(v, asset) ? sid_of(seen(v), asset) : 0;
}

static bool view_can_trade(const bp_view *v, size_t asset)
{
    return asset_is_seen(v, asset) && bp__trader_takes(of(v)->trader, asset, of(v)->call->t);
}

static double view_price(const bp_view *v, size_t asset)
{
    return asset_is_seen(v, asset) ? of(v)->trader->mark[asset] : NAN;
}

static int32_t view_window(const bp_view *v, size_t asset, bp_bar_column column, int32_t k, unsigned how,
                           double *value)
{
    bp__call *call = of(v)->call;
    if (!asset_is_seen(v, asset) || !column_is_there(call, column) || !window_is_sensible(call, k, 1))
        return 0;
    if (!call->windows.made && bp__failed(bp__windows_make(call->scope, &call->windows))) {
        bp__windows_fini(&call->windows);
        bp__call_fail(call, call->t, "there is no memory for the adjustments of windows");
        return 0;
    }
    return bp__window(call->scope, &call->windows, asset, column, call->t, k, how, value);
}

static int32_t view_observations(const bp_view *v, size_t asset)
{
    return asset_is_seen(v, asset) ? bp__observations_until(&seen(v)->asset[asset], of(v)->call->t) : 0;
}

/* Prefix sums of an asset, kept as long as the workspace: a view asks for them bar by bar. */
static const double *sums_for_view(bp__call *call, size_t asset)
{
    const bp__asset *a = &call->scope->asset[asset];
    const size_t n = (size_t)a->count + 1;
    if (!call->view_sum) call->view_sum = calloc(call->scope->num_assets, sizeof *call->view_sum);
    if (call->view_sum && !call->view_sum[asset]) {
        double *sum = bp__scratch_take(&call->sums, 2 * n * sizeof *sum);
        if (sum) bp__prefix_sums(bp__derived_closes(&call->derived, asset), n - 1, sum, sum + n);
        call->view_sum[asset] = sum;
    }
    if (call->view_sum && call->view_sum[asset]) return call->view_sum[asset];
    bp__call_fail(call, call->t, "there is no memory for the sums of a mean");
    return NULL;
}

static double view_mean(const bp_view *v, size_t asset, int32_t k)
{
    bp__call *call = of(v)->call;
    if (!asset_is_seen(v, asset) || !window_is_sensible(call, k, 1)) return NAN;
    const int32_t until = view_observations(v, asset);
    const double *sum = until >= k ? sums_for_view(call, asset) : NULL;
    const size_t n = (size_t)call->scope->asset[asset].count + 1;
    return sum ? bp__prefix_mean(sum, sum + n, (size_t)(until - k), (size_t)until) : NAN;
}

static double view_deviation(const bp_view *v, size_t asset, int32_t k)
{
    const double mean = view_mean(v, asset, k);
    if (isnan(mean)) return NAN;
    const double *closes = bp__derived_lend_closes(&of(v)->call->derived, asset);
    if (!closes) bp__call_fail(of(v)->call, of(v)->call->t, "there is no memory for adjusted closes");
    return closes ? bp__deviation(closes + view_observations(v, asset) - k, (size_t)k, mean) : NAN;
}

static double view_cash(const bp_view *v)
{
    return of(v)->trader->cash;
}

static double view_equity(const bp_view *v)
{
    return of(v)->trader->equity;
}

static double view_position(const bp_view *v, size_t asset)
{
    return asset_is_seen(v, asset) ? of(v)->trader->shares[asset] : NAN;
}

static void *view_memory(bp_view *v)
{
    return of(v)->memory;
}

static uint64_t view_order(bp_view *v, size_t asset, double amount)
{
    bp__call *call = of(v)->call;
    const int32_t t = call->t;
    if (call->failed || !asset_is_seen(v, asset)) return 0;
    const char *symbol = bp__scope_symbol(call->scope, asset);
    if (!bp__trader_takes(of(v)->trader, asset, t))
        bp__call_fail(call, t, "%.20s is ordered, but it %s", symbol,
                      t >= call->scope->asset[asset].delisted ? "is delisted" : "has no price yet");
    else if (!isfinite(amount))
        bp__call_fail(call, t, "an order of %.20s is for %g shares", symbol, amount);
    if (call->failed) return 0;
    uint64_t order = 0;
    if (bp__failed(bp__trader_order(of(v)->trader, asset, amount, t, &order)))
        bp__call_fail(call, t, "there is no memory for another order");
    return order;
}

static size_t view_num_orders(const bp_view *v)
{
    return of(v)->trader->num_orders;
}

static uint64_t view_order_at(const bp_view *v, size_t i)
{
    const struct bp__trader *trader = of(v)->trader;
    if (i < trader->num_orders) return trader->order[i].number;
    bp__call_fail(of(v)->call, of(v)->call->t, "it asks for open order %zu, but there are %zu", i,
                  trader->num_orders);
    return 0;
}

static size_t view_order_asset(const bp_view *v, uint64_t number)
{
    const bp__order *o = bp__trader_find(of(v)->trader, number);
    if (o) return o->asset;
    bp__call_fail(of(v)->call, of(v)->call->t, "it asks for an order that is not open");
    return 0;
}

static double view_order_unfilled(const bp_view *v, uint64_t number)
{
    const bp__order *o = bp__trader_find(of(v)->trader, number);
    return o ? bp__order_unfilled(of(v)->trader, o) : 0;
}

static bool view_cancel(bp_view *v, uint64_t number)
{
    return bp__trader_cancel(of(v)->trader, number, of(v)->call->t);
}

static void view_fail(bp_view *v, const char *why)
{
    bp__call_fail(of(v)->call, of(v)->call->t, "%s", why ? why : "it has failed");
}

/* The table ------------------------------------------------------------------------------------- */

const bp_host *bp__host(void)
{
    static const bp_host host = {
        .size = sizeof host,
        .abi = BP_STRATEGY_ABI,
        .market_num_assets = market_num_assets,
        .market_num_bars = market_num_bars,
        .market_time = market_time,
        .market_ends_session = market_ends_session,
        .market_find = market_find,
        .market_symbol = market_symbol,
        .market_sid = market_sid,
        .market_closes = market_closes,
        .market_read = market_read,
        .market_bar_of = market_bar_of,
        .market_observations = market_observations,
        .market_is_listed = market_is_listed,
        .market_means = market_means,
        .market_deviations = market_deviations,
        .market_scratch = market_scratch,
        .market_fail = market_fail,
        .signals_toggle = signals_toggle,
        .signals_decide = signals_decide,
        .weights_row = weights_row,
        .view_num_assets = view_num_assets,
        .view_bar = view_bar,
        .view_time = view_time,
        .view_ends_session = view_ends_session,
        .view_find = view_find,
        .view_symbol = view_symbol,
        .view_sid = view_sid,
        .view_can_trade = view_can_trade,
        .view_price = view_price,
        .view_window = view_window,
        .view_observations = view_observations,
        .view_mean = view_mean,
        .view_deviation = view_deviation,
        .view_cash = view_cash,
        .view_equity = view_equity,
        .view_position = view_position,
        .view_memory = view_memory,
        .view_order = view_order,
        .view_num_orders = view_num_orders,
        .view_order_at = view_order_at,
        .view_order_asset = view_order_asset,
        .view_order_unfilled = view_order_unfilled,
        .view_cancel = view_cancel,
        .view_fail = view_fail,
        .mean = bp__mean,
        .deviation = bp__deviation,
        .signals_cross = signals_cross,
        .signals_band = signals_band,
    };
    return &host;
}

/* A call ---------------------------------------------------------------------------------------- */

bp_status bp__call_init(const bp__scope *scope, bp__call *call)
{
    *call = (bp__call){.scope = scope, .t = BP__NEVER, .isa = bp__isa_best()};
    return bp__derived_init(scope, &call->derived);
}

void bp__call_fini(bp__call *call)
{
    bp__scratch_fini(&call->scratch);
    bp__scratch_fini(&call->sums);
    bp__windows_fini(&call->windows);
    bp__derived_fini(&call->derived);
    free(call->view_sum);
}

void bp__call_begin(bp__call *call, const bp_strategy *strategy)
{
    call->strategy = strategy;
    call->failed = call->interrupted = false;
    call->t = BP__NEVER;
    call->weights = NULL;
    call->toggled = false;
    bp__scratch_clear(&call->scratch);
    bp__derived_take_back(&call->derived);
}
