#include <bundlepool/strategy.h>

enum { LOOKBACK, ENTRY, EXIT };

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[EXIT] >= params[ENTRY] ? "exit must be less than entry" : NULL;
}

/* z of every window of k observations, in the place of its deviation. Where that is 0 all closes of the window are its mean,
 * and z is NaN. */
static void score(const double *close, int32_t count, int32_t k, const double *mean, double *deviation)
{
    for (int32_t j = k - 1; j < count; j++) deviation[j] = (close[j] - mean[j]) / deviation[j];
}

/* In after z < -entry, out after z > -exit; what is NaN is neither. */
static void follow(const bp_market *market, size_t asset, int32_t begin, int32_t count, const double *z,
                   const double *params, bp_signals *signals)
{
    bool held = false;
    for (int32_t j = begin; j < count; j++) {
        if (!(held ? z[j] > -params[EXIT] : z[j] < -params[ENTRY])) continue;
        bp_signals_toggle(signals, bp_market_bar_of(market, asset, j), asset);
        held = !held;
    }
}

/* z depends on the lookback alone: combinations that share it, neighbours in most grids, share the work. */
static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context;
    int32_t most = 0;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        int32_t n;
        (void)bp_market_closes(market, i, &n);
        if (n > most) most = n;
    }
    double *mean = bp_market_scratch(market, (size_t)most * sizeof *mean);
    double *z = bp_market_scratch(market, (size_t)most * sizeof *z);
    if (!mean || !z) return;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        int32_t n, scored = 0;
        const double *close = bp_market_closes(market, i, &n);
        const int32_t first = bp_market_observations(market, i, -1);
        for (size_t c = 0; c < count && n > 0; c++) {
            const int32_t k = (int32_t)params[c][LOOKBACK];
            if (k > n) continue;
            if (k != scored) {
                bp_market_means(market, i, k, mean);
                bp_market_deviations(market, i, k, mean, z);
                score(close, n, k, mean, z);
                scored = k;
            }
            follow(market, i, first < k - 1 ? k - 1 : first, n, z, params[c], signals[c]);
        }
    }
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
