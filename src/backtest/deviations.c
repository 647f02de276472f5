#include "backtest/deviations.h"

#include <math.h>

void bp__deviations(bp__isa isa, const double *x, int32_t n, int32_t k, const double *mean, double *deviation)
{
    static void (*const find[BP__NUM_ISAS])(const double *, int32_t, int32_t, const double *, double *) = {
        bp__deviations_portable,
#if defined(__x86_64__)
        bp__deviations_avx2,
        bp__deviations_avx512,
#endif
    };
    for (int32_t j = 0; j < k - 1 && j < n; j++) deviation[j] = NAN;
    find[isa](x, n, k, mean, deviation);
}
