/** @file src/backtest/bands_run.h
 * 64 observations of bands.h, in vectors of one instruction set. Included by the files isa_….c alone.
 */
#include "backtest/bands.h"
#include "backtest/vector.h"

void BP__ISA_NAME(bp__bands)(bp__bands *x, const double *value)
{
    vector v[BP__BANDS_BLOCK / WIDTH];
    for (size_t i = 0; i < BP__BANDS_BLOCK / WIDTH; i++) v[i] = load_any(value + i * WIDTH);
    for (size_t b = 0; b < x->count; b++) {
        const vector low = all(x->low[b]), high = all(x->high[b]);
        uint64_t below = 0, above = 0;
#pragma GCC unroll 8
        for (unsigned i = 0; i < BP__BANDS_BLOCK / WIDTH; i++) {
            below |= bits_of(less(v[i], low)) << (i * WIDTH);
            above |= bits_of(less(high, v[i])) << (i * WIDTH);
        }
        x->below[b] = below;
        x->above[b] = above;
    }
}
