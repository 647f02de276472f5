#include "search/results.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "search/origin.h"

static bp_status make_rows(const bp__spec *spec, const bp__skips *skips, bp__results *r)
{
    *r = (bp__results){.spec = spec, .num_rows = bp__spec_num_tasks(spec), .best = BP__NO_TASK};
    r->outcome = calloc(r->num_rows, sizeof *r->outcome);
    r->value = calloc(r->num_rows, spec->num_metrics * sizeof *r->value);
    r->content = calloc(spec->num_bundles, sizeof *r->content);
    if (!r->outcome || !r->value || !r->content)
        BP_FAIL(BP_ENOMEM, "no memory for the results of %" PRIu64 " combinations", r->num_rows);
    uint64_t seen[2] = {0, 0}; /* [is skipped] */
    for (uint64_t task = 0; task < r->num_rows; task++) {
        const bool skipped = bp__skips_has(skips, task % spec->grid.size);
        const bool ours = seen[skipped]++ % spec->num_slices == spec->slice - 1;
        r->outcome[task] = !ours ? BP__ELSEWHERE : skipped ? BP__SKIPPED : BP__PENDING;
        r->num_todo += ours && !skipped;
        r->skipped += ours && skipped;
    }
    return BP_OK;
}

bp_status bp__results_init(const bp__spec *spec, const bp__skips *skips, bp__results *r)
{
    bp__skips found;
    *r = (bp__results){0};
    if (skips) return make_rows(spec, skips, r);
    bp_status s = bp__skips_find(spec, &found);
    if (s == BP_OK) s = make_rows(spec, &found, r);
    bp__skips_fini(&found);
    return s;
}

void bp__results_fini(bp__results *r)
{
    free(r->outcome);
    free(r->value);
    free(r->content);
    for (size_t i = 0; i < r->num_failures; i++) free(r->failure[i].why);
    free(r->failure);
    *r = (bp__results){0};
}

static double *values_of(const bp__results *r, uint64_t task)
{
    return r->value + task * r->spec->num_metrics;
}

const double *bp__results_values(const bp__results *r, uint64_t task)
{
    return values_of(r, task);
}

/* Ranking --------------------------------------------------------------------------------------- */

static int by_rating(const void *x, const void *y, void *spec)
{
    return bp__ranking_compare(spec, x, y);
}

bp_status bp__results_rank(const bp__results *r, bp__rated **order, uint64_t *count)
{
    *count = 0;
    *order = malloc((r->done + 1) * sizeof **order);
    if (!*order) BP_FAIL(BP_ENOMEM, "no memory to rank %" PRIu64 " results", r->done);
    for (uint64_t task = 0; task < r->num_rows; task++)
        if (r->outcome[task] == BP__DONE)
            *count += bp__ranking_rate(r->spec, task, values_of(r, task), &(*order)[*count]);
    qsort_r(*order, *count, sizeof **order, by_rating, (void *)(uintptr_t)r->spec);
    return BP_OK;
}

static void consider(bp__results *r, uint64_t task)
{
    bp__rated rated;
    if (!bp__ranking_rate(r->spec, task, values_of(r, task), &rated)) return;
    if (r->best != BP__NO_TASK && bp__ranking_compare(r->spec, &r->rating, &rated) < 0) return;
    r->best = task;
    r->rating = rated;
}

/* Tasks ----------------------------------------------------------------------------------------- */

/* Room for one more, or one falls out. @return false: there is no memory */
static bool make_room_for_failure(bp__results *r)
{
    if (r->num_failures == BP__FAILURES_KEPT) {
        free(r->failure[--r->num_failures].why);
        return true;
    }
    if (r->num_failures < r->failure_room) return true;
    const size_t room = r->failure_room ? 2 * r->failure_room : 8;
    bp__failure *more = realloc(r->failure, room * sizeof *more);
    if (!more) return false;
    r->failure = more;
    r->failure_room = room;
    return true;
}

/* The texts of the lowest ones are kept. */
static void keep_failure(bp__results *r, const bp__result *result)
{
    size_t at = r->num_failures;
    while (at > 0 && r->failure[at - 1].task > result->task) at--;
    if (at == BP__FAILURES_KEPT) return;
    char *why = strdup(result->why);
    if (!why || !make_room_for_failure(r)) {
        free(why);
        return;
    }
    memmove(&r->failure[at + 1], &r->failure[at], (r->num_failures - at) * sizeof *r->failure);
    r->failure[at] = (bp__failure){.task = result->task, .status = result->status, .why = why};
    r->num_failures++;
}

void bp__results_enter(bp__results *r, const bp__result *result)
{
    if (result->status == BP_OK) {
        r->outcome[result->task] = BP__DONE;
        memcpy(values_of(r, result->task), result->value, r->spec->num_metrics * sizeof *r->value);
        r->done++;
        consider(r, result->task);
    } else {
        r->outcome[result->task] = BP__FAILED;
        keep_failure(r, result);
        r->failed++;
    }
}

bp_status bp__results_todo(const bp__results *r, uint64_t bundle, uint64_t **todo, uint64_t *count)
{
    const uint64_t size = r->spec->grid.size, first = bundle * size;
    *count = 0;
    *todo = malloc(size * sizeof **todo);
    if (!*todo) BP_FAIL(BP_ENOMEM, "no memory for a list of %" PRIu64 " combinations", size);
    for (uint64_t task = first; task < first + size; task++)
        if (r->outcome[task] == BP__PENDING) (*todo)[(*count)++] = task;
    return BP_OK;
}

uint64_t bp__results_forget(bp__results *r, uint64_t bundle)
{
    const uint64_t before = r->done + r->failed;
    const uint64_t size = r->spec->grid.size, first = bundle * size;
    for (uint64_t task = first; task < first + size; task++) {
        const bool done = r->outcome[task] == BP__DONE, failed = r->outcome[task] == BP__FAILED;
        r->done -= done;
        r->failed -= failed;
        if (done || failed) r->outcome[task] = BP__PENDING;
    }
    size_t kept = 0;
    for (size_t i = 0; i < r->num_failures; i++) {
        if (r->failure[i].task / size == bundle)
            free(r->failure[i].why);
        else
            r->failure[kept++] = r->failure[i];
    }
    r->num_failures = kept;
    r->best = BP__NO_TASK;
    for (uint64_t task = 0; task < r->num_rows; task++)
        if (r->outcome[task] == BP__DONE) consider(r, task);
    return before - r->done - r->failed;
}

const char *bp__results_task(const bp__results *r, uint64_t task, char *text, size_t size)
{
    const bp__spec *spec = r->spec;
    int n = 0;
    text[0] = '\0';
    if (spec->several) n = snprintf(text, size, "%s ", spec->bundle[task / spec->grid.size]);
    bp__grid_text(&spec->grid, task % spec->grid.size, text + n, size - (size_t)n);
    return text;
}

/* CSV ------------------------------------------------------------------------------------------- */

bp_status bp__results_check_path(const char *option, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        BP_FAIL(BP_EIO, "%s: %.200s is not a regular file; name one that may be made or replaced", option,
                path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!*name) BP_FAIL(BP_EINVAL, "%s: '%.200s' is not the name of a file", option, path);
    /* The only reliable way to know is to make the temporary file that bp__replace_file() will make. */
    char probe[PATH_MAX];
    int n = snprintf(probe, sizeof probe, "%.*s.%s.XXXXXX", (int)(name - path), path, name);
    int fd = n < (int)sizeof probe ? mkstemp(probe) : (errno = ENAMETOOLONG, -1);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: %.200s cannot be made there", option, path);
    close(fd);
    unlink(probe);
    return BP_OK;
}

static void print_number(FILE *f, double x)
{
    if (isnan(x))
        fputs(",nan", f); /* whatever its sign */
    else
        fprintf(f, ",%.17g", x);
}

/* Names and words are a strategy's, or what a journal says of one. */
static void put_cell(FILE *f, const char *text)
{
    fputc(',', f);
    bp__text_csv(f, text);
}

static void print_csv(const bp__results *r, FILE *f)
{
    static const char *const outcomes[] = {"pending", "done", "skipped", "failed"};
    const bp__spec *spec = r->spec;
    const bp__grid *grid = &spec->grid;
    fputs(spec->several ? "bundle,index,status" : "index,status", f);
    for (unsigned p = 0; p < grid->num_axes; p++) put_cell(f, grid->axis[p].param.name);
    for (unsigned k = 0; k < spec->num_columns; k++) fprintf(f, ",%s", bp__spec_metric(spec, k)->name);
    fputc('\n', f);

    char number[32];
    double params[BP_STRATEGY_MAX_PARAMS];
    for (uint64_t task = 0; task < r->num_rows; task++) {
        const uint64_t index = task % grid->size;
        const bool done = r->outcome[task] == BP__DONE;
        if (r->outcome[task] == BP__ELSEWHERE) continue;
        bp__grid_at(grid, index, params);
        if (spec->several) fprintf(f, "%s,", spec->bundle[task / grid->size]);
        fprintf(f, "%" PRIu64 ",%s", index, outcomes[r->outcome[task]]);
        for (unsigned p = 0; p < grid->num_axes; p++)
            put_cell(f, bp__axis_text(&grid->axis[p], params[p], number));
        for (unsigned k = 0; k < spec->num_columns; k++) {
            if (done)
                print_number(f, values_of(r, task)[k]);
            else
                fputc(',', f);
        }
        fputc('\n', f);
    }
}

static bp_status store(const bp__results *r, const char *path, const char *csv, size_t size)
{
    bp__result_origin origin = {.content = r->content, .num_bundles = r->spec->num_bundles};
    BP_TRY(bp__spec_text(r->spec, &origin.text));
    bp_status s = bp__result_origin_store(path, csv, size, &origin);
    free(origin.text);
    return s;
}

bp_status bp__results_write(const bp__results *r, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f) print_csv(r, f);
    bool complete = f && !ferror(f);
    if (f && fclose(f) != 0) complete = false;
    bp_status s = complete ? store(r, path, text, size)
                           : bp__fail(BP_ENOMEM, "--out: no memory for the text of %.200s", path);
    free(text);
    return s;
}
