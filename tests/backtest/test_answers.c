/* Strategies of the form signals that answer by weights: what they get is what the same rows get from the form weights, and
 * whoever speaks in two ways at once is told so. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/host.h"
#include "backtest/lookahead.h"
#include "core/status.h"
#include "tests/backtest/market.h"

enum { SESSIONS = 60 };

/* Rows ------------------------------------------------------------------------------------------- */

/* Every `step` sessions, the last one included: a share of what can be traded then, by its number. */
static void fill_rows(const bp_market *m, const double *params, bp_weights *weights)
{
    const size_t n = bp_market_num_assets(m);
    for (int32_t t = 0; t < bp_market_num_bars(m); t += (int32_t)params[0]) {
        double *row = bp_weights_row(weights, t);
        for (size_t i = 0; row && i < n; i++)
            if (bp_market_is_listed(m, i, t) && bp_market_observations(m, i, t) > 0)
                row[i] = params[1] * (double)(1 + (i + (size_t)t) % 3) / (double)(3 * n);
    }
}

static void by_form(void *context, const bp_market *m, const double *params, bp_weights *weights)
{
    (void)context;
    fill_rows(m, params, weights);
}

static unsigned calls;

static void by_answer(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)signals;
    calls++;
    bp_weights *weights = bp__market_weights(m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(weights);
    fill_rows(m, params, weights);
}

static void by_batch(void *context, const bp_market *m, size_t count, const double *const *params,
                     bp_signals *const *signals)
{
    (void)context, (void)count, (void)params, (void)signals;
    CU_ASSERT_PTR_NULL(bp__market_weights(m));
}

static const bp_param two[] = {{.name = "step"}, {.name = "share"}};
#define TWO .size = sizeof(bp_strategy), .param = two, .num_params = 2
static const bp_strategy form = {TWO, .name = "form", .weights = by_form};
static const bp_strategy answer = {TWO, .name = "answer", .signals = by_answer, .signals_batch = by_batch};

/* Runs ------------------------------------------------------------------------------------------- */

typedef struct desk {
    const bp_bundle *bundle;
    bp__scope *scope;
    bp__workspace *ws;
} desk;

static desk open_desk(const market *m)
{
    desk d = {.bundle = market_bundle(m)};
    CU_ASSERT_EQUAL_FATAL(bp__scope_create(d.bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &d.scope),
                          BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(d.scope, &d.ws), BP_OK);
    return d;
}

static void close_desk(desk *d)
{
    bp__workspace_destroy(&d->ws);
    bp__scope_destroy(&d->scope);
    bp_bundle_release(&d->bundle);
}

static bp__account short_account(void)
{
    bp__account a = bp__account_init();
    a.allow_short = true;
    a.commission_bps = 5;
    return a;
}

typedef struct outcome {
    bp_status status;
    double equity[SESSIONS];
    int64_t trades;
} outcome;

static outcome run(desk *d, const bp_strategy *s, const double *params, const bp__account *a)
{
    outcome o = {.trades = 0};
    bp__record record;
    o.status = bp__backtest_run(d->ws, s, params, a, NULL, &record);
    if (o.status != BP_OK) return o;
    memcpy(o.equity, record.equity, record.n * sizeof *o.equity);
    o.trades = record.trades;
    return o;
}

static bool same(const outcome *a, const outcome *b)
{
    return a->status == b->status && a->trades == b->trades &&
           memcmp(a->equity, b->equity, sizeof a->equity) == 0;
}

static void test_equal(void)
{
    const bp__account account = short_account();
    int64_t traded = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        market m = market_random(seed, 6, SESSIONS);
        desk d = open_desk(&m);
        for (int step = 1; step < 30; step += 7) {
            const double params[] = {step, seed % 2 ? 1 : -1};
            const double others[] = {step + 1, 0.5};
            const outcome a = run(&d, &answer, params, &account), again = run(&d, &answer, params, &account),
                          b = run(&d, &form, params, &account), other = run(&d, &form, others, &account),
                          last = run(&d, &answer, params, &account);
            CU_ASSERT(!same(&a, &other));
            CU_ASSERT(same(&a, &b));
            CU_ASSERT(same(&a, &again)); /* which was not asked for again */
            CU_ASSERT(same(&a, &last));  /* which was: its rows have made room for others */
            traded += a.trades;
        }
        close_desk(&d);
        market_destroy(&m);
    }
    CU_ASSERT(traded > 1000);
}

static void test_remembered(void)
{
    market m = market_random(3, 6, SESSIONS);
    desk d = open_desk(&m);
    const bp__account account = short_account(), longs = bp__account_init();
    const double params[] = {5, -1};
    calls = 0;
    CU_ASSERT_EQUAL(run(&d, &answer, params, &account).status, BP_OK);
    CU_ASSERT_EQUAL(run(&d, &answer, params, &account).status, BP_OK);
    CU_ASSERT_EQUAL(calls, 1);
    /* rows are looked at for the account of each run */
    CU_ASSERT_EQUAL(run(&d, &answer, params, &longs).status, BP_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "short positions need --short"));
    CU_ASSERT_EQUAL(run(&d, &answer, params, &account).status, BP_OK);
    close_desk(&d);
    market_destroy(&m);
}

/* A batch cannot answer so: each is then asked by itself. */
static void test_batch(void)
{
    market m = market_random(4, 6, SESSIONS);
    desk d = open_desk(&m);
    const bp__account account = short_account();
    const double a[] = {3, 1}, b[] = {4, 1};
    size_t taken;
    CU_ASSERT_EQUAL(bp__backtest_prepare(d.ws, &answer, 2, (const double *const[]){a, b}, &taken), BP_OK);
    CU_ASSERT_EQUAL(taken, 2);
    bp__backtest_run_prepared(d.ws, &account, false);
    for (int i = 0; i < 2; i++) {
        const outcome mine = run(&d, &answer, i ? b : a, &account);
        const outcome theirs = run(&d, &form, i ? b : a, &account);
        CU_ASSERT(mine.trades > 0 && same(&mine, &theirs));
    }
    close_desk(&d);
    market_destroy(&m);
}

/* Neighbours that are asked one by one may, and are run side by side where the account allows it. */
static void test_neighbours(void)
{
    enum { ROWS = 5 };
    static const double rows[ROWS][2] = {
        {3, 1}, {4, 1}, {3, 2}, {3, -0.2}, {3, 1.2}}; /* two are not for every account */
    const bp__account accounts[] = {bp__account_init(), short_account()};
    bp_strategy by_itself = answer;
    by_itself.signals_batch = NULL;
    market m = market_random(4, 6, SESSIONS);
    desk mine = open_desk(&m), theirs = open_desk(&m);
    int failed = 0, traded = 0;
    for (int k = 0; k < 2; k++) {
        size_t taken;
        bp__backtest_forget(mine.ws, ROWS);
        for (int i = 0; i < ROWS; i++) {
            CU_ASSERT_EQUAL(
                bp__backtest_prepare(mine.ws, &by_itself, 1, (const double *const[]){rows[i]}, &taken),
                BP_OK);
            CU_ASSERT_EQUAL(taken, 1);
        }
        bp__backtest_run_prepared(mine.ws, &accounts[k], false);
        calls = 0;
        for (int i = 0; i < ROWS; i++) {
            const outcome a = run(&mine, &by_itself, rows[i], &accounts[k]),
                          b = run(&theirs, &form, rows[i], &accounts[k]);
            CU_ASSERT(same(&a, &b));
            failed += a.status != BP_OK;
            traded += a.trades > 0;
        }
        CU_ASSERT_EQUAL(calls, 0);
    }
    CU_ASSERT(failed == 3 && traded == 2 * ROWS - failed);
    close_desk(&mine);
    close_desk(&theirs);
    market_destroy(&m);
}

/* A strategy that fails for one combination, beside another one. */
static void fail_for_some(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)signals;
    calls++;
    if (params[0] > 1) bp_market_fail(m, "not with that step");
}

static void test_failed_neighbour(void)
{
    static const bp_strategy moody = {TWO, .name = "moody", .signals = fail_for_some};
    static const double rows[3][2] = {{2, 0}, {1, 0}, {3, 0}};
    market m = market_random(4, 6, SESSIONS);
    desk d = open_desk(&m);
    const bp__account account = bp__account_init();
    size_t taken;
    calls = 0;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(bp__backtest_prepare(d.ws, &moody, 1, (const double *const[]){rows[i]}, &taken),
                        BP_OK);
        CU_ASSERT_EQUAL(taken, 1);
    }
    bp__backtest_run_prepared(d.ws, &account, false);
    for (int i = 0; i < 3; i++) {
        const outcome o = run(&d, &moody, rows[i], &account);
        CU_ASSERT_EQUAL(o.status, i == 1 ? BP_OK : BP_EINVAL);
        if (i != 1) CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "strategy moody: not with that step"));
    }
    CU_ASSERT_EQUAL(calls, 3);
    close_desk(&d);
    market_destroy(&m);
}

/* Whoever asks for rows and says nothing holds nothing. */
static void no_rows(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params, (void)signals;
    CU_ASSERT_PTR_NOT_NULL(bp__market_weights(m));
}

static void test_no_rows(void)
{
    static const bp_strategy silent = {.size = sizeof silent, .name = "silent", .signals = no_rows};
    market m = market_random(5, 4, SESSIONS);
    desk d = open_desk(&m);
    const bp__account account = bp__account_init();
    const outcome o = run(&d, &silent, NULL, &account);
    CU_ASSERT(o.status == BP_OK && o.trades == 0 && o.equity[SESSIONS - 1] == account.cash);
    close_desk(&d);
    market_destroy(&m);
}

/* Both at once ------------------------------------------------------------------------------------ */

static void rows_then_signals(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    CU_ASSERT_PTR_NOT_NULL(bp_weights_row(bp__market_weights(m), 3));
    bp_signals_toggle(signals, 4, 0);
}

static void signals_then_rows(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    bp_signals_decide(signals, 4);
    bp_weights_row(bp__market_weights(m), 3);
}

static void rows_of_weights(void *context, const bp_market *m, const double *params, bp_weights *weights)
{
    (void)context, (void)params, (void)weights;
    CU_ASSERT_PTR_NULL(bp__market_weights(m));
}

static void test_both(void)
{
    static const bp_strategy wrong[] = {
        {.size = sizeof(bp_strategy), .name = "first", .signals = rows_then_signals},
        {.size = sizeof(bp_strategy), .name = "second", .signals = signals_then_rows},
        {.size = sizeof(bp_strategy), .name = "third", .weights = rows_of_weights},
    };
    static const char *const text[] = {"answers by weights and by signals",
                                       "answers by signals and by weights", "its form is another"};
    market m = market_random(6, 4, SESSIONS);
    desk d = open_desk(&m);
    const bp__account account = bp__account_init();
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(run(&d, &wrong[i], NULL, &account).status, BP_EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), text[i]));
    }
    close_desk(&d);
    market_destroy(&m);
}

/* Look-ahead -------------------------------------------------------------------------------------- */

static bp__lookahead check(const market *m, const bp_strategy *strategy, const double *params)
{
    bp__lookahead r;
    const bp_bundle *bundle = market_bundle(m);
    const bp__account account = short_account();
    const bp__lookahead_task task = {.bundle = bundle,
                                     .start = BP_TIME_MISSING,
                                     .end = BP_TIME_MISSING,
                                     .delisted_after = 1,
                                     .strategy = strategy,
                                     .params = params,
                                     .account = &account,
                                     .cuts = BP__LOOKAHEAD_CUTS,
                                     .seed = 1};
    CU_ASSERT_EQUAL_FATAL(bp__lookahead_check(&task, &r), BP_OK);
    r.symbol = r.symbol ? "some" : NULL; /* it is the bundle's */
    bp_bundle_release(&bundle);
    return r;
}

/* At session 20 it knows whether there is a session 40. */
static void knows_the_end(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params, (void)signals;
    const int32_t last = bp_market_num_bars(m) - 1;
    bp_weights *weights = bp__market_weights(m);
    double *row = last >= 20 ? bp_weights_row(weights, 20) : NULL;
    if (row) row[0] = last >= 40 ? 0.5 : 0.25;
}

/* Before session 30 nothing is known, so nothing is said at session 5. */
static void speaks_late(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params, (void)signals;
    if (bp_market_num_bars(m) <= 30) return;
    double *row = bp_weights_row(bp__market_weights(m), 5);
    if (row) row[0] = 0.5;
}

/* By signals where there is little, by weights where there is much: of one value. */
static void changes_its_form(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    if (bp_market_num_bars(m) <= 30) {
        bp_signals_toggle(signals, 0, 0);
    } else {
        double *row = bp_weights_row(bp__market_weights(m), 0);
        if (row) row[0] = 1;
    }
}

static void test_lookahead(void)
{
    static const bp_strategy end = {.size = sizeof end, .name = "end", .signals = knows_the_end};
    static const bp_strategy late = {.size = sizeof late, .name = "late", .signals = speaks_late};
    static const bp_strategy other = {.size = sizeof other, .name = "other", .signals = changes_its_form};
    market m = market_create(2, SESSIONS);
    double price[SESSIONS];
    for (size_t t = 0; t < SESSIONS; t++) price[t] = 10 + (double)(t % 7);
    for (size_t i = 0; i < 2; i++) market_prices(&m, i, 0, SESSIONS, price, price);

    bp__lookahead r = check(&m, &end, NULL);
    CU_ASSERT(r.found && r.session == market_day(20) && r.symbol);
    CU_ASSERT_STRING_EQUAL(r.early, "weight 0.25");
    CU_ASSERT_STRING_EQUAL(r.late, "weight 0.5");
    r = check(&m, &late, NULL);
    CU_ASSERT(r.found && r.session == market_day(5));
    CU_ASSERT_STRING_EQUAL(r.early, "no rebalance");
    CU_ASSERT_STRING_EQUAL(r.late, "weight 0.5");
    r = check(&m, &other, NULL);
    CU_ASSERT(r.found && r.session == market_day(0));
    for (int step = 1; step < 40; step += 13) { /* an honest one, which says nothing for a while */
        r = check(&m, &answer, (double[]){step, 1});
        CU_ASSERT_FALSE(r.found);
        CU_ASSERT(r.failed == 0 && r.cuts == BP__LOOKAHEAD_CUTS);
    }
    market_destroy(&m);
}

/* Long texts --------------------------------------------------------------------------------------- */

static char traceback[4000];

static void tells_much(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params, (void)signals;
    bp_market_fail(m, traceback);
}

static void test_long_text(void)
{
    static const bp_strategy loud = {.size = sizeof loud, .name = "loud", .signals = tells_much};
    market m = market_random(7, 3, SESSIONS);
    desk d = open_desk(&m);
    const bp__account account = bp__account_init();
    snprintf(traceback, sizeof traceback, "ValueError: no (mine.py:3)\n%*s\nend", 1900, "x");
    CU_ASSERT_EQUAL(run(&d, &loud, NULL, &account).status, BP_EINVAL);
    CU_ASSERT_EQUAL(strncmp(bp_error_text(), "strategy loud: ValueError: no (mine.py:3)\n", 42), 0);
    CU_ASSERT_STRING_EQUAL(bp_error_text() + strlen(bp_error_text()) - 5, "x\nend");
    memset(traceback, 'y', sizeof traceback - 1);
    CU_ASSERT_EQUAL(run(&d, &loud, NULL, &account).status, BP_EINVAL);
    CU_ASSERT(strlen(bp_error_text()) > 2000 && strlen(bp_error_text()) < BP_LONG_TEXT_MAX);
    close_desk(&d);
    market_destroy(&m);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } TESTS[] = {
        {"rows are rows", test_equal},
        {"what is remembered", test_remembered},
        {"batches", test_batch},
        {"neighbours", test_neighbours},
        {"a neighbour that fails", test_failed_neighbour},
        {"no rows", test_no_rows},
        {"weights and signals at once", test_both},
        {"look-ahead", test_lookahead},
        {"long texts", test_long_text},
    };
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("answers", NULL, NULL);
    for (size_t k = 0; suite && k < sizeof TESTS / sizeof *TESTS; k++)
        if (!CU_add_test(suite, TESTS[k].name, TESTS[k].function)) suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    bool failed = !suite || CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed;
}
