#include <string.h>

#include <bundlepool/strategy.h>

enum { LOOKBACK, TOP, REBALANCE };

/* An asset and what it is ranked by. */
typedef struct ranked {
    double value;
    size_t asset;
} ranked;

/* Higher value first, ties by ascending asset. */
static inline bool better(ranked a, ranked b)
{
    return a.value > b.value || (a.value == b.value && a.asset < b.asset);
}

/* `heap` holds the best so far, the worst of them at its root: replace that by `x`. */
static void replace_worst(ranked *heap, size_t count, ranked x)
{
    size_t hole = 0;
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && better(heap[child], heap[child + 1])) child++;
        if (!better(x, heap[child])) break;
        heap[hole] = heap[child];
    }
    heap[hole] = x;
}

static void add(ranked *heap, size_t count, ranked x)
{
    size_t hole = count;
    for (; hole > 0 && better(heap[(hole - 1) / 2], x); hole = (hole - 1) / 2)
        heap[hole] = heap[(hole - 1) / 2];
    heap[hole] = x;
}

/* The best `top` assets at bar t, in no order. */
static size_t choose(const bp_market *market, int32_t t, int32_t lookback, size_t top, ranked *best)
{
    size_t count = 0;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        int32_t n;
        const double *close = bp_market_closes(market, i, &n);
        const int32_t j = bp_market_observations(market, i, t) - 1;
        if (!bp_market_is_listed(market, i, t) || j < lookback) continue;
        ranked x = {.value = close[j] / close[j - lookback] - 1, .asset = i};
        if (count < top)
            add(best, count++, x);
        else if (better(x, best[0]))
            replace_worst(best, count, x);
    }
    return count;
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    (void)context;
    const int32_t lookback = (int32_t)params[LOOKBACK], rebalance = (int32_t)params[REBALANCE];
    const size_t top = (size_t)params[TOP], assets = bp_market_num_assets(market);
    ranked *best = bp_market_scratch(market, assets * sizeof *best);
    bool *member = bp_market_scratch(market, assets * sizeof *member);
    if (!best || !member) return;
    memset(member, 0, assets * sizeof *member);
    for (int32_t t = 0; t < bp_market_num_bars(market); t += rebalance) {
        const size_t count = choose(market, t, lookback, top, best);
        bp_signals_decide(signals, t);
        /* chosen before or now, but not both: the asset is toggled */
        for (size_t k = 0; k < count; k++) {
            const size_t i = best[k].asset;
            if (!member[i]) bp_signals_toggle(signals, t, i);
            member[i] = false;
        }
        for (size_t i = 0; i < assets; i++) {
            if (member[i] && bp_market_is_listed(market, i, t)) bp_signals_toggle(signals, t, i);
            member[i] = false;
        }
        for (size_t k = 0; k < count; k++) member[best[k].asset] = true;
    }
}

static const bp_param PARAMS[] = {
    [LOOKBACK] = {.name = "lookback",
                  .help = "observations over which the gain is measured",
                  .kind = BP_PARAM_INTEGER,
                  .fallback = 126,
                  .min = 1,
                  .max = 100000},
    [TOP] = {.name = "top",
             .help = "assets held",
             .kind = BP_PARAM_INTEGER,
             .fallback = 10,
             .min = 1,
             .max = 100000},
    [REBALANCE] = {.name = "rebalance",
                   .help = "sessions from one choice to the next",
                   .kind = BP_PARAM_INTEGER,
                   .fallback = 21,
                   .min = 1,
                   .max = 100000},
};

const bp_strategy bp__builtin_momentum = {
    .size = sizeof(bp_strategy),
    .name = "momentum",
    .help = "holds the assets that gained most, chosen anew at fixed intervals",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .signals = signals,
};
