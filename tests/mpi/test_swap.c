/* A pool with room for one bundle, of which ranks want another all the time: what is found under a name is somebody else's a
 * moment later. Run it with a nap before or after the pin (BUNDLEPOOL_FAULT=naps:name_pin): then that is so in most gets, and
 * only the second look at the slot's word tells. */
#include <stdio.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

enum { BUNDLES = 3, GETS = 150 };

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    char name[16];
    for (uint32_t i = 0; i < BUNDLES && check_rank == 0; i++) {
        snprintf(name, sizeof name, "swap%u", i);
        market_write(name, i + 1, 4, 8);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 8 << 20;
    cfg.max_bundle_pool_size = 1;
    cfg.max_staleness_ms = -1;
    cfg.load_timeout_ms = 20000;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    check_case("every get has the bundle that it asked for, whole");
    int wrong = 0;
    for (unsigned i = 0; i < GETS; i++) {
        const bp_bundle *b;
        uint32_t which = (i + (unsigned)check_rank) % BUNDLES;
        snprintf(name, sizeof name, "swap%u", which);
        if (!CHECK_OK(bp_pool_get(pool, name, &b))) break;
        wrong += market_version(b) != which + 1;
        bp_bundle_release(&b);
    }
    CHECK(wrong == 0);
    MPI_Barrier(MPI_COMM_WORLD);
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.evictions > GETS / 4); /* if not, nothing was shown */
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
