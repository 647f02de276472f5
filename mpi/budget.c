#include "mpi/budget.h"

#include "core/log.h"
#include "core/memory.h"

#define LEAST_BUDGET     (UINT64_C(1) << 20)
#define SPACE_PER_BUDGET 4u /* address space, so that a contiguous place is found without evicting for it */

static bp_status propose(const bp__topology *top, const bp_config *cfg, uint64_t control, uint64_t *budget,
                         uint64_t *space)
{
    bp__memory m;
    BP_TRY(bp__memory_look(&m));
    uint64_t nodes = (uint64_t)top->nodes_on_machine;
    uint64_t free_bytes = bp__memory_least(&m) / nodes;
    free_bytes -= free_bytes < control ? free_bytes : control;
    *budget = cfg->pool_memory > 0 ? (uint64_t)cfg->pool_memory : free_bytes / 2;
    if (*budget > free_bytes)
        BP_FAIL(BP_ENOMEM,
                "node %s: pool_memory = %llu bytes, but %llu are free for it (/dev/shm has %llu, the "
                "machine %llu, for %llu pools); set pool_memory lower or enlarge /dev/shm",
                top->host, (unsigned long long)*budget, (unsigned long long)free_bytes,
                (unsigned long long)m.shm_free, (unsigned long long)m.available, (unsigned long long)nodes);
    if (*budget < LEAST_BUDGET)
        BP_FAIL(BP_ENOMEM,
                "node %s: %llu bytes of shared memory for a pool are too few, it needs %llu; enlarge "
                "/dev/shm or set pool_memory higher",
                top->host, (unsigned long long)*budget, (unsigned long long)LEAST_BUDGET);
    /* Open MPI refuses a window larger than what the file system has free, though it reserves nothing. */
    uint64_t most = m.shm_free == UINT64_MAX ? UINT64_MAX : m.shm_free - m.shm_free / 16;
    *space = *budget > most / SPACE_PER_BUDGET ? most : *budget * SPACE_PER_BUDGET;
    if (*space < *budget) *space = *budget;
    return BP_OK;
}

bp_status bp__budget_agree(const bp__topology *top, const bp_config *cfg, uint64_t control, uint64_t *budget,
                           uint64_t *arena_bytes)
{
    uint64_t mine[2] = {UINT64_MAX, UINT64_MAX}, least[2];
    bp_status s = top->node_rank == 0 ? propose(top, cfg, control, &mine[0], &mine[1]) : BP_OK;
    BP_TRY(bp__agree(top->world, s));
    BP_MPI(MPI_Allreduce(mine, least, 2, MPI_UINT64_T, MPI_MIN, top->world));
    *budget = least[0];
    *arena_bytes = least[1];
    if (top->rank == 0)
        bp__log(BP_LOG_INFO, "pool of %d ranks on %d nodes, %llu bytes each", top->num_ranks, top->num_nodes,
                (unsigned long long)*budget);
    return BP_OK;
}
