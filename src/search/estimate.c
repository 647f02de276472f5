#include "search/estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/text.h"
#include "search/single.h"

#define BUDGET_NS UINT64_C(3000000000) /* for all bundles */

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

/* Run samples of one bundle. @param[in] until_ns  when to stop */
static void run_samples(bp__single *single, const uint64_t *todo, uint64_t count, uint64_t until_ns,
                        bp__estimate *e)
{
    double total_s = 0;
    uint64_t n = 0;
    while (n < count && n < BP__MAX_SAMPLES && (n == 0 || bp__clock_ns() < until_ns)) {
        const uint64_t began = bp__clock_ns();
        run_sample(single, todo[sample_at(n++, count)], e);
        const double seconds = (double)(bp__clock_ns() - began) * 1e-9;
        total_s += seconds;
        if (e->samples == 1 || seconds < e->shortest_s) e->shortest_s = seconds;
        if (seconds > e->longest_s) e->longest_s = seconds;
    }
    if (n > 0) e->total_s += total_s / (double)n * (double)count;
}

/* A bundle of which nothing is to be done is loaded all the same: so does the search. */
static bp_status measure_bundle(const bp__results *results, const char *root, uint64_t bundle,
                                bp__estimate *e)
{
    bp__single single;
    uint64_t *todo = NULL, count = 0;
    bp_status s = bp__single_open(results->spec, root, bundle, false, &single);
    if (s == BP_OK) s = bp__results_todo(results, bundle, &todo, &count);
    if (s == BP_OK) {
        const uint64_t bytes = bp_bundle_bytes(single.bundle);
        if (bytes > e->bundle_bytes) e->bundle_bytes = bytes;
        if (single.work_bytes > e->rank_bytes) e->rank_bytes = single.work_bytes;
        e->load_s += single.load_s;
        run_samples(&single, todo, count, bp__clock_ns() + BUDGET_NS / results->spec->num_bundles, e);
    }
    free(todo);
    bp__single_close(&single);
    return s;
}

bp_status bp__estimate_search(const bp__spec *spec, const bp_config *cfg, bp__estimate *e)
{
    bp__results results = {0};
    *e = (bp__estimate){0};
    bp_status s = bp__results_init(spec, NULL, &results);
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
