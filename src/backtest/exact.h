/** @file src/backtest/exact.h
 * Means and deviations in which rounding is no signal: equal numbers have that number as their mean, whatever they are
 * and however many.
 *
 * A mean over a window is the difference of two prefix sums in twice the precision, over k, rounded once. A prefix sum
 * is a pair: the sum as a double adds it up, and the sum of what each addition has rounded off. Pure; any thread.
 */
#ifndef BP_BACKTEST_EXACT_H
#define BP_BACKTEST_EXACT_H

#include <stddef.h>
#include <stdint.h>

/** Prefix sums: hi[i] + lo[i] is the sum of the first i numbers. @param[out] hi, lo  [n + 1] */
void bp__prefix_sums(const double *x, size_t n, double *hi, double *lo);

/** Mean of numbers begin … end-1, begin < end, by their prefix sums. */
double bp__prefix_mean(const double *hi, const double *lo, size_t begin, size_t end);

/** Mean of n numbers; NaN where n is 0. */
double bp__mean(const double *x, size_t n);

/** Sums side by side: x[i] is added to the i-th of n sums, each a pair as above, and counted; NaN is left out. */
void bp__sums_add(const double *restrict x, size_t n, double *restrict hi, double *restrict lo,
                  double *restrict count);

/** Mean of `count` numbers, a whole number, by their sum, to the bit as bp__mean(). NaN where count is 0. */
double bp__sum_mean(double hi, double lo, double count);

/** Sample deviation of n numbers around `mean`: squares are added from the first number on. NaN where n < 2. */
double bp__deviation(const double *x, size_t n, double mean);

#endif
