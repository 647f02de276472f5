/* Many bundles wanted at once, by a process that may open few files: loads wait for their turn, threads go when they
 * have nothing to do, and where no descriptor is left the error says so. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "io/hdf5/h5read.h"
#include "mpi/load.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

enum { BUNDLES = 120, SPARE = BP__MOST_LOADS + 8 };

/* The real loader, which counts what is open. The first BP__MOST_LOADS wait for each other, so that as many as may be are
 * open at once. State under the lock. */
static const bp__loader *real;
static bp__loader loader;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int opened, open_now, most_open;
static bool meet;

static bp_status count_open(const char *path, bp__source **source)
{
    pthread_mutex_lock(&lock);
    if (++open_now > most_open) most_open = open_now; /* before HDF5 lets one in after the other */
    pthread_mutex_unlock(&lock);
    bp_status s = real->open(path, source);
    pthread_mutex_lock(&lock);
    opened += s == BP_OK;
    open_now -= bp__failed(s);
    pthread_cond_broadcast(&changed);
    while (meet && s == BP_OK && opened < BP__MOST_LOADS) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return s;
}

static void count_close(bp__source **source)
{
    pthread_mutex_lock(&lock);
    open_now -= *source != NULL;
    pthread_mutex_unlock(&lock);
    real->close(source);
}

static bp_pool *create(const char *root)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 64 << 20;
    cfg.max_bundle_pool_size = BUNDLES;
    cfg.max_staleness_ms = -1;
    cfg.load_timeout_ms = 60000;
    real = bp__h5_loader();
    loader = *real;
    loader.open = count_open;
    loader.close = count_close;
    CHECK_OK(bp__pool_create_with(MPI_COMM_WORLD, &cfg, &loader, &pool));
    return pool;
}

static int entries_of(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    for (struct dirent *e; dir && (e = readdir(dir));) n += e->d_name[0] != '.';
    if (dir) closedir(dir);
    return n;
}

/* Descriptors --------------------------------------------------------------------------------------- */

/* Take every descriptor that is left below a limit, but `spare`: then what is free is known exactly, wherever there were
 * gaps. give_back() undoes it. */
static struct rlimit before;
static int taken[4096], num_taken;

static void leave(int spare)
{
    struct rlimit now;
    int highest = 0;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (atoi(e->d_name) > highest) highest = atoi(e->d_name);
    if (dir) closedir(dir);
    now = before;
    now.rlim_cur = (rlim_t)(highest + 1 + spare);
    CHECK(setrlimit(RLIMIT_NOFILE, &now) == 0);
    for (int fd; num_taken < 4096 && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
        taken[num_taken++] = fd;
    CHECK(errno == EMFILE);
    for (int i = 0; i < spare && num_taken > 0; i++) close(taken[--num_taken]);
}

static void give_back(void)
{
    while (num_taken > 0) close(taken[--num_taken]);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

/* Cases --------------------------------------------------------------------------------------------- */

static bp_pool *the_pool;
static pthread_barrier_t together;
static _Atomic int right, wrong;
static char first_error[BP_ERROR_TEXT_MAX]; /* under the lock */

static void name_of(int i, char name[16])
{
    snprintf(name, 16, "many%03d", i);
}

static void *get_one(void *arg)
{
    char name[16];
    const bp_bundle *b;
    int i = (int)(intptr_t)arg;
    name_of(i, name);
    pthread_barrier_wait(&together);
    if (bp_pool_get(the_pool, name, &b) != BP_OK) {
        wrong++;
        pthread_mutex_lock(&lock);
        snprintf(first_error, sizeof first_error, "%s", bp_error_text());
        pthread_mutex_unlock(&lock);
        return NULL;
    }
    right += market_version(b) == (uint32_t)i + 1;
    bp_bundle_release(&b);
    return NULL;
}

static void get_all(void)
{
    static pthread_t thread[BUNDLES];
    CHECK(pthread_barrier_init(&together, NULL, BUNDLES) == 0);
    for (int i = 0; i < BUNDLES; i++)
        if (!CHECK(pthread_create(&thread[i], NULL, get_one, (void *)(intptr_t)i) == 0)) abort();
    for (int i = 0; i < BUNDLES; i++) pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
    if (wrong > 0) printf("%d failed: %s\n", wrong, first_error);
    CHECK(wrong == 0);
    CHECK(right == BUNDLES);
}

static void test_many(void)
{
    check_case("as many bundles as one likes at once: a few files are open, and a few threads work");
    const struct timespec pause = {.tv_nsec = 20000000};
    int threads = 0;
    if (check_rank == 0) {
        char name[16];
        for (int i = 0; i < BUNDLES; i++) {
            name_of(i, name);
            market_write(name, (uint32_t)i + 1, 4, 8);
        }
        threads = entries_of("/proc/self/task");
        opened = most_open = 0;
        meet = true;
        leave(SPARE);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == check_size - 1) get_all();
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank != 0) return;
    meet = false;
    give_back();
    printf("%d loads were under way at once\n", most_open);
    CHECK(most_open == BP__MOST_LOADS);
    CHECK(opened == BUNDLES);
    struct timespec deadline = bp__deadline(20000);
    while (entries_of("/proc/self/task") > threads && !bp__deadline_passed(&deadline))
        nanosleep(&pause, NULL);
    CHECK(entries_of("/proc/self/task") <= threads);
}

/* Whichever of the files that a load opens is one too many. */
static void test_no_descriptor(bp_pool *pool)
{
    check_case("a process without a descriptor says so");
    const bp_bundle *b;
    if (check_rank == 0) {
        market_write("one", 7, 4, 8);
        for (int spare = 0; spare < 2; spare++) {
            leave(spare);
            CHECK_STATUS(bp_pool_get(pool, "one", &b), BP_ESYS);
            give_back();
            CHECK(strstr(bp_error_text(), "one.h5") && strstr(bp_error_text(), "ulimit -n"));
            printf("%d left: %s\n", spare, bp_error_text());
        }
        if (CHECK_OK(bp_pool_get(pool, "one", &b))) {
            CHECK(market_version(b) == 7);
            bp_bundle_release(&b);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    const char *root = market_root();
    bp_pool *pool = create(root);
    the_pool = pool;
    test_no_descriptor(pool);
    test_many();
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
