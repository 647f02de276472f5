#include "backtest/arithmetic.h"

#include <fenv.h>
#include <float.h>
#include <stdbool.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* All rounding modes but to nearest, what is too small becoming 0, and being taken for 0. */
#define MXCSR_FAULTS 0xe040u

static const char *find_fault(void)
{
    const volatile double least = DBL_MIN, half = 0.5, more = 1 + 0x1p-30, square = more * more;
    const volatile double tiny = least * half, remainder = more * more - square;
    if (fegetround() != FE_TONEAREST) return "does not round to nearest";
    if (tiny == 0 || tiny * 4 == 0) return "takes numbers that are very small for 0";
    if (remainder != 0)
        return "was told by the compiler to round once for two operations: build with -ffp-contract=off";
    return NULL;
}

const char *bp__arithmetic_fault(void)
{
#if defined(__x86_64__)
    static bool compiled_well; /* found once; any thread finds the same */
    const bool well = __atomic_load_n(&compiled_well, __ATOMIC_RELAXED);
    if (well && (_mm_getcsr() & MXCSR_FAULTS) == 0) return NULL;
    const char *fault = find_fault();
    if (!fault) __atomic_store_n(&compiled_well, true, __ATOMIC_RELAXED);
    return fault;
#else
    return find_fault();
#endif
}

void bp__arithmetic_restore(void)
{
    (void)fesetenv(FE_DFL_ENV);
}
