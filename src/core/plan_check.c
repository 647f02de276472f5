/* What stands in a plan may come from a process that has read a hostile file. Everything by which memory is addressed later,
 * here or in a reader, is looked at before. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/plan.h"

#define DAILY_DATASETS (BP_COL_VOLUME - BP__FIRST_BULK + 1)
#define ALL_DATASETS   (BP__LAST_BULK - BP__FIRST_BULK + 1)

/* The head -------------------------------------------------------------------------------------- */

/* Columns with equally many rows. */
typedef struct table {
    bp_column first, last;
} table;

static const table tables[] = {
    {BP_COL_ASSET_SID, BP_COL_ASSET_AUTO_CLOSE}, {BP_COL_MAP_SID, BP_COL_MAP_END},
    {BP_COL_SESSION, BP_COL_MARKET_CLOSE},       {BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO},
    {BP_COL_MERGER_SID, BP_COL_MERGER_RATIO},    {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_RATIO},
    {BP_COL_PAYOUT_SID, BP_COL_PAYOUT_AMOUNT},   {BP_COL_STOCK_SID, BP_COL_STOCK_RATIO},
    {BP_COL_LIFE_START, BP_COL_CURRENCY},        {BP_COL_OPEN, BP_COL_VOLUME},
    {BP_COL_MINUTE_DT, BP_COL_MINUTE_VOLUME},
};

static const bp_column ascending[] = {BP_COL_SID, BP_COL_DAY, BP_COL_ASSET_SID, BP_COL_SESSION,
                                      BP_COL_MINUTE_SID};

static bp_status unsound(const char *label, bp_column column, const char *what)
{
    return bp__fail(BP_EFORMAT, "%s: %s: damaged: %s", label, bp_column_name(column), what);
}

static uint64_t rows_of(const bp__image *head, bp_column column)
{
    return head->column[column].shape[0];
}

static const void *values_of(const bp__image *head, bp_column column)
{
    return (const char *)head + head->column[column].offset;
}

static bp_status check_rows(const bp__image *head, const char *label)
{
    const uint64_t assets = rows_of(head, BP_COL_SID), sids = rows_of(head, BP_COL_MINUTE_SID);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (bp_column c = tables[i].first; c <= tables[i].last; c++)
            if (rows_of(head, c) != rows_of(head, tables[i].first))
                return unsound(label, c, "it has not as many rows as the columns beside it");
    if (rows_of(head, BP_COL_LIFE_START) != assets || rows_of(head, BP_COL_OPEN) != assets ||
        (assets > 0 && head->column[BP_COL_CURRENCY].shape[1] != 3))
        return unsound(label, BP_COL_SID, "its rows are not those of the bars");
    for (bp_column c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++)
        if (assets > 0 && head->column[c].shape[1] != rows_of(head, BP_COL_DAY))
            return unsound(label, c, "its columns are not the sessions");
    for (bp_column c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++)
        if (rows_of(head, c) != 0 && rows_of(head, c) != (c < BP_COL_MINUTE_FACTOR ? assets : sids))
            return unsound(label, c, "it has not one factor for each asset");
    return BP_OK;
}

static bp_status check_ascending(const bp__image *head, const char *label, bp_column column)
{
    const int64_t *x = values_of(head, column);
    for (uint64_t i = 1; i < rows_of(head, column); i++)
        if (x[i] <= x[i - 1]) return unsound(label, column, "it does not ascend");
    return BP_OK;
}

static bp_status check_texts(const bp__image *head, const char *label, bp_column column)
{
    const uint32_t *at = values_of(head, column);
    const uint64_t bytes = head->column[BP_COL_STRINGS].bytes; /* the last one is a NUL */
    for (uint64_t i = 0; i < rows_of(head, column); i++)
        if (at[i] >= bytes) return unsound(label, column, "a text lies elsewhere");
    return BP_OK;
}

static bp_status check_factors(const bp__image *head, const char *label, bp_column column)
{
    const double *factor = values_of(head, column);
    for (uint64_t i = 0; i < rows_of(head, column); i++)
        if (!(factor[i] > 0) || !isfinite(factor[i]))
            return unsound(label, column, "not a number to divide by");
    return BP_OK;
}

/* Bars [offset[i], offset[i + 1]) are those of sid i. */
static bp_status check_offsets(const bp__image *head, const char *label)
{
    const uint64_t n = rows_of(head, BP_COL_MINUTE_OFFSET), sids = rows_of(head, BP_COL_MINUTE_SID);
    const uint64_t bars = rows_of(head, BP_COL_MINUTE_DT);
    const int64_t *offset = values_of(head, BP_COL_MINUTE_OFFSET);
    if (n == 0 && sids == 0 && bars == 0) return BP_OK;
    bool sound = n == sids + 1 && offset[0] == 0 && (uint64_t)offset[n - 1] == bars;
    for (uint64_t i = 1; i < n && sound; i++) sound = offset[i] >= offset[i - 1];
    return sound ? BP_OK : unsound(label, BP_COL_MINUTE_OFFSET, "it does not cut the bars among the sids");
}

/* An image's own check knows of no file. */
static bp_status check_image(const bp__image *head, uint64_t bytes, const char *label)
{
    char why[BP_ERROR_TEXT_MAX];
    const bp_status s = bp__image_selfcheck(head, bytes);
    if (s == BP_OK) return BP_OK;
    snprintf(why, sizeof why, "%s", bp_error_text());
    return bp__fail(s, "%s: damaged: %s", label, why);
}

static bp_status check_head(const bp__plan *plan, const char *label)
{
    const bp__image *head = plan->head;
    if (plan->head_bytes < sizeof *head || head->head_bytes != plan->head_bytes ||
        head->bytes != plan->image_bytes)
        BP_FAIL(BP_EFORMAT, "%s: damaged: its head has not the size that it claims", label);
    BP_TRY(check_image(head, plan->image_bytes, label));
    BP_TRY(check_rows(head, label));
    for (size_t i = 0; i < sizeof ascending / sizeof *ascending; i++)
        BP_TRY(check_ascending(head, label, ascending[i]));
    for (bp_column c = 0; c < BP_NUM_COLUMNS; c++)
        if (head->column[c].type == BP_TYPE_U32) BP_TRY(check_texts(head, label, c));
    for (bp_column c = BP_COL_FACTOR; c <= BP_COL_MINUTE_VOLUME_FACTOR; c++)
        BP_TRY(check_factors(head, label, c));
    return check_offsets(head, label);
}

/* Datasets -------------------------------------------------------------------------------------- */

static bp__decode decode_of(bp_column column)
{
    if (column == BP_COL_MINUTE_DT) return BP__DECODE_I64;
    return column == BP_COL_VOLUME || column == BP_COL_MINUTE_VOLUME ? BP__DECODE_VOLUME : BP__DECODE_PRICE;
}

static bp_column factors_of(bp_column column)
{
    const bool volume = decode_of(column) == BP__DECODE_VOLUME;
    if (column < BP_COL_MINUTE_DT) return volume ? BP_COL_VOLUME_FACTOR : BP_COL_FACTOR;
    return volume ? BP_COL_MINUTE_VOLUME_FACTOR : BP_COL_MINUTE_FACTOR;
}

/* A bool with another byte in it than 0 or 1 may be both true and false to a compiler. */
static bool is_bool(const bool *value)
{
    return *(const unsigned char *)value <= 1;
}

static bool sound_bools(const bp__plan_dataset *d)
{
    return is_bool(&d->by_asset) && is_bool(&d->swapped) && is_bool(&d->through_hdf5);
}

static bool sound_filters(const bp__plan_dataset *d)
{
    const bp__filters *f = &d->filters;
    if (f->n > BP__MAX_FILTERS || ((f->n > 0 || d->swapped) && d->through_hdf5)) return false;
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->id[i] == BP__FILTER_SHUFFLE && (f->shuffle_bytes == 0 || f->shuffle_bytes > d->elem_bytes))
            return false;
        if (f->id[i] != BP__FILTER_SHUFFLE && f->id[i] != BP__FILTER_DEFLATE && f->id[i] != BP__FILTER_LZF &&
            f->id[i] != BP__FILTER_FLETCHER32)
            return false;
    }
    return true;
}

/* The shape's product fits: the image has as many elements of 8 bytes. */
static uint64_t chunk_bytes(const bp__plan_dataset *d)
{
    return bp__plan_chunk_bytes(d->shape, d->chunk, d->elem_bytes);
}

static bp_status check_dataset(const bp__image *head, const bp__plan_dataset *d, bp_column column,
                               const char *label)
{
    const bp__image_column *place = &head->column[column];
    if (!sound_bools(d) || d->column != column || !memchr(d->path, '\0', sizeof d->path) ||
        d->decode != decode_of(column) || d->elem_bytes != (d->decode == BP__DECODE_I64 ? 8 : 4) ||
        !sound_filters(d))
        return unsound(label, column, "its description makes no sense");
    if (d->decode != BP__DECODE_I64 &&
        (d->by_asset ? d->factors != factors_of(column) || rows_of(head, d->factors) == 0
                     : !(d->factor > 0)) &&
        rows_of(head, column) > 0)
        return unsound(label, column, "it has no factor");
    if (place->bytes == 0
            ? d->shape[0] != 0 && d->shape[1] != 0
            : d->shape[0] != place->shape[0] || d->shape[1] != (place->ndim == 2 ? place->shape[1] : 1))
        return unsound(label, column, "its shape is not that of its column");
    if (place->bytes > 0 && chunk_bytes(d) == 0)
        BP_FAIL(BP_EFORMAT,
                "%s: %s: chunks of %" PRIu64 " x %" PRIu64 " values are too large for a dataset of %" PRIu64
                " x %" PRIu64 "; write it again with smaller ones",
                label, d->path, d->chunk[0], d->chunk[1], d->shape[0], d->shape[1]);
    return BP_OK;
}

/* Tasks ----------------------------------------------------------------------------------------- */

/* What a task claims to be stored is in the file, and no more than a chunk can have. */
static bool sound_task(const bp__plan_dataset *d, const bp__plan_task *t, uint64_t file_bytes)
{
    const uint64_t whole = chunk_bytes(d), most = d->filters.n > 0 ? bp__plan_most_stored(whole) : whole;
    if (t->stored_bytes > most) return false;
    return d->through_hdf5 ||
           (t->stored_bytes <= file_bytes && t->file_offset <= file_bytes - t->stored_bytes);
}

/* The tasks of a dataset are the chunks of its grid, row by row. */
static bp_status check_tasks(const bp__plan *plan, uint32_t number, uint64_t *next, const char *label,
                             uint64_t file_bytes)
{
    const bp__plan_dataset *d = &plan->dataset[number];
    if (d->shape[0] == 0 || d->shape[1] == 0) return BP_OK;
    const uint64_t down = (d->shape[0] - 1) / d->chunk[0] + 1, across = (d->shape[1] - 1) / d->chunk[1] + 1;
    if (down > (plan->num_tasks - *next) / across)
        return unsound(label, d->column, "its chunks do not cover it");
    for (uint64_t i = 0; i < down * across; i++, ++*next) {
        const bp__plan_task *t = &plan->task[*next];
        if (t->dataset != number || t->origin[0] != i / across * d->chunk[0] ||
            t->origin[1] != i % across * d->chunk[1])
            return unsound(label, d->column, "its chunks do not cover it");
        if (!sound_task(d, t, file_bytes))
            BP_FAIL(BP_EFORMAT,
                    "%s: %s: damaged chunk at row %" PRIu64 ", column %" PRIu64 ": %" PRIu64
                    " bytes at %" PRIu64 " are not its",
                    label, d->path, t->origin[0], t->origin[1], t->stored_bytes, t->file_offset);
    }
    return BP_OK;
}

bp_status bp__plan_check(const bp__plan *plan, const char *label, uint64_t file_bytes)
{
    uint64_t next = 0;
    BP_TRY(check_head(plan, label));
    const bp__image *head = plan->head;
    const bool minutes = rows_of(head, BP_COL_MINUTE_OFFSET) > 0;
    if (plan->num_datasets != (minutes ? ALL_DATASETS : DAILY_DATASETS))
        BP_FAIL(BP_EFORMAT, "%s: damaged: it has %" PRIu32 " datasets of bars", label, plan->num_datasets);
    for (uint32_t i = 0; i < plan->num_datasets; i++) {
        BP_TRY(check_dataset(head, &plan->dataset[i], BP__FIRST_BULK + i, label));
        BP_TRY(check_tasks(plan, i, &next, label, file_bytes));
    }
    if (next != plan->num_tasks) BP_FAIL(BP_EFORMAT, "%s: damaged: chunks of no dataset", label);
    return BP_OK;
}
