/* DESIGN
 *  1. Rank 0 looks what the journal knows, before anything is loaded.
 *  2. For one bundle after the other all ranks pin the same version (sweep.h), then take tasks from rank 0
 *     (dispatch.h). Rank 0 enters results and appends them to the journal. One bundle at a time: each is
 *     loaded once, however small the pool is.
 *  3. What ends a bundle before its time (the caller, a journal that cannot be written, a new version on
 *  disk) is
 *     noticed by rank 0, between two backtests, and told to all when nothing is in hand any more.
 *  4. Rank 0 has everything stored, and marks the journal as finished.
 */
#include "search/search.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "core/clock.h"
#include "core/day.h"
#include "core/folder.h"
#include "mpi/comm.h"
#include "mpi/lend.h"
#include "search/dispatch.h"
#include "search/journal.h"
#include "search/note.h"
#include "search/sweep.h"

typedef struct search {
    MPI_Comm comm; /* the caller's */
    const bp__spec *spec;
    const bp__conduct *conduct;
    const bp__hooks *hooks;
    bp__found *found;
    int rank;
    bp__sweep sweep;
    /* of rank 0 */
    bp__journal *journal;
    bp__skips skips;
    void *packed; /* the same, for the journal */
    char *text;   /* of the spec */
    bp__note_place place;
    bp__notes notes; /* what a strategy took down with it before */
    bool changed;    /* the bundle under way, on disk */
    uint64_t until_ns;
} search;

/* Whoever waits for another rank stops waiting when the pool breaks. */
static bp__watch watch(const search *s)
{
    return bp__pool_watch(s->sweep.pool);
}

static bp_status agree(const search *s, bp_status status)
{
    const bp__watch w = watch(s);
    return bp__await_agree(s->comm, status, &w);
}

__attribute__((format(printf, 2, 3))) static void warn(const search *s, const char *fmt, ...)
{
    char text[BP_ERROR_TEXT_MAX];
    va_list ap;
    if (!s->hooks->warn) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    s->hooks->warn(s->hooks->context, text);
}

/* What a journal knows ----------------------------------------------------------------------------- */

static bp_status see_spec(void *context, const char *text)
{
    const search *s = context;
    return bp__spec_compare(s->conduct->journal, s->text, text, false);
}

static bp_status see_skips(void *context, const void *bytes, size_t size)
{
    const search *s = context;
    bp__skips theirs;
    bp_status status = bp__skips_unpack(s->conduct->journal, bytes, size, s->spec->grid.size, &theirs);
    if (status == BP_OK && !bp__skips_are_equal(&theirs, &s->skips))
        status = bp__fail(
            BP_EINVAL,
            "%.200s: it skips other combinations; the strategy's check must depend on its parameters alone",
            s->conduct->journal);
    bp__skips_fini(&theirs);
    return status;
}

static bp_status see_bundle(void *context, uint64_t bundle, const char *content_hash)
{
    search *s = context;
    if (bundle >= s->spec->num_bundles)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a bundle that the search does not have; it is damaged",
                s->conduct->journal);
    char *content = s->found->results.content[bundle];
    if (strcmp(content, content_hash) != 0) bp__results_forget(&s->found->results, bundle);
    snprintf(content, BP__HASH_DIGITS + 1, "%s", content_hash);
    return BP_OK;
}

static bp_status see_result(void *context, const bp__result *result)
{
    search *s = context;
    bp__results *results = &s->found->results;
    const uint64_t task = result->task;
    const bool ours = task < results->num_rows && results->content[task / s->spec->grid.size][0] &&
                      results->outcome[task] != BP__SKIPPED && results->outcome[task] != BP__ELSEWHERE &&
                      (result->status != BP_OK || result->num_values == s->spec->num_metrics);
    if (!ours)
        BP_FAIL(BP_EFORMAT, "%.200s: it has a result that the search cannot have; it is damaged",
                s->conduct->journal);
    if (results->outcome[task] == BP__PENDING) bp__results_enter(results, result);
    return BP_OK;
}

/* There is nothing in hand yet that could take its time. */
static bool go_on_reading(void *context)
{
    const search *s = context;
    uint64_t until_ns = UINT64_MAX;
    return s->hooks->go_on(s->hooks->context, s->found, NULL, &until_ns);
}

static bp_status open_journal(search *s)
{
    const bp__journal_visitor visitor = {see_spec, see_skips, see_bundle, see_result, s};
    const bp__conduct *c = s->conduct;
    bp__journal_head head = {0};
    BP_TRY(bp__spec_text(s->spec, &s->text));
    BP_TRY(bp__skips_pack(&s->skips, &s->packed, &head.skips_size));
    head.spec = s->text;
    head.skips = s->packed;
    const bp__journal_how how = {
        .resume = c->resume, .replace = c->replace, .go_on = go_on_reading, .context = s};
    bp__journal_refusal refusal;
    const bp_status status = bp__journal_open(c->journal, &head, &how, &visitor, &s->journal, &refusal);
    s->found->unfinished = refusal == BP__JOURNAL_UNFINISHED;
    s->found->foreign = refusal == BP__JOURNAL_FOREIGN;
    s->found->has_journal = status == BP_OK || status == BP_ESTOPPED;
    return status;
}

/* What an earlier run has left beside the journal; with a new journal that is over. */
static bp_status open_notes(search *s)
{
    BP_TRY(bp__note_place_init(s->conduct->journal, s->text, s->rank, &s->place));
    BP_TRY(bp__notes_read(&s->place, s->found->results.num_rows, &s->notes));
    if (s->notes.odd[0]) warn(s, "%s", s->notes.odd);
    BP_TRY(bp__notes_tidy(&s->place, &s->notes));
    for (size_t i = 0; i < s->notes.count && !s->conduct->resume; i++)
        BP_TRY(bp__note_remove(&s->place, &s->notes.note[i]));
    if (!s->conduct->resume) bp__notes_fini(&s->notes);
    return BP_OK;
}

static bp_status prepare(search *s)
{
    bp__found *f = s->found;
    if (s->rank != 0) return BP_OK;
    if (s->hooks->enter) s->hooks->enter(s->hooks->context, NULL, 0);
    bp_status asked = bp__skips_find(s->spec, &s->skips);
    if (s->hooks->leave) s->hooks->leave(s->hooks->context);
    BP_TRY(asked);
    BP_TRY(bp__results_init(s->spec, &s->skips, &f->results));
    f->tested = calloc(s->spec->num_bundles, sizeof *f->tested);
    if (!f->tested) BP_FAIL(BP_ENOMEM, "no memory for %" PRIu64 " bundles", s->spec->num_bundles);
    if (s->conduct->journal) {
        BP_TRY(open_journal(s));
        BP_TRY(open_notes(s));
    }
    f->resumed = f->results.done + f->results.failed;
    if (s->hooks->opened) s->hooks->opened(s->hooks->context, f);
    return BP_OK;
}

/* A batch that took a rank down is repeated one by one, by whichever rank. */
static bp_status agree_on_batches(search *s)
{
    int one_by_one = 0;
    for (size_t i = 0; i < s->notes.count; i++) one_by_one |= s->notes.note[i].count > 1;
    const bp__watch w = watch(s);
    BP_TRY(bp__await_bcast(&one_by_one, sizeof one_by_one, 0, s->comm, &w));
    s->sweep.one_by_one = one_by_one;
    return BP_OK;
}

/* While backtests run ------------------------------------------------------------------------------ */

static void run_one(void *context, uint64_t task, bp__result *result)
{
    search *s = context;
    const bp__hooks *hooks = s->hooks;
    if (s->rank != 0 && hooks->is_stopped && hooks->is_stopped(hooks->context))
        *result = (bp__result){.task = task, .status = BP_ESTOPPED};
    else
        bp__sweep_run(&s->sweep, task, result);
}

static void take_note(void *context, const uint64_t *task, size_t count)
{
    search *s = context;
    bp__sweep_next(&s->sweep, task, count);
}

/* @param[in] until_ns  UINT64_MAX: what is in hand may take its time */
static void leave(search *s, bp__ending why, uint64_t until_ns)
{
    if (s->found->ending == BP__ENDED_COMPLETE) s->found->ending = why, s->until_ns = UINT64_MAX;
    if (until_ns < s->until_ns) s->until_ns = until_ns;
}

static void enter_one(void *context, const bp__result *result)
{
    search *s = context;
    if (result->status == BP_ESTOPPED) { /* no outcome: its rank was told to stop, and so are all */
        leave(s, BP__ENDED_STOPPED, UINT64_MAX);
        return;
    }
    bp__results_enter(&s->found->results, result);
    s->changed |= result->changed != 0;
    /* a failure is the journal's: bp__journal_write() returns it */
    if (s->journal) (void)bp__journal_result(s->journal, result);
}

static bool go_on(void *context, uint64_t *until_ns)
{
    search *s = context;
    uint64_t hook_until_ns = UINT64_MAX;
    s->found->derived = bp__workspace_stats(s->sweep.workspace);
    const bool go = s->hooks->go_on(s->hooks->context, s->found, s->sweep.pool, &hook_until_ns);
    if (s->journal && bp__failed(bp__journal_write(s->journal))) leave(s, BP__ENDED_UNWRITABLE, UINT64_MAX);
    if (!go) leave(s, BP__ENDED_STOPPED, hook_until_ns);
    if (s->changed && s->conduct->on_update != BP__UPDATE_FINISH) leave(s, BP__ENDED_UPDATED, UINT64_MAX);
    *until_ns = s->until_ns;
    return s->found->ending == BP__ENDED_COMPLETE;
}

/* No rank may be waited for any more. What came in is in the journal, or the text says why not. */
static bp_status abandon(search *s, bp_status status)
{
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "%s", bp_error_text());
    const bool unwritable = s->found->ending == BP__ENDED_UNWRITABLE;
    const bool kept = s->journal && bp__journal_sync(s->journal) == BP_OK;
    s->found->ending = BP__ENDED_ABANDONED;
    return bp__fail(unwritable ? BP_EIO : status, "%.800s; %s", text,
                    kept                  ? "what had come in is in the journal, go on with --resume"
                    : s->journal          ? bp_error_text()
                    : s->conduct->journal ? "what had come in is in the journal"
                                          : "there is no journal");
}

/* One bundle ------------------------------------------------------------------------------------- */

/* The journal's results are of another version, and no longer count. */
static void forget(search *s, uint64_t bundle)
{
    const uint64_t forgotten = bp__results_forget(&s->found->results, bundle);
    /* what this run had done itself does not count either */
    s->found->resumed = s->found->resumed > forgotten ? s->found->resumed - forgotten : 0;
    warn(s, "bundle %s has changed; it is tested from the start", s->spec->bundle[bundle]);
}

/* As many of the assets that are delisted as there is room for. */
static void tell_delisted(const bp__scope *scope, bp__tested *t)
{
    char day[32];
    size_t used = 0;
    t->num_delisted = bp__scope_num_delisted(scope);
    for (size_t i = 0; i < t->num_delisted && used < sizeof t->delisted; i++) {
        int32_t session;
        const size_t asset = bp__scope_delisted(scope, i, &session);
        const char *symbol = bp__scope_asset(scope, asset, &(int64_t){0});
        const char *comma = i > 0 ? ", " : "";
        if (used + strlen(symbol) + 20 > sizeof t->delisted)
            used += (size_t)snprintf(t->delisted + used, sizeof t->delisted - used, "%s...", comma);
        if (used + strlen(symbol) + 20 > sizeof t->delisted) return;
        used += (size_t)snprintf(t->delisted + used, sizeof t->delisted - used, "%s%s %s", comma, symbol,
                                 bp__day_text(bp__scope_session(scope, session), day));
    }
}

/* A combination that took its rank down before has failed. */
static bp_status give_up(search *s, const bp__note *note)
{
    bp__result result = {.task = note->task[0], .status = note->status};
    snprintf(result.why, sizeof result.why, "%s", note->why);
    bp__results_enter(&s->found->results, &result);
    BP_TRY(bp__journal_result(s->journal, &result));
    return bp__journal_sync(s->journal);
}

/* Notes of a bundle become results of the journal; only then are they removed. What is known of another version of the
 * bundle is forgotten. Of several combinations any may be to blame: their note stays until all of them have ended. */
static bp_status heed_notes(search *s, uint64_t bundle, bool forgotten)
{
    for (size_t i = 0; i < s->notes.count; i++) {
        const bp__note *note = &s->notes.note[i];
        if (note->task[0] / s->spec->grid.size != bundle || (note->count > 1 && !forgotten)) continue;
        if (!forgotten && s->found->results.outcome[note->task[0]] == BP__PENDING) BP_TRY(give_up(s, note));
        BP_TRY(bp__note_remove(&s->place, note));
    }
    return BP_OK;
}

/* Which version it is, for people, and whether the journal's results are of the same. */
static bp_status announce(search *s, uint64_t bundle)
{
    const bp__scope *scope = s->sweep.scope;
    const char *name = s->spec->bundle[bundle];
    bp__tested *t = &s->found->tested[bundle];
    bp_version version = bp_version_init();
    BP_TRY(bp_bundle_version(s->sweep.bundle, &version));
    *t = (bp__tested){.bytes = bp_bundle_bytes(s->sweep.bundle),
                      .num_assets = bp__scope_num_assets(scope),
                      .num_sessions = bp__scope_num_sessions(scope),
                      .first_session = bp__scope_first_session(scope),
                      .last_session = bp__scope_last_session(scope),
                      .sessions_per_year = s->sweep.terms.sessions_per_year};
    tell_delisted(scope, t);
    BP_TRY(bp__doubts_find(s->sweep.bundle, scope, &t->doubts));
    memcpy(t->content_hash, version.content_hash, sizeof t->content_hash);
    memcpy(t->computed_hash, version.computed_hash, sizeof t->computed_hash);
    bp_version_fini(&version);

    char *content = s->found->results.content[bundle];
    const bool other = content[0] && strcmp(content, t->content_hash) != 0;
    if (other && s->conduct->on_update != BP__UPDATE_RESTART)
        BP_FAIL(
            BP_ECHANGED,
            "bundle %s has content %.12s, but the journal's results are of %.12s; restore the bundle, or test the "
            "new one from the start with --on-update restart",
            name, t->content_hash, content);
    if (other) forget(s, bundle);
    if (s->hooks->accept) BP_TRY(s->hooks->accept(s->hooks->context, s->found, bundle));
    if (s->journal && (other || !content[0])) BP_TRY(bp__journal_bundle(s->journal, bundle, t->content_hash));
    snprintf(content, BP__HASH_DIGITS + 1, "%s", t->content_hash);
    BP_TRY(heed_notes(s, bundle, other));
    if (s->hooks->begun) s->hooks->begun(s->hooks->context, s->found, bundle);
    return BP_OK;
}

/* Rank 0's reason to leave a bundle is that of all ranks. */
static bp_status agree_on_ending(search *s, uint64_t bundle)
{
    const uint64_t size = s->spec->grid.size;
    uint64_t left = 0;
    for (uint64_t i = 0; s->rank == 0 && i < size; i++)
        left += s->found->results.outcome[bundle * size + i] == BP__PENDING;
    /* a stop that comes when everything is done stops nothing */
    if (s->rank == 0 && s->found->ending == BP__ENDED_STOPPED && left == 0)
        s->found->ending = BP__ENDED_COMPLETE;
    int ending = (int)s->found->ending;
    const bp__watch w = watch(s);
    BP_TRY(bp__await_bcast(&ending, sizeof ending, 0, s->comm, &w));
    s->found->ending = (bp__ending)ending;
    return BP_OK;
}

static uint32_t at_once(void *context)
{
    return bp__sweep_at_once(&((search *)context)->sweep);
}

/* Test what is still to be tested. */
static bp_status test_bundle(search *s, MPI_Comm messages, uint64_t bundle)
{
    uint64_t *todo = NULL;
    bp__tasks tasks = {.at_once = at_once,
                       .next = take_note,
                       .run = run_one,
                       .enter = enter_one,
                       .go_on = go_on,
                       .context = s,
                       .watch = watch(s)};
    BP_TRY(bp__sweep_begin(&s->sweep, bundle));
    s->changed = false;
    s->found->ending = BP__ENDED_COMPLETE;

    /* hashing a large bundle takes a while: the others are in bp__dispatch() by then, asleep */
    bp_status announced = s->rank == 0 ? announce(s, bundle) : BP_OK;
    if (s->rank == 0 && announced == BP_OK)
        announced = bp__results_todo(&s->found->results, bundle, &todo, &tasks.count);
    if (bp__failed(announced)) tasks.count = 0;
    if (bp__sweep_at_once(&s->sweep) > 1 && tasks.count > 0) bp__grid_tile(&s->spec->grid, todo, tasks.count);
    tasks.index = todo;
    const uint64_t began = bp__clock_ns();
    bp_status ran = bp__dispatch(messages, &tasks);
    s->found->seconds += (double)(bp__clock_ns() - began) * 1e-9;
    if (bp__failed(ran)) {
        bp__await_leave(todo); /* what is handed out may still be on its way */
        return abandon(s, ran);
    }
    free(todo);
    BP_TRY(agree(s, announced));
    BP_TRY(agree_on_ending(s, bundle));
    if (s->rank == 0 && s->changed && s->found->ending == BP__ENDED_COMPLETE)
        warn(
            s,
            "bundle %s has changed on disk meanwhile; all results are of the version that was there at the start",
            s->spec->bundle[bundle]);
    bp__sweep_end(&s->sweep);
    return BP_OK;
}

static bp_status test_bundles(search *s, MPI_Comm messages)
{
    const bool restart = s->conduct->on_update == BP__UPDATE_RESTART;
    for (uint64_t b = 0; b < s->spec->num_bundles && s->found->ending == BP__ENDED_COMPLETE;) {
        BP_TRY(test_bundle(s, messages, b));
        if (s->found->ending == BP__ENDED_UPDATED && restart)
            s->found->ending = BP__ENDED_COMPLETE; /* the same once more */
        else
            b++;
    }
    return BP_OK;
}

/* The end ---------------------------------------------------------------------------------------- */

/* The failure that has made rank 0 leave, if it is one. */
static bp_status failure_of(search *s)
{
    if (s->rank != 0) return BP_OK;
    if (s->found->ending == BP__ENDED_UNWRITABLE) return bp__journal_write(s->journal);
    if (s->found->ending == BP__ENDED_UPDATED)
        BP_FAIL(BP_ECHANGED,
                "a bundle has changed on disk while it was tested (--on-update fail); start afresh with "
                "the new one: --resume --on-update restart");
    return s->journal ? bp__journal_sync(s->journal) : BP_OK;
}

static bp_status store(search *s)
{
    if (s->rank != 0) return BP_OK;
    if (s->hooks->store) BP_TRY(s->hooks->store(s->hooks->context, s->found));
    if (s->journal) BP_TRY(bp__journal_finish(s->journal));
    for (size_t i = 0; i < s->notes.count; i++) BP_TRY(bp__note_remove(&s->place, &s->notes.note[i]));
    return BP_OK;
}

/* Every rank has read the command line, and the files that it names, for itself. */
static bp_status agree_on_values(search *s)
{
    uLong crc = 0;
    for (unsigned i = 0; i < s->spec->grid.num_axes; i++) {
        const bp__axis *axis = &s->spec->grid.axis[i];
        crc = crc32_z(crc, (const Bytef *)axis->value, axis->count * sizeof *axis->value);
    }
    const uint64_t mine[2] = {crc, ~(uint64_t)crc};
    uint64_t least[2];
    BP_MPI(MPI_Allreduce(mine, least, 2, MPI_UINT64_T, MPI_MIN, s->comm));
    if (least[0] == ~least[1]) return BP_OK;
    BP_FAIL(BP_EINVAL, "--param: the ranks have read different values; put the file of NAME=@FILE where all "
                       "nodes see the same one");
}

/* Ranks that could not be reached when the pool was created cannot be reached by the search either. */
static bp_status open_sweep(search *s)
{
    bp_status status = bp__sweep_open(s->comm, s->spec, &s->conduct->cfg, s->conduct->pool, &s->sweep);
    if (status != BP_EMPI) return status;
    s->found->broken = true;
    return abandon(s, status);
}

static bool is_broken(const search *s)
{
    char text[BP_ERROR_TEXT_MAX]; /* what the caller is about to return has one */
    snprintf(text, sizeof text, "%s", bp_error_text());
    const bool broken = s->sweep.pool && bp_pool_check(s->sweep.pool) == BP_EMPI;
    bp__fail_text(BP_OK, text);
    return broken;
}

static bp_status duplicate(search *s, MPI_Comm *messages)
{
    MPI_Request request;
    MPI_Comm *own = malloc(sizeof *own);
    const bp__watch w = watch(s);
    if (!own) BP_FAIL(BP_EMPI, "no memory for a communicator, which the other ranks will wait for");
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): after a failure the library may still write to it */
    BP_MPI(MPI_Comm_idup(s->comm, own, &request));
    bp_status status = bp__await(&request, MPI_STATUS_IGNORE, &w);
    if (status == BP_OK) *messages = *own;
    if (status == BP_OK)
        free(own);
    else
        bp__await_leave(own);
    return status;
}

static bp_status search_grid(search *s)
{
    MPI_Comm messages = MPI_COMM_NULL;
    BP_TRY(agree_on_values(s));
    const bp_status prepared = agree(s, prepare(s));
    if (prepared == BP_ESTOPPED) return s->found->ending = BP__ENDED_STOPPED, BP_OK; /* in the journal */
    BP_TRY(prepared);
    BP_TRY(open_sweep(s));
    s->sweep.hooks = s->hooks;
    s->sweep.cache_bytes = s->conduct->cache_memory;
    BP_TRY(agree_on_batches(s));
    BP_TRY(duplicate(s, &messages));
    const int folder = bp__folder_hold();
    const bp_status tested = test_bundles(s, messages), returned = bp__folder_return(folder);
    if (s->found->ending == BP__ENDED_ABANDONED || is_broken(s))
        return tested; /* messages may still be under way */
    BP_MPI(MPI_Comm_free(&messages));
    BP_TRY(tested);
    BP_TRY(agree(s, returned));
    if (s->found->ending != BP__ENDED_COMPLETE) return agree(s, failure_of(s));
    BP_TRY(bp__sweep_totals(&s->sweep, &s->found->stats));
    return agree(s, store(s));
}

/* Collective, unless the pool is broken. @return the failure that there was, or that of closing */
static bp_status close_sweep(search *s, bp_status status)
{
    char text[BP_ERROR_TEXT_MAX]; /* closing may have texts of its own */
    snprintf(text, sizeof text, "%s", bp__failed(status) ? bp_error_text() : "");
    const bp_status closed = bp__sweep_close(&s->sweep);
    if (closed == BP_EMPI) {
        s->found->ending = BP__ENDED_ABANDONED;
        s->found->broken = true;
    }
    return bp__failed(status) ? bp__fail_text(status, text) : closed;
}

bp_status bp__search_run(MPI_Comm comm, const bp__spec *spec, const bp__conduct *conduct,
                         const bp__hooks *hooks, bp__found *found)
{
    search s = {
        .comm = comm, .spec = spec, .conduct = conduct, .hooks = hooks, .found = found, .place.folder = -1};
    *found = (bp__found){.spec = spec, .stats = bp_stats_init()};
    BP_MPI(MPI_Comm_rank(comm, &s.rank));
    BP_MPI(MPI_Comm_size(comm, &found->num_ranks));
    bp_status status = search_grid(&s);
    found->broken |= is_broken(&s);
    if (bp__failed(status) && found->broken && found->ending != BP__ENDED_ABANDONED)
        status = abandon(&s, status);
    if (found->ending != BP__ENDED_ABANDONED || is_broken(&s)) status = close_sweep(&s, status);
    bp__journal_close(&s.journal);
    bp__notes_fini(&s.notes);
    bp__note_place_fini(&s.place);
    bp__skips_fini(&s.skips);
    free(s.packed);
    free(s.text);
    return status;
}

void bp__search_fini(bp__found *found)
{
    bp__results_fini(&found->results);
    free(found->tested);
    found->tested = NULL;
}
