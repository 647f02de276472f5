#include "search/rerun.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "search/list.h"

/* What is there ----------------------------------------------------------------------------------- */

bp_status bp__rerun_read(const char *path, bp__rerun *r)
{
    *r = (bp__rerun){0};
    BP_TRY(bp__table_read(path, &r->table));
    bp_status s = bp__result_origin_read(path, &r->origin);
    return s == BP_ENOTFOUND ? BP_OK : s;
}

void bp__rerun_fini(bp__rerun *r)
{
    bp__table_fini(&r->table);
    bp__result_origin_fini(&r->origin);
    free(r->row);
    *r = (bp__rerun){0};
}

/* Old numbers may follow other rules: only what was searched is of interest. */
static bp_status read_any_rules(const char *path, const char *text, bp__spec *spec)
{
    char *copy = strdup(text), *line = copy ? strstr(copy, "\nresults ") : NULL;
    if (!copy) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    if (line) {
        const char *next = line + 1 + strcspn(line + 1, "\n");
        memmove(line, next, strlen(next) + 1);
    }
    bp_status s = bp__spec_read(path, copy, spec);
    free(copy);
    return s;
}

/* What the rows, and the other options, will say. */
static void forget_grid(bp__spec *old)
{
    unsigned sharpe, column;
    bp__grid_fini(&old->grid);
    bp__expr_destroy(&old->where);
    free(old->bundle);
    old->bundle = NULL;
    old->num_bundles = 0;
    old->several = false;
    old->strategy[0] = old->plugin[0] = '\0';
    free(old->pieces);
    old->pieces = NULL;
    if (bp__metric_find("sharpe", strlen("sharpe"), &sharpe) && bp__spec_has(old, sharpe, &column) &&
        column < old->num_columns)
        old->ranking.column = column;
}

bp_status bp__rerun_preset(const bp__rerun *r, bp__spec *spec)
{
    bp__spec old;
    if (!r->origin.text) return BP_OK;
    bp_status s = read_any_rules(r->table.path, r->origin.text, &old);
    if (s == BP_OK) {
        forget_grid(&old);
        old.slice = old.num_slices = 1;
        bp__spec_fini(spec);
        *spec = old;
    } else {
        bp__spec_fini(&old);
    }
    return s;
}

/* Combinations ------------------------------------------------------------------------------------ */

/* The file's columns of the strategy's parameters. */
typedef struct columns {
    unsigned at[BP_STRATEGY_MAX_PARAMS]; /* NOT_THERE: the file does not have it */
} columns;

#define NOT_THERE (~0u)

static const bp_param *param_of(const bp__grid *grid, unsigned axis)
{
    return &grid->axis[axis].param;
}

static bp_status match_parameters(const bp__table *t, const bp__grid *grid, columns *c)
{
    for (unsigned a = 0; a < grid->num_axes; a++) c->at[a] = NOT_THERE;
    for (unsigned p = 0; p < t->num_params; p++) {
        unsigned a = 0;
        while (a < grid->num_axes && strcmp(param_of(grid, a)->name, t->param[p]) != 0) a++;
        if (a == grid->num_axes)
            BP_FAIL(BP_EINVAL, "--from: %.160s has a parameter '%.40s', which the strategy does not have",
                    t->path, t->param[p]);
        c->at[a] = p;
    }
    return BP_OK;
}

static bp_status read_cell(const bp__table *t, uint64_t row, const bp_param *param, const bp__cell *cell,
                           double *value)
{
    char number[32], why[BP_ERROR_TEXT_MAX];
    const char *typed = cell->word ? cell->word : bp__number_text(cell->number, number);
    bp_status s = bp__list_value(param, typed, strlen(typed), value);
    if (s == BP_OK) return s;
    snprintf(why, sizeof why, "%s", bp_error_text());
    return bp__fail(s, "%.160s, line %" PRIu64 ": %s", t->path, t->line[row], why);
}

static bp_status read_params(const bp__table *t, uint64_t row, const bp__grid *grid, const columns *c,
                             double *params)
{
    for (unsigned a = 0; a < grid->num_axes; a++) {
        params[a] = param_of(grid, a)->fallback;
        if (c->at[a] != NOT_THERE)
            BP_TRY(
                read_cell(t, row, param_of(grid, a), &t->cell[row * t->num_params + c->at[a]], &params[a]));
    }
    return BP_OK;
}

/* Rating ------------------------------------------------------------------------------------------ */

/* Number of a row's bundle in the new search. A file without a column bundle is of whichever is tested.
 * @return false: it is not tested */
static bool bundle_of(const bp__table *t, uint64_t row, const bp__spec *spec, uint64_t *bundle)
{
    *bundle = 0;
    if (!t->several) return true;
    while (*bundle < spec->num_bundles && strcmp(spec->bundle[*bundle], t->bundle[row]) != 0) ++*bundle;
    return *bundle < spec->num_bundles;
}

static bool is_ranked_by(const bp__ranking *r, unsigned metric, const bp__spec *spec)
{
    if (r->having && bp__expr_uses(r->having, metric)) return true;
    return r->objective ? bp__expr_uses(r->objective, metric) : spec->metric[r->column] == metric;
}

/* What is ranked by has to be in the file. */
static bp_status check_metrics(const bp__table *t, const bp__spec *spec)
{
    for (unsigned m = 0; m < BP__NUM_METRICS; m++) {
        unsigned column;
        if (!is_ranked_by(&spec->ranking, m, spec) || bp__table_column(t, m, &column)) continue;
        BP_FAIL(BP_ENOTFOUND,
                "--from: %.160s has no column %s, by which the best are chosen; give another --objective",
                t->path, bp__metric_at(m)->name);
    }
    return BP_OK;
}

/* A row's metrics as the new search keeps them. */
static void values_of(const bp__table *t, uint64_t row, const bp__spec *spec, double *value)
{
    for (unsigned k = 0; k < spec->num_metrics; k++) {
        unsigned column;
        value[k] =
            bp__table_column(t, spec->metric[k], &column) ? t->value[row * t->num_metrics + column] : NAN;
    }
}

typedef struct candidate {
    bp__rated rated; /* its task is the number in the list of all candidates, which is the grid meanwhile */
    uint64_t row, bundle;
} candidate;

static int by_rating(const void *a, const void *b, void *spec)
{
    return bp__ranking_compare(spec, &((const candidate *)a)->rated, &((const candidate *)b)->rated);
}

/* All rows that are done and of a bundle that is tested, as a grid, and how they are rated. */
static bp_status find_candidates(const bp__table *t, bp__spec *spec, candidate *c, uint64_t *count)
{
    const unsigned axes = spec->grid.num_axes;
    columns at;
    double value[BP__NUM_METRICS];
    BP_TRY(match_parameters(t, &spec->grid, &at));
    double *params = calloc(t->num_rows + 1, (axes ? axes : 1) * sizeof *params);
    if (!params) BP_FAIL(BP_ENOMEM, "--from: no memory for %" PRIu64 " rows", t->num_rows);
    bp_status s = BP_OK;
    uint64_t n = 0;
    for (uint64_t row = 0; s == BP_OK && row < t->num_rows; row++) {
        if (t->outcome[row] != BP__DONE || !bundle_of(t, row, spec, &c[n].bundle)) continue;
        s = read_params(t, row, &spec->grid, &at, params + n * axes);
        c[n++].row = row;
    }
    if (s == BP_OK && n == 0)
        s = bp__fail(BP_EINVAL, "--from: no row of %.160s is done%s", t->path,
                     t->several ? " and of a bundle that is tested" : "");
    if (s == BP_OK) s = bp__list_make(&spec->grid, params, n);
    free(params);
    BP_TRY(s);
    for (uint64_t i = 0; i < n; i++) {
        values_of(t, c[i].row, spec, value);
        if (bp__ranking_rate(spec, i, value, &c[i].rated)) c[(*count)++] = c[i];
    }
    if (*count == 0) BP_FAIL(BP_EINVAL, "--from: no row of %.160s has what --having asks for", t->path);
    qsort_r(c, *count, sizeof *c, by_rating, spec);
    return BP_OK;
}

/* Number of a combination in a list, to which it is added if it is new; of one bundle it always is. */
static uint64_t number_of(double *list, uint64_t *count, unsigned axes, const double *params, bool several)
{
    for (uint64_t i = 0; several && i < *count; i++)
        if (memcmp(list + i * axes, params, axes * sizeof *list) == 0) return i;
    memcpy(list + *count * axes, params, axes * sizeof *list);
    return (*count)++;
}

/* The best become the grid; over several bundles a combination is there once. */
static bp_status list_best(bp__rerun *r, const candidate *c, uint64_t count, bp__spec *spec)
{
    const unsigned axes = spec->grid.num_axes;
    double params[BP_STRATEGY_MAX_PARAMS];
    double *list = calloc(count, (axes ? axes : 1) * sizeof *list);
    r->row = calloc(count, sizeof *r->row);
    if (!list || !r->row) {
        free(list);
        BP_FAIL(BP_ENOMEM, "--from: no memory for %" PRIu64 " rows", count);
    }
    uint64_t combinations = 0;
    for (r->num_rows = 0; r->num_rows < count; r->num_rows++) {
        const candidate *best = &c[r->num_rows];
        bp__grid_at(&spec->grid, best->rated.task, params);
        const uint64_t number = number_of(list, &combinations, axes, params, spec->num_bundles > 1);
        r->row[r->num_rows] = (bp__rerun_row){.row = best->row, .task = number, .old = best->rated.objective};
    }
    for (uint64_t i = 0; i < count; i++) r->row[i].task += c[i].bundle * combinations;
    bp_status s = bp__list_make(&spec->grid, list, combinations);
    free(list);
    return s;
}

bp_status bp__rerun_pick(bp__rerun *r, uint64_t index, const char *bundle, bp__spec *spec)
{
    const bp__table *t = &r->table;
    columns at;
    double params[BP_STRATEGY_MAX_PARAMS];
    uint64_t found = t->num_rows;
    for (uint64_t row = 0; row < t->num_rows; row++) {
        if (t->index[row] != index || (t->several && bundle && strcmp(t->bundle[row], bundle) != 0)) continue;
        if (found < t->num_rows)
            BP_FAIL(BP_EINVAL,
                    "--row: %.160s has the index %" PRIu64 " in the lines %" PRIu64 " and %" PRIu64
                    "; say by --bundle which is meant",
                    t->path, index, t->line[found], t->line[row]);
        found = row;
    }
    if (found == t->num_rows)
        BP_FAIL(BP_EINVAL, "--row: %.160s has no row with the index %" PRIu64, t->path, index);
    BP_TRY(match_parameters(t, &spec->grid, &at));
    BP_TRY(read_params(t, found, &spec->grid, &at, params));
    r->picked = found;
    return bp__list_make(&spec->grid, params, 1);
}

bp_status bp__rerun_choose(bp__rerun *r, uint64_t top, bp__spec *spec)
{
    uint64_t count = 0;
    BP_TRY(check_metrics(&r->table, spec));
    candidate *c = calloc(r->table.num_rows + 1, sizeof *c);
    if (!c) BP_FAIL(BP_ENOMEM, "--from: no memory for %" PRIu64 " rows", r->table.num_rows);
    bp_status s = find_candidates(&r->table, spec, c, &count);
    if (s == BP_OK) s = list_best(r, c, count < top ? count : top, spec);
    free(c);
    return s;
}

/* Then and now ------------------------------------------------------------------------------------ */

typedef struct standing {
    bp__rated rated; /* its task is the rank then, from 0 */
    unsigned char outcome;
} standing;

/* What is not done now comes last. */
static int by_standing(const void *x, const void *y, void *spec)
{
    const standing *a = x, *b = y;
    const bool done = a->outcome == BP__DONE;
    if (done != (b->outcome == BP__DONE)) return done ? -1 : 1;
    return bp__ranking_compare(spec, &a->rated, &b->rated);
}

bp_status bp__rerun_now_ranked(const bp__rerun *r, const bp__results *results, bp__rerun_now **now)
{
    const bp__spec *spec = results->spec;
    standing *s = calloc(r->num_rows + 1, sizeof *s);
    *now = calloc(r->num_rows + 1, sizeof **now);
    if (!s || !*now) {
        free(s);
        BP_FAIL(BP_ENOMEM, "--from: no memory for %" PRIu64 " rows", r->num_rows);
    }
    for (uint64_t i = 0; i < r->num_rows; i++) {
        const uint64_t task = r->row[i].task;
        s[i].outcome = results->outcome[task];
        s[i].rated = (bp__rated){.task = i, .objective = NAN};
        if (s[i].outcome == BP__DONE)
            bp__ranking_rate(spec, i, bp__results_values(results, task), &s[i].rated);
    }
    qsort_r(s, r->num_rows, sizeof *s, by_standing, (void *)(uintptr_t)spec);
    for (uint64_t i = 0; i < r->num_rows; i++)
        (*now)[i] = (bp__rerun_now){
            .then = s[i].rated.task, .outcome = s[i].outcome, .objective = s[i].rated.objective};
    free(s);
    return BP_OK;
}
