#include "backtest/metrics.h"

#include <math.h>

/* NaN is the answer to every division by zero here: a ratio without a risk is undefined, not infinite. */
static double ratio(double dividend, double divisor)
{
    return divisor == 0 ? NAN : dividend / divisor;
}

static double deviation(double squares, size_t m)
{
    return m < 2 ? NAN : sqrt(squares / (double)(m - 1));
}

void bp__metrics_from(const double *equity, size_t n, double cash, bp__metrics *metrics)
{
    const size_t m = n - 1;
    const double year = sqrt(BP__SESSIONS_PER_YEAR);
    double sum = 0.0, squares = 0.0, losses = 0.0, peak = equity[0], drawdown = 0.0;
    for (size_t t = 1; t < n; t++) sum += equity[t] / equity[t - 1] - 1;
    const double mean = sum / (double)m;
    for (size_t t = 1; t < n; t++) {
        double r = equity[t] / equity[t - 1] - 1, loss = r < 0 ? r : 0;
        squares += (r - mean) * (r - mean);
        losses += loss * loss;
        if (equity[t] > peak) peak = equity[t];
        if (1 - equity[t] / peak > drawdown) drawdown = 1 - equity[t] / peak;
    }
    metrics->total_return = equity[n - 1] / cash - 1;
    metrics->cagr = pow(equity[n - 1] / cash, BP__SESSIONS_PER_YEAR / (double)m) - 1;
    metrics->sharpe = ratio(mean, deviation(squares, m)) * year;
    metrics->sortino = ratio(mean, deviation(losses, m)) * year;
    metrics->max_drawdown = drawdown;
    metrics->calmar = ratio(metrics->cagr, drawdown);
}

/* Objectives ------------------------------------------------------------------------------------ */

#define OBJECTIVE_MAP(X)                                                                                     \
    X(total_return, true)                                                                                    \
    X(cagr, true)                                                                                            \
    X(sharpe, true)                                                                                          \
    X(sortino, true)                                                                                         \
    X(max_drawdown, false)                                                                                   \
    X(calmar, true)

static const struct {
    const char *name;
    bool more_is_better;
    size_t offset;
} OBJECTIVES[] = {
#define X(name, more) {#name, more, offsetof(bp__metrics, name)},
    OBJECTIVE_MAP(X)
#undef X
};

bool bp__objective_at(unsigned i, const char **name, bool *more_is_better)
{
    if (i >= sizeof OBJECTIVES / sizeof *OBJECTIVES) return false;
    *name = OBJECTIVES[i].name;
    *more_is_better = OBJECTIVES[i].more_is_better;
    return true;
}

double bp__objective_value(const bp__metrics *m, unsigned i)
{
    return *(const double *)(const void *)((const char *)m + OBJECTIVES[i].offset);
}
