/** @file mpi/relay.h
 * What a node does for the nodes below it: it combines their notes with its own agent's, so that the node
 * above receives one, and routes answers. Plain state, used by the service thread; neither MPI nor files.
 *
 *  - MISS: not passed on if OPEN is on its way: this node lists the name, or has passed on a MISS for it.
 *  - CHECK: a new one joins the check of the same bundle that has not been sent yet, if there is one. Only
 *    one check of a bundle is under way at a time.
 *  - ACK: the least of all. VOTE: when all have voted, with the first reason against. DRAINED, DONE: when
 *    all have said so.
 *  - AGES: the least of all. COUNTS: sums.
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

/** Receive a note from a child, or from BP__SELF. */
void bp__relay_note(bp__relay *relay, uint32_t from, const bp__note *note);

/** Take note of a command before the agent applies it. */
void bp__relay_command(bp__relay *relay, const bp__command *command);

/** Pass a check's answer on to everybody who joined it. */
void bp__relay_answer(bp__relay *relay, const bp__answer *answer);

/** Whether every child, and this node, has said DONE. */
bool bp__relay_done(const bp__relay *relay);

/** Whether a question that was passed up has not been answered yet. */
bool bp__relay_waiting(const bp__relay *relay);

#endif
