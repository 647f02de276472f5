#include <bundlepool/strategy.h>

enum { LOOKBACK, REBALANCE };

/* 1 / the deviation of an asset's last k returns; 0: it has too few, or they are all equal. */
static double steadiness(const bp_market *market, size_t asset, int32_t t, int32_t k, double *returns)
{
    int32_t n;
    const double *close = bp_market_closes(market, asset, &n);
    const int32_t end = bp_market_observations(market, asset, t);
    if (end < k + 1 || !bp_market_is_listed(market, asset, t)) return 0;
    for (int32_t i = 0; i < k; i++) returns[i] = close[end - k + i] / close[end - k + i - 1] - 1;
    const double mean = bp_mean(market->host, returns, (size_t)k);
    const double deviation = bp_deviation(market->host, returns, (size_t)k, mean);
    return deviation > 0 ? 1 / deviation : 0;
}

static void weights(void *context, const bp_market *market, const double *params, bp_weights *weights)
{
    (void)context;
    const int32_t k = (int32_t)params[LOOKBACK], rebalance = (int32_t)params[REBALANCE];
    const size_t assets = bp_market_num_assets(market);
    double *returns = bp_market_scratch(market, (size_t)k * sizeof *returns);
    for (int32_t t = 0; returns && t < bp_market_num_bars(market); t += rebalance) {
        double *row = bp_weights_row(weights, t), sum = 0.0;
        if (!row) return;
        for (size_t i = 0; i < assets; i++) sum += row[i] = steadiness(market, i, t, k, returns);
        for (size_t i = 0; i < assets && sum > 0; i++) row[i] /= sum;
    }
}

static const bp_param PARAMS[] = {
    [LOOKBACK] = {.name = "lookback",
                  .help = "returns in the deviation",
                  .kind = BP_PARAM_INTEGER,
                  .fallback = 60,
                  .min = 2,
                  .max = 100000},
    [REBALANCE] = {.name = "rebalance",
                   .help = "sessions from one choice to the next",
                   .kind = BP_PARAM_INTEGER,
                   .fallback = 21,
                   .min = 1,
                   .max = 100000},
};

const bp_strategy bp__builtin_inverse_volatility = {
    .size = sizeof(bp_strategy),
    .name = "inverse_volatility",
    .help = "holds every asset, the more of it the less its returns vary",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .weights = weights,
};
