/* Messages that rank 0 sends and receives do not grow with the number of nodes: counted by wrappers of the
 * MPI calls themselves, over the same work on 4, 16 and 64 virtual nodes of one rank each. On each it has
 * three children, and so one bound holds for all. (How far below the bound a run stays is chance: it
 * depends on which nodes ask before the answer reaches them anyway.) */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mpi/pool.h"

#include "core/atomic.h"
#include "support/market.h"
#include "support/mpi_check.h"

#define BUNDLES 5

static _Atomic long sent, received;

int MPI_Isend(const void *buf, int count, MPI_Datatype type, int dest, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    sent++;
    return PMPI_Isend(buf, count, type, dest, tag, comm, request);
}

int MPI_Imrecv(void *buf, int count, MPI_Datatype type, MPI_Message *message, MPI_Request *request)
{
    received++;
    return PMPI_Imrecv(buf, count, type, message, request);
}

int MPI_Irecv(void *buf, int count, MPI_Datatype type, int source, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    received++;
    return PMPI_Irecv(buf, count, type, source, tag, comm, request);
}

/* A barrier that sleeps: otherwise 64 ranks that spin on a few cores would be all that is measured. */
static void quiet_barrier(MPI_Comm comm)
{
    int done = 0;
    MPI_Request request;
    MPI_Ibarrier(comm, &request);
    for (MPI_Test(&request, &done, MPI_STATUS_IGNORE); !done; MPI_Test(&request, &done, MPI_STATUS_IGNORE))
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 1000000}, NULL);
}

#define ROUNDS   (3 * BUNDLES) /* a load and an invalidation each */
#define CHILDREN 3

/* What a child may send to rank 0 in a round, for all nodes below it: MISS, VOTE, ACK, DRAINED. */
#define NOTES 4

typedef struct tally {
    long sent, received, commands;
} tally;

static tally work(MPI_Comm comm, const char *root)
{
    int rank;
    bp_config cfg = bp_config_init();
    bp_pool *pool;
    char name[16];
    MPI_Comm_rank(comm, &rank);
    CHECK_OK(bp_config_default(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", root);
    cfg.pool_memory = 4 << 20;
    cfg.max_staleness_ms = -1;
    cfg.ranks_per_node = 1;
    CHECK_OK(bp_pool_create(comm, &cfg, &pool));
    quiet_barrier(comm);
    long sent0 = sent, received0 = received;
    uint64_t commands0 = bp__load_seq_cst(&pool->dir.header->applied);
    for (int i = 0; i < ROUNDS; i++) {
        const bp_bundle *b;
        snprintf(name, sizeof name, "b%d", i % BUNDLES);
        CHECK_OK(bp_pool_get(pool, name, &b));
        CHECK(market_version(b) == (uint32_t)(i % BUNDLES + 1));
        bp_bundle_release(&b);
        quiet_barrier(comm);
        if (rank == 0) CHECK_OK(bp_pool_invalidate(pool, name));
        quiet_barrier(comm);
    }
    const tally t = {sent - sent0, received - received0,
                     (long)(bp__load_seq_cst(&pool->dir.header->applied) - commands0)};
    CHECK_OK(bp_pool_destroy(&pool));
    return t;
}

int main(int argc, char **argv)
{
    static const int sizes[] = {4, 16, 64};
    check_init(&argc, &argv);
    const char *root = market_root();
    for (uint32_t i = 0; check_rank == 0 && i < BUNDLES; i++) {
        char name[16];
        snprintf(name, sizeof name, "b%u", i);
        market_write(name, i + 1, 20, 50);
    }
    quiet_barrier(MPI_COMM_WORLD);
    CHECK(check_size >= sizes[2]);
    for (int k = 0; k < 3; k++) {
        MPI_Comm comm;
        tally t = {0};
        MPI_Comm_split(MPI_COMM_WORLD, check_rank < sizes[k] ? 0 : MPI_UNDEFINED, check_rank, &comm);
        if (comm != MPI_COMM_NULL) {
            t = work(comm, root);
            MPI_Comm_free(&comm);
        }
        quiet_barrier(MPI_COMM_WORLD);
        if (check_rank > 0) continue;
        printf("%2d nodes: %ld commands, rank 0 sent %ld and received %ld messages\n", sizes[k], t.commands,
               t.sent, t.received);
        /* every command goes to each child, and every image, of one segment, to the next node */
        CHECK(t.commands >= 5 * ROUNDS && t.sent <= CHILDREN * t.commands + ROUNDS);
        CHECK(t.received <= CHILDREN * NOTES * ROUNDS);
    }
    market_remove();
    return check_finish();
}
