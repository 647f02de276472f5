/** @file mpi/tree.h
 * The ternary tree of nodes over which commands and answers go down and notes go up.
 *
 * Node i's parent is (i − 1) / 3: rank 0's node has three neighbours, be there 4 nodes or 4,000. Between two
 * neighbours messages arrive in the order in which they were sent, so what goes down the tree keeps the
 * coordinator's total order. Used by the service thread only; never blocks: sends are started and tested
 * later, receives are those that have arrived. A tree of one node has no messages.
 */
#ifndef BP_MPI_TREE_H
#define BP_MPI_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <mpi.h>

#include "core/status.h"

#define BP__TREE_ARITY 3

typedef struct bp__tree bp__tree;

typedef enum bp__tree_tag { BP__TREE_COMMAND, BP__TREE_ANSWER, BP__TREE_NOTE } bp__tree_tag;

/** Receives a message.
 *  @param[in] from   BP__TREE_ARITY: the parent; else the index of a child
 *  @param[in] bytes  borrowed */
typedef void bp__tree_handler(void *ctx, bp__tree_tag tag, unsigned from, const void *bytes, size_t size);

/** @param[in]  comm  borrowed; private to the tree, one rank per node; MPI_COMM_NULL: one node
 *  @param[out] tree  owned: bp__tree_destroy(), when all sends have ended */
bp_status bp__tree_create(MPI_Comm comm, bp__tree_handler *handler, void *ctx, bp__tree **tree);
void bp__tree_destroy(bp__tree **tree);

/** Number of children. */
unsigned bp__tree_children(const bp__tree *tree);

/** The child in whose subtree `node` is; BP__TREE_ARITY: it is this node itself. No other node is allowed. */
unsigned bp__tree_child_towards(const bp__tree *tree, int node);

/** Send a copy of `bytes` to a child, or (BP__TREE_ARITY) to the parent. */
bp_status bp__tree_send(bp__tree *tree, bp__tree_tag tag, unsigned to, const void *bytes, size_t size);

/** Pass what has arrived to the handler, and clear away sends that have ended.
 *  @param[out] busy  whether there was anything
 *  @retval BP_EMPI   the job is lost */
bp_status bp__tree_poll(bp__tree *tree, bool *busy);

/** Whether nothing is being sent or received. */
bool bp__tree_quiet(const bp__tree *tree);

#endif
