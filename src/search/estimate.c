#include "search/estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/text.h"
#include "search/single.h"

#define BUDGET_NS   UINT64_C(3000000000) /* for all bundles */
#define MAX_BATCHES 4                    /* of neighbours; from the second one on, what they share is kept */

/* The i-th sample of a list: wherever one stops, they lie spread over it (fractions of the golden ratio). */
static uint64_t sample_at(uint64_t i, uint64_t count)
{
    if (count <= BP__MAX_SAMPLES) return i;
    return (uint64_t)(fmod(0.5 + (double)i * 0.6180339887498949, 1) * (double)count);
}

static void run_sample(bp__single *single, uint64_t task, bp__estimate *e)
{
    bp__record record;
    const bp_status s = bp__single_run(single, task % single->spec->grid.size, NULL, &record);
    if (bp__failed(s) && e->failed++ == 0) bp__text_first_line(bp_error_text(), e->why, sizeof e->why);
    e->samples++;
}

/* Prepare neighbours, from the first one on, as the search will. @return how many: no fewer than one */
static uint64_t prepare(bp__single *single, const uint64_t *task, uint64_t count, uint64_t until_ns)
{
    const bp__grid *grid = &single->spec->grid;
    uint64_t prepared = 0;
    size_t taken = 1;
    bp__backtest_forget(single->workspace, count);
    while (prepared < count && taken > 0 && (prepared == 0 || bp__clock_ns() < until_ns)) {
        double params[BP__MAX_BATCH][BP__MAX_PARAMS];
        const double *row[BP__MAX_BATCH];
        for (uint64_t i = prepared; i < count; i++) {
            bp__grid_at(grid, task[i] % grid->size, params[i - prepared]);
            row[i - prepared] = params[i - prepared];
        }
        if (bp__failed(
                bp__backtest_prepare(single->workspace, single->spec->runs, count - prepared, row, &taken)))
            break; /* its run will tell */
        prepared += taken;
    }
    bp__backtest_run_prepared(single->workspace, &single->spec->account, bp__spec_needs_fills(single->spec));
    return prepared > 0 ? prepared : 1;
}

/* Run samples of one bundle: some neighbours at once, where the search does. @param[in] until_ns  when to stop */
static void run_samples(bp__single *single, const uint64_t *todo, uint64_t count, uint64_t until_ns,
                        bp__estimate *e)
{
    const bp__spec *spec = single->spec;
    const uint32_t at_once = bp__backtest_at_once(spec->runs, &spec->account);
    const uint64_t batch = count < at_once ? count : at_once, batches = batch > 0 ? count / batch : 0,
                   most = at_once > 1 ? MAX_BATCHES : BP__MAX_SAMPLES;
    double total_s = 0;
    uint64_t n = 0;
    for (uint64_t k = 0; k < batches && k < most && (n == 0 || bp__clock_ns() < until_ns); k++) {
        const uint64_t *task = todo + sample_at(k, batches) * batch;
        const uint64_t began = bp__clock_ns(),
                       runs = at_once > 1 ? prepare(single, task, batch, until_ns) : 1;
        for (uint64_t i = 0; i < runs; i++) run_sample(single, task[i], e);
        const double seconds = (double)(bp__clock_ns() - began) * 1e-9, each = seconds / (double)runs;
        if (n == 0 || each < e->shortest_s) e->shortest_s = each;
        if (each > e->longest_s) e->longest_s = each;
        total_s += seconds;
        n += runs;
    }
    if (n > 0) e->total_s += total_s / (double)n * (double)count;
}

/* A bundle of which nothing is to be done is loaded all the same: so does the search. */
static bp_status measure_bundle(const bp__results *results, const char *root, uint64_t bundle,
                                size_t cache_memory, bp__estimate *e)
{
    bp__single single;
    uint64_t *todo = NULL, count = 0;
    bp_status s = bp__single_open(results->spec, root, bundle, false, &single);
    if (s == BP_OK) s = bp__results_todo(results, bundle, &todo, &count);
    if (s == BP_OK) {
        const uint64_t bytes = bp_bundle_bytes(single.bundle);
        if (bytes > e->bundle_bytes) e->bundle_bytes = bytes;
        e->load_s += single.load_s;
        bp__workspace_keep(single.workspace, cache_memory);
        if (bp__backtest_at_once(results->spec->runs, &results->spec->account) > 1 && count > 0)
            bp__grid_tile(&results->spec->grid, todo, count);
        run_samples(&single, todo, count, bp__clock_ns() + BUDGET_NS / results->spec->num_bundles, e);
        const uint64_t used = bp__single_bytes(&single);
        if (used > e->rank_bytes) e->rank_bytes = used;
    }
    free(todo);
    bp__single_close(&single);
    return s;
}

bp_status bp__estimate_search(const bp__spec *spec, const bp_config *cfg, size_t cache_memory,
                              bp__estimate *e)
{
    bp__results results = {0};
    *e = (bp__estimate){0};
    bp_status s = bp__results_init(spec, NULL, &results);
    e->skipped = results.skipped;
    e->backtests = results.num_todo;
    e->rows = results.skipped + results.num_todo;
    e->results_bytes = results.num_rows * (1 + spec->num_metrics * sizeof(double));
    for (uint64_t b = 0; s == BP_OK && b < spec->num_bundles; b++)
        s = measure_bundle(&results, cfg->root, b, cache_memory, e);
    bp__results_fini(&results);
    return s;
}

double bp__estimate_seconds(const bp__estimate *e, uint64_t ranks)
{
    const double shared = e->total_s / (double)ranks;
    /* nothing is over before its longest backtest */
    return e->load_s + (shared > e->longest_s ? shared : e->longest_s);
}
