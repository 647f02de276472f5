#include "backtest/exact.h"

#include <math.h>
#include <stdbool.h>

#include "backtest/exact_mean.h"

void bp__prefix_sums(const double *x, size_t n, double *hi, double *lo)
{
    hi[0] = lo[0] = 0.0;
    for (size_t i = 0; i < n; i++) {
        hi[i + 1] = hi[i] + x[i];
        lo[i + 1] = lo[i] + bp__rounded_off(hi[i], x[i], hi[i + 1]);
    }
}

double bp__prefix_mean(const double *hi, const double *lo, size_t begin, size_t end)
{
    return bp__window_mean(hi[end], lo[end], hi[begin], lo[begin], (double)(end - begin));
}

double bp__mean(const double *x, size_t n)
{
    double hi = 0.0, lo = 0.0;
    if (n == 0) return NAN;
    for (size_t i = 0; i < n; i++) {
        const double sum = hi + x[i];
        lo += bp__rounded_off(hi, x[i], sum);
        hi = sum;
    }
    return bp__exact_quotient(hi, lo, (double)n);
}

void bp__sums_add(const double *restrict x, size_t n, double *restrict hi, double *restrict lo,
                  double *restrict count)
{
    for (size_t i = 0; i < n; i++) {
        const bool has_value = x[i] == x[i];
        const double value = has_value ? x[i] : 0.0, sum = hi[i] + value;
        lo[i] += bp__rounded_off(hi[i], value, sum);
        hi[i] = sum;
        count[i] += has_value ? 1.0 : 0.0;
    }
}

double bp__sum_mean(double hi, double lo, double count)
{
    return count > 0 ? bp__exact_quotient(hi, lo, count) : NAN;
}

double bp__deviation(const double *x, size_t n, double mean)
{
    double squares = 0.0;
    if (n < 2) return NAN;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)(n - 1));
}
