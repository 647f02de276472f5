#include "reader/audit_findings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "core/text.h"

const char *const bp__finding_name[BP__NUM_FINDINGS] = {
#define X(id, name, unit) [BP__FOUND_##id] = (name),
    BP__FINDING_MAP(X)
#undef X
};

const char *const bp__finding_unit[BP__NUM_FINDINGS] = {
#define X(id, name, unit) [BP__FOUND_##id] = (unit),
    BP__FINDING_MAP(X)
#undef X
};

void bp__findings_init(bp__findings *findings, size_t most)
{
    *findings = (bp__findings){.most = most > 0 ? most : 1, .lock = PTHREAD_MUTEX_INITIALIZER};
}

void bp__findings_fini(bp__findings *findings)
{
    for (size_t k = 0; k < BP__NUM_FINDINGS; k++) free(findings->kept[k].row);
    *findings = (bp__findings){0};
}

/* Heaps ----------------------------------------------------------------------------------------- */

/* A total order: whichever thread comes first, the same findings are kept, in the same order. */
static int compare(const bp__finding *a, const bp__finding *b)
{
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->sid != b->sid) return a->sid < b->sid ? -1 : 1;
    if (a->date != b->date) return a->date < b->date ? -1 : 1;
    return strcmp(a->text, b->text);
}

static void swap(bp__finding *a, bp__finding *b)
{
    const bp__finding c = *a;
    *a = *b;
    *b = c;
}

static void rise(bp__finding *row, size_t i)
{
    for (; i > 0 && compare(&row[i], &row[(i - 1) / 2]) > 0; i = (i - 1) / 2)
        swap(&row[i], &row[(i - 1) / 2]);
}

static void sink(bp__finding *row, size_t n)
{
    for (size_t i = 0;;) {
        size_t lightest = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            if (compare(&row[child], &row[lightest]) > 0) lightest = child;
        if (lightest == i) return;
        swap(&row[i], &row[lightest]);
        i = lightest;
    }
}

static void keep(bp__findings *findings, const bp__finding *f)
{
    const bp__finding_kind k = f->kind;
    const size_t n = findings->kept[k].n;
    bp__finding *row = findings->kept[k].row;
    if (n == findings->most) {
        if (compare(f, &row[0]) > 0) return;
        row[0] = *f;
        sink(row, n);
        return;
    }
    if (n == findings->kept[k].cap) {
        const size_t cap = n < 4 ? 8 : 2 * n;
        row = realloc(row, cap * sizeof *row);
        if (!row) {
            findings->status = BP_ENOMEM;
            return;
        }
        findings->kept[k].row = row;
        findings->kept[k].cap = cap;
    }
    row[n] = *f;
    findings->kept[k].n = n + 1;
    rise(row, n);
}

void bp__findings_add(bp__findings *findings, bp__finding_kind kind, int64_t sid, const char *symbol,
                      int64_t date, double size, double weight, const char *format, ...)
{
    bp__finding f = {.kind = kind, .sid = sid, .date = date, .size = size, .weight = weight};
    va_list ap;
    if (weight < findings->lightest) return;
    snprintf(f.symbol, sizeof f.symbol, "%s", symbol);
    va_start(ap, format);
    vsnprintf(f.text, sizeof f.text, format, ap);
    va_end(ap);
    pthread_mutex_lock(&findings->lock);
    findings->count[kind]++;
    if (weight >= BP__HEAVY) findings->heavy++;
    keep(findings, &f);
    pthread_mutex_unlock(&findings->lock);
}

/* Using them ------------------------------------------------------------------------------------ */

static int by_weight(const void *a, const void *b)
{
    return compare(*(const bp__finding *const *)a, *(const bp__finding *const *)b);
}

bp_status bp__findings_sort(bp__findings *findings, const bp__finding ***sorted, size_t *n)
{
    size_t kept = 0, at = 0;
    *sorted = NULL;
    *n = 0;
    if (bp__failed(findings->status)) BP_FAIL(findings->status, "no memory for what was found");
    for (size_t k = 0; k < BP__NUM_FINDINGS; k++) kept += findings->kept[k].n;
    if (kept == 0) return BP_OK;
    const bp__finding **row = malloc(kept * sizeof *row);
    if (!row) BP_FAIL(BP_ENOMEM, "no memory to sort what was found");
    for (size_t k = 0; k < BP__NUM_FINDINGS; k++)
        for (size_t i = 0; i < findings->kept[k].n; i++) row[at++] = &findings->kept[k].row[i];
    qsort(row, kept, sizeof *row, by_weight);
    *sorted = row;
    *n = kept;
    return BP_OK;
}

size_t bp__findings_total(const bp__findings *findings)
{
    size_t total = 0;
    for (size_t k = 0; k < BP__NUM_FINDINGS; k++) total += findings->count[k];
    return total;
}

const char *bp__finding_where(const bp__finding *f, char *text, size_t size)
{
    char time[32] = "", asset[64] = "";
    if (f->date != BP_TIME_MISSING) bp__time_text(f->date, time);
    if (strchr(time, ':')) strcat(time, " UTC");
    if (*f->symbol)
        snprintf(asset, sizeof asset, "%s", f->symbol);
    else if (f->sid != BP__NO_SID)
        snprintf(asset, sizeof asset, "sid %" PRId64, f->sid);
    snprintf(text, size, "%s%s%s", asset, *asset && *time ? " " : "", time);
    return text;
}

bp_status bp__findings_print(bp__findings *findings, FILE *file, const char *lead)
{
    const bp__finding **row;
    size_t n, told[BP__NUM_FINDINGS] = {0};
    char where[128];
    BP_TRY(bp__findings_sort(findings, &row, &n));
    for (size_t i = 0; i < n; i++) {
        const bp__finding *f = row[i];
        bp__finding_where(f, where, sizeof where);
        bp__text_line(file, "%s%s: %s%s%s [%s]", lead, f->weight >= BP__HEAVY ? "heavy" : "warning", where,
                      *where ? ": " : "", f->text, bp__finding_name[f->kind]);
        told[f->kind]++;
    }
    free(row);
    for (size_t k = 0; k < BP__NUM_FINDINGS; k++)
        if (findings->count[k] > told[k])
            fprintf(file, "%sand %zu %s%s\n", lead, findings->count[k] - told[k], told[k] ? "more " : "",
                    bp__finding_name[k]);
    return BP_OK;
}

static void json_one(bp__json *j, const bp__finding *f)
{
    char time[32];
    bp__json_open(j, NULL, '{');
    bp__json_text(j, "kind", bp__finding_name[f->kind]);
    if (f->sid == BP__NO_SID)
        bp__json_raw(j, "sid", "null");
    else
        bp__json_int(j, "sid", f->sid);
    if (*f->symbol)
        bp__json_text(j, "symbol", f->symbol);
    else
        bp__json_raw(j, "symbol", "null");
    if (f->date == BP_TIME_MISSING)
        bp__json_raw(j, "date", "null");
    else
        bp__json_text(j, "date", bp__time_text(f->date, time));
    bp__json_number(j, "size", f->size);
    bp__json_text(j, "unit", bp__finding_unit[f->kind]);
    bp__json_number(j, "weight", f->weight);
    bp__json_bool(j, "heavy", f->weight >= BP__HEAVY);
    bp__json_text(j, "text", f->text);
    bp__json_close(j, '}');
}

bp_status bp__findings_json(bp__findings *findings, bp__json *j)
{
    const bp__finding **row;
    size_t n;
    BP_TRY(bp__findings_sort(findings, &row, &n));
    bp__json_open(j, "findings", '[');
    for (size_t i = 0; i < n; i++) json_one(j, row[i]);
    bp__json_close(j, ']');
    free(row);
    bp__json_open(j, "counts", '{');
    for (size_t k = 0; k < BP__NUM_FINDINGS; k++)
        if (findings->count[k] > 0) bp__json_int(j, bp__finding_name[k], (int64_t)findings->count[k]);
    bp__json_close(j, '}');
    bp__json_int(j, "heavy", (int64_t)findings->heavy);
    return BP_OK;
}
