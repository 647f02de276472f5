#include "mpi/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/log.h"
#include "core/memory.h"

#define SPACE_PER_BUDGET 4u /* address space, so that a contiguous place is found without evicting for it */
#define WORDS            192u

/* What one node can give, and who says so. Bytes of this pool node's, where several share a machine. */
typedef struct means {
    uint64_t free_bytes; /* the least of all memory there is */
    uint64_t window;     /* a window may have */
    uint64_t mapping;    /* the limits of this process allow */
    uint64_t shm_free, shm_size, least;
    bp__memory_source source;
    bool by_file_size; /* `mapping` comes from 'ulimit -f', not from 'ulimit -v' */
} means;

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bp_status find_means(const bp__topology *top, const bp__backing *backing, means *has)
{
    bp__memory m;
    BP_TRY(bp__memory_look_at(backing->kind == BP__BACKING_FILE ? backing->folder : NULL, &m));
    uint64_t nodes = (uint64_t)top->nodes_on_machine;
    *has = (means){.shm_free = m.shm_free, .shm_size = m.shm_size};
    has->least = bp__memory_least(&m, &has->source);
    has->free_bytes = has->least / nodes;
    has->window = bp__memory_window(&m) / nodes;
    uint64_t space = bp__backing_space_left(), file = bp__backing_file_left(backing);
    has->by_file_size = file < space;
    has->mapping = min_u64(file, space);
    return BP_OK;
}

/* The largest pool_memory that this node can agree to. */
static uint64_t most_of(const means *has)
{
    return min_u64(min_u64(has->free_bytes, has->window), has->mapping);
}

/* What limits most_of(), and what to do about it: in words. */
static void explain(const means *has, const bp__topology *top, const bp__backing *backing, char *what,
                    size_t room, char remedy[BP__REMEDY_MAX])
{
    if (has->mapping < has->free_bytes && has->mapping < has->window) {
        const char *limit = has->by_file_size ? "ulimit -f" : "ulimit -v";
        snprintf(what, room, "what '%s' leaves on %.24s", limit, top->host);
        snprintf(remedy, BP__REMEDY_MAX, "raise the limit that '%s' shows on %.24s", limit, top->host);
    } else if (has->source == BP__SHM || has->window < has->free_bytes) {
        snprintf(what, room, "%.80s on %.24s, %" PRIu64 " of %" PRIu64 " MiB free", bp__backing_name(backing),
                 top->host, has->shm_free >> 20, has->shm_size >> 20);
        snprintf(remedy, BP__REMEDY_MAX, "enlarge %.48s on %.24s or remove files there",
                 bp__backing_name(backing), top->host);
    } else {
        static const char *const remedies[] = {
            [BP__AVAILABLE] = "use nodes with more free memory than",
            [BP__CGROUP] = "raise the memory limit of the cgroup (container) on",
            [BP__SLURM] = "ask for more with --mem on",
        };
        snprintf(what, room, "%s on %.24s, %" PRIu64 " MiB", bp__memory_source_name(has->source), top->host,
                 has->least >> 20);
        snprintf(remedy, BP__REMEDY_MAX, "%s %.24s", remedies[has->source], top->host);
    }
}

bp_status bp__budget_check(const bp__topology *top, const bp__backing *backing, uint64_t bytes)
{
    means has;
    bp_status s = find_means(top, backing, &has);
    if (s == BP_OK && bytes > most_of(&has)) {
        char what[WORDS], remedy[BP__REMEDY_MAX];
        explain(&has, top, backing, what, sizeof what, remedy);
        s = bp__fail(BP_ENOMEM,
                     "node %s: no room for %" PRIu64
                     " bytes of shared memory for the pool's directory (%s); %s",
                     top->host, bytes, what, remedy);
    }
    return bp__agree(top->world, s);
}

/* The administrator's word on what a pool takes by itself; what users ask for is checked with the settings. */
static void respect_cap(bp__budget *b)
{
    uint64_t most;
    char origin[64];
    if (!bp__config_memory_cap(&most, origin, sizeof origin) || most >= b->bytes) return;
    b->bytes = most;
    snprintf(b->from, sizeof b->from, "max pool_memory of %.60s", origin);
}

static bp_status propose(const bp__topology *top, const bp__backing *backing, const bp_config *cfg,
                         bp__budget *b)
{
    means has;
    char what[WORDS];
    BP_TRY(find_means(top, backing, &has));
    explain(&has, top, backing, what, sizeof what, b->remedy);
    bool chosen = cfg->pool_memory > 0;
    b->most = most_of(&has);
    b->bytes = chosen ? (uint64_t)cfg->pool_memory : min_u64(has.free_bytes / 2, has.mapping);
    if (chosen)
        snprintf(b->from, sizeof b->from, "pool_memory");
    else
        snprintf(b->from, sizeof b->from, "%s%.86s", b->bytes == has.mapping ? "" : "half of ", what);
    if (!chosen) respect_cap(b);
    if (b->bytes > b->most)
        BP_FAIL(BP_ENOMEM,
                "node %s: pool_memory = %" PRIu64 " bytes, but %" PRIu64
                " are free for it (%s%s); set pool_memory "
                "lower, or %s",
                top->host, b->bytes, b->most, what,
                top->nodes_on_machine > 1 ? ", shared by several nodes of this machine" : "", b->remedy);
    if (b->bytes < BP__LEAST_BUDGET)
        BP_FAIL(BP_ENOMEM,
                "node %s: %" PRIu64
                " bytes of shared memory (%s) are too few for a pool, which needs %" PRIu64 "; %s",
                top->host, b->bytes, b->from, BP__LEAST_BUDGET,
                chosen ? "set pool_memory higher" : b->remedy);
    uint64_t space = min_u64(has.window, has.mapping);
    b->arena = b->bytes > space / SPACE_PER_BUDGET ? space : b->bytes * SPACE_PER_BUDGET;
    return BP_OK;
}

/* The text of a rank whose number is the least. */
static bp_status take_text(const bp__topology *top, bool mine_is_least, char *text, int room)
{
    int rank = mine_is_least ? top->rank : top->num_ranks, first;
    BP_MPI(MPI_Allreduce(&rank, &first, 1, MPI_INT, MPI_MIN, top->world));
    BP_MPI(MPI_Bcast(text, room, MPI_CHAR, first, top->world));
    return BP_OK;
}

bp_status bp__budget_agree(const bp__topology *top, const bp__backing *backing, const bp_config *cfg,
                           bp__budget *budget)
{
    *budget = (bp__budget){0};
    BP_TRY(bp__agree(top->world, propose(top, backing, cfg, budget)));
    uint64_t mine[3] = {budget->bytes, budget->arena, budget->most}, least[3];
    BP_MPI(MPI_Allreduce(mine, least, 3, MPI_UINT64_T, MPI_MIN, top->world));
    BP_TRY(take_text(top, mine[0] == least[0], budget->from, sizeof budget->from));
    BP_TRY(take_text(top, mine[2] == least[2], budget->remedy, sizeof budget->remedy));
    budget->bytes = least[0];
    budget->arena = least[1];
    budget->most = least[2];
    if (top->rank == 0)
        bp__log(BP_LOG_INFO, "pool of %d ranks on %d nodes, %" PRIu64 " bytes each: %s", top->num_ranks,
                top->num_nodes, budget->bytes, budget->from);
    return BP_OK;
}
