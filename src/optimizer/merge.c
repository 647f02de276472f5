#include "optimizer/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optimizer/journal.h"
#include "optimizer/report.h"
#include "optimizer/spec.h"

#define NAMED 3 /* missing combinations that are named */

/* What a journal begins with. */
typedef struct input {
    const char *path;
    char *spec;
    bp__options part; /* its grid and its bundles */
    uint64_t *bundle; /* [part.num_bundles] their numbers among all */
    uint64_t *begun;  /* [part.num_bundles] how often it was begun: results before the last time are void */
} input;

typedef struct merging {
    bp__options *options;
    bp__results results;
    input *input;                      /* [options->num_inputs] */
    int at;                            /* the one that is being read */
    char (*hash)[BP__HASH_DIGITS + 1]; /* [num_bundles] "": none yet */
    int *from;                         /* [num_rows] which input a result is of */
} merging;

/* What was searched ------------------------------------------------------------------------------ */

static bp_status keep_spec(void *context, const char *text)
{
    merging *m = context;
    input *in = &m->input[m->at];
    in->spec = strdup(text);
    if (!in->spec) BP_FAIL(BP_ENOMEM, "merge: no memory");
    BP_TRY(bp__spec_compare(in->path, m->input[0].spec, text, true));
    BP_TRY(bp__spec_read(in->path, text, &in->part));
    in->bundle = calloc(in->part.num_bundles, sizeof *in->bundle);
    in->begun = calloc(in->part.num_bundles, sizeof *in->begun);
    if (!in->bundle || !in->begun) BP_FAIL(BP_ENOMEM, "merge: no memory");
    return BP_OK;
}

static bp_status count_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    merging *m = context;
    input *in = &m->input[m->at];
    (void)content_hash;
    if (bundle >= in->part.num_bundles)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a bundle that the search has not; it is damaged", in->path);
    in->begun[bundle]++;
    return BP_OK;
}

static bp_status pass_result(void *context, const bp__result *result)
{
    (void)context, (void)result;
    return BP_OK;
}

/* Number of a bundle among all; it gets one if it is new. */
static uint64_t number_of(bp__options *all, const char *name)
{
    uint64_t i = 0;
    while (i < all->num_bundles && strcmp(all->bundle[i], name) != 0) i++;
    if (i == all->num_bundles) snprintf(all->bundle[all->num_bundles++], sizeof *all->bundle, "%s", name);
    return i;
}

/* The search as a whole: every bundle that is in any journal, no slice. */
static bp_status join_searches(merging *m)
{
    bp__options *all = m->options;
    uint64_t most = 0;
    for (int i = 0; i < all->num_inputs; i++) most += m->input[i].part.num_bundles;
    all->bundle = calloc(most, sizeof *all->bundle);
    if (!all->bundle) BP_FAIL(BP_ENOMEM, "merge: no memory");
    for (int i = 0; i < all->num_inputs; i++) {
        input *in = &m->input[i];
        for (uint64_t b = 0; b < in->part.num_bundles; b++)
            in->bundle[b] = number_of(all, in->part.bundle[b]);
        all->several |= in->part.several;
    }
    all->several |= all->num_bundles > 1;
    all->slice = all->num_slices = 1;
    all->grid = m->input[0].part.grid;
    m->input[0].part.grid = (bp__grid){0};
    if (all->num_bundles > BP__MAX_COMBINATIONS / all->grid.size)
        BP_FAIL(BP_EINVAL, "merge: more than %" PRIu64 " combinations; merge in several parts",
                BP__MAX_COMBINATIONS);
    BP_TRY(bp__results_init(all, &m->results));
    m->hash = calloc(all->num_bundles, sizeof *m->hash);
    m->from = calloc(m->results.num_rows, sizeof *m->from);
    if (!m->hash || !m->from) BP_FAIL(BP_ENOMEM, "merge: no memory");
    return BP_OK;
}

/* Only results of this program, in this version, mean what it takes them for. */
static bp_status check_version(const merging *m)
{
    char *ours;
    const char *theirs = m->input[0].spec;
    BP_TRY(bp__spec_make(m->options, &ours));
    const size_t head = (size_t)(strstr(ours, "strategy ") - ours);
    bp_status s =
        strncmp(ours, theirs, head) == 0 ? BP_OK : bp__spec_compare(m->input[0].path, ours, theirs, true);
    free(ours);
    return s;
}

/* What was found ---------------------------------------------------------------------------------- */

static bp_status same_spec(void *context, const char *text)
{
    const merging *m = context;
    const input *in = &m->input[m->at];
    if (strcmp(in->spec, text) != 0)
        BP_FAIL(BP_EBUSY, "%.200s: another search has just taken its place", in->path);
    return BP_OK;
}

static bp_status see_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    merging *m = context;
    input *in = &m->input[m->at];
    if (bundle >= in->part.num_bundles || in->begun[bundle] == 0)
        BP_FAIL(BP_EBUSY, "%.200s: another search has just taken its place", in->path);
    if (--in->begun[bundle] > 0) return BP_OK;
    char *hash = m->hash[in->bundle[bundle]];
    if (*hash && strcmp(hash, content_hash) != 0)
        BP_FAIL(BP_EINVAL,
                "%.200s: bundle %s has content %.12s, in other journals %.12s; run all on one version",
                in->path, in->part.bundle[bundle], content_hash, hash);
    snprintf(hash, sizeof *m->hash, "%s", content_hash);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    merging *m = context;
    const input *in = &m->input[m->at];
    const uint64_t size = m->options->grid.size, part = result->index / size, index = result->index % size;
    const uint64_t task = part < in->part.num_bundles ? in->bundle[part] * size + index : BP__NO_TASK;
    char text[256];
    if (task == BP__NO_TASK || m->results.row[task].outcome == BP__SKIPPED)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a result that the search cannot have; it is damaged", in->path);
    if (in->begun[part] > 0) return BP_OK; /* of a version that was given up */
    if (m->results.row[task].outcome != BP__PENDING) {
        if (m->from[task] == m->at) return BP_OK;
        BP_FAIL(BP_EINVAL, "combination %" PRIu64 " (%s) is in %.120s and in %.120s; leave one of them out",
                index, bp__results_task(&m->results, task, text, sizeof text), m->input[m->from[task]].path,
                in->path);
    }
    m->from[task] = m->at;
    bp__result moved = *result;
    moved.index = task;
    bp__results_take(&m->results, &moved);
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

static bp_status read_all(merging *m, const bp__journal_visitor *visitor)
{
    for (m->at = 0; m->at < m->options->num_inputs; m->at++)
        BP_TRY(bp__journal_read(m->input[m->at].path, visitor));
    return BP_OK;
}

static bp_status merge(merging *m)
{
    const bp__options *o = m->options;
    const bp__journal_visitor searches = {keep_spec, count_bundle, pass_result, m};
    const bp__journal_visitor findings = {same_spec, see_bundle, see_result, m};
    for (int i = 0; i < o->num_inputs; i++) m->input[i].path = o->input[i];
    BP_TRY(bp__results_check_path(o->out));
    BP_TRY(read_all(m, &searches));
    BP_TRY(join_searches(m));
    BP_TRY(check_version(m));
    BP_TRY(read_all(m, &findings));
    BP_TRY(check_complete(m));
    BP_TRY(bp__results_write(&m->results, o->out));
    return tell(m);
}

bp_status bp__merge(bp__options *options, uint64_t *failed)
{
    merging m = {.options = options, .input = calloc((size_t)options->num_inputs, sizeof *m.input)};
    bp_status s = m.input ? merge(&m) : bp__fail(BP_ENOMEM, "merge: no memory");
    *failed = m.results.failed;
    bp__results_fini(&m.results);
    for (int i = 0; m.input && i < options->num_inputs; i++) {
        bp__options_fini(&m.input[i].part);
        free(m.input[i].spec);
        free(m.input[i].bundle);
        free(m.input[i].begun);
    }
    free(m.input);
    free(m.hash);
    free(m.from);
    return s;
}
