#include "backtest/strategies/banded.h"

enum { LOOKBACK, ENTRY, EXIT };

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[EXIT] >= params[ENTRY] ? "exit must be less than entry" : NULL;
}

/* z of the last `lookback` observations: how many deviations the close lies above their mean. Where the deviation is 0 all closes
 * of the window are its mean, and z is NaN, as it is where there is no window. */
static void score(const bp_market *market, size_t asset, const double *close, int32_t count, int32_t lookback,
                  double *mean, double *z)
{
    bp_market_means(market, asset, lookback, mean);
    bp_market_deviations(market, asset, lookback, mean, z);
    for (int32_t j = 0; j < count; j++) z[j] = (close[j] - mean[j]) / z[j];
}

/* In after z < -entry, out after z > -exit. */
static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context;
    banded_signals(market, count, params, signals, -1, score);
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    signals_batch(context, market, 1, &params, &signals);
}

static const bp_param PARAMS[] = {
    [LOOKBACK] = {.name = "lookback",
                  .help = "observations in mean and deviation",
                  .kind = BP_PARAM_INTEGER,
                  .fallback = 20,
                  .min = 2,
                  .max = 100000},
    [ENTRY] = {.name = "entry",
               .help = "deviations below the mean at which it is bought",
               .kind = BP_PARAM_REAL,
               .fallback = 2,
               .min = -1000,
               .max = 1000},
    [EXIT] = {.name = "exit",
              .help = "deviations below the mean at which it is sold; negative: above",
              .kind = BP_PARAM_REAL,
              .fallback = 0.5,
              .min = -1000,
              .max = 1000},
};

const bp_strategy bp__builtin_mean_reversion = {
    .size = sizeof(bp_strategy),
    .name = "mean_reversion",
    .help = "buys an asset that fell far below its mean and holds it until it is back",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .check = check,
    .signals = signals,
    .signals_batch = signals_batch,
};
