#include "io/scale.h"

const double bp__scale_power[] = {1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0,
                                  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10,
                                  1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
const double bp__scale_inverse[] = {1 / 1e-9, 1 / 1e-8, 1 / 1e-7, 1 / 1e-6, 1 / 1e-5, 1 / 1e-4, 1 / 1e-3,
                                    1 / 1e-2, 1 / 1e-1, 1 / 1e0,  1 / 1e1,  1 / 1e2,  1 / 1e3,  1 / 1e4,
                                    1 / 1e5,  1 / 1e6,  1 / 1e7,  1 / 1e8,  1 / 1e9,  1 / 1e10, 1 / 1e11,
                                    1 / 1e12, 1 / 1e13, 1 / 1e14, 1 / 1e15, 1 / 1e16, 1 / 1e17, 1 / 1e18};

double bp__scale_factor(int exponent)
{
    return bp__scale_power[exponent - BP__SCALE_COARSEST];
}

bool bp__scale_note_more(bp__scale *scale, double value)
{
    while (scale->low <= BP__SCALE_FINEST && !bp__scale_keeps(scale->low, value)) scale->low++;
    while (scale->high >= BP__SCALE_COARSEST && !bp__scale_fits(scale->high, value)) scale->high--;
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
