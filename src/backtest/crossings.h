/** @file src/backtest/crossings.h
 * Where one moving mean comes to lie above another: the signals of many pairs of windows at once.
 *
 * DESIGN
 *  - The means of all windows are found for 64 observations, then compared pair by pair: bits along the observations. A
 *    signal is where such a bit differs from the one before.
 *  - Which of two exact means (exact.h) is the larger one is mostly plain from sums that are rounded, without a division:
 *    they are off by a few units in the last place. Where two lie closer together than that is, the exact ones are compared.
 *  - The loop over observations is compiled for each instruction set (crossings_run.h).
 */
#ifndef BP_BACKTEST_CROSSINGS_H
#define BP_BACKTEST_CROSSINGS_H

#include "backtest/call.h"

#define BP__CROSS_AT_ONCE 64 /**< pairs */
#define BP__CROSS_WINDOWS (2 * BP__CROSS_AT_ONCE)
#define BP__CROSS_BLOCK   64 /**< observations */

/** What is compared. */
typedef struct bp__crossings {
    const double *hi, *lo; /**< prefix sums, of any numbers where there are no observations */
    size_t num_windows, num_pairs;
    int32_t window[BP__CROSS_WINDOWS];
    uint8_t fast[BP__CROSS_AT_ONCE], slow[BP__CROSS_AT_ONCE]; /**< numbers of windows */
    double mean[BP__CROSS_WINDOWS][BP__CROSS_BLOCK] __attribute__((aligned(64)));
    double more[BP__CROSS_WINDOWS]
               [BP__CROSS_BLOCK];      /**< than a mean: what is larger lies above it for certain */
    uint64_t above[BP__CROSS_AT_ONCE]; /**< bit i: at observation from + i the fast mean is the larger one */
    uint64_t doubtful[BP__CROSS_AT_ONCE]; /**< bit i: or perhaps not */
} bp__crossings;

void bp__crossings_portable(bp__crossings *crossings, int32_t from);
void bp__crossings_avx2(bp__crossings *crossings, int32_t from);
void bp__crossings_avx512(bp__crossings *crossings, int32_t from);

/** What bp_signals_cross() does, for arguments that are in order.
 *  @param[in] sums  of the asset */
void bp__cross(bp__call *call, size_t asset, const bp__sums *sums, size_t count, const int32_t *fast,
               const int32_t *slow, bp_signals *const *signals);

#endif
