/** @file tests/backtest/measure.h
 * The metrics of docs/backtest.md, as plainly as they can be programmed: every metric starts from the curve itself, and
 * sorts a copy where it needs an order. Shares no code with src/backtest/metrics.c.
 */
#ifndef BP_TESTS_BACKTEST_MEASURE_H
#define BP_TESTS_BACKTEST_MEASURE_H

#include "backtest/metrics.h"

/** Aborts the test program if it has no memory. */
void measure(const bp__record *record, const bp__terms *terms, bp__metrics *metrics);

#endif
