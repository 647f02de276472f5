/** @file mpi/links.h
 * Whether a node still hears its neighbours. Plain state, with the time as an argument; neither MPI nor threads.
 *
 * DESIGN
 *  - In a pool of up to 16 nodes all are neighbours, because MPI's own collectives may use the link between any two.
 *    In a larger one those in the tree and in the chain are, so that the number of beats grows with the number of
 *    nodes and not with its square: a node that cannot be reached at all is noticed either way.
 *  - A node sends each neighbour a beat if it has sent it nothing else for a tenth of the timeout, and at most ten
 *    beats a second. Whatever comes from a neighbour is a sign of life.
 *  - A neighbour that is not heard for the timeout is silent. Time in which this very process did not run (it was
 *    stopped, or its machine slept) is nobody's silence: two turns further apart than a tenth of the timeout are
 *    that, and the time between them is not counted.
 *  - A neighbour that has said goodbye is not expected to say anything more. Its goodbye is the last message of that
 *    link: whoever has every goodbye has received all there is.
 */
#ifndef BP_MPI_LINKS_H
#define BP_MPI_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#define BP__TREE_ARITY 3
#define BP__MESH_MAX   16                 /**< nodes of a pool in which all are neighbours */
#define BP__LINKS_MAX  (BP__MESH_MAX - 1) /**< more than parent, three children, predecessor and successor */

static inline int bp__tree_parent(int node)
{
    return (node - 1) / BP__TREE_ARITY;
}

typedef struct bp__link {
    int node;
    uint64_t heard_ns, sent_ns; /**< last */
    bool ended;                 /**< it has said goodbye */
} bp__link;

typedef struct bp__links {
    uint64_t timeout_ns, beat_ns;
    uint64_t now_ns; /**< of this turn */
    unsigned num;
    bp__link link[BP__LINKS_MAX];
} bp__links;

/** The neighbours of a node, none of which has been silent yet. A single node has none. */
void bp__links_init(bp__links *links, int node, int num_nodes, int64_t timeout_ms);

/** All have been heard of just now, and have been sent something. */
void bp__links_begin(bp__links *links, uint64_t now_ns);

/** A turn of the loop begins: what is heard and sent from now on is of this time. */
void bp__links_turn(bp__links *links, uint64_t now_ns);

/** Something has come from a node, or has been sent to it. Nodes that are no neighbours are ignored. */
void bp__links_heard(bp__links *links, int node);
void bp__links_sent(bp__links *links, int node);

/** A node has said goodbye. */
void bp__links_ended(bp__links *links, int node);

/** Whether all have. */
bool bp__links_all_ended(const bp__links *links);

/** A neighbour to which a beat is due, or NULL. bp__links_sent() has to follow. */
const bp__link *bp__links_due(const bp__links *links);

/** A neighbour that is silent, or NULL. @param[out] ms  for how long */
const bp__link *bp__links_silent(const bp__links *links, uint64_t *ms);

#endif
