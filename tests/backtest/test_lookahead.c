/* Look-ahead: strategies that cheat, each in another way, are found out at the right session and asset; built-in ones
 * are not. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/lookahead.h"
#include "tests/backtest/market.h"

enum { ASSETS = 3, SESSIONS = 60, JUMP = 41 };

/* A market of flat prices; asset 1 jumps at session JUMP. */
static market quiet_market(void)
{
    market m = market_create(ASSETS, SESSIONS);
    double price[SESSIONS];
    for (size_t i = 0; i < ASSETS; i++) {
        for (size_t t = 0; t < SESSIONS; t++) price[t] = i == 1 && t >= JUMP ? 30 : 10;
        market_prices(&m, i, 0, SESSIONS, price, price);
    }
    return m;
}

static bp_status check_from(const market *m, const bp_strategy *strategy, const double *params, int64_t start,
                            int64_t end, uint64_t seed, bp__lookahead *result)
{
    const bp_bundle *bundle = market_bundle(m);
    const bp__account account = bp__account_init();
    const bp__lookahead_task task = {.bundle = bundle,
                                     .start = start,
                                     .end = end,
                                     .delisted_after = 1,
                                     .strategy = strategy,
                                     .params = params,
                                     .account = &account,
                                     .cuts = BP__LOOKAHEAD_CUTS,
                                     .seed = seed};
    const bp_status s = bp__lookahead_check(&task, result);
    static char symbol[8]; /* outlives the bundle */
    if (s == BP_OK && result->symbol) {
        snprintf(symbol, sizeof symbol, "%s", result->symbol);
        result->symbol = symbol;
    }
    bp_bundle_release(&bundle);
    return s;
}

static bp__lookahead check(const market *m, const bp_strategy *strategy)
{
    bp__lookahead r = {0};
    CU_ASSERT_EQUAL_FATAL(check_from(m, strategy, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &r), BP_OK);
    return r;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* @param[in] symbol  NULL: none in particular */
static bool tells(const bp__lookahead *r, const char *symbol, const char *early, const char *late)
{
    return r->found && same_text(r->symbol, symbol) && same_text(r->early, early) && same_text(r->late, late);
}

/* Signals ---------------------------------------------------------------------------------------- */

/* Buys the day before a jump. Looks behind the end of what there is, too. */
static void buy_before_jump(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    for (size_t i = 0; i < bp_market_num_assets(m); i++) {
        int32_t n;
        const double *close = bp_market_closes(m, i, &n);
        for (int32_t j = 0; j < n; j++)
            if (close[j + 1] > 2 * close[j]) bp_signals_toggle(signals, bp_market_bar_of(m, i, j), i);
    }
}

static void test_signals(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .signals = buy_before_jump};
    market m = quiet_market();
    const bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(tells(&r, "B", "nothing", "enters the set"));
    CU_ASSERT(r.session == market_day(JUMP - 1) && r.known == r.session);
    CU_ASSERT_EQUAL(r.failed, 0);
    CU_ASSERT_EQUAL(r.cuts, BP__LOOKAHEAD_CUTS);
    market_destroy(&m);
}

/* Holds what will not be delisted. */
static void buy_survivors(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    const int32_t last = bp_market_num_bars(m) - 1;
    for (size_t i = 0; i < bp_market_num_assets(m); i++)
        if (bp_market_is_listed(m, i, last)) bp_signals_toggle(signals, 0, i);
}

static void test_survivors(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .signals = buy_survivors};
    market m = quiet_market();
    m.life_end[2] = 50;
    bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(r.found && r.session == market_day(0));
    CU_ASSERT(tells(&r, "C", "enters the set", "nothing"));
    CU_ASSERT(r.known < market_day(50));
    m.life_end[2] = SESSIONS - 1; /* nothing to cheat with */
    r = check(&m, &cheat);
    CU_ASSERT_FALSE(r.found);
    market_destroy(&m);
}

/* Sells all at the end, which nobody knows beforehand. */
static void sell_at_end(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    bp_signals_toggle(signals, 0, 0);
    bp_signals_toggle(signals, bp_market_num_bars(m) - 1, 0);
}

static void test_end(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .signals = sell_at_end};
    market m = quiet_market();
    const bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(r.found && r.session == r.known && r.session < market_day(SESSIONS - 2));
    CU_ASSERT(tells(&r, "A", "leaves the set", "nothing"));
    market_destroy(&m);
}

/* New orders every fifth session, counted from the last one. */
static void decide_backwards(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    for (int32_t t = bp_market_num_bars(m) - 1; t >= 0; t -= 5) bp_signals_decide(signals, t);
}

static void test_decisions(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .signals = decide_backwards};
    market m = quiet_market();
    const bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(r.found && r.session <= market_day(4));
    CU_ASSERT(tells(&r, NULL, "new orders", "nothing") || tells(&r, NULL, "nothing", "new orders"));
    market_destroy(&m);
}

/* Weights ---------------------------------------------------------------------------------------- */

/* Every tenth session: in proportion to the highest price that there will ever be. */
static void weigh_by_highest(void *context, const bp_market *m, const double *params, bp_weights *weights)
{
    (void)context, (void)params;
    for (int32_t t = 0; t < bp_market_num_bars(m); t += 10) {
        double *row = bp_weights_row(weights, t);
        for (size_t i = 0; row && i < bp_market_num_assets(m); i++) {
            int32_t n;
            const double *close = bp_market_closes(m, i, &n);
            double highest = 0;
            for (int32_t j = 0; j < n; j++) highest = fmax(highest, close[j]);
            row[i] = highest / 100;
        }
    }
}

static void test_weights(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .weights = weigh_by_highest};
    market m = quiet_market();
    const bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(r.found && r.session == market_day(0) && r.known < market_day(JUMP));
    CU_ASSERT(tells(&r, "B", "weight 0.1", "weight 0.3"));
    market_destroy(&m);
}

/* Rebalances the day before a jump. */
static void weigh_before_jump(void *context, const bp_market *m, const double *params, bp_weights *weights)
{
    (void)context, (void)params;
    int32_t n;
    const double *close = bp_market_closes(m, 1, &n);
    for (int32_t j = 0; j + 1 < n; j++) {
        double *row = close[j + 1] > 2 * close[j] ? bp_weights_row(weights, j) : NULL;
        if (row) row[1] = 1;
    }
}

static void test_rows(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .weights = weigh_before_jump};
    market m = quiet_market();
    const bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(tells(&r, "B", "no rebalance", "weight 1"));
    CU_ASSERT(r.session == market_day(JUMP - 1) && r.known == r.session);
    market_destroy(&m);
}

/* At session 20 it knows session 30, and at session 5 the jump: cuts in between show the former first. */
static void weigh_early(void *context, const bp_market *m, const double *params, bp_weights *weights)
{
    (void)context, (void)params;
    const int32_t last = bp_market_num_bars(m) - 1;
    double *row = last >= 5 ? bp_weights_row(weights, 5) : NULL;
    if (row) row[2] = last >= JUMP ? 0.5 : 0.25;
    row = last >= 20 ? bp_weights_row(weights, 20) : NULL;
    if (row) row[0] = last >= 30 ? 0.5 : 0.25;
}

static void test_first_session(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .weights = weigh_early};
    market m = quiet_market();
    const bp__lookahead r = check(&m, &cheat);
    CU_ASSERT(r.found && r.session == market_day(5) && r.known >= market_day(30) &&
              r.known < market_day(JUMP));
    CU_ASSERT(tells(&r, "C", "weight 0.25", "weight 0.5"));
    market_destroy(&m);
}

/* Orders ----------------------------------------------------------------------------------------- */

/* Orders more from run to run: a view shows nothing that lies ahead, but a variable outlives a run. */
static void order_more(void *context, bp_view *view, const double *params)
{
    static int runs;
    (void)context, (void)params;
    runs += bp_view_bar(view) == 0;
    if (bp_view_bar(view) == 7) bp_order(view, 2, runs);
}

static void order_same(void *context, bp_view *view, const double *params)
{
    (void)context, (void)params;
    if (bp_view_bar(view) % 7 == 0) bp_order(view, 2, bp_view_bar(view) % 2 ? 5 : -5);
}

static void test_decide(void)
{
    static const bp_strategy unsteady = {.size = sizeof unsteady, .name = "unsteady", .decide = order_more};
    static const bp_strategy steady = {.size = sizeof steady, .name = "steady", .decide = order_same};
    market m = quiet_market();
    bp__lookahead r = check(&m, &unsteady);
    CU_ASSERT(r.found && r.session == market_day(7));
    CU_ASSERT(same_text(r.symbol, "C"));
    CU_ASSERT(strncmp(r.early, "order ", 6) == 0 && strncmp(r.late, "order ", 6) == 0);
    CU_ASSERT(strcmp(r.early, r.late) != 0);
    r = check(&m, &steady);
    CU_ASSERT_FALSE(r.found);
    CU_ASSERT_EQUAL(r.cuts, BP__LOOKAHEAD_CUTS);
    CU_ASSERT_EQUAL(check_from(&m, &steady, NULL, market_day(0), market_day(9), 1, &r), BP_OK);
    CU_ASSERT(!r.found && r.cuts == 8); /* each session but the first and the last, once */
    market_destroy(&m);
}

/* Honest ones ------------------------------------------------------------------------------------ */

static void params_of(const bp_strategy *strategy, uint64_t *s, double *params)
{
    do {
        for (size_t p = 0; p < strategy->num_params; p++) {
            const bp_param *x = &strategy->param[p];
            const double most = x->kind == BP_PARAM_REAL ? fmin(x->max, 3) : fmin(x->max, 12);
            const double least = x->kind == BP_PARAM_WORD ? 0 : fmax(x->min, -3);
            params[p] = least + random_next(s) * (most - least);
            if (x->kind != BP_PARAM_REAL) params[p] = floor(params[p]);
            if (x->kind == BP_PARAM_WORD) params[p] = 0;
        }
    } while (bp__strategy_check(strategy, params));
}

static void test_builtins(void)
{
    int checked = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t s = seed * 7919 + 1;
        market m = market_random(seed, 2 + seed % 5 * 4, 60);
        const int64_t start = seed % 3 ? BP_TIME_MISSING : market_day(20);
        const int64_t end = seed % 4 ? BP_TIME_MISSING : market_day(50);
        for (unsigned k = 0; bp__builtin_at(k); k++) {
            double params[BP__MAX_PARAMS];
            bp__lookahead r = {0};
            params_of(bp__builtin_at(k), &s, params);
            const bp_status status = check_from(&m, bp__builtin_at(k), params, start, end, seed, &r);
            if (status == BP_ERANGE) continue; /* all assets are gone before the range */
            CU_ASSERT_EQUAL(status, BP_OK);
            checked++;
            if (r.found)
                printf("\n    seed %llu, %s: %s, %s", (unsigned long long)seed, bp__builtin_at(k)->name,
                       r.early, r.late);
            CU_ASSERT_FALSE(r.found);
            CU_ASSERT_EQUAL(r.failed, 0);
            CU_ASSERT(r.cuts > 0);
        }
        market_destroy(&m);
    }
    CU_ASSERT(checked > 400);
}

/* Failures --------------------------------------------------------------------------------------- */

static void needs_thirty(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params;
    if (bp_market_num_bars(m) < 30) bp_market_fail(m, "it needs 30 sessions");
    bp_signals_toggle(signals, 3, 0);
}

static void fails(void *context, const bp_market *m, const double *params, bp_signals *signals)
{
    (void)context, (void)params, (void)signals;
    bp_market_fail(m, "no way");
}

static void test_failures(void)
{
    static const bp_strategy picky = {.size = sizeof picky, .name = "picky", .signals = needs_thirty};
    static const bp_strategy broken = {.size = sizeof broken, .name = "broken", .signals = fails};
    market m = quiet_market();
    bp__lookahead r = check(&m, &picky);
    CU_ASSERT_FALSE(r.found);
    CU_ASSERT(r.failed > 5 && r.cuts > 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.why, "strategy picky: it needs 30 sessions"));
    CU_ASSERT_EQUAL(check_from(&m, &broken, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &r), BP_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "strategy broken: no way"));
    CU_ASSERT_EQUAL(check_from(&m, &picky, NULL, market_day(3), market_day(4), 1, &r), BP_ERANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "at least 3"));
    CU_ASSERT_EQUAL(check_from(&m, bp__builtin_at(0), (double[]){2, 3}, market_day(3), market_day(5), 1, &r),
                    BP_OK);
    CU_ASSERT_EQUAL(r.cuts, 1);
    market_destroy(&m);
}

static void test_seeds(void)
{
    static const bp_strategy cheat = {.size = sizeof cheat, .name = "cheat", .signals = sell_at_end};
    market m = quiet_market();
    bp__lookahead a, b, c;
    int others = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        CU_ASSERT_EQUAL(check_from(&m, &cheat, NULL, BP_TIME_MISSING, BP_TIME_MISSING, seed, &a), BP_OK);
        CU_ASSERT_EQUAL(check_from(&m, &cheat, NULL, BP_TIME_MISSING, BP_TIME_MISSING, seed, &b), BP_OK);
        CU_ASSERT_EQUAL(check_from(&m, &cheat, NULL, BP_TIME_MISSING, BP_TIME_MISSING, seed + 1, &c), BP_OK);
        CU_ASSERT(a.session == b.session && a.cuts == b.cuts);
        others += a.session != c.session;
    }
    CU_ASSERT(others > 2);
    market_destroy(&m);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*function)(void);
    } TESTS[] = {
        {"signals that know tomorrow", test_signals},
        {"signals that know who survives", test_survivors},
        {"signals that know the end", test_end},
        {"decisions counted from the end", test_decisions},
        {"weights that know the highest price", test_weights},
        {"rebalances that know tomorrow", test_rows},
        {"the first session is named", test_first_session},
        {"orders that depend on earlier runs", test_decide},
        {"built-in strategies do not look ahead", test_builtins},
        {"strategies that fail, ranges that are short", test_failures},
        {"seeds", test_seeds},
    };
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("lookahead", NULL, NULL);
    for (size_t k = 0; suite && k < sizeof TESTS / sizeof *TESTS; k++)
        if (!CU_add_test(suite, TESTS[k].name, TESTS[k].function)) suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    bool failed = !suite || CU_basic_run_tests() != CUE_SUCCESS || CU_get_number_of_failures() > 0;
    CU_cleanup_registry();
    return failed;
}
