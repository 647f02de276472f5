/* test_lanes DATA [MARKETS] : combinations side by side, by each instruction set that this processor has, against the same
 * one by one: equal to the last bit, by signals and by weights. Markets and signals are random: holes, splits, dividends, delistings, orders that wait, cash
 * that runs out, decisions by all lanes, by some and by none. And crossings of means, against means that are compared. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/exact.h"
#include "backtest/lanes.h"
#include "backtest/moving.h"
#include "backtest/plain.h"
#include "tests/backtest/market.h"

static unsigned long markets = 60;

static size_t pick(uint64_t *seed, size_t from, size_t to)
{
    return from + (size_t)(random_next(seed) * (double)(to - from + 1));
}

/* What a strategy could say: an asset that has a price, and is not delisted, enters or leaves the set. */
static void random_signals(uint64_t *seed, const bp__scope *scope, bp__signals *signals)
{
    const double decides = random_next(seed) < 0.3 ? 1 : random_next(seed),
                 toggles = random_next(seed) * random_next(seed);
    memset(signals->toggle, 0, signals->num_sessions * signals->words * sizeof *signals->toggle);
    for (size_t t = 0; t < signals->num_sessions; t++) {
        signals->decide[t] = random_next(seed) < decides;
        for (size_t i = 0; signals->decide[t] && i < scope->num_assets; i++) {
            const bp__asset *a = &scope->asset[i];
            if (random_next(seed) < toggles && (int32_t)t < a->delisted &&
                bp__observations_until(a, (int32_t)t) > 0)
                signals->toggle[t * signals->words + i / 64] ^= UINT64_C(1) << (i % 64);
        }
    }
}

static bp__account random_account(uint64_t *seed)
{
    bp__account a = bp__account_init();
    a.cash = pow(10, 1 + 7 * random_next(seed));
    if (random_next(seed) < 0.6) a.commission_bps = 80 * random_next(seed);
    if (random_next(seed) < 0.6) a.slippage_bps = 80 * random_next(seed);
    return a;
}

/* Room for nothing, for some of what could be kept, or for all of it. */
static size_t random_bound(uint64_t seed, const bp__scope *scope)
{
    const size_t all = 4 * (scope->num_assets + 16) * (scope->num_sessions + 130) * sizeof(double);
    const double part = random_next(&seed);
    return part < 0.3 ? 0 : part < 0.6 ? (size_t)(random_next(&seed) * (double)all) : all;
}

typedef struct world {
    bp__scope *scope;
    bp__plain plain;
    bp__derived derived;
    bp__lanes *lanes;
    bp__signals signals[BP__MAX_LANES];
    bp__lane_signals lane_signals;
    double *equity, *expected; /* [sessions] */
} world;

static void world_begin(world *w, uint64_t *seed)
{
    const size_t sessions = w->scope->num_sessions;
    CU_ASSERT_EQUAL_FATAL(bp__plain_init(w->scope, &w->plain), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__derived_init(w->scope, &w->derived), BP_OK);
    w->derived.stats.bound = random_bound(*seed, w->scope);
    CU_ASSERT_EQUAL_FATAL(bp__lanes_create(w->scope, &w->derived, &w->lanes), BP_OK);
    w->equity = calloc(2 * sessions, sizeof *w->equity);
    CU_ASSERT_FATAL(w->equity != NULL);
    w->expected = w->equity + sessions;
    for (size_t l = 0; l < BP__MAX_LANES; l++) {
        bp__signals *s = &w->signals[l];
        *s = (bp__signals){.num_sessions = sessions, .words = w->plain.words};
        s->toggle = calloc(sessions * s->words, sizeof *s->toggle);
        s->decide = calloc(sessions, sizeof *s->decide);
        CU_ASSERT_FATAL(s->toggle && s->decide);
        random_signals(seed, w->scope, s);
    }
}

static void world_end(world *w)
{
    for (size_t l = 0; l < BP__MAX_LANES; l++) {
        free(w->signals[l].toggle);
        free(w->signals[l].decide);
    }
    free(w->equity);
    bp__lane_signals_fini(&w->lane_signals);
    bp__plain_fini(&w->plain);
    bp__lanes_destroy(&w->lanes);
    bp__derived_fini(&w->derived);
}

/* The first `count` of the signals, as lanes have them. */
static void side_by_side(world *w, size_t count)
{
    bp__lane_signals *s = &w->lane_signals;
    const size_t assets = w->scope->num_assets;
    CU_ASSERT_EQUAL_FATAL(bp__lane_signals_begin(s, assets, w->scope->num_sessions, count, SIZE_MAX), BP_OK);
    CU_ASSERT(bp__lane_signals_lanes(s) >= count);
    for (size_t l = 0; l < count; l++)
        for (size_t t = 0; t < w->scope->num_sessions; t++) {
            const bp__signals *one = &w->signals[l];
            if (one->decide[t]) s->decide[t] |= UINT64_C(1) << l;
            for (size_t i = 0; i < assets; i++)
                if (one->toggle[t * one->words + i / 64] >> (i % 64) & 1)
                    bp__lane_signals_turn(s, t, i, UINT64_C(1) << l);
        }
}

/* Whether two records tell the same of fills. @param[in] worth  of what they were worth, too */
static bool same_fills(const bp__record *a, const bp__record *b, bool worth)
{
    if (!worth) return a->trades == b->trades && isnan(a->traded); /* which says that it was in a lane */
    return a->trades == b->trades && a->traded == b->traded && a->costs == b->costs &&
           a->closings == b->closings && a->gains == b->gains && a->losses == b->losses && a->held == b->held;
}

/* The same combinations by every instruction set, for an account. @return how many runs were compared */
static uint64_t compare(world *w, uint64_t seed, size_t count, const bp__account *account)
{
    uint64_t compared = 0;
    const size_t sessions = w->scope->num_sessions;
    const bool worth = seed % 2;
    side_by_side(w, count);
    for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++) {
        if (!bp__isa_is_there(isa)) continue;
        CU_ASSERT_EQUAL(bp__lanes_run(w->lanes, isa, &w->lane_signals, count, account, worth), BP_OK);
        for (size_t l = 0; l < count; l++, compared++) {
            bp__record expected, found;
            size_t valid = 0;
            bp__plain_run(&w->plain, &w->signals[l], account, w->expected, &expected);
            bp__lanes_result(w->lanes, l, w->equity, &found);
            while (valid < sessions && bp__priced(w->expected[valid])) valid++;
            /* behind what is no equity any more there is no result */
            bool equal = memcmp(w->equity, w->expected, valid * sizeof *w->equity) == 0;
            if (valid == sessions)
                equal = equal && same_fills(&found, &expected, worth);
            else
                equal = equal && !bp__priced(w->equity[valid]);
            if (!equal)
                printf("\n    market %llu, %s, lane %zu of %zu differs", (unsigned long long)seed,
                       bp__isa_name(isa), l, count);
            CU_ASSERT(equal);
        }
    }
    return compared;
}

static void test_lanes(void)
{
    uint64_t compared = 0;
    for (uint64_t seed = 1; seed <= markets; seed++) {
        uint64_t s = seed * 104729;
        world w = {0};
        const size_t assets = random_next(&s) < 0.2 ? pick(&s, 60, 150) : pick(&s, 1, 20);
        market m = market_random(seed, assets, random_next(&s) < 0.3 ? pick(&s, 2, 30) : pick(&s, 31, 200));
        const bp_bundle *bundle = market_bundle(&m);
        const bp_status made = bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &w.scope);
        CU_ASSERT_FATAL(made == BP_OK || made == BP_ERANGE);
        if (made == BP_OK) {
            world_begin(&w, &s);
            for (unsigned i = 0; i < 2; i++) { /* the second run finds what the first has left */
                const bp__account account = random_account(&s);
                compared += compare(
                    &w, seed, random_next(&s) < 0.3 ? BP__MAX_LANES : pick(&s, 1, BP__MAX_LANES), &account);
            }
            world_end(&w);
        }
        bp__scope_destroy(&w.scope);
        bp_bundle_release(&bundle);
        market_destroy(&m);
    }
    printf("%llu runs compared, by ", (unsigned long long)compared);
    for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++)
        printf("%s%s%s", isa ? ", " : "", bp__isa_name(isa), bp__isa_is_there(isa) ? "" : " (not here)");
    printf(" ");
    CU_ASSERT(compared > 20 * markets);
}

/* Weights ---------------------------------------------------------------------------------------- */

/* Rows at some bars, of shares at random, of which many are 0. */
static void random_rows(void *context, const bp_market *m, const double *params, bp_weights *weights)
{
    uint64_t seed = 7919 * (uint64_t)params[0] + 1;
    const double often = pow(random_next(&seed), 2), wide = random_next(&seed);
    (void)context;
    for (int32_t t = 0; t < bp_market_num_bars(m); t++) {
        if (random_next(&seed) >= often) continue;
        double *row = bp_weights_row(weights, t), sum = 0;
        CU_ASSERT_FATAL(row != NULL);
        for (size_t i = 0; i < bp_market_num_assets(m); i++)
            if (random_next(&seed) < wide && bp_market_is_listed(m, i, t) &&
                bp_market_observations(m, i, t) > 0)
                sum += row[i] = random_next(&seed);
        const double in_all = random_next(&seed) < 0.5 ? 1 : random_next(&seed);
        for (size_t i = 0; i < bp_market_num_assets(m) && sum > 0; i++) row[i] *= in_all / sum;
    }
}

static const bp_param number[] = {{.name = "number"}};
static const bp_strategy by_rows = {
    .size = sizeof(bp_strategy), .name = "by_rows", .param = number, .num_params = 1, .weights = random_rows};

/* @return how many runs were compared */
static uint64_t compare_weights(const bp__scope *scope, uint64_t *seed)
{
    const bp__account account = random_account(seed);
    const size_t count = pick(seed, 1, 20);
    const bool worth = *seed % 2;
    uint64_t compared = 0;
    double params[20];
    bp__workspace *one, *all;
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &one), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &all), BP_OK);
    bp__workspace_keep(all, random_bound(*seed, scope));
    for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++) {
        if (!bp__isa_is_there(isa)) continue;
        bp__workspace_use(all, isa);
        bp__backtest_forget(all, count);
        for (size_t c = 0; c < count; c++) {
            size_t taken;
            if (isa == 0) params[c] = (double)pick(seed, 1, 1000000);
            CU_ASSERT_EQUAL(
                bp__backtest_prepare(all, &by_rows, 1, (const double *const[]){&params[c]}, &taken), BP_OK);
            CU_ASSERT_EQUAL(taken, 1);
        }
        bp__backtest_run_prepared(all, &account, worth);
        for (size_t c = 0; c < count; c++, compared++) {
            bp__record expected, found;
            const bp_status s = bp__backtest_run(one, &by_rows, &params[c], &account, NULL, &expected),
                            side_by_side =
                                bp__backtest_run(all, &by_rows, &params[c], &account, NULL, &found);
            CU_ASSERT_EQUAL(s, side_by_side);
            if (s != BP_OK) continue;
            const bool equal =
                same_fills(&found, &expected, worth) &&
                memcmp(expected.equity, found.equity, expected.n * sizeof *expected.equity) == 0;
            if (!equal)
                printf("\n    %s: rows %g, lane %zu of %zu differ", bp__isa_name(isa), params[c], c, count);
            CU_ASSERT(equal);
        }
    }
    bp__workspace_destroy(&one);
    bp__workspace_destroy(&all);
    return compared;
}

static void test_weights(void)
{
    uint64_t compared = 0;
    for (uint64_t seed = 1; seed <= markets; seed++) {
        uint64_t s = seed * 224737;
        market m = market_random(seed, pick(&s, 1, random_next(&s) < 0.2 ? 150 : 20), pick(&s, 2, 150));
        const bp_bundle *bundle = market_bundle(&m);
        bp__scope *scope;
        const bp_status made = bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &scope);
        CU_ASSERT_FATAL(made == BP_OK || made == BP_ERANGE);
        if (made == BP_OK) compared += compare_weights(scope, &s);
        bp__scope_destroy(&scope);
        bp_bundle_release(&bundle);
        market_destroy(&m);
    }
    printf("%llu runs compared ", (unsigned long long)compared);
    CU_ASSERT(compared > 5 * markets);
}

/* Money for a whole number of shares, less a few units in its last place: whether it is that number or one less depends on the
 * last bit of a quotient. */
static void test_floors(void)
{
    static const double scales[] = {1, 0x1p-1060, 0x1p900};
    uint64_t compared = 0;
    for (int i = 0; i < 3 * 600; i++) {
        const double price = (2.001 + 0.001 * (i / 3)) * scales[i % 3];
        market m = market_create(1, 3);
        /* a lower open: one share more could be paid */
        market_prices(&m, 0, 0, 3, (double[]){price, price / 2, price}, (double[]){price, price, price});
        const bp_bundle *bundle = market_bundle(&m);
        uint64_t seed = (uint64_t)i;
        world w = {0};
        CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &w.scope),
                              BP_OK);
        world_begin(&w, &seed);
        for (size_t l = 0; l < 4; l++) {
            w.signals[l].decide[0] = l < 3; /* in from the first session on, but for the last lane */
            w.signals[l].toggle[0] = l < 3;
        }
        bp__account account = bp__account_init();
        account.cash = (double)(1000 + i) * price;
        for (int less = 0; less < 5; less++) {
            compared += compare(&w, (uint64_t)i, 4, &account);
            account.cash = nextafter(account.cash, 0);
        }
        world_end(&w);
        bp__scope_destroy(&w.scope);
        bp_bundle_release(&bundle);
        market_destroy(&m);
    }
    CU_ASSERT(compared >= 3 * 600 * 5 * 4);
}

/* Crossings ----------------------------------------------------------------------------------------- */

/* A little less cash than so many shares cost: whether the quotient says that many depends on its rounding, and one less is right. */
static void test_overdrawn(void)
{
    uint64_t compared = 0, seed = 5;
    for (int i = 0; i < 400; i++) {
        const double price = 1 + 99 * random_next(&seed);
        market m = market_create(1, 3);
        market_prices(&m, 0, 0, 3, (double[]){price, 2 * price, price}, (double[]){price, price, price});
        const bp_bundle *bundle = market_bundle(&m);
        bp__account account = bp__account_init();
        world w = {0};
        CU_ASSERT_EQUAL_FATAL(bp__scope_create(bundle, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 1, &w.scope),
                              BP_OK);
        world_begin(&w, &seed);
        for (size_t l = 0; l < 4; l++) {
            w.signals[l].decide[0] = true;
            w.signals[l].toggle[0] = 1;
        }
        account.commission_bps = 80 * random_next(&seed);
        const double part = (double)pick(&seed, 1, 1000) * (2 * price);
        account.cash = nextafter(part + account.commission_bps / 10000 * part, 0);
        compared += compare(&w, (uint64_t)i, 4, &account);
        world_end(&w);
        bp__scope_destroy(&w.scope);
        bp_bundle_release(&bundle);
        market_destroy(&m);
    }
    CU_ASSERT(compared >= 1600);
}

#define PAIRS 40

static void cross_by_means(void *context, const bp_market *seen, const double *params, bp_signals *signals)
{
    (void)context;
    for (size_t i = 0; i < bp_market_num_assets(seen); i++) {
        int32_t n;
        bool above = false;
        (void)bp_market_closes(seen, i, &n);
        double *fast = bp_market_scratch(seen, ((size_t)n + 1) * sizeof *fast);
        double *slow = bp_market_scratch(seen, ((size_t)n + 1) * sizeof *slow);
        CU_ASSERT_FATAL(fast && slow);
        if (n == 0 || !bp_market_is_listed(seen, i, 0)) continue;
        bp_market_means(seen, i, (int32_t)params[0], fast);
        bp_market_means(seen, i, (int32_t)params[1], slow);
        const int32_t first = bp_market_observations(seen, i, 0) - 1;
        for (int32_t j = first > 0 ? first : 0; j < n; j++) {
            if ((fast[j] > slow[j]) == above) continue;
            const int32_t t = bp_market_bar_of(seen, i, j);
            bp_signals_toggle(signals, t > 0 ? t : 0, i);
            above = !above;
        }
    }
}

static void cross_one(void *context, const bp_market *seen, const double *params, bp_signals *signals)
{
    (void)context;
    const int32_t fast = (int32_t)params[0], slow = (int32_t)params[1];
    for (size_t i = 0; i < bp_market_num_assets(seen); i++)
        CU_ASSERT(bp_signals_cross(seen, i, 1, &fast, &slow, &signals));
}

static void cross_all(void *context, const bp_market *seen, size_t count, const double *const *params,
                      bp_signals *const *signals)
{
    (void)context;
    int32_t fast[PAIRS], slow[PAIRS];
    for (size_t c = 0; c < count; c++) {
        fast[c] = (int32_t)params[c][0];
        slow[c] = (int32_t)params[c][1];
    }
    for (size_t i = 0; i < bp_market_num_assets(seen); i++)
        CU_ASSERT(bp_signals_cross(seen, i, count, fast, slow, signals));
}

static const bp_param WINDOWS[] = {{.name = "fast", .min = 1, .max = 1000},
                                   {.name = "slow", .min = 1, .max = 1000}};
#define TWO_WINDOWS .size = sizeof(bp_strategy), .param = WINDOWS, .num_params = 2
static const bp_strategy by_means = {TWO_WINDOWS, .name = "by_means", .signals = cross_by_means};
static const bp_strategy by_crossing = {TWO_WINDOWS, .name = "by_crossing", .signals = cross_one,
                                        .signals_batch = cross_all};

/* Prices whose means are equal, or differ by rounding alone, or are too small for bounds. */
static void make_close(uint64_t *seed, market *m)
{
    for (size_t i = 0; i < m->assets; i++) {
        const double kind = random_next(seed), scale = kind < 0.1 ? 0x1p-1060 : kind < 0.2 ? 0x1p1000 : 1;
        const double step = kind < 0.5 ? 0 : kind < 0.7 ? 0x1p-50 : kind < 0.8 ? 1 : NAN;
        for (size_t t = 0; t < m->sessions && step == step; t++) {
            double *close = &m->close[i * m->sessions + t];
            if (*close == *close) *close = 3.3 * scale * (1 + step * (double)(t % 3));
        }
    }
}

/* What one strategy says of combinations that it is asked for together, by each instruction set, is what another one says of
 * each. @return changes of sets */
static uint64_t compare_said(const bp__scope *scope, const bp_strategy *by_itself,
                             const bp_strategy *together, double params[PAIRS][2])
{
    const size_t words = bp__scope_num_assets(scope) / 64 + 1, sessions = bp__scope_num_sessions(scope);
    const double *row[PAIRS];
    uint64_t changes = 0;
    bp__workspace *one, *all;
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &one), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__workspace_create(scope, &all), BP_OK);
    bp__workspace_keep(all, random_bound((uint64_t)(1e6 * params[0][0]), scope));
    for (size_t c = 0; c < PAIRS; c++) row[c] = params[c];
    for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++) {
        size_t taken;
        if (!bp__isa_is_there(isa)) continue;
        bp__workspace_use(all, isa);
        bp__backtest_forget(all, PAIRS);
        CU_ASSERT_EQUAL(bp__backtest_prepare(all, together, PAIRS, row, &taken), BP_OK);
        CU_ASSERT_EQUAL(taken, PAIRS);
        for (size_t c = 0; c < PAIRS; c++) {
            const bp__account account = bp__account_init();
            bp__record record;
            (void)bp__backtest_run(one, by_itself, params[c], &account, NULL, &record);
            const bp__signals *expected = bp__said_signals(one, by_itself, params[c]),
                              *found = bp__said_signals(all, together, params[c]);
            CU_ASSERT_FATAL(expected && found);
            const bool equal =
                memcmp(expected->toggle, found->toggle, sessions * words * sizeof(uint64_t)) == 0 &&
                memcmp(expected->decide, found->decide, sessions * sizeof(bool)) == 0;
            if (!equal)
                printf("\n    %s, %s: %g and %g differ", together->name, bp__isa_name(isa), params[c][0],
                       params[c][1]);
            CU_ASSERT(equal);
            for (size_t t = 0; t < sessions; t++) changes += expected->decide[t];
        }
    }
    bp__workspace_destroy(&one);
    bp__workspace_destroy(&all);
    return changes;
}

static void test_crossings(void)
{
    uint64_t crossings = 0;
    for (uint64_t seed = 1; seed <= markets; seed++) {
        uint64_t s = seed * 15485863;
        market m =
            market_random(seed, pick(&s, 1, 70), random_next(&s) < 0.3 ? pick(&s, 2, 70) : pick(&s, 71, 400));
        if (random_next(&s) < 0.5) make_close(&s, &m);
        const bp_bundle *bundle = market_bundle(&m);
        bp__scope *scope;
        double params[PAIRS][2];
        const size_t first = random_next(&s) < 0.5 ? 0 : pick(&s, 0, m.sessions - 2);
        const bp_status made = bp__scope_create(bundle, NULL, market_day(first), BP_TIME_MISSING, 1, &scope);
        CU_ASSERT_FATAL(made == BP_OK || made == BP_ERANGE);
        for (size_t c = 0; c < PAIRS; c++)
            for (size_t p = 0; p < 2; p++)
                params[c][p] = (double)pick(&s, 1, random_next(&s) < 0.2 ? 500 : 40);
        if (made == BP_OK) crossings += compare_said(scope, &by_means, &by_crossing, params);
        bp__scope_destroy(&scope);
        bp_bundle_release(&bundle);
        market_destroy(&m);
    }
    printf("%llu crossings ", (unsigned long long)crossings);
    CU_ASSERT(crossings > 1000 * markets);
}

/* Moving windows --------------------------------------------------------------------------------- */

static void test_moving(void)
{
    enum { MOST = 200 };
    double x[MOST], hi[MOST + 1], lo[MOST + 1], mean[MOST], found[MOST];
    for (uint64_t seed = 1; seed <= 20 * markets; seed++) {
        uint64_t s = seed * 49979687;
        const int32_t n = (int32_t)pick(&s, 0, MOST), k = (int32_t)pick(&s, 2, 60);
        const bool flat = random_next(&s) < 0.1;
        for (int32_t j = 0; j < n; j++) x[j] = flat ? 7.7 : 100 * random_next(&s);
        bp__prefix_sums(x, (size_t)n, hi, lo);
        for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++) {
            if (!bp__isa_is_there(isa)) continue;
            bool equal = true;
            bp__moving_means(isa, hi, lo, n, k, mean);
            for (int32_t j = 0; j < n; j++)
                equal &= j < k - 1 ? isnan(mean[j])
                                   : mean[j] == bp__prefix_mean(hi, lo, (size_t)(j + 1 - k), (size_t)(j + 1));
            bp__moving_deviations(isa, x, n, k, mean, found);
            for (int32_t j = 0; j < n; j++)
                equal &= j < k - 1 ? isnan(found[j])
                                   : found[j] == bp__deviation(x + j - (k - 1), (size_t)k, mean[j]);
            CU_ASSERT(equal);
        }
    }
}

/* Bands ------------------------------------------------------------------------------------------ */

/* A series of few values, so that many equal an edge, and of some that are no numbers. */
static double *make_series(const bp_market *seen, size_t asset)
{
    int32_t n;
    uint64_t seed = asset + 1;
    (void)bp_market_closes(seen, asset, &n);
    double *value = bp_market_scratch(seen, ((size_t)n + 1) * sizeof *value);
    CU_ASSERT_FATAL(value != NULL);
    for (int32_t j = 0; j < n; j++) {
        const double x = random_next(&seed);
        value[j] = x < 0.2 ? NAN : x < 0.22 ? INFINITY : x < 0.24 ? -INFINITY : floor(9 * x) - 5;
    }
    return value;
}

static void toggle_by_band(void *context, const bp_market *seen, const double *params, bp_signals *signals)
{
    (void)context;
    for (size_t i = 0; i < bp_market_num_assets(seen); i++) {
        int32_t n;
        bool held = false;
        (void)bp_market_closes(seen, i, &n);
        const double *value = make_series(seen, i);
        for (int32_t j = bp_market_observations(seen, i, -1); j < n; j++) {
            if (!(held ? value[j] > params[1] : value[j] < params[0])) continue;
            bp_signals_toggle(signals, bp_market_bar_of(seen, i, j), i);
            held = !held;
        }
    }
}

static void band_all(void *context, const bp_market *seen, size_t count, const double *const *params,
                     bp_signals *const *signals)
{
    (void)context;
    double low[PAIRS], high[PAIRS];
    for (size_t c = 0; c < count; c++) {
        low[c] = params[c][0];
        high[c] = params[c][1];
    }
    for (size_t i = 0; i < bp_market_num_assets(seen); i++)
        CU_ASSERT(bp_signals_band(seen, i, make_series(seen, i), count, low, high, signals));
}

static void band_one(void *context, const bp_market *seen, const double *params, bp_signals *signals)
{
    band_all(context, seen, 1, &params, &signals);
}

static const bp_param EDGES[] = {{.name = "low", .kind = BP_PARAM_REAL, .min = -9, .max = 9},
                                 {.name = "high", .kind = BP_PARAM_REAL, .min = -9, .max = 9}};
#define TWO_EDGES .size = sizeof(bp_strategy), .param = EDGES, .num_params = 2
static const bp_strategy by_toggles = {TWO_EDGES, .name = "by_toggles", .signals = toggle_by_band};
static const bp_strategy by_band = {TWO_EDGES, .name = "by_band", .signals = band_one,
                                    .signals_batch = band_all};

static void test_bands(void)
{
    uint64_t changes = 0;
    for (uint64_t seed = 1; seed <= markets; seed++) {
        uint64_t s = seed * 32452843;
        market m = market_random(seed, pick(&s, 1, 70), pick(&s, 2, 300));
        const bp_bundle *bundle = market_bundle(&m);
        bp__scope *scope;
        double params[PAIRS][2];
        const size_t first = random_next(&s) < 0.5 ? 0 : pick(&s, 0, m.sessions - 2);
        const bp_status made = bp__scope_create(bundle, NULL, market_day(first), BP_TIME_MISSING, 1, &scope);
        CU_ASSERT_FATAL(made == BP_OK || made == BP_ERANGE);
        for (size_t c = 0; c < PAIRS; c++) /* the upper edge is the lower one at times */
            for (size_t p = 0; p < 2; p++) params[c][p] = floor(9 * random_next(&s)) - 5;
        if (made == BP_OK) changes += compare_said(scope, &by_toggles, &by_band, params);
        bp__scope_destroy(&scope);
        bp_bundle_release(&bundle);
        market_destroy(&m);
    }
    printf("%llu changes ", (unsigned long long)changes);
    CU_ASSERT(changes > 1000 * markets);
}

int main(int argc, char **argv)
{
    if (argc > 2) markets = strtoul(argv[2], NULL, 10);
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("lanes", NULL, NULL);
    CU_add_test(suite, "lanes are runs", test_lanes);
    CU_add_test(suite, "lanes are runs, by weights", test_weights);
    CU_add_test(suite, "floors", test_floors);
    CU_add_test(suite, "cash that a share is too much for", test_overdrawn);
    CU_add_test(suite, "crossings are where means cross", test_crossings);
    CU_add_test(suite, "means and deviations are what they are one by one", test_moving);
    CU_add_test(suite, "bands are left where a value lies outside", test_bands);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0;
}
