/** @file tests/backtest/market.h
 * Small bundles made by hand or at random, for tests of the backtest layer.
 */
#ifndef BP_TESTS_BACKTEST_MARKET_H
#define BP_TESTS_BACKTEST_MARKET_H

#include <bundlepool/bundle.h>

#define MAX_ADJUSTMENTS 256

typedef struct adjustment {
    int64_t sid, date;
    int64_t pay; /**< of a dividend */
    double value;
} adjustment;

/** What a bundle is made from. Sids are 10, 20, 30 …; symbols A, B, C …; sessions are one day apart,
 *  but a weekend follows each fifth. */
typedef struct market {
    size_t assets, sessions;
    double *open, *close; /**< [assets][sessions], NaN at first; owned */
    int64_t *life_end;    /**< [assets] last session at first; owned */
    adjustment split[MAX_ADJUSTMENTS], dividend[MAX_ADJUSTMENTS];
    size_t splits, dividends;
} market;

market market_create(size_t assets, size_t sessions);
void market_destroy(market *m);

int64_t market_day(size_t session);
int64_t market_sid(size_t asset);

/** Set open and close of an asset from session `from` on; NaN is missing. */
void market_prices(market *m, size_t asset, size_t from, size_t count, const double *open,
                   const double *close);
void market_split(market *m, size_t asset, int64_t date, double ratio);
void market_dividend(market *m, size_t asset, int64_t date, double amount);

/** Make a bundle of it; release it with bp_bundle_release(). Aborts the test program if it cannot. */
const bp_bundle *market_bundle(const market *m);

/** Random prices with holes, splits, dividends, delistings and listings, from a seed. */
market market_random(uint64_t seed, size_t assets, size_t sessions);

/** The next of a sequence of random numbers, in [0, 1). */
double random_next(uint64_t *state);

#endif
