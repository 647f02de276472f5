/** @file src/backtest/derived.h
 * What one workspace derives from the prices of its scope: adjusted closes, their prefix sums, and prices session by session
 * (lanes.h). Private to the process, while the prices are shared by the node.
 *
 * DESIGN
 *  - Each batch of combinations goes over all assets once more, and would derive the same as the one before. So what has been
 *    derived is kept, within a bound: first come, first kept. Nothing is evicted: of a round that is longer than there is room
 *    for, what comes next would always be what was evicted last.
 *  - Sums and blocks of prices are kept from the second time on. A search that asks once only would pay for memory that nobody has
 *    touched before, and that takes longer than to derive them. Closes that are lent need the memory anyway.
 *  - Results are the same whatever is kept.
 *
 * One thread.
 */
#ifndef BP_BACKTEST_DERIVED_H
#define BP_BACKTEST_DERIVED_H

#include "backtest/scope.h"
#include "backtest/scratch.h"

#define BP__SUMS_BEHIND 64

/** Prefix sums of an asset's adjusted closes (exact.h). */
typedef struct bp__sums {
    const double *hi,
        *lo; /**< [count + 1]; before them lies memory of as many numbers as there are observations, behind them of
                              BP__SUMS_BEHIND: any numbers */
    double least; /**< of the closes */
} bp__sums;

/** What is known of an asset. */
typedef struct bp__derived_asset {
    const double *closes; /**< kept, or lent for a call; NULL: neither */
    bool lent;
    bool asked;    /**< for sums, before */
    bp__sums sums; /**< kept; hi NULL: not */
} bp__derived_asset;

typedef struct bp__derived {
    const bp__scope *scope;
    bp__derived_stats stats;
    bp__derived_asset *asset; /**< [num_assets] */
    double *closes;           /**< [history] of the asset `in_closes` */
    size_t in_closes;
    double *prefix; /**< where `sums` are, of the asset `in_sums` */
    bp__sums sums;
    size_t in_sums;
    bp__scratch lent;
    double *kept_sums; /**< NULL: none are kept */
    size_t kept_used, kept_end;
    bool sums_refused; /**< there is no room for any */
} bp__derived;

/** @param[in] scope  borrowed @param[out] derived  bp__derived_fini(), after a failure too; nothing will be kept before
 *                    stats.bound is set @retval BP_ENOMEM  (without a text) */
bp_status bp__derived_init(const bp__scope *scope, bp__derived *derived);
void bp__derived_fini(bp__derived *derived);

/** Whether there is room for something to be kept; then it counts. */
bool bp__derived_reserve(bp__derived *derived, size_t bytes);

/** Adjusted closes, [count], until they are asked for of another asset. */
const double *bp__derived_closes(bp__derived *derived, size_t asset);

/** The same, until bp__derived_take_back(). @return NULL: there is no memory, or the asset has no observations */
const double *bp__derived_lend_closes(bp__derived *derived, size_t asset);
void bp__derived_take_back(bp__derived *derived);

/** Prefix sums, until they are asked for of another asset. */
const bp__sums *bp__derived_sums(bp__derived *derived, size_t asset);

#endif
