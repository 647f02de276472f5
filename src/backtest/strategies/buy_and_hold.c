#include "backtest/strategy.h"

static void signal(const bp__scope *scope, const double *params, bp__signals *signals)
{
    (void)params;
    for (size_t i = 0; i < scope->num_assets; i++) {
        const bp__asset *a = &scope->asset[i];
        if (bp__observations_until(a, 0) > bp__observations_until(a, -1)) bp__signal(signals, 0, i);
    }
}

const bp__strategy bp__strategy_buy_and_hold = {
    .name = "buy_and_hold",
    .help = "buys every asset that has a close in the first session and holds it",
    .signal = signal,
};
