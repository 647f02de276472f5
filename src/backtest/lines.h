/** @file src/backtest/lines.h
 * Memory in whole lines of the cache. Where there is much of it, it lies in large pages, if the system has them: an account that
 * goes from row to row would otherwise look up an address for each.
 */
#ifndef BP_BACKTEST_LINES_H
#define BP_BACKTEST_LINES_H

#include <stddef.h>

/** @return zeros, owned: free(); NULL: there is no memory */
void *bp__lines(size_t count, size_t size);

#endif
