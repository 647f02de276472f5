/* The filters of a stored chunk, undone: nothing but its bytes is read, and what comes out is what another way of reading,
 * written plainly, gives. */
#include <zlib.h>

#include "fuzz.h"
#include "io/hdf5/filters.h"
#include "io/hdf5/h5pack.h"
#include "io/hdf5/lzf.h"

#define MOST_CHUNK 4096

/* The plain way ----------------------------------------------------------------------------------- */

typedef struct buffer {
    uint8_t bytes[2 * MOST_CHUNK + 65536];
    size_t n;
} buffer;

static bool plain_lzf(const buffer *in, buffer *out, size_t most)
{
    out->n = 0;
    for (size_t i = 0; i < in->n;) {
        const unsigned control = in->bytes[i++];
        size_t length = control / 32, back;
        if (length == 0) {
            length = control + 1;
            if (in->n - i < length || most - out->n < length) return false;
            for (; length > 0; length--) out->bytes[out->n++] = in->bytes[i++];
            continue;
        }
        if (length == 7) {
            if (i == in->n) return false;
            length += in->bytes[i++];
        }
        if (i == in->n) return false;
        back = (size_t)(control % 32) * 256 + in->bytes[i++] + 1;
        length += 2;
        if (back > out->n || most - out->n < length) return false;
        for (; length > 0; length--, out->n++) out->bytes[out->n] = out->bytes[out->n - back];
    }
    return true;
}

static bool plain_inflate(const buffer *in, buffer *out, size_t most)
{
    uLongf n = most;
    uLong used = in->n;
    const int rc = uncompress2(out->bytes, &n, in->bytes, &used);
    out->n = n;
    return rc == Z_OK;
}

static void plain_unshuffle(const buffer *in, buffer *out, size_t width)
{
    const size_t n = in->n / width;
    memcpy(out->bytes, in->bytes, in->n);
    for (size_t i = 0; i < n * width; i++) out->bytes[i % n * width + i / n] = in->bytes[i];
    out->n = in->n;
}

typedef struct chunk {
    bp__filters filters;
    uint32_t skipped;
    size_t bytes;
    const uint8_t *stored;
    size_t stored_bytes;
} chunk;

/* @return false: it is damaged */
static bool plain_undo(const chunk *c, buffer *result)
{
    static buffer next;
    if (c->stored_bytes > sizeof result->bytes) return false;
    memcpy(result->bytes, c->stored, c->stored_bytes);
    result->n = c->stored_bytes;
    for (uint32_t i = c->filters.n; i-- > 0;) {
        if (c->skipped >> i & 1) continue;
        size_t most = c->bytes;
        for (uint32_t k = 0; k < i; k++)
            most += c->filters.id[k] == BP__FILTER_FLETCHER32 && !(c->skipped >> k & 1) ? 4 : 0;
        next.n = result->n;
        switch ((bp__filter)c->filters.id[i]) {
        case BP__FILTER_SHUFFLE: plain_unshuffle(result, &next, c->filters.shuffle_bytes); break;
        case BP__FILTER_DEFLATE:
            if (!plain_inflate(result, &next, most)) return false;
            break;
        case BP__FILTER_LZF:
            if (!plain_lzf(result, &next, most)) return false;
            break;
        case BP__FILTER_FLETCHER32: /* whether it fits is known from the way that is tried */
            if (result->n < 4) return false;
            next.n = result->n - 4;
            memcpy(next.bytes, result->bytes, next.n);
            break;
        }
        *result = next;
    }
    return result->n == c->bytes;
}

/* Inputs ------------------------------------------------------------------------------------------ */

/* As plan_check.c lets them through. */
static bool take_chunk(fuzz_tape *tape, chunk *c)
{
    static const uint32_t known[] = {BP__FILTER_DEFLATE, BP__FILTER_SHUFFLE, BP__FILTER_FLETCHER32,
                                     BP__FILTER_LZF};
    *c = (chunk){.filters = {.n = (uint32_t)fuzz_take(tape, 1) % (BP__MAX_FILTERS + 1)}};
    for (uint32_t i = 0; i < c->filters.n; i++) c->filters.id[i] = known[fuzz_take(tape, 1) % 4];
    c->filters.shuffle_bytes = 1 + (uint32_t)fuzz_take(tape, 1) % 8;
    c->skipped = (uint32_t)fuzz_take(tape, 1);
    c->bytes = 1 + fuzz_take(tape, 2) % MOST_CHUNK;
    c->stored = tape->at;
    c->stored_bytes = tape->left;
    return bp__can_undo(&c->filters);
}

static void compare(const chunk *c, const bp__undone *undone, bp_status s)
{
    static buffer plain;
    if (s != BP_OK) {
        FUZZ_HOLDS(s == BP_EFORMAT && undone->why);
        return;
    }
    /* that zlib takes what libdeflate takes is for them to know; of the rest we know */
    if (plain_undo(c, &plain)) FUZZ_HOLDS(memcmp(plain.bytes, undone->bytes, c->bytes) == 0);
}

static void try_chunk(fuzz_tape *tape)
{
    chunk c;
    bp__undoer *undoer;
    bp__undone undone;
    if (!take_chunk(tape, &c)) return;
    uint8_t *stored = fuzz_copy(c.stored, c.stored_bytes);
    FUZZ_HOLDS(bp__undoer_create(&undoer) == BP_OK);
    const bp_status s =
        bp__undo(undoer, &c.filters, c.skipped, stored, c.stored_bytes, c.bytes, false, &undone);
    compare(&c, &undone, s);
    FUZZ_HOLDS(s == bp__undo(undoer, &c.filters, c.skipped, stored, c.stored_bytes, c.bytes, true, &undone));
    bp__undoer_destroy(&undoer);
    free(stored);
}

static void try_lzf(fuzz_tape *tape)
{
    static buffer in, plain;
    const size_t most = fuzz_take(tape, 2) % MOST_CHUNK;
    in.n = tape->left < sizeof in.bytes ? tape->left : sizeof in.bytes;
    memcpy(in.bytes, tape->at, in.n);
    uint8_t *stored = fuzz_copy(in.bytes, in.n), *out = fuzz_room(most);
    const size_t n = bp__lzf_decode(stored, in.n, out, most);
    const bool sound = plain_lzf(&in, &plain, most);
    FUZZ_HOLDS(n == (sound ? plain.n : 0));
    FUZZ_HOLDS(memcmp(out, plain.bytes, n) == 0);
    free(stored);
    free(out);
}

/* What we write is what we read. */
static void try_round_trip(fuzz_tape *tape)
{
    const size_t width = fuzz_take(tape, 1) % 2 == 0 ? 4 : 8;
    const bool sealed = fuzz_take(tape, 1) % 2 == 0;
    const bp__filters filters = {
        3, {BP__FILTER_SHUFFLE, BP__FILTER_DEFLATE, BP__FILTER_FLETCHER32}, (uint32_t)width};
    const size_t n = tape->left < MOST_CHUNK ? tape->left / width : MOST_CHUNK / width, bytes = n * width;
    uint32_t mask = 0;
    bp__packer *packer;
    bp__undoer *undoer;
    bp__undone undone;
    if (n == 0) return;
    uint8_t *packed = fuzz_room(bytes + BP__SEAL_BYTES);
    memcpy(packed, tape->at, bytes);
    FUZZ_HOLDS(bp__packer_create(bytes, &packer) == BP_OK && bp__undoer_create(&undoer) == BP_OK);
    size_t stored = bp__pack(packer, packed, n, width, &mask);
    if (sealed)
        stored = bp__seal(packed, stored);
    else
        mask |= 4;
    FUZZ_HOLDS(bp__undo(undoer, &filters, mask, packed, stored, bytes, false, &undone) == BP_OK);
    FUZZ_HOLDS(memcmp(undone.bytes, tape->at, bytes) == 0);
    bp__packer_destroy(&packer);
    bp__undoer_destroy(&undoer);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_tape tape = {bytes, size};
    switch (fuzz_take(&tape, 1) % 4) {
    case 0: try_lzf(&tape); break;
    case 1: try_round_trip(&tape); break;
    default: try_chunk(&tape); break;
    }
    return 0;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const uint8_t lzf[] = {0, 200, 0, 4, 'a', 'b', 'c', 'd', 'e', 0x60, 4, 0xe0, 30, 2, 0, 'z'};
    static const uint8_t plain[] = {1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 255, 1, 2, 3, 4, 5, 6, 7, 8};
    /* DEFLATE 0, SHUFFLE 1, FLETCHER32 2, LZF 3: how many, which, width - 1, skipped, bytes - 1 */
    static const uint8_t inflated[] = {2, 2, 1, 0, 3, 0, 15, 0}, sum[] = {2, 1, 2, 0, 0, 15, 0};
    static const uint8_t of_lzf[] = {2, 3, 1, 3, 2, 7, 0, 15, 0};
    fuzz_pen pen = {bytes, 0};
    uint8_t packed[64];
    uLongf n = sizeof packed;
    switch (number) {
    case 0: fuzz_put(&pen, lzf, sizeof lzf); break;
    case 1: fuzz_put(&pen, plain, sizeof plain); break;
    case 2:
        fuzz_put(&pen, inflated, sizeof inflated);
        FUZZ_HOLDS(compress(packed, &n, plain + 4, 16) == Z_OK);
        fuzz_put(&pen, packed, n);
        break;
    case 3:
        fuzz_put(&pen, sum, sizeof sum);
        memcpy(packed, plain + 4, 16);
        fuzz_put(&pen, packed, bp__seal(packed, 16));
        break;
    case 4:
        fuzz_put(&pen, of_lzf, sizeof of_lzf);
        packed[0] = 15; /* literals */
        memcpy(packed + 1, plain + 4, 16);
        fuzz_put(&pen, packed, bp__seal(packed, 17));
        break;
    default: break;
    }
    return pen.size;
}
