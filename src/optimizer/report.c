#include "optimizer/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"
#include "door/source.h"
#include "optimizer/changes.h"

#define HASH_DIGITS   12
#define NOTE_MOST     4400 /* a path, and a sentence */
#define FAILURES_TOLD 3
#define USUAL_YEAR    252 /* sessions; another number is told */
#define MAX_CELLS     (4 + BP_STRATEGY_MAX_PARAMS + BP__NUM_METRICS)

static const bp__spec *spec_of(const bp__report_facts *f)
{
    return f->results->spec;
}

/* Whether the value that rows are ranked by is none of their columns. */
static bool ranks_by_more(const bp__spec *spec)
{
    return spec->ranking.objective || spec->ranking.column >= spec->num_columns;
}

static bool pooled(const bp__report_facts *f)
{
    return bp_config_should_use_pool(&f->options->conduct.cfg);
}

static uint64_t shown(const bp__report_facts *f)
{
    return f->num_ranked < f->options->top ? f->num_ranked : f->options->top;
}

/* Text ------------------------------------------------------------------------------------------ */

void bp__report_grid(FILE *file, const bp__spec *spec)
{
    const bp__grid *grid = &spec->grid;
    bp__text_print(file, "search: %s", spec->strategy);
    for (unsigned i = 0; !grid->listed && i < grid->num_axes; i++) {
        const bp__axis *axis = &grid->axis[i];
        char number[32];
        if (axis->count == 1)
            bp__text_print(file, ", %s %s", axis->param.name, bp__axis_text(axis, axis->value[0], number));
        else
            bp__text_print(file, ", %s %" PRIu64 " values", axis->param.name, axis->count);
    }
    bp__text_print(file, ": %" PRIu64 " combination%s", grid->size, grid->size == 1 ? "" : "s");
    if (spec->where) bp__text_print(file, " where %s", bp__expr_text(spec->where));
    if (spec->num_slices > 1) fprintf(file, ", slice %" PRIu64 " of %" PRIu64, spec->slice, spec->num_slices);
}

/* What has to be known of a bundle before its figures are believed. @return false if there is nothing */
static bool note_of(const bp__report_facts *f, uint64_t bundle, char note[NOTE_MOST])
{
    return bp__door_source_note(f->options->conduct.cfg.root, spec_of(f)->bundle[bundle], note, NOTE_MOST);
}

static void print_note(FILE *file, const bp__report_facts *f, uint64_t bundle)
{
    char note[NOTE_MOST];
    if (note_of(f, bundle, note)) bp__text_line(file, "note: %s", note);
}

void bp__report_header(FILE *file, const bp__report_facts *f, uint64_t bundle)
{
    char first[32], last[32];
    const bp__spec *o = spec_of(f);
    const bp__tested *t = &f->found->tested[bundle];
    bp__text_line(file, "bundle: %s, content %.*s, symbols and dates %.*s", o->bundle[bundle], HASH_DIGITS,
                  t->content_hash, HASH_DIGITS, t->computed_hash);
    bp__text_print(file, "scope: %zu assets, %zu sessions, %s to %s", t->num_assets, t->num_sessions,
                   bp__day_text(t->first_session, first), bp__day_text(t->last_session, last));
    if (t->sessions_per_year != USUAL_YEAR) fprintf(file, ", %.10g are a year", t->sessions_per_year);
    fputc('\n', file);
    print_note(file, f, bundle);
    bp__report_grid(file, o);
    bp__text_line(file, " on %d rank%s", f->found->num_ranks, f->found->num_ranks == 1 ? "" : "s");
    fflush(file);
}

typedef struct table {
    int width[MAX_CELLS];
    bool printing; /* else only measuring */
    FILE *file;
    int column;
} table;

__attribute__((format(printf, 2, 3))) static void cell(table *t, const char *fmt, ...)
{
    char text[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const int width = bp__text_width(bp__text_clean(text));
    if (t->printing) {
        fprintf(t->file, "%*s", t->width[t->column] - width + (t->column > 0 ? 2 : 0), "");
        bp__text_put(t->file, text);
    } else if (width > t->width[t->column]) {
        t->width[t->column] = width;
    }
    t->column++;
}

static void end_row(table *t)
{
    if (t->printing) fputc('\n', t->file);
    t->column = 0;
}

static void metric_cell(table *t, bp__kind kind, double value)
{
    if (isnan(value))
        cell(t, "-");
    else if (kind == BP__COUNT)
        cell(t, "%.0f", value);
    else if (kind == BP__MONEY)
        cell(t, "%.2f", value);
    else
        cell(t, fabs(value) < 1e6 ? "%.4f" : "%.4g", value);
}

static void fill_row(table *t, const bp__report_facts *f, uint64_t rank)
{
    const bp__spec *spec = spec_of(f);
    const bp__grid *grid = &spec->grid;
    const bp__rated *rated = &f->order[rank];
    const double *value = bp__results_values(f->results, rated->task);
    const bp__metric *metric = bp__ranking_metric(spec);
    double params[BP_STRATEGY_MAX_PARAMS];
    char number[32];
    bp__grid_at(grid, rated->task % grid->size, params);
    cell(t, "%" PRIu64, rank + 1);
    if (spec->several) cell(t, "%s", spec->bundle[rated->task / grid->size]);
    cell(t, "%" PRIu64, rated->task % grid->size);
    for (unsigned p = 0; p < grid->num_axes; p++)
        cell(t, "%s", bp__axis_text(&grid->axis[p], params[p], number));
    for (unsigned k = 0; k < spec->num_columns; k++) metric_cell(t, bp__spec_metric(spec, k)->kind, value[k]);
    if (ranks_by_more(spec)) metric_cell(t, metric ? metric->kind : BP__RATIO, rated->objective);
    end_row(t);
}

static void fill_table(table *t, const bp__report_facts *f)
{
    const bp__spec *spec = spec_of(f);
    const bp__grid *grid = &spec->grid;
    cell(t, "#");
    if (spec->several) cell(t, "bundle");
    cell(t, "index");
    for (unsigned p = 0; p < grid->num_axes; p++) cell(t, "%s", grid->axis[p].param.name);
    for (unsigned k = 0; k < spec->num_columns; k++) cell(t, "%s", bp__spec_metric(spec, k)->name);
    if (ranks_by_more(spec)) cell(t, "objective");
    end_row(t);
    for (uint64_t i = 0; i < shown(f); i++) fill_row(t, f, i);
}

void bp__report_table(FILE *file, const bp__report_facts *f)
{
    const bp__spec *spec = spec_of(f);
    const char *having = spec->ranking.having ? bp__expr_text(spec->ranking.having) : NULL;
    const bool none = having && f->num_ranked == 0 && f->results->done > 0;
    if (none) fputc('\n', file);
    if (none) bp__text_line(file, "none of the %" PRIu64 " that are done has %s", f->results->done, having);
    if (none) fputc('\n', file);
    if (shown(f) == 0) return;
    fputc('\n', file);
    bp__text_print(file, "top %" PRIu64 " by %s, %s first", shown(f), bp__ranking_text(spec),
                   bp__ranking_is_descending(spec) ? "highest" : "lowest");
    if (having) bp__text_print(file, ", of %" PRIu64 " that have %s", f->num_ranked, having);
    fputc('\n', file);
    table t = {.file = file};
    fill_table(&t, f);
    t.printing = true;
    fill_table(&t, f);
    fputc('\n', file);
}

static double rate(const bp__report_facts *f)
{
    const double ran = (double)(f->results->done + f->results->failed - f->found->resumed);
    return f->found->seconds > 0 ? ran / f->found->seconds : 0;
}

/* The most that stood in memory at a time: one bundle after the other. */
static uint64_t largest_bundle(const bp__report_facts *f)
{
    uint64_t bytes = 0;
    for (uint64_t b = 0; b < spec_of(f)->num_bundles; b++)
        if (f->found->tested[b].bytes > bytes) bytes = f->found->tested[b].bytes;
    return bytes;
}

void bp__report_costs(FILE *file, const bp__account *a)
{
    char commission[160], slippage[160];
    bp__text_line(file, "costs: commission %s, slippage %s; orders are filled at the next %s",
                  bp__commission_text(a, commission, sizeof commission),
                  bp__slippage_text(a, slippage, sizeof slippage), bp__fill_names[a->fill]);
}

const char *bp__report_doubts_text(const char *bundle, const bp__doubts *doubts, char *text, size_t size)
{
    snprintf(
        text, size,
        "bundle %s: its prices contradict %zu split%s or dividend%s: %s; results may be wrong by as much; see "
        "'bundle verify %s'",
        bundle, doubts->num, doubts->num == 1 ? "" : "s", doubts->num == 1 ? "" : "s", doubts->text, bundle);
    return text;
}

void bp__report_doubts(FILE *file, const char *bundle, const bp__doubts *doubts)
{
    char text[1024];
    if (doubts->num > 0)
        bp__text_line(file, "doubtful: %s", bp__report_doubts_text(bundle, doubts, text, sizeof text));
}

void bp__report_json_doubts(bp__json *j, const bp__doubts *doubts)
{
    bp__json_int(j, "contradicted_events", (int64_t)doubts->num);
    if (doubts->num > 0) bp__json_text(j, "contradictions", doubts->text);
}

void bp__report_warn_of_doubts(const char *bundle, const bp__doubts *doubts)
{
    char text[1024];
    if (doubts->num > 0)
        bp__report_problem("warning", "%s", bp__report_doubts_text(bundle, doubts, text, sizeof text));
}

/* Where holdings may have been sold because an asset ends: whether that was a delisting the data cannot tell. */
static void print_delisted(FILE *file, const bp__report_facts *f)
{
    for (uint64_t b = 0; b < spec_of(f)->num_bundles; b++) {
        const bp__tested *t = &f->found->tested[b];
        if (t->num_delisted == 0) continue;
        bp__text_line(file,
                      "delisted%s%s: %zu asset%s, sold at the last price where held: %s (--delisted-after)",
                      spec_of(f)->several ? " in " : "", spec_of(f)->several ? spec_of(f)->bundle[b] : "",
                      t->num_delisted, t->num_delisted == 1 ? "" : "s", t->delisted);
    }
}

void bp__report_summary(FILE *file, const bp__report_facts *f)
{
    const bp__results *r = f->results;
    const bp_counters *all = &f->found->stats.cluster;
    const uint64_t bytes = largest_bundle(f);
    const char *what = spec_of(f)->several ? "largest bundle bytes" : "bundle bytes";
    fprintf(file, "combinations: %" PRIu64 " done, %" PRIu64 " skipped, %" PRIu64 " failed\n", r->done,
            r->skipped, r->failed);
    bp__report_costs(file, &spec_of(f)->account);
    print_delisted(file, f);
    for (uint64_t b = 0; b < spec_of(f)->num_bundles; b++) {
        print_note(file, f, b);
        bp__report_doubts(file, spec_of(f)->bundle[b], &f->found->tested[b].doubts);
    }
    fprintf(file, "elapsed: %.3f s (%.1f backtests/s)\n", f->found->seconds, rate(f));
    fprintf(file, "loads: %" PRIu64 "\n", all->loads);
    if (pooled(f)) {
        fprintf(file, "hits: %" PRIu64 "\n", all->hits);
        fprintf(file, "misses: %" PRIu64 "\n", all->misses);
        fprintf(file, "load time: %.3f s\n", all->load_seconds);
        bp__text_line(file, "pool memory: at most %.1f MiB a node (%s)",
                      (double)f->found->stats.bytes_limit / (1 << 20), f->found->stats.limit_from);
    }
    const double mib = (double)bytes / (1 << 20);
    if (pooled(f) && f->found->num_ranks > 1) {
        bp__text_line(file, "%s: %" PRIu64 "; once per node instead of once per rank", what, bytes);
        bp__text_line(file, "memory: %.1f MiB on %d node%s instead of %.1f MiB for %d ranks",
                      mib * f->found->stats.num_nodes, f->found->stats.num_nodes,
                      f->found->stats.num_nodes == 1 ? "" : "s", mib * f->found->num_ranks,
                      f->found->num_ranks);
    } else {
        bp__text_line(file, "%s: %" PRIu64 "%s", what, bytes,
                      pooled(f) ? "" : "; once per rank, pooling is switched off");
    }
    fflush(file);
}

/* JSON ------------------------------------------------------------------------------------------ */

static void json_row(bp__json *j, const bp__report_facts *f, const bp__rated *rated)
{
    const bp__spec *spec = spec_of(f);
    const bp__grid *grid = &spec->grid;
    const double *value = bp__results_values(f->results, rated->task);
    double params[BP_STRATEGY_MAX_PARAMS];
    bp__grid_at(grid, rated->task % grid->size, params);
    bp__json_open(j, NULL, '{');
    if (spec->several) bp__json_text(j, "bundle", spec->bundle[rated->task / grid->size]);
    bp__json_int(j, "index", (int64_t)(rated->task % grid->size));
    bp__json_open(j, "parameters", '{');
    for (unsigned p = 0; p < grid->num_axes; p++) {
        const bp__axis *axis = &grid->axis[p];
        if (axis->param.kind == BP_PARAM_WORD)
            bp__json_text(j, axis->param.name, bp__axis_text(axis, params[p], (char[32]){0}));
        else
            bp__json_number(j, axis->param.name, params[p]);
    }
    bp__json_close(j, '}');
    for (unsigned k = 0; k < spec->num_columns; k++)
        bp__json_number(j, bp__spec_metric(spec, k)->name, value[k]);
    if (ranks_by_more(spec)) bp__json_number(j, "objective", rated->objective);
    bp__json_close(j, '}');
}

static void json_bundle(bp__json *j, const bp__report_facts *f, uint64_t bundle)
{
    char note[NOTE_MOST];
    char day[32];
    const bp__tested *t = &f->found->tested[bundle];
    bp__json_text(j, "bundle", spec_of(f)->bundle[bundle]);
    bp__json_text(j, "content_hash", t->content_hash);
    bp__json_text(j, "computed_hash", t->computed_hash);
    bp__json_int(j, "assets", (int64_t)t->num_assets);
    bp__json_int(j, "sessions", (int64_t)t->num_sessions);
    bp__json_number(j, "sessions_per_year", t->sessions_per_year);
    bp__json_open(j, "date_range", '[');
    bp__json_text(j, NULL, bp__day_text(t->first_session, day));
    bp__json_text(j, NULL, bp__day_text(t->last_session, day));
    bp__json_close(j, ']');
    bp__json_int(j, "delisted", (int64_t)t->num_delisted);
    if (note_of(f, bundle, note)) bp__json_text(j, "source_note", note);
    bp__report_json_doubts(j, &t->doubts);
}

static void json_bundles(bp__json *j, const bp__report_facts *f)
{
    if (!spec_of(f)->several) {
        json_bundle(j, f, 0);
        return;
    }
    bp__json_open(j, "bundles", '[');
    for (uint64_t b = 0; b < spec_of(f)->num_bundles; b++) {
        bp__json_open(j, NULL, '{');
        json_bundle(j, f, b);
        bp__json_close(j, '}');
    }
    bp__json_close(j, ']');
}

static void json_run(bp__json *j, const bp__report_facts *f)
{
    const bp_counters *all = &f->found->stats.cluster;
    bp__json_int(j, "ranks", f->found->num_ranks);
    bp__json_int(j, "resumed", (int64_t)f->found->resumed);
    bp__json_number(j, "seconds", f->found->seconds);
    bp__json_number(j, "backtests_per_second", rate(f));
    bp__json_open(j, "pool", '{');
    bp__json_int(j, "loads", (int64_t)all->loads);
    bp__json_int(j, "hits", (int64_t)all->hits);
    bp__json_int(j, "misses", (int64_t)all->misses);
    bp__json_number(j, "load_seconds", all->load_seconds);
    bp__json_int(j, "bundle_bytes", (int64_t)largest_bundle(f));
    bp__json_int(j, "bytes_limit", (int64_t)f->found->stats.bytes_limit);
    bp__json_text(j, "limit_from", f->found->stats.limit_from);
    bp__json_close(j, '}');
}

void bp__report_json_costs(bp__json *j, const bp__account *a)
{
    char text[160];
    bp__json_text(j, "commission", bp__commission_text(a, text, sizeof text));
    bp__json_text(j, "slippage", bp__slippage_text(a, text, sizeof text));
    bp__json_text(j, "fill", bp__fill_names[a->fill]);
}

/* Whole texts: of a strategy in Python with its traceback. */
static void json_failures(bp__json *j, const bp__results *r)
{
    char text[256];
    if (r->num_failures == 0) return;
    bp__json_open(j, "failures", '[');
    for (size_t i = 0; i < r->num_failures; i++) {
        const uint64_t task = r->failure[i].task;
        bp__json_open(j, NULL, '{');
        bp__json_int(j, "index", (int64_t)(task % r->spec->grid.size));
        bp__json_text(j, "combination", bp__results_task(r, task, text, sizeof text));
        bp__json_text(j, "why", r->failure[i].why);
        bp__json_close(j, '}');
    }
    bp__json_close(j, ']');
}

bp_status bp__report_json(FILE *file, const bp__report_facts *f)
{
    const bp__results *r = f->results;
    bp__json json = {.file = file}, *j = &json;
    bp__json_open(j, NULL, '{');
    if (f->found) json_bundles(j, f);
    bp__json_text(j, "strategy", spec_of(f)->strategy);
    bp__json_text(j, "objective", bp__ranking_text(spec_of(f)));
    if (spec_of(f)->ranking.having) bp__json_text(j, "having", bp__expr_text(spec_of(f)->ranking.having));
    bp__report_json_costs(j, &spec_of(f)->account);
    bp__json_int(j, "done", (int64_t)r->done);
    bp__json_int(j, "skipped", (int64_t)r->skipped);
    bp__json_int(j, "failed", (int64_t)r->failed);
    bp__json_open(j, "top", '[');
    for (uint64_t i = 0; i < shown(f); i++) json_row(j, f, &f->order[i]);
    bp__json_close(j, ']');
    json_failures(j, r);
    if (f->found) json_run(j, f);
    bp_status s = f->options->from ? bp__changes_json(j, &f->options->rerun, r) : BP_OK;
    bp__json_close(j, '}');
    fflush(file);
    return s;
}

/* The log --------------------------------------------------------------------------------------- */

void bp__report_stats(const bp__found *found, const bp_stats *s)
{
    const bp__results *r = &found->results;
    const bp__derived_stats *derived = &found->derived;
    const bp_counters *all = &s->cluster;
    const bp__log_field field[] = {
        {.name = "done", .number = (double)(r->done + r->failed)},
        {.name = "total", .number = (double)r->num_todo},
        {.name = "pool_size", .number = (double)s->pool_size},
        {.name = "max_pool_size", .number = (double)s->max_pool_size},
        {.name = "utilization_percent", .number = s->utilization_percent},
        {.name = "hits", .number = (double)all->hits},
        {.name = "misses", .number = (double)all->misses},
        {.name = "loads", .number = (double)all->loads},
        {.name = "failures", .number = (double)all->failures},
        {.name = "checks", .number = (double)all->checks},
        {.name = "evictions", .number = (double)all->evictions},
        {.name = "invalidations", .number = (double)all->invalidations},
        {.name = "bytes_resident", .number = (double)s->bytes_resident},
        {.name = "bytes_limit", .number = (double)s->bytes_limit},
        {.name = "load_seconds", .number = all->load_seconds},
        {.name = "wait_seconds", .number = all->wait_seconds},
        {.name = "nodes", .number = s->num_nodes},
        {.name = "ranks", .number = s->num_ranks},
        {.name = "cache_hits", .number = (double)derived->hits},
        {.name = "cache_misses", .number = (double)derived->misses},
        {.name = "cache_bytes", .number = (double)derived->bytes},
        {.name = "cache_limit", .number = (double)derived->bound},
    };
    bp__log_event("optimizer", "stats", field, sizeof field / sizeof *field);
}

void bp__report_problem(const char *kind, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bp__log_as("optimizer", kind, text);
}

void bp__report_failures(const bp__results *r)
{
    char text[256], why[1024];
    for (size_t i = 0; i < r->num_failures && i < FAILURES_TOLD; i++) {
        const uint64_t task = r->failure[i].task;
        bp__report_problem("warning", "combination %" PRIu64 " (%s) failed: %s", task % r->spec->grid.size,
                           bp__results_task(r, task, text, sizeof text),
                           bp__text_first_line(r->failure[i].why, why, sizeof why));
    }
}
