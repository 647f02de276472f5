/* A pool of several nodes whose nodes lose each other: every rank hears of it, everywhere with the same reason, and nobody
 * waits for what cannot come. What is pinned stays readable, also when the pool is destroyed.
 *
 * This program stands between the library and MPI_Isend(): it makes bulk data of one node fail, as networks do that
 * cannot register memory, or it lets nothing pass between two nodes, as a dead cable does. MPI itself is in order, so that
 * the ranks can compare notes, and go on to a new pool. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bundlepool/bundlepool.h>

#include "core/clock.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define LINK_TIMEOUT_MS 3000
#define SOON_MS         10000 /* beyond the timeout: this machine may be busy */
#define BULK            (64 << 10)

static atomic_int fails_at = -1;          /* node of which bulk data cannot be sent */
static atomic_int cut_a = -1, cut_b = -1; /* nodes between which nothing passes */
static bp_config cfg;
static bp_pool *pool;
static const bp_bundle *pinned;

/* The library's only: its communicators have a rank for each node. */
int MPI_Isend(const void *bytes, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    int me;
    PMPI_Comm_rank(comm, &me);
    if (me == fails_at && count >= BULK) {
        *request = MPI_REQUEST_NULL;
        return MPI_ERR_OTHER;
    }
    if ((me == cut_a && to == cut_b) || (me == cut_b && to == cut_a)) to = MPI_PROC_NULL;
    return PMPI_Isend(bytes, count, type, to, tag, comm, request);
}

static void mend(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    fails_at = cut_a = cut_b = -1;
    MPI_Barrier(MPI_COMM_WORLD);
}

static void cut(int a, int b)
{
    MPI_Barrier(MPI_COMM_WORLD);
    cut_a = a;
    cut_b = b;
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Whether the last failure says so, and in the same words on all ranks. */
static bool all_say(const char *a, const char *b)
{
    char mine[512], first[512];
    snprintf(mine, sizeof mine, "%s", bp_error_text());
    memcpy(first, mine, sizeof first);
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    if (check_rank == 0) printf("  %s\n", mine);
    return strstr(mine, a) && strstr(mine, b) && strcmp(mine, first) == 0;
}

/* Either of two nodes may find out first. */
static bool names_both(int a, int b)
{
    char one[32], other[32], mine[512];
    snprintf(one, sizeof one, "node %d (", a);
    snprintf(other, sizeof other, "node %d (", b);
    snprintf(mine, sizeof mine, "%s", bp_error_text());
    return strstr(mine, one) && strstr(mine, other) && strstr(mine, "broken");
}

static void begin(void)
{
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    CHECK_OK(bp_pool_get(pool, "pinned", &pinned));
    CHECK_OK(bp_pool_check(pool));
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Nothing waits, nothing is handed out, and what was pinned is there to the end. */
static void end_broken(void)
{
    const bp_bundle *b;
    bp_stats stats = bp_stats_init();
    bp_version version = bp_version_init();
    const uint64_t began = bp__clock_ns();
    CHECK_STATUS(bp_pool_check(pool), BP_EMPI);
    CHECK_STATUS(bp_pool_get(pool, "pinned", &b), BP_EMPI);
    CHECK_STATUS(bp_pool_get(pool, "new", &b), BP_EMPI);
    CHECK_STATUS(bp_pool_invalidate(pool, NULL), BP_EMPI);
    CHECK_STATUS(bp_pool_stats(pool, &stats), BP_EMPI);
    CHECK_STATUS(bp_pool_version(pool, "pinned", &version), BP_EMPI);
    CHECK(market_version(pinned) == 1);
    CHECK_STATUS(bp_pool_destroy(&pool), BP_EMPI);
    CHECK(pool == NULL);
    CHECK((bp__clock_ns() - began) / 1000000 < SOON_MS);
    CHECK(market_version(pinned) == 1);
    bp_bundle_release(&pinned);
    mend();
}

static bool is_soon(uint64_t began, int64_t timeout_ms)
{
    return (bp__clock_ns() - began) / 1000000 < (uint64_t)timeout_ms + SOON_MS;
}

static void test_send_fails(int node)
{
    char what[32];
    const bp_bundle *b;
    snprintf(what, sizeof what, "node %d (", node);
    begin();
    fails_at = node;
    MPI_Barrier(MPI_COMM_WORLD);
    const uint64_t began = bp__clock_ns();
    CHECK_STATUS(bp_pool_get(pool, "big", &b), BP_EMPI);
    CHECK(is_soon(began, 0));
    CHECK(all_say(what, "MPI_Isend"));
    end_broken();
}

static void test_silent_while_idle(int a, int b)
{
    begin();
    cut(a, b);
    const uint64_t began = bp__clock_ns();
    while (bp_pool_check(pool) == BP_OK && is_soon(began, LINK_TIMEOUT_MS))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK(is_soon(began, LINK_TIMEOUT_MS));
    CHECK(names_both(a, b));
    end_broken();
}

static void test_silent_in_a_load(int a, int b)
{
    const bp_bundle *bundle;
    begin();
    cut(a, b);
    const uint64_t began = bp__clock_ns();
    CHECK_STATUS(bp_pool_get(pool, "big", &bundle), BP_EMPI);
    CHECK(is_soon(began, LINK_TIMEOUT_MS));
    CHECK(names_both(a, b));
    end_broken();
}

/* One rank invalidates; the others are in MPI_Finalize's position: they have to find out by themselves. */
static void test_silent_in_an_invalidation(int a, int b)
{
    begin();
    cut(a, b);
    const uint64_t began = bp__clock_ns();
    if (check_rank == check_size - 1) CHECK_STATUS(bp_pool_invalidate(pool, "pinned"), BP_EMPI);
    while (bp_pool_check(pool) == BP_OK && is_soon(began, LINK_TIMEOUT_MS))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK(names_both(a, b));
    end_broken();
}

/* All ranks are in bp_pool_destroy() when the link dies, but for one, which comes late: for the pool it never comes. */
static void test_silent_in_destroy(int a, int b)
{
    begin();
    bp_bundle_release(&pinned);
    cut(a, b);
    const uint64_t began = bp__clock_ns();
    if (check_rank == 0)
        while (bp_pool_check(pool) == BP_OK && is_soon(began, LINK_TIMEOUT_MS))
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CHECK_STATUS(bp_pool_destroy(&pool), BP_EMPI);
    CHECK(names_both(a, b) && pool == NULL);
    CHECK(is_soon(began, LINK_TIMEOUT_MS));
    mend();
}

static void test_silent_at_creation(int a, int b)
{
    char one[32], other[32];
    snprintf(one, sizeof one, "node %d (", a);
    snprintf(other, sizeof other, "node %d (", b);
    cut(a, b);
    const uint64_t began = bp__clock_ns();
    CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_EMPI);
    CHECK(is_soon(began, LINK_TIMEOUT_MS) && pool == NULL);
    CHECK(strstr(bp_error_text(), one) && strstr(bp_error_text(), other));
    mend();
}

static int count_nodes(void)
{
    bp_stats stats = bp_stats_init();
    begin();
    CHECK_OK(bp_pool_stats(pool, &stats));
    bp_bundle_release(&pinned);
    CHECK_OK(bp_pool_destroy(&pool));
    return (int)stats.num_nodes;
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    cfg = bp_config_init();
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", market_root());
    cfg.pool_memory = 64 << 20;
    cfg.link_timeout_ms = LINK_TIMEOUT_MS;
    cfg.max_staleness_ms = -1;
    if (check_rank == 0) {
        market_write("pinned", 1, 10, 10);
        market_write("big", 1, 100, 2000);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    const int nodes = count_nodes();
    CHECK(nodes >= 3);

    check_case("rank 0's node cannot send bulk data");
    test_send_fails(0);
    check_case("a node in the chain cannot send bulk data");
    test_send_fails(1);
    check_case("neighbours in the tree are cut off while nothing happens");
    test_silent_while_idle(0, 2);
    check_case("neighbours in the chain are cut off while nothing happens");
    test_silent_while_idle(nodes - 2, nodes - 1);
    check_case("a link is dead when a load begins");
    test_silent_in_a_load(1, 2);
    check_case("a link is dead when a bundle is invalidated");
    test_silent_in_an_invalidation(0, 2);
    check_case("a link dies while the pool is destroyed");
    test_silent_in_destroy(1, 2);
    check_case("a link is dead when the pool is created");
    test_silent_at_creation(1, 2);
    check_case("after all that a new pool works");
    begin();
    bp_bundle_release(&pinned);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
