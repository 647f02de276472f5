#include "backtest/description.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME       31
#define MAX_HELP       400
#define MAX_STRATEGIES 256
#define MAX_WORDS      256
#define MAX_SIZE       16384
#define FIRST_SIZE                                                                                           \
    (offsetof(bp_strategy, memory) + sizeof(void *)) /* when the interface was first released */
#define LARGEST_WHOLE 0x1p53                         /* up to here a double holds every whole number */

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Letters that a name begins with, and goes on with. */
typedef struct rule {
    const char *first, *others, *text;
} rule;

static const rule name_rules[] = {
    [BP__NAMES_OF_PLUGINS] = {LOWER, LOWER DIGITS "_", "a name is a-z, then a-z, 0-9 or _, at most 31 bytes"},
    [BP__NAMES_OF_ANY_CASE] = {LOWER UPPER "_", LOWER UPPER DIGITS "_",
                               "a name is a letter or _, then letters, digits or _, at most 31 bytes"},
};
static const rule word_rules[] = {
    [BP__NAMES_OF_PLUGINS] = {LOWER, LOWER DIGITS "_", "a name is a-z, then a-z, 0-9 or _, at most 31 bytes"},
    [BP__NAMES_OF_ANY_CASE] = {LOWER UPPER "_", LOWER UPPER DIGITS "_.-",
                               "a word is a letter or _, then letters, digits, _, . or -, at most 31 bytes"},
};

/* Where something is wrong: the file, its strategy, and which of its parameters. */
typedef struct place {
    const char *file;
    const char *strategy;
    const char *param; /* NULL: the strategy as a whole */
    bp__naming naming;
} place;

__attribute__((format(printf, 2, 3))) static bp_status wrong(const place *at, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (at->param)
        BP_FAIL(BP_EFORMAT, "%.160s: strategy '%.40s': parameter '%.40s': %s", at->file, at->strategy,
                at->param, what);
    BP_FAIL(BP_EFORMAT, "%.160s: strategy '%.40s': %s", at->file, at->strategy, what);
}

static bool is_name(const rule *r, const char *name)
{
    const size_t n = strnlen(name, MAX_NAME + 1);
    return n >= 1 && n <= MAX_NAME && strchr(r->first, name[0]) && strspn(name, r->others) == n;
}

/* One line for a terminal. NULL and "" are no help. */
static bool is_help(const char *help)
{
    if (!help || !*help) return false;
    const size_t n = strnlen(help, MAX_HELP + 1);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)help[i] < ' ' || help[i] == 0x7f) return false;
    return n <= MAX_HELP;
}

/* Parameters ------------------------------------------------------------------------------------ */

static bp_status check_words(const place *at, const bp_param *p)
{
    const rule *r = &word_rules[at->naming];
    size_t n = 0;
    if (!p->words || !p->words[0]) return wrong(at, "it takes one of several words, and has none");
    for (; p->words[n]; n++) {
        if (n == MAX_WORDS) return wrong(at, "more than %d words, or no NULL behind them", MAX_WORDS);
        if (!is_name(r, p->words[n])) return wrong(at, "word %zu is '%.40s'; %s", n, p->words[n], r->text);
        for (size_t i = 0; i < n; i++)
            if (strcmp(p->words[i], p->words[n]) == 0)
                return wrong(at, "the word '%s' is there twice", p->words[n]);
    }
    if (!(p->fallback >= 0 && p->fallback < (double)n && p->fallback == floor(p->fallback)))
        return wrong(at, "its default is %.10g; it is the number of a word, from 0 to %zu", p->fallback,
                     n - 1);
    return BP_OK;
}

bool bp__description_is_named(const bp_param *param)
{
    const place any = {.file = "", .strategy = "", .naming = BP__NAMES_OF_ANY_CASE};
    const bp_param p = {.words = param->words}; /* the first of its words will do as its default */
    return is_name(&name_rules[any.naming], param->name) && (!param->words || check_words(&any, &p) == BP_OK);
}

static bool is_whole(double x)
{
    return fabs(x) <= LARGEST_WHOLE && x == floor(x);
}

static bp_status check_numbers(const place *at, const bp_param *p)
{
    const bool whole = p->kind == BP_PARAM_INTEGER;
    if (p->words)
        return wrong(at, "it is a number and has words; set its kind to BP_PARAM_WORD, or words to NULL");
    if (!(p->min <= p->max)) return wrong(at, "its range from %.10g to %.10g is empty", p->min, p->max);
    if (whole && !(is_whole(p->min) && is_whole(p->max)))
        return wrong(at, "it takes whole numbers, and its range from %.10g to %.10g does not end with such",
                     p->min, p->max);
    if (!(p->fallback >= p->min && p->fallback <= p->max && isfinite(p->fallback)))
        return wrong(at, "its default %.10g is not from %.10g to %.10g", p->fallback, p->min, p->max);
    if (whole && !is_whole(p->fallback))
        return wrong(at, "it takes whole numbers, and its default %.10g is not one", p->fallback);
    return BP_OK;
}

static bp_status check_param(const place *of, const bp_param *param, size_t i)
{
    const bp_param *p = &param[i];
    const rule *r = &name_rules[of->naming];
    if (!p->name) return wrong(of, "parameter %zu has no name", i);
    if (!is_name(r, p->name)) return wrong(of, "parameter %zu is called '%.40s'; %s", i, p->name, r->text);
    const place at = {of->file, of->strategy, p->name, of->naming};
    for (size_t k = 0; k < i; k++)
        if (strcmp(param[k].name, p->name) == 0) return wrong(&at, "it is there twice");
    if (!is_help(p->help))
        return wrong(&at, "its help is missing, or no single line of at most %d bytes", MAX_HELP);
    switch (p->kind) {
    case BP_PARAM_INTEGER:
    case BP_PARAM_REAL: return check_numbers(&at, p);
    case BP_PARAM_WORD: return check_words(&at, p);
    }
    return wrong(&at, "its kind is %d; choose from BP_PARAM_INTEGER, BP_PARAM_REAL, BP_PARAM_WORD",
                 (int)p->kind);
}

/* Strategies ------------------------------------------------------------------------------------ */

static bp_status check_size(const place *at, const bp_strategy *s)
{
    if (s->size < FIRST_SIZE || s->size > MAX_SIZE)
        return wrong(at, "its size is %zu; set .size = sizeof(bp_strategy)", s->size);
    /* what a later header has behind the end must not be in use: this program would not do it */
    for (size_t i = sizeof *s; i < s->size; i++)
        if (((const char *)s)[i] != 0)
            return wrong(at, "it uses what this program does not know yet; use a newer one");
    return BP_OK;
}

static bp_status check_form(const place *at, const bp_strategy *s)
{
    const int forms = (s->signals != NULL) + (s->weights != NULL) + (s->decide != NULL);
    if (forms != 1) return wrong(at, "it sets %d of signals, weights and decide; set exactly one", forms);
    if (s->signals_batch && !s->signals)
        return wrong(at, "it sets signals_batch, which goes with signals only");
    if (s->memory && !s->decide) return wrong(at, "it sets memory, which goes with decide only");
    return BP_OK;
}

static bp_status check_strategy(const char *file, const bp_module *module, uint32_t i, bp__naming naming)
{
    const rule *r = &name_rules[naming];
    const bp_strategy *s = module->strategy[i];
    if (!s) BP_FAIL(BP_EFORMAT, "%.200s: strategy number %" PRIu32 " of its module is NULL", file, i);
    /* the name lies behind the size; that may be wrong, and the name nonsense */
    const place unnamed = {.file = file, .strategy = "?", .naming = naming};
    BP_TRY(check_size(&unnamed, s));
    if (!s->name) BP_FAIL(BP_EFORMAT, "%.200s: strategy number %" PRIu32 " has no name", file, i);
    const place at = {.file = file, .strategy = s->name, .naming = naming};
    if (!is_name(r, s->name)) return wrong(&at, "that is no name for it; %s", r->text);
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(module->strategy[k]->name, s->name) == 0) return wrong(&at, "it is there twice");
    if (!is_help(s->help))
        return wrong(&at, "its help is missing, or no single line of at most %d bytes", MAX_HELP);
    BP_TRY(check_form(&at, s));
    if (s->num_params > BP_STRATEGY_MAX_PARAMS)
        return wrong(&at, "it says that it has %zu parameters; at most %d are allowed", s->num_params,
                     BP_STRATEGY_MAX_PARAMS);
    if (s->num_params > 0 && !s->param)
        return wrong(&at, "it says that it has %zu parameters, and `param` is NULL", s->num_params);
    for (size_t k = 0; k < s->num_params; k++) BP_TRY(check_param(&at, s->param, k));
    return BP_OK;
}

bp_status bp__description_check(const char *file, const bp_module *module, bp__naming naming)
{
    if (!module) BP_FAIL(BP_EFORMAT, "%.200s: its bp_strategy_module() has refused this program", file);
    if (module->abi != BP_STRATEGY_ABI)
        BP_FAIL(BP_EFORMAT,
                "%.200s: it is built for version %" PRIu32
                " of the interface for strategies, and this program has "
                "version %d; build it with this program's <bundlepool/strategy.h>",
                file, module->abi, BP_STRATEGY_ABI);
    if (module->count == 0 || !module->strategy)
        BP_FAIL(BP_EFORMAT, "%.200s: there is no strategy in it; name them in BP_STRATEGY_MODULE(...)", file);
    if (module->count > MAX_STRATEGIES)
        BP_FAIL(BP_EFORMAT, "%.200s: it says that it holds %" PRIu32 " strategies; at most %d are allowed",
                file, module->count, MAX_STRATEGIES);
    for (uint32_t i = 0; i < module->count; i++) BP_TRY(check_strategy(file, module, i, naming));
    return BP_OK;
}

/* Choosing -------------------------------------------------------------------------------------- */

const char *bp__description_names(const bp_strategy *const *strategy, size_t count, char *text, size_t size)
{
    static const char more[] = ", ...";
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *name = strategy[i]->name, *comma = i ? ", " : "";
        const size_t room = size - used - (i + 1 < count ? sizeof more : 1);
        if (strlen(comma) + strlen(name) > room) {
            snprintf(text + used, size - used, "%s", more);
            break;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", comma, name);
    }
    return text;
}

bp_status bp__description_not_chosen(const char *name, const bp_strategy *const *strategy, size_t count)
{
    char names[200];
    BP_FAIL(BP_EINVAL, "%.160s: it holds several strategies: %s; choose one, such as %.60s:%s", name,
            bp__description_names(strategy, count, names, sizeof names), name, strategy[0]->name);
}
