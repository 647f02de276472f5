/* What a warm hit costs: bp_pool_get by name + bp_bundle_release, beside what else one might do.
 *
 *     mpirun -n R bench_hit --root DIR --bundle NAME [--alone] [--seconds S] [--repeats N] [--json]
 *
 * - pointer: load of a pointer, through a function that the compiler does not see into: the floor
 * - pool_1000: get + release with max_staleness_ms = 1000
 * - pool_0: the same with 0: the file is looked at each time
 * - stat: stat of the bundle's file
 * - mutex_count: what one would write for the threads of one process: lock, count up; lock, count down
 * - lmdb: read transaction (renewed) + mdb_get of 8 bytes
 * - lmdb_bundle: the same with the whole image as the value, which LMDB hands out without a copy
 * - redis_8: GET of 8 bytes over a Unix socket: the round trip
 * - redis_bundle: GET of the whole image
 * - memcached_8, memcached_bundle: likewise
 * - direct_load: bp_bundle_load + release: no pool
 *
 * All ranks measure at the same time; with --alone only rank 0, while the others sleep. Each case is called
 * for S seconds, case after case, and the whole turn is repeated. A fast call is as short as reading the
 * clock: there a sample is the mean of a batch of calls timed together, and p99 and p99.9 are over such
 * means; from a microsecond or two on it is one call. Quantiles are over the samples of all ranks.
 *
 * The servers are started by rank 0, in a folder of their own, with neither port nor persistence, and die
 * with it. The folder is removed as soon as every rank has opened what lies in it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>
#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>
#endif
#ifdef HAVE_MEMCACHED
#include <libmemcached/memcached.h>
#endif
#ifdef HAVE_LMDB
#include <lmdb.h>
#endif

#include <bundlepool/bundlepool.h>

#include "core/bundle.h"
#include "core/clock.h"
#include "core/memory.h"

#include "support.h"

#define MAX_SAMPLES   (1 << 16) /* of a rank in one turn of a case; the latest are kept */
#define MIB           (UINT64_C(1) << 20)
#define MEMCACHED_MAX (UINT64_C(1) << 30) /* of its option -I */

static int rank, size;
static char bundle_path[BP_PATH_MAX + BP_NAME_MAX + 8];
static const char *root = "bundles", *bundle;
static volatile uintptr_t sink;

/* The ways to get at a bundle --------------------------------------------------------------------- */

static const void *_Atomic pointer = "what is pointed to";
static bp_pool *pool_1000, *pool_0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long references;

static bool load_pointer(const void *arg)
{
    (void)arg;
    sink = (uintptr_t)atomic_load_explicit(&pointer, memory_order_relaxed);
    return true;
}

/* @param arg  bp_pool ** */
static bool get_release(const void *arg)
{
    const bp_bundle *b;
    if (bp_pool_get(*(bp_pool *const *)arg, bundle, &b) != BP_OK) return false;
    sink = (uintptr_t)b;
    bp_bundle_release(&b);
    return true;
}

static bool stat_file(const void *arg)
{
    struct stat st;
    (void)arg;
    return stat(bundle_path, &st) == 0;
}

static bool mutex_count(const void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    references++;
    pthread_mutex_unlock(&lock);
    sink = (uintptr_t)atomic_load_explicit(&pointer, memory_order_relaxed);
    pthread_mutex_lock(&lock);
    references--;
    pthread_mutex_unlock(&lock);
    return true;
}

static bool load_directly(const void *arg)
{
    const bp_bundle *b;
    (void)arg;
    if (bp_bundle_load(root, bundle, &b) != BP_OK) return false;
    bp_bundle_release(&b);
    return true;
}

/* The same under a key in a store. What can fail returns NULL, or why it did: static text, or `reason`. */
static char reason[256];
static uint64_t bundle_bytes; /* known on rank 0 */

typedef struct store {
    const char *absent;                                /* why it is not built in, or NULL */
    const char *(*open)(const char *path, bool fills); /* a folder, or a server's socket */
    const char *(*put)(const char *key, const void *data, uint64_t bytes);
    bool (*get)(const void *key);
    void (*close)(void);
} store;

#ifdef HAVE_LMDB
static MDB_env *lmdb;
static MDB_txn *reading;
static MDB_dbi table;

static const char *lmdb_result(int rc)
{
    if (rc == 0) return NULL;
    snprintf(reason, sizeof reason, "LMDB: %s", mdb_strerror(rc));
    return reason;
}

static const char *lmdb_open(const char *path, bool fills)
{
    MDB_txn *txn;
    int rc = mdb_env_create(&lmdb);
    if (!rc && fills) rc = mdb_env_set_mapsize(lmdb, (bundle_bytes / MIB + 16) * MIB);
    if (!rc) rc = mdb_env_set_maxreaders(lmdb, (unsigned)size + 16);
    if (!rc) rc = mdb_env_open(lmdb, path, fills ? MDB_NOSYNC : MDB_RDONLY, 0600);
    if (!rc) rc = mdb_txn_begin(lmdb, NULL, fills ? 0 : MDB_RDONLY, &txn);
    if (rc) return lmdb_result(rc);
    rc = mdb_dbi_open(txn, NULL, 0, &table);
    if (rc || fills) {
        mdb_txn_abort(txn);
    } else {
        mdb_txn_reset(txn);
        reading = txn;
    }
    return lmdb_result(rc);
}

static const char *lmdb_put(const char *key, const void *data, uint64_t bytes)
{
    MDB_txn *txn;
    MDB_val k = {.mv_size = strlen(key), .mv_data = (void *)(uintptr_t)key};
    MDB_val v = {.mv_size = bytes, .mv_data = (void *)(uintptr_t)data};
    int rc = mdb_txn_begin(lmdb, NULL, 0, &txn);
    if (rc) return lmdb_result(rc);
    rc = mdb_put(txn, table, &k, &v, 0);
    if (rc)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    return lmdb_result(rc);
}

static bool lmdb_get(const void *key)
{
    MDB_val k = {.mv_size = strlen(key), .mv_data = (void *)(uintptr_t)key}, v;
    if (mdb_txn_renew(reading) != 0 || mdb_get(reading, table, &k, &v) != 0) return false;
    sink = (uintptr_t)v.mv_data;
    mdb_txn_reset(reading);
    return true;
}

static void lmdb_close(void)
{
    if (reading) mdb_txn_abort(reading);
    if (lmdb) mdb_env_close(lmdb);
    reading = NULL, lmdb = NULL;
}

static const store lmdb_store = {NULL, lmdb_open, lmdb_put, lmdb_get, lmdb_close};
#else
static const store lmdb_store = {.absent = "built without LMDB (Debian: liblmdb-dev)"};
#endif

#ifdef HAVE_HIREDIS
static redisContext *redis;

static const char *redis_failed(const char *text)
{
    snprintf(reason, sizeof reason, "Redis: %s", text);
    return reason;
}

static const char *redis_open(const char *path, bool fills)
{
    (void)fills;
    redis = redisConnectUnix(path);
    if (!redis) return redis_failed("no memory");
    return redis->err ? redis_failed(redis->errstr) : NULL;
}

static const char *redis_put(const char *key, const void *data, uint64_t bytes)
{
    if (bytes > 512 * MIB) return "a Redis value has 512 MiB at most";
    redisReply *r = redisCommand(redis, "SET %s %b", key, data, (size_t)bytes);
    if (!r) return redis_failed(redis->errstr);
    const char *why = r->type == REDIS_REPLY_ERROR ? redis_failed(r->str) : NULL;
    freeReplyObject(r);
    return why;
}

static bool redis_get(const void *key)
{
    redisReply *r = redisCommand(redis, "GET %s", (const char *)key);
    if (!r) return false;
    bool found = r->type == REDIS_REPLY_STRING;
    sink = (uintptr_t)r->str;
    freeReplyObject(r);
    return found;
}

static void redis_close(void)
{
    if (redis) redisFree(redis);
    redis = NULL;
}

static const store redis_store = {NULL, redis_open, redis_put, redis_get, redis_close};
#else
static const store redis_store = {.absent = "built without hiredis (Debian: libhiredis-dev)"};
#endif

#ifdef HAVE_MEMCACHED
static memcached_st *cache;

static const char *cache_result(memcached_return_t rc)
{
    if (memcached_success(rc)) return NULL;
    snprintf(reason, sizeof reason, "memcached: %s", memcached_strerror(cache, rc));
    return reason;
}

/* It connects at the first call. */
static const char *cache_open(const char *path, bool fills)
{
    (void)fills;
    cache = memcached_create(NULL);
    return cache ? cache_result(memcached_server_add_unix_socket(cache, path)) : "memcached: no memory";
}

static const char *cache_put(const char *key, const void *data, uint64_t bytes)
{
    if (bytes >= MEMCACHED_MAX) return "a memcached value has 1 GiB at most";
    return cache_result(memcached_set(cache, key, strlen(key), data, bytes, 0, 0));
}

static bool cache_get(const void *key)
{
    size_t length;
    uint32_t flags;
    memcached_return_t rc;
    char *value = memcached_get(cache, key, strlen(key), &length, &flags, &rc);
    sink = (uintptr_t)value;
    free(value);
    return memcached_success(rc);
}

static void cache_close(void)
{
    if (cache) memcached_free(cache);
    cache = NULL;
}

static const store cache_store = {NULL, cache_open, cache_put, cache_get, cache_close};
#else
static const store cache_store = {.absent = "built without libmemcached (Debian: libmemcached-dev)"};
#endif

typedef struct subject {
    const char *name;
    int batch;
    bool (*call)(const void *arg); /* NULL: the store's get */
    const void *arg;
    const store *store;
    char missing[sizeof reason]; /* why it cannot be measured; "": it can */
} subject;

/* Of a store: 8 bytes, then the bundle. */
enum { LMDB = 5, REDIS = LMDB + 2, MEMCACHED = REDIS + 2, DIRECT = MEMCACHED + 2, NUM_CASES };

static subject subjects[NUM_CASES] = {
    {"pointer", 1000, load_pointer, NULL, NULL, ""},
    {"pool_1000", 200, get_release, &pool_1000, NULL, ""},
    {"pool_0", 20, get_release, &pool_0, NULL, ""},
    {"stat", 20, stat_file, NULL, NULL, ""},
    {"mutex_count", 200, mutex_count, NULL, NULL, ""},
    [LMDB] = {"lmdb", 100, NULL, "small", &lmdb_store, ""},
    [LMDB + 1] = {"lmdb_bundle", 100, NULL, "bundle", &lmdb_store, ""},
    [REDIS] = {"redis_8", 1, NULL, "small", &redis_store, ""},
    [REDIS + 1] = {"redis_bundle", 1, NULL, "bundle", &redis_store, ""},
    [MEMCACHED] = {"memcached_8", 1, NULL, "small", &cache_store, ""},
    [MEMCACHED + 1] = {"memcached_bundle", 1, NULL, "bundle", &cache_store, ""},
    [DIRECT] = {"direct_load", 1, load_directly, NULL, NULL, ""},
};

static void set_missing(int i, const char *why)
{
    if (why && !*subjects[i].missing) snprintf(subjects[i].missing, sizeof subjects[i].missing, "%s", why);
}

/* Servers ----------------------------------------------------------------------------------------- */

typedef struct server {
    const char *program, *package; /* Debian's */
    pid_t pid;                     /* 0: not running */
    char socket[sizeof((struct sockaddr_un *)0)->sun_path];
} server;

static char folder[80];
static server redis_server = {.program = "redis-server", .package = "redis-server"};
static server memcached_server = {.program = "memcached", .package = "memcached"};

static void server_stop(server *s)
{
    if (s->pid == 0) return;
    kill(s->pid, SIGKILL); /* nothing to be saved */
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) continue;
    s->pid = 0;
}

static void remove_folder(void)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "redis-server", "memcached", "log"};
    char path[sizeof folder + 16];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* For this rank's failures. If another rank fails, mpirun ends this one and the servers die with it. */
static _Noreturn void give_up(const char *what, const char *why)
{
    if (rank == 0) {
        server_stop(&redis_server);
        server_stop(&memcached_server);
        if (*folder) remove_folder();
    }
    bench_die("%s: %s", what, why);
}

static bool accepts(const server *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    memcpy(address.sun_path, s->socket, sizeof s->socket);
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static void nap(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* @param argv  its place 0 is the program; NULL-terminated */
static const char *server_start(server *s, char *const *argv)
{
    char log[sizeof folder + 8];
    pid_t parent = getpid();
    snprintf(log, sizeof log, "%s/log", folder);
    s->pid = fork();
    if (s->pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
            getppid() != parent)
            _exit(1);
        execvp(s->program, argv);
        _exit(127);
    }
    if (s->pid < 0) {
        s->pid = 0;
        return "no process for the server";
    }
    for (int i = 0; i < 1000; i++, nap(10000000)) {
        int state;
        if (waitpid(s->pid, &state, WNOHANG) == s->pid) {
            s->pid = 0;
            snprintf(reason, sizeof reason,
                     WIFEXITED(state) && WEXITSTATUS(state) == 127 ? "%s is missing (Debian: %s)"
                                                                   : "%s (Debian: %s) ended at once",
                     s->program, s->package);
            return reason;
        }
        if (accepts(s)) return NULL;
    }
    server_stop(s);
    snprintf(reason, sizeof reason, "%s does not answer on its socket", s->program);
    return reason;
}

static const char *start_redis(void)
{
    char *argv[] = {"redis-server", "--port", "0",     "--unixsocket", redis_server.socket,
                    "--save",       "",       "--dir", folder,         NULL};
    return server_start(&redis_server, argv);
}

static const char *start_memcached(void)
{
    char item[32], memory[32];
    uint64_t mib = bundle_bytes / MIB * 9 / 8 + 2; /* what is stored has some more around it */
    if (mib > MEMCACHED_MAX / MIB) mib = MEMCACHED_MAX / MIB;
    snprintf(item, sizeof item, "%llum", (unsigned long long)mib);
    snprintf(memory, sizeof memory, "%llu", (unsigned long long)(3 * mib + 64));
    char *argv[10] = {"memcached", "-s", memcached_server.socket, "-I", item, "-m", memory};
    if (geteuid() == 0) argv[7] = "-u", argv[8] = "root"; /* else it refuses to run as root */
    return server_start(&memcached_server, argv);
}

/* Setting up -------------------------------------------------------------------------------------- */

/* A case that is missing on one rank is missing on all. */
static void agree(void)
{
    for (int i = 0; i < NUM_CASES; i++) {
        int mine = *subjects[i].missing ? rank : size, first;
        MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
        if (first < size)
            MPI_Bcast(subjects[i].missing, sizeof subjects[i].missing, MPI_CHAR, first, MPI_COMM_WORLD);
    }
}

/* Rank 0: everything into a store. @param i  its first case */
static void fill_store(int i, const char *(*start)(void), const char *path, const bp_bundle *b)
{
    const store *s = subjects[i].store;
    const char *why = s->absent;
    if (!why && start) why = start();
    if (!why) why = s->open(path, true);
    if (!why) why = s->put("small", "7 bytes", 8);
    set_missing(i, why);
    set_missing(i + 1, why ? why : s->put("bundle", b->image, bundle_bytes));
    if (!s->absent) s->close();
}

static void fill_stores(bool alone)
{
    const bp_bundle *b;
    bp__memory memory;
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    int length = snprintf(folder, sizeof folder, "%s/bench_hit.XXXXXX", base);
    if (length >= (int)sizeof folder || !mkdtemp(folder)) {
        *folder = '\0';
        give_up(base, "no folder can be made here: set TMPDIR to another, of less than 60 bytes");
    }
    snprintf(redis_server.socket, sizeof redis_server.socket, "%s/redis-server", folder);
    snprintf(memcached_server.socket, sizeof memcached_server.socket, "%s/memcached", folder);
    if (bp_bundle_load(root, bundle, &b) != BP_OK) give_up(bundle, bp_error_text());
    bundle_bytes = bp_bundle_bytes(b);
    fill_store(LMDB, NULL, folder, b);
    fill_store(REDIS, start_redis, redis_server.socket, b);
    fill_store(MEMCACHED, start_memcached, memcached_server.socket, b);
    bp_bundle_release(&b);

    /* a whole image per rank in the server, in the client's buffer, and as its result; and what is in use */
    if (bp__memory_look(&memory) != BP_OK) give_up("free memory", bp_error_text());
    if (bp__memory_least(&memory, NULL) / 5 / (alone ? 1 : (unsigned)size) < bundle_bytes) {
        static const int copying[] = {REDIS + 1, MEMCACHED + 1, DIRECT};
        for (int i = 0; i < 3; i++) set_missing(copying[i], "not enough memory for a copy per rank");
    }
}

static void open_store(int i, const char *path)
{
    const store *s = subjects[i].store;
    if (*subjects[i].missing) return;
    const char *why = s->open(path, false);
    if (!why && !s->get("small")) why = "the 8 bytes are not found";
    set_missing(i, why);
    set_missing(i + 1, why);
}

static void open_stores(void)
{
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    MPI_Bcast(redis_server.socket, sizeof redis_server.socket, MPI_CHAR, 0, MPI_COMM_WORLD);
    MPI_Bcast(memcached_server.socket, sizeof memcached_server.socket, MPI_CHAR, 0, MPI_COMM_WORLD);
    agree();
    open_store(LMDB, folder);
    open_store(REDIS, redis_server.socket);
    open_store(MEMCACHED, memcached_server.socket);
    agree();
    if (rank == 0) remove_folder();
}

static void create_pool(int64_t max_staleness_ms, bp_pool **pool)
{
    bp_config cfg = bp_config_init();
    const bp_bundle *b;
    bp_config_default(&cfg);
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.max_staleness_ms = max_staleness_ms;
    if (bp_pool_create(MPI_COMM_WORLD, &cfg, pool) != BP_OK || bp_pool_get(*pool, bundle, &b) != BP_OK)
        give_up("the pool", bp_error_text());
    bp_bundle_release(&b);
}

/* Measuring --------------------------------------------------------------------------------------- */

static void call(const subject *s)
{
    bool (*one)(const void *) = s->call ? s->call : s->store->get;
    for (int i = 0; i < s->batch; i++)
        if (!one(s->arg)) give_up(s->name, s->call ? bp_error_text() : "no answer");
}

/* @param[out] sample  [MAX_SAMPLES] ns per call  @return how many */
static int measure(const subject *s, double seconds, double *sample)
{
    int64_t n = 0;
    if (s->batch > 1) call(s); /* warms up; elsewhere a call is long, or one of many */
    uint64_t from = bp__clock_ns(), end = from + (uint64_t)(seconds * 1e9);
    while (n == 0 || from < end) {
        call(s);
        uint64_t now = bp__clock_ns();
        sample[n++ % MAX_SAMPLES] = (double)(now - from) / s->batch;
        from = now;
    }
    return n < MAX_SAMPLES ? (int)n : MAX_SAMPLES;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_quantiles(const subject *s, int repeat, double *all, int n)
{
    static const struct {
        const char *metric;
        double q;
        int least; /* samples that such a quantile needs */
    } quantile[] = {{"p50", 0.5, 1}, {"p99", 0.99, 100}, {"p999", 0.999, 1000}};
    qsort(all, (size_t)n, sizeof *all, by_value);
    for (int i = 0; i < 3; i++) {
        if (n >= quantile[i].least)
            bench_sample(s->name, quantile[i].metric, "ns", repeat, bench_quantile(all, n, quantile[i].q));
        else if (repeat == 0)
            bench_missing(s->name, quantile[i].metric, "ns", "too few calls in the time there is");
    }
}

static void measure_all(bool alone, double seconds, int repeats)
{
    int count[size], at[size];
    double *mine = malloc(MAX_SAMPLES * sizeof *mine);
    double *all = rank == 0 ? malloc((size_t)size * MAX_SAMPLES * sizeof *all) : NULL;
    if (!mine || (rank == 0 && !all)) give_up("samples", "no memory");
    for (int r = 0; r < repeats; r++)
        for (int i = 0; i < NUM_CASES; i++) {
            const subject *s = &subjects[i];
            if (*s->missing) continue;
            bench_meet();
            int n = alone && rank != 0 ? 0 : measure(s, seconds, mine), sum = 0;
            bench_meet();
            MPI_Gather(&n, 1, MPI_INT, count, 1, MPI_INT, 0, MPI_COMM_WORLD);
            for (int k = 0; rank == 0 && k < size; sum += count[k++]) at[k] = sum;
            MPI_Gatherv(mine, n, MPI_DOUBLE, all, count, at, MPI_DOUBLE, 0, MPI_COMM_WORLD);
            if (rank == 0) print_quantiles(s, r, all, sum);
        }
    free(mine);
    free(all);
}

static void usage(FILE *out)
{
    fputs("usage: mpirun -n R bench_hit --root DIR --bundle NAME [--alone] [--seconds 0.2] [--repeats 5] "
          "[--json]\n"
          "Times bp_pool_get + bp_bundle_release on a resident bundle beside other ways to get at it. Each\n"
          "case is called for so many seconds per repeat, on all R ranks at once; with --alone on rank 0 "
          "only,\n"
          "while the others sleep. All ranks are on one machine.\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"root", 1, 0, 'r'},    {"bundle", 1, 0, 'b'}, {"alone", 0, 0, 'a'}, {"seconds", 1, 0, 's'},
        {"repeats", 1, 0, 'n'}, {"json", 0, 0, 'j'},   {"help", 0, 0, 'h'},  {0}};
    double seconds = 0.2;
    int repeats = 5, level, o;
    bool alone = false, asked = false, wrong = false;
    bench_name = "hit";
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    opterr = rank == 0;
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (o == 'r')
            root = optarg;
        else if (o == 'b')
            bundle = optarg;
        else if (o == 'a')
            alone = true;
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
    wrong = wrong || optind < argc || !bundle || !(seconds > 0 && seconds <= 60) || repeats < 1;
    if (asked || wrong) {
        if (rank == 0) usage(asked ? stdout : stderr);
        MPI_Finalize();
        return asked ? 0 : 2;
    }

    snprintf(bundle_path, sizeof bundle_path, "%s/%s.h5", root, bundle);
    if (rank == 0) fill_stores(alone);
    bench_meet();
    open_stores();
    create_pool(1000, &pool_1000);
    create_pool(0, &pool_0);

    bench_condition("bundle", bundle);
    bench_condition_number("ranks", size);
    bench_condition("hitting", alone ? "one" : "all");
    for (int i = 0; rank == 0 && i < NUM_CASES; i++)
        if (*subjects[i].missing) bench_missing(subjects[i].name, "p50", "ns", subjects[i].missing);
    measure_all(alone, seconds, repeats);

    if (bp_pool_destroy(&pool_1000) != BP_OK || bp_pool_destroy(&pool_0) != BP_OK)
        give_up("the pool", bp_error_text());
    for (int i = LMDB; i <= MEMCACHED; i += 2)
        if (!subjects[i].store->absent) subjects[i].store->close();
    if (rank == 0) {
        server_stop(&redis_server);
        server_stop(&memcached_server);
    }
    MPI_Finalize();
    return 0;
}
