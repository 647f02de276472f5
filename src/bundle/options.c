/* The options of `bundle`: to add one, add a row. */
#include <inttypes.h>
#include <string.h>

#include "bundle/command.h"
#include "bundle/tables.h"
#include "core/number.h"

#define MAX_THREADS 1024

/* What reads an input, and what writes a bundle. */
enum { READ = BP__USE_INGEST | BP__USE_IMPORT, MAKE = READ | BP__USE_DEMO };

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

static bp_status set_threads(void *target, const bp__option *o, const char *value)
{
    uint64_t threads;
    if (!bp__count_from(value, strlen(value), &threads) || threads < 1 || threads > MAX_THREADS)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a whole number from 1 to %d", o->name, value, MAX_THREADS);
    ((bp__command_line *)target)->ingest.threads = (unsigned)threads;
    return BP_OK;
}

static bp_status set_max_errors(void *target, const bp__option *o, const char *value)
{
    uint64_t most;
    if (!bp__count_from(value, strlen(value), &most) || most < 1 || most > UINT32_MAX)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a whole number from 1 on", o->name, value);
    ((bp__command_line *)target)->max_errors = most;
    return BP_OK;
}

static bp_status set_most(void *target, const bp__option *o, const char *value)
{
    return set_in_range(target, o, value, 1, UINT32_MAX);
}

static bp_status set_stale(void *target, const bp__option *o, const char *value)
{
    return set_in_range(target, o, value, 2, UINT32_MAX);
}

static bp_status set_percent(void *target, const bp__option *o, const char *value)
{
    double x;
    if (!bp__number_from(value, strlen(value), &x) || !(x > 0))
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a number of percent above 0", o->name, value);
    memcpy((char *)target + o->at, &x, sizeof x);
    return BP_OK;
}

static bp_status set_weight(void *target, const bp__option *o, const char *value)
{
    double x;
    if (!bp__number_from(value, strlen(value), &x) || x < 0)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a number from 0 on", o->name, value);
    memcpy((char *)target + o->at, &x, sizeof x);
    return BP_OK;
}

static bp_status set_currency(void *target, const bp__option *o, const char *value)
{
    if (strlen(value) != 3 || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a code of three capital letters, such as USD", o->name,
                value);
    ((bp__command_line *)target)->ingest.currency = value;
    return BP_OK;
}

static bp_status set_symbols(void *target, const bp__option *o, const char *value)
{
    if (value[strspn(value, ", ")] == '\0')
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' names no symbol", o->name, value);
    return bp__set_text(target, o, value);
}

static bp_status set_decimal(void *target, const bp__option *o, const char *value)
{
    if (strcmp(value, ".") != 0 && strcmp(value, ",") != 0)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is neither . nor ,", o->name, value);
    ((bp__command_line *)target)->ingest.decimal = *value;
    return BP_OK;
}

/* trust or ignore. */
static bp_status set_ignored(void *target, const bp__option *o, const char *value)
{
    const bool ignore = strcmp(value, "ignore") == 0;
    if (!ignore && strcmp(value, "trust") != 0)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is neither trust nor ignore", o->name, value);
    memcpy((char *)target + o->at, &ignore, sizeof ignore);
    return BP_OK;
}

static void trust_choices(FILE *file)
{
    fputs("trust ignore", file);
}

static void marks(FILE *file)
{
    fputs(". ,", file);
}

static void filters(FILE *file)
{
    fputs("gzip none", file);
}

#define AT(field) offsetof(bp__command_line, field)

const bp__option bp__bundle_options[] = {
    {.help = "Options"},
    {.name = "assets",
     .value = "N",
     .uses = BP__USE_DEMO,
     .set = set_assets,
     .at = AT(demo.assets),
     .help = "how many assets (default 50)"},
    {.name = "days",
     .value = "N",
     .uses = BP__USE_DEMO,
     .set = set_days,
     .at = AT(demo.days),
     .help = "how many sessions, from 2010-01-04 on (default 1260)"},
    {.name = "minute",
     .uses = BP__USE_DEMO,
     .set = set_minute,
     .at = AT(demo.minute_days),
     .help = "add minute bars for the last 5 sessions of each asset"},
    {.name = "minute-days",
     .value = "K",
     .uses = BP__USE_DEMO,
     .set = set_days,
     .at = AT(demo.minute_days),
     .help = "add minute bars for the last K sessions of each asset"},
    {.name = "seed",
     .value = "S",
     .uses = BP__USE_DEMO,
     .set = set_seed,
     .at = AT(demo.seed),
     .help = "another market (default 5)"},
    {.name = "filter",
     .value = "F",
     .uses = MAKE,
     .set = set_filter,
     .choices = filters,
     .help = "gzip (default) or none: how the file stores its bars"},
    {.name = "threads",
     .value = "N",
     .uses = MAKE | BP__USE_EXPORT | BP__USE_SYNC | BP__USE_VERIFY,
     .set = set_threads,
     .help = "how many threads work on it (default: one for each processor)"},
    {.help = "What the input says, and does not say"},
    {.name = "date-format",
     .value = "FORMAT",
     .uses = READ,
     .set = bp__set_text,
     .at = AT(ingest.date_format),
     .help = "how dates are written where that could be read in two ways, such as DD/MM/YYYY"},
    {.name = "decimal",
     .value = "MARK",
     .uses = BP__USE_INGEST,
     .set = set_decimal,
     .choices = marks,
     .help = "the decimal mark, . or , (default: as the numbers of each file show it)"},
    {.name = "timezone",
     .value = "ZONE",
     .uses = READ,
     .set = bp__set_text,
     .at = AT(ingest.timezone),
     .help = "zone of times that name none, such as America/New_York (default: UTC)"},
    {.name = "calendar",
     .value = "NAME",
     .uses = READ,
     .set = bp__set_text,
     .at = AT(ingest.calendar),
     .help = "sessions and hours: XNYS, XLON, 24/7, ... or none (default: hours are not known)"},
    {.name = "currency",
     .value = "CODE",
     .uses = READ,
     .set = set_currency,
     .help = "of all prices, such as USD (default: not known)"},
    {.name = "sessions",
     .value = "FILE",
     .uses = BP__USE_IMPORT,
     .set = bp__set_text,
     .at = AT(ingest.sessions),
     .help = "the sessions that minute bars count, one day a line (default: those of the daily bars)"},
    {.name = "symbols",
     .value = "LIST",
     .uses = READ,
     .set = set_symbols,
     .at = AT(ingest.symbols),
     .help = "only these, separated by commas"},
    {.name = "country",
     .value = "NAME",
     .uses = BP__USE_IMPORT,
     .set = bp__set_text,
     .at = AT(ingest.country),
     .help = "of an HDF5 file with several: only this one (default: a bundle of each, NAME_COUNTRY)"},
    {.name = "adjusted",
     .uses = BP__USE_INGEST,
     .set = bp__set_flag,
     .at = AT(ingest.adjusted),
     .help = "work out dividends and splits from closes and adjusted closes where they are not given"},
    {.name = "splits",
     .value = "HOW",
     .uses = READ,
     .set = set_ignored,
     .choices = trust_choices,
     .at = AT(ingest.ignore_splits),
     .help =
         "trust (default): apply the splits that the input names; ignore: its prices are adjusted already"},
    {.name = "dividends",
     .value = "HOW",
     .uses = READ,
     .set = set_ignored,
     .choices = trust_choices,
     .at = AT(ingest.ignore_dividends),
     .help = "the same of cash dividends"},
    {.name = "replace",
     .uses = MAKE | BP__USE_EXPORT,
     .set = bp__set_flag,
     .at = AT(replace),
     .help =
         "replace a file of that name whatever made it; without it, a demo replaces demos, and the others what was made "
         "of a source, or a demo. An export: replace what an older one made; nothing else is ever replaced"},
    {.help = "Errors"},
    {.name = "max-errors",
     .value = "N",
     .uses = READ | BP__USE_SYNC,
     .set = set_max_errors,
     .help = "how many errors, warnings and notes are told in words (default 50)"},
    {.name = "keep-going",
     .uses = READ,
     .set = bp__set_flag,
     .at = AT(ingest.keep_going),
     .help =
         "leave out files with errors, and make the bundle of the others; the exit code is 1 all the same"},
    {.help = "What is told"},
    {.name = "assets",
     .uses = BP__USE_INFO,
     .set = bp__set_flag,
     .at = AT(per_asset),
     .help =
         "of each asset: its first and last bar, how many sessions it has and lacks, its events, its minute "
         "bars; this reads the closes"},
    {.name = "max",
     .value = "N",
     .uses = BP__USE_VERIFY | BP__USE_DIFF,
     .set = set_most,
     .at = AT(most),
     .help =
         "how many findings, or differences, of each kind are told in words; the others are counted (default "
         "50)"},
    {.name = "weight",
     .value = "W",
     .uses = BP__USE_VERIFY,
     .set = set_weight,
     .at = AT(lightest),
     .help = "leave out findings that weigh less (default 0: none); from 5 on a finding is heavy"},
    {.name = "strict",
     .uses = BP__USE_VERIFY,
     .set = bp__set_flag,
     .at = AT(strict),
     .help = "exit code 1 if there is a finding"},
    {.name = "jump",
     .value = "PCT",
     .uses = BP__USE_VERIFY,
     .set = set_percent,
     .at = AT(audit.jump),
     .help =
         "a close that rises by so much within a session, or falls by what takes as much to be made good, is a "
         "jump (default 40)"},
    {.name = "dividend",
     .value = "PCT",
     .uses = BP__USE_VERIFY,
     .set = set_percent,
     .at = AT(audit.dividend),
     .help = "a dividend of more than this part of the price is large (default 20)"},
    {.name = "stale",
     .value = "N",
     .uses = BP__USE_VERIFY,
     .set = set_stale,
     .at = AT(audit.stale),
     .help = "so many sessions with the same four prices are stale (default 5)"},
    {.name = "few",
     .value = "PCT",
     .uses = BP__USE_VERIFY,
     .set = set_percent,
     .at = AT(audit.few),
     .help = "a session in which fewer of the assets trade that could is told (default 20)"},
    {.name = "minutes",
     .value = "PCT",
     .uses = BP__USE_VERIFY,
     .set = set_percent,
     .at = AT(audit.minutes),
     .help = "a daily bar may differ so much from its minute bars (default 1)"},
    {.help = "General"},
    {.name = "json",
     .uses = BP__USE_INFO | BP__USE_VERSION | BP__USE_VERIFY | BP__USE_LIST | BP__USE_SYNC | BP__USE_DIFF |
             BP__USE_DOCTOR,
     .set = bp__set_flag,
     .at = AT(json),
     .help = "print JSON"},
    {.name = "root",
     .value = "DIR",
     .uses = BP__USE_ALL,
     .set = set_root,
     .at = AT(root),
     .help = "folder of the bundles (default: $BUNDLEPOOL_ROOT, else ./bundles)"},
    {.name = "help",
     .uses = BP__USE_ALL,
     .set = bp__set_flag,
     .at = AT(help),
     .help = "print this and exit",
     .ends = true},
};

const size_t bp__num_bundle_options = sizeof bp__bundle_options / sizeof *bp__bundle_options;
