/** @file mpi/agent.h
 * The agent of a node: applies commands to the node's directory, serves the boxes of its ranks, and reports
 * what the coordinator has to know. Used by one thread; never blocks; calls neither MPI nor files.
 */
#ifndef BP_MPI_AGENT_H
#define BP_MPI_AGENT_H

#include "mpi/message.h"
#include "mpi/stream.h"
#include "mpi/window.h"

typedef struct bp__agent bp__agent;

/** Where notes go. Called during bp__agent_apply(), _answer() and _poll(); must not call back. */
typedef struct bp__uplink {
    void (*note)(void *ctx, const bp__note *note);
    void *ctx;
} bp__uplink;

/** @param[in]  dir, arena    borrowed; the agent is the only writer of dir's agent part
 *  @param[in]  streams       borrowed; NULL: there are no other nodes
 *  @param[in]  world_rank    [dir->num_ranks] ranks of the node in the pool's communicator; copied
 *  @param[out] agent         owned: bp__agent_destroy() */
bp_status bp__agent_create(bp__directory *dir, bp__window *arena, bp__streams *streams, int node,
                           const int *world_rank, bp__uplink up, bp__agent **agent);
void bp__agent_destroy(bp__agent **agent);

/** Apply the next command. */
void bp__agent_apply(bp__agent *agent, const bp__command *command);

/** Pass an answer on to the rank that asked. */
void bp__agent_answer(bp__agent *agent, const bp__answer *answer);

/** Report that this node has every byte of a slot, or why it has not, and whether that is because bytes
 *  arrived damaged. Not on rank 0's node. */
void bp__agent_vote(bp__agent *agent, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                    const char *text);

/** The pool is broken: break the directory, and answer every box with BP_EMPI and this text, now and in every
 *  bp__agent_poll() from now on. No command may follow. @param[in] text  copied */
void bp__agent_break(bp__agent *agent, const char *text);

/** Go through the boxes and the unlisted slots. @return whether anything was done */
bool bp__agent_poll(bp__agent *agent);

/** Whether an unlisted slot still has pins: that they have gone is awaited, and does not ring. */
bool bp__agent_draining(const bp__agent *agent);

/** Whether a rank of this node waits for an answer. */
bool bp__agent_waiting(const bp__agent *agent);

#endif
