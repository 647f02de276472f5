#include <math.h>

#include "backtest/strategies/banded.h"

enum { LOOKBACK, LOW, HIGH };

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[LOW] >= params[HIGH] ? "low must be less than high" : NULL;
}

/* The index after every close. One that equals the close before says nothing: averages that only fade would otherwise cross a
 * level by their rounding. */
static void strength(const bp_market *market, size_t asset, const double *close, int32_t count,
                     int32_t lookback, double *room, double *rsi)
{
    (void)market, (void)asset, (void)room;
    const int32_t k = lookback;
    double up = 0.0, down = 0.0;
    for (int32_t j = 0; j < k; j++) rsi[j] = NAN;
    for (int32_t j = 1; j < count; j++) {
        const double d = close[j] - close[j - 1], rise = d > 0 ? d : 0, fall = d < 0 ? -d : 0;
        if (j <= k) {
            up += rise;
            down += fall;
            if (j < k) continue;
            up /= k;
            down /= k;
        } else {
            up = (up * (k - 1) + rise) / k;
            down = (down * (k - 1) + fall) / k;
        }
        rsi[j] = d == 0 ? NAN : 100 * up / (up + down);
    }
}

/* In after rsi < low, out after rsi > high. */
static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context;
    banded_signals(market, count, params, signals, 1, strength);
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    signals_batch(context, market, 1, &params, &signals);
}

static const bp_param PARAMS[] = {
    [LOOKBACK] = {.name = "lookback",
                  .help = "changes in Wilder's averages",
                  .kind = BP_PARAM_INTEGER,
                  .fallback = 14,
                  .min = 1,
                  .max = 100000},
    [LOW] = {.name = "low",
             .help = "index below which an asset is bought",
             .kind = BP_PARAM_REAL,
             .fallback = 30,
             .min = 0,
             .max = 100},
    [HIGH] = {.name = "high",
              .help = "index above which it is sold",
              .kind = BP_PARAM_REAL,
              .fallback = 70,
              .min = 0,
              .max = 100},
};

const bp_strategy bp__builtin_rsi = {
    .size = sizeof(bp_strategy),
    .name = "rsi",
    .help =
        "buys an asset that is oversold by its relative strength index and holds it until it is overbought",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .check = check,
    .signals = signals,
    .signals_batch = signals_batch,
};
