/** @file src/backtest/ledger.h
 * What an account did, entry by entry, for people who look at one run.
 */
#ifndef BP_BACKTEST_LEDGER_H
#define BP_BACKTEST_LEDGER_H

#include <stddef.h>
#include <stdint.h>

typedef enum bp__entry_kind {
    BP__ENTRY_ORDER,     /**< given: shares as ordered, negative to sell; price is the mark */
    BP__ENTRY_FILL,      /**< a trade */
    BP__ENTRY_DELISTING, /**< a trade too: what was held is sold, or bought back */
    BP__ENTRY_UNFILLED,  /**< an order, or a part of it, that will not be filled; `why` tells why */
    BP__ENTRY_SPLIT,     /**< shares after it; cash is what was paid for a fraction */
    BP__ENTRY_DIVIDEND,  /**< cash is what was paid; shares those that it was paid for */
    BP__ENTRY_REINVEST,  /**< shares bought with it, at price */
} bp__entry_kind;

typedef struct bp__entry {
    bp__entry_kind kind;
    int32_t t;         /**< session */
    uint32_t asset;    /**< of the scope */
    uint64_t order;    /**< its number, from 1; 0: none */
    double shares;     /**< negative: sold */
    double price;      /**< with slippage */
    double commission; /**< in money, as the next */
    double slippage;
    double gain;     /**< of the part that closed a position, by average cost */
    double cash;     /**< how the entry changed it */
    const char *why; /**< static text, or NULL */
} bp__entry;

/** Account after the close of a session. */
typedef struct bp__balance {
    int32_t t;
    double cash, equity;
    const double *shares; /**< [num_assets]; borrowed, as the next */
    const double *mark;   /**< [num_assets] last known prices; NaN: none yet */
    size_t num_assets;
} bp__balance;

/** Gets entries in the order in which they happen, and the balance of a session after its entries but the orders that
 *  were given then. What is open at the end is unfilled at the last session, after its balance.
 *  Either may be NULL. */
typedef struct bp__ledger {
    void *context;
    void (*entry)(void *context, const bp__entry *entry);
    void (*balance)(void *context, const bp__balance *balance);
} bp__ledger;

#endif
