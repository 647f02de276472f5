/* A pool that nobody destroys: MPI_Finalize ends it without a collective call, and before it takes anything down no
 * thread of the pool is left that would call MPI. What is held stays readable. rank 0 is told, once.
 *
 * Attributes of MPI_COMM_SELF are deleted in the opposite order of their setting: of two of ours, one is set before the
 * pool sets its own, and one after it. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <bundlepool/bundlepool.h>

#include "support/market.h"
#include "support/mpi_check.h"

static atomic_bool finalizing, taken_down; /* the pool's turn comes next; it is over */
static atomic_int collectives, late;       /* calls of the library's meanwhile, and afterwards */

static void count(bool collective)
{
    if (finalizing && collective) collectives++;
    if (taken_down) late++;
}

int MPI_Barrier(MPI_Comm comm)
{
    count(true);
    return PMPI_Barrier(comm);
}

int MPI_Win_free(MPI_Win *win)
{
    count(true);
    return PMPI_Win_free(win);
}

int MPI_Comm_free(MPI_Comm *comm)
{
    count(true);
    return PMPI_Comm_free(comm);
}

int MPI_Improbe(int from, int tag, MPI_Comm comm, int *found, MPI_Message *message, MPI_Status *status)
{
    count(false);
    return PMPI_Improbe(from, tag, comm, found, message, status);
}

static int set_flag(MPI_Comm comm, int key, void *flag, void *extra)
{
    (void)comm, (void)key, (void)extra;
    *(atomic_bool *)flag = true;
    return MPI_SUCCESS;
}

static void set_attribute(atomic_bool *flag)
{
    int key = MPI_KEYVAL_INVALID;
    CHECK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, set_flag, &key, NULL) == MPI_SUCCESS);
    CHECK(MPI_Comm_set_attr(MPI_COMM_SELF, key, flag) == MPI_SUCCESS);
}

int main(int argc, char **argv)
{
    bp_config cfg = bp_config_init();
    const bp_bundle *held;
    bp_pool *pool[2];
    check_init(&argc, &argv);
    CHECK_OK(bp_config_default(&cfg));
    CHECK_OK(bp_config_from_env(&cfg));
    snprintf(cfg.root, sizeof cfg.root, "%s", market_root());
    cfg.pool_memory = 64 << 20;
    if (check_rank == 0) market_write("one", 1, 10, 10);
    set_attribute(&taken_down);
    for (int i = 0; i < 2; i++) CHECK_OK(bp_pool_create(MPI_COMM_WORLD, &cfg, &pool[i]));
    set_attribute(&finalizing);
    CHECK_OK(bp_pool_get(pool[1], "one", &held));
    market_remove();
    const bool well = check_all_well();
    const int rank = check_rank;
    MPI_Finalize();
    if (!finalizing || !taken_down || collectives > 0 || late > 0 || market_version(held) != 1) {
        printf("rank %d: finalizing %d, taken down %d, %d collective calls, %d late ones\n", rank, finalizing,
               taken_down, collectives, late);
        return 1;
    }
    bp_bundle_release(&held);
    return well ? 0 : 1;
}
