#include "backtest/isa.h"

const char *bp__isa_name(bp__isa isa)
{
    static const char *const names[BP__NUM_ISAS] = {"portable", "avx2", "avx512"};
    return names[isa];
}

bool bp__isa_is_there(bp__isa isa)
{
#if defined(__x86_64__)
    if (isa == BP__ISA_AVX2) return __builtin_cpu_supports("avx2");
    if (isa == BP__ISA_AVX512) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
#endif
    return isa == BP__ISA_PORTABLE;
}

static bp__isa preferred = BP__NUM_ISAS; /* none is */

void bp__isa_prefer(bp__isa isa)
{
    preferred = isa;
}

bp__isa bp__isa_best(void)
{
    bp__isa isa = BP__NUM_ISAS;
    if (preferred != BP__NUM_ISAS) return preferred;
    while (!bp__isa_is_there(--isa)) {
    }
    return isa;
}
