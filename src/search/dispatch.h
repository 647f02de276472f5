/** @file src/search/dispatch.h
 * Hands combinations out to the ranks and brings their results to rank 0.
 *
 * DESIGN
 *  - Rank 0 owns the list. A worker asks (REQUEST), rank 0 answers with a batch of indices (BATCH), an empty
 *    one when it is over. A worker asks for its next batch when it begins one, so that it does not wait while
 *    rank 0 is in a backtest of its own: rank 0 answers between two of them.
 *  - Batches shrink as the list does (guided self-scheduling), so that all ranks end together; but where neighbours are done at
 *    once, not below what that saves, while there is as much for every rank.
 *  - RESULTS need no answer. They go out when there are enough for a message, at the end of a batch, and
 *    every tenth of a second, so that little is in hand when a job is killed.
 *  - When rank 0 is to stop, it hands nothing out any more and sends STOP. A worker ends the backtest that it
 *    is in, drops the rest, sends its results and then STOPPED.
 *  - There may be many more ranks than cores: who waits looks, then sleeps, for longer each time up to 1 ms.
 */
#ifndef BP_SEARCH_DISPATCH_H
#define BP_SEARCH_DISPATCH_H

#include <mpi.h>

#include "mpi/await.h"
#include "search/results.h"

typedef struct bp__tasks {
    const uint64_t *index; /**< [count] what to do; rank 0's counts, the others' are ignored */
    uint64_t count;
    /** On rank 0: how many neighbours take little longer than one, as far as it is known by now. */
    uint32_t (*at_once)(void *context);
    /** On any rank: these come next, in this order, unless the search is stopped. Or NULL. */
    void (*next)(void *context, const uint64_t *index, size_t count);
    /** On any rank; fills in all of *result. */
    void (*run)(void *context, uint64_t index, bp__result *result);
    /** On rank 0, once for each index. */
    void (*enter)(void *context, const bp__result *result);
    /** On rank 0, between any two backtests and while it waits, every few milliseconds: whether to go on.
     *  @param[out] until_ns  if not: when (bp__clock_ns()) what is in hand must have come in; may be brought
     * forward */
    bool (*go_on)(void *context, uint64_t *until_ns);
    void *context;
    bp__watch watch; /**< on any rank, wherever it waits, and between two backtests */
} bp__tasks;

/** Do all tasks. Collective over comm; blocks until all results are in rank 0, or go_on() has said no and no
 * rank is in a backtest. A worker may come long before rank 0: it sleeps.
 *
 *  @param[in] comm  nobody else's: its messages are taken whoever they are from
 *  @retval BP_OK
 *  @retval BP_ETIMEOUT  rank 0 only: the time is up and a rank is still in its backtest: the job has to be
 *                       ended
 *  @retval BP_EMPI      a message failed: the others may wait for this rank for ever, the job has to be ended
 *  @retval any          of tasks->watch: nobody is to be waited for any more. MPI may still use tasks->index
 */
bp_status bp__dispatch(MPI_Comm comm, const bp__tasks *tasks);

#endif
