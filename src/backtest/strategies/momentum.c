#include <string.h>

#include "backtest/strategy.h"

/* Higher value first, ties by ascending asset. */
static inline bool better(bp__ranked a, bp__ranked b)
{
    return a.value > b.value || (a.value == b.value && a.asset < b.asset);
}

/* `heap` holds the best so far, the worst of them at its root: replace that by `x`. */
static void replace_worst(bp__ranked *heap, size_t count, bp__ranked x)
{
    size_t hole = 0;
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && better(heap[child], heap[child + 1])) child++;
        if (!better(x, heap[child])) break;
        heap[hole] = heap[child];
    }
    heap[hole] = x;
}

static void add(bp__ranked *heap, size_t count, bp__ranked x)
{
    size_t hole = count;
    for (; hole > 0 && better(heap[(hole - 1) / 2], x); hole = (hole - 1) / 2)
        heap[hole] = heap[(hole - 1) / 2];
    heap[hole] = x;
}

/* The best `top` assets at session t, in no order. */
static size_t choose(const bp__scope *scope, int32_t t, int32_t lookback, size_t top, bp__ranked *best)
{
    size_t count = 0;
    for (size_t i = 0; i < scope->num_assets; i++) {
        const bp__asset *a = &scope->asset[i];
        int32_t j = bp__observations_until(a, t) - 1;
        if (t >= a->delisted || j < lookback) continue;
        bp__ranked x = {.value = a->adj[j] / a->adj[j - lookback] - 1, .asset = (uint32_t)i};
        if (count < top)
            add(best, count++, x);
        else if (better(x, best[0]))
            replace_worst(best, count, x);
    }
    return count;
}

static void signal(const bp__scope *scope, const double *params, bp__signals *signals)
{
    const int32_t lookback = (int32_t)params[0], rebalance = (int32_t)params[2];
    const size_t top = (size_t)params[1];
    bool *member = signals->member;
    memset(member, 0, scope->num_assets * sizeof *member);
    for (int32_t t = 0; (size_t)t < signals->num_sessions; t += rebalance) {
        size_t count = choose(scope, t, lookback, top, signals->ranked);
        signals->decide[t] = true;
        /* chosen before or now, but not both: the asset is toggled */
        for (size_t k = 0; k < count; k++) {
            size_t i = signals->ranked[k].asset;
            if (!member[i]) bp__signal(signals, t, i);
            member[i] = false;
        }
        for (size_t i = 0; i < scope->num_assets; i++) {
            if (member[i] && t < scope->asset[i].delisted) bp__signal(signals, t, i);
            member[i] = false;
        }
        for (size_t k = 0; k < count; k++) member[signals->ranked[k].asset] = true;
    }
}

const bp__strategy bp__strategy_momentum = {
    .name = "momentum",
    .help = "holds the assets that gained most, chosen anew at fixed intervals",
    .param =
        {
            {"lookback", "observations over which the gain is measured", 126, 1, 100000, true},
            {"top", "assets held", 10, 1, 100000, true},
            {"rebalance", "sessions from one choice to the next", 21, 1, 100000, true},
        },
    .num_params = 3,
    .signal = signal,
};
