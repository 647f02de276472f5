#include "io/hdf5/h5pack.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/filters.h"

#define UNDEFLATED 2u /* the second filter was left out */

struct bp__packer {
    struct libdeflate_compressor *deflate;
    uint8_t *shuffled;
};

bp_status bp__packer_create(size_t bytes, bp__packer **packer)
{
    bp__packer *p = *packer = calloc(1, sizeof *p);
    if (p) {
        p->deflate = libdeflate_alloc_compressor(BP__GZIP_LEVEL);
        p->shuffled = malloc(bytes + 1);
    }
    if (p && p->deflate && p->shuffled) return BP_OK;
    bp__packer_destroy(packer);
    BP_FAIL(BP_ENOMEM, "no memory to compress chunks of %zu bytes", bytes);
}

void bp__packer_destroy(bp__packer **packer)
{
    if (!*packer) return;
    libdeflate_free_compressor((*packer)->deflate);
    free((*packer)->shuffled);
    free(*packer);
    *packer = NULL;
}

static void split4(const uint32_t *restrict x, size_t n, uint8_t *restrict planes)
{
    uint8_t *b0 = planes, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
    for (size_t i = 0; i < n; i++) {
        b0[i] = (uint8_t)x[i];
        b1[i] = (uint8_t)(x[i] >> 8);
        b2[i] = (uint8_t)(x[i] >> 16);
        b3[i] = (uint8_t)(x[i] >> 24);
    }
}

static void split8(const uint64_t *restrict x, size_t n, uint8_t *restrict planes)
{
    for (size_t b = 0; b < 8; b++) {
        const unsigned shift = (unsigned)(8 * b);
        for (size_t i = 0; i < n; i++) planes[b * n + i] = (uint8_t)(x[i] >> shift);
    }
}

size_t bp__pack(bp__packer *packer, void *chunk, size_t n, size_t width, uint32_t *mask)
{
    const size_t bytes = n * width;
    assert(n > 0 && (width == 4 || width == 8));
    if (width == 4)
        split4(chunk, n, packer->shuffled);
    else
        split8(chunk, n, packer->shuffled);
    *mask = 0;
    const size_t packed =
        libdeflate_zlib_compress(packer->deflate, packer->shuffled, bytes, chunk, bytes - 1);
    if (packed > 0) return packed;
    memcpy(chunk, packer->shuffled, bytes);
    *mask = UNDEFLATED;
    return bytes;
}

size_t bp__seal(void *bytes, size_t size)
{
    const uint32_t sum = bp__fletcher32(bytes, size);
    for (unsigned i = 0; i < BP__SEAL_BYTES; i++) ((uint8_t *)bytes)[size + i] = (uint8_t)(sum >> 8 * i);
    return size + BP__SEAL_BYTES;
}
