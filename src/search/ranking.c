#include "search/ranking.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Texts ----------------------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    return !(*text >= '0' && *text <= '9') &&
           !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")];
}

bp_status bp__ranking_find_metric(const char *name, unsigned *metric)
{
    char names[400];
    if (bp__metric_find(name, strlen(name), metric)) return BP_OK;
    BP_FAIL(BP_ENOTFOUND, "--objective: there is no metric '%.40s', choose from %s", name,
            bp__metric_names(names, sizeof names));
}

static bp_status not_kept(const bp__spec *spec, const char *option, unsigned metric)
{
    char names[400] = "";
    for (unsigned k = 0; k < spec->num_metrics; k++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "", bp__spec_metric(spec, k)->name);
    }
    BP_FAIL(BP_ENOTFOUND, "%s: %s is not in the journals, choose from %s", option,
            bp__metric_at(metric)->name, names);
}

static bp_status by_metric(bp__spec *spec, const char *name, bool settled)
{
    unsigned metric;
    BP_TRY(bp__ranking_find_metric(name, &metric));
    if (!settled) return spec->ranking.column = bp__spec_show(spec, metric), BP_OK;
    return bp__spec_has(spec, metric, &spec->ranking.column) ? BP_OK : not_kept(spec, "--objective", metric);
}

/* An expression over what is kept, or, unless that is settled, over what will be. */
static bp_status create(bp__spec *spec, const char *option, const char *text, bool settled, bp__expr **expr)
{
    bp__expr_name name[BP__MAX_NAMES];
    const size_t count = bp__spec_names(spec, true, name);
    BP_TRY(bp__expr_create(option, text, name, count, expr));
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        unsigned column;
        if (!bp__expr_uses(*expr, i) || bp__spec_has(spec, i, &column)) continue;
        if (settled) return not_kept(spec, option, i);
        bp__spec_keep(spec, i);
    }
    return BP_OK;
}

static bp_status check_condition(const bp__expr *expr, const char *text)
{
    if (bp__expr_is_condition(expr)) return BP_OK;
    BP_FAIL(BP_EINVAL, "--having '%.80s': it is a number, neither true nor false; compare it with one", text);
}

bp_status bp__ranking_by(bp__spec *spec, const char *text, bool settled)
{
    if (is_name(text)) return by_metric(spec, text, settled);
    BP_TRY(create(spec, "--objective", text, settled, &spec->ranking.objective));
    for (unsigned i = 0; i < BP__NUM_METRICS; i++)
        if (bp__expr_uses(spec->ranking.objective, i)) return BP_OK;
    BP_FAIL(BP_EINVAL, "--objective '%.80s': it has no metric; --list-metrics tells which there are", text);
}

bp_status bp__ranking_having(bp__spec *spec, const char *text, bool settled)
{
    BP_TRY(create(spec, "--having", text, settled, &spec->ranking.having));
    return check_condition(spec->ranking.having, text);
}

bp_status bp__ranking_check_objective(const char *text)
{
    bp__expr *expr = NULL;
    if (!text) return BP_OK;
    if (is_name(text)) return bp__ranking_find_metric(text, &(unsigned){0});
    bp_status s = bp__expr_create("--objective", text, NULL, 0, &expr);
    bp__expr_destroy(&expr);
    return s;
}

bp_status bp__ranking_check_having(const char *text)
{
    bp__expr *expr = NULL;
    if (!text) return BP_OK;
    BP_TRY(bp__expr_create("--having", text, NULL, 0, &expr));
    bp_status s = check_condition(expr, text);
    bp__expr_destroy(&expr);
    return s;
}

/* Ranking --------------------------------------------------------------------------------------- */

/* What expressions see of a combination, in the order of bp__spec_names(). */
static void gather(const bp__spec *spec, uint64_t task, const double *value, double seen[BP__MAX_NAMES])
{
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) seen[i] = NAN;
    for (unsigned k = 0; k < spec->num_metrics; k++) seen[spec->metric[k]] = value[k];
    bp__grid_at(&spec->grid, task % spec->grid.size, seen + BP__NUM_METRICS);
}

static bool never_traded(const bp__spec *spec, const double *value)
{
    unsigned trades, column;
    return bp__metric_find("trades", 6, &trades) && bp__spec_has(spec, trades, &column) && value[column] == 0;
}

bool bp__ranking_rate(const bp__spec *spec, uint64_t task, const double *value, bp__rated *rated)
{
    const bp__ranking *r = &spec->ranking;
    double seen[BP__MAX_NAMES];
    if (r->objective || r->having) gather(spec, task, value, seen);
    const double objective = r->objective ? bp__expr_value(r->objective, seen) : value[r->column];
    *rated = (bp__rated){.task = task,
                         .objective = isfinite(objective) ? objective : NAN,
                         .untraded = !r->untraded_too && never_traded(spec, value)};
    return !r->having || bp__expr_holds(r->having, seen);
}

int bp__ranking_compare(const bp__spec *spec, const bp__rated *a, const bp__rated *b)
{
    const double x = a->objective, y = b->objective;
    const bool descending = bp__ranking_is_descending(spec);
    if (a->untraded != b->untraded) return a->untraded ? 1 : -1;
    if (isnan(x) != isnan(y)) return isnan(x) ? 1 : -1;
    if (x < y) return descending ? 1 : -1;
    if (x > y) return descending ? -1 : 1;
    return a->task < b->task ? -1 : a->task > b->task;
}

const bp__metric *bp__ranking_metric(const bp__spec *spec)
{
    return spec->ranking.objective ? NULL : bp__spec_metric(spec, spec->ranking.column);
}

const char *bp__ranking_text(const bp__spec *spec)
{
    const bp__metric *metric = bp__ranking_metric(spec);
    return metric ? metric->name : bp__expr_text(spec->ranking.objective);
}

bool bp__ranking_is_descending(const bp__spec *spec)
{
    const bp__metric *metric = bp__ranking_metric(spec);
    return !metric || metric->best == BP__HIGHEST;
}
