#include "backtest/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SESSIONS_PER_YEAR 252

/* A run, and what several metrics need to know of it. */
typedef struct curve {
    const double *equity; /* [n] */
    size_t n;
    double cash;
    int64_t trades;
    double mean;              /* of the n - 1 returns */
    double squares, downside; /* sums: of squared distances from the mean, of squared losses */
    double drawdown;          /* the greatest */
} curve;

static double gain(const curve *c, size_t t)
{
    return c->equity[t] / c->equity[t - 1] - 1;
}

static curve curve_from(const double *equity, size_t n, double cash, int64_t trades)
{
    curve c = {.equity = equity, .n = n, .cash = cash, .trades = trades};
    double sum = 0.0, peak = equity[0];
    for (size_t t = 1; t < n; t++) sum += gain(&c, t);
    c.mean = sum / (double)(n - 1);
    for (size_t t = 1; t < n; t++) {
        const double r = gain(&c, t), loss = r < 0 ? r : 0;
        c.squares += (r - c.mean) * (r - c.mean);
        c.downside += loss * loss;
        if (equity[t] > peak) peak = equity[t];
        if (1 - equity[t] / peak > c.drawdown) c.drawdown = 1 - equity[t] / peak;
    }
    return c;
}

/* NaN is the answer to every division by zero here: a ratio without a risk is undefined, not infinite. */
static double ratio(double dividend, double divisor)
{
    return divisor == 0 ? NAN : dividend / divisor;
}

static double annual_ratio(const curve *c, double squares)
{
    const size_t m = c->n - 1;
    const double deviation = m < 2 ? NAN : sqrt(squares / (double)(m - 1));
    return ratio(c->mean, deviation) * sqrt(SESSIONS_PER_YEAR);
}

/* Metrics --------------------------------------------------------------------------------------- */

static double total_return(const curve *c)
{
    return c->equity[c->n - 1] / c->cash - 1;
}

static double cagr(const curve *c)
{
    return pow(c->equity[c->n - 1] / c->cash, SESSIONS_PER_YEAR / (double)(c->n - 1)) - 1;
}

static double sharpe(const curve *c)
{
    return annual_ratio(c, c->squares);
}

static double sortino(const curve *c)
{
    return annual_ratio(c, c->downside);
}

static double max_drawdown(const curve *c)
{
    return c->drawdown;
}

static double calmar(const curve *c)
{
    return ratio(cagr(c), c->drawdown);
}

static double trades(const curve *c)
{
    return (double)c->trades;
}

static double win_rate(const curve *c)
{
    size_t wins = 0;
    for (size_t t = 1; t < c->n; t++) wins += c->equity[t] > c->equity[t - 1];
    return (double)wins / (double)(c->n - 1);
}

void bp__metrics_from(const double *equity, size_t n, double cash, int64_t num_trades, bp__metrics *metrics)
{
    const curve c = curve_from(equity, n, cash, num_trades);
#define X(name, best, is_default, kind, help) metrics->name = name(&c);
    BP__METRIC_MAP(X)
#undef X
}

/* The list -------------------------------------------------------------------------------------- */

static const bp__metric METRICS[] = {
#define X(name, best, is_default, kind, help) {#name, help, best, is_default, kind},
    BP__METRIC_MAP(X)
#undef X
};

const bp__metric *bp__metric_at(unsigned i)
{
    return &METRICS[i];
}

bool bp__metric_find(const char *name, size_t length, unsigned *metric)
{
    for (unsigned i = 0; i < BP__NUM_METRICS; i++)
        if (strlen(METRICS[i].name) == length && memcmp(METRICS[i].name, name, length) == 0)
            return *metric = i, true;
    return false;
}

const char *bp__metric_names(char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0, used = 0; i < BP__NUM_METRICS && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", METRICS[i].name);
    return text;
}

double bp__metric_value(const bp__metrics *metrics, unsigned i)
{
    return ((const double *)metrics)[i]; /* all its members are double */
}
