#include "optimizer/changes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/number.h"
#include "core/text.h"
#include "optimizer/columns.h"

static const char *const outcomes[] = {"pending", "done", "skipped", "failed", "elsewhere"};

static void objective_cell(bp__columns *t, const bp__spec *spec, double value)
{
    static const bp__metric ratio = {.kind = BP__RATIO};
    const bp__metric *metric = bp__ranking_metric(spec);
    bp__columns_metric(t, metric ? metric : &ratio, value);
}

/* Text -------------------------------------------------------------------------------------------- */

static void header(bp__columns *t, const bp__rerun *r, const bp__results *results)
{
    const char *objective = bp__ranking_metric(results->spec) ? bp__ranking_text(results->spec) : "objective";
    bp__columns_cell(t, "#");
    bp__columns_cell(t, "was");
    if (results->spec->several) bp__columns_cell(t, "bundle");
    for (unsigned p = 0; p < r->table.num_params; p++) bp__columns_cell(t, "%s", r->table.param[p]);
    bp__columns_cell(t, "%s then", objective);
    bp__columns_cell(t, "now");
    bp__columns_cell(t, "change");
    bp__columns_end_header(t);
}

static void fill(bp__columns *t, const bp__rerun *r, const bp__results *results, uint64_t rank,
                 const bp__rerun_now *now)
{
    const bp__rerun_row *row = &r->row[now->then];
    const bp__table *table = &r->table;
    char number[32];
    bp__columns_cell(t, "%" PRIu64, rank);
    bp__columns_cell(t, "%" PRIu64, now->then + 1);
    if (results->spec->several)
        bp__columns_cell(t, "%s", results->spec->bundle[row->task / results->spec->grid.size]);
    for (unsigned p = 0; p < table->num_params; p++) {
        const bp__cell *cell = &table->cell[row->row * table->num_params + p];
        bp__columns_cell(t, "%s", cell->word ? cell->word : bp__number_text(cell->number, number));
    }
    objective_cell(t, results->spec, row->old);
    if (now->outcome == BP__DONE)
        objective_cell(t, results->spec, now->objective);
    else
        bp__columns_cell(t, "%s", outcomes[now->outcome]);
    objective_cell(t, results->spec, now->objective - row->old);
}

bp_status bp__changes_print(FILE *file, const bp__rerun *r, const bp__results *results)
{
    bp__rerun_now *now = NULL;
    bp__columns t = {0};
    BP_TRY(bp__rerun_now_ranked(r, results, &now));
    fputc('\n', file);
    bp__text_line(file, "the best %" PRIu64 " of %s by %s, then and now", r->num_rows, r->table.path,
                  bp__ranking_text(results->spec));
    header(&t, r, results);
    for (uint64_t i = 0; i < r->num_rows; i++) fill(&t, r, results, i + 1, &now[i]);
    free(now);
    BP_TRY(bp__columns_print(file, &t, 0));
    fputc('\n', file);
    return BP_OK;
}

/* JSON -------------------------------------------------------------------------------------------- */

static void json_old(bp__json *j, const bp__table *t, uint64_t row)
{
    bp__json_open(j, "then", '{');
    for (unsigned k = 0; k < t->num_metrics; k++)
        bp__json_number(j, bp__metric_at(t->metric[k])->name, t->value[row * t->num_metrics + k]);
    bp__json_close(j, '}');
}

static void json_new(bp__json *j, const bp__results *results, uint64_t task)
{
    const bp__spec *spec = results->spec;
    bp__json_open(j, "now", '{');
    for (unsigned k = 0; results->outcome[task] == BP__DONE && k < spec->num_columns; k++)
        bp__json_number(j, bp__spec_metric(spec, k)->name, bp__results_values(results, task)[k]);
    bp__json_close(j, '}');
}

static void json_row(bp__json *j, const bp__rerun *r, const bp__results *results, uint64_t rank,
                     const bp__rerun_now *now)
{
    const bp__rerun_row *row = &r->row[now->then];
    const bp__table *t = &r->table;
    const uint64_t size = results->spec->grid.size;
    bp__json_open(j, NULL, '{');
    bp__json_int(j, "rank", (int64_t)rank);
    bp__json_int(j, "rank_then", (int64_t)now->then + 1);
    if (results->spec->several) bp__json_text(j, "bundle", results->spec->bundle[row->task / size]);
    bp__json_int(j, "index", (int64_t)(row->task % size));
    bp__json_int(j, "index_then", (int64_t)t->index[row->row]);
    bp__json_open(j, "parameters", '{');
    for (unsigned p = 0; p < t->num_params; p++) {
        const bp__cell *cell = &t->cell[row->row * t->num_params + p];
        if (cell->word)
            bp__json_text(j, t->param[p], cell->word);
        else
            bp__json_number(j, t->param[p], cell->number);
    }
    bp__json_close(j, '}');
    bp__json_text(j, "status", outcomes[now->outcome]);
    bp__json_number(j, "objective_then", row->old);
    bp__json_number(j, "objective", now->objective);
    bp__json_number(j, "change", now->objective - row->old);
    json_old(j, t, row->row);
    json_new(j, results, row->task);
    bp__json_close(j, '}');
}

bp_status bp__changes_json(bp__json *j, const bp__rerun *r, const bp__results *results)
{
    bp__rerun_now *now = NULL;
    BP_TRY(bp__rerun_now_ranked(r, results, &now));
    bp__json_open(j, "from", '{');
    bp__json_text(j, "file", r->table.path);
    bp__json_open(j, "rows", '[');
    for (uint64_t i = 0; i < r->num_rows; i++) json_row(j, r, results, i + 1, &now[i]);
    bp__json_close(j, ']');
    bp__json_close(j, '}');
    free(now);
    return BP_OK;
}
