#include <bundlepool/strategy.h>

enum { LOOKBACK, LOW, HIGH };

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[LOW] >= params[HIGH] ? "low must be less than high" : NULL;
}

/* In after rsi < low, out after rsi > high. A close that equals the one before says nothing: averages that only fade would
 * otherwise cross a level by their rounding. */
static void follow(const bp_market *market, size_t asset, const double *params, bp_signals *signals)
{
    int32_t count;
    const double *close = bp_market_closes(market, asset, &count);
    const int32_t k = (int32_t)params[LOOKBACK], first = bp_market_observations(market, asset, -1);
    double up = 0.0, down = 0.0;
    bool held = false;
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
        if (j < first || d == 0) continue;
        const double rsi = 100 * up / (up + down);
        if (!(held ? rsi > params[HIGH] : rsi < params[LOW])) continue;
        bp_signals_toggle(signals, bp_market_bar_of(market, asset, j), asset);
        held = !held;
    }
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) follow(market, i, params, signals);
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
};
