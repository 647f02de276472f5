/* The metrics of docs/backtest.md: curves whose values are known, and random ones against measure.c. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/backtest/market.h"
#include "tests/backtest/measure.h"

#define CLOSE_TO(a, b) CU_ASSERT(fabs((a) - (double)(b)) <= 1e-12 * (1 + fabs((double)(b))))
#define LENGTH(a)      (sizeof(a) / sizeof *(a))

static const bp__terms USUAL = {.sessions_per_year = 252};

static bp__metrics of(const bp__record *record, bp__terms terms)
{
    bp__metrics x;
    bp__metrics_from(record, &terms, &x);
    return x;
}

static bp__metrics of_curve(const double *equity, size_t n, bp__terms terms)
{
    return of(&(bp__record){.equity = equity, .n = n, .cash = 100}, terms);
}

/* Known values ------------------------------------------------------------------------------------ */

/* numpy and scipy.stats say: r = [0.1, -0.1, 0.2, -0.25, 0.0]; std(ddof=1), skew(), kurtosis(), percentile(). */
static void test_shape(void)
{
    const double equity[] = {100, 110, 99, 118.8, 89.1, 89.1};
    const bp__metrics x = of_curve(equity, LENGTH(equity), USUAL);
    CLOSE_TO(x.volatility, 0.1746424919657298 * sqrt(252));
    CLOSE_TO(x.skew, -0.20779755923535634);
    CLOSE_TO(x.kurtosis, -1.1609110454178988);
    CLOSE_TO(x.tail_ratio, 0.18 / 0.22);
    CLOSE_TO(x.max_drawdown, 0.25);
    CU_ASSERT_EQUAL(x.longest_drawdown, 2);
    CU_ASSERT_EQUAL(x.win_rate, 0.4); /* a return of 0 is no gain */
}

static void test_longest_drawdown(void)
{
    const double equity[] = {100, 99, 100, 99, 98, 97, 101, 100};
    bp__metrics x = of_curve(equity, LENGTH(equity), USUAL);
    CU_ASSERT_EQUAL(x.longest_drawdown, 3); /* a close at the peak ends the first one */
    x = of_curve(equity, 5, USUAL);         /* one that lasts to the end counts */
    CU_ASSERT_EQUAL(x.longest_drawdown, 2);
    x = of_curve((double[]){90, 95, 96}, 3, USUAL);
    CU_ASSERT_EQUAL(x.longest_drawdown, 0);
    x = of_curve((double[]){90, 95, 96}, 3, (bp__terms){252, .first_return = true});
    CU_ASSERT_EQUAL(x.longest_drawdown, 3); /* the cash before is a peak */
    CLOSE_TO(x.max_drawdown, 0.1);
}

static void test_account(void)
{
    const double equity[] = {100, 110, 120, 110, 110};
    bp__record record = {.equity = equity,
                         .n = 5,
                         .cash = 100,
                         .trades = 7,
                         .traded = 440,
                         .costs = 1.5,
                         .closings = 4,
                         .gains = 30,
                         .losses = 20,
                         .held = 3};
    bp__metrics x = of(&record, (bp__terms){.sessions_per_year = 2});
    CU_ASSERT_EQUAL(x.trades, 7);
    CU_ASSERT_EQUAL(x.profit_factor, 1.5);
    CU_ASSERT_EQUAL(x.average_trade, 2.5);
    CU_ASSERT_EQUAL(x.exposure, 0.6);
    CU_ASSERT_EQUAL(x.turnover, 2); /* 440 over 110, in two years */
    CU_ASSERT_EQUAL(x.costs_paid, 1.5);
    record.losses = 0, record.gains = 8;
    x = of(&record, USUAL);
    CU_ASSERT(isnan(x.profit_factor));
    CU_ASSERT_EQUAL(x.average_trade, 2);
    record = (bp__record){.equity = equity, .n = 5, .cash = 100}; /* it never traded */
    x = of(&record, USUAL);
    CU_ASSERT(isnan(x.profit_factor) && isnan(x.average_trade));
    CU_ASSERT(x.exposure == 0 && x.turnover == 0 && x.costs_paid == 0);
}

/* The first session may have a return of its own: that of the first close over the cash. */
static void test_first_return(void)
{
    const double equity[] = {102, 101, 104}, r[] = {0.02, 101.0 / 102 - 1, 104.0 / 101 - 1};
    const bp__metrics without = of_curve(equity, 3, USUAL);
    const bp__metrics with = of_curve(equity, 3, (bp__terms){252, .first_return = true});
    const double mean = (r[0] + r[1] + r[2]) / 3;
    double squares = 0;
    for (int k = 0; k < 3; k++) squares += (r[k] - mean) * (r[k] - mean);
    CLOSE_TO(with.volatility, sqrt(squares / 2) * sqrt(252));
    CLOSE_TO(with.sharpe, mean / sqrt(squares / 2) * sqrt(252));
    CLOSE_TO(with.cagr, pow(1.04, 84) - 1);
    CLOSE_TO(without.cagr, pow(1.04, 126) - 1);
    CLOSE_TO(with.win_rate, 2.0 / 3);
    CLOSE_TO(without.win_rate, 0.5);
    CU_ASSERT_EQUAL(with.total_return, without.total_return);
}

static void test_sessions_per_year(void)
{
    const double equity[] = {100, 101, 99, 103};
    const bp__metrics x = of_curve(equity, 4, USUAL), y = of_curve(equity, 4, (bp__terms){365, false});
    CLOSE_TO(y.sharpe / x.sharpe, sqrt(365.0 / 252));
    CLOSE_TO(y.sortino / x.sortino, sqrt(365.0 / 252));
    CLOSE_TO(y.volatility / x.volatility, sqrt(365.0 / 252));
    CLOSE_TO(log1p(y.cagr) / log1p(x.cagr), 365.0 / 252);
    CLOSE_TO(y.calmar, y.cagr / y.max_drawdown);
}

/* Days from 1970-01-01 on, a Thursday: those of `week` whose bit is set, from Sunday at bit 0 on. */
static double per_year(int first_day, int days, unsigned week)
{
    int64_t day[400];
    size_t count = 0;
    for (int d = first_day; d < first_day + days; d++)
        if (week >> ((d % 7 + 7 + 4) % 7) & 1) day[count++] = d * BP_NS_PER_DAY;
    return bp__sessions_per_year(day, count);
}

static void test_calendars(void)
{
    enum { WEEKDAYS = 0x3e, SIX_DAYS = 0x7e, SUNDAY_TO_THURSDAY = 0x1f, ALL = 0x7f };
    for (int first = -400; first <= 400; first += 50) {
        CU_ASSERT_EQUAL(per_year(first, 365, ALL), 365);
        CU_ASSERT_EQUAL(per_year(first, 14, ALL), 365);
        CU_ASSERT_EQUAL(per_year(first, 365, WEEKDAYS), 252);
        CU_ASSERT_EQUAL(per_year(first, 365, SIX_DAYS), 252);
        CU_ASSERT_EQUAL(per_year(first, 365, SUNDAY_TO_THURSDAY), 252);
    }
}

static void test_undefined(void)
{
    bp__metrics x = of_curve((double[]){100, 100, 100}, 3, USUAL);
    CU_ASSERT_EQUAL(x.volatility, 0);
    CU_ASSERT(isnan(x.skew) && isnan(x.kurtosis) && isnan(x.tail_ratio) && isnan(x.sharpe));
    x = of_curve((double[]){100, 110}, 2, USUAL); /* one return */
    CU_ASSERT(isnan(x.volatility) && isnan(x.sharpe) && isnan(x.sortino));
    CU_ASSERT(isnan(x.skew) && isnan(x.kurtosis));
    CU_ASSERT_EQUAL(x.tail_ratio, 1);
}

/* Random curves ----------------------------------------------------------------------------------- */

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void differ(uint64_t seed, size_t n, const char *name, double a, double b)
{
    printf("\n    seed %llu, n %zu: %s is %.17g, not %.17g", (unsigned long long)seed, n, name, a, b);
    CU_FAIL("another value");
}

static void compare(uint64_t seed, const bp__record *record, const bp__terms *terms)
{
    bp__metrics x, y;
    double some[BP__NUM_METRICS];
    unsigned all[BP__NUM_METRICS];
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) all[i] = (unsigned)BP__NUM_METRICS - 1 - i;
    bp__metrics_from(record, terms, &x);
    bp__metrics_some(record, terms, all, BP__NUM_METRICS, some);
    measure(record, terms, &y);
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        const double a = bp__metric_value(&x, i), b = bp__metric_value(&y, i);
        if (!same(a, b)) differ(seed, record->n, bp__metric_at(i)->name, a, b);
        CU_ASSERT(same(a, some[BP__NUM_METRICS - 1 - i]));
    }
}

/* A step of a curve: mostly small, sometimes none, sometimes as large as a crash or a takeover. */
static double step(uint64_t *state)
{
    const double kind = random_next(state), x = random_next(state);
    if (kind < 0.2) return 1;
    if (kind < 0.25) return exp(20 * (x - 0.5));
    return exp(0.05 * (x - 0.5));
}

static void test_against_measure(void)
{
    enum { MOST = 160 }; /* measure() takes the third power of it */
    double equity[MOST];
    for (uint64_t seed = 1; seed <= 400; seed++) {
        uint64_t s = seed;
        const size_t n = seed <= 40 ? 1 + seed : 2 + (size_t)(random_next(&s) * (MOST - 2));
        double level = 1e6;
        for (size_t t = 0; t < n; t++) equity[t] = level *= step(&s);
        const bp__record record = {.equity = equity,
                                   .n = n,
                                   .cash = 1e6,
                                   .trades = (int64_t)n,
                                   .traded = 1e7 * random_next(&s),
                                   .costs = 1e3 * random_next(&s),
                                   .closings = (int64_t)(10 * random_next(&s)),
                                   .gains = 1e5 * random_next(&s),
                                   .losses = seed % 5 == 0 ? 0 : 1e5 * random_next(&s),
                                   .held = n / 2};
        compare(seed, &record, &USUAL);
        compare(seed, &record, &(bp__terms){.sessions_per_year = 365, .first_return = true});
    }
}

/* Percentiles of curves that are hard to divide: one value far away, values next to each other, steps that overflow. */
static void test_hard_percentiles(void)
{
    enum { N = 300 };
    double equity[N];
    for (int kind = 0; kind < 3; kind++) {
        for (int t = 0; t < N; t++) {
            equity[t] = 1 + (t % 7) * 0x1p-52;
            if (kind == 1) equity[t] = 1 + ldexp(1, -(t * 37 % 50)) * (t % 2 ? 1 : -0.5);
            if (kind == 2) equity[t] = t % 40 == 20 ? 1e-200 : t % 40 == 21 ? 1e200 : 1;
        }
        if (kind == 0) equity[N / 2] = 1e9;
        const bp__record record = {.equity = equity, .n = N, .cash = 1};
        bp__metrics x, y;
        bp__metrics_from(&record, &USUAL, &x);
        measure(&record, &USUAL, &y);
        CU_ASSERT(same(x.tail_ratio, y.tail_ratio));
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } TESTS[] = {
        {"volatility, skew, kurtosis, tails", test_shape},
        {"longest drawdown", test_longest_drawdown},
        {"what the account says", test_account},
        {"first return", test_first_return},
        {"sessions per year", test_sessions_per_year},
        {"calendars", test_calendars},
        {"undefined ones", test_undefined},
        {"random curves against a naive program", test_against_measure},
        {"percentiles of hard curves", test_hard_percentiles},
    };
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("metrics", NULL, NULL);
    for (size_t k = 0; suite && k < LENGTH(TESTS); k++)
        if (!CU_add_test(suite, TESTS[k].name, TESTS[k].function)) suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    bool failed = !suite || CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed;
}
