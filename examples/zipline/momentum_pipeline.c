/* zipline's example momentum_pipeline: after every session long in the three assets with the highest relative
 * strength index and short in the three with the lowest, a third of the equity each. It wants an account that may
 * sell short and borrow: --short --max-leverage none.
 *
 * zipline's pipelines run before a session opens: what they see ends with the session before, adjusted as it looks
 * today. An asset that has no bar any more is taken to be gone; zipline knows that from its list of assets, and lets
 * it be ordered to the end: --delisted-after never. */
#include <bundlepool/strategy.h>

#include <math.h>

enum { WINDOW = 15, LEGS = 3, MOST_ASSETS = 1000 };

/* The index over the closes before today; NaN where there are too few of them. */
static double relative_strength(const bp_view *view, size_t asset)
{
    double price[WINDOW + 1], up = 0, down = 0;
    bp_view_window(view, asset, BP_BAR_CLOSE, WINDOW + 1, BP_ADJUSTED, price);
    for (int i = 0; i < WINDOW; i++)
        if (isnan(price[i])) return NAN;
    if (isnan(price[WINDOW])) return NAN;
    for (int i = 1; i < WINDOW; i++) {
        double change = price[i] - price[i - 1];
        if (change > 0)
            up += change;
        else
            down -= change;
    }
    return 100 - 100 / (1 + up / down);
}

/* The asset of the highest (sign 1) or lowest (sign -1) index that is not chosen yet; -1: there is none. */
static int32_t best(const double *strength, size_t n, int sign, const bool *chosen)
{
    int32_t found = -1;
    for (size_t a = 0; a < n; a++)
        if (!chosen[a] && !isnan(strength[a]) && (found < 0 || sign * strength[a] > sign * strength[found]))
            found = (int32_t)a;
    return found;
}

/* Orders for a third of the equity each, in order of assets. */
static void take(bp_view *view, const double *strength, size_t n, int sign, bool *held)
{
    bool chosen[MOST_ASSETS] = {false};
    for (int i = 0; i < LEGS; i++) {
        int32_t a = best(strength, n, sign, chosen);
        if (a >= 0) chosen[a] = true;
    }
    for (size_t a = 0; a < n; a++) {
        if (!chosen[a]) continue;
        bp_order_target_percent(view, a, sign * (1.0 / LEGS));
        held[a] = true;
    }
}

static void rebalance(void *context, bp_view *view, const double *params)
{
    (void)context, (void)params;
    size_t n = bp_view_num_assets(view);
    if (n > MOST_ASSETS) {
        bp_view_fail(view, "more than 1000 assets");
        return;
    }
    double strength[MOST_ASSETS] = {0};
    bool held[MOST_ASSETS] = {false};
    for (size_t a = 0; a < n; a++)
        strength[a] = bp_view_can_trade(view, a) ? relative_strength(view, a) : NAN;

    take(view, strength, n, 1, held);
    take(view, strength, n, -1, held);
    for (size_t a = 0; a < n; a++)
        if (bp_view_position(view, a) != 0 && !held[a] && bp_view_can_trade(view, a))
            bp_order_target_percent(view, a, 0);
}

static const bp_strategy momentum_pipeline = {
    .size = sizeof(bp_strategy),
    .name = "momentum_pipeline",
    .help = "long in the three strongest assets and short in the three weakest",
    .decide = rebalance,
};

BP_STRATEGY_MODULE(&momentum_pipeline)
