/* What happens during a load: a loader that waits, fails, or rewrites the file under itself, on rank 0. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hdf5/h5read.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

/* The real loader, with a gate before the first task of "slow", and a rewrite after the first task of
 * "moving". Rank 0 only; state under the lock. */
static const bp__loader *real;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool gate_open, at_gate;
static int rewrites;
static bp__source *slow_source, *moving_source;

static bp_status test_open(const char *path, bp__source **source)
{
    bp_status s = real->open(path, source);
    pthread_mutex_lock(&lock);
    if (s == BP_OK && strstr(path, "/slow.h5")) slow_source = *source;
    if (s == BP_OK && strstr(path, "/moving.h5")) moving_source = *source;
    pthread_mutex_unlock(&lock);
    return s;
}

static bp_status test_fetch(bp__source *source, uint64_t task, void *stored)
{
    pthread_mutex_lock(&lock);
    if (source == slow_source && task == 0) {
        at_gate = true;
        pthread_cond_broadcast(&moved);
        while (!gate_open) pthread_cond_wait(&moved, &lock);
    }
    if (source == moving_source && task == 1 && rewrites < 2)
        market_write("moving", (uint32_t)(11 + rewrites++), 4, 8);
    pthread_mutex_unlock(&lock);
    return real->fetch(source, task, stored);
}

static bp__loader loader; /* the real one with these two instead */

static bp_pool *create(const char *root, int64_t timeout_ms)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 64 << 20;
    cfg.load_timeout_ms = timeout_ms;
    real = bp__h5_loader();
    loader = *real;
    loader.open = test_open;
    loader.fetch = test_fetch;
    CHECK_OK(bp__pool_create_with(MPI_COMM_WORLD, &cfg, &loader, &pool));
    return pool;
}

static uint32_t version_of(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return 0;
    uint32_t v = market_version(b);
    bp_bundle_release(&b);
    return v;
}

static void *get_slow(void *arg)
{
    return (void *)(uintptr_t)version_of(arg, "slow");
}

static void open_gate(void)
{
    pthread_mutex_lock(&lock);
    gate_open = true;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

static void wait_at_gate(void)
{
    if (check_rank == 0) {
        pthread_mutex_lock(&lock);
        while (!at_gate) pthread_cond_wait(&moved, &lock);
        pthread_mutex_unlock(&lock);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    if (check_rank == 0) {
        market_write("slow", 1, 10, 100);
        market_write("moving", 10, 4, 8);
        market_write("other", 3, 4, 8);
        market_write("hit", 4, 4, 8);
    }
    MPI_Barrier(MPI_COMM_WORLD);

    check_case("a slow load delays no hit and no other bundle");
    bp_pool *pool = create(root, 3600000);
    pthread_t getter;
    void *result;
    CHECK(version_of(pool, "hit") == 4);
    CHECK(pthread_create(&getter, NULL, get_slow, pool) == 0);
    wait_at_gate();
    CHECK(version_of(pool, "hit") == 4);
    CHECK(version_of(pool, "other") == 3);
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.loads == 2); /* slow is still under way */
    MPI_Barrier(MPI_COMM_WORLD);
    open_gate();
    CHECK(pthread_join(getter, &result) == 0);
    CHECK((uintptr_t)result == 1);

    check_case("a file rewritten while it is read is read again; nothing torn is ever seen");
    CHECK(version_of(pool, "moving") == 12);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.loads == 4 && s.cluster.failures == 2);
    CHECK_OK(bp_pool_destroy(&pool));

    check_case("a get that is out of time leaves the load to go on; invalidate does not wait for it");
    pthread_mutex_lock(&lock);
    gate_open = at_gate = false;
    pthread_mutex_unlock(&lock);
    pool = create(root, 2000);
    const bp_bundle *b;
    CHECK_STATUS(bp_pool_get(pool, "slow", &b), BP_ETIMEOUT);
    wait_at_gate();
    bp_status gone = BP_ETIMEOUT; /* a request may time out as well: then it is repeated */
    while (gone == BP_ETIMEOUT) gone = bp_pool_invalidate(pool, "slow");
    CHECK_OK(gone);
    MPI_Barrier(MPI_COMM_WORLD);
    open_gate(); /* the first load goes on, unlisted; a get that begins now starts another */
    bp_status got = BP_ETIMEOUT;
    while (got == BP_ETIMEOUT) got = bp_pool_get(pool, "slow", &b);
    CHECK_STATUS(got, BP_OK);
    CHECK(market_version(b) == 1);
    bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));

    market_remove();
    return check_finish();
}
