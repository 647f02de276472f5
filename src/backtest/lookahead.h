/** @file src/backtest/lookahead.h
 * Whether a strategy looks ahead: it is run again on data that ends earlier, and must have said the same until there.
 *
 * What is compared is what it says (changes of its set, weights, orders), not what becomes of it. A strategy of the
 * form *decide* sees nothing that lies ahead, whatever it does; here it can only be found to depend on something else
 * than its market: a clock, chance, a variable that outlives a run.
 *
 * DESIGN
 *  - Data is cut by an earlier end of the range. So the facts of the past stay what they are: an asset that is delisted
 *    in the bundle is delisted in a range that ends later, and has not been yet in one that ends before. Closes are
 *    copied, so that nothing lies behind their end.
 *  - Half of the cuts are anywhere, half where the strategy has said something, because that is where it shows: whoever
 *    looks one session ahead is found out only where that session would have changed the answer. Where it has said too
 *    little for that half, the rest is anywhere, too.
 *  - Cuts come in ascending order, and all data last: a strategy that keeps what it has seen from run to run has not
 *    seen the rest yet.
 *  - Each run is compared with the one before. Where each begins as the one before it did, all begin alike.
 */
#ifndef BP_BACKTEST_LOOKAHEAD_H
#define BP_BACKTEST_LOOKAHEAD_H

#include "backtest/backtest.h"

#define BP__LOOKAHEAD_CUTS 50
#define BP__LOOKAHEAD_SEED 1

/** What is run, as for bp__scope_create() and bp__backtest_run(). All is borrowed. */
typedef struct bp__lookahead_task {
    const bp_bundle *bundle;
    const char *const *symbols;
    int64_t start, end;
    uint32_t delisted_after;
    const bp_strategy *strategy;
    const double *params;
    const bp__account *account;
    uint64_t cuts; /**< at most; each at another session */
    uint64_t seed; /**< equal seeds cut equal sessions */
} bp__lookahead_task;

typedef struct bp__lookahead {
    bool found;      /**< it looks ahead: */
    int64_t session; /**< the first one found at which its past has changed */
    const char
        *symbol;   /**< the first asset of that session; borrowed from the bundle. NULL: none in particular */
    int64_t known; /**< last session of the data with which it said... */
    char early[48];  /**< this, */
    char late[48];   /**< and this with later data */
    uint64_t cuts;   /**< runs on cut data that could be compared */
    uint64_t failed; /**< runs on cut data in which it failed: these tell nothing */
    char why[512];   /**< of the first of them: a line */
} bp__lookahead;

/** Check one combination.
 *
 * @param[out] result  filled in on BP_OK, whether or not it looks ahead
 *
 * @retval BP_ERANGE  fewer than three sessions: there is nothing to cut off
 * @retval BP_EINVAL  the strategy fails with all data; the text names strategy and session
 * @retval any        of bp__scope_create() and bp__account_check(); BP_ENOMEM
 */
bp_status bp__lookahead_check(const bp__lookahead_task *task, bp__lookahead *result);

#endif
