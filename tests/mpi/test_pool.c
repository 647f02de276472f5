/* The promises of the pool, on any number of ranks. BUNDLEPOOL_RANKS_PER_NODE makes virtual nodes of them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

static const char *root;

static bp_config config(void)
{
    bp_config cfg = bp_config_init();
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 64 << 20;
    cfg.load_timeout_ms = cfg.room_timeout_ms = 3600000; /* however slow the machine is, nobody gives up */
    return cfg;
}

static bp_pool *create(const bp_config *cfg)
{
    bp_pool *pool = NULL;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, cfg, &pool));
    return pool;
}

static void barrier(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
}

/* Files are written by rank 0 only; no other rank goes on before. */
static void write_all(const char *name, uint32_t version, int64_t assets, int64_t days)
{
    barrier();
    if (check_rank == 0) market_write(name, version, assets, days);
    barrier();
}

static uint32_t version_of(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return 0;
    uint32_t v = market_version(b);
    bp_bundle_release(&b);
    CHECK(b == NULL);
    return v;
}

static bp_stats stats_of(bp_pool *pool)
{
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    return s;
}

/* Statistics as of now, the same on every rank. */
static bp_stats quiet_stats(bp_pool *pool)
{
    barrier();
    bp_stats s = stats_of(pool);
    barrier();
    return s;
}

static void test_get_twice(void)
{
    check_case("get twice: same image, one load");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    const bp_bundle *a, *b;
    CHECK_OK(bp_pool_get(pool, "one", &a));
    CHECK_OK(bp_pool_get(pool, "one", &b));
    CHECK(bp_bundle_sids(a) == bp_bundle_sids(b));
    CHECK(bp_bundle_generation(a) == bp_bundle_generation(b));
    CHECK(market_version(a) == 1);
    bp_bundle_release(&a);
    bp_bundle_release(&b);
    bp_stats s = quiet_stats(pool);
    CHECK(s.cluster.loads == 1);
    CHECK(s.pool_size == 1 && s.num_versions_tracked == 1 && s.max_pool_size == 100);
    CHECK(s.utilization_percent == 1.0);
    CHECK(s.cluster.hits + s.cluster.misses == 2 * (uint64_t)check_size);
    CHECK(s.rank.hits + s.rank.misses == 2);
    CHECK(s.bytes_resident > 0 && s.bytes_resident <= s.bytes_limit && s.bytes_limit == 64 << 20);
    CHECK(s.num_ranks == check_size);
    CHECK_OK(bp_pool_destroy(&pool));
    CHECK(pool == NULL);
}

typedef struct getter {
    bp_pool *pool;
    pthread_t thread;
    uint32_t bad;
    const void *image;
} getter;

static void *get_many(void *arg)
{
    getter *g = arg;
    for (int i = 0; i < 200; i++) {
        const bp_bundle *b;
        if (bp_pool_get(g->pool, "one", &b) != BP_OK || market_version(b) != 1) g->bad++;
        g->image = bp_bundle_sids(b);
        bp_bundle_release(&b);
    }
    return NULL;
}

static void test_ten_threads(void)
{
    check_case("10 threads on one bundle");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    getter g[10] = {0};
    for (int i = 0; i < 10; i++) {
        g[i].pool = pool;
        CHECK(pthread_create(&g[i].thread, NULL, get_many, &g[i]) == 0);
    }
    for (int i = 0; i < 10; i++) {
        CHECK(pthread_join(g[i].thread, NULL) == 0);
        CHECK(g[i].bad == 0 && g[i].image == g[0].image);
    }
    bp_stats s = quiet_stats(pool);
    CHECK(s.cluster.loads == 1);
    CHECK(s.cluster.hits + s.cluster.misses == 2000 * (uint64_t)check_size);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_lru(void)
{
    check_case("LRU: 1 2 3, 4 evicts 1, touch 2, 5 evicts 3");
    bp_config cfg = config();
    cfg.max_bundle_pool_size = 3;
    bp_pool *pool = create(&cfg);
    static const char *const names[] = {"", "one", "two", "three", "four", "five"};
    static const int order[] = {1, 2, 3, 4, 2, 5};
    /* one rank after the other may do the steps: the order of use is the cluster's, whoever uses */
    for (int i = 0; i < 6; i++) {
        if (check_rank == i % check_size) CHECK(version_of(pool, names[order[i]]) == (uint32_t)order[i]);
        barrier();
    }
    bp_stats s = quiet_stats(pool);
    CHECK(s.cluster.loads == 5 && s.cluster.evictions == 2 && s.pool_size == 3);
    static const int resident[] = {2, 4, 5};
    for (int i = 0; i < 3; i++) version_of(pool, names[resident[i]]);
    s = quiet_stats(pool);
    CHECK(s.cluster.loads == 5); /* those three were there */
    if (check_rank == 0) version_of(pool, "one");
    s = quiet_stats(pool);
    CHECK(s.cluster.loads == 6 && s.pool_size == 3);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_rewrite(void)
{
    check_case("rewrite on disk, then get: new version; the old snapshot stays as it was");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    write_all("changing", 7, 4, 10);
    const bp_bundle *old;
    CHECK_OK(bp_pool_get(pool, "changing", &old));
    CHECK(market_version(old) == 7);
    write_all("changing", 8, 4, 12);
    CHECK(version_of(pool, "changing") == 8);
    CHECK(market_version(old) == 7 && bp_bundle_num_sessions(old) == 10);
    bp_bundle_release(&old);
    CHECK(quiet_stats(pool).cluster.loads == 2);
    barrier();
    if (check_rank == 0) {
        char path[4200];
        snprintf(path, sizeof path, "%s/changing.h5", root);
        CHECK(unlink(path) == 0);
    }
    barrier();
    CHECK_STATUS(bp_pool_get(pool, "changing", &old), BP_ENOTFOUND);
    CHECK(old == NULL);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_staleness(void)
{
    check_case("max_staleness_ms: T = -1 and a large T do not look");
    for (int64_t staleness = -1; staleness <= 3600000; staleness += 3600001) {
        bp_config cfg = config();
        cfg.max_staleness_ms = staleness;
        bp_pool *pool = create(&cfg);
        write_all("changing", 1, 4, 10);
        CHECK(version_of(pool, "changing") == 1);
        uint64_t checks = quiet_stats(pool).cluster.checks;
        write_all("changing", 2, 4, 10);
        CHECK(version_of(pool, "changing") == 1);
        CHECK(quiet_stats(pool).cluster.checks == checks);
        if (check_rank == check_size - 1) CHECK_OK(bp_pool_invalidate(pool, "changing"));
        barrier();
        CHECK(version_of(pool, "changing") == 2);
        CHECK_OK(bp_pool_destroy(&pool));
    }
}

/* Time is what is being tested: a get that begins later than T after the last look has to look. */
static void test_bounded_staleness(void)
{
    check_case("max_staleness_ms = T > 0: a bundle that lives longer than T is looked at again");
    bp_config cfg = config();
    cfg.max_staleness_ms = 700;
    bp_pool *pool = create(&cfg);
    for (uint32_t version = 21; version < 23; version++) {
        write_all("changing", version, 4, 10);
        struct timespec later;
        clock_gettime(CLOCK_MONOTONIC, &later);
        later.tv_nsec += 750000000;
        later.tv_sec += later.tv_nsec / 1000000000;
        later.tv_nsec %= 1000000000;
        if (version > 21) CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &later, NULL) == 0);
        CHECK(version_of(pool, "changing") == version);
        barrier();
    }
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_invalidate(void)
{
    check_case("invalidate one, all, and what is not there");
    bp_config cfg = config();
    cfg.max_staleness_ms = -1;
    bp_pool *pool = create(&cfg);
    version_of(pool, "one");
    version_of(pool, "two");
    CHECK(quiet_stats(pool).cluster.loads == 2);
    if (check_rank == 0) CHECK_OK(bp_pool_invalidate(pool, "one"));
    barrier();
    version_of(pool, "one");
    version_of(pool, "two");
    bp_stats s = quiet_stats(pool);
    CHECK(s.cluster.loads == 3 && s.cluster.invalidations == 1);
    if (check_rank == 0) CHECK_OK(bp_pool_invalidate(pool, NULL));
    barrier();
    s = quiet_stats(pool);
    CHECK(s.pool_size == 0 && s.cluster.invalidations == 3);
    version_of(pool, "two");
    CHECK(quiet_stats(pool).cluster.loads == 4);
    CHECK_OK(bp_pool_invalidate(pool, "never-seen"));
    CHECK_STATUS(bp_pool_invalidate(pool, "a/b"), BP_EINVAL);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_disabled(void)
{
    check_case("switched off: private loads behind the same calls");
    setenv("RUSTYBT_ENABLE_BUNDLE_POOLING", "False", 1);
    bp_config cfg = config();
    unsetenv("RUSTYBT_ENABLE_BUNDLE_POOLING");
    CHECK(!bp_config_should_use_pool(&cfg));
    bp_pool *pool = create(&cfg);
    const bp_bundle *a, *b;
    if (check_rank == 0) { /* the files may be visible on its host only */
        CHECK_OK(bp_pool_get(pool, "one", &a));
        CHECK_OK(bp_pool_get(pool, "one", &b));
        CHECK(bp_bundle_sids(a) != bp_bundle_sids(b) && market_version(a) == 1 && market_version(b) == 1);
        bp_bundle_release(&a);
        bp_bundle_release(&b);
        CHECK_STATUS(bp_pool_get(pool, "nope", &a), BP_ENOTFOUND);
    }
    CHECK_OK(bp_pool_invalidate(pool, "one"));
    CHECK(stats_of(pool).cluster.loads == 0);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_errors(void)
{
    check_case("errors: the same code and text everywhere, and nothing else is touched");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    const bp_bundle *b;
    barrier();
    if (check_rank == 0) {
        char path[4200];
        snprintf(path, sizeof path, "%s/broken.h5", root);
        FILE *f = fopen(path, "w");
        CHECK(f && fputs("not a bundle", f) >= 0 && fclose(f) == 0);
    }
    barrier();
    CHECK_STATUS(bp_pool_get(pool, "broken", &b), BP_EFORMAT);
    char mine[512] = "", first[512];
    snprintf(mine, sizeof mine, "%s", bp_error_text());
    memcpy(first, mine, sizeof first);
    MPI_Bcast(first, sizeof first, MPI_CHAR, 0, MPI_COMM_WORLD);
    CHECK(strcmp(first, mine) == 0 && strstr(mine, "broken.h5"));
    CHECK_STATUS(bp_pool_get(pool, "nope", &b), BP_ENOTFOUND);
    CHECK(strstr(bp_error_text(), "nope"));
    static const char *const bad[] = {
        "",        "..",  "a/../b",
        ".hidden", "x y", "0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(bp_pool_get(pool, bad[i], &b), BP_EINVAL);
    CHECK_STATUS(bp_pool_get(pool, NULL, &b), BP_EINVAL);
    CHECK(version_of(pool, "one") == 1);
    write_all("broken", 3, 2, 2); /* mended */
    CHECK(version_of(pool, "broken") == 3);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_room(void)
{
    check_case("bounds: too large, evicted for room, pinned and released");
    bp_config cfg = config();
    cfg.pool_memory = 3 << 20;
    bp_pool *pool = create(&cfg);
    const bp_bundle *b, *held;
    write_all("huge", 1, 100, 2000);   /* 8 MB */
    write_all("large-a", 2, 50, 1000); /* 2 MB */
    write_all("large-b", 3, 50, 1000);
    write_all("large-c", 4, 50, 1000);
    version_of(pool, "large-a");
    barrier();
    CHECK_STATUS(bp_pool_get(pool, "huge", &b), BP_EFULL);
    CHECK(strstr(bp_error_text(), "huge"));
    bp_stats s = quiet_stats(pool);
    CHECK(s.cluster.evictions == 0 && s.pool_size == 1);
    CHECK(version_of(pool, "large-b") == 3);
    s = quiet_stats(pool);
    CHECK(s.cluster.evictions == 1 && s.pool_size == 1);
    CHECK_OK(bp_pool_get(pool, "large-a", &held));
    barrier();
    CHECK(market_version(held) == 2);
    bp_bundle_release(&held);
    CHECK(version_of(pool, "large-c") == 4); /* it waits for those that hold the other */
    s = quiet_stats(pool);
    CHECK(s.bytes_peak <= s.bytes_limit && s.bytes_resident <= s.bytes_limit);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_pinned(void)
{
    check_case("bounds: what is pinned is not given up, and whoever needs its room is told who pins it");
    bp_config cfg = config();
    cfg.pool_memory = 3 << 20;
    cfg.room_timeout_ms = 200; /* no matter to a get that finds room, as the first one does at once */
    bp_pool *pool = create(&cfg);
    const bp_bundle *b, *held;
    CHECK_OK(bp_pool_get(pool, "large-a", &held));
    barrier();
    if (check_rank == check_size - 1) {
        /* the nodes may take longer to say who pins what; then the next error says it */
        const char *who = NULL;
        for (int i = 0; i < 100 && !who; i++) {
            CHECK_STATUS(bp_pool_get(pool, "large-c", &b), BP_EFULL);
            who = strstr(bp_error_text(), "large-a (rank");
        }
        CHECK(who != NULL);
    }
    barrier();
    CHECK(market_version(held) == 2);
    bp_bundle_release(&held);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_busy(void)
{
    check_case("destroy with a pin held: BP_EBUSY on every rank, nothing is destroyed");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    const bp_bundle *b = NULL;
    if (check_rank == check_size - 1) CHECK_OK(bp_pool_get(pool, "one", &b));
    CHECK_STATUS(bp_pool_destroy(&pool), BP_EBUSY);
    CHECK(pool != NULL && strstr(bp_error_text(), "one"));
    CHECK(version_of(pool, "two") == 2);
    bp_bundle_release(&b);
    CHECK_OK(bp_pool_destroy(&pool));
}

/* By a copy of the pointer, which is all that a careless program needs. */
static void test_released_twice(void)
{
    check_case("released twice: nothing changes, and the pool goes on");
    bp_config cfg = config();
    cfg.log_level = BP_LOG_ERROR;
    bp_pool *pool = create(&cfg);
    const bp_bundle *b, *copy;
    if (!CHECK_OK(bp_pool_get(pool, "one", &b))) return;
    copy = b;
    uint64_t hits = stats_of(pool).rank.hits;
    bp_bundle_release(&b);
    bp_bundle_release(&copy);
    CHECK(b == NULL && copy == NULL);
    CHECK(stats_of(pool).rank.hits == hits);
    CHECK(version_of(pool, "one") == 1);
    CHECK_OK(bp_pool_destroy(&pool)); /* nobody holds anything */
}

static void test_instance(void)
{
    check_case("instance: one per communicator, resized by who asks");
    bp_config cfg = config();
    bp_pool *pool, *again;
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    cfg.max_staleness_ms = -1;
    CHECK_OK(bp_pool_instance(comm, &cfg, &pool));
    CHECK_OK(bp_pool_instance(comm, &cfg, &again));
    CHECK(pool == again);
    static const char *const names[] = {"one", "two", "three", "four"};
    for (int i = 0; i < 4; i++) {
        version_of(pool, names[i]);
        barrier();
    }
    cfg.max_bundle_pool_size = 2;
    CHECK_OK(bp_pool_instance(comm, &cfg, &again));
    CHECK(pool == again);
    bp_stats s = quiet_stats(pool);
    CHECK(s.max_pool_size == 2 && s.pool_size == 2 && s.cluster.evictions == 2);
    version_of(pool, "three");
    version_of(pool, "four");
    CHECK(quiet_stats(pool).cluster.loads == 4); /* the two used last were kept */
    cfg.max_bundle_pool_size = 5;
    CHECK_OK(bp_pool_instance(comm, &cfg, &again));
    CHECK(quiet_stats(pool).max_pool_size == 5);
    cfg.max_bundle_pool_size = 4000;
    CHECK_STATUS(bp_pool_instance(comm, &cfg, &again), BP_EINVAL);
    CHECK_OK(bp_pool_destroy(&pool));
    cfg.max_bundle_pool_size = 7;
    CHECK_OK(bp_pool_instance(comm, &cfg, &pool));
    CHECK(quiet_stats(pool).max_pool_size == 7);
    CHECK_OK(bp_pool_destroy(&pool));
    MPI_Comm_free(&comm);
}

static void test_create_errors(void)
{
    check_case("create: a configuration that is wrong, or differs between ranks");
    bp_config cfg = config();
    bp_pool *pool;
    cfg.max_bundle_pool_size = 0;
    CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_EINVAL);
    CHECK(pool == NULL && strstr(bp_error_text(), "max_bundle_pool_size"));
    cfg = config();
    cfg.pool_memory = INT64_C(1) << 49;
    CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_ENOMEM);
    CHECK(strstr(bp_error_text(), "pool_memory"));
    if (check_size > 1) {
        cfg = config();
        cfg.max_staleness_ms = check_rank == check_size - 1 ? 5 : 6;
        CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_EINVAL);
        CHECK(strstr(bp_error_text(), "max_staleness_ms"));
    }
    cfg = config(); /* one rank's cannot be read, ranks_per_node included */
    if (check_rank == check_size - 1) cfg.size = 0;
    CHECK_STATUS(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool), BP_EINVAL);
    CHECK(pool == NULL && strstr(bp_error_text(), "bp_config_init()"));
}

static void test_version(void)
{
    check_case("version: a changed price changes content_hash and not computed_hash");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    bp_version a = bp_version_init(), b = bp_version_init();
    write_all("changing", 1, 3, 5);
    CHECK_OK(bp_pool_version(pool, "changing", &a));
    write_all("changing", 2, 3, 5);
    CHECK_OK(bp_pool_version(pool, "changing", &b));
    CHECK(a.num_assets == 3 && strcmp(a.asset_list[0], "0") == 0 && strcmp(a.bundle_name, "changing") == 0);
    CHECK(strcmp(a.computed_hash, b.computed_hash) == 0 && strcmp(a.content_hash, b.content_hash) != 0);
    bp_version_fini(&a);
    bp_version_fini(&b);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_fork(void)
{
    check_case("fork: the child gets BP_EFORKED, and releases nothing of its parent's");
    bp_config cfg = config();
    bp_pool *pool = create(&cfg);
    const bp_bundle *held;
    CHECK_OK(bp_pool_get(pool, "one", &held));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const bp_bundle *b;
        bp_version v = bp_version_init();
        bp_stats s = bp_stats_init();
        bool ok = bp_pool_get(pool, "one", &b) == BP_EFORKED &&
                  bp_pool_invalidate(pool, NULL) == BP_EFORKED &&
                  bp_pool_version(pool, "one", &v) == BP_EFORKED && bp_pool_stats(pool, &s) == BP_EFORKED &&
                  bp_pool_destroy(&pool) == BP_EFORKED;
        bp_bundle_release(&held);
        _exit(ok ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_STATUS(bp_pool_destroy(&pool), BP_EBUSY); /* every rank has its pin still */
    CHECK(market_version(held) == 1);
    bp_bundle_release(&held);
    CHECK(version_of(pool, "one") == 1);
    CHECK_OK(bp_pool_destroy(&pool));
}

static void test_many(void)
{
    check_case("more bundles than slots: everything is found, the bounds hold");
    bp_config cfg = config();
    cfg.max_bundle_pool_size = 2;
    bp_pool *pool = create(&cfg);
    char name[16];
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "many-%u", i % 10);
        if (i < 10) write_all(name, 100 + i, 2, 3);
        CHECK(version_of(pool, name) == 100 + i % 10);
        CHECK(stats_of(pool).pool_size <= 2);
    }
    CHECK_OK(bp_pool_destroy(&pool));
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    root = market_root();
    static const char *const names[] = {"one", "two", "three", "four", "five"};
    for (uint32_t i = 0; i < 5; i++) write_all(names[i], i + 1, 3, 20);

    test_get_twice();
    test_ten_threads();
    test_lru();
    test_rewrite();
    test_staleness();
    test_bounded_staleness();
    test_invalidate();
    test_disabled();
    test_errors();
    test_room();
    test_pinned();
    test_busy();
    test_released_twice();
    test_instance();
    test_create_errors();
    test_version();
    test_many();
    test_fork();

    /* a pool that was forgotten is ended by MPI_Finalize, pins or not */
    bp_config cfg = config();
    bp_pool *forgotten = create(&cfg);
    const bp_bundle *pinned;
    CHECK_OK(bp_pool_get(forgotten, "one", &pinned));
#if defined(MPICH_VERSION) /* allows no other thread in a call when that begins: docs/portability.md */
    bp_bundle_release(&pinned);
    CHECK_OK(bp_pool_destroy(&forgotten));
#endif
    market_remove();
    return check_finish();
}
