#include "optimizer/options.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/day.h"
#include "core/number.h"
#include "optimizer/commands.h"
#include "optimizer/complete.h"
#include "optimizer/launch.h"
#include "optimizer/past.h"
#include "optimizer/paths.h"
#include "optimizer/plugins.h"

#define MAX_FIELDS 32

/* Values ---------------------------------------------------------------------------------------- */

static bp_status set_cash(void *target, const bp__option *o, const char *value)
{
    const double *cash = &((bp__options *)target)->spec.account.cash;
    BP_TRY(bp__set_number(target, o, value));
    if (!(*cash > 0)) BP_FAIL(BP_EINVAL, "--%s: %g is not greater than 0", o->name, *cash);
    return BP_OK;
}

/* A cost with its unit. A bare number that looks like a fraction is asked about when all options are there. */
static bp_status set_commission(void *target, const bp__option *o, const char *value)
{
    bp__options *options = target;
    return bp__blame(o->name,
                     bp__commission_from(value, &options->spec.account, &options->doubtful_commission));
}

static bp_status set_slippage(void *target, const bp__option *o, const char *value)
{
    bp__options *options = target;
    return bp__blame(o->name, bp__slippage_from(value, &options->spec.account, &options->doubtful_slippage));
}

static bp_status set_leverage(void *target, const bp__option *o, const char *value)
{
    double *leverage = &((bp__options *)target)->spec.account.max_leverage;
    if (strcasecmp(value, "none") == 0) return *leverage = INFINITY, BP_OK;
    if (!bp__number_from(value, strlen(value), leverage) || !(*leverage >= 1))
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a leverage; write a number from 1 on, or none", o->name,
                value);
    return BP_OK;
}

/* A number of sessions, or "never", which is 0. */
static bp_status set_sessions(void *target, const bp__option *o, const char *value)
{
    uint32_t *sessions = (uint32_t *)(void *)((char *)target + o->at);
    uint64_t n;
    if (strcasecmp(value, "never") == 0) return *sessions = 0, BP_OK;
    if (!bp__count_from(value, strlen(value), &n) || n < 1 || n > 1000000)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a number of sessions; write one from 1 to 1000000, or never",
                o->name, value);
    *sessions = (uint32_t)n;
    return BP_OK;
}

/* @param[out] word  which of them @retval BP_EINVAL  none; the text lists them */
static bp_status find_word(const bp__option *o, const char *value, const char *const *words, unsigned *word)
{
    char list[160] = "";
    for (*word = 0; words[*word]; ++*word) {
        if (strcasecmp(value, words[*word]) == 0) return BP_OK;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", *word ? ", " : "", words[*word]);
    }
    BP_FAIL(BP_EINVAL, "--%s: '%.60s' is none of %s", o->name, value, list);
}

static bp_status set_fill(void *target, const bp__option *o, const char *value)
{
    unsigned word;
    BP_TRY(find_word(o, value, bp__fill_names, &word));
    ((bp__options *)target)->spec.account.fill = (bp__fill)word;
    return BP_OK;
}

static bp_status set_dividends(void *target, const bp__option *o, const char *value)
{
    unsigned word;
    BP_TRY(find_word(o, value, bp__dividends_names, &word));
    ((bp__options *)target)->spec.account.dividends = (bp__dividends)word;
    return BP_OK;
}

static const char *const lots_names[] = {"whole", "fractional", NULL};

static bp_status set_lots(void *target, const bp__option *o, const char *value)
{
    unsigned word;
    BP_TRY(find_word(o, value, lots_names, &word));
    ((bp__options *)target)->spec.account.fractional = word == 1;
    return BP_OK;
}

static bp_status set_sessions_per_year(void *target, const bp__option *o, const char *value)
{
    const double *number = &((bp__options *)target)->spec.terms.sessions_per_year;
    BP_TRY(bp__set_number(target, o, value));
    if (!(*number >= 1 && *number <= 1e6))
        BP_FAIL(BP_EINVAL, "--%s: %g is out of range; allowed are 1 to 1000000, such as 252 or 365", o->name,
                *number);
    return BP_OK;
}

static bp_status set_cuts(void *target, const bp__option *o, const char *value)
{
    const uint64_t *cuts = &((bp__options *)target)->lookahead_cuts;
    BP_TRY(bp__set_count(target, o, value));
    if (*cuts < 1 || *cuts > 1000000)
        BP_FAIL(BP_EINVAL, "--%s: %s is out of range; allowed are 1 to 1000000", o->name, value);
    return BP_OK;
}

static bp_status set_day(void *target, const bp__option *o, const char *value)
{
    return bp__blame(o->name, bp__day_from(value, (int64_t *)(void *)((char *)target + o->at)));
}

static bp_status set_slice(void *target, const bp__option *o, const char *value)
{
    bp__spec *spec = &((bp__options *)target)->spec;
    const size_t n = strcspn(value, "/");
    if (!value[n] || !bp__count_from(value, n, &spec->slice) ||
        !bp__count_from(value + n + 1, strlen(value + n + 1), &spec->num_slices) || spec->slice < 1 ||
        spec->slice > spec->num_slices)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a slice; write K/N with K from 1 to N, such as 2/4", o->name,
                value);
    return BP_OK;
}

static bp_status set_ranks(void *target, const bp__option *o, const char *value)
{
    uint64_t *ranks = &((bp__options *)target)->ranks;
    if (!bp__count_from(value, strlen(value), ranks) || *ranks < 1 || *ranks > 10000000)
        BP_FAIL(BP_EINVAL, "--%s: '%.60s' is not a number of ranks, from 1 on", o->name, value);
    return BP_OK;
}

static const char *const on_update_names[] = {"finish", "fail", "restart", NULL};

static bp_status set_on_update(void *target, const bp__option *o, const char *value)
{
    unsigned word;
    BP_TRY(find_word(o, value, on_update_names, &word));
    ((bp__options *)target)->conduct.on_update = (bp__on_update)word;
    return BP_OK;
}

static const char *const isa_names[] = {"auto", "portable", "avx2", "avx512",
                                        NULL}; /* auto, then as bp__isa */

static bp_status set_isa(void *target, const bp__option *o, const char *value)
{
    unsigned word;
    (void)target;
    BP_TRY(find_word(o, value, isa_names, &word));
    if (word > 0 && !bp__isa_is_there((bp__isa)(word - 1)))
        BP_FAIL(BP_EINVAL, "--%s %s: this processor does not have it", o->name, value);
    if (word > 0) bp__isa_prefer((bp__isa)(word - 1));
    return BP_OK;
}

static bp_status set_param(void *target, const bp__option *o, const char *value)
{
    bp__options *options = target;
    (void)o;
    options->param[options->num_params++] = value;
    return BP_OK;
}

static bp_status set_symbols(void *target, const bp__option *o, const char *text)
{
    char ***symbols = &((bp__options *)target)->spec.symbols;
    size_t count = 1;
    for (const char *c = text; *c; c++) {
        count += *c == ',';
        if ((unsigned char)*c < 0x20)
            BP_FAIL(BP_EINVAL, "--%s: a control character is in no symbol", o->name);
    }
    char **list = calloc(count + 1, sizeof *list); /* a second --symbols replaces the first */
    for (size_t i = 0; *symbols && (*symbols)[i]; i++) free((*symbols)[i]);
    free(*symbols);
    *symbols = list;
    for (size_t i = 0; list && i < count; i++) {
        size_t n = strcspn(text, ",");
        if (n == 0) BP_FAIL(BP_EINVAL, "--%s: a symbol is empty; write A,B,C", o->name);
        list[i] = strndup(text, n);
        if (!list[i]) break;
        text += n + 1;
    }
    if (!list || !list[count - 1]) BP_FAIL(BP_ENOMEM, "--%s: no memory for %zu symbols", o->name, count);
    return BP_OK;
}

static bp_status set_list_strategies(void *target, const bp__option *o, const char *value)
{
    bp__options *options = target;
    (void)o;
    options->list_strategies = true;
    options->list_of = value;
    return BP_OK;
}

/* @param o  its `at` is the number of a field */
static bp_status set_field(void *target, const bp__option *o, const char *value)
{
    const char *field, *fallback, *help;
    char shown[64];
    bp_config_field((unsigned)o->at, &field, &fallback, &help);
    snprintf(shown, sizeof shown, "--%s", o->name);
    return bp_config_set(&((bp__options *)target)->conduct.cfg, field, value, shown);
}

/* Words that complete a value ------------------------------------------------------------------- */

static void strategies(FILE *file)
{
    const bp_strategy *s;
    for (unsigned i = 0; (s = bp__builtin_at(i)) != NULL; i++) fprintf(file, "%s%s", i ? " " : "", s->name);
}

static void metrics(FILE *file)
{
    for (unsigned i = 0; i < BP__NUM_METRICS; i++)
        fprintf(file, "%s%s", i ? " " : "", bp__metric_at(i)->name);
}

static void put_words(FILE *file, const char *const *words)
{
    for (unsigned i = 0; words[i]; i++) fprintf(file, "%s%s", i ? " " : "", words[i]);
}

static void on_update(FILE *file)
{
    put_words(file, on_update_names);
}

static void isas(FILE *file)
{
    put_words(file, isa_names);
}

static void fills(FILE *file)
{
    put_words(file, bp__fill_names);
}

static void dividends(FILE *file)
{
    put_words(file, bp__dividends_names);
}

static void lots(FILE *file)
{
    put_words(file, lots_names);
}

/* The table ------------------------------------------------------------------------------------- */

#define AT(field) offsetof(bp__options, field)
#define BOTH      (BP__SEARCH | BP__MERGE)
#define ALL       (BOTH | BP__COMPARE | BP__RUN | BP__DOCTOR)
#define RUNS      (BP__SEARCH | BP__RUN)
#define RANKED    (BOTH | BP__COMPARE)

static const bp__option own[] = {
    {.help = "Search"},
    {.name = "bundle",
     .value = "NAME",
     .uses = RUNS,
     .set = bp__set_text,
     .at = AT(bundle),
     .help = "ROOT/NAME.h5, or a path that ends in .h5",
     .more = "Of a path, the folder is the root and the stem the name."},
    {.name = "bundles",
     .value = "A,B,C",
     .uses = BP__SEARCH,
     .set = bp__set_text,
     .at = AT(bundles),
     .help =
         "over several of one folder, one after the other: each is loaded once, however small the pool is",
     .more = "Tables and files get a column bundle."},
    {.name = "strategy",
     .value = "NAME",
     .uses = RUNS,
     .set = bp__set_text,
     .at = AT(strategy),
     .choices = strategies,
     .help = "what to test; --list-strategies tells which there are. Or one of your own: ./FILE.so[:NAME]",
     .more =
         "A name with a slash in it, or that ends in .so, is that of a file; NAME chooses where it has several."},
    {.name = "param",
     .value = "NAME=VALUES",
     .uses = RUNS,
     .set = set_param,
     .help = "of a parameter, one option each: A,B,C, or FROM:TO[:STEP], or log:FROM:TO:N, or @FILE",
     .more =
         "TO is included if it is on the grid; the step is 1 if it is left out, and below 0 counts down. A "
         "range has the decimals that one would write. log: N values whose ratios are equal, rounded if "
         "they have to be whole. A file has one value or list a line, and comments behind #. A value that "
         "is given twice is tested once. A parameter that is not named has its default."},
    {.name = "where",
     .value = "EXPR",
     .uses = BP__SEARCH,
     .set = bp__set_text,
     .at = AT(where),
     .help = "test only combinations for which this is true, as \"fast < slow\"; the others are skipped",
     .more = "Of parameters, numbers, + - * / < <= > >= == != and or not ( ). One that has words is compared "
             "with a word: side == long."},
    {.name = "from",
     .value = "FILE.csv",
     .uses = BP__SEARCH,
     .set = bp__set_text,
     .at = AT(from),
     .help =
         "test the best combinations of earlier results once more, as many as --top says; old and new side by side",
     .more =
         "In the place of --param. Strategy, bundles, range, symbols, account and columns are those of the earlier "
         "search, as far as FILE.csv.origin tells, unless they are given."},
    {.name = "results",
     .value = "FILE.csv",
     .uses = BP__RUN,
     .set = bp__set_text,
     .at = AT(results),
     .help = "in the place of --param: the combination of a row of a file of results, as --row says",
     .more = "Whatever else is not given is as in that search, as far as FILE.csv.origin tells."},
    {.name = "row",
     .value = "N",
     .uses = BP__RUN,
     .set = bp__set_count,
     .at = AT(row),
     .help = "with --results: the row with this index"},
    {.name = "objective",
     .value = "METRIC",
     .uses = RANKED,
     .set = bp__set_text,
     .at = AT(objective),
     .choices = metrics,
     .help = "what ranks results: a metric (default sharpe, or the first of --metrics), or an expression",
     .more =
         "--list-metrics tells of which metric the least is the best; of an expression, such as \"sharpe - "
         "max_drawdown / 2\", the most is. What is undefined comes last; ties rank by index. A metric that "
         "is no column becomes the last of them; a merge ranks by what the journals have."},
    {.name = "having",
     .value = "EXPR",
     .uses = BOTH,
     .set = bp__set_text,
     .at = AT(having),
     .help = "rank only results that have this, as \"max_drawdown < 0.2 and trades > 50\"",
     .more = "Of metrics and parameters, as with --where. What is undefined compares false. --out has every "
             "combination all the same."},
    {.name = "rank-untraded",
     .uses = BOTH,
     .set = bp__set_flag,
     .at = AT(spec.ranking.untraded_too),
     .help = "rank combinations that never traded like the others; else they come last"},
    {.name = "metrics",
     .value = "A,B,C",
     .uses = BP__SEARCH,
     .set = bp__set_text,
     .at = AT(metrics),
     .choices = metrics,
     .help =
         "columns of tables and files; --list-metrics tells which there are, and which are the usual ones",
     .more = "A journal keeps these, so another list is another search."},
    {.name = "start",
     .value = "YYYY-MM-DD",
     .uses = RUNS,
     .set = set_day,
     .at = AT(spec.start),
     .help = "first day (default: the bundle's)"},
    {.name = "end",
     .value = "YYYY-MM-DD",
     .uses = RUNS,
     .set = set_day,
     .at = AT(spec.end),
     .help = "last day, included (default: the bundle's)"},
    {.name = "symbols", .value = "A,B,C", .uses = RUNS, .set = set_symbols, .help = "these assets only"},
    {.name = "slice",
     .value = "K/N",
     .uses = BP__SEARCH,
     .set = set_slice,
     .help = "the K-th of N equal parts; 'optimizer merge' joins them",
     .more = "Every N-th combination, beginning with the K-th. The same options give the same part."},
    {.name = "dry-run",
     .uses = BP__SEARCH,
     .set = bp__set_flag,
     .at = AT(dry_run),
     .help =
         "tell how many combinations there are, and the time and memory that they would take; write nothing",
     .more =
         "The time is estimated from some of the backtests, which are run by one rank for a few seconds. A journal is "
         "not looked at. Needs no mpirun: --ranks says how many ranks there would be."},
    {.name = "ranks",
     .value = "N",
     .uses = BP__SEARCH,
     .set = set_ranks,
     .help = "with --dry-run: on so many ranks (default: those of this job)"},

    {.help = "Account"},
    {.name = "cash",
     .value = "X",
     .uses = RUNS,
     .set = set_cash,
     .at = AT(spec.account.cash),
     .help = "at the start (default 10000000)"},
    {.name = "commission",
     .value = "COST",
     .uses = RUNS,
     .set = set_commission,
     .help =
         "of a fill: 5bps, 0.05%, 0.0075/share, 0.0075/share,min=1, 1/order, or several joined by + (default 0)",
     .more = "A bare number is in basis points. min is the least that an order is charged by the share."},
    {.name = "slippage",
     .value = "COST",
     .uses = RUNS,
     .set = set_slippage,
     .help =
         "what buys pay more and sales get less: 5bps, 0.05%, or volume,limit=0.025,impact=0.1 (default 0)",
     .more =
         "By volume, orders of an asset are at most the limit's share of a bar's volume, the rest waits, and the price "
         "moves by impact times the square of their share. A bare number is in basis points."},
    {.name = "fill",
     .value = "WHEN",
     .uses = RUNS,
     .set = set_fill,
     .choices = fills,
     .help = "orders are filled at the next session's open (default) or close"},
    {.name = "expire",
     .value = "N",
     .uses = RUNS,
     .set = set_sessions,
     .at = AT(spec.account.expire),
     .help = "cancel what is not filled after N sessions (default never)"},
    {.name = "lots",
     .value = "WHAT",
     .uses = RUNS,
     .set = set_lots,
     .choices = lots,
     .help = "whole shares (default), or fractional"},
    {.name = "short",
     .uses = RUNS,
     .set = bp__set_flag,
     .at = AT(spec.account.allow_short),
     .help = "allow positions below 0"},
    {.name = "max-leverage",
     .value = "X",
     .uses = RUNS,
     .set = set_leverage,
     .help =
         "value of all positions over the equity, when one is opened: a number from 1 on, or none (default 1)"},
    {.name = "dividends",
     .value = "WHEN",
     .uses = RUNS,
     .set = set_dividends,
     .choices = dividends,
     .help = "paid on the ex-date: ex (default), on the pay date: pay, in shares: reinvest, or none"},
    {.name = "delisted-after",
     .value = "N",
     .uses = RUNS,
     .set = set_sessions,
     .at = AT(spec.delisted_after),
     .help =
         "what is held of an asset with N sessions after its last one is sold there: a number (default 1), or never"},
    {.name = "sessions-per-year",
     .value = "N",
     .uses = RUNS,
     .set = set_sessions_per_year,
     .at = AT(spec.terms.sessions_per_year),
     .help = "what ratios are annualised by (default 252; 365 where sessions are on weekends too)"},
    {.name = "first-return",
     .uses = RUNS,
     .set = bp__set_flag,
     .at = AT(spec.terms.first_return),
     .help = "count a return of the first session, of its close over the cash, as zipline and vectorbt do",
     .more = "It is 0, for nothing is traded before the first close, and makes one more return of all."},

    {.name = "check-lookahead",
     .uses = RUNS,
     .set = bp__set_flag,
     .at = AT(check_lookahead),
     .help = "only tell whether what the strategy says depends on what comes later",
     .more =
         "Nothing is searched, and no file is written. The first combinations, at most ten of each bundle, are run on "
         "data that ends earlier, and must have said the same until there: which assets, weights and orders. The exit "
         "code is 1 if one has not, and a line names the first session and asset."},
    {.name = "lookahead-cuts",
     .value = "N",
     .uses = RUNS,
     .set = set_cuts,
     .at = AT(lookahead_cuts),
     .help = "how many such ends are tried (default 50): half of them where the strategy says something"},
    {.name = "lookahead-seed",
     .value = "N",
     .uses = RUNS,
     .set = bp__set_count,
     .at = AT(lookahead_seed),
     .help = "which ones (default 1)"},

    {.help = "Results"},
    {.name = "top",
     .value = "N",
     .uses = RANKED,
     .set = bp__set_count,
     .at = AT(top),
     .help = "rows of the table (default 10), and of --from"},
    {.name = "out",
     .value = "FILE.csv",
     .uses = BOTH,
     .set = bp__set_text,
     .at = AT(out),
     .help = "every combination, in the order of the grid; replaces results of the same search only",
     .more =
         "The file appears, or is replaced, as a whole at the end; that it can be made is checked before anything "
         "is loaded. Beside it, in FILE.csv.origin, stands which search over which content it is of: results of "
         "another one, and any other file, are replaced with --replace only. Bundles and journals never are."},
    {.name = "replace",
     .uses = BOTH | BP__RUN,
     .set = bp__set_flag,
     .at = AT(replace),
     .help = "write files whatever results, or other files, they replace; what is read is never written"},
    {.name = "equity",
     .value = "FILE",
     .uses = RUNS,
     .set = bp__set_text,
     .at = AT(sheet[BP__EQUITY]),
     .help = "the account of each session, of the run, or of the best one of a search",
     .more = "CSV, or JSON if the name ends in .json. See OUTPUT for the columns."},
    {.name = "trades",
     .value = "FILE",
     .uses = RUNS,
     .set = bp__set_text,
     .at = AT(sheet[BP__TRADES]),
     .help = "each fill, and what it cost; likewise"},
    {.name = "positions",
     .value = "FILE",
     .uses = RUNS,
     .set = bp__set_text,
     .at = AT(sheet[BP__POSITIONS]),
     .help = "what was held after each session; likewise"},
    {.name = "unfilled",
     .value = "FILE",
     .uses = RUNS,
     .set = bp__set_text,
     .at = AT(sheet[BP__UNFILLED]),
     .help = "orders, and parts of orders, that were not filled, and why; likewise"},
    {.name = "json",
     .uses = ALL,
     .set = bp__set_flag,
     .at = AT(json),
     .help =
         "print JSON instead of a table, and the summary on standard error; lists and --version are JSON too"},

    {.help = "Interruptions"},
    {.name = "journal",
     .value = "FILE",
     .uses = BP__SEARCH,
     .set = bp__set_text,
     .at = AT(journal),
     .help = "where results are kept at once (default: that of --out, with .journal)",
     .more =
         "Without either there is none. An unfinished journal is refused unless --resume is given, a finished one of "
         "another search unless --replace is. A link is not followed. While a job writes it, FILE.lock is beside it."},
    {.name = "no-journal",
     .uses = BP__SEARCH,
     .set = bp__set_flag,
     .at = AT(no_journal),
     .help = "keep nothing"},
    {.name = "resume",
     .uses = BP__SEARCH,
     .set = bp__set_flag,
     .at = AT(conduct.resume),
     .help = "go on from the journal, with any number of ranks; if there is none, start afresh",
     .more =
         "Prints 'resumed: N of M'. Waits up to 10 seconds for a predecessor that still holds the journal."},
    {.name = "on-update",
     .value = "WHAT",
     .uses = BP__SEARCH,
     .set = set_on_update,
     .choices = on_update,
     .help =
         "if the bundle changes on disk: finish (default) with the version of the start, fail, or restart with the "
         "new one",
     .more = "With restart, a journal whose results are of an older version is taken as well."},
    {.name = "isa",
     .value = "WHAT",
     .uses = BP__SEARCH,
     .set = set_isa,
     .choices = isas,
     .help = "instructions for backtests that are made side by side: auto (default), portable, avx2, avx512",
     .more = "The results are the same by all of them; auto takes the fastest that the processor has."},
    {.name = "cache-memory",
     .value = "SIZE",
     .uses = BP__SEARCH,
     .set = bp__set_bytes,
     .at = AT(conduct.cache_memory),
     .help =
         "what each rank may keep of what combinations have in common, such as sums of prices (default 64M)",
     .more =
         "It makes long searches faster, and changes no result. 0: nothing is kept, and fewer combinations are run side by "
         "side, in some 10 MB for 500 assets of ten years."},
    {.name = "timeout",
     .value = "SECONDS",
     .uses = BP__SEARCH,
     .set = bp__set_seconds,
     .at = AT(timeout_s),
     .help = "for each backtest (default 0: as long as it takes)",
     .more =
         "One that takes longer cannot be taken back: the job ends with exit code 75, and goes on without that "
         "combination by --resume."},
    {.name = "grace",
     .value = "SECONDS",
     .uses = BP__SEARCH,
     .set = bp__set_seconds,
     .at = AT(grace_s),
     .help = "for what is in hand after SIGUSR1 (default 30); SIGTERM: half a second",
     .more =
         "After the signal no work is handed out any more. Backtests that have begun may take this long to end; "
         "then the job is ended without them. Rank 0 looks between two backtests of its own: one that takes longer "
         "is waited for, and so is a bundle that is being loaded."},
    {.name = "progress",
     .value = "SECONDS",
     .uses = BP__SEARCH,
     .set = bp__set_seconds,
     .at = AT(progress_s),
     .help = "between two lines where there is no terminal (default 10; 0: none)"},
    {.name = "stats-every",
     .value = "SECONDS",
     .uses = BP__SEARCH,
     .set = bp__set_seconds,
     .at = AT(stats_s),
     .help = "a line of the pool's statistics (default 0: none)"},

    {.help = "Other"},
    {.name = "list-strategies",
     .value = "FILE.so",
     .may_lack_value = true,
     .uses = BP__SEARCH,
     .set = set_list_strategies,
     .help = "what each strategy does and takes: those that are built in, or those of a file"},
    {.name = "list-metrics",
     .uses = BP__SEARCH,
     .set = bp__set_flag,
     .at = AT(list_metrics),
     .help = "what each metric is"},
    {.name = "help",
     .uses = ALL,
     .set = bp__set_flag,
     .at = AT(help),
     .help = "print this and exit",
     .ends = true},
    {.name = "version",
     .uses = ALL,
     .set = bp__set_flag,
     .at = AT(version),
     .help = "print the version; with --json, how the program was built"},

    {.help = "Pool (each also in the environment, as BUNDLEPOOL_ROOT for --root)"},
};
#define NUM_OWN (sizeof own / sizeof *own)

/* A run has no pool. */
static bool is_for_run(const char *field)
{
    return strcmp(field, "root") == 0 || strncmp(field, "log_", 4) == 0;
}

/* "--pool-memory" for the field pool_memory. */
static bp__option field_option(unsigned i, const char *field, const char *fallback, const char *help)
{
    static char name[MAX_FIELDS][48], text[MAX_FIELDS][240];
    snprintf(name[i], sizeof name[i], "%s", field);
    for (char *c = name[i]; *c; c++)
        if (*c == '_') *c = '-';
    snprintf(text[i], sizeof text[i], "%s (default %s)", help, fallback);
    return (bp__option){.name = name[i],
                        .value = strcmp(field, "root") == 0 ? "DIR" : "VALUE",
                        .uses = (is_for_run(field) ? RUNS : BP__SEARCH) | BP__DOCTOR,
                        .set = set_field,
                        .at = i,
                        .help = text[i]};
}

const bp__program *bp__optimizer(void)
{
    static bp__option option[NUM_OWN + MAX_FIELDS];
    static bp__program program = {
        .name = "optimizer",
        .help =
            "Backtests a strategy with every combination of its parameters over a bundle, which is read once and\n"
            "shared by all ranks, and ranks the results. They are the same for any number of ranks.",
        .exit_codes =
            "Exit codes: 0 every combination is done or skipped, 1 failed, or a combination has, 2 wrong\n"
            "usage, 75 stopped by a signal, or by a strategy that crashed or took too long: --resume goes on.",
        .command = bp__commands,
        .num_commands = BP__NUM_COMMANDS,
        .option = option,
    };
    const char *field, *fallback, *help;
    if (program.num_options > 0) return &program;
    memcpy(option, own, sizeof own);
    program.num_options = NUM_OWN;
    for (unsigned i = 0; i < MAX_FIELDS && bp_config_field(i, &field, &fallback, &help); i++)
        option[program.num_options++] = field_option(i, field, fallback, help);
    return &program;
}

/* The command line ------------------------------------------------------------------------------ */

bool bp__options_only_tell(const bp__options *o)
{
    return o->help || o->version || o->list_strategies || o->list_metrics;
}

static bp_status parse(int argc, char **argv, bp__options *o)
{
    const bp__program *program = bp__optimizer();
    bp_config *cfg = &o->conduct.cfg;
    char **arg;
    *cfg = bp_config_init();
    BP_TRY(bp_config_default(cfg));
    bp_status environment = bp_config_from_env(cfg); /* --help works in any environment */
    o->param = calloc((size_t)argc + 1, sizeof *o->param);
    if (!o->param) BP_FAIL(BP_ENOMEM, "no memory for the command line");
    BP_TRY(bp__program_command(program, argc, argv, &o->command));
    if (o->command->use & RUNS) BP_TRY(bp__past_begin(program, argc, argv, o));
    BP_TRY(bp__program_read(program, o->command, argc, argv, o, &arg, &o->num_inputs));
    if (o->list_of && !o->help && !o->version) return bp__strategy_named(o, o->list_of, &o->listed);
    if (bp__options_only_tell(o)) return BP_OK;
    if ((o->command->use & RUNS) && o->num_inputs > 0)
        BP_FAIL(BP_EINVAL, "unexpected argument '%.80s'; a bundle is named by --bundle", arg[0]);
    BP_TRY(bp__program_check_args(program, o->command, arg, o->num_inputs));
    o->input = (const char *const *)arg;
    if (bp__failed(environment) && (o->command->use & RUNS))
        BP_TRY(bp_config_from_env(cfg)); /* again, for its text */
    return bp__complete(o);
}

bp_status bp__options_parse(int argc, char **argv, const bp__provider *provider, bp__options *o)
{
    *o = (bp__options){.provider = provider,
                       .top = 10,
                       .row = BP__NO_TASK,
                       .grace_s = 30,
                       .conduct.cache_memory = BP__CACHE_BYTES,
                       .progress_s = 10,
                       .lookahead_cuts = BP__LOOKAHEAD_CUTS,
                       .lookahead_seed = BP__LOOKAHEAD_SEED};
    bp__spec_init(&o->spec);
    BP_TRY(bp__launch_command(provider ? provider->command : NULL, argc, argv, &o->command_line));
    return parse(argc, argv, o);
}

void bp__options_fini(bp__options *o)
{
    bp__spec_fini(&o->spec);
    bp__strategy_let_go(o);
    free(o->param);
    free(o->journal_path);
    free(o->past_strategy);
    free(o->past_bundles);
    bp__rerun_fini(&o->rerun);
    free(o->command_line);
    *o = (bp__options){0};
}
