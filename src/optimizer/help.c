#include "optimizer/help.h"

#include <stdio.h>

#include <bundlepool/config.h>

#include "backtest/backtest.h"

static const char usage[] =
    "Usage: mpirun -n RANKS optimizer --bundle NAME --strategy NAME [--param NAME=VALUES]... [options]\n"
    "       optimizer merge JOURNAL... --out FILE.csv\n"
    "\n"
    "Backtests a strategy with every combination of its parameters over a bundle, which is read once and\n"
    "shared by all ranks, and ranks the results. They are the same for any number of ranks.\n"
    "\n"
    "Search:\n"
    "  --bundle NAME         ROOT/NAME.h5, or a path that ends in .h5\n"
    "  --bundles A,B,C       over several, one after the other: each is loaded once, however small the pool "
    "is\n"
    "  --strategy NAME       what to test; --list-strategies tells which there are\n"
    "  --param NAME=VALUES   of a parameter, one option each: A, or A,B,C, or FROM:TO[:STEP], TO included\n"
    "  --objective METRIC    rank by total_return, cagr, sharpe (default), sortino, max_drawdown or calmar\n"
    "  --start YYYY-MM-DD    first day (default: the bundle's)\n"
    "  --end YYYY-MM-DD      last day (default: the bundle's)\n"
    "  --symbols A,B,C       these assets only\n"
    "  --cash X              at the start (default 10000000)\n"
    "  --commission BPS      basis points of each fill's value (default 0)\n"
    "  --slippage BPS        basis points that buys pay more and sales get less (default 0)\n"
    "  --slice K/N           the K-th of N equal parts; 'optimizer merge' joins them\n"
    "\n"
    "Results:\n"
    "  --top N               rows of the table (default 10)\n"
    "  --out FILE.csv        every combination, in the order of the grid; an existing file is replaced\n"
    "  --json                print the table as JSON, and the summary on standard error; --list-strategies "
    "too\n"
    "\n"
    "Interruptions:\n"
    "  --journal FILE        what is found out is kept here at once (default: that of --out, with .journal)\n"
    "  --no-journal          keep nothing\n"
    "  --resume              go on from the journal, with any number of ranks; without one start afresh\n"
    "  --on-update WHAT      if the bundle changes on disk: finish (default) with the version of the start,\n"
    "                        fail, or restart with the new one\n"
    "  --grace SECONDS       for what is in hand after SIGUSR1 (default 30); SIGTERM: half a second\n"
    "  --progress SECONDS    between two lines where there is no terminal (default 10; 0: none)\n"
    "  --stats-every SECONDS a line of the pool's statistics (default 0: none)\n"
    "\n"
    "Other:\n"
    "  --list-strategies     what each strategy does and takes\n"
    "  --help, --version     print this, the version\n"
    "\n"
    "Pool (each also in the environment, as BUNDLEPOOL_ROOT for --root):\n";

static const char after_pool[] =
    "\n"
    "Exit codes: 0 every combination is done or skipped, 1 failed, or a combination has, 2 wrong usage,\n"
    "75 stopped by SIGUSR1, SIGTERM or SIGINT: --resume goes on.\n"
    "\n"
    "Examples:\n"
    "  mpirun -n 16 optimizer --bundle demo --strategy sma_cross --param fast=5:50:5 --param slow=20:200:20\n"
    "  mpirun -n 4 optimizer --bundle ./prices.h5 --strategy momentum --param lookback=63,126,252 \\\n"
    "      --param top=5:20:5 --commission 5 --slippage 2 --objective calmar --out momentum.csv\n"
    "  mpirun -n 4 optimizer (the same) --resume\n"
    "  optimizer --bundle demo --strategy buy_and_hold --start 2012-01-01 --symbols AAA,BBB\n"
    "  optimizer merge 1.csv.journal 2.csv.journal --out all.csv\n"
    "Batch scripts for Slurm are in slurm/.\n";

void bp__print_help(void)
{
    const char *name, *fallback, *help;
    fputs(usage, stdout);
    for (unsigned i = 0; bp_config_field(i, &name, &fallback, &help); i++) {
        char option[64];
        snprintf(option, sizeof option, "--%s VALUE", name);
        for (char *c = option; *c; c++)
            if (*c == '_') *c = '-';
        printf("  %-29s %s (default %s)\n", option, help, fallback);
    }
    fputs(after_pool, stdout);
}

static void print_strategy(const bp__strategy *s)
{
    unsigned n;
    const bp__param *p = bp__strategy_params(s, &n);
    printf("%s\n    %s\n", bp__strategy_name(s), bp__strategy_help(s));
    for (unsigned i = 0; i < n; i++)
        printf("    --param %-10s  %s; a %snumber from %.10g to %.10g, default %.10g\n", p[i].name, p[i].help,
               p[i].integer ? "whole " : "", p[i].min, p[i].max, p[i].fallback);
}

/* Names and helps are of the program and have nothing to escape. */
static void print_strategy_json(const bp__strategy *s, bool first)
{
    unsigned n;
    const bp__param *p = bp__strategy_params(s, &n);
    printf("%s\n  {\"name\": \"%s\", \"help\": \"%s\", \"parameters\": [", first ? "" : ",",
           bp__strategy_name(s), bp__strategy_help(s));
    for (unsigned i = 0; i < n; i++)
        printf(
            "%s\n    {\"name\": \"%s\", \"help\": \"%s\", \"integer\": %s, \"min\": %.17g, \"max\": %.17g, "
            "\"default\": %.17g}",
            i ? "," : "", p[i].name, p[i].help, p[i].integer ? "true" : "false", p[i].min, p[i].max,
            p[i].fallback);
    fputs("]}", stdout);
}

void bp__print_strategies(bool json)
{
    const bp__strategy *s;
    if (json) putchar('[');
    for (unsigned i = 0; (s = bp__strategy_at(i)) != NULL; i++) {
        if (json) {
            print_strategy_json(s, i == 0);
        } else {
            if (i > 0) putchar('\n');
            print_strategy(s);
        }
    }
    if (json) puts("\n]");
}
