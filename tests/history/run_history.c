/* Ranks get, rewrite and invalidate, and log what they see; the log then proves that the pool broke none of
 * its promises.
 *
 *     mpirun -n R run_history [--seconds S] [--bundles N] [--room N] [--staleness MS] ...
 *
 * Every rank gets bundles in bursts, mostly those with low numbers. A thread of rank 0 rewrites them, files
 * are also rewritten in the middle of loads, and a thread of the last rank invalidates them and gets what it
 * has just invalidated. Without --staleness there are four such phases and two in which gets come one after
 * the other and the order of eviction is checked.
 *
 * No result depends on waiting for time to pass: the pauses here only set the pace, and where too little has happened
 * to judge by, all phases are done once more.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "history/checker.h"
#include "history/files.h"
#include "mpi/agent.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

enum {
    SECONDS,
    BUNDLES,
    ROOM,
    STALENESS,
    MEMORY,
    BURST,
    REWRITE_MS,
    INVALIDATE_MS,
    IN_LOAD,
    LARGE,
    LRU_STEPS,
    LRU_GAP_MS,
    MAX_EVENTS,
    MIN_GETS,
    MIN_EVICTIONS,
    MIN_INVALIDATIONS,
    MIN_REWRITES,
    SEED,
    EXPECT,
    NUM_OPTIONS
};

#define ALL_PHASES (-2)

static struct {
    const char *name;
    long value;
    const char *help;
} option_of[NUM_OPTIONS] = {
    [SECONDS] = {"seconds", 10, "of concurrent gets, over all phases"},
    [BUNDLES] = {"bundles", 8, "2..16"},
    [ROOM] = {"room", 3, "bundles, or memory for about so many"},
    [STALENESS] = {"staleness", ALL_PHASES, "one phase with this max_staleness_ms instead of all phases"},
    [MEMORY] = {"memory", 0, "1: in that phase memory is scarce, not the number of entries"},
    [BURST] = {"burst", 200, "gets of one bundle in a row at most"},
    [REWRITE_MS] = {"rewrite-ms", 20, "mean pause of the rewriter; -1: no rewriter"},
    [INVALIDATE_MS] = {"invalidate-ms", 20, "mean pause of the invalidator; -1: none"},
    [IN_LOAD] = {"in-load", 20, "every so many loads the file is rewritten in the middle; 0: never"},
    [LARGE] = {"large", 16,
               "assets in every fourth bundle x 100 days, where entries are scarce; others: 2 x 8"},
    [LRU_STEPS] = {"lru-steps", 400, "gets one after the other, in each of two phases"},
    [LRU_GAP_MS] = {"lru-gap-ms", 20,
                    "between these, if there are several nodes: the check is the stricter for it"},
    [MAX_EVENTS] = {"max-events", 1 << 21, "of all ranks in a phase; a rank that is ahead pauses"},
    [MIN_GETS] = {"min-gets", 1, "do all of it again while there are less"},
    [MIN_EVICTIONS] = {"min-evictions", 0, "likewise"},
    [MIN_INVALIDATIONS] = {"min-invalidations", 0, "likewise"},
    [MIN_REWRITES] = {"min-rewrites", 0, "likewise"},
    [SEED] = {"seed", 1, "of what is chosen at random"},
    [EXPECT] = {"expect-violation", 0, "1: exit 0 only if a violation was found"},
};

static long option(int which)
{
    return option_of[which].value;
}

/* @return the exit code if the program is to end, or -1 */
static int read_options(int argc, char **argv)
{
    struct option longs[NUM_OPTIONS + 2] = {{"help", no_argument, NULL, 'h'}};
    for (int i = 0; i < NUM_OPTIONS; i++)
        longs[i + 1] = (struct option){option_of[i].name, required_argument, NULL, 0};
    int o, at = 0;
    while ((o = getopt_long(argc, argv, "", longs, &at)) == 0) {
        char *end;
        option_of[at - 1].value = strtol(optarg, &end, 10);
        if (end == optarg || *end) {
            if (check_rank == 0)
                fprintf(stderr, "run_history: --%s %s: not a number\n", longs[at].name, optarg);
            return 2;
        }
    }
    if (o == 'h' && check_rank == 0)
        for (int i = 0; i < NUM_OPTIONS; i++)
            printf("  --%-18s %s (%ld)\n", option_of[i].name, option_of[i].help, option_of[i].value);
    if (o == 'h') return 0;
    bool bad = o != -1 || optind < argc || option(BUNDLES) < 2 || option(BUNDLES) > FILES_MAX ||
               option(ROOM) < 1 || option(BURST) < 1 || option(SECONDS) < 1 || option(MAX_EVENTS) < 1;
    if (bad && check_rank == 0) fprintf(stderr, "run_history: wrong option; see --help\n");
    return bad ? 2 : -1;
}

/* What threads do --------------------------------------------------------------------------------- */

static const char *root;
static uint64_t image_bytes[FILES_MAX]; /* in whole pages */

typedef struct actor {
    bp_pool *pool;
    uint64_t begin, until; /* CLOCK_MONOTONIC ns */
    uint64_t random;
    history log;
    size_t max_events;
    uint64_t next_sample;
} actor;

static uint64_t draw(actor *a, uint64_t below)
{
    a->random ^= a->random >> 12;
    a->random ^= a->random << 25;
    a->random ^= a->random >> 27;
    return (a->random * UINT64_C(0x2545f4914f6cdd1d) >> 16) % below;
}

static void pause_ns(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void pause_about(actor *a, long ms)
{
    if (ms > 0) pause_ns(draw(a, (uint64_t)ms * 2000000) + 1);
}

static void add(actor *a, event *e)
{
    static _Atomic int told;
    e->rank = (uint16_t)check_rank;
    history_add(&a->log, e);
    if (e->code != BP_OK && told++ < 3)
        fprintf(stderr, "rank %d: %s: %s\n", check_rank, bp_status_name((bp_status)e->code), bp_error_text());
}

static void get(actor *a, int bundle, uint64_t hold_ns)
{
    event e = {.kind = EVENT_GET, .bundle = (uint8_t)bundle};
    const bp_bundle *image;
    e.begin = bp__clock_ns();
    e.code = bp_pool_get(a->pool, files_name(bundle), &image);
    e.end = bp__clock_ns();
    if (e.code == BP_OK) {
        e.get.generation = bp_bundle_generation(image);
        e.get.version = files_version(image, bundle);
        if (hold_ns > 0) pause_ns(hold_ns);
        e.get.version_later = files_version(image, bundle);
        e.get.held_until = bp__clock_ns();
        bp_bundle_release(&image);
    }
    add(a, &e);
}

static void invalidate(actor *a, int bundle)
{
    event e = {.kind = EVENT_INVALIDATE, .bundle = (uint8_t)bundle};
    e.begin = bp__clock_ns();
    e.code = bp_pool_invalidate(a->pool, bundle == EVERY_BUNDLE ? NULL : files_name(bundle));
    e.end = bp__clock_ns();
    add(a, &e);
}

static void sample(actor *a)
{
    event e = {.kind = EVENT_SAMPLE};
    bp_stats s = bp_stats_init();
    e.begin = bp__clock_ns();
    e.code = bp_pool_stats(a->pool, &s);
    e.end = bp__clock_ns();
    e.sample.pool_size = (uint32_t)s.pool_size;
    e.sample.bytes_resident = s.bytes_resident;
    e.sample.bytes_peak = s.bytes_peak;
    e.sample.loads = (uint32_t)s.cluster.loads;
    e.sample.evictions = (uint32_t)s.cluster.evictions;
    add(a, &e);
    a->next_sample = e.end + 50000000;
}

/* Mostly low numbers; high ones now and then, so that something has to be evicted. */
static int pick(actor *a)
{
    uint64_t n = (uint64_t)option(BUNDLES), x = draw(a, n), y = draw(a, n);
    return (int)(x < y ? x : y);
}

static void *get_all_the_time(void *arg)
{
    actor *a = arg;
    for (uint64_t now; (now = bp__clock_ns()) < a->until;) {
        int bundle = pick(a);
        for (uint64_t n = draw(a, (uint64_t)option(BURST)) + 1; n > 0 && now < a->until; n--) {
            uint64_t chance = draw(a, 4096);
            get(a, bundle, chance == 0 ? 30000000 : chance < 8 ? 1000000 : 0);
            now = bp__clock_ns();
        }
        if (now > a->next_sample) sample(a);
        double share = (double)(now - a->begin) / (double)(a->until - a->begin);
        if ((double)a->log.used > share * (double)a->max_events) pause_ns(1000000);
    }
    return NULL;
}

static void *rewrite_all_the_time(void *arg)
{
    actor *a = arg;
    while (bp__clock_ns() < a->until) {
        files_rewrite(pick(a), false);
        pause_about(a, option(REWRITE_MS));
    }
    return NULL;
}

static void *invalidate_all_the_time(void *arg)
{
    actor *a = arg;
    while (bp__clock_ns() < a->until) {
        int bundle = pick(a);
        invalidate(a, draw(a, 8) == 0 ? EVERY_BUNDLE : bundle);
        get(a, bundle, 0);
        pause_about(a, option(INVALIDATE_MS));
    }
    return NULL;
}

/* When this node tells its ages: the order of eviction is exact but for the time from one node to another. The linker has
 * service threads call this in place of the agent's function. */
static pthread_mutex_t ages_lock = PTHREAD_MUTEX_INITIALIZER; /* over the log */
static history ages_log;

void __real_bp__agent_apply(bp__agent *agent, const bp__command *command);
void __wrap_bp__agent_apply(bp__agent *agent, const bp__command *command);
void __wrap_bp__agent_apply(bp__agent *agent, const bp__command *command)
{
    event e = {.kind = EVENT_AGES, .rank = (uint16_t)check_rank, .ages.number = command->number};
    e.begin = bp__clock_ns();
    __real_bp__agent_apply(agent, command);
    e.end = bp__clock_ns();
    if (command->kind != BP__CMD_AGES) return;
    pthread_mutex_lock(&ages_lock);
    history_add(&ages_log, &e);
    pthread_mutex_unlock(&ages_lock);
}

/* Phases ------------------------------------------------------------------------------------------ */

typedef struct phase {
    int64_t staleness_ms;
    bool all_fit;  /* no bundle has to go */
    bool by_bytes; /* memory is what is scarce, not the number of bundles */
    bool in_turn;  /* one get after the other: the order of eviction is checked */
} phase;

static verdict total;

/* Memory is scarce if it is about the least that a pool takes. */
static files_shape shape_of(const phase *p, int bundle)
{
    int64_t assets = (1 << 20) / (5 * 8 * 100 * option(ROOM)) + 1;
    if (p->by_bytes) return (files_shape){p->in_turn || bundle % 2 ? assets : assets / 2, 100};
    return !p->in_turn && bundle % 4 == 3 ? (files_shape){option(LARGE), 100} : (files_shape){2, 8};
}

static void write_files(const phase *p)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    files_shape shape[FILES_MAX];
    if (check_rank == 0) {
        for (int b = 0; b < option(BUNDLES); b++) shape[b] = shape_of(p, b);
        files_create(root, (int)option(BUNDLES), shape);
        files_log_present();
        for (int b = 0; b < option(BUNDLES); b++) {
            const bp_bundle *image;
            if (!CHECK_OK(bp_bundle_load(root, files_name(b), &image))) continue;
            image_bytes[b] = (bp_bundle_bytes(image) + page - 1) / page * page;
            bp_bundle_release(&image);
        }
    }
    MPI_Bcast(image_bytes, FILES_MAX, MPI_UINT64_T, 0, MPI_COMM_WORLD);
}

static bp_pool *create(const phase *p)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    uint64_t largest = 0;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.max_staleness_ms = p->staleness_ms;
    cfg.load_timeout_ms = cfg.room_timeout_ms = 3600000; /* however slow the machine is, nobody gives up */
    cfg.max_bundle_pool_size = p->all_fit || p->by_bytes ? 100 : option(ROOM);
    for (int b = 0; b < option(BUNDLES); b++)
        if (image_bytes[b] > largest) largest = image_bytes[b];
    cfg.pool_memory =
        (int64_t)(p->by_bytes ? (uint64_t)option(ROOM) * largest : (64 << 20) + FILES_MAX * largest);
    CHECK_OK(bp__pool_create_with(MPI_COMM_WORLD, &cfg, files_loader((unsigned)option(IN_LOAD)), &pool));
    return pool;
}

/* A barrier that leaves the processors to the rank whose turn it is: MPI_Barrier() would keep them busy. */
static void meet(void)
{
    MPI_Request request;
    int done = 0;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done) pause_ns(200000);
}

static void run_in_turn(actor *a, actor *common)
{
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(a->pool, &s));
    for (long i = 0; i < option(LRU_STEPS); i++) { /* `common` draws the same on every rank */
        int who = (int)draw(common, (uint64_t)check_size);
        int bundle = (int)draw(common, (uint64_t)option(BUNDLES));
        bool forget = draw(common, 32) == 0;
        meet();
        if (who != check_rank) continue;
        if (s.num_nodes > 1) pause_ns((uint64_t)option(LRU_GAP_MS) * 1000000);
        if (forget)
            invalidate(a, bundle);
        else
            get(a, bundle, 0);
    }
}

static void run_at_once(actor *getter, actor *rewriter, actor *invalidator)
{
    pthread_t writes, invalidates;
    bool rewrite = check_rank == 0 && option(REWRITE_MS) >= 0;
    bool forget = check_rank == check_size - 1 && option(INVALIDATE_MS) >= 0;
    if (rewrite) rewrite = CHECK(pthread_create(&writes, NULL, rewrite_all_the_time, rewriter) == 0);
    if (forget) forget = CHECK(pthread_create(&invalidates, NULL, invalidate_all_the_time, invalidator) == 0);
    get_all_the_time(getter);
    if (rewrite) CHECK(pthread_join(writes, NULL) == 0);
    if (forget) CHECK(pthread_join(invalidates, NULL) == 0);
}

static void print_counts(const verdict *v)
{
    printf("%llu loads, %llu evictions, %llu invalidations, %llu rewrites, %llu violations\n",
           (unsigned long long)v->loads, (unsigned long long)v->evictions,
           (unsigned long long)v->invalidations, (unsigned long long)v->rewrites,
           (unsigned long long)v->violations);
}

static void judge(const phase *p, const bp_stats *s, const history *all, double took)
{
    verdict v;
    rules r = {.bundles = (int)option(BUNDLES),
               .staleness_ns = p->staleness_ms < 0 ? -1 : p->staleness_ms * 1000000,
               .slack_ns = p->staleness_ms > 0 ? p->staleness_ms * 1000000 / 200 : 0,
               .max_bundles = (uint32_t)s->max_pool_size,
               .max_bytes = s->bytes_limit,
               .bytes = image_bytes,
               .lru_room = p->in_turn ? (uint32_t)option(ROOM) : 0,
               .nodes = s->num_nodes};
    if (!CHECK(check_history(all->event, all->used, &r, &v))) return;
    v.rewrites -= (uint64_t)option(BUNDLES); /* those that were there at first */
    printf("%llu gets (%.0f/s, longest %.0f ms), ", (unsigned long long)v.gets, (double)v.gets / took,
           (double)v.longest_get * 1e-6);
    print_counts(&v);
    for (uint64_t i = 0; i < v.violations && i < VERDICT_TEXTS; i++) printf("    %s\n", v.text[i]);
    for (int i = 0; i < NUM_VIOLATIONS; i++)
        if (v.count[i] > 0)
            printf("    %s: %llu\n", violation_name((violation)i), (unsigned long long)v.count[i]);
    fflush(stdout);
    total.gets += v.gets;
    total.loads += v.loads;
    total.evictions += v.evictions;
    total.invalidations += v.invalidations;
    total.rewrites += v.rewrites;
    total.violations += v.violations;
}

static void run_phase(const phase *p, double share)
{
    static unsigned phases;
    char title[120];
    snprintf(title, sizeof title, "max_staleness_ms = %lld, %s%s%s", (long long)p->staleness_ms,
             p->all_fit    ? "room for all"
             : p->by_bytes ? "memory is scarce"
                           : "entries are scarce",
             p->in_turn ? ", one get after the other" : "", p->in_turn ? " (LRU)" : "");
    check_case(title);

    actor a[3] = {{.max_events = (size_t)(option(MAX_EVENTS) / check_size)}}, common = {0};
    write_files(p);
    bp_pool *pool = create(p);
    if (!pool) return;
    history_reserve(&a[0].log, a[0].max_events);
    MPI_Barrier(MPI_COMM_WORLD);
    uint64_t begin = bp__clock_ns();
    common.random = (uint64_t)option(SEED) << 32 | ++phases;
    for (uint64_t i = 0; i < 3; i++) {
        a[i].pool = pool;
        a[i].begin = begin;
        a[i].until = begin + (uint64_t)(share * (double)option(SECONDS) * 1e9);
        a[i].random = common.random ^ (i + 3 * (uint64_t)check_rank + 1) * UINT64_C(0x9e3779b97f4a7c15);
    }
    if (p->in_turn)
        run_in_turn(&a[0], &common);
    else
        run_at_once(&a[0], &a[1], &a[2]);
    MPI_Barrier(MPI_COMM_WORLD);
    double took = (double)(bp__clock_ns() - begin) * 1e-9;

    bp_stats last = bp_stats_init();
    sample(&a[0]);
    CHECK_OK(bp_pool_stats(pool, &last));
    CHECK_OK(bp_pool_destroy(&pool));
    history_take(&a[0].log, &a[1].log);
    history_take(&a[0].log, &a[2].log);
    history_take(&a[0].log, &ages_log); /* the service thread has ended */
    if (check_rank == 0) files_take_log(&a[0].log);
    CHECK(history_gather(&a[0].log));
    if (check_rank == 0) judge(p, &last, &a[0].log, took);
    history_fini(&a[0].log);
}

static void run_phases(void)
{
    if (option(STALENESS) != ALL_PHASES) {
        run_phase(&(phase){.staleness_ms = option(STALENESS), .by_bytes = option(MEMORY) != 0}, 1);
        return;
    }
    run_phase(&(phase){.staleness_ms = 0}, 0.4);
    run_phase(&(phase){.staleness_ms = 50}, 0.2);
    run_phase(&(phase){.staleness_ms = -1, .by_bytes = true}, 0.2);
    run_phase(&(phase){.staleness_ms = 0, .all_fit = true}, 0.2);
    run_phase(&(phase){.staleness_ms = 0, .in_turn = true}, 0);
    run_phase(&(phase){.staleness_ms = 0, .in_turn = true, .by_bytes = true}, 0);
}

/* Whether too little has happened to judge by: how much does in a time is the machine's business. */
static bool wants_more(void)
{
    int more = total.gets < (uint64_t)option(MIN_GETS) || total.evictions < (uint64_t)option(MIN_EVICTIONS) ||
               total.invalidations < (uint64_t)option(MIN_INVALIDATIONS) ||
               total.rewrites < (uint64_t)option(MIN_REWRITES);
    if (total.violations > 0) more = 0;
    MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return check_all_well() && more;
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    int code = read_options(argc, argv);
    if (code >= 0) {
        MPI_Finalize();
        return code;
    }
    root = market_root();
    do run_phases();
    while (wants_more());
    market_remove();
    if (check_rank == 0) {
        printf("total: %llu gets, ", (unsigned long long)total.gets);
        print_counts(&total);
        CHECK((total.violations > 0) == (option(EXPECT) != 0));
    }
    return check_finish();
}
