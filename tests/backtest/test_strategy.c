/* What a strategy is shown and may say: the host's side of <bundlepool/strategy.h>, and the account that trades for it. Each
 * test is a small strategy written against the public header. */
#include <CUnit/Basic.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "backtest/backtest.h"
#include "tests/backtest/market.h"

#define SESSIONS       8
#define CLOSE_TO(a, b) CU_ASSERT(fabs((a) - (double)(b)) <= 1e-9 * (1 + fabs((double)(b))))

typedef struct run_result {
    bp_status status;
    double equity[SESSIONS];
    int64_t trades;
    char text[256];
} run_result;

/* What the ledger said. */
static bp__entry entry[64];
static size_t num_entries;

static void keep(void *context, const bp__entry *e)
{
    (void)context;
    if (num_entries < 64) entry[num_entries++] = *e;
}

/* The n-th entry of a kind, from 0; NULL: there is none. */
static const bp__entry *entry_of(bp__entry_kind kind, size_t n)
{
    for (size_t i = 0; i < num_entries; i++)
        if (entry[i].kind == kind && n-- == 0) return &entry[i];
    return NULL;
}

static run_result run(const market *m, const bp_strategy *strategy, const double *params, bp__account account)
{
    run_result r = {.status = BP_OK};
    const bp__ledger ledger = {.entry = keep};
    const bp_bundle *bundle = market_bundle(m);
    bp__scope *scope;
    bp__workspace *ws;
    bp__record record;
    num_entries = 0;
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &scope), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &ws), BP_OK);
    r.status = bp__backtest_run(ws, strategy, params, &account, &ledger, &record);
    if (r.status == BP_OK) {
        memcpy(r.equity, record.equity, record.n * sizeof *r.equity);
        r.trades = record.trades;
    } else {
        snprintf(r.text, sizeof r.text, "%s", bp_error_text());
    }
    bp__workspace_destroy(&ws);
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    return r;
}

static bp__account thousand(void)
{
    bp__account a = bp__account_init();
    a.cash = 1000;
    return a;
}

/* Two assets of eight sessions; the second begins at session 1, has a hole at 4 and is delisted at 6. */
static market two_assets(void)
{
    market m = market_create(2, SESSIONS);
    const double a[] = {10, 11, 12, 13, 14, 15, 16, 17};
    const double b[] = {NAN, 20, 20, 20, NAN, 10, 10, NAN};
    market_prices(&m, 0, 0, SESSIONS, a, a);
    market_prices(&m, 1, 0, SESSIONS, b, b);
    market_split(&m, 1, market_day(5), 0.5);
    m.life_end[1] = 6;
    return m;
}

/* What a view shows --------------------------------------------------------------------------------- */

static size_t eight_bytes(void *context, size_t assets, const double *params)
{
    (void)context, (void)assets, (void)params;
    return 8;
}

static void look(void *context, bp_view *v, const double *params)
{
    (void)context, (void)params;
    double x[4], y[4];
    const int32_t t = bp_view_bar(v);
    int64_t *calls = bp_view_memory(v);
    CU_ASSERT_EQUAL(*calls, t); /* zero at first, and kept from bar to bar */
    ++*calls;
    CU_ASSERT_EQUAL(bp_view_num_assets(v), 2);
    CU_ASSERT_EQUAL(bp_view_time(v), market_day((size_t)t));
    CU_ASSERT(bp_view_ends_session(v));
    CU_ASSERT_EQUAL(bp_view_find(v, "B"), 1);
    CU_ASSERT_EQUAL(bp_view_find(v, "Z"), -1);
    CU_ASSERT_STRING_EQUAL(bp_view_symbol(v, 1), "B");
    CU_ASSERT_EQUAL(bp_view_sid(v, 1), market_sid(1));
    CU_ASSERT_EQUAL(bp_view_cash(v), 1000);
    CU_ASSERT_EQUAL(bp_view_equity(v), 1000);
    CU_ASSERT_EQUAL(bp_view_can_trade(v, 1), t >= 1 && t < 6);
    CU_ASSERT_EQUAL(bp_view_observations(v, 0), t + 1);
    if (t == 0) CU_ASSERT(isnan(bp_view_price(v, 1)));
    if (t == 4) {
        CU_ASSERT_EQUAL(bp_view_price(v, 1), 20);
        CU_ASSERT_EQUAL(bp_view_window(v, 1, BP_BAR_CLOSE, 3, BP_ADJUSTED, x), 3);
        CU_ASSERT(x[0] == 20 && x[1] == 20 && isnan(x[2]));
        bp_view_window(v, 1, BP_BAR_CLOSE, 3, BP_ADJUSTED | BP_CARRIED, x);
        CU_ASSERT(x[2] == 20);
        CU_ASSERT_EQUAL(bp_view_observations(v, 1), 3);
    }
    if (t == 5) { /* after the split: what was 20 is 10 */
        CU_ASSERT_EQUAL(bp_view_price(v, 1), 10);
        bp_view_window(v, 1, BP_BAR_CLOSE, 4, BP_ADJUSTED | BP_CARRIED, x);
        bp_view_window(v, 1, BP_BAR_CLOSE, 4, BP_AS_TRADED, y);
        CU_ASSERT(x[0] == 10 && x[1] == 10 && x[2] == 10 && x[3] == 10);
        CU_ASSERT(y[0] == 20 && y[1] == 20 && isnan(y[2]) && y[3] == 10);
        bp_view_window(v, 1, BP_BAR_CLOSE, 2, BP_CARRIED, x); /* the one before lies before the window */
        CU_ASSERT(x[0] == 10 && x[1] == 10);
        CU_ASSERT_EQUAL(bp_view_mean(v, 1, 4), 20); /* of closes without their splits, over the hole */
        CU_ASSERT_EQUAL(bp_view_deviation(v, 1, 4), 0);
        CU_ASSERT(isnan(bp_view_mean(v, 1, 5)));
        CU_ASSERT_EQUAL(bp_view_window(v, 0, BP_BAR_CLOSE, 2, 0, x), 2);
        CU_ASSERT_EQUAL(bp_view_mean(v, 0, 2), 14.5);
    }
    if (t == 1) CU_ASSERT_EQUAL(bp_view_window(v, 0, BP_BAR_OPEN, 4, 0, x), 2);
    if (t == 1) CU_ASSERT(isnan(x[1]) && x[2] == 10 && x[3] == 11);
}

static void test_view(void)
{
    market m = two_assets();
    const bp_strategy s = {
        .size = sizeof s, .name = "look", .help = "", .decide = look, .memory = eight_bytes};
    const run_result r = run(&m, &s, NULL, thousand());
    CU_ASSERT_EQUAL(r.status, BP_OK);
    CU_ASSERT_EQUAL(r.equity[7], 1000);
    market_destroy(&m);
}

/* Orders ------------------------------------------------------------------------------------------ */

/* Orders of the first asset, one per session: what a test wants. */
typedef struct script {
    double amount[SESSIONS];
    double target_percent; /* at session 0, if not 0 */
    int32_t cancel_at;     /* all orders, after that bar; 0: never */
} script;

static void follow(void *context, bp_view *v, const double *params)
{
    const script *s = context;
    (void)params;
    const int32_t t = bp_view_bar(v);
    if (s->amount[t] != 0) {
        const uint64_t order = bp_order(v, 0, s->amount[t]);
        CU_ASSERT(order != 0);
        CU_ASSERT_EQUAL(bp_view_order_unfilled(v, order), s->amount[t]);
        CU_ASSERT_EQUAL(bp_view_order_asset(v, order), 0);
    }
    if (t == 0 && s->target_percent != 0) bp_order_target_percent(v, 0, s->target_percent);
    while (s->cancel_at == t && t > 0 && bp_view_num_orders(v) > 0) bp_view_cancel(v, bp_view_order_at(v, 0));
}

static run_result trade(const market *m, script s, bp__account account)
{
    const bp_strategy strategy = {
        .size = sizeof strategy, .name = "script", .help = "", .context = &s, .decide = follow};
    return run(m, &strategy, NULL, account);
}

static market rising(void)
{
    market m = market_create(1, SESSIONS);
    const double open[] = {10, 20, 30, 40, 50, 60, 70, 80}, close[] = {15, 25, 35, 45, 55, 65, 75, 85};
    market_prices(&m, 0, 0, SESSIONS, open, close);
    return m;
}

static void test_orders(void)
{
    market m = rising();
    run_result r = trade(&m, (script){.amount = {10, -4}}, thousand());
    CLOSE_TO(r.equity[7], 1000 - 10 * 20 + 4 * 30 + 6 * 85);
    CU_ASSERT_EQUAL(r.trades, 2);
    bp__account a = thousand();
    a.fill = BP__FILL_CLOSE;
    r = trade(&m, (script){.amount = {10, -4}}, a);
    CLOSE_TO(r.equity[7], 1000 - 10 * 25 + 4 * 35 + 6 * 85);
    r = trade(&m, (script){.target_percent = 0.5}, thousand()); /* 500 / 15, cut to 33 */
    CLOSE_TO(r.equity[7], 1000 - 33 * 20 + 33 * 85);
    r = trade(&m, (script){.amount = {1000}}, thousand()); /* cut to what the cash pays */
    CLOSE_TO(r.equity[7], 50 * 85);
    const bp__entry *unfilled = entry_of(BP__ENTRY_UNFILLED, 0);
    CU_ASSERT(unfilled && unfilled->shares == 950 && strstr(unfilled->why, "--max-leverage"));
    market_destroy(&m);
}

static void test_short_and_leverage(void)
{
    market m = rising();
    run_result r = trade(&m, (script){.amount = {-10}}, thousand());
    CU_ASSERT_EQUAL(r.equity[7], 1000);
    const bp__entry *e = entry_of(BP__ENTRY_UNFILLED, 0);
    CU_ASSERT(e && e->shares == -10 && strstr(e->why, "--short"));
    bp__account a = thousand();
    a.allow_short = true;
    r = trade(&m, (script){.amount = {-10, 15}}, a); /* through 0 in one trade */
    CLOSE_TO(r.equity[7], 1000 + 10 * 20 - 15 * 30 + 5 * 85);
    CU_ASSERT_EQUAL(r.trades, 2);
    /* a sale of q at 20 adds 20 q to cash and 15 q to shorts: 1000 + 20 q - 2 * 15 q = 0 */
    r = trade(&m, (script){.amount = {-500}}, a);
    e = entry_of(BP__ENTRY_FILL, 0);
    CU_ASSERT(e && e->shares == -100);
    a.max_leverage = 2; /* 2 * 1000 - 2 * 20 q + 15 q = 0 */
    r = trade(&m, (script){.amount = {500}}, a);
    e = entry_of(BP__ENTRY_FILL, 0);
    CU_ASSERT(e && e->shares == 80);
    a.max_leverage = INFINITY;
    r = trade(&m, (script){.amount = {500}}, a);
    e = entry_of(BP__ENTRY_FILL, 0);
    CU_ASSERT(e && e->shares == 500);
    market_destroy(&m);
}

static void test_costs_of_orders(void)
{
    market m = rising();
    bp__account a = thousand();
    bool doubtful;
    CU_ASSERT_EQUAL(bp__commission_from("0.5/share,min=3+1/order+100bps", &a, &doubtful), BP_OK);
    CU_ASSERT_FALSE(doubtful);
    run_result r = trade(&m, (script){.amount = {10, 2}}, a);
    CLOSE_TO(r.equity[7], 1000 - (200 + 5 + 1 + 2) - (60 + 3 + 1 + 0.6) + 12 * 85);
    CU_ASSERT_EQUAL(bp__slippage_from("1%", &a, &doubtful), BP_OK);
    const bp__entry *e;
    r = trade(&m, (script){.amount = {10, -10}}, a);
    e = entry_of(BP__ENTRY_FILL, 0);
    CU_ASSERT(e && fabs(e->price - 20.2) < 1e-12 && fabs(e->slippage - 2) < 1e-12);
    e = entry_of(BP__ENTRY_FILL, 1);
    CU_ASSERT(e && fabs(e->price - 29.7) < 1e-12 && e->gain > 0);
    market_destroy(&m);
}

static void test_expiry_and_cancelling(void)
{
    market m = rising();
    m.open[1] = m.open[2] = m.open[3] = NAN; /* the order waits */
    bp__account a = thousand();
    run_result r = trade(&m, (script){.amount = {10}}, a);
    CLOSE_TO(r.equity[7], 1000 - 10 * 50 + 10 * 85);
    a.expire = 3;
    r = trade(&m, (script){.amount = {10}}, a);
    CU_ASSERT_EQUAL(r.equity[7], 1000);
    const bp__entry *e = entry_of(BP__ENTRY_UNFILLED, 0);
    CU_ASSERT(e && e->t == 3 && strstr(e->why, "expired"));
    a.expire = 4;
    CU_ASSERT_EQUAL(trade(&m, (script){.amount = {10}}, a).trades, 1);
    a.expire = 0;
    r = trade(&m, (script){.amount = {10}, .cancel_at = 2}, a);
    CU_ASSERT_EQUAL(r.trades, 0);
    e = entry_of(BP__ENTRY_UNFILLED, 0);
    CU_ASSERT(e && e->t == 2 && strstr(e->why, "cancelled"));
    market_destroy(&m);
}

static void test_fractional_lots(void)
{
    market m = rising();
    bp__account a = thousand();
    a.fractional = true;
    run_result r = trade(&m, (script){.amount = {0.1, 0.2, -0.3}}, a);
    CLOSE_TO(r.equity[7], 1000 - 0.1 * 20 - 0.2 * 30 + 0.3 * 40);
    CU_ASSERT_EQUAL(r.trades, 3); /* nothing is left of 0.1 + 0.2 - 0.3 to be traded */
    r = trade(&m, (script){.amount = {1000}}, a);
    CLOSE_TO(r.equity[7], 50.0 * 85);
    market_destroy(&m);
}

/* When dividends are paid: 10 shares at 20, 3 a share on the ex-date of session 3, to be paid at session 6. */
static void test_dividends(void)
{
    market m = rising();
    market_dividend(&m, 0, market_day(3), 3);
    m.dividend[0].pay = market_day(6);
    bp__account a = thousand();
    const double before = 1000 - 10 * 20;
    const script s = {.amount = {10}};
    run_result r = trade(&m, s, a);
    CLOSE_TO(r.equity[3], before + 10 * 45 + 30);
    a.dividends = BP__DIVIDENDS_PAY;
    r = trade(&m, s, a);
    CLOSE_TO(r.equity[5], before + 10 * 65);
    CLOSE_TO(r.equity[6], before + 10 * 75 + 30);
    CU_ASSERT_EQUAL(entry_of(BP__ENTRY_DIVIDEND, 0)->t, 6);
    r = trade(&m, (script){.amount = {10, 0, 0, -10}}, a); /* sold after the ex-date: owed all the same */
    CLOSE_TO(r.equity[7], before + 10 * 50 + 30);
    m.dividend[0].pay = BP_TIME_MISSING;
    CLOSE_TO(trade(&m, s, a).equity[7], before + 10 * 85);
    a.dividends = BP__DIVIDENDS_NONE;
    CLOSE_TO(trade(&m, s, a).equity[7], before + 10 * 85);
    a.dividends = BP__DIVIDENDS_REINVEST; /* 30 at 45 are no whole share */
    CLOSE_TO(trade(&m, s, a).equity[7], before + 10 * 85 + 30);
    a.fractional = true;
    CLOSE_TO(trade(&m, s, a).equity[7], before + (10 + 30.0 / 45) * 85);
    market_destroy(&m);
}

/* What goes wrong ------------------------------------------------------------------------------------ */

static int wrong; /* which mistake the strategies below make */

static void wrong_signals(void *context, const bp_market *m, const double *params, bp_signals *s)
{
    (void)context, (void)params;
    switch (wrong) {
    case 0: bp_signals_toggle(s, 0, 2); break;
    case 1: bp_signals_toggle(s, SESSIONS, 0); break;
    case 2: bp_signals_toggle(s, 6, 1); break;
    case 3: bp_signals_toggle(s, 0, 1); break;
    case 4: bp_market_means(m, 0, 0, NULL); break;
    case 5: bp_market_fail(m, "no luck today"); break;
    default: (void)bp_market_symbol(m, 7); break;
    }
}

static void wrong_weights(void *context, const bp_market *m, const double *params, bp_weights *w)
{
    (void)context, (void)params, (void)m;
    double *row = bp_weights_row(w, 3);
    switch (wrong) {
    case 0: row[0] = NAN; break;
    case 1: row[0] = INFINITY; break;
    case 2: row[0] = -0.5; break;
    case 3: row[0] = row[1] = 0.6; break;
    case 4: bp_weights_row(w, 2); break;
    default: bp_weights_row(w, 7)[1] = 0.5; break;
    }
}

static void wrong_orders(void *context, bp_view *v, const double *params)
{
    (void)context, (void)params;
    const int32_t t = bp_view_bar(v);
    if (wrong == 0 && t == 3) bp_order(v, 2, 1);
    if (wrong == 1 && t == 3) bp_order(v, 0, NAN);
    if (wrong == 2 && t == 0) bp_order(v, 1, 1);
    if (wrong == 3 && t == 6) bp_order(v, 1, 1);
    if (wrong == 4 && t == 3) bp_view_fail(v, "no luck today");
    if (wrong == 5 && t == 3) bp_view_window(v, 0, (bp_bar_column)9, 1, 0, &(double){0});
    if (wrong == 6 && t == 3) (void)bp_view_order_at(v, 5);
}

static void test_wrong(void)
{
    static const char *const signals[] = {"asset 2, but there are 2",
                                          "bar 8",
                                          "toggled, but it is delisted",
                                          "B is toggled, but it has no price",
                                          "window of 0",
                                          "no luck today",
                                          "asset 7"};
    static const char *const weights[] = {"2019-04-17: the weight of A is nan",
                                          "weight of A is inf",
                                          "weight of A is -0.5; short positions need --short",
                                          "add up to 1.2",
                                          "comes after a later one",
                                          "B has a weight, but it is delisted"};
    static const char *const orders[] = {"2019-04-17: it asks for asset 2",
                                         "2019-04-17: an order of A is for nan shares",
                                         "B is ordered, but it has no price yet",
                                         "B is ordered, but it is delisted",
                                         "2019-04-17: no luck today",
                                         "column 9",
                                         "open order 5"};
    market m = two_assets();
    const bp_strategy by_signals = {
        .size = sizeof by_signals, .name = "wrong", .help = "", .signals = wrong_signals};
    const bp_strategy by_weights = {
        .size = sizeof by_weights, .name = "wrong", .help = "", .weights = wrong_weights};
    const bp_strategy by_orders = {
        .size = sizeof by_orders, .name = "wrong", .help = "", .decide = wrong_orders};
    const struct {
        const bp_strategy *strategy;
        const char *const *text;
        size_t count;
    } CASES[] = {{&by_signals, signals, 7}, {&by_weights, weights, 6}, {&by_orders, orders, 7}};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < CASES[k].count; i++) {
            wrong = (int)i;
            const run_result r = run(&m, CASES[k].strategy, NULL, thousand());
            CU_ASSERT_EQUAL(r.status, BP_EINVAL);
            const bool told = strstr(r.text, CASES[k].text[i]) && strstr(r.text, "strategy wrong: ");
            if (!told) printf("\n    '%s' lacks '%s'", r.text, CASES[k].text[i]);
            CU_ASSERT(told);
        }
    market_destroy(&m);
}

/* Signals of several combinations at once ------------------------------------------------------------- */

static void test_batch_is_the_same(void)
{
    market m = market_random(11, 9, 60);
    const bp_bundle *bundle = market_bundle(&m);
    bp__scope *scope;
    bp__workspace *one, *many;
    const bp__account account = bp__account_init();
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &scope), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &one), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &many), BP_OK);
    size_t batched = 0;
    for (unsigned k = 0; bp__builtin_at(k); k++) {
        const bp_strategy *s = bp__builtin_at(k);
        double params[BP__MAX_BATCH][BP__MAX_PARAMS];
        const double *row[BP__MAX_BATCH];
        if (!s->signals_batch) continue;
        batched++;
        for (size_t i = 0; i < BP__MAX_BATCH; i++) {
            const double x = (double)(i % 4), y = (double)(i / 4);
            if (strcmp(s->name, "sma_cross") == 0)
                memcpy(params[i], (double[]){1 + x, 6 + y}, 2 * sizeof(double));
            else if (strcmp(s->name, "mean_reversion") == 0)
                memcpy(params[i], (double[]){2 + y, 0.5 + x / 4, -0.5}, 3 * sizeof(double));
            else if (strcmp(s->name, "rsi") == 0)
                memcpy(params[i], (double[]){1 + y, 20 + 10 * x, 60}, 3 * sizeof(double));
            else /* momentum */
                memcpy(params[i], (double[]){1 + x, 1 + (double)(i % 3), 1 + y}, 3 * sizeof(double));
            row[i] = params[i];
        }
        size_t taken;
        bp__backtest_forget(many, BP__MAX_BATCH);
        CU_ASSERT_EQUAL(bp__backtest_prepare(many, s, BP__MAX_BATCH, row, &taken), BP_OK);
        CU_ASSERT_EQUAL(taken, BP__MAX_BATCH);
        for (size_t i = 0; i < BP__MAX_BATCH; i++) {
            bp__record a, b;
            CU_ASSERT_EQUAL(bp__backtest_run(one, s, params[i], &account, NULL, &a), BP_OK);
            CU_ASSERT_EQUAL(bp__backtest_run(many, s, params[i], &account, NULL, &b), BP_OK);
            CU_ASSERT(a.trades > 0 || i > 0);
            CU_ASSERT_EQUAL(memcmp(a.equity, b.equity, a.n * sizeof *a.equity), 0);
        }
    }
    CU_ASSERT_EQUAL(batched, 4);
    bp__workspace_destroy(&one);
    bp__workspace_destroy(&many);
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    market_destroy(&m);
}

/* Every asset is in from bar `from` on; a batch with a negative one says so, and then fails. */
static void hold_from(void *context, const bp_market *m, size_t count, const double *const *params,
                      bp_signals *const *signals)
{
    (void)context;
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < bp_market_num_assets(m); i++)
            bp_signals_toggle(signals[c], (int32_t)fabs(params[c][0]), i);
    for (size_t c = 0; c < count; c++)
        if (params[c][0] < 0) bp_market_fail(m, "it is negative");
}

static void hold_one_from(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    hold_from(context, m, 1, &params, &signals);
}

static void test_failed_batch(void)
{
    static const bp_param from[] = {{.name = "from", .min = -10, .max = 10}};
    static const bp_strategy late = {.size = sizeof(bp_strategy),
                                     .name = "late",
                                     .param = from,
                                     .num_params = 1,
                                     .signals = hold_one_from,
                                     .signals_batch = hold_from};
    const double params[][1] = {{3}, {-4}, {5}, {6}, {7}, {2}};
    const double *row[] = {params[0], params[1], params[2], params[3], params[4], params[5]};
    const bp__account account = bp__account_init();
    market m = two_assets();
    const bp_bundle *bundle = market_bundle(&m);
    bp__scope *scope;
    bp__workspace *one, *many;
    size_t taken;
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 0, &scope), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &one), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &many), BP_OK);
    bp__backtest_forget(many, 6);
    CU_ASSERT_EQUAL(bp__backtest_prepare(many, &late, 1, row + 5, &taken), BP_OK);
    CU_ASSERT_EQUAL(bp__backtest_prepare(many, &late, 2, row, &taken), BP_OK); /* fails, and is nobody's */
    CU_ASSERT_EQUAL(bp__backtest_prepare(many, &late, 3, row + 2, &taken), BP_OK);
    CU_ASSERT_EQUAL(taken, 3);
    bp__backtest_run_prepared(many, &account, false);
    for (int i = 0; i < 6; i++) {
        bp__record a, b;
        const bp_status s = bp__backtest_run(one, &late, row[i], &account, NULL, &a),
                        t = bp__backtest_run(many, &late, row[i], &account, NULL, &b);
        CU_ASSERT_EQUAL(s, i == 1 ? BP_EINVAL : BP_OK);
        CU_ASSERT_EQUAL(t, s);
        if (s == BP_OK && t == BP_OK) CU_ASSERT_EQUAL(memcmp(a.equity, b.equity, a.n * sizeof *a.equity), 0);
    }
    bp__workspace_destroy(&one);
    bp__workspace_destroy(&many);
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    market_destroy(&m);
}

/* Arithmetic ------------------------------------------------------------------------------------------ */

static int change; /* how a strategy changes the arithmetic of its thread */

static void change_arithmetic(void)
{
    if (change == 1) CU_ASSERT_EQUAL(fesetround(FE_UPWARD), 0);
#if defined(__x86_64__)
    if (change == 2) _mm_setcsr(_mm_getcsr() | 0x8000); /* what is too small becomes 0 */
    if (change == 3) _mm_setcsr(_mm_getcsr() | 0x0040); /* and is taken for 0 */
#endif
}

static void change_in_signals(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)m, (void)params, (void)signals;
    change_arithmetic();
}

static void change_after_a_bar(void *context, bp_view *view, const double *params)
{
    (void)context, (void)params;
    if (bp_view_bar(view) == 2) change_arithmetic();
}

static void test_arithmetic(void)
{
    static const bp_strategy strategies[] = {
        {.size = sizeof(bp_strategy), .name = "in_signals", .signals = change_in_signals},
        {.size = sizeof(bp_strategy), .name = "after_a_bar", .decide = change_after_a_bar}};
    static const char *const words[] = {"", "does not round to nearest", "very small", "very small"};
#if defined(__x86_64__)
    const int last = 3;
#else
    const int last = 1;
#endif
    const bp__account account = bp__account_init();
    market m = market_random(7, 3, SESSIONS);
    const bp_bundle *bundle = market_bundle(&m);
    bp__scope *scope;
    bp__workspace *ws;
    bp__record record;
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 0, &scope), BP_OK);
    for (change = 1; change <= last; change++) { /* before there is a workspace it does no harm */
        change_arithmetic();
        CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &ws), BP_OK);
        CU_ASSERT_EQUAL(fegetround(), FE_TONEAREST);
        for (size_t k = 0; k < 2; k++) {
            CU_ASSERT_EQUAL(bp__backtest_run(ws, &strategies[k], NULL, &account, NULL, &record), BP_EINVAL);
            CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "changed the arithmetic"));
            CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), words[change]));
        }
        const int changed = change;
        change = 0;
        for (size_t k = 0; k < 2; k++)
            CU_ASSERT_EQUAL(bp__backtest_run(ws, &strategies[k], NULL, &account, NULL, &record), BP_OK);
        change = changed;
        bp__workspace_destroy(&ws);
    }
    change = 0;
    bp__scope_destroy(&scope);
    bp_bundle_release(&bundle);
    market_destroy(&m);
}

/* Costs as text --------------------------------------------------------------------------------------- */

static void test_cost_texts(void)
{
    static const struct {
        const char *text, *canonical; /* NULL: refused */
        bool doubtful;
    } COMMISSIONS[] = {{"5", "5bps", false},
                       {"0", "0bps", false},
                       {"0.01", "0.01bps", true},
                       {"0.05", "0.05bps", false},
                       {"0.01bps", "0.01bps", false},
                       {"0.05%", "5bps", false},
                       {"0.0075/share", "0.0075/share", false},
                       {"0.0075/share,min=1", "0.0075/share,min=1", false},
                       {"0/share,min=1", "0/share,min=1", false},
                       {"1e-3/share,min=1e+08+2e+2/order", "0.001/share,min=100000000+200/order", false},
                       {"1/order+5bps", "5bps+1/order", false},
                       {"", NULL, false},
                       {"5bp", NULL, false},
                       {"-5", NULL, false},
                       {"5+", NULL, false},
                       {"1/share+2/share", NULL, false},
                       {"1/trade", NULL, false},
                       {"1/share,max=2", NULL, false},
                       {"10000", NULL, false},
                       {"nan", NULL, false}},
      SLIPPAGES[] = {{"2.5", "2.5bps", false},
                     {"0.001", "0.001bps", true},
                     {"volume", "volume,limit=0.025,impact=0.1", false},
                     {"volume,impact=0,limit=0.5", "volume,limit=0.5,impact=0", false},
                     {"volume,limit=0", NULL, false},
                     {"volume,limit=2", NULL, false},
                     {"volumes", NULL, false},
                     {"volume,", NULL, false}};
    char text[160];
    for (size_t i = 0; i < sizeof COMMISSIONS / sizeof *COMMISSIONS; i++) {
        bp__account a = bp__account_init();
        bool doubtful;
        const bp_status s = bp__commission_from(COMMISSIONS[i].text, &a, &doubtful);
        CU_ASSERT_EQUAL(s == BP_OK, COMMISSIONS[i].canonical != NULL);
        if (!COMMISSIONS[i].canonical) continue;
        CU_ASSERT_STRING_EQUAL(bp__commission_text(&a, text, sizeof text), COMMISSIONS[i].canonical);
        CU_ASSERT_EQUAL(doubtful, COMMISSIONS[i].doubtful);
    }
    for (size_t i = 0; i < sizeof SLIPPAGES / sizeof *SLIPPAGES; i++) {
        bp__account a = bp__account_init();
        bool doubtful;
        const bp_status s = bp__slippage_from(SLIPPAGES[i].text, &a, &doubtful);
        CU_ASSERT_EQUAL(s == BP_OK, SLIPPAGES[i].canonical != NULL);
        if (!SLIPPAGES[i].canonical) continue;
        CU_ASSERT_STRING_EQUAL(bp__slippage_text(&a, text, sizeof text), SLIPPAGES[i].canonical);
        CU_ASSERT_EQUAL(doubtful, SLIPPAGES[i].doubtful);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } TESTS[] = {
        {"what a view shows", test_view},
        {"orders", test_orders},
        {"short positions and leverage", test_short_and_leverage},
        {"costs of orders", test_costs_of_orders},
        {"expiry and cancelling", test_expiry_and_cancelling},
        {"fractional lots", test_fractional_lots},
        {"dividends", test_dividends},
        {"what a strategy says wrong", test_wrong},
        {"signals of several combinations at once", test_batch_is_the_same},
        {"a batch that fails", test_failed_batch},
        {"arithmetic", test_arithmetic},
        {"costs as text", test_cost_texts},
    };
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("strategy", NULL, NULL);
    for (size_t k = 0; suite && k < sizeof TESTS / sizeof *TESTS; k++)
        if (!CU_add_test(suite, TESTS[k].name, TESTS[k].function)) suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    bool failed = !suite || CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed;
}
