/* MPI without MPI_THREAD_MULTIPLE, or without MPI at all, is a clear error. */
#include <string.h>

#include <bundlepool/bundlepool.h>

#include "support/mpi_check.h"

int main(int argc, char **argv)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_EMPI);
    CHECK(pool == NULL && strstr(bp_error_text(), "MPI is not running"));

    int level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &check_size);
    CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_EMPI);
    CHECK(pool == NULL && strstr(bp_error_text(), "MPI_THREAD_MULTIPLE"));
    return check_finish();
}
