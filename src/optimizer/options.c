#include "optimizer/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bundle/locate.h"
#include "optimizer/launch.h"

/* The letters are for the switch below; only -h is an option of its own. Pool fields follow from FIELDS on.
 */
enum { FIELDS = 256, MAX_FIELDS = 32 };
static const struct option own_options[] = {
    {"bundle", required_argument, NULL, 'b'},
    {"bundles", required_argument, NULL, 'B'},
    {"strategy", required_argument, NULL, 's'},
    {"param", required_argument, NULL, 'p'},
    {"objective", required_argument, NULL, 'o'},
    {"top", required_argument, NULL, 't'},
    {"start", required_argument, NULL, 'f'},
    {"end", required_argument, NULL, 'e'},
    {"symbols", required_argument, NULL, 'y'},
    {"cash", required_argument, NULL, 'c'},
    {"commission", required_argument, NULL, 'm'},
    {"slippage", required_argument, NULL, 'i'},
    {"slice", required_argument, NULL, 'k'},
    {"out", required_argument, NULL, 'w'},
    {"journal", required_argument, NULL, 'J'},
    {"no-journal", no_argument, NULL, 'N'},
    {"resume", no_argument, NULL, 'r'},
    {"on-update", required_argument, NULL, 'u'},
    {"grace", required_argument, NULL, 'g'},
    {"progress", required_argument, NULL, 'P'},
    {"stats-every", required_argument, NULL, 'S'},
    {"list-strategies", no_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
};
#define NUM_OWN (sizeof own_options / sizeof *own_options)

/* What can only be understood when all options are there. */
typedef struct late {
    const char *bundle, *bundles, *strategy, *journal;
    const char **param; /* [num_params] */
    int num_params;
    bool no_journal;
    const char *for_search; /* an option that was given and has no meaning for a merge */
} late;

/* Values ---------------------------------------------------------------------------------------- */

static bp_status take_number(const char *option, const char *text, double *number)
{
    if (!bp__number_from(text, strlen(text), number))
        BP_FAIL(BP_EINVAL, "%s: '%.60s' is not a number", option, text);
    return BP_OK;
}

static bp_status take_cash(const char *text, double *cash)
{
    BP_TRY(take_number("--cash", text, cash));
    if (!(*cash > 0)) BP_FAIL(BP_EINVAL, "--cash: %g is not greater than 0", *cash);
    return BP_OK;
}

static bp_status take_bps(const char *option, const char *text, double *bps)
{
    BP_TRY(take_number(option, text, bps));
    if (!(*bps >= 0 && *bps < 10000))
        BP_FAIL(BP_EINVAL, "%s: %g basis points are out of range; allowed are 0 to less than 10000", option,
                *bps);
    return BP_OK;
}

static bool whole_number(const char *text, size_t length, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return length > 0 && strspn(text, "0123456789") >= length && end == text + length && errno == 0;
}

static bp_status take_top(const char *text, uint64_t *top)
{
    if (!whole_number(text, strlen(text), top))
        BP_FAIL(BP_EINVAL, "--top: '%.60s' is not a whole number from 0 on", text);
    return BP_OK;
}

static bp_status take_slice(const char *text, uint64_t *slice, uint64_t *num_slices)
{
    const size_t n = strcspn(text, "/");
    if (!text[n] || !whole_number(text, n, slice) ||
        !whole_number(text + n + 1, strlen(text + n + 1), num_slices) || *slice < 1 || *slice > *num_slices)
        BP_FAIL(BP_EINVAL, "--slice: '%.60s' is not a slice; write K/N with K from 1 to N, such as 2/4",
                text);
    return BP_OK;
}

static bp_status take_seconds(const char *option, const char *text, double *seconds)
{
    BP_TRY(take_number(option, text, seconds));
    if (!(*seconds >= 0 && *seconds <= 1e6))
        BP_FAIL(BP_EINVAL, "%s: %g seconds are out of range; allowed are 0 to 1000000", option, *seconds);
    return BP_OK;
}

static bp_status take_on_update(const char *text, bp__on_update *on_update)
{
    static const char *const names[] = {"finish", "fail", "restart"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(text, names[i]) == 0) return *on_update = (bp__on_update)i, BP_OK;
    BP_FAIL(BP_EINVAL, "--on-update: '%.60s' is none of finish, fail, restart", text);
}

static bp_status take_date(const char *option, const char *text, int64_t *ns)
{
    static const char shape[] = "dddd-dd-dd";
    bool well_formed = strlen(text) == sizeof shape - 1;
    for (size_t i = 0; well_formed && shape[i]; i++)
        well_formed = shape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
    struct tm tm = {0}, back;
    if (well_formed) {
        tm.tm_year = atoi(text) - 1900;
        tm.tm_mon = atoi(text + 5) - 1;
        tm.tm_mday = atoi(text + 8);
    }
    const int month = tm.tm_mon, day = tm.tm_mday;
    const int64_t seconds = timegm(&tm); /* makes 1 March of 29 February where there is none */
    const time_t when = (time_t)seconds;
    if (!well_formed || !gmtime_r(&when, &back) || back.tm_mon != month || back.tm_mday != day)
        BP_FAIL(BP_EINVAL, "%s: '%.60s' is not a date; write YYYY-MM-DD", option, text);
    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), ns))
        BP_FAIL(BP_EINVAL, "%s: %s is out of range; choose a date from 1678-01-01 to 2262-01-01", option,
                text);
    return BP_OK;
}

static bp_status take_symbols(const char *text, char ***symbols)
{
    size_t count = 1;
    for (const char *c = text; *c; c++) {
        count += *c == ',';
        if ((unsigned char)*c < 0x20) BP_FAIL(BP_EINVAL, "--symbols: a control character is in no symbol");
    }
    char **list = calloc(count + 1, sizeof *list); /* a second --symbols replaces the first */
    for (size_t i = 0; *symbols && (*symbols)[i]; i++) free((*symbols)[i]);
    free(*symbols);
    *symbols = list;
    for (size_t i = 0; list && i < count; i++) {
        size_t n = strcspn(text, ",");
        if (n == 0) BP_FAIL(BP_EINVAL, "--symbols: a symbol is empty; write A,B,C");
        list[i] = strndup(text, n);
        if (!list[i]) break;
        text += n + 1;
    }
    if (!list || !list[count - 1]) BP_FAIL(BP_ENOMEM, "--symbols: no memory for %zu symbols", count);
    return BP_OK;
}

static bp_status take_objective(const char *text, unsigned *objective)
{
    char names[256] = "";
    const char *name;
    bool more;
    for (unsigned i = 0; bp__objective_at(i, &name, &more); i++) {
        if (strcmp(text, name) == 0) return *objective = i, BP_OK;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", name);
    }
    BP_FAIL(BP_ENOTFOUND, "--objective: there is no '%.60s', choose from %s", text, names);
}

static bp_status take_option(int letter, const char *value, bp__options *o, late *l)
{
    switch (letter) {
    case 'b': return l->bundle = value, BP_OK;
    case 'B': return l->bundles = value, BP_OK;
    case 's': return l->strategy = value, BP_OK;
    case 'p': return l->param[l->num_params++] = value, BP_OK;
    case 'o': return take_objective(value, &o->objective);
    case 't': return take_top(value, &o->top);
    case 'f': return take_date("--start", value, &o->start);
    case 'e': return take_date("--end", value, &o->end);
    case 'y': return take_symbols(value, &o->symbols);
    case 'c': return take_cash(value, &o->account.cash);
    case 'm': return take_bps("--commission", value, &o->account.commission_bps);
    case 'i': return take_bps("--slippage", value, &o->account.slippage_bps);
    case 'k': return take_slice(value, &o->slice, &o->num_slices);
    case 'w': return o->out = value, BP_OK;
    case 'J': return l->journal = value, BP_OK;
    case 'N': return l->no_journal = true, BP_OK;
    case 'r': return o->resume = true, BP_OK;
    case 'u': return take_on_update(value, &o->on_update);
    case 'g': return take_seconds("--grace", value, &o->grace_s);
    case 'P': return take_seconds("--progress", value, &o->progress_s);
    case 'S': return take_seconds("--stats-every", value, &o->stats_s);
    case 'l': return o->action = BP__LIST_STRATEGIES, BP_OK;
    case 'j': return o->json = true, BP_OK;
    case 'h': return o->action = BP__HELP, BP_OK;
    default: return o->action = BP__VERSION, BP_OK;
    }
}

/* The command line ------------------------------------------------------------------------------ */

static bp_status refuse_option(int letter, char **argv)
{
    const char *option = argv[optind - 1];
    if (letter == ':') BP_FAIL(BP_EINVAL, "%.80s: a value is missing", option);
    if (strncmp(option, "--", 2) != 0) BP_FAIL(BP_EINVAL, "unknown option '-%c'", optopt);
    if (optopt) BP_FAIL(BP_EINVAL, "%.80s: this option takes no value", option);
    BP_FAIL(BP_EINVAL, "unknown or ambiguous option '%.80s'", option);
}

/* What merge takes as well; the others have no meaning there. */
static bool is_for_merge(int letter)
{
    return strchr("towjhv", letter) != NULL;
}

/* Own options and one for each field of the pool's configuration. */
static bp_status parse_options(int argc, char **argv, bp__options *o, late *l)
{
    static char field_option[MAX_FIELDS][48];
    const char *field[MAX_FIELDS], *fallback, *help;
    struct option known[NUM_OWN + MAX_FIELDS + 1] = {0};
    memcpy(known, own_options, sizeof own_options);
    for (unsigned i = 0; i < MAX_FIELDS && bp_config_field(i, &field[i], &fallback, &help); i++) {
        snprintf(field_option[i], sizeof field_option[i], "--%s", field[i]);
        for (char *c = field_option[i]; *c; c++)
            if (*c == '_') *c = '-';
        known[NUM_OWN + i] = (struct option){field_option[i] + 2, required_argument, NULL, FIELDS + (int)i};
    }
    opterr = 0;
    for (int letter, which = 0; (letter = getopt_long(argc, argv, ":h", known, &which)) != -1;) {
        if (letter == ':' || letter == '?') return refuse_option(letter, argv);
        if (letter >= FIELDS)
            BP_TRY(bp_config_set(&o->cfg, field[letter - FIELDS], optarg, field_option[letter - FIELDS]));
        else
            BP_TRY(take_option(letter, optarg, o, l));
        if (o->action == BP__HELP || o->action == BP__VERSION) return BP_OK;
        if (letter < FIELDS && !is_for_merge(letter)) l->for_search = known[which].name;
    }
    if (o->action == BP__MERGE) {
        o->input = argv + optind;
        o->num_inputs = argc - optind;
    } else if (optind < argc) {
        BP_FAIL(BP_EINVAL, "unexpected argument '%.80s'; a bundle is named by --bundle", argv[optind]);
    }
    return BP_OK;
}

/* Names of one or several bundles, all of one folder. */
static bp_status find_bundles(bp__options *o, const char *text, bool several)
{
    const char *option = several ? "--bundles" : "--bundle";
    char root[BP_PATH_MAX], first_root[BP_PATH_MAX] = "", item[BP_PATH_MAX];
    size_t count = 1;
    for (const char *c = text; several && *c; c++) count += *c == ',';
    o->several = several;
    o->bundle = calloc(count, sizeof *o->bundle);
    if (!o->bundle) BP_FAIL(BP_ENOMEM, "%s: no memory for the names", option);
    for (; o->num_bundles < count; o->num_bundles++) {
        char *name = o->bundle[o->num_bundles];
        const size_t n = several ? strcspn(text, ",") : strlen(text);
        if (n >= sizeof item) BP_FAIL(BP_EINVAL, "%s: '%.60s...' is too long", option, text);
        memcpy(item, text, n);
        item[n] = '\0';
        text += n + 1;
        BP_TRY(bp__locate(item, o->cfg.root, root, sizeof root, name, sizeof *o->bundle));
        if (o->num_bundles == 0) memcpy(first_root, root, sizeof root);
        if (strcmp(root, first_root) != 0)
            BP_FAIL(BP_EINVAL, "%s: %s and %s are in different folders; put them into one", option,
                    o->bundle[0], name);
        for (uint64_t i = 0; i < o->num_bundles; i++)
            if (strcmp(o->bundle[i], name) == 0) BP_FAIL(BP_EINVAL, "%s: %s is named twice", option, name);
    }
    memcpy(o->cfg.root, first_root, sizeof first_root);
    return BP_OK;
}

/* A path with its folder resolved: two that are equal are one file. false: the folder is not there. */
static bool resolve(const char *path, char resolved[PATH_MAX])
{
    char folder[PATH_MAX], real[PATH_MAX];
    if (realpath(path, resolved)) return true;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int n = snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
    if (n < 0 || n >= (int)sizeof folder || !realpath(n ? folder : ".", real)) return false;
    n = snprintf(resolved, PATH_MAX, "%s/%s", real, name);
    return n > 0 && n < PATH_MAX;
}

static bool same_file(const char *a, const char *b)
{
    char x[PATH_MAX], y[PATH_MAX];
    return strcmp(a, b) == 0 || (resolve(a, x) && resolve(b, y) && strcmp(x, y) == 0);
}

static bp_status choose_journal(bp__options *o, const late *l)
{
    if (l->journal && l->no_journal) BP_FAIL(BP_EINVAL, "--journal and --no-journal: choose one");
    if (l->journal && !*l->journal) BP_FAIL(BP_EINVAL, "--journal: '' is not the name of a file");
    if (!l->no_journal && (l->journal || o->out)) {
        int n = l->journal ? asprintf(&o->journal, "%s", l->journal)
                           : asprintf(&o->journal, "%s.journal", o->out);
        if (n < 0) {
            o->journal = NULL;
            BP_FAIL(BP_ENOMEM, "--journal: no memory for its name");
        }
    }
    if (o->resume && !o->journal)
        BP_FAIL(BP_EINVAL, "--resume: there is no journal; name it by --journal, or by --out");
    if (o->journal && o->out && same_file(o->journal, o->out))
        BP_FAIL(BP_EINVAL, "--journal: %.200s is --out as well; choose two files", o->journal);
    return BP_OK;
}

static bp_status finish_search(bp__options *o, const late *l)
{
    if (l->bundle && l->bundles) BP_FAIL(BP_EINVAL, "--bundle and --bundles: choose one");
    if (!l->bundle && !l->bundles)
        BP_FAIL(BP_EINVAL, "--bundle is missing; name a bundle, or a file that ends in .h5");
    if (!l->strategy) BP_FAIL(BP_EINVAL, "--strategy is missing; --list-strategies tells which there are");
    BP_TRY(find_bundles(o, l->bundles ? l->bundles : l->bundle, l->bundles != NULL));
    if (o->start != BP_TIME_MISSING && o->end != BP_TIME_MISSING && o->start > o->end)
        BP_FAIL(BP_EINVAL, "--start lies after --end; nothing is left to test");

    const bp__strategy *strategy;
    BP_TRY(bp__strategy_find(l->strategy, &strategy));
    BP_TRY(bp__grid_init(strategy, &o->grid));
    for (int i = 0; i < l->num_params; i++) BP_TRY(bp__grid_set(&o->grid, l->param[i]));
    if (o->num_bundles > BP__MAX_COMBINATIONS / o->grid.size)
        BP_FAIL(BP_EINVAL,
                "--bundles: %" PRIu64 " combinations over %" PRIu64
                " bundles are too many; search in several runs",
                o->grid.size, o->num_bundles);
    BP_TRY(choose_journal(o, l));
    return bp_config_check(&o->cfg);
}

static bp_status finish_merge(const bp__options *o, const late *l)
{
    if (l->for_search)
        BP_FAIL(BP_EINVAL,
                "--%s: merge takes --out, --objective, --top and --json; the rest is in the journals",
                l->for_search);
    if (o->num_inputs == 0) BP_FAIL(BP_EINVAL, "merge: no journal is named");
    if (!o->out) BP_FAIL(BP_EINVAL, "--out is missing; name the file of all results");
    for (int i = 0; i < o->num_inputs; i++)
        if (same_file(o->input[i], o->out))
            BP_FAIL(BP_EINVAL, "--out: %.200s is a journal to be merged; choose another file", o->out);
    return BP_OK;
}

bool bp__options_is_merge(int argc, char **argv)
{
    return argc > 1 && strcmp(argv[1], "merge") == 0;
}

bp_status bp__options_parse(int argc, char **argv, bp__options *o)
{
    *o = (bp__options){
        .slice = 1,
        .num_slices = 1,
        .top = 10,
        .start = BP_TIME_MISSING,
        .end = BP_TIME_MISSING,
        .account = {.cash = 10e6},
        .grace_s = 30,
        .progress_s = 10,
    };
    BP_TRY(bp__launch_command(argc, argv, &o->command));
    BP_TRY(take_objective("sharpe", &o->objective));
    o->cfg = bp_config_init();
    BP_TRY(bp_config_default(&o->cfg));
    bp_status environment = bp_config_from_env(&o->cfg); /* --help works in any environment */
    late l = {.param = calloc((size_t)argc + 1, sizeof *l.param)};
    if (!l.param) BP_FAIL(BP_ENOMEM, "no memory for the command line");
    if (bp__options_is_merge(argc, argv)) {
        o->action = BP__MERGE;
        argc--;
        argv++; /* "merge" stands where getopt expects the program */
    }
    bp_status s = parse_options(argc, argv, o, &l);
    if (s == BP_OK && o->action == BP__SEARCH) {
        if (bp__failed(environment)) s = bp_config_from_env(&o->cfg); /* again, for its text */
        if (s == BP_OK) s = finish_search(o, &l);
    } else if (s == BP_OK && o->action == BP__MERGE) {
        s = finish_merge(o, &l);
    }
    free(l.param);
    return s;
}

void bp__options_fini(bp__options *o)
{
    for (size_t i = 0; o->symbols && o->symbols[i]; i++) free(o->symbols[i]);
    free(o->symbols);
    o->symbols = NULL;
    free(o->bundle);
    o->bundle = NULL;
    free(o->journal);
    o->journal = NULL;
    free(o->command);
    o->command = NULL;
    bp__grid_fini(&o->grid);
}
