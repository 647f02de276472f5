/* What a warm hit costs: bp_pool_get by name + bp_bundle_release, beside what else one might do.
 *
 *     mpirun -n R bench_hit --root DIR --bundle NAME [--batches N] [--json]
 *
 * All ranks measure at the same time. A sample is the mean of a batch of calls timed together (a single call
 * is as short as reading the clock), p50 and p99 are over the samples of all ranks. */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bundlepool/bundlepool.h>

#include "core/clock.h"

typedef struct subject {
    const char *name, *what;
    bp_pool *pool;
    const char *bundle;
    char path[BP_PATH_MAX + 80];
    pthread_mutex_t lock;
    long references;
    const void *pointer;
} subject;

static volatile uintptr_t sink;

static bool get_release(subject *s)
{
    const bp_bundle *b;
    if (bp_pool_get(s->pool, s->bundle, &b) != BP_OK) return false;
    sink = (uintptr_t)b;
    bp_bundle_release(&b);
    return true;
}

static bool plain_stat(subject *s)
{
    struct stat st;
    return stat(s->path, &st) == 0;
}

/* What one would write for threads of one process: nothing is looked up, nothing is checked. */
static bool mutex_count(subject *s)
{
    pthread_mutex_lock(&s->lock);
    s->references++;
    pthread_mutex_unlock(&s->lock);
    sink = (uintptr_t)s->pointer;
    pthread_mutex_lock(&s->lock);
    s->references--;
    pthread_mutex_unlock(&s->lock);
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* p50 and p99 in ns over the samples of all ranks, on rank 0. */
static bool measure(subject *s, bool (*call)(subject *), int batches, int batch, double *p50, double *p99)
{
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    double *mine = malloc((size_t)batches * sizeof *mine), *all = NULL;
    if (rank == 0) all = malloc((size_t)batches * (size_t)size * sizeof *all);
    if (!mine || (rank == 0 && !all)) return false;
    for (int i = 0; i < batch; i++)
        if (!call(s)) return false;
    MPI_Barrier(MPI_COMM_WORLD);
    for (int k = 0; k < batches; k++) {
        uint64_t from = bp__clock_ns();
        for (int i = 0; i < batch; i++)
            if (!call(s)) return false;
        mine[k] = (double)(bp__clock_ns() - from) / batch;
    }
    MPI_Gather(mine, batches, MPI_DOUBLE, all, batches, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    if (rank == 0) {
        size_t n = (size_t)batches * (size_t)size;
        qsort(all, n, sizeof *all, by_value);
        *p50 = all[n / 2];
        *p99 = all[n * 99 / 100];
    }
    free(mine);
    free(all);
    return true;
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n R bench_hit --root DIR --bundle NAME [--batches N] [--json]\n"
          "Times bp_pool_get + bp_bundle_release on a resident bundle.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"root", 1, 0, 'r'}, {"bundle", 1, 0, 'b'}, {"batches", 1, 0, 'n'},
                                          {"json", 0, 0, 'j'}, {"help", 0, 0, 'h'},   {0}};
    const char *root = "bundles", *bundle = NULL;
    int batches = 2000, rank, size, level, json = 0, o;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 'r')
            root = optarg;
        else if (o == 'b')
            bundle = optarg;
        else if (o == 'n')
            batches = atoi(optarg);
        else if (o == 'j')
            json = 1;
        else {
            if (rank == 0) usage(o == 'h' ? stdout : stderr);
            MPI_Finalize();
            return o == 'h' ? 0 : 2;
        }
    }
    if (!bundle || batches < 1) {
        if (rank == 0) usage(stderr);
        MPI_Finalize();
        return 2;
    }

    subject s[4] = {
        {.name = "get_staleness_1000", .what = "get + release, max_staleness_ms = 1000", .bundle = bundle},
        {.name = "get_staleness_0", .what = "get + release, max_staleness_ms = 0", .bundle = bundle},
        {.name = "stat", .what = "stat() of the same file"},
        {.name = "mutex_count", .what = "mutex + reference count"},
    };
    bool (*call[4])(subject *) = {get_release, get_release, plain_stat, mutex_count};
    bool ok = true;
    double p50[4] = {0}, p99[4] = {0};
    for (int i = 0; i < 2 && ok; i++) {
        bp_config cfg;
        bp_config_default(&cfg);
        snprintf(cfg.root, sizeof cfg.root, "%s", root);
        cfg.max_staleness_ms = i == 0 ? 1000 : 0;
        ok = bp_pool_create(MPI_COMM_WORLD, &cfg, &s[i].pool) == BP_OK;
        const bp_bundle *b;
        ok = ok && bp_pool_get(s[i].pool, bundle, &b) == BP_OK;
        if (ok) bp_bundle_release(&b);
    }
    snprintf(s[2].path, sizeof s[2].path, "%s/%s.h5", root, bundle);
    pthread_mutex_init(&s[3].lock, NULL);
    s[3].pointer = s;
    for (int i = 0; i < 4 && ok; i++)
        ok = measure(&s[i], call[i], batches, i == 1 || i == 2 ? 20 : 200, &p50[i], &p99[i]);

    if (!ok) fprintf(stderr, "bench_hit: error: %s\n", bp_error_text());
    for (int i = 0; rank == 0 && ok && i < 4; i++) {
        if (json)
            printf("{\"benchmark\": \"get\", \"case\": \"%s\", \"ranks\": %d, \"p50_ns\": %.1f, \"p99_ns\": "
                   "%.1f, "
                   "\"p50_over_stat\": %.3f}\n",
                   s[i].name, size, p50[i], p99[i], p50[i] / p50[2]);
        else
            printf("%-42s p50 %8.1f ns   p99 %8.1f ns   %6.3f x stat\n", s[i].what, p50[i], p99[i],
                   p50[i] / p50[2]);
    }
    for (int i = 0; i < 2; i++) bp_pool_destroy(&s[i].pool);
    MPI_Finalize();
    return ok ? 0 : 1;
}
