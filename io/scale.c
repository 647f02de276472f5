#include "io/scale.h"

#include <math.h>

#define TOLERANCE 1e-6

static const double power[] = {1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0,
                               1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10,
                               1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
static const double inverse[] = {1 / 1e-9, 1 / 1e-8, 1 / 1e-7, 1 / 1e-6, 1 / 1e-5, 1 / 1e-4, 1 / 1e-3,
                                 1 / 1e-2, 1 / 1e-1, 1 / 1e0,  1 / 1e1,  1 / 1e2,  1 / 1e3,  1 / 1e4,
                                 1 / 1e5,  1 / 1e6,  1 / 1e7,  1 / 1e8,  1 / 1e9,  1 / 1e10, 1 / 1e11,
                                 1 / 1e12, 1 / 1e13, 1 / 1e14, 1 / 1e15, 1 / 1e16, 1 / 1e17, 1 / 1e18};

_Static_assert(sizeof power / sizeof *power == BP__SCALE_FINEST - BP__SCALE_COARSEST + 1 &&
                   sizeof inverse == sizeof power,
               "a power per exponent");

double bp__scale_factor(int exponent)
{
    return power[exponent - BP__SCALE_COARSEST];
}

/* As nearbyint(), half to even, without a call: a double of 2^52 and more has no fraction, so adding that much rounds. */
static double nearest(double x)
{
    const double whole = 0x1p52;
    return x < whole ? x + whole - whole : x;
}

static bool keeps(int exponent, double value)
{
    const int i = exponent - BP__SCALE_COARSEST;
    return fabs(nearest(value * power[i]) * inverse[i] - value) <= TOLERANCE * value;
}

static bool fits(int exponent, double value)
{
    return value * power[exponent - BP__SCALE_COARSEST] < UINT32_MAX + 0.5; /* half to even: up */
}

bool bp__scale_note(bp__scale *scale, double value)
{
    if (!(value > 0)) return scale->low <= scale->high;
    /* neither bound ever moves back: most values cost two looks */
    while (scale->low <= BP__SCALE_FINEST && !keeps(scale->low, value)) scale->low++;
    while (scale->high >= BP__SCALE_COARSEST && !fits(scale->high, value)) scale->high--;
    return scale->low <= scale->high;
}

bp__scale bp__scale_both(bp__scale a, bp__scale b)
{
    return (bp__scale){.low = a.low > b.low ? a.low : b.low, .high = a.high < b.high ? a.high : b.high};
}

int bp__scale_choose(bp__scale scale, int usual)
{
    int exponent = usual < scale.low ? scale.low : usual;
    if (exponent > scale.high) exponent = scale.high;
    return exponent < BP__SCALE_COARSEST ? BP__SCALE_COARSEST : exponent;
}

uint32_t bp__scale_store(double value, double factor)
{
    if (!(value > 0)) return 0;
    const double x = nearest(value * factor); /* half to even: the default rounding mode */
    return x < 1 ? 1 : x > UINT32_MAX ? UINT32_MAX : (uint32_t)x;
}

double bp__scale_read(uint32_t stored, double factor, bool price)
{
    if (price && stored == 0) return NAN;
    return stored * (1.0 / factor);
}
