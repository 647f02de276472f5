#include "io/hdf5/filters.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/lzf.h"

#define SUM_BYTES 4

struct bp__undoer {
    struct libdeflate_decompressor *inflate;
    struct {
        uint8_t *memory;
        uint64_t bytes;
    } buffer[2]; /* a filter reads one and writes the other */
};

/* Where a chunk stands on its way back. */
typedef struct walk {
    bp__undoer *undoer;
    const bp__filters *filters;
    uint32_t skipped;
    uint64_t chunk_bytes;
    const uint8_t *at;
    uint64_t bytes;
    int into; /* the buffer that is free */
    const char *why;
} walk;

bp_status bp__undoer_create(bp__undoer **undoer)
{
    bp__undoer *u = *undoer = calloc(1, sizeof *u);
    if (u) u->inflate = libdeflate_alloc_decompressor();
    if (u && u->inflate) return BP_OK;
    bp__undoer_destroy(undoer);
    BP_FAIL(BP_ENOMEM, "no memory to decode");
}

void bp__undoer_destroy(bp__undoer **undoer)
{
    if (!*undoer) return;
    if ((*undoer)->inflate) libdeflate_free_decompressor((*undoer)->inflate);
    for (int i = 0; i < 2; i++) free((*undoer)->buffer[i].memory);
    free(*undoer);
    *undoer = NULL;
}

static bool is_compression(uint32_t id)
{
    return id == BP__FILTER_DEFLATE || id == BP__FILTER_LZF;
}

bool bp__can_undo(const bp__filters *filters)
{
    int compressions = 0;
    if (filters->n > BP__MAX_FILTERS) return false;
    for (uint32_t i = 0; i < filters->n; i++) {
        const uint32_t id = filters->id[i];
        if (is_compression(id)) compressions++;
        if (!is_compression(id) && id != BP__FILTER_SHUFFLE && id != BP__FILTER_FLETCHER32) return false;
        if (id == BP__FILTER_SHUFFLE && filters->shuffle_bytes == 0) return false;
    }
    return compressions <= 1;
}

/* Of the words w[0 … n), the sum, and the sum of the sums of the first 1, 2, … n: a loop that a compiler makes vectors of.
 * With n <= BLOCK neither leaves 32 bits. */
enum { BLOCK = 256 };

static void sum_block(const uint8_t *restrict bytes, uint32_t n, uint32_t *sum, uint32_t *sums)
{
    uint32_t s = 0, t = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t word = (uint32_t)bytes[2 * i] << 8 | bytes[2 * i + 1];
        s += word;
        t += (n - i) * word;
    }
    *sum = s;
    *sums = t;
}

/* libhdf5 folds its sums instead of dividing them: 65535 stays what it is, and 0 is the sum of nothing but zeros. */
static uint32_t folded(uint64_t remainder, uint64_t any)
{
    return remainder == 0 && any != 0 ? 65535 : (uint32_t)remainder;
}

uint32_t bp__fletcher32(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint64_t low = 0, high = 0, any = 0;
    for (size_t words = bytes / 2; words > 0;) {
        const uint32_t n = words < BLOCK ? (uint32_t)words : BLOCK;
        uint32_t sum, sums;
        sum_block(at, n, &sum, &sums);
        high = (high + n * low + sums) % 65535;
        low = (low + sum) % 65535;
        any |= sum;
        at += 2 * (size_t)n;
        words -= n;
    }
    if (bytes % 2 != 0) {
        low = (low + ((uint64_t)*at << 8)) % 65535;
        high = (high + low) % 65535;
        any |= *at;
    }
    return folded(high, any) << 16 | folded(low, any);
}

/* Filters --------------------------------------------------------------------------------------- */

static bp_status damaged(walk *w, const char *why)
{
    w->why = why;
    return BP_EFORMAT;
}

static uint8_t *room_for(walk *w, uint64_t bytes)
{
    bp__undoer *u = w->undoer;
    if (bytes > u->buffer[w->into].bytes) {
        free(u->buffer[w->into].memory);
        u->buffer[w->into].bytes = 0;
        u->buffer[w->into].memory = malloc(bytes);
        if (!u->buffer[w->into].memory) return NULL;
        u->buffer[w->into].bytes = bytes;
    }
    return u->buffer[w->into].memory;
}

static void move_on(walk *w, const uint8_t *at, uint64_t bytes)
{
    w->at = at;
    w->bytes = bytes;
    w->into = 1 - w->into;
}

/* Early versions of libhdf5 wrote each half with its bytes swapped; later ones accept that, too. */
static bool equal_sums(uint32_t computed, uint32_t stored)
{
    const uint32_t swapped = (stored & 0x00ff00ff) << 8 | (stored >> 8 & 0x00ff00ff);
    return computed == stored || computed == swapped;
}

static bp_status undo_fletcher32(walk *w)
{
    if (w->bytes < SUM_BYTES) return damaged(w, "it is shorter than its checksum");
    const uint8_t *sum = w->at + w->bytes - SUM_BYTES;
    const uint32_t stored = sum[0] | (uint32_t)sum[1] << 8 | (uint32_t)sum[2] << 16 | (uint32_t)sum[3] << 24;
    w->bytes -= SUM_BYTES;
    return equal_sums(bp__fletcher32(w->at, w->bytes), stored) ? BP_OK
                                                               : damaged(w, "its checksum does not fit");
}

/* `bytes` came in when the filter was applied. */
static bp_status undo_compression(walk *w, uint32_t id, uint64_t bytes)
{
    uint8_t *out = room_for(w, bytes);
    if (!out) return BP_ENOMEM;
    if (id == BP__FILTER_DEFLATE) {
        if (libdeflate_zlib_decompress(w->undoer->inflate, w->at, w->bytes, out, bytes, NULL) !=
            LIBDEFLATE_SUCCESS)
            return damaged(w, "it does not inflate to the size of a chunk");
    } else if (bp__lzf_decode(w->at, w->bytes, out, bytes) != bytes) {
        return damaged(w, "LZF does not decode to the size of a chunk");
    }
    move_on(w, out, bytes);
    return BP_OK;
}

/* Bytes that do not make a whole element stand at the end, as they are. */
static bp_status undo_shuffle(walk *w)
{
    const uint64_t width = w->filters->shuffle_bytes, n = w->bytes / width;
    if (width == 1 || n <= 1) return BP_OK;
    uint8_t *out = room_for(w, w->bytes);
    if (!out) return BP_ENOMEM;
    for (uint64_t b = 0; b < width; b++)
        for (uint64_t i = 0; i < n; i++) out[i * width + b] = w->at[b * n + i];
    memcpy(out + n * width, w->at + n * width, w->bytes - n * width);
    move_on(w, out, w->bytes);
    return BP_OK;
}

static bool is_left_out(const walk *w, uint32_t i)
{
    return w->skipped >> i & 1;
}

/* How many bytes filter i was given: the chunk, and the checksums of filters before it. */
static uint64_t bytes_before(const walk *w, uint32_t i)
{
    uint64_t bytes = w->chunk_bytes;
    for (uint32_t k = 0; k < i; k++)
        if (w->filters->id[k] == BP__FILTER_FLETCHER32 && !is_left_out(w, k)) bytes += SUM_BYTES;
    return bytes;
}

bp_status bp__undo(bp__undoer *undoer, const bp__filters *filters, uint32_t skipped, const void *stored,
                   uint64_t stored_bytes, uint64_t bytes, bool keeps_planes, bp__undone *undone)
{
    walk w = {.undoer = undoer,
              .filters = filters,
              .skipped = skipped,
              .chunk_bytes = bytes,
              .at = stored,
              .bytes = stored_bytes};
    bp_status s = BP_OK;
    *undone = (bp__undone){.bytes = NULL};
    for (uint32_t i = filters->n; i-- > 0 && s == BP_OK;) {
        if (is_left_out(&w, i)) continue;
        if (filters->id[i] == BP__FILTER_FLETCHER32)
            s = undo_fletcher32(&w);
        else if (filters->id[i] != BP__FILTER_SHUFFLE)
            s = undo_compression(&w, filters->id[i], bytes_before(&w, i));
        else if (i == 0 && keeps_planes)
            undone->shuffled = true;
        else
            s = undo_shuffle(&w);
    }
    if (s == BP_OK && w.bytes != bytes) s = damaged(&w, "it does not have the size of a chunk");
    undone->bytes = w.at;
    undone->why = w.why;
    return s;
}
