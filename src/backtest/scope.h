/** @file src/backtest/scope.h
 * What every run over one range of one bundle shares: the part that no parameter changes.
 *
 * A scope is private to its process while the bundle is shared by the node, so it borrows what it can:
 * an asset without gaps and without splits (in most bundles nearly every one) costs no copy of its prices.
 * A session t counts from the first of the range; before it t is negative.
 */
#ifndef BP_BACKTEST_SCOPE_H
#define BP_BACKTEST_SCOPE_H

#include <float.h>

#include "backtest/backtest.h"

#define BP__NEVER INT32_MAX

/** What signals see of an asset: its observations, the sessions with a close before it is delisted. */
typedef struct bp__asset {
    const double *adj;      /**< [count] adjusted closes from the bundle's first session on */
    const int32_t *session; /**< [count] t of each observation; NULL: first + j */
    int32_t first;          /**< t of observation 0 */
    int32_t count;
    int32_t delisted; /**< t, or BP__NEVER; negative: gone before the range */
    double *own_adj, *own_mark;
    int32_t *own_session;
} bp__asset;

/** A dated event, t >= 1: before that nothing is held. */
typedef struct bp__event {
    int32_t t;
    uint32_t asset;
    int64_t date;   /**< of the table; with `order` it tells what acts first within a session */
    uint64_t order; /**< in the table */
    double value;   /**< split: ratio; dividend: amount per share; delisting: unused */
} bp__event;

typedef struct bp__events {
    bp__event *at; /**< by t, asset, date, order */
    size_t count;
} bp__events;

struct bp__scope {
    const bp_bundle *bundle;
    const int64_t *day; /**< [sessions] */
    size_t num_assets;
    size_t num_sessions;
    bp__asset *asset;    /**< [num_assets] by sid */
    const double **open; /**< [num_assets][sessions] as in the bundle */
    const double **mark; /**< [num_assets][sessions] last known price after each close, from the first
                              observation to the delisting */
    bp__events splits, dividends, delistings;
    bool *breaks;   /**< [sessions] a split or a delisting changes holdings here */
    size_t history; /**< most observations that an asset has */
};

static inline bool bp__priced(double price)
{
    return price > 0 && price <= DBL_MAX;
}

/** Session of observation j. */
static inline int32_t bp__observed_at(const bp__asset *a, int32_t j)
{
    return a->session ? a->session[j] : a->first + j;
}

/** How many observations there are at sessions up to and including t. */
int32_t bp__observations_until(const bp__asset *a, int32_t t);

#endif
