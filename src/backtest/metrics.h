/** @file src/backtest/metrics.h
 * What a run is worth: the list of all metrics. docs/backtest.md defines them, docs/metrics.md compares them with those
 * of others.
 *
 * To add one: a row of BP__METRIC_MAP, and a function of that name in metrics.c. Everything else follows from
 * the row: the struct, `--objective`, `--metrics`, tables, files, help and man page.
 */
#ifndef BP_BACKTEST_METRICS_H
#define BP_BACKTEST_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name; which end is the better one; whether it is a column unless the user chooses; what kind of number; what of a record it
 * is made of; what it is. Append only, and no further default column: a journal that does not name its metrics has the
 * first seven. */
#define BP__METRIC_MAP(X)                                                                                    \
    X(total_return, BP__HIGHEST, true, BP__RATIO, BP__OF_EQUITY,                                             \
      "gain from the start to the last close, as a share of the cash")                                       \
    X(cagr, BP__HIGHEST, true, BP__RATIO, BP__OF_EQUITY, "compound annual growth rate")                      \
    X(sharpe, BP__HIGHEST, true, BP__RATIO, BP__OF_EQUITY,                                                   \
      "mean of the returns divided by their deviation, times the root of the sessions a year")               \
    X(sortino, BP__HIGHEST, true, BP__RATIO, BP__OF_EQUITY,                                                  \
      "the same, divided by the deviation of the losses alone")                                              \
    X(max_drawdown, BP__LOWEST, true, BP__RATIO, BP__OF_EQUITY,                                              \
      "greatest fall from a peak, as a share of that peak")                                                  \
    X(calmar, BP__HIGHEST, true, BP__RATIO, BP__OF_EQUITY, "cagr divided by max_drawdown")                   \
    X(trades, BP__LOWEST, true, BP__COUNT, BP__OF_EQUITY, "fills, delistings included")                      \
    X(win_rate, BP__HIGHEST, false, BP__RATIO, BP__OF_EQUITY, "share of the returns that are gains")         \
    X(volatility, BP__LOWEST, false, BP__RATIO, BP__OF_EQUITY,                                               \
      "deviation of the returns, times the root of the sessions a year")                                     \
    X(profit_factor, BP__HIGHEST, false, BP__RATIO, BP__OF_FILLS,                                            \
      "what closed positions gained, divided by what others lost")                                           \
    X(average_trade, BP__HIGHEST, false, BP__MONEY, BP__OF_FILLS,                                            \
      "what a fill that closed a position gained, on average, costs included")                               \
    X(exposure, BP__LOWEST, false, BP__RATIO, BP__OF_FILLS,                                                  \
      "share of the sessions at whose close something was held")                                             \
    X(turnover, BP__LOWEST, false, BP__RATIO, BP__OF_FILLS,                                                  \
      "value of all fills in a year, divided by the mean equity")                                            \
    X(longest_drawdown, BP__LOWEST, false, BP__COUNT, BP__OF_EQUITY,                                         \
      "most sessions in a row that closed below an earlier peak")                                            \
    X(tail_ratio, BP__HIGHEST, false, BP__RATIO, BP__OF_EQUITY,                                              \
      "95th percentile of the returns, divided by their 5th")                                                \
    X(skew, BP__HIGHEST, false, BP__RATIO, BP__OF_EQUITY,                                                    \
      "skewness of the returns; below 0: the losses are the rare ones")                                      \
    X(kurtosis, BP__LOWEST, false, BP__RATIO, BP__OF_EQUITY,                                                 \
      "excess kurtosis of the returns; above 0: fat tails")                                                  \
    X(costs_paid, BP__LOWEST, false, BP__MONEY, BP__OF_FILLS, "commissions and slippage")

/** A metric that is undefined is NaN. */
typedef struct bp__metrics {
#define X(name, best, is_default, kind, made, help) double name;
    BP__METRIC_MAP(X)
#undef X
} bp__metrics;

#define BP__NUM_METRICS (sizeof(bp__metrics) / sizeof(double))

typedef enum bp__best { BP__HIGHEST, BP__LOWEST } bp__best;
/** How tables show it: with four decimals, none, two. */
typedef enum bp__kind { BP__RATIO, BP__COUNT, BP__MONEY } bp__kind;

/** What of a record it needs: the equity and how many fills there were, or also what they were worth. Many combinations at
 *  once (lanes.h) find the former alone. */
typedef enum bp__made { BP__OF_EQUITY, BP__OF_FILLS } bp__made;

typedef struct bp__metric {
    const char *name;
    const char *help;
    bp__best best;
    bool is_default; /**< a column unless the user chooses */
    bp__kind kind;
    bp__made made;
} bp__metric;

/** The i-th metric, i < BP__NUM_METRICS. */
const bp__metric *bp__metric_at(unsigned i);

/** Number of the metric of a name of `length` bytes. @return false: there is none */
bool bp__metric_find(const char *name, size_t length, unsigned *metric);

/** The names of all metrics, separated by ", ". @return `text` */
const char *bp__metric_names(char *text, size_t size);

/** Value of the i-th metric, i < BP__NUM_METRICS. */
double bp__metric_value(const bp__metrics *metrics, unsigned i);

/** What a run leaves. */
typedef struct bp__record {
    const double *equity; /**< [n] at the close of each session, positive and finite, n >= 2; borrowed */
    size_t n;
    double cash;      /**< before the first session, positive */
    int64_t trades;   /**< fills */
    double traded;    /**< sum of the values of all fills, each q * price */
    double costs;     /**< commissions, and slippage: q * |price - p|, p the price without it */
    int64_t closings; /**< fills that closed a position, or a part of one */
    double gains,
        losses;  /**< sums over closings of what they gained and lost, both at least 0: by average cost,
                                commissions and slippage included */
    size_t held; /**< sessions at whose close something was held */
} bp__record;

/** How a run is measured. */
typedef struct bp__terms {
    double sessions_per_year; /**< positive: see bp__sessions_per_year() */
    bool first_return;        /**< the return of the first session, equity[0] / cash - 1, is one too */
} bp__terms;

/** How many sessions are a year: 365 where a quarter of them or more are Saturdays and Sundays, as where a market never
 *  closes; else 252.
 *  @param[in] day  [count] midnights, in ns since the epoch */
double bp__sessions_per_year(const int64_t *day, size_t count);

/** All metrics of a run. */
void bp__metrics_from(const bp__record *record, const bp__terms *terms, bp__metrics *metrics);

/** Whether all of these can do with a record of lanes. */
bool bp__metrics_of_equity(const unsigned *metric, unsigned count);

/** Some of them: what is not asked for costs nothing.
 *  @param[in]  metric  [count] numbers
 *  @param[out] value   [count] */
void bp__metrics_some(const bp__record *record, const bp__terms *terms, const unsigned *metric,
                      unsigned count, double *value);

#endif
