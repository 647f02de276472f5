/* The subcommands of `bundle`: to add one, add a row. */
#include "bundle/command.h"
#include "bundle/tables.h"

#define NAME_HELP                                                                                            \
    "NAME is ROOT/NAME.h5, with ROOT from --root, $BUNDLEPOOL_ROOT, or ./bundles; an argument that ends\n"   \
    "in .h5 is a path."

const bp__command bp__bundle_commands[] = {
    {
        .name = "demo",
        .arguments = "NAME",
        .use = BP__USE_DEMO,
        .run = bp__run_demo,
        .min_args = 1,
        .max_args = 1,
        .summary = "make a bundle of a made-up market",
        .help =
            "Make a bundle of a made-up market: prices, splits, dividends, listings and delistings.\n"
            "The same options make the same data on any machine. It replaces another demo; anything else\n"
            "of that name with --replace only.\n" NAME_HELP,
        .examples = "  bundle demo demo\n"
                    "  bundle demo large --assets 500 --days 2520 --minute\n"
                    "  bundle demo /tmp/test.h5 --assets 5 --seed 42\n",
    },
    {
        .name = "ingest",
        .arguments = "csvdir|table PATH NAME",
        .use = BP__USE_INGEST,
        .run = bp__run_ingest,
        .min_args = 3,
        .max_args = 3,
        .summary = "make a bundle of CSV files",
        .help =
            "Make a bundle of CSV files as vendors write them, plain or compressed. A bundle of that name that\n"
            "was made so, or is a demo, is replaced as a whole, when all of it is ready; anything else with\n"
            "--replace only. Everything that is wrong with the files is told in one go, and so is what a careful\n"
            "person would find odd about their data.\n"
            "csvdir: PATH is a folder with daily/SYMBOL.csv and minute/SYMBOL.csv, or with what 'bundle export'\n"
            "wrote.\n"
            "table: PATH is one file with a column for the symbol.\n" NAME_HELP,
        .examples = "  bundle ingest csvdir ~/prices mine\n"
                    "  bundle ingest csvdir ~/prices /data/bundles/mine.h5 --calendar XNYS --currency USD\n"
                    "  bundle ingest csvdir ~/german german --date-format DD.MM.YYYY --keep-going\n"
                    "  bundle ingest table ~/all_stocks.csv.gz kaggle\n",
    },
    {
        .name = "import",
        .arguments = "zipline|hdf5 PATH NAME",
        .use = BP__USE_IMPORT,
        .run = bp__run_import,
        .min_args = 3,
        .max_args = 3,
        .summary = "make a bundle of one that another program made",
        .help =
            "Make a bundle of what another program made, or what 'bundle export' did. Values stay as they are\n"
            "to the last bit; everything that is wrong with the files is told in one go. What has the name is\n"
            "replaced as by 'ingest'.\n"
            "zipline: PATH is an ingestion with assets-N.sqlite, adjustments.sqlite, daily_equities.bcolz and\n"
            "minute_equities.bcolz, or the folder of a bundle with some of them, each named by its time: then\n"
            "the newest is taken.\n"
            "hdf5: PATH is a file in zipline's HDF5 layout. If it holds several countries, each becomes a\n"
            "bundle: NAME_US, NAME_CA, ...\n" NAME_HELP,
        .examples = "  bundle import zipline ~/.zipline/data/quandl quandl\n"
                    "  bundle import zipline ~/.zipline/data/quandl quandl --sessions xnys.txt\n"
                    "  bundle import hdf5 ~/daily_bars.h5 mine\n"
                    "  bundle import hdf5 ~/daily_bars.h5 canada --country CA\n",
    },
    {
        .name = "export",
        .arguments = "csvdir|zipline-hdf5 NAME DIR",
        .use = BP__USE_EXPORT,
        .run = bp__run_export,
        .min_args = 3,
        .max_args = 3,
        .summary = "write a bundle in a form that other programs read",
        .help =
            "Write all of a bundle in a form that other programs read; 'ingest' or 'import' of it gives the same\n"
            "content_hash.\n"
            "csvdir: a folder of CSV files, daily/SYMBOL.csv and minute/SYMBOL.csv, and beside them what these\n"
            "cannot hold: assets, symbols of other times, adjustments, sessions.\n"
            "zipline-hdf5: DIR/NAME.h5, or DIR itself if it ends in .h5, which zipline's reader opens.\n"
            "What is written appears as a whole, or not at all.\n" NAME_HELP,
        .examples = "  bundle export csvdir mine ~/mine_csv\n"
                    "  bundle export zipline-hdf5 mine ~/daily_bars.h5 --replace\n",
    },
    {
        .name = "sync",
        .arguments = "NAME",
        .use = BP__USE_SYNC,
        .run = bp__run_sync,
        .min_args = 1,
        .max_args = 1,
        .summary = "make a bundle again if what it was made from has changed",
        .help =
            "Look whether a file that a bundle was made from is newer than the bundle, or files were added or\n"
            "removed; if so, make it again, with the options of the first time. Where the files hold the same\n"
            "all the same, no bar is written. The old bundle stays until the new one is ready.\n" NAME_HELP,
        .examples = "  bundle sync mine\n"
                    "  bundle sync mine --json\n",
    },
    {
        .name = "info",
        .arguments = "NAME",
        .use = BP__USE_INFO,
        .run = bp__run_info,
        .min_args = 1,
        .max_args = 1,
        .summary = "tell what is in a bundle",
        .help =
            "Tell what is in a bundle, without reading its bars; with --assets, also how much of each asset\n"
            "is there.\n" NAME_HELP,
        .examples = "  bundle info demo\n"
                    "  bundle info demo --assets\n"
                    "  bundle info ./zipline_daily.h5 --json\n",
    },
    {
        .name = "version",
        .arguments = "NAME",
        .use = BP__USE_VERSION,
        .run = bp__run_version,
        .min_args = 1,
        .max_args = 1,
        .summary = "tell which state of its data a bundle is: symbols, dates, hashes",
        .help = "Tell which state of its data a bundle is: computed_hash covers symbols, dates and schema,\n"
                "content_hash every value.\n" NAME_HELP,
        .examples = "  bundle version demo\n"
                    "  bundle version demo --json\n",
    },
    {
        .name = "verify",
        .arguments = "NAME",
        .use = BP__USE_VERIFY,
        .run = bp__run_verify,
        .min_args = 1,
        .max_args = 1,
        .summary = "read all of a bundle and check it",
        .help =
            "Read all of a bundle, check it, and say what is not plausible, the heaviest first: splits and\n"
            "dividends that prices contradict, splits that are missing, bad prices, holes, stray sessions.\n"
            "A finding is heavy if a backtest may be wrong by more than a few percent because of it.\n"
            "Exit code 1 if the bundle cannot be read, or with --strict if anything is found. docs/verify.md\n"
            "explains each kind of finding.\n" NAME_HELP,
        .examples = "  bundle verify demo\n"
                    "  bundle verify demo --json\n"
                    "  bundle verify demo --weight 5 --strict || echo 'look at it first'\n",
    },
    {
        .name = "diff",
        .arguments = "A B",
        .use = BP__USE_DIFF,
        .run = bp__run_diff,
        .min_args = 2,
        .max_args = 2,
        .summary = "tell what has changed from one bundle to another",
        .help =
            "Tell what has changed from bundle A to bundle B: assets, sessions, values with old and new,\n"
            "splits and dividends. Exit code 0 if nothing has, 1 if something has.\n" NAME_HELP,
        .examples = "  bundle diff yesterday today\n"
                    "  bundle diff old/mine.h5 mine --max 5\n",
    },
    {
        .name = "list",
        .arguments = "",
        .use = BP__USE_LIST,
        .run = bp__run_list,
        .summary = "list the bundles of a folder",
        .help = "List the bundles of a folder, the broken ones with what is wrong with them.",
        .examples = "  bundle list\n"
                    "  bundle list --root /data/bundles --json\n",
    },
    {
        .name = "doctor",
        .arguments = "",
        .use = BP__USE_DOCTOR,
        .run = bp__run_doctor,
        .summary = "tell what a pool would find on this machine, and what to do about it",
        .help =
            "Tell what a pool would find on this machine: memory, /dev/shm, limits, clock, file system of the\n"
            "bundles, settings, what Slurm gave. Each line is good, warn or bad, and says what to do. It is what\n"
            "to send with a report. Nothing is changed. For what is between machines, and for what the MPI\n"
            "library does: 'mpirun -n RANKS optimizer doctor'.\n"
            "Exit code 1 if something is bad: there would be no pool, or no bundles.",
        .examples = "  bundle doctor\n"
                    "  bundle doctor --root /data/bundles --json > report.json\n"
                    "  docker run IMAGE bundle doctor\n",
    },
};

const size_t bp__num_bundle_commands = sizeof bp__bundle_commands / sizeof *bp__bundle_commands;
