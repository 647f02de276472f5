#include "search/spec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/version.h>

#include "backtest/description.h"
#include "core/name.h"
#include "core/number.h"
#include "search/list.h"
#include "search/trading.h"

#define SPELLED_OUT 1000
#define EXCERPT     (BP__EXCERPT_MAX - 8)
#define NUM_KINDS   (sizeof kinds / sizeof *kinds)

/* Life ------------------------------------------------------------------------------------------ */

/* What ranking needs, whatever the columns are. */
static void keep_needed(bp__spec *spec)
{
    unsigned trades;
    if (bp__metric_find("trades", 6, &trades)) bp__spec_keep(spec, trades);
}

void bp__spec_init(bp__spec *spec)
{
    unsigned sharpe;
    *spec = (bp__spec){
        .slice = 1,
        .num_slices = 1,
        .start = BP_TIME_MISSING,
        .end = BP_TIME_MISSING,
        .account = bp__account_init(),
        .delisted_after = 1,
    };
    for (unsigned i = 0; i < BP__NUM_METRICS; i++)
        if (bp__metric_at(i)->is_default) bp__spec_show(spec, i);
    keep_needed(spec);
    if (bp__metric_find("sharpe", 6, &sharpe)) bp__spec_has(spec, sharpe, &spec->ranking.column);
}

void bp__spec_fini(bp__spec *spec)
{
    for (size_t i = 0; spec->symbols && spec->symbols[i]; i++) free(spec->symbols[i]);
    free(spec->symbols);
    free(spec->bundle);
    free(spec->pieces);
    bp__grid_fini(&spec->grid);
    bp__expr_destroy(&spec->where);
    bp__expr_destroy(&spec->ranking.objective);
    bp__expr_destroy(&spec->ranking.having);
    *spec = (bp__spec){0};
}

/* Strategy -------------------------------------------------------------------------------------- */

bp_status bp__spec_set_strategy(bp__spec *spec, const bp_strategy *strategy, const char *plugin)
{
    snprintf(spec->strategy, sizeof spec->strategy, "%s", strategy->name);
    snprintf(spec->plugin, sizeof spec->plugin, "%s", plugin);
    spec->runs = strategy;
    return bp__grid_init(strategy->param, strategy->num_params, &spec->grid);
}

/* What is known of a line "NAME HASH": where the hash begins. 0: it is none. */
static size_t hash_of_piece(const char *line, size_t length)
{
    size_t at = length;
    while (at > 0 && line[at - 1] != ' ') at--;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) return 0;
    return at > 1 && at < length && line[0] != ' ' ? at : 0;
}

bp_status bp__spec_set_pieces(bp__spec *spec, const char *pieces)
{
    for (const char *line = pieces; *line;) {
        const size_t n = strcspn(line, "\n");
        if (hash_of_piece(line, n) == 0 || !line[n])
            BP_FAIL(BP_EINVAL, "strategy %s: '%.*s' is not the line of a piece, NAME HASH", spec->strategy,
                    n < 80 ? (int)n : 80, line);
        line += n + 1;
    }
    free(spec->pieces);
    spec->pieces = strdup(pieces);
    if (!spec->pieces) BP_FAIL(BP_ENOMEM, "strategy %s: no memory for what it is made of", spec->strategy);
    return BP_OK;
}

const char *bp__spec_check(const bp__spec *spec, const double *params)
{
    if (spec->where && !bp__expr_holds(spec->where, params)) return "--where excludes it";
    return bp__strategy_check(spec->runs, params);
}

/* Metrics --------------------------------------------------------------------------------------- */

const bp__metric *bp__spec_metric(const bp__spec *spec, unsigned column)
{
    return bp__metric_at(spec->metric[column]);
}

bool bp__spec_has(const bp__spec *spec, unsigned metric, unsigned *column)
{
    for (unsigned i = 0; i < spec->num_metrics; i++)
        if (spec->metric[i] == metric) return *column = i, true;
    return false;
}

void bp__spec_keep(bp__spec *spec, unsigned metric)
{
    unsigned column;
    if (!bp__spec_has(spec, metric, &column)) spec->metric[spec->num_metrics++] = metric;
}

unsigned bp__spec_show(bp__spec *spec, unsigned metric)
{
    unsigned at = 0;
    bp__spec_keep(spec, metric);
    while (spec->metric[at] != metric) at++;
    if (at < spec->num_columns) return at;
    for (; at > spec->num_columns; at--) spec->metric[at] = spec->metric[at - 1]; /* hidden ones make way */
    spec->metric[at] = metric;
    return spec->num_columns++;
}

/* The columns of a list, and no others. @return false: one is unknown or named twice; `at` is where it begins */
static bool choose_metrics(bp__spec *spec, const char *list, const char **at)
{
    spec->num_columns = spec->num_metrics = spec->ranking.column = 0;
    for (*at = list;; ++*at) {
        unsigned metric, column;
        const size_t length = strcspn(*at, ",");
        if (!bp__metric_find(*at, length, &metric) || bp__spec_has(spec, metric, &column)) return false;
        bp__spec_show(spec, metric);
        if (!(*at)[length]) return true;
        *at += length;
    }
}

bp_status bp__spec_set_metrics(bp__spec *spec, const char *list)
{
    const unsigned objective = spec->metric[spec->ranking.column];
    const char *at;
    unsigned metric;
    char names[512];
    if (choose_metrics(spec, list, &at)) {
        bp__spec_has(spec, objective, &spec->ranking.column);
        keep_needed(spec);
        return BP_OK;
    }
    const size_t length = strcspn(at, ",");
    if (bp__metric_find(at, length, &metric))
        BP_FAIL(BP_EINVAL, "metric %.*s is named twice", (int)length, at);
    BP_FAIL(BP_ENOTFOUND, "there is no metric '%.*s', choose from %s", length < 60 ? (int)length : 60, at,
            bp__metric_names(names, sizeof names));
}

static bool has_default_columns(const bp__spec *spec)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BP__NUM_METRICS; i++)
        if (bp__metric_at(i)->is_default && (n == spec->num_columns || spec->metric[n++] != i)) return false;
    return n == spec->num_columns;
}

/* Expressions ----------------------------------------------------------------------------------- */

size_t bp__spec_names(const bp__spec *spec, bool metrics, bp__expr_name name[BP__MAX_NAMES])
{
    size_t n = 0;
    for (unsigned i = 0; metrics && i < BP__NUM_METRICS; i++)
        name[n++] = (bp__expr_name){bp__metric_at(i)->name, NULL};
    for (unsigned i = 0; i < spec->grid.num_axes; i++)
        name[n++] = (bp__expr_name){spec->grid.axis[i].param.name, spec->grid.axis[i].param.words};
    return n;
}

bp_status bp__spec_set_where(bp__spec *spec, const char *text)
{
    bp__expr_name name[BP__MAX_NAMES];
    const size_t n = bp__spec_names(spec, false, name);
    BP_TRY(bp__expr_create("--where", text, name, n, &spec->where));
    if (bp__expr_is_condition(spec->where)) return BP_OK;
    BP_FAIL(BP_EINVAL,
            "--where '%.80s': it is a number, which is neither true nor false; compare it with one", text);
}

bp__terms bp__spec_terms(const bp__spec *spec, const bp__scope *scope)
{
    bp__terms terms = spec->terms;
    if (terms.sessions_per_year == 0) terms.sessions_per_year = bp__scope_sessions_per_year(scope);
    return terms;
}

bool bp__spec_needs_fills(const bp__spec *spec)
{
    return !bp__metrics_of_equity(spec->metric, spec->num_metrics);
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

static void put_axis(FILE *f, const bp__axis *axis)
{
    char text[32];
    fprintf(f, "param %s=", axis->param.name);
    if (axis->count > SPELLED_OUT && axis->range) {
        fputs(axis->range, f);
    } else {
        for (uint64_t i = 0; i < axis->count; i++)
            fprintf(f, "%s%s", i ? "," : "", bp__axis_text(axis, axis->value[i], text));
    }
    fputc('\n', f);
}

/* Metrics from `first` up to `end`. */
static void put_metrics(FILE *f, const char *key, const bp__spec *spec, unsigned first, unsigned end)
{
    fprintf(f, "%s ", key);
    for (unsigned i = first; i < end; i++)
        fprintf(f, "%s%s", i > first ? "," : "", bp__spec_metric(spec, i)->name);
    fputc('\n', f);
}

static const char *const kinds[] = {
    [BP_PARAM_INTEGER] = "integer", [BP_PARAM_REAL] = "real", [BP_PARAM_WORD] = "word"};

static void put_parameter(FILE *f, const bp_param *p)
{
    fprintf(f, "parameter %s %s", p->name, kinds[p->kind]);
    for (size_t i = 0; p->words && p->words[i]; i++) fprintf(f, "%c%s", i ? ',' : ' ', p->words[i]);
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

static void put_pieces(FILE *f, const char *pieces)
{
    for (const char *line = pieces; line && *line; line += strcspn(line, "\n") + 1)
        fprintf(f, "piece %.*s\n", (int)strcspn(line, "\n"), line);
}

static void put_spec(FILE *f, const bp__spec *spec)
{
    fprintf(f, "program optimizer " BP_VERSION_STRING "\nresults %d\n", BP__RESULTS_VERSION);
    fprintf(f, "strategy %s\n", spec->strategy);
    if (*spec->plugin) fprintf(f, "plugin %s\n", spec->plugin);
    put_pieces(f, spec->pieces);
    for (unsigned i = 0; i < spec->grid.num_axes; i++) put_parameter(f, &spec->grid.axis[i].param);
    fputs(spec->several ? "bundles " : "bundle ", f);
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
    if (spec->where) fprintf(f, "where %s\n", bp__expr_text(spec->where));
    if (!has_default_columns(spec)) put_metrics(f, "metrics", spec, 0, spec->num_columns);
    if (spec->num_metrics > spec->num_columns)
        put_metrics(f, "hidden", spec, spec->num_columns, spec->num_metrics);
    if (spec->grid.listed) bp__list_put(f, &spec->grid);
    for (unsigned i = 0; !spec->grid.listed && i < spec->grid.num_axes; i++) put_axis(f, &spec->grid.axis[i]);
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

static bp_status other_rules(const char *path, unsigned results)
{
    BP_FAIL(
        BP_EINVAL,
        "%.200s: its numbers are of version %u of the rules of a backtest, this program's are of version %d; "
        "search again, or use the program that wrote it",
        path, results, BP__RESULTS_VERSION);
}

static bool is_strategy_line(const char *line)
{
    return strncmp(line, "plugin ", 7) == 0 || strncmp(line, "piece ", 6) == 0;
}

/* The line behind, of those of one strategy; NULL: there is none. */
static const char *next_piece(const char *line)
{
    line += strcspn(line, "\n");
    return *line && strncmp(line + 1, "piece ", 6) == 0 ? line + 1 : NULL;
}

/* Whether two lines "piece NAME HASH" have one name. */
static bool same_piece(const char *a, const char *b)
{
    const size_t m = hash_of_piece(a + 6, strcspn(a + 6, "\n")),
                 n = hash_of_piece(b + 6, strcspn(b + 6, "\n"));
    return m == n && memcmp(a + 6, b + 6, m) == 0;
}

static const char *find_piece(const char *first, const char *piece)
{
    for (; first; first = next_piece(first))
        if (same_piece(first, piece)) return first;
    return NULL;
}

/* Append what has become of a piece, as long as there is room. */
static void tell_piece(char *text, size_t size, const char *piece, const char *what)
{
    const size_t used = strlen(text), n = hash_of_piece(piece + 6, strcspn(piece + 6, "\n"));
    if (n == 0 || used + n + 20 > size) return;
    snprintf(text + used, size - used, "%s%.*s %s", used ? ", " : "", (int)n - 1, piece + 6, what);
}

/* Which pieces of a strategy differ. @param[in] ours, theirs  their first lines, or NULL @return `text`; "": none */
static const char *changed_pieces(const char *ours, const char *theirs, char *text, size_t size)
{
    text[0] = '\0';
    for (const char *p = theirs; p; p = next_piece(p)) {
        const char *now = find_piece(ours, p);
        if (!now)
            tell_piece(text, size, p, "is gone");
        else if (strcspn(now, "\n") != strcspn(p, "\n") || memcmp(now, p, strcspn(p, "\n")) != 0)
            tell_piece(text, size, p, "has changed");
    }
    for (const char *p = ours; p; p = next_piece(p))
        if (!find_piece(theirs, p)) tell_piece(text, size, p, "is new");
    return text;
}

const char *bp__spec_piece_hint(const char *name)
{
    return strncmp(name, "constant ", 9) == 0 ? " (a memo that a program fills is better a function with "
                                                "functools.lru_cache, whose content does not count)"
                                              : "";
}

/* The first piece at or behind a line of a strategy. */
static const char *first_piece(const char *line)
{
    return strncmp(line, "piece ", 6) == 0    ? line
           : strncmp(line, "plugin ", 7) == 0 ? next_piece(line)
                                              : NULL;
}

/* Why two lines that differ from byte `at` on make two searches. */
static bp_status refuse(const char *path, const char *ours, const char *theirs, size_t at)
{
    char here[BP__EXCERPT_MAX], there[BP__EXCERPT_MAX], pieces[240];
    unsigned results;
    if (sscanf(theirs, "results %u", &results) == 1) return other_rules(path, results);
    if (is_strategy_line(theirs) && is_strategy_line(ours) &&
        *changed_pieces(first_piece(ours), first_piece(theirs), pieces, sizeof pieces))
        BP_FAIL(BP_EINVAL,
                "%.120s: the strategy has changed since: %s; restore it, or name another --journal%s", path,
                pieces, bp__spec_piece_hint(pieces));
    if (strncmp(theirs, "plugin ", 7) == 0 && strncmp(ours, "plugin ", 7) == 0)
        BP_FAIL(
            BP_EINVAL,
            "%.120s: the file of the strategy has changed: there its content is %.12s, here %.12s; restore it, "
            "or name another --journal",
            path, theirs + 7, ours + 7);
    BP_FAIL(BP_EINVAL,
            "%.120s: it is of another search: there '%s', here '%s'; give the same options, or "
            "name another --journal",
            path, bp__spec_excerpt(theirs, strcspn(theirs, "\n"), at, there),
            bp__spec_excerpt(ours, strcspn(ours, "\n"), at, here));
}

bp_status bp__spec_compare(const char *path, const char *ours, const char *theirs, bool any_part)
{
    ours = behind_program(ours);
    theirs = behind_program(theirs);
    for (;;) {
        const size_t m = strcspn(ours, "\n"), n = strcspn(theirs, "\n");
        size_t same = 0;
        while (same < m && same < n && ours[same] == theirs[same]) same++;
        if ((same < m || same < n) && !(any_part && is_part(ours) && is_part(theirs)))
            return refuse(path, ours, theirs, same);
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

static bp_status read_results(const char *path, const char *line, const char *value, bp__spec *spec)
{
    unsigned results;
    (void)spec;
    if (sscanf(value, "%u", &results) != 1) return unreadable(path, line);
    return results == BP__RESULTS_VERSION ? BP_OK : other_rules(path, results);
}

static bp_status read_strategy(const char *path, const char *line, const char *value, bp__spec *spec)
{
    if (*spec->strategy || !*value || strlen(value) > BP__STRATEGY_NAME_MAX) return unreadable(path, line);
    strcpy(spec->strategy, value);
    return bp__grid_init(NULL, 0, &spec->grid);
}

static bool has_parameter(const bp__grid *grid, const char *name)
{
    for (unsigned i = 0; i < grid->num_axes; i++)
        if (strcmp(grid->axis[i].param.name, name) == 0) return true;
    return false;
}

/* "NAME KIND" or "NAME word A,B,C". Values were within their range when they were written. */
static bp_status read_parameter(const char *path, const char *line, const char *value, bp__spec *spec)
{
    if (!*spec->strategy || spec->grid.num_axes == BP_STRATEGY_MAX_PARAMS) return unreadable(path, line);
    char *copy = strdup(value), *rest = copy;
    const char **words = calloc(strlen(value) + 1, sizeof *words);
    bp_status s = copy && words ? BP_OK : bp__fail(BP_ENOMEM, "%.200s: no memory to read it", path);
    if (s == BP_OK) {
        const char *name = strsep(&rest, " "), *kind = strsep(&rest, " ");
        unsigned k = 0;
        while (kind && k < NUM_KINDS && strcmp(kind, kinds[k]) != 0) k++;
        for (size_t n = 0; rest; n++) words[n] = strsep(&rest, ",");
        const bp_param p = {.name = name,
                            .kind = (bp_param_kind)k,
                            .min = -INFINITY,
                            .max = INFINITY,
                            .words = *words ? words : NULL};
        const bool right = kind && bp__description_is_named(&p) && k < NUM_KINDS &&
                           (k == BP_PARAM_WORD) == (p.words != NULL) && !has_parameter(&spec->grid, name);
        s = right ? bp__grid_add(&spec->grid, &p) : unreadable(path, line);
    }
    free(words);
    free(copy);
    return s;
}

static bp_status read_where(const char *path, const char *line, const char *value, bp__spec *spec)
{
    return spec->where || bp__failed(bp__spec_set_where(spec, value)) ? unreadable(path, line) : BP_OK;
}

static bp_status read_hidden(const char *path, const char *line, const char *value, bp__spec *spec)
{
    for (const char *at = value;; at++) {
        unsigned metric, column;
        const size_t length = strcspn(at, ",");
        if (!bp__metric_find(at, length, &metric) || bp__spec_has(spec, metric, &column))
            return unreadable(path, line);
        bp__spec_keep(spec, metric);
        at += length;
        if (!*at) return BP_OK;
    }
}

/* A journal names no other file, and each parameter has a line of its own. */
static bp_status read_values(const char *path, const char *line, const char *value, bp__spec *spec)
{
    if (strstr(value, "=@")) return unreadable(path, line);
    const bp_status s = bp__grid_set(&spec->grid, value);
    return s == BP_EINVAL ? unreadable(path, line)
                          : s; /* its own text is about an option, which nobody has given */
}

static bp_status read_list(const char *path, const char *line, const char *value, bp__spec *spec)
{
    return *spec->strategy && bp__list_read(&spec->grid, value) == BP_OK ? BP_OK : unreadable(path, line);
}

static bp_status read_slice(const char *path, const char *line, const char *value, bp__spec *spec)
{
    const bool read = sscanf(value, "%" SCNu64 "/%" SCNu64, &spec->slice, &spec->num_slices) == 2;
    return read ? BP_OK : unreadable(path, line);
}

static bp_status read_plugin(const char *path, const char *line, const char *value, bp__spec *spec)
{
    if (strlen(value) != BP__HASH_DIGITS) return unreadable(path, line);
    memcpy(spec->plugin, value, BP__HASH_DIGITS);
    return BP_OK;
}

static bp_status read_piece(const char *path, const char *line, const char *value, bp__spec *spec)
{
    const size_t n = strlen(value), used = spec->pieces ? strlen(spec->pieces) : 0;
    if (!*spec->plugin || hash_of_piece(value, n) == 0) return unreadable(path, line);
    char *pieces = realloc(spec->pieces, used + n + 2);
    if (!pieces) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    snprintf(pieces + used, n + 2, "%s\n", value);
    spec->pieces = pieces;
    return BP_OK;
}

static bp_status read_year(const char *path, const char *line, const char *value, bp__spec *spec)
{
    if (strcmp(value, "of the bundle") == 0) return spec->terms.sessions_per_year = 0, BP_OK;
    const bool read = bp__number_from(value, strlen(value), &spec->terms.sessions_per_year);
    return read ? BP_OK : unreadable(path, line);
}

static bp_status read_first_return(const char *path, const char *line, const char *value, bp__spec *spec)
{
    (void)path, (void)line;
    spec->terms.first_return = strcmp(value, "yes") == 0;
    return BP_OK;
}

static bp_status read_chosen(const char *path, const char *line, const char *value, bp__spec *spec)
{
    return choose_metrics(spec, value, &(const char *){NULL}) ? BP_OK : unreadable(path, line);
}

static bp_status read_one(const char *path, const char *line, const char *value, bp__spec *spec)
{
    spec->several = false;
    return spec->bundle ? unreadable(path, line) : read_bundles(path, value, spec);
}

static bp_status read_several(const char *path, const char *line, const char *value, bp__spec *spec)
{
    spec->several = true;
    return spec->bundle ? unreadable(path, line) : read_bundles(path, value, spec);
}

static bp_status read_line(const char *path, const char *line, bp__spec *spec)
{
    static const struct {
        const char *key;
        bp_status (*read)(const char *path, const char *line, const char *value, bp__spec *spec);
    } known[] = {
        {"results", read_results},
        {"strategy", read_strategy},
        {"plugin", read_plugin},
        {"piece", read_piece},
        {"parameter", read_parameter},
        {"bundle", read_one},
        {"bundles", read_several},
        {"slice", read_slice},
        {"metrics", read_chosen},
        {"hidden", read_hidden},
        {"param", read_values},
        {"combinations", read_list},
        {"sessions-per-year", read_year},
        {"first-return", read_first_return},
        {"where", read_where},
    };
    const size_t n = strcspn(line, " ");
    bool known_there;
    if (bp__trading_read(line, spec, &known_there)) return BP_OK;
    if (known_there) return unreadable(path, line);
    for (size_t i = 0; line[n] && i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].key) == n && memcmp(line, known[i].key, n) == 0)
            return known[i].read(path, line, line + n + 1, spec);
    return BP_OK;
}

bp_status bp__spec_read(const char *path, const char *text, bp__spec *spec)
{
    bp_status s = BP_OK;
    char *copy = strdup(text), *rest = copy, *line;
    bp__spec_init(spec);
    spec->num_metrics = spec->num_columns;
    spec->slice = spec->num_slices = 0; /* the text must say */
    if (!copy) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    while (s == BP_OK && (line = strsep(&rest, "\n")) != NULL) s = read_line(path, line, spec);
    free(copy);
    BP_TRY(s);
    if (!*spec->strategy || !spec->bundle || spec->slice < 1 || spec->slice > spec->num_slices)
        return unreadable(path, "(strategy, bundles, slice)");
    return BP_OK;
}
