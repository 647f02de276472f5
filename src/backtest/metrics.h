/** @file src/backtest/metrics.h
 * What an equity curve is worth: the list of all metrics.
 *
 * To add one: a row of BP__METRIC_MAP, and a function of that name in metrics.c. Everything else follows from
 * the row: the struct, `--objective`, `--metrics`, tables, files, help and man page.
 */
#ifndef BP_BACKTEST_METRICS_H
#define BP_BACKTEST_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name; which end is the better one; whether it is a column unless the user chooses; what kind of number;
 * what it is. Append only, and no further default column: a journal that does not name its metrics has the
 * first seven. */
#define BP__METRIC_MAP(X)                                                                                    \
    X(total_return, BP__HIGHEST, true, BP__RATIO,                                                            \
      "gain from the start to the last close, as a share of the cash")                                       \
    X(cagr, BP__HIGHEST, true, BP__RATIO, "compound annual growth rate, with 252 sessions a year")           \
    X(sharpe, BP__HIGHEST, true, BP__RATIO,                                                                  \
      "mean of the daily returns divided by their deviation, times the root of 252")                         \
    X(sortino, BP__HIGHEST, true, BP__RATIO, "the same, divided by the deviation of the losses alone")       \
    X(max_drawdown, BP__LOWEST, true, BP__RATIO, "greatest fall from a peak, as a share of that peak")       \
    X(calmar, BP__HIGHEST, true, BP__RATIO, "cagr divided by max_drawdown")                                  \
    X(trades, BP__LOWEST, true, BP__COUNT, "fills, delistings included")                                     \
    X(win_rate, BP__HIGHEST, false, BP__RATIO,                                                               \
      "share of the sessions, after the first, that ended with a gain")

/** A metric that is undefined is NaN. */
typedef struct bp__metrics {
#define X(name, best, is_default, kind, help) double name;
    BP__METRIC_MAP(X)
#undef X
} bp__metrics;

#define BP__NUM_METRICS (sizeof(bp__metrics) / sizeof(double))

typedef enum bp__best { BP__HIGHEST, BP__LOWEST } bp__best;
typedef enum bp__kind { BP__RATIO, BP__COUNT } bp__kind; /**< how tables show it: with decimals, or without */

typedef struct bp__metric {
    const char *name;
    const char *help;
    bp__best best;
    bool is_default; /**< a column unless the user chooses */
    bp__kind kind;
} bp__metric;

/** The i-th metric, i < BP__NUM_METRICS. */
const bp__metric *bp__metric_at(unsigned i);

/** Number of the metric of a name of `length` bytes. @return false: there is none */
bool bp__metric_find(const char *name, size_t length, unsigned *metric);

/** The names of all metrics, separated by ", ". @return `text` */
const char *bp__metric_names(char *text, size_t size);

/** Value of the i-th metric, i < BP__NUM_METRICS. */
double bp__metric_value(const bp__metrics *metrics, unsigned i);

/** All metrics of a run.
 *  @param[in] equity  [n] positive and finite, n >= 2: at each close
 *  @param[in] cash    before the first session, positive
 *  @param[in] num_trades  fills */
void bp__metrics_from(const double *equity, size_t n, double cash, int64_t num_trades, bp__metrics *metrics);

#endif
