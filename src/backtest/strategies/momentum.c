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

/* `heap` holds `count` of the best, the worst of them at its root: replace that by `x`. */
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

/* The asset's last observation up to bar t; negative: it has none, or is delisted. */
static void find_last(const bp_market *market, int32_t t, int32_t *last)
{
    for (size_t i = 0; i < bp_market_num_assets(market); i++)
        last[i] = bp_market_is_listed(market, i, t) ? bp_market_observations(market, i, t) - 1 : -1;
}

/* The best `top` assets, best first. @return how many: fewer where too few have a gain */
static size_t choose(const bp_market *market, const int32_t *last, int32_t lookback, size_t top, ranked *best)
{
    size_t count = 0;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        int32_t n;
        if (last[i] < lookback) continue;
        const double *close = bp_market_closes(market, i, &n);
        const ranked x = {.value = close[last[i]] / close[last[i] - lookback] - 1, .asset = i};
        if (count < top)
            add(best, count++, x);
        else if (better(x, best[0]))
            replace_worst(best, count, x);
    }
    for (size_t end = count; end > 1;) { /* the worst goes behind those that are left */
        const ranked worst = best[0];
        end--;
        replace_worst(best, end, best[end]);
        best[end] = worst;
    }
    return count;
}

/* Make the set of a combination the first `count` assets of `best`. */
static void hold(const bp_market *market, int32_t t, const ranked *best, size_t count, bool *member,
                 bp_signals *signals)
{
    const size_t assets = bp_market_num_assets(market);
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

/* Combinations that choose at a bar by the same lookback share the ranking. */
static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context;
    const size_t assets = bp_market_num_assets(market);
    int32_t *last = bp_market_scratch(market, assets * sizeof *last);
    ranked *best = bp_market_scratch(market, assets * sizeof *best);
    bool *member = bp_market_scratch(market, count * assets * sizeof *member);
    bool *waits = bp_market_scratch(market, count * sizeof *waits);
    if (!last || !best || !member || !waits) return;
    memset(member, 0, count * assets * sizeof *member);
    for (int32_t t = 0; t < bp_market_num_bars(market); t++) {
        bool found = false;
        for (size_t c = 0; c < count; c++) waits[c] = t % (int32_t)params[c][REBALANCE] == 0;
        for (size_t c = 0; c < count; c++) {
            const double lookback = params[c][LOOKBACK];
            double top = 0;
            if (!waits[c]) continue;
            for (size_t i = c; i < count; i++)
                if (waits[i] && params[i][LOOKBACK] == lookback && params[i][TOP] > top) top = params[i][TOP];
            if (!found) find_last(market, t, last);
            found = true;
            const size_t chosen = choose(market, last, (int32_t)lookback, (size_t)top, best);
            for (size_t i = c; i < count; i++) {
                if (!waits[i] || params[i][LOOKBACK] != lookback) continue;
                const size_t most = (size_t)params[i][TOP];
                hold(market, t, best, chosen < most ? chosen : most, member + i * assets, signals[i]);
                waits[i] = false;
            }
        }
    }
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    signals_batch(context, market, 1, &params, &signals);
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
    .signals_batch = signals_batch,
};
