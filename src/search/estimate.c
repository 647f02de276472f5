#include "search/estimate.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"

#define BUDGET_NS UINT64_C(3000000000) /* for all bundles */

/* What malloc() has given out, mapped blocks included. */
static uint64_t allocated(void)
{
    const struct mallinfo2 m = mallinfo2();
    return (uint64_t)m.uordblks + (uint64_t)m.hblkhd;
}

/* The i-th sample of a list: wherever one stops, they lie spread over it (fractions of the golden ratio). */
static uint64_t sample_at(uint64_t i, uint64_t count)
{
    if (count <= BP__MAX_SAMPLES) return i;
    return (uint64_t)(fmod(0.5 + (double)i * 0.6180339887498949, 1) * (double)count);
}

typedef struct bench {
    const bp__spec *spec;
    bp__estimate *estimate;
    const bp_bundle *bundle;
    bp__scope *scope;
    bp__workspace *workspace;
} bench;

static void run_sample(bench *b, uint64_t task)
{
    const bp__grid *grid = &b->spec->grid;
    bp__estimate *e = b->estimate;
    double params[BP__MAX_PARAMS];
    bp__record record;
    bp__grid_at(grid, task % grid->size, params);
    const bp_status s =
        bp__backtest_run(b->workspace, grid->strategy, params, &b->spec->account, NULL, &record);
    if (bp__failed(s) && e->failed++ == 0) snprintf(e->why, sizeof e->why, "%s", bp_error_text());
    e->samples++;
}

/* Run samples of one bundle. @param[in] until_ns  when to stop */
static void run_samples(bench *b, const uint64_t *todo, uint64_t count, uint64_t until_ns)
{
    bp__estimate *e = b->estimate;
    double total_s = 0;
    uint64_t n = 0;
    while (n < count && n < BP__MAX_SAMPLES && (n == 0 || bp__clock_ns() < until_ns)) {
        const uint64_t began = bp__clock_ns();
        run_sample(b, todo[sample_at(n++, count)]);
        const double seconds = (double)(bp__clock_ns() - began) * 1e-9;
        total_s += seconds;
        if (e->samples == 1 || seconds < e->shortest_s) e->shortest_s = seconds;
        if (seconds > e->longest_s) e->longest_s = seconds;
    }
    if (n > 0) e->total_s += total_s / (double)n * (double)count;
}

static bp_status make_ready(bench *b, const char *root, uint64_t bundle)
{
    const bp__spec *spec = b->spec;
    const uint64_t began = bp__clock_ns();
    BP_TRY(bp_bundle_load(root, spec->bundle[bundle], &b->bundle));
    b->estimate->load_s += (double)(bp__clock_ns() - began) * 1e-9;
    const uint64_t before = allocated();
    BP_TRY(bp__scope_create(b->bundle, (const char *const *)spec->symbols, spec->start, spec->end,
                            spec->delisted_after, &b->scope));
    BP_TRY(bp__workspace_create(b->scope, &b->workspace));
    const uint64_t after = allocated(), bytes = bp_bundle_bytes(b->bundle);
    if (after > before && after - before > b->estimate->rank_bytes) b->estimate->rank_bytes = after - before;
    if (bytes > b->estimate->bundle_bytes) b->estimate->bundle_bytes = bytes;
    return BP_OK;
}

/* A bundle of which nothing is to be done is loaded all the same: so does the search. */
static bp_status measure_bundle(const bp__results *results, const char *root, uint64_t bundle,
                                bp__estimate *e)
{
    bench b = {.spec = results->spec, .estimate = e};
    uint64_t *todo = NULL, count = 0;
    bp_status s = make_ready(&b, root, bundle);
    if (s == BP_OK) s = bp__results_todo(results, bundle, &todo, &count);
    if (s == BP_OK) run_samples(&b, todo, count, bp__clock_ns() + BUDGET_NS / results->spec->num_bundles);
    free(todo);
    bp__workspace_destroy(&b.workspace);
    bp__scope_destroy(&b.scope);
    bp_bundle_release(&b.bundle);
    return s;
}

bp_status bp__estimate_search(const bp__spec *spec, const bp_config *cfg, bp__estimate *e)
{
    bp__results results = {0};
    *e = (bp__estimate){0};
    bp_status s = bp__results_init(spec, &results);
    e->skipped = results.skipped;
    e->backtests = results.num_todo;
    e->rows = results.skipped + results.num_todo;
    e->results_bytes = results.num_rows * (1 + spec->num_metrics * sizeof(double));
    for (uint64_t b = 0; s == BP_OK && b < spec->num_bundles; b++)
        s = measure_bundle(&results, cfg->root, b, e);
    bp__results_fini(&results);
    return s;
}

double bp__estimate_seconds(const bp__estimate *e, uint64_t ranks)
{
    const double shared = e->total_s / (double)ranks;
    /* nothing is over before its longest backtest */
    return e->load_s + (shared > e->longest_s ? shared : e->longest_s);
}
