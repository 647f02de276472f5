#include "mpi/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/log.h"
#include "core/memory.h"

#define LEAST_BUDGET     (UINT64_C(1) << 20)
#define SPACE_PER_BUDGET 4u /* address space, so that a contiguous place is found without evicting for it */
#define OTHERS_SPACE     (UINT64_C(64) << 20) /* of a limited address space, for everything else */

/* Bytes that one window may have on this node. Open MPI refuses a window that is larger than what the file
 * system has free, less a margin, though it reserves nothing. */
static uint64_t largest_window(const bp__memory *m)
{
    return m->shm_free == UINT64_MAX ? UINT64_MAX : m->shm_free / 8 * 7;
}

/* Bytes of a window that this process's limits allow: it is mapped twice, and its file must be that long. */
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
                     "node %s: no room for %" PRIu64 " bytes of shared memory; "
                     "enlarge /dev/shm, or the limits that 'ulimit -v' and 'ulimit -f' show",
                     top->host, bytes);
    return bp__agree(top->world, s);
}

static bp_status propose(const bp__topology *top, const bp_config *cfg, uint64_t *budget, uint64_t *space,
                         char from[BP_LIMIT_FROM_MAX])
{
    bp__memory m;
    bp__memory_source source;
    BP_TRY(bp__memory_look(&m));
    uint64_t nodes = (uint64_t)top->nodes_on_machine, mapping = largest_mapping(),
             window = largest_window(&m);
    uint64_t least = bp__memory_least(&m, &source), free_bytes = least / nodes;
    *budget = cfg->pool_memory > 0 ? (uint64_t)cfg->pool_memory : free_bytes / 2;
    if (cfg->pool_memory == 0 && *budget > mapping) *budget = mapping;
    if (cfg->pool_memory > 0)
        snprintf(from, BP_LIMIT_FROM_MAX, "pool_memory");
    else if (*budget == mapping)
        snprintf(from, BP_LIMIT_FROM_MAX, "what 'ulimit -v' and 'ulimit -f' leave on %.24s", top->host);
    else
        snprintf(from, BP_LIMIT_FROM_MAX, "half of %s on %.24s, %" PRIu64 " MiB",
                 bp__memory_source_name(source), top->host, least >> 20);
    if (*budget > free_bytes || *budget > window / nodes)
        BP_FAIL(BP_ENOMEM,
                "node %s: pool_memory = %" PRIu64 " bytes, but %" PRIu64 " are free for it "
                "(%s has least: %" PRIu64 ", for %" PRIu64 " nodes); set pool_memory lower%s",
                top->host, *budget, free_bytes < window / nodes ? free_bytes : window / nodes,
                bp__memory_source_name(source), least, nodes,
                source == BP__SLURM ? " or ask for more with --mem"
                : source == BP__SHM ? " or enlarge /dev/shm"
                                    : "");
    if (*budget > mapping)
        BP_FAIL(BP_ENOMEM,
                "node %s: pool_memory = %" PRIu64 " bytes, "
                "but 'ulimit -v' and 'ulimit -f' leave %" PRIu64 "; set pool_memory lower or raise them",
                top->host, *budget, mapping);
    if (*budget < LEAST_BUDGET)
        BP_FAIL(BP_ENOMEM,
                "node %s: %" PRIu64 " bytes of shared memory (%s) are too few for a pool, "
                "which needs %" PRIu64 "; enlarge that or set pool_memory higher",
                top->host, *budget, from, LEAST_BUDGET);
    uint64_t most = window < mapping ? window : mapping;
    *space = *budget > most / SPACE_PER_BUDGET ? most : *budget * SPACE_PER_BUDGET;
    return BP_OK;
}

bp_status bp__budget_agree(const bp__topology *top, const bp_config *cfg, uint64_t *budget,
                           uint64_t *arena_bytes, char from[BP_LIMIT_FROM_MAX])
{
    uint64_t mine[2] = {UINT64_MAX, UINT64_MAX}, least[2];
    memset(from, 0, BP_LIMIT_FROM_MAX);
    BP_TRY(bp__agree(top->world, propose(top, cfg, &mine[0], &mine[1], from)));
    BP_MPI(MPI_Allreduce(mine, least, 2, MPI_UINT64_T, MPI_MIN, top->world));
    int tightest = mine[0] == least[0] ? top->rank : top->num_ranks, first;
    BP_MPI(MPI_Allreduce(&tightest, &first, 1, MPI_INT, MPI_MIN, top->world));
    BP_MPI(MPI_Bcast(from, BP_LIMIT_FROM_MAX, MPI_CHAR, first, top->world));
    *budget = least[0];
    *arena_bytes = least[1];
    if (top->rank == 0)
        bp__log(BP_LOG_INFO, "pool of %d ranks on %d nodes, %" PRIu64 " bytes each: %s", top->num_ranks,
                top->num_nodes, *budget, from);
    return BP_OK;
}
