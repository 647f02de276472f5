/* How the cost of a get grows: with nodes, bytes, resident bundles and ranks. One run is one point.
 *
 *     mpirun -n R bench_growth --root DIR --bundle NAME [--resident K] [--hits N] [--repeats N] [--axis TEXT]
 *                              [--link-mbit M] [--json]
 *
 * The layout comes from the environment: BUNDLEPOOL_RANKS_PER_NODE, BUNDLEPOOL_POOL_MEMORY. K bundles are
 * resident: names of their own for the one file. They stay until they are invalidated (max_staleness_ms =
 * -1), so that a hit is a hit whatever K is. A repeat is
 *
 *  invalidate  bp_pool_invalidate of one bundle by rank 0, until it returns
 *  miss        from a common start until the last rank has got it again; also as image bytes per second
 *  hit         get + release by the last rank, going round all K bundles; the mean of N
 *  load        bp_bundle_load by rank 0 alone: what the pool adds to is this
 *
 * "messages" are those of a whole repeat, that is of one invalidation and one load: sent by all ranks, and
 * sent and received by rank 0. They are counted by wrappers of the MPI calls that the pool makes. */
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "support.h"

#define MAX_RESIDENT 4000
#define NAME_FORMAT  "r%04d"

typedef struct bench {
    int rank, num_ranks, resident, hits, repeats;
    char folder[64], file[BP_PATH_MAX];
    const char *root, *bundle;
    bp_pool *pool;
} bench;

/* Counting ---------------------------------------------------------------------------------------- */

static _Atomic int64_t sent, received;

int MPI_Isend(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed);
    return PMPI_Isend(buf, count, type, dest, tag, comm, request);
}

int MPI_Send(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm)
{
    atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed);
    return PMPI_Send(buf, count, type, dest, tag, comm);
}

int MPI_Irecv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
    return PMPI_Irecv(buf, count, type, source, tag, comm, request);
}

int MPI_Imrecv(void *buf, int count, MPI_Datatype type, MPI_Message *message, MPI_Request *request)
{
    atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
    return PMPI_Imrecv(buf, count, type, message, request);
}

int MPI_Mrecv(void *buf, int count, MPI_Datatype type, MPI_Message *message, MPI_Status *status)
{
    atomic_fetch_add_explicit(&received, 1, memory_order_relaxed);
    return PMPI_Mrecv(buf, count, type, message, status);
}

/* Measuring --------------------------------------------------------------------------------------- */

static void nap_until(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0) continue;
}

/* A moment at which every rank can start: ranks of one machine share CLOCK_MONOTONIC. */
static double common_start(const bench *b)
{
    double at = bench_seconds() + 0.01 + 0.001 * b->num_ranks;
    bench_meet();
    MPI_Bcast(&at, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return at;
}

static uint64_t get(const bench *b, int k)
{
    char name[16];
    const bp_bundle *bundle;
    snprintf(name, sizeof name, NAME_FORMAT, k);
    if (bp_pool_get(b->pool, name, &bundle) != BP_OK) bench_die("rank %d: %s", b->rank, bp_error_text());
    uint64_t bytes = bp_bundle_bytes(bundle);
    bp_bundle_release(&bundle);
    return bytes;
}

static double invalidate(const bench *b)
{
    char name[16];
    snprintf(name, sizeof name, NAME_FORMAT, 0);
    double from = bench_seconds();
    if (b->rank == 0 && bp_pool_invalidate(b->pool, name) != BP_OK) bench_die("%s", bp_error_text());
    return bench_seconds() - from;
}

/* @return on rank 0, seconds until the last rank has it */
static double miss(const bench *b)
{
    double from = common_start(b), end, last = 0;
    nap_until(from);
    get(b, 0);
    end = bench_seconds();
    bench_meet();
    MPI_Reduce(&end, &last, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    return last - from;
}

/* @return on rank 0, seconds of a hit of the last rank */
static double hit(const bench *b)
{
    char(*name)[16] = malloc((size_t)b->resident * sizeof *name);
    double each = 0;
    if (!name) bench_die("no memory for names");
    for (int k = 0; k < b->resident; k++) snprintf(name[k], sizeof name[k], NAME_FORMAT, k);
    if (b->rank == b->num_ranks - 1) {
        double from = bench_seconds();
        for (int i = 0, k = 0; i < b->hits; i++, k = k + 1 < b->resident ? k + 1 : 0) {
            const bp_bundle *bundle;
            if (bp_pool_get(b->pool, name[k], &bundle) != BP_OK) bench_die("%s", bp_error_text());
            bp_bundle_release(&bundle);
        }
        each = (bench_seconds() - from) / b->hits;
    }
    free(name);
    bench_meet();
    MPI_Bcast(&each, 1, MPI_DOUBLE, b->num_ranks - 1, MPI_COMM_WORLD);
    return each;
}

static double load(const bench *b)
{
    const bp_bundle *bundle;
    double from = bench_seconds();
    if (b->rank == 0) {
        if (bp_bundle_load(b->root, b->bundle, &bundle) != BP_OK) bench_die("%s", bp_error_text());
        from = bench_seconds() - from;
        bp_bundle_release(&bundle);
    }
    bench_meet();
    return from;
}

static void measure(bench *b)
{
    int64_t own[2] = {0}, all[2] = {0};
    uint64_t bytes = 0;
    for (int k = 0; k < b->resident; k++) bytes = get(b, k);
    bench_condition_number("image_bytes", (int64_t)bytes);
    for (int i = 0; i < b->repeats; i++) {
        bench_meet();
        int64_t sent0 = sent, received0 = received;
        double gone = invalidate(b), missed = miss(b);
        bench_meet();
        own[0] += sent - sent0;
        own[1] += received - received0;
        double hits = hit(b), alone = load(b);
        if (b->rank != 0) continue;
        bench_sample("invalidate", "time", "ns", i, gone * 1e9);
        bench_sample("miss", "time", "ns", i, missed * 1e9);
        bench_sample("miss", "rate", "bytes/s", i, (double)bytes / missed);
        bench_sample("hit", "time", "ns", i, hits * 1e9);
        bench_sample("load", "time", "ns", i, alone * 1e9);
        bench_sample("load", "rate", "bytes/s", i, (double)bytes / alone);
    }
    MPI_Reduce(own, all, 2, MPI_INT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    if (b->rank != 0) return;
    bench_sample("messages", "all", "messages", -1, (double)all[0] / b->repeats);
    bench_sample("messages", "rank0", "messages", -1, (double)(own[0] + own[1]) / b->repeats);
}

/* Setting up -------------------------------------------------------------------------------------- */

static void make_folder(bench *b)
{
    struct stat st;
    char link[BP_PATH_MAX], path[BP_PATH_MAX];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/%s.h5", b->root, b->bundle);
    snprintf(b->folder, sizeof b->folder, "%.40s/bench_growth-XXXXXX", tmp ? tmp : "/tmp");
    if (b->rank != 0) return;
    if (stat(path, &st) != 0) bench_die("%s: no such bundle", path);
    char *real = realpath(path, NULL);
    if (!real || !mkdtemp(b->folder)) bench_die("%s: cannot be created", b->folder);
    for (int k = 0; k < b->resident; k++) {
        snprintf(link, sizeof link, "%s/" NAME_FORMAT ".h5", b->folder, k);
        if (symlink(real, link) != 0) bench_die("%s: cannot be created", link);
    }
    free(real);
    bench_condition_number("stored_bytes", (int64_t)st.st_size);
}

static void remove_folder(const bench *b)
{
    char link[BP_PATH_MAX];
    if (b->rank != 0) return;
    for (int k = 0; k < b->resident; k++) {
        snprintf(link, sizeof link, "%s/" NAME_FORMAT ".h5", b->folder, k);
        unlink(link);
    }
    rmdir(b->folder);
}

static int count_machines(void)
{
    MPI_Comm machine;
    int rank, first, machines;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Comm_rank(machine, &rank);
    MPI_Comm_free(&machine);
    first = rank == 0;
    MPI_Allreduce(&first, &machines, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return machines;
}

static void create_pool(bench *b)
{
    bp_config cfg = bp_config_init();
    bp_stats stats = bp_stats_init();
    if (bp_config_default(&cfg) != BP_OK || bp_config_from_env(&cfg) != BP_OK)
        bench_die("%s", bp_error_text());
    MPI_Bcast(b->folder, sizeof b->folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    snprintf(cfg.root, sizeof cfg.root, "%s", b->folder);
    cfg.max_bundle_pool_size = b->resident;
    cfg.max_staleness_ms = -1;
    if (bp_pool_create(MPI_COMM_WORLD, &cfg, &b->pool) != BP_OK || bp_pool_stats(b->pool, &stats) != BP_OK)
        bench_die("%s", bp_error_text());
    bench_condition_number("ranks", b->num_ranks);
    bench_condition_number("nodes", stats.num_nodes);
    bench_condition_number("resident", b->resident);
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n R bench_growth --root DIR --bundle NAME [--resident 1] [--hits 1000] [--repeats "
          "5]\n"
          "                                [--axis TEXT] [--link-mbit M] [--json]\n"
          "Times a miss of all ranks, a hit and an invalidation, and counts messages. --axis and --link-mbit "
          "go\n"
          "into the output as they are: why this point was measured, and how fast the hosts' links are.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"root", 1, 0, 'r'},     {"bundle", 1, 0, 'b'},
                                          {"resident", 1, 0, 'k'}, {"hits", 1, 0, 'i'},
                                          {"axis", 1, 0, 'a'},     {"link-mbit", 1, 0, 'l'},
                                          {"repeats", 1, 0, 'n'},  {"json", 0, 0, 'j'},
                                          {"help", 0, 0, 'h'},     {0}};
    bench b = {.resident = 1, .hits = 1000, .repeats = 5, .root = "bundles"};
    int level, o;
    bool asked = false, wrong = false;
    bench_name = "growth";
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b.num_ranks);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (o) {
        case 'r': b.root = optarg; break;
        case 'b': b.bundle = optarg; break;
        case 'k': b.resident = atoi(optarg); break;
        case 'i': b.hits = atoi(optarg); break;
        case 'a': bench_condition("axis", optarg); break;
        case 'l': bench_condition_number("link_mbit", atoi(optarg)); break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'j': bench_json = true; break;
        case 'h': asked = true; break;
        default: wrong = true;
        }
    }
    wrong = wrong || optind < argc || !b.bundle || b.resident < 1 || b.resident > MAX_RESIDENT ||
            b.hits < 1 || b.repeats < 1;
    if (asked || wrong) {
        if (b.rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }
    bench_condition("bundle", b.bundle);
    bench_condition_number("machines", count_machines());
    make_folder(&b);
    create_pool(&b);
    measure(&b);
    if (bp_pool_destroy(&b.pool) != BP_OK) bench_die("%s", bp_error_text());
    remove_folder(&b);
    MPI_Finalize();
    return 0;
}
