/** @file src/backtest/panel.h
 * Helpers for all assets at once: what a rule that is written for whole arrays asks of the market.
 *
 * A panel is float64 [asset][session]: a row for each selected asset, a column for each session of the scope from the
 * first of the bundle to the last of the range. Column i is session t = i - scope->first.
 *
 * Helpers along time work on an asset's *observations*: the sessions at which x has a value (is not NaN), before the
 * asset is delisted. What they give at an observation stays until the next one, and ends with the delisting; it is NaN
 * before the first. Helpers across assets work on each session by itself. docs/backtest.md, "Panels", defines every
 * one; means and deviations are those of bp_market_means() and bp_market_deviations(), to the bit.
 *
 * Pure functions of a scope; any thread. Nothing blocks.
 */
#ifndef BP_BACKTEST_PANEL_H
#define BP_BACKTEST_PANEL_H

#include <bundlepool/status.h>
#include <bundlepool/strategy.h>

#include "backtest/scope.h"
#include "backtest/windows.h"

#define BP__PANEL_MAX_K 1000000 /* as of every window that a strategy may ask for */

/** Values of all assets, which are somebody else's: row i begins at value + i * stride. Borrowed. */
typedef struct bp__panel {
    const double *value;
    size_t rows, columns;
    size_t stride; /**< in float64, at least `columns` */
} bp__panel;

typedef enum bp__helper {
    BP__SMA,     /**< mean of the last k observations */
    BP__STD,     /**< their sample deviation */
    BP__EMA,     /**< exponential average: alpha 2 / (k + 1), the first value is the mean of the first k */
    BP__RETURNS, /**< x[j] / x[j - k] - 1 */
    BP__RSI,     /**< relative strength index of Wilder */
    BP__SCORE,   /**< (x - mean) / deviation, of the last k observations */
    BP__SHIFT,   /**< x[j - k] */
    BP__RANK,    /**< across assets: 1 is the least, ties have their average; without k */
    BP__ZSCORE,  /**< across assets: (x - mean) / deviation; without k */
    BP__NUM_HELPERS
} bp__helper;

/** Columns of a panel. */
static inline size_t bp__panel_columns(const bp__scope *s)
{
    return (size_t)s->first + s->num_sessions;
}

/** Name of a helper, as rules call it and texts say it. */
const char *bp__helper_name(bp__helper helper);

/** Whether a helper takes k: rank and zscore across assets do not. */
bool bp__helper_takes_k(bp__helper helper);

/** Whether k is one that the helper takes. @param[in] k  0 of those that take none
 *  @retval BP_EINVAL  the text names the helper and says what is allowed */
bp_status bp__helper_check(bp__helper helper, int64_t k);

/** A column of bars at the sessions at which an asset has a close, adjusted as by bp_market_read(); elsewhere NaN, a
 *  volume 0.
 *  @param[out] out  [assets][columns]
 *  @retval BP_EINVAL  there is no such column */
bp_status bp__panel_column(const bp__scope *scope, bp_bar_column column, double *out);

/** The same without a copy: where all rows lie in the bundle or the scope one stride apart, and are to the value what
 *  bp__panel_column() would give (nothing adjusted, nothing left out).
 *  @param[out] panel  valid as long as the scope
 *  @return false: there is no such place */
bool bp__panel_borrow(const bp__scope *scope, bp_bar_column column, bp__panel *panel);

/** Whether an order would be taken after each session: the asset has had a close and is not delisted.
 *  @param[out] out  [assets][columns] */
void bp__panel_tradable(const bp__scope *scope, bool *out);

/** Apply a helper.
 *  @param[in]  k    as bp__helper_check() wants it
 *  @param[in]  x    [assets][columns]; NULL: the adjusted closes
 *  @param[out] out  [assets][columns], one after the other; does not overlap with x
 *  @retval BP_EINVAL  k, or the shape of x; the text names the helper and what is allowed
 *  @retval BP_ENOMEM  what a row or a block needs besides */
bp_status bp__panel_apply(const bp__scope *scope, bp__helper helper, int64_t k, const bp__panel *x,
                          double *out);

/** Windows of all assets as of session t: each as bp__window() has it.
 *  @param[in]  t    a session of the range @param[in] k  1 to 1,000,000 @param[in] how  BP_ADJUSTED …
 *  @param[out] out  [assets][k]
 *  @retval BP_EINVAL  t, k, column or how */
bp_status bp__panel_windows(const bp__scope *scope, const bp__windows *windows, int32_t t, int64_t k,
                            bp_bar_column column, unsigned how, double *out);

/** Whether these arguments are ones of bp__panel_windows(). @retval BP_EINVAL */
bp_status bp__panel_windows_check(const bp__scope *scope, int32_t t, int64_t k, bp_bar_column column,
                                  unsigned how);

#endif
