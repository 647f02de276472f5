#include "mpi/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mpi/reach.h"

static bp_status split(bp__topology *top, int64_t ranks_per_node)
{
    BP_MPI(MPI_Comm_rank(top->world, &top->rank));
    BP_MPI(MPI_Comm_size(top->world, &top->num_ranks));

    MPI_Comm machine;
    BP_MPI(MPI_Comm_split_type(top->world, MPI_COMM_TYPE_SHARED, top->rank, MPI_INFO_NULL, &machine));
    int machine_rank, machine_size;
    BP_MPI(MPI_Comm_rank(machine, &machine_rank));
    BP_MPI(MPI_Comm_size(machine, &machine_size));
    int per_node = ranks_per_node > 0 && ranks_per_node < machine_size ? (int)ranks_per_node : machine_size;
    top->nodes_on_machine = (machine_size + per_node - 1) / per_node;
    BP_MPI(MPI_Comm_split(machine, machine_rank / per_node, machine_rank, &top->node));
    BP_MPI(MPI_Comm_free(&machine));
    BP_MPI(MPI_Comm_rank(top->node, &top->node_rank));
    BP_MPI(MPI_Comm_size(top->node, &top->node_size));

    /* Nodes are numbered by their first ranks; every rank learns its node's number from the leader. */
    int leader = top->node_rank == 0, before = 0;
    BP_MPI(MPI_Exscan(&leader, &before, 1, MPI_INT, MPI_SUM, top->world));
    top->node_index = top->rank == 0 ? 0 : before; /* Exscan leaves rank 0's result undefined */
    BP_MPI(MPI_Bcast(&top->node_index, 1, MPI_INT, 0, top->node));
    BP_MPI(MPI_Allreduce(&leader, &top->num_nodes, 1, MPI_INT, MPI_SUM, top->world));
    if (top->num_nodes == 1) return BP_OK;
    /* commands and bulk data have a communicator each: no thread takes another's messages */
    BP_MPI(MPI_Comm_split(top->world, leader ? 0 : MPI_UNDEFINED, top->node_index, &top->tree));
    BP_MPI(MPI_Comm_split(top->world, leader ? 0 : MPI_UNDEFINED, top->node_index, &top->chain));
    if (leader) top->node_host = calloc((size_t)top->num_nodes, sizeof *top->node_host);
    if (leader && !top->node_host) BP_FAIL(BP_ENOMEM, "no memory for the names of %d nodes", top->num_nodes);
    return BP_OK;
}

static bp_status share_names(bp__topology *top)
{
    if (!top->node_host) return BP_OK;
    BP_MPI(
        MPI_Allgather(top->host, BP__HOST_MAX, MPI_CHAR, top->node_host, BP__HOST_MAX, MPI_CHAR, top->tree));
    return BP_OK;
}

bp_status bp__topology_create(MPI_Comm comm, int64_t ranks_per_node, int64_t link_timeout_ms,
                              bp__topology *top)
{
    *top = (bp__topology){
        .world = MPI_COMM_NULL, .node = MPI_COMM_NULL, .tree = MPI_COMM_NULL, .chain = MPI_COMM_NULL};
    BP_TRY(bp__mpi_check());
    if (gethostname(top->host, sizeof top->host) != 0) strcpy(top->host, "?");
    top->host[sizeof top->host - 1] = '\0';
    BP_MPI(MPI_Comm_dup(comm, &top->world));
    /* all have come: from here on a wait can be too long */
    bp_status s = MPI_Comm_set_errhandler(top->world, MPI_ERRORS_RETURN) == MPI_SUCCESS
                      ? bp__reach(top->world, link_timeout_ms)
                      : bp__fail(BP_EMPI, "MPI_Comm_set_errhandler failed");
    if (s == BP_OK) s = bp__agree(top->world, split(top, ranks_per_node));
    if (s == BP_OK) s = bp__agree(top->world, share_names(top));
    if (bp__failed(s)) bp__topology_destroy(top);
    return s;
}

void bp__topology_destroy(bp__topology *top)
{
    if (top->chain != MPI_COMM_NULL) MPI_Comm_free(&top->chain);
    if (top->tree != MPI_COMM_NULL) MPI_Comm_free(&top->tree);
    if (top->node != MPI_COMM_NULL) MPI_Comm_free(&top->node);
    if (top->world != MPI_COMM_NULL) MPI_Comm_free(&top->world);
    free(top->node_host);
    top->node_host = NULL;
}
