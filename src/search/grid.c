#include "search/grid.h"

#include <inttypes.h>
#include <math.h>
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
        free(grid->axis[i].text);
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
        snprintf(text + used, size - used, "%s%s=%.10g", p ? " " : "", param[p].name, params[p]);
    }
    return text;
}

/* Values of one parameter ----------------------------------------------------------------------- */

static bp_status too_many(const char *text)
{
    BP_FAIL(BP_EINVAL, "--param %.80s: that makes more than %" PRIu64 " combinations; search in several runs",
            text, BP__MAX_COMBINATIONS);
}

static bp_status unreadable(const char *text, const char *item, size_t length)
{
    BP_FAIL(BP_EINVAL,
            "--param %.80s: '%.*s' is not a number; write name=VALUE, name=A,B,C or name=FROM:TO:STEP", text,
            length < 40 ? (int)length : 40, item);
}

/* "a:b" or "a:b:s" */
static bp_status parse_range(const char *text, const char *list, double **value, uint64_t *count)
{
    double part[3] = {0, 0, 1};
    const char *at = list;
    for (int i = 0;; i++) {
        size_t n = strcspn(at, ":");
        if (i == 3) BP_FAIL(BP_EINVAL, "--param %.80s: a range has three parts at most, FROM:TO:STEP", text);
        if (!bp__number_from(at, n, &part[i])) return unreadable(text, at, n);
        at += n;
        if (!*at++) break;
    }
    const double a = part[0], b = part[1], step = part[2];
    if (!(step > 0)) BP_FAIL(BP_EINVAL, "--param %.80s: the step must be greater than 0", text);
    if (a > b) BP_FAIL(BP_EINVAL, "--param %.80s: the range is empty, it begins above its end", text);
    const double last = floor((b - a) / step + 1e-9);
    if (!(last < (double)BP__MAX_COMBINATIONS)) return too_many(text);
    *count = (uint64_t)last + 1;
    *value = malloc(*count * sizeof **value);
    if (!*value) BP_FAIL(BP_ENOMEM, "--param %.80s: no memory for its values", text);
    for (uint64_t i = 0; i < *count; i++) (*value)[i] = a + (double)i * step;
    return BP_OK;
}

/* "a" or "a,b,c" */
static bp_status parse_list(const char *text, const char *list, double **value, uint64_t *count)
{
    *count = 1;
    for (const char *c = list; *c; c++) *count += *c == ',';
    *value = malloc(*count * sizeof **value);
    if (!*value) BP_FAIL(BP_ENOMEM, "--param %.80s: no memory for its values", text);
    for (uint64_t i = 0; i < *count; i++) {
        size_t n = strcspn(list, ",");
        if (!bp__number_from(list, n, &(*value)[i])) return unreadable(text, list, n);
        list += n + 1;
    }
    return BP_OK;
}

static bp_status check_values(const char *text, const bp_param *p, const double *value, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (p->kind == BP_PARAM_INTEGER && value[i] != floor(value[i]))
            BP_FAIL(BP_EINVAL, "--param %.80s: %s takes whole numbers, and %.10g is not one", text, p->name,
                    value[i]);
        if (!(value[i] >= p->min && value[i] <= p->max))
            BP_FAIL(BP_EINVAL, "--param %.80s: %.10g is out of range; %s takes %.10g to %.10g", text,
                    value[i], p->name, p->min, p->max);
    }
    return BP_OK;
}

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
    if (axis->text) BP_FAIL(BP_EINVAL, "--param %.80s: %s is given twice", text, param[i].name);

    const char *list = text + length + 1;
    double *value = NULL;
    uint64_t count = 0;
    bp_status s =
        strchr(list, ':') ? parse_range(text, list, &value, &count) : parse_list(text, list, &value, &count);
    if (s == BP_OK) s = check_values(text, &param[i], value, count);
    if (s == BP_OK && count > BP__MAX_COMBINATIONS / grid->size) s = too_many(text);
    char *kept = s == BP_OK ? strdup(list) : NULL;
    if (s == BP_OK && !kept) s = bp__fail(BP_ENOMEM, "--param %.80s: no memory for its values", text);
    if (bp__failed(s)) {
        free(value);
        return s;
    }
    free(axis->value);
    *axis = (bp__axis){.value = value, .text = kept, .count = count};
    grid->size *= count;
    return BP_OK;
}
