#include "search/spec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/version.h>

#include "core/name.h"
#include "core/number.h"
#include "search/trading.h"

#define SPELLED_OUT 1000
#define EXCERPT     (BP__EXCERPT_MAX - 8)

/* Life ------------------------------------------------------------------------------------------ */

void bp__spec_init(bp__spec *spec)
{
    *spec = (bp__spec){
        .slice = 1,
        .num_slices = 1,
        .start = BP_TIME_MISSING,
        .end = BP_TIME_MISSING,
        .account = bp__account_init(),
        .delisted_after = 1,
    };
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        if (!bp__metric_at(i)->is_default) continue;
        if (strcmp(bp__metric_at(i)->name, "sharpe") == 0) spec->objective = spec->num_metrics;
        spec->metric[spec->num_metrics++] = i;
    }
}

void bp__spec_fini(bp__spec *spec)
{
    for (size_t i = 0; spec->symbols && spec->symbols[i]; i++) free(spec->symbols[i]);
    free(spec->symbols);
    free(spec->bundle);
    bp__grid_fini(&spec->grid);
    *spec = (bp__spec){0};
}

/* Metrics --------------------------------------------------------------------------------------- */

const bp__metric *bp__spec_metric(const bp__spec *spec, unsigned column)
{
    return bp__metric_at(spec->metric[column]);
}

static bp_status find_metric(const char *name, size_t length, unsigned *metric)
{
    char names[512];
    if (bp__metric_find(name, length, metric)) return BP_OK;
    BP_FAIL(BP_ENOTFOUND, "there is no metric '%.*s', choose from %s", length < 60 ? (int)length : 60, name,
            bp__metric_names(names, sizeof names));
}

static bool has_column(const bp__spec *spec, unsigned metric, unsigned *column)
{
    for (*column = 0; *column < spec->num_metrics; ++*column)
        if (spec->metric[*column] == metric) return true;
    return false;
}

/* The columns of a list, and no others. @return false: one is unknown or named twice; `at` is where it begins */
static bool choose_metrics(bp__spec *spec, const char *list, const char **at)
{
    spec->num_metrics = spec->objective = 0;
    for (*at = list;; ++*at) {
        unsigned metric, column;
        const size_t length = strcspn(*at, ",");
        if (!bp__metric_find(*at, length, &metric) || has_column(spec, metric, &column)) return false;
        spec->metric[spec->num_metrics++] = metric;
        if (!(*at)[length]) return true;
        *at += length;
    }
}

bp_status bp__spec_set_metrics(bp__spec *spec, const char *list)
{
    const unsigned objective = spec->metric[spec->objective];
    const char *at;
    unsigned metric;
    if (choose_metrics(spec, list, &at)) {
        if (!has_column(spec, objective, &spec->objective)) spec->objective = 0;
        return BP_OK;
    }
    const size_t length = strcspn(at, ",");
    BP_TRY(find_metric(at, length, &metric));
    BP_FAIL(BP_EINVAL, "metric %.*s is named twice", (int)length, at);
}

bp_status bp__spec_set_objective(bp__spec *spec, const char *name)
{
    unsigned metric;
    BP_TRY(find_metric(name, strlen(name), &metric));
    if (!has_column(spec, metric, &spec->objective)) spec->metric[spec->num_metrics++] = metric;
    return BP_OK;
}

static bool has_default_columns(const bp__spec *spec)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BP__NUM_METRICS; i++)
        if (bp__metric_at(i)->is_default && (n == spec->num_metrics || spec->metric[n++] != i)) return false;
    return n == spec->num_metrics;
}

bp__terms bp__spec_terms(const bp__spec *spec, const bp__scope *scope)
{
    bp__terms terms = spec->terms;
    if (terms.sessions_per_year == 0) terms.sessions_per_year = bp__scope_sessions_per_year(scope);
    return terms;
}

uint64_t bp__spec_num_tasks(const bp__spec *spec)
{
    return spec->num_bundles * spec->grid.size;
}

/* Making ---------------------------------------------------------------------------------------- */

static void put_number(FILE *f, const char *key, double x)
{
    char text[32];
    fprintf(f, "%s %s\n", key, bp__number_text(x, text));
}

static void put_day(FILE *f, const char *key, int64_t ns)
{
    if (ns == BP_TIME_MISSING)
        fprintf(f, "%s of the bundle\n", key);
    else
        fprintf(f, "%s day %" PRId64 "\n", key, ns / BP_NS_PER_DAY);
}

static void put_axis(FILE *f, const char *name, const bp__axis *axis)
{
    char text[32];
    fprintf(f, "param %s=", name);
    if (axis->count > SPELLED_OUT && axis->range) {
        fputs(axis->range, f);
    } else {
        for (uint64_t i = 0; i < axis->count; i++)
            fprintf(f, "%s%s", i ? "," : "", bp__number_text(axis->value[i], text));
    }
    fputc('\n', f);
}

static void put_metrics(FILE *f, const bp__spec *spec)
{
    fputs("metrics ", f);
    for (unsigned i = 0; i < spec->num_metrics; i++)
        fprintf(f, "%s%s", i ? "," : "", bp__spec_metric(spec, i)->name);
    fputc('\n', f);
}

/* 0 is "never", as on the command line. */
static void put_count(FILE *f, const char *key, uint32_t n)
{
    if (n == 0)
        fprintf(f, "%s never\n", key);
    else
        fprintf(f, "%s %" PRIu32 "\n", key, n);
}

static void put_account(FILE *f, const bp__account *a)
{
    char text[160], number[32];
    put_number(f, "cash", a->cash);
    fprintf(f, "commission %s\n", bp__commission_text(a, text, sizeof text));
    fprintf(f, "slippage %s\n", bp__slippage_text(a, text, sizeof text));
    fprintf(f, "fill %s\n", bp__fill_names[a->fill]);
    fprintf(f, "lots %s\n", a->fractional ? "fractional" : "whole");
    fprintf(f, "short %s\n", a->allow_short ? "yes" : "no");
    fprintf(f, "max-leverage %s\n",
            isinf(a->max_leverage) ? "none" : bp__number_text(a->max_leverage, number));
    put_count(f, "expire", a->expire);
    fprintf(f, "dividends %s\n", bp__dividends_names[a->dividends]);
}

static void put_terms(FILE *f, const bp__terms *terms)
{
    if (terms->sessions_per_year > 0)
        put_number(f, "sessions-per-year", terms->sessions_per_year);
    else
        fputs("sessions-per-year of the bundle\n", f);
    fprintf(f, "first-return %s\n", terms->first_return ? "yes" : "no");
}

static void put_spec(FILE *f, const bp__spec *spec)
{
    const bp_param *param = spec->grid.strategy->param;
    fprintf(f, "program optimizer " BP_VERSION_STRING "\nresults %d\n", BP__RESULTS_VERSION);
    fprintf(f, "strategy %s\n%s ", spec->grid.strategy->name, spec->several ? "bundles" : "bundle");
    for (uint64_t b = 0; b < spec->num_bundles; b++) fprintf(f, "%s%s", b ? "," : "", spec->bundle[b]);
    fputc('\n', f);
    put_day(f, "start", spec->start);
    put_day(f, "end", spec->end);
    fputs("symbols ", f);
    if (!spec->symbols) fputs("(all)", f);
    for (size_t i = 0; spec->symbols && spec->symbols[i]; i++)
        fprintf(f, "%s%s", i ? "," : "", spec->symbols[i]);
    fputc('\n', f);
    put_account(f, &spec->account);
    put_count(f, "delisted-after", spec->delisted_after);
    fprintf(f, "slice %" PRIu64 "/%" PRIu64 "\n", spec->slice, spec->num_slices);
    put_terms(f, &spec->terms);
    if (!has_default_columns(spec)) put_metrics(f, spec);
    for (unsigned i = 0; i < spec->grid.num_axes; i++) put_axis(f, param[i].name, &spec->grid.axis[i]);
}

bp_status bp__spec_text(const bp__spec *spec, char **text)
{
    size_t size;
    *text = NULL;
    FILE *f = open_memstream(text, &size);
    if (f) put_spec(f, spec);
    bool complete = f && !ferror(f);
    if (f && fclose(f) != 0) complete = false;
    if (complete) return BP_OK;
    free(*text);
    *text = NULL;
    BP_FAIL(BP_ENOMEM, "no memory for the text of the search");
}

/* Comparing ------------------------------------------------------------------------------------- */

/* Whether a line tells which part of a search it is. */
static bool is_part(const char *line)
{
    return strncmp(line, "slice ", 6) == 0 || strncmp(line, "bundle", 6) == 0;
}

/* Behind the line that tells who wrote a text: that decides nothing. */
static const char *behind_program(const char *text)
{
    if (strncmp(text, "program ", 8) != 0) return text;
    const size_t n = strcspn(text, "\n");
    return text + n + (text[n] == '\n');
}

const char *bp__spec_excerpt(const char *line, size_t length, size_t at, char text[BP__EXCERPT_MAX])
{
    const size_t begin = length <= EXCERPT || at < EXCERPT / 2 ? 0 : at - EXCERPT / 2;
    const size_t shown = length - begin <= EXCERPT ? length - begin : EXCERPT;
    snprintf(text, BP__EXCERPT_MAX, "%s%.*s%s", begin ? "..." : "", (int)shown, line + begin,
             begin + shown < length ? "..." : "");
    return text;
}

bp_status bp__spec_compare(const char *path, const char *ours, const char *theirs, bool any_part)
{
    ours = behind_program(ours);
    theirs = behind_program(theirs);
    for (;;) {
        const size_t m = strcspn(ours, "\n"), n = strcspn(theirs, "\n");
        size_t same = 0;
        while (same < m && same < n && ours[same] == theirs[same]) same++;
        if ((same < m || same < n) && !(any_part && is_part(ours) && is_part(theirs))) {
            char here[BP__EXCERPT_MAX], there[BP__EXCERPT_MAX];
            BP_FAIL(BP_EINVAL,
                    "%.120s: it is of another search: there '%s', here '%s'; give the same options, or "
                    "name another --journal",
                    path, bp__spec_excerpt(theirs, n, same, there), bp__spec_excerpt(ours, m, same, here));
        }
        if (!ours[m] || !theirs[n]) return BP_OK; /* both: what differs in length has differed in a line */
        ours += m + 1;
        theirs += n + 1;
    }
}

/* Reading --------------------------------------------------------------------------------------- */

static bp_status unreadable(const char *path, const char *line)
{
    BP_FAIL(BP_EFORMAT, "%.200s: '%.80s' is not what a journal of this program has; it is damaged", path,
            line);
}

static bp_status read_bundles(const char *path, const char *list, bp__spec *spec)
{
    uint64_t n = 1;
    for (const char *c = list; *c; c++) n += *c == ',';
    spec->bundle = calloc(n, sizeof *spec->bundle);
    if (!spec->bundle) BP_FAIL(BP_ENOMEM, "%.200s: no memory for the names of its bundles", path);
    for (spec->num_bundles = 0; spec->num_bundles < n; spec->num_bundles++) {
        char *name = spec->bundle[spec->num_bundles];
        size_t length = strcspn(list, ",");
        if (length > BP_NAME_MAX) return unreadable(path, list);
        memcpy(name, list, length);
        if (bp__failed(bp__bundle_name_check(name))) return unreadable(path, list);
        list += length + 1;
    }
    return BP_OK;
}

static bp_status read_results(const char *path, const char *line, const char *value)
{
    unsigned results;
    if (sscanf(value, "%u", &results) != 1) return unreadable(path, line);
    if (results != BP__RESULTS_VERSION)
        BP_FAIL(
            BP_EINVAL,
            "%.200s: its numbers are of version %u of the rules of a backtest, this program's are of version %d; "
            "search again, or use the program that wrote it",
            path, results, BP__RESULTS_VERSION);
    return BP_OK;
}

/* How runs are measured. @param[out] known  whether the line is of this kind */
static bp_status read_terms(const char *path, const char *line, const char *value, bp__terms *terms,
                            bool *known)
{
    const bool per_year = strncmp(line, "sessions-per-year ", 18) == 0;
    *known = per_year || strncmp(line, "first-return ", 13) == 0;
    if (!*known) return BP_OK;
    if (!per_year) return terms->first_return = strcmp(value, "yes") == 0, BP_OK;
    if (strcmp(value, "of the bundle") == 0) return terms->sessions_per_year = 0, BP_OK;
    return bp__number_from(value, strlen(value), &terms->sessions_per_year) ? BP_OK : unreadable(path, line);
}

static bp_status read_line(const char *path, const char *line, bp__spec *spec)
{
    const size_t n = strcspn(line, " ");
    const char *value = line[n] ? line + n + 1 : line + n;
    const bp_strategy *strategy;
    bool known;
    if (bp__trading_read(line, spec, &known)) return BP_OK;
    if (known) return unreadable(path, line);
    BP_TRY(read_terms(path, line, value, &spec->terms, &known));
    if (known) return BP_OK;
    if (strncmp(line, "results ", 8) == 0) return read_results(path, line, value);
    if (strncmp(line, "strategy ", 9) == 0) {
        if (spec->grid.strategy) return unreadable(path, line);
        BP_TRY(bp__builtin_find(value, &strategy));
        return bp__grid_init(strategy, &spec->grid);
    }
    if (strncmp(line, "bundle ", 7) == 0 || strncmp(line, "bundles ", 8) == 0) {
        spec->several = line[6] == 's';
        return spec->bundle ? unreadable(path, line) : read_bundles(path, value, spec);
    }
    if (strncmp(line, "slice ", 6) == 0 &&
        sscanf(value, "%" SCNu64 "/%" SCNu64, &spec->slice, &spec->num_slices) != 2)
        return unreadable(path, line);
    if (strncmp(line, "metrics ", 8) == 0)
        return choose_metrics(spec, value, &(const char *){NULL}) ? BP_OK : unreadable(path, line);
    if (strncmp(line, "param ", 6) == 0) /* a journal names no other file */
        return spec->grid.strategy && !strstr(value, "=@") ? bp__grid_set(&spec->grid, value)
                                                           : unreadable(path, line);
    return BP_OK;
}

bp_status bp__spec_read(const char *path, const char *text, bp__spec *spec)
{
    bp_status s = BP_OK;
    char *copy = strdup(text), *rest = copy, *line;
    bp__spec_init(spec);
    spec->slice = spec->num_slices = 0; /* the text must say */
    if (!copy) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    while (s == BP_OK && (line = strsep(&rest, "\n")) != NULL) s = read_line(path, line, spec);
    free(copy);
    BP_TRY(s);
    if (!spec->grid.strategy || !spec->bundle || spec->slice < 1 || spec->slice > spec->num_slices)
        return unreadable(path, "(strategy, bundles, slice)");
    return BP_OK;
}
