#include "io/hdf5/h5chunks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    int rank;
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

static bp_status check_type(bulk *b)
{
    bool wide = b->dataset->decode == BP__DECODE_I64;
    b->dataset->elem_bytes = wide ? 8 : 4;
    htri_t native = H5Tequal(b->set.type, wide ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT32);
    if (native < 0) return bp__h5_fail(b->file, b->set.path, "its type cannot be read");
    if (native) return BP_OK;
    b->dataset->through_hdf5 = 1;
    if (H5Tget_class(b->set.type) == H5T_INTEGER &&
        (wide || (H5Tget_size(b->set.type) == 4 && H5Tget_sign(b->set.type) == H5T_SGN_NONE)))
        return BP_OK;
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

/* Note the filters in the plan if we undo them ourselves: an optional shuffle, at most one compression. */
static bp_status read_filters(bulk *b)
{
    int n = H5Pget_nfilters(b->set.dcpl);
    unsigned shuffles = 0, compressions = 0;
    if (n < 0) return bp__h5_fail(b->file, b->set.path, "its filters cannot be read");
    for (int i = 0; i < n; i++) {
        unsigned flags, values[8] = {0};
        size_t num_values = 8;
        H5Z_filter_t id =
            H5Pget_filter2(b->set.dcpl, (unsigned)i, &flags, &num_values, values, 0, NULL, NULL);
        if (id < 0) return bp__h5_fail(b->file, b->set.path, "its filters cannot be read");
        if (id == BP__FILTER_SHUFFLE && compressions == 0 && values[0] == b->dataset->elem_bytes)
            shuffles++;
        else if (id == BP__FILTER_DEFLATE || id == BP__FILTER_LZF)
            compressions++;
        else
            b->dataset->through_hdf5 = 1;
        if (shuffles > 1 || compressions > 1) b->dataset->through_hdf5 = 1;
        if (b->dataset->through_hdf5) return BP_OK;
        b->dataset->filter[b->dataset->num_filters++] = (uint32_t)id;
    }
    b->dataset->shuffle_bytes = b->dataset->elem_bytes;
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
    hsize_t dims[2] = {1, 1};
    if (H5Pget_chunk(b->set.dcpl, b->rank, dims) != b->rank || dims[0] == 0 || dims[1] == 0)
        return bp__h5_fail(b->file, b->set.path, "its chunks cannot be read");
    if (dims[0] > UINT32_MAX || dims[1] > UINT32_MAX / d->elem_bytes / dims[0])
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged: a chunk of more than 4 GiB", b->file->label, b->set.path);
    uint64_t down = (d->shape[0] - 1) / dims[0] + 1, across = (d->shape[1] - 1) / dims[1] + 1;
    uint64_t n = down * across;
    if (!worth_locating(n, d->shape[0] * d->shape[1] * d->elem_bytes)) d->through_hdf5 = 1;
    if (d->through_hdf5) return add_blocks(b, dims[0], HADDR_UNDEF);

    d->chunk[0] = dims[0];
    d->chunk[1] = dims[1];
    bp__plan_task *task;
    BP_TRY(add_tasks(b, n, &task));
    for (uint64_t i = 0; i < n; i++) {
        task[i].origin[0] = i / across * dims[0];
        task[i].origin[1] = i % across * dims[1];
        BP_TRY(add_chunk(b, &task[i]));
    }
    return BP_OK;
}

/* Leave to HDF5 what its addresses and filter masks do not tell us all about. */
static bp_status check_layout(bulk *b)
{
    H5D_layout_t layout = H5Pget_layout(b->set.dcpl);
    if (layout == H5D_COMPACT) b->dataset->through_hdf5 = 1;
    unsigned options = 0;
    if (layout == H5D_CHUNKED && H5Pget_chunk_opts(b->set.dcpl, &options) < 0)
        return bp__h5_fail(b->file, b->set.path, "its layout cannot be read");
    if (options != 0) b->dataset->through_hdf5 = 1; /* edge chunks without filters, unmarked */

    hid_t fcpl = H5Fget_create_plist(b->file->id);
    hsize_t prefix = 0;
    herr_t ok = fcpl < 0 ? -1 : H5Pget_userblock(fcpl, &prefix);
    if (fcpl >= 0) H5Pclose(fcpl);
    if (ok < 0) return bp__h5_fail(b->file, "", "its superblock cannot be read");
    if (prefix != 0) b->dataset->through_hdf5 = 1; /* 1.10 does not add it to addresses of chunks */
    return BP_OK;
}

static bp_status plan_tasks(bulk *b)
{
    BP_TRY(read_filters(b));
    BP_TRY(read_fill(b));
    BP_TRY(check_layout(b));
    if (b->dataset->shape[0] == 0 || b->dataset->shape[1] == 0) return BP_OK;
    if (H5Pget_layout(b->set.dcpl) == H5D_CHUNKED) return add_chunks(b);
    return add_blocks(b, 1, b->dataset->through_hdf5 ? HADDR_UNDEF : H5Dget_offset(b->set.id));
}

static bp_status plan_column(const bp__h5file *file, const bp__h5shape *shape, bp_column column,
                             bp__head *head, bp__plan *plan)
{
    bool daily = is_daily(column);
    bp__plan_dataset *d = &plan->dataset[plan->num_datasets++];
    bulk b = {.file = file, .rank = daily ? 2 : 1, .dataset = d, .plan = plan};
    d->column = column;
    d->decode = decode_of(column);
    bp__h5_column_path(shape->country, column, d->path);
    BP_TRY(bp__h5_open_set(file, d->path, b.rank, &b.set));
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

bp_status bp__h5_read_block(const bp__h5file *file, const bp__plan_dataset *dataset, const uint64_t origin[2],
                            uint64_t rows, uint64_t cols, void *raw)
{
    bp__h5set set;
    int rank = is_daily(dataset->column) ? 2 : 1;
    const hsize_t start[2] = {origin[0], origin[1]}, count[2] = {rows, cols};
    BP_TRY(bp__h5_open_set(file, dataset->path, rank, &set));
    bp_status s = BP_OK;
    hid_t memory = H5Screate_simple(rank, count, NULL);
    if (memory < 0 || H5Sselect_hyperslab(set.space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(set.id, dataset->elem_bytes == 8 ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT32, memory, set.space,
                H5P_DEFAULT, raw) < 0)
        s = bp__h5_fail(file, dataset->path, "cannot be read");
    if (memory >= 0) H5Sclose(memory);
    bp__h5_close_set(&set);
    return s;
}
