/** @file src/backtest/lanes_state.h
 * What lanes.c makes and lanes_run.h works on.
 */
#ifndef BP_BACKTEST_LANES_STATE_H
#define BP_BACKTEST_LANES_STATE_H

#include "backtest/lanes.h"

#define BP__LANES_BLOCK 64 /* sessions whose prices lie ready */

/** Prices of BP__LANES_BLOCK sessions: opens, then marks, [BP__LANES_BLOCK + 1][stride] each. */
typedef struct bp__lanes_block {
    double *kept; /**< NULL: they are found in every run, in `prices` */
    bool ready;
} bp__lanes_block;

struct bp__lanes {
    const bp__scope *scope;
    bp__derived *derived;
    uint64_t runs;
    bp__lanes_block *block; /**< [num_blocks] */
    size_t num_blocks;
    const bp__lane_signals *signals;   /**< during a run by signals, else NULL */
    const bp__weights *const *weights; /**< [count] during a run by weights, else NULL */
    size_t next_row[BP__MAX_LANES];    /**< of weights */
    size_t count, words;               /**< lanes; words of 64 assets */
    size_t stride;                     /**< of rows of prices: assets, and some more */

    /* [groups][assets][lanes of a group], so in all [assets][BP__MAX_LANES] at most */
    double *shares; /**< what is held */
    double *
        target; /**< what is to be held after this session's fills, while they are made; else of no meaning but for
                          assets that no lane holds or wants: there it is 0, as shares are */
    double *waiting; /**< targets of orders that wait for an open; of assets in `waits` alone */
    double
        *worth; /**< by weights: what each lane wants of each asset, in money; NULL until there are weights */

    double *cash, *each, *fills; /**< [BP__MAX_LANES] each: what an asset is to be worth */

    bool worth_of_fills; /**< in this run; what follows is for it, and NULL until it is first asked for */
    double *basis;       /**< as shares: what they have cost */
    double *traded, *costs, *closings, *gains, *losses, *sessions_held; /**< [BP__MAX_LANES] */

    double *equity; /**< [sessions][BP__MAX_LANES] */

    uint64_t *in_set; /**< [words][BP__MAX_LANES] by weights: the assets that have one */
    uint64_t *want;   /**< [words * 64] by signals: of each asset the lanes in whose set it is */
    uint64_t *wanted; /**< [words] by any lane; as the following three */
    uint64_t *held, *waits,
        *missing;      /**< has shares, perhaps; has orders that wait; has no open in this session */
    uint64_t deciding; /**< lanes that have decided after the last close */

    uint32_t *list; /**< [listed] assets that this step goes over, ascending */
    size_t listed;

    double *kept;   /**< blocks that are */
    double *prices; /**< a block that is not */
    double *open,
        *mark; /**< [BP__LANES_BLOCK + 1][stride] of the block under way; 0: none; row 0 of the marks is the last one of the
                  block before */
    double *sale, *buy;   /**< [stride] prices of this session's fills, slippage included */
    double *least, *most; /**< [stride] 1 / mark, rounded to less and to more */
    bool exactly;         /**< some 1 / mark cannot be bounded: divide */

    double cash_before, buy_factor, sale_factor, rate;
    size_t next_split, next_dividend, next_delisting;
};

void bp__lanes_run_portable(bp__lanes *lanes);
void bp__lanes_run_avx2(bp__lanes *lanes);
void bp__lanes_run_avx512(bp__lanes *lanes);
void bp__lanes_run_avx512_narrow(bp__lanes *lanes); /**< a vector at a time, for few lanes */

#endif
