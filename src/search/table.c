#include "search/table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/number.h"
#include "search/expr.h"

#define MAX_COLUMNS (3 + BP__TABLE_MAX_PARAMS + BP__NUM_METRICS)
#define MAX_WORDS   10000 /* names of bundles, and words that parameters have */
#define MAX_LINE    (1 << 20)

typedef enum role { BUNDLE, INDEX, STATUS, PARAM, METRIC } role;

typedef struct reader {
    bp__table *table;
    FILE *file;
    char *line;
    size_t line_size;
    uint64_t number; /* of the line */
    unsigned num_columns;
    const char *name[MAX_COLUMNS]; /* as long as the header is the line */
    role role[MAX_COLUMNS];
    unsigned at[MAX_COLUMNS]; /* which parameter or metric */
    uint64_t room;            /* rows that the table has memory for */
    const char *last_word;
} reader;

__attribute__((format(printf, 2, 3))) static bp_status malformed(const reader *r, const char *fmt, ...)
{
    char what[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    BP_FAIL(BP_EFORMAT, "%.160s, line %" PRIu64 ": %s", r->table->path, r->number, what);
}

static bp_status no_memory(const reader *r)
{
    BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", r->table->path);
}

/* Lines and cells --------------------------------------------------------------------------------- */

/* @param[out] more  false: the file has ended */
static bp_status read_line(reader *r, bool *more)
{
    errno = 0;
    const ssize_t n = getline(&r->line, &r->line_size, r->file);
    *more = n >= 0;
    if (n < 0 && errno == ENOMEM) return no_memory(r);
    if (n < 0 && ferror(r->file)) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be read", r->table->path);
    if (n < 0) return BP_OK;
    r->number++;
    if (n > MAX_LINE || memchr(r->line, '\0', (size_t)n)) return malformed(r, "this is not text");
    r->line[strcspn(r->line, "\r\n")] = '\0';
    return BP_OK;
}

/* The next cell, without its quotes, in place. @param[in,out] at  NULL: there is none left */
static bp_status next_cell(const reader *r, char **at, char **cell)
{
    char *from = *at, *to = *at;
    *cell = *at;
    if (*from != '"') {
        from += strcspn(from, ",");
    } else {
        for (from++; *from && (from[0] != '"' || from[1] == '"'); *to++ = *from++) from += *from == '"';
        if (!*from++) return malformed(r, "a quotation mark is not closed");
        if (*from && *from != ',') return malformed(r, "'%.40s' stands behind a quotation mark", from);
        *to = '\0';
    }
    *at = *from ? from + 1 : NULL;
    *from = '\0';
    return BP_OK;
}

/* The same word, kept once. */
static bp_status keep_word(reader *r, const char *text, const char **word)
{
    bp__table *t = r->table;
    *word = r->last_word; /* rows that follow each other have much in common */
    if (*word && strcmp(*word, text) == 0) return BP_OK;
    for (size_t i = 0; i < t->num_words; i++)
        if (strcmp(t->word[i], text) == 0) return *word = r->last_word = t->word[i], BP_OK;
    if (t->num_words == MAX_WORDS)
        return malformed(r, "'%.40s': more than %d different words; is this a file of results?", text,
                         MAX_WORDS);
    if (!t->word) t->word = calloc(MAX_WORDS, sizeof *t->word);
    char *copy = t->word ? strdup(text) : NULL;
    if (!copy) return no_memory(r);
    *word = r->last_word = t->word[t->num_words++] = copy;
    return BP_OK;
}

/* Columns ----------------------------------------------------------------------------------------- */

static bp_status add_column(reader *r, const char *name)
{
    bp__table *t = r->table;
    const unsigned c = r->num_columns;
    if (c == MAX_COLUMNS) return malformed(r, "more than %zu columns", (size_t)MAX_COLUMNS);
    if (!*name)
        return malformed(r, "column %u has no name; leave it out, such as the row numbers of another program",
                         c + 1);
    for (unsigned i = 0; i < c; i++)
        if (strcmp(name, r->name[i]) == 0) return malformed(r, "two columns are called '%.40s'", name);
    r->name[c] = name;
    unsigned metric;
    if (strcmp(name, "bundle") == 0) {
        r->role[c] = BUNDLE;
        t->several = true;
    } else if (strcmp(name, "index") == 0 || strcmp(name, "status") == 0) {
        r->role[c] = *name == 'i' ? INDEX : STATUS;
    } else if (bp__metric_find(name, strlen(name), &metric)) {
        r->role[c] = METRIC;
        r->at[c] = t->num_metrics;
        t->metric[t->num_metrics++] = metric;
    } else {
        if (t->num_params == BP__TABLE_MAX_PARAMS)
            return malformed(r, "more than %d parameters", BP__TABLE_MAX_PARAMS);
        r->role[c] = PARAM;
        r->at[c] = t->num_params;
        t->param[t->num_params] = strdup(name);
        if (!t->param[t->num_params]) return no_memory(r);
        t->num_params++;
    }
    r->num_columns++;
    return BP_OK;
}

static bool has_role(const reader *r, role wanted)
{
    for (unsigned c = 0; c < r->num_columns; c++)
        if (r->role[c] == wanted) return true;
    return false;
}

static bp_status read_header(reader *r)
{
    char *name, *at;
    bool more;
    BP_TRY(read_line(r, &more));
    if (!more) BP_FAIL(BP_EFORMAT, "%.200s: it is empty", r->table->path);
    at = strncmp(r->line, "\xef\xbb\xbf", 3) == 0 ? r->line + 3 : r->line; /* some programs mark UTF-8 so */
    while (at) {
        BP_TRY(next_cell(r, &at, &name));
        BP_TRY(add_column(r, name));
    }
    const char *missing = !has_role(r, INDEX)    ? "index"
                          : !has_role(r, STATUS) ? "status"
                          : !has_role(r, METRIC) ? "sharpe, or of another metric"
                                                 : NULL;
    if (missing) return malformed(r, "there is no column %s; this is not a file of results", missing);
    return BP_OK;
}

/* Rows -------------------------------------------------------------------------------------------- */

static bool grow(void *array, uint64_t rows, size_t bytes)
{
    void **at = array;
    void *more = bytes ? reallocarray(*at, rows, bytes) : *at;
    if (more) *at = more;
    return more || !bytes;
}

static bp_status make_room(reader *r)
{
    bp__table *t = r->table;
    if (t->num_rows < r->room) return BP_OK;
    if (t->num_rows >= BP__MAX_COMBINATIONS) return malformed(r, "more than %" PRIu64 " rows", r->room);
    const uint64_t rows = r->room ? 2 * r->room : 1024;
    const bool grown = grow(&t->line, rows, sizeof *t->line) && grow(&t->index, rows, sizeof *t->index) &&
                       grow(&t->outcome, rows, sizeof *t->outcome) &&
                       grow(&t->bundle, rows, t->several ? sizeof *t->bundle : 0) &&
                       grow(&t->cell, rows, t->num_params * sizeof *t->cell) &&
                       grow(&t->value, rows, t->num_metrics * sizeof *t->value);
    if (!grown) return no_memory(r);
    r->room = rows;
    return BP_OK;
}

static bp_status read_status(const reader *r, const char *text, unsigned char *outcome)
{
    static const struct {
        const char *text;
        bp__outcome outcome;
    } known[] = {
        {"done", BP__DONE}, {"skipped", BP__SKIPPED}, {"failed", BP__FAILED}, {"pending", BP__PENDING}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].text) == 0) return *outcome = (unsigned char)known[i].outcome, BP_OK;
    return malformed(r, "the status '%.40s' is none of done, skipped, failed", text);
}

/* What is undefined is empty in the files of some programs. */
static bp_status read_metric(const reader *r, const char *text, unsigned column, double *value)
{
    *value = NAN;
    if (!*text || strcasecmp(text, "nan") == 0 || strcasecmp(text, "-nan") == 0) return BP_OK;
    if (strcasecmp(text, "inf") == 0 || strcasecmp(text, "-inf") == 0)
        return *value = *text == '-' ? -INFINITY : INFINITY, BP_OK;
    if (bp__number_from(text, strlen(text), value)) return BP_OK;
    return malformed(r, "%s: '%.40s' is not a number", bp__metric_at(r->table->metric[column])->name, text);
}

static bp_status read_param(reader *r, const char *text, unsigned column, bp__cell *cell)
{
    *cell = (bp__cell){0};
    if (!*text) return malformed(r, "%.40s is empty", r->table->param[column]);
    if (bp__number_from(text, strlen(text), &cell->number)) return BP_OK;
    if (text[0] == '-' || text[0] == '.' || (text[0] >= '0' && text[0] <= '9'))
        return malformed(r, "%.40s: '%.40s' is neither a number nor a word", r->table->param[column], text);
    return keep_word(r, text, &cell->word);
}

static bp_status read_cell(reader *r, unsigned c, const char *text)
{
    bp__table *t = r->table;
    const uint64_t row = t->num_rows;
    double number;
    switch (r->role[c]) {
    case BUNDLE:
        if (!*text) return malformed(r, "the name of the bundle is empty");
        return keep_word(r, text, &t->bundle[row]);
    case INDEX:
        if (!bp__number_from(text, strlen(text), &number) || number < 0 || number != floor(number) ||
            number > (double)BP__MAX_COMBINATIONS)
            return malformed(r, "the index '%.40s' is not a whole number from 0 on", text);
        t->index[row] = (uint64_t)number;
        return BP_OK;
    case STATUS: return read_status(r, text, &t->outcome[row]);
    case PARAM: return read_param(r, text, r->at[c], &t->cell[row * t->num_params + r->at[c]]);
    case METRIC: return read_metric(r, text, r->at[c], &t->value[row * t->num_metrics + r->at[c]]);
    }
    return BP_OK;
}

static bp_status read_row(reader *r)
{
    bp__table *t = r->table;
    char *at = r->line, *cell;
    unsigned c = 0;
    BP_TRY(make_room(r));
    for (; at; c++) {
        BP_TRY(next_cell(r, &at, &cell));
        if (c < r->num_columns) BP_TRY(read_cell(r, c, cell));
    }
    if (c != r->num_columns) return malformed(r, "%u values in %u columns", c, r->num_columns);
    for (unsigned k = 0; k < t->num_metrics && t->outcome[t->num_rows] != BP__DONE; k++)
        t->value[t->num_rows * t->num_metrics + k] = NAN;
    t->line[t->num_rows++] = r->number;
    return BP_OK;
}

static bp_status read_all(reader *r)
{
    BP_TRY(read_header(r));
    for (;;) {
        bool more;
        BP_TRY(read_line(r, &more));
        if (!more) return BP_OK;
        if (*r->line) BP_TRY(read_row(r));
    }
}

bp_status bp__table_read(const char *path, bp__table *t)
{
    struct stat st;
    reader r = {.table = t};
    *t = (bp__table){.path = path};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%.200s: cannot be read", path);
    bp_status s = BP_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        s = bp__fail(BP_EIO, "%.200s is not a regular file", path);
    else if (!(r.file = fdopen(fd, "r")))
        s = no_memory(&r);
    if (s == BP_OK) s = read_all(&r);
    if (r.file)
        fclose(r.file);
    else
        close(fd);
    free(r.line);
    return s;
}

void bp__table_fini(bp__table *t)
{
    for (unsigned p = 0; p < t->num_params; p++) free(t->param[p]);
    for (size_t i = 0; i < t->num_words; i++) free(t->word[i]);
    free(t->word);
    free(t->line);
    free(t->index);
    free(t->outcome);
    free(t->bundle);
    free(t->cell);
    free(t->value);
    *t = (bp__table){0};
}

/* Ranking ----------------------------------------------------------------------------------------- */

bool bp__table_column(const bp__table *t, unsigned metric, unsigned *column)
{
    for (*column = 0; *column < t->num_metrics; ++*column)
        if (t->metric[*column] == metric) return true;
    return false;
}

const char *bp__table_objective(const bp__table *t)
{
    unsigned metric, column;
    const bool has =
        bp__metric_find("sharpe", strlen("sharpe"), &metric) && bp__table_column(t, metric, &column);
    return has ? "sharpe" : bp__metric_at(t->metric[0])->name;
}

static bp_status no_column(const bp__table *t, const char *objective)
{
    char names[512] = "";
    for (unsigned k = 0; k < t->num_metrics; k++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "", bp__metric_at(t->metric[k])->name);
    }
    BP_FAIL(BP_ENOTFOUND, "--objective: %.80s is not in %.160s, choose from %s", objective, t->path, names);
}

/* What an expression sees: metrics, then parameters; of words it knows none. */
#define MAX_NAMES (BP__NUM_METRICS + BP__TABLE_MAX_PARAMS)

static bp_status translate(const bp__table *t, const char *objective, bp__expr **expr)
{
    bp__expr_name name[MAX_NAMES];
    size_t n = 0;
    for (unsigned k = 0; k < t->num_metrics; k++)
        name[n++] = (bp__expr_name){bp__metric_at(t->metric[k])->name, NULL};
    for (unsigned p = 0; p < t->num_params; p++) name[n++] = (bp__expr_name){t->param[p], NULL};
    return bp__expr_create("--objective", objective, name, n, expr);
}

static double evaluate(const bp__table *t, const bp__expr *expr, uint64_t row)
{
    double seen[MAX_NAMES];
    for (unsigned k = 0; k < t->num_metrics; k++) seen[k] = t->value[row * t->num_metrics + k];
    for (unsigned p = 0; p < t->num_params; p++) {
        const bp__cell *cell = &t->cell[row * t->num_params + p];
        seen[t->num_metrics + p] = cell->word ? NAN : cell->number;
    }
    const double value = bp__expr_value(expr, seen);
    return t->outcome[row] == BP__DONE && isfinite(value) ? value : NAN;
}

static bp_status evaluate_all(const bp__table *t, const char *objective, double *value)
{
    bp__expr *expr;
    BP_TRY(translate(t, objective, &expr));
    for (uint64_t row = 0; row < t->num_rows; row++) value[row] = evaluate(t, expr, row);
    bp__expr_destroy(&expr);
    return BP_OK;
}

static bool never_traded(const bp__table *t, uint64_t row)
{
    unsigned metric, column;
    return bp__metric_find("trades", strlen("trades"), &metric) && bp__table_column(t, metric, &column) &&
           t->value[row * t->num_metrics + column] == 0;
}

bp_status bp__table_score(const bp__table *t, const char *objective, double **value, double **score)
{
    const char *name = objective ? objective : bp__table_objective(t);
    unsigned metric = 0, column = 0;
    const bool is_metric = bp__metric_find(name, strlen(name), &metric);
    *value = *score = NULL;
    if (is_metric && !bp__table_column(t, metric, &column)) return no_column(t, name);
    *value = malloc((t->num_rows + 1) * sizeof **value);
    *score = malloc((t->num_rows + 1) * sizeof **score);
    if (!*value || !*score)
        BP_FAIL(BP_ENOMEM, "%.200s: no memory to rank %" PRIu64 " rows", t->path, t->num_rows);
    for (uint64_t row = 0; is_metric && row < t->num_rows; row++)
        (*value)[row] = t->value[row * t->num_metrics + column];
    if (!is_metric) BP_TRY(evaluate_all(t, name, *value));
    const double sign = !is_metric || bp__metric_at(metric)->best == BP__HIGHEST ? 1 : -1;
    for (uint64_t row = 0; row < t->num_rows; row++)
        (*score)[row] = never_traded(t, row) ? NAN : sign * (*value)[row];
    return BP_OK;
}

static int better(const void *x, const void *y, void *context)
{
    const double *score = context;
    const uint64_t i = *(const uint64_t *)x, j = *(const uint64_t *)y;
    if (isnan(score[i]) != isnan(score[j])) return isnan(score[i]) ? 1 : -1;
    if (score[i] != score[j] && !isnan(score[i])) return score[i] > score[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

bp_status bp__table_rank(const bp__table *t, const double *score, uint64_t **order, uint64_t *count)
{
    *count = 0;
    *order = malloc((t->num_rows + 1) * sizeof **order);
    if (!*order) BP_FAIL(BP_ENOMEM, "%.200s: no memory to rank %" PRIu64 " rows", t->path, t->num_rows);
    for (uint64_t row = 0; row < t->num_rows; row++)
        if (t->outcome[row] == BP__DONE) (*order)[(*count)++] = row;
    qsort_r(*order, *count, sizeof **order, better, (void *)(uintptr_t)score);
    return BP_OK;
}

int bp__cell_compare(const bp__cell *a, const bp__cell *b)
{
    if (a->word && b->word) return strcmp(a->word, b->word);
    if (a->word || b->word) return a->word ? 1 : -1;
    return a->number < b->number ? -1 : a->number > b->number;
}

const char *bp__table_text(const bp__table *t, uint64_t row, char *text, size_t size)
{
    const char *between = "";
    size_t used = 0;
    text[0] = '\0';
    if (t->several) {
        snprintf(text, size, "%s", t->bundle[row]);
        between = " ";
    }
    for (unsigned p = 0; p < t->num_params && (used = strlen(text)) + 1 < size; p++, between = " ") {
        const bp__cell *cell = &t->cell[row * t->num_params + p];
        char number[32];
        snprintf(text + used, size - used, "%s%s=%s", between, t->param[p],
                 cell->word ? cell->word : bp__number_text(cell->number, number));
    }
    return text;
}
