/* DESIGN
 *
 * The low bytes of prices and volumes are noise, and half of the time of deflate goes into a search for matches that
 * are not there. They come first in a chunk that was shuffled. So the leading byte planes of which a sample does not
 * become smaller are put into stored blocks, and libdeflate gets the rest; the whole is an ordinary zlib stream.
 */
#include "io/hdf5/h5pack.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define UNDEFLATED   2u    /* the second filter was left out */
#define STORED_MAX   65535 /* bytes of a stored block */
#define STORED_EXTRA 5     /* and what stands before them */
#define ZLIB_EXTRA   6     /* header and checksum */
#define SAMPLE       16384 /* bytes: half of the distance over which deflate finds matches */

struct bp__packer {
    struct libdeflate_compressor *deflate, *quick;
    uint8_t *shuffled;
    uint8_t sample[SAMPLE];
};

bp_status bp__packer_create(size_t bytes, bp__packer **packer)
{
    bp__packer *p = *packer = calloc(1, sizeof *p);
    if (p) {
        p->deflate = libdeflate_alloc_compressor(BP__GZIP_LEVEL);
        p->quick = libdeflate_alloc_compressor(1);
        p->shuffled = malloc(bytes + 1);
    }
    if (p && p->deflate && p->quick && p->shuffled) return BP_OK;
    bp__packer_destroy(packer);
    BP_FAIL(BP_ENOMEM, "no memory to compress chunks of %zu bytes", bytes);
}

void bp__packer_destroy(bp__packer **packer)
{
    if (!*packer) return;
    libdeflate_free_compressor((*packer)->deflate);
    libdeflate_free_compressor((*packer)->quick);
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

/* Whether a sample from the middle of a plane does not get smaller by 1 in 64. */
static bool is_noise(bp__packer *packer, const uint8_t *plane, size_t n)
{
    const size_t size = n < SAMPLE ? n : SAMPLE;
    return libdeflate_deflate_compress(packer->quick, plane + (n - size) / 2, size, packer->sample,
                                       size - size / 64) == 0;
}

static size_t put_stored(const uint8_t *from, size_t n, uint8_t *to)
{
    size_t at = 0;
    while (n > 0) {
        const size_t some = n < STORED_MAX ? n : STORED_MAX;
        const uint8_t head[STORED_EXTRA] = {0, (uint8_t)some, (uint8_t)(some >> 8), (uint8_t)~some,
                                            (uint8_t)(~some >> 8)};
        memcpy(to + at, head, sizeof head);
        memcpy(to + at + sizeof head, from, some);
        at += sizeof head + some;
        from += some;
        n -= some;
    }
    return at;
}

/* A zlib stream of which the first `stored` bytes are stored. @return its size; 0 if it is none below `bytes` */
static size_t deflate_rest(bp__packer *packer, size_t bytes, size_t stored, uint8_t *to)
{
    const uint8_t *from = packer->shuffled;
    if (stored + (stored / STORED_MAX + 1) * STORED_EXTRA + ZLIB_EXTRA >= bytes) return 0;
    size_t at = 0;
    to[at++] = 0x78; /* a window of 32 KiB */
    to[at++] = 0x5e; /* fast */
    at += put_stored(from, stored, to + at);
    const size_t packed =
        libdeflate_deflate_compress(packer->deflate, from + stored, bytes - stored, to + at, bytes - at - 4);
    if (packed == 0) return 0;
    at += packed;
    const uint32_t sum = libdeflate_adler32(1, from, bytes);
    for (int shift = 24; shift >= 0; shift -= 8) to[at++] = (uint8_t)(sum >> shift);
    return at < bytes ? at : 0;
}

size_t bp__pack(bp__packer *packer, void *chunk, size_t n, size_t width, uint32_t *mask)
{
    const size_t bytes = n * width;
    assert(n > 0 && (width == 4 || width == 8));
    if (width == 4)
        split4(chunk, n, packer->shuffled);
    else
        split8(chunk, n, packer->shuffled);
    size_t noise = 0;
    while (noise < width && is_noise(packer, packer->shuffled + noise * n, n)) noise++;
    *mask = 0;
    const size_t packed = deflate_rest(packer, bytes, noise * n, chunk);
    if (packed > 0) return packed;
    memcpy(chunk, packer->shuffled, bytes);
    *mask = UNDEFLATED;
    return bytes;
}
