/* File systems whose times are whole seconds, and those whose stat() tells old news: what a get returns is whole, and is
 * what is on disk. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/hdf5/h5read.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"
#include "support/other_fs.h"

enum { ATTEMPTS = 2, ASSETS = 60, SESSIONS = 400 };

static const char *root;
static const bp__loader *real;
static bp__loader loader; /* the real one, on rank 0 with a rewrite in the middle */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool rewrite_now; /* under the lock */

/* Write another version into the very file that is being read: same inode, same size. */
static void overwrite(const char *name, const char *with)
{
    char from[512], to[512], bytes[65536];
    snprintf(from, sizeof from, "%s/%s.h5", root, with);
    snprintf(to, sizeof to, "%s/%s.h5", root, name);
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CLOEXEC);
    CHECK(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;) CHECK(write(out, bytes, (size_t)n) == n);
    CHECK(close(in) == 0 && close(out) == 0);
}

static bp_status fetch(bp__source *source, uint64_t task, void *stored)
{
    pthread_mutex_lock(&lock);
    if (rewrite_now && task == 2) {
        rewrite_now = false;
        overwrite("torn", "new");
    }
    pthread_mutex_unlock(&lock);
    return real->fetch(source, task, stored);
}

static bp_pool *create(void)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 64 << 20;
    real = bp__h5_loader();
    loader = *real;
    loader.fetch = fetch;
    CHECK_OK(bp__pool_create_with(MPI_COMM_WORLD, &cfg, &loader, &pool));
    return pool;
}

static uint32_t version_of(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return 0;
    uint32_t v = market_version(b);
    bp_bundle_release(&b);
    return v;
}

/* A file that is written at the beginning of a second, read more than 20 ms later, and rewritten in that second. */
static void write_early(void)
{
    const struct timespec tick = {.tv_nsec = 60000000};
    struct timespec t;
    do clock_gettime(CLOCK_REALTIME, &t);
    while (t.tv_nsec > 20000000);
    market_write("torn", 1, ASSETS, SESSIONS);
    nanosleep(&tick, NULL);
}

static void test_whole_seconds(bp_pool *pool)
{
    check_case("times of whole seconds: a file that is rewritten in place during its load is read again");
    other_fs_be(OTHER_FS_SECONDS);
    if (check_rank == 0) market_write("new", 2, ASSETS, SESSIONS);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (check_rank == 0) {
            write_early();
            pthread_mutex_lock(&lock);
            rewrite_now = true;
            pthread_mutex_unlock(&lock);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        CHECK(version_of(pool, "torn") == 2);
        MPI_Barrier(MPI_COMM_WORLD);
    }
}

static void test_old_news(bp_pool *pool)
{
    check_case("NFS: what another client wrote is seen by the next get, whatever stat() tells");
    other_fs_be(OTHER_FS_NFS);
    if (check_rank == check_size - 1) market_write("far", 1, 4, 8);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "far") == 1);
    CHECK(version_of(pool, "far") == 1);
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == check_size - 1) market_write("far", 2, 4, 8);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "far") == 2);
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    root = market_root();
    bp_pool *pool = create();
    test_whole_seconds(pool);
    CHECK_OK(bp_pool_destroy(&pool));
    other_fs_be(OTHER_FS_NFS); /* before the pool looks what it is on */
    pool = create();
    test_old_news(pool);
    CHECK_OK(bp_pool_destroy(&pool));
    other_fs_be(OTHER_FS_NONE);
    market_remove();
    return check_finish();
}
