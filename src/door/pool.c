/* The public ways to get a pool, which here is given the loader of bundle files. */
#include <bundlepool/pool.h>

#include "io/hdf5/h5read.h"
#include "io/parser/ask.h"
#include "mpi/pool.h"

/* Only the first rank reads files: its parser starts now, and not when somebody waits for a bundle. What is wrong with the
 * arguments is told by the pool. */
static void prepare_parser(MPI_Comm comm, const bp_config *cfg)
{
    int is_up = 0, is_over = 1, rank;
    if (MPI_Initialized(&is_up) != MPI_SUCCESS || MPI_Finalized(&is_over) != MPI_SUCCESS || !is_up || is_over)
        return;
    if (comm == MPI_COMM_NULL || !cfg || cfg->load_timeout_ms <= 0) return;
    if (MPI_Comm_rank(comm, &rank) == MPI_SUCCESS && rank == 0)
        bp__parser_prepare((uint64_t)cfg->load_timeout_ms);
}

bp_status bp_pool_create(MPI_Comm comm, const bp_config *cfg, bp_pool **pool)
{
    prepare_parser(comm, cfg);
    return bp__pool_create_with(comm, cfg, bp__h5_loader(), pool);
}

bp_status bp_pool_instance(MPI_Comm comm, const bp_config *cfg, bp_pool **pool)
{
    prepare_parser(comm, cfg);
    return bp__pool_instance_with(comm, cfg, bp__h5_loader(), pool);
}
