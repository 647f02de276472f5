#include "search/sweep.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/text.h"
#include "mpi/comm.h"
#include "mpi/lend.h"
#include "search/search.h"

#define VERSION_ATTEMPTS 20
#define PREPARE_NS       UINT64_C(250000000) /* results of neighbours wait so long for each other, and some more */
#define FIRST            8                   /* neighbours, of a strategy that may be slow */

/* A number that is the same on two ranks if they have the same version: the pool numbers its own; private
 * loads are told apart by what is in them. */
static bp_status stamp_of(const bp__sweep *w, uint64_t *stamp)
{
    *stamp = bp_bundle_generation(w->bundle);
    if (w->pooled) return BP_OK;
    bp_version version = bp_version_init();
    BP_TRY(bp_bundle_version(w->bundle, &version));
    memcpy(stamp, version.content_hash, sizeof *stamp);
    bp_version_fini(&version);
    return BP_OK;
}

/* Pin one version on all ranks; a rank that comes late may find a newer one. */
static bp_status pin(bp__sweep *w)
{
    for (int i = 0; i < VERSION_ATTEMPTS; i++) {
        uint64_t stamp = 0;
        bp_status s = bp_pool_get(w->pool, w->name, &w->bundle);
        if (s == BP_OK) {
            w->private_loads += !w->pooled;
            s = stamp_of(w, &stamp);
        }
        const bp__watch watch = bp__pool_watch(w->pool);
        BP_TRY(bp__await_agree(w->comm, s, &watch));
        uint64_t mine[2] = {stamp, ~stamp}, least[2];
        BP_TRY(bp__await_allreduce(mine, least, 2, MPI_MIN, w->comm, &watch));
        if (least[0] == ~least[1]) return BP_OK;
        bp_bundle_release(&w->bundle);
    }
    BP_FAIL(BP_ECHANGED,
            "%s: it is replaced again and again, the ranks cannot get the same version; wait until it "
            "is complete",
            w->name);
}

static bool is_one_folder(const char *a, const char *b)
{
    struct stat x, y;
    if (strcmp(a, b) == 0) return true;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Whether a pool has what is searched, on the ranks that search. */
static bp_status check_pool(MPI_Comm comm, const bp_config *cfg, const bp_pool *pool)
{
    const char *root = bp__pool_config(pool)->root;
    int ranks;
    BP_MPI(MPI_Comm_compare(comm, bp__pool_comm(pool), &ranks));
    if (ranks == MPI_UNEQUAL)
        BP_FAIL(BP_EINVAL, "the pool is of other ranks than the search; create one over the communicator of "
                           "the search, or search over that of the pool");
    if (!is_one_folder(root, cfg->root))
        BP_FAIL(BP_EINVAL,
                "the pool has the bundles of %.160s, the search asks for those of %.160s; give "
                "both the same root",
                root, cfg->root);
    return BP_OK;
}

/* Whether all ranks have a pool, or none has: otherwise some would create one, and wait for the others. */
static bp_status agree_on_pool(MPI_Comm comm, const bp_pool *pool)
{
    const int mine[2] = {pool != NULL, pool == NULL};
    int some[2];
    BP_MPI(MPI_Allreduce(mine, some, 2, MPI_INT, MPI_MAX, comm));
    if (some[0] && some[1])
        BP_FAIL(BP_EINVAL,
                "some ranks bring a pool to the search, and others do not; bring one on all of them");
    return BP_OK;
}

/* Pools that are still in use --------------------------------------------------------------------- */

/* A pool of a sweep's own that could not be destroyed when it ended: what the strategy has kept lies in it (an array of
 * Python's). The next sweep of the same ranks tries again, and MPI_Finalize destroys what is left. The pools of one
 * communicator are in the same order on all its ranks. */
typedef struct left {
    bp_pool *pool;
    struct left *next;
} left;

static left *all_left;
static pthread_mutex_t all_left_lock = PTHREAD_MUTEX_INITIALIZER; /* held for no call that waits */

static void append(left *l)
{
    left **at = &all_left;
    l->next = NULL;
    pthread_mutex_lock(&all_left_lock);
    while (*at) at = &(*at)->next;
    *at = l;
    pthread_mutex_unlock(&all_left_lock);
}

/* Those of the ranks of comm, in their order, taken out of the list of all. */
static left *take_left(MPI_Comm comm)
{
    left *taken = NULL, **end = &taken, **at = &all_left;
    pthread_mutex_lock(&all_left_lock);
    while (*at) {
        left *l = *at;
        int ranks = MPI_UNEQUAL;
        (void)MPI_Comm_compare(comm, bp__pool_comm(l->pool), &ranks);
        if (ranks == MPI_CONGRUENT || ranks == MPI_IDENT) {
            *at = l->next;
            l->next = NULL;
            *end = l;
            end = &l->next;
        } else {
            at = &l->next;
        }
    }
    pthread_mutex_unlock(&all_left_lock);
    return taken;
}

/* Collective over comm. */
static bp_status destroy_left(MPI_Comm comm)
{
    bp_status status = BP_OK;
    for (left *l = take_left(comm), *next; l; l = next) {
        next = l->next;
        const bp_status s = bp_pool_destroy(&l->pool);
        if (l->pool)
            append(l);
        else
            free(l);
        if (s != BP_OK && s != BP_EBUSY) status = s;
    }
    return status;
}

/* Collective over comm. Destroy a pool, or leave it to later if it is in use. */
static bp_status destroy_or_leave(MPI_Comm comm, bp_pool **pool)
{
    bp_status s = bp_pool_destroy(pool);
    if (s != BP_EBUSY) return s;
    left *l = malloc(sizeof *l);
    s = bp__agree(comm, l ? BP_OK : bp__fail(BP_ENOMEM, "no memory to note a pool that is in use"));
    if (s == BP_OK) {
        assert(l);
        l->pool = *pool;
        bp__pool_may_end_with_mpi(l->pool);
        append(l);
    } else {
        free(l);
    }
    *pool = NULL;
    return s;
}

bp_status bp__sweep_open(MPI_Comm comm, const bp__spec *spec, const bp_config *cfg, bp_pool *pool,
                         bp__sweep *w)
{
    *w = (bp__sweep){.comm = comm, .spec = spec, .pooled = bp_config_should_use_pool(cfg)};
    BP_TRY(agree_on_pool(comm, pool));
    if (!pool) {
        BP_TRY(destroy_left(comm));
        return bp_pool_create(comm, cfg, &w->pool);
    }
    BP_TRY(bp__agree(comm, check_pool(comm, cfg, pool)));
    w->pool = pool;
    w->borrowed = true;
    w->pooled = bp_config_should_use_pool(bp__pool_config(pool));
    return BP_OK;
}

bp_status bp__sweep_begin(bp__sweep *w, uint64_t bundle)
{
    const bp__spec *spec = w->spec;
    w->name = spec->bundle[bundle];
    w->changed = w->deaf = false;
    BP_TRY(pin(w));
    bp_status s = bp__scope_create(w->bundle, (const char *const *)spec->symbols, spec->start, spec->end,
                                   spec->delisted_after, &w->scope);
    if (s == BP_OK) s = bp__workspace_create(w->scope, &w->workspace);
    if (s == BP_OK) bp__workspace_keep(w->workspace, w->cache_bytes);
    if (s == BP_OK) w->terms = bp__spec_terms(spec, w->scope);
    const bp__watch watch = bp__pool_watch(w->pool);
    return bp__await_agree(w->comm, s, &watch);
}

void bp__sweep_end(bp__sweep *w)
{
    w->num_next = 0;
    bp__workspace_destroy(&w->workspace);
    bp__scope_destroy(&w->scope);
    bp_bundle_release(&w->bundle);
}

bp_status bp__sweep_close(bp__sweep *w)
{
    bp__sweep_end(w);
    if (!w->borrowed) return destroy_or_leave(w->comm, &w->pool);
    w->pool = NULL;
    return BP_OK;
}

/* Each backtest asks for its bundle by name, as any program would: that makes it recently used, and tells
 * whether it has changed. The pinned version is what is tested, so that all results are of one. After a get
 * that did not return it there is nothing to be gained by asking. */
static void use_bundle(bp__sweep *w)
{
    const bp_bundle *now;
    if (w->deaf || !w->pooled) return;
    const bp_status s = bp_pool_get(w->pool, w->name, &now);
    /* The pinned version stays listed until another one is asked for. So a get that fails has found another, or cannot
     * tell. */
    const bool cannot_tell = s == BP_ETIMEOUT || s == BP_EIO || s == BP_ESYS || s == BP_EMPI;
    w->changed = s == BP_OK ? bp_bundle_generation(now) != bp_bundle_generation(w->bundle) : !cannot_tell;
    w->deaf = w->changed || cannot_tell;
    bp_bundle_release(&now);
}

void bp__sweep_next(bp__sweep *w, const uint64_t *task, size_t count)
{
    w->next = task;
    w->num_next = count;
    w->at = w->prepared = 0;
}

/* The strategy is called, and the caller wants to know for which tasks. */
static void enter(const bp__sweep *w, const uint64_t *task, size_t count)
{
    if (w->hooks && w->hooks->enter) w->hooks->enter(w->hooks->context, task, count);
}

static void leave(const bp__sweep *w)
{
    if (w->hooks && w->hooks->leave) w->hooks->leave(w->hooks->context);
}

uint32_t bp__sweep_at_once(const bp__sweep *w)
{
    const uint32_t most = w->one_by_one ? 1 : bp__backtest_at_once(w->spec->runs, &w->spec->account);
    const uint32_t quick = w->spec->runs->signals_batch ? most : w->quick > 0 ? (uint32_t)w->quick : FIRST;
    return quick < most ? quick : most;
}

/* Find what neighbours say, from the task that is to be run on. */
static bp_status prepare_some(bp__sweep *w)
{
    const bp_strategy *runs = w->spec->runs;
    const bp__grid *grid = &w->spec->grid;
    const uint64_t until = bp__clock_ns() + PREPARE_NS;
    const size_t begin = w->prepared;
    size_t taken = 1;
    bool in_time = true;
    while (w->prepared < w->num_next && taken > 0 && in_time) {
        double params[BP__MAX_BATCH][BP__MAX_PARAMS];
        const double *row[BP__MAX_BATCH];
        const uint64_t *first = w->next + w->prepared;
        const size_t most = runs->signals_batch ? BP__MAX_BATCH : 1,
                     count = w->num_next - w->prepared < most ? w->num_next - w->prepared : most;
        for (size_t i = 0; i < count; i++) {
            bp__grid_at(grid, first[i] % grid->size, params[i]);
            row[i] = params[i];
        }
        enter(w, first, count);
        const bp_status s = bp__backtest_prepare(w->workspace, runs, count, row, &taken);
        leave(w);
        BP_TRY(s);
        w->prepared += taken;
        in_time = bp__clock_ns() < until;
    }
    w->quick = in_time ? BP__MAX_BATCH : w->prepared - begin;
    return BP_OK;
}

/* Where the task is the first one that nothing is known of, find what it and its neighbours say, and run them side by side.
 * @retval BP_ESTOPPED  the strategy was interrupted */
static bp_status prepare(bp__sweep *w, uint64_t task)
{
    while (w->at < w->num_next && w->next[w->at] != task) w->at++;
    if (w->one_by_one || w->at < w->prepared || w->at == w->num_next) return BP_OK;
    if (bp__sweep_at_once(w) == 1 && !w->spec->runs->signals_batch) return BP_OK; /* nothing is gained */
    w->prepared = w->at;
    bp__backtest_forget(w->workspace, w->num_next - w->at);
    BP_TRY(prepare_some(w));
    bp__backtest_run_prepared(w->workspace, &w->spec->account, bp__spec_needs_fills(w->spec));
    return BP_OK;
}

void bp__sweep_run(bp__sweep *w, uint64_t task, bp__result *result)
{
    const bp__spec *spec = w->spec;
    const bp__grid *grid = &spec->grid;
    double params[BP__MAX_PARAMS];
    bp__record record;
    use_bundle(w);
    *result = (bp__result){.task = task, .changed = w->changed};
    bp__grid_at(grid, task % grid->size, params);
    result->status = prepare(w, task);
    if (result->status == BP_OK) {
        enter(w, &task, 1);
        result->status = bp__backtest_run(w->workspace, spec->runs, params, &spec->account, NULL, &record);
        leave(w);
    }
    if (result->status != BP_OK) {
        bp__text_copy(result->why, sizeof result->why, bp_error_text());
        return;
    }
    result->num_values = spec->num_metrics;
    bp__metrics_some(&record, &w->terms, spec->metric, spec->num_metrics, result->value);
}

bp_status bp__sweep_totals(bp__sweep *w, bp_stats *stats)
{
    int rank;
    uint64_t all;
    BP_MPI(MPI_Comm_rank(w->comm, &rank));
    const bp__watch watch = bp__pool_watch(w->pool);
    BP_TRY(bp__await_allreduce(&w->private_loads, &all, 1, MPI_SUM, w->comm, &watch));
    bp_status s = rank == 0 ? bp_pool_stats(w->pool, stats) : BP_OK;
    if (!w->pooled) stats->cluster.loads = all;
    return bp__await_agree(w->comm, s, &watch);
}
