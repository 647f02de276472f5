#include <math.h>

#include "backtest/strategy.h"

#define PAIRS 4
#define LANES (2 * PAIRS)

/* Two windows side by side, PAIRS times: each sum keeps its own order, together they hide the latency. */
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));

static const char *check(const double *params)
{
    return params[2] >= params[1] ? "exit must be less than entry" : NULL;
}

/* z of LANES windows of k observations: the first begins at x[0], each next one observation later.
 * NaN where sd is 0. */
static void score_lanes(const double *x, int32_t k, double z[LANES])
{
    pair mean[PAIRS] = {0}, squares[PAIRS] = {0};
    for (int32_t i = 0; i < k; i++)
#pragma GCC unroll 4
        for (int32_t p = 0; p < PAIRS; p++) mean[p] += *(const pair *)(x + i + 2 * p);
#pragma GCC unroll 4
    for (int32_t p = 0; p < PAIRS; p++) mean[p] /= (double)k;
    for (int32_t i = 0; i < k; i++)
#pragma GCC unroll 4
        for (int32_t p = 0; p < PAIRS; p++) {
            pair d = *(const pair *)(x + i + 2 * p) - mean[p];
            squares[p] += d * d;
        }
    for (int32_t w = 0; w < LANES; w++) {
        double sd = sqrt(squares[w / 2][w % 2] / (k - 1));
        z[w] = sd == 0 ? NAN : (x[k - 1 + w] - mean[w / 2][w % 2]) / sd;
    }
}

/* The same for one window. */
static double score(const double *x, int32_t k)
{
    double mean = 0.0, squares = 0.0;
    for (int32_t i = 0; i < k; i++) mean += x[i];
    mean /= k;
    for (int32_t i = 0; i < k; i++) squares += (x[i] - mean) * (x[i] - mean);
    double sd = sqrt(squares / (k - 1));
    return sd == 0 ? NAN : (x[k - 1] - mean) / sd;
}

static void signal(const bp__scope *scope, const double *params, bp__signals *signals)
{
    const int32_t k = (int32_t)params[0];
    const double enter = -params[1], leave = -params[2];
    for (size_t i = 0; i < scope->num_assets; i++) {
        const bp__asset *a = &scope->asset[i];
        /* the first observation within the range that ends k observations, itself included */
        int32_t j = bp__observations_until(a, -1);
        if (j < k - 1) j = k - 1;
        bool held = false;
        for (int32_t n; j < a->count; j += n) {
            const double *x = a->adj + j - (k - 1);
            double z[LANES];
            n = a->count - j < LANES ? 1 : LANES;
            if (n == LANES)
                score_lanes(x, k, z);
            else
                z[0] = score(x, k);
            for (int32_t w = 0; w < n; w++) {
                if (!(held ? z[w] > leave : z[w] < enter)) continue; /* NaN, where sd is 0, is neither */
                bp__signal(signals, bp__observed_at(a, j + w), i);
                held = !held;
            }
        }
    }
}

const bp__strategy bp__strategy_mean_reversion = {
    .name = "mean_reversion",
    .help = "buys an asset that fell far below its mean and holds it until it is back",
    .param =
        {
            {"lookback", "observations in mean and deviation", 20, 2, 100000, true},
            {"entry", "deviations below the mean at which it is bought", 2, -1000, 1000, false},
            {"exit", "deviations below the mean at which it is sold; negative: above", 0.5, -1000, 1000,
             false},
        },
    .num_params = 3,
    .check = check,
    .signal = signal,
};
