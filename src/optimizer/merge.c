#include "optimizer/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optimizer/journal.h"
#include "optimizer/report.h"
#include "optimizer/spec.h"

#define NAMED 3 /* missing combinations that are named */

typedef struct merging {
    bp__options *options;
    bp__results results;
    char *spec;                        /* of the first journal */
    char (*hash)[BP__HASH_DIGITS + 1]; /* [num_bundles] "": none yet */
    int *from;                         /* [num_rows] which input a result is of */
    bool *version_seen;                /* [num_bundles] by the input under way */
    int input;
} merging;

static const char *path_of(const merging *m, int input)
{
    return m->options->input[input];
}

/* The first journal tells what was searched; the whole of it is wanted, not its slice. */
static bp_status begin(merging *m, const char *text)
{
    bp__options *o = m->options;
    BP_TRY(bp__spec_read(path_of(m, 0), text, o));
    o->slice = o->num_slices = 1;
    BP_TRY(bp__results_init(o, &m->results));
    m->spec = strdup(text);
    m->hash = calloc(o->num_bundles, sizeof *m->hash);
    m->version_seen = calloc(o->num_bundles, sizeof *m->version_seen);
    m->from = calloc(m->results.num_rows, sizeof *m->from);
    if (!m->spec || !m->hash || !m->version_seen || !m->from) BP_FAIL(BP_ENOMEM, "merge: no memory");
    /* a journal of this version begins with these two lines, and no other can be joined with them */
    char *ours;
    BP_TRY(bp__spec_make(o, &ours));
    const size_t head = (size_t)(strstr(ours, "strategy ") - ours);
    bp_status s = strncmp(ours, text, head) == 0 ? BP_OK : bp__spec_compare(path_of(m, 0), ours, text, true);
    free(ours);
    return s;
}

static bp_status see_spec(void *context, const char *text)
{
    merging *m = context;
    if (!m->spec) return begin(m, text);
    memset(m->version_seen, 0, m->options->num_bundles * sizeof *m->version_seen);
    return bp__spec_compare(path_of(m, m->input), m->spec, text, true);
}

/* A slice may have begun a bundle anew; the slices of others cannot have known. */
static bp_status see_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    merging *m = context;
    if (bundle >= m->options->num_bundles)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a bundle that the search has not; it is damaged",
                path_of(m, m->input));
    char *hash = m->hash[bundle];
    const char *name = m->options->bundle[bundle];
    if (m->version_seen[bundle])
        BP_FAIL(BP_EINVAL,
                "%.200s: bundle %s was begun anew with another content; run the other slices anew, too",
                path_of(m, m->input), name);
    m->version_seen[bundle] = true;
    if (*hash && strcmp(hash, content_hash) != 0)
        BP_FAIL(
            BP_EINVAL,
            "%.200s: bundle %s has content %.12s, in other journals %.12s; run these slices on one version",
            path_of(m, m->input), name, content_hash, hash);
    snprintf(hash, sizeof *m->hash, "%s", content_hash);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    merging *m = context;
    const uint64_t task = result->index;
    char text[256];
    if (task >= m->results.num_rows || m->results.row[task].outcome == BP__SKIPPED)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a result that the search cannot have; it is damaged",
                path_of(m, m->input));
    if (m->results.row[task].outcome != BP__PENDING) {
        if (m->from[task] == m->input) return BP_OK;
        BP_FAIL(BP_EINVAL, "combination %" PRIu64 " (%s) is in %.120s and in %.120s; leave one of them out",
                task % m->options->grid.size, bp__results_task(&m->results, task, text, sizeof text),
                path_of(m, m->from[task]), path_of(m, m->input));
    }
    m->from[task] = m->input;
    bp__results_take(&m->results, result);
    return BP_OK;
}

static bp_status check_complete(const merging *m)
{
    const bp__results *r = &m->results;
    const uint64_t missing = r->num_todo - r->done - r->failed;
    if (missing == 0) return BP_OK;
    char named[400] = "", text[160];
    uint64_t n = 0;
    for (uint64_t task = 0; task < r->num_rows && n < NAMED; task++) {
        if (r->row[task].outcome != BP__PENDING) continue;
        const size_t used = strlen(named);
        snprintf(named + used, sizeof named - used, "%s%" PRIu64 " (%s)", n ? ", " : "",
                 task % m->options->grid.size, bp__results_task(r, task, text, sizeof text));
        n++;
    }
    BP_FAIL(BP_EINVAL, "%" PRIu64 " of %" PRIu64 " combinations are in none of the journals: %.300s%s",
            missing, r->num_todo, named, missing > n ? ", ..." : "");
}

static bp_status tell(const merging *m)
{
    uint64_t *order;
    const bp__options *o = m->options;
    BP_TRY(bp__results_rank(&m->results, &order));
    const bp__report_facts facts = {.options = o, .results = &m->results, .order = order};
    if (o->json)
        bp__report_json(stdout, &facts);
    else
        bp__report_table(stdout, &facts);
    fprintf(o->json ? stderr : stdout,
            "merged: %d journals, combinations: %" PRIu64 " done, %" PRIu64 " skipped, %" PRIu64 " failed\n",
            o->num_inputs, m->results.done, m->results.skipped, m->results.failed);
    free(order);
    bp__report_failures(&m->results);
    return BP_OK;
}

static bp_status merge(merging *m)
{
    const bp__options *o = m->options;
    const bp__journal_visitor visitor = {see_spec, see_bundle, see_result, m};
    BP_TRY(bp__results_check_path(o->out));
    for (m->input = 0; m->input < o->num_inputs; m->input++)
        BP_TRY(bp__journal_read(path_of(m, m->input), &visitor));
    BP_TRY(check_complete(m));
    BP_TRY(bp__results_write(&m->results, o->out));
    return tell(m);
}

bp_status bp__merge(bp__options *options, uint64_t *failed)
{
    merging m = {.options = options};
    bp_status s = merge(&m);
    *failed = m.results.failed;
    bp__results_fini(&m.results);
    free(m.spec);
    free(m.hash);
    free(m.version_seen);
    free(m.from);
    return s;
}
