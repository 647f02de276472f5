#include "io/hdf5/h5raw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/filters.h"
#include "io/hdf5/h5undo.h"

/* What is known of a dataset that is being read. */
typedef struct raw_set {
    const bp__h5file *file;
    const bp__h5set *set;
    size_t element, row; /* bytes */
    bool refers;
    bool plain_edges; /* chunks that stick out have no filters, and do not say so */
    uint64_t chunk[2], chunk_bytes;
    bp__filters filters;
    bp__undoer *undoer;    /* of filters that we undo */
    bp__h5undoer *through; /* of others; NULL: there are none */
    void *stored, *fill;   /* owned: a chunk as it is stored; one that was never written */
} raw_set;

static bp_status damaged(const bp__h5file *file, const bp__h5set *set, const char *what)
{
    BP_FAIL(BP_EFORMAT, "%s: %s: damaged: %s", file->label, set->path, what);
}

static bp_status no_memory(const bp__h5file *file, const bp__h5set *set, uint64_t bytes)
{
    BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %" PRIu64 " bytes", file->label, set->path, bytes);
}

/* Elements -------------------------------------------------------------------------------------- */

/* How many bytes more than in memory the references in a type take in the file. */
static int64_t extra_bytes(hid_t type, size_t reference)
{
    int64_t extra = 0;
    switch (H5Tget_class(type)) {
    case H5T_STRING: return H5Tis_variable_str(type) > 0 ? (int64_t)reference - (int64_t)sizeof(char *) : 0;
    case H5T_VLEN: return (int64_t)reference - (int64_t)sizeof(hvl_t);
    case H5T_COMPOUND:
        for (int i = 0; i < H5Tget_nmembers(type); i++) {
            const hid_t member = H5Tget_member_type(type, (unsigned)i);
            extra += member < 0 ? 0 : extra_bytes(member, reference);
            if (member >= 0) H5Tclose(member);
        }
        return extra;
    default: return 0;
    }
}

bp_status bp__h5_element_bytes(const bp__h5file *file, const bp__h5set *set, size_t *bytes, bool *refers)
{
    size_t address = 0, length = 0;
    *bytes = H5Tget_size(set->type);
    *refers = H5Tis_variable_str(set->type) > 0 || H5Tdetect_class(set->type, H5T_VLEN) > 0;
    if (!*refers && H5Tget_class(set->type) != H5T_COMPOUND) return BP_OK;
    const hid_t fcpl = H5Fget_create_plist(file->id);
    const bool told = fcpl >= 0 && H5Pget_sizes(fcpl, &address, &length) >= 0;
    if (fcpl >= 0) H5Pclose(fcpl);
    if (!told) return bp__h5_fail(file, "", "its superblock cannot be read");
    const size_t reference = 4 + address + 4; /* length, where its heap is, which object of that */
    const int64_t extra = extra_bytes(set->type, reference);
    *refers = *refers || extra != 0;
    *bytes = (size_t)((int64_t)*bytes + extra);
    return BP_OK;
}

/* Filters and chunks ---------------------------------------------------------------------------- */

bp_status bp__h5_filters_of(const bp__h5file *file, const bp__h5set *set, bp__filters *filters, bool *known)
{
    const int n = H5Pget_nfilters(set->dcpl);
    *filters = (bp__filters){.shuffle_bytes = 0};
    *known = n >= 0 && n <= BP__MAX_FILTERS;
    if (n < 0) return bp__h5_fail(file, set->path, "its filters cannot be read");
    for (int i = 0; i < n && *known; i++) {
        unsigned flags, values[8] = {0};
        size_t num_values = 8;
        const H5Z_filter_t id =
            H5Pget_filter2(set->dcpl, (unsigned)i, &flags, &num_values, values, 0, NULL, NULL);
        if (id < 0) return bp__h5_fail(file, set->path, "its filters cannot be read");
        filters->id[filters->n++] = (uint32_t)id;
        if (id != BP__FILTER_SHUFFLE) continue;
        /* two of different widths are nobody's */
        *known = num_values > 0 && (filters->shuffle_bytes == 0 || filters->shuffle_bytes == values[0]);
        filters->shuffle_bytes = values[0];
    }
    *known = *known && bp__can_undo(filters);
    if (!*known) *filters = (bp__filters){.shuffle_bytes = 0};
    return BP_OK;
}

bp_status bp__h5_chunk_of(const bp__h5file *file, const bp__h5set *set, uint64_t chunk[2])
{
    hsize_t dims[2] = {1, 1};
    if (H5Pget_chunk(set->dcpl, set->rank, dims) != set->rank || dims[0] == 0 || dims[1] == 0)
        return bp__h5_fail(file, set->path, "its chunks cannot be read");
    chunk[0] = dims[0];
    chunk[1] = dims[1];
    size_t element;
    bool refers;
    BP_TRY(bp__h5_element_bytes(file, set, &element, &refers));
    if (bp__plan_chunk_bytes(set->shape, chunk, element) > 0) return BP_OK;
    BP_FAIL(BP_EFORMAT,
            "%s: %s: chunks of %" PRIu64 " x %" PRIu64 " values are too large for a dataset of %" PRIu64
            " x %" PRIu64 "; write it again with smaller ones",
            file->label, set->path, chunk[0], chunk[1], set->shape[0], set->shape[1]);
}

/* The bytes that are stored of a chunk; 0: none. HDF5 1.10 fails for those that were never written: whatever else is the
 * matter must not be taken for that. */
static bp_status stored_bytes(const bp__h5file *file, const bp__h5set *set, const hsize_t origin[2],
                              uint64_t *bytes)
{
    hsize_t n = 0;
    const bool told = H5Dget_chunk_storage_size(set->id, origin, &n) >= 0;
    *bytes = told ? n : 0;
    if (told || (file->input.error == 0 && bp__h5_failed_with("not allocated"))) return BP_OK;
    return bp__h5_fail(file, set->path, "a chunk cannot be located");
}

static bp_status count_stored(const bp__h5file *file, const bp__h5set *set, uint64_t *found)
{
    uint64_t chunk[2], bytes;
    *found = 0;
    BP_TRY(bp__h5_chunk_of(file, set, chunk));
    for (hsize_t row = 0; row < set->shape[0]; row += chunk[0])
        for (hsize_t col = 0; col < set->shape[1]; col += chunk[1]) {
            BP_TRY(stored_bytes(file, set, (const hsize_t[2]){row, col}, &bytes));
            if (bytes > 0) ++*found;
        }
    return BP_OK;
}

bp_status bp__h5_check_stored(const bp__h5file *file, const bp__h5set *set)
{
    const H5D_layout_t layout = H5Pget_layout(set->dcpl);
    if (layout == H5D_CHUNKED) {
        hsize_t listed = 0;
        uint64_t found;
        BP_TRY(count_stored(file, set, &found));
        if (H5Dget_num_chunks(set->id, set->space, &listed) < 0)
            return bp__h5_fail(file, set->path, "its chunks cannot be counted");
        if (listed != found)
            return damaged(file, set, "its index lists chunks that are none of its, or one twice");
        return BP_OK;
    }
    size_t element;
    bool refers;
    BP_TRY(bp__h5_element_bytes(file, set, &element, &refers));
    const uint64_t all = set->shape[0] * set->shape[1] * element;
    const hsize_t stored = H5Dget_storage_size(set->id);
    if (stored == 0 && layout == H5D_CONTIGUOUS) return BP_OK; /* never written */
    return stored == all ? BP_OK : damaged(file, set, "what is stored has not the size of what it should be");
}

/* Chunks ---------------------------------------------------------------------------------------- */

static void close_raw(raw_set *r)
{
    free(r->stored);
    free(r->fill);
    bp__undoer_destroy(&r->undoer);
    bp__h5_undoer_destroy(&r->through);
}

/* One element, as it stands where nothing was written. */
static bp_status read_fill(const bp__h5file *file, const bp__h5set *set, bool refers, size_t bytes,
                           void *element)
{
    H5D_fill_value_t defined;
    memset(element, 0, bytes);
    if (refers) return BP_OK; /* to nothing */
    if (H5Pfill_value_defined(set->dcpl, &defined) < 0)
        return bp__h5_fail(file, set->path, "its fill value cannot be read");
    if (defined == H5D_FILL_VALUE_UNDEFINED) return BP_OK;
    if (H5Pget_fill_value(set->dcpl, set->type, element) < 0)
        return bp__h5_fail(file, set->path, "its fill value cannot be read");
    return BP_OK;
}

static bp_status open_raw(raw_set *r, bool known)
{
    const uint64_t most = bp__plan_most_stored(r->chunk_bytes);
    BP_TRY(bp__undoer_create(&r->undoer));
    if (!known) BP_TRY(bp__h5_undoer_create(r->file, r->set, r->element, r->refers, &r->through));
    r->stored = malloc(most);
    r->fill = malloc(r->chunk_bytes);
    if (!r->stored || !r->fill) return no_memory(r->file, r->set, most + r->chunk_bytes);
    BP_TRY(read_fill(r->file, r->set, r->refers, r->element, r->fill));
    for (uint64_t i = r->element; i < r->chunk_bytes; i += r->element)
        memcpy((char *)r->fill + i, r->fill, r->element);
    return BP_OK;
}

/* Read the n bytes that are stored of a chunk. libhdf5 reads as many as the index says, which of a damaged one are fewer than
 * it tells: then the last one stays what it was before, whichever that is. */
static bp_status read_stored(raw_set *r, const hsize_t origin[2], uint64_t n, uint32_t *skipped)
{
    static const int pattern[] = {0x5a, 0xc3};
    for (int i = 0; i < 2; i++) {
        memset(r->stored, pattern[i], n);
        if (H5Dread_chunk(r->set->id, H5P_DEFAULT, origin, skipped, r->stored) < 0)
            return bp__h5_fail(r->file, r->set->path, "a chunk cannot be read");
        if (((const uint8_t *)r->stored)[n - 1] != pattern[i]) return BP_OK;
    }
    return damaged(r->file, r->set, "a chunk is shorter than its index says");
}

static bp_status undo(raw_set *r, const hsize_t origin[2], uint32_t skipped, uint64_t n,
                      const uint8_t **bytes)
{
    bp__undone chunk;
    if (r->through) return bp__h5_undo(r->through, skipped, r->stored, n, bytes);
    const bp_status s =
        bp__undo(r->undoer, &r->filters, skipped, r->stored, n, r->chunk_bytes, false, &chunk);
    if (s == BP_ENOMEM) return no_memory(r->file, r->set, r->chunk_bytes);
    if (bp__failed(s))
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged chunk at row %" PRIu64 ", column %" PRIu64 ": %s",
                r->file->label, r->set->path, (uint64_t)origin[0], (uint64_t)origin[1], chunk.why);
    *bytes = chunk.bytes;
    return BP_OK;
}

/* Set *bytes to the whole chunk at `origin`; valid until the next one. */
static bp_status read_chunk(raw_set *r, const hsize_t origin[2], const uint8_t **bytes)
{
    uint64_t n;
    uint32_t skipped = 0;
    BP_TRY(stored_bytes(r->file, r->set, origin, &n));
    *bytes = r->fill;
    if (n == 0) return BP_OK;
    if (n > bp__plan_most_stored(r->chunk_bytes))
        return damaged(r->file, r->set, "a chunk is larger than filters can have made it");
    BP_TRY(read_stored(r, origin, n, &skipped));
    if (r->plain_edges &&
        (origin[0] + r->chunk[0] > r->set->shape[0] || origin[1] + r->chunk[1] > r->set->shape[1]))
        skipped = UINT32_MAX;
    return undo(r, origin, skipped, n, bytes);
}

/* Copy rows [first, end) out of the chunk at `origin`. */
static void copy_rows(const raw_set *r, const hsize_t origin[2], const uint8_t *chunk, uint64_t first,
                      uint64_t end, uint8_t *raw)
{
    const uint64_t cols =
        r->set->shape[1] - origin[1] < r->chunk[1] ? r->set->shape[1] - origin[1] : r->chunk[1];
    const uint64_t from = first > origin[0] ? first : origin[0];
    const uint64_t to = end < origin[0] + r->chunk[0] ? end : origin[0] + r->chunk[0];
    for (uint64_t row = from; row < to; row++)
        memcpy(raw + (row - first) * r->row + origin[1] * r->element,
               chunk + (row - origin[0]) * r->chunk[1] * r->element, cols * r->element);
}

static bp_status read_chunks(raw_set *r, uint64_t first, uint64_t rows, uint8_t *raw)
{
    const uint64_t end = first + rows;
    for (hsize_t row = first - first % r->chunk[0]; row < end; row += r->chunk[0])
        for (hsize_t col = 0; col < r->set->shape[1]; col += r->chunk[1]) {
            const hsize_t origin[2] = {row, col};
            const uint8_t *chunk;
            BP_TRY(read_chunk(r, origin, &chunk));
            copy_rows(r, origin, chunk, first, end, raw);
        }
    return BP_OK;
}

/* What libhdf5 reads ---------------------------------------------------------------------------- */

static bp_status read_through(const bp__h5file *file, const bp__h5set *set, uint64_t first, uint64_t rows,
                              void *raw)
{
    const hsize_t start[2] = {first, 0}, count[2] = {rows, set->shape[1]};
    const hid_t memory = H5Screate_simple(set->rank, count, NULL), space = H5Scopy(set->space);
    const bool read = memory >= 0 && space >= 0 &&
                      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                      H5Dread(set->id, set->type, memory, space, H5P_DEFAULT, raw) >= 0;
    const bp_status s = read ? BP_OK : bp__h5_fail(file, set->path, "cannot be read");
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    return s;
}

bp_status bp__h5_raw_rows(const bp__h5file *file, const bp__h5set *set, uint64_t first, uint64_t rows,
                          void *raw)
{
    bool known;
    raw_set r = {.file = file, .set = set};
    if (rows == 0 || set->shape[1] == 0) return BP_OK;
    if (H5Pget_layout(set->dcpl) != H5D_CHUNKED) return read_through(file, set, first, rows, raw);
    BP_TRY(bp__h5_element_bytes(file, set, &r.element, &r.refers));
    BP_TRY(bp__h5_filters_of(file, set, &r.filters, &known));
    BP_TRY(bp__h5_chunk_of(file, set, r.chunk));
    unsigned options = 0;
    if (H5Pget_chunk_opts(set->dcpl, &options) < 0)
        return bp__h5_fail(file, set->path, "its layout cannot be read");
    r.plain_edges = options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
    r.row = set->shape[1] * r.element;
    r.chunk_bytes = r.chunk[0] * r.chunk[1] * r.element;
    bp_status s = open_raw(&r, known);
    if (s == BP_OK) s = read_chunks(&r, first, rows, raw);
    close_raw(&r);
    return s;
}
