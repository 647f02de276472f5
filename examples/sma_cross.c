/* Form *signals*: an asset is held while its fast moving average is above the slow one.
 *
 * The function is asked once for the whole range. It goes asset by asset and says at which bars the asset enters or
 * leaves the set of what is held; how much of it is bought, and at which price, is the account's business. */
#include <bundlepool/strategy.h>

enum { FAST, SLOW }; /* places of the parameters below */

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[FAST] < params[SLOW] ? NULL : "fast must be less than slow";
}

static void one_asset(const bp_market *market, size_t asset, const double *fast, const double *slow,
                      bp_signals *signals)
{
    const int32_t num_bars = bp_market_num_bars(market);
    bool held = false;
    for (int32_t t = 0; t < num_bars && bp_market_is_listed(market, asset, t); t++) {
        /* the last close at or before this bar; the first one may lie before the range */
        const int32_t j = bp_market_observations(market, asset, t) - 1;
        const bool wanted =
            j >= 0 && fast[j] > slow[j]; /* an average of too few closes is NaN, and nothing is above it */
        if (wanted != held) bp_signals_toggle(signals, t, asset);
        held = wanted;
    }
}

static void sma_cross(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context;
    for (size_t asset = 0; asset < bp_market_num_assets(market); asset++) {
        int32_t count;
        bp_market_closes(market, asset, &count);
        double *fast = bp_market_scratch(market, 2 * sizeof *fast * ((size_t)count + 1));
        if (!fast) return; /* no memory: this combination has failed, and the host knows it */
        double *slow = fast + count;
        bp_market_means(market, asset, (int32_t)params[FAST], fast);
        bp_market_means(market, asset, (int32_t)params[SLOW], slow);
        one_asset(market, asset, fast, slow, signals);
    }
}

static const bp_param params[] = {
    {.name = "fast",
     .help = "closes in the fast average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 20,
     .min = 1,
     .max = 100000},
    {.name = "slow",
     .help = "closes in the slow average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 50,
     .min = 1,
     .max = 100000},
};

static const bp_strategy strategy = {
    .size = sizeof strategy,
    .name = "sma_cross",
    .help = "holds an asset while its fast moving average is above the slow one",
    .param = params,
    .num_params = sizeof params / sizeof *params,
    .check = check,
    .signals = sma_cross,
};

BP_STRATEGY_MODULE(&strategy)
