/** @file src/backtest/panel_kernels.h
 * The two ways through a panel: row by row along time, and session by session across assets. For panel.c, which has
 * checked the arguments.
 */
#ifndef BP_BACKTEST_PANEL_KERNELS_H
#define BP_BACKTEST_PANEL_KERNELS_H

#include "backtest/panel.h"

/** BP__SMA to BP__SHIFT. @param[in] x  NULL: the adjusted closes @retval BP_ENOMEM  (without a text) */
bp_status bp__panel_along(const bp__scope *scope, bp__helper helper, int32_t k, const bp__panel *x,
                          double *out);

/** BP__RANK and BP__ZSCORE. @param[in] x  not NULL @retval BP_ENOMEM  (without a text) */
bp_status bp__panel_across(bp__helper helper, const bp__panel *x, double *out);

/** Column behind the last one at which an asset is listed, within the panel. */
static inline int32_t bp__panel_end(const bp__scope *s, size_t asset)
{
    const int32_t delisted = s->asset[asset].delisted, sessions = (int32_t)s->num_sessions;
    if (delisted >= sessions) return s->first + sessions;
    return delisted > -s->first ? s->first + delisted : 0;
}

#endif
