#include <bundlepool/strategy.h>

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[0] >= params[1] ? "fast must be less than slow" : NULL;
}

static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context;
    int32_t *fast = bp_market_scratch(market, count * sizeof *fast);
    int32_t *slow = bp_market_scratch(market, count * sizeof *slow);
    if (!fast || !slow) return;
    for (size_t c = 0; c < count; c++) {
        fast[c] = (int32_t)params[c][0];
        slow[c] = (int32_t)params[c][1];
    }
    for (size_t i = 0; i < bp_market_num_assets(market); i++)
        (void)bp_signals_cross(market, i, count, fast, slow, signals);
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    signals_batch(context, market, 1, &params, &signals);
}

static const bp_param PARAMS[] = {
    {.name = "fast",
     .help = "observations in the fast average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 20,
     .min = 1,
     .max = 100000},
    {.name = "slow",
     .help = "observations in the slow average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 50,
     .min = 1,
     .max = 100000},
};

const bp_strategy bp__builtin_sma_cross = {
    .size = sizeof(bp_strategy),
    .name = "sma_cross",
    .help = "holds an asset while its fast simple moving average is above the slow one",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .check = check,
    .signals = signals,
    .signals_batch = signals_batch,
};
