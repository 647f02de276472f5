/* test_hung open|fetch|check : a file system that no longer answers. Gets of what lies there end with load_timeout_ms, other
 * bundles are loaded all the same, even when every turn to load was taken, and the pool ends with the reason.
 *
 * What hangs is a read() of an empty pipe in rank 0, in place of opening, fetching, or checking a bundle whose name begins
 * with "hung". */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/identity.h"
#include "io/hdf5/h5read.h"
#include "mpi/load.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

enum { TIMEOUT_MS = 1500, HUNG = BP__MOST_LOADS + 3, THREADS = HUNG };

static const bp__loader *real;
static bp__loader loader;
static int empty_pipe[2];
static _Atomic bool hangs;       /* the file system */
static _Atomic bool has_gone_on; /* what has to end in the read */

static bool lies_there(const char *path)
{
    const char *slash = strrchr(path, '/');
    return bp__load_acquire(&hangs) && strncmp(slash ? slash + 1 : path, "hung", 4) == 0;
}

static void hang(void)
{
    char byte;
    (void)!read(empty_pipe[0], &byte, 1);
    bp__store_relaxed(&has_gone_on, true);
}

static bp_status hung_open(const char *path, bp__source **source)
{
    if (lies_there(path)) hang();
    return real->open(path, source);
}

/* The plan of a hung bundle is another one's: it has an image of a size of its own. */
static bp_status hung_fetch(bp__source *source, uint64_t task, void *stored)
{
    if (bp__load_acquire(&hangs) && real->plan(source)->image_bytes > 400000) hang();
    return real->fetch(source, task, stored);
}

bp_status __real_bp__identify(int dirfd, const char *path, const char *label, bp__identity *id);
bp_status __wrap_bp__identify(int dirfd, const char *path, const char *label, bp__identity *id);
static bool checks_hang;
bp_status __wrap_bp__identify(int dirfd, const char *path, const char *label, bp__identity *id)
{
    if (checks_hang && lies_there(path)) hang();
    return __real_bp__identify(dirfd, path, label, id);
}

static bp_pool *create(const char *root, const char *what)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 256 << 20;
    cfg.max_bundle_pool_size = 2 * HUNG;
    cfg.load_timeout_ms = TIMEOUT_MS;
    real = bp__h5_loader();
    loader = *real;
    checks_hang = strcmp(what, "check") == 0;
    if (strcmp(what, "open") == 0) loader.open = hung_open;
    if (strcmp(what, "fetch") == 0) loader.fetch = hung_fetch;
    CHECK_OK(bp__pool_create_with(MPI_COMM_WORLD, &cfg, &loader, &pool));
    return pool;
}

static void name_of(int i, char name[16])
{
    snprintf(name, 16, "hung%d", i);
}

static void get_good(bp_pool *pool, const char *name, uint32_t version)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return;
    CHECK(market_version(b) == version);
    bp_bundle_release(&b);
}

typedef struct getter {
    pthread_t thread;
    bp_pool *pool;
    char name[16];
} getter;

static void *get_hung(void *arg)
{
    const getter *g = arg;
    const bp_bundle *b = NULL;
    CHECK_STATUS(bp_pool_get(g->pool, g->name, &b), BP_ETIMEOUT);
    return NULL;
}

/* All that hang are asked for at once: they take every turn. */
static void get_all_hung(bp_pool *pool)
{
    static getter g[THREADS];
    for (int i = 0; i < THREADS; i++) {
        g[i].pool = pool;
        name_of(i, g[i].name);
        CHECK(pthread_create(&g[i].thread, NULL, get_hung, &g[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(g[i].thread, NULL) == 0);
}

static void destroy(bp_pool *pool)
{
    const uint64_t from = bp__clock_ns();
    if (CHECK_STATUS(bp_pool_destroy(&pool), BP_EMPI))
        CHECK(strstr(bp_error_text(), "/hung") && strstr(bp_error_text(), "load_timeout_ms = 1500"));
    CHECK(pool == NULL);
    CHECK(bp__clock_ns() - from < UINT64_C(30000000000)); /* it ends; how soon is the machine's business */
    CHECK(!bp__load_relaxed(&has_gone_on));
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    if (argc != 2) return 2;
    const char *root = market_root();
    if (check_rank == 0) {
        char name[16];
        for (int i = 0; i < HUNG; i++) {
            name_of(i, name);
            market_write(name, 1, 20, 600);
        }
        market_write("good", 2, 10, 200);
        market_write("late", 3, 10, 200);
        market_write("last", 4, 10, 200);
        CHECK(pipe(empty_pipe) == 0);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    bp_pool *pool = create(root, argv[1]);
    if (checks_hang)
        for (int i = 0; i < HUNG; i++) {
            char name[16];
            name_of(i, name);
            get_good(pool, name, 1);
        }
    MPI_Barrier(MPI_COMM_WORLD);
    bp__store_release(&hangs, true);

    check_case("a bundle on a file system that hangs; others are loaded");
    if (check_rank == check_size - 1) {
        getter one = {.pool = pool, .name = "hung0"};
        get_hung(&one);
    } else {
        get_good(pool, "good", 2);
    }
    check_case("more of them than may be loaded at once; others are loaded when those have had their time");
    if (check_rank == check_size - 1) get_all_hung(pool);
    MPI_Barrier(MPI_COMM_WORLD);
    get_good(pool, "late", 3);
    get_good(pool, "last", 4);
    check_case("the pool ends, and says why");
    destroy(pool);
    market_remove();
    return check_finish();
}
