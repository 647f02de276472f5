#include "search/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/journal.h"

#define NAMED 3 /* missing combinations that are named */

/* What a journal begins with. */
typedef struct input {
    const char *path;
    char *text;
    bp__spec part;
    bool has_skips;
    uint64_t *bundle; /* [part.num_bundles] their numbers among all */
    uint64_t *begun;  /* [part.num_bundles] how often it was begun: results before the last time are void */
} input;

typedef struct merging {
    bp__spec *spec;       /* the whole */
    bp__skips skips;      /* of the first journal, and so of all */
    bp__results *results; /* of it */
    input *input;         /* [num_inputs] */
    int num_inputs;
    int at;    /* the one that is being read */
    int *from; /* [num_rows] which input a result is of */
} merging;

/* What was searched ------------------------------------------------------------------------------ */

static bp_status keep_spec(void *context, const char *text)
{
    merging *m = context;
    input *in = &m->input[m->at];
    in->text = strdup(text);
    if (!in->text) BP_FAIL(BP_ENOMEM, "merge: no memory");
    BP_TRY(bp__spec_compare(in->path, m->input[0].text, text, true));
    BP_TRY(bp__spec_read(in->path, text, &in->part));
    in->bundle = calloc(in->part.num_bundles, sizeof *in->bundle);
    in->begun = calloc(in->part.num_bundles, sizeof *in->begun);
    if (!in->bundle || !in->begun) BP_FAIL(BP_ENOMEM, "merge: no memory");
    return BP_OK;
}

static bp_status keep_skips(void *context, const void *bytes, size_t size)
{
    merging *m = context;
    input *in = &m->input[m->at];
    bp__skips other = {0}, *skips = m->at == 0 ? &m->skips : &other;
    bp_status s = bp__skips_unpack(in->path, bytes, size, in->part.grid.size, skips);
    if (s == BP_OK && m->at > 0 && !bp__skips_are_equal(skips, &m->skips))
        s = bp__fail(BP_EINVAL, "%.200s: it skips other combinations than %.200s; they are not of one search",
                     in->path, m->input[0].path);
    bp__skips_fini(&other);
    in->has_skips = true;
    return s;
}

static bp_status count_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    merging *m = context;
    input *in = &m->input[m->at];
    (void)content_hash;
    if (bundle >= in->part.num_bundles)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a bundle that the search does not have; it is damaged", in->path);
    in->begun[bundle]++;
    return BP_OK;
}

static bp_status pass_skips(void *context, const void *bytes, size_t size)
{
    (void)context, (void)bytes, (void)size;
    return BP_OK;
}

static bp_status pass_result(void *context, const bp__result *result)
{
    (void)context, (void)result;
    return BP_OK;
}

/* Number of a bundle among all; it gets one if it is new. */
static uint64_t number_of(bp__spec *all, const char *name)
{
    uint64_t i = 0;
    while (i < all->num_bundles && strcmp(all->bundle[i], name) != 0) i++;
    if (i == all->num_bundles) snprintf(all->bundle[all->num_bundles++], sizeof *all->bundle, "%s", name);
    return i;
}

/* Everything but bundles and slice is the same in all: what the part owned of that is the whole's. */
static void take_over(bp__spec *all, bp__spec *part)
{
    *all = *part;
    *part = (bp__spec){.bundle = all->bundle, .num_bundles = all->num_bundles, .several = all->several};
    all->bundle = NULL;
    all->num_bundles = 0;
    all->slice = all->num_slices = 1;
}

static bp_status check_begun(const merging *m)
{
    for (int i = 0; i < m->num_inputs; i++)
        if (!m->input[i].has_skips)
            BP_FAIL(BP_EFORMAT, "%.200s: it ends before its first result; no search has begun it",
                    m->input[i].path);
    return BP_OK;
}

/* The search as a whole: every bundle that is in any journal, no slice. */
static bp_status join_searches(merging *m)
{
    bp__spec *all = m->spec;
    uint64_t most = 0;
    take_over(all, &m->input[0].part);
    for (int i = 0; i < m->num_inputs; i++) most += m->input[i].part.num_bundles;
    all->bundle = calloc(most + 1, sizeof *all->bundle);
    if (!all->bundle) BP_FAIL(BP_ENOMEM, "merge: no memory");
    for (int i = 0; i < m->num_inputs; i++) {
        input *in = &m->input[i];
        for (uint64_t b = 0; b < in->part.num_bundles; b++)
            in->bundle[b] = number_of(all, in->part.bundle[b]);
        all->several |= in->part.several;
    }
    all->several |= all->num_bundles > 1;
    if (all->num_bundles > BP__MAX_COMBINATIONS / all->grid.size)
        BP_FAIL(BP_EINVAL, "merge: more than %" PRIu64 " combinations; merge in several parts",
                BP__MAX_COMBINATIONS);
    return BP_OK;
}

/* How results are ranked is no part of a search: here it is chosen anew, out of what the journals have. */
static bp_status choose_ranking(merging *m, const bp__merge_ranking *ranking)
{
    bp__spec *all = m->spec;
    unsigned sharpe;
    all->ranking.untraded_too = ranking->untraded_too;
    if (ranking->having) BP_TRY(bp__ranking_having(all, ranking->having, true));
    if (ranking->objective) return bp__ranking_by(all, ranking->objective, true);
    all->ranking.column = 0;
    if (bp__metric_find("sharpe", 6, &sharpe)) bp__spec_has(all, sharpe, &all->ranking.column);
    return BP_OK;
}

static bp_status make_room(merging *m)
{
    BP_TRY(bp__results_init(m->spec, &m->skips, m->results));
    m->from = calloc(m->results->num_rows, sizeof *m->from);
    if (!m->from) BP_FAIL(BP_ENOMEM, "merge: no memory");
    return BP_OK;
}

/* What was found ---------------------------------------------------------------------------------- */

static bp_status same_spec(void *context, const char *text)
{
    const merging *m = context;
    const input *in = &m->input[m->at];
    if (strcmp(in->text, text) != 0)
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
    char *hash = m->results->content[in->bundle[bundle]];
    if (*hash && strcmp(hash, content_hash) != 0)
        BP_FAIL(BP_EINVAL,
                "%.200s: bundle %s has content %.12s, in other journals %.12s; run all on one version",
                in->path, in->part.bundle[bundle], content_hash, hash);
    snprintf(hash, BP__HASH_DIGITS + 1, "%s", content_hash);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    merging *m = context;
    const input *in = &m->input[m->at];
    const uint64_t size = m->spec->grid.size, part = result->task / size, index = result->task % size;
    const uint64_t task = part < in->part.num_bundles ? in->bundle[part] * size + index : BP__NO_TASK;
    char text[256];
    const bool fits = result->status != BP_OK || result->num_values == m->spec->num_metrics;
    if (task == BP__NO_TASK || m->results->outcome[task] == BP__SKIPPED || !fits)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a result that the search cannot have; it is damaged", in->path);
    if (in->begun[part] > 0) return BP_OK; /* of a version that was given up */
    if (m->results->outcome[task] != BP__PENDING) {
        if (m->from[task] == m->at) return BP_OK;
        BP_FAIL(BP_EINVAL, "combination %" PRIu64 " (%s) is in %.120s and in %.120s; leave one of them out",
                index, bp__results_task(m->results, task, text, sizeof text), m->input[m->from[task]].path,
                in->path);
    }
    m->from[task] = m->at;
    bp__result moved = *result;
    moved.task = task;
    bp__results_enter(m->results, &moved);
    return BP_OK;
}

static bp_status check_complete(const merging *m)
{
    const bp__results *r = m->results;
    const uint64_t missing = r->num_todo - r->done - r->failed;
    if (missing == 0) return BP_OK;
    char named[400] = "", text[160];
    uint64_t n = 0;
    for (uint64_t task = 0; task < r->num_rows && n < NAMED; task++) {
        if (r->outcome[task] != BP__PENDING) continue;
        const size_t used = strlen(named);
        snprintf(named + used, sizeof named - used, "%s%" PRIu64 " (%s)", n ? ", " : "",
                 task % m->spec->grid.size, bp__results_task(r, task, text, sizeof text));
        n++;
    }
    BP_FAIL(BP_EINVAL, "%" PRIu64 " of %" PRIu64 " combinations are in none of the journals: %.300s%s",
            missing, r->num_todo, named, missing > n ? ", ..." : "");
}

static bp_status read_all(merging *m, const bp__journal_visitor *visitor)
{
    for (m->at = 0; m->at < m->num_inputs; m->at++) BP_TRY(bp__journal_read(m->input[m->at].path, visitor));
    return BP_OK;
}

static bp_status merge(merging *m, const bp__merge_ranking *ranking)
{
    const bp__journal_visitor searches = {keep_spec, keep_skips, count_bundle, pass_result, m};
    const bp__journal_visitor findings = {same_spec, pass_skips, see_bundle, see_result, m};
    BP_TRY(read_all(m, &searches));
    BP_TRY(check_begun(m));
    BP_TRY(join_searches(m));
    BP_TRY(choose_ranking(m, ranking));
    BP_TRY(make_room(m));
    BP_TRY(read_all(m, &findings));
    return check_complete(m);
}

bp_status bp__merge(const char *const *path, int num_paths, const bp__merge_ranking *ranking, bp__spec *spec,
                    bp__results *results)
{
    merging m = {.spec = spec, .results = results, .num_inputs = num_paths};
    *results = (bp__results){0};
    bp__spec_init(spec);
    m.input = calloc((size_t)num_paths, sizeof *m.input);
    if (!m.input) BP_FAIL(BP_ENOMEM, "merge: no memory");
    for (int i = 0; i < num_paths; i++) m.input[i].path = path[i];
    bp_status s = merge(&m, ranking);
    for (int i = 0; i < num_paths; i++) {
        bp__spec_fini(&m.input[i].part);
        free(m.input[i].text);
        free(m.input[i].bundle);
        free(m.input[i].begun);
    }
    bp__skips_fini(&m.skips);
    free(m.input);
    free(m.from);
    return s;
}
