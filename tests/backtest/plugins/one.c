/* A file with one strategy of the form *signals*. */
#include <bundlepool/strategy.h>

static void hold_all(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) bp_signals_toggle(signals, 0, i);
}

static const bp_strategy one = {
    .size = sizeof one,
    .name = "one",
    .help = "holds everything",
    .signals = hold_all,
};

BP_STRATEGY_MODULE(&one)
