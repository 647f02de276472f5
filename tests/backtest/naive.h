/** @file tests/backtest/naive.h
 * The rules of docs/backtest.md, as plainly as they can be programmed: one loop over the sessions, with
 * everything that is needed computed again where it is needed. Shares no code with the kernel.
 */
#ifndef BP_TESTS_BACKTEST_NAIVE_H
#define BP_TESTS_BACKTEST_NAIVE_H

#include "backtest/backtest.h"

/** @param start, end  days of the range, inclusive
 *  @param selected   [rows of the bundle] which assets
 *  @param equity     [sessions of the range] */
void naive_run(const bp_bundle *bundle, int64_t start, int64_t end, const bool *selected,
               const char *strategy, const double *params, const bp__account *account, bp__metrics *metrics,
               double *equity);

#endif
