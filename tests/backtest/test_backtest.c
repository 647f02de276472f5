/* The rules of docs/backtest.md: by hand, one by one, and at random against a naive second program. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/backtest.h"
#include "tests/backtest/market.h"
#include "tests/backtest/naive.h"

#define MAX_SESSIONS   64
#define NUM_NAIVE      4 /* strategies that the naive program has */
#define NAIVE_METRICS  8 /* metrics that it measures */
#define NONE           NAN
#define CLOSE_TO(a, b) CU_ASSERT(fabs((a) - (double)(b)) <= 1e-12 * (1 + fabs((double)(b))))

typedef struct result {
    bp_status status;
    bp__metrics metrics;
    double equity[MAX_SESSIONS];
} result;

static const bp__account THOUSAND = {.cash = 1000, .max_leverage = 1};
static const bp__terms TERMS = {.sessions_per_year = 252};

/* Run over a part of the market; `from`, `to`: sessions. */
static result run_range(const market *m, const char *strategy, const double *params, bp__account account,
                        const char *const *symbols, size_t from, size_t to)
{
    result r = {.status = BP_EINVAL};
    const bp_bundle *bundle = market_bundle(m);
    const bp_strategy *s = NULL;
    bp__scope *scope = NULL;
    bp__workspace *ws = NULL;
    CU_ASSERT_EQUAL_FATAL(bp__builtin_find(strategy, &s), BP_OK);
    CU_ASSERT_PTR_NULL_FATAL(bp__strategy_check(s, params));
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, symbols, market_day(from), market_day(to), 1, &scope),
                          BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__scope_num_sessions(scope), to - from + 1);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &ws), BP_OK);
    if (account.max_leverage == 0) account.max_leverage = 1;
    bp__record record;
    r.status = bp__backtest_run(ws, s, params, &account, NULL, &record);
    if (r.status == BP_OK) {
        bp__metrics_from(&record, &TERMS, &r.metrics);
        memcpy(r.equity, record.equity, record.n * sizeof *r.equity);
    }
    bp__workspace_destroy(&ws);
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    return r;
}

static result run(const market *m, const char *strategy, const double *params, bp__account account)
{
    return run_range(m, strategy, params, account, NULL, 0, m->sessions - 1);
}

static result hold(const market *m, bp__account account)
{
    return run(m, "buy_and_hold", (double[1]){0}, account);
}

/* Give an asset prices from session 0 on, open and close alike. */
static void flat_prices(market *m, size_t asset, size_t count, const double *prices)
{
    market_prices(m, asset, 0, count, prices, prices);
}

/* Orders, fills, costs -------------------------------------------------------------------------- */

static void test_fill_at_next_open(void)
{
    market m = market_create(2, 4);
    market_prices(&m, 0, 0, 4, (double[]){9, 11, 12, 13}, (double[]){10, 12, 12, 14});
    market_prices(&m, 1, 0, 4, (double[]){3, 3, 4, 4}, (double[]){3, 4, 4, 5});
    result r = hold(&m, THOUSAND);
    /* targets floor(500 / 10) and floor(500 / 3); 50 * 11 and then 166 * 3 = 498, cut to floor(450 / 3) */
    CLOSE_TO(r.equity[0], 1000);
    CLOSE_TO(r.equity[1], 0 + 50 * 12 + 150 * 4);
    CLOSE_TO(r.equity[3], 0 + 50 * 14 + 150 * 5);
    CU_ASSERT_EQUAL(r.metrics.trades, 2);
    market_destroy(&m);
}

static void test_cut_buy_is_done(void)
{
    market m = market_create(1, 4);
    market_prices(&m, 0, 0, 4, (double[]){10, 30, 10, 10}, (double[]){10, 10, 10, 10});
    result r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[1], 1000 - 33 * 30 + 33 * 10);
    CLOSE_TO(r.equity[3], 10 + 330); /* the remainder is not tried again */
    CU_ASSERT_EQUAL(r.metrics.trades, 1);
    m.open[1] = 1001; /* not even one share: the order is dropped, and there is no trade */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[3], 1000);
    CU_ASSERT_EQUAL(r.metrics.trades, 0);
    market_destroy(&m);
}

/* Where cash / price rounds up to a whole number that the cash does not pay: one share less. */
static void test_cut_buy_never_overdraws(void)
{
    market m = market_create(1, 3);
    int found = 0;
    for (int k = 1; k < 20000 && found < 5; k++) {
        const double price = 0.001 * k, q = 1e6 + k, cash = nextafter(q * price, 0);
        if (floor(cash / price) * price <= cash) continue;
        found++;
        market_prices(&m, 0, 0, 3, (double[]){price, price, price}, (double[]){price / 2, price, 2 * price});
        result r = hold(&m, (bp__account){.cash = cash});
        CU_ASSERT_EQUAL(r.equity[2], (cash - (q - 1) * price) + (q - 1) * (2 * price));
    }
    CU_ASSERT_EQUAL(found, 5);
    market_destroy(&m);
}

static void test_costs(void)
{
    market m = market_create(1, 4);
    flat_prices(&m, 0, 4, (double[]){10, 10, 10, 10});
    bp__account account = {.cash = 1000, .commission_bps = 100, .slippage_bps = 200};
    /* a share costs 10.2 and 0.102 commission: 97 of them */
    result r = hold(&m, account);
    CLOSE_TO(r.equity[1], 1000 - 97 * (10.2 + 0.102) + 97 * 10);
    m.life_end[0] = 2; /* sold at 9.8, less 1 % of that */
    r = hold(&m, account);
    CLOSE_TO(r.equity[2], 1000 - 97 * (10.2 + 0.102) + 97 * (9.8 - 0.098));
    CLOSE_TO(r.equity[3], r.equity[2]);
    CU_ASSERT_EQUAL(r.metrics.trades, 2);
    market_destroy(&m);
}

static void test_waiting_order(void)
{
    market m = market_create(1, 5);
    market_prices(&m, 0, 0, 5, (double[]){10, NONE, NONE, 8, 8}, (double[]){10, 10, 10, 8, 9});
    result r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[2], 1000);
    CLOSE_TO(r.equity[3], 1000); /* 100 shares for 8 */
    CLOSE_TO(r.equity[4], 200 + 100 * 9);
    market_split(&m, 0, market_day(2), 0.5); /* the target follows the split: 200 shares, cut to 125 */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[4], 125 * 9);
    m.life_end[0] = 2; /* cancelled */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[4], 1000);
    CU_ASSERT_EQUAL(r.metrics.trades, 0);
    market_destroy(&m);
}

static void test_replaced_order(void)
{
    /* each session the best of the last step: A, then B, for good */
    market m = market_create(2, 6);
    market_prices(&m, 0, 0, 6, (double[]){10, 20, NONE, 20, 20, 20}, (double[]){10, 20, 20, 20, 20, 20});
    market_prices(&m, 1, 0, 6, (double[]){10, 10, 12, 15, 18, 20}, (double[]){10, 10, 12, 15, 18, 20});
    result r = run_range(&m, "momentum", (double[]){1, 1, 1}, THOUSAND, NULL, 1, 5);
    CLOSE_TO(r.equity[1], 1000);                     /* A could not be bought */
    CLOSE_TO(r.equity[2], 1000 - 66 * 15 + 66 * 15); /* floor(1000 / 12) = 83 of B, cut to 66; none of A */
    /* at session 3 again: floor(1000 / 15) = 66, nothing to do; B gains most to the end */
    CLOSE_TO(r.equity[4], 10 + 66 * 20);
    CU_ASSERT_EQUAL(r.metrics.trades, 1);
    market_destroy(&m);
}

static void test_sales_before_buys(void)
{
    /* A by its sid comes first, but B is sold before A is bought */
    market m = market_create(2, 5);
    flat_prices(&m, 0, 5, (double[]){10, 10, 20, 20, 30});
    flat_prices(&m, 1, 5, (double[]){10, 20, 20, 20, 20});
    result r = run_range(&m, "momentum", (double[]){1, 1, 1}, THOUSAND, NULL, 1, 4);
    CLOSE_TO(r.equity[1], 1000);
    CLOSE_TO(r.equity[3], 1500);
    CU_ASSERT_EQUAL(r.metrics.trades, 3);
    market_destroy(&m);
}

/* Splits, dividends, delistings ----------------------------------------------------------------- */

/* Makes days sessions on which no other asset trades: it has opens, and is never bought. */
static void keep_sessions(market *m, size_t asset)
{
    for (size_t s = 0; s < m->sessions; s++) market_prices(m, asset, s, 1, (double[]){1}, (double[]){NONE});
}

static void test_split(void)
{
    market m = market_create(2, 4);
    flat_prices(&m, 0, 4, (double[]){10, 10, 3.3, 3});
    keep_sessions(&m, 1);
    market_split(&m, 0, market_day(2), 0.3); /* 333 shares and a third, for which 10 * 0.3 is paid */
    result r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[1], 1000);
    CLOSE_TO(r.equity[2], 1 + 333 * 3.3);
    m.split[0].value = 1.0 / 7; /* 700 but for the rounding of 1/7 */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[2], 700 * 3.3);
    m.split[0].value = 0.142857; /* as files have it */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[2], 700 * 3.3);
    m.close[2] = m.open[2] = NONE; /* the mark follows the split where there is no close */
    m.split[0].value = 0.25;
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[2], 400 * 2.5);
    market_split(&m, 0, market_day(2), 2); /* two at once */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[2], 200 * 5);
    m.split[1].value = 1000; /* a reverse split that leaves nothing but cash: 0.4 * 2500 */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[3], 1000);
    market_destroy(&m);
}

static void test_split_is_no_signal(void)
{
    market m = market_create(2, 5);
    flat_prices(&m, 0, 5, (double[]){10, 11, 24, 26, 28}); /* a reverse split, not a gain */
    flat_prices(&m, 1, 5, (double[]){10, 11, 13, 14, 15});
    market_split(&m, 0, market_day(2), 2);
    result r = run_range(&m, "momentum", (double[]){1, 1, 5}, THOUSAND, NULL, 2, 4);
    CLOSE_TO(r.equity[2], 1000 - 71 * 14 + 71 * 15); /* B: 13 / 11 is more than 12 / 11 */
    market_destroy(&m);
}

static void test_dividend(void)
{
    market m = market_create(1, 8);
    flat_prices(&m, 0, 8, (double[]){10, 10, 10, 10, 10, 10, 10, 10});
    market_dividend(&m, 0, market_day(1), 5);                    /* bought only at this open: nothing */
    market_dividend(&m, 0, market_day(4) + BP_NS_PER_DAY, 0.25); /* a Saturday: paid at session 5 */
    market_dividend(&m, 0, market_day(6), 0.5);                  /* for the shares after the split */
    market_dividend(&m, 0, market_day(7) + BP_NS_PER_DAY, 100);  /* after the last session: never */
    market_split(&m, 0, market_day(6), 2);
    result r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[4], 1000);
    CLOSE_TO(r.equity[5], 1025);
    CLOSE_TO(r.equity[6], 1025 + 0.5 * 50 + 50 * 10 - 1000);
    market_destroy(&m);
}

static void test_delisting(void)
{
    market m = market_create(2, 6);
    flat_prices(&m, 0, 3, (double[]){10, 10, NONE});
    m.life_end[0] = 2; /* no close on its last day: sold at that of the day before */
    flat_prices(&m, 1, 6, (double[]){10, 10, 20, 20, 20, 30});
    result r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[2], 500 + 50 * 20);
    CLOSE_TO(r.equity[5], 500 + 50 * 30); /* no decision: the cash is not put into B */
    CU_ASSERT_EQUAL(r.metrics.trades, 3);
    m.life_end[0] = 1; /* bought and sold on the same day */
    r = hold(&m, THOUSAND);
    CU_ASSERT_EQUAL(r.metrics.trades, 3);
    m.life_end[0] = 0; /* never signalled: B gets it all */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[5], 3000);
    m.life_end[0] = 5; /* the bundle's last session: no delisting, valued at its mark */
    r = hold(&m, THOUSAND);
    CLOSE_TO(r.equity[5], 50 * 10 + 50 * 30);
    CU_ASSERT_EQUAL(r.metrics.trades, 2);
    market_destroy(&m);
}

/* Strategies ------------------------------------------------------------------------------------ */

static void test_sma_cross(void)
{
    market m = market_create(1, 8);
    /* averages of 1 and 2: above after 2, 3; below after 5; equal (not above) never to start with */
    flat_prices(&m, 0, 8, (double[]){10, 10, 12, 14, 14, 7, 7, 7});
    result r = run(&m, "sma_cross", (double[]){1, 2}, THOUSAND);
    CLOSE_TO(r.equity[2], 1000);
    CLOSE_TO(r.equity[3], 1000); /* 83 cut to 71 at 14; at session 4 the averages are equal: sold at 5 */
    CLOSE_TO(r.equity[4], 1000);
    CLOSE_TO(r.equity[5], 6 + 71 * 7);
    CU_ASSERT_EQUAL(r.metrics.trades, 2);
    market_destroy(&m);
}

static void test_look_back(void)
{
    market m = market_create(2, 6);
    flat_prices(&m, 0, 6, (double[]){10, 11, 12, NONE, 13, 14});
    keep_sessions(&m, 1);
    /* signalled at the first session by what was before, although it has no close there; marked at 12 */
    result r = run_range(&m, "sma_cross", (double[]){1, 3}, THOUSAND, NULL, 3, 5);
    CLOSE_TO(r.equity[2], 1000 - 76 * 13 + 76 * 14);
    /* buy_and_hold needs the close */
    r = run_range(&m, "buy_and_hold", NULL, THOUSAND, NULL, 3, 5);
    CLOSE_TO(r.equity[2], 1000);
    market_destroy(&m);
}

static void test_mean_reversion(void)
{
    market m = market_create(1, 8);
    const double params[] = {3, 1, 0};
    flat_prices(&m, 0, 8, (double[]){10, 10, 10, 5, 5, 5, 8, 8});
    /* session 2: sd is 0; 3: z = -1.15, in; 4: -0.58; 5: sd is 0; 6: 1.15, out at the open of 7 */
    result r = run(&m, "mean_reversion", params, THOUSAND);
    CLOSE_TO(r.equity[6], 200 * 8);
    CLOSE_TO(r.equity[7], 1600);
    CU_ASSERT_EQUAL(r.metrics.trades, 2);
    /* it is flat before the range, whatever was before */
    r = run_range(&m, "mean_reversion", params, THOUSAND, NULL, 4, 7);
    CLOSE_TO(r.equity[3], 1000);
    CU_ASSERT_EQUAL(r.metrics.trades, 0);
    market_destroy(&m);
}

static void test_momentum_ties(void)
{
    market m = market_create(3, 4);
    flat_prices(&m, 0, 4, (double[]){10, 11, 11, 11});
    flat_prices(&m, 1, 4, (double[]){10, 20, 20, 40});
    flat_prices(&m, 2, 4, (double[]){10, 20, 20, 10});
    result r = run_range(&m, "momentum", (double[]){1, 1, 5}, THOUSAND, NULL, 1, 3);
    CLOSE_TO(r.equity[2], 2000); /* B and C tie: B */
    r = run_range(&m, "momentum", (double[]){1, 2, 5}, THOUSAND, NULL, 1, 3);
    CLOSE_TO(r.equity[2], 25 * 40 + 25 * 10);
    market_destroy(&m);
}

static void test_momentum_rebalances(void)
{
    /* the same set each time, yet equal weights are restored */
    market m = market_create(2, 6);
    flat_prices(&m, 0, 6, (double[]){10, 11, 11, 33, 33, 33});
    flat_prices(&m, 1, 6, (double[]){10, 11, 11, 11, 11, 11});
    result r = run_range(&m, "momentum", (double[]){1, 2, 2}, (bp__account){.cash = 2200}, NULL, 1, 5);
    /* 100 each; at session 3 equity is 4400: 66 and 200 */
    CLOSE_TO(r.equity[4], 4400 - 66 * 33 - 200 * 11 + 66 * 33 + 200 * 11);
    CU_ASSERT_EQUAL(r.metrics.trades, 4);
    market_destroy(&m);
}

static void test_strategy_table(void)
{
    static const char *const NAMES[] = {"sma_cross", "momentum",           "mean_reversion", "buy_and_hold",
                                        "rsi",       "inverse_volatility", "pairs"};
    static const size_t COUNTS[] = {2, 3, 3, 0, 3, 2, 4};
    for (unsigned i = 0; i < 7; i++) {
        const bp_strategy *s = bp__builtin_at(i), *found = NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_STRING_EQUAL(s->name, NAMES[i]);
        CU_ASSERT(strlen(s->help) > 10);
        CU_ASSERT_EQUAL(bp__builtin_find(NAMES[i], &found), BP_OK);
        CU_ASSERT_PTR_EQUAL(found, s);
        const bp_param *p = s->param;
        CU_ASSERT_EQUAL(s->num_params, COUNTS[i]);
        double fallback[BP__MAX_PARAMS];
        for (size_t k = 0; k < s->num_params; k++) {
            fallback[k] = p[k].fallback;
            CU_ASSERT(p[k].kind == BP_PARAM_WORD || (p[k].min <= p[k].fallback && p[k].fallback <= p[k].max));
            CU_ASSERT(p[k].name && p[k].help);
        }
        CU_ASSERT_PTR_NULL(bp__strategy_check(s, fallback));
    }
    CU_ASSERT_PTR_NULL(bp__builtin_at(7));
    const bp_strategy *s;
    CU_ASSERT_EQUAL(bp__builtin_find("sma", &s), BP_ENOTFOUND);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "sma_cross, momentum, mean_reversion, buy_and_hold"));
    CU_ASSERT_EQUAL(bp__builtin_find("sma_cross", &s), BP_OK);
    CU_ASSERT_STRING_EQUAL(bp__strategy_check(s, (double[]){50, 50}), "fast must be less than slow");
    CU_ASSERT_EQUAL(bp__builtin_find("mean_reversion", &s), BP_OK);
    CU_ASSERT_STRING_EQUAL(bp__strategy_check(s, (double[]){20, 1, 1}), "exit must be less than entry");
}

/* Metrics --------------------------------------------------------------------------------------- */

static void test_metrics(void)
{
    market m = market_create(1, 5);
    flat_prices(&m, 0, 5, (double[]){10, 10, 12, 9, 11});
    result r = hold(&m, THOUSAND);
    const double x[] = {0, 0.2, -0.25, 11.0 / 9 - 1};
    double mean = (x[0] + x[1] + x[2] + x[3]) / 4, squares = 0;
    for (int k = 0; k < 4; k++) squares += (x[k] - mean) * (x[k] - mean);
    CLOSE_TO(r.metrics.total_return, 0.1);
    CLOSE_TO(r.metrics.cagr, pow(1.1, 63) - 1);
    CLOSE_TO(r.metrics.sharpe, mean / sqrt(squares / 3) * sqrt(252));
    CLOSE_TO(r.metrics.sortino, mean / sqrt(0.0625 / 3) * sqrt(252));
    CLOSE_TO(r.metrics.max_drawdown, 0.25);
    CLOSE_TO(r.metrics.calmar, (pow(1.1, 63) - 1) / 0.25);
    CU_ASSERT_EQUAL(r.metrics.win_rate, 0.5); /* a gain of 0 does not count as one */
    market_destroy(&m);
}

static void test_undefined_metrics(void)
{
    market m = market_create(1, 4);
    flat_prices(&m, 0, 4, (double[]){10, 10, 11, 13});
    result r = run(&m, "sma_cross", (double[]){20, 50}, THOUSAND); /* no trades */
    CU_ASSERT_EQUAL(r.status, BP_OK);
    CU_ASSERT_EQUAL(r.metrics.total_return, 0);
    CU_ASSERT_EQUAL(r.metrics.cagr, 0);
    CU_ASSERT_EQUAL(r.metrics.max_drawdown, 0);
    CU_ASSERT(isnan(r.metrics.sharpe) && isnan(r.metrics.sortino) && isnan(r.metrics.calmar));
    r = hold(&m, THOUSAND); /* gains only */
    CU_ASSERT(r.metrics.sharpe > 0 && isnan(r.metrics.sortino) && isnan(r.metrics.calmar));
    r = run_range(&m, "buy_and_hold", NULL, THOUSAND, NULL, 0, 1); /* one return */
    CU_ASSERT(isnan(r.metrics.sharpe) && isnan(r.metrics.sortino));
    market_destroy(&m);
}

static void test_metric_list(void)
{
    static const char *const columns[] = {"total_return", "cagr",   "sharpe", "sortino",
                                          "max_drawdown", "calmar", "trades"};
    bp__metrics x;
    unsigned defaults = 0, found;
    char names[512];
    CU_ASSERT(strstr(bp__metric_names(names, sizeof names), "total_return, cagr, ") == names);
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        const bp__metric *m = bp__metric_at(i);
        const double value = i + 0.5;
        memcpy((char *)&x + i * sizeof value, &value, sizeof value);
        CU_ASSERT_EQUAL(bp__metric_value(&x, i), value);
        CU_ASSERT(bp__metric_find(m->name, strlen(m->name), &found) && found == i);
        CU_ASSERT_FALSE(bp__metric_find(m->name, strlen(m->name) - 1, &found));
        CU_ASSERT(strstr(names, m->name) != NULL);
        CU_ASSERT(*m->help != '\0');
        if (!m->is_default) continue;
        CU_ASSERT_FATAL(defaults < 7);
        CU_ASSERT_STRING_EQUAL(m->name, columns[defaults++]);
    }
    CU_ASSERT_EQUAL(defaults, 7);
    CU_ASSERT(x.total_return == 0.5 && x.max_drawdown == 4.5 && x.win_rate == 7.5);
    CU_ASSERT(bp__metric_find("max_drawdown", 12, &found) && bp__metric_at(found)->best == BP__LOWEST);
    CU_ASSERT(bp__metric_find("sharpe", 6, &found) && bp__metric_at(found)->best == BP__HIGHEST);
}

/* Sessions, rounding --------------------------------------------------------------------------- */

static void test_sessions_are_of_the_selected(void)
{
    market m = market_create(2, 6), alone = market_create(1, 4);
    /* A pauses on two days on which B trades: its weekend */
    flat_prices(&m, 0, 6, (double[]){10, 11, NONE, NONE, 12, 13});
    flat_prices(&m, 1, 6, (double[]){5, 5, 5, 5, 5, 5});
    flat_prices(&alone, 0, 4, (double[]){10, 11, 12, 13});
    m.life_end[0] = 5;
    const bp_bundle *bundle = market_bundle(&m);
    bp__scope *scope;
    CU_ASSERT_EQUAL_FATAL(
        bp__scope_create(bundle, (const char *[]){"A", NULL}, BP_TIME_MISSING, BP_TIME_MISSING, 1, &scope),
        BP_OK);
    CU_ASSERT_EQUAL(bp__scope_num_sessions(scope), 4);
    CU_ASSERT_EQUAL(bp__scope_session(scope, 2), market_day(4));
    bp__workspace *ws;
    const bp_strategy *s;
    bp__record record;
    bp__metrics metrics;
    const bp__account account = THOUSAND;
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &ws), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__builtin_find("buy_and_hold", &s), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__backtest_run(ws, s, NULL, &account, NULL, &record), BP_OK);
    bp__metrics_from(&record, &TERMS, &metrics);
    result r = hold(&alone, THOUSAND);
    CU_ASSERT_EQUAL(record.n, 4);
    CU_ASSERT_EQUAL(memcmp(record.equity, r.equity, 4 * sizeof *r.equity), 0);
    CU_ASSERT_EQUAL(memcmp(&metrics, &r.metrics, sizeof metrics), 0);
    bp__workspace_destroy(&ws);
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    market_destroy(&m);
    market_destroy(&alone);
}

static void test_delisted_after(void)
{
    market m = market_create(2, 6);
    flat_prices(&m, 0, 6, (double[]){10, 10, 10, 10, NONE, NONE});
    flat_prices(&m, 1, 6, (double[]){5, 5, 5, 5, 5, 5});
    m.life_end[0] = 3;
    const bp_bundle *bundle = market_bundle(&m);
    static const struct {
        uint32_t after;
        size_t delisted;
    } CASES[] = {{1, 1}, {2, 1}, {3, 0}, {0, 0}};
    for (size_t k = 0; k < 4; k++) {
        bp__scope *scope;
        int32_t t;
        CU_ASSERT_EQUAL_FATAL(
            bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, CASES[k].after, &scope), BP_OK);
        CU_ASSERT_EQUAL(bp__scope_num_delisted(scope), CASES[k].delisted);
        if (CASES[k].delisted) CU_ASSERT(bp__scope_delisted(scope, 0, &t) == 0 && t == 3);
        bp__scope_destroy(&scope);
    }
    bp_bundle_release(&bundle);
    market_destroy(&m);
}

/* A price that never changes is no signal, whatever it is, and whatever the windows are. */
static void test_rounding_is_no_signal(void)
{
    static const double PRICES[] = {10.1, 20, 0.1, 1.1, 99.99, 1e-5, 123456.789, 3, 1e9 + 0.1};
    for (size_t p = 0; p < sizeof PRICES / sizeof *PRICES; p++) {
        market m = market_create(2, MAX_SESSIONS);
        for (size_t s = 0; s < MAX_SESSIONS; s++)
            for (size_t i = 0; i < 2; i++) market_prices(&m, i, s, 1, &PRICES[p], &PRICES[p]);
        for (int k = 2; k <= 31; k++) {
            CU_ASSERT_EQUAL(run(&m, "sma_cross", (double[]){k - 1, k}, THOUSAND).metrics.trades, 0);
            CU_ASSERT_EQUAL(run(&m, "sma_cross", (double[]){k, 40}, THOUSAND).metrics.trades, 0);
            CU_ASSERT_EQUAL(run(&m, "mean_reversion", (double[]){k, 0.01, -900}, THOUSAND).metrics.trades, 0);
            CU_ASSERT_EQUAL(run(&m, "rsi", (double[]){k, 99, 100}, THOUSAND).metrics.trades, 0);
            CU_ASSERT_EQUAL(run(&m, "inverse_volatility", (double[]){k, 1}, THOUSAND).metrics.trades, 0);
            CU_ASSERT_EQUAL(run(&m, "pairs", (double[]){k, 0.01, 0, 0}, THOUSAND).metrics.trades, 0);
        }
        market_destroy(&m);
    }
}

/* Scopes and bad input -------------------------------------------------------------------------- */

static void test_selection(void)
{
    market m = market_create(3, 4);
    for (size_t i = 0; i < 3; i++) flat_prices(&m, i, 4, (double[]){10, 10, 10, 10.0 * (double)(i + 1)});
    result r = run_range(&m, "buy_and_hold", NULL, THOUSAND, (const char *[]){"C", "A", "C", NULL}, 0, 3);
    CLOSE_TO(r.equity[3], 50 * 10 + 50 * 30);
    market_destroy(&m);
}

static void scope_fails(const market *m, const char *const *symbols, int64_t start, int64_t end,
                        bp_status expected, const char *text)
{
    const bp_bundle *bundle = market_bundle(m);
    bp__scope *scope;
    CU_ASSERT_EQUAL(bp__scope_create(bundle, symbols, start, end, 1, &scope), expected);
    CU_ASSERT_PTR_NULL(scope);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), text));
    bp_bundle_release(&bundle);
}

static void test_bad_scopes(void)
{
    const int64_t any = BP_TIME_MISSING;
    market m = market_create(2, 10), empty = market_create(0, 0), blank = market_create(1, 10);
    for (size_t s = 0; s < 10; s++) market_prices(&m, 0, s, 1, (double[]){10}, (double[]){10});
    scope_fails(&m, (const char *[]){"A", "XYZ", NULL}, any, any, BP_ENOTFOUND, "'XYZ'");
    scope_fails(&m, (const char *[]){NULL}, any, any, BP_EINVAL, "symbols");
    scope_fails(&m, NULL, market_day(10), any, BP_ERANGE,
                "no session, at least two are needed; the selected assets have 2019-04-");
    scope_fails(&m, NULL, any, market_day(0) - 1, BP_ERANGE, "no session");
    scope_fails(&m, NULL, market_day(5), market_day(4), BP_ERANGE, "no session");
    scope_fails(&m, NULL, market_day(4) + BP_NS_PER_DAY, market_day(5), BP_ERANGE, "one session");
    scope_fails(&m, NULL, market_day(9), INT64_MAX, BP_ERANGE, "one session");
    scope_fails(&empty, NULL, any, any, BP_ERANGE, "no sessions");
    scope_fails(&blank, NULL, any, any, BP_ERANGE, "the selected assets have no prices");
    market_destroy(&m);
    market_destroy(&empty);
    market_destroy(&blank);
}

static void test_range_between_sessions(void)
{
    market m = market_create(1, 12);
    for (size_t s = 0; s < 12; s++) market_prices(&m, 0, s, 1, (double[]){10}, (double[]){10});
    const bp_bundle *bundle = market_bundle(&m);
    bp__scope *scope;
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, market_day(4) + 1, INT64_MAX, 1, &scope), BP_OK);
    CU_ASSERT_EQUAL(bp__scope_num_sessions(scope), 7);
    CU_ASSERT_EQUAL(bp__scope_num_assets(scope), 1);
    CU_ASSERT_EQUAL(bp__scope_first_session(scope), market_day(5));
    CU_ASSERT_EQUAL(bp__scope_last_session(scope), market_day(11));
    bp__scope_destroy(&scope);
    CU_ASSERT_PTR_NULL(scope);
    bp_bundle_release(&bundle);
    market_destroy(&m);
}

static void test_bad_accounts(void)
{
    market m = market_create(1, 4);
    flat_prices(&m, 0, 4, (double[]){10, 10, 1e200, 1e200});
    const bp__account bad[] = {{.cash = 0},
                               {.cash = NAN},
                               {.cash = INFINITY},
                               {.cash = 1, .commission_bps = -1},
                               {.cash = 1, .slippage_bps = 10000}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) CU_ASSERT_EQUAL(hold(&m, bad[k]).status, BP_EINVAL);
    result r = hold(&m, (bp__account){.cash = 1e200});
    CU_ASSERT_EQUAL(r.status, BP_ERANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "session 2019-04-16: equity is inf"));
    market_destroy(&m);
}

/* At random ------------------------------------------------------------------------------------- */

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static size_t pick(uint64_t *seed, size_t from, size_t to)
{
    return from + (size_t)(random_next(seed) * (double)(to - from + 1));
}

static void random_params(uint64_t *seed, const char *strategy, double params[3])
{
    if (strcmp(strategy, "sma_cross") == 0) {
        params[0] = (double)pick(seed, 1, 5);
        params[1] = params[0] + (double)pick(seed, 1, 10);
    } else if (strcmp(strategy, "momentum") == 0) {
        params[0] = (double)pick(seed, 1, 12);
        params[1] = (double)pick(seed, 1, 8);
        params[2] = (double)pick(seed, 1, 6);
    } else if (strcmp(strategy, "mean_reversion") == 0) {
        params[0] = (double)pick(seed, 2, 12);
        params[1] = random_next(seed) * 1.5;
        params[2] = params[1] - 0.01 - random_next(seed) * 1.5;
    }
}

static void ignore(void *context, const bp__entry *entry)
{
    (void)context, (void)entry;
}

/* One strategy, by both accounts (a ledger is kept by the one with all options only), against the naive program: equal
 * to the last bit. @return how many trades */
static int64_t compare_strategy(uint64_t seed, uint64_t *s, unsigned k, const bp_bundle *bundle, int64_t from,
                                int64_t to, const bool *selected, const bp__account *account,
                                bp__workspace *ws)
{
    const bp__ledger ledger = {.entry = ignore};
    const bp_strategy *strategy = bp__builtin_at(k);
    double params[BP__MAX_PARAMS] = {0}, equity[MAX_SESSIONS], expected[MAX_SESSIONS];
    bp__record plain, full;
    bp__metrics x, y, z;
    random_params(s, strategy->name, params);
    CU_ASSERT_EQUAL_FATAL(bp__backtest_run(ws, strategy, params, account, NULL, &plain), BP_OK);
    bp__metrics_from(&plain, &TERMS, &x);
    memcpy(equity, plain.equity, plain.n * sizeof *equity);
    CU_ASSERT_EQUAL_FATAL(bp__backtest_run(ws, strategy, params, account, &ledger, &full), BP_OK);
    bp__metrics_from(&full, &TERMS, &z);
    naive_run(bundle, from, to, selected, strategy->name, params, account, &y, expected);
    const bool curves_equal = memcmp(equity, expected, plain.n * sizeof *equity) == 0 &&
                              memcmp(equity, full.equity, plain.n * sizeof *equity) == 0;
    bool equal = curves_equal;
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        const double value = bp__metric_value(&x, i);
        equal = equal && same(value, bp__metric_value(&z, i));
        if (i < NAIVE_METRICS) equal = equal && same(value, bp__metric_value(&y, i));
    }
    if (!equal) printf("\n    seed %llu, %s differs", (unsigned long long)seed, strategy->name);
    CU_ASSERT(equal);
    return plain.trades;
}

/* One random market, every strategy. */
static int64_t compare(uint64_t seed)
{
    uint64_t s = seed * 7919 + 1;
    size_t assets = pick(&s, 1, random_next(&s) < 0.1 ? 140 : 12), sessions = pick(&s, 2, MAX_SESSIONS);
    market m = market_random(seed, assets, sessions);
    const bp_bundle *bundle = market_bundle(&m);
    bool *selected = calloc(assets, sizeof *selected);
    const char **symbols = calloc(assets + 1, sizeof *symbols);
    CU_ASSERT_FATAL(selected && symbols);
    size_t chosen = 0;
    for (size_t i = 0; i < assets; i++) {
        selected[i] = i == 0 || random_next(&s) < 0.8;
        if (selected[i]) symbols[chosen++] = bp_bundle_symbol(bundle, i);
    }
    size_t first = random_next(&s) < 0.5 ? 0 : pick(&s, 0, sessions - 2),
           last = pick(&s, first + 1, sessions - 1);
    bp__account account = bp__account_init();
    account.cash = pow(10, 2 + 5 * random_next(&s));
    if (random_next(&s) < 0.6) account.commission_bps = 50 * random_next(&s);
    if (random_next(&s) < 0.6) account.slippage_bps = 50 * random_next(&s);

    bp__scope *scope = NULL;
    bp__workspace *ws;
    int64_t trades = 0;
    const int64_t from = market_day(first), to = market_day(last);
    bp_status made = bp__scope_create(bundle, symbols, from, to, 1, &scope);
    CU_ASSERT_FATAL(made == BP_OK || made == BP_ERANGE); /* chosen assets may have but one session */
    if (made == BP_OK) {
        CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &ws), BP_OK);
        for (unsigned k = 0; k < NUM_NAIVE; k++)
            trades += compare_strategy(seed, &s, k, bundle, from, to, selected, &account, ws);
        bp__workspace_destroy(&ws);
    }
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    market_destroy(&m);
    free(selected);
    free(symbols);
    return trades;
}

static void test_against_naive(void)
{
    int64_t trades = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) trades += compare(seed);
    CU_ASSERT(trades > 20000); /* the markets are not empty */
}

int main(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } TESTS[] = {
        {"orders fill at the next open", test_fill_at_next_open},
        {"a cut buy is done", test_cut_buy_is_done},
        {"a cut buy never overdraws", test_cut_buy_never_overdraws},
        {"costs", test_costs},
        {"a missing open makes an order wait", test_waiting_order},
        {"a decision replaces orders", test_replaced_order},
        {"sales come before buys", test_sales_before_buys},
        {"splits, cash in lieu", test_split},
        {"a split is no signal", test_split_is_no_signal},
        {"dividends", test_dividend},
        {"delistings", test_delisting},
        {"sma_cross", test_sma_cross},
        {"look-back before start", test_look_back},
        {"mean_reversion", test_mean_reversion},
        {"momentum: ties", test_momentum_ties},
        {"momentum: rebalancing", test_momentum_rebalances},
        {"table of strategies, skipped combinations", test_strategy_table},
        {"metrics", test_metrics},
        {"undefined metrics", test_undefined_metrics},
        {"list of metrics", test_metric_list},
        {"sessions are those of the selected assets", test_sessions_are_of_the_selected},
        {"delisted after so many sessions", test_delisted_after},
        {"rounding is no signal", test_rounding_is_no_signal},
        {"selection by symbol", test_selection},
        {"bad ranges and symbols", test_bad_scopes},
        {"range between sessions", test_range_between_sessions},
        {"bad accounts", test_bad_accounts},
        {"random markets against a naive program", test_against_naive},
    };
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("backtest", NULL, NULL);
    for (size_t k = 0; suite && k < sizeof TESTS / sizeof *TESTS; k++)
        if (!CU_add_test(suite, TESTS[k].name, TESTS[k].function)) suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    bool failed = !suite || CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed;
}
