/** @file src/backtest/account.h
 * What the account may do and what trading costs: the execution models, as options. Sections 3 and 4 of
 * docs/backtest.md say what each of them means.
 */
#ifndef BP_BACKTEST_ACCOUNT_H
#define BP_BACKTEST_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef enum bp__fill { BP__FILL_OPEN, BP__FILL_CLOSE } bp__fill; /**< of the next bar */
typedef enum bp__dividends {
    BP__DIVIDENDS_EX,
    BP__DIVIDENDS_PAY,
    BP__DIVIDENDS_REINVEST,
    BP__DIVIDENDS_NONE
} bp__dividends;

/** As options spell them, NULL-terminated. */
extern const char *const bp__fill_names[], *const bp__dividends_names[];

typedef struct bp__account {
    double cash;                 /**< before the first session */
    double commission_bps;       /**< of the traded value */
    double commission_per_share; /**< in money */
    double commission_min;       /**< of what is charged per share, per order */
    double commission_per_order; /**< in money */
    double slippage_bps;         /**< buys pay more, sales get less */
    double volume_limit; /**< share of a bar's volume that orders may be; 0: slippage is not by volume */
    double price_impact; /**< times the square of the share of the volume: what the price moves */
    bp__fill fill;
    bp__dividends dividends;
    uint32_t expire; /**< sessions after which an order is cancelled; 0: never */
    bool allow_short;
    bool fractional;     /**< shares need not be whole */
    double max_leverage; /**< at least 1; INFINITY: no limit */
} bp__account;

/** Defaults: 10,000,000 in cash, no costs, long only, whole shares, no borrowing, fills at the open. */
bp__account bp__account_init(void);

/** @retval BP_EINVAL  a field is out of range; the text names it as the optimizer's options do */
bp_status bp__account_check(const bp__account *account);

/** Set the commission: "5", "5bps", "0.05%", "0.0075/share", "0.0075/share,min=1", "1/order", several joined by "+".
 *  @param[out] doubtful  whether a bare number looks like a fraction where basis points are meant
 *  @retval BP_EINVAL  the text quotes what is wrong; the account is unchanged */
bp_status bp__commission_from(const char *text, bp__account *account, bool *doubtful);

/** Set the slippage: "5", "5bps", "0.05%", "volume", "volume,limit=0.025,impact=0.1". As bp__commission_from(). */
bp_status bp__slippage_from(const char *text, bp__account *account, bool *doubtful);

/** The same as text, one for each value: "0bps", "5bps+1/order". @return `text` */
const char *bp__commission_text(const bp__account *account, char *text, size_t size);
const char *bp__slippage_text(const bp__account *account, char *text, size_t size);

#endif
