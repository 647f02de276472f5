/** @file src/backtest/strategies/banded.h
 * Strategies that buy an asset when a series of it falls below a band, and sell it when it has risen above. The series depends
 * on the first parameter, the lookback; the second one is the lower edge, the third one the upper edge.
 */
#ifndef BP_BACKTEST_STRATEGIES_BANDED_H
#define BP_BACKTEST_STRATEGIES_BANDED_H

#include <bundlepool/strategy.h>

/** Find a series.
 *  @param[in]  close  [count] of the asset
 *  @param[out] room   [count] of no meaning afterwards
 *  @param[out] value  [count] NaN where it says nothing */
typedef void (*banded_series)(const bp_market *market, size_t asset, const double *close, int32_t count,
                              int32_t lookback, double *room, double *value);

static inline int32_t banded_observations(const bp_market *market, size_t asset)
{
    return bp_market_observations(market, asset, bp_market_num_bars(market) - 1);
}

static inline size_t banded_most_observations(const bp_market *market)
{
    int32_t most = 0;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        const int32_t n = banded_observations(market, i);
        if (n > most) most = n;
    }
    return (size_t)most;
}

/** Combinations of a batch in the order of what they share. */
typedef struct banded_batch {
    double *lookback, *low, *high; /* [count] equal lookbacks follow each other */
    bp_signals **signals;
    size_t count;
} banded_batch;

/** @param[in] sign  of the edges, 1 or -1 @return false: there is no memory */
static inline bool banded_sort(const bp_market *market, size_t count, const double *const *params,
                               bp_signals *const *signals, double sign, banded_batch *b)
{
    bool *done = bp_market_scratch(market, count * sizeof *done);
    *b = (banded_batch){.lookback = bp_market_scratch(market, count * sizeof *b->lookback),
                        .low = bp_market_scratch(market, count * sizeof *b->low),
                        .high = bp_market_scratch(market, count * sizeof *b->high),
                        .signals = bp_market_scratch(market, count * sizeof *b->signals)};
    if (!done || !b->lookback || !b->low || !b->high || !b->signals) return false;
    for (size_t c = 0; c < count; c++) done[c] = false;
    for (size_t c = 0; c < count; c++)
        for (size_t i = c; i < count && !done[c]; i++) {
            if (done[i] || params[i][0] != params[c][0]) continue;
            b->lookback[b->count] = params[i][0];
            b->low[b->count] = sign * params[i][1];
            b->high[b->count] = sign * params[i][2];
            b->signals[b->count++] = signals[i];
            done[i] = i > c;
        }
    return true;
}

/** Signal for a batch: combinations that have a lookback in common share its series. @param[in] sign  of the edges, 1 or -1 */
static inline void banded_signals(const bp_market *market, size_t count, const double *const *params,
                                  bp_signals *const *signals, double sign, banded_series series)
{
    const size_t most = banded_most_observations(market);
    double *close =
        bp_market_scratch(market, most * sizeof *close); /* one asset's, and not those of all at once */
    double *room = bp_market_scratch(market, most * sizeof *room);
    double *value = bp_market_scratch(market, most * sizeof *value);
    banded_batch b;
    if (!close || !room || !value || !banded_sort(market, count, params, signals, sign, &b)) return;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        const int32_t n = banded_observations(market, i);
        bp_market_read(market, i, BP_BAR_CLOSE, close);
        for (size_t c = 0, end; c < count; c = end) {
            for (end = c + 1; end < count && b.lookback[end] == b.lookback[c]; end++) {
            }
            if (n < b.lookback[c]) continue;
            series(market, i, close, n, (int32_t)b.lookback[c], room, value);
            (void)bp_signals_band(market, i, value, end - c, b.low + c, b.high + c, b.signals + c);
        }
    }
}

#endif
