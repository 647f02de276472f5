/** @file src/backtest/exact_mean.h
 * The arithmetic of exact.h, for loops over it: compilers make vectors of them, whatever the instruction set.
 */
#ifndef BP_BACKTEST_EXACT_MEAN_H
#define BP_BACKTEST_EXACT_MEAN_H

/* What the addition s = a + b has rounded off, exactly, whichever of a and b is the larger one. */
static inline double bp__rounded_off(double a, double b, double s)
{
    const double from_b = s - a;
    return (a - (s - from_b)) + (b - from_b);
}

/* (hi + lo) / k, rounded once. The remainder of the first quotient is exact: the quotient is split into two halves, and
 * the product of a half and k, which has at most 26 bits, into a double fits. */
static inline double bp__exact_quotient(double hi, double lo, double k)
{
    const double sum = hi + lo, rest = bp__rounded_off(hi, lo, sum);
    const double quotient = sum / k;
    const double shifted = quotient * 0x1.0000002p27;
    const double upper = shifted - (shifted - quotient), lower = quotient - upper;
    const double remainder = ((sum - upper * k) - lower * k) + rest;
    const double result = quotient + remainder / k;
    return result - result == 0 ? result : quotient; /* so large that the split overflows */
}

static inline double bp__window_mean(double hi_end, double lo_end, double hi_begin, double lo_begin, double k)
{
    const double difference = hi_end - hi_begin;
    const double lost = bp__rounded_off(hi_end, -hi_begin, difference);
    return bp__exact_quotient(difference, lost + (lo_end - lo_begin), k);
}

#endif
