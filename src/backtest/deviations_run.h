/** @file src/backtest/deviations_run.h
 * deviations.h, in vectors of one instruction set. Included by the files isa_….c alone.
 */
#include "backtest/deviations.h"
#include "backtest/exact.h"
#include "backtest/vector.h"

#define AT_ONCE                                                                                              \
    4 /* vectors of windows: each sum keeps its own order, together they hide the latency of an addition */

void BP__ISA_NAME(bp__deviations)(const double *x, int32_t n, int32_t k, const double *mean,
                                  double *deviation)
{
    int32_t j = k - 1;
    for (; j + AT_ONCE * WIDTH <= n; j += AT_ONCE * WIDTH) {
        const double *window = x + j - (k - 1);
        vector squares[AT_ONCE], middle[AT_ONCE];
        for (int v = 0; v < AT_ONCE; v++) {
            squares[v] = all(0);
            middle[v] = load_any(mean + j + v * WIDTH);
        }
        for (int32_t i = 0; i < k; i++)
            for (int v = 0; v < AT_ONCE; v++) {
                const vector d = load_any(window + i + v * WIDTH) - middle[v];
                squares[v] = squares[v] + d * d;
            }
        for (int v = 0; v < AT_ONCE; v++)
            store_any(deviation + j + v * WIDTH, root(squares[v] / all((double)(k - 1))));
    }
    for (; j < n; j++) deviation[j] = bp__deviation(x + j - (k - 1), (size_t)k, mean[j]);
}

#undef AT_ONCE
