/* test_damage once|always|unseen [TRANSFER] : what is damaged on its way between nodes. BUNDLEPOOL_FAULT
 * names the fault; each rank is a node.
 *
 *     once    (damage_once) the bundle is loaded again, and nobody sees any of it but the log
 *     always  (damage) the load has failed, everywhere, with the first node's reason
 *     unseen  (damage) where no checksums are compared, the fault shows: this is what they are good for */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

static const char *root;

static bp_pool *create(bp_transfer transfer, bp_verify verify)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.transfer = transfer;
    cfg.verify_transfer = verify;
    cfg.ranks_per_node = 1;
    cfg.pool_memory = 16 << 20;
    cfg.load_timeout_ms = 20000;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    return pool;
}

/* Rank 0's stderr goes to a file, so that its warnings can be counted. */
static char log_path[1100];

static void catch_log(void)
{
    snprintf(log_path, sizeof log_path, "%s/log", root);
    if (check_rank == 0) CHECK(freopen(log_path, "w+", stderr) != NULL);
}

static int warnings(const char *what)
{
    char line[1024];
    int found = 0;
    FILE *log = fopen(log_path, "r");
    if (!CHECK(log != NULL)) return -1;
    while (fgets(line, sizeof line, log))
        found += strstr(line, "warning") && strstr(line, what) && strstr(line, "; it is loaded again");
    fclose(log);
    return found;
}

static void test_once(bp_transfer transfer)
{
    const bp_bundle *b;
    bp_pool *pool = create(transfer, BP_VERIFY_ON);
    if (CHECK_OK(bp_pool_get(pool, "b", &b))) {
        CHECK(market_version(b) == 7);
        bp_bundle_release(&b);
    }
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.loads == 1 && s.cluster.failures == 1);
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == 0) CHECK(warnings("segment 0 of b arrived damaged: its checksum is ") == 1);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_always(bp_transfer transfer)
{
    const bp_bundle *b;
    bp_pool *pool = create(transfer, BP_VERIFY_ON);
    CHECK_STATUS(bp_pool_get(pool, "b", &b), BP_EIO);
    CHECK(strncmp(bp_error_text(), "node ", 5) == 0);
    if (!CHECK(strstr(bp_error_text(), ": segment 0 of b arrived damaged: its checksum is ") != NULL))
        printf("rank %d: %s\n", check_rank, bp_error_text());
    MPI_Barrier(MPI_COMM_WORLD);
    bp_stats s = bp_stats_init();
    CHECK_OK(
        bp_pool_stats(pool, &s)); /* two for the first get, and for those that came after these had failed */
    CHECK(s.cluster.loads == 0 && s.cluster.failures >= 2 && s.cluster.failures % 2 == 0);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_unseen(void)
{
    const bp_bundle *b;
    bp_pool *pool = create(BP_TRANSFER_DECODED, BP_VERIFY_OFF);
    if (CHECK_OK(bp_pool_get(pool, "b", &b))) {
        CHECK((market_version(b) == 7) == (check_rank == 0));
        bp_bundle_release(&b);
    }
    CHECK_OK(bp_pool_destroy(&pool));
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    check_init(&argc, &argv);
    root = market_root();
    if (check_rank == 0) market_write("b", 7, 50, 1000);
    catch_log();
    check_case(what);
    if (strcmp(what, "once") == 0)
        test_once(argc > 2 && strcmp(argv[2], "stored") == 0 ? BP_TRANSFER_STORED : BP_TRANSFER_DECODED);
    else if (strcmp(what, "always") == 0)
        test_always(BP_TRANSFER_DECODED), test_always(BP_TRANSFER_STORED);
    else if (CHECK(strcmp(what, "unseen") == 0))
        test_unseen();
    market_remove();
    return check_finish();
}
