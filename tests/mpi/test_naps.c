/* test_naps [GETS] : checked gets by ranks that are preempted wherever it could matter, GETS (20,000) of them
 * in all over 4, 16 and 64 virtual nodes. BUNDLEPOOL_FAULT=naps has to be set. Every value of every image is
 * compared with what its file has; there is room for half of the bundles, and one rank invalidates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/fault.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define RANKS   64
#define BUNDLES 8

/* Gets of one bundle in a row; each row but the luckiest begins with a load. */
#define ROWS        8
#define LONGEST_ROW 256

/* Of bundle i. An image of more than 128 KiB travels in several segments. */
static const struct {
    int64_t assets, days;
} shape[BUNDLES] = {{2, 8}, {3, 50}, {40, 1000}, {2, 9}, {5, 30}, {60, 500}, {1, 1}, {10, 100}};

typedef struct layout {
    int ranks, per_node;
    bp_transfer transfer;
    int64_t staleness_ms;
} layout;

/* Where any age will do (-1), ranks only hit, load and invalidate; otherwise they check and ask as well. */
static const layout layouts[] = {
    {4, 1, BP_TRANSFER_DECODED, -1},  {4, 1, BP_TRANSFER_STORED, 20},   {16, 1, BP_TRANSFER_DECODED, 20},
    {16, 1, BP_TRANSFER_STORED, -1},  {64, 1, BP_TRANSFER_DECODED, -1}, {64, 1, BP_TRANSFER_STORED, 50},
    {64, 16, BP_TRANSFER_STORED, -1}, {64, 4, BP_TRANSFER_DECODED, 50},
};
#define NUM_LAYOUTS ((int)(sizeof layouts / sizeof *layouts))

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % below;
}

/* A barrier that sleeps: otherwise 64 ranks that spin on a few cores would be all that happens. */
static void quiet_barrier(MPI_Comm comm)
{
    int done = 0;
    MPI_Request request;
    MPI_Ibarrier(comm, &request);
    for (MPI_Test(&request, &done, MPI_STATUS_IGNORE); !done; MPI_Test(&request, &done, MPI_STATUS_IGNORE))
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 1000000}, NULL);
}

static const char *name_of(int bundle)
{
    static char name[BUNDLES][8];
    snprintf(name[bundle], sizeof name[bundle], "b%d", bundle);
    return name[bundle];
}

static bool is_right(const bp_bundle *b, int bundle)
{
    return bp_bundle_num_assets(b) == (size_t)shape[bundle].assets &&
           bp_bundle_num_sessions(b) == (size_t)shape[bundle].days &&
           market_version(b) == (uint32_t)bundle + 1;
}

typedef struct tally {
    long gets, wrong;
} tally;

static void get(bp_pool *pool, int bundle, tally *t)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name_of(bundle), &b))) return;
    bool right = is_right(b, bundle);
    t->gets++;
    t->wrong += !right;
    CHECK(right);
    bp_bundle_release(&b);
}

/* `gets` by each rank, of one bundle several times in a row. */
static tally work(MPI_Comm comm, const layout *l, const char *root, long gets, bp_counters *counted)
{
    int rank;
    tally t = {0};
    bp_config cfg = bp_config_init();
    bp_stats s = bp_stats_init();
    bp_pool *pool;
    MPI_Comm_rank(comm, &rank);
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 12 << 20;
    cfg.max_bundle_pool_size = BUNDLES / 2;
    cfg.max_staleness_ms = l->staleness_ms;
    cfg.room_timeout_ms = cfg.load_timeout_ms; /* ranks that nap hold what they have for a long time */
    cfg.ranks_per_node = l->per_node;
    cfg.transfer = l->transfer;
    if (!CHECK_OK(bp_pool_create(comm, &cfg, &pool))) return t;
    while (t.gets < gets) {
        int bundle = (int)draw(BUNDLES);
        if (rank == l->ranks - 1) CHECK_OK(bp_pool_invalidate(pool, draw(8) ? name_of(bundle) : NULL));
        long row = 1 + (long)draw(gets < ROWS * LONGEST_ROW ? (uint64_t)gets / ROWS * 2 + 1 : LONGEST_ROW);
        for (long i = 0; i < row && t.gets < gets; i++) get(pool, bundle, &t);
    }
    quiet_barrier(comm);
    CHECK_OK(bp_pool_stats(pool, &s));
    *counted = s.cluster;
    quiet_barrier(comm);
    CHECK_OK(bp_pool_destroy(&pool));
    return t;
}

static void report_naps(void)
{
    uint64_t mine[BP__NUM_NAPS], all[BP__NUM_NAPS];
    for (int i = 0; i < BP__NUM_NAPS; i++) mine[i] = bp__nap_passed((bp__nap)i);
    MPI_Reduce(mine, all, BP__NUM_NAPS, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    for (int i = 0; check_rank == 0 && i < BP__NUM_NAPS; i++) {
        printf("  %-24s passed %llu times\n", bp__nap_name((bp__nap)i), (unsigned long long)all[i]);
        CHECK(all[i] > 0); /* if not, the run shows nothing about that pair, or naps are off */
    }
}

int main(int argc, char **argv)
{
    long wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
    tally total = {0};
    check_init(&argc, &argv);
    if (!CHECK(check_size == RANKS && wanted > 0)) return check_finish();
    const char *root = market_root();
    for (int i = 0; check_rank == 0 && i < BUNDLES; i++)
        market_write(name_of(i), (uint32_t)i + 1, shape[i].assets, shape[i].days);
    random_state = (uint64_t)(check_rank + 1) * UINT64_C(0x9e3779b97f4a7c15);
    quiet_barrier(MPI_COMM_WORLD);
    for (const layout *l = layouts; l < layouts + NUM_LAYOUTS; l++) {
        MPI_Comm comm;
        tally mine = {0}, all;
        bp_counters c = {0};
        MPI_Comm_split(MPI_COMM_WORLD, check_rank < l->ranks ? 0 : MPI_UNDEFINED, check_rank, &comm);
        if (comm != MPI_COMM_NULL) {
            mine = work(comm, l, root, wanted / NUM_LAYOUTS / l->ranks + 1, &c);
            MPI_Comm_free(&comm);
        }
        quiet_barrier(MPI_COMM_WORLD);
        MPI_Reduce(&mine, &all, 2, MPI_LONG, MPI_SUM, 0, MPI_COMM_WORLD);
        if (check_rank > 0) continue;
        total.gets += all.gets;
        total.wrong += all.wrong;
        printf("%2d nodes of %d, %s: %ld gets checked, %ld wrong; %llu loads, %llu evictions\n",
               l->ranks / l->per_node, l->per_node, l->transfer == BP_TRANSFER_STORED ? "stored" : "decoded",
               all.gets, all.wrong, (unsigned long long)c.loads, (unsigned long long)c.evictions);
        fflush(stdout);
    }
    report_naps();
    if (check_rank == 0) {
        printf("total: %ld gets checked, %ld wrong\n", total.gets, total.wrong);
        CHECK(total.gets >= wanted && total.wrong == 0);
    }
    market_remove();
    return check_finish();
}
