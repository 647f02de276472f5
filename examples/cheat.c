/* How not to do it: holds what will have risen by the next close. Signals and weights see all bars at once, and nothing
 * stops them from looking ahead; `optimizer --check-lookahead` finds it out. */
#include <bundlepool/strategy.h>

static void cheat(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    for (size_t asset = 0; asset < bp_market_num_assets(market); asset++) {
        int32_t count;
        const double *close = bp_market_closes(market, asset, &count);
        bool held = false;
        for (int32_t j = 0; j + 1 < count; j++) {
            const int32_t t = bp_market_bar_of(market, asset, j);
            const bool wanted = close[j + 1] > close[j]; /* nobody knows that after bar t */
            if (t < 0 || wanted == held) continue;
            bp_signals_toggle(signals, t, asset);
            held = wanted;
        }
    }
}

static const bp_strategy strategy = {
    .size = sizeof strategy,
    .name = "cheat",
    .help = "holds what will have risen by the next close: an example of looking ahead",
    .signals = cheat,
};

BP_STRATEGY_MODULE(&strategy)
