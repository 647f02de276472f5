#include "mpi/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "core/log.h"
#include "core/memory.h"

#define LEAST_BUDGET     (UINT64_C(1) << 20)
#define SPACE_PER_BUDGET 4u /* address space, so that a contiguous place is found without evicting for it */
#define OTHERS_SPACE     (UINT64_C(64) << 20) /* of a limited address space, for everything else */

/* Bytes that one window may have on this node. Open MPI refuses one that is larger than what the file system
 * has free, less a margin, though it reserves nothing. */
static uint64_t largest_window(const bp__memory *m)
{
    return m->shm_free == UINT64_MAX ? UINT64_MAX : m->shm_free / 8 * 7;
}

/* Of this process: each window is mapped twice, and its file must be allowed to be that long. */
static uint64_t largest_mapping(void)
{
    struct rlimit limit;
    uint64_t most = UINT64_MAX, pages = 0;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) most = limit.rlim_cur;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return most;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%" SCNu64, &pages) != 1) pages = 0;
        fclose(f);
    }
    uint64_t used = pages * 4096 + OTHERS_SPACE;
    uint64_t left = limit.rlim_cur > used ? (limit.rlim_cur - used) / 2 : 0;
    return left < most ? left : most;
}

bp_status bp__budget_check(const bp__topology *top, uint64_t bytes)
{
    bp__memory m;
    bp_status s = bp__memory_look(&m);
    if (s == BP_OK &&
        (bytes > largest_window(&m) / (uint64_t)top->nodes_on_machine || bytes > largest_mapping()))
        s = bp__fail(BP_ENOMEM,
                     "node %s: no room for %" PRIu64
                     " bytes of shared memory; enlarge /dev/shm, or the limits that "
                     "'ulimit -v' and 'ulimit -f' show",
                     top->host, bytes);
    return bp__agree(top->world, s);
}

static bp_status propose(const bp__topology *top, const bp_config *cfg, uint64_t *budget, uint64_t *space)
{
    bp__memory m;
    BP_TRY(bp__memory_look(&m));
    uint64_t nodes = (uint64_t)top->nodes_on_machine, mapping = largest_mapping(),
             window = largest_window(&m);
    uint64_t free_bytes = bp__memory_least(&m) / nodes;
    *budget = cfg->pool_memory > 0 ? (uint64_t)cfg->pool_memory : free_bytes / 2;
    if (cfg->pool_memory == 0 && *budget > mapping) *budget = mapping;
    if (*budget > free_bytes || *budget > window / nodes)
        BP_FAIL(BP_ENOMEM,
                "node %s: pool_memory = %" PRIu64 " bytes, but %" PRIu64
                " are free for it (/dev/shm has %" PRIu64 ", the machine %" PRIu64 ", for %" PRIu64
                " pools); set pool_memory lower or enlarge /dev/shm",
                top->host, *budget, free_bytes < window / nodes ? free_bytes : window / nodes, m.shm_free,
                m.available, nodes);
    if (*budget > mapping)
        BP_FAIL(BP_ENOMEM,
                "node %s: pool_memory = %" PRIu64 " bytes, but 'ulimit -v' and 'ulimit -f' leave %" PRIu64
                "; set pool_memory lower or raise them",
                top->host, *budget, mapping);
    if (*budget < LEAST_BUDGET)
        BP_FAIL(BP_ENOMEM,
                "node %s: %" PRIu64 " bytes of shared memory for a pool are too few, it needs %" PRIu64
                "; enlarge /dev/shm or set pool_memory higher",
                top->host, *budget, LEAST_BUDGET);
    uint64_t most = window < mapping ? window : mapping;
    *space = *budget > most / SPACE_PER_BUDGET ? most : *budget * SPACE_PER_BUDGET;
    return BP_OK;
}

bp_status bp__budget_agree(const bp__topology *top, const bp_config *cfg, uint64_t *budget,
                           uint64_t *arena_bytes)
{
    uint64_t mine[2] = {UINT64_MAX, UINT64_MAX}, least[2];
    BP_TRY(bp__agree(top->world, propose(top, cfg, &mine[0], &mine[1])));
    BP_MPI(MPI_Allreduce(mine, least, 2, MPI_UINT64_T, MPI_MIN, top->world));
    *budget = least[0];
    *arena_bytes = least[1];
    if (top->rank == 0)
        bp__log(BP_LOG_INFO, "pool of %d ranks on %d nodes, %" PRIu64 " bytes each", top->num_ranks,
                top->num_nodes, *budget);
    return BP_OK;
}
