/** @file src/backtest/bands.h
 * Where a series leaves a band: the signals of many bands at once.
 *
 * DESIGN
 *  - 64 observations are compared with both edges of every band, which makes bits along the observations; the loop is compiled
 *    for each instruction set (bands_run.h).
 *  - Then a combination goes from bit to bit: the next one below, the next one above behind that, and so on.
 */
#ifndef BP_BACKTEST_BANDS_H
#define BP_BACKTEST_BANDS_H

#include "backtest/call.h"

#define BP__BANDS_AT_ONCE 64
#define BP__BANDS_BLOCK   64 /**< observations */

/** What is compared. */
typedef struct bp__bands {
    size_t count;
    double low[BP__BANDS_AT_ONCE], high[BP__BANDS_AT_ONCE];
    uint64_t below[BP__BANDS_AT_ONCE], above[BP__BANDS_AT_ONCE]; /**< bit i: value[i] lies there */
} bp__bands;

/** @param[in] value  [BP__BANDS_BLOCK] */
void bp__bands_portable(bp__bands *bands, const double *value);
void bp__bands_avx2(bp__bands *bands, const double *value);
void bp__bands_avx512(bp__bands *bands, const double *value);

/** What bp_signals_band() does, for arguments that are in order. */
void bp__band(bp__call *call, size_t asset, const double *value, size_t count, const double *low,
              const double *high, bp_signals *const *signals);

#endif
