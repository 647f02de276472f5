/** @file tests/backtest/naive.h
 * The rules of docs/backtest.md, as plainly as they can be programmed: one loop over the sessions, with
 * everything that is needed computed again where it is needed. Shares no code with the kernel.
 */
#ifndef BP_TESTS_BACKTEST_NAIVE_H
#define BP_TESTS_BACKTEST_NAIVE_H

#include "backtest/backtest.h"

/** @param first, n  range: index of its first session in the bundle, and its length
 *  @param selected   [rows of the bundle] which assets
 *  @param equity     [n] */
void naive_run(const bp_bundle *bundle, size_t first, size_t n, const bool *selected, const char *strategy,
               const double *params, const bp__account *account, bp__metrics *metrics, double *equity);

#endif
