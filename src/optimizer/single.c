#include "optimizer/single.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/json.h"
#include "core/replace.h"
#include "core/text.h"
#include "optimizer/columns.h"
#include "optimizer/guard.h"
#include "optimizer/report.h"
#include "optimizer/sheets.h"
#include "search/origin.h"
#include "search/single.h"

#define HASH_DIGITS 12

/* Files ------------------------------------------------------------------------------------------- */

static bp__sheet_form form_of(const char *path)
{
    const size_t n = path ? strlen(path) : 0;
    if (!path) return BP__SHEET_NONE;
    return n >= 5 && strcmp(path + n - 5, ".json") == 0 ? BP__SHEET_JSON : BP__SHEET_CSV;
}

bp_status bp__check_sheets(const bp__options *o)
{
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++) {
        const char *path = o->sheet[k];
        char option[32];
        if (!path) continue;
        snprintf(option, sizeof option, "--%s", bp__sheet_name((bp__sheet_kind)k));
        if (!*path) BP_FAIL(BP_EINVAL, "%s: '' is not the name of a file", option);
        BP_TRY(bp__result_origin_check_plain(
            option, path, form_of(path) == BP__SHEET_CSV ? bp__sheet_header((bp__sheet_kind)k) : "[",
            o->replace));
        BP_TRY(bp__results_check_path(option, path));
    }
    return BP_OK;
}

/* Rows end like lines. */
static bp_status write_sheet(const char *path, const bp__sheet *sheet)
{
    if (sheet->form == BP__SHEET_CSV) return bp__replace_file(path, sheet->text, sheet->size);
    char *text = NULL;
    const int n = asprintf(&text, "%s\n", sheet->text);
    if (n < 0) BP_FAIL(BP_ENOMEM, "%.200s: no memory for its text", path);
    bp_status s = bp__replace_file(path, text, (size_t)n);
    free(text);
    return s;
}

/* A run ------------------------------------------------------------------------------------------- */

static bp_status make_sheets(bp__single *single, uint64_t combination,
                             const bp__sheet_form form[BP__NUM_SHEETS], bp__sheets *sheets,
                             bp__record *record)
{
    BP_TRY(bp__sheets_init(form, single->scope, single->spec->account.cash, sheets));
    bp__guard_enter(NULL, &combination, 1);
    bp_status s = bp__single_run(single, combination, &sheets->ledger, record);
    bp__guard_leave(NULL);
    BP_TRY(s);
    return bp__sheets_end(sheets);
}

static bp_status write_files(const bp__options *o, bp__single *single, uint64_t combination,
                             bp__sheets *sheets, bp__record *record)
{
    bp__sheet_form form[BP__NUM_SHEETS];
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++) form[k] = form_of(o->sheet[k]);
    BP_TRY(make_sheets(single, combination, form, sheets, record));
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++)
        if (o->sheet[k]) BP_TRY(write_sheet(o->sheet[k], &sheets->sheet[k]));
    return BP_OK;
}

bp_status bp__write_sheets(const bp__options *o, uint64_t bundle, uint64_t combination, const char *content)
{
    bp__single single;
    bp__sheets sheets = {0};
    bp__record record;
    bp_status s = bp__single_open(&o->spec, o->conduct.cfg.root, bundle, true, &single);
    if (s == BP_OK && strcmp(single.content_hash, content) != 0)
        s = bp__fail(
            BP_ECHANGED,
            "bundle %s has been replaced since it was tested: what the best run did is not written; see "
            "'optimizer run'",
            o->spec.bundle[bundle]);
    if (s == BP_OK) s = write_files(o, &single, combination, &sheets, &record);
    bp__sheets_fini(&sheets);
    bp__single_close(&single);
    return s;
}

/* Telling ----------------------------------------------------------------------------------------- */

static void print_head(const bp__single *single)
{
    char first[32], last[32], text[512];
    const bp__spec *spec = single->spec;
    bp__text_line(stdout, "bundle: %s, content %.*s, symbols and dates %.*s", spec->bundle[0], HASH_DIGITS,
                  single->content_hash, HASH_DIGITS, single->computed_hash);
    bp__text_line(stdout, "scope: %zu assets, %zu sessions, %s to %s", bp__scope_num_assets(single->scope),
                  bp__scope_num_sessions(single->scope),
                  bp__day_text(bp__scope_first_session(single->scope), first),
                  bp__day_text(bp__scope_last_session(single->scope), last));
    bp__text_line(stdout, "run: %s %s", spec->strategy, bp__grid_text(&spec->grid, 0, text, sizeof text));
    bp__report_costs(stdout, &spec->account);
    bp__report_doubts(stdout, spec->bundle[0], &single->doubts);
}

static bp_status print_metrics(const bp__metrics *metrics)
{
    bp__columns t = {.left = {true, false, true}};
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        bp__columns_cell(&t, "%s", bp__metric_at(i)->name);
        bp__columns_metric(&t, bp__metric_at(i), bp__metric_value(metrics, i));
        bp__columns_cell(&t, "%s", bp__metric_at(i)->help);
        if (i == 0) bp__columns_end_header(&t);
    }
    return bp__columns_print(stdout, &t, 0);
}

static bp_status print(const bp__options *o, const bp__single *single, const bp__sheets *sheets,
                       const bp__record *record, const bp__metrics *metrics)
{
    print_head(single);
    printf("\nfinal value: %.2f, of %.2f\n", record->equity[record->n - 1], record->cash);
    BP_TRY(print_metrics(metrics));
    printf("\norders: %" PRIu64 " given, %" PRId64 " fills, %" PRIu64 " not filled, or not in full\n",
           sheets->orders, record->trades, sheets->unfilled);
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++)
        if (o->sheet[k])
            bp__text_line(stdout, "%s: %s, %" PRIu64 " rows", bp__sheet_name((bp__sheet_kind)k), o->sheet[k],
                          sheets->sheet[k].rows);
    return BP_OK;
}

static void json_head(bp__json *j, const bp__single *single)
{
    char day[32];
    double params[BP__MAX_PARAMS];
    const bp__spec *spec = single->spec;
    bp__grid_at(&spec->grid, 0, params);
    bp__json_text(j, "bundle", spec->bundle[0]);
    bp__json_text(j, "content_hash", single->content_hash);
    bp__json_text(j, "computed_hash", single->computed_hash);
    bp__json_int(j, "assets", (int64_t)bp__scope_num_assets(single->scope));
    bp__json_int(j, "sessions", (int64_t)bp__scope_num_sessions(single->scope));
    bp__json_open(j, "date_range", '[');
    bp__json_text(j, NULL, bp__day_text(bp__scope_first_session(single->scope), day));
    bp__json_text(j, NULL, bp__day_text(bp__scope_last_session(single->scope), day));
    bp__json_close(j, ']');
    bp__json_text(j, "strategy", spec->strategy);
    bp__json_open(j, "parameters", '{');
    for (unsigned p = 0; p < spec->grid.num_axes; p++) {
        const bp_param *param = &spec->grid.axis[p].param;
        if (param->words)
            bp__json_text(j, param->name, param->words[(size_t)params[p]]);
        else
            bp__json_number(j, param->name, params[p]);
    }
    bp__json_close(j, '}');
    bp__report_json_doubts(j, &single->doubts);
    bp__report_json_costs(j, &spec->account);
}

static bp_status print_json(bp__single *single, const bp__metrics *metrics)
{
    static const bp__sheet_form all[BP__NUM_SHEETS] = {BP__SHEET_JSON, BP__SHEET_JSON, BP__SHEET_JSON,
                                                       BP__SHEET_JSON};
    bp__json json = {.file = stdout}, *j = &json;
    bp__sheets sheets = {0};
    bp__record record;
    bp_status s = make_sheets(single, 0, all, &sheets, &record);
    if (s == BP_OK) {
        bp__json_open(j, NULL, '{');
        json_head(j, single);
        bp__json_number(j, "final_value", record.equity[record.n - 1]);
        bp__json_int(j, "orders", (int64_t)sheets.orders);
        bp__json_open(j, "metrics", '{');
        for (unsigned i = 0; i < BP__NUM_METRICS; i++)
            bp__json_number(j, bp__metric_at(i)->name, bp__metric_value(metrics, i));
        bp__json_close(j, '}');
        for (unsigned k = 0; k < BP__NUM_SHEETS; k++)
            bp__json_raw(j, bp__sheet_name((bp__sheet_kind)k), sheets.sheet[k].text);
        bp__json_close(j, '}');
    }
    bp__sheets_fini(&sheets);
    return s;
}

/* A combination that makes no sense would be skipped by a search. */
static bp_status check_sense(const bp__spec *spec)
{
    double params[BP__MAX_PARAMS];
    char text[256];
    bp__grid_at(&spec->grid, 0, params);
    bp__guard_enter(NULL, NULL, 0);
    const char *why = bp__spec_check(spec, params);
    bp__guard_leave(NULL);
    if (!why) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s %s makes no sense: %.200s", spec->strategy,
            bp__grid_text(&spec->grid, 0, text, sizeof text), why);
}

static bp_status look(const bp__options *o, bp__single *single, bp__sheets *sheets)
{
    bp__record record;
    bp__metrics metrics;
    BP_TRY(check_sense(&o->spec));
    BP_TRY(bp__single_open(&o->spec, o->conduct.cfg.root, 0, true, single));
    bp__report_warn_of_doubts(o->spec.bundle[0], &single->doubts);
    BP_TRY(write_files(o, single, 0, sheets, &record));
    const bp__terms terms = bp__spec_terms(&o->spec, single->scope);
    bp__metrics_from(&record, &terms, &metrics);
    BP_TRY(o->json ? print_json(single, &metrics) : print(o, single, sheets, &record, &metrics));
    return bp__check_stdout();
}

int bp__run_single(const bp__options *o)
{
    bp__single single = {0};
    bp__sheets sheets = {0};
    bp_status s = bp__check_sheets(o);
    if (bp__failed(s))
        return bp__program_error(bp__optimizer(), s == BP_EINVAL ? BP__EXIT_USAGE : BP__EXIT_FAILED);
    s = bp__guard_begin(o, false, 0, 1);
    if (s == BP_OK) s = look(o, &single, &sheets);
    bp__guard_end();
    bp__sheets_fini(&sheets);
    bp__single_close(&single);
    return bp__failed(s) ? bp__program_error(bp__optimizer(), BP__EXIT_FAILED) : BP__EXIT_DONE;
}
