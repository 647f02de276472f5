/* Filters undone, in every order that is known, and refused where anything does not fit. */
#include <stdlib.h>
#include <zlib.h>

#include "core/suite.h"
#include "io/hdf5/filters.h"

#define MOST 8192

/* As it is defined: sums of words with the high byte first, carries added back whenever they leave 16 bits. */
static uint32_t plain_fletcher32(const uint8_t *bytes, size_t n)
{
    uint32_t low = 0, high = 0;
    for (size_t i = 0; i < n; i += 2) {
        low += (uint32_t)bytes[i] << 8 | (i + 1 < n ? bytes[i + 1] : 0);
        low = (low & 0xffff) + (low >> 16);
        high += low;
        high = (high & 0xffff) + (high >> 16);
    }
    return high << 16 | low;
}

static void test_fletcher32(void)
{
    static uint8_t bytes[MOST];
    uint64_t state = 3;
    for (int i = 0; i < 20000; i++) {
        const size_t n = draw(&state, i % 10 == 0 ? MOST : 64);
        const uint64_t kind = draw(&state, 4);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)(kind == 0   ? draw(&state, 256)
                                 : kind == 1 ? 0
                                 : kind == 2 ? 255
                                             : (draw(&state, 20) == 0) * 255);
        CU_ASSERT_EQUAL(bp__fletcher32(bytes, n), plain_fletcher32(bytes, n));
    }
    CU_ASSERT_EQUAL(bp__fletcher32("abcdef", 6),
                    0x50562a2d); /* 6162 + 6364 + 6566, and 6162 + c4c6 + 12a2c */
}

/* Applying filters ------------------------------------------------------------------------------ */

static size_t apply(uint32_t id, size_t width, const uint8_t *in, size_t n, uint8_t *out)
{
    uLongf packed = 2 * MOST;
    const uint32_t sum = bp__fletcher32(in, n);
    switch ((bp__filter)id) {
    case BP__FILTER_DEFLATE: return compress2(out, &packed, in, n, 6) == Z_OK ? packed : 0;
    case BP__FILTER_FLETCHER32:
        memcpy(out, in, n);
        for (int i = 0; i < 4; i++) out[n + (size_t)i] = (uint8_t)(sum >> 8 * i);
        return n + 4;
    case BP__FILTER_SHUFFLE:
        memcpy(out, in, n);
        for (size_t i = 0; i < n / width; i++)
            for (size_t b = 0; b < width; b++) out[b * (n / width) + i] = in[i * width + b];
        return n;
    case BP__FILTER_LZF: { /* literals only */
        size_t m = 0;
        for (size_t i = 0; i < n; i++) {
            if (i % 32 == 0) out[m++] = (uint8_t)((n - i < 32 ? n - i : 32) - 1);
            out[m++] = in[i];
        }
        return m;
    }
    }
    return 0;
}

static size_t apply_all(const bp__filters *f, uint32_t skipped, const uint8_t *chunk, size_t n,
                        uint8_t *stored)
{
    static uint8_t a[4 * MOST], b[4 * MOST];
    memcpy(a, chunk, n);
    for (uint32_t i = 0; i < f->n; i++) {
        if (skipped >> i & 1) continue;
        n = apply(f->id[i], f->shuffle_bytes, a, n, b);
        memcpy(a, b, n);
    }
    memcpy(stored, a, n);
    return n;
}

static void test_orders(void)
{
    static uint8_t chunk[MOST], stored[4 * MOST];
    static const bp__filters sets[] = {
        {.n = 0},
        {.n = 1, .id = {BP__FILTER_DEFLATE}},
        {.n = 1, .id = {BP__FILTER_LZF}},
        {.n = 1, .id = {BP__FILTER_FLETCHER32}},
        {.n = 1, .id = {BP__FILTER_SHUFFLE}, .shuffle_bytes = 4},
        {.n = 2, .id = {BP__FILTER_SHUFFLE, BP__FILTER_DEFLATE}, .shuffle_bytes = 8},
        {.n = 2, .id = {BP__FILTER_DEFLATE, BP__FILTER_SHUFFLE}, .shuffle_bytes = 4},
        {.n = 3, .id = {BP__FILTER_SHUFFLE, BP__FILTER_LZF, BP__FILTER_FLETCHER32}, .shuffle_bytes = 60},
        {.n = 3, .id = {BP__FILTER_FLETCHER32, BP__FILTER_SHUFFLE, BP__FILTER_DEFLATE}, .shuffle_bytes = 4},
        {.n = 4,
         .id = {BP__FILTER_SHUFFLE, BP__FILTER_FLETCHER32, BP__FILTER_DEFLATE, BP__FILTER_FLETCHER32},
         .shuffle_bytes = 3},
    };
    uint64_t state = 8;
    bp__undoer *undoer;
    bp__undone out;
    MUST(bp__undoer_create(&undoer));
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (size_t n = 1; n < MOST; n += 1 + n) {
            for (size_t i = 0; i < n; i++) chunk[i] = (uint8_t)draw(&state, i % 4 == 0 ? 256 : 2);
            for (uint32_t skipped = 0; skipped < 1u << sets[s].n; skipped++) {
                const size_t m = apply_all(&sets[s], skipped, chunk, n, stored);
                CU_ASSERT(bp__can_undo(&sets[s]));
                CU_ASSERT_EQUAL(bp__undo(undoer, &sets[s], skipped, stored, m, n, false, &out), BP_OK);
                CU_ASSERT(out.bytes && memcmp(out.bytes, chunk, n) == 0);
                /* a byte too few or too many, and a chunk of another size */
                uint8_t *exact = malloc(m + 1); /* so that a sanitizer sees what is read behind it */
                CU_ASSERT_FATAL(exact != NULL);
                memcpy(exact, stored, m - 1);
                CU_ASSERT_EQUAL(bp__undo(undoer, &sets[s], skipped, exact, m - 1, n, false, &out),
                                BP_EFORMAT);
                CU_ASSERT_PTR_NOT_NULL(out.why);
                CU_ASSERT_EQUAL(bp__undo(undoer, &sets[s], skipped, stored, m, n + 1, false, &out),
                                BP_EFORMAT);
                if (n > 1) /* no chunk has nothing in it */
                    CU_ASSERT_EQUAL(bp__undo(undoer, &sets[s], skipped, stored, m, n - 1, false, &out),
                                    BP_EFORMAT);
                free(exact);
            }
        }
    bp__undoer_destroy(&undoer);
}

static void test_flips(void)
{
    static uint8_t chunk[1000], stored[4 * MOST];
    static const bp__filters f = {.n = 1, .id = {BP__FILTER_FLETCHER32}};
    bp__undoer *undoer;
    bp__undone out;
    MUST(bp__undoer_create(&undoer));
    for (size_t i = 0; i < sizeof chunk; i++) chunk[i] = (uint8_t)(i * 7);
    const size_t m = apply_all(&f, 0, chunk, sizeof chunk, stored);
    for (size_t bit = 0; bit < 8 * m; bit++) {
        stored[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CU_ASSERT_EQUAL(bp__undo(undoer, &f, 0, stored, m, sizeof chunk, false, &out), BP_EFORMAT);
        stored[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    bp__undoer_destroy(&undoer);
}

static void test_unknown(void)
{
    static const bp__filters sets[] = {
        {.n = 1, .id = {4}},
        {.n = 2, .id = {BP__FILTER_DEFLATE, BP__FILTER_LZF}},
        {.n = 1, .id = {BP__FILTER_SHUFFLE}},
        {.n = BP__MAX_FILTERS + 1},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) CU_ASSERT(!bp__can_undo(&sets[i]));
}

int main(void)
{
    CU_TestInfo tests[] = {{"fletcher32", test_fletcher32},
                           {"every order", test_orders},
                           {"flipped bits", test_flips},
                           {"unknown ones", test_unknown},
                           CU_TEST_INFO_NULL};
    return suite_main("filters", tests);
}
