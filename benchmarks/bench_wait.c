/* What waiting costs: the processor time of an idle pool, and how long an idle pool takes to answer a rank of
 * its last node.
 *
 *     mpirun -n R bench_wait --root DIR --bundle NAME [--ranks-per-node K] [--seconds S] [--repeats N]
 * [--json]
 *
 *  idle   processor time of each node's processes while all ranks sleep, after a quiet second, as a share of
 * one core ask    bp_pool_get with max_staleness_ms = 0 on the last rank: one question to rank 0 miss
 * invalidate by rank 0, then bp_pool_get on the last rank: a load, published on all nodes load   the same
 * load by one process alone (bp_bundle_load)
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <bundlepool/bundlepool.h>

#include "core/clock.h"

static int rank, size;

static void nap(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* All ranks meet without spinning. */
static void meet(void)
{
    int done = 0;
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    for (MPI_Test(&request, &done, MPI_STATUS_IGNORE); !done; MPI_Test(&request, &done, MPI_STATUS_IGNORE))
        nap(0.002);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool get(bp_pool *pool, const char *bundle, double *ms)
{
    const bp_bundle *b;
    uint64_t from = bp__clock_ns();
    if (bp_pool_get(pool, bundle, &b) != BP_OK) return false;
    *ms = (double)(bp__clock_ns() - from) * 1e-6;
    bp_bundle_release(&b);
    return true;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"root", 1, 0, 'r'},    {"bundle", 1, 0, 'b'}, {"ranks-per-node", 1, 0, 'k'}, {"seconds", 1, 0, 's'},
        {"repeats", 1, 0, 'n'}, {"json", 0, 0, 'j'},   {"help", 0, 0, 'h'},           {0}};
    const char *root = "bundles", *bundle = NULL, *per_node = "0";
    double seconds = 2;
    int repeats = 9, json = 0, level, o;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 'r')
            root = optarg;
        else if (o == 'b')
            bundle = optarg;
        else if (o == 'k')
            per_node = optarg;
        else if (o == 's')
            seconds = atof(optarg);
        else if (o == 'n')
            repeats = atoi(optarg);
        else if (o == 'j')
            json = 1;
        else
            bundle = NULL, optind = argc;
    }
    if (!bundle || seconds <= 0 || repeats < 1 || repeats > 1000) {
        if (rank == 0)
            fputs("usage: mpirun -n R bench_wait --root DIR --bundle NAME [--ranks-per-node K] [--seconds S] "
                  "[--repeats N] [--json]\n",
                  stderr);
        MPI_Finalize();
        return 2;
    }

    bp_config cfg;
    bp_pool *pool;
    bp_stats stats;
    double ask[1000], miss[1000], load[1000];
    bp_config_default(&cfg);
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    bool ok = bp_config_set(&cfg, "ranks_per_node", per_node, "--ranks-per-node") == BP_OK &&
              bp_pool_create(MPI_COMM_WORLD, &cfg, &pool) == BP_OK && bp_pool_stats(pool, &stats) == BP_OK;
    bool last = rank == size - 1;
    for (int i = 0; i < repeats && ok; i++) {
        meet();
        if (rank == 0) ok = bp_pool_invalidate(pool, bundle) == BP_OK;
        meet();
        if (last) ok = ok && get(pool, bundle, &miss[i]) && get(pool, bundle, &ask[i]);
        meet();
        if (last) {
            const bp_bundle *b;
            uint64_t from = bp__clock_ns();
            ok = ok && bp_bundle_load(root, bundle, &b) == BP_OK;
            load[i] = (double)(bp__clock_ns() - from) * 1e-6;
            if (ok) bp_bundle_release(&b);
        }
    }
    meet();
    nap(1);
    double cpu = cpu_seconds();
    nap(seconds);
    cpu = (cpu_seconds() - cpu) / seconds;
    double all = 0;
    MPI_Reduce(&cpu, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    double result[3] = {0};
    if (last) {
        qsort(ask, (size_t)repeats, sizeof *ask, by_value);
        qsort(miss, (size_t)repeats, sizeof *miss, by_value);
        qsort(load, (size_t)repeats, sizeof *load, by_value);
        result[0] = ask[repeats / 2];
        result[1] = miss[repeats / 2];
        result[2] = load[repeats / 2];
    }
    MPI_Bcast(result, 3, MPI_DOUBLE, size - 1, MPI_COMM_WORLD);
    if (!ok) fprintf(stderr, "bench_wait: error: rank %d: %s\n", rank, bp_error_text());
    double idle = all / stats.num_nodes;
    if (rank == 0 && json)
        printf(
            "{\"benchmark\": \"wait\", \"ranks\": %d, \"nodes\": %d, \"idle_cost\": %.4f, \"ask_ms\": %.3f, "
            "\"miss_ms\": %.3f, \"load_ms\": %.3f}\n",
            size, stats.num_nodes, idle, result[0], result[1], result[2]);
    else if (rank == 0)
        printf("%d ranks, %d nodes: idle %.2f %% of a core per node; ask %.2f ms; miss %.2f ms (the load "
               "alone %.2f ms)\n",
               size, stats.num_nodes, idle * 100, result[0], result[1], result[2]);
    bp_pool_destroy(&pool);
    MPI_Finalize();
    return ok ? 0 : 1;
}
