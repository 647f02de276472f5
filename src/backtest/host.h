/** @file src/backtest/host.h
 * The functions that strategies call (<bundlepool/strategy.h>): one table, for built-in strategies and plug-ins alike.
 */
#ifndef BP_BACKTEST_HOST_H
#define BP_BACKTEST_HOST_H

#include <bundlepool/strategy.h>

/** Stays as long as the process. */
const bp_host *bp__host(void);

/** How a strategy of the form *signals* answers by weights instead, when it has seen its market: rows of what is returned
 * are asked for by bp_weights_row(). Once one has been, the answer is these rows, as from the form *weights*, and a toggle
 * or decision in the same call is a failure. Rows may go up to the last bar of the range, and should: what is said there is
 * not traded any more, but look-ahead is found by comparing it with what longer data makes the strategy say. No part of
 * <bundlepool/strategy.h>: for strategies of other languages, whose form is known by their answer.
 *
 * @return borrowed until the strategy's function returns; NULL, and the combination has failed: the call is not one of
 *         form *signals*, or it is for several combinations at once (which are then run one by one) */
bp_weights *bp__market_weights(const bp_market *market);

#endif
