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
#include <time.h>

#include <mpi.h>

#include "core/status.h"
#include "mpi/links.h"

typedef struct bp__tree bp__tree;

typedef enum bp__tree_tag {
    BP__TREE_COMMAND,
    BP__TREE_ANSWER,
    BP__TREE_NOTE,
    /* from and to any node, as neighbours in the chain are; see mpi/links.h */
    BP__TREE_BEAT,    /**< nothing but a sign of life */
    BP__TREE_GOODBYE, /**< no message follows */
    BP__TREE_BROKEN,  /**< a text: why the pool is broken */
    BP__TREE_HELLO,   /**< of bp__tree_connect() */
} bp__tree_tag;

#define BP__TREE_OTHER (BP__TREE_ARITY + 1)

/** Receives a message.
 *  @param[in] from   BP__TREE_ARITY: the parent; less: the index of a child; BP__TREE_OTHER: neither
 *  @param[in] node   whoever it is
 *  @param[in] bytes  borrowed */
typedef void bp__tree_handler(void *ctx, bp__tree_tag tag, unsigned from, int node, const void *bytes,
                              size_t size);

/** @param[in]  comm  borrowed; private to the tree, one rank per node; MPI_COMM_NULL: one node
 *  @param[out] tree  owned: bp__tree_destroy(), when all sends have ended */
bp_status bp__tree_create(MPI_Comm comm, bp__tree_handler *handler, void *ctx, bp__tree **tree);
void bp__tree_destroy(bp__tree **tree);

/** Exchange an empty message with each of `num` nodes, BP__LINKS_MAX at most, so that there are connections to them, or none can be had.
 *  Each of them has to do the same.
 *  @param[out] peer  on failure: one that has not answered
 *  @retval BP_ETIMEOUT  without a text */
bp_status bp__tree_connect(bp__tree *tree, const int *node, unsigned num, const struct timespec *deadline,
                           int *peer);

/** The node that `to` stands for in bp__tree_send(). */
int bp__tree_node(const bp__tree *tree, unsigned to);

/** Number of children. */
unsigned bp__tree_children(const bp__tree *tree);

/** The child in whose subtree `node` is; BP__TREE_ARITY: it is this node itself. No other node is allowed. */
unsigned bp__tree_child_towards(const bp__tree *tree, int node);

/** Send a copy of `bytes` to a child, or (BP__TREE_ARITY) to the parent. */
bp_status bp__tree_send(bp__tree *tree, bp__tree_tag tag, unsigned to, const void *bytes, size_t size);

/** The same to any node. */
bp_status bp__tree_send_to(bp__tree *tree, bp__tree_tag tag, int node, const void *bytes, size_t size);

/** Pass what has arrived to the handler, and clear away sends that have ended.
 *  @param[out] busy  whether there was anything
 *  @retval BP_EMPI, BP_ENOMEM  a message is lost, and so is the order of all that follow */
bp_status bp__tree_poll(bp__tree *tree, bool *busy);

/** Clear away sends that have ended; nothing is received. @return whether none is left */
bool bp__tree_flush(bp__tree *tree);

/** Whether nothing is being sent or received. */
bool bp__tree_quiet(const bp__tree *tree);

#endif
