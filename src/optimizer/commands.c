#include "optimizer/commands.h"

#include <limits.h>

#include "optimizer/options.h"

const bp__command bp__commands[BP__NUM_COMMANDS] = {
    {
        .arguments = "--bundle NAME --strategy NAME [--param NAME=VALUES]...",
        .launcher = "mpirun -n RANKS ",
        .use = BP__SEARCH,
        .summary = "search a grid; on all ranks of an MPI job, or on one",
        .notes = "A search that was stopped by SIGUSR1, SIGTERM or SIGINT goes on with --resume.\n"
                 "Batch scripts for Slurm are in slurm/.",
        .examples =
            "  mpirun -n 16 optimizer --bundle demo --strategy sma_cross --param fast=5:50:5 --param slow=20:200:20\n"
            "  mpirun -n 4 optimizer --bundle ./prices.h5 --strategy momentum --param lookback=63,126,252 \\\n"
            "      --param top=5:20:5 --commission 5 --slippage 2 --objective calmar --out momentum.csv\n"
            "  mpirun -n 4 optimizer (the same) --resume\n"
            "  optimizer --bundle demo --strategy buy_and_hold --start 2012-01-01 --metrics sharpe,win_rate\n"
            "  optimizer merge 1.csv.journal 2.csv.journal --out all.csv\n",
    },
    {
        .name = "merge",
        .arguments = "JOURNAL... --out FILE.csv",
        .use = BP__MERGE,
        .min_args = 1,
        .max_args = INT_MAX,
        .summary = "join the journals of the parts of one search",
        .help =
            "Join the journals of the parts of one search (slices, bundles or both) into the file that one job\n"
            "would have written. Combinations that are missing, or in two journals, are an error. Needs no MPI.",
        .examples = "  optimizer merge 1.csv.journal 2.csv.journal --out all.csv\n"
                    "  optimizer merge slice-*.journal --out all.csv --objective calmar --top 20\n",
    },
    {
        .name = "run",
        .arguments = "--bundle NAME --strategy NAME [--param NAME=VALUE]...",
        .use = BP__RUN,
        .summary = "one backtest, to be looked at",
        .help =
            "Runs one backtest and tells all metrics; with --equity, --trades, --positions and --unfilled it writes\n"
            "what the account did, and with --json it prints all of that. Each parameter has one value. Needs no MPI.",
        .examples =
            "  optimizer run --bundle demo --strategy sma_cross --param fast=5 --param slow=20 --trades trades.csv\n"
            "  optimizer run --bundle demo --strategy buy_and_hold --json\n",
    },
    {
        .name = "compare",
        .arguments = "A.csv B.csv",
        .use = BP__COMPARE,
        .min_args = 2,
        .max_args = 2,
        .summary = "two files of results beside each other",
        .help =
            "Tells of two files of results: what differs in the searches that they are of, how many combinations\n"
            "both have, how much their ranks agree (Spearman's correlation, by the objective), and where the best\n"
            "of each stands in the other. Needs no MPI.",
        .examples = "  optimizer compare june.csv july.csv\n"
                    "  optimizer compare june.csv july.csv --objective calmar --json\n",
    },
    {
        .name = "doctor",
        .arguments = "",
        .launcher = "mpirun -n RANKS ",
        .use = BP__DOCTOR,
        .summary = "what a pool would find on the machines of a job, and what to do about it",
        .help =
            "Tells what a pool would find on every machine of a job, and between them: MPI and what carries its\n"
            "messages, memory, /dev/shm, limits, clocks, file system of the bundles, settings, what Slurm gave.\n"
            "A pool is made for a moment. Each line is good, warn or bad, and says what to do. It is what to send\n"
            "with a report. Start it as the search would be started; without a launcher it is a job of one rank.\n"
            "Exit code 1 if something is bad: there would be no pool, or no bundles.",
        .examples = "  mpirun -n 16 optimizer doctor\n"
                    "  srun --mpi=pmix optimizer doctor --root /data/bundles --json > report.json\n"
                    "  mpirun -n 4 optimizer doctor --pool-memory 20G\n",
    },
};
