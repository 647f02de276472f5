/* Helpers over whole panels: by hand, beside what a strategy is told by its host, and at random beside loops that look up
 * every value anew. Numbers are equal to the bit. */
#include "backtest/panel.h"

#include "backtest/call.h"
#include "tests/backtest/market.h"
#include "tests/reader/market.h"

enum { MOST_ASSETS = 14, MOST_SESSIONS = 70, MARKETS = 1000 };

__extension__ typedef __float128 quad; /* 113 bits: a sum of such numbers is exact */

static const double INF = INFINITY;

/* Plain loops ----------------------------------------------------------------------------------- */

static double average(const double *v, size_t n)
{
    quad sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v[i])) return NAN;
        sum += v[i];
    }
    return n ? (double)(sum / (quad)n) : NAN;
}

static double spread_around(const double *v, size_t n, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (v[i] - mean) * (v[i] - mean);
    return n < 2 ? NAN : sqrt(squares / (double)(n - 1));
}

static double plain_ema(const double *v, size_t n, size_t k)
{
    if (n < k) return NAN;
    double e = average(v, k);
    for (size_t j = k; j < n; j++) e = e + 2 / ((double)k + 1) * (v[j] - e);
    return e;
}

static double plain_rsi(const double *v, size_t n, size_t k)
{
    double up = 0, down = 0;
    if (n <= k) return NAN;
    for (size_t j = 1; j < n; j++) {
        const double rise = v[j] > v[j - 1] ? v[j] - v[j - 1] : 0,
                     fall = v[j] < v[j - 1] ? v[j - 1] - v[j] : 0;
        if (j <= k) {
            up += rise;
            down += fall;
            if (j == k) up /= (double)k;
            if (j == k) down /= (double)k;
        } else {
            up = (up * (double)(k - 1) + rise) / (double)k;
            down = (down * (double)(k - 1) + fall) / (double)k;
        }
    }
    return 100 * up / (up + down);
}

/* What a helper says after n observations. */
static double plain_value(bp__helper helper, const double *v, size_t n, size_t k)
{
    if (n == 0) return NAN;
    const double *last = v + n - (n < k ? n : k), mean = n >= k ? average(last, k) : NAN;
    const double deviation = n >= k ? spread_around(last, k, mean) : NAN;
    switch (helper) {
    case BP__SMA: return mean;
    case BP__STD: return deviation;
    case BP__EMA: return plain_ema(v, n, k);
    case BP__RETURNS: return n > k ? v[n - 1] / v[n - 1 - k] - 1 : NAN;
    case BP__RSI: return plain_rsi(v, n, k);
    case BP__SCORE: return deviation > 0 ? (v[n - 1] - mean) / deviation : NAN;
    case BP__SHIFT: return n > k ? v[n - 1 - k] : NAN;
    default: return NAN;
    }
}

/* Of an asset's row x, at column i: its observations up to there decide. */
static double plain_along(const bp__scope *s, bp__helper helper, size_t k, const double *x, size_t asset,
                          size_t i)
{
    double v[MOST_SESSIONS];
    size_t n = 0;
    if ((int64_t)i - s->first >= s->asset[asset].delisted) return NAN;
    for (size_t u = 0; u <= i; u++)
        if (!isnan(x[u])) v[n++] = x[u];
    return plain_value(helper, v, n, k);
}

static double plain_across(bp__helper helper, const bp__panel *x, size_t asset, size_t i)
{
    const double own = x->value[asset * x->stride + i];
    double v[MOST_ASSETS], less = 0, equal = 0;
    size_t n = 0;
    for (size_t a = 0; a < x->rows; a++) {
        const double other = x->value[a * x->stride + i];
        if (isnan(other)) continue;
        v[n++] = other;
        less += other < own;
        equal += other == own;
    }
    if (isnan(own)) return NAN;
    if (helper == BP__RANK) return less + (equal + 1) / 2;
    const double mean = average(v, n), deviation = spread_around(v, n, mean);
    return deviation > 0 ? (own - mean) / deviation : NAN;
}

/* What a strategy sees -------------------------------------------------------------------------- */

typedef struct seen {
    bp__call call;
    bp__market market;
} seen;

static void see(const bp__scope *s, seen *v)
{
    static const bp_strategy nobody = {.size = sizeof nobody, .name = "nobody"};
    MUST(bp__call_init(s, &v->call));
    bp__call_begin(&v->call, &nobody);
    v->market = (bp__market){.face = {.host = bp__host()}, .call = &v->call};
}

/* Values of an asset's observations, at their columns; carried on where it says so. */
static void lay_out(const bp__scope *s, const seen *v, size_t asset, const double *value, bool carried,
                    double missing, double *row)
{
    const bp_market *m = &v->market.face;
    const size_t columns = bp__panel_columns(s);
    int32_t count;
    bp_market_closes(m, asset, &count);
    for (size_t i = 0; i < columns; i++) {
        const int32_t t = (int32_t)i - s->first, j = bp_market_observations(m, asset, t) - 1;
        const bool here = j >= 0 && (carried || bp_market_bar_of(m, asset, j) == t);
        row[i] = here && bp_market_is_listed(m, asset, t) ? value[j] : missing;
    }
}

static unsigned differing(const double *a, const double *b, size_t n)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) count += !same_double(a[i], b[i]);
    return count;
}

static void compare_with_host(const bp__scope *s, const double *const *column, int32_t k)
{
    static const double NOTHING[MOST_SESSIONS];
    double value[MOST_SESSIONS], deviation[MOST_SESSIONS], row[MOST_SESSIONS];
    const size_t columns = bp__panel_columns(s), cells = s->num_assets * columns;
    double *mean = calloc(2 * cells + 1, sizeof *mean), *std = mean + cells;
    bool *tradable = calloc(cells + 1, sizeof *tradable);
    seen v;
    unsigned wrong = 0;
    see(s, &v);
    MUST(bp__panel_apply(s, BP__SMA, k, NULL, mean));
    if (k > 1) MUST(bp__panel_apply(s, BP__STD, k, NULL, std));
    bp__panel_tradable(s, tradable);
    for (size_t a = 0; a < s->num_assets; a++) {
        for (bp_bar_column c = BP_BAR_OPEN; c <= BP_BAR_VOLUME; c++) {
            if (!column[c]) continue;
            bp_market_read(&v.market.face, a, c, value);
            lay_out(s, &v, a, value, false, c == BP_BAR_VOLUME ? 0 : NAN, row);
            wrong += differing(row, column[c] + a * columns, columns);
        }
        bp_market_means(&v.market.face, a, k, value);
        lay_out(s, &v, a, value, true, NAN, row);
        wrong += differing(row, mean + a * columns, columns);
        if (k > 1) {
            bp_market_deviations(&v.market.face, a, k, value, deviation);
            lay_out(s, &v, a, deviation, true, NAN, row);
            wrong += differing(row, std + a * columns, columns);
        }
        lay_out(s, &v, a, NOTHING, true, NAN, row);
        for (size_t i = 0; i < columns; i++) wrong += tradable[a * columns + i] != !isnan(row[i]);
    }
    CU_ASSERT_FALSE(v.call.failed);
    CU_ASSERT_EQUAL(wrong, 0);
    bp__call_fini(&v.call);
    free(mean);
    free(tradable);
}

/* At random ------------------------------------------------------------------------------------- */

static unsigned compare_helper(const bp__scope *s, bp__helper helper, int64_t k, const bp__panel *x,
                               const bp__panel *used, double *out)
{
    const size_t columns = bp__panel_columns(s);
    unsigned wrong = 0;
    MUST(bp__panel_apply(s, helper, k, x, out));
    for (size_t a = 0; a < s->num_assets; a++)
        for (size_t i = 0; i < columns; i++) {
            const double expected =
                bp__helper_takes_k(helper)
                    ? plain_along(s, helper, (size_t)k, used->value + a * used->stride, a, i)
                    : plain_across(helper, used, a, i);
            wrong += !same_double(out[a * columns + i], expected);
        }
    return wrong;
}

/* Holes at the beginning, the end and between; equal numbers, zeros, and now and then one that is infinite. */
static void fill_by_chance(double *x, size_t n, uint64_t *seed)
{
    const uint64_t holes = draw(seed, 3), wild = draw(seed, 4);
    for (size_t i = 0; i < n; i++) {
        x[i] = ((double)draw(seed, 41) - 20) / 8;
        if (draw(seed, 3) == 0) x[i] = (double)draw(seed, 100000) / 1000;
        if (x[i] == 0 && draw(seed, 2)) x[i] = -0.0;
        if (holes && draw(seed, 2 + 3 * holes) == 0) x[i] = NAN;
        if (wild == 0 && draw(seed, 40) == 0) x[i] = draw(seed, 2) ? INF : -INF;
    }
}

static void check_scope(const bp__scope *s, bool has_all, uint64_t *seed)
{
    const size_t columns = bp__panel_columns(s), cells = s->num_assets * columns + 1;
    double *memory = calloc(7 * cells, sizeof *memory), *out = memory + 5 * cells, *own;
    const size_t stride = columns + draw(seed, 3);
    double *column[5] = {NULL};
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    for (bp_bar_column c = BP_BAR_OPEN; c <= BP_BAR_VOLUME; c++) {
        if (!has_all && c != BP_BAR_OPEN && c != BP_BAR_CLOSE) continue;
        bp__panel borrowed;
        column[c] = memory + (size_t)c * cells;
        MUST(bp__panel_column(s, c, column[c]));
        if (!bp__panel_borrow(s, c, &borrowed)) continue;
        unsigned wrong = 0;
        for (size_t a = 0; a < s->num_assets; a++)
            wrong += differing(borrowed.value + a * borrowed.stride, column[c] + a * columns, columns);
        CU_ASSERT_EQUAL(wrong, 0);
    }
    own = calloc(s->num_assets * stride + 1, sizeof *own);
    fill_by_chance(own, s->num_assets * stride, seed);
    const bp__panel given = {own, s->num_assets, columns, stride};
    const bp__panel closes = {column[BP_BAR_CLOSE], s->num_assets, columns, columns};
    unsigned wrong = 0;
    for (bp__helper h = 0; h < BP__NUM_HELPERS; h++)
        for (int which = 0; which < 2; which++) {
            int64_t k = bp__helper_takes_k(h) ? 2 + (int64_t)draw(seed, 12) : 0;
            if (k > 0 && draw(seed, 8) == 0 && h != BP__STD && h != BP__SCORE) k = 1;
            if (h == BP__SHIFT && draw(seed, 4) == 0) k = 0;
            if (k > 0 && draw(seed, 16) == 0) k = 1000;
            wrong += compare_helper(s, h, k, which ? &given : NULL, which ? &given : &closes, out);
        }
    CU_ASSERT_EQUAL(wrong, 0);
    compare_with_host(s, (const double *const *)column, 1 + (int32_t)draw(seed, 9));
    free(own);
    free(memory);
}

static bp__scope *some_scope(const bp_bundle *b, uint64_t *seed)
{
    const size_t d = bp_bundle_num_sessions(b);
    const int64_t *day = bp_bundle_sessions(b);
    int64_t start = BP_TIME_MISSING, end = BP_TIME_MISSING;
    const char *some[MOST_ASSETS + 1] = {NULL};
    size_t chosen = 0;
    if (draw(seed, 3)) start = day[draw(seed, d / 2 + 1)];
    if (draw(seed, 3)) end = day[d / 2 + draw(seed, d - d / 2)];
    for (size_t i = 0; i < bp_bundle_num_assets(b); i++)
        if (draw(seed, 2)) some[chosen++] = bp_bundle_symbol(b, i);
    bp__scope *s = NULL;
    const bp_status status =
        bp__scope_create(b, chosen && draw(seed, 2) ? some : NULL, start, end, (uint32_t)draw(seed, 3), &s);
    CU_ASSERT(status == BP_OK || status == BP_ERANGE);
    return s;
}

static void test_at_random(void)
{
    uint64_t seed = 4711;
    unsigned checked = 0;
    for (uint64_t round = 0; round < MARKETS; round++) {
        const size_t assets = 1 + draw(&seed, MOST_ASSETS), sessions = 4 + draw(&seed, MOST_SESSIONS - 4);
        const bool has_all = round % 2;
        const market_plan plan = {.assets = assets, .sessions = sessions};
        market m = market_random(round + 1, assets, sessions);
        const bp_bundle *b = has_all ? make_market(&plan, round + 1) : market_bundle(&m);
        bp__scope *s = some_scope(b, &seed);
        checked += s != NULL;
        if (s) check_scope(s, has_all, &seed);
        bp__scope_destroy(&s);
        bp_bundle_release(&b);
        market_destroy(&m);
    }
    CU_ASSERT(checked > MARKETS * 3 / 4);
}

/* By hand --------------------------------------------------------------------------------------- */

typedef struct small {
    market m;
    const bp_bundle *bundle;
    bp__scope *scope;
} small;

/* Assets of a hand-made market, over sessions from … to. */
static void make_small(small *x, size_t from, size_t to)
{
    x->bundle = market_bundle(&x->m);
    MUST(bp__scope_create(x->bundle, NULL, market_day(from), market_day(to), 1, &x->scope));
}

static void free_small(small *x)
{
    bp__scope_destroy(&x->scope);
    bp_bundle_release(&x->bundle);
    market_destroy(&x->m);
}

#define SAME(out, ...)                                                                                       \
    do {                                                                                                     \
        const double expected_[] = {__VA_ARGS__};                                                            \
        CU_ASSERT_EQUAL(differing(out, expected_, sizeof expected_ / sizeof *expected_), 0);                 \
    } while (0)

static void test_holes_splits_delistings(void)
{
    const double a[] = {10, NAN, 20, 30, NAN, 20, 25, 30}, b[] = {NAN, 8, 4, NAN, 6, 2, NAN, NAN};
    small x = {.m = market_create(2, 8)};
    market_prices(&x.m, 0, 0, 8, a, a);
    market_prices(&x.m, 1, 0, 8, b, b);
    market_split(&x.m, 0, market_day(5), 0.5); /* from then on worth twice as much */
    x.m.life_end[1] = 5;                       /* and so delisted there: its last close is that before */
    make_small(&x, 3, 7);
    double out[16];
    bool tradable[16];
    MUST(bp__panel_column(x.scope, BP_BAR_CLOSE, out));
    SAME(out, 10, NAN, 20, 30, NAN, 40, 50, 60, NAN, 8, 4, NAN, 6, NAN, NAN, NAN);
    MUST(bp__panel_apply(x.scope, BP__SMA, 2, NULL, out));
    SAME(out, NAN, NAN, 15, 25, 25, 35, 45, 55, NAN, NAN, 6, 6, 5, NAN, NAN, NAN);
    MUST(bp__panel_apply(x.scope, BP__RETURNS, 1, NULL, out));
    SAME(out, NAN, NAN, 1, 0.5, 0.5, 40.0 / 30 - 1, 0.25, 60.0 / 50 - 1, NAN, NAN, -0.5, -0.5, 0.5, NAN, NAN,
         NAN);
    MUST(bp__panel_apply(x.scope, BP__SHIFT, 1, NULL, out));
    SAME(out, NAN, NAN, 10, 20, 20, 30, 40, 50, NAN, NAN, 8, 8, 4, NAN, NAN, NAN);
    MUST(bp__panel_apply(x.scope, BP__EMA, 3, NULL, out));
    SAME(out, NAN, NAN, NAN, 20, 20, 30, 40, 50, NAN, NAN, NAN, NAN, 6, NAN, NAN, NAN);
    MUST(bp__panel_apply(x.scope, BP__RSI, 2, NULL, out));
    SAME(out, NAN, NAN, NAN, 100, 100, 100, 100, 100, NAN, NAN, NAN, NAN, 100 * 1.0 / (1.0 + 2.0), NAN, NAN,
         NAN);
    bp__panel_tradable(x.scope, tradable);
    for (size_t i = 0; i < 16; i++) CU_ASSERT_EQUAL(tradable[i], i < 8 || (i >= 9 && i < 13));
    free_small(&x);
}

static void test_constant_prices(void)
{
    double price[30], out[60];
    for (size_t i = 0; i < 30; i++) price[i] = 0.1;
    small x = {.m = market_create(2, 30)};
    market_prices(&x.m, 0, 0, 30, price, price);
    market_prices(&x.m, 1, 0, 30, price, price);
    make_small(&x, 2, 29);
    for (bp__helper h = BP__SMA; h <= BP__EMA; h++) {
        MUST(bp__panel_apply(x.scope, h, 7, NULL, out));
        for (size_t i = 6; i < 30; i++) CU_ASSERT_EQUAL(out[30 + i], h == BP__STD ? 0 : 0.1);
        CU_ASSERT(isnan(out[5]) && isnan(out[35]));
    }
    MUST(bp__panel_apply(x.scope, BP__RSI, 7, NULL, out));
    for (size_t i = 0; i < 60; i++) CU_ASSERT(isnan(out[i]));
    MUST(bp__panel_apply(x.scope, BP__SCORE, 7, NULL, out));
    for (size_t i = 0; i < 60; i++) CU_ASSERT(isnan(out[i]));
    MUST(bp__panel_apply(x.scope, BP__RANK, 0, NULL, out));
    for (size_t i = 0; i < 60; i++) CU_ASSERT_EQUAL(out[i], 1.5);
    MUST(bp__panel_apply(x.scope, BP__ZSCORE, 0, NULL, out));
    for (size_t i = 0; i < 60; i++) CU_ASSERT(isnan(out[i]));
    free_small(&x);
}

static void test_across(void)
{
    const double price[] = {1, 1};
    small x = {.m = market_create(5, 2)};
    for (size_t i = 0; i < 5; i++) market_prices(&x.m, i, 0, 2, price, price);
    make_small(&x, 0, 1);
    const double value[] = {3, -0.0, NAN, INF, 1, 0.0, 3, -INF, 5, NAN};
    const bp__panel panel = {value, 5, 2, 2};
    double out[10];
    MUST(bp__panel_apply(x.scope, BP__RANK, 0, &panel, out));
    SAME(out, 2.5, 2.5, NAN, 4, 1, 2.5, 2.5, 1, 4, NAN);
    MUST(bp__panel_apply(x.scope, BP__ZSCORE, 0, &panel, out));
    const double sd = sqrt((0.0 + 4 + 0 + 4) / 3);
    SAME(out, 0, NAN, NAN, NAN, -2 / sd, NAN, 0, NAN, 2 / sd, NAN);
    free_small(&x);
}

static void test_many_assets(void)
{
    enum { ASSETS = 3000 };
    const double price[] = {1, 1};
    small x = {.m = market_create(ASSETS, 2)};
    double *value = malloc(4 * ASSETS * sizeof *value), *out = value + 2 * ASSETS;
    for (size_t i = 0; i < ASSETS; i++) {
        market_prices(&x.m, i, 0, 2, price, price);
        value[2 * i] = (double)(i * 7 % ASSETS); /* 7 divides none of it but 0 */
        value[2 * i + 1] = -(double)(i / 2);
    }
    make_small(&x, 0, 1);
    const bp__panel panel = {value, ASSETS, 2, 2};
    MUST(bp__panel_apply(x.scope, BP__RANK, 0, &panel, out));
    unsigned wrong = 0;
    for (size_t i = 0; i < ASSETS; i++)
        wrong += out[2 * i] != value[2 * i] + 1 || out[2 * i + 1] != ASSETS - 2.0 * (double)(i / 2) - 0.5;
    CU_ASSERT_EQUAL(wrong, 0);
    free(value);
    free_small(&x);
}

/* A number beyond all others must not spoil the windows that it is not in, nor one that is infinite. */
static void test_wild_numbers(void)
{
    const double price[] = {1, 1, 1, 1, 1, 1};
    small x = {.m = market_create(1, 6)};
    market_prices(&x.m, 0, 0, 6, price, price);
    make_small(&x, 0, 5);
    double out[6];
    const double infinite[] = {1, 3, INF, 5, 7, 9}, large[] = {1.5e308, 1.5e308, 1e300, 1, 3, 5};
    MUST(bp__panel_apply(x.scope, BP__SMA, 2, &(bp__panel){infinite, 1, 6, 6}, out));
    SAME(out, NAN, 2, NAN, NAN, 6, 8);
    MUST(bp__panel_apply(x.scope, BP__STD, 2, &(bp__panel){infinite, 1, 6, 6}, out));
    CU_ASSERT(out[1] == sqrt(2) && isnan(out[2]) && isnan(out[3]) && out[4] == sqrt(2));
    MUST(bp__panel_apply(x.scope, BP__SMA, 2, &(bp__panel){large, 1, 6, 6}, out));
    CU_ASSERT(out[4] == 2 && out[5] == 4);
    free_small(&x);
}

/* Borrowing ------------------------------------------------------------------------------------- */

static void test_borrowing(void)
{
    double price[12], out[24];
    for (size_t i = 0; i < 12; i++) price[i] = 10 + (double)i;
    small x = {.m = market_create(4, 12)};
    for (size_t i = 0; i < 4; i++) market_prices(&x.m, i, 0, 12, price, price);
    x.m.open[3] = NAN;
    make_small(&x, 5, 9);
    bp__panel p;
    CU_ASSERT_FATAL(bp__panel_borrow(x.scope, BP_BAR_CLOSE, &p));
    CU_ASSERT(p.rows == 4 && p.columns == 10 && p.stride == 12);
    CU_ASSERT_PTR_EQUAL(p.value, bp_bundle_daily(x.bundle, BP_COL_CLOSE));
    CU_ASSERT(bp__panel_borrow(x.scope, BP_BAR_OPEN, &p));
    CU_ASSERT_FALSE(bp__panel_borrow(x.scope, BP_BAR_HIGH, &p)); /* the bundle has none */
    CU_ASSERT_FALSE(bp__panel_borrow(x.scope, (bp_bar_column)5, &p));

    static const char *const every_other[] = {"B", "D", NULL}, *const uneven[] = {"A", "B", "D", NULL},
                             *const one[] = {"C", NULL};
    const struct {
        const char *const *symbols;
        size_t row, stride; /* 0: cannot be borrowed */
    } selections[] = {{every_other, 1, 24}, {uneven, 0, 0}, {one, 2, 10}};
    for (size_t i = 0; i < 3; i++) {
        bp__scope *s;
        MUST(bp__scope_create(x.bundle, selections[i].symbols, market_day(5), market_day(9), 1, &s));
        CU_ASSERT_EQUAL(bp__panel_borrow(s, BP_BAR_CLOSE, &p), selections[i].stride > 0);
        if (selections[i].stride) {
            CU_ASSERT_EQUAL(p.stride, selections[i].stride);
            CU_ASSERT_PTR_EQUAL(p.value, bp_bundle_daily(x.bundle, BP_COL_CLOSE) + 12 * selections[i].row);
            MUST(bp__panel_apply(s, BP__SHIFT, 0, &p, out));
            SAME(out, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
        }
        bp__scope_destroy(&s);
    }
    free_small(&x);
}

/* Each of these makes the panel differ from what the bundle has. */
static void test_nothing_to_borrow(void)
{
    enum { SPLIT, SPLIT_LATER, DELISTED, OPEN_WITHOUT_CLOSE, HOLE, NEGATIVE, LATE, CASES };
    double price[12];
    for (size_t i = 0; i < 12; i++) price[i] = 10 + (double)i;
    for (int what = 0; what < CASES; what++) {
        small x = {.m = market_create(2, 12)};
        for (size_t i = 0; i < 2; i++) market_prices(&x.m, i, 0, 12, price, price);
        if (what == SPLIT) market_split(&x.m, 1, market_day(4), 0.5);
        if (what == SPLIT_LATER) market_split(&x.m, 1, market_day(10), 0.5);
        if (what == DELISTED) x.m.life_end[1] = 7;
        if (what == OPEN_WITHOUT_CLOSE) x.m.close[12 + 6] = NAN;
        if (what == HOLE) x.m.close[12 + 6] = x.m.open[12 + 6] = NAN;
        if (what == NEGATIVE) x.m.open[12 + 6] = -1;
        if (what == LATE) x.m.close[12] = x.m.open[12] = NAN;
        make_small(&x, 2, 9);
        bp__panel p;
        CU_ASSERT_EQUAL(bp__panel_borrow(x.scope, BP_BAR_OPEN, &p),
                        what == SPLIT_LATER || what == HOLE || what == LATE);
        CU_ASSERT_EQUAL(bp__panel_borrow(x.scope, BP_BAR_CLOSE, &p), what != SPLIT && what != DELISTED);
        free_small(&x);
    }
}

/* Arguments ------------------------------------------------------------------------------------- */

static void test_bad_arguments(void)
{
    const double price[] = {1, 1, 1};
    small x = {.m = market_create(2, 3)};
    for (size_t i = 0; i < 2; i++) market_prices(&x.m, i, 0, 3, price, price);
    make_small(&x, 1, 2);
    double out[6], value[6] = {0};
    FAILS(bp__panel_apply(x.scope, BP__SMA, 0, NULL, out), BP_EINVAL,
          "sma: k is 0, allowed are 1 to 1000000");
    FAILS(bp__panel_apply(x.scope, BP__STD, 1, NULL, out), BP_EINVAL,
          "std: k is 1, allowed are 2 to 1000000");
    FAILS(bp__panel_apply(x.scope, BP__EMA, 1000001, NULL, out), BP_EINVAL, "ema: k is 1000001");
    FAILS(bp__panel_apply(x.scope, BP__RSI, INT64_MIN, NULL, out), BP_EINVAL,
          "rsi: k is -9223372036854775808");
    FAILS(bp__panel_apply(x.scope, BP__RETURNS, (INT64_C(1) << 32) + 1, NULL, out), BP_EINVAL,
          "returns: k is");
    FAILS(bp__panel_apply(x.scope, BP__SCORE, 1, NULL, out), BP_EINVAL, "zscore: k is 1, allowed are 2");
    FAILS(bp__panel_apply(x.scope, BP__SHIFT, -1, NULL, out), BP_EINVAL,
          "shift: n is -1, which would look ahead");
    FAILS(bp__panel_apply(x.scope, BP__SHIFT, 1000001, NULL, out), BP_EINVAL,
          "shift: n is 1000001, allowed are 0");
    FAILS(bp__panel_apply(x.scope, BP__RANK, 3, NULL, out), BP_EINVAL, "rank: across assets it takes no k");
    FAILS(bp__panel_apply(x.scope, BP__NUM_HELPERS, 3, NULL, out), BP_EINVAL, "there is no such helper");
    FAILS(bp__panel_apply(x.scope, BP__SMA, 2, &(bp__panel){value, 2, 2, 2}, out), BP_EINVAL,
          "sma: x is [2][2], but has to be [2][3]");
    FAILS(bp__panel_apply(x.scope, BP__RANK, 0, &(bp__panel){value, 3, 3, 3}, out), BP_EINVAL,
          "rank: x is [3][3]");
    FAILS(bp__panel_apply(x.scope, BP__RANK, 0, &(bp__panel){value, 2, 3, 2}, out), BP_EINVAL, "are 2 apart");
    FAILS(bp__panel_column(x.scope, (bp_bar_column)5, out), BP_EINVAL, "column 5");
    FAILS(bp__panel_windows_check(x.scope, -1, 1, BP_BAR_CLOSE, 0), BP_EINVAL,
          "session -1, but the range has 0 to 1");
    FAILS(bp__panel_windows_check(x.scope, 2, 1, BP_BAR_CLOSE, 0), BP_EINVAL, "session 2");
    FAILS(bp__panel_windows_check(x.scope, 1, 0, BP_BAR_CLOSE, 0), BP_EINVAL,
          "k is 0, allowed are 1 to 1000000");
    FAILS(bp__panel_windows_check(x.scope, 1, 1, BP_BAR_CLOSE, 4), BP_EINVAL, "0x4");
    FAILS(bp__panel_windows_check(x.scope, 1, 1, (bp_bar_column)-1, 0), BP_EINVAL, "column -1");
    free_small(&x);
}

int main(void)
{
    CU_TestInfo tests[] = {{"holes, splits, delistings", test_holes_splits_delistings},
                           {"constant prices", test_constant_prices},
                           {"across assets", test_across},
                           {"many assets", test_many_assets},
                           {"wild numbers", test_wild_numbers},
                           {"borrowing", test_borrowing},
                           {"nothing to borrow", test_nothing_to_borrow},
                           {"bad arguments", test_bad_arguments},
                           {"at random", test_at_random},
                           CU_TEST_INFO_NULL};
    return suite_main("panel", tests);
}
