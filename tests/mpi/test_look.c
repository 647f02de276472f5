/* Looks at a file whose result comes late: what has happened since counts. Rank 0's looks at the end of a load, and for
 * checks, are replaced by the linker with ones that can be held up. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bundlepool/bundlepool.h>

#include "core/identity.h"
#include "support/market.h"
#include "support/mpi_check.h"

typedef enum look { PASS, HOLD_UP, HELD, REWRITE } look;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over the three below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static look next_look;
static int far; /* the last rank; its node is not rank 0's */

/* The file changes right after it was looked at, and then a get begins on the other node. */
static void rewrite_and_tell(void)
{
    const struct timespec while_it_begins = {.tv_nsec = 200000000};
    market_write("dated", 2, 4, 8);
    CHECK(MPI_Send(NULL, 0, MPI_BYTE, far, 1, MPI_COMM_WORLD) == MPI_SUCCESS);
    CHECK(MPI_Recv(NULL, 0, MPI_BYTE, far, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE) == MPI_SUCCESS);
    nanosleep(&while_it_begins, NULL); /* if it is late, less is shown; nothing fails for it */
}

bp_status __real_bp__identify(int dirfd, const char *path, const char *label, bp__identity *id);
bp_status __wrap_bp__identify(int dirfd, const char *path, const char *label, bp__identity *id);
bp_status __wrap_bp__identify(int dirfd, const char *path, const char *label, bp__identity *id)
{
    bp_status s = __real_bp__identify(dirfd, path, label, id);
    pthread_mutex_lock(&lock);
    bool rewrite = next_look == REWRITE;
    if (rewrite) next_look = PASS;
    if (next_look == HOLD_UP) {
        next_look = HELD;
        pthread_cond_broadcast(&changed);
        while (next_look == HELD) pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    if (rewrite) rewrite_and_tell();
    return s;
}

static void set_next(look what)
{
    pthread_mutex_lock(&lock);
    next_look = what;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static uint32_t version_of(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return 0;
    uint32_t v = market_version(b);
    bp_bundle_release(&b);
    return v;
}

static uint64_t loads_of(bp_pool *pool)
{
    bp_stats s = bp_stats_init();
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_stats(pool, &s));
    MPI_Barrier(MPI_COMM_WORLD);
    return s.cluster.loads;
}

static void test_late_look(bp_pool *pool)
{
    check_case("a look at an old version ends when a newer one is there: that one stays");
    if (check_rank == 0) market_write("late", 1, 4, 8);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "late") == 1);
    uint64_t loads = loads_of(pool);
    if (check_rank == 0) set_next(HOLD_UP);
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == far) CHECK(version_of(pool, "late") == 2); /* has rank 0's node look */
    if (check_rank == 0) {
        pthread_mutex_lock(&lock);
        while (next_look != HELD) pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        market_write("late", 2, 4, 8);
        CHECK_OK(bp_pool_invalidate(pool, "late"));
        CHECK(version_of(pool, "late") == 2);
        set_next(PASS);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "late") == 2);
    CHECK(loads_of(pool) == loads + 1);
}

static void test_joined(bp_pool *pool)
{
    check_case("a get does not take the answer of a look that was made before it began");
    const struct timespec while_it_begins = {.tv_nsec = 200000000};
    const int beside = far - 1; /* on the same node */
    if (check_rank == 0) market_write("joined", 1, 4, 8);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "joined") == 1);
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == 0) set_next(HOLD_UP);
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == far) CHECK(version_of(pool, "joined") > 0); /* either: it began before the rewrite */
    if (check_rank == 0) {
        pthread_mutex_lock(&lock);
        while (next_look != HELD) pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        market_write("joined", 2, 4, 8);
        CHECK(MPI_Send(NULL, 0, MPI_BYTE, beside, 3, MPI_COMM_WORLD) == MPI_SUCCESS);
        CHECK(MPI_Recv(NULL, 0, MPI_BYTE, beside, 4, MPI_COMM_WORLD, MPI_STATUS_IGNORE) == MPI_SUCCESS);
        nanosleep(&while_it_begins, NULL); /* if it is late, less is shown; nothing fails for it */
        set_next(PASS);
    } else if (check_rank == beside) {
        CHECK(MPI_Recv(NULL, 0, MPI_BYTE, 0, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE) == MPI_SUCCESS);
        CHECK(MPI_Send(NULL, 0, MPI_BYTE, 0, 4, MPI_COMM_WORLD) == MPI_SUCCESS);
        CHECK(version_of(pool, "joined") == 2);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void test_dated(bp_pool *pool)
{
    check_case("a version counts as looked at when it was, not when it was published");
    if (check_rank == 0) {
        market_write("dated", 1, 4, 8);
        set_next(REWRITE);
        CHECK(version_of(pool, "dated") > 0); /* either: it began before the rewrite */
    } else if (check_rank == far) {
        CHECK(MPI_Recv(NULL, 0, MPI_BYTE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE) == MPI_SUCCESS);
        CHECK(MPI_Send(NULL, 0, MPI_BYTE, 0, 2, MPI_COMM_WORLD) == MPI_SUCCESS);
        CHECK(version_of(pool, "dated") == 2);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "dated") == 2);
    MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    far = check_size - 1;
    const char *root = market_root();
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 16 << 20;
    cfg.max_staleness_ms = 0;
    cfg.load_timeout_ms = 60000;
    CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool));
    test_late_look(pool);
    test_joined(pool);
    test_dated(pool);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
