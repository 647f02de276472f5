/** @file src/backtest/lanes.h
 * The account of plain.h for many combinations at once: each is a lane of a vector, and comes out as it does alone, to the
 * last bit.
 *
 * DESIGN
 *  - All lanes see the same market. So prices are read once for all of them, cut into blocks of sessions in which they
 *    lie session by session, and kept for the next run where there is room; shares lie asset by asset, the lanes of a group
 *    side by side.
 *  - A session is the rule book's: splits, dividends, sales, buys, delistings, equity, decision (lanes_run.h). Each step goes over the
 *    assets that any lane holds or wants. A lane without a part in it adds 0 times a price, which changes no bit.
 *  - The arithmetic of a lane is that of plain.c, operation by operation and in its order. A quotient that is only needed
 *    as a whole number is bounded by two products, and divided where they do not agree.
 *  - What is rare leaves the fast way: a session with splits, orders that wait, or missing opens finds its targets in a pass
 *    of their own; a block of buys that a lane cannot pay is done again, asset by asset.
 *  - lanes_run.h is compiled once for each instruction set; what the processor has is found out at run time.
 *
 * What fills were worth, and what those gained that closed a position, is found in two passes of its own behind the fills of a session,
 * sales and then buys, where it is asked for.
 */
#ifndef BP_BACKTEST_LANES_H
#define BP_BACKTEST_LANES_H

#include "backtest/account.h"
#include "backtest/call.h"
#include "backtest/isa.h"
#include "backtest/lane_signals.h"
#include "backtest/metrics.h"
#include "backtest/scope.h"

#define BP__LANES_ALIKE                                                                                      \
    32 /**< a run of one more than a multiple takes nearly as long as one of the next multiple */

typedef struct bp__lanes bp__lanes;

/** @param[in] scope, derived  borrowed; blocks of prices are kept as far as `derived` has room for them @param[out] lanes  owned: bp__lanes_destroy(); NULL on failure
 *  @retval BP_ENOMEM  (without a text) */
bp_status bp__lanes_create(const bp__scope *scope, bp__derived *derived, bp__lanes **lanes);
void bp__lanes_destroy(bp__lanes **lanes);

/** Run the first `count` combinations by their signals.
 *  @param[in] signals  of the scope that the lanes are of
 *  @param[in] account  one that bp__plain_can()
 *  @param[in] fills    whether records are to tell what fills were worth: that takes longer
 *  @retval BP_ENOMEM  (without a text) */
bp_status bp__lanes_run(bp__lanes *lanes, bp__isa isa, const bp__lane_signals *signals, size_t count,
                        const bp__account *account, bool fills);

/** The same by weights: none is negative, and no row adds up to more than 1, but for rounding. */
bp_status bp__lanes_run_weights(bp__lanes *lanes, bp__isa isa, const bp__weights *const *weights,
                                size_t count, const bp__account *account, bool fills);

/** What a lane of the last run has come to.
 *  @param[out] equity  [sessions] positive and finite, if the account is still one
 *  @param[out] record  but for the equity curve; without `fills` what these were worth is NaN, and the counts of it are 0 */
void bp__lanes_result(const bp__lanes *lanes, size_t lane, double *equity, bp__record *record);

#endif
