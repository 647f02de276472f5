#include "optimizer/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bundle/locate.h"

/* The letters are for the switch below; only -h is an option of its own. Pool fields follow from FIELDS on.
 */
enum { FIELDS = 256, MAX_FIELDS = 32 };
static const struct option own_options[] = {
    {"bundle", required_argument, NULL, 'b'},
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
    {"out", required_argument, NULL, 'w'},
    {"list-strategies", no_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
};
#define NUM_OWN (sizeof own_options / sizeof *own_options)

/* What can only be understood when all options are there. */
typedef struct late {
    const char *bundle, *strategy;
    const char **param; /* [num_params] */
    int num_params;
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

static bp_status take_top(const char *text, uint64_t *top)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (!*text || text[strspn(text, "0123456789")] || *end || errno != 0)
        BP_FAIL(BP_EINVAL, "--top: '%.60s' is not a whole number from 0 on", text);
    *top = n;
    return BP_OK;
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
    for (const char *c = text; *c; c++) count += *c == ',';
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
    case 'w': return o->out = value, BP_OK;
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
    for (int letter; (letter = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
        if (letter == ':' || letter == '?') return refuse_option(letter, argv);
        if (letter >= FIELDS)
            BP_TRY(bp_config_set(&o->cfg, field[letter - FIELDS], optarg, field_option[letter - FIELDS]));
        else
            BP_TRY(take_option(letter, optarg, o, l));
        if (o->action == BP__HELP || o->action == BP__VERSION) return BP_OK;
    }
    if (optind < argc)
        BP_FAIL(BP_EINVAL, "unexpected argument '%.80s'; a bundle is named by --bundle", argv[optind]);
    return BP_OK;
}

static bp_status finish_search(bp__options *o, const late *l)
{
    if (!l->bundle) BP_FAIL(BP_EINVAL, "--bundle is missing; name a bundle, or a file that ends in .h5");
    if (!l->strategy) BP_FAIL(BP_EINVAL, "--strategy is missing; --list-strategies tells which there are");
    char root[BP_PATH_MAX];
    BP_TRY(bp__locate(l->bundle, o->cfg.root, root, sizeof root, o->name, sizeof o->name));
    memcpy(o->cfg.root, root, sizeof root);
    if (o->start != BP_TIME_MISSING && o->end != BP_TIME_MISSING && o->start > o->end)
        BP_FAIL(BP_EINVAL, "--start lies after --end; nothing is left to test");

    const bp__strategy *strategy;
    BP_TRY(bp__strategy_find(l->strategy, &strategy));
    BP_TRY(bp__grid_init(strategy, &o->grid));
    for (int i = 0; i < l->num_params; i++) BP_TRY(bp__grid_set(&o->grid, l->param[i]));
    return bp_config_check(&o->cfg);
}

bp_status bp__options_parse(int argc, char **argv, bp__options *o)
{
    *o = (bp__options){
        .top = 10,
        .start = BP_TIME_MISSING,
        .end = BP_TIME_MISSING,
        .account = {.cash = 10e6},
    };
    BP_TRY(take_objective("sharpe", &o->objective));
    BP_TRY(bp_config_default(&o->cfg));
    bp_status environment = bp_config_from_env(&o->cfg); /* --help works in any environment */
    late l = {.param = calloc((size_t)argc + 1, sizeof *l.param)};
    if (!l.param) BP_FAIL(BP_ENOMEM, "no memory for the command line");
    bp_status s = parse_options(argc, argv, o, &l);
    if (s == BP_OK && o->action == BP__SEARCH) {
        if (bp__failed(environment)) s = bp_config_from_env(&o->cfg); /* again, for its text */
        if (s == BP_OK) s = finish_search(o, &l);
    }
    free(l.param);
    return s;
}

void bp__options_fini(bp__options *o)
{
    for (size_t i = 0; o->symbols && o->symbols[i]; i++) free(o->symbols[i]);
    free(o->symbols);
    o->symbols = NULL;
    bp__grid_fini(&o->grid);
}
