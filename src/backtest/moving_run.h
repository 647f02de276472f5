/** @file src/backtest/moving_run.h
 * Loops of moving.h, in vectors of one instruction set. Included by the files isa_….c alone.
 */
#include "backtest/exact.h"
#include "backtest/exact_mean.h"
#include "backtest/moving.h"
#include "backtest/vector.h"

void BP__ISA_NAME(bp__moving_means)(const double *restrict hi, const double *restrict lo, int32_t n,
                                    int32_t k, double *restrict mean)
{
    const double count = k;
    for (int32_t j = k - 1; j < n; j++)
        mean[j] = bp__window_mean(hi[j + 1], lo[j + 1], hi[j + 1 - k], lo[j + 1 - k], count);
}

/* Vectors of windows. Each sum keeps its own order; together they hide the latency of an addition. */
#define BESIDE 4

void BP__ISA_NAME(bp__moving_deviations)(const double *x, int32_t n, int32_t k, const double *mean,
                                         double *deviation)
{
    int32_t j = k - 1;
    for (; j + BESIDE * WIDTH <= n; j += BESIDE * WIDTH) {
        const double *window = x + j - (k - 1);
        vector squares[BESIDE], middle[BESIDE];
        for (int v = 0; v < BESIDE; v++) {
            squares[v] = all(0);
            middle[v] = load_any(mean + j + v * WIDTH);
        }
        for (int32_t i = 0; i < k; i++)
            for (int v = 0; v < BESIDE; v++) {
                const vector d = load_any(window + i + v * WIDTH) - middle[v];
                squares[v] = squares[v] + d * d;
            }
        for (int v = 0; v < BESIDE; v++)
            store_any(deviation + j + v * WIDTH, root(squares[v] / all((double)(k - 1))));
    }
    for (; j < n; j++) deviation[j] = bp__deviation(x + j - (k - 1), (size_t)k, mean[j]);
}
