/** @file src/backtest/panel_cache.h
 * Panels that several combinations ask for are computed once and kept, within a bound.
 *
 * Steps
 *  1. bp__panels_create() once per scope, with two bounds in bytes: for panels (columns and what helpers make of them)
 *     and for windows of all assets as of a session. They do not compete for each other's bound.
 *  2. bp__panels_column(), bp__panels_apply(), bp__panels_windows() give what is kept, or compute it.
 *  3. bp__kept_release() once for each. What is held stays valid when it is evicted and when the cache is gone.
 *
 * What a kept panel is, is known by how it was made: the column it came from and each helper with its k since. So the
 * mean of a mean is found again although what it was made from has been evicted meanwhile. An array that a rule has
 * computed by itself has no such history: what is made of it is not kept (bp__panels_apply_to()).
 *
 * Any thread. A call may wait for another thread that is computing the same panel, and for nothing else.
 * Results are the same whatever is kept. The scope, and its bundle, must outlive the cache and all that is held: a kept
 * column may be borrowed from them.
 */
#ifndef BP_BACKTEST_PANEL_CACHE_H
#define BP_BACKTEST_PANEL_CACHE_H

#include "backtest/panel.h"

typedef struct bp__panels bp__panels;
typedef struct bp__kept bp__kept;

typedef enum bp__shelf_name { BP__SHELF_PANELS, BP__SHELF_WINDOWS, BP__NUM_SHELVES } bp__shelf_name;

typedef struct bp__shelf_stats {
    uint64_t hits; /**< also those that waited for another thread's */
    uint64_t misses;
    uint64_t evictions;
    size_t entries, bytes; /**< kept now; what is borrowed counts some 200 bytes */
    size_t bound;
} bp__shelf_stats;

/** @param[in]  scope  borrowed
 *  @param[in]  panel_bytes, window_bytes  what may be kept at most; 0: nothing is, and everything is computed anew
 *  @param[out] panels  owned: bp__panels_destroy()
 *  @retval BP_ENOMEM @retval BP_ESYS  no lock */
bp_status bp__panels_create(const bp__scope *scope, size_t panel_bytes, size_t window_bytes,
                            bp__panels **panels);

/** No call may be under way. What is held stays valid. */
void bp__panels_destroy(bp__panels **panels);

/** A column of bars: bp__panel_borrow() where that is possible, bp__panel_column() where not.
 *  @param[out] kept  held: bp__kept_release(); NULL after a failure @retval as bp__panel_column(), BP_ENOMEM */
bp_status bp__panels_column(bp__panels *panels, bp_bar_column column, bp__kept **kept);

/** What a helper makes of a kept panel. @param[in] x  held by the caller; NULL: the adjusted closes
 *  @param[out] kept  held: bp__kept_release(); NULL after a failure @retval as bp__panel_apply() */
bp_status bp__panels_apply(bp__panels *panels, bp__helper helper, int64_t k, const bp__kept *x,
                           bp__kept **kept);

/** The same of any array: computed, not kept. @param[in] x  not NULL */
bp_status bp__panels_apply_to(bp__panels *panels, bp__helper helper, int64_t k, const bp__panel *x,
                              bp__kept **kept);

/** Windows of all assets as of session t, [assets][k]. Where nothing has to be adjusted they are columns of one panel
 *  of the whole range, which is kept in their place.
 *  @param[out] kept  held: bp__kept_release(); NULL after a failure @retval as bp__panel_windows(), BP_ENOMEM */
bp_status bp__panels_windows(bp__panels *panels, int32_t t, int64_t k, bp_bar_column column, unsigned how,
                             bp__kept **kept);

/** What is held. Read-only, valid until it is released. */
const bp__panel *bp__kept_panel(const bp__kept *kept);

/** Whether its numbers lie in the bundle or the scope, and go with them. */
bool bp__kept_is_borrowed(const bp__kept *kept);

/** Hold it once more. @return kept */
bp__kept *bp__kept_hold(bp__kept *kept);

/** Let go. *kept becomes NULL. NULL is nothing to do. */
void bp__kept_release(bp__kept **kept);

void bp__panels_stats(bp__panels *panels, bp__shelf_name shelf, bp__shelf_stats *stats);

/** For tests: whether lists, table and sums agree. */
bool bp__panels_selfcheck(bp__panels *panels);

#endif
