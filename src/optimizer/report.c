#include "optimizer/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HASH_DIGITS 12
#define NUM_METRICS 7
#define MAX_CELLS   (2 + BP__MAX_PARAMS + NUM_METRICS)

static const char *const metric_names[NUM_METRICS] = {"total_return", "cagr",   "sharpe", "sortino",
                                                      "max_drawdown", "calmar", "trades"};

static void metric_values(const bp__metrics *m, double value[NUM_METRICS])
{
    const double values[NUM_METRICS] = {m->total_return, m->cagr,   m->sharpe,        m->sortino,
                                        m->max_drawdown, m->calmar, (double)m->trades};
    memcpy(value, values, sizeof values);
}

static const char *day_text(int64_t ns, char text[16])
{
    const time_t seconds = (time_t)(ns / 1000000000); /* a session is a midnight: nothing is cut off */
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(text, 16, "%Y-%m-%d", &tm) == 0) strcpy(text, "?");
    return text;
}

static const char *objective_name(const bp__report_facts *f, bool *more_is_better)
{
    const char *name = "";
    bp__objective_at(f->options->objective, &name, more_is_better);
    return name;
}

static uint64_t shown(const bp__report_facts *f)
{
    return f->results->done < f->options->top ? f->results->done : f->options->top;
}

/* Text ------------------------------------------------------------------------------------------ */

void bp__report_header(FILE *file, const bp__report_facts *f)
{
    char first[16], last[16];
    const bp__scope *scope = f->sweep->scope;
    const bp__grid *grid = &f->options->grid;
    fprintf(file, "bundle: %s, content %.*s, symbols and dates %.*s\n", f->options->name, HASH_DIGITS,
            f->version->content_hash, HASH_DIGITS, f->version->computed_hash);
    fprintf(file, "scope: %zu assets, %zu sessions, %s to %s\n", bp__scope_num_assets(scope),
            bp__scope_num_sessions(scope), day_text(bp__scope_first_session(scope), first),
            day_text(bp__scope_last_session(scope), last));
    fprintf(file, "search: %s", bp__strategy_name(grid->strategy));
    const bp__param *param = bp__strategy_params(grid->strategy, &(unsigned){0});
    for (unsigned i = 0; i < grid->num_axes; i++) {
        const bp__axis *axis = &grid->axis[i];
        if (axis->count == 1)
            fprintf(file, ", %s %.10g", param[i].name, axis->value[0]);
        else
            fprintf(file, ", %s %" PRIu64 " values", param[i].name, axis->count);
    }
    fprintf(file, ": %" PRIu64 " combination%s on %d rank%s\n", grid->size, grid->size == 1 ? "" : "s",
            f->num_ranks, f->num_ranks == 1 ? "" : "s");
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
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (t->printing)
        fprintf(t->file, "%*s", t->width[t->column] + (t->column > 0 ? 2 : 0), text);
    else if (n > t->width[t->column])
        t->width[t->column] = n;
    t->column++;
}

static void end_row(table *t)
{
    if (t->printing) fputc('\n', t->file);
    t->column = 0;
}

static void fill_table(table *t, const bp__report_facts *f)
{
    const bp__grid *grid = &f->options->grid;
    const bp__param *param = bp__strategy_params(grid->strategy, &(unsigned){0});
    cell(t, "#");
    cell(t, "index");
    for (unsigned p = 0; p < grid->num_axes; p++) cell(t, "%s", param[p].name);
    for (int k = 0; k < NUM_METRICS; k++) cell(t, "%s", metric_names[k]);
    end_row(t);

    double params[BP__MAX_PARAMS], value[NUM_METRICS];
    for (uint64_t i = 0; i < shown(f); i++) {
        const uint64_t index = f->order[i];
        bp__grid_at(grid, index, params);
        metric_values(&f->results->row[index].metrics, value);
        cell(t, "%" PRIu64, i + 1);
        cell(t, "%" PRIu64, index);
        for (unsigned p = 0; p < grid->num_axes; p++) cell(t, "%.10g", params[p]);
        for (int k = 0; k < NUM_METRICS - 1; k++) {
            if (isnan(value[k]))
                cell(t, "-");
            else
                cell(t, fabs(value[k]) < 1e6 ? "%.4f" : "%.4g", value[k]);
        }
        cell(t, "%" PRId64, f->results->row[index].metrics.trades);
        end_row(t);
    }
}

void bp__report_table(FILE *file, const bp__report_facts *f)
{
    if (shown(f) == 0) return;
    bool more = true;
    const char *objective = objective_name(f, &more);
    fprintf(file, "\ntop %" PRIu64 " by %s, %s first\n", shown(f), objective, more ? "highest" : "lowest");
    table t = {.file = file};
    fill_table(&t, f);
    t.printing = true;
    fill_table(&t, f);
    fputc('\n', file);
}

static double rate(const bp__report_facts *f)
{
    const double ran = (double)(f->results->done + f->results->failed);
    return f->seconds > 0 ? ran / f->seconds : 0;
}

void bp__report_summary(FILE *file, const bp__report_facts *f)
{
    const bp__results *r = f->results;
    const bp_counters *all = &f->stats->cluster;
    const uint64_t bytes = bp_bundle_bytes(f->sweep->bundle);
    const bool pooled = bp_config_should_use_pool(&f->options->cfg);
    fprintf(file, "combinations: %" PRIu64 " done, %" PRIu64 " skipped, %" PRIu64 " failed\n", r->done,
            r->skipped, r->failed);
    fprintf(file, "elapsed: %.3f s (%.1f backtests/s)\n", f->seconds, rate(f));
    fprintf(file, "loads: %" PRIu64 "\n", all->loads);
    if (pooled) {
        fprintf(file, "hits: %" PRIu64 "\n", all->hits);
        fprintf(file, "misses: %" PRIu64 "\n", all->misses);
        fprintf(file, "load time: %.3f s\n", all->load_seconds);
    }
    const double mib = (double)bytes / (1 << 20);
    if (pooled && f->num_ranks > 1) {
        fprintf(file, "bundle bytes: %" PRIu64 "; once per node instead of once per rank\n", bytes);
        fprintf(file, "memory: %.1f MiB on %d node%s instead of %.1f MiB for %d ranks\n",
                mib * f->stats->num_nodes, f->stats->num_nodes, f->stats->num_nodes == 1 ? "" : "s",
                mib * f->num_ranks, f->num_ranks);
    } else {
        fprintf(file, "bundle bytes: %" PRIu64 "%s\n", bytes,
                pooled ? "" : "; once per rank, pooling is switched off");
    }
    fflush(file);
}

/* JSON: names are of [A-Za-z0-9._-] and have nothing to escape ----------------------------------- */

static void json_number(FILE *file, const char *name, double value)
{
    fprintf(file, isfinite(value) ? "\"%s\": %.17g" : "\"%s\": null", name, value);
}

static void json_row(FILE *file, const bp__report_facts *f, uint64_t index)
{
    const bp__grid *grid = &f->options->grid;
    const bp__param *param = bp__strategy_params(grid->strategy, &(unsigned){0});
    double params[BP__MAX_PARAMS], value[NUM_METRICS];
    bp__grid_at(grid, index, params);
    metric_values(&f->results->row[index].metrics, value);
    fprintf(file, "{\"index\": %" PRIu64 ", \"parameters\": {", index);
    for (unsigned p = 0; p < grid->num_axes; p++) {
        if (p > 0) fputs(", ", file);
        json_number(file, param[p].name, params[p]);
    }
    fputc('}', file);
    for (int k = 0; k < NUM_METRICS; k++) {
        fputs(", ", file);
        json_number(file, metric_names[k], value[k]);
    }
    fputc('}', file);
}

void bp__report_json(FILE *file, const bp__report_facts *f)
{
    char first[16], last[16];
    bool more;
    const bp__scope *scope = f->sweep->scope;
    const bp__results *r = f->results;
    const bp_counters *all = &f->stats->cluster;
    fprintf(file, "{\n  \"bundle\": \"%s\",\n  \"content_hash\": \"%s\",\n  \"computed_hash\": \"%s\",\n",
            f->options->name, f->version->content_hash, f->version->computed_hash);
    fprintf(file, "  \"assets\": %zu,\n  \"sessions\": %zu,\n  \"date_range\": [\"%s\", \"%s\"],\n",
            bp__scope_num_assets(scope), bp__scope_num_sessions(scope),
            day_text(bp__scope_first_session(scope), first), day_text(bp__scope_last_session(scope), last));
    fprintf(file, "  \"strategy\": \"%s\",\n  \"objective\": \"%s\",\n  \"ranks\": %d,\n",
            bp__strategy_name(f->options->grid.strategy), objective_name(f, &more), f->num_ranks);
    fprintf(file, "  \"done\": %" PRIu64 ",\n  \"skipped\": %" PRIu64 ",\n  \"failed\": %" PRIu64 ",\n",
            r->done, r->skipped, r->failed);
    fputs("  \"top\": [", file);
    for (uint64_t i = 0; i < shown(f); i++) {
        fputs(i ? ",\n    " : "\n    ", file);
        json_row(file, f, f->order[i]);
    }
    fputs(shown(f) ? "\n  ],\n" : "],\n", file);
    fprintf(file, "  \"seconds\": %.6f,\n  \"backtests_per_second\": %.3f,\n", f->seconds, rate(f));
    fprintf(file,
            "  \"pool\": {\"loads\": %" PRIu64 ", \"hits\": %" PRIu64 ", \"misses\": %" PRIu64
            ", \"load_seconds\": %.6f, \"bundle_bytes\": %" PRIu64 "}\n}\n",
            all->loads, all->hits, all->misses, all->load_seconds, bp_bundle_bytes(f->sweep->bundle));
    fflush(file);
}

/* Problems -------------------------------------------------------------------------------------- */

void bp__report_problem(const char *kind, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    fprintf(stderr, "optimizer: %s: %s\n", kind, text);
}

void bp__report_failures(const bp__results *r)
{
    const bp__param *param = bp__strategy_params(r->grid->strategy, &(unsigned){0});
    for (uint64_t i = 0; i < r->failed && i < BP__FAILURES_TOLD; i++) {
        double params[BP__MAX_PARAMS];
        char text[256] = "";
        bp__grid_at(r->grid, r->failure[i].index, params);
        for (unsigned p = 0; p < r->grid->num_axes; p++) {
            const size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s=%.10g", p ? " " : "", param[p].name, params[p]);
        }
        bp__report_problem("warning", "combination %" PRIu64 " (%s) failed: %s", r->failure[i].index, text,
                           r->failure[i].why);
    }
}
