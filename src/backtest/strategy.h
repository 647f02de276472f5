/** @file src/backtest/strategy.h
 * What a strategy is: parameters, and a function that says when each asset enters or leaves the set of
 * signalled assets.
 *
 * A strategy knows nothing of money: signals depend on prices alone. That lets it work asset by asset,
 * over contiguous series, for the whole range at once. To add one: a file that defines its
 * `bp__strategy`, and a line in BP__STRATEGY_MAP.
 */
#ifndef BP_BACKTEST_STRATEGY_H
#define BP_BACKTEST_STRATEGY_H

#include <assert.h>

#include "backtest/scope.h"

#define BP__STRATEGY_MAP(X) X(sma_cross) X(momentum) X(mean_reversion) X(buy_and_hold)

/** An asset and what it is ranked by. */
typedef struct bp__ranked {
    double value;
    uint32_t asset;
} bp__ranked;

/** What a strategy fills in, and scratch memory for doing so. */
typedef struct bp__signals {
    size_t num_sessions;
    size_t words;       /**< of 64 assets */
    uint64_t *toggle;   /**< [num_sessions][words] bit i: asset i enters or leaves the set after this close */
    bool *decide;       /**< [num_sessions] orders are made after this close; set wherever a bit is */
    double *series;     /**< scratch [scope->history + 1] */
    bp__ranked *ranked; /**< scratch [num_assets] */
    bool *member;       /**< scratch [num_assets] */
} bp__signals;

struct bp__strategy {
    const char *name;
    const char *help;
    bp__param param[BP__MAX_PARAMS];
    unsigned num_params;
    /** NULL, or why the combination makes no sense; NULL pointer: every combination does. */
    const char *(*check)(const double *params);
    /** Fill in toggles and decisions. The set is empty before the first session; an asset leaves it by
     *  itself when it is delisted, and must not be toggled from that session on. */
    void (*signal)(const bp__scope *scope, const double *params, bp__signals *signals);
};

/** Asset `asset` enters or leaves the set after the close of session t. */
static inline void bp__signal(bp__signals *s, int32_t t, size_t asset)
{
    assert(t >= 0 && (size_t)t < s->num_sessions);
    s->toggle[(size_t)t * s->words + asset / 64] ^= UINT64_C(1) << (asset % 64);
    s->decide[t] = true;
}

#define X(name) extern const bp__strategy bp__strategy_##name;
BP__STRATEGY_MAP(X)
#undef X

#endif
