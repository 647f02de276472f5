#include "io/hdf5/h5series.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/hdf5/h5read.h"

/* A bulk column on its way through memory. */
typedef struct flow {
    uint64_t next, end; /* tasks that are still to be run */
    uint64_t row;       /* those before are not asked for any more */
    uintptr_t given;    /* pages before this address were given back; 0: none yet */
} flow;

struct bp__h5series {
    const bp__loader *loader;
    bp__source *source;
    bp__decoder *decoder;
    char *path;
    char country[BP__H5_COUNTRY_MAX];
    size_t page;
    flow flows[BP__LAST_BULK - BP__FIRST_BULK + 1];
    bp_bundle head;
};

static flow *flow_of(bp__h5series *series, bp_column c)
{
    return &series->flows[c - BP__FIRST_BULK];
}

static void *image_of(const bp__h5series *series)
{
    return (void *)(uintptr_t)series->head.image;
}

/* Opening and closing --------------------------------------------------------------------------- */

/* Tasks of a plan stand in the order of their datasets, and then of their rows. */
static void find_tasks(bp__h5series *series, const bp__plan *plan)
{
    for (uint64_t i = 0; i < plan->num_tasks; i++) {
        flow *f = flow_of(series, plan->dataset[plan->task[i].dataset].column);
        if (f->end == 0) f->next = i;
        f->end = i + 1;
    }
}

static bp_status reserve_image(bp__h5series *series, const bp__plan *plan)
{
    void *map = mmap(NULL, plan->image_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        BP_FAIL_ERRNO(BP_ENOMEM, errno, "%s: no address space for %llu bytes", series->path,
                      (unsigned long long)plan->image_bytes);
    memcpy(map, plan->head, plan->head_bytes);
    series->head.image = map;
    return BP_OK;
}

static bp_status open_settled(bp__h5series *series, const char *path, const char *country)
{
    bp__identity settled;
    BP_TRY(bp__identify_settled(path, &settled));
    BP_TRY(bp__h5_open_country(path, country, &series->source));
    if (bp__identity_equal(&settled, &series->loader->plan(series->source)->identity)) return BP_OK;
    BP_FAIL(BP_ECHANGED, "%s: changed while it was opened; try again", path);
}

static bp_status open_all(bp__h5series *series, const char *path, int fd, const char *country)
{
    series->path = strdup(path);
    if (!series->path) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", path);
    series->loader = bp__h5_loader();
    series->page = (size_t)sysconf(_SC_PAGESIZE);
    BP_TRY(fd < 0 ? open_settled(series, path, country) : bp__h5_open_written(path, fd, &series->source));
    BP_TRY(series->loader->decoder_create(&series->decoder));
    const bp__plan *plan = series->loader->plan(series->source);
    BP_TRY(reserve_image(series, plan));
    find_tasks(series, plan);
    /* every plan has datasets: "/US/data/open" */
    const char *name = plan->dataset[0].path + 1;
    snprintf(series->country, sizeof series->country, "%.*s", (int)strcspn(name, "/"), name);
    return BP_OK;
}

static bp_status series_create(const char *path, int fd, const char *country, bp__h5series **series)
{
    *series = calloc(1, sizeof **series);
    if (!*series) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", path);
    const bp_status s = open_all(*series, path, fd, country);
    if (bp__failed(s)) bp__h5_series_close(series);
    return s;
}

bp_status bp__h5_series_open(const char *path, const char *country, bp__h5series **series)
{
    return series_create(path, -1, country, series);
}

bp_status bp__h5_series_written(const char *label, int fd, bp__h5series **series)
{
    return series_create(label, fd, NULL, series);
}

void bp__h5_series_close(bp__h5series **series)
{
    bp__h5series *s = *series;
    *series = NULL;
    if (!s) return;
    if (s->head.image) munmap(image_of(s), s->head.image->bytes);
    if (s->decoder) s->loader->decoder_destroy(&s->decoder);
    if (s->source) s->loader->close(&s->source);
    free(s->path);
    free(s);
}

const char *bp__h5_series_country(const bp__h5series *series)
{
    return series->country;
}

const bp_bundle *bp__h5_series_head(const bp__h5series *series)
{
    return &series->head;
}

bp_status bp__h5_series_check(const bp__h5series *series)
{
    return bp__h5_check_unchanged(series->source);
}

/* Rows ------------------------------------------------------------------------------------------ */

/* Give back the pages that hold nothing but rows before `row`. */
static void give_back(const bp__h5series *series, const bp__image_column *place, flow *f, uint64_t row)
{
    const uint64_t row_bytes = place->bytes / place->shape[0];
    const uintptr_t start = (uintptr_t)image_of(series) + place->offset, mask = series->page - 1;
    const uintptr_t from = f->given ? f->given : (start + mask) & ~mask,
                    to = (start + row * row_bytes) & ~mask;
    /* what is not given back costs memory, nothing else */
    if (to > from && madvise((void *)from, to - from, MADV_DONTNEED) == 0) f->given = to;
}

/* Have rows [from, to) of a column in memory, and none of those before. */
static bp_status need_rows(bp__h5series *series, bp_column which, uint64_t from, uint64_t to)
{
    flow *f = flow_of(series, which);
    const bp__image_column *place = &series->head.image->column[which];
    const bp__plan *plan = series->loader->plan(series->source);
    assert(from >= f->row);
    f->row = from;
    if (place->bytes == 0 || from == to) return BP_OK;
    give_back(series, place, f, from);
    for (; f->next < f->end && plan->task[f->next].origin[0] < to; f->next++)
        BP_TRY(bp__load_task(series->loader, series->source, series->path, series->decoder, f->next,
                             image_of(series)));
    return BP_OK;
}

bp_status bp__h5_series_daily(bp__h5series *series, size_t row, const double *value[BP__NUM_FIELDS])
{
    const size_t sessions = bp_bundle_num_sessions(&series->head);
    assert(row < bp_bundle_num_assets(&series->head));
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const bp_column column = BP_COL_OPEN + (bp_column)f;
        BP_TRY(need_rows(series, column, row, row + 1));
        value[f] = bp_bundle_daily(&series->head, column) + row * sessions;
    }
    return BP_OK;
}

static const void *column_data(const bp__h5series *series, bp_column column)
{
    return (const char *)series->head.image + series->head.image->column[column].offset;
}

bp_status bp__h5_series_minute(bp__h5series *series, size_t row, const int64_t **dt,
                               const double *value[BP__NUM_FIELDS], size_t *n)
{
    const int64_t *offset = column_data(series, BP_COL_MINUTE_OFFSET);
    assert(row < series->head.image->column[BP_COL_MINUTE_SID].shape[0]);
    const uint64_t from = (uint64_t)offset[row], to = (uint64_t)offset[row + 1];
    BP_TRY(need_rows(series, BP_COL_MINUTE_DT, from, to));
    *dt = (const int64_t *)column_data(series, BP_COL_MINUTE_DT) + from;
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const bp_column column = BP_COL_MINUTE_OPEN + (bp_column)f;
        BP_TRY(need_rows(series, column, from, to));
        value[f] = (const double *)column_data(series, column) + from;
    }
    *n = to - from;
    return BP_OK;
}

static bp_status need_bytes(void *context, bp_column column, uint64_t from, uint64_t to)
{
    bp__h5series *series = context;
    const bp__image_column *place = &series->head.image->column[column];
    if (!bp__column_is_bulk(column) || place->bytes == 0) return BP_OK;
    const uint64_t row_bytes = place->bytes / place->shape[0];
    return need_rows(series, column, from / row_bytes, (to + row_bytes - 1) / row_bytes);
}

bp_status bp__h5_series_digest(bp__h5series *series, bp_column column, bp__digest *digest)
{
    return bp__column_digest(series->head.image, column, need_bytes, series, digest);
}

double bp__h5_series_factor(const bp__h5series *series, bp_column column, size_t row)
{
    const bp__plan *plan = series->loader->plan(series->source);
    for (uint32_t i = 0; i < plan->num_datasets; i++) {
        const bp__plan_dataset *d = &plan->dataset[i];
        if (d->column != column) continue;
        return d->by_asset ? ((const double *)column_data(series, d->factors))[row] : d->factor;
    }
    return 1;
}
