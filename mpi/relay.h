/** @file mpi/relay.h
 * What a node does for the nodes below it: combines their notes with its own agent's, so that the node above
 * hears one, and finds the way for answers. Plain state, used by the service thread; neither MPI nor files.
 *
 *  - MISS: not passed on where OPEN is on its way: this node lists the name, or has passed on a MISS for it.
 *  - CHECK: whoever asks for one joins the check of that bundle which has not been sent yet. Only one of a
 *    bundle is under way at a time.
 *  - ACK: the least of all. VOTE: all of them, with the first reason against. DRAINED: when all have said so.
 *  - AGES, COUNTS: least ages, sums. DONE: when all have said so.
 *  - INVALIDATE, RESIZE, STATS: passed on.
 */
#ifndef BP_MPI_RELAY_H
#define BP_MPI_RELAY_H

#include "mpi/message.h"

#define BP__SELF UINT32_MAX /**< this node's agent, beside children 0, 1, … */

typedef struct bp__relay bp__relay;

typedef struct bp__relay_ways {
    void (*up)(void *ctx, const bp__note *note); /**< to the parent, or the coordinator */
    void (*down)(void *ctx, uint32_t child, const bp__answer *answer); /**< child may be BP__SELF */
    void *ctx;
} bp__relay_ways;

/** @param[in]  dir    borrowed; this node's
 *  @param[in]  votes  whether this node votes itself (all but rank 0's, whose coordinator knows)
 *  @param[out] relay  owned: bp__relay_destroy() */
bp_status bp__relay_create(bp__directory *dir, int node, uint32_t num_children, bool votes,
                           bp__relay_ways ways, bp__relay **relay);
void bp__relay_destroy(bp__relay **relay);

/** Hear a note from a child, or from BP__SELF. */
void bp__relay_note(bp__relay *relay, uint32_t from, const bp__note *note);

/** See a command before the agent applies it. */
void bp__relay_command(bp__relay *relay, const bp__command *command);

/** Pass a check's answer on to everybody who joined it. */
void bp__relay_answer(bp__relay *relay, const bp__answer *answer);

/** Whether every child, and this node, has said DONE. */
bool bp__relay_done(const bp__relay *relay);

/** Whether something has been asked above and not been answered. */
bool bp__relay_waiting(const bp__relay *relay);

#endif
