#include "optimizer/sweep.h"

#include <stdio.h>
#include <string.h>

#include "mpi/comm.h"

#define VERSION_ATTEMPTS 20

static bp_status agree(bp_status s)
{
    return bp__agree(MPI_COMM_WORLD, s);
}

/* A number that is the same on two ranks if they have the same version: the pool numbers its own; private
 * loads are told apart by what is in them. */
static bp_status stamp_of(const bp__sweep *w, uint64_t *stamp)
{
    *stamp = bp_bundle_generation(w->bundle);
    if (bp_config_should_use_pool(&w->options->cfg)) return BP_OK;
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
            w->private_loads += !bp_config_should_use_pool(&w->options->cfg);
            s = stamp_of(w, &stamp);
        }
        BP_TRY(agree(s));
        uint64_t mine[2] = {stamp, ~stamp}, least[2];
        BP_MPI(MPI_Allreduce(mine, least, 2, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD));
        if (least[0] == ~least[1]) return BP_OK;
        bp_bundle_release(&w->bundle);
    }
    BP_FAIL(BP_ECHANGED,
            "%s: it is replaced again and again, the ranks cannot get the same version; wait until it "
            "is complete",
            w->name);
}

bp_status bp__sweep_open(const bp__options *o, bp__sweep *w)
{
    *w = (bp__sweep){.options = o};
    return bp_pool_create(MPI_COMM_WORLD, &o->cfg, &w->pool);
}

bp_status bp__sweep_begin(bp__sweep *w, uint64_t bundle)
{
    const bp__options *o = w->options;
    w->name = o->bundle[bundle];
    w->changed = w->deaf = false;
    BP_TRY(pin(w));
    bp_status s = bp__scope_create(w->bundle, (const char *const *)o->symbols, o->start, o->end, &w->scope);
    if (s == BP_OK) s = bp__workspace_create(w->scope, &w->workspace);
    return agree(s);
}

void bp__sweep_end(bp__sweep *w)
{
    bp__workspace_destroy(&w->workspace);
    bp__scope_destroy(&w->scope);
    bp_bundle_release(&w->bundle);
}

bp_status bp__sweep_close(bp__sweep *w)
{
    bp__sweep_end(w);
    return bp_pool_destroy(&w->pool);
}

/* Each backtest asks for its bundle by name, as any program would: that makes it recently used, and tells
 * whether it has changed. The pinned version is what is tested, so that all results are of one. After a get
 * that did not return it there is nothing to be gained by asking. */
static void use_bundle(bp__sweep *w)
{
    const bp_bundle *now;
    if (w->deaf || !bp_config_should_use_pool(&w->options->cfg)) return;
    const bp_status s = bp_pool_get(w->pool, w->name, &now);
    /* what is pinned is listed until another version is asked for: a get that fails has found one, or cannot
     * tell */
    const bool cannot_tell = s == BP_ETIMEOUT || s == BP_EIO || s == BP_ESYS;
    w->changed = s == BP_OK ? bp_bundle_generation(now) != bp_bundle_generation(w->bundle) : !cannot_tell;
    w->deaf = w->changed || cannot_tell;
    bp_bundle_release(&now);
}

void bp__sweep_run(bp__sweep *w, uint64_t task, bp__result *result)
{
    const bp__grid *grid = &w->options->grid;
    double params[BP__MAX_PARAMS];
    use_bundle(w);
    *result = (bp__result){.index = task, .changed = w->changed};
    bp__grid_at(grid, task % grid->size, params);
    bp_status s = bp__backtest_run(w->scope, grid->strategy, params, &w->options->account, w->workspace,
                                   &result->metrics, NULL);
    result->status = s;
    if (bp__failed(s)) snprintf(result->why, sizeof result->why, "%s", bp_error_text());
}

bp_status bp__sweep_totals(bp__sweep *w, bp_stats *stats)
{
    int rank;
    uint64_t all;
    BP_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    BP_MPI(MPI_Allreduce(&w->private_loads, &all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD));
    bp_status s = rank == 0 ? bp_pool_stats(w->pool, stats) : BP_OK;
    if (!bp_config_should_use_pool(&w->options->cfg)) stats->cluster.loads = all;
    return agree(s);
}
