#include "io/decode.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/h5chunks.h"
#include "io/lzf.h"

#define STRIP 512 /* elements put together before they are converted; they fit the first cache */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "plans describe little-endian integers"
#endif

/* A task at work. */
typedef struct work {
    const char *label;
    int fd;
    const bp__plan *plan;
    const bp__plan_dataset *dataset;
    const bp__plan_task *task;
    uint64_t rows, cols;   /* of the chunk, inside the shape */
    uint64_t elements;     /* of `raw`; the stride of a row is chunk[1] */
    uint8_t *stored, *raw; /* owned */
    bool shuffled;         /* raw is still in byte planes */
} work;

static bp_status damaged(const work *w, const char *what)
{
    return bp__fail(BP_EFORMAT, "%s: %s: damaged chunk at row %" PRIu64 ", column %" PRIu64 ": %s", w->label,
                    w->dataset->path, w->task->origin[0], w->task->origin[1], what);
}

static bp_status new_buffer(const work *w, uint64_t bytes, uint8_t **buffer)
{
    *buffer = malloc(bytes);
    if (!*buffer)
        BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %" PRIu64 " bytes", w->label, w->dataset->path, bytes);
    return BP_OK;
}

static bp_status read_stored(const work *w, uint64_t bytes, uint8_t *to)
{
    for (uint64_t done = 0; done < bytes;) {
        ssize_t n = pread(w->fd, to + done, bytes - done, (off_t)(w->task->file_offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: %s: cannot be read", w->label, w->dataset->path);
        if (n == 0) BP_FAIL(BP_EIO, "%s: file is shorter than it was: it changed while being read", w->label);
        done += (uint64_t)n;
    }
    return BP_OK;
}

static bp_status inflate_chunk(const work *w, uint64_t bytes)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d) BP_FAIL(BP_ENOMEM, "%s: %s: no memory to inflate", w->label, w->dataset->path);
    enum libdeflate_result result =
        libdeflate_zlib_decompress(d, w->stored, w->task->stored_bytes, w->raw, bytes, NULL);
    libdeflate_free_decompressor(d);
    return result == LIBDEFLATE_SUCCESS ? BP_OK : damaged(w, "it does not inflate to the size of a chunk");
}

/* Fill w->raw with what the compression, if any, was given: the whole chunk, maybe shuffled. */
static bp_status load_chunk(work *w)
{
    const bp__plan_dataset *d = w->dataset;
    uint32_t compression = 0;
    for (uint32_t i = 0; i < d->num_filters; i++) {
        if (w->task->filter_mask & 1u << i) continue;
        if (d->filter[i] == BP__FILTER_SHUFFLE)
            w->shuffled = true;
        else
            compression = d->filter[i];
    }
    /* a block at the end of what is not chunked is stored as short as it is */
    w->elements = d->chunk[0] * d->chunk[1];
    if (w->task->stored_bytes == w->rows * d->chunk[1] * d->elem_bytes && compression == 0)
        w->elements = w->rows * d->chunk[1];
    uint64_t bytes = w->elements * d->elem_bytes;
    BP_TRY(new_buffer(w, bytes, &w->raw));
    if (compression == 0) {
        if (w->task->stored_bytes != bytes) return damaged(w, "it has not the size of a chunk");
        return read_stored(w, bytes, w->raw);
    }
    BP_TRY(new_buffer(w, w->task->stored_bytes, &w->stored));
    BP_TRY(read_stored(w, w->task->stored_bytes, w->stored));
    if (compression == BP__FILTER_DEFLATE) return inflate_chunk(w, bytes);
    if (bp__lzf_decode(w->stored, w->task->stored_bytes, w->raw, bytes) != bytes)
        return damaged(w, "LZF does not decode to the size of a chunk");
    return BP_OK;
}

static bp_status load_through_hdf5(work *w)
{
    const bp__plan_dataset *d = w->dataset;
    w->elements = w->rows * d->chunk[1];
    BP_TRY(new_buffer(w, w->elements * d->elem_bytes, &w->raw));
    bp__h5_lock();
    /* Opened afresh for each block: two openings of a file that is being rewritten would share what
     * libhdf5 remembers of it. */
    bp__h5file file;
    bp_status s = bp__h5_open(w->label, w->fd, w->plan->identity.size, &file);
    if (!bp__failed(s)) s = bp__h5_read_block(&file, d, w->task->origin, w->rows, w->cols, w->raw);
    bp__h5_close(&file);
    bp__h5_unlock();
    return s;
}

/* Converting ------------------------------------------------------------------------------------ */

static void convert4(const bp__plan_dataset *d, const uint32_t *restrict x, size_t n, double *restrict out)
{
    double scale = d->scale;
    if (d->decode == BP__DECODE_VOLUME)
        for (size_t i = 0; i < n; i++) out[i] = x[i] * scale;
    else
        for (size_t i = 0; i < n; i++) out[i] = x[i] == 0 ? (double)NAN : x[i] * scale;
}

static void join4(const uint8_t *restrict planes, size_t plane, size_t n, uint32_t *restrict x)
{
    const uint8_t *b0 = planes, *b1 = b0 + plane, *b2 = b1 + plane, *b3 = b2 + plane;
    for (size_t i = 0; i < n; i++)
        x[i] = b0[i] | (uint32_t)b1[i] << 8 | (uint32_t)b2[i] << 16 | (uint32_t)b3[i] << 24;
}

static void join8(const uint8_t *restrict planes, size_t plane, size_t n, uint64_t *restrict x)
{
    memset(x, 0, n * sizeof *x);
    for (size_t b = 0; b < 8; b++, planes += plane)
        for (size_t i = 0; i < n; i++) x[i] |= (uint64_t)planes[i] << (8 * b);
}

/* Elements `at` .. `at + n` of raw, n <= STRIP. All columns have elements of 8 bytes. */
static void convert_strip(const work *w, size_t at, size_t n, void *out)
{
    bool wide = w->dataset->elem_bytes == 8;
    uint32_t joined[STRIP];
    if (wide && w->shuffled) {
        join8(w->raw + at, w->elements, n, out);
    } else if (wide) {
        memcpy(out, w->raw + 8 * at, 8 * n);
    } else if (w->shuffled) {
        join4(w->raw + at, w->elements, n, joined);
        convert4(w->dataset, joined, n, out);
    } else {
        convert4(w->dataset, (const uint32_t *)(const void *)w->raw + at, n, out);
    }
}

static void fill_strip(const work *w, size_t n, void *out)
{
    uint32_t x[STRIP];
    if (w->dataset->elem_bytes == 8) {
        for (size_t i = 0; i < n; i++) ((uint64_t *)out)[i] = w->dataset->fill;
        return;
    }
    for (size_t i = 0; i < n; i++) x[i] = (uint32_t)w->dataset->fill;
    convert4(w->dataset, x, n, out);
}

static void convert(const work *w, void *image)
{
    const bp__plan_dataset *d = w->dataset;
    uint64_t *column = bp__image_fill(image, d->column);
    for (uint64_t row = 0; row < w->rows; row++) {
        uint64_t *out = column + (w->task->origin[0] + row) * d->shape[1] + w->task->origin[1];
        for (uint64_t col = 0; col < w->cols; col += STRIP) {
            size_t n = w->cols - col < STRIP ? w->cols - col : STRIP;
            if (w->raw)
                convert_strip(w, row * d->chunk[1] + col, n, out + col);
            else
                fill_strip(w, n, out + col);
        }
    }
}

static uint64_t inside(uint64_t origin, uint64_t chunk, uint64_t shape)
{
    assert(origin < shape);
    return chunk < shape - origin ? chunk : shape - origin;
}

bp_status bp__decode_task(const char *label, int fd, const bp__plan *plan, uint64_t task, void *image)
{
    assert(task < plan->num_tasks);
    work w = {.label = label, .fd = fd, .plan = plan, .task = &plan->task[task]};
    w.dataset = &plan->dataset[w.task->dataset];
    w.rows = inside(w.task->origin[0], w.dataset->chunk[0], w.dataset->shape[0]);
    w.cols = inside(w.task->origin[1], w.dataset->chunk[1], w.dataset->shape[1]);

    bp_status s = BP_OK;
    if (w.dataset->through_hdf5)
        s = load_through_hdf5(&w);
    else if (w.task->stored_bytes > 0)
        s = load_chunk(&w);
    if (!bp__failed(s)) convert(&w, image);
    free(w.stored);
    free(w.raw);
    return s;
}
