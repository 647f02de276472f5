/* What is derived from a scope is what one computes by hand from the bundle, whatever is kept; and signals of lanes are those of
 * each. */
#include "backtest/derived.h"

#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/call.h"
#include "backtest/exact.h"
#include "tests/backtest/market.h"

#define ASSETS   9
#define SESSIONS 120

typedef struct world {
    market m;
    const bp_bundle *bundle;
    bp__scope *scope;
} world;

/* A random market, of which the range begins in the middle for every other seed. */
static bool world_begin(world *w, uint64_t seed)
{
    w->m = market_random(seed, ASSETS, SESSIONS);
    w->bundle = market_bundle(&w->m);
    const int64_t start = seed % 2 ? market_day(SESSIONS / 3) : BP_TIME_MISSING;
    const bp_status s = bp__scope_create(w->bundle, NULL, start, BP_TIME_MISSING, 1, &w->scope);
    CU_ASSERT_FATAL(s == BP_OK || s == BP_ERANGE);
    return s == BP_OK;
}

static void world_end(world *w)
{
    bp__scope_destroy(&w->scope);
    bp_bundle_release(&w->bundle);
    market_destroy(&w->m);
}

/* Closes ---------------------------------------------------------------------------------------------- */

/* Adjusted closes one by one. @return how many */
static int32_t closes_by_hand(const bp__scope *s, size_t asset, double *closes)
{
    const int32_t end = s->asset[asset].delisted < (int32_t)s->num_sessions ? s->asset[asset].delisted
                                                                            : (int32_t)s->num_sessions;
    int32_t n = 0;
    for (int32_t t = -s->first; t < end; t++) {
        double g = 1;
        if (!bp__priced(s->close[asset][t])) continue;
        for (size_t e = s->splits_begin[asset]; e < s->splits_begin[asset + 1]; e++)
            if (s->all_splits.at[e].t <= t) g *= s->all_splits.at[e].value;
        closes[n++] = s->close[asset][t] / g;
    }
    return n;
}

static bool are_equal(const double *a, const double *b, size_t n)
{
    return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

static const size_t bounds[] = {0, 5000, 100 * ASSETS *SESSIONS};

static void compare_closes(const bp__scope *s, size_t bound)
{
    bp__derived d;
    const double *lent[2][ASSETS];
    CU_ASSERT_EQUAL_FATAL(bp__derived_init(s, &d), BP_OK);
    d.stats.bound = bound;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < s->num_assets; i++) {
            double expected[SESSIONS];
            const int32_t n = closes_by_hand(s, i, expected);
            CU_ASSERT_EQUAL_FATAL(n, s->asset[i].count);
            CU_ASSERT(are_equal(bp__derived_closes(&d, i), expected, (size_t)n));
            /* first every other one: the memory of these is then lent for others */
            lent[round][i] = round > 0 || i % 2 == 0 ? bp__derived_lend_closes(&d, i) : NULL;
            CU_ASSERT_FATAL(n == 0 || (round == 0 && i % 2 == 1) || lent[round][i]);
        }
        for (size_t i = 0; i < s->num_assets; i++) { /* they are all still there */
            double expected[SESSIONS];
            const int32_t n = closes_by_hand(s, i, expected);
            if (!lent[round][i]) continue;
            CU_ASSERT(are_equal(lent[round][i], expected, (size_t)n));
            CU_ASSERT(bound <= bounds[1] || !lent[0][i] || lent[round][i] == lent[0][i]);
        }
        CU_ASSERT(d.stats.bytes <= bound);
        bp__derived_take_back(&d);
    }
    bp__derived_fini(&d);
}

static void test_closes(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        world w = {0};
        if (world_begin(&w, seed))
            for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) compare_closes(w.scope, bounds[b]);
        world_end(&w);
    }
}

/* Sums ------------------------------------------------------------------------------------------------ */

static void compare_sums(const bp__scope *s, size_t bound)
{
    bp__derived d;
    size_t with_observations = 0;
    CU_ASSERT_EQUAL_FATAL(bp__derived_init(s, &d), BP_OK);
    d.stats.bound = bound;
    for (int round = 0; round < 4; round++)
        for (size_t i = 0; i < s->num_assets; i++) {
            double closes[SESSIONS], hi[SESSIONS + 1], lo[SESSIONS + 1], least = INFINITY;
            const size_t n = (size_t)closes_by_hand(s, i, closes);
            bp__prefix_sums(closes, n, hi, lo);
            for (size_t j = 0; j < n; j++) least = fmin(least, closes[j]);
            const bp__sums *sums = bp__derived_sums(&d, i);
            CU_ASSERT(are_equal(sums->hi, hi, n + 1) && are_equal(sums->lo, lo, n + 1));
            CU_ASSERT(n == 0 || sums->least == least);
            CU_ASSERT(bp__derived_sums(&d, i) == sums);
            with_observations += round == 0 && n > 0;
            double all = 0; /* what lies before and behind may be read */
            for (size_t j = 0; j < n; j++) all += sums->hi[-1 - (ptrdiff_t)j] * 0;
            for (size_t j = 0; j < BP__SUMS_BEHIND; j++) all += sums->lo[n + 1 + j] * 0;
            CU_ASSERT(isfinite(all) || isnan(all));
        }
    CU_ASSERT(d.stats.bytes <= bound);
    if (bound == bounds[0]) CU_ASSERT_EQUAL(d.stats.hits, 0);
    if (bound == bounds[2]) { /* kept when they were asked for again, and found ever since */
        CU_ASSERT_EQUAL(d.stats.misses, 2 * s->num_assets - 1); /* the last asset's were still there */
        CU_ASSERT(d.stats.hits >= 2 * s->num_assets);
    }
    CU_ASSERT(with_observations > 0);
    bp__derived_fini(&d);
}

static void test_sums(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        world w = {0};
        if (world_begin(&w, seed))
            for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) compare_sums(w.scope, bounds[b]);
        world_end(&w);
    }
}

/* Marks ----------------------------------------------------------------------------------------------- */

static void test_marks(void)
{
    uint64_t gaps = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        world w = {0};
        const bool there = world_begin(&w, seed);
        const bp__scope *s = w.scope;
        for (size_t i = 0; there && i < s->num_assets; i++) {
            double mark = NAN;
            for (int32_t t = -s->first; t < (int32_t)s->num_sessions && t <= s->asset[i].delisted; t++) {
                for (size_t e = s->splits_begin[i]; e < s->splits_begin[i + 1]; e++)
                    if (s->all_splits.at[e].t == t) mark *= s->all_splits.at[e].value;
                const double before = mark;
                if (bp__priced(s->close[i][t])) mark = s->close[i][t];
                if (t < 0) continue;
                const double found = bp__scope_mark(s, i, t);
                CU_ASSERT(found == mark || (isnan(found) && isnan(mark)));
                gaps += before == mark;
                bp__marks marks = bp__marks_from(s, i, t + 1, mark);
                if (t + 1 < (int32_t)s->num_sessions && t < s->asset[i].delisted) {
                    const double next = bp__marks_next(&marks, t + 1), same = bp__scope_mark(s, i, t + 1);
                    CU_ASSERT(next == same || (isnan(next) && isnan(same)));
                }
            }
        }
        world_end(&w);
    }
    CU_ASSERT(gaps > 1000);
}

/* Signals of lanes ------------------------------------------------------------------------------------ */

static void test_widths(void)
{
    static const size_t lanes[] = {1, 8, 9, 16, 17, 32, 33, 64}, bytes[] = {1, 1, 2, 2, 4, 4, 8, 8};
    const size_t words = 8 * 3 * 11; /* of 20 assets, 10 sessions and the row that makes them odd */
    bp__lane_signals s = {0};
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        CU_ASSERT_EQUAL_FATAL(bp__lane_signals_begin(&s, 20, 10, lanes[i], SIZE_MAX), BP_OK);
        CU_ASSERT_EQUAL(s.bytes, bytes[i]);
        const uint64_t all = UINT64_MAX >> (64 - 8 * s.bytes);
        for (size_t t = 0; t < 10; t++)
            for (size_t a = 0; a < 20; a++) {
                CU_ASSERT_EQUAL(bp__lane_signals_at(&s, t, a), 0);
                bp__lane_signals_turn(&s, t, a, all & (0x0102040810204081 * (a + 1) + t));
            }
        bp__lane_signals_forget(&s, 5);
        for (size_t t = 0; t < 10; t++) {
            uint64_t decides = 0;
            for (size_t a = 0; a < 20; a++) {
                const uint64_t said = (0x0102040810204081 * (a + 1) + t) & 31;
                CU_ASSERT_EQUAL(bp__lane_signals_at(&s, t, a), said);
                decides |= said;
            }
            CU_ASSERT_EQUAL(s.decide[t], decides);
        }
        /* in less memory there are fewer lanes */
        CU_ASSERT_EQUAL_FATAL(bp__lane_signals_begin(&s, 20, 10, 64, 4 * words), BP_OK);
        CU_ASSERT_EQUAL(bp__lane_signals_lanes(&s), 32);
        CU_ASSERT_EQUAL_FATAL(bp__lane_signals_begin(&s, 20, 10, 64, 0), BP_OK);
        CU_ASSERT_EQUAL(bp__lane_signals_lanes(&s), 8);
    }
    bp__lane_signals_fini(&s);
}

/* 64 observations at once, of `count` combinations in any order of lanes, some of them named twice: as one by one. */
static void compare_blocks(bp__call *call, size_t count, uint64_t *seed)
{
    const bp__scope *s = call->scope;
    bp__lane_signals at_once = {0}, by_one = {0};
    bp__signals a[64], b[64];
    bp_signals *face[64];
    CU_ASSERT_EQUAL_FATAL(bp__lane_signals_begin(&at_once, ASSETS, s->num_sessions, 64, SIZE_MAX), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__lane_signals_begin(&by_one, ASSETS, s->num_sessions, 64, SIZE_MAX), BP_OK);
    for (size_t c = 0; c < count; c++) {
        const uint64_t lane = UINT64_C(1) << (random_next(seed) < 0.05 ? 3 : (c * 37 + 11) % 64);
        a[c] = (bp__signals){.lanes = &at_once, .lane = lane};
        b[c] = (bp__signals){.lanes = &by_one, .lane = lane};
        face[c] = &a[c].face;
    }
    for (size_t i = 0; i < s->num_assets; i++)
        for (int32_t from = 0; from < s->asset[i].count; from += 64) {
            uint64_t turns[64];
            for (size_t c = 0; c < count; c++) {
                turns[c] = (uint64_t)(random_next(seed) * 0x1p53) & (uint64_t)(random_next(seed) * 0x1p53)
                                                                        << 11;
                for (int32_t j = 0; j < 64; j++) {
                    const int32_t t =
                        from + j < s->asset[i].count ? bp__observed_at(&s->asset[i], from + j) : 0;
                    if (from + j >= s->asset[i].count) turns[c] &= ~(UINT64_C(1) << j);
                    if (turns[c] >> j & 1) bp__signals_turn(&b[c], t > 0 ? (size_t)t : 0, i);
                }
            }
            bp__signals_turn_block(call, i, from, count, face, turns);
        }
    for (size_t t = 0; t < s->num_sessions; t++) {
        CU_ASSERT_EQUAL(at_once.decide[t], by_one.decide[t]);
        for (size_t i = 0; i < s->num_assets; i++)
            CU_ASSERT_EQUAL(bp__lane_signals_at(&at_once, t, i), bp__lane_signals_at(&by_one, t, i));
    }
    bp__lane_signals_fini(&at_once);
    bp__lane_signals_fini(&by_one);
}

static void test_blocks(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        world w = {0};
        uint64_t own = seed;
        if (world_begin(&w, seed))
            for (bp__isa isa = 0; isa < BP__NUM_ISAS; isa++) {
                bp__call call;
                if (!bp__isa_is_there(isa)) continue;
                CU_ASSERT_EQUAL_FATAL(bp__call_init(w.scope, &call), BP_OK);
                call.isa = isa;
                for (size_t count = 1; count <= 64; count += 9) compare_blocks(&call, count, &own);
                bp__call_fini(&call);
            }
        world_end(&w);
    }
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("derived", NULL, NULL);
    CU_add_test(suite, "adjusted closes", test_closes);
    CU_add_test(suite, "prefix sums", test_sums);
    CU_add_test(suite, "last known prices", test_marks);
    CU_add_test(suite, "words of lanes", test_widths);
    CU_add_test(suite, "64 observations at once", test_blocks);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failures > 0;
}
