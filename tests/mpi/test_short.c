/* A node that runs out of memory, alone and beside what the budget says. The C library's madvise(), and what the machine says
 * of its memory, are replaced in one process: the first of the last node. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/memory.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

static _Atomic bool no_pages; /* of this process: no page can be had */
static _Atomic bool
    no_memory; /* of this process: the machine has none to spare, though shared memory has room */

int madvise(void *memory, size_t bytes, int advice)
{
    if (advice == MADV_POPULATE_WRITE && bp__load_relaxed(&no_pages)) {
        errno = ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_madvise, memory, bytes, advice);
}

bp_status __real_bp__memory_look_at(const char *folder, bp__memory *memory);
bp_status __wrap_bp__memory_look_at(const char *folder, bp__memory *memory);
bp_status __wrap_bp__memory_look_at(const char *folder, bp__memory *memory)
{
    BP_TRY(__real_bp__memory_look_at(folder, memory));
    if (bp__load_relaxed(&no_memory)) memory->available = 1 << 20;
    return BP_OK;
}

static bp_pool *create(const char *root)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 32 << 20;
    cfg.max_staleness_ms = -1;
    cfg.load_timeout_ms = 60000;
    cfg.transfer = BP_TRANSFER_DECODED;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    return pool;
}

/* The image is refused everywhere while one node cannot hold it, and there once it can. */
static void test_one_node(bp_pool *pool, const char *name, uint32_t version, _Atomic bool *lack)
{
    const bp_bundle *b;
    int affected = check_size - pool->top.node_size;
    if (check_rank == affected) bp__store_relaxed(lack, true);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_STATUS(bp_pool_get(pool, name, &b), BP_ENOMEM);
    CHECK(strstr(bp_error_text(), "shared memory left") != NULL);
    MPI_Barrier(MPI_COMM_WORLD);
    bp__store_relaxed(lack, false);
    MPI_Barrier(MPI_COMM_WORLD);
    if (CHECK_OK(bp_pool_get(pool, name, &b))) {
        CHECK(market_version(b) == version);
        bp_bundle_release(&b);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Real pages of the node's arena. */
static uint64_t real_bytes(const bp_pool *pool)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = pool->arena.bytes / page;
    unsigned char *there = malloc(pages);
    uint64_t n = 0;
    CHECK(there && mincore((void *)(uintptr_t)pool->arena.view, pool->arena.bytes, there) == 0);
    for (size_t i = 0; there && i < pages; i++) n += there[i] & 1;
    free(there);
    return n * page;
}

/* What a stage, or a load that failed, had claimed goes back: a little later than the load ends. */
static void test_given_back(bp_pool *pool)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    struct timespec deadline = bp__deadline(20000);
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.bytes_resident > 0);
    while (real_bytes(pool) > s.bytes_resident && !bp__deadline_passed(&deadline)) nanosleep(&pause, NULL);
    CHECK(real_bytes(pool) <= s.bytes_resident);
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    if (check_rank == 0) {
        market_write("first", 1, 100, 1000);
        market_write("second", 2, 300,
                     1000); /* more than is claimed without a look at the machine's memory */
    }
    MPI_Barrier(MPI_COMM_WORLD);
    bp_pool *pool = create(root);
    check_case("a node that gets no pages: no node has the bundle");
    test_one_node(pool, "first", 1, &no_pages);
    check_case("a machine without memory to spare: a claim leaves it alone, whatever the budget says");
    test_one_node(pool, "second", 2, &no_memory);
    check_case("what is not in use any more is given back");
    test_given_back(pool);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
