/* What backtests cost: one by one, and side by side in the lanes of each instruction set that is there.
 *
 *     mpirun -n 1 bench_account --root DIR --bundle NAME [--lanes 64] [--commission 5] [--slippage 2] [--repeats 7] [--json]
 *
 * Over a grid of sma_cross of as many combinations as there are lanes: eight fast windows, and so many slow ones as it takes.
 * Processor time of this thread, in ns per asset, session and combination. Cases are `single` and the instruction sets; they
 * take turns. Samples:
 *
 *  signals  finding the signals of all combinations in one call
 *  runs     signals and accounts
 *  over     runs of `single` over those of the case */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mpi.h>

#include <bundlepool/bundlepool.h>

#include "backtest/backtest.h"
#include "support.h"

#define MOST_REPEATS 100

typedef struct bench {
    const char *root, *name;
    int lanes, repeats;
    bp__account account;
    bp__scope *scope;
    bp__workspace *workspace;
    const bp_strategy *strategy;
    double params[BP__MAX_BATCH][BP__MAX_PARAMS];
    const double *row[BP__MAX_BATCH];
} bench;

static volatile double sink;

static void must(bp_status s)
{
    if (s != BP_OK) bench_die("%s: %s", bp_status_name(s), bp_error_text());
}

/* Seconds of this thread. */
static double now(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0) bench_die("there is no clock of processor time");
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double per_unit(const bench *b, double from)
{
    return (now() - from) * 1e9 /
           ((double)bp__scope_num_assets(b->scope) * (double)bp__scope_num_sessions(b->scope) * b->lanes);
}

static void run_all(const bench *b)
{
    for (int i = 0; i < b->lanes; i++) {
        bp__record record;
        must(bp__backtest_run(b->workspace, b->strategy, b->row[i], &b->account, NULL, &record));
        sink = record.equity[record.n - 1];
    }
}

/* Neither what is prepared is found, nor what the last run has found for itself. */
static void forget(const bench *b)
{
    const bp_strategy *hold;
    bp__record record;
    bp__backtest_forget(b->workspace);
    must(bp__builtin_find("buy_and_hold", &hold));
    must(bp__backtest_run(b->workspace, hold, NULL, &b->account, NULL, &record));
}

static double measure_single(const bench *b, int repeat)
{
    forget(b);
    const double from = now();
    run_all(b);
    const double runs = per_unit(b, from);
    bench_sample("single", "runs", "ns", repeat, runs);
    return runs;
}

static void measure_lanes(const bench *b, bp__isa isa, int repeat, double single)
{
    bp__workspace_use(b->workspace, isa);
    size_t taken;
    bp__backtest_forget(b->workspace);
    double from = now();
    must(bp__backtest_prepare(b->workspace, b->strategy, (size_t)b->lanes, b->row, &taken));
    bench_sample(bp__isa_name(isa), "signals", "ns", repeat, per_unit(b, from));
    bp__backtest_forget(b->workspace);
    from = now();
    must(bp__backtest_prepare(b->workspace, b->strategy, (size_t)b->lanes, b->row, &taken));
    bp__backtest_run_prepared(b->workspace, &b->account);
    run_all(b);
    const double runs = per_unit(b, from);
    bench_sample(bp__isa_name(isa), "runs", "ns", repeat, runs);
    bench_sample(bp__isa_name(isa), "over", "1", repeat, single / runs);
}

static void run(bench *b)
{
    const bp_bundle *bundle;
    must(bp_bundle_load(b->root, b->name, &bundle));
    must(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &b->scope));
    must(bp__workspace_create(b->scope, &b->workspace));
    must(bp__builtin_find("sma_cross", &b->strategy));
    for (int i = 0; i < b->lanes; i++) {
        b->params[i][0] = 5 + 5 * (i % 8);
        b->params[i][1] = 60 + 20 * (i / 8);
        b->row[i] = b->params[i];
    }
    for (int repeat = 0; repeat < b->repeats; repeat++) {
        const double single = measure_single(b, repeat);
        for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++) {
            if (bp__isa_is_there(isa))
                measure_lanes(b, isa, repeat, single);
            else if (repeat == 0)
                bench_missing(bp__isa_name(isa), "runs", "ns", "this processor does not have it");
        }
    }
    bp__workspace_destroy(&b->workspace);
    bp__scope_destroy(&b->scope);
    bp_bundle_release(&bundle);
}

static _Noreturn void usage(void)
{
    bench_die(
        "usage: bench_account --root DIR --bundle NAME [--lanes 2…%d] [--commission BPS] [--slippage BPS] "
        "[--repeats N] [--json]",
        BP__MAX_BATCH);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"root", required_argument, NULL, 'r'},     {"bundle", required_argument, NULL, 'b'},
        {"lanes", required_argument, NULL, 'l'},    {"commission", required_argument, NULL, 'c'},
        {"slippage", required_argument, NULL, 's'}, {"repeats", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},           {0}};
    bench b = {.lanes = BP__MAX_BATCH, .repeats = 7, .account = bp__account_init()};
    bench_name = "account";
    MPI_Init(&argc, &argv);
    b.account.commission_bps = 5;
    b.account.slippage_bps = 2;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (o) {
        case 'r': b.root = optarg; break;
        case 'b': b.name = optarg; break;
        case 'l': b.lanes = atoi(optarg); break;
        case 'c': b.account.commission_bps = atof(optarg); break;
        case 's': b.account.slippage_bps = atof(optarg); break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'j': bench_json = true; break;
        default: usage();
        }
    if (!b.root || !b.name || b.lanes < 2 || b.lanes > BP__MAX_BATCH || b.repeats < 1 ||
        b.repeats > MOST_REPEATS)
        usage();
    bench_condition("bundle", b.name);
    bench_condition_number("lanes", b.lanes);
    run(&b);
    MPI_Finalize();
    return 0;
}
