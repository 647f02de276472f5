/* Packed chunks: zlib and libhdf5's filters unpack them, whatever is in them. */
#include <stdlib.h>
#include <zlib.h>

#include "core/suite.h"
#include "io/hdf5/h5pack.h"

#define MOST 131072

/* What HDF5's shuffle filter undoes. */
static void join(const uint8_t *planes, size_t n, size_t width, uint8_t *out)
{
    for (size_t b = 0; b < width; b++)
        for (size_t i = 0; i < n; i++) out[i * width + b] = planes[b * n + i];
}

/* @return bytes of the packed chunk */
static size_t check(bp__packer *packer, const uint8_t *chunk, size_t n, size_t width)
{
    static uint8_t packed[MOST * 8], planes[MOST * 8], out[MOST * 8];
    const size_t bytes = n * width;
    uint32_t mask = 77;
    memcpy(packed, chunk, bytes);
    const size_t size = bp__pack(packer, packed, n, width, &mask);
    CU_ASSERT(size > 0 && size <= bytes);
    uLongf m = sizeof planes;
    if (mask == 0) {
        CU_ASSERT_EQUAL(uncompress(planes, &m, packed, size), Z_OK);
        CU_ASSERT_EQUAL(m, bytes);
    } else {
        CU_ASSERT_EQUAL(mask, 2);
        CU_ASSERT_EQUAL(size, bytes);
        memcpy(planes, packed, bytes);
    }
    join(planes, n, width, out);
    CU_ASSERT_EQUAL(memcmp(out, chunk, bytes), 0);
    return size;
}

/* `noise` low bytes of each element are random, the others count up slowly. */
static void fill(uint64_t *state, uint8_t *chunk, size_t n, size_t width, size_t noise)
{
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < width; b++)
            chunk[i * width + b] = (uint8_t)(b < noise ? draw(state, 256) : i >> 8);
}

static void test_noise(void)
{
    static uint8_t chunk[MOST * 8];
    uint64_t state = 5;
    bp__packer *packer;
    MUST(bp__packer_create(sizeof chunk, &packer));
    for (size_t width = 4; width <= 8; width += 4)
        for (size_t noise = 0; noise <= width; noise++) {
            for (size_t n = 1; n < 100; n += 1 + n / 3) {
                fill(&state, chunk, n, width, noise);
                check(packer, chunk, n, width);
            }
            static const size_t lengths[] = {16384, 65535, 65536, 65537, 131070, MOST};
            for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
                fill(&state, chunk, lengths[k], width, noise);
                const size_t size = check(packer, chunk, lengths[k], width);
                CU_ASSERT(size >= lengths[k] * noise);
                CU_ASSERT(size <= lengths[k] * noise + lengths[k] / 60 * (width - noise + 1) + 200);
            }
        }
    bp__packer_destroy(&packer);
}

/* Bytes that are all equally frequent are no noise where they repeat; nor are those that have few values. */
static void test_no_noise(void)
{
    static uint8_t chunk[MOST * 4];
    uint64_t state = 9;
    bp__packer *packer;
    MUST(bp__packer_create(sizeof chunk, &packer));
    for (size_t i = 0; i < sizeof chunk; i++) chunk[i] = (uint8_t)(i / 4 * 37);
    CU_ASSERT(check(packer, chunk, MOST, 4) < MOST / 20);
    for (size_t i = 0; i < MOST; i++)
        for (size_t b = 0; b < 4; b++) chunk[4 * i + b] = (uint8_t)(b == 0 ? 2 * draw(&state, 128) : 0);
    CU_ASSERT(check(packer, chunk, MOST, 4) < MOST * 9 / 10);
    bp__packer_destroy(&packer);
}

static void test_equal(void)
{
    static uint8_t a[MOST * 4], b[MOST * 4];
    uint64_t state = 11;
    uint32_t mask;
    bp__packer *one, *other;
    MUST(bp__packer_create(sizeof a, &one));
    MUST(bp__packer_create(sizeof a, &other));
    fill(&state, a, MOST, 4, 3);
    bp__pack(other, a, MOST, 4, &mask); /* has packed something else before */
    fill(&state, a, MOST, 4, 1);
    memcpy(b, a, sizeof a);
    const size_t size = bp__pack(one, a, MOST, 4, &mask);
    CU_ASSERT_EQUAL(bp__pack(other, b, MOST, 4, &mask), size);
    CU_ASSERT_EQUAL(memcmp(a, b, size), 0);
    bp__packer_destroy(&one);
    bp__packer_destroy(&other);
}

int main(void)
{
    CU_TestInfo tests[] = {{"more or less noise", test_noise},
                           {"no noise", test_no_noise},
                           {"equal chunks, equal bytes", test_equal},
                           CU_TEST_INFO_NULL};
    return suite_main("pack", tests);
}
