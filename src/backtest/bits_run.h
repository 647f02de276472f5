/** @file src/backtest/bits_run.h
 * Loops of bits.h, in vectors of one instruction set. Included by the files isa_….c alone.
 */
#include "backtest/bits.h"
#include "backtest/vector.h"

/* Exchange squares of `width` beside the diagonal. @param[in] low  the lower half of each 2 * width bits */
static inline __attribute__((always_inline)) void exchange(uint64_t *restrict bits, unsigned width,
                                                           uint64_t low)
{
    for (unsigned begin = 0; begin < 64; begin += 2 * width)
        for (unsigned i = begin; i < begin + width; i++) {
            const uint64_t swap = (bits[i] >> width ^ bits[i + width]) & low;
            bits[i] ^= swap << width;
            bits[i + width] ^= swap;
        }
}

void BP__ISA_NAME(bp__turn_bits)(uint64_t bits[64])
{
    exchange(bits, 32, UINT64_C(0x00000000ffffffff));
    exchange(bits, 16, UINT64_C(0x0000ffff0000ffff));
    exchange(bits, 8, UINT64_C(0x00ff00ff00ff00ff));
    exchange(bits, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    exchange(bits, 2, UINT64_C(0x3333333333333333));
    exchange(bits, 1, UINT64_C(0x5555555555555555));
}
