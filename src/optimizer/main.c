/* optimizer: backtests every combination of a strategy's parameters over pooled bundles, on all ranks of an MPI job.
 *
 * Every rank reads the same command line. Whatever fails, on whatever rank, is agreed on by all before anybody leaves:
 * rank 0 alone prints it, all end with the same code, none waits for one that has gone.
 *
 * What no MPI job is needed for (help, lists, a wrong command line, merge, compare, a check of the strategy) is done without
 * one where the program was started without a launcher.
 */
#include <stdio.h>
#include <time.h>

#include <mpi.h>

#include <bundlepool/version.h>

#include "core/log.h"
#include "mpi/comm.h"
#include "optimizer/compare.h"
#include "optimizer/dry_run.h"
#include "optimizer/launch.h"
#include "optimizer/lists.h"
#include "optimizer/lookahead.h"
#include "optimizer/options.h"
#include "optimizer/plugins.h"
#include "optimizer/run.h"
#include "optimizer/signals.h"
#include "optimizer/single.h"

#define NAP_NS 5000000

static int code_of(bp_status s)
{
    const bool usage = s == BP_EINVAL || s == BP_ENOTFOUND || s == BP_ERANGE;
    return usage ? BP__EXIT_USAGE : BP__EXIT_FAILED;
}

static int fail(bp_status s)
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

/* Rank 0's exit code, for all. The others sleep: what rank 0 does may be timed. */
static int code_of_first(int code)
{
    MPI_Request request;
    int done = 0;
    MPI_Ibcast(&code, 1, MPI_INT, 0, MPI_COMM_WORLD, &request);
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done)
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    return code;
}

/* As a rank of a job. @param[in] s  of the options */
static int run_as_rank(const bp__options *o, bp_status s, int thread_level)
{
    int rank, num_ranks;
    bool wrong_launch = false;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank); /* over MPI_COMM_WORLD a failure ends the job */
    MPI_Comm_size(MPI_COMM_WORLD, &num_ranks);
    if (s == BP_OK && !bp__options_only_tell(o) && thread_level < MPI_THREAD_MULTIPLE)
        s = bp__fail(BP_EMPI,
                     "MPI runs without MPI_THREAD_MULTIPLE, which the bundle pool needs; use an MPI library "
                     "that is built with it");
    if (s == BP_OK && rank == 0 && !bp__options_only_tell(o)) {
        s = bp__launch_check(num_ranks, o->command_line);
        wrong_launch = bp__failed(s);
    }
    s = bp__agree(MPI_COMM_WORLD, bp__plugin_alike(o, s));
    if (bp__failed(s)) {
        const bool silent = rank != 0 || (wrong_launch && bp__launch_is_told_elsewhere(num_ranks));
        return silent ? code_of(s) : fail(s);
    }
    if (searches(o)) return bp__run_search(o, rank);
    return code_of_first(rank == 0 ? run_alone(o, num_ranks) : BP__EXIT_DONE);
}

static int run(int argc, char **argv, bp__options *o)
{
    bp_status s = bp__options_parse(argc, argv, o);
    const bool alone = o->command && (o->command->use & (BP__MERGE | BP__COMPARE | BP__RUN)) != 0;
    bp__log_setup(&o->conduct.cfg);
    if (alone && !bp__launch_is_first()) return BP__EXIT_DONE; /* the work of one process */
    if (alone || !bp__launch_by_mpi()) {
        if (s == BP_OK && !searches(o)) return run_alone(o, 1);
        if (s == BP_OK) s = bp__launch_check_early(o->command_line);
        if (bp__failed(s)) return bp__launch_is_told_elsewhere(1) ? code_of(s) : fail(s);
    }
    int level = MPI_THREAD_SINGLE;
    bp__signals_catch();
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS) {
        bp__log_as("optimizer", "error", "MPI could not be started");
        return BP__EXIT_FAILED;
    }
    const int code = run_as_rank(o, s, level);
    MPI_Finalize();
    return code;
}

int main(int argc, char **argv)
{
    if (bp__program_tell(bp__optimizer(), argc, argv, bp__launch_is_first())) return check_stdout();
    bp__options options;
    const int code = run(argc, argv, &options);
    bp__options_fini(&options);
    return code;
}
