/* A /dev/shm that fills up after the pool was created. Run it in a small one of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

#define FILLER "/dev/shm/filler"

static void fill_up(void)
{
    static const char block[1 << 16];
    int fd = open(FILLER, O_CREAT | O_WRONLY | O_EXCL, 0600);
    CHECK(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    close(fd);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    if (check_rank == 0) {
        market_write("large", 1, 200, 2000); /* 16 MB */
        market_write("small", 2, 2, 2);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 24 << 20;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    CHECK_OK(bp_pool_get(pool, "small", &b));
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == 0) fill_up();
    MPI_Barrier(MPI_COMM_WORLD);
    const bp_bundle *large;
    CHECK_STATUS(bp_pool_get(pool, "large", &large), BP_ENOMEM);
    CHECK(strstr(bp_error_text(), "shared memory left"));
    CHECK(market_version(b) == 2); /* what was there stays */
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == 0) CHECK(unlink(FILLER) == 0);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_get(pool, "large", &large)); /* and once there is room, it loads */
    CHECK(market_version(large) == 1);
    bp_bundle_release(&large);
    bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
