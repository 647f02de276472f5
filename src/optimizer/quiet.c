#include "optimizer/quiet.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "mpi/comm.h"
#include "optimizer/out.h"
#include "optimizer/report.h"
#include "optimizer/run.h"
#include "optimizer/single.h"

/* --out ----------------------------------------------------------------------------------------- */

bp_status bp__quiet_check(bp__quiet *q)
{
    const bp__options *o = q->options;
    bp_status s = o->out ? bp__results_check_path("--out", o->out) : BP_OK;
    if (s == BP_OK && o->out) s = bp__check_out(o, &o->spec, NULL);
    if (s == BP_OK) s = bp__check_sheets(o);
    q->refused = s == BP_EINVAL;
    return s;
}

/* Once more: now the content of one bundle is known, or of all. */
bp_status bp__quiet_accept(void *context, const bp__found *found, uint64_t bundle)
{
    bp__quiet *q = context;
    const uint64_t n = found->spec->num_bundles;
    (void)bundle;
    if (!q->options->out) return BP_OK;
    char(*content)[BP__HASH_DIGITS + 1] = calloc(n, sizeof *content);
    if (!content) BP_FAIL(BP_ENOMEM, "--out: no memory to compare the content of %" PRIu64 " bundles", n);
    for (uint64_t b = 0; b < n; b++) memcpy(content[b], found->tested[b].content_hash, sizeof *content);
    bp_status s = bp__check_out(q->options, found->spec, content);
    free(content);
    q->refused = s == BP_EINVAL;
    return s;
}

bp_status bp__quiet_store(void *context, const bp__found *found)
{
    bp__quiet *q = context;
    q->complete = true;
    if (!q->options->out) return BP_OK;
    BP_TRY(bp__quiet_accept(q, found, 0)); /* hours may have passed */
    return bp__results_write(&found->results, q->options->out);
}

bp_status bp__quiet_write_best(const bp__options *o, const bp__found *found)
{
    const uint64_t best = found->results.best, size = o->spec.grid.size;
    bool wanted = false;
    for (size_t k = 0; k < sizeof o->sheet / sizeof *o->sheet; k++) wanted |= o->sheet[k] != NULL;
    if (!wanted || best == BP__NO_TASK) return BP_OK;
    return bp__write_sheets(o, best / size, best % size, found->results.content[best / size]);
}

static void ask_about_cost(const char *option, double bps, void (*warn)(void *context, const char *text),
                           void *context)
{
    char text[160];
    snprintf(text, sizeof text, "--%s: %g is %g basis points; if a fraction is meant, write %g%%", option,
             bps, bps, 100 * bps);
    warn(context, text);
}

void bp__quiet_ask_about_costs(const bp__options *o, void (*warn)(void *context, const char *text),
                               void *context)
{
    const bp__account *a = &o->spec.account;
    if (o->doubtful_commission) ask_about_cost("commission", a->commission_bps, warn, context);
    if (o->doubtful_slippage) ask_about_cost("slippage", a->slippage_bps, warn, context);
}

/* Without a word -------------------------------------------------------------------------------- */

/* What the hooks need; of rank 0. */
typedef struct with {
    bp__quiet quiet; /* first: the context of its hooks */
    const bp__run_hooks *hooks;
    uint64_t until_ns; /* for what is in hand; UINT64_MAX: nobody has said no yet */
} with;

static void warn(void *context, const char *text)
{
    const bp__run_hooks *hooks = ((const with *)context)->hooks;
    if (hooks->warn) hooks->warn(hooks->context, text);
}

static void begun(void *context, const bp__found *found, uint64_t bundle)
{
    char text[1024];
    const bp__doubts *doubts = &found->tested[bundle].doubts;
    if (doubts->num > 0)
        warn(context, bp__report_doubts_text(found->spec->bundle[bundle], doubts, text, sizeof text));
}

static bool go_on(void *context, const bp__found *found, bp_pool *pool, uint64_t *until_ns)
{
    with *w = context;
    const bp__run_hooks *hooks = w->hooks;
    const bp__results *r = &found->results;
    (void)pool;
    if (hooks->progress) hooks->progress(hooks->context, r->done + r->failed, r->num_todo);
    const bool go = !hooks->go_on || hooks->go_on(hooks->context);
    if (!go && w->until_ns == UINT64_MAX)
        w->until_ns = bp__clock_ns() + (uint64_t)(w->quiet.options->grace_s * 1e9);
    *until_ns = w->until_ns;
    return go;
}

static bool is_stopped(void *context)
{
    const bp__run_hooks *hooks = ((const with *)context)->hooks;
    return hooks->is_stopped && hooks->is_stopped(hooks->context);
}

/* Everything that has to be the same on all ranks, as lines. */
static bp_status text_of(const bp__options *o, char **text)
{
    char *spec;
    BP_TRY(bp__spec_text(&o->spec, &spec));
    const int n = asprintf(text, "%son-update %d\n", spec, (int)o->conduct.on_update);
    free(spec);
    if (n >= 0) return BP_OK;
    *text = NULL;
    BP_FAIL(BP_ENOMEM, "no memory for the text of the search");
}

/* Name the first line that differs. */
static bp_status tell_difference(int rank, const char *ours, const char *theirs)
{
    char here[BP__EXCERPT_MAX], there[BP__EXCERPT_MAX];
    size_t at = 0, line = 0;
    for (; ours[at] && ours[at] == theirs[at]; at++)
        if (ours[at] == '\n') line = at + 1;
    BP_FAIL(BP_EINVAL,
            "the ranks ask for different searches: rank 0 for '%s', rank %d for '%s'; give the same on all",
            bp__spec_excerpt(theirs + line, strcspn(theirs + line, "\n"), at - line, there), rank,
            bp__spec_excerpt(ours + line, strcspn(ours + line, "\n"), at - line, here));
}

/* Collective, as the next. @param[in] theirs  [size], room for rank 0's text */
static bp_status compare_with_first(MPI_Comm comm, int rank, const char *ours, char *theirs, size_t size)
{
    assert(ours && theirs); /* all agreed that they have both */
    if (rank == 0) memcpy(theirs, ours, size);
    BP_MPI(MPI_Bcast(theirs, (int)size, MPI_CHAR, 0, comm));
    return bp__agree(comm, strcmp(ours, theirs) == 0 ? BP_OK : tell_difference(rank, ours, theirs));
}

/* Each rank has options of its own making. */
static bp_status agree_on_search(MPI_Comm comm, int rank, const bp__options *o)
{
    char *ours = NULL, *theirs = NULL;
    bp_status s = text_of(o, &ours);
    unsigned long long size = s == BP_OK ? strlen(ours) + 1 : 0;
    BP_TRY(bp__agree(comm, s));
    BP_MPI(MPI_Bcast(&size, 1, MPI_UNSIGNED_LONG_LONG, 0, comm));
    theirs = size <= INT_MAX ? malloc(size) : NULL;
    if (!theirs) s = bp__fail(BP_ENOMEM, "no memory to compare the searches of the ranks");
    s = bp__agree(comm, s);
    if (s == BP_OK) s = compare_with_first(comm, rank, ours, theirs, size);
    free(ours);
    free(theirs);
    return s;
}

/* What can be known before anybody waits for another. */
static bp_status check(with *w, int rank)
{
    const bp__options *o = w->quiet.options;
    if (o->timeout_s > 0)
        BP_FAIL(BP_EINVAL, "--timeout: a backtest that takes too long can only be ended with its process; "
                           "use the program 'optimizer'");
    if (rank != 0) return BP_OK;
    bp__quiet_ask_about_costs(o, warn, w);
    return bp__quiet_check(&w->quiet);
}

/* What callers on all ranks want to know. */
static bp_status share_counts(MPI_Comm comm, bp__found *f)
{
    bp__results *r = &f->results;
    uint64_t count[] = {r->done, r->failed, r->skipped, r->num_todo, f->resumed};
    BP_MPI(MPI_Bcast(count, sizeof count / sizeof *count, MPI_UINT64_T, 0, comm));
    r->done = count[0];
    r->failed = count[1];
    r->skipped = count[2];
    r->num_todo = count[3];
    f->resumed = count[4];
    return BP_OK;
}

/* The one result that callers on all ranks go on with. */
static bp_status share_best(MPI_Comm comm, int rank, bp__found *f)
{
    bp__results *r = &f->results;
    const unsigned num_values = f->spec->num_metrics;
    if (!r->outcome) r->best = BP__NO_TASK; /* another rank, or it has not come to that */
    BP_MPI(MPI_Bcast(&r->best, 1, MPI_UINT64_T, 0, comm));
    if (r->best == BP__NO_TASK) return BP_OK;
    if (rank == 0) memcpy(f->best, bp__results_values(r, r->best), num_values * sizeof *f->best);
    BP_MPI(MPI_Bcast(f->best, (int)num_values, MPI_DOUBLE, 0, comm));
    return BP_OK;
}

bp_status bp__search_with(const bp__options *o, MPI_Comm comm, const bp__run_hooks *run_hooks,
                          bp__found *found)
{
    with w = {.quiet = {.options = o}, .hooks = run_hooks, .until_ns = UINT64_MAX};
    const bp__hooks hooks = {.context = &w,
                             .accept = bp__quiet_accept,
                             .begun = begun,
                             .go_on = go_on,
                             .warn = warn,
                             .store = bp__quiet_store,
                             .is_stopped = is_stopped};
    int rank;
    *found = (bp__found){.spec = &o->spec, .stats = bp_stats_init()};
    BP_MPI(MPI_Comm_rank(comm, &rank));
    BP_TRY(bp__agree(comm, check(&w, rank)));
    BP_TRY(agree_on_search(comm, rank, o));
    bp_status s = bp__search_run(comm, &o->spec, &o->conduct, &hooks, found);
    if (found->ending == BP__ENDED_ABANDONED) return s;
    char text[BP_ERROR_TEXT_MAX]; /* the first failure is the one to be told */
    snprintf(text, sizeof text, "%s", bp__failed(s) ? bp_error_text() : "");
    bp_status shared = share_counts(comm, found);
    if (shared == BP_OK) shared = share_best(comm, rank, found);
    if (shared == BP_OK && s == BP_OK && rank == 0 && w.quiet.complete)
        shared = bp__quiet_write_best(o, found);
    shared = bp__agree(comm, shared);
    return bp__failed(s) ? bp__fail_text(s, text) : shared;
}
