/** @file mpi/topology.h
 * Communicators of a pool, and who sits where.
 */
#ifndef BP_MPI_TOPOLOGY_H
#define BP_MPI_TOPOLOGY_H

#include "mpi/comm.h"

/** Where a rank sits. A node here is a pool node: a machine, or a virtual node of ranks_per_node ranks. */
typedef struct bp__topology {
    MPI_Comm world; /**< private duplicate of the caller's communicator; owned */
    MPI_Comm node;  /**< ranks that share memory; owned */
    /** First ranks of the nodes, in the nodes' order; owned. MPI_COMM_NULL on others, and with one node. */
    MPI_Comm tree, chain;
    int rank, num_ranks; /**< in world */
    int node_rank, node_size;
    int node_index; /**< of this node; rank 0 sits on node 0 */
    int num_nodes;
    int nodes_on_machine; /**< pool nodes on this machine */
    char host[BP__HOST_MAX];
    char (*node_host)
        [BP__HOST_MAX]; /**< [num_nodes] the nodes' machines; owned. NULL where tree and chain are */
} bp__topology;

/** Collective over comm. On failure nothing is left.
 *  @retval BP_EMPI  not initialised, no MPI_THREAD_MULTIPLE, or a call failed; a rank cannot be reached (bp__reach()) */
bp_status bp__topology_create(MPI_Comm comm, int64_t ranks_per_node, int64_t link_timeout_ms,
                              bp__topology *top);
void bp__topology_destroy(bp__topology *top);

#endif
