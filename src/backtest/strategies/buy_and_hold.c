#include <bundlepool/strategy.h>

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    for (size_t i = 0; i < bp_market_num_assets(market); i++)
        if (bp_market_observations(market, i, 0) > bp_market_observations(market, i, -1))
            bp_signals_toggle(signals, 0, i);
}

const bp_strategy bp__builtin_buy_and_hold = {
    .size = sizeof(bp_strategy),
    .name = "buy_and_hold",
    .help = "buys every asset that has a close in the first session and holds it",
    .signals = signals,
};
