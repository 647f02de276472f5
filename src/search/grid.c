#include "search/grid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

/* Life ------------------------------------------------------------------------------------------ */

static size_t count_words(const bp_param *p)
{
    size_t n = 0;
    while (p->words && p->words[n]) n++;
    return n;
}

/* A parameter whose texts are the axis' own. */
static bool copy_param(const bp_param *p, bp__axis *axis)
{
    const size_t n = count_words(p);
    size_t size = strlen(p->name) + 1;
    for (size_t i = 0; i < n; i++) size += strlen(p->words[i]) + 1;
    char *at = axis->texts = malloc(size);
    axis->words = calloc(n + 1, sizeof *axis->words);
    if (!axis->texts || !axis->words) return false;
    axis->param = *p;
    axis->param.help = NULL;
    axis->param.name = at;
    at = stpcpy(at, p->name) + 1;
    for (size_t i = 0; i < n; i++) {
        axis->words[i] = at;
        at = stpcpy(at, p->words[i]) + 1;
    }
    axis->param.words = p->words ? (const char *const *)axis->words : NULL;
    return true;
}

static void fini_axis(bp__axis *axis)
{
    free(axis->texts);
    free(axis->words);
    free(axis->value);
    free(axis->range);
}

bp_status bp__grid_add(bp__grid *grid, const bp_param *param)
{
    assert(grid->num_axes < BP_STRATEGY_MAX_PARAMS);
    bp__axis axis = {.count = 1, .value = malloc(sizeof *axis.value)};
    if (!axis.value || !copy_param(param, &axis)) {
        fini_axis(&axis);
        BP_FAIL(BP_ENOMEM, "no memory for the grid");
    }
    axis.value[0] = param->fallback;
    grid->axis[grid->num_axes++] = axis;
    return BP_OK;
}

bp_status bp__grid_init(const bp_param *param, size_t count, bp__grid *grid)
{
    *grid = (bp__grid){.size = 1};
    for (size_t i = 0; i < count; i++) BP_TRY(bp__grid_add(grid, &param[i]));
    return BP_OK;
}

void bp__grid_fini(bp__grid *grid)
{
    for (unsigned i = 0; i < grid->num_axes; i++) fini_axis(&grid->axis[i]);
    *grid = (bp__grid){0};
}

/* Combinations ---------------------------------------------------------------------------------- */

void bp__grid_at(const bp__grid *grid, uint64_t index, double *params)
{
    if (grid->listed) {
        for (unsigned i = 0; i < grid->num_axes; i++) params[i] = grid->axis[i].value[index];
        return;
    }
    for (unsigned i = grid->num_axes; i-- > 0;) {
        params[i] = grid->axis[i].value[index % grid->axis[i].count];
        index /= grid->axis[i].count;
    }
}

#define TILE 8 /* values */

typedef struct tiled {
    uint64_t tile, task;
} tiled;

static int compare_tiled(const void *a, const void *b)
{
    const tiled *x = a, *y = b;
    if (x->tile != y->tile) return x->tile < y->tile ? -1 : 1;
    return x->task < y->task ? -1 : x->task > y->task;
}

static uint64_t tile_of(const bp__grid *grid, uint64_t index)
{
    uint64_t tile = 0, unit = 1;
    for (const bp__axis *a = grid->axis + grid->num_axes; a-- != grid->axis;) {
        tile += index % a->count / TILE * unit;
        unit *= (a->count + TILE - 1) / TILE;
        index /= a->count;
    }
    return tile;
}

void bp__grid_tile(const bp__grid *grid, uint64_t *task, uint64_t count)
{
    if (grid->listed) return;
    tiled *order = malloc(count * sizeof *order + 1);
    if (!order) return;
    for (uint64_t i = 0; i < count; i++) order[i] = (tiled){tile_of(grid, task[i] % grid->size), task[i]};
    qsort(order, count, sizeof *order, compare_tiled);
    for (uint64_t i = 0; i < count; i++) task[i] = order[i].task;
    free(order);
}

const char *bp__axis_text(const bp__axis *axis, double value, char text[32])
{
    return axis->param.kind == BP_PARAM_WORD ? axis->param.words[(size_t)value]
                                             : bp__number_text(value, text);
}

const char *bp__grid_text(const bp__grid *grid, uint64_t index, char *text, size_t size)
{
    double params[BP_STRATEGY_MAX_PARAMS];
    bp__grid_at(grid, index, params);
    text[0] = '\0';
    for (unsigned i = 0; i < grid->num_axes; i++) {
        const size_t used = strlen(text);
        const bp__axis *axis = &grid->axis[i];
        char number[32];
        snprintf(text + used, size - used, "%s%s=%s", i ? " " : "", axis->param.name,
                 bp__axis_text(axis, params[i], number));
    }
    return text;
}

/* Values of one parameter ----------------------------------------------------------------------- */

static bp_status unknown_parameter(const bp__grid *grid, const char *text, size_t length)
{
    char names[256] = "none";
    for (size_t i = 0, used = 0; i < grid->num_axes && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 grid->axis[i].param.name);
    BP_FAIL(BP_EINVAL, "--param %.80s: the strategy has no parameter '%.*s', it takes %s", text,
            length < 40 ? (int)length : 40, text, names);
}

static bp_status too_many(const char *text)
{
    BP_FAIL(BP_EINVAL, "--param %.80s: that makes more than %" PRIu64 " combinations; search in several runs",
            text, BP__MAX_COMBINATIONS);
}

bp_status bp__grid_set(bp__grid *grid, const char *text)
{
    unsigned i = 0;
    const size_t length = strcspn(text, "=");
    if (text[length] == '\0' || length == 0)
        BP_FAIL(BP_EINVAL, "--param %.80s: write name=VALUE, name=A,B,C or name=FROM:TO:STEP", text);
    while (i < grid->num_axes && (strlen(grid->axis[i].param.name) != length ||
                                  memcmp(grid->axis[i].param.name, text, length) != 0))
        i++;
    if (i == grid->num_axes) return unknown_parameter(grid, text, length);
    bp__axis *axis = &grid->axis[i];
    if (axis->is_named) BP_FAIL(BP_EINVAL, "--param %.80s: %s is given twice", text, axis->param.name);

    const char *list = text + length + 1;
    bp__values values;
    BP_TRY(bp__values_read(text, list, &axis->param, &values));
    char *range = values.is_range ? strdup(list) : NULL;
    bp_status s = BP_OK;
    if (values.count > BP__MAX_COMBINATIONS / grid->size)
        s = too_many(text);
    else if (values.is_range && !range)
        s = bp__fail(BP_ENOMEM, "--param %.80s: no memory for its values", text);
    if (bp__failed(s)) {
        free(values.value);
        free(range);
        return s;
    }
    free(axis->value);
    axis->value = values.value;
    axis->count = values.count;
    axis->range = range;
    axis->is_named = true;
    grid->size *= values.count;
    return BP_OK;
}
