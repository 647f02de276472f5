#include "backtest/moving.h"

#include <math.h>

static void say_none(int32_t n, int32_t k, double *value)
{
    for (int32_t j = 0; j < k - 1 && j < n; j++) value[j] = NAN;
}

void bp__moving_means(bp__isa isa, const double *hi, const double *lo, int32_t n, int32_t k, double *mean)
{
    static void (*const find[BP__NUM_ISAS])(const double *, const double *, int32_t, int32_t, double *) = {
        bp__moving_means_portable,
#if defined(__x86_64__)
        bp__moving_means_avx2,
        bp__moving_means_avx512,
#endif
    };
    say_none(n, k, mean);
    find[isa](hi, lo, n, k, mean);
}

void bp__moving_deviations(bp__isa isa, const double *x, int32_t n, int32_t k, const double *mean,
                           double *deviation)
{
    static void (*const find[BP__NUM_ISAS])(const double *, int32_t, int32_t, const double *, double *) = {
        bp__moving_deviations_portable,
#if defined(__x86_64__)
        bp__moving_deviations_avx2,
        bp__moving_deviations_avx512,
#endif
    };
    say_none(n, k, deviation);
    find[isa](x, n, k, mean, deviation);
}
