#include "io/report.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "io/draft.h"

typedef struct entry {
    char *path, *text; /* owned */
    uint64_t line;
} entry;

typedef BP__TABLE(entry) entries;

struct bp__report {
    pthread_mutex_t lock;
    size_t most;
    size_t count[BP__NUM_SEVERITIES];
    entries kept[BP__NUM_SEVERITIES]; /* at most 2 × most, so that the first `most` in order are among them */
    BP__TABLE(char *) bad;            /* paths with errors, each once, ascending; owned */
};

static const char *const severity_name[BP__NUM_SEVERITIES] = {"error", "warning", "note"};

bp_status bp__report_create(size_t most, bp__report **report)
{
    *report = calloc(1, sizeof **report);
    if (!*report) BP_FAIL(BP_ENOMEM, "no memory for a report");
    (*report)->most = most ? most : 1;
    pthread_mutex_init(&(*report)->lock, NULL);
    return BP_OK;
}

static void free_entries(entries *e, size_t from)
{
    for (size_t i = from; i < e->n; i++) {
        free(e->row[i].path);
        free(e->row[i].text);
    }
    if (from < e->n) e->n = from;
}

void bp__report_destroy(bp__report **report)
{
    bp__report *r = *report;
    if (!r) return;
    *report = NULL;
    for (int s = 0; s < BP__NUM_SEVERITIES; s++) {
        free_entries(&r->kept[s], 0);
        free(r->kept[s].row);
    }
    for (size_t i = 0; i < r->bad.n; i++) free(r->bad.row[i]);
    free(r->bad.row);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static int in_order(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int c = strcmp(x->path, y->path);
    if (c == 0) c = (x->line > y->line) - (x->line < y->line);
    return c ? c : strcmp(x->text, y->text);
}

static void keep_first(bp__report *r, entries *e)
{
    if (e->n > 0) qsort(e->row, e->n, sizeof *e->row, in_order);
    free_entries(e, r->most);
}

static bp_status keep(bp__report *r, entries *e, const entry *new)
{
    if (e->n >= 2 * r->most) keep_first(r, e);
    BP__APPEND(e, *new);
    return BP_OK;
}

static bp_status note_bad_path(bp__report *r, const char *path)
{
    size_t low = 0, high = r->bad.n;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (strcmp(r->bad.row[mid], path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < r->bad.n && strcmp(r->bad.row[low], path) == 0) return BP_OK;
    char *copy = strdup(path);
    if (!copy) return BP_ENOMEM;
    void *rows = r->bad.row;
    if (bp__failed(bp__table_grow(&rows, r->bad.n, &r->bad.cap, sizeof *r->bad.row))) {
        free(copy);
        return BP_ENOMEM;
    }
    r->bad.row = rows;
    memmove(r->bad.row + low + 1, r->bad.row + low, (r->bad.n - low) * sizeof *r->bad.row);
    r->bad.row[low] = copy;
    r->bad.n++;
    return BP_OK;
}

/* Without memory for the words, what counts is that it is counted. */
void bp__report_add(bp__report *report, bp__severity severity, const char *path, uint64_t line,
                    const char *format, ...)
{
    entry e = {.path = strdup(path), .line = line};
    va_list args;
    va_start(args, format);
    if (vasprintf(&e.text, format, args) < 0) e.text = NULL;
    va_end(args);

    pthread_mutex_lock(&report->lock);
    report->count[severity]++;
    if (severity == BP__ERROR) (void)note_bad_path(report, path);
    const bool kept = e.path && e.text && keep(report, &report->kept[severity], &e) == BP_OK;
    pthread_mutex_unlock(&report->lock);
    if (!kept) {
        free(e.path);
        free(e.text);
    }
}

size_t bp__report_count(const bp__report *report, bp__severity severity)
{
    bp__report *r = (bp__report *)report; /* the lock is no part of what is const */
    pthread_mutex_lock(&r->lock);
    const size_t count = r->count[severity];
    pthread_mutex_unlock(&r->lock);
    return count;
}

size_t bp__report_bad_files(const bp__report *report)
{
    bp__report *r = (bp__report *)report;
    pthread_mutex_lock(&r->lock);
    const size_t count = r->bad.n;
    pthread_mutex_unlock(&r->lock);
    return count;
}

static void print_one(const char *severity, const entry *e, FILE *file)
{
    char line[24] = "";
    if (e->line > 0) snprintf(line, sizeof line, ":%" PRIu64, e->line);
    bp__text_line(file, "%s: %s%s%s%s", severity, e->path, line, *e->path ? ": " : "", e->text);
}

void bp__report_print(const bp__report *report, FILE *file)
{
    bp__report *r = (bp__report *)report;
    pthread_mutex_lock(&r->lock);
    for (int s = 0; s < BP__NUM_SEVERITIES; s++) {
        entries *e = &r->kept[s];
        keep_first(r, e);
        for (size_t i = 0; i < e->n; i++) print_one(severity_name[s], &e->row[i], file);
        if (r->count[s] > e->n)
            fprintf(file, "%s: %zu more; --max-errors %zu shows them all\n", severity_name[s],
                    r->count[s] - e->n, r->count[s]);
    }
    pthread_mutex_unlock(&r->lock);
}
