/* DESIGN
 *  The text becomes tokens, the tokens a program in postfix order: a parser by recursive descent, whose
 *  recursion is bounded by MAX_DEPTH, calls emit(), which follows how high the stack of the program stands.
 *  What is emitted is never taken back. A comparison with a word is seen by its three tokens and becomes one
 *  of two numbers.
 */
#include "search/expr.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/number.h"
#include "core/text.h"

#define MAX_DEPTH 100 /* of parentheses and signs */
#define MAX_STACK 128
#define EXCERPT   60
#define NAMES_MAX 400

typedef enum kind {
    END,
    NUMBER,
    NAME,
    QUOTED,
    OPEN,
    CLOSE,
    ADD, /* from here on also what a program does */
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    EQUAL,
    NOT_EQUAL,
    AND,
    OR,
    NOT,
    NEGATE,
    PUSH_NUMBER,
    PUSH_VALUE,
} kind;

typedef struct token {
    kind kind;
    const char *at; /* in the text; of what is quoted, behind the quote */
    size_t length;
    double number;
} token;

typedef struct step {
    kind what;
    size_t value; /* of PUSH_VALUE: which */
    double number;
} step;

struct bp__expr {
    char *text; /* in its usual form */
    size_t num_steps;
    step step[];
};

typedef struct parser {
    const char *option, *text;
    const bp__expr_name *name;
    size_t num_names;
    token *token; /* ends in END */
    size_t at;    /* the next one */
    int depth, height;
    bp__expr *expr;
} parser;

/* Failures -------------------------------------------------------------------------------------- */

/* Characters, not bytes, up to `at`, from 1. */
static int column_of(const char *text, const char *at)
{
    int column = 1;
    for (; text < at; text++) column += ((unsigned char)*text & 0xc0) != 0x80;
    return column;
}

__attribute__((format(printf, 3, 4))) static bp_status wrong(const parser *p, const char *at, const char *fmt,
                                                             ...)
{
    char what[BP_ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    const size_t before = (size_t)(at - p->text), begin = before > EXCERPT / 2 ? before - EXCERPT / 2 : 0;
    BP_FAIL(BP_EINVAL, "%s '%s%.*s%s': column %d: %s", p->option, begin ? "..." : "", EXCERPT,
            p->text + begin, strlen(p->text + begin) > EXCERPT ? "..." : "", column_of(p->text, at), what);
}

static const char *listed(const parser *p, char text[NAMES_MAX])
{
    text[0] = '\0';
    for (size_t i = 0; i < p->num_names; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, NAMES_MAX - used, "%s%s", i ? ", " : "", p->name[i].name);
    }
    return *text ? text : "none";
}

static const char *listed_words(const bp__expr_name *name, char text[NAMES_MAX])
{
    text[0] = '\0';
    for (size_t i = 0; name->words[i]; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, NAMES_MAX - used, "%s%s", i ? ", " : "", name->words[i]);
    }
    return text;
}

static int shown(const token *t)
{
    return t->length < 40 ? (int)t->length : 40;
}

/* Tokens ---------------------------------------------------------------------------------------- */

#define DIGITS     "0123456789"
#define NAME_BEGIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static bool is_in(char c, const char *set)
{
    return c && strchr(set, c);
}

/* Digits, a point, an exponent: with its sign, which is no operator. */
static size_t number_length(const char *at)
{
    size_t n = strspn(at, DIGITS ".");
    if (at[n] == 'e' || at[n] == 'E') {
        const size_t sign = at[n + 1] == '+' || at[n + 1] == '-';
        const size_t digits = strspn(at + n + 1 + sign, DIGITS);
        if (digits > 0) n += 1 + sign + digits;
    }
    return n;
}

static bp_status read_number(const parser *p, token *t)
{
    t->kind = NUMBER;
    t->length = number_length(t->at);
    /* what is written to the number without a blank was meant as a part of it */
    const size_t whole = t->length + strspn(t->at + t->length, NAME_BEGIN DIGITS ".");
    if (whole > t->length || !bp__number_from(t->at, t->length, &t->number))
        return wrong(p, t->at, "'%.*s' is not a number", (int)(whole < 40 ? whole : 40), t->at);
    return BP_OK;
}

static void read_name(token *t)
{
    static const struct {
        const char *word;
        kind kind;
    } words[] = {{"and", AND}, {"or", OR}, {"not", NOT}};
    t->kind = NAME;
    t->length = strspn(t->at, NAME_BEGIN DIGITS);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (t->length == strlen(words[i].word) && strncasecmp(t->at, words[i].word, t->length) == 0)
            t->kind = words[i].kind;
}

static bp_status read_quoted(const parser *p, token *t)
{
    const char *end = strchr(t->at + 1, *t->at);
    if (!end) return wrong(p, t->at, "the quote is not closed");
    t->kind = QUOTED;
    t->at++;
    t->length = (size_t)(end - t->at);
    return BP_OK;
}

static bp_status read_operator(const parser *p, token *t)
{
    static const struct {
        const char *text;
        kind kind;
    } operators[] = {{"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"==", EQUAL}, {"!=", NOT_EQUAL},
                     {"<", LESS},        {">", GREATER},        {"+", ADD},    {"-", SUBTRACT},
                     {"*", MULTIPLY},    {"/", DIVIDE},         {"(", OPEN},   {")", CLOSE}};
    static const char *const other[][2] = {{"=>", ">="}, {"=<", "<="}, {"=", "=="},  {"&", "and"},
                                           {"|", "or"},  {"!", "not"}, {"<>", "!="}, {"**", "a product"}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        const size_t n = strlen(other[i][0]);
        if (strncmp(t->at, other[i][0], n) == 0 && !is_in(t->at[n], "="))
            return wrong(p, t->at, "for '%s' write %s", other[i][0], other[i][1]);
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        t->kind = operators[i].kind;
        t->length = strlen(operators[i].text);
        if (strncmp(t->at, operators[i].text, t->length) == 0) return BP_OK;
    }
    const int bytes = bp__utf8_length(t->at);
    return wrong(p, t->at,
                 "'%.*s' is nothing that an expression has; there are + - * / < <= > >= == != and or not ( )",
                 bytes > 0 ? bytes : 1, t->at);
}

/* @param[out] t  its `at` is where it begins */
static bp_status read_token(const parser *p, token *t)
{
    if (!*t->at) {
        t->kind = END;
        t->length = 0;
        return BP_OK;
    }
    if (is_in(*t->at, DIGITS) || (*t->at == '.' && is_in(t->at[1], DIGITS))) return read_number(p, t);
    if (is_in(*t->at, NAME_BEGIN)) return read_name(t), BP_OK;
    if (is_in(*t->at, "'\"")) return read_quoted(p, t);
    return read_operator(p, t);
}

static bp_status read_tokens(parser *p)
{
    const char *at = p->text;
    for (token *t = p->token;; t++) {
        at += strspn(at, " \t\r\n");
        *t = (token){.at = at};
        BP_TRY(read_token(p, t));
        if (t->kind == END) return BP_OK;
        at = t->at + t->length + (t->kind == QUOTED);
    }
}

/* Whether a token is the sign of what follows. */
static bool is_sign(const parser *p, const token *t)
{
    if (t->kind != ADD && t->kind != SUBTRACT) return false;
    return t == p->token || (t[-1].kind != NUMBER && t[-1].kind != NAME && t[-1].kind != CLOSE);
}

/* The usual form: one blank between two tokens, none inside parentheses and behind a sign, numbers at their
 * shortest. */
static bp_status keep_text(const parser *p, bp__expr *e)
{
    char number[32];
    size_t size;
    FILE *f = open_memstream(&e->text, &size);
    for (const token *t = p->token; f && t->kind != END; t++) {
        const bool first = t == p->token || t[-1].kind == OPEN || is_sign(p, t - 1);
        if (!first && t->kind != CLOSE) fputc(' ', f);
        if (t->kind == NUMBER)
            fputs(bp__number_text(t->number, number), f);
        else if (t->kind >= AND && t->kind <= NOT)
            fputs(t->kind == AND ? "and" : t->kind == OR ? "or" : "not", f);
        else
            fprintf(f, t->kind == QUOTED ? "'%.*s'" : "%.*s", (int)t->length, t->at);
    }
    if (f && fclose(f) == 0 && e->text) return BP_OK;
    BP_FAIL(BP_ENOMEM, "%s: no memory for an expression", p->option);
}

/* Parser ---------------------------------------------------------------------------------------- */

static bp_status condition(parser *p);

static const token *next(const parser *p)
{
    return &p->token[p->at];
}

static bp_status emit(parser *p, step s)
{
    const bool pushes = s.what >= PUSH_NUMBER, keeps = s.what == NOT || s.what == NEGATE;
    p->height += pushes ? 1 : keeps ? 0 : -1;
    if (p->height > MAX_STACK) return wrong(p, next(p)->at, "it is nested too deeply");
    p->expr->step[p->expr->num_steps++] = s;
    return BP_OK;
}

static bp_status unexpected(const parser *p, const char *expected)
{
    const token *t = next(p);
    if (t->kind == END) return wrong(p, t->at, "%s is missing at the end", expected);
    return wrong(p, t->at, "%s is expected, not '%.*s'", expected, shown(t), t->at);
}

/* @return NULL: there is no such name */
static const bp__expr_name *named(const parser *p, const token *t)
{
    for (size_t i = 0; t->kind == NAME && i < p->num_names; i++)
        if (strlen(p->name[i].name) == t->length && memcmp(p->name[i].name, t->at, t->length) == 0)
            return &p->name[i];
    return NULL;
}

static bp_status name(parser *p, const token *t)
{
    char names[NAMES_MAX];
    p->at++;
    if (next(p)->kind == OPEN)
        return wrong(p, t->at, "there are no functions, such as '%.*s'", shown(t), t->at);
    if (!p->name) return emit(p, (step){.what = PUSH_NUMBER});
    const bp__expr_name *found = named(p, t);
    if (!found)
        return wrong(p, t->at, "there is no '%.*s', choose from %s", shown(t), t->at, listed(p, names));
    if (found->words)
        return wrong(p, t->at,
                     "%s is one of the words %s: it can be compared by == and != with one of them, alone",
                     found->name, listed_words(found, names));
    return emit(p, (step){.what = PUSH_VALUE, .value = (size_t)(found - p->name)});
}

static bp_status factor(parser *p)
{
    const token *t = next(p);
    bp_status s = BP_OK;
    if (t->kind == NAME) return name(p, t);
    if (t->kind == NUMBER) return p->at++, emit(p, (step){.what = PUSH_NUMBER, .number = t->number});
    if (t->kind == QUOTED)
        return wrong(p, t->at - 1, "words can only be compared, by == and !=, with what has them");
    if (t->kind != ADD && t->kind != SUBTRACT && t->kind != OPEN)
        return unexpected(p, "a number, a name or '('");
    if (++p->depth > MAX_DEPTH) return wrong(p, t->at, "it is nested too deeply");
    p->at++;
    if (t->kind == OPEN) {
        BP_TRY(condition(p));
        if (next(p)->kind != CLOSE) return unexpected(p, "')' or an operator");
        p->at++;
    } else {
        BP_TRY(factor(p));
        if (t->kind == SUBTRACT) s = emit(p, (step){.what = NEGATE});
    }
    p->depth--;
    return s;
}

static bp_status product(parser *p)
{
    BP_TRY(factor(p));
    for (kind k; (k = next(p)->kind) == MULTIPLY || k == DIVIDE;) {
        p->at++;
        BP_TRY(factor(p));
        BP_TRY(emit(p, (step){.what = k}));
    }
    return BP_OK;
}

static bp_status sum(parser *p)
{
    BP_TRY(product(p));
    for (kind k; (k = next(p)->kind) == ADD || k == SUBTRACT;) {
        p->at++;
        BP_TRY(product(p));
        BP_TRY(emit(p, (step){.what = k}));
    }
    return BP_OK;
}

static bool compares(kind k)
{
    return k >= LESS && k <= NOT_EQUAL;
}

/* Whether two tokens are a name that has words, and a word. Where any name will do only quotes tell. */
static bool has_word(const parser *p, const token *what, const token *word)
{
    if (!p->name) return what->kind == NAME && word->kind == QUOTED;
    const bp__expr_name *found = named(p, what);
    return found && found->words && (word->kind == QUOTED || word->kind == NAME);
}

/* The number of a word, among those that a name has. */
static bp_status word_number(const parser *p, const bp__expr_name *name, const token *word, size_t *number)
{
    char words[NAMES_MAX];
    for (*number = 0; name->words[*number]; ++*number) {
        const char *w = name->words[*number];
        if (strlen(w) == word->length && memcmp(w, word->at, word->length) == 0) return BP_OK;
    }
    return wrong(p, word->at, "%s is never '%.*s', choose from %s", name->name, shown(word), word->at,
                 listed_words(name, words));
}

/* `what == word`, in either order. */
static bp_status compare_word(parser *p, const token *what, kind k, const token *word)
{
    const bp__expr_name *name = named(p, what);
    size_t number = 0;
    step value = {.what = PUSH_NUMBER};
    if (name) {
        BP_TRY(word_number(p, name, word, &number));
        value = (step){.what = PUSH_VALUE, .value = (size_t)(name - p->name)};
    }
    p->at += 3;
    BP_TRY(emit(p, value));
    BP_TRY(emit(p, (step){.what = PUSH_NUMBER, .number = (double)number}));
    return emit(p, (step){.what = k});
}

static bp_status comparison_of_numbers(parser *p)
{
    BP_TRY(sum(p));
    const kind k = next(p)->kind;
    if (!compares(k)) return BP_OK;
    p->at++;
    BP_TRY(sum(p));
    return emit(p, (step){.what = k});
}

static bp_status comparison(parser *p)
{
    const token *t = next(p);
    const bool equates = t->kind != END && (t[1].kind == EQUAL || t[1].kind == NOT_EQUAL);
    if (equates && has_word(p, &t[0], &t[2]))
        BP_TRY(compare_word(p, &t[0], t[1].kind, &t[2]));
    else if (equates && has_word(p, &t[2], &t[0]))
        BP_TRY(compare_word(p, &t[2], t[1].kind, &t[0]));
    else
        BP_TRY(comparison_of_numbers(p));
    if (!compares(next(p)->kind)) return BP_OK;
    return wrong(p, next(p)->at, "comparisons do not chain; write a < b and b < c");
}

static bp_status negation(parser *p)
{
    if (next(p)->kind != NOT) return comparison(p);
    if (++p->depth > MAX_DEPTH) return wrong(p, next(p)->at, "it is nested too deeply");
    p->at++;
    BP_TRY(negation(p));
    p->depth--;
    return emit(p, (step){.what = NOT});
}

static bp_status conjunction(parser *p)
{
    BP_TRY(negation(p));
    while (next(p)->kind == AND) {
        p->at++;
        BP_TRY(negation(p));
        BP_TRY(emit(p, (step){.what = AND}));
    }
    return BP_OK;
}

static bp_status condition(parser *p)
{
    BP_TRY(conjunction(p));
    while (next(p)->kind == OR) {
        p->at++;
        BP_TRY(conjunction(p));
        BP_TRY(emit(p, (step){.what = OR}));
    }
    return BP_OK;
}

static bp_status parse(parser *p)
{
    BP_TRY(read_tokens(p));
    BP_TRY(keep_text(p, p->expr));
    BP_TRY(condition(p));
    if (next(p)->kind == END) return BP_OK;
    return next(p)->kind == CLOSE ? wrong(p, next(p)->at, "')' closes nothing")
                                  : unexpected(p, "an operator");
}

bp_status bp__expr_create(const char *option, const char *text, const bp__expr_name *list, size_t count,
                          bp__expr **expr)
{
    const size_t length = strlen(text);
    *expr = NULL;
    if (length > BP__EXPR_MAX)
        BP_FAIL(BP_EINVAL, "%s: it has %zu characters, more than %d", option, length, BP__EXPR_MAX);
    /* a token has at least a byte, and leads to at most one step */
    bp__expr *e = calloc(1, sizeof *e + (length + 1) * sizeof *e->step);
    parser p = {.option = option, .text = text, .name = list, .num_names = list ? count : 0, .expr = e};
    p.token = calloc(length + 1, sizeof *p.token);
    bp_status s = e && p.token ? parse(&p) : bp__fail(BP_ENOMEM, "%s: no memory for an expression", option);
    free(p.token);
    if (bp__failed(s))
        bp__expr_destroy(&e);
    else
        *expr = e;
    return s;
}

void bp__expr_destroy(bp__expr **expr)
{
    if (*expr) free((*expr)->text);
    free(*expr);
    *expr = NULL;
}

/* Values ---------------------------------------------------------------------------------------- */

static bool is_true(double x)
{
    return x != 0 && !isnan(x);
}

static double apply(kind what, double a, double b)
{
    switch (what) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case DIVIDE: return a / b;
    case LESS: return a < b;
    case LESS_EQUAL: return a <= b;
    case GREATER: return a > b;
    case GREATER_EQUAL: return a >= b;
    case EQUAL: return a == b;
    case NOT_EQUAL: return a < b || a > b;
    case AND: return is_true(a) && is_true(b);
    default: return is_true(a) || is_true(b); /* OR */
    }
}

double bp__expr_value(const bp__expr *e, const double *value)
{
    double stack[MAX_STACK + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < e->num_steps; i++) {
        const step *s = &e->step[i];
        if (s->what == PUSH_NUMBER) {
            stack[n++] = s->number;
        } else if (s->what == PUSH_VALUE) {
            stack[n++] = value[s->value];
        } else if (s->what == NEGATE) {
            stack[n - 1] = -stack[n - 1];
        } else if (s->what == NOT) {
            stack[n - 1] = !is_true(stack[n - 1]);
        } else {
            n--;
            stack[n - 1] = apply(s->what, stack[n - 1], stack[n]);
        }
    }
    return stack[0];
}

bool bp__expr_holds(const bp__expr *e, const double *value)
{
    return is_true(bp__expr_value(e, value));
}

bool bp__expr_is_condition(const bp__expr *e)
{
    const kind last = e->step[e->num_steps - 1].what;
    return compares(last) || (last >= AND && last <= NOT);
}

bool bp__expr_uses(const bp__expr *e, size_t number)
{
    for (size_t i = 0; i < e->num_steps; i++)
        if (e->step[i].what == PUSH_VALUE && e->step[i].value == number) return true;
    return false;
}

const char *bp__expr_text(const bp__expr *e)
{
    return e->text;
}
