#include "io/report.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "io/draft.h"

#define PER_PATH 5                 /* errors of a path that are kept however many paths there are */
#define PLENTY   ((size_t)1 << 14) /* errors that are kept in all before that */

typedef struct entry {
    char *path, *text; /* owned */
    uint64_t line;
} entry;

typedef BP__TABLE(entry) entries;

/* Errors of one path: all are counted, the first ones are kept. */
typedef struct bad_path {
    char *path; /* owned */
    size_t count;
    entries kept; /* in order */
} bad_path;

struct bp__report {
    pthread_mutex_t lock;
    size_t most;
    size_t count[BP__NUM_SEVERITIES];
    entries
        kept[BP__NUM_SEVERITIES]; /* but errors: at most 2 × most, so that the first `most` are among them */
    BP__TABLE(bad_path) bad;      /* errors, by path, ascending */
    size_t errors_kept;
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
    for (size_t i = 0; i < r->bad.n; i++) {
        free_entries(&r->bad.row[i].kept, 0);
        free(r->bad.row[i].kept.row);
        free(r->bad.row[i].path);
    }
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

/* The errors of a path, which may be its first. NULL: no memory */
static bad_path *find_bad_path(bp__report *r, const char *path)
{
    size_t low = 0, high = r->bad.n;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (strcmp(r->bad.row[mid].path, path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < r->bad.n && strcmp(r->bad.row[low].path, path) == 0) return &r->bad.row[low];
    char *copy = strdup(path);
    void *rows = r->bad.row;
    if (!copy || bp__failed(bp__table_grow(&rows, r->bad.n, &r->bad.cap, sizeof *r->bad.row))) {
        free(copy);
        return NULL;
    }
    r->bad.row = rows;
    memmove(r->bad.row + low + 1, r->bad.row + low, (r->bad.n - low) * sizeof *r->bad.row);
    r->bad.row[low] = (bad_path){.path = copy};
    r->bad.n++;
    return &r->bad.row[low];
}

/* Put an error among those of its path. @return false: it is not kept */
static bool keep_error(bp__report *r, const entry *new)
{
    bad_path *bad = find_bad_path(r, new->path);
    if (!bad) return false;
    bad->count++;
    entries *e = &bad->kept;
    const size_t room = r->errors_kept < PLENTY || r->most < PER_PATH ? r->most : PER_PATH;
    size_t at = e->n;
    while (at > 0 && in_order(&e->row[at - 1], new) > 0) at--;
    if (at >= room) return false;
    if (e->n >= room) {
        r->errors_kept -= e->n - (room - 1);
        free_entries(e, room - 1);
    }
    void *rows = e->row;
    if (bp__failed(bp__table_grow(&rows, e->n, &e->cap, sizeof *e->row))) return false;
    e->row = rows;
    memmove(e->row + at + 1, e->row + at, (e->n - at) * sizeof *e->row);
    e->row[at] = *new;
    e->n++;
    r->errors_kept++;
    return true;
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
    bool kept = e.path && e.text;
    if (kept && severity == BP__ERROR)
        kept = keep_error(report, &e);
    else if (kept)
        kept = keep(report, &report->kept[severity], &e) == BP_OK;
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

static void print_one(const char *severity, const entry *e, size_t more, FILE *file)
{
    char line[24] = "", others[48] = "";
    if (e->line > 0) snprintf(line, sizeof line, ":%" PRIu64, e->line);
    if (more > 0) snprintf(others, sizeof others, " (%zu more in this file)", more);
    bp__text_line(file, "%s: %s%s%s%s%s", severity, e->path, line, *e->path ? ": " : "", e->text, others);
}

static size_t told_with_share(const bp__report *r, size_t share)
{
    size_t told = 0;
    for (size_t i = 0; i < r->bad.n; i++) {
        const size_t count = r->bad.row[i].count;
        told += count < share ? count : share;
    }
    return told;
}

/* How many errors of each path are told, so that no path is left unnamed because another one has many. */
static size_t share_of_path(const bp__report *r)
{
    size_t low = 1, high = r->most;
    while (low < high) {
        const size_t mid = high - (high - low) / 2;
        if (told_with_share(r, mid) <= r->most)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* @return how many were told */
static size_t print_errors(const bp__report *r, FILE *file)
{
    const size_t share = share_of_path(r), of_all = told_with_share(r, share);
    size_t told = 0,
           spare = of_all < r->most ? r->most - of_all : 0; /* one more for each of the first paths */
    for (size_t i = 0; i < r->bad.n && told < r->most; i++) {
        const bad_path *bad = &r->bad.row[i];
        const size_t mine = share + (bad->count > share && spare > 0);
        const size_t n = bad->kept.n < mine ? bad->kept.n : mine;
        spare -= mine > share;
        for (size_t k = 0; k < n; k++)
            print_one(severity_name[BP__ERROR], &bad->kept.row[k], k + 1 == n ? bad->count - n : 0, file);
        told += n;
    }
    return told;
}

static size_t print_others(bp__report *r, int severity, FILE *file)
{
    entries *e = &r->kept[severity];
    keep_first(r, e);
    for (size_t i = 0; i < e->n; i++) print_one(severity_name[severity], &e->row[i], 0, file);
    return e->n;
}

void bp__report_print(const bp__report *report, FILE *file)
{
    bp__report *r = (bp__report *)report;
    pthread_mutex_lock(&r->lock);
    for (int s = 0; s < BP__NUM_SEVERITIES; s++) {
        const size_t told = s == BP__ERROR ? print_errors(r, file) : print_others(r, s, file);
        if (r->count[s] > told)
            fprintf(file, "%s: %zu more; --max-errors %zu shows them all\n", severity_name[s],
                    r->count[s] - told, r->count[s]);
    }
    pthread_mutex_unlock(&r->lock);
}
