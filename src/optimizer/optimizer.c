/* The program: backtests every combination of a strategy's parameters over pooled bundles, on all ranks of an MPI job.
 *
 * Every rank reads the same command line. Whatever fails, on whatever rank, is agreed on by all before anybody leaves:
 * rank 0 alone prints it, all end with the same code, none waits for one that has gone.
 *
 * What no MPI job is needed for (help, lists, a wrong command line, merge, compare, a check of the strategy) is done without
 * one where the program was started without a launcher.
 */
#include "optimizer/optimizer.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <mpi.h>

#include <bundlepool/version.h>

#include "core/log.h"
#include "mpi/comm.h"
#include "mpi/reach.h"
#include "optimizer/compare.h"
#include "optimizer/doctor.h"
#include "optimizer/dry_run.h"
#include "optimizer/launch.h"
#include "optimizer/lists.h"
#include "optimizer/lookahead.h"
#include "optimizer/options.h"
#include "optimizer/plugins.h"
#include "optimizer/run.h"
#include "optimizer/signals.h"
#include "optimizer/single.h"

#define NAP_NS          5000000
#define LINK_TIMEOUT_MS 60000 /* where the options do not say */

static int code_of(bp_status s)
{
    const bool usage = s == BP_EINVAL || s == BP_ENOTFOUND || s == BP_ERANGE;
    return usage ? BP__EXIT_USAGE : BP__EXIT_FAILED;
}

static int failed(bp_status s)
{
    return bp__program_error(bp__optimizer(), code_of(s));
}

static void tell(const bp__options *o)
{
    if (o->help)
        bp__program_help(bp__optimizer(), o->command);
    else if (o->version)
        bp__program_version(bp__optimizer(), o->json);
    else if (o->list_strategies)
        bp__print_strategies(o);
    else
        bp__print_metrics(o->json);
}

static int check_stdout(void)
{
    return bp__failed(bp__check_stdout()) ? bp__program_error(bp__optimizer(), BP__EXIT_FAILED)
                                          : BP__EXIT_DONE;
}

/* What one process does. @param[in] num_ranks  of the job */
static int run_alone(const bp__options *o, int num_ranks)
{
    if (bp__options_only_tell(o)) {
        tell(o);
        return check_stdout();
    }
    if (o->check_lookahead) return bp__run_lookahead(o);
    switch (o->command->use) {
    case BP__SEARCH: return bp__run_dry(o, num_ranks);
    case BP__COMPARE: return bp__run_compare(o);
    case BP__RUN: return bp__run_single(o);
    default: return bp__run_merge(o);
    }
}

/* Whether all ranks of a job are needed. */
static bool searches(const bp__options *o)
{
    return o->command->use == BP__SEARCH && !o->check_lookahead && !o->dry_run && !bp__options_only_tell(o);
}

/* The same of a doctor, who looks at the job itself. */
static bool examines(const bp__options *o)
{
    return o->command && o->command->use == BP__DOCTOR && !bp__options_only_tell(o);
}

/* Whether it is the work of one process, however many have been started. */
static bool is_for_one(const bp__options *o)
{
    return o->command && (o->command->use & (BP__MERGE | BP__COMPARE | BP__RUN)) != 0;
}

/* A job of MPI ------------------------------------------------------------------------------------ */

typedef struct job {
    MPI_Comm comm; /* of all ranks, for this program's messages: a failure over it ends the job */
    bool started;  /* MPI is ours to finalise */
    int level;     /* of threads */
    int rank, num_ranks;
} job;

static bool mpi_runs(void)
{
    int begun = 0, over = 0;
    return MPI_Initialized(&begun) == MPI_SUCCESS && begun && MPI_Finalized(&over) == MPI_SUCCESS && !over;
}

/* Before a collective finds out that a rank cannot be reached, and waits for it for ever. Only where MPI is ours: whoever
 * has started it may have messages of its own under way. */
static void reach_all(int64_t link_timeout_ms)
{
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const bp_status s = bp__reach(MPI_COMM_WORLD, link_timeout_ms > 0 ? link_timeout_ms : LINK_TIMEOUT_MS);
    if (bp__failed(s)) bp__end_all_ranks(rank, s);
}

static bp_status begin_mpi(int *argc, char ***argv, const bp__options *o, job *j)
{
    int over = 0;
    BP_MPI(MPI_Finalized(&over));
    if (over) BP_FAIL(BP_EMPI, "MPI has been finalised in this process, and cannot be started again");
    j->started = !mpi_runs();
    if (!j->started)
        BP_MPI(MPI_Query_thread(&j->level));
    else if (MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &j->level) != MPI_SUCCESS)
        BP_FAIL(BP_EMPI, "MPI could not be started");
    if (j->started && !examines(o)) reach_all(o->conduct.cfg.link_timeout_ms);
    /* whoever has started MPI may have messages of its own, and another way with failures */
    BP_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &j->comm));
    BP_MPI(MPI_Comm_set_errhandler(j->comm, MPI_ERRORS_ARE_FATAL));
    BP_MPI(MPI_Comm_rank(j->comm, &j->rank));
    BP_MPI(MPI_Comm_size(j->comm, &j->num_ranks));
    return BP_OK;
}

static void end_mpi(job *j)
{
    MPI_Comm_free(&j->comm);
    if (j->started) MPI_Finalize();
}

/* Rank 0's exit code, for all. The others sleep: what rank 0 does may be timed. */
static int code_of_first(const job *j, int code)
{
    MPI_Request request;
    int done = 0;
    MPI_Ibcast(&code, 1, MPI_INT, 0, j->comm, &request);
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done)
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    return code;
}

/* Whether the job is one that can do what is asked for. @param[out] wrong_launch  it was started in a wrong way */
static bp_status check_job(const bp__options *o, const job *j, bool *wrong_launch)
{
    if (bp__options_only_tell(o) || is_for_one(o) || examines(o)) return BP_OK;
    if (j->level < MPI_THREAD_MULTIPLE)
        BP_FAIL(BP_EMPI,
                "MPI runs without MPI_THREAD_MULTIPLE, which the bundle pool needs; use an MPI library "
                "that is built with it");
    if (j->rank != 0) return BP_OK;
    bp_status s = bp__launch_check(j->num_ranks, o->command_line);
    *wrong_launch = bp__failed(s);
    return s;
}

/* As a rank of a job. @param[in] s  of the options */
static int run_as_rank(const bp__options *o, bp_status s, const job *j)
{
    bool wrong_launch = false;
    if (s == BP_OK) s = check_job(o, j, &wrong_launch);
    s = bp__agree(j->comm, bp__plugin_alike(j->comm, o, s));
    if (bp__failed(s)) {
        const bool silent = j->rank != 0 || (wrong_launch && bp__launch_is_told_elsewhere(j->num_ranks));
        return silent ? code_of(s) : failed(s);
    }
    if (searches(o)) return bp__run_search(o, j->comm);
    if (examines(o)) return bp__run_doctor_job(o, j->comm, j->level);
    return code_of_first(j, j->rank == 0 ? run_alone(o, j->num_ranks) : BP__EXIT_DONE);
}

static int run_job(int argc, char **argv, const bp__options *o, bp_status s)
{
    job j = {.comm = MPI_COMM_NULL, .level = MPI_THREAD_SINGLE};
    char text[BP_ERROR_TEXT_MAX]; /* of the options */
    snprintf(text, sizeof text, "%s", bp_error_text());
    bp__signals_catch();
    if (s == BP_OK && examines(o)) bp__doctor_begin(o);
    const bp_status begun = begin_mpi(&argc, &argv, o, &j);
    int code = BP__EXIT_FAILED;
    if (bp__failed(begun)) {
        bp__program_error(bp__optimizer(), code);
    } else {
        if (bp__failed(s)) bp__fail_text(s, text);
        code = run_as_rank(o, s, &j);
        end_mpi(&j);
    }
    bp__doctor_end();
    bp__signals_release();
    return code;
}

static int run(int argc, char **argv, const bp__provider *provider, bp__options *o)
{
    bp_status s = bp__options_parse(argc, argv, provider, o);
    const bool alone = is_for_one(o);
    bp__log_setup(&o->conduct.cfg);
    if (mpi_runs()) return run_job(argc, argv, o, s);
    if (alone && !bp__launch_is_first()) return BP__EXIT_DONE;
    if (alone || !bp__launch_by_mpi()) {
        if (s == BP_OK && !searches(o) && !examines(o)) return run_alone(o, 1);
        if (s == BP_OK) s = bp__launch_check_early(o->command_line);
        if (bp__failed(s)) return bp__launch_is_told_elsewhere(1) ? code_of(s) : failed(s);
    }
    return run_job(argc, argv, o, s);
}

static int tell_or_run(int argc, char **argv, const bp__provider *provider)
{
    if (bp__program_tell(bp__optimizer(), argc, argv, bp__launch_is_first())) return check_stdout();
    bp__options options;
    const int code = run(argc, argv, provider, &options);
    bp__options_fini(&options);
    return code;
}

/* A file that grows beyond `ulimit -f` is an error like any other, not a death: whatever is done, with MPI or without. The
 * library leaves that to its program. */
int bp__optimizer_main(int argc, char **argv, const bp__provider *provider)
{
    struct sigaction before; /* of a program that goes on afterwards */
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, &before);
    const int code = tell_or_run(argc, argv, provider);
    sigaction(SIGXFSZ, &before, NULL);
    return code;
}
