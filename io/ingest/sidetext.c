#include "io/ingest/sidetext.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/number.h"

/* What is read here stays in memory, until the bundle is written. */
#define TEXT_MOST (UINT64_C(256) << 20)
#define ROWS_MOST (UINT64_C(1) << 22)

void bp__side_error(bp__side_text *side, const char *format, ...)
{
    char text[BP_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    side->bad = true;
    bp__report_add(side->work->in->report, BP__ERROR, side->path, side->text.line, "%s", text);
}

static bp_status read_header(bp__side_text *s, size_t required)
{
    bool more;
    BP_TRY(bp__csv_next(&s->text, &more));
    s->num_fields = more ? s->text.n : 0;
    for (size_t c = 0; c < s->n; c++) {
        s->at[c] = SIZE_MAX;
        for (size_t i = 0; i < s->num_fields; i++)
            if (bp__csv_is(&s->text.field[i], s->names[c])) s->at[c] = i;
        if (c < required && s->at[c] == SIZE_MAX)
            BP_FAIL(BP_EFORMAT, "%s:1: the header has no column '%s', as %s of an exported bundle has",
                    s->path, s->names[c], s->name);
    }
    return BP_OK;
}

bp_status bp__side_open(bp__side_text *side, bp__csv_work *work, const char *dir, const char *name,
                        const char *const *names, size_t n, size_t required, bool *found)
{
    *side = (bp__side_text){.work = work, .name = name, .names = names, .n = n};
    *found = false;
    if (asprintf(&side->path, "%s/%s", dir, name) < 0) {
        side->path = NULL;
        BP_FAIL(BP_ENOMEM, "%s: no memory", name);
    }
    bp_status s = bp__input_open(side->path, work->rules.within, NULL, &side->input);
    if (s == BP_ENOTFOUND) {
        bp__side_close(side);
        return BP_OK;
    }
    if (s == BP_OK) bp__input_limit(side->input, TEXT_MOST);
    if (s == BP_OK) s = bp__csv_text_init(&side->text, side->path, side->input);
    if (s == BP_OK) s = read_header(side, required);
    if (bp__failed(s)) bp__side_close(side);
    *found = s == BP_OK;
    return s;
}

bp_status bp__side_next(bp__side_text *side, bool *more)
{
    for (;;) {
        BP_TRY(bp__csv_next(&side->text, more));
        if (*more && ++side->rows > ROWS_MOST)
            BP_FAIL(BP_EFORMAT, "%s:%llu: more than %llu rows", side->path,
                    (unsigned long long)side->text.line, (unsigned long long)ROWS_MOST);
        if (!*more || side->text.n == side->num_fields) return BP_OK;
        bp__side_error(side, "%zu fields, the header has %zu", side->text.n, side->num_fields);
    }
}

bp_status bp__side_finish(bp__side_text *side)
{
    bp__input_stamp stamp;
    BP_TRY(bp__input_finish(side->input, &stamp));
    return bp__csv_work_read(side->work, side->name, &stamp);
}

void bp__side_close(bp__side_text *side)
{
    bp__csv_text_fini(&side->text);
    bp__input_close(&side->input);
    free(side->path);
    side->path = NULL;
}

/* Cells ----------------------------------------------------------------------------------------- */

const bp__csv_field *bp__side_cell(const bp__side_text *side, size_t column)
{
    static const bp__csv_field empty = {"\n", 0, false};
    return side->at[column] == SIZE_MAX ? &empty : &side->text.field[side->at[column]];
}

static bool is_wrong(bp__side_text *side, size_t column, const char *what)
{
    const bp__csv_field *f = bp__side_cell(side, column);
    bp__side_error(side, "column '%s': '%.*s' %s", side->names[column], (int)(f->size < 40 ? f->size : 40),
                   f->text, what);
    return false;
}

bool bp__side_whole(bp__side_text *side, size_t column, int64_t *number)
{
    const bp__csv_field *f = bp__side_cell(side, column);
    char text[24], *end;
    if (f->size == 0 || f->size >= sizeof text) return is_wrong(side, column, "is not a whole number");
    memcpy(text, f->text, f->size);
    text[f->size] = '\0';
    errno = 0;
    *number = strtoll(text, &end, 10);
    return *end || errno || text[0] == '+' ? is_wrong(side, column, "is not a whole number") : true;
}

bool bp__side_number(bp__side_text *side, size_t column, double *number)
{
    const bp__csv_field *f = bp__side_cell(side, column);
    *number = 0;
    if (f->size == 0 || bp__number_from(f->text, f->size, number)) return true;
    return is_wrong(side, column, "is not a number");
}

bool bp__side_time(bp__side_text *side, size_t column, int64_t *ns)
{
    const bp__csv_field *f = bp__side_cell(side, column);
    bp__when how = {0};
    bp__moment m;
    *ns = BP_TIME_MISSING;
    if (f->size == 0) return true;
    const char *wrong = bp__when_read(&how, f, NULL, &m);
    bp__when_fini(&how);
    if (wrong) return is_wrong(side, column, wrong);
    *ns = m.ns;
    return true;
}

bp_status bp__side_string(bp__side_text *side, size_t column, char **string)
{
    const bp__csv_field *f = bp__side_cell(side, column);
    *string = strndup(f->text, f->size);
    if (!*string) BP_FAIL(BP_ENOMEM, "%s: no memory", side->path);
    return BP_OK;
}
