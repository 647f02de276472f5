/* test_endure FOLDER ROUNDS : loads over and over, for scripts that let something happen during a load.
 *
 * In every round rank 0 rewrites the bundles "gated" and "other", and all ranks get both. FOLDER is visible
 * to all ranks and to the script:
 *
 *     rank.K    written by rank K at the start: the name of its host and its PID there
 *     halfway   a FIFO; a line says that half of the tasks of a load of "gated" are done
 *     go        a FIFO; that load reads a byte from it before it goes on
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/h5read.h"
#include "mpi/pool.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define ASSETS 300
#define DAYS   2000 /* 24 MB: two dozen segments, so that many are under way */

static const bp__loader *real;
static const char *folder;

/* Rank 0 only: the open source of "gated"; there is one at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bp__source *gated;

static int open_in_folder(const char *name, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, flags | O_CLOEXEC, 0666);
}

/* Say that half of a load is done; go on when told to. */
static bp_status pass_gate(void)
{
    char byte;
    int fd = open_in_folder("halfway", O_WRONLY);
    bool ok = fd >= 0 && write(fd, "halfway\n", 8) == 8;
    if (fd >= 0) close(fd);
    fd = ok ? open_in_folder("go", O_RDONLY) : -1;
    ok = fd >= 0 && read(fd, &byte, 1) == 1;
    if (fd >= 0) close(fd);
    if (!ok) BP_FAIL_ERRNO(BP_ESYS, errno, "%s: the gate", folder);
    return BP_OK;
}

static bp_status gate_open(const char *path, bp__source **source)
{
    BP_TRY(real->open(path, source));
    pthread_mutex_lock(&lock);
    if (strstr(path, "/gated.h5")) gated = *source;
    pthread_mutex_unlock(&lock);
    return BP_OK;
}

static bp_status gate_fetch(bp__source *source, uint64_t task, void *stored)
{
    pthread_mutex_lock(&lock);
    bool halfway = source == gated && task == real->plan(source)->num_tasks / 2;
    pthread_mutex_unlock(&lock);
    if (halfway) BP_TRY(pass_gate());
    return real->fetch(source, task, stored);
}

static void gate_close(bp__source **source)
{
    pthread_mutex_lock(&lock);
    if (gated == *source) gated = NULL; /* its address may be another source's next */
    pthread_mutex_unlock(&lock);
    real->close(source);
}

static void tell_pid(void)
{
    char name[32], line[128] = "", host[64] = "";
    CHECK(gethostname(host, sizeof host - 1) == 0);
    int n = snprintf(line, sizeof line, "%s %ld\n", host, (long)getpid());
    snprintf(name, sizeof name, "rank.%d", check_rank);
    int fd = open_in_folder(name, O_WRONLY | O_CREAT | O_TRUNC);
    CHECK(fd >= 0 && write(fd, line, (size_t)n) == n && close(fd) == 0);
}

static uint32_t version_of(bp_pool *pool, const char *name)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, name, &b))) return 0;
    uint32_t v = market_version(b);
    bp_bundle_release(&b);
    return v;
}

int main(int argc, char **argv)
{
    bp_config cfg = bp_config_init();
    bp_pool *pool = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: test_endure FOLDER ROUNDS\n");
        return 2;
    }
    folder = argv[1];
    check_init(&argc, &argv);
    tell_pid();
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", market_root());
    cfg.pool_memory = 128 << 20;
    real = bp__h5_loader();
    bp__loader loader = *real;
    loader.open = gate_open;
    loader.fetch = gate_fetch;
    loader.close = gate_close;
    if (!CHECK_OK(bp__pool_create_with(MPI_COMM_WORLD, &cfg, &loader, &pool))) return check_finish();

    long rounds = strtol(argv[2], NULL, 10);
    for (long v = 1; v <= rounds; v++) {
        if (check_rank == 0) {
            market_write("gated", (uint32_t)v, ASSETS, DAYS);
            market_write("other", (uint32_t)v, ASSETS, DAYS);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        bool gated_first = check_rank % 2 == 0; /* both loads are under way at once */
        CHECK(version_of(pool, gated_first ? "gated" : "other") == (uint32_t)v);
        CHECK(version_of(pool, gated_first ? "other" : "gated") == (uint32_t)v);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    bp_stats s = bp_stats_init();
    CHECK_OK(bp_pool_stats(pool, &s));
    CHECK(s.cluster.loads == 2 * (uint64_t)rounds && s.cluster.failures == 0);
    CHECK_OK(bp_pool_destroy(&pool));
    market_remove();
    return check_finish();
}
