/** @file src/backtest/deviations.h
 * Moving deviations, many windows side by side: each as bp__deviation() (exact.h) finds it, to the last bit.
 */
#ifndef BP_BACKTEST_DEVIATIONS_H
#define BP_BACKTEST_DEVIATIONS_H

#include <stdint.h>

#include "backtest/isa.h"

/** Of the k numbers that end with j, around mean[j]; NaN for j < k-1. @param[in] k  at least 2 */
void bp__deviations(bp__isa isa, const double *x, int32_t n, int32_t k, const double *mean,
                    double *deviation);

/** The same by one instruction set, but for the first k-1, which are left as they are (deviations_run.h). */
void bp__deviations_portable(const double *x, int32_t n, int32_t k, const double *mean, double *deviation);
void bp__deviations_avx2(const double *x, int32_t n, int32_t k, const double *mean, double *deviation);
void bp__deviations_avx512(const double *x, int32_t n, int32_t k, const double *mean, double *deviation);

#endif
