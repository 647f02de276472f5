/* The text of a search: equal for equal searches, whatever their options looked like; another for every other
 * one; and what merge reads out of it. */
#include "core/suite.h"

#include "optimizer/spec.h"

#include <stdio.h>
#include <stdlib.h>

static bp__bundle_name names[3] = {"alpha", "beta-2", "c.d"};

static bp__options options_for(const char *strategy, const char *param_a, const char *param_b)
{
    const bp__strategy *s;
    bp__options o = {
        .bundle = names,
        .num_bundles = 2,
        .several = true,
        .slice = 1,
        .num_slices = 1,
        .start = BP_TIME_MISSING,
        .end = BP_TIME_MISSING,
        .account = {.cash = 10e6},
    };
    MUST(bp__strategy_find(strategy, &s));
    MUST(bp__grid_init(s, &o.grid));
    if (param_a) MUST(bp__grid_set(&o.grid, param_a));
    if (param_b) MUST(bp__grid_set(&o.grid, param_b));
    return o;
}

static char *text_of(const bp__options *o)
{
    char *text;
    MUST(bp__spec_make(o, &text));
    return text;
}

static bp__options base(void)
{
    return options_for("sma_cross", "fast=5:25:5", "slow=30,40");
}

static void test_equal(void)
{
    bp__options a = base(), b = options_for("sma_cross", "slow=30:40:10", "fast=5,10,15,20,25");
    char *x = text_of(&a), *y = text_of(&b);
    CU_ASSERT_STRING_EQUAL(x, y);
    MUST(bp__spec_compare("j", x, y, false));
    free(x), free(y);
    bp__grid_fini(&a.grid), bp__grid_fini(&b.grid);
}

static void differs(bp__options o, const char *words)
{
    bp__options a = base();
    char *ours = text_of(&a), *theirs = text_of(&o);
    FAILS(bp__spec_compare("a.journal", ours, theirs, false), BP_EINVAL, words);
    CU_ASSERT(strstr(bp_error_text(), "a.journal: ") == bp_error_text());
    free(ours), free(theirs);
    bp__grid_fini(&a.grid), bp__grid_fini(&o.grid);
}

static void test_differences(void)
{
    char *symbols[] = {(char[]){"A"}, (char[]){"BB"}, NULL};
    bp__options o;
    differs(options_for("momentum", NULL, NULL), "there 'strategy momentum', here 'strategy sma_cross'");
    differs(options_for("sma_cross", "fast=5:25:5", "slow=30,50"),
            "there 'param slow=30,50', here 'param slow=30,40'");
    differs(options_for("sma_cross", "fast=5:25:5", "slow=30"), "slow=30'");
    o = base(), o.num_bundles = 3, differs(o, "there 'bundles alpha,beta-2,c.d'");
    o = base(), o.num_bundles = 1, o.several = false,
    differs(o, "there 'bundle alpha', here 'bundles alpha,beta-2'");
    o = base(), o.start = 5 * BP_NS_PER_DAY, differs(o, "start");
    o = base(), o.end = 5 * BP_NS_PER_DAY, differs(o, "end day 5");
    o = base(), o.symbols = symbols, differs(o, "symbols A,BB");
    o = base(), o.account.cash = 0.1, differs(o, "cash 0.1'");
    o = base(), o.account.commission_bps = 5, differs(o, "commission 5");
    o = base(), o.account.slippage_bps = 1.0 / 3, differs(o, "slippage 0.333");
    o = base(), o.slice = 2, o.num_slices = 4, differs(o, "slice 2/4");

    /* what a later program could have written */
    bp__options a = base();
    char *ours = text_of(&a);
    FAILS(bp__spec_compare("j", ours, "program optimizer 99.0\nresults 1\n", false), BP_EINVAL,
          "optimizer 99.0");
    FAILS(bp__spec_compare("j", ours, "", false), BP_EINVAL, "there ''");
    free(ours);
    bp__grid_fini(&a.grid);
}

static void test_slices(void)
{
    bp__options a = base(), b = base();
    a.slice = 1, a.num_slices = b.num_slices = 3, b.slice = 2;
    char *x = text_of(&a), *y = text_of(&b);
    FAILS(bp__spec_compare("j", x, y, false), BP_EINVAL, "slice");
    MUST(bp__spec_compare("j", x, y, true));
    free(x), free(y);
    bp__grid_fini(&a.grid), bp__grid_fini(&b.grid);
}

/* Of a grid that is too long to be spelled out as well. */
static void read_back(bp__options o)
{
    bp__options back = {0};
    char *text = text_of(&o);
    MUST(bp__spec_read("j", text, &back));
    CU_ASSERT_EQUAL_FATAL(back.grid.size, o.grid.size);
    CU_ASSERT(back.grid.strategy == o.grid.strategy && back.several == o.several);
    CU_ASSERT(back.slice == o.slice && back.num_slices == o.num_slices);
    CU_ASSERT_EQUAL_FATAL(back.num_bundles, o.num_bundles);
    for (uint64_t i = 0; i < o.num_bundles; i++) CU_ASSERT_STRING_EQUAL(back.bundle[i], names[i]);
    for (unsigned i = 0; i < o.grid.num_axes; i++) {
        CU_ASSERT_EQUAL_FATAL(back.grid.axis[i].count, o.grid.axis[i].count);
        CU_ASSERT(memcmp(back.grid.axis[i].value, o.grid.axis[i].value,
                         o.grid.axis[i].count * sizeof(double)) == 0);
    }
    free(text);
    free(back.bundle);
    bp__grid_fini(&o.grid), bp__grid_fini(&back.grid);
}

static void test_reading(void)
{
    read_back(base());
    read_back(options_for("mean_reversion", "entry=0.1:3:0.1", "exit=-0.3,0,0.333333333333333314"));
    read_back(options_for("mean_reversion", "entry=-3:3:0.0007", "lookback=5:600"));
    read_back(options_for("buy_and_hold", NULL, NULL));
    bp__options o = base();
    o.num_bundles = 1, o.several = false, o.slice = 3, o.num_slices = 7;
    read_back(o);
}

static void unreadable(const char *text)
{
    bp__options back = {0};
    CU_ASSERT(bp__failed(bp__spec_read("x.journal", text, &back)));
    free(back.bundle);
    bp__grid_fini(&back.grid);
}

static void test_damaged(void)
{
    unreadable("");
    unreadable("strategy sma_cross\nbundle a\n");
    unreadable("strategy nonesuch\nbundle a\nslice 1/1\n");
    unreadable("strategy sma_cross\nslice 1/1\n");
    unreadable("bundle a\nslice 1/1\n");
    unreadable("strategy sma_cross\nbundle ../a\nslice 1/1\n");
    unreadable("strategy sma_cross\nbundles a,,b\nslice 1/1\n");
    unreadable("strategy sma_cross\nbundle a\nbundle b\nslice 1/1\n");
    unreadable("strategy sma_cross\nbundle a\nslice 2/1\n");
    unreadable("strategy sma_cross\nbundle a\nslice x\n");
    unreadable("param fast=5\nstrategy sma_cross\nbundle a\nslice 1/1\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nparam quick=5\n");
    unreadable("strategy sma_cross\nstrategy sma_cross\nbundle a\nslice 1/1\n");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"equal searches", test_equal}, {"differences", test_differences}, {"slices", test_slices},
        {"reading", test_reading},      {"damaged", test_damaged},         CU_TEST_INFO_NULL,
    };
    return suite_main("spec", tests);
}
