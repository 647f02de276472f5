/* Expressions: what they mean, against trees that are evaluated without them; what is refused and where; and
 * that no text, however hostile, does more than fail. */
#include "core/suite.h"

#include "search/expr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const sides[] = {"long", "both", "and", NULL};
static const bp__expr_name names[] = {
    {"fast", NULL}, {"slow", NULL}, {"side", sides}, {"sharpe", NULL}, {"fast", sides},
};
#define NUM_NAMES (sizeof names / sizeof *names)

static const double values[NUM_NAMES] = {5, 20, 1, NAN, 99};

static bp_status create(const char *text, bp__expr **e)
{
    return bp__expr_create("--where", text, names, NUM_NAMES, e);
}

static double value_of(const char *text)
{
    bp__expr *e;
    MUST(create(text, &e));
    const double value = bp__expr_value(e, values);
    CU_ASSERT_EQUAL(bp__expr_holds(e, values), value != 0 && !isnan(value));
    bp__expr_destroy(&e);
    return value;
}

static void meaning(void)
{
    static const struct {
        const char *text;
        double value;
    } all[] = {
        {"fast", 5},
        {"1.5e1", 15},
        {".5", 0.5},
        {"1+2*3", 7},
        {"(1+2)*3", 9},
        {"10-4-3", 3},
        {"64/4/2", 8},
        {"2*-3", -6},
        {"--3", 3},
        {"- + -3", 3},
        {"1-1", 0},
        {"1e+2-1", 99},
        {"fast<slow", 1},
        {"fast >= slow", 0},
        {"fast + 15 == slow", 1},
        {"fast != 5", 0},
        {"(1 < 2) + (2 < 3)", 2},
        {"1 < 2 and 3 < 2", 0},
        {"0 or 7", 1},
        {"1 or 0 and 0", 1},
        {"not 0 and 0", 0},
        {"not (0 and 0)", 1},
        {"not fast < slow", 0},
        {"not not 3", 1},
        {"1 AND 1 Or 0", 1},
        {"side == both", 1},
        {"side == long", 0},
        {"side != long and fast < 6", 1},
        {"both == side", 1},
        {"'both' == side", 1},
        {"side == \"both\"", 1},
        {"side == 'and'", 0},
        {"(side == both) * 3", 3},
        {"\t fast\n<\r6 ", 1},
        {"1 / 0", INFINITY},
        {"-1 / 0 < 0", 1},
        /* whatever is compared to NaN, it is false; so what is not true of it is */
        {"sharpe < 1", 0},
        {"sharpe >= 1", 0},
        {"sharpe == sharpe", 0},
        {"sharpe != sharpe", 0},
        {"sharpe != 1", 0},
        {"not sharpe < 1", 1},
        {"sharpe or 0", 0},
        {"sharpe and 1", 0},
        {"not sharpe", 1},
        {"0 / 0 == 0 / 0", 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (value_of(all[i].text) != all[i].value) printf("'%s' is %g\n", all[i].text, value_of(all[i].text));
        CU_ASSERT_EQUAL(value_of(all[i].text), all[i].value);
    }
    CU_ASSERT(isnan(value_of("sharpe + 1")));
}

static void refused(void)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "column 1: a number, a name or '(' is missing at the end"},
        {"  ", "column 3: a number, a name or '(' is missing"},
        {"fast <", "column 7: a number, a name or '(' is missing at the end"},
        {"fast < slw",
         "--where 'fast < slw': column 8: there is no 'slw', choose from fast, slow, side, sharpe"},
        {"fast slow", "column 6: an operator is expected, not 'slow'"},
        {"fast < < slow", "column 8: a number, a name or '(' is expected, not '<'"},
        {"(fast < slow", "column 13: ')' or an operator is missing at the end"},
        {"fast < slow)", "column 12: ')' closes nothing"},
        {"()", "column 2: a number, a name or '(' is expected, not ')'"},
        {"and", "not 'and'"},
        {"fast not slow", "an operator is expected, not 'not'"},
        {"1 < 2 < 3", "column 7: comparisons do not chain; write a < b and b < c"},
        {"fast = 5", "column 6: for '=' write =="},
        {"fast === 5", "for '=' write =="},
        {"fast => 5", "for '=>' write >="},
        {"fast <> 5", "for '<>' write !="},
        {"fast && slow", "for '&' write and"},
        {"fast || slow", "for '|' write or"},
        {"!fast", "for '!' write not"},
        {"fast ** 2", "for '**' write a product"},
        {"fast ^ 2", "column 6: '^' is nothing that an expression has"},
        {"fast % 2", "'%' is nothing"},
        {"fast \342\211\244 2", "'\342\211\244' is nothing"},
        {"\303\251 < 2", "column 1: '\303\251' is nothing"},
        {"fast < '\303\251' < 2", "column 8: words can only be compared"},
        {"fast < 0,2", "',' is nothing"},
        {"fast\001", "is nothing that an expression has"},
        {"\377", "is nothing that an expression has"},
        {"abs(fast)", "there are no functions, such as 'abs'"},
        {"fast < 2x", "column 8: '2x' is not a number"},
        {"fast < 0x10", "'0x10' is not a number"},
        {"fast < 1e", "'1e' is not a number"},
        {"fast < 1.2.3", "'1.2.3' is not a number"},
        {"fast < 1e999", "'1e999' is not a number"},
        {"fast < .", "'.' is nothing"},
        {"Fast < 2", "there is no 'Fast'"},
        {"fast < nan", "there is no 'nan'"},
        {"side", "side is one of the words long, both, and: it can be compared"},
        {"side < long", "side is one of the words"},
        {"side + 1 == 2", "side is one of the words"},
        {"side == 1", "side is one of the words"},
        {"side == short", "column 9: side is never 'short', choose from long, both, and"},
        {"side == ''", "side is never ''"},
        {"side == 'lon'", "side is never 'lon'"},
        {"side == Both", "side is never 'Both'"},
        {"side == both + 1", "an operator is expected"},
        {"side == both == both", "do not chain"},
        {"side == (both)", "side is one of the words"},
        {"fast == 'both'", "column 9: words can only be compared"},
        {"'both", "column 1: the quote is not closed"},
        {"both", "there is no 'both'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bp__expr *e;
        CU_ASSERT_EQUAL(create(bad[i].text, &e), BP_EINVAL);
        CU_ASSERT_PTR_NULL(e);
        CU_ASSERT(strncmp(bp_error_text(), "--where '", 9) == 0);
        if (!strstr(bp_error_text(), bad[i].words)) printf("'%s': %s\n", bad[i].text, bp_error_text());
        CU_ASSERT(strstr(bp_error_text(), bad[i].words) != NULL);
    }
    bp__expr *e;
    FAILS(bp__expr_create("--having", "speed", names, 0, &e), BP_EINVAL, "choose from none");
}

/* Without a list every name will do; the rest is looked at as ever. */
static void any_name(void)
{
    static const char *const good[] = {"a == b + 1", "a == 'b'", "'a' != b and c", "a < b or not -c * 2 > 3"};
    static const char *const bad[] = {"a ==", "a b", "a < b < c", "f(x)", "a + 'b'", "'a' == 'b'"};
    bp__expr *e;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        MUST(bp__expr_create("--having", good[i], NULL, 0, &e));
        bp__expr_destroy(&e);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS(bp__expr_create("--having", bad[i], NULL, 0, &e), BP_EINVAL, "--having '");
}

static void properties(void)
{
    static const struct {
        const char *text, *usual;
        bool condition, fast, slow;
    } all[] = {
        {"fast<slow", "fast < slow", true, true, true},
        {"( fast+0.50 )*1e3", "(fast + 0.5) * 1000", false, true, false},
        {"slow- -.5 AND not(fast)", "slow - -0.5 and not (fast)", true, true, true},
        {"-slow<(-1)", "-slow < (-1)", true, false, true},
        {"side==\"long\"", "side == 'long'", true, false, false},
        {"- (fast < slow)", "-(fast < slow)", false, true, true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bp__expr *e;
        MUST(create(all[i].text, &e));
        CU_ASSERT_STRING_EQUAL(bp__expr_text(e), all[i].usual);
        CU_ASSERT_EQUAL(bp__expr_is_condition(e), all[i].condition);
        CU_ASSERT_EQUAL(bp__expr_uses(e, 0), all[i].fast);
        CU_ASSERT_EQUAL(bp__expr_uses(e, 1), all[i].slow);
        bp__expr_destroy(&e);
    }
}

/* Random trees, evaluated as trees and, written down, as expressions ------------------------------ */

enum { LEAF_NUMBER, LEAF_NAME, MINUS, INFIX, NEGATION };
static const char *const infix[] = {"or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/"};
static const int binding[] = {1, 2, 4, 4, 4, 4, 4, 4, 5, 5, 6, 6};

typedef struct tree {
    int what, which; /* which name or operator */
    double number;
    struct tree *left, *right;
} tree;

static uint64_t seed = 0x9e3779b97f4a7c15;

static tree *grow(int depth)
{
    tree *t = calloc(1, sizeof *t);
    const uint64_t kind = depth == 0 ? draw(&seed, 2) : draw(&seed, 8);
    t->what = kind < 2 ? (int)kind : kind == 2 ? MINUS : kind == 3 ? NEGATION : INFIX;
    if (t->what == LEAF_NUMBER) t->number = (double)draw(&seed, 40) / 8;
    if (t->what == LEAF_NAME) t->which = (int[]){0, 1, 3}[draw(&seed, 3)];
    if (t->what == INFIX) t->which = (int)draw(&seed, sizeof binding / sizeof *binding);
    if (t->what >= MINUS) t->left = grow(depth - 1);
    if (t->what == INFIX) t->right = grow(depth - 1);
    return t;
}

static void fell(tree *t)
{
    if (!t) return;
    fell(t->left), fell(t->right);
    free(t);
}

static int binding_of(const tree *t)
{
    return t->what == INFIX ? binding[t->which] : t->what == NEGATION ? 3 : t->what == MINUS ? 7 : 8;
}

/* With the parentheses that it needs, and some that it does not.
 * @param[in] least  what binds less is enclosed */
static void write_down(FILE *f, const tree *t, int least)
{
    const bool enclosed = binding_of(t) < least || draw(&seed, 6) == 0;
    if (enclosed) fputc('(', f);
    if (t->what == LEAF_NUMBER) fprintf(f, "%.10g", t->number);
    if (t->what == LEAF_NAME) fputs(names[t->which].name, f);
    if (t->what == MINUS) fputs("-", f), write_down(f, t->left, 7);
    if (t->what == NEGATION) fputs("not ", f), write_down(f, t->left, 3);
    if (t->what == INFIX) {
        const int own = binding_of(t);
        const char *blank = own <= 2 || draw(&seed, 2) ? " " : "";
        write_down(f, t->left, own == 4 ? 5 : own);
        fprintf(f, "%s%s%s", blank, infix[t->which], blank);
        write_down(f, t->right, own + 1);
    }
    if (enclosed) fputc(')', f);
}

static bool truth(double x)
{
    return !(x == 0 || x != x);
}

static double evaluate(const tree *t, const double *value)
{
    if (t->what == LEAF_NUMBER) return t->number;
    if (t->what == LEAF_NAME) return value[t->which];
    const double a = evaluate(t->left, value);
    if (t->what == MINUS) return -a;
    if (t->what == NEGATION) return truth(a) ? 0 : 1;
    const double b = evaluate(t->right, value);
    const char *o = infix[t->which];
    const bool undefined = a != a || b != b;
    if (strcmp(o, "or") == 0) return truth(a) || truth(b);
    if (strcmp(o, "and") == 0) return truth(a) && truth(b);
    if (strcmp(o, "+") == 0) return a + b;
    if (strcmp(o, "-") == 0) return a - b;
    if (strcmp(o, "*") == 0) return a * b;
    if (strcmp(o, "/") == 0) return a / b;
    if (undefined) return 0;
    if (strcmp(o, "==") == 0) return a == b;
    if (strcmp(o, "!=") == 0) return a != b;
    if (o[1] == '=' && a == b) return 1;
    return o[0] == '<' ? a < b : a > b;
}

static void random_trees(void)
{
    uint64_t compared = 0;
    for (int round = 0; round < 20000; round++) {
        char *text = NULL;
        size_t size;
        tree *t = grow((int)draw(&seed, 6));
        FILE *f = open_memstream(&text, &size);
        write_down(f, t, 0);
        fclose(f);
        bp__expr *e, *again;
        if (size <= BP__EXPR_MAX) {
            MUST(create(text, &e));
            MUST(create(bp__expr_text(e), &again));
            CU_ASSERT_STRING_EQUAL(bp__expr_text(e), bp__expr_text(again));
            for (int k = 0; k < 4; k++) {
                const double value[NUM_NAMES] = {(double)draw(&seed, 5), (double)draw(&seed, 5), 0,
                                                 draw(&seed, 3) ? (double)draw(&seed, 9) / 4 : NAN, 0};
                const double is = bp__expr_value(e, value), should = evaluate(t, value);
                CU_ASSERT(is == should || (isnan(is) && isnan(should)));
                CU_ASSERT(bp__expr_value(again, value) == is || isnan(is));
                compared++;
            }
            bp__expr_destroy(&e);
            bp__expr_destroy(&again);
        }
        free(text);
        fell(t);
    }
    CU_ASSERT(compared > 50000);
}

/* Hostile texts ----------------------------------------------------------------------------------- */

static char *repeated(const char *head, const char *part, size_t times, const char *tail)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    fputs(head, f);
    for (size_t i = 0; i < times; i++) fputs(part, f);
    fputs(tail, f);
    fclose(f);
    return text;
}

static void attempt(const char *head, const char *part, size_t times, const char *tail, const char *words)
{
    bp__expr *e;
    char *text = repeated(head, part, times, tail);
    if (words)
        FAILS(create(text, &e), BP_EINVAL, words);
    else
        MUST(create(text, &e));
    bp__expr_destroy(&e);
    free(text);
}

static void hostile(void)
{
    attempt("", "1+", 499, "1", NULL);
    attempt("", "(", 99, "1", "is missing");
    attempt("", "(", 101, "1", "nested too deeply");
    attempt("", "-", 999, "1", "nested too deeply");
    attempt("", "not ", 249, "1", "nested too deeply");
    attempt("", "1 or 1 and 1 < 1 + 1 * (", 40, "1", "nested too deeply");
    attempt("", "1+", 500, "1", "more than 1000");
    attempt("", "(", 1000000, "1", "more than 1000");
    attempt("fast", " ", 996, "", NULL);
    attempt("", "fast<slow and ", 71, "1", NULL);
    attempt("", "a", 1000, "", "there is no 'aaa");
    attempt("fast < ", "9", 993, "", "is not a number");
    /* what is shown of a long text is about the place that is wrong */
    attempt("", "fast < slow and ", 30, "fast < slw",
            "...ow and fast < slow and fast < slw': column 488: there is no 'slw'");

    static const char *const piece[] = {"fast", "side",  "==",  "both", "(",  ")",     "-",
                                        "not ", " and ", "1e5", "'",    "<",  "*",     "!",
                                        "\377", " ",     "or",  ".",    "e+", "\"x\"", "0"};
    for (int round = 0; round < 20000; round++) {
        char text[256] = "";
        for (uint64_t n = draw(&seed, 20); n > 0; n--)
            strcat(text, piece[draw(&seed, sizeof piece / sizeof *piece)]);
        bp__expr *e;
        if (create(text, &e) == BP_OK) (void)bp__expr_value(e, values);
        bp__expr_destroy(&e);
        if (bp__expr_create("--where", text, NULL, 0, &e) == BP_OK) (void)bp__expr_value(e, values);
        bp__expr_destroy(&e);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"what they mean", meaning}, {"what is refused", refused},   {"any name", any_name},
        {"properties", properties},  {"random trees", random_trees}, {"hostile texts", hostile},
        CU_TEST_INFO_NULL,
    };
    return suite_main("expr", tests);
}
