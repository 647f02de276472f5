/* optimizer: backtests every combination of a strategy's parameters over a pooled bundle, on all ranks of an
 * MPI job.
 *
 * DESIGN
 *  1. Every rank reads the same command line. Whatever fails, on whatever rank, is agreed on by all before
 * anybody leaves: rank 0 alone prints it, all end with the same code, none waits for one that has gone.
 *  2. Rank 0 looks whether the results can be stored before anything is loaded.
 *  3. All ranks pin the same version of the bundle (sweep.h), then take combinations from rank 0
 * (dispatch.h).
 *  4. Rank 0 stores and prints.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include "mpi/comm.h"
#include "optimizer/dispatch.h"
#include "optimizer/help.h"
#include "optimizer/options.h"
#include "optimizer/progress.h"
#include "optimizer/report.h"
#include "optimizer/results.h"
#include "optimizer/sweep.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct search {
    const bp__options *options;
    int rank, num_ranks;
    bp__sweep sweep;
    bp__results results; /* rank 0 */
    bp__progress progress;
    bp_version version; /* rank 0 */
} search;

static bp_status agree(bp_status s)
{
    return bp__agree(MPI_COMM_WORLD, s);
}

static void run_one(void *context, uint64_t index, bp__result *result)
{
    search *s = context;
    bp__sweep_run(&s->sweep, index, result);
}

static void take_one(void *context, const bp__result *result)
{
    search *s = context;
    bp__results_take(&s->results, result);
    bp__progress_update(&s->progress, s->results.done + s->results.failed);
}

static bp_status prepare(search *s)
{
    if (s->rank != 0) return BP_OK;
    if (s->options->out) BP_TRY(bp__results_check_path(s->options->out));
    return bp__results_init(&s->options->grid, &s->results);
}

/* What rank 0 stores and tells at the end. */
static bp_status report(const search *s, const bp_stats *stats, double seconds)
{
    uint64_t *order = NULL;
    const bp__options *o = s->options;
    BP_TRY(bp__results_rank(&s->results, o->objective, &order));
    bp_status status = o->out ? bp__results_write(&s->results, o->out) : BP_OK;
    const bp__report_facts facts = {
        .options = o,
        .sweep = &s->sweep,
        .results = &s->results,
        .version = &s->version,
        .stats = stats,
        .order = order,
        .num_ranks = s->num_ranks,
        .seconds = seconds,
    };
    if (o->json)
        bp__report_json(stdout, &facts);
    else
        bp__report_table(stdout, &facts);
    bp__report_summary(o->json ? stderr : stdout, &facts);
    free(order);
    bp__report_failures(&s->results);
    if (s->sweep.changed)
        bp__report_problem("warning",
                           "bundle %s has changed on disk meanwhile; all results are of the version that "
                           "was there at the start",
                           o->name);
    return status;
}

static bp_status announce(search *s)
{
    BP_TRY(bp_bundle_version(s->sweep.bundle, &s->version));
    const bp__report_facts facts = {
        .options = s->options, .sweep = &s->sweep, .version = &s->version, .num_ranks = s->num_ranks};
    if (!s->options->json) bp__report_header(stdout, &facts);
    return BP_OK;
}

static bp_status search_grid(search *s)
{
    bp_stats stats = {0};
    MPI_Comm comm;
    BP_TRY(agree(prepare(s)));
    BP_TRY(bp__sweep_open(s->options, &s->sweep));
    BP_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &comm));

    /* hashing a large bundle takes a while: the others are in bp__dispatch() by then, asleep */
    bp_status announced = s->rank == 0 ? announce(s) : BP_OK;
    const bp__tasks tasks = {
        .index = s->results.todo,
        .count = announced == BP_OK ? s->results.num_todo : 0,
        .run = run_one,
        .take = take_one,
        .context = s,
    };
    bp__progress_init(tasks.count, &s->progress);
    if (bp__failed(bp__dispatch(comm, &tasks))) {
        /* the others are waiting for messages that will not come: there is no other way out */
        bp__report_problem("error", "%s", bp_error_text());
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILED);
    }
    const double seconds = bp__progress_fini(&s->progress);
    BP_MPI(MPI_Comm_free(&comm));
    BP_TRY(agree(announced));
    BP_TRY(bp__sweep_totals(&s->sweep, &stats));
    return agree(s->rank == 0 ? report(s, &stats, seconds) : BP_OK);
}

/* What was printed must have got where it should. */
static bp_status check_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return BP_OK;
    BP_FAIL_ERRNO(BP_EIO, errno, "standard output cannot be written");
}

static int run_search(const bp__options *options, int rank, int num_ranks)
{
    search s = {.options = options, .rank = rank, .num_ranks = num_ranks};
    bp_status status = search_grid(&s);
    char text[BP_ERROR_TEXT_MAX] = ""; /* closing may have texts of its own */
    if (bp__failed(status)) snprintf(text, sizeof text, "%s", bp_error_text());
    bp_status closed = bp__sweep_close(&s.sweep);
    if (status == BP_OK) status = closed;
    if (status == BP_OK) status = agree(rank == 0 ? check_stdout() : BP_OK);
    uint64_t failed = s.results.failed;
    MPI_Bcast(&failed, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    if (rank == 0) {
        if (bp__failed(status))
            bp__report_problem("error", "%s", *text ? text : bp_error_text());
        else if (failed > 0)
            bp__report_problem("error", "%" PRIu64 " of %" PRIu64 " combinations failed", failed,
                               s.results.grid->size);
    }
    bp_version_fini(&s.version);
    bp__results_fini(&s.results);
    return bp__failed(status) || failed > 0 ? EXIT_FAILED : EXIT_DONE;
}

/* Help and the like: rank 0 prints. */
static int tell(const bp__options *o, int rank)
{
    if (rank == 0) {
        if (o->action == BP__HELP) bp__print_help();
        if (o->action == BP__VERSION) puts("optimizer " BP_VERSION_STRING);
        if (o->action == BP__LIST_STRATEGIES) bp__print_strategies(o->json);
    }
    bp_status s = agree(rank == 0 ? check_stdout() : BP_OK);
    if (rank == 0 && bp__failed(s)) bp__report_problem("error", "%s", bp_error_text());
    return bp__failed(s) ? EXIT_FAILED : EXIT_DONE;
}

static int run(int argc, char **argv, int thread_level)
{
    int rank, num_ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &num_ranks);
    if (thread_level < MPI_THREAD_MULTIPLE) {
        if (rank == 0)
            bp__report_problem(
                "error", "MPI runs without MPI_THREAD_MULTIPLE, which the bundle pool needs; use an MPI "
                         "library that is built with it");
        return EXIT_FAILED;
    }
    bp__options options;
    bp_status s = agree(bp__options_parse(argc, argv, &options));
    int code;
    if (bp__failed(s)) {
        const bool usage = s != BP_ENOMEM && s != BP_EMPI;
        if (rank == 0)
            bp__report_problem("error", usage ? "%s; try 'optimizer --help'" : "%s", bp_error_text());
        code = usage ? EXIT_USAGE : EXIT_FAILED;
    } else {
        code = options.action == BP__SEARCH ? run_search(&options, rank, num_ranks) : tell(&options, rank);
    }
    bp__options_fini(&options);
    return code;
}

int main(int argc, char **argv)
{
    int level = MPI_THREAD_SINGLE;
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS) {
        bp__report_problem("error", "MPI could not be started");
        return EXIT_FAILED;
    }
    int code = run(argc, argv, level);
    MPI_Finalize();
    return code;
}
