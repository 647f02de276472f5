#include "backtest/bits.h"

void bp__turn_bits(bp__isa isa, uint64_t bits[64])
{
    static void (*const turn[BP__NUM_ISAS])(uint64_t *) = {
        bp__turn_bits_portable,
#if defined(__x86_64__)
        bp__turn_bits_avx2,
        bp__turn_bits_avx512,
#endif
    };
    turn[isa](bits);
}
