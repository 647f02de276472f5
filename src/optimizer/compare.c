#include "optimizer/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/number.h"
#include "core/text.h"
#include "optimizer/columns.h"
#include "search/compare.h"

#define TEXT_MAX 512

static const char *const side_names[] = {"A", "B"};
static const char *const outcomes[] = {"pending", "done", "skipped", "failed"};

/* The row of a combination in the other file: NULL where it is done there; else why it has no rank. */
static const char *why_not_ranked(const bp__comparison *c, int side, uint64_t row)
{
    if (row == BP__NO_TASK) return "missing";
    const unsigned char outcome = c->side[side].table.outcome[row];
    return outcome == BP__DONE ? NULL : outcomes[outcome];
}

static void objective_cell(bp__columns *t, const bp__comparison *c, double value)
{
    static const bp__metric ratio = {.kind = BP__RATIO};
    unsigned metric;
    const bool is_metric = bp__metric_find(c->objective, strlen(c->objective), &metric);
    bp__columns_metric(t, is_metric ? bp__metric_at(metric) : &ratio, value);
}

/* Text -------------------------------------------------------------------------------------------- */

static void print_side(const bp__comparison *c, int side)
{
    const bp__compared *x = &c->side[side];
    bp__text_line(stdout, "%s: %s%s%s%s%s: %" PRIu64 " done, %" PRIu64 " skipped, %" PRIu64 " failed",
                  side_names[side], x->table.path, *x->strategy ? ": " : "", x->strategy,
                  x->bundles ? " over " : "", x->bundles ? x->bundles : "", x->done, x->skipped, x->failed);
    if (x->origin.text && x->origin.changed) printf("   (the file is not as its search has written it)\n");
}

static bp_status print_differences(const bp__comparison *c)
{
    bp__columns t = {.left = {true, true, true}};
    if (!c->knows_origins) {
        bp__text_line(stdout, "what differs in the searches: not known, there is no %s" BP__ORIGIN_SUFFIX,
                      c->side[c->side[0].origin.text ? 1 : 0].table.path);
        return BP_OK;
    }
    if (c->num_differences == 0) {
        printf("what differs in the searches: nothing\n");
        return BP_OK;
    }
    printf("what differs in the searches:\n");
    bp__columns_cell(&t, "%s", "");
    for (int s = 0; s < 2; s++) bp__columns_cell(&t, "%s", side_names[s]);
    bp__columns_end_header(&t);
    for (size_t i = 0; i < c->num_differences; i++) {
        bp__columns_cell(&t, "%s", c->difference[i].what);
        bp__columns_cell(&t, "%s", c->difference[i].a);
        bp__columns_cell(&t, "%s", c->difference[i].b);
    }
    return bp__columns_print(stdout, &t, 2);
}

static void best_cells(bp__columns *t, const bp__comparison *c, int side, uint64_t row)
{
    const bp__compared *x = &c->side[side];
    const char *why = why_not_ranked(c, side, row);
    if (why) {
        bp__columns_cell(t, "%s", why);
        bp__columns_cell(t, "-");
    } else {
        bp__columns_cell(t, "%" PRIu64 " of %" PRIu64, x->rank[row], x->done);
        objective_cell(t, c, x->value[row]);
    }
}

static bp_status print_best(const bp__comparison *c)
{
    bp__columns t = {.left = {true, true}};
    char text[TEXT_MAX];
    bp__columns_cell(&t, "%s", "");
    bp__columns_cell(&t, "combination");
    for (int s = 0; s < 2; s++) {
        bp__columns_cell(&t, "rank in %s", side_names[s]);
        bp__columns_cell(&t, "%s", c->objective);
    }
    bp__columns_end_header(&t);
    for (int s = 0; s < 2; s++) {
        const bp__compared *x = &c->side[s];
        if (x->done == 0) continue;
        const uint64_t row = x->order[0];
        bp__columns_cell(&t, "best of %s", side_names[s]);
        bp__columns_cell(&t, "%s", bp__table_text(&x->table, row, text, sizeof text));
        for (int u = 0; u < 2; u++) best_cells(&t, c, u, u == s ? row : x->other[row]);
    }
    putchar('\n');
    return bp__columns_print(stdout, &t, 0);
}

static bp_status print(const bp__comparison *c)
{
    const uint64_t only_a = c->side[0].table.num_rows - c->both, only_b = c->side[1].table.num_rows - c->both;
    char number[32] = "undefined";
    for (int s = 0; s < 2; s++) print_side(c, s);
    BP_TRY(print_differences(c));
    printf("combinations: %" PRIu64 " in both, %" PRIu64 " in A only, %" PRIu64 " in B only\n", c->both,
           only_a, only_b);
    if (c->correlation == c->correlation) snprintf(number, sizeof number, "%.4f", c->correlation);
    bp__text_line(stdout, "rank correlation: %s (Spearman's, by %s, of %" PRIu64 " that are done in both)",
                  number, c->objective, c->ranked);
    printf("top %" PRIu64 ": %" PRIu64 " are among the top %" PRIu64 " of both\n", c->top, c->top_in_both,
           c->top);
    return print_best(c);
}

/* JSON -------------------------------------------------------------------------------------------- */

static void json_side(bp__json *j, const bp__comparison *c, int side)
{
    const bp__compared *x = &c->side[side];
    bp__json_open(j, side == 0 ? "a" : "b", '{');
    bp__json_text(j, "file", x->table.path);
    bp__json_bool(j, "known", x->origin.text != NULL);
    if (x->origin.text) {
        bp__json_bool(j, "changed", x->origin.changed);
        bp__json_text(j, "strategy", x->strategy);
        bp__json_text(j, "bundles", x->bundles);
    }
    bp__json_int(j, "done", (int64_t)x->done);
    bp__json_int(j, "skipped", (int64_t)x->skipped);
    bp__json_int(j, "failed", (int64_t)x->failed);
    bp__json_int(j, "only_here", (int64_t)(x->table.num_rows - c->both));
    bp__json_close(j, '}');
}

static void json_differences(bp__json *j, const bp__comparison *c)
{
    if (!c->knows_origins) return;
    bp__json_open(j, "differences", '[');
    for (size_t i = 0; i < c->num_differences; i++) {
        bp__json_open(j, NULL, '{');
        bp__json_text(j, "what", c->difference[i].what);
        bp__json_text(j, "a", c->difference[i].a);
        bp__json_text(j, "b", c->difference[i].b);
        bp__json_close(j, '}');
    }
    bp__json_close(j, ']');
}

static void json_rank(bp__json *j, const bp__comparison *c, int side, uint64_t row)
{
    const char *why = why_not_ranked(c, side, row);
    bp__json_open(j, side == 0 ? "a" : "b", '{');
    bp__json_text(j, "status", why ? why : "done");
    if (row != BP__NO_TASK) bp__json_int(j, "index", (int64_t)c->side[side].table.index[row]);
    if (!why) {
        bp__json_int(j, "rank", (int64_t)c->side[side].rank[row]);
        bp__json_number(j, "objective", c->side[side].value[row]);
    }
    bp__json_close(j, '}');
}

static void json_best(bp__json *j, const bp__comparison *c, int side)
{
    const bp__compared *x = &c->side[side];
    const bp__table *t = &x->table;
    if (x->done == 0) return;
    const uint64_t row = x->order[0];
    bp__json_open(j, side == 0 ? "best_of_a" : "best_of_b", '{');
    if (t->several) bp__json_text(j, "bundle", t->bundle[row]);
    bp__json_open(j, "parameters", '{');
    for (unsigned p = 0; p < t->num_params; p++) {
        const bp__cell *cell = &t->cell[row * t->num_params + p];
        if (cell->word)
            bp__json_text(j, t->param[p], cell->word);
        else
            bp__json_number(j, t->param[p], cell->number);
    }
    bp__json_close(j, '}');
    for (int u = 0; u < 2; u++) json_rank(j, c, u, u == side ? row : x->other[row]);
    bp__json_close(j, '}');
}

static void print_json(const bp__comparison *c)
{
    bp__json json = {.file = stdout}, *j = &json;
    bp__json_open(j, NULL, '{');
    for (int s = 0; s < 2; s++) json_side(j, c, s);
    json_differences(j, c);
    bp__json_int(j, "in_both", (int64_t)c->both);
    bp__json_text(j, "objective", c->objective);
    bp__json_int(j, "ranked", (int64_t)c->ranked);
    bp__json_number(j, "rank_correlation", c->correlation);
    bp__json_int(j, "top", (int64_t)c->top);
    bp__json_int(j, "top_in_both", (int64_t)c->top_in_both);
    for (int s = 0; s < 2; s++) json_best(j, c, s);
    bp__json_close(j, '}');
}

int bp__run_compare(const bp__options *o)
{
    bp__comparison c;
    bp_status s = bp__compare((const char *const[]){o->input[0], o->input[1]}, o->objective, o->top, &c);
    if (s == BP_OK && o->json)
        print_json(&c);
    else if (s == BP_OK)
        s = print(&c);
    if (s == BP_OK) s = bp__check_stdout();
    bp__comparison_fini(&c);
    return bp__failed(s) ? bp__program_error(bp__optimizer(), BP__EXIT_FAILED) : BP__EXIT_DONE;
}
