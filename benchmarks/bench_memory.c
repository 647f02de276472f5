/* What an image costs in memory when all ranks of a node use it: one pool beside private copies.
 *
 *     mpirun -n R bench_memory --root DIR --bundle NAME [--repeats N] [--json]
 *
 * Memory is PSS (a page that k processes map counts 1/k in each), added up over the ranks, which are all on
 * one machine. Growth is from just before until every rank has summed every column, and all still hold the
 * bundle.
 *
 * - pool, growth: in images; bp_pool_get, from after bp_pool_create
 * - private, growth: in images; bp_bundle_load on each rank, once: it takes as long as R loads
 * - growth_own: without pages of files (libraries): their PSS depends on which other programs run
 * - pool, rank: bytes that a rank grows by in the first bp_pool_create, pages of files left out; median
 *   of the ranks but the node's first
 * - pool, node: bytes that this takes beyond it: R times `rank` + `node` is all of it */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

#include <bundlepool/bundlepool.h>

#include "core/memory.h"

#include "support.h"

typedef struct memory_used {
    double pss, own; /* bytes; own: without pages of files */
} memory_used;

static int rank, size;
static const char *root = "bundles", *bundle;
static volatile double sink;

static memory_used look(void)
{
    unsigned long long pss = 0, file = 0;
    int found = 0;
    char line[128];
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    if (!f) bench_die("/proc/self/smaps_rollup cannot be opened: Linux 5.9 or later is needed");
    while (fgets(line, sizeof line, f)) {
        found += sscanf(line, "Pss: %llu kB", &pss) == 1;
        found += sscanf(line, "Pss_File: %llu kB", &file) == 1;
    }
    fclose(f);
    if (found != 2)
        bench_die("/proc/self/smaps_rollup has no Pss and Pss_File: Linux 5.9 or later is needed");
    return (memory_used){(double)pss * 1024, (double)(pss - file) * 1024};
}

/* Of all ranks together, the same on each; no rank goes on before all have looked. */
static memory_used look_at_all(void)
{
    bench_meet();
    memory_used mine = look(), all;
    bench_meet();
    MPI_Allreduce(&mine, &all, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

static void sum_every_column(const bp_bundle *b)
{
    double sum = 0;
    for (int c = 0; c < BP_NUM_COLUMNS; c++) {
        bp_array a;
        bp_bundle_column(b, (bp_column)c, &a);
        uint64_t n = a.shape[0] * a.shape[1];
        if (a.type == BP_TYPE_F64)
            for (uint64_t i = 0; i < n; i++) sum += ((const double *)a.data)[i];
        else if (a.type == BP_TYPE_I64)
            for (uint64_t i = 0; i < n; i++) sum += (double)((const int64_t *)a.data)[i];
        else if (a.type == BP_TYPE_U32)
            for (uint64_t i = 0; i < n; i++) sum += ((const uint32_t *)a.data)[i];
        else
            for (uint64_t i = 0; i < n; i++) sum += ((const unsigned char *)a.data)[i];
    }
    sink = sum;
}

/* Takes the bundle from the pool, or from the file where there is none, and gives it back. */
static void measure_growth(const char *name_of_case, int repeat, bp_pool *pool)
{
    const bp_bundle *b;
    memory_used before = look_at_all();
    if ((pool ? bp_pool_get(pool, bundle, &b) : bp_bundle_load(root, bundle, &b)) != BP_OK)
        bench_die("rank %d: %s", rank, bp_error_text());
    sum_every_column(b);
    memory_used after = look_at_all();
    double image = (double)bp_bundle_bytes(b);
    bp_bundle_release(&b);
    if (rank != 0) return;
    bench_sample(name_of_case, "growth", "images", repeat, (after.pss - before.pss) / image);
    bench_sample(name_of_case, "growth_own", "images", repeat, (after.own - before.own) / image);
}

static bp_pool *create_pool(void)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    bp_config_default(&cfg);
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    if (bp_pool_create(MPI_COMM_WORLD, &cfg, &pool) != BP_OK) bench_die("rank %d: %s", rank, bp_error_text());
    return pool;
}

/* @param mine  bytes that this rank grew by when the pool was created */
static void print_needs(double mine)
{
    double all[size], sum = 0;
    MPI_Gather(&mine, 1, MPI_DOUBLE, all, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    if (rank != 0) return;
    for (int i = 0; i < size; i++) sum += all[i];
    double other = size > 1 ? bench_median(all + 1, size - 1) : 0;
    if (size > 1) bench_sample("pool", "rank", "B", -1, other);
    bench_sample("pool", "node", "B", -1, sum - size * other);
}

static void measure_pool(int repeats)
{
    for (int r = 0; r < repeats; r++) {
        bench_meet();
        double before = look().own;
        bench_meet();
        bp_pool *pool = create_pool();
        bench_meet();
        double created = look().own;
        bench_meet();
        if (r == 0) print_needs(created - before);
        measure_growth("pool", r, pool);
        if (bp_pool_destroy(&pool) != BP_OK) bench_die("rank %d: %s", rank, bp_error_text());
    }
}

static void measure_private(void)
{
    const bp_bundle *b;
    bp__memory memory;
    int fits = 0;
    if (rank == 0) {
        if (bp_bundle_load(root, bundle, &b) != BP_OK || bp__memory_look(&memory) != BP_OK)
            bench_die("%s", bp_error_text());
        fits = bp_bundle_bytes(b) < memory.available / (unsigned)size / 3 * 2 &&
               bp_bundle_bytes(b) < memory.cgroup / (unsigned)size / 3 * 2;
        bp_bundle_release(&b);
    }
    MPI_Bcast(&fits, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!fits) {
        if (rank == 0) bench_missing("private", "growth", "images", "not enough memory for a copy per rank");
        return;
    }
    measure_growth("private", -1, NULL);
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n R bench_memory --root DIR --bundle NAME [--repeats 5] [--json]\n"
          "Measures by how much the memory of R ranks of one machine grows when all use one bundle: pool "
          "beside\n"
          "private copies; and what the pool itself needs.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"root", 1, 0, 'r'}, {"bundle", 1, 0, 'b'}, {"repeats", 1, 0, 'n'},
                                          {"json", 0, 0, 'j'}, {"help", 0, 0, 'h'},   {0}};
    int repeats = 5, level, o;
    bool asked = false, wrong = false;
    bench_name = "memory";
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    opterr = rank == 0;
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 'r')
            root = optarg;
        else if (o == 'b')
            bundle = optarg;
        else if (o == 'n')
            repeats = atoi(optarg);
        else if (o == 'j')
            bench_json = true;
        else if (o == 'h')
            asked = true;
        else
            wrong = true;
    }
    wrong = wrong || optind < argc || !bundle || repeats < 1;
    if (asked || wrong) {
        if (rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }
    bench_condition("bundle", bundle);
    bench_condition_number("ranks", size);
    int mine[size], theirs[size]; /* what MPI needs to reach everybody is not the pool's */
    memset(mine, 0, sizeof mine);
    MPI_Alltoall(mine, 1, MPI_INT, theirs, 1, MPI_INT, MPI_COMM_WORLD);
    measure_pool(repeats);
    measure_private();
    MPI_Finalize();
    return 0;
}
