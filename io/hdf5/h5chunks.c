#include "io/hdf5/h5chunks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5attr.h"
#include "io/hdf5/h5number.h"
#include "io/hdf5/h5raw.h"

#define NUM_BULK     (BP__LAST_BULK - BP__FIRST_BULK + 1)
#define MAX_ELEMENTS (UINT64_C(1) << 40)
#define BLOCK_BYTES  (UINT64_C(1) << 20) /* of a task, where there are no chunks to make tasks of */

/* To find one chunk, HDF5 1.10 walks over all chunks of its dataset (about 10 ns each), while it reads
 * about 200 MB/s itself. With n chunks in all, locating them pays while n * n is less than the bytes. */
static bool worth_locating(uint64_t n, uint64_t bytes)
{
    return n <= 1024 || n <= bytes / n;
}

/* One dataset that is being planned. */
typedef struct bulk {
    const bp__h5file *file;
    bp__h5set set;
    bp__plan_dataset *dataset;
    bp__plan *plan;
} bulk;

static bp__decode decode_of(bp_column column)
{
    switch (column) {
    case BP_COL_MINUTE_DT: return BP__DECODE_I64;
    case BP_COL_VOLUME:
    case BP_COL_MINUTE_VOLUME: return BP__DECODE_VOLUME;
    default: return BP__DECODE_PRICE;
    }
}

static bool is_daily(bp_column column)
{
    return column < BP_COL_MINUTE_DT;
}

/* The column of factors per asset that a dataset would have. */
static bp_column factors_of(const bp__plan_dataset *d)
{
    const bool volume = d->decode == BP__DECODE_VOLUME;
    if (is_daily(d->column)) return volume ? BP_COL_VOLUME_FACTOR : BP_COL_FACTOR;
    return volume ? BP_COL_MINUTE_VOLUME_FACTOR : BP_COL_MINUTE_FACTOR;
}

/* Elements that we convert ourselves are taken as they are stored; other integers become those by the parser. */
static bp_status check_type(bulk *b)
{
    const bool wide = b->dataset->decode == BP__DECODE_I64;
    bp__h5number number;
    b->dataset->elem_bytes = wide ? 8 : 4;
    if (bp__h5_number_of(b->set.type, &number) && !number.is_float &&
        (wide || (number.bytes == 4 && !number.is_signed))) {
        b->dataset->swapped = number.swapped;
        b->dataset->through_hdf5 = wide && (number.bytes != 8 || !number.is_signed);
        return BP_OK;
    }
    char found[64];
    bp__h5_type_text(b->set.type, found, sizeof found);
    return bp__fail(BP_EFORMAT, "%s: %s: has type %s, expected %s", b->file->label, b->set.path, found,
                    wide ? "an integer" : "4-byte unsigned integer");
}

/* Factors per asset stand in the head already; where there are some, the attribute is for zipline alone. */
static bp_status read_scale(bulk *b, const bp__h5shape *shape)
{
    double factor = 0;
    bool found;
    b->dataset->factor = b->dataset->scale = 1;
    if (b->dataset->decode == BP__DECODE_I64) return BP_OK;
    b->dataset->factors = factors_of(b->dataset);
    b->dataset->by_asset = shape->by_asset[b->dataset->factors - BP_COL_FACTOR];
    if (b->dataset->by_asset) return BP_OK;
    BP_TRY(bp__h5_attr_number(b->file, b->set.path, "scaling_factor", BP_TYPE_F64, &factor, &found));
    if (!found)
        BP_FAIL(BP_EFORMAT, "%s: %s: attribute scaling_factor is missing", b->file->label, b->set.path);
    if (!bp__h5_is_factor(factor))
        BP_FAIL(BP_EFORMAT, "%s: %s: scaling_factor %g is not a positive number to divide by", b->file->label,
                b->set.path, factor);
    b->dataset->factor = factor;
    b->dataset->scale = 1.0 / factor;
    return BP_OK;
}

static bp_status check_bulk_shape(bulk *b, uint64_t rows, uint64_t cols)
{
    const uint64_t *shape = b->set.shape;
    if (shape[0] != rows || shape[1] != cols)
        BP_FAIL(BP_EFORMAT,
                "%s: %s: has shape (%" PRIu64 ", %" PRIu64 "), expected (%" PRIu64 ", %" PRIu64 ")",
                b->file->label, b->set.path, shape[0], shape[1], rows, cols);
    uint64_t n;
    if (__builtin_mul_overflow(rows, cols, &n) || n > MAX_ELEMENTS)
        BP_FAIL(BP_EFORMAT, "%s: %s: %" PRIu64 " x %" PRIu64 " values are too many", b->file->label,
                b->set.path, rows, cols);
    b->dataset->shape[0] = rows;
    b->dataset->shape[1] = cols;
    return BP_OK;
}

/* Filters that we do not know are left to libhdf5. */
static bp_status read_filters(bulk *b)
{
    bool known;
    BP_TRY(bp__h5_filters_of(b->file, &b->set, &b->dataset->filters, &known));
    if (!known || b->dataset->filters.shuffle_bytes > b->dataset->elem_bytes) b->dataset->through_hdf5 = true;
    return BP_OK;
}

static bp_status read_fill(bulk *b)
{
    H5D_fill_value_t defined;
    if (H5Pfill_value_defined(b->set.dcpl, &defined) < 0)
        return bp__h5_fail(b->file, b->set.path, "its fill value cannot be read");
    if (defined == H5D_FILL_VALUE_UNDEFINED) return BP_OK;
    bool wide = b->dataset->elem_bytes == 8;
    if (H5Pget_fill_value(b->set.dcpl, wide ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT32, &b->dataset->fill) < 0)
        return bp__h5_fail(b->file, b->set.path, "its fill value cannot be read");
    return BP_OK;
}

/* Tasks ----------------------------------------------------------------------------------------- */

static bp_status add_tasks(bulk *b, uint64_t n, bp__plan_task **first)
{
    bp__plan *p = b->plan;
    bp__plan_task *grown = reallocarray(p->task, p->num_tasks + n, sizeof *grown);
    if (!grown) BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %" PRIu64 " tasks", b->file->label, b->set.path, n);
    p->task = grown;
    *first = grown + p->num_tasks;
    memset(*first, 0, n * sizeof **first);
    for (uint64_t i = 0; i < n; i++) (*first)[i].dataset = p->num_datasets - 1;
    p->num_tasks += n;
    return BP_OK;
}

static bp_status check_extent(const bulk *b, uint64_t offset, uint64_t bytes)
{
    uint64_t size = b->file->bytes;
    if (bytes <= size && offset <= size - bytes) return BP_OK;
    return bp__fail(BP_EFORMAT,
                    "%s: %s: truncated: %" PRIu64 " bytes at %" PRIu64 " lie behind the end of the file",
                    b->file->label, b->set.path, bytes, offset);
}

/* Blocks of whole rows. `address` is that of the first row, HADDR_UNDEF if nothing is stored there.
 * A block ends where a chunk ends, unless chunks are too tall, so that HDF5 decodes none twice. */
static bp_status add_blocks(bulk *b, uint64_t chunk_rows, haddr_t address)
{
    bp__plan_dataset *d = b->dataset;
    uint64_t row_bytes = d->shape[1] * d->elem_bytes, n = d->shape[0];
    uint64_t rows = BLOCK_BYTES / row_bytes;
    if (rows == 0) rows = 1;
    if (chunk_rows <= 64 * rows) rows = (rows + chunk_rows - 1) / chunk_rows * chunk_rows;
    if (rows > n) rows = n;
    d->chunk[0] = rows;
    d->chunk[1] = d->shape[1];

    uint64_t num = (n + rows - 1) / rows;
    bp__plan_task *task;
    if (address != HADDR_UNDEF) BP_TRY(check_extent(b, address, n * row_bytes));
    BP_TRY(add_tasks(b, num, &task));
    for (uint64_t i = 0; i < num; i++) {
        uint64_t first = i * rows;
        task[i].origin[0] = first;
        if (address == HADDR_UNDEF && !d->through_hdf5) continue;
        if (!d->through_hdf5) task[i].file_offset = address + first * row_bytes;
        task[i].stored_bytes = (first + rows <= n ? rows : n - first) * row_bytes;
    }
    return BP_OK;
}

static bp_status add_chunk(bulk *b, bp__plan_task *task)
{
    hsize_t origin[2] = {task->origin[0], task->origin[1]}, bytes = 0;
    haddr_t address = HADDR_UNDEF;
    unsigned mask = 0;
    if (H5Dget_chunk_info_by_coord(b->set.id, origin, &mask, &address, &bytes) < 0)
        return bp__h5_fail(b->file, b->set.path, "a chunk cannot be located");
    if (address == HADDR_UNDEF) return BP_OK;
    BP_TRY(check_extent(b, address, bytes));
    if (bytes == 0)
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged: a stored chunk of 0 bytes", b->file->label, b->set.path);
    task->file_offset = address;
    task->stored_bytes = bytes;
    task->filter_mask = mask;
    return BP_OK;
}

static bp_status add_chunks(bulk *b)
{
    bp__plan_dataset *d = b->dataset;
    uint64_t chunk[2];
    BP_TRY(bp__h5_chunk_of(b->file, &b->set, chunk));
    if (chunk[0] > UINT32_MAX || chunk[1] > UINT32_MAX / d->elem_bytes / chunk[0])
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged: a chunk of more than 4 GiB", b->file->label, b->set.path);
    uint64_t down = (d->shape[0] - 1) / chunk[0] + 1, across = (d->shape[1] - 1) / chunk[1] + 1;
    uint64_t n = down * across;
    if (!worth_locating(n, d->shape[0] * d->shape[1] * d->elem_bytes)) d->through_hdf5 = true;
    if (d->through_hdf5) return add_blocks(b, chunk[0], HADDR_UNDEF);

    d->chunk[0] = chunk[0];
    d->chunk[1] = chunk[1];
    bp__plan_task *task;
    BP_TRY(add_tasks(b, n, &task));
    for (uint64_t i = 0; i < n; i++) {
        task[i].origin[0] = i / across * chunk[0];
        task[i].origin[1] = i % across * chunk[1];
        BP_TRY(add_chunk(b, &task[i]));
    }
    return BP_OK;
}

/* Leave to HDF5 what its addresses and filter masks do not tell us all about. */
static bp_status check_layout(bulk *b)
{
    H5D_layout_t layout = H5Pget_layout(b->set.dcpl);
    if (layout == H5D_COMPACT) b->dataset->through_hdf5 = true;
    unsigned options = 0;
    if (layout == H5D_CHUNKED && H5Pget_chunk_opts(b->set.dcpl, &options) < 0)
        return bp__h5_fail(b->file, b->set.path, "its layout cannot be read");
    if (options != 0) b->dataset->through_hdf5 = true; /* edge chunks without filters, unmarked */

    hid_t fcpl = H5Fget_create_plist(b->file->id);
    hsize_t prefix = 0;
    herr_t ok = fcpl < 0 ? -1 : H5Pget_userblock(fcpl, &prefix);
    if (fcpl >= 0) H5Pclose(fcpl);
    if (ok < 0) return bp__h5_fail(b->file, "", "its superblock cannot be read");
    if (prefix != 0) b->dataset->through_hdf5 = true; /* 1.10 does not add it to addresses of chunks */
    return BP_OK;
}

static bp_status plan_tasks(bulk *b)
{
    BP_TRY(read_filters(b));
    BP_TRY(read_fill(b));
    BP_TRY(check_layout(b));
    if (b->dataset->shape[0] == 0 || b->dataset->shape[1] == 0) return BP_OK;
    /* Also where add_chunks() lists them: a damaged index lists chunks that a search in it does not find. */
    BP_TRY(bp__h5_check_stored(b->file, &b->set));
    if (H5Pget_layout(b->set.dcpl) == H5D_CHUNKED)
        BP_TRY(add_chunks(b));
    else
        BP_TRY(add_blocks(b, 1, b->dataset->through_hdf5 ? HADDR_UNDEF : H5Dget_offset(b->set.id)));
    if (b->dataset
            ->through_hdf5) { /* its rows come from the parser without their filters, as native elements */
        b->dataset->filters.n = 0;
        b->dataset->swapped = false;
    }
    return BP_OK;
}

static bp_status plan_column(const bp__h5file *file, const bp__h5shape *shape, bp_column column,
                             bp__head *head, bp__plan *plan)
{
    bool daily = is_daily(column);
    bp__plan_dataset *d = &plan->dataset[plan->num_datasets++];
    bulk b = {.file = file, .dataset = d, .plan = plan};
    d->column = column;
    d->decode = decode_of(column);
    bp__h5_column_path(shape->country, column, d->path);
    BP_TRY(bp__h5_open_set(file, d->path, daily ? 2 : 1, &b.set));
    bp_status s = check_type(&b);
    if (s == BP_OK)
        s = check_bulk_shape(&b, daily ? shape->assets : shape->minute_bars, daily ? shape->sessions : 1);
    if (s == BP_OK) s = read_scale(&b, shape);
    if (s == BP_OK) s = bp__head_reserve(head, column, d->shape[0], d->shape[1]);
    if (s == BP_OK) s = plan_tasks(&b);
    bp__h5_close_set(&b.set);
    return s;
}

bp_status bp__h5_plan_bulk(const bp__h5file *file, const bp__h5shape *shape, bp__head *head, bp__plan *plan)
{
    plan->dataset = calloc(NUM_BULK, sizeof *plan->dataset);
    if (!plan->dataset) BP_FAIL(BP_ENOMEM, "%s: no memory for a plan", file->label);
    unsigned last = shape->has_minute ? BP__LAST_BULK : BP_COL_VOLUME;
    for (unsigned c = BP__FIRST_BULK; c <= last; c++) BP_TRY(plan_column(file, shape, c, head, plan));
    return BP_OK;
}

/* Elements as they are stored, one behind the other, become native ones of elem_bytes. */
static bp_status convert_block(const bp__h5file *file, const bp__h5set *set, const bp__plan_dataset *dataset,
                               const bp__h5number *number, const char *stored, uint64_t n, void *raw)
{
    for (uint64_t i = 0; i < n; i++) {
        int64_t value;
        const bool fits = bp__h5_to_i64(number, stored + i * number->bytes, &value);
        if (!fits)
            BP_FAIL(BP_EFORMAT, "%s: %s: a number that 64 bits with a sign do not hold", file->label,
                    set->path);
        if (dataset->elem_bytes == 8)
            ((int64_t *)raw)[i] = value;
        else
            ((uint32_t *)raw)[i] = (uint32_t)value;
    }
    return BP_OK;
}

static bp_status read_block(const bp__h5file *file, const bp__h5set *set, const bp__plan_dataset *dataset,
                            uint64_t first, uint64_t rows, void *raw)
{
    bp__h5number number;
    if (!bp__h5_number_of(set->type, &number) || number.is_float || number.bytes > dataset->elem_bytes ||
        set->shape[1] != dataset->shape[1] || first + rows > set->shape[0])
        BP_FAIL(BP_EFORMAT, "%s: %s: is another dataset than it was", file->label, set->path);
    const uint64_t n = rows * set->shape[1];
    void *stored = malloc(n * number.bytes + 1);
    if (!stored)
        BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %" PRIu64 " bytes", file->label, set->path,
                n * number.bytes);
    bp_status s = bp__h5_raw_rows(file, set, first, rows, stored);
    if (s == BP_OK) s = convert_block(file, set, dataset, &number, stored, n, raw);
    free(stored);
    return s;
}

bp_status bp__h5_read_block(const bp__h5file *file, const bp__plan_dataset *dataset, uint64_t first,
                            uint64_t rows, void *raw)
{
    bp__h5set set;
    BP_TRY(bp__h5_open_set(file, dataset->path, is_daily(dataset->column) ? 2 : 1, &set));
    const bp_status s = read_block(file, &set, dataset, first, rows, raw);
    bp__h5_close_set(&set);
    return s;
}
