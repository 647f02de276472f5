/** @file src/backtest/metrics.h
 * What an equity curve is worth.
 */
#ifndef BP_BACKTEST_METRICS_H
#define BP_BACKTEST_METRICS_H

#include "backtest/backtest.h"

#define BP__SESSIONS_PER_YEAR 252

/** Fill in all but `trades`. @param equity  [n] positive and finite, n >= 2 */
void bp__metrics_from(const double *equity, size_t n, double cash, bp__metrics *metrics);

#endif
