#include "search/compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What both have ---------------------------------------------------------------------------------- */

/* Combinations in an order that both tables have: by bundle, then by the parameters of the first. */
typedef struct keys {
    const bp__compared *side;
    const unsigned *param; /* [num_params] where the first table's parameters are in this one */
    const char *bundle;    /* of all rows, where the table has no such column; NULL: bundles do not count */
    bool with_bundle;
} keys;

static const char *bundle_of(const keys *k, uint64_t row)
{
    return k->side->table.several ? k->side->table.bundle[row] : k->bundle;
}

static int compare_rows(const keys *x, uint64_t i, const keys *y, uint64_t j)
{
    const bp__table *a = &x->side->table, *b = &y->side->table;
    int c = x->with_bundle ? strcmp(bundle_of(x, i), bundle_of(y, j)) : 0;
    for (unsigned p = 0; c == 0 && p < a->num_params; p++)
        c = bp__cell_compare(&a->cell[i * a->num_params + x->param[p]],
                             &b->cell[j * b->num_params + y->param[p]]);
    return c;
}

static int by_key(const void *i, const void *j, void *context)
{
    const uint64_t x = *(const uint64_t *)i, y = *(const uint64_t *)j;
    const int c = compare_rows(context, x, context, y);
    return c ? c : x < y ? -1 : x > y;
}

/* @param[out] sorted  owned @retval BP_EINVAL  a combination is there twice */
static bp_status sort_rows(keys *k, uint64_t **sorted)
{
    const bp__table *t = &k->side->table;
    char text[160];
    *sorted = malloc((t->num_rows + 1) * sizeof **sorted);
    if (!*sorted) BP_FAIL(BP_ENOMEM, "%.200s: no memory to compare it", t->path);
    for (uint64_t row = 0; row < t->num_rows; row++) (*sorted)[row] = row;
    qsort_r(*sorted, t->num_rows, sizeof **sorted, by_key, k);
    for (uint64_t i = 1; i < t->num_rows; i++) {
        const uint64_t a = (*sorted)[i - 1], b = (*sorted)[i];
        if (compare_rows(k, a, k, b) == 0)
            BP_FAIL(BP_EINVAL, "%.200s, line %" PRIu64 ": the same combination (%s) as in line %" PRIu64,
                    t->path, t->line[b], bp__table_text(t, b, text, sizeof text), t->line[a]);
    }
    return BP_OK;
}

static void join_rows(bp__comparison *c, const keys k[2], const uint64_t *a, const uint64_t *b)
{
    bp__compared *x = &c->side[0], *y = &c->side[1];
    for (uint64_t i = 0, j = 0; i < x->table.num_rows && j < y->table.num_rows;) {
        const int order = compare_rows(&k[0], a[i], &k[1], b[j]);
        if (order == 0) {
            x->other[a[i]] = b[j];
            y->other[b[j]] = a[i];
            c->both++;
        }
        i += order <= 0;
        j += order >= 0;
    }
}

static bp_status other_parameters(const bp__comparison *c)
{
    char names[2][160] = {"none", "none"};
    for (int s = 0; s < 2; s++) {
        const bp__table *t = &c->side[s].table;
        for (unsigned p = 0, used = 0; p < t->num_params && used < sizeof names[s]; p++)
            used += (unsigned)snprintf(names[s] + used, sizeof names[s] - used, "%s%s", p ? ", " : "",
                                       t->param[p]);
    }
    BP_FAIL(
        BP_EINVAL,
        "%.80s has the parameters %s, %.80s has %s: no combination is in both; compare results of one strategy",
        c->side[0].table.path, names[0], c->side[1].table.path, names[1]);
}

/* Where the parameters of the first table are in the second one. */
static bp_status match_parameters(const bp__comparison *c, unsigned at[BP__TABLE_MAX_PARAMS])
{
    const bp__table *a = &c->side[0].table, *b = &c->side[1].table;
    for (unsigned p = 0; p < a->num_params; p++) {
        for (at[p] = 0; at[p] < b->num_params && strcmp(a->param[p], b->param[at[p]]) != 0;) at[p]++;
        if (at[p] == b->num_params) return other_parameters(c);
    }
    return a->num_params == b->num_params ? BP_OK : other_parameters(c);
}

/* Bundles count if one of the files has several: then the other's has to be known. */
static bp_status match_bundles(bp__comparison *c, keys k[2])
{
    const bool with = c->side[0].table.several || c->side[1].table.several;
    for (int s = 0; s < 2; s++) {
        k[s].with_bundle = with;
        k[s].bundle = c->side[s].bundles;
        if (with && !c->side[s].table.several && !k[s].bundle)
            BP_FAIL(
                BP_EINVAL,
                "%.160s: which bundle it is of is not known: it has no column bundle, and no %.160s" BP__ORIGIN_SUFFIX
                " beside it",
                c->side[s].table.path, c->side[s].table.path);
    }
    return BP_OK;
}

static bp_status match(bp__comparison *c)
{
    unsigned same[BP__TABLE_MAX_PARAMS], at[BP__TABLE_MAX_PARAMS];
    for (unsigned p = 0; p < BP__TABLE_MAX_PARAMS; p++) same[p] = p;
    BP_TRY(match_parameters(c, at));
    keys k[2] = {{.side = &c->side[0], .param = same}, {.side = &c->side[1], .param = at}};
    BP_TRY(match_bundles(c, k));
    uint64_t *a = NULL, *b = NULL;
    bp_status s = sort_rows(&k[0], &a);
    if (s == BP_OK) s = sort_rows(&k[1], &b);
    if (s == BP_OK) join_rows(c, k, a, b);
    free(a);
    free(b);
    return s;
}

/* Ranks ------------------------------------------------------------------------------------------- */

typedef struct ranked {
    double score[2], rank[2];
} ranked;

static int by_first(const void *x, const void *y)
{
    const double a = ((const ranked *)x)->score[0], b = ((const ranked *)y)->score[0];
    return a > b ? -1 : a < b;
}

static int by_second(const void *x, const void *y)
{
    const double a = ((const ranked *)x)->score[1], b = ((const ranked *)y)->score[1];
    return a > b ? -1 : a < b;
}

/* Ranks from 1; equal scores share the mean of theirs. */
static void give_ranks(ranked *r, uint64_t n, int side)
{
    qsort(r, n, sizeof *r, side == 0 ? by_first : by_second);
    for (uint64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && r[end].score[side] == r[i].score[side];) end++;
        for (uint64_t j = i; j < end; j++) r[j].rank[side] = 0.5 * (double)(i + 1 + end);
    }
}

/* Pearson's correlation of the ranks. */
static double correlate(const ranked *r, uint64_t n)
{
    const double mean = 0.5 * (double)(n + 1);
    double xx = 0, yy = 0, xy = 0;
    for (uint64_t i = 0; i < n; i++) {
        const double x = r[i].rank[0] - mean, y = r[i].rank[1] - mean;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static bp_status rank_correlation(bp__comparison *c)
{
    const bp__compared *a = &c->side[0], *b = &c->side[1];
    ranked *r = malloc((c->both + 1) * sizeof *r);
    if (!r) BP_FAIL(BP_ENOMEM, "no memory to rank %" PRIu64 " combinations", c->both);
    for (uint64_t row = 0; row < a->table.num_rows; row++) {
        const uint64_t other = a->other[row];
        if (other == BP__NO_TASK || isnan(a->score[row]) || isnan(b->score[other])) continue;
        r[c->ranked++] = (ranked){.score = {a->score[row], b->score[other]}};
    }
    give_ranks(r, c->ranked, 0);
    give_ranks(r, c->ranked, 1);
    c->correlation = correlate(r, c->ranked);
    free(r);
    return BP_OK;
}

static void count_top(bp__comparison *c, uint64_t top)
{
    const bp__compared *a = &c->side[0], *b = &c->side[1];
    c->top = top < a->done ? top : a->done;
    if (b->done < c->top) c->top = b->done;
    for (uint64_t i = 0; i < c->top; i++) {
        const uint64_t other = a->other[a->order[i]];
        c->top_in_both += other != BP__NO_TASK && b->rank[other] > 0 && b->rank[other] <= c->top;
    }
}

/* One file ---------------------------------------------------------------------------------------- */

static bp_status read_origin(bp__compared *side)
{
    bp_status s = bp__result_origin_read(side->table.path, &side->origin);
    if (s == BP_ENOTFOUND) return BP_OK;
    BP_TRY(s);
    const size_t size = strlen(side->origin.text) + 1;
    bp__result_origin_line(side->origin.text, "strategy", side->strategy, sizeof side->strategy);
    side->bundles = malloc(size);
    if (!side->bundles) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", side->table.path);
    bp__result_origin_line(side->origin.text, "bundle", side->bundles, size);
    return BP_OK;
}

static bp_status read_side(const char *path, bp__compared *side)
{
    bp__table *t = &side->table;
    BP_TRY(bp__table_read(path, t));
    BP_TRY(read_origin(side));
    side->rank = calloc(t->num_rows + 1, sizeof *side->rank);
    side->other = malloc((t->num_rows + 1) * sizeof *side->other);
    if (!side->rank || !side->other) BP_FAIL(BP_ENOMEM, "%.200s: no memory to compare it", path);
    for (uint64_t row = 0; row < t->num_rows; row++) {
        side->other[row] = BP__NO_TASK;
        side->skipped += t->outcome[row] == BP__SKIPPED;
        side->failed += t->outcome[row] == BP__FAILED;
    }
    return BP_OK;
}

static bp_status rank_side(bp__compared *side, const char *objective)
{
    BP_TRY(bp__table_score(&side->table, objective, &side->value, &side->score));
    BP_TRY(bp__table_rank(&side->table, side->score, &side->order, &side->done));
    for (uint64_t i = 0; i < side->done; i++) side->rank[side->order[i]] = i + 1;
    return BP_OK;
}

bp_status bp__compare(const char *const path[2], const char *objective, uint64_t top, bp__comparison *c)
{
    *c = (bp__comparison){.correlation = NAN};
    for (int s = 0; s < 2; s++) BP_TRY(read_side(path[s], &c->side[s]));
    BP_TRY(match(c));
    c->objective = objective ? objective : bp__table_objective(&c->side[0].table);
    BP_TRY(rank_side(&c->side[0], c->objective));
    BP_TRY(rank_side(&c->side[1], c->objective));
    BP_TRY(rank_correlation(c));
    count_top(c, top);
    c->knows_origins = c->side[0].origin.text && c->side[1].origin.text;
    if (!c->knows_origins) return BP_OK;
    return bp__result_origin_differences(&c->side[0].origin, &c->side[1].origin, &c->difference,
                                         &c->num_differences);
}

void bp__comparison_fini(bp__comparison *c)
{
    for (int s = 0; s < 2; s++) {
        bp__compared *side = &c->side[s];
        bp__table_fini(&side->table);
        bp__result_origin_fini(&side->origin);
        free(side->bundles);
        free(side->value);
        free(side->score);
        free(side->order);
        free(side->rank);
        free(side->other);
    }
    free(c->difference);
    *c = (bp__comparison){0};
}
