/* Form *weights*: at every rebalance each asset gets a share of the equity in inverse proportion to the deviation of its
 * returns, so that all carry about the same risk.
 *
 * A row of weights is asked for with bp_weights_row(); it begins as zeros, and an asset that stays at 0 is sold. */
#include <bundlepool/strategy.h>

enum { LOOKBACK, REBALANCE };

/* Deviation of the last k returns up to bar t; 0: there are not so many, or they are all equal. */
static double deviation(const bp_market *market, size_t asset, int32_t t, int32_t k, double *returns)
{
    int32_t count;
    const double *close = bp_market_closes(market, asset, &count);
    const int32_t known =
        bp_market_observations(market, asset, t); /* closes up to this bar, and none that follow */
    if (known < k + 1) return 0;
    for (int32_t i = 0; i < k; i++) {
        const int32_t j = known - k + i;
        returns[i] = close[j] / close[j - 1] - 1;
    }
    const double mean = bp_mean(market->host, returns, (size_t)k);
    return bp_deviation(market->host, returns, (size_t)k, mean);
}

static void rebalance(const bp_market *market, int32_t t, int32_t k, double *returns, bp_weights *weights)
{
    const size_t n = bp_market_num_assets(market);
    double *weight = bp_weights_row(weights, t), sum = 0;
    if (!weight) return;
    for (size_t asset = 0; asset < n; asset++) {
        if (!bp_market_is_listed(market, asset, t)) continue;
        const double s = deviation(market, asset, t, k, returns);
        if (s > 0) sum += weight[asset] = 1 / s;
    }
    for (size_t asset = 0; asset < n; asset++)
        if (weight[asset] > 0) weight[asset] /= sum;
}

static void inverse_volatility(void *context, const bp_market *market, const double *params,
                               bp_weights *weights)
{
    (void)context;
    const int32_t k = (int32_t)params[LOOKBACK], step = (int32_t)params[REBALANCE];
    double *returns = bp_market_scratch(market, (size_t)k * sizeof *returns);
    if (!returns) return;
    for (int32_t t = 0; t < bp_market_num_bars(market); t += step) rebalance(market, t, k, returns, weights);
}

static const bp_param params[] = {
    {.name = "lookback",
     .help = "returns that the deviation is of",
     .kind = BP_PARAM_INTEGER,
     .fallback = 60,
     .min = 2,
     .max = 100000},
    {.name = "rebalance",
     .help = "bars between two rebalances",
     .kind = BP_PARAM_INTEGER,
     .fallback = 21,
     .min = 1,
     .max = 100000},
};

static const bp_strategy strategy = {
    .size = sizeof strategy,
    .name = "inverse_volatility",
    .help = "holds every asset in inverse proportion to the deviation of its returns",
    .param = params,
    .num_params = sizeof params / sizeof *params,
    .weights = inverse_volatility,
};

BP_STRATEGY_MODULE(&strategy)
