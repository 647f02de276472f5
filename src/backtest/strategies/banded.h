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

static inline size_t banded_most_observations(const bp_market *market)
{
    int32_t n, most = 0;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        (void)bp_market_closes(market, i, &n);
        if (n > most) most = n;
    }
    return (size_t)most;
}

/** Signal for a batch: combinations that have a lookback in common share its series. @param[in] sign  of the edges, 1 or -1 */
static inline void banded_signals(const bp_market *market, size_t count, const double *const *params,
                                  bp_signals *const *signals, double sign, banded_series series)
{
    const size_t most = banded_most_observations(market);
    double *room = bp_market_scratch(market, most * sizeof *room);
    double *value = bp_market_scratch(market, most * sizeof *value);
    double *low = bp_market_scratch(market, count * sizeof *low);
    double *high = bp_market_scratch(market, count * sizeof *high);
    bp_signals **sharing = bp_market_scratch(market, count * sizeof *sharing);
    bool *done = bp_market_scratch(market, count * sizeof *done);
    if (!room || !value || !low || !high || !sharing || !done) return;
    for (size_t c = 0; c < count; c++) done[c] = false;
    for (size_t c = 0; c < count; c++) {
        const double lookback = params[c][0];
        size_t n = 0;
        for (size_t i = c; i < count; i++) {
            if (done[i] || params[i][0] != lookback) continue;
            low[n] = sign * params[i][1];
            high[n] = sign * params[i][2];
            sharing[n++] = signals[i];
            done[i] = true;
        }
        for (size_t i = 0; n > 0 && i < bp_market_num_assets(market); i++) {
            int32_t observed;
            const double *close = bp_market_closes(market, i, &observed);
            if (observed < lookback) continue;
            series(market, i, close, observed, (int32_t)lookback, room, value);
            (void)bp_signals_band(market, i, value, n, low, high, sharing);
        }
    }
}

#endif
