#include "io/hdf5/decode.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/filters.h"
#include "io/hdf5/h5remote.h"

#define STRIP 512 /* elements unshuffled at once before they are converted; they fit into the L1 cache */

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "plans describe little-endian integers"
#endif

/* A task at work. */
typedef struct work {
    const char *label;
    const bp__plan_dataset *dataset;
    const bp__plan_task *task;
    uint64_t rows, cols; /* of the chunk, inside the shape */
    uint64_t elements;   /* of `raw`; the stride of a row is chunk[1] */
    const uint8_t *raw;  /* NULL: never written */
    bool shuffled;       /* raw is still in byte planes */
    double scale;        /* of the rows that are being converted */
} work;

struct bp__decoder {
    bp__undoer *undoer;
    uint8_t *copy; /* of a chunk that was stored as it is; grows */
    uint64_t bytes;
    work unpacked; /* what the last unpack() has left in the decoder's memory */
};

static uint64_t inside(uint64_t origin, uint64_t chunk, uint64_t shape)
{
    assert(origin < shape);
    return chunk < shape - origin ? chunk : shape - origin;
}

/* Fetching -------------------------------------------------------------------------------------- */

static bp_status fetch_through_hdf5(const char *label, int fd, const bp__plan *plan,
                                    const bp__plan_task *task, void *stored)
{
    const bp__plan_dataset *d = &plan->dataset[task->dataset];
    const bp__subject file = {.label = label, .fd = fd, .bytes = plan->identity.size};
    return bp__h5_ask_block(&file, d, task->origin[0], inside(task->origin[0], d->chunk[0], d->shape[0]),
                            stored);
}

bp_status bp__fetch_task(const char *label, int fd, const bp__plan *plan, uint64_t task, void *stored)
{
    assert(task < plan->num_tasks);
    const bp__plan_task *t = &plan->task[task];
    const bp__plan_dataset *d = &plan->dataset[t->dataset];
    if (d->through_hdf5) return fetch_through_hdf5(label, fd, plan, t, stored);
    for (uint64_t done = 0; done < t->stored_bytes;) {
        ssize_t n = pread(fd, (char *)stored + done, t->stored_bytes - done, (off_t)(t->file_offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: %s: cannot be read", label, d->path);
        if (n == 0) BP_FAIL(BP_EIO, "%s: file is shorter than it was: it changed while being read", label);
        done += (uint64_t)n;
    }
    return BP_OK;
}

/* Undoing filters ------------------------------------------------------------------------------- */

bp_status bp__decoder_create(bp__decoder **decoder)
{
    *decoder = calloc(1, sizeof **decoder);
    if (!*decoder) BP_FAIL(BP_ENOMEM, "no memory to decode");
    const bp_status s = bp__undoer_create(&(*decoder)->undoer);
    if (bp__failed(s)) bp__decoder_destroy(decoder);
    return s;
}

void bp__decoder_destroy(bp__decoder **decoder)
{
    if (!*decoder) return;
    bp__undoer_destroy(&(*decoder)->undoer);
    free((*decoder)->copy);
    free(*decoder);
    *decoder = NULL;
}

static bp_status no_memory(const work *w, uint64_t bytes)
{
    BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %" PRIu64 " bytes", w->label, w->dataset->path, bytes);
}

static bp_status damaged(const work *w, const char *what)
{
    return bp__fail(BP_EFORMAT, "%s: %s: damaged chunk at row %" PRIu64 ", column %" PRIu64 ": %s", w->label,
                    w->dataset->path, w->task->origin[0], w->task->origin[1], what);
}

/* Set w->raw to the whole chunk, which may still be shuffled. */
static bp_status undo_filters(bp__decoder *decoder, work *w, const void *stored)
{
    const bp__plan_dataset *d = w->dataset;
    const uint64_t whole = d->chunk[0] * d->chunk[1] * d->elem_bytes;
    /* the last block of a dataset without chunks, or of one whose blocks come from the parser, is not padded */
    const uint64_t rows = w->rows * d->chunk[1] * d->elem_bytes;
    const bool padded = d->filters.n > 0 || w->task->stored_bytes != rows;
    const uint64_t bytes = padded ? whole : rows;
    bp__undone chunk;
    w->elements = bytes / d->elem_bytes;
    const bool planes = d->filters.shuffle_bytes == d->elem_bytes;
    const bp_status s = bp__undo(decoder->undoer, &d->filters, w->task->filter_mask, stored,
                                 w->task->stored_bytes, bytes, planes, &chunk);
    if (s == BP_ENOMEM) return no_memory(w, bytes);
    if (bp__failed(s)) return damaged(w, chunk.why);
    w->raw = chunk.bytes;
    w->shuffled = chunk.shuffled;
    return BP_OK;
}

/* Converting ------------------------------------------------------------------------------------ */

static void convert4(const work *w, const uint32_t *restrict x, size_t n, double *restrict out)
{
    double scale = w->scale;
    if (w->dataset->decode == BP__DECODE_VOLUME)
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
    const uint8_t *low = planes, *high = planes + 4 * plane;
    uint32_t l[STRIP], h[STRIP];
    join4(low, plane, n, l);
    join4(high, plane, n, h);
    for (size_t i = 0; i < n; i++) x[i] = l[i] | (uint64_t)h[i] << 32;
}

static void swap4(uint32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = __builtin_bswap32(x[i]);
}

static void swap8(uint64_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = __builtin_bswap64(x[i]);
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
    } else if (w->shuffled || w->dataset->swapped) {
        if (w->shuffled)
            join4(w->raw + at, w->elements, n, joined);
        else
            memcpy(joined, w->raw + 4 * at, 4 * n);
        if (w->dataset->swapped) swap4(joined, n);
        convert4(w, joined, n, out);
    } else {
        convert4(w, (const uint32_t *)(const void *)w->raw + at, n, out);
    }
    if (wide && w->dataset->swapped) swap8(out, n);
}

static void fill_strip(const work *w, size_t n, void *out)
{
    uint32_t x[STRIP];
    if (w->dataset->elem_bytes == 8) {
        for (size_t i = 0; i < n; i++) ((uint64_t *)out)[i] = w->dataset->fill;
        return;
    }
    for (size_t i = 0; i < n; i++) x[i] = (uint32_t)w->dataset->fill;
    convert4(w, x, n, out);
}

/* Convert `n` elements, from `at` on, that are contiguous both in the chunk and in the column. */
static void convert_run(const work *w, uint64_t at, uint64_t n, uint64_t *out)
{
    for (uint64_t i = 0; i < n; i += STRIP) {
        size_t strip = n - i < STRIP ? n - i : STRIP;
        if (w->raw)
            convert_strip(w, at + i, strip, out + i);
        else
            fill_strip(w, strip, out + i);
    }
}

static void convert_rows(const work *w, uint64_t from, uint64_t to, uint64_t *column)
{
    const bp__plan_dataset *d = w->dataset;
    const uint64_t stride = d->chunk[1], cols = d->shape[1];
    uint64_t *out = column + (w->task->origin[0] + from) * cols + w->task->origin[1];
    if (stride == cols) { /* whole rows: always so for 1-D datasets */
        convert_run(w, from * stride, (to - from) * cols, out);
        return;
    }
    for (uint64_t row = from; row < to; row++, out += cols) convert_run(w, row * stride, w->cols, out);
}

/* The asset that bar `bar` of the minute ones belongs to: the last whose bars begin there or before. */
static uint64_t owner_of(const int64_t *offset, uint64_t sids, uint64_t bar)
{
    uint64_t low = 0, high = sids;
    while (high - low > 1) {
        const uint64_t mid = low + (high - low) / 2;
        if ((uint64_t)offset[mid] <= bar)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* Rows of different assets, each by the factor of its own. A daily row is an asset; of the minute bars, each
 * asset has those between its offset and the next one. */
static void convert_by_asset(work *w, void *image, uint64_t *column)
{
    const bp__plan_dataset *d = w->dataset;
    const double *factor = bp__image_fill(image, d->factors);
    const int64_t *offset = d->column < BP_COL_MINUTE_DT ? NULL : bp__image_fill(image, BP_COL_MINUTE_OFFSET);
    const uint64_t first = w->task->origin[0];
    const uint64_t assets = ((const bp__image *)image)->column[d->factors].shape[0];
    uint64_t asset = offset ? owner_of(offset, assets, first) : first;
    for (uint64_t row = 0, end; row < w->rows; row = end, asset++) {
        assert(asset < assets);
        end = offset ? (uint64_t)offset[asset + 1] - first : row + 1;
        if (end > w->rows) end = w->rows;
        w->scale = 1.0 / factor[asset];
        convert_rows(w, row, end, column);
    }
}

static void convert(work *w, void *image)
{
    uint64_t *column = bp__image_fill(image, w->dataset->column);
    if (w->dataset->by_asset)
        convert_by_asset(w, image, column);
    else
        convert_rows(w, 0, w->rows, column);
}

static work begin(const char *label, const bp__plan_dataset *dataset, const bp__plan_task *task)
{
    return (work){.label = label,
                  .dataset = dataset,
                  .task = task,
                  .scale = dataset->scale,
                  .rows = inside(task->origin[0], dataset->chunk[0], dataset->shape[0]),
                  .cols = inside(task->origin[1], dataset->chunk[1], dataset->shape[1])};
}

/* A chunk without filters still lies where it was stored. */
static bp_status copy_out(bp__decoder *decoder, work *w)
{
    const uint64_t bytes = w->elements * w->dataset->elem_bytes;
    if (bytes > decoder->bytes) {
        free(decoder->copy);
        decoder->copy = malloc(bytes);
        decoder->bytes = decoder->copy ? bytes : 0;
        if (!decoder->copy) return no_memory(w, bytes);
    }
    memcpy(decoder->copy, w->raw, bytes);
    w->raw = decoder->copy;
    return BP_OK;
}

bp_status bp__decoder_unpack(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                             const bp__plan_task *task, const void *stored)
{
    work *w = &decoder->unpacked;
    *w = begin(label, dataset, task);
    if (task->stored_bytes > 0) BP_TRY(undo_filters(decoder, w, stored));
    const uint8_t *from = stored;
    if (!w->raw || w->raw < from || w->raw >= from + task->stored_bytes) return BP_OK;
    return copy_out(decoder, w);
}

bp_status bp__decoder_run(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                          const bp__plan_task *task, const void *stored, void *image)
{
    work w = stored ? begin(label, dataset, task) : decoder->unpacked;
    if (stored && task->stored_bytes > 0) BP_TRY(undo_filters(decoder, &w, stored));
    assert(w.task == task);
    convert(&w, image);
    return BP_OK;
}
