/* DESIGN
 *  1. Rank 0 looks whether everything can be stored, and what the journal knows, before anything is loaded.
 *  2. For one bundle after the other all ranks pin the same version (sweep.h), then take tasks from rank 0
 * (dispatch.h). Rank 0 enters results and appends them to the journal. One bundle at a time: each is loaded
 * once, however small the pool is.
 *  3. What ends a bundle before its time (a signal, a journal that cannot be written, a new version on disk)
 * is noticed by rank 0, between two backtests, and told to all when nothing is in hand any more.
 *  4. Rank 0 stores and prints, and marks the journal as finished.
 */
#include "optimizer/search.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "core/clock.h"
#include "core/log.h"
#include "mpi/comm.h"
#include "optimizer/dispatch.h"
#include "optimizer/journal.h"
#include "optimizer/progress.h"
#include "optimizer/report.h"
#include "optimizer/results.h"
#include "optimizer/signals.h"
#include "optimizer/spec.h"
#include "optimizer/sweep.h"

#define TERM_GRACE_NS UINT64_C(500000000) /* mpirun kills a second after it has passed SIGTERM on */

/* Why a bundle is left. */
typedef enum leaving { COMPLETE, SIGNALLED, UNWRITABLE, UPDATED } leaving;

typedef struct search {
    const bp__options *options;
    int rank, num_ranks;
    bp__sweep sweep;
    /* of rank 0 */
    bp__results results;
    char (*hash)[BP__HASH_DIGITS + 1]; /* [num_bundles] versions that the journal has results of; "": none */
    bp__tested *tested;                /* [num_bundles] */
    bp__journal *journal;
    char *spec;
    bool unfinished; /* there is a journal that could be resumed */
    uint64_t resumed;
    bp__progress progress; /* since the first backtest */
    double seconds;        /* in backtests, without loads */
    leaving why;
    uint64_t until_ns, next_stats_ns;
    bool changed; /* the bundle under way, on disk */
} search;

static bp_status agree(bp_status s)
{
    return bp__agree(MPI_COMM_WORLD, s);
}

/* What a journal knows ----------------------------------------------------------------------------- */

static bp_status see_spec(void *context, const char *text)
{
    const search *s = context;
    return bp__spec_compare(s->options->journal, s->spec, text, false);
}

static bp_status see_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    search *s = context;
    if (bundle >= s->options->num_bundles)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a bundle that the search has not; it is damaged",
                s->options->journal);
    if (strcmp(s->hash[bundle], content_hash) != 0) bp__results_forget(&s->results, bundle);
    snprintf(s->hash[bundle], sizeof *s->hash, "%s", content_hash);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    search *s = context;
    const uint64_t task = result->index;
    const bool ours = task < s->results.num_rows && s->hash[task / s->options->grid.size][0] &&
                      s->results.row[task].outcome != BP__SKIPPED &&
                      s->results.row[task].outcome != BP__ELSEWHERE;
    if (!ours)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a result that the search cannot have; it is damaged",
                s->options->journal);
    if (s->results.row[task].outcome == BP__PENDING) bp__results_take(&s->results, result);
    return BP_OK;
}

static bp_status open_journal(search *s)
{
    const bp__options *o = s->options;
    const bp__journal_visitor visitor = {see_spec, see_bundle, see_result, s};
    BP_TRY(bp__spec_make(o, &s->spec));
    BP_TRY(bp__journal_open(o->journal, s->spec, o->resume, &visitor, &s->journal, &s->unfinished));
    s->resumed = s->results.done + s->results.failed;
    if (o->resume)
        fprintf(o->json ? stderr : stdout, "resumed: %" PRIu64 " of %" PRIu64 "\n", s->resumed,
                s->results.num_todo);
    return BP_OK;
}

static bp_status prepare(search *s)
{
    const bp__options *o = s->options;
    if (s->rank != 0) return BP_OK;
    if (o->out) BP_TRY(bp__results_check_path(o->out));
    BP_TRY(bp__results_init(o, &s->results));
    s->hash = calloc(o->num_bundles, sizeof *s->hash);
    s->tested = calloc(o->num_bundles, sizeof *s->tested);
    if (!s->hash || !s->tested) BP_FAIL(BP_ENOMEM, "no memory for %" PRIu64 " bundles", o->num_bundles);
    return o->journal ? open_journal(s) : BP_OK;
}

/* While backtests run ------------------------------------------------------------------------------ */

static void run_one(void *context, uint64_t task, bp__result *result)
{
    search *s = context;
    bp__sweep_run(&s->sweep, task, result);
}

static void take_one(void *context, const bp__result *result)
{
    search *s = context;
    bp__results_take(&s->results, result);
    s->changed |= result->changed != 0;
    /* a failure is the journal's: bp__journal_write() returns it */
    if (s->journal) (void)bp__journal_result(s->journal, result);
}

static void tell_stats(search *s)
{
    bp_stats stats = bp_stats_init();
    const uint64_t now = bp__clock_ns();
    if (s->options->stats_s <= 0 || now < s->next_stats_ns) return;
    s->next_stats_ns = now + (uint64_t)(s->options->stats_s * 1e9);
    if (bp_pool_stats(s->sweep.pool, &stats) == BP_OK) bp__report_stats(&s->results, &stats);
}

/* @param[in] until_ns  UINT64_MAX: what is in hand may take its time */
static void leave(search *s, leaving why, uint64_t until_ns)
{
    if (s->why == COMPLETE) s->why = why, s->until_ns = UINT64_MAX;
    if (until_ns < s->until_ns) s->until_ns = until_ns;
}

static bool go_on(void *context, uint64_t *until_ns)
{
    search *s = context;
    const bp__options *o = s->options;
    const uint64_t grace = (uint64_t)(o->grace_s * 1e9);
    bp__progress_update(&s->progress);
    tell_stats(s);
    if (s->journal && bp__failed(bp__journal_write(s->journal))) leave(s, UNWRITABLE, UINT64_MAX);
    uint64_t since_ns;
    const int signal = bp__signal_seen(&since_ns);
    if (signal)
        leave(s, SIGNALLED, since_ns + (signal == SIGUSR1 || grace < TERM_GRACE_NS ? grace : TERM_GRACE_NS));
    if (s->changed && o->on_update != BP__UPDATE_FINISH) leave(s, UPDATED, UINT64_MAX);
    *until_ns = s->until_ns;
    return s->why == COMPLETE;
}

/* There is no other way out: a rank is in a backtest, or waits for a message that will not come. What is in
 * the journal is kept. */
_Noreturn static void end_all_ranks(search *s, bp_status status)
{
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s", bp_error_text());
    const bool kept = s->journal && !bp__failed(bp__journal_sync(s->journal));
    const bool again = status == BP_ETIMEOUT && s->why != UNWRITABLE;
    bp__progress_fini(&s->progress);
    bp__report_problem("error", "%s; %s", text,
                       kept         ? "what had come in is in the journal, go on with --resume"
                       : s->journal ? bp_error_text()
                                    : "there is no journal");
    MPI_Abort(MPI_COMM_WORLD, again ? BP__EXIT_AGAIN : BP__EXIT_FAILED);
    abort();
}

/* One bundle ------------------------------------------------------------------------------------- */

/* Which version it is, for people, and whether the journal's results are of the same. */
static bp_status announce(search *s, uint64_t bundle)
{
    const bp__options *o = s->options;
    const bp__scope *scope = s->sweep.scope;
    bp__tested *t = &s->tested[bundle];
    bp_version version = bp_version_init();
    BP_TRY(bp_bundle_version(s->sweep.bundle, &version));
    *t = (bp__tested){.bytes = bp_bundle_bytes(s->sweep.bundle),
                      .num_assets = bp__scope_num_assets(scope),
                      .num_sessions = bp__scope_num_sessions(scope),
                      .first_session = bp__scope_first_session(scope),
                      .last_session = bp__scope_last_session(scope)};
    memcpy(t->content_hash, version.content_hash, sizeof t->content_hash);
    memcpy(t->computed_hash, version.computed_hash, sizeof t->computed_hash);
    bp_version_fini(&version);

    const bool other = s->hash[bundle][0] && strcmp(s->hash[bundle], t->content_hash) != 0;
    if (other && o->on_update != BP__UPDATE_RESTART)
        BP_FAIL(BP_ECHANGED,
                "bundle %s has content %.12s, but the journal's results are of %.12s; restore the bundle, or "
                "test the "
                "new one from the start with --on-update restart",
                o->bundle[bundle], t->content_hash, s->hash[bundle]);
    if (other) {
        const uint64_t forgotten = bp__results_forget(&s->results, bundle);
        if (s->resumed >= forgotten)
            s->resumed -= forgotten; /* what this run had done itself does not count either */
        else
            s->resumed = 0;
        s->progress.before = s->progress.before > forgotten ? s->progress.before - forgotten : 0;
        bp__report_problem("warning", "bundle %s has changed; it is tested from the start",
                           o->bundle[bundle]);
    }
    if (s->journal && (other || !s->hash[bundle][0]))
        BP_TRY(bp__journal_bundle(s->journal, bundle, t->content_hash));
    snprintf(s->hash[bundle], sizeof *s->hash, "%s", t->content_hash);
    const bp__report_facts facts = {.options = o, .tested = s->tested, .num_ranks = s->num_ranks};
    if (!o->json) bp__report_header(stdout, &facts, bundle);
    return BP_OK;
}

/* Test what is still to be tested. @param[out] why  the same on every rank */
static bp_status test_bundle(search *s, MPI_Comm comm, uint64_t bundle, leaving *why)
{
    uint64_t *todo = NULL;
    bp__tasks tasks = {.run = run_one, .take = take_one, .go_on = go_on, .context = s};
    BP_TRY(bp__sweep_begin(&s->sweep, bundle));
    s->changed = false;
    s->why = COMPLETE;

    /* hashing a large bundle takes a while: the others are in bp__dispatch() by then, asleep */
    bp_status announced = s->rank == 0 ? announce(s, bundle) : BP_OK;
    if (s->rank == 0 && announced == BP_OK)
        announced = bp__results_todo(&s->results, bundle, &todo, &tasks.count);
    if (bp__failed(announced)) tasks.count = 0;
    tasks.index = todo;
    if (s->rank == 0 && s->progress.start_ns == 0) bp__progress_init(&s->results, &s->progress);
    const uint64_t began = bp__clock_ns();
    bp_status ran = bp__dispatch(comm, &tasks);
    s->seconds += (double)(bp__clock_ns() - began) * 1e-9;
    if (bp__failed(ran)) end_all_ranks(s, ran);
    free(todo);
    BP_TRY(agree(announced));

    /* a signal that has come when everything was done is no reason to do it again */
    uint64_t left = 0;
    for (uint64_t i = 0; s->rank == 0 && i < s->options->grid.size; i++)
        left += s->results.row[bundle * s->options->grid.size + i].outcome == BP__PENDING;
    int reason = (int)(s->why == SIGNALLED && left == 0 ? COMPLETE : s->why);
    BP_MPI(MPI_Bcast(&reason, 1, MPI_INT, 0, MPI_COMM_WORLD));
    *why = (leaving)reason;
    if (s->rank == 0 && s->changed && *why == COMPLETE)
        bp__report_problem("warning",
                           "bundle %s has changed on disk meanwhile; all results are of the version that "
                           "was there at the start",
                           s->options->bundle[bundle]);
    bp__sweep_end(&s->sweep);
    return BP_OK;
}

static bp_status test_bundles(search *s, MPI_Comm comm, leaving *why)
{
    *why = COMPLETE;
    for (uint64_t b = 0; b < s->options->num_bundles && *why == COMPLETE;) {
        BP_TRY(test_bundle(s, comm, b, why));
        if (*why == COMPLETE) b++;
        if (*why == UPDATED && s->options->on_update == BP__UPDATE_RESTART)
            *why = COMPLETE; /* the same once more */
    }
    return BP_OK;
}

/* The end ---------------------------------------------------------------------------------------- */

/* What rank 0 stores and tells. */
static bp_status report(search *s, const bp_stats *stats)
{
    uint64_t *order = NULL;
    const bp__options *o = s->options;
    BP_TRY(bp__results_rank(&s->results, &order));
    bp_status status = o->out ? bp__results_write(&s->results, o->out) : BP_OK;
    if (status == BP_OK && s->journal) status = bp__journal_finish(s->journal);
    const bp__report_facts facts = {
        .options = o,
        .results = &s->results,
        .tested = s->tested,
        .stats = stats,
        .order = order,
        .num_ranks = s->num_ranks,
        .resumed = s->resumed,
        .seconds = s->seconds,
    };
    if (o->json)
        bp__report_json(stdout, &facts);
    else
        bp__report_table(stdout, &facts);
    bp__report_summary(o->json ? stderr : stdout, &facts);
    free(order);
    bp__report_failures(&s->results);
    return status;
}

/* How to go on, as a line of its own that can be copied. */
static void tell_command(const search *s)
{
    char launcher[32] = "";
    if (s->num_ranks > 1) snprintf(launcher, sizeof launcher, "mpirun -n %d ", s->num_ranks);
    if (!bp__log_is_json()) {
        fprintf(stderr, "  go on with: %s%s%s\n", launcher, s->options->command,
                s->options->resume ? "" : " --resume");
        return;
    }
    const bp__log_field field[] = {{.name = "command", .text = s->options->command},
                                   {.name = "ranks", .number = s->num_ranks}};
    bp__log_event("optimizer", "resumable", field, 2);
}

/* @return whether it is to be done again */
static bool tell_why(search *s, leaving why)
{
    const bp__results *r = &s->results;
    if (why == UNWRITABLE || why == UPDATED) return false;
    const int signal = bp__signal_seen(&(uint64_t){0});
    bp__report_problem("stopped", "by %s: %" PRIu64 " of %" PRIu64 " are done%s",
                       signal == SIGUSR1  ? "SIGUSR1"
                       : signal == SIGINT ? "SIGINT"
                                          : "SIGTERM",
                       r->done + r->failed, r->num_todo, s->journal ? "" : ", and lost: there is no journal");
    if (s->journal) tell_command(s);
    return true;
}

/* The failure that has made rank 0 leave. */
static bp_status failure_of(search *s, leaving why)
{
    if (s->rank != 0) return BP_OK;
    if (why == UNWRITABLE) return bp__journal_write(s->journal);
    if (why == UPDATED)
        BP_FAIL(BP_ECHANGED, "a bundle has changed on disk while it was tested (--on-update fail); start "
                             "afresh with the new one: "
                             "--resume --on-update restart");
    return s->journal ? bp__journal_sync(s->journal) : BP_OK;
}

static bp_status search_grid(search *s, leaving *why)
{
    bp_stats stats = bp_stats_init();
    MPI_Comm comm;
    BP_TRY(agree(prepare(s)));
    BP_TRY(bp__sweep_open(s->options, &s->sweep));
    BP_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    bp_status tested = test_bundles(s, comm, why);
    bp__progress_fini(&s->progress);
    BP_MPI(MPI_Comm_free(&comm));
    BP_TRY(tested);
    if (*why != COMPLETE) return agree(failure_of(s, *why));
    BP_TRY(bp__sweep_totals(&s->sweep, &stats));
    return agree(s->rank == 0 ? report(s, &stats) : BP_OK);
}

int bp__search(const bp__options *options, int rank, int num_ranks)
{
    search s = {.options = options, .rank = rank, .num_ranks = num_ranks};
    leaving why = COMPLETE;
    bp_status status = search_grid(&s, &why);
    char text[BP_ERROR_TEXT_MAX] = ""; /* closing may have texts of its own */
    if (bp__failed(status)) snprintf(text, sizeof text, "%s", bp_error_text());
    bp_status closed = bp__sweep_close(&s.sweep);
    if (status == BP_OK) status = closed;
    if (status == BP_OK) status = agree(rank == 0 ? bp__report_check_stdout() : BP_OK);

    int code = bp__failed(status) ? BP__EXIT_FAILED : BP__EXIT_DONE;
    if (rank == 0 && bp__failed(status)) {
        bp__report_problem("error", "%s", *text ? text : bp_error_text());
        if (s.unfinished || why == UNWRITABLE) tell_command(&s);
    } else if (rank == 0 && why != COMPLETE) {
        if (tell_why(&s, why)) code = BP__EXIT_AGAIN;
    } else if (rank == 0 && s.results.failed > 0) {
        bp__report_problem("error", "%" PRIu64 " of %" PRIu64 " combinations failed", s.results.failed,
                           s.results.num_rows);
        code = BP__EXIT_FAILED;
    }
    MPI_Bcast(&code, 1, MPI_INT, 0, MPI_COMM_WORLD);
    bp__journal_close(&s.journal);
    bp__results_fini(&s.results);
    free(s.hash);
    free(s.tested);
    free(s.spec);
    return code;
}
