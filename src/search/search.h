/** @file src/search/search.h
 * A grid search: all ranks of a communicator, over one bundle after the other, with a journal.
 *
 * For programs with and without a command line: nothing here prints, catches a signal or ends a process. What is to be
 * told, and whether to go on, is the caller's, by hooks that are called on rank 0.
 *
 * Steps, all collective: bp__search_run(), then the caller uses what was found (rank 0 has it), then
 * bp__search_fini(). Texts of failures name options as the command line of the optimizer does. Several searches may run at the same time over communicators of different ranks.
 */
#ifndef BP_SEARCH_SEARCH_H
#define BP_SEARCH_SEARCH_H

#include <mpi.h>

#include <bundlepool/pool.h>

#include "search/doubts.h"
#include "search/results.h"

/** What to do when another version of a bundle turns up while it is tested: go on with the one that is pinned, fail, or
 * test the new one from the start. */
typedef enum bp__on_update { BP__UPDATE_FINISH, BP__UPDATE_FAIL, BP__UPDATE_RESTART } bp__on_update;

/** How a search is done: nothing here changes a result. */
typedef struct bp__conduct {
    bp_config cfg;       /**< of the pool; root is the folder of the bundles */
    const char *journal; /**< borrowed; NULL: nothing is kept */
    bool resume;         /**< go on from what the journal knows */
    bool replace;        /**< a finished journal may be of another search */
    bp__on_update on_update;
    uint64_t
        cache_memory; /**< bytes that each rank may keep of what combinations have in common: bp__workspace_keep() */
    bp_pool *
        pool; /**< borrowed: the bundles are taken from it, so that several searches of a process share one load. Of a
                        communicator of the same ranks, and of the same root as cfg, of which nothing else is used then.
                        NULL: the search makes its own out of cfg */
} bp__conduct;

#define BP__DELISTED_TEXT 160

/** A bundle as it was tested. */
typedef struct bp__tested {
    char content_hash[65], computed_hash[65];
    uint64_t bytes;
    size_t num_assets, num_sessions; /**< of the scope, as the days */
    int64_t first_session, last_session;
    double sessions_per_year;
    size_t num_delisted; /**< assets that are delisted within the range: what is held of them is sold there */
    char delisted[BP__DELISTED_TEXT]; /**< the first of them, for people: "A 2013-10-29, B 2014-01-02, ..." */
    bp__doubts doubts;
} bp__tested;

/** Why a search has ended. */
typedef enum bp__ending {
    BP__ENDED_COMPLETE,
    BP__ENDED_STOPPED,    /**< go_on() returned false */
    BP__ENDED_UNWRITABLE, /**< the journal cannot be written */
    BP__ENDED_UPDATED,    /**< a bundle has changed, and that is a failure */
    BP__ENDED_ABANDONED, /**< a rank is in a backtest or waits for a message that will not come: no rank may be waited
                               for any more, and the job has to be ended. What came in is in the journal */
} bp__ending;

/** What a search has found out. On ranks other than 0 only the ending and num_ranks are set. */
typedef struct bp__found {
    bp__ending ending;
    const bp__spec *spec; /**< borrowed */
    int num_ranks;
    bp__results results;
    double best[BP__NUM_METRICS]; /**< values of results.best, once bp__search_with() has shared them */
    bp__tested *tested;           /**< [spec->num_bundles] */
    uint64_t resumed;             /**< results that were known before: done or failed */
    double seconds;               /**< in backtests, from the first to the last of each bundle */
    bp_stats stats; /**< of a search that is complete: what its pool has done, for a search before as well */
    bp__derived_stats derived; /**< of the bundle under way, on rank 0 */
    bool has_journal;
    bool
        broken; /**< abandoned because ranks have lost each other: every one of them knows, and none waits. Set on all */
    bool unfinished; /**< there is a journal that could be resumed, and that was not asked for */
    bool foreign;    /**< what is to be the journal is none, or of another search, and is not replaced */
} bp__found;

/** Each is called by the thread that runs the search, on rank 0 unless it says otherwise, and may be NULL but for
 *  go_on. */
typedef struct bp__hooks {
    void *context;
    /** The journal is open and has been read; no bundle is loaded yet. */
    void (*opened)(void *context, const bp__found *found);
    /** All ranks hold a bundle: found->tested[bundle] is filled in. Nothing has been written yet of a search that begins
     *  with it. A failure ends the search. */
    bp_status (*accept)(void *context, const bp__found *found, uint64_t bundle);
    /** The same, once the journal knows of it. */
    void (*begun)(void *context, const bp__found *found, uint64_t bundle);
    /** Between any two backtests, and every few milliseconds where there is none, also while the journal is read: whether
     *  to go on.
     *  @param[in]  pool      for its statistics; NULL: there is none yet
     *  @param[out] until_ns  if not: when (bp__clock_ns()) what is in hand must have come in; may be brought forward;
     *                        UINT64_MAX: it may take its time */
    bool (*go_on)(void *context, const bp__found *found, bp_pool *pool, uint64_t *until_ns);
    /** Something is odd, and the search goes on. */
    void (*warn)(void *context, const char *text);
    /** Everything is done: store it. Afterwards the journal is marked as finished. */
    bp_status (*store)(void *context, const bp__found *found);
    /** On every rank: the strategy is about to be called for `count` tasks, all at once, or with 0 to say which
     *  combinations make sense. Whoever catches what a strategy may do to the process (signals, an endless loop) knows by
     *  this whom to blame; note.h is what to leave behind. */
    void (*enter)(void *context, const uint64_t *task, size_t count);
    /** On every rank: that has ended. */
    void (*leave)(void *context);
    /** On every rank but 0, before each backtest: whether this rank was told to stop. Then all do, as if go_on() had said
     *  no. */
    bool (*is_stopped)(void *context);
} bp__hooks;

/** Search. Collective over comm; comm is the caller's, and is duplicated for messages.
 *
 * @param[in]  spec, conduct  the same on every rank; borrowed until bp__search_fini()
 * @param[in]  hooks          borrowed; but for enter, leave and is_stopped used on rank 0 only
 * @param[out] found          bp__search_fini(), after a failure too
 *
 * @retval BP_OK        ended; found->ending tells how: complete (a combination may have failed), or stopped
 * @retval BP_EBUSY     found->unfinished, or another job writes the journal
 * @retval BP_EFORMAT   the journal is damaged
 * @retval BP_EINVAL    the journal is none, or of another search, or the ranks have different ones; or conduct->pool is
 *                      of other ranks, or of another root
 * @retval BP_EIO       the journal cannot be written; results that came in before are in it
 * @retval BP_ECHANGED  a bundle has changed (on_update is BP__UPDATE_FAIL), or its version is not the journal's
 * @retval BP_ETIMEOUT, BP_EMPI, BP_EIO  with BP__ENDED_ABANDONED: on this rank; others may not return at all
 * @retval any          of bp_pool_create(), bp_pool_get(), bp__scope_create(), hooks->accept, hooks->store
 *                      All but the abandoned ones are the same on every rank. */
bp_status bp__search_run(MPI_Comm comm, const bp__spec *spec, const bp__conduct *conduct,
                         const bp__hooks *hooks, bp__found *found);

void bp__search_fini(bp__found *found);

#endif
