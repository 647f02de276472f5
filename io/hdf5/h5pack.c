/* DESIGN
 *
 * The low bytes of prices and volumes are noise, and most of the time of deflate goes into a search for matches that
 * are not there. They come first in a chunk that was shuffled. So the leading byte planes in a sample of which a quick
 * search finds nothing are coded without one, or stored if they are all noise, and libdeflate gets the rest; the whole
 * is an ordinary zlib stream.
 */
#include "io/hdf5/h5pack.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/literals.h"

#define UNDEFLATED   2u    /* the second filter was left out */
#define STORED_MAX   65535 /* bytes of a stored block */
#define STORED_EXTRA 5     /* and what stands before them */
#define ZLIB_EXTRA   6     /* header and checksum */
#define SAMPLE       16384 /* bytes: half of the distance over which deflate finds matches */

struct bp__packer {
    struct libdeflate_compressor *deflate, *quick;
    uint8_t *shuffled;
    uint8_t sample[2 * SAMPLE];
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

typedef enum manner { STORE, CODE, SEARCH } manner;

/* Of a sample from the middle of a plane: a search has to find 1 in 16 to be worth its time, codes 1 in 64. */
static manner judge(bp__packer *packer, const uint8_t *plane, size_t n)
{
    const size_t size = n < SAMPLE ? n : SAMPLE;
    const uint8_t *sample = plane + (n - size) / 2;
    size_t coded = bp__deflate_literals(sample, size, packer->sample, sizeof packer->sample);
    if (coded == 0 || coded > size - size / 64) coded = size;
    if (libdeflate_deflate_compress(packer->quick, sample, size, packer->sample, coded - coded / 16) > 0)
        return SEARCH;
    return coded < size ? CODE : STORE;
}

/* @return bytes written; 0: there is not enough room */
static size_t put_stored(const uint8_t *from, size_t n, uint8_t *to, size_t room)
{
    size_t at = 0;
    if (n + (n / STORED_MAX + 1) * STORED_EXTRA > room) return 0;
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

/* The deflate stream of `width` planes of n bytes. @return bytes written; 0: there is not enough room */
static size_t deflate_planes(bp__packer *packer, size_t n, size_t width, uint8_t *to, size_t room)
{
    size_t at = 0, plane = 0;
    for (; plane < width; plane++) {
        const uint8_t *from = packer->shuffled + plane * n;
        const manner m = judge(packer, from, n);
        if (m == SEARCH) break;
        const size_t written = m == STORE ? put_stored(from, n, to + at, room - at)
                                          : bp__deflate_literals(from, n, to + at, room - at);
        if (written == 0) return 0;
        at += written;
    }
    const size_t rest = libdeflate_deflate_compress(packer->deflate, packer->shuffled + plane * n,
                                                    (width - plane) * n, to + at, room - at);
    return rest > 0 ? at + rest : 0;
}

/* The zlib stream of a chunk; 0 if it is not smaller than the chunk. */
static size_t deflate_chunk(bp__packer *packer, size_t n, size_t width, uint8_t *to)
{
    const size_t bytes = n * width;
    if (bytes <= ZLIB_EXTRA + 1) return 0;
    const size_t packed = deflate_planes(packer, n, width, to + 2, bytes - 1 - ZLIB_EXTRA);
    if (packed == 0) return 0;
    const uint32_t sum = libdeflate_adler32(1, packer->shuffled, bytes);
    const uint8_t head[2] = {0x78, 0x5e}; /* a window of 32 KiB, fast */
    const uint8_t tail[4] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8), (uint8_t)sum};
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head + packed, tail, sizeof tail);
    return packed + ZLIB_EXTRA;
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
    const size_t packed = deflate_chunk(packer, n, width, chunk);
    if (packed > 0) return packed;
    memcpy(chunk, packer->shuffled, bytes);
    *mask = UNDEFLATED;
    return bytes;
}
