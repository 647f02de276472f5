/** @file src/optimizer/sweep.h
 * What every rank needs for its backtests: the pool, the bundle pinned in one version for the whole run, and
 * the scope over it.
 *
 * Steps, the collective ones over MPI_COMM_WORLD: open (collective), run any number of times, totals
 * (collective), close (collective). A failure of one rank is the failure of all.
 */
#ifndef BP_OPTIMIZER_SWEEP_H
#define BP_OPTIMIZER_SWEEP_H

#include <bundlepool/pool.h>

#include "optimizer/options.h"
#include "optimizer/results.h"

typedef struct bp__sweep {
    const bp__options *options; /**< borrowed */
    bp_pool *pool;
    const bp_bundle *bundle; /**< pinned; the same version on every rank */
    bp__scope *scope;
    bp__workspace *workspace;
    uint64_t private_loads; /**< where pooling is switched off */
    bool changed;           /**< another version has turned up, or the bundle has gone */
} bp__sweep;

/** Collective.
 *  @param[out] sweep  bp__sweep_close(), after a failure too
 *  @retval as bp_pool_create(), bp_pool_get() and bp__scope_create()
 *  @retval BP_ECHANGED  the bundle is replaced so often that the ranks cannot get the same version */
bp_status bp__sweep_open(const bp__options *options, bp__sweep *sweep);

/** Collective. */
bp_status bp__sweep_close(bp__sweep *sweep);

/** Backtest combination `index`. Not collective. */
void bp__sweep_run(bp__sweep *sweep, uint64_t index, bp__result *result);

/** Statistics over the cluster, when every rank has run its last backtest; `changed` becomes true if it is on
 * any rank. Collective.
 *  @param[out] stats  filled in on rank 0; without pooling its `loads` are the private ones of all ranks */
bp_status bp__sweep_totals(bp__sweep *sweep, bp_stats *stats);

#endif
