/* Rank 0 is stopped for 3 s (SIGSTOP), service thread, coordinator and all: every other rank goes on hitting
 * when max_staleness_ms allows it, and what does need rank 0 is answered once it runs again.
 *
 * Rank 1, which sits on rank 0's machine, stops it. Each rank knows when from a message of rank 1, and
 * measures its own hits; the findings are gathered when rank 0 runs again. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "core/clock.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define STOP_NS    UINT64_C(3000000000)
#define LEAST_HITS 10 /* of each rank while rank 0 is stopped */

static bp_pool *pool;

typedef struct hits {
    uint64_t count, longest_gap_ns;
    uint64_t last_ns;
} hits;

/* One get of a bundle that is resident. */
static void hit(hits *h)
{
    const bp_bundle *b;
    if (!CHECK_OK(bp_pool_get(pool, "resident", &b))) return;
    bp_bundle_release(&b);
    uint64_t now = bp__clock_ns();
    if (now - h->last_ns > h->longest_gap_ns) h->longest_gap_ns = now - h->last_ns;
    h->last_ns = now;
    h->count++;
}

/* Whether a process is stopped, as the kernel says. */
static bool is_stopped(pid_t pid)
{
    char path[64], line[256];
    bool stopped = false;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof line, f)) {
        const char *state = strrchr(line, ')'); /* PID (NAME) STATE */
        stopped = state && strncmp(state, ") T", 3) == 0;
    }
    if (f) fclose(f);
    return stopped;
}

/* Rank 1: stop rank 0, tell the others, hit for 3 s, tell them again, let rank 0 go on. Before that, every
 * rank says that it has left the last collective call, which it could not leave without rank 0. */
static void stop_rank_0(pid_t pid, hits *h)
{
    for (int r = 0; r < check_size; r++)
        if (r != 1) MPI_Recv(NULL, 0, MPI_INT, r, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    h->last_ns = bp__clock_ns(); /* waiting for the others is no pause of the pool's */
    CHECK(kill(pid, SIGSTOP) == 0);
    while (!is_stopped(pid)) hit(h);
    h->count = 0; /* from here on rank 0 is stopped */
    for (int r = 2; r < check_size; r++) MPI_Send(NULL, 0, MPI_INT, r, 0, MPI_COMM_WORLD);
    for (uint64_t end = bp__clock_ns() + STOP_NS; h->last_ns < end;) hit(h);
    for (int r = 2; r < check_size; r++) MPI_Send(NULL, 0, MPI_INT, r, 0, MPI_COMM_WORLD);
    CHECK(is_stopped(pid));
    CHECK(kill(pid, SIGCONT) == 0);
}

/* Any other rank but 0: hit until rank 1 says something. */
static void hit_until_told(hits *h)
{
    int told = 0;
    MPI_Request request;
    MPI_Irecv(NULL, 0, MPI_INT, 1, 0, MPI_COMM_WORLD, &request);
    while (!told) {
        hit(h);
        MPI_Test(&request, &told, MPI_STATUS_IGNORE);
    }
}

/* Rank 0: hit until it notices that it was stopped. */
static void hit_until_stopped(hits *h)
{
    while (h->longest_gap_ns < STOP_NS) hit(h);
}

static void *get_missing(void *arg)
{
    const bp_bundle *b;
    *(bp_status *)arg = bp_pool_get(pool, "missing", &b);
    bp_bundle_release(&b);
    return NULL;
}

static void report(const hits *h)
{
    uint64_t mine[2] = {h->count, h->longest_gap_ns}, all[2 * 1024];
    /* a rank whose hits need rank 0 has one at most while rank 0 is stopped */
    CHECK(check_rank == 0 || h->count >= LEAST_HITS);
    if (!CHECK(check_size <= 1024)) return;
    MPI_Gather(mine, 2, MPI_UINT64_T, all, 2, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    for (int r = 0; check_rank == 0 && r < check_size; r++)
        printf("  rank %d: %llu hits while rank 0 was stopped, longest pause %.0f ms\n", r,
               (unsigned long long)all[2 * r], (double)all[2 * r + 1] * 1e-6);
}

static void run(const char *root, int64_t staleness_ms, pid_t pid_of_0)
{
    bp_config cfg = bp_config_init();
    hits h = {0};
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 16 << 20;
    cfg.max_staleness_ms = staleness_ms;
    if (!CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool))) return;
    hit(&h); /* loads it */
    MPI_Barrier(MPI_COMM_WORLD);
    h = (hits){.last_ns = bp__clock_ns()};
    if (check_rank != 1) MPI_Send(NULL, 0, MPI_INT, 1, 0, MPI_COMM_WORLD);

    if (check_rank == 0) hit_until_stopped(&h);
    if (check_rank == 1) stop_rank_0(pid_of_0, &h);
    if (check_rank > 1) {
        bp_status missing = BP_OK;
        pthread_t getter;
        hit_until_told(&h); /* that rank 0 is stopped */
        h.count = 0;
        CHECK(pthread_create(&getter, NULL, get_missing, &missing) == 0);
        hit_until_told(&h); /* that it is about to go on */
        CHECK(pthread_join(getter, NULL) == 0);
        CHECK_OK(missing);
    }
    report(&h);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK_OK(bp_pool_destroy(&pool));
}

int main(int argc, char **argv)
{
    check_init(&argc, &argv);
    long pid_of_0 = (long)getpid();
    char host[64] = "", host_of_0[64];
    const char *root = market_root();
    CHECK(gethostname(host, sizeof host - 1) == 0);
    memcpy(host_of_0, host, sizeof host);
    MPI_Bcast(&pid_of_0, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    MPI_Bcast(host_of_0, sizeof host_of_0, MPI_CHAR, 0, MPI_COMM_WORLD);
    int beside = check_rank != 1 || strcmp(host, host_of_0) == 0;
    MPI_Allreduce(MPI_IN_PLACE, &beside, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
    if (CHECK(check_size > 1 && beside)) {
        if (check_rank == 0) {
            market_write("resident", 1, 10, 100);
            market_write("missing", 1, 10, 100);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        check_case("rank 0 stopped for 3 s, max_staleness_ms = -1: hits go on everywhere");
        run(root, -1, (pid_t)pid_of_0);
        check_case("the same, max_staleness_ms = 60000");
        run(root, 60000, (pid_t)pid_of_0);
    }
    market_remove();
    return check_finish();
}
