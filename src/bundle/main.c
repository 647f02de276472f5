/* bundle: makes bundle files and looks into them. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/command.h"
#include "core/version.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct command {
    const char *name;
    int num_args;
    bool has_source;     /* the first argument is the name of a source */
    const char *options; /* letters of the options it takes */
    bp_status (*run)(const bp__command_line *line);
    const char *help;
} command;

#define ROOT_HELP   "  --root DIR         folder of the bundles (default: $BUNDLEPOOL_ROOT, else ./bundles)\n"
#define JSON_HELP   "  --json             print JSON\n"
#define HELP_HELP   "  --help             print this and exit\n"
#define FILTER_HELP "  --filter F         gzip (default) or none: how the file stores its bars\n"
#define NAME_HELP   "NAME is ROOT/NAME.h5; an argument that ends in .h5 is a path.\n\nOptions:\n"

static const command commands[] = {
    {"demo", 1, false, "radmksf", bp__run_demo,
     "Usage: bundle demo NAME [options]\n\n"
     "Make a bundle of a made-up market: prices, splits, dividends, listings and delistings.\n"
     "The same options make the same data on any machine. " NAME_HELP
     "  --assets N         how many assets (default 50)\n"
     "  --days N           how many sessions, from 2010-01-04 on (default 1260)\n"
     "  --minute           add minute bars for the last 5 sessions of each asset\n"
     "  --minute-days K    add minute bars for the last K sessions of each asset\n"
     "  --seed S           another market (default 5)\n" FILTER_HELP ROOT_HELP HELP_HELP "\nExamples:\n"
     "  bundle demo demo\n"
     "  bundle demo large --assets 500 --days 2520 --minute\n"
     "  bundle demo /tmp/test.h5 --assets 5 --seed 42\n"},
    {"ingest", 3, true, "rf", bp__run_ingest,
     "Usage: bundle ingest csvdir DIR NAME [options]\n\n"
     "Make a bundle of CSV files: DIR/daily/SYMBOL.csv[.gz] and DIR/minute/SYMBOL.csv[.gz] with the columns\n"
     "date, open, high, low, close, volume and, if there are any, dividend and split. A bundle of that name\n"
     "is replaced as a whole, when all of it is ready. " NAME_HELP FILTER_HELP ROOT_HELP HELP_HELP
     "\nExamples:\n"
     "  bundle ingest csvdir ~/prices mine\n"
     "  bundle ingest csvdir ~/prices /data/bundles/mine.h5\n"},
    {"info", 1, false, "rj", bp__run_info,
     "Usage: bundle info NAME [options]\n\n"
     "Tell what is in a bundle, without reading its bars. " NAME_HELP JSON_HELP ROOT_HELP HELP_HELP
     "\nExamples:\n"
     "  bundle info demo\n"
     "  bundle info ./zipline_daily.h5 --json\n"},
    {"version", 1, false, "rj", bp__run_version,
     "Usage: bundle version NAME [options]\n\n"
     "Tell which state of its data a bundle is: computed_hash covers symbols, dates and schema, "
     "content_hash\n"
     "every value. " NAME_HELP JSON_HELP ROOT_HELP HELP_HELP "\nExamples:\n"
     "  bundle version demo\n"
     "  bundle version demo --json\n"},
    {"verify", 1, false, "rj", bp__run_verify,
     "Usage: bundle verify NAME [options]\n\n"
     "Read all of a bundle, check it, and warn of what is not plausible. Exit code 1 if it cannot be "
     "read.\n" NAME_HELP JSON_HELP ROOT_HELP HELP_HELP "\nExamples:\n"
     "  bundle verify demo\n"
     "  bundle verify demo --json\n"},
    {"list", 0, false, "rj", bp__run_list,
     "Usage: bundle list [options]\n\n"
     "List the bundles of a folder, the broken ones with what is wrong with them.\n\nOptions:\n" JSON_HELP
         ROOT_HELP HELP_HELP "\nExamples:\n"
     "  bundle list\n"
     "  bundle list --root /data/bundles --json\n"},
};

static const char help[] =
    "Usage: bundle COMMAND [arguments] [options]\n\n"
    "Makes the market-data bundles that a bundle pool serves, and looks into them.\n\n"
    "Commands:\n"
    "  demo NAME                make a bundle of a made-up market\n"
    "  ingest csvdir DIR NAME   make a bundle of CSV files\n"
    "  info NAME                what is in a bundle\n"
    "  version NAME             which state of its data it is: symbols, dates, hashes\n"
    "  verify NAME              read all of it and check it\n"
    "  list                     the bundles of a folder\n\n"
    "NAME is ROOT/NAME.h5, with ROOT from --root, $BUNDLEPOOL_ROOT, or ./bundles; an argument that ends in\n"
    ".h5 is a path. 'bundle COMMAND --help' tells the options and gives examples; --version the version,\n"
    "--version --json the build.\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n"
    "Examples:\n"
    "  bundle demo demo\n"
    "  bundle info demo\n"
    "  bundle ingest csvdir ~/prices mine && bundle verify mine\n";

/* Errors ---------------------------------------------------------------------------------------- */

/* One line on stderr, whatever a file name has in it. */
static void print_error(const char *text)
{
    fputs("bundle: error: ", stderr);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        fputc(*c < 0x20 || *c == 0x7f ? '?' : *c, stderr);
    fputc('\n', stderr);
}

__attribute__((format(printf, 1, 2))) static int usage_error(const char *fmt, ...)
{
    char text[512], line[576];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(line, sizeof line, "%s; try 'bundle --help'", text);
    print_error(line);
    return EXIT_USAGE;
}

/* What was printed must have got where it should. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    print_error(errno == ENOSPC ? "standard output: no space" : "standard output cannot be written");
    return EXIT_FAILED;
}

/* Options --------------------------------------------------------------------------------------- */

static const struct option all_options[] = {
    {"root", required_argument, NULL, 'r'},   {"json", no_argument, NULL, 'j'},
    {"assets", required_argument, NULL, 'a'}, {"days", required_argument, NULL, 'd'},
    {"minute", no_argument, NULL, 'm'},       {"minute-days", required_argument, NULL, 'k'},
    {"seed", required_argument, NULL, 's'},   {"filter", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
};
#define NUM_OPTIONS (sizeof all_options / sizeof *all_options)

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    char *end;
    if (text[strspn(text, "0123456789")] || !*text) return false;
    errno = 0;
    unsigned long long x = strtoull(text, &end, 10);
    if (errno != 0 || x > max) return false;
    *value = x;
    return true;
}

/* 0 or the code to exit with. */
static int take_number(const char *option, const char *text, uint64_t min, uint64_t max, void *value)
{
    uint64_t x;
    if (!parse_number(text, max, &x) || x < min)
        return usage_error("--%s: '%s' is not a whole number from %" PRIu64 " to %" PRIu64, option, text, min,
                           max);
    memcpy(value, &x, sizeof x);
    return 0;
}

static int take_option(int letter, const char *value, bp__command_line *line)
{
    switch (letter) {
    case 'r':
        if (!*value) return usage_error("--root: the folder's name is empty");
        line->root = value;
        return 0;
    case 'j': line->json = true; return 0;
    case 'a': return take_number("assets", value, 1, BP__DEMO_MAX_ASSETS, &line->demo.assets);
    case 'd': return take_number("days", value, 1, BP__DEMO_MAX_DAYS, &line->demo.days);
    case 'm':
        if (line->demo.minute_days == 0) line->demo.minute_days = 5;
        return 0;
    case 'k': return take_number("minute-days", value, 1, BP__DEMO_MAX_DAYS, &line->demo.minute_days);
    case 's': return take_number("seed", value, 0, UINT64_MAX, &line->demo.seed);
    default:
        if (strcmp(value, "gzip") != 0 && strcmp(value, "none") != 0)
            return usage_error("--filter: '%s' is neither gzip nor none", value);
        line->filter = strcmp(value, "none") == 0 ? BP__WRITE_NONE : BP__WRITE_GZIP;
        return 0;
    }
}

/* Options of one subcommand; 'h' and errors end it. */
static int parse_options(const command *cmd, int argc, char **argv, bp__command_line *line, bool *help_wanted)
{
    struct option known[NUM_OPTIONS + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < NUM_OPTIONS; i++)
        if (all_options[i].val == 'h' || strchr(cmd->options, all_options[i].val))
            known[n++] = all_options[i];
    opterr = 0;
    for (int letter; (letter = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
        if (letter == 'h') {
            *help_wanted = true;
            return 0;
        }
        if (letter == ':') return usage_error("%s: option '%s' needs a value", cmd->name, argv[optind - 1]);
        if (letter == '?') {
            /* a bundle of short letters leaves optind on itself */
            if (optopt > 0 && optopt < 128 && strncmp(argv[optind - 1], "--", 2) != 0)
                return usage_error("%s: unknown option '-%c'", cmd->name, optopt);
            return usage_error("%s: unknown option '%s'", cmd->name, argv[optind - 1]);
        }
        int code = take_option(letter, optarg, line);
        if (code != 0) return code;
    }
    return 0;
}

/* "'csvdir', 'other'" */
static const char *source_names(void)
{
    static char names[256];
    size_t n = 0;
    for (const bp__ingest_source *s = bp__ingest_sources; s->name && n < sizeof names; s++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s'%s'", n > 0 ? ", " : "", s->name);
    return names;
}

static int parse_arguments(const command *cmd, int argc, char **argv, bp__command_line *line)
{
    int n = argc - optind;
    char **arg = argv + optind;
    if (cmd->has_source && n > 0) {
        line->source = bp__ingest_source_find(arg[0]);
        if (!line->source)
            return usage_error("%s: unknown source '%s', there is %s", cmd->name, arg[0], source_names());
    }
    if (n < cmd->num_args) return usage_error("%s: an argument is missing", cmd->name);
    if (n > cmd->num_args) return usage_error("%s: unexpected argument '%s'", cmd->name, arg[cmd->num_args]);
    if (cmd->has_source) arg++, n--;
    for (int i = 0; i < n; i++) line->arg[i] = arg[i];
    return 0;
}

static int run(const command *cmd, int argc, char **argv)
{
    bp__command_line line = {.demo = {.assets = 50, .days = 1260, .minute_days = 0, .seed = 5}};
    bool help_wanted = false;
    int code = parse_options(cmd, argc, argv, &line, &help_wanted);
    if (code != 0) return code;
    if (help_wanted) {
        fputs(cmd->help, stdout);
        return EXIT_DONE;
    }
    code = parse_arguments(cmd, argc, argv, &line);
    if (code != 0) return code;
    bp_status s = cmd->run(&line);
    if (s == BP_OK) return EXIT_DONE;
    if (s == BP_EINVAL) return usage_error("%s", bp_error_text());
    print_error(bp_error_text());
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    if (argc < 2) return usage_error("a command is missing");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(help, stdout);
        return finish(EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        if (argc > 2 && strcmp(argv[2], "--json") == 0)
            bp__print_build_info(stdout, "bundle");
        else
            puts("bundle " BP_VERSION_STRING);
        return finish(EXIT_DONE);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return finish(run(&commands[i], argc - 1, argv + 1));
    return usage_error(argv[1][0] == '-' ? "unknown option '%s'" : "unknown command '%s'", argv[1]);
}
