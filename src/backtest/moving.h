/** @file src/backtest/moving.h
 * Moving means and deviations, many windows side by side: each as bp__prefix_mean() and bp__deviation() (exact.h) find it, to
 * the last bit. The loops are compiled for each instruction set (moving_run.h).
 */
#ifndef BP_BACKTEST_MOVING_H
#define BP_BACKTEST_MOVING_H

#include <stdint.h>

#include "backtest/isa.h"

/** mean[j] of the k numbers that end with j, by their prefix sums; NaN for j < k-1. @param[in] k  at least 1 */
void bp__moving_means(bp__isa isa, const double *hi, const double *lo, int32_t n, int32_t k, double *mean);

/** Deviations of the k numbers that end with j, around mean[j]; NaN for j < k-1. @param[in] k  at least 2 */
void bp__moving_deviations(bp__isa isa, const double *x, int32_t n, int32_t k, const double *mean,
                           double *deviation);

/** The same by one instruction set, but for the first k-1, which are left as they are. */
void bp__moving_means_portable(const double *hi, const double *lo, int32_t n, int32_t k, double *mean);
void bp__moving_means_avx2(const double *hi, const double *lo, int32_t n, int32_t k, double *mean);
void bp__moving_means_avx512(const double *hi, const double *lo, int32_t n, int32_t k, double *mean);
void bp__moving_deviations_portable(const double *x, int32_t n, int32_t k, const double *mean,
                                    double *deviation);
void bp__moving_deviations_avx2(const double *x, int32_t n, int32_t k, const double *mean, double *deviation);
void bp__moving_deviations_avx512(const double *x, int32_t n, int32_t k, const double *mean,
                                  double *deviation);

#endif
