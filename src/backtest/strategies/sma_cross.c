#include <math.h>

#include "backtest/strategy.h"

static const char *check(const double *params)
{
    return params[0] >= params[1] ? "fast must be less than slow" : NULL;
}

/* Whether f / fast > s / slow. Dividing takes most of the time of a run, so it is left out where the
 * cross products are so far apart that no rounding can matter. */
static inline bool above(double f, double fast, double s, double slow)
{
    double x = f * slow, y = s * fast;
    return fabs(x - y) > 1e-12 * x ? x > y : f / fast > s / slow;
}

static void signal(const bp__scope *scope, const double *params, bp__signals *signals)
{
    const double fast = params[0], slow = params[1];
    const int32_t f = (int32_t)fast, s = (int32_t)slow;
    double *p = signals->series; /* p[j] = sum of the first j adjusted closes */
    for (size_t i = 0; i < scope->num_assets; i++) {
        const bp__asset *a = &scope->asset[i];
        if (a->delisted <= 0 || a->count < s) continue;
        /* the last observation up to session 0 gives the state there, however old it is */
        int32_t begin = bp__observations_until(a, 0);
        if (begin < s) begin = s;
        bool state = false;
        double sum = p[0] = 0.0;
        /* added anew in each run: as fast as reading a stored copy, which every rank would have to keep */
        for (int32_t j = 1; j <= a->count; j++) {
            p[j] = sum += a->adj[j - 1];
            if (j < begin || above(sum - p[j - f], fast, sum - p[j - s], slow) == state) continue;
            int32_t t = bp__observed_at(a, j - 1);
            bp__signal(signals, t > 0 ? t : 0, i);
            state = !state;
        }
    }
}

const bp__strategy bp__strategy_sma_cross = {
    .name = "sma_cross",
    .help = "holds an asset while its fast simple moving average is above the slow one",
    .param =
        {
            {"fast", "observations in the fast average", 20, 1, 100000, true},
            {"slow", "observations in the slow average", 50, 1, 100000, true},
        },
    .num_params = 2,
    .check = check,
    .signal = signal,
};
