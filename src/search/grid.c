#include "search/grid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

/* Life ------------------------------------------------------------------------------------------ */

bp_status bp__grid_init(const bp_strategy *strategy, bp__grid *grid)
{
    *grid = (bp__grid){.strategy = strategy, .size = 1};
    const bp_param *param = strategy->param;
    grid->num_axes = (unsigned)strategy->num_params;
    for (unsigned i = 0; i < grid->num_axes; i++) {
        bp__axis *axis = &grid->axis[i];
        axis->count = 1;
        axis->value = malloc(sizeof *axis->value);
        if (!axis->value) BP_FAIL(BP_ENOMEM, "no memory for the grid");
        axis->value[0] = param[i].fallback;
    }
    return BP_OK;
}

void bp__grid_fini(bp__grid *grid)
{
    for (unsigned i = 0; i < grid->num_axes; i++) {
        free(grid->axis[i].value);
        free(grid->axis[i].range);
    }
    *grid = (bp__grid){0};
}

void bp__grid_at(const bp__grid *grid, uint64_t index, double *params)
{
    for (unsigned i = grid->num_axes; i-- > 0;) {
        params[i] = grid->axis[i].value[index % grid->axis[i].count];
        index /= grid->axis[i].count;
    }
}

const char *bp__grid_text(const bp__grid *grid, uint64_t index, char *text, size_t size)
{
    const bp_param *param = grid->strategy->param;
    double params[BP__MAX_PARAMS];
    bp__grid_at(grid, index, params);
    text[0] = '\0';
    for (unsigned p = 0; p < grid->num_axes; p++) {
        const size_t used = strlen(text);
        char number[32];
        snprintf(text + used, size - used, "%s%s=%s", p ? " " : "", param[p].name,
                 bp__number_text(params[p], number));
    }
    return text;
}

/* Values of one parameter ----------------------------------------------------------------------- */

static bp_status unknown_parameter(const bp__grid *grid, const char *text, size_t length)
{
    char names[256] = "none";
    const bp_param *param = grid->strategy->param;
    for (size_t i = 0, used = 0; i < grid->num_axes && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", param[i].name);
    BP_FAIL(BP_EINVAL, "--param %.80s: %s has no parameter '%.*s', it takes %s", text, grid->strategy->name,
            length < 40 ? (int)length : 40, text, names);
}

bp_status bp__grid_set(bp__grid *grid, const char *text)
{
    const unsigned n = grid->num_axes;
    const bp_param *param = grid->strategy->param;
    unsigned i = 0;
    const size_t length = strcspn(text, "=");
    if (text[length] == '\0' || length == 0)
        BP_FAIL(BP_EINVAL, "--param %.80s: write name=VALUE, name=A,B,C or name=FROM:TO:STEP", text);
    while (i < n && (strlen(param[i].name) != length || memcmp(param[i].name, text, length) != 0)) i++;
    if (i == n) return unknown_parameter(grid, text, length);
    bp__axis *axis = &grid->axis[i];
    if (axis->is_named) BP_FAIL(BP_EINVAL, "--param %.80s: %s is given twice", text, param[i].name);

    const char *list = text + length + 1;
    bp__values values;
    BP_TRY(bp__values_read(text, list, &param[i], &values));
    char *range = values.is_range ? strdup(list) : NULL;
    bp_status s = BP_OK;
    if (values.count > BP__MAX_COMBINATIONS / grid->size)
        s = bp__fail(BP_EINVAL,
                     "--param %.80s: that makes more than %" PRIu64 " combinations; search in several runs",
                     text, BP__MAX_COMBINATIONS);
    else if (values.is_range && !range)
        s = bp__fail(BP_ENOMEM, "--param %.80s: no memory for its values", text);
    if (bp__failed(s)) {
        free(values.value);
        free(range);
        return s;
    }
    free(axis->value);
    *axis = (bp__axis){.value = values.value, .count = values.count, .range = range, .is_named = true};
    grid->size *= values.count;
    return BP_OK;
}
