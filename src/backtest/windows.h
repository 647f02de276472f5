/** @file src/backtest/windows.h
 * Prices as they look from a bar: adjusted for the splits, mergers and dividends that lie between them and that bar.
 */
#ifndef BP_BACKTEST_WINDOWS_H
#define BP_BACKTEST_WINDOWS_H

#include <bundlepool/strategy.h>

#include "backtest/scope.h"

enum { BP__BY_SPLITS, BP__BY_MERGERS, BP__BY_DIVIDENDS, BP__NUM_ADJUSTMENTS };

/** Adjustments of the selected assets. Made when a window is first asked for. */
typedef struct bp__windows {
    bool made;
    bp__events by[BP__NUM_ADJUSTMENTS]; /**< by asset, date */
    size_t *begin[BP__NUM_ADJUSTMENTS]; /**< [num_assets + 1] where those of an asset begin */
} bp__windows;

/** @param[out] windows  bp__windows_fini(), after a failure too @retval as bp__scope_events() */
bp_status bp__windows_make(const bp__scope *scope, bp__windows *windows);
void bp__windows_fini(bp__windows *windows);

/** The last k bars up to t. @param[in] how  BP_ADJUSTED … @param[out] value  [k]
 *  @return how many of them are bars of the bundle */
int32_t bp__window(const bp__scope *scope, const bp__windows *windows, size_t asset, bp_bar_column column,
                   int32_t t, int32_t k, unsigned how, double *value);

#endif
