#include "backtest/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/day.h"

#define PARTS 256

/* A run, and what several metrics need to know of it. */
typedef struct curve {
    const bp__record *record;
    const bp__terms *terms;
    size_t first;             /* t of the first return */
    size_t m;                 /* returns */
    double mean;              /* of the returns */
    double least, most;       /* of the returns */
    double squares, downside; /* sums: of squared distances from the mean, of squared losses */
    double drawdown;          /* the greatest */
    size_t longest;           /* drawdown, in sessions */
} curve;

/* What the return of session t starts from. */
static double before(const curve *c, size_t t)
{
    return t > 0 ? c->record->equity[t - 1] : c->record->cash;
}

static double gain(const curve *c, size_t t)
{
    return c->record->equity[t] / before(c, t) - 1;
}

static void take_returns(curve *c)
{
    double sum = 0.0;
    c->least = c->most = gain(c, c->first);
    for (size_t t = c->first; t < c->record->n; t++) {
        const double r = gain(c, t);
        sum += r;
        if (r < c->least) c->least = r;
        if (r > c->most) c->most = r;
    }
    c->mean = sum / (double)c->m;
    for (size_t t = c->first; t < c->record->n; t++) {
        const double r = gain(c, t), loss = r < 0 ? r : 0;
        c->squares += (r - c->mean) * (r - c->mean);
        c->downside += loss * loss;
    }
}

static void take_drawdowns(curve *c)
{
    double peak = before(c, c->first);
    size_t below = 0;
    for (size_t t = c->first; t < c->record->n; t++) {
        const double equity = c->record->equity[t];
        below = equity < peak ? below + 1 : 0;
        if (below > c->longest) c->longest = below;
        if (equity > peak) peak = equity;
        if (1 - equity / peak > c->drawdown) c->drawdown = 1 - equity / peak;
    }
}

static curve curve_from(const bp__record *record, const bp__terms *terms)
{
    curve c = {.record = record, .terms = terms, .first = terms->first_return ? 0 : 1};
    c.m = record->n - c.first;
    take_returns(&c);
    take_drawdowns(&c);
    return c;
}

/* NaN is the answer to every division by zero here: a ratio without a risk is undefined, not infinite. */
static double ratio(double dividend, double divisor)
{
    return divisor == 0 ? NAN : dividend / divisor;
}

static double growth(const curve *c)
{
    return c->record->equity[c->record->n - 1] / c->record->cash;
}

static double years(const curve *c)
{
    return (double)c->m / c->terms->sessions_per_year;
}

/* Sample deviation from a sum of squares. */
static double deviation(const curve *c, double squares)
{
    return c->m < 2 ? NAN : sqrt(squares / (double)(c->m - 1));
}

static double annual_ratio(const curve *c, double squares)
{
    return ratio(c->mean, deviation(c, squares)) * sqrt(c->terms->sessions_per_year);
}

/* Percentiles ----------------------------------------------------------------------------------- */

/* Some of the returns that follow each other in order of size. */
typedef struct part {
    size_t count;
    double least, most;
} part;

static void put(part *p, double r)
{
    if (p->count == 0 || r < p->least) p->least = r;
    if (p->count == 0 || r > p->most) p->most = r;
    p->count++;
}

/* Divides a part of unequal returns by their size, and takes what the k-th of them is in.
 * @param[in,out] k  from 0; then within the part that is returned */
static part narrow(const curve *c, part whole, size_t *k)
{
    part parts[PARTS] = {{0}}, *p = parts;
    for (size_t t = c->first; t < c->record->n; t++) {
        const double r = gain(c, t), at = (r - whole.least) / (whole.most - whole.least) * PARTS;
        if (r >= whole.least && r <= whole.most) put(&parts[at < PARTS ? (size_t)at : PARTS - 1], r);
    }
    for (; *k >= p->count; p++) *k -= p->count;
    return *p;
}

/* The k-th smallest return, k from 0. Some passes over the curve take the place of a sorted copy: there is no memory to
 * be had here, and three passes are usually enough. */
static double ordered(const curve *c, size_t k)
{
    part p = {.count = c->m, .least = c->least, .most = c->most};
    while (p.least < p.most) p = narrow(c, p, &k); /* the least and the most of a part never stay together */
    return p.least;
}

/* As numpy.percentile(), which interpolates from the nearer end. @param[in] share  0.95: the 95th */
static double percentile(const curve *c, double share)
{
    const double at = (double)(c->m - 1) * share;
    const size_t k = (size_t)at;
    const double rest = at - (double)k, low = ordered(c, k), high = k + 1 < c->m ? ordered(c, k + 1) : low;
    return rest < 0.5 ? low + (high - low) * rest : high - (high - low) * (1 - rest);
}

/* Metrics --------------------------------------------------------------------------------------- */

static double total_return(const curve *c)
{
    return growth(c) - 1;
}

static double cagr(const curve *c)
{
    return pow(growth(c), c->terms->sessions_per_year / (double)c->m) - 1;
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
    return (double)c->record->trades;
}

static double win_rate(const curve *c)
{
    size_t wins = 0;
    for (size_t t = c->first; t < c->record->n; t++) wins += c->record->equity[t] > before(c, t);
    return (double)wins / (double)c->m;
}

static double volatility(const curve *c)
{
    return deviation(c, c->squares) * sqrt(c->terms->sessions_per_year);
}

static double profit_factor(const curve *c)
{
    return ratio(c->record->gains, c->record->losses);
}

static double average_trade(const curve *c)
{
    return ratio(c->record->gains - c->record->losses, (double)c->record->closings);
}

static double exposure(const curve *c)
{
    return (double)c->record->held / (double)c->record->n;
}

static double turnover(const curve *c)
{
    double sum = 0.0;
    for (size_t t = 0; t < c->record->n; t++) sum += c->record->equity[t];
    return c->record->traded / (sum / (double)c->record->n) / years(c);
}

static double longest_drawdown(const curve *c)
{
    return (double)c->longest;
}

static double tail_ratio(const curve *c)
{
    return ratio(fabs(percentile(c, 0.95)), fabs(percentile(c, 0.05)));
}

static double skew(const curve *c)
{
    const double m = (double)c->m, variance = c->squares / m;
    double sum = 0.0;
    for (size_t t = c->first; t < c->record->n; t++) {
        const double d = gain(c, t) - c->mean;
        sum += d * d * d;
    }
    return ratio(sum / m, variance * sqrt(variance));
}

static double kurtosis(const curve *c)
{
    const double m = (double)c->m, variance = c->squares / m;
    double sum = 0.0;
    for (size_t t = c->first; t < c->record->n; t++) {
        const double d = gain(c, t) - c->mean;
        sum += d * d * (d * d);
    }
    return ratio(sum / m, variance * variance) - 3;
}

static double costs_paid(const curve *c)
{
    return c->record->costs;
}

static double (*const COMPUTE[])(const curve *) = {
#define X(name, best, is_default, kind, made, help) name,
    BP__METRIC_MAP(X)
#undef X
};

void bp__metrics_some(const bp__record *record, const bp__terms *terms, const unsigned *metric,
                      unsigned count, double *value)
{
    const curve c = curve_from(record, terms);
    for (unsigned k = 0; k < count; k++) value[k] = COMPUTE[metric[k]](&c);
}

void bp__metrics_from(const bp__record *record, const bp__terms *terms, bp__metrics *metrics)
{
    const curve c = curve_from(record, terms);
#define X(name, best, is_default, kind, made, help) metrics->name = name(&c);
    BP__METRIC_MAP(X)
#undef X
}

/* Calendars ------------------------------------------------------------------------------------- */

/* Two of seven days would be 0.286 of the sessions. Exchanges whose week begins on a Sunday have a fifth, those that
 * once traded on Saturdays a sixth. */
#define WEEKEND_SHARE 0.25

double bp__sessions_per_year(const int64_t *day, size_t count)
{
    enum { SUNDAY = 3, SATURDAY = 2, WEEK = 7 }; /* counted from a Thursday, 1970-01-01 */
    size_t weekend = 0;
    for (size_t t = 0; t < count; t++) {
        const int64_t in_week = (bp__day_of(day[t]) / BP_NS_PER_DAY % WEEK + WEEK) % WEEK;
        weekend += in_week == SATURDAY || in_week == SUNDAY;
    }
    return (double)weekend >= WEEKEND_SHARE * (double)count ? 365 : 252;
}

/* The list -------------------------------------------------------------------------------------- */

static const bp__metric METRICS[] = {
#define X(name, best, is_default, kind, made, help) {#name, help, best, is_default, kind, made},
    BP__METRIC_MAP(X)
#undef X
};

const bp__metric *bp__metric_at(unsigned i)
{
    return &METRICS[i];
}

bool bp__metrics_of_equity(const unsigned *metric, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (METRICS[metric[i]].made != BP__OF_EQUITY) return false;
    return true;
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
