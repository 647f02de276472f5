/** @file src/backtest/trader.h
 * The account: orders, fills, costs, cash and positions, session by session. It is sections 3 and 4 of
 * docs/backtest.md, with all options; who wants what is run.c's business.
 *
 * Steps: bp__trader_begin(), then for each session open, close, and orders: bp__trader_order() adds one;
 * bp__trader_clear() and bp__trader_target() replace all. One thread.
 */
#ifndef BP_BACKTEST_TRADER_H
#define BP_BACKTEST_TRADER_H

#include "backtest/account.h"
#include "backtest/ledger.h"
#include "backtest/metrics.h"
#include "backtest/scope.h"

/** An order: for an amount, or for what brings the position to a target when it is filled. */
typedef struct bp__order {
    uint64_t number; /**< from 1 */
    uint32_t asset;
    int32_t given; /**< session */
    bool has_target;
    bool charged; /**< its price per order */
    double target;
    double amount;   /**< still to be filled; negative: to be sold */
    double filled;   /**< shares, of both directions */
    double paid;     /**< of the price per share */
    double dealt;    /**< what it may be filled with at the bar under way, signed; 0: it waits */
    double p, price; /**< of that bar, without and with slippage */
} bp__order;

typedef struct bp__trader {
    const bp__scope *scope;
    const bp__account *account;
    const bp__ledger *ledger; /**< or NULL */
    double cash, equity;
    double *shares; /**< [num_assets] negative: short */
    double *
        basis; /**< [num_assets] what the shares have cost; of a short position negative: what they brought */
    double *mark;     /**< [num_assets] last known prices; NaN: none yet */
    double *owed;     /**< [dividends of the scope] to be paid later */
    double *paid_out; /**< [num_assets] dividends of this session, to be reinvested */
    size_t num_short;
    bp__order *order; /**< [num_orders] in order of assets, of one asset as given */
    size_t num_orders, capacity;
    uint64_t last_number;
    size_t next_split, next_dividend, next_payment, next_delisting;
    const bp__event **payment; /**< [dividends] in order of payment, of asset */
    bp__record record;         /**< but for the equity curve */
} bp__trader;

/** @param[in] scope  borrowed @param[out] trader  bp__trader_fini(), after a failure too
 *  @retval BP_ENOMEM  (without a text) */
bp_status bp__trader_init(const bp__scope *scope, bp__trader *trader);
void bp__trader_fini(bp__trader *trader);

/** A new run. @param[in] account, ledger  borrowed until the next one */
void bp__trader_begin(bp__trader *trader, const bp__account *account, const bp__ledger *ledger);

/** Splits, dividends, fills at the open. */
void bp__trader_open(bp__trader *trader, int32_t t);

/** Marks, reinvestments, fills at the close, delistings, expiry, equity. */
void bp__trader_close(bp__trader *trader, int32_t t);

/** Whether an asset can be ordered after session t: it has a price and is not delisted. */
bool bp__trader_takes(const bp__trader *trader, size_t asset, int32_t t);

/** Order an amount of an asset that can be ordered. @param[in] amount  finite
 *  @param[out] number  of the order; 0: nothing is left of the amount, cut to whole shares @retval BP_ENOMEM */
bp_status bp__trader_order(bp__trader *trader, size_t asset, double amount, int32_t t, uint64_t *number);

/** Drop all orders: a decision replaces them. */
void bp__trader_clear(bp__trader *trader, int32_t t);

/** After bp__trader_clear(), in order of assets: bring an asset to a target. No order where that is what is held.
 *  @retval BP_ENOMEM */
bp_status bp__trader_target(bp__trader *trader, size_t asset, double target, int32_t t);

/** The range is over: what is open stays unfilled. */
void bp__trader_end(bp__trader *trader, int32_t t);

/** Cut towards 0 to what can be ordered: whole shares, unless they may be fractional. */
double bp__trader_cut(const bp__trader *trader, double shares);

/** An open order; NULL: it is not open. */
const bp__order *bp__trader_find(const bp__trader *trader, uint64_t number);

/** Shares that an order is still to be filled with. */
double bp__order_unfilled(const bp__trader *trader, const bp__order *order);

/** @return whether it was open */
bool bp__trader_cancel(bp__trader *trader, uint64_t number, int32_t t);

#endif
