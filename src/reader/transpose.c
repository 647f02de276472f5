#include "reader/transpose.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { LINE = 8, COLUMNS = 32, ROWS = 64 }; /* doubles of a cache line; of a tile of 16 KiB */

#define LARGE ((size_t)1 << 20) /* bytes: more than is worth keeping in a second-level cache */

/* Eight series at a time fill whole lines of the tile. */
static void gather_line(const double *const series[LINE], size_t begin, size_t rows, double *tile)
{
    const double *a = series[0] + begin, *b = series[1] + begin, *c = series[2] + begin,
                 *d = series[3] + begin;
    const double *e = series[4] + begin, *f = series[5] + begin, *g = series[6] + begin,
                 *h = series[7] + begin;
    for (size_t t = 0; t < rows; t++, tile += COLUMNS) {
        tile[0] = a[t];
        tile[1] = b[t];
        tile[2] = c[t];
        tile[3] = d[t];
        tile[4] = e[t];
        tile[5] = f[t];
        tile[6] = g[t];
        tile[7] = h[t];
    }
}

static void gather(const double *const *series, size_t num, size_t begin, size_t rows, double *tile)
{
    size_t i = 0;
    for (; i + LINE <= num; i += LINE) gather_line(series + i, begin, rows, tile + i);
    for (; i < num; i++)
        for (size_t t = 0; t < rows; t++) tile[t * COLUMNS + i] = series[i][begin + t];
}

/* Write whole lines around the caches. */
static void stream(double *to, const double *from, size_t num)
{
#ifdef __SSE2__
    size_t i = 0;
    for (; i < num && (uintptr_t)(to + i) % (LINE * sizeof *to) != 0; i++) to[i] = from[i];
    for (; i + LINE <= num; i += LINE)
        for (size_t k = i; k < i + LINE; k += 2) _mm_stream_pd(to + k, _mm_loadu_pd(from + k));
    to += i;
    from += i;
    num -= i;
#endif
    memcpy(to, from, num * sizeof *to);
}

void bp__transpose(const double *const *series, size_t num, size_t rows, double *out, size_t stride,
                   size_t bytes)
{
    double tile[ROWS * COLUMNS];
    for (size_t begin = 0; begin < rows; begin += ROWS)
        for (size_t first = 0; first < num; first += COLUMNS) {
            const size_t n = num - first < COLUMNS ? num - first : COLUMNS;
            const size_t height = rows - begin < ROWS ? rows - begin : ROWS;
            gather(series + first, n, begin, height, tile);
            for (size_t t = 0; t < height; t++) {
                double *to = out + (begin + t) * stride + first;
                if (bytes >= LARGE)
                    stream(to, tile + t * COLUMNS, n);
                else
                    memcpy(to, tile + t * COLUMNS, n * sizeof *to);
            }
        }
#ifdef __SSE2__
    if (bytes >= LARGE) _mm_sfence(); /* so that whoever is told of the table by another thread sees it */
#endif
}
