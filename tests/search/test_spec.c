/* The text of a search: equal for equal searches, whatever their options looked like; another for every other
 * one; and what merge reads out of it. */
#include "core/suite.h"

#include "search/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bp__bundle_name names[3] = {"alpha", "beta-2", "c.d"};

static bp__spec options_for(const char *strategy, const char *param_a, const char *param_b)
{
    const bp_strategy *s;
    bp__spec o;
    bp__spec_init(&o);
    o.bundle = names;
    o.num_bundles = 2;
    o.several = true;
    MUST(bp__builtin_find(strategy, &s));
    MUST(bp__grid_init(s, &o.grid));
    if (param_a) MUST(bp__grid_set(&o.grid, param_a));
    if (param_b) MUST(bp__grid_set(&o.grid, param_b));
    return o;
}

static char *text_of(const bp__spec *o)
{
    char *text;
    MUST(bp__spec_text(o, &text));
    return text;
}

static bp__spec base(void)
{
    return options_for("sma_cross", "fast=5:25:5", "slow=30,40");
}

static void test_equal(void)
{
    bp__spec a = base(), b = options_for("sma_cross", "slow=30:40:10", "fast=5,10,15,20,25");
    char *x = text_of(&a), *y = text_of(&b);
    CU_ASSERT_STRING_EQUAL(x, y);
    MUST(bp__spec_compare("j", x, y, false));
    free(x), free(y);
    bp__grid_fini(&a.grid), bp__grid_fini(&b.grid);
}

static void differs(bp__spec o, const char *words)
{
    bp__spec a = base();
    char *ours = text_of(&a), *theirs = text_of(&o);
    FAILS(bp__spec_compare("a.journal", ours, theirs, false), BP_EINVAL, words);
    CU_ASSERT(strstr(bp_error_text(), "a.journal: ") == bp_error_text());
    free(ours), free(theirs);
    bp__grid_fini(&a.grid), bp__grid_fini(&o.grid);
}

static void test_differences(void)
{
    char *symbols[] = {(char[]){"A"}, (char[]){"BB"}, NULL};
    bp__spec o;
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
    o = base(), o.terms.sessions_per_year = 365,
    differs(o, "there 'sessions-per-year 365', here 'sessions-per-year of");
    o = base(), o.terms.first_return = true, differs(o, "there 'first-return yes', here 'first-return no'");
    o = base(), o.slice = 2, o.num_slices = 4, differs(o, "slice 2/4");

    o = base();
    MUST(bp__spec_set_metrics(&o, "sharpe,trades"));
    differs(o, "there 'metrics sharpe,trades'");
    o = base();
    MUST(bp__spec_set_objective(&o, "win_rate"));
    differs(o, "calmar,trades,win_rate'");

    /* who wrote it does not matter, which rules its numbers follow does */
    bp__spec a = base();
    char *ours = text_of(&a), *other = NULL;
    CU_ASSERT_FATAL(asprintf(&other, "program optimizer 99.0%s", ours + strcspn(ours, "\n")) > 0);
    MUST(bp__spec_compare("j", ours, other, false));
    free(other);
    FAILS(bp__spec_compare("j", ours, "program optimizer 99.0\nresults 99\n", false), BP_EINVAL,
          "results 99");
    FAILS(bp__spec_compare("j", ours, "", false), BP_EINVAL, "there ''");
    free(ours);
    bp__grid_fini(&a.grid);
}

static void test_slices(void)
{
    bp__spec a = base(), b = base();
    a.slice = 1, a.num_slices = b.num_slices = 3, b.slice = 2;
    char *x = text_of(&a), *y = text_of(&b);
    FAILS(bp__spec_compare("j", x, y, false), BP_EINVAL, "slice");
    MUST(bp__spec_compare("j", x, y, true));
    free(x), free(y);
    bp__grid_fini(&a.grid), bp__grid_fini(&b.grid);
}

/* Of a grid that is too long to be spelled out as well. */
static void read_back(bp__spec o)
{
    bp__spec back;
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
    CU_ASSERT(back.terms.sessions_per_year == o.terms.sessions_per_year);
    CU_ASSERT(back.terms.first_return == o.terms.first_return);
    CU_ASSERT_EQUAL_FATAL(back.num_metrics, o.num_metrics);
    CU_ASSERT(memcmp(back.metric, o.metric, o.num_metrics * sizeof *o.metric) == 0);
    char *again = text_of(&back);
    CU_ASSERT_STRING_EQUAL(again, text);
    free(again);
    free(text);
    bp__grid_fini(&o.grid), bp__spec_fini(&back);
}

static void test_reading(void)
{
    read_back(base());
    read_back(options_for("mean_reversion", "entry=0.1:3:0.1", "exit=-0.3,0,0.333333333333333314"));
    read_back(options_for("mean_reversion", "entry=-3:3:0.0007", "lookback=5:600"));
    read_back(options_for("buy_and_hold", NULL, NULL));
    bp__spec o = base();
    o.num_bundles = 1, o.several = false, o.slice = 3, o.num_slices = 7;
    read_back(o);
    o = base();
    MUST(bp__spec_set_metrics(&o, "win_rate,cagr"));
    o.terms = (bp__terms){.sessions_per_year = 365.25, .first_return = true};
    read_back(o);

    char *symbols[] = {(char[]){"A"}, (char[]){"BRK B"}, (char[]){"C.D"}, NULL};
    o = base();
    o.symbols = symbols;
    o.start = -5 * BP_NS_PER_DAY, o.end = 20000 * BP_NS_PER_DAY;
    o.account.cash = 0.1, o.account.commission_bps = 1.0 / 3, o.account.slippage_bps = 1e-7;
    read_back(o);
    o = base();
    o.account = (bp__account){.cash = 1e6,
                              .commission_per_share = 0.0075,
                              .commission_min = 1,
                              .commission_per_order = 0.1,
                              .volume_limit = 0.1,
                              .price_impact = 0.3,
                              .fill = BP__FILL_CLOSE,
                              .dividends = BP__DIVIDENDS_REINVEST,
                              .expire = 7,
                              .allow_short = true,
                              .fractional = true,
                              .max_leverage = 2.5};
    o.delisted_after = 0;
    read_back(o);
    o = base();
    o.account.max_leverage = INFINITY;
    read_back(o);
}

static void test_metrics(void)
{
    bp__spec o;
    bp__spec_init(&o);
    CU_ASSERT_EQUAL(o.num_metrics, 7);
    CU_ASSERT_STRING_EQUAL(bp__spec_metric(&o, o.objective)->name, "sharpe");
    MUST(bp__spec_set_objective(&o, "calmar"));
    CU_ASSERT_EQUAL(o.num_metrics, 7);
    CU_ASSERT_STRING_EQUAL(bp__spec_metric(&o, o.objective)->name, "calmar");
    MUST(bp__spec_set_metrics(&o, "trades,win_rate,calmar"));
    CU_ASSERT_EQUAL(o.num_metrics, 3);
    CU_ASSERT_EQUAL(o.objective, 2);
    MUST(bp__spec_set_metrics(&o,
                              "win_rate,trades")); /* ranked by the first, where the objective is missing */
    CU_ASSERT(o.num_metrics == 2 && o.objective == 0);
    MUST(bp__spec_set_objective(&o, "sharpe")); /* a column more */
    CU_ASSERT(o.num_metrics == 3 && o.objective == 2);
    FAILS(bp__spec_set_metrics(&o, "sharpe,speed"), BP_ENOTFOUND, "'speed', choose from total_return, cagr");
    FAILS(bp__spec_set_metrics(&o, "sharpe,,trades"), BP_ENOTFOUND, "''");
    FAILS(bp__spec_set_metrics(&o, ""), BP_ENOTFOUND, "''");
    FAILS(bp__spec_set_metrics(&o, "sharpe,trades,sharpe"), BP_EINVAL, "sharpe is named twice");
    FAILS(bp__spec_set_objective(&o, "sharp"), BP_ENOTFOUND, "'sharp'");
}

static void unreadable(const char *text)
{
    bp__spec back;
    CU_ASSERT(bp__failed(bp__spec_read("x.journal", text, &back)));
    bp__spec_fini(&back);
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
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nmetrics speed\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nmetrics sharpe,sharpe\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nstart of time\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nend day 999999999999\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\ncash much\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\ncommission dear\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nfill noon\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nexpire soon\n");
    unreadable("strategy sma_cross\nbundle a\nslice 1/1\nsymbols A\nsymbols B\n");
    unreadable("results 99\nstrategy sma_cross\nbundle a\nslice 1/1\n");
    unreadable("strategy sma_cross\nstrategy sma_cross\nbundle a\nslice 1/1\n");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"equal searches", test_equal},
        {"differences", test_differences},
        {"slices", test_slices},
        {"reading", test_reading},
        {"damaged", test_damaged},
        {"metrics", test_metrics},
        CU_TEST_INFO_NULL,
    };
    return suite_main("spec", tests);
}
