/* test_rewrites [ROUNDS] : a bundle is rewritten ROUNDS times (20), always in another shape, and everybody
 * gets what was written last: whatever travels, and whatever was in the same memory before. Other bundles
 * come and go beside it. */
#include <stdio.h>
#include <stdlib.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

static bp_pool *create(const char *root, bp_transfer transfer)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.transfer = transfer;
    cfg.pool_memory = 16 << 20;
    cfg.max_staleness_ms = -1;
    cfg.load_timeout_ms = 20000;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    return pool;
}

static void get(bp_pool *pool, const char *name, uint32_t version)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return;
    uint32_t got = market_version(b);
    if (!CHECK(got == version))
        printf("rank %d: %s: version %u instead of %u\n", check_rank, name, got, version);
    bp_bundle_release(&b);
}

static void rewrite_often(const char *root, bp_transfer transfer, int rounds)
{
    bp_pool *pool = create(root, transfer);
    for (int i = 1; i <= rounds; i++) {
        const uint32_t version = (uint32_t)i;
        if (check_rank == 0) {
            market_write("changing", version, 40 + i % 3, 900 + i % 5 * 100);
            CHECK_OK(bp_pool_invalidate(pool, "changing"));
        }
        MPI_Barrier(MPI_COMM_WORLD);
        get(pool, "changing", version);
        if (i % 4 == 0) get(pool, i % 8 ? "odd" : "even", i % 8 ? 1000001 : 1000002);
        if (!check_all_well()) break;
    }
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.loads >= (uint64_t)rounds && s.cluster.failures == 0);
    if (check_rank == 0)
        printf("  %d rewrites, %llu loads, %llu failed\n", rounds, (unsigned long long)s.cluster.loads,
               (unsigned long long)s.cluster.failures);
    CHECK_OK(bp_pool_destroy(&pool));
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    check_init(&argc, &argv);
    if (!CHECK(rounds > 0)) return check_finish();
    const char *root = market_root();
    if (check_rank == 0) {
        market_write("odd", 1000001, 60, 1000);
        market_write("even", 1000002, 50, 1100);
    }
    check_case("decoded values travel");
    rewrite_often(root, BP_TRANSFER_DECODED, rounds);
    check_case("chunks travel as they are stored");
    rewrite_often(root, BP_TRANSFER_STORED, rounds);
    market_remove();
    return check_finish();
}
