/* Memory that is kept for the next image counts as claimed as long as it is real: also when a load that had
 * been given it cannot begin. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <bundlepool/bundlepool.h>

#include "mpi/pool.h"
#include "mpi/stream.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define MEMORY (24u << 20)

/* Linked with --wrap: in rank 0's process, one stream does not begin. */
static _Atomic bool refuse;
bp_status __real_bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, bp__stream **stream);
bp_status __wrap_bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, bp__stream **stream);

bp_status __wrap_bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, bp__stream **stream)
{
    if (refuse) return bp__fail(BP_ENOMEM, "no memory for a stream, says the test");
    return __real_bp__stream_send(streams, slot, extent, stream);
}

/* Of this rank's node. */
static uint64_t real_bytes(const bp_pool *pool)
{
    static unsigned char there[4 * MEMORY / 4096];
    uint64_t pages = 0, all = pool->arena.bytes / pool->arena.page;
    if (!CHECK(all <= sizeof there) || !CHECK(mincore(pool->arena.base, pool->arena.bytes, there) == 0))
        return 0;
    for (uint64_t i = 0; i < all; i++) pages += there[i] & 1;
    return pages * pool->arena.page;
}

/* Whether on every node no more is real than the books say, and the books say no more than `most`. */
static void check_books(bp_pool *pool, uint64_t most)
{
    bp_stats s = bp_stats_init();
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(
        bp_pool_invalidate(pool, "none")); /* every command before it has been carried out on every node */
    CHECK_OK(bp_pool_stats(pool, &s));
    uint64_t real = real_bytes(pool);
    if (!CHECK(real <= s.bytes_resident && s.bytes_resident <= most))
        printf("rank %d: %llu bytes are real, %llu claimed\n", check_rank, (unsigned long long)real,
               (unsigned long long)s.bytes_resident);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void load(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    if (CHECK_OK(bp_pool_get(pool, name, &b))) bp_bundle_release(&b);
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    if (check_rank == 0) {
        market_write("first", 1, 100, 1000); /* 4 MB */
        market_write("second", 2, 100, 1000);
    }
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    const bp_bundle *b;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = MEMORY;
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));

    check_case("what is kept is claimed");
    load(pool, "first");
    if (check_rank == 0) CHECK_OK(bp_pool_invalidate(pool, "first"));
    check_books(pool, MEMORY);
    CHECK(real_bytes(pool) > MEMORY / 16);

    check_case("and what a load that cannot begin gives up goes");
    refuse = true;
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_STATUS(bp_pool_get(pool, "second", &b), BP_ENOMEM);
    CHECK(strstr(bp_error_text(), "says the test") != NULL);
    check_books(pool, MEMORY / 16);
    refuse = false;
    MPI_Barrier(MPI_COMM_WORLD);
    load(pool, "second");
    check_books(pool, MEMORY);

    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
