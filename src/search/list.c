#include "search/list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

static const bp_param *param_of(const bp__grid *grid, unsigned axis)
{
    return &grid->axis[axis].param;
}

bp_status bp__list_value(const bp_param *p, const char *text, size_t length, double *value)
{
    const int shown = length < 40 ? (int)length : 40;
    for (size_t i = 0; p->kind == BP_PARAM_WORD && p->words[i]; i++)
        if (strlen(p->words[i]) == length && memcmp(p->words[i], text, length) == 0)
            return *value = (double)i, BP_OK;
    if (p->kind == BP_PARAM_WORD || !bp__number_from(text, length, value))
        BP_FAIL(BP_EINVAL, "'%.*s' is not a value of %s", shown, text, p->name);
    if (p->kind == BP_PARAM_INTEGER && *value != floor(*value))
        BP_FAIL(BP_EINVAL, "%s takes whole numbers, and %.*s is not one", p->name, shown, text);
    if (!(*value >= p->min && *value <= p->max))
        BP_FAIL(BP_EINVAL, "%.*s is out of range; %s takes %.10g to %.10g", shown, text, p->name, p->min,
                p->max);
    return BP_OK;
}

bp_status bp__list_make(bp__grid *grid, const double *params, uint64_t count)
{
    double *value[BP_STRATEGY_MAX_PARAMS] = {NULL};
    bool complete = true;
    for (unsigned a = 0; a < grid->num_axes; a++)
        complete &= (value[a] = malloc(count * sizeof *value[a])) != NULL;
    if (!complete) {
        for (unsigned a = 0; a < grid->num_axes; a++) free(value[a]);
        BP_FAIL(BP_ENOMEM, "no memory for a list of combinations");
    }
    for (unsigned a = 0; a < grid->num_axes; a++) {
        for (uint64_t i = 0; i < count; i++) value[a][i] = params[i * grid->num_axes + a];
        free(grid->axis[a].value);
        grid->axis[a].value = value[a];
        grid->axis[a].count = count;
    }
    grid->size = count;
    grid->listed = true;
    return BP_OK;
}

void bp__list_put(FILE *f, const bp__grid *grid)
{
    char text[32];
    fputs("combinations ", f);
    for (uint64_t i = 0; i < grid->size; i++) {
        if (i > 0) fputc(';', f);
        for (unsigned a = 0; a < grid->num_axes; a++) {
            const bp_param *p = param_of(grid, a);
            const double x = grid->axis[a].value[i];
            fprintf(f, "%s%s", a ? "," : "",
                    p->kind == BP_PARAM_WORD ? p->words[(size_t)x] : bp__number_text(x, text));
        }
    }
    fputc('\n', f);
}

/* @param[out] params  [num_axes] @return behind the combination; NULL: it is none */
static const char *read_one(const bp__grid *grid, const char *text, double *params)
{
    for (unsigned a = 0; a < grid->num_axes; a++) {
        const size_t n = strcspn(text, ",;");
        if (bp__failed(bp__list_value(param_of(grid, a), text, n, &params[a]))) return NULL;
        text += n;
        if (a + 1 < grid->num_axes && *text++ != ',') return NULL;
    }
    return *text == ';' || *text == '\0' ? text : NULL;
}

bp_status bp__list_read(bp__grid *grid, const char *text)
{
    uint64_t count = 1;
    for (const char *c = text; *c; c++) count += *c == ';';
    if (count > BP__MAX_COMBINATIONS) BP_FAIL(BP_EINVAL, "the list of combinations is too long");
    double *params = calloc(count, (grid->num_axes + 1) * sizeof *params);
    if (!params) BP_FAIL(BP_ENOMEM, "no memory for a list of combinations");
    bp_status s = BP_OK;
    for (uint64_t i = 0; s == BP_OK && i < count; i++) {
        text = read_one(grid, text, params + i * grid->num_axes);
        if (!text) s = bp__fail(BP_EINVAL, "a list of combinations is not of this strategy");
        if (s == BP_OK && *text) text++;
    }
    if (s == BP_OK) s = bp__list_make(grid, params, count);
    free(params);
    return s;
}
