/* noise.c: strategies that do anything at any time, for comparing accounts: what they want depends on a seed, the bar
 * and the asset alone. rules_noise.py has the same in Python.
 *
 * They reach what strategies with sense do not: orders that go through 0, several of an asset on both sides, amounts
 * that no volume fills, positions that nothing can pay. */
#include <bundlepool/strategy.h>

#include <math.h>

enum { SEED, SHORT };

static const bp_param params[] = {
    {.name = "seed", .help = "what comes", .kind = BP_PARAM_INTEGER, .fallback = 1, .min = 1, .max = 100000},
    {.name = "short", .help = "1: positions may be negative", .kind = BP_PARAM_INTEGER, .max = 1},
};

/* The finalizer of splitmix64, over what identifies a choice. */
static uint64_t choice(const double *param, int32_t t, size_t asset, uint64_t what)
{
    uint64_t x = (uint64_t)param[SEED] * 1000003 + (uint64_t)t * 4096 + asset * 8 + what;
    x = x * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static bool one_in(const double *param, int32_t t, size_t asset, uint64_t what, uint64_t n)
{
    return choice(param, t, asset, what) % n == 0;
}

/* Enters and leaves at random; entering what was never traded is not among it. */
static void signals(void *context, const bp_market *market, const double *param, bp_signals *set)
{
    (void)context;
    for (size_t a = 0; a < bp_market_num_assets(market); a++)
        for (int32_t t = 0; t < bp_market_num_bars(market) && bp_market_is_listed(market, a, t); t++)
            if (bp_market_observations(market, a, t) > 0 && one_in(param, t, a, 0, 9))
                bp_signals_toggle(set, t, a);
    for (int32_t t = 0; t < bp_market_num_bars(market); t++)
        if (one_in(param, t, 0, 1, 15)) bp_signals_decide(set, t);
}

/* Every few bars thousandths of the equity that add up to 1 at most. */
static void weights(void *context, const bp_market *market, const double *param, bp_weights *rows)
{
    (void)context;
    size_t n = bp_market_num_assets(market);
    for (int32_t t = 0; t < bp_market_num_bars(market); t++) {
        if (!one_in(param, t, 0, 2, 5)) continue;
        double *row = bp_weights_row(rows, t);
        if (!row) return;
        for (size_t a = 0; a < n; a++) {
            if (!bp_market_is_listed(market, a, t) || bp_market_observations(market, a, t) == 0) continue;
            double share = (double)(choice(param, t, a, 3) % 1001) / 1000 / (double)n;
            row[a] = param[SHORT] != 0 && one_in(param, t, a, 4, 2) ? -share : share;
        }
    }
}

static void order_one(bp_view *view, const double *param, size_t asset)
{
    int32_t t = bp_view_bar(view);
    double size = (double)(choice(param, t, asset, 5) % 4001);
    switch (choice(param, t, asset, 6) % 12) {
    case 0: bp_order(view, asset, size); break;
    case 1: bp_order(view, asset, -size); break;
    case 2: bp_order_target(view, asset, size); break;
    case 3: bp_order_target_percent(view, asset, size / 8000); break;
    case 4:
        if (param[SHORT] != 0) bp_order_target_percent(view, asset, -size / 8000);
        break;
    case 5: bp_order_value(view, asset, size * 7.5); break;
    default: break;
    }
}

static void orders(void *context, bp_view *view, const double *param)
{
    (void)context;
    if (one_in(param, bp_view_bar(view), 0, 7, 6) && bp_view_num_orders(view) > 0)
        bp_view_cancel(view, bp_view_order_at(view, bp_view_num_orders(view) / 2));
    for (size_t a = 0; a < bp_view_num_assets(view); a++)
        if (bp_view_can_trade(view, a)) order_one(view, param, a);
}

/* A number that depends on all that a view shows of an asset. */
static double digest(const bp_view *view, const double *param, size_t asset)
{
    double window[25];
    int32_t t = bp_view_bar(view), k = 1 + (int32_t)(choice(param, t, asset, 1) % 25);
    bp_bar_column column = (bp_bar_column)(choice(param, t, asset, 2) % 5);
    unsigned how =
        (unsigned)(choice(param, t, asset, 3) % 4); /* BP_ADJUSTED or BP_AS_TRADED, BP_CARRIED or not */
    double sum = bp_view_window(view, asset, column, k, how, window);
    for (int32_t i = 0; i < k; i++)
        if (!isnan(window[i])) sum += (column == BP_BAR_VOLUME ? window[i] / 1000 : window[i]) * (i + 1);
    sum += bp_view_observations(view, asset);
    double mean = bp_view_mean(view, asset, k), deviation = bp_view_deviation(view, asset, k);
    if (!isnan(mean)) sum += mean;
    if (!isnan(deviation)) sum += deviation;
    return sum;
}

static void windows(void *context, bp_view *view, const double *param)
{
    (void)context;
    for (size_t a = 0; a < bp_view_num_assets(view); a++)
        if (bp_view_can_trade(view, a)) bp_order_target(view, a, fmod(digest(view, param, a), 500));
}

static const bp_strategy noise_signals = {.size = sizeof(bp_strategy),
                                          .name = "noise_signals",
                                          .help = "sets by chance",
                                          .param = params,
                                          .num_params = 2,
                                          .signals = signals};
static const bp_strategy noise_weights = {.size = sizeof(bp_strategy),
                                          .name = "noise_weights",
                                          .help = "weights by chance",
                                          .param = params,
                                          .num_params = 2,
                                          .weights = weights};
static const bp_strategy noise_orders = {.size = sizeof(bp_strategy),
                                         .name = "noise_orders",
                                         .help = "orders by chance",
                                         .param = params,
                                         .num_params = 2,
                                         .decide = orders};
static const bp_strategy noise_windows = {.size = sizeof(bp_strategy),
                                          .name = "noise_windows",
                                          .help = "positions by what a view shows",
                                          .param = params,
                                          .num_params = 2,
                                          .decide = windows};

BP_STRATEGY_MODULE(&noise_signals, &noise_weights, &noise_orders, &noise_windows)
