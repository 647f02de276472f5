/** @file mpi/stream.h
 * Bulk data: an image travels from rank 0's node along the chain of nodes while it is being decoded.
 *
 * DESIGN
 *
 * An image is cut into segments of BP__SEGMENT bytes. On rank 0's node a segment leaves when every task that
 * writes into it is done; every other node receives it straight into its own arena, at the same offset, and
 * passes it on to the next. A few segments are under way at once on each link. Streams of several slots share
 * the links; the tag tells them apart.
 *
 * A stream always runs to its end. One whose load has failed sends empty segments instead ("poisoned"). A
 * node that cannot hold the image receives into a bounce buffer, passes on, and votes no.
 *
 * Used by the service thread; only bp__stream_task_done() and bp__stream_end() are called by the loading
 * thread.
 */
#ifndef BP_MPI_STREAM_H
#define BP_MPI_STREAM_H

#include <stdbool.h>

#include <mpi.h>

#include "core/plan.h"
#include "core/workers.h"
#include "mpi/window.h"

#define BP__SEGMENT (UINT64_C(1) << 20)

typedef struct bp__streams bp__streams;
typedef struct bp__stream bp__stream;

/** What became of a stream on this node: it has every byte, or why not. Called during bp__streams_poll(). */
typedef void bp__stream_arrived(void *ctx, uint32_t slot, uint64_t generation, bp_status code,
                                const char *text);

/** @param[in]  chain     borrowed; private, one rank per node in the order of the chain
 *  @param[in]  arena, workers, doorbell  borrowed
 *  @param[out] streams   owned: bp__streams_destroy(), when none is under way */
bp_status bp__streams_create(MPI_Comm chain, bp__window *arena, bp__workers *workers,
                             _Atomic uint32_t *doorbell, bp__stream_arrived *arrived, void *ctx,
                             bp__streams **streams);
void bp__streams_destroy(bp__streams **streams);

/** Rank 0's node: begin to send what is going to be decoded into `extent`.
 *  @param[out] stream  borrowed; lives until it was ended and everything has left */
bp_status bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, const bp__plan *plan,
                          bp__stream **stream);

/** Any thread: the head (task == plan->num_tasks) or a task has been written. */
void bp__stream_task_done(bp__stream *stream, const bp__plan *plan, uint64_t task);

/** Any thread, last: no task will be done any more; segments that miss one leave empty. */
void bp__stream_end(bp__stream *stream);

/** Other nodes: begin to receive. A failure is told by the vote. */
void bp__stream_receive(bp__streams *streams, uint32_t slot, uint64_t generation, bp__extent extent);

/** Go on with what has arrived or has left. @return whether anything has */
bool bp__streams_poll(bp__streams *streams);

/** Whether a stream of this slot, or with BP__NO_SLOT of any, is under way. */
bool bp__streams_busy(const bp__streams *streams, uint32_t slot);

#endif
