/* optimizer: backtests every combination of a strategy's parameters over pooled bundles, on all ranks of an
 * MPI job.
 *
 * Every rank reads the same command line. Whatever fails, on whatever rank, is agreed on by all before
 * anybody leaves: rank 0 alone prints it, all end with the same code, none waits for one that has gone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>

#include <bundlepool/version.h>

#include "core/log.h"
#include "mpi/comm.h"
#include "optimizer/help.h"
#include "optimizer/launch.h"
#include "optimizer/merge.h"
#include "optimizer/options.h"
#include "optimizer/report.h"
#include "optimizer/search.h"
#include "optimizer/signals.h"

static int usage_or_failure(bp_status s)
{
    return s == BP_ENOMEM || s == BP_EMPI ? BP__EXIT_FAILED : BP__EXIT_USAGE;
}

/* Rank 0, or the only process. */
static int tell_failure(bp_status s, int code)
{
    if (bp__failed(s))
        bp__report_problem("error", code == BP__EXIT_USAGE ? "%s; try 'optimizer --help'" : "%s",
                           bp_error_text());
    return code;
}

/* Help and the like: rank 0 prints. */
static int tell(const bp__options *o, int rank)
{
    if (rank == 0) {
        if (o->action == BP__HELP) bp__print_help();
        if (o->action == BP__VERSION) puts("optimizer " BP_VERSION_STRING);
        if (o->action == BP__LIST_STRATEGIES) bp__print_strategies(o->json);
    }
    bp_status s = bp__agree(MPI_COMM_WORLD, rank == 0 ? bp__report_check_stdout() : BP_OK);
    const int code = bp__failed(s) ? BP__EXIT_FAILED : BP__EXIT_DONE;
    return rank == 0 ? tell_failure(s, code) : code;
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
        return BP__EXIT_FAILED;
    }
    bp__options options;
    bool wrong_launch = false;
    bp_status s = bp__options_parse(argc, argv, &options);
    bp__log_setup(&options.cfg);
    if (s == BP_OK && rank == 0 && options.action == BP__SEARCH) {
        s = bp__launch_check(num_ranks, options.command);
        wrong_launch = bp__failed(s);
    }
    s = bp__agree(MPI_COMM_WORLD, s);
    int code;
    if (bp__failed(s)) {
        code = usage_or_failure(s);
        if (rank == 0 && !(wrong_launch && bp__launch_is_told_elsewhere(num_ranks))) tell_failure(s, code);
    } else {
        code = options.action == BP__SEARCH ? bp__search(&options, rank, num_ranks) : tell(&options, rank);
    }
    bp__options_fini(&options);
    return code;
}

static int run_merge(int argc, char **argv)
{
    bp__options options;
    uint64_t failed = 0;
    bp_status s = bp__options_parse(argc, argv, &options);
    bp__log_setup(&options.cfg);
    int code = bp__failed(s) ? usage_or_failure(s) : BP__EXIT_DONE;
    if (s == BP_OK && options.action == BP__HELP) bp__print_help();
    if (s == BP_OK && options.action == BP__VERSION) puts("optimizer " BP_VERSION_STRING);
    if (s == BP_OK && options.action == BP__MERGE) s = bp__merge(&options, &failed);
    if (s == BP_OK) s = bp__report_check_stdout();
    if (bp__failed(s) && code == BP__EXIT_DONE) code = BP__EXIT_FAILED;
    tell_failure(s, code);
    if (s == BP_OK && failed > 0) {
        bp__report_problem("error", "%" PRIu64 " combinations failed", failed);
        code = BP__EXIT_FAILED;
    }
    bp__options_fini(&options);
    return code;
}

int main(int argc, char **argv)
{
    if (bp__options_is_merge(argc, argv)) return run_merge(argc, argv);
    char *command;
    bp_status s = bp__launch_command(argc, argv, &command);
    if (s == BP_OK && !(argc == 2 && argv[1][0] == '-'))
        s = bp__launch_check_early(command); /* not for --help */
    free(command);
    if (bp__failed(s))
        return bp__launch_is_told_elsewhere(1) ? BP__EXIT_USAGE : tell_failure(s, usage_or_failure(s));

    int level = MPI_THREAD_SINGLE;
    bp__signals_catch();
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level) != MPI_SUCCESS) {
        bp__report_problem("error", "MPI could not be started");
        return BP__EXIT_FAILED;
    }
    int code = run(argc, argv, level);
    MPI_Finalize();
    return code;
}
