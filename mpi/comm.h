/** @file mpi/comm.h
 * Communicators of a pool, who sits where, and agreeing on failures.
 */
#ifndef BP_MPI_COMM_H
#define BP_MPI_COMM_H

#include <stdbool.h>
#include <stdint.h>

#include <mpi.h>

#include "core/status.h"

/** Raise what MPI reports: `call` returned `rc`. */
bp_status bp__mpi_failed(int rc, const char *call);

#define BP_MPI(call)                                                                                         \
    do {                                                                                                     \
        int bp_mpi_rc_ = (call);                                                                             \
        if (bp_mpi_rc_ != MPI_SUCCESS) return bp__mpi_failed(bp_mpi_rc_, #call);                             \
    } while (0)

/** Check that MPI runs, with MPI_THREAD_MULTIPLE. @retval BP_EMPI  it does not */
bp_status bp__mpi_check(void);

#define BP__HOST_MAX 64

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
 *  @retval BP_EMPI  not initialised, no MPI_THREAD_MULTIPLE, or a call failed */
bp_status bp__topology_create(MPI_Comm comm, int64_t ranks_per_node, bp__topology *top);
void bp__topology_destroy(bp__topology *top);

/** Make one rank's failure everybody's: each rank passes its own status, and all return that of the lowest
 *  rank that failed, with its text and, on the other ranks, its number. Collective over comm. */
bp_status bp__agree(MPI_Comm comm, bp_status mine);

#endif
