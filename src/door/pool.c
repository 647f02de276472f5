/* The public ways to get a pool, which here is given the loader of bundle files. */
#include <bundlepool/pool.h>

#include "io/hdf5/h5read.h"
#include "mpi/pool.h"

bp_status bp_pool_create(MPI_Comm comm, const bp_config *cfg, bp_pool **pool)
{
    return bp__pool_create_with(comm, cfg, bp__h5_loader(), pool);
}

bp_status bp_pool_instance(MPI_Comm comm, const bp_config *cfg, bp_pool **pool)
{
    return bp__pool_instance_with(comm, cfg, bp__h5_loader(), pool);
}
