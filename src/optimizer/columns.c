#include "optimizer/columns.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"

#define GAP 2

void bp__columns_cell(bp__columns *c, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0) text = NULL;
    va_end(ap);
    if (c->num_cells == c->room && text) {
        const size_t room = c->room ? 2 * c->room : 64;
        char **more = reallocarray(c->cell, room, sizeof *more);
        if (more) c->cell = more, c->room = room;
    }
    if (!text || c->num_cells == c->room) {
        c->failed = true;
        free(text);
        return;
    }
    c->cell[c->num_cells++] = bp__text_clean(text);
}

void bp__columns_metric(bp__columns *c, const bp__metric *metric, double value)
{
    if (isnan(value))
        bp__columns_cell(c, "-");
    else if (metric->kind == BP__COUNT)
        bp__columns_cell(c, "%.0f", value);
    else
        bp__columns_cell(c, fabs(value) < 1e6 ? "%.4f" : "%.4g", value);
}

void bp__columns_end_header(bp__columns *c)
{
    c->num_columns = c->num_cells;
    if (c->num_columns > BP__MAX_TABLE_COLUMNS) c->failed = true;
}

static void print_row(FILE *file, const bp__columns *c, char *const *cell, const int *width, int indent)
{
    fprintf(file, "%*s", indent, "");
    for (size_t i = 0; i < c->num_columns; i++) {
        const int blanks = width[i] - bp__text_width(cell[i]);
        const bool last = i + 1 == c->num_columns;
        if (i > 0) fprintf(file, "%*s", GAP, "");
        if (!c->left[i]) fprintf(file, "%*s", blanks, "");
        fputs(cell[i], file);
        if (c->left[i] && !last) fprintf(file, "%*s", blanks, "");
    }
    fputc('\n', file);
}

bp_status bp__columns_print(FILE *file, bp__columns *c, int indent)
{
    int width[BP__MAX_TABLE_COLUMNS] = {0};
    const bool failed = c->failed;
    for (size_t i = 0; !failed && i < c->num_cells; i++) {
        const int w = bp__text_width(c->cell[i]);
        if (w > width[i % c->num_columns]) width[i % c->num_columns] = w;
    }
    for (size_t i = 0; !failed && i + c->num_columns <= c->num_cells; i += c->num_columns)
        print_row(file, c, c->cell + i, width, indent);
    for (size_t i = 0; i < c->num_cells; i++) free(c->cell[i]);
    free(c->cell);
    *c = (bp__columns){0};
    if (failed) BP_FAIL(BP_ENOMEM, "no memory for a table");
    return BP_OK;
}
