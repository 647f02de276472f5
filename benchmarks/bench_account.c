/* What backtests cost: one by one, and side by side in the lanes of each instruction set that is there.
 *
 *     mpirun -n 1 bench_account --root DIR --bundle NAME [--work NAME] [--combinations 64] [--commission 5] [--slippage 2]
 *                               [--repeats 7] [--json]
 *
 * Each work is a grid of a built-in strategy: sma_cross, momentum, mean_reversion, rsi; monthly and daily, which are weights
 * (inverse_volatility, rebalanced every 21 sessions or each); decide (pairs), which is run one by one only. By default all of
 * them, of which the last two have eight combinations at most.
 *
 * Processor time of this thread, in ns per asset, session and combination. Cases are `single` and the instruction sets; they
 * take turns. Samples, each with its work:
 *
 *  says          finding what the strategy says of all combinations
 *  account       what the account makes of it
 *  runs          both
 *  over          runs of `single` over those of the case
 *  account_over  the same of the account */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

#include <bundlepool/bundlepool.h>

#include "backtest/backtest.h"
#include "support.h"

#define MOST_REPEATS 100

typedef struct work {
    const char *name, *strategy;
    int most; /* combinations */
    void (*combination)(int i, double *params);
} work;

typedef struct bench {
    const char *root, *name, *only;
    int combinations, repeats;
    bp__account account;
    bp__scope *scope;
    bp__workspace *workspace;
    const work *work;
    const bp_strategy *strategy;
    int count; /* of this work */
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

/* Works ---------------------------------------------------------------------------------------------- */

static void cross(int i, double *params)
{
    params[0] = 5 + 5 * (i % 8);
    params[1] = 60 + 20 * (i / 8);
}

static void rank(int i, double *params)
{
    static const double rebalance[] = {5, 21, 42, 63};
    params[0] = 20 + 40 * (i % 4);
    params[1] = 10 << i / 4 % 4;
    params[2] = rebalance[i / 16];
}

static void revert(int i, double *params)
{
    params[0] = 10 << i % 4;
    params[1] = 1 + 0.5 * (i / 4 % 4);
    params[2] = 0.25 * (i / 16);
}

static void oscillate(int i, double *params)
{
    params[0] = 7 * (1 + i % 4);
    params[1] = 20 + 5 * (i / 4 % 4);
    params[2] = 60 + 5 * (i / 16);
}

static void monthly(int i, double *params)
{
    params[0] = 20 + 2 * i;
    params[1] = 21;
}

static void daily(int i, double *params)
{
    params[0] = 20 + 2 * i;
    params[1] = 1;
}

static void pair(int i, double *params)
{
    params[0] = 30 + 5 * i;
    params[1] = 2;
    params[2] = 0.5;
    params[3] = 0;
}

static const work WORKS[] = {
    {"sma_cross", "sma_cross", BP__MAX_BATCH, cross},
    {"momentum", "momentum", BP__MAX_BATCH, rank},
    {"mean_reversion", "mean_reversion", BP__MAX_BATCH, revert},
    {"rsi", "rsi", BP__MAX_BATCH, oscillate},
    {"monthly", "inverse_volatility", BP__MAX_BATCH, monthly},
    {"daily", "inverse_volatility", 8, daily},
    {"decide", "pairs", 8, pair},
};

/* Measurements --------------------------------------------------------------------------------------- */

/* Seconds of what is found, and of what is made of it. */
typedef struct spent {
    double says, account;
} spent;

static double in_ns(const bench *b, double seconds)
{
    return seconds * 1e9 /
           ((double)bp__scope_num_assets(b->scope) * (double)bp__scope_num_sessions(b->scope) * b->count);
}

static void run_one(const bench *b, int i)
{
    bp__record record;
    must(bp__backtest_run(b->workspace, b->strategy, b->row[i], &b->account, NULL, &record));
    sink = record.equity[record.n - 1];
}

/* What the last run has found is not found again: another strategy's answer takes its place. */
static void forget(const bench *b)
{
    const bp_strategy *hold;
    bp__record record;
    bp__backtest_forget(b->workspace, 1);
    must(bp__builtin_find("buy_and_hold", &hold));
    must(bp__backtest_run(b->workspace, hold, NULL, &b->account, NULL, &record));
}

/* A second run of the same combination finds what the strategy said, and is the account's alone. */
static spent run_single(const bench *b)
{
    spent all = {0};
    for (int i = 0; i < b->count; i++) {
        forget(b);
        const double first = now();
        run_one(b, i);
        const double second = now();
        if (!b->strategy->decide) run_one(b, i);
        const double account = b->strategy->decide ? 0 : now() - second;
        all.account += account;
        all.says += second - first - account;
    }
    return all;
}

/* As many at once as there is room for, and then the next ones. */
static spent run_lanes(const bench *b)
{
    spent all = {0};
    for (size_t at = 0, count = (size_t)b->count, begin; at < count;) {
        size_t taken = 1;
        bp__backtest_forget(b->workspace, count - at);
        double from = now();
        for (begin = at; at < count && taken > 0; at += taken)
            must(bp__backtest_prepare(b->workspace, b->strategy, count - at, b->row + at, &taken));
        all.says += now() - from;
        from = now();
        bp__backtest_run_prepared(b->workspace, &b->account, false);
        for (; begin < at; begin++) run_one(b, (int)begin);
        all.account += now() - from;
    }
    return all;
}

static void tell(const bench *b, const char *name, int repeat, spent s)
{
    bench_sample(name, "runs", "ns", repeat, in_ns(b, s.says + s.account));
    if (b->strategy->decide) return;
    bench_sample(name, "says", "ns", repeat, in_ns(b, s.says));
    bench_sample(name, "account", "ns", repeat, in_ns(b, s.account));
}

static void measure(const bench *b, int repeat)
{
    const spent single = run_single(b);
    tell(b, "single", repeat, single);
    for (bp__isa isa = 0; isa < BP__NUM_ISAS && !b->strategy->decide; isa++) {
        if (!bp__isa_is_there(isa)) {
            if (repeat == 0)
                bench_missing(bp__isa_name(isa), "runs", "ns", "this processor does not have it");
            continue;
        }
        bp__workspace_use(b->workspace, isa);
        const spent lanes = run_lanes(b);
        tell(b, bp__isa_name(isa), repeat, lanes);
        bench_sample(bp__isa_name(isa), "over", "1", repeat,
                     (single.says + single.account) / (lanes.says + lanes.account));
        bench_sample(bp__isa_name(isa), "account_over", "1", repeat, single.account / lanes.account);
    }
}

static void run_work(bench *b, const work *w)
{
    b->work = w;
    b->count = b->combinations < w->most ? b->combinations : w->most;
    must(bp__builtin_find(w->strategy, &b->strategy));
    for (int i = 0; i < b->count; i++) {
        w->combination(i, b->params[i]);
        b->row[i] = b->params[i];
    }
    bench_condition("work", w->name);
    bench_condition_number("combinations", b->count);
    for (int repeat = 0; repeat < b->repeats; repeat++) measure(b, repeat);
}

/* @return false: there is no such work */
static bool run(bench *b)
{
    const bp_bundle *bundle;
    bool found = false;
    must(bp_bundle_load(b->root, b->name, &bundle));
    must(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &b->scope));
    must(bp__workspace_create(b->scope, &b->workspace));
    for (size_t i = 0; i < sizeof WORKS / sizeof *WORKS; i++) {
        if (b->only && strcmp(b->only, WORKS[i].name) != 0) continue;
        found = true;
        run_work(b, &WORKS[i]);
    }
    bp__workspace_destroy(&b->workspace);
    bp__scope_destroy(&b->scope);
    bp_bundle_release(&bundle);
    return found;
}

static _Noreturn void usage(void)
{
    bench_die(
        "usage: bench_account --root DIR --bundle NAME [--work NAME] [--combinations 1…%d] [--commission BPS] "
        "[--slippage BPS] [--repeats N] [--json]",
        BP__MAX_BATCH);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"root", required_argument, NULL, 'r'},
                                            {"bundle", required_argument, NULL, 'b'},
                                            {"combinations", required_argument, NULL, 'k'},
                                            {"commission", required_argument, NULL, 'c'},
                                            {"slippage", required_argument, NULL, 's'},
                                            {"repeats", required_argument, NULL, 'n'},
                                            {"work", required_argument, NULL, 'w'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    bench b = {.combinations = BP__MAX_BATCH, .repeats = 7, .account = bp__account_init()};
    bench_name = "account";
    MPI_Init(&argc, &argv);
    b.account.commission_bps = 5;
    b.account.slippage_bps = 2;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (o) {
        case 'r': b.root = optarg; break;
        case 'b': b.name = optarg; break;
        case 'w': b.only = optarg; break;
        case 'k': b.combinations = atoi(optarg); break;
        case 'c': b.account.commission_bps = atof(optarg); break;
        case 's': b.account.slippage_bps = atof(optarg); break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'j': bench_json = true; break;
        default: usage();
        }
    if (!b.root || !b.name || b.combinations < 1 || b.combinations > BP__MAX_BATCH || b.repeats < 1 ||
        b.repeats > MOST_REPEATS)
        usage();
    bench_condition("bundle", b.name);
    if (!run(&b)) bench_die("there is no work '%s'", b.only);
    MPI_Finalize();
    return 0;
}
