/* Form *signals*: buys what is oversold by Wilder's relative strength index, and sells what is overbought. */
#include <bundlepool/strategy.h>

enum { LOOKBACK, LOW, HIGH };

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[LOW] < params[HIGH] ? NULL : "low must be less than high";
}

static void one_asset(const bp_market *market, size_t asset, const double *params, bp_signals *signals)
{
    int32_t count;
    const double *close = bp_market_closes(market, asset, &count);
    const double k = params[LOOKBACK];
    double gain = 0, loss = 0; /* Wilder's averages; at first the sums that the first ones are made of */
    bool held = false;
    for (int32_t j = 1; j < count; j++) {
        const double d = close[j] - close[j - 1], up = d > 0 ? d : 0, down = d < 0 ? -d : 0;
        const int32_t t = bp_market_bar_of(market, asset, j);
        if (j <= k) {
            gain += up;
            loss += down;
            if (j < k) continue;
            gain /= k;
            loss /= k;
        } else {
            gain = (gain * (k - 1) + up) / k;
            loss = (loss * (k - 1) + down) / k;
        }
        if (t < 0 || d == 0)
            continue; /* before the range nothing is bought, and an equal close is no signal */
        const double rsi = 100 * gain / (gain + loss);
        if (held ? rsi > params[HIGH] : rsi < params[LOW]) {
            bp_signals_toggle(signals, t, asset);
            held = !held;
        }
    }
}

static void rsi(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context;
    for (size_t asset = 0; asset < bp_market_num_assets(market); asset++)
        one_asset(market, asset, params, signals);
}

static const bp_param params[] = {
    {.name = "lookback",
     .help = "closes that it looks back",
     .kind = BP_PARAM_INTEGER,
     .fallback = 14,
     .min = 1,
     .max = 100000},
    {.name = "low", .help = "buys below", .kind = BP_PARAM_REAL, .fallback = 30, .min = 0, .max = 100},
    {.name = "high", .help = "sells above", .kind = BP_PARAM_REAL, .fallback = 70, .min = 0, .max = 100},
};

static const bp_strategy strategy = {
    .size = sizeof strategy,
    .name = "rsi",
    .help = "buys what is oversold by the relative strength index, sells what is overbought",
    .param = params,
    .num_params = sizeof params / sizeof *params,
    .check = check,
    .signals = rsi,
};

BP_STRATEGY_MODULE(&strategy)
