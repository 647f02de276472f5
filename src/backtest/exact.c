#include "backtest/exact.h"

#include <math.h>
#include <stdbool.h>

/* What the addition s = a + b has rounded off, exactly, whichever of a and b is the larger one. */
static inline double rounded_off(double a, double b, double s)
{
    const double from_b = s - a;
    return (a - (s - from_b)) + (b - from_b);
}

/* (hi + lo) / k, rounded once. The remainder of the first quotient is exact: the quotient is split into two halves, and
 * the product of a half and k, which has at most 26 bits, into a double fits. */
static inline double divide(double hi, double lo, double k)
{
    const double sum = hi + lo, rest = rounded_off(hi, lo, sum);
    const double quotient = sum / k;
    const double shifted = quotient * 0x1.0000002p27;
    const double upper = shifted - (shifted - quotient), lower = quotient - upper;
    const double remainder = ((sum - upper * k) - lower * k) + rest;
    const double result = quotient + remainder / k;
    return result - result == 0 ? result : quotient; /* so large that the split overflows */
}

static inline double window_mean(double hi_end, double lo_end, double hi_begin, double lo_begin, double k)
{
    const double difference = hi_end - hi_begin;
    const double lost = rounded_off(hi_end, -hi_begin, difference);
    return divide(difference, lost + (lo_end - lo_begin), k);
}

void bp__prefix_sums(const double *x, size_t n, double *hi, double *lo)
{
    hi[0] = lo[0] = 0.0;
    for (size_t i = 0; i < n; i++) {
        hi[i + 1] = hi[i] + x[i];
        lo[i + 1] = lo[i] + rounded_off(hi[i], x[i], hi[i + 1]);
    }
}

double bp__prefix_mean(const double *hi, const double *lo, size_t begin, size_t end)
{
    return window_mean(hi[end], lo[end], hi[begin], lo[begin], (double)(end - begin));
}

void bp__prefix_means(const double *restrict hi, const double *restrict lo, int32_t n, int32_t k,
                      double *restrict mean)
{
    const double count = k;
    for (int32_t j = 0; j < k - 1 && j < n; j++) mean[j] = NAN;
    for (int32_t j = k - 1; j < n; j++)
        mean[j] = window_mean(hi[j + 1], lo[j + 1], hi[j + 1 - k], lo[j + 1 - k], count);
}

double bp__mean(const double *x, size_t n)
{
    double hi = 0.0, lo = 0.0;
    if (n == 0) return NAN;
    for (size_t i = 0; i < n; i++) {
        const double sum = hi + x[i];
        lo += rounded_off(hi, x[i], sum);
        hi = sum;
    }
    return divide(hi, lo, (double)n);
}

void bp__sums_add(const double *restrict x, size_t n, double *restrict hi, double *restrict lo,
                  double *restrict count)
{
    for (size_t i = 0; i < n; i++) {
        const bool has_value = x[i] == x[i];
        const double value = has_value ? x[i] : 0.0, sum = hi[i] + value;
        lo[i] += rounded_off(hi[i], value, sum);
        hi[i] = sum;
        count[i] += has_value ? 1.0 : 0.0;
    }
}

double bp__sum_mean(double hi, double lo, double count)
{
    return count > 0 ? divide(hi, lo, count) : NAN;
}

double bp__deviation(const double *x, size_t n, double mean)
{
    double squares = 0.0;
    if (n < 2) return NAN;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)(n - 1));
}
