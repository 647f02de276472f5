/* A rank that stands still while it decodes: the others get the bundle all the same, and what the rank does when it goes on
 * harms nobody. Ranks 2 and up of a node decode; the last rank of all, or rank 1, is the one that freezes. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "io/hdf5/h5read.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

enum { ASSETS = 60, SESSIONS = 600, OTHERS = 6 };

typedef enum moment { WHILE_IT_READS, BEFORE_IT_WRITES } moment;

/* The real loader, in which one rank stops itself in its first task. Threads in charge leave it time to take one: they offer
 * no more while they decode. */
static const bp__loader *real;
static bp__loader loader;
static const char *root;
static int who;
static moment when;
static pthread_t main_thread;
static bool froze; /* the main thread's */

static void marker(char path[512])
{
    snprintf(path, 512, "%s/.frozen", root);
}

static bool is_frozen(void)
{
    char path[512];
    marker(path);
    return access(path, F_OK) == 0;
}

/* The rank that freezes decodes in its main thread, which waits in a get. */
static void freeze_or_wait(void)
{
    if (check_rank == who && !froze && pthread_equal(pthread_self(), main_thread)) {
        char path[512];
        froze = true;
        marker(path);
        close(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
        raise(SIGSTOP);
    }
    const struct timespec pause = {.tv_nsec = 5000000};
    struct timespec deadline = bp__deadline(500);
    while (!is_frozen() && !bp__deadline_passed(&deadline)) nanosleep(&pause, NULL);
}

static bp_status unpack(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                        const bp__plan_task *task, const void *stored)
{
    if (when == WHILE_IT_READS) freeze_or_wait();
    return real->unpack(decoder, label, dataset, task, stored);
}

static bp_status decode(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                        const bp__plan_task *task, const void *stored, void *image)
{
    if (stored || when == BEFORE_IT_WRITES) freeze_or_wait();
    return real->decode(decoder, label, dataset, task, stored, image);
}

static bp_pool *create(bp_transfer transfer)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.transfer = transfer;
    cfg.pool_memory = 16 << 20;
    cfg.max_staleness_ms = -1;
    cfg.load_timeout_ms = 20000;
    real = bp__h5_loader();
    loader = *real;
    loader.unpack = unpack;
    loader.decode = decode;
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

static void name_of(int i, char name[16])
{
    snprintf(name, 16, "other%d", i);
}

/* Every rank but the frozen one: the bundle is there, before and after others have used the memory of its stage. */
static void go_on(bp_pool *pool, MPI_Comm movers)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    struct timespec deadline = bp__deadline(20000);
    while (!is_frozen() && !bp__deadline_passed(&deadline)) nanosleep(&pause, NULL);
    CHECK(version_of(pool, "slow") == 5);
    MPI_Barrier(movers);
    for (int i = 0; i < OTHERS; i++) {
        char name[16];
        name_of(i, name);
        CHECK(version_of(pool, name) == (uint32_t)(100 + i));
    }
    MPI_Barrier(movers);
    CHECK(version_of(pool, "slow") == 5);
}

static void run(bp_transfer transfer, int frozen, moment at)
{
    char path[512];
    int me = (int)getpid(), pid = me;
    MPI_Comm movers;
    who = frozen;
    when = at;
    froze = false;
    marker(path);
    MPI_Bcast(&pid, 1, MPI_INT, who, MPI_COMM_WORLD);
    MPI_Comm_split(MPI_COMM_WORLD, check_rank == who, 0, &movers);
    bp_pool *pool = create(transfer);
    if (check_rank == who) {
        CHECK(version_of(pool, "slow") == 5);
        CHECK(froze); /* if not, the case shows nothing */
    } else {
        go_on(pool, movers);
        int rank;
        MPI_Comm_rank(movers, &rank);
        MPI_Barrier(movers);
        if (rank == 0) CHECK(kill(pid, SIGCONT) == 0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(version_of(pool, "slow") == 5);
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == 0) CHECK(unlink(path) == 0);
    MPI_Comm_free(&movers);
    CHECK_OK(bp_pool_destroy(&pool));
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    root = market_root();
    main_thread = pthread_self();
    if (check_rank == 0) {
        char name[16];
        market_write("slow", 5, ASSETS, SESSIONS);
        for (int i = 0; i < OTHERS; i++) {
            name_of(i, name);
            market_write(name, (uint32_t)(100 + i), ASSETS, SESSIONS);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
    check_case("a rank of rank 0's node stops while it reads a chunk");
    run(BP_TRANSFER_DECODED, 1, WHILE_IT_READS);
    check_case("a rank of rank 0's node stops before it writes what it has decoded");
    run(BP_TRANSFER_DECODED, 1, BEFORE_IT_WRITES);
    check_case("a rank of another node stops while it reads a chunk");
    run(BP_TRANSFER_STORED, check_size - 1, WHILE_IT_READS);
    market_remove();
    return check_finish();
}
