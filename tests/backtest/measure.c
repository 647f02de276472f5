#include "tests/backtest/measure.h"

#include <math.h>
#include <stdlib.h>

/* Equity from before the first return on, and the returns in between. */
typedef struct series {
    double *level; /* [m + 1] */
    double *r;     /* [m] */
    size_t m;
} series;

static series series_of(const bp__record *x, bool first_return)
{
    series s = {.m = first_return ? x->n : x->n - 1};
    s.level = malloc((s.m + 1) * sizeof *s.level);
    s.r = malloc(s.m * sizeof *s.r);
    if (!s.level || !s.r) abort();
    for (size_t i = 0; i <= s.m; i++) {
        const size_t back = s.m - i; /* sessions before the last one */
        s.level[i] = back < x->n ? x->equity[x->n - 1 - back] : x->cash;
    }
    for (size_t i = 0; i < s.m; i++) s.r[i] = s.level[i + 1] / s.level[i] - 1;
    return s;
}

static double mean_of(const series *s)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->m; i++) sum = sum + s->r[i];
    return sum / (double)s->m;
}

static double squares_of(const series *s)
{
    const double mean = mean_of(s);
    double sum = 0.0;
    for (size_t i = 0; i < s->m; i++) sum = sum + (s->r[i] - mean) * (s->r[i] - mean);
    return sum;
}

static double losses_of(const series *s)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->m; i++) sum = sum + fmin(s->r[i], 0) * fmin(s->r[i], 0);
    return sum;
}

static double sample_deviation(const series *s, double squares)
{
    return s->m < 2 ? NAN : sqrt(squares / ((double)s->m - 1));
}

static double over(double a, double b)
{
    return b == 0 ? NAN : a / b;
}

static double peak_before(const series *s, size_t i)
{
    double peak = s->level[0];
    for (size_t k = 1; k < i; k++) peak = fmax(peak, s->level[k]);
    return peak;
}

static double deepest(const series *s)
{
    double most = 0;
    for (size_t i = 1; i <= s->m; i++)
        most = fmax(most, 1 - s->level[i] / fmax(peak_before(s, i), s->level[i]));
    return most;
}

static double longest(const series *s)
{
    size_t most = 0;
    for (size_t from = 1; from <= s->m; from++) {
        size_t to = from;
        while (to <= s->m && s->level[to] < peak_before(s, to)) to++;
        if (to - from > most) most = to - from;
    }
    return (double)most;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* numpy.percentile(r, percent) */
static double percentile(const series *s, double percent)
{
    double *sorted = malloc(s->m * sizeof *sorted);
    if (!sorted) abort();
    for (size_t i = 0; i < s->m; i++) sorted[i] = s->r[i];
    qsort(sorted, s->m, sizeof *sorted, ascending);
    const double at = ((double)s->m - 1) * (percent / 100), whole = floor(at), t = at - whole;
    const double a = sorted[(size_t)whole], b = sorted[(size_t)fmin(whole + 1, (double)s->m - 1)];
    free(sorted);
    return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

/* Mean of a power of the distances from the mean. */
static double moment(const series *s, int power)
{
    const double mean = mean_of(s);
    double sum = 0.0;
    for (size_t i = 0; i < s->m; i++) {
        const double d = s->r[i] - mean, d2 = d * d;
        sum = sum + (power == 2 ? d2 : power == 3 ? d2 * d : d2 * d2);
    }
    return sum / (double)s->m;
}

void measure(const bp__record *x, const bp__terms *terms, bp__metrics *y)
{
    const series s = series_of(x, terms->first_return);
    const double per_year = terms->sessions_per_year, m = (double)s.m, last = x->equity[x->n - 1];
    const double sd = sample_deviation(&s, squares_of(&s)), dd = sample_deviation(&s, losses_of(&s));
    double wins = 0, sum = 0.0;
    for (size_t i = 1; i <= s.m; i++) wins = wins + (s.level[i] > s.level[i - 1]);
    for (size_t t = 0; t < x->n; t++) sum = sum + x->equity[t];
    *y = (bp__metrics){
        .total_return = last / x->cash - 1,
        .cagr = pow(last / x->cash, per_year / m) - 1,
        .sharpe = over(mean_of(&s), sd) * sqrt(per_year),
        .sortino = over(mean_of(&s), dd) * sqrt(per_year),
        .max_drawdown = deepest(&s),
        .calmar = over(pow(last / x->cash, per_year / m) - 1, deepest(&s)),
        .trades = (double)x->trades,
        .win_rate = wins / m,
        .volatility = sd * sqrt(per_year),
        .profit_factor = over(x->gains, x->losses),
        .average_trade = over(x->gains - x->losses, (double)x->closings),
        .exposure = (double)x->held / (double)x->n,
        .turnover = x->traded / (sum / (double)x->n) / (m / per_year),
        .longest_drawdown = longest(&s),
        .tail_ratio = over(fabs(percentile(&s, 95)), fabs(percentile(&s, 5))),
        .skew = over(moment(&s, 3), moment(&s, 2) * sqrt(moment(&s, 2))),
        .kurtosis = over(moment(&s, 4), moment(&s, 2) * moment(&s, 2)) - 3,
        .costs_paid = x->costs,
    };
    free(s.level);
    free(s.r);
}
