/** @file src/optimizer/dispatch.h
 * Hands combinations out to the ranks and brings their results to rank 0.
 *
 * DESIGN
 *  - Rank 0 owns the list. A worker asks (REQUEST), rank 0 answers with a batch of indices (BATCH), an empty
 * one if nothing is left. A worker asks for its next batch when it begins one, so that it does not wait while
 *    rank 0 is in a backtest of its own: rank 0 answers between two of them.
 *  - Batches shrink as the list does (guided self-scheduling), so that all ranks end together.
 *  - RESULTS need no answer. They go out when there are enough for a message, at the end of a batch, and
 * every tenth of a second, so that little is in hand when a job is killed.
 *  - There may be many more ranks than cores: who waits looks, then sleeps, for longer each time up to 1 ms.
 */
#ifndef BP_OPTIMIZER_DISPATCH_H
#define BP_OPTIMIZER_DISPATCH_H

#include <mpi.h>

#include "optimizer/results.h"

typedef struct bp__tasks {
    const uint64_t *index; /**< [count] what to do; rank 0's counts, the others' are ignored */
    uint64_t count;
    void (*run)(void *context, uint64_t index,
                bp__result *result);                       /**< on any rank; fills in all of *result */
    void (*take)(void *context, const bp__result *result); /**< on rank 0, once for each index */
    void *context;
} bp__tasks;

/** Do all tasks. Collective over comm; blocks until all results are in rank 0. A worker may come long before
 * rank 0: it sleeps.
 *
 *  @param[in] comm  nobody else's: its messages are taken whoever they are from
 *  @retval BP_EMPI  a message failed: the others may wait for this rank for ever, the job has to end */
bp_status bp__dispatch(MPI_Comm comm, const bp__tasks *tasks);

#endif
