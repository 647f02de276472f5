/** @file src/backtest/host.h
 * The functions that strategies call (<bundlepool/strategy.h>): one table, for built-in strategies and plug-ins alike.
 */
#ifndef BP_BACKTEST_HOST_H
#define BP_BACKTEST_HOST_H

#include <bundlepool/strategy.h>

/** Stays as long as the process. */
const bp_host *bp__host(void);

#endif
