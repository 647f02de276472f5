/* One copy per node: what an image costs all ranks together, measured as proportional set size. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

static uint64_t pss_kib(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    if (!CHECK(f != NULL)) return 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "Pss: %" SCNu64, &kib) == 1) break;
    fclose(f);
    return kib;
}

/* PSS of all ranks, while none of them maps or unmaps anything. */
static uint64_t total_pss(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    uint64_t mine = pss_kib(), all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    return all * 1024;
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    if (check_rank == 0) market_write("large", 5, 5200, 2500); /* 520 MB */
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    uint64_t before = total_pss();
    CHECK_OK(bp_pool_get(pool, "large", &b));
    CHECK(market_version(b) == 5); /* reads every value of every bar */
    uint64_t after = total_pss(), image = bp_bundle_bytes(b);
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.loads == 1);
    CHECK(image >= 500000000);
    double images = (double)(after - before) / (double)image;
    if (check_rank == 0)
        printf("%d ranks, image of %.0f MB: PSS of all grew by %.3f images\n", check_size,
               (double)image * 1e-6, images);
    CHECK(after > before && images < 1.1);
    bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
