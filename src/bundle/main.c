/* bundle: makes bundle files and looks into them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bundle/command.h"
#include "cli/program.h"

/* Commands, each with its bit in the table of options. */
enum { DEMO = 1, INGEST = 2, INFO = 4, VERSION = 8, VERIFY = 16, LIST = 32, ALL = 63 };

#define NAME_HELP                                                                                            \
    "NAME is ROOT/NAME.h5, with ROOT from --root, $BUNDLEPOOL_ROOT, or ./bundles; an argument that ends\n"   \
    "in .h5 is a path."

static const bp__command commands[] = {
    {
        .name = "demo",
        .arguments = "NAME",
        .use = DEMO,
        .run = bp__run_demo,
        .min_args = 1,
        .max_args = 1,
        .summary = "make a bundle of a made-up market",
        .help = "Make a bundle of a made-up market: prices, splits, dividends, listings and delistings.\n"
                "The same options make the same data on any machine.\n" NAME_HELP,
        .examples = "  bundle demo demo\n"
                    "  bundle demo large --assets 500 --days 2520 --minute\n"
                    "  bundle demo /tmp/test.h5 --assets 5 --seed 42\n",
    },
    {
        .name = "ingest",
        .arguments = "csvdir DIR NAME",
        .use = INGEST,
        .run = bp__run_ingest,
        .min_args = 3,
        .max_args = 3,
        .summary = "make a bundle of CSV files",
        .help =
            "Make a bundle of CSV files: DIR/daily/SYMBOL.csv[.gz] and DIR/minute/SYMBOL.csv[.gz] with the\n"
            "columns date, open, high, low, close, volume and, if there are any, dividend and split. A\n"
            "bundle of that name is replaced as a whole, when all of it is ready.\n" NAME_HELP,
        .examples = "  bundle ingest csvdir ~/prices mine\n"
                    "  bundle ingest csvdir ~/prices /data/bundles/mine.h5\n",
    },
    {
        .name = "info",
        .arguments = "NAME",
        .use = INFO,
        .run = bp__run_info,
        .min_args = 1,
        .max_args = 1,
        .summary = "tell what is in a bundle",
        .help = "Tell what is in a bundle, without reading its bars.\n" NAME_HELP,
        .examples = "  bundle info demo\n"
                    "  bundle info ./zipline_daily.h5 --json\n",
    },
    {
        .name = "version",
        .arguments = "NAME",
        .use = VERSION,
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
        .use = VERIFY,
        .run = bp__run_verify,
        .min_args = 1,
        .max_args = 1,
        .summary = "read all of a bundle and check it",
        .help =
            "Read all of a bundle, check it, and warn of what is not plausible. Exit code 1 if it cannot be\n"
            "read.\n" NAME_HELP,
        .examples = "  bundle verify demo\n"
                    "  bundle verify demo --json\n",
    },
    {
        .name = "list",
        .arguments = "",
        .use = LIST,
        .run = bp__run_list,
        .summary = "list the bundles of a folder",
        .help = "List the bundles of a folder, the broken ones with what is wrong with them.",
        .examples = "  bundle list\n"
                    "  bundle list --root /data/bundles --json\n",
    },
};

/* Options --------------------------------------------------------------------------------------- */

static bp_status set_root(void *target, const bp__option *o, const char *value)
{
    if (!*value) BP_FAIL(BP_EINVAL, "--%s: the folder's name is empty", o->name);
    return bp__set_text(target, o, value);
}

static bp_status set_in_range(void *target, const bp__option *o, const char *value, uint64_t min,
                              uint64_t max)
{
    uint64_t x;
    if (!bp__count_from(value, strlen(value), &x) || x < min || x > max)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a whole number from %" PRIu64 " to %" PRIu64, o->name, value,
                min, max);
    memcpy((char *)target + o->at, &x, sizeof x);
    return BP_OK;
}

static bp_status set_assets(void *target, const bp__option *o, const char *value)
{
    return set_in_range(target, o, value, 1, BP__DEMO_MAX_ASSETS);
}

static bp_status set_days(void *target, const bp__option *o, const char *value)
{
    return set_in_range(target, o, value, 1, BP__DEMO_MAX_DAYS);
}

static bp_status set_seed(void *target, const bp__option *o, const char *value)
{
    return set_in_range(target, o, value, 0, UINT64_MAX);
}

static bp_status set_minute(void *target, const bp__option *o, const char *value)
{
    (void)value;
    uint64_t *days = (uint64_t *)(void *)((char *)target + o->at);
    if (*days == 0) *days = 5; /* --minute-days may have come before */
    return BP_OK;
}

static bp_status set_filter(void *target, const bp__option *o, const char *value)
{
    const bool none = strcmp(value, "none") == 0;
    if (!none && strcmp(value, "gzip") != 0)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is neither gzip nor none", o->name, value);
    ((bp__command_line *)target)->filter = none ? BP__WRITE_NONE : BP__WRITE_GZIP;
    return BP_OK;
}

static void filters(FILE *file)
{
    fputs("gzip none", file);
}

#define AT(field) offsetof(bp__command_line, field)

static const bp__option options[] = {
    {.help = "Options"},
    {.name = "assets",
     .value = "N",
     .uses = DEMO,
     .set = set_assets,
     .at = AT(demo.assets),
     .help = "how many assets (default 50)"},
    {.name = "days",
     .value = "N",
     .uses = DEMO,
     .set = set_days,
     .at = AT(demo.days),
     .help = "how many sessions, from 2010-01-04 on (default 1260)"},
    {.name = "minute",
     .uses = DEMO,
     .set = set_minute,
     .at = AT(demo.minute_days),
     .help = "add minute bars for the last 5 sessions of each asset"},
    {.name = "minute-days",
     .value = "K",
     .uses = DEMO,
     .set = set_days,
     .at = AT(demo.minute_days),
     .help = "add minute bars for the last K sessions of each asset"},
    {.name = "seed",
     .value = "S",
     .uses = DEMO,
     .set = set_seed,
     .at = AT(demo.seed),
     .help = "another market (default 5)"},
    {.name = "filter",
     .value = "F",
     .uses = DEMO | INGEST,
     .set = set_filter,
     .choices = filters,
     .help = "gzip (default) or none: how the file stores its bars"},
    {.name = "json",
     .uses = INFO | VERSION | VERIFY | LIST,
     .set = bp__set_flag,
     .at = AT(json),
     .help = "print JSON"},
    {.name = "root",
     .value = "DIR",
     .uses = ALL,
     .set = set_root,
     .at = AT(root),
     .help = "folder of the bundles (default: $BUNDLEPOOL_ROOT, else ./bundles)"},
    {.name = "help",
     .uses = ALL,
     .set = bp__set_flag,
     .at = AT(help),
     .help = "print this and exit",
     .ends = true},
};

static const bp__program program = {
    .name = "bundle",
    .help = "Makes the market-data bundles that a bundle pool serves, and looks into them.\n" NAME_HELP,
    .exit_codes = "Exit codes: 0 done, 1 failed, 2 wrong usage.",
    .examples = "  bundle demo demo\n"
                "  bundle info demo\n"
                "  bundle ingest csvdir ~/prices mine && bundle verify mine\n",
    .command = commands,
    .num_commands = sizeof commands / sizeof *commands,
    .option = options,
    .num_options = sizeof options / sizeof *options,
};

/* Running --------------------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
    const bp__command *command;
    bp__command_line line = {.demo = {.assets = 50, .days = 1260, .minute_days = 0, .seed = 5}};
    int num_args;
    bp_status s = bp__program_command(&program, argc, argv, &command);
    if (s == BP_OK) s = bp__program_read(&program, command, argc, argv, &line, &line.arg, &num_args);
    if (s == BP_OK && line.help) {
        bp__program_help(&program, command);
        return BP__EXIT_DONE;
    }
    if (s == BP_OK) s = bp__program_check_args(&program, command, line.arg, num_args);
    if (bp__failed(s)) return bp__program_error(&program, BP__EXIT_USAGE);
    s = command->run(&line);
    if (bp__failed(s)) return bp__program_error(&program, s == BP_EINVAL ? BP__EXIT_USAGE : BP__EXIT_FAILED);
    return BP__EXIT_DONE;
}

int main(int argc, char **argv)
{
    const int code = bp__program_tell(&program, argc, argv, true) ? BP__EXIT_DONE : run(argc, argv);
    return bp__failed(bp__check_stdout()) ? bp__program_error(&program, BP__EXIT_FAILED) : code;
}
