#include "io/ingest/remark.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/draft.h"

typedef struct remark {
    bp__severity severity;
    char *text, *path; /* path, line: the first in the order of names */
    char *cell;        /* of that file; NULL */
    uint64_t line, files, amount;
} remark;

struct bp__remarks {
    pthread_mutex_t lock;
    BP__TABLE(remark) all;
};

bp_status bp__remarks_create(bp__remarks **remarks)
{
    *remarks = calloc(1, sizeof **remarks);
    if (!*remarks) BP_FAIL(BP_ENOMEM, "no memory for remarks");
    pthread_mutex_init(&(*remarks)->lock, NULL);
    return BP_OK;
}

static void forget(bp__remarks *r)
{
    for (size_t i = 0; i < r->all.n; i++) {
        free(r->all.row[i].text);
        free(r->all.row[i].path);
        free(r->all.row[i].cell);
    }
    r->all.n = 0;
}

void bp__remarks_destroy(bp__remarks **remarks)
{
    if (!*remarks) return;
    forget(*remarks);
    free((*remarks)->all.row);
    pthread_mutex_destroy(&(*remarks)->lock);
    free(*remarks);
    *remarks = NULL;
}

static bp_status add(bp__remarks *r, const remark *new)
{
    for (size_t i = 0; i < r->all.n; i++) {
        remark *m = &r->all.row[i];
        if (m->severity != new->severity || strcmp(m->text, new->text) != 0) continue;
        const int order = strcmp(new->path, m->path);
        m->files += order != 0; /* a table is one file, whatever is said of its assets */
        m->amount += new->amount;
        if (order == 0 && new->line < m->line) m->line = new->line;
        free(new->text);
        if (order < 0) {
            free(m->path);
            free(m->cell);
            m->path = new->path;
            m->cell = new->cell;
            m->line = new->line;
        } else {
            free(new->path);
            free(new->cell);
        }
        return BP_OK;
    }
    BP__APPEND(&r->all, *new);
    return BP_OK;
}

static void put(bp__remarks *remarks, remark *m, const char *path, const char *format, va_list args)
{
    m->files = 1;
    m->path = strdup(path);
    if (vasprintf(&m->text, format, args) < 0) m->text = NULL;
    pthread_mutex_lock(&remarks->lock);
    if (!m->text || !m->path || add(remarks, m) != BP_OK) { /* no memory: what matters more fails as well */
        free(m->text);
        free(m->path);
        free(m->cell);
    }
    pthread_mutex_unlock(&remarks->lock);
}

void bp__remark(bp__remarks *remarks, bp__severity severity, const char *path, uint64_t line, uint64_t amount,
                const char *format, ...)
{
    remark m = {.severity = severity, .line = line, .amount = amount};
    va_list args;
    va_start(args, format);
    put(remarks, &m, path, format, args);
    va_end(args);
}

void bp__remark_cell(bp__remarks *remarks, bp__severity severity, const char *path, uint64_t line,
                     const char *cell, const char *format, ...)
{
    remark m = {.severity = severity, .line = line, .cell = strdup(cell)};
    va_list args;
    va_start(args, format);
    put(remarks, &m, path, format, args);
    va_end(args);
}

void bp__remarks_tell(bp__remarks *remarks, bp__report *report)
{
    for (size_t i = 0; i < remarks->all.n; i++) {
        const remark *m = &remarks->all.row[i];
        char more[96] = "", amount[48] = "";
        if (m->amount > 0) snprintf(amount, sizeof amount, " (%llu)", (unsigned long long)m->amount);
        if (m->files > 1)
            snprintf(more, sizeof more, "; the same in %llu more file%s", (unsigned long long)(m->files - 1),
                     m->files == 2 ? "" : "s");
        bp__report_add(report, m->severity, m->path, m->line, "%s%s%s%s%s%s", m->cell ? "'" : "",
                       m->cell ? m->cell : "", m->cell ? "': " : "", m->text, amount, more);
    }
    forget(remarks);
}

void bp__report_failure(bp__report *report, const char *path)
{
    const char *text = bp_error_text();
    const size_t n = strlen(path);
    uint64_t line = 0;
    if (strncmp(text, path, n) == 0 && text[n] == ':') {
        text += n + 1;
        char *end = NULL;
        const uint64_t number = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
        if (end && *end == ':') {
            line = number;
            text = end + 1;
        }
        while (*text == ' ') text++;
    }
    bp__report_add(report, BP__ERROR, path, line, "%s", text);
}
