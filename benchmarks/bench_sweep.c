/* A working set larger than the pool: hit rate and time beside a pool without that limit, and beside the
 * optimum.
 *
 *     mpirun -n R bench_sweep [--bundles 24] [--room 8] [--gets 200] [--repeats 5] [--seed 1] [--json]
 *
 * Every rank makes so many gets, of bundles by Zipf's law (s = 1), and sums a column of each; when rank 0 is
 * half-way it replaces the most popular bundle's file. max_staleness_ms is 0, so every get looks for that.
 * The hit rate is the share of gets that caused no load: 1 - loads / gets.
 *
 * The order of accesses, merged by the time at which each get was answered, is replayed with as much room:
 * once with Belady's choice (evict what is needed again last), which nobody can beat on this order, and once
 * with exact LRU, which is what the pool says it does. A replay knows versions: the replaced file is another
 * object. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "io/hdf5/h5write.h"
#include "support.h"

#define ASSETS       100
#define SESSIONS     250 /* of the first version; the second has one more, and is known by that */
#define MAX_BUNDLES  1000
#define NEVER        INT32_MAX
#define NAME_FORMAT  "s%03d"
#define MAX_ACCESSES 10000000

typedef struct access {
    double when;
    int32_t object; /* bundle, or bundle + number of bundles: its second version */
} access_t;

typedef struct bench {
    int rank, num_ranks, bundles, room, gets, repeats;
    uint64_t seed;
    char folder[64];
    double *zipf; /* [bundles] cumulative */
    double sum;   /* keeps the reading of columns */
} bench;

/* Bundles ----------------------------------------------------------------------------------------- */

static bp_status write_bundle(const bench *b, int k, size_t sessions)
{
    bp__draft draft;
    char name[16], path[128];
    snprintf(name, sizeof name, NAME_FORMAT, k);
    snprintf(path, sizeof path, "%s/%s.h5", b->folder, name);
    bp__bar *bars = calloc(sessions + 1, sizeof *bars);
    if (!bars) BP_FAIL(BP_ENOMEM, "no memory for %zu bars", sessions);
    bp_status s = bp__draft_init(&draft, name, NULL);
    for (size_t i = 0; s == BP_OK && i < ASSETS; i++) {
        for (size_t t = 0; t < sessions; t++) {
            bars[t].dt = (14610 + (int64_t)t) * BP_NS_PER_DAY;
            for (int f = 0; f < BP__NUM_FIELDS; f++)
                bars[t].value[f] = (double)(1000 + (i * sessions + t) % 977) / (f == BP__VOLUME ? 1 : 1000);
        }
        s = bp__draft_add_bars(&draft, BP__DAILY, (int64_t)i, bars, sessions, NULL);
    }
    if (s == BP_OK) s = bp__draft_finish(&draft);
    if (s == BP_OK) s = bp__h5_write(&draft, path, &(bp__write_options){0});
    free(bars);
    bp__draft_fini(&draft);
    return s;
}

static void write_bundle_or_die(const bench *b, int k, size_t sessions)
{
    if (write_bundle(b, k, sessions) != BP_OK) bench_die("%s", bp_error_text());
}

static void make_bundles(bench *b)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(b->folder, sizeof b->folder, "%.40s/bench_sweep-XXXXXX", tmp ? tmp : "/tmp");
    if (b->rank == 0) {
        if (!mkdtemp(b->folder)) bench_die("%s: cannot be created", b->folder);
        for (int k = 0; k < b->bundles; k++) write_bundle_or_die(b, k, SESSIONS);
    }
    MPI_Bcast(b->folder, sizeof b->folder, MPI_CHAR, 0, MPI_COMM_WORLD);
}

static void remove_bundles(const bench *b)
{
    char path[128];
    if (b->rank != 0) return;
    for (int k = 0; k < b->bundles; k++) {
        snprintf(path, sizeof path, "%s/" NAME_FORMAT ".h5", b->folder, k);
        unlink(path);
    }
    rmdir(b->folder);
}

/* Accesses ---------------------------------------------------------------------------------------- */

static double uniform(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static int pick(const bench *b, uint64_t *state)
{
    double u = uniform(state);
    int k = 0;
    while (k < b->bundles - 1 && u >= b->zipf[k]) k++;
    return k;
}

static void get(bench *b, bp_pool *pool, int k, access_t *a)
{
    char name[16];
    const bp_bundle *bundle;
    snprintf(name, sizeof name, NAME_FORMAT, k);
    if (bp_pool_get(pool, name, &bundle) != BP_OK) bench_die("rank %d: %s", b->rank, bp_error_text());
    a->when = bench_seconds();
    size_t sessions = bp_bundle_num_sessions(bundle);
    const double *close = bp_bundle_daily(bundle, BP_COL_CLOSE);
    for (size_t i = 0; i < ASSETS * sessions; i++) b->sum += close[i];
    a->object = sessions == SESSIONS ? k : k + b->bundles;
    bp_bundle_release(&bundle);
}

/* One sweep through a new pool with room for `room` bundles.
 * @param[out] all  [ranks * gets] on rank 0: every access */
static void sweep(bench *b, int repeat, int room, access_t *own, access_t *all, bp_stats *stats,
                  double *seconds)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    uint64_t state = b->seed + (uint64_t)repeat * 1000003 + (uint64_t)b->rank * 7919;
    if (b->rank == 0) write_bundle_or_die(b, 0, SESSIONS);
    if (bp_config_default(&cfg) != BP_OK || bp_config_from_env(&cfg) != BP_OK)
        bench_die("%s", bp_error_text());
    snprintf(cfg.root, sizeof cfg.root, "%s", b->folder);
    cfg.max_bundle_pool_size = room;
    cfg.max_staleness_ms = 0;
    if (bp_pool_create(MPI_COMM_WORLD, &cfg, &pool) != BP_OK) bench_die("%s", bp_error_text());
    bench_meet();
    double from = bench_seconds();
    for (int i = 0; i < b->gets; i++) {
        if (b->rank == 0 && i == b->gets / 2) write_bundle_or_die(b, 0, SESSIONS + 1);
        get(b, pool, pick(b, &state), &own[i]);
    }
    double own_seconds = bench_seconds() - from;
    bench_meet();
    MPI_Reduce(&own_seconds, seconds, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (bp_pool_stats(pool, stats) != BP_OK) bench_die("%s", bp_error_text());
    MPI_Gather(own, b->gets * (int)sizeof *own, MPI_BYTE, all, b->gets * (int)sizeof *own, MPI_BYTE, 0,
               MPI_COMM_WORLD);
    if (bp_pool_destroy(&pool) != BP_OK) bench_die("%s", bp_error_text());
}

/* Replaying --------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    double x = ((const access_t *)a)->when, y = ((const access_t *)b)->when;
    return (x > y) - (x < y);
}

/* @param[out] next  [n] place of the next access to the same object, or NEVER */
static void find_next(const access_t *order, int n, int num_objects, int32_t *next)
{
    int32_t *last = malloc((size_t)num_objects * sizeof *last);
    if (!last) bench_die("no memory to replay %d accesses", n);
    for (int k = 0; k < num_objects; k++) last[k] = NEVER;
    for (int i = n - 1; i >= 0; i--) {
        next[i] = last[order[i].object];
        last[order[i].object] = i;
    }
    free(last);
}

/* @return loads that `room` places need for these accesses in this order */
static int replay(const access_t *order, const int32_t *next, int n, int room, bool optimal)
{
    struct {
        int32_t object, next, used;
    } place[MAX_BUNDLES];
    int loads = 0, count = 0;
    for (int i = 0; i < n; i++) {
        int k = 0, victim = 0;
        while (k < count && place[k].object != order[i].object) k++;
        if (k == count) {
            loads++;
            for (int v = 1; v < count; v++)
                if (optimal ? place[v].next > place[victim].next : place[v].used < place[victim].used)
                    victim = v;
            k = count < room ? count++ : victim;
        }
        place[k].object = order[i].object;
        place[k].next = next[i];
        place[k].used = i;
    }
    return loads;
}

/* Reporting --------------------------------------------------------------------------------------- */

static double rate(uint64_t loads, int gets)
{
    return 1 - (double)loads / gets;
}

static void print_sweep(const char *name, int repeat, const bp_stats *stats, int gets, double seconds)
{
    bench_sample(name, "time", "ns", repeat, seconds * 1e9);
    bench_sample(name, "hit_rate", "ratio", repeat, rate(stats->cluster.loads, gets));
    bench_sample(name, "waited", "ratio", repeat, (double)stats->cluster.misses / gets);
}

static void measure(bench *b)
{
    int n = b->gets * b->num_ranks;
    access_t *own = calloc((size_t)b->gets, sizeof *own);
    access_t *all = calloc(b->rank == 0 ? (size_t)n : 1, sizeof *all);
    int32_t *next = calloc((size_t)n, sizeof *next);
    if (!own || !all || !next) bench_die("no memory for %d accesses", n);
    for (int i = 0; i < b->repeats; i++) {
        bp_stats stats = bp_stats_init();
        double seconds;
        sweep(b, i, b->bundles, own, all, &stats, &seconds);
        if (b->rank == 0) print_sweep("unlimited", i, &stats, n, seconds);
        sweep(b, i, b->room, own, all, &stats, &seconds);
        if (b->rank != 0) continue;
        print_sweep("pool", i, &stats, n, seconds);
        qsort(all, (size_t)n, sizeof *all, by_time);
        find_next(all, n, 2 * b->bundles, next);
        double optimum = rate((uint64_t)replay(all, next, n, b->room, true), n);
        bench_sample("belady", "hit_rate", "ratio", i, optimum);
        bench_sample("lru", "hit_rate", "ratio", i, rate((uint64_t)replay(all, next, n, b->room, false), n));
        bench_sample("pool", "over_optimum", "ratio", i, rate(stats.cluster.loads, n) / optimum);
    }
    free(own);
    free(all);
    free(next);
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n R bench_sweep [--bundles 24] [--room 8] [--gets 200] [--repeats 5] [--seed 1] "
          "[--json]\n"
          "Sweeps over more bundles than the pool has room for, and says how far that is from the optimum.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"bundles", 1, 0, 'b'}, {"room", 1, 0, 'r'}, {"gets", 1, 0, 'g'}, {"repeats", 1, 0, 'n'},
        {"seed", 1, 0, 's'},    {"json", 0, 0, 'j'}, {"help", 0, 0, 'h'}, {0}};
    bench b = {.bundles = 24, .room = 8, .gets = 200, .repeats = 5, .seed = 1};
    int level, o;
    bool asked = false, wrong = false;
    bench_name = "sweep";
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b.num_ranks);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (o) {
        case 'b': b.bundles = atoi(optarg); break;
        case 'r': b.room = atoi(optarg); break;
        case 'g': b.gets = atoi(optarg); break;
        case 'n': b.repeats = atoi(optarg); break;
        case 's': b.seed = strtoull(optarg, NULL, 10); break;
        case 'j': bench_json = true; break;
        case 'h': asked = true; break;
        default: wrong = true;
        }
    }
    wrong = wrong || optind < argc || b.bundles < 1 || b.bundles > MAX_BUNDLES || b.room < 1 ||
            b.room > b.bundles || b.gets < 2 || b.gets > MAX_ACCESSES / b.num_ranks || b.repeats < 1;
    if (asked || wrong) {
        if (b.rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }
    bench_condition_number("ranks", b.num_ranks);
    bench_condition_number("bundles", b.bundles);
    bench_condition_number("room", b.room);
    bench_condition_number("gets", (int64_t)b.gets * b.num_ranks);
    b.zipf = calloc((size_t)b.bundles, sizeof *b.zipf);
    if (!b.zipf) bench_die("no memory for %d bundles", b.bundles);
    double total = 0;
    for (int k = 0; k < b.bundles; k++) b.zipf[k] = total += 1.0 / (k + 1);
    for (int k = 0; k < b.bundles; k++) b.zipf[k] /= total;
    make_bundles(&b);
    measure(&b);
    remove_bundles(&b);
    free(b.zipf);
    if (b.sum == 0) bench_die("bundles hold nothing"); /* their columns have really been read */
    MPI_Finalize();
    return 0;
}
