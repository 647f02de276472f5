/* What a grid search pays for its bundle: the time until all workers have it, and that of a whole search,
 * with the pool and without.
 *
 *     mpirun -n R bench_grid --root DIR --bundle NAME [--backtests N] [--table NAME] [--repeats N] [--json]
 *
 *  load      one process loads by itself (bp_bundle_load); the other ranks sleep
 *  private   every rank loads by itself
 *  pool      bp_pool_get in a new pool
 *  resident  the same again, with the bundle in the pool already
 *
 * All but load then run N backtests (default 100) of sma_cross over all assets, which the ranks take from a
 * common counter; with a pool each of them gets and releases the bundle by name as well. Samples:
 *
 *  init              from the common start to when the last rank has the bundle; of the table NAME (scaling)
 *  grid              from the common start to when the last backtest is done; of the table grid_search
 *  overhead          grid of private or pool - grid of resident, of the same repeat
 *  gridN_over_load   overhead of the pool over init of load, of the medians
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundlepool.h>

#include "backtest/backtest.h"
#include "core/memory.h"
#include "meet.h"

#define MAX_REPEATS 100

enum { LOAD, PRIVATE, POOL, RESIDENT, NUM_CASES };

static const char *const case_name[NUM_CASES] = {"load", "private", "pool", "resident"};

typedef struct bench {
    const char *root, *name, *table;
    int rank, size, repeats, backtests;
    bp_config cfg;
    bp_pool *pool; /* NULL: private loads */
    const bp_strategy *strategy;
} bench;

static double init[NUM_CASES][MAX_REPEATS], grid[NUM_CASES][MAX_REPEATS];

static void must(bp_status s)
{
    if (s != BP_OK) bench_die("%s: %s", bp_status_name(s), bp_error_text());
}

static void get(const bench *b, const bp_bundle **bundle)
{
    must(b->pool ? bp_pool_get(b->pool, b->name, bundle) : bp_bundle_load(b->root, b->name, bundle));
}

/* This rank's share of the search. */
static void search(const bench *b, const bp_bundle *bundle)
{
    const bp__account account = bp__account_init();
    bp__scope *scope;
    bp__workspace *workspace;
    must(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &scope));
    must(bp__workspace_create(scope, &workspace));
    for (;;) {
        uint64_t i = atomic_fetch_add_explicit(&meeting->next, 1, memory_order_relaxed);
        if (i >= (uint64_t)b->backtests) break;
        const bp_bundle *again = NULL;
        double params[BP__MAX_PARAMS] = {5 + 5 * (double)(i % 10), 60 + 20 * (double)(i / 10 % 10)};
        if (b->pool) get(b, &again);
        bp__record record;
        must(bp__backtest_run(workspace, b->strategy, params, &account, NULL, &record));
        bp_bundle_release(&again);
    }
    bp__workspace_destroy(&workspace);
    bp__scope_destroy(&scope);
}

static void measure(const bench *b, int which, int repeat)
{
    const bp_bundle *bundle = NULL;
    double start = meet_start();
    if (which != LOAD || b->rank == 0) get(b, &bundle);
    init[which][repeat] = meet_end() - start;
    if (which != LOAD && b->backtests > 0) {
        search(b, bundle);
        grid[which][repeat] = meet_end() - start;
    }
    bp_bundle_release(&bundle);
    meet();
    if (b->rank != 0) return;
    bench_condition("table", b->table);
    bench_sample(case_name[which], "init", "ns", repeat, init[which][repeat] * 1e9);
    bench_condition("table", "grid_search");
    if (which != LOAD && b->backtests > 0)
        bench_sample(case_name[which], "grid", "ns", repeat, grid[which][repeat] * 1e9);
}

static void print_overhead(const bench *b, int which)
{
    double overhead[MAX_REPEATS];
    char name[64];
    for (int i = 0; i < b->repeats; i++) {
        overhead[i] = grid[which][i] - grid[RESIDENT][i];
        bench_sample(case_name[which], "overhead", "ns", i, overhead[i] * 1e9);
    }
    if (which != POOL) return;
    snprintf(name, sizeof name, "grid%d_over_load", b->backtests);
    bench_sample(case_name[which], name, "1", -1,
                 bench_median(overhead, b->repeats) / bench_median(init[LOAD], b->repeats));
}

/* Whether every rank can have an image of its own; if not, says so. */
static bool room_for_private(const bench *b)
{
    char reason[200];
    const bp_bundle *bundle;
    bp__memory memory;
    int room = 1;
    if (b->rank == 0) {
        must(bp_bundle_load(b->root, b->name, &bundle));
        uint64_t need = bp_bundle_bytes(bundle) * (uint64_t)b->size;
        bp_bundle_release(&bundle);
        must(bp__memory_look(&memory));
        uint64_t have = memory.available < memory.cgroup ? memory.available : memory.cgroup;
        room = need <= have / 10 * 9;
        snprintf(reason, sizeof reason, "%d images need %" PRIu64 " MiB, %" PRIu64 " are free", b->size,
                 need >> 20, have >> 20);
        if (!room) bench_missing(case_name[PRIVATE], "init", "ns", reason);
    }
    MPI_Bcast(&room, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return room;
}

static void run(bench *b)
{
    bool private = room_for_private(b);
    for (int repeat = 0; repeat < b->repeats; repeat++) {
        measure(b, LOAD, repeat);
        if (private) measure(b, PRIVATE, repeat);
        must(bp_pool_create(MPI_COMM_WORLD, &b->cfg, &b->pool));
        measure(b, POOL, repeat);
        measure(b, RESIDENT, repeat);
        must(bp_pool_destroy(&b->pool));
    }
    if (b->rank != 0 || b->backtests == 0) return;
    if (private) print_overhead(b, PRIVATE);
    print_overhead(b, POOL);
}

static const char usage[] =
    "usage: mpirun -n R bench_grid --root DIR --bundle NAME [--backtests N] [--table NAME] [--repeats N] "
    "[--json]\n"
    "Times a grid search with the pool and without.\n";

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"root", 1, 0, 'r'},    {"bundle", 1, 0, 'b'}, {"backtests", 1, 0, 'k'}, {"table", 1, 0, 't'},
        {"repeats", 1, 0, 'n'}, {"json", 0, 0, 'j'},   {"help", 0, 0, 'h'},      {0}};
    bench b = {.root = "bundles", .table = "scaling", .repeats = 5, .backtests = 100};
    int level, o, code = -1;
    bench_name = "grid";
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b.size);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (o) {
        case 'r': b.root = optarg; break;
        case 'b': b.name = optarg; break;
        case 'k': b.backtests = atoi(optarg); break;
        case 't': b.table = optarg; break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'j': bench_json = true; break;
        case 'h': code = 0; break;
        default: code = 2;
        }
    }
    if (code < 0 && (!b.name || b.backtests < 0 || b.repeats < 1 || b.repeats > MAX_REPEATS)) code = 2;
    if (code >= 0) {
        if (b.rank == 0) fputs(usage, code ? stderr : stdout);
        MPI_Finalize();
        return code;
    }

    b.cfg = bp_config_init();
    must(bp_config_default(&b.cfg));
    must(bp_config_from_env(&b.cfg));
    must(bp_config_set(&b.cfg, "root", b.root, "--root"));
    must(bp__builtin_find("sma_cross", &b.strategy));
    meet_init();
    bench_condition("table", b.table);
    bench_condition("bundle", b.name);
    bench_condition_number("ranks", b.size);
    run(&b);
    meet_fini();
    MPI_Finalize();
    return 0;
}
