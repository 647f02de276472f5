#include "optimizer/run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "mpi/comm.h"
#include "optimizer/changes.h"
#include "optimizer/guard.h"
#include "optimizer/out.h"
#include "optimizer/progress.h"
#include "optimizer/quiet.h"
#include "optimizer/report.h"
#include "optimizer/signals.h"
#include "optimizer/single.h"
#include "search/merge.h"

#define WAIT_FOR_FIRST_S 4                   /* ranks other than 0, before they end the job themselves */
#define LAST_RESORT_S    2                   /* MPI_Abort() may take so long */
#define TERM_GRACE_NS    UINT64_C(500000000) /* mpirun kills a second after it has passed SIGTERM on */

/* What the hooks need; of rank 0. */
typedef struct run {
    bp__quiet quiet;       /* first: the context of its hooks */
    bp__progress progress; /* since the first backtest */
    uint64_t next_stats_ns;
} run;

/* Hooks ----------------------------------------------------------------------------------------- */

static void opened(void *context, const bp__found *found)
{
    const bp__options *o = ((run *)context)->quiet.options;
    if (o->conduct.resume)
        fprintf(o->json ? stderr : stdout, "resumed: %" PRIu64 " of %" PRIu64 "\n", found->resumed,
                found->results.num_todo);
}

static void begun(void *context, const bp__found *found, uint64_t bundle)
{
    run *r = context;
    const bp__options *o = r->quiet.options;
    const bp__report_facts facts = {.options = o, .results = &found->results, .found = found};
    if (!o->json) bp__report_header(stdout, &facts, bundle);
    bp__report_warn_of_doubts(found->spec->bundle[bundle], &found->tested[bundle].doubts);
    if (r->progress.start_ns == 0) bp__progress_init(found, o->progress_s, &r->progress);
}

static void tell_stats(run *r, const bp__found *found, bp_pool *pool)
{
    bp_stats stats = bp_stats_init();
    const double seconds = r->quiet.options->stats_s;
    const uint64_t now = bp__clock_ns();
    if (!pool || seconds <= 0 || now < r->next_stats_ns) return;
    r->next_stats_ns = now + (uint64_t)(seconds * 1e9);
    if (bp_pool_stats(pool, &stats) == BP_OK) bp__report_stats(found, &stats);
}

static bool go_on(void *context, const bp__found *found, bp_pool *pool, uint64_t *until_ns)
{
    run *r = context;
    const uint64_t grace = (uint64_t)(r->quiet.options->grace_s * 1e9);
    uint64_t since_ns;
    bp__progress_update(&r->progress);
    tell_stats(r, found, pool);
    const int signal = bp__signal_seen(&since_ns);
    *until_ns = since_ns + (signal == SIGUSR1 || grace < TERM_GRACE_NS ? grace : TERM_GRACE_NS);
    return signal == 0;
}

static void warn(void *context, const char *text)
{
    (void)context;
    bp__report_problem("warning", "%s", text);
}

/* What is told at the end ----------------------------------------------------------------------- */

static bp_status report(const bp__options *o, const bp__results *results, const bp__found *found)
{
    bp__rated *order = NULL;
    uint64_t num_ranked;
    BP_TRY(bp__results_rank(results, &order, &num_ranked));
    const bp__report_facts facts = {
        .options = o, .results = results, .found = found, .order = order, .num_ranked = num_ranked};
    bp_status s = BP_OK;
    if (o->json)
        s = bp__report_json(stdout, &facts);
    else if (o->from)
        s = bp__changes_print(stdout, &o->rerun, results);
    else
        bp__report_table(stdout, &facts);
    if (found) bp__report_summary(o->json ? stderr : stdout, &facts);
    free(order);
    bp__report_failures(results);
    return s;
}

/* How to go on, as a line of its own that can be copied. */
static void tell_command(const bp__options *o, const bp__found *found)
{
    char launcher[32] = "";
    if (found->num_ranks > 1) snprintf(launcher, sizeof launcher, "mpirun -n %d ", found->num_ranks);
    if (!bp__log_is_json()) {
        bp__text_line(stderr, "  go on with: %s%s%s", launcher, o->command_line,
                      o->conduct.resume ? "" : " --resume");
        return;
    }
    const bp__log_field field[] = {{.name = "command", .text = o->command_line},
                                   {.name = "ranks", .number = found->num_ranks}};
    bp__log_event("optimizer", "resumable", field, 2);
}

static void tell_stopped(const bp__options *o, const bp__found *found)
{
    const bp__results *r = &found->results;
    const int signal = bp__signal_seen(&(uint64_t){0});
    bp__report_problem("stopped", "by %s: %" PRIu64 " of %" PRIu64 " are done%s",
                       signal == SIGUSR1  ? "SIGUSR1"
                       : signal == SIGINT ? "SIGINT"
                                          : "SIGTERM",
                       r->done + r->failed, r->num_todo,
                       found->has_journal ? "" : ", and lost: there is no journal");
    if (found->has_journal) tell_command(o, found);
}

static int tell_failed_combinations(const bp__results *r)
{
    if (r->failed == 0) return BP__EXIT_DONE;
    bp__report_problem("error", "%" PRIu64 " of %" PRIu64 " combinations failed", r->failed, r->num_rows);
    return BP__EXIT_FAILED;
}

/* Rank 0. @return the exit code */
static int tell_end(const run *r, const bp__found *found, bp_status s)
{
    const bp__options *o = r->quiet.options;
    if (bp__failed(s)) {
        const int code = r->quiet.refused || found->foreign ? BP__EXIT_USAGE : BP__EXIT_FAILED;
        bp__program_error(bp__optimizer(), code);
        if (found->unfinished || found->ending == BP__ENDED_UNWRITABLE) tell_command(o, found);
        return code;
    }
    if (found->ending != BP__ENDED_STOPPED) return tell_failed_combinations(&found->results);
    tell_stopped(o, found);
    return BP__EXIT_AGAIN;
}

/* Search ---------------------------------------------------------------------------------------- */

static volatile sig_atomic_t last_code;

static void last_resort(int signal)
{
    (void)signal;
    _exit(last_code);
}

/* Rank 0 has the results, and tells why: the others leave the end to it, unless it does not come. */
_Noreturn void bp__end_all_ranks(int rank, bp_status s)
{
    const struct timespec stagger = {.tv_sec = WAIT_FOR_FIRST_S + rank % 4, .tv_nsec = 0};
    last_code = s == BP_ETIMEOUT ? BP__EXIT_AGAIN : BP__EXIT_FAILED;
    for (struct timespec left = stagger; rank > 0 && nanosleep(&left, &left) != 0 && errno == EINTR;)
        continue;
    /* the launcher stops all ranks where a strategy has crashed on one: that one has told it */
    if (!bp__guard_is_told()) bp__program_error(bp__optimizer(), BP__EXIT_FAILED);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = last_resort}, NULL);
    alarm(LAST_RESORT_S); /* MPI may not reach the launcher */
    MPI_Abort(MPI_COMM_WORLD, last_code);
    _exit(last_code);
}

static bp_status prepare(run *r, int rank, int num_ranks)
{
    if (rank == 0) BP_TRY(bp__quiet_check(&r->quiet));
    return bp__guard_begin(r->quiet.options, true, rank, num_ranks);
}

int bp__run_search(const bp__options *o, MPI_Comm comm)
{
    run r = {.quiet = {.options = o}};
    int rank, num_ranks;
    const bp__hooks hooks = {.context = &r,
                             .opened = opened,
                             .accept = bp__quiet_accept,
                             .begun = begun,
                             .go_on = go_on,
                             .warn = warn,
                             .store = bp__quiet_store,
                             .enter = bp__guard_enter,
                             .leave = bp__guard_leave};
    bp__found found = {.spec = &o->spec};
    MPI_Comm_rank(comm, &rank); /* over comm a failure ends the job */
    MPI_Comm_size(comm, &num_ranks);
    if (rank == 0) bp__quiet_ask_about_costs(o, warn, &r);
    bp_status s = bp__agree(comm, prepare(&r, rank, num_ranks));
    if (s == BP_OK) s = bp__search_run(comm, &o->spec, &o->conduct, &hooks, &found);
    bp__progress_fini(&r.progress);
    if (found.ending == BP__ENDED_ABANDONED) bp__end_all_ranks(rank, s);
    bp__guard_end();

    char text[BP_ERROR_TEXT_MAX] = ""; /* the first failure is the one to be told */
    if (bp__failed(s)) snprintf(text, sizeof text, "%s", bp_error_text());
    bp_status told = rank == 0 && r.quiet.complete ? report(o, &found.results, &found) : BP_OK;
    if (told == BP_OK && s == BP_OK && rank == 0 && r.quiet.complete) told = bp__quiet_write_best(o, &found);
    if (told == BP_OK && rank == 0) told = bp__check_stdout();
    told = bp__agree(comm, told);
    s = bp__failed(s) ? bp__fail_text(s, text) : told;
    int code = rank == 0 ? tell_end(&r, &found, s) : BP__EXIT_DONE;
    MPI_Bcast(&code, 1, MPI_INT, 0, comm);
    bp__search_fini(&found);
    return code;
}

/* Merge ----------------------------------------------------------------------------------------- */

static bp_status merge(const bp__options *o, bp__spec *spec, bp__results *results, bool *refused)
{
    bp_status s = bp__results_check_path("--out", o->out);
    *refused = s == BP_EINVAL;
    BP_TRY(s);
    const bp__merge_ranking ranking = {o->objective, o->having, o->spec.ranking.untraded_too};
    BP_TRY(bp__merge(o->input, o->num_inputs, &ranking, spec, results));
    s = bp__check_out(o, spec, results->content);
    *refused = s == BP_EINVAL;
    BP_TRY(s);
    BP_TRY(bp__results_write(results, o->out));
    BP_TRY(report(o, results, NULL));
    fprintf(o->json ? stderr : stdout,
            "merged: %d journals, combinations: %" PRIu64 " done, %" PRIu64 " skipped, %" PRIu64 " failed\n",
            o->num_inputs, results->done, results->skipped, results->failed);
    return bp__check_stdout();
}

int bp__run_merge(const bp__options *o)
{
    bp__spec spec = {0};
    bp__results results = {0};
    bool refused = false;
    bp_status s = merge(o, &spec, &results, &refused);
    const int code = bp__failed(s)
                         ? bp__program_error(bp__optimizer(), refused ? BP__EXIT_USAGE : BP__EXIT_FAILED)
                         : tell_failed_combinations(&results);
    bp__results_fini(&results);
    bp__spec_fini(&spec);
    return code;
}
