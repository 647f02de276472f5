/** @file mpi/stream.h
 * Bulk data travels from rank 0's node along the chain of nodes, while it comes into being: an image as it is
 * decoded, or a stage as it is read.
 *
 * DESIGN
 *
 * An extent is cut into segments, which are shorter if all nodes are virtual ones of one machine. On rank 0's
 * node a segment is copied to private memory (mpi/segments.h) when all of it is there, and leaves from that;
 * every other node receives it into private memory, passes it on to the next from there, and copies it to its
 * own arena, at the same offset, while it is on its way. MPI is never given an address in an arena. A few
 * segments are under way at once on each link. Streams of several slots share the links; the tag tells them
 * apart.
 *
 * A stream always runs to its end. If its load has failed, it sends empty segments instead ("poisoned"). A
 * node that cannot hold the extent only passes on, and votes no.
 *
 * Each segment has a trailer behind it, in the same message: its number, and a checksum, where those are
 * wanted. Rank 0's node computes it over the bytes in its arena, as its ranks read them, right after copying
 * them, while the caches have them; every other node compares it with that of the bytes in its own arena, as
 * its ranks will read them, before it votes. So it does not matter which way the bytes took in between. A
 * node where a segment arrived damaged votes no, and says so.
 *
 * Every stream has private memory for a segment from the start, and keeps what it has: no stream waits for
 * another, on whichever node.
 *
 * An image is complete on a node when all of it is in the arena. A stage is used by a thread of its own while
 * it arrives, and complete when that thread is done with it: then its memory may be used for another.
 *
 * Used by the service thread; the loading thread calls bp__stream_ready() and bp__stream_end(), the
 * thread that uses a stage calls bp__stream_arrived().
 */
#ifndef BP_MPI_STREAM_H
#define BP_MPI_STREAM_H

#include <stdbool.h>

#include <mpi.h>

#include "core/directory.h"
#include "core/workers.h"
#include "mpi/window.h"

typedef struct bp__streams bp__streams;
typedef struct bp__stream bp__stream;

/** What stands behind the bytes of a segment in its message. An empty segment has none. */
typedef struct bp__trailer {
    uint32_t checksum; /**< bp__checksum(); 0 where it is not compared */
    uint32_t segment;  /**< its number, from 0 */
} bp__trailer;

/** Hears what became of a stream on this node: complete, or why not. Called during bp__streams_poll().
 *  @param[in] damaged  it arrived, but not as it was sent: another try may be better */
typedef void bp__stream_over(void *ctx, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                             const char *text);

/** Uses what arrives of a stage, on a worker thread, until all is used or nothing more can come. It is woken
 *  by bp__dir_ring_decoding() when more has arrived, or nothing more will.
 *  @retval any  goes into the vote */
typedef bp_status bp__stream_use(void *ctx, bp__stream *stream, uint32_t slot, bp__extent extent);

/** Hears that a stream cannot go on on this node, so that none of its load will ever be over: bp_error_text() says
 *  why. Called during bp__streams_poll() and bp__stream_receive(). */
typedef void bp__stream_lost(void *ctx);

typedef struct bp__stream_calls {
    bp__stream_over *over;
    bp__stream_use *use;
    void *ctx;
    bp__stream_lost *lost; /**< NULL: it is only logged */
} bp__stream_calls;

typedef struct bp__streams_setup {
    MPI_Comm chain;     /**< borrowed; private, one rank per node in the order of the chain */
    bp__directory *dir; /**< borrowed, as are the next two */
    bp__window *arena;
    bp__workers *workers;
    const char *host; /**< of this node, for texts */
    bool one_machine; /**< whether all nodes are on one machine; the same on all nodes */
    bool verify;      /**< compare checksums; the same on all nodes */
    bp__stream_calls calls;
} bp__streams_setup;

/** @param[out] streams  owned: bp__streams_destroy(), when none is under way */
bp_status bp__streams_create(const bp__streams_setup *setup, bp__streams **streams);
void bp__streams_destroy(bp__streams **streams);

/** Rank 0's node: begin to send what is going to be written into `extent`.
 *  @param[out] stream  borrowed; lives until it has been ended and everything has left */
bp_status bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, bp__stream **stream);

/** Any thread: the first `bytes` of the extent are in place. */
void bp__stream_ready(bp__stream *stream, uint64_t bytes);

/** Any thread, last: nothing more will be ready; segments that are not in place leave empty. */
void bp__stream_end(bp__stream *stream);

/** Other nodes: begin to receive. A failure shows in the vote, or is told to calls.lost. @param[in] stage  a stage, not an image */
void bp__stream_receive(bp__streams *streams, uint32_t slot, uint64_t generation, bp__extent extent,
                        bool stage);

/** The thread that uses a stage: how many bytes have arrived, from its first one on.
 *  @return false: no more will arrive, or what does is of no use */
bool bp__stream_arrived(const bp__stream *stream, uint64_t *bytes);

/** Go on with what has arrived or has left. @return whether there was anything */
bool bp__streams_poll(bp__streams *streams);

/** The pool is broken: nothing is sent or received any more, and whoever uses a stage is told that no more of it
 *  will arrive. MPI may still write to what streams have asked for, so it stays where it is: afterwards
 *  bp__streams_destroy() leaves it to the process's end. */
void bp__streams_break(bp__streams *streams);

/** Whether a stream of this slot, or with BP__NO_SLOT of any, is under way. */
bool bp__streams_busy(const bp__streams *streams, uint32_t slot);

#endif
