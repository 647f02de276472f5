/** @file src/backtest/plain.h
 * The account for signals where the options are the defaults, but for costs in basis points: what most searches are. Fast,
 * and equal to trader.h's to the last bit.
 */
#ifndef BP_BACKTEST_PLAIN_H
#define BP_BACKTEST_PLAIN_H

#include "backtest/account.h"
#include "backtest/call.h"
#include "backtest/metrics.h"
#include "backtest/scope.h"

/** Orders of one direction, in order of assets. Filled ones leave the list, waiting ones stay. */
typedef struct bp__plain_orders {
    uint32_t *asset;
    size_t count;
} bp__plain_orders;

typedef struct bp__plain {
    const bp__scope *scope;
    size_t words;     /**< of 64 assets */
    double *shares;   /**< [num_assets] whole numbers */
    double *target;   /**< [num_assets] of an order; never read where there is none */
    double *basis;    /**< [num_assets] what the shares have cost */
    uint64_t *held;   /**< [words] has shares */
    uint64_t *in_set; /**< [words] is signalled */
    bp__plain_orders sales, buys;
    double cash, buy_factor, sale_factor, rate;
    size_t next_split, next_dividend, next_delisting;
    bp__record record;
} bp__plain;

/** @param[in] scope  borrowed @param[out] plain  bp__plain_fini(), after a failure too
 *  @retval BP_ENOMEM  (without a text) */
bp_status bp__plain_init(const bp__scope *scope, bp__plain *plain);
void bp__plain_fini(bp__plain *plain);

/** Whether an account is one of these. */
bool bp__plain_can(const bp__account *account);

/** A run. @param[out] equity  [sessions] @param[out] record  but for the equity curve */
void bp__plain_run(bp__plain *plain, const bp__signals *signals, const bp__account *account, double *equity,
                   bp__record *record);

#endif
