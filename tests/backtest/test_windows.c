/* A window of a strategy's view and one of the readers are the same doubles, where their sessions are the
 * same. */
#include "backtest/windows.h"

#include "tests/reader/market.h"

enum { MOST = 90 };

static void compare(const bp_bundle *b, const bp_reader *r, const bp__scope *s, const bp__windows *w,
                    uint64_t *seed, unsigned *changed)
{
    const size_t asset = draw(seed, s->num_assets);
    const int32_t t = (int32_t)draw(seed, s->num_sessions), k = (int32_t)draw(seed, MOST);
    const bp_bar_column column = (bp_bar_column)draw(seed, 5);
    const bool as_traded = draw(seed, 4) == 0;
    double seen[MOST], read[MOST];
    MUST(bp_reader_window(r, bp_bundle_sids(b)[asset], (bp_field)column, bp_bundle_sessions(b)[t], (size_t)k,
                          BP_TIME_MISSING, as_traded ? BP_ADJUST_NONE : BP_ADJUST_ALL, read));
    bp__window(s, w, asset, column, t, k, as_traded ? BP_AS_TRADED : BP_ADJUSTED, seen);
    unsigned wrong = 0;
    for (int32_t i = 0; i < k; i++) {
        wrong += !same_double(seen[i], read[i]);
        if (t - k + 1 + i >= 0)
            *changed += !isnan(seen[i]) && seen[i] != bp__scope_value(s, asset, column, t - k + 1 + i);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_windows(void)
{
    uint64_t seed = 81;
    unsigned compared = 0, changed = 0;
    for (uint64_t round = 0; round < 12; round++) {
        const market_plan plan = {.assets = 60, .sessions = 80};
        const bp_bundle *b = make_market(&plan, seed + round);
        bp__scope *s;
        bp__windows w = {0};
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        MUST(bp__scope_create(b, NULL, BP_TIME_MISSING, BP_TIME_MISSING, 0, &s));
        MUST(bp__windows_make(s, &w));
        if (!s->where) { /* every session of the bundle is one of the scope */
            for (int i = 0; i < 500; i++) compare(b, r, s, &w, &seed, &changed);
            compared++;
        }
        bp__windows_fini(&w);
        bp__scope_destroy(&s);
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(compared >= 6);
    CU_ASSERT(changed > 1000);
}

int main(void)
{
    CU_TestInfo tests[] = {{"windows", test_windows}, CU_TEST_INFO_NULL};
    return suite_main("windows", tests);
}
