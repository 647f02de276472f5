/** @file src/backtest/crossings_run.h
 * 64 observations of crossings.h, in vectors of one instruction set. Included by the files isa_….c alone.
 */
#include "backtest/crossings.h"
#include "backtest/vector.h"

#define CLEARLY (1 + 0x1p-46)

/* Rounded in every step: off by less than 8 units of 2^-53 each, which CLEARLY is more than. */
static void find_means(bp__crossings *x, int32_t from)
{
    for (size_t w = 0; w < x->num_windows; w++) {
        const int32_t k = x->window[w];
        const double *hi = x->hi + from + 1, *lo = x->lo + from + 1;
        const vector inverse = all(1.0 / k);
        for (int32_t i = 0; i < BP__CROSS_BLOCK; i += WIDTH) {
            const vector sum = load_any(hi + i) - load_any(hi + i - k),
                         rest = load_any(lo + i) - load_any(lo + i - k), mean = (sum + rest) * inverse;
            store(x->mean[w] + i, mean);
            store(x->more[w] + i, mean * all(CLEARLY));
        }
    }
}

void BP__ISA_NAME(bp__crossings)(bp__crossings *x, int32_t from)
{
    find_means(x, from);
    for (size_t p = 0; p < x->num_pairs; p++) {
        const double *fast = x->mean[x->fast[p]], *slow = x->mean[x->slow[p]];
        const double *more_than_fast = x->more[x->fast[p]], *more_than_slow = x->more[x->slow[p]];
        uint64_t above = 0, below = 0;
#pragma GCC unroll 8
        for (unsigned i = 0; i < BP__CROSS_BLOCK; i += WIDTH) {
            above |= bits_of(less(load(more_than_slow + i), load(fast + i))) << i;
            below |= bits_of(less(load(more_than_fast + i), load(slow + i))) << i;
        }
        x->above[p] = above;
        x->doubtful[p] = ~(above | below);
    }
}
