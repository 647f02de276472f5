#include "io/hdf5/lzf.h"

#include <stdint.h>
#include <string.h>

/* A stream is a sequence of
 *     000nnnnn                      n + 1 literal bytes follow
 *     lllooooo oooooooo             copy l + 2 bytes (l = 1..6) from o + 1 bytes back
 *     111ooooo llllllll oooooooo    copy l + 9 bytes from o + 1 bytes back
 * where a copy may overlap what it writes. */
size_t bp__lzf_decode(const void *in, size_t in_size, void *out, size_t out_size)
{
    const uint8_t *src = in, *src_end = src + in_size;
    uint8_t *const first = out;
    uint8_t *dst = out, *dst_end = dst + out_size;

    while (src < src_end) {
        size_t ctrl = *src++;
        if (ctrl < 32) {
            size_t n = ctrl + 1;
            if (n > (size_t)(src_end - src) || n > (size_t)(dst_end - dst)) return 0;
            memcpy(dst, src, n);
            src += n;
            dst += n;
            continue;
        }
        size_t n = (ctrl >> 5) + 2;
        if (n == 9) {
            if (src == src_end) return 0;
            n += *src++;
        }
        if (src == src_end) return 0;
        size_t back = ((ctrl & 31) << 8 | *src++) + 1;
        if (back > (size_t)(dst - first) || n > (size_t)(dst_end - dst)) return 0;
        if (back >= n) {
            memcpy(dst, dst - back, n);
            dst += n;
        } else {
            for (; n > 0; n--, dst++) *dst = *(dst - back);
        }
    }
    return (size_t)(dst - first);
}
