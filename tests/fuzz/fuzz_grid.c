/* What is typed for a search: values of parameters, conditions, metrics; and the text of a search, as a journal has it.
 * What is accepted can be shown, and means the same when it is typed again as it is shown.
 *
 * An input is lines. The first byte of each says what the rest is: 'p' an option --param, 'l' a line of a list of values in
 * a file, 'w' a condition, 'm' a list of metrics; in a file that begins with "program" all of it is a search.
 */
#include <math.h>

#include "file.h"
#include "search/ranking.h"
#include "search/spec.h"

#define MOST_VALUES 2000 /* more of them say nothing new, and take long */

static const char *const words[] = {"low", "high", "none", NULL};
static const bp_param params[] = {
    {.name = "fast", .kind = BP_PARAM_INTEGER, .fallback = 10, .min = 1, .max = 1e9},
    {.name = "share", .kind = BP_PARAM_REAL, .fallback = 0.5, .min = -1e300, .max = 1e300},
    {.name = "kind", .kind = BP_PARAM_WORD, .fallback = 1, .words = words}};
enum { NUM_PARAMS = sizeof params / sizeof *params };
static const bp_strategy strategy = {
    .size = sizeof strategy, .name = "fuzz", .param = params, .num_params = NUM_PARAMS};

static void new_spec(bp__spec *spec)
{
    bp__spec_init(spec);
    FUZZ_HOLDS(bp__spec_set_strategy(spec, &strategy, "") == BP_OK);
}

/* Whether a range has so many values that it takes long: the count is limited, but at millions. */
static bool is_long(const char *text)
{
    double part[3] = {0, 0, 1};
    const char *colon = strchr(text, ':');
    if (!colon) return false;
    const char *from = strchr(text, '=');
    from = from ? from + 1 : text;
    if (strncmp(from, "log:", 4) == 0) from += 4;
    for (int i = 0; i < 3 && from; i++) {
        part[i] = strtod(from, NULL);
        from = strchr(from, ':');
        if (from) from++;
    }
    const double n = fabs((part[1] - part[0]) / part[2]);
    return !(n < MOST_VALUES) || fabs(part[2]) >= MOST_VALUES;
}

/* Each value, as it is shown, is the same value when it is typed. */
static void type_again(const bp__axis *axis)
{
    for (uint64_t i = 0; i < axis->count && i < 50; i++) {
        char shown[32], option[80];
        bp__values again;
        snprintf(option, sizeof option, "%s", bp__axis_text(axis, axis->value[i], shown));
        FUZZ_HOLDS(bp__values_read(option, option, &axis->param, &again) == BP_OK);
        FUZZ_HOLDS(again.count == 1 && again.value[0] == axis->value[i]);
        FUZZ_HOLDS(axis->words || (again.value[0] >= axis->param.min && again.value[0] <= axis->param.max));
        free(again.value);
    }
}

static void try_param(bp__spec *spec, const char *text)
{
    char shown[200];
    double value[NUM_PARAMS];
    if (is_long(text) || strchr(text, '@')) return; /* a file is tried by a list */
    const uint64_t before = spec->grid.size;
    if (bp__grid_set(&spec->grid, text) != BP_OK) {
        FUZZ_HOLDS(spec->grid.size == before && *bp_error_text());
        return;
    }
    FUZZ_HOLDS(spec->grid.size >= 1 && spec->grid.size <= BP__MAX_COMBINATIONS);
    for (unsigned i = 0; i < NUM_PARAMS; i++) type_again(&spec->grid.axis[i]);
    bp__grid_at(&spec->grid, spec->grid.size - 1, value);
    for (unsigned i = 0; i < NUM_PARAMS; i++)
        FUZZ_HOLDS(value[i] == spec->grid.axis[i].value[spec->grid.axis[i].count - 1]);
    FUZZ_HOLDS(strlen(bp__grid_text(&spec->grid, spec->grid.size / 2, shown, sizeof shown)) < sizeof shown);
}

static void try_list(const char *list)
{
    char option[80];
    bp__values values;
    for (const char *line = list; line; line = strchr(line + 1, '\n'))
        if (is_long(line)) return;
    snprintf(option, sizeof option, "@%s", fuzz_file(list, strlen(list)));
    if (bp__values_read(option, option, &params[1], &values) != BP_OK) return;
    for (uint64_t i = 0; i < values.count; i++) FUZZ_HOLDS(isfinite(values.value[i]));
    free(values.value);
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void try_condition(const char *text)
{
    static const bp__expr_name name[] = {{"fast", NULL}, {"share", NULL}, {"kind", words}};
    static const double values[][3] = {{5, 0.25, 0}, {0, -1, 2}, {1e300, NAN, 1}};
    bp__expr *expr, *again;
    if (bp__expr_create("--where", text, name, 3, &expr) != BP_OK) {
        FUZZ_HOLDS(expr == NULL && strstr(bp_error_text(), "--where"));
        return;
    }
    FUZZ_HOLDS(bp__expr_create("--where", bp__expr_text(expr), name, 3, &again) == BP_OK);
    FUZZ_HOLDS(strcmp(bp__expr_text(expr), bp__expr_text(again)) == 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        FUZZ_HOLDS(same(bp__expr_value(expr, values[i]), bp__expr_value(again, values[i])));
        const double value = bp__expr_value(expr, values[i]);
        FUZZ_HOLDS(bp__expr_holds(expr, values[i]) == (value != 0 && !isnan(value)));
    }
    bp__expr_destroy(&expr);
    bp__expr_destroy(&again);
}

static void try_metrics(const char *text)
{
    bp__spec spec;
    new_spec(&spec);
    if (bp__spec_set_metrics(&spec, text) == BP_OK)
        FUZZ_HOLDS(spec.num_columns > 0 && spec.num_columns <= spec.num_metrics &&
                   spec.num_metrics <= BP__NUM_METRICS);
    bp__spec_fini(&spec);
}

/* The text of a search that was read is one of the same search. */
static void try_spec(const char *text)
{
    bp__spec spec, again;
    char *written, *rewritten;
    for (const char *line = text; line; line = strchr(line + 1, '\n'))
        if (is_long(line)) return;
    if (bp__spec_read("fuzz.journal", text, &spec) == BP_OK) {
        FUZZ_HOLDS(bp__spec_text(&spec, &written) == BP_OK);
        FUZZ_HOLDS(bp__spec_read("fuzz.journal", written, &again) == BP_OK);
        FUZZ_HOLDS(bp__spec_text(&again, &rewritten) == BP_OK);
        FUZZ_HOLDS(strcmp(written, rewritten) == 0);
        bp__spec_fini(&again);
        free(written);
        free(rewritten);
    } else {
        FUZZ_HOLDS(strstr(bp_error_text(), "fuzz.journal"));
    }
    bp__spec_fini(&spec);
}

static void try_line(bp__spec *spec, char *line, fuzz_pen *list)
{
    if (*line == 'p') try_param(spec, line + 1);
    if (*line == 'w') try_condition(line + 1);
    if (*line == 'm') try_metrics(line + 1);
    if (*line != 'l' || strlen(line) >= FUZZ_SEED_MAX - 2 - list->size) return;
    fuzz_put(list, line + 1, strlen(line + 1));
    fuzz_put_byte(list, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t lines[FUZZ_SEED_MAX];
    fuzz_tape tape = {bytes, size};
    fuzz_pen list = {lines, 0};
    bp__spec spec;
    char *line = fuzz_text(bytes, size);
    const bool whole = strncmp(line, "program", 7) == 0;
    if (whole) try_spec(line);
    free(line);
    if (whole) return 0;
    new_spec(&spec);
    while ((line = fuzz_take_line(&tape))) {
        try_line(&spec, line, &list);
        free(line);
    }
    bp__spec_fini(&spec);
    fuzz_put_byte(&list, 0);
    if (list.size > 1) try_list((const char *)lines);
    return 0;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const char *const texts[] = {
        "pfast=5:50:5\npshare=0.1:0.5:0.1,7\npkind=low,none\n",
        "pshare=log:1e-4:0.1:7\npfast=9,8,9,7\nwfast < 10 and not (share*2 >= -1e3/fast or kind == 'low')\n",
        "l1,2,3\nl0.5:1.5:.25 # half\nl\nl# none\n",
        "msharpe,trades\nmreturn\nwkind != high\nwfast\npkind=\n",
        "pshare=1:0:-0.125\npshare=-0,+1e300,.5,5.\npfast=1e3\n"};
    static const bp__bundle_name bundle = "demo";
    if (number < sizeof texts / sizeof *texts) return FUZZ_TEXTS(texts, number, bytes);
    if (number > sizeof texts / sizeof *texts) return 0;
    fuzz_pen pen = {bytes, 0};
    bp__spec spec;
    char *text;
    new_spec(&spec);
    spec.bundle = fuzz_copy(&bundle, sizeof bundle);
    spec.num_bundles = 1;
    FUZZ_HOLDS(bp__grid_set(&spec.grid, "fast=5:50:5") == BP_OK);
    FUZZ_HOLDS(bp__grid_set(&spec.grid, "kind=low,none") == BP_OK);
    FUZZ_HOLDS(bp__spec_set_where(&spec, "fast < 30") == BP_OK);
    FUZZ_HOLDS(bp__spec_text(&spec, &text) == BP_OK);
    fuzz_put(&pen, text, strlen(text));
    free(text);
    bp__spec_fini(&spec);
    return pen.size;
}
