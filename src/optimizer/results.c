#include "optimizer/results.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/replace.h"

bp_status bp__results_init(const bp__grid *grid, bp__results *r)
{
    *r = (bp__results){.grid = grid};
    r->row = calloc(grid->size, sizeof *r->row);
    r->todo = malloc(grid->size * sizeof *r->todo);
    if (!r->row || !r->todo)
        BP_FAIL(BP_ENOMEM, "no memory for the results of %" PRIu64 " combinations", grid->size);
    double params[BP__MAX_PARAMS];
    for (uint64_t i = 0; i < grid->size; i++) {
        bp__grid_at(grid, i, params);
        if (bp__strategy_check(grid->strategy, params)) {
            r->row[i].outcome = BP__SKIPPED;
            r->skipped++;
        } else {
            r->todo[r->num_todo++] = i;
        }
    }
    return BP_OK;
}

void bp__results_fini(bp__results *r)
{
    free(r->row);
    free(r->todo);
    *r = (bp__results){0};
}

void bp__results_take(bp__results *r, const bp__result *result)
{
    bp__row *row = &r->row[result->index];
    if (result->status == BP_OK) {
        *row = (bp__row){.metrics = result->metrics, .outcome = BP__DONE};
        r->done++;
        return;
    }
    row->outcome = BP__FAILED;
    uint64_t told = r->failed < BP__FAILURES_TOLD ? r->failed : BP__FAILURES_TOLD;
    r->failed++;
    uint64_t at = told;
    while (at > 0 && r->failure[at - 1].index > result->index) at--;
    if (at == BP__FAILURES_TOLD) return;
    if (told == BP__FAILURES_TOLD) told--; /* the last one falls out */
    memmove(&r->failure[at + 1], &r->failure[at], (told - at) * sizeof *r->failure);
    r->failure[at] = *result;
}

/* Ranking --------------------------------------------------------------------------------------- */

typedef struct criterion {
    const bp__row *row;
    unsigned objective;
    bool more_is_better;
} criterion;

static int better(const void *x, const void *y, void *context)
{
    const criterion *c = context;
    const uint64_t i = *(const uint64_t *)x, j = *(const uint64_t *)y;
    const double a = bp__objective_value(&c->row[i].metrics, c->objective);
    const double b = bp__objective_value(&c->row[j].metrics, c->objective);
    if (isnan(a) != isnan(b)) return isnan(a) ? 1 : -1;
    if (a < b) return c->more_is_better ? 1 : -1;
    if (a > b) return c->more_is_better ? -1 : 1;
    return i < j ? -1 : i > j;
}

bp_status bp__results_rank(const bp__results *r, unsigned objective, uint64_t **order)
{
    criterion c = {.row = r->row, .objective = objective};
    const char *name;
    bp__objective_at(objective, &name, &c.more_is_better);
    *order = malloc((r->done + 1) * sizeof **order);
    if (!*order) BP_FAIL(BP_ENOMEM, "no memory to rank %" PRIu64 " results", r->done);
    size_t n = 0;
    for (uint64_t k = 0; k < r->num_todo; k++)
        if (r->row[r->todo[k]].outcome == BP__DONE) (*order)[n++] = r->todo[k];
    qsort_r(*order, n, sizeof **order, better, &c);
    return BP_OK;
}

/* CSV ------------------------------------------------------------------------------------------- */

bp_status bp__results_check_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        BP_FAIL(BP_EIO, "--out: %.200s is not a regular file; name one that may be made or replaced", path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (!*name) BP_FAIL(BP_EIO, "--out: '%.200s' is not the name of a file", path);
    /* The only reliable way to know is to make the temporary file that bp__replace_file() will make. */
    char probe[PATH_MAX];
    int n = snprintf(probe, sizeof probe, "%.*s.%s.XXXXXX", (int)(name - path), path, name);
    int fd = n < (int)sizeof probe ? mkstemp(probe) : (errno = ENAMETOOLONG, -1);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "--out: %.200s cannot be made there", path);
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

static void print_csv(const bp__results *r, FILE *f)
{
    static const char *const outcomes[] = {"pending", "done", "skipped", "failed"};
    unsigned num_params;
    const bp__param *param = bp__strategy_params(r->grid->strategy, &num_params);
    fputs("index,status", f);
    for (unsigned p = 0; p < num_params; p++) fprintf(f, ",%s", param[p].name);
    fputs(",total_return,cagr,sharpe,sortino,max_drawdown,calmar,trades\n", f);

    double params[BP__MAX_PARAMS];
    for (uint64_t i = 0; i < r->grid->size; i++) {
        const bp__row *row = &r->row[i];
        const bp__metrics *m = &row->metrics;
        bp__grid_at(r->grid, i, params);
        fprintf(f, "%" PRIu64 ",%s", i, outcomes[row->outcome]);
        for (unsigned p = 0; p < num_params; p++) print_number(f, params[p]);
        if (row->outcome != BP__DONE) {
            fputs(",,,,,,,\n", f);
            continue;
        }
        const double value[] = {m->total_return, m->cagr, m->sharpe, m->sortino, m->max_drawdown, m->calmar};
        for (size_t k = 0; k < sizeof value / sizeof *value; k++) print_number(f, value[k]);
        fprintf(f, ",%" PRId64 "\n", m->trades);
    }
}

bp_status bp__results_write(const bp__results *r, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f) print_csv(r, f);
    bool complete = f && !ferror(f);
    if (f && fclose(f) != 0) complete = false;
    bp_status s = complete ? bp__replace_file(path, text, size)
                           : bp__fail(BP_ENOMEM, "--out: no memory for the text of %.200s", path);
    free(text);
    return s;
}
