/* What waiting and standing by cost: how long an idle pool takes to answer a rank of its last node, and how
 * much processor time a pool takes away from ranks that compute.
 *
 *     mpirun -n R bench_wait --root DIR --bundle NAME [--other NAME] [--ranks-per-node K] [--seconds S]
 *                            [--repeats N] [--json]
 *
 * Stolen time: all ranks compute for S seconds; `rate` is the turns of their loops per second, added up,
 * over_no_pool that over the rate of no_pool in the same repeat. `others` is the processor time of all other
 * threads of these processes meanwhile, in cores: it tells the pool from what else runs on the machine.
 *
 * - no_pool: there is none
 * - idle_pool: there is one, in which nothing happens
 * - busy_pool: rank 0 gets and releases the bundle in each turn, and a thread of the last rank makes the
 *   pool load the other bundle again and again (invalidate, get); `loads` says how often
 *
 * Answers:
 *
 * - miss: invalidate by rank 0, then bp_pool_get on the last rank: a load, published on all nodes
 * - ask: bp_pool_get with max_staleness_ms = 0 on the last rank: one check by rank 0
 * - load: the same load by one process alone (bp_bundle_load)
 *
 * idle: processor time of a node's processes while all ranks sleep, after a quiet second, in cores. */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <mpi.h>

#include <bundlepool/bundlepool.h>

#include "core/clock.h"

#include "support.h"

static int rank, size;
static const char *root = "bundles", *bundle, *other, *ranks_per_node = "0";
static volatile double sink;

static _Noreturn void give_up(void)
{
    bench_die("rank %d: %s", rank, bp_error_text());
}

static void nap(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* @param who  RUSAGE_SELF or RUSAGE_THREAD */
static double cpu_seconds(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static bp_pool *create_pool(int64_t max_staleness_ms)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    bp_config_default(&cfg);
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.max_staleness_ms = max_staleness_ms;
    if (bp_config_set(&cfg, "ranks_per_node", ranks_per_node, "--ranks-per-node") != BP_OK ||
        bp_pool_create(MPI_COMM_WORLD, &cfg, &pool) != BP_OK)
        give_up();
    return pool;
}

static void destroy_pool(bp_pool *pool)
{
    if (bp_pool_destroy(&pool) != BP_OK) give_up();
}

/* Get and release; from the file where there is no pool. @return ns until it was there */
static double get(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    uint64_t from = bp__clock_ns();
    if ((pool ? bp_pool_get(pool, name, &b) : bp_bundle_load(root, name, &b)) != BP_OK) give_up();
    double ns = (double)(bp__clock_ns() - from);
    bp_bundle_release(&b);
    return ns;
}

/* Stolen time ------------------------------------------------------------------------------------- */

/* Of about 30 us, in the first-level cache: nothing but the processor limits it. */
static void turn(void)
{
    static double price[1024];
    double mean = sink;
    for (int k = 0; k < 8; k++)
        for (int i = 0; i < 1024; i++) {
            mean = 0.99 * mean + 0.01 * (price[i] + (double)i);
            price[i] = 0.5 * mean;
        }
    sink = mean;
}

typedef struct work {
    double rate;   /* turns per second */
    double others; /* processor time of all other threads, in cores */
} work;

static double others_seconds(void)
{
    return cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD);
}

/* @param hits  pool in which each turn gets the bundle, or NULL  @return of all ranks together */
static work compute(double seconds, bp_pool *hits)
{
    uint64_t turns = 0, from, now, end;
    bench_meet();
    double others = others_seconds();
    from = now = bp__clock_ns();
    for (end = from + (uint64_t)(seconds * 1e9); now < end; now = bp__clock_ns(), turns++) {
        turn();
        if (hits) get(hits, bundle);
    }
    double took = (double)(now - from) * 1e-9;
    double mine[2] = {(double)turns / took, (others_seconds() - others) / took}, all[2];
    bench_meet();
    MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return (work){all[0], all[1]};
}

typedef struct loader {
    bp_pool *pool;
    _Atomic bool stop; /* set by who started the thread */
    int loads;
} loader;

static void *load_again(void *arg)
{
    for (loader *l = arg; !atomic_load_explicit(&l->stop, memory_order_relaxed); l->loads++) {
        if (bp_pool_invalidate(l->pool, other) != BP_OK) give_up();
        get(l->pool, other);
    }
    return NULL;
}

/* @param[out] loads  per second */
static work compute_busy(bp_pool *pool, double seconds, double *loads)
{
    loader l = {.pool = pool};
    pthread_t thread;
    bool last = rank == size - 1;
    uint64_t from = bp__clock_ns();
    if (last && pthread_create(&thread, NULL, load_again, &l) != 0) bench_die("no thread for the loads");
    work done = compute(seconds, rank == 0 ? pool : NULL);
    atomic_store_explicit(&l.stop, true, memory_order_relaxed);
    if (last) pthread_join(thread, NULL);
    *loads = l.loads / ((double)(bp__clock_ns() - from) * 1e-9);
    MPI_Bcast(loads, 1, MPI_DOUBLE, size - 1, MPI_COMM_WORLD);
    return done;
}

static void print_work(const char *name_of_case, int repeat, work done, work no_pool)
{
    if (rank != 0) return;
    bench_sample(name_of_case, "rate", "1/s", repeat, done.rate);
    bench_sample(name_of_case, "others", "cores", repeat, done.others);
    bench_sample(name_of_case, "over_no_pool", "1", repeat, done.rate / no_pool.rate);
}

static void measure_stolen(double seconds, int repeats)
{
    if (!other && rank == 0)
        bench_missing("busy_pool", "rate", "1/s", "needs a second bundle: name it with --other");
    for (int r = 0; r < repeats; r++) {
        double loads;
        work no_pool = compute(seconds, NULL);
        print_work("no_pool", r, no_pool, no_pool);
        bp_pool *pool = create_pool(1000);
        get(pool, bundle);
        print_work("idle_pool", r, compute(seconds, NULL), no_pool);
        if (other) {
            print_work("busy_pool", r, compute_busy(pool, seconds, &loads), no_pool);
            if (rank == 0) bench_sample("busy_pool", "loads", "1/s", r, loads);
        }
        destroy_pool(pool);
    }
}

/* Answers ----------------------------------------------------------------------------------------- */

static void measure_answers(bp_pool *pool, int repeats)
{
    bool last = rank == size - 1;
    for (int r = 0; r < repeats; r++) {
        double ns[3] = {0};
        bench_meet();
        if (rank == 0 && bp_pool_invalidate(pool, bundle) != BP_OK) give_up();
        bench_meet();
        if (last) ns[0] = get(pool, bundle), ns[1] = get(pool, bundle);
        bench_meet();
        if (last) ns[2] = get(NULL, bundle);
        bench_meet();
        MPI_Bcast(ns, 3, MPI_DOUBLE, size - 1, MPI_COMM_WORLD);
        if (rank != 0) continue;
        bench_sample("miss", "time", "ns", r, ns[0]);
        bench_sample("ask", "time", "ns", r, ns[1]);
        bench_sample("load", "time", "ns", r, ns[2]);
    }
}

static void measure_idle(int num_nodes, double seconds, int repeats)
{
    double cpu[repeats], all[repeats];
    bench_meet();
    nap(1);
    for (int r = 0; r < repeats; r++) {
        cpu[r] = cpu_seconds(RUSAGE_SELF);
        nap(seconds);
        cpu[r] = (cpu_seconds(RUSAGE_SELF) - cpu[r]) / seconds;
    }
    MPI_Reduce(cpu, all, repeats, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    for (int r = 0; rank == 0 && r < repeats; r++)
        bench_sample("idle", "cost", "cores", r, all[r] / num_nodes);
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n R bench_wait --root DIR --bundle NAME [--other NAME] [--ranks-per-node K]\n"
          "                              [--seconds 1] [--repeats 5] [--json]\n"
          "Measures what a pool takes from ranks that compute (busy with loads of the --other bundle), how "
          "long\n"
          "an idle pool takes to answer, and the processor time it needs.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"root", 1, 0, 'r'},           {"bundle", 1, 0, 'b'},  {"other", 1, 0, 'o'},
        {"ranks-per-node", 1, 0, 'k'}, {"seconds", 1, 0, 's'}, {"repeats", 1, 0, 'n'},
        {"json", 0, 0, 'j'},           {"help", 0, 0, 'h'},    {0}};
    double seconds = 1;
    int repeats = 5, level, o;
    bool asked = false, wrong = false;
    bench_name = "wait";
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    opterr = rank == 0;
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 'r')
            root = optarg;
        else if (o == 'b')
            bundle = optarg;
        else if (o == 'o')
            other = optarg;
        else if (o == 'k')
            ranks_per_node = optarg;
        else if (o == 's')
            seconds = atof(optarg);
        else if (o == 'n')
            repeats = atoi(optarg);
        else if (o == 'j')
            bench_json = true;
        else if (o == 'h')
            asked = true;
        else
            wrong = true;
    }
    wrong =
        wrong || optind < argc || !bundle || !(seconds > 0 && seconds <= 60) || repeats < 1 || repeats > 1000;
    if (asked || wrong) {
        if (rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }

    bp_stats stats = bp_stats_init();
    bp_pool *pool = create_pool(0);
    if (bp_pool_stats(pool, &stats) != BP_OK) give_up();
    bench_condition("bundle", bundle);
    bench_condition_number("ranks", size);
    bench_condition_number("nodes", stats.num_nodes);
    measure_answers(pool, repeats);
    measure_idle(stats.num_nodes, seconds, repeats);
    destroy_pool(pool);
    measure_stolen(seconds, repeats);
    MPI_Finalize();
    return 0;
}
