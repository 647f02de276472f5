/** @file src/search/sweep.h
 * What every rank needs for its backtests: the pool, a bundle pinned in one version as long as it is tested,
 * and the scope over it.
 *
 * Steps, the collective ones over one communicator: open (collective), for one bundle after the other: begin
 * (collective), run any number of times, end; then totals (collective), close (collective). A failure of one rank is the
 * failure of all. One bundle at a time: a rank that held one while it got the next could need memory that it holds
 * itself.
 */
#ifndef BP_SEARCH_SWEEP_H
#define BP_SEARCH_SWEEP_H

#include <bundlepool/pool.h>

#include "search/results.h"

typedef struct bp__hooks bp__hooks; /* search.h */

typedef struct bp__sweep {
    MPI_Comm comm;        /**< borrowed */
    const bp__spec *spec; /**< borrowed */
    bool pooled;          /**< false: every rank loads for itself */
    bp_pool *pool;
    bool borrowed;           /**< the pool is somebody else's */
    const char *name;        /**< of the bundle under way */
    const bp_bundle *bundle; /**< pinned; the same version on every rank */
    bp__scope *scope;
    bp__workspace *workspace;
    bp__terms terms; /**< of the search, and of the bundle's calendar where the search leaves that open */
    uint64_t private_loads; /**< where pooling is switched off */
    bool changed;           /**< this rank has found another version on disk, or none */
    bool deaf;              /**< it does not ask any more */
    const uint64_t *next;   /**< [num_next] tasks that come next */
    size_t num_next;
    size_t at, prepared;    /**< of `next`: where the last run was; so many have been prepared */
    size_t quick;           /**< so many were prepared before the time for that was over; 0: not known yet */
    const bp__hooks *hooks; /**< the caller's, or NULL; of these enter and leave */
    bool one_by_one;        /**< the caller's: no work is shared */
    size_t cache_bytes;     /**< the caller's: bp__workspace_keep() */
} bp__sweep;

/** Collective over comm.
 *  @param[in]  comm, spec  borrowed until bp__sweep_close(), as the pool
 *  @param[in]  pool        whose bundles are used; NULL: of one that is created out of cfg
 *  @param[out] sweep       bp__sweep_close(), after a failure too
 *  @retval BP_EINVAL  the pool is of other ranks or of another root, or only some ranks have one
 *  @retval as bp_pool_create() */
bp_status bp__sweep_open(MPI_Comm comm, const bp__spec *spec, const bp_config *cfg, bp_pool *pool,
                         bp__sweep *sweep);

/** Collective, unless the pool is broken. If the strategy has kept what lies in the sweep's own pool, that is destroyed when the next sweep of these
 *  ranks opens, if it is free then, or by MPI_Finalize. */
bp_status bp__sweep_close(bp__sweep *sweep);

/** Pin a bundle of the search. Collective.
 *  @retval as bp_pool_get() and bp__scope_create()
 *  @retval BP_ECHANGED  the bundle is replaced so often that the ranks cannot get the same version */
bp_status bp__sweep_begin(bp__sweep *sweep, uint64_t bundle);

/** Let it go. Not collective; allowed where none has begun. */
void bp__sweep_end(bp__sweep *sweep);

/** These tasks come next, in this order: runs of neighbours may share work. Not collective.
 *  @param[in] task  [count] of the bundle under way; borrowed until the next call or bp__sweep_end() */
void bp__sweep_next(bp__sweep *sweep, const uint64_t *task, size_t count);

/** How many neighbours had best be run on one rank: fewer take hardly less time. Of a strategy that is asked for one after the other
 *  this is known when some have been run here. Not collective. */
uint32_t bp__sweep_at_once(const bp__sweep *sweep);

/** Backtest a task of the bundle under way. Not collective. */
void bp__sweep_run(bp__sweep *sweep, uint64_t task, bp__result *result);

/** Statistics over the cluster, when every rank has run its last backtest. Collective.
 *  @param[out] stats  filled in on rank 0; without pooling its `loads` are the private ones of all ranks */
bp_status bp__sweep_totals(bp__sweep *sweep, bp_stats *stats);

#endif
