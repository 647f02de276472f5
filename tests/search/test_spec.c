/* The text of a search: equal for equal searches, whatever their options looked like; another for every other
 * one; and what merge reads out of it. */
#include "core/suite.h"

#include "search/ranking.h"
#include "search/skips.h"

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
    MUST(bp__spec_set_strategy(&o, s, ""));
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
    bp__expr_destroy(&o.where), bp__expr_destroy(&o.ranking.having);
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
    MUST(bp__ranking_having(&o, "skew > 0", false));
    differs(o, "there 'hidden skew'");
    o = base();
    MUST(bp__spec_set_where(&o, "fast<slow"));
    differs(o, "there 'where fast < slow'");
    o = base();
    MUST(bp__ranking_by(&o, "win_rate", false));
    differs(o, "calmar,trades,win_rate'");

    /* who wrote it does not matter, which rules its numbers follow does */
    bp__spec a = base();
    char *ours = text_of(&a), *other = NULL;
    CU_ASSERT_FATAL(asprintf(&other, "program optimizer 99.0%s", ours + strcspn(ours, "\n")) > 0);
    MUST(bp__spec_compare("j", ours, other, false));
    free(other);
    FAILS(bp__spec_compare("j", ours, "program optimizer 99.0\nresults 99\n", false), BP_EINVAL,
          "j: its numbers are of version 99 of the rules of a backtest, this program's are of version");
    FAILS(bp__spec_compare("j", ours, "", false), BP_EINVAL, "there ''");
    free(ours);
    bp__grid_fini(&a.grid);
}

/* A strategy that is made of pieces: which of them has changed is told. */
static char *text_of_pieces(char digit, const char *pieces)
{
    bp__spec o = base();
    memset(o.plugin, digit, BP__HASH_DIGITS);
    o.plugin[BP__HASH_DIGITS] = '\0';
    if (pieces) MUST(bp__spec_set_pieces(&o, pieces));
    char *text = text_of(&o);
    free(o.pieces);
    bp__grid_fini(&o.grid);
    return text;
}

static void expect_changes(const char *now, const char *then, const char *words)
{
    char *ours = text_of_pieces('a', now), *theirs = text_of_pieces('b', then);
    FAILS(bp__spec_compare("a.journal", ours, theirs, false), BP_EINVAL, words);
    FAILS(bp__spec_compare("a.journal", ours, theirs, true), BP_EINVAL, words);
    free(ours), free(theirs);
}

static void test_pieces(void)
{
    static const char then[] = "function rule 11\nfunction helper 22\nconstant LIMIT 33\n";
    bp__spec o = base();
    char *ours, *theirs;
    expect_changes("function rule 11\nfunction helper 23\nconstant LIMIT 33\n", then,
                   "the strategy has changed since: function helper has changed; restore it");
    expect_changes("function rule 19\nconstant LIMIT 34\nfunction helper 22\n", then,
                   "since: function rule has changed, constant LIMIT has changed; restore it");
    expect_changes("function rule 11\nfunction helper 22\n", then, "since: constant LIMIT is gone;");
    expect_changes("function rule 11\nfunction helper2 9\nfunction helper 22\nconstant LIMIT 33\n", then,
                   "since: function helper2 is new;");
    /* nothing of it has, or it is not known: then there is the hash of all */
    expect_changes(then, then,
                   "the file of the strategy has changed: there its content is bbbbbbbbbbbb, here aaaaaaa");
    expect_changes(NULL, NULL,
                   "the file of the strategy has changed: there its content is bbbbbbbbbbbb, here aaaaaaa");

    ours = text_of_pieces('a', then), theirs = text_of_pieces('a', "function rule 11\nfunction helper 7\n");
    FAILS(bp__spec_compare("j", ours, theirs, false), BP_EINVAL,
          "since: function helper has changed, constant LIMIT is new;");
    free(theirs);
    theirs = text_of_pieces('a', then);
    MUST(bp__spec_compare("j", ours, theirs, false));
    free(ours), free(theirs);

    FAILS(bp__spec_set_pieces(&o, "rule 11\nhelper\n"), BP_EINVAL, "'helper' is not the line of a piece");
    FAILS(bp__spec_set_pieces(&o, "rule 11"), BP_EINVAL, "'rule 11' is not the line of a piece");
    FAILS(bp__spec_set_pieces(&o, "rule \n"), BP_EINVAL, "'rule ' is not");
    FAILS(bp__spec_set_pieces(&o, " 11\n"), BP_EINVAL, "' 11' is not");
    FAILS(bp__spec_set_pieces(&o, "a\x1b b\n"), BP_EINVAL, "is not the line");
    bp__grid_fini(&o.grid);
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
    CU_ASSERT(strcmp(back.strategy, o.strategy) == 0 && back.several == o.several);
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
    CU_ASSERT_EQUAL(back.num_columns, o.num_columns);
    CU_ASSERT_STRING_EQUAL(back.plugin, o.plugin);
    CU_ASSERT_STRING_EQUAL(back.pieces ? back.pieces : "none", o.pieces ? o.pieces : "none");
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
    bp__spec_keep(&o, 4);
    MUST(bp__spec_set_where(&o, "2 * fast < slow or fast == 5"));
    read_back(o);
    bp__expr_destroy(&o.where);

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
    o = base();
    memset(o.plugin, 'f', BP__HASH_DIGITS);
    MUST(bp__spec_set_pieces(&o, "function rule 11\nfunction helper of mine 22\nconstant LIMIT 33\n"));
    read_back(o);
    free(o.pieces);
}

static void expect_metrics(const bp__spec *o, const char *columns, const char *hidden, const char *objective)
{
    char text[2][256] = {"", ""};
    for (unsigned k = 0; k < o->num_metrics; k++) {
        char *t = text[k >= o->num_columns];
        snprintf(t + strlen(t), sizeof *text - strlen(t), "%s%s", *t ? "," : "", bp__spec_metric(o, k)->name);
    }
    CU_ASSERT_STRING_EQUAL(text[0], columns);
    CU_ASSERT_STRING_EQUAL(text[1], hidden);
    CU_ASSERT_STRING_EQUAL(bp__ranking_text(o), objective);
}

static void test_metrics(void)
{
    static const char usual[] = "total_return,cagr,sharpe,sortino,max_drawdown,calmar,trades";
    bp__spec o;
    bp__spec_init(&o);
    expect_metrics(&o, usual, "", "sharpe");
    MUST(bp__ranking_by(&o, "calmar", false));
    expect_metrics(&o, usual, "", "calmar");
    MUST(bp__spec_set_metrics(&o, "trades,win_rate,calmar"));
    expect_metrics(&o, "trades,win_rate,calmar", "", "calmar");
    MUST(bp__spec_set_metrics(&o, "win_rate,cagr")); /* ranked by the first, where the objective is missing */
    expect_metrics(&o, "win_rate,cagr", "trades", "win_rate");
    MUST(bp__ranking_by(&o, "sharpe", false)); /* a column more */
    expect_metrics(&o, "win_rate,cagr,sharpe", "trades", "sharpe");
    MUST(bp__ranking_by(&o, "trades", false)); /* one that was hidden */
    expect_metrics(&o, "win_rate,cagr,sharpe,trades", "", "trades");
    FAILS(bp__spec_set_metrics(&o, "sharpe,speed"), BP_ENOTFOUND, "'speed', choose from total_return, cagr");
    FAILS(bp__spec_set_metrics(&o, "sharpe,,trades"), BP_ENOTFOUND, "''");
    FAILS(bp__spec_set_metrics(&o, ""), BP_ENOTFOUND, "''");
    FAILS(bp__spec_set_metrics(&o, "sharpe,trades,sharpe"), BP_EINVAL, "sharpe is named twice");
    FAILS(bp__ranking_by(&o, "sharp", false), BP_ENOTFOUND,
          "--objective: there is no metric 'sharp', choose from");
    FAILS(bp__ranking_by(&o, "", false), BP_ENOTFOUND, "there is no metric ''");
}

/* What expressions need is kept, and no column. */
static void test_expressions(void)
{
    bp__spec o = base();
    MUST(bp__spec_set_metrics(&o, "cagr"));
    MUST(bp__ranking_by(&o, "sharpe-.5*max_drawdown - slow/1e3", false));
    expect_metrics(&o, "cagr", "trades,sharpe,max_drawdown", "sharpe - 0.5 * max_drawdown - slow / 1000");
    MUST(bp__ranking_having(&o, "skew > 0 and sharpe > 1", false));
    expect_metrics(&o, "cagr", "trades,sharpe,max_drawdown,skew",
                   "sharpe - 0.5 * max_drawdown - slow / 1000");
    bp__expr_destroy(&o.ranking.objective);
    FAILS(bp__ranking_by(&o, "fast + slow", false), BP_EINVAL, "it has no metric");
    bp__expr_destroy(&o.ranking.objective);
    FAILS(bp__ranking_by(&o, "fast", false), BP_ENOTFOUND, "there is no metric 'fast'");
    FAILS(bp__ranking_by(&o, "1", false), BP_EINVAL, "it has no metric");
    bp__expr_destroy(&o.ranking.objective);
    FAILS(bp__ranking_by(&o, "sharpe -", false), BP_EINVAL, "--objective 'sharpe -': column 9:");
    bp__expr_destroy(&o.ranking.having);
    FAILS(bp__ranking_having(&o, "sharpe", false), BP_EINVAL, "neither true nor false");
    bp__expr_destroy(&o.ranking.having);
    FAILS(bp__spec_set_where(&o, "fast < sharpe"), BP_EINVAL, "there is no 'sharpe', choose from fast, slow");
    FAILS(bp__spec_set_where(&o, "fast"), BP_EINVAL, "neither true nor false");
    bp__expr_destroy(&o.where);
    read_back(o);

    /* before there is a strategy any name will do, but for a metric alone */
    MUST(bp__ranking_check_objective("sharpe - lookback"));
    MUST(bp__ranking_check_objective("win_rate"));
    MUST(bp__ranking_check_having("lookback > 5"));
    FAILS(bp__ranking_check_objective("lookback"), BP_ENOTFOUND, "there is no metric 'lookback'");
    FAILS(bp__ranking_check_objective("lookback +"), BP_EINVAL, "column 11");
    FAILS(bp__ranking_check_having("lookback"), BP_EINVAL, "neither true nor false");
}

/* What a strategy takes no sense in, and what --where excludes. */
static void test_skips(void)
{
    bp__spec o = options_for("sma_cross", "fast=5:25:5", "slow=10:40:10");
    bp__skips all, fewer, back;
    void *packed;
    size_t size;
    MUST(bp__skips_find(&o, &all));
    CU_ASSERT(all.size == 20 && all.count == 6);
    MUST(bp__spec_set_where(&o, "slow >= 3 * fast"));
    MUST(bp__skips_find(&o, &fewer));
    for (uint64_t i = 0; i < 20; i++) {
        double params[BP_STRATEGY_MAX_PARAMS];
        bp__grid_at(&o.grid, i, params);
        CU_ASSERT_EQUAL(bp__skips_has(&all, i), params[0] >= params[1]);
        CU_ASSERT_EQUAL(bp__skips_has(&fewer, i), params[0] >= params[1] || params[1] < 3 * params[0]);
    }
    CU_ASSERT(!bp__skips_are_equal(&all, &fewer));
    MUST(bp__skips_pack(&fewer, &packed, &size));
    MUST(bp__skips_unpack("j", packed, size, 20, &back));
    CU_ASSERT(bp__skips_are_equal(&fewer, &back) && back.count == fewer.count);
    bp__skips_fini(&back);
    for (size_t n = 0; n < size; n++) {
        CU_ASSERT_EQUAL(bp__skips_unpack("j", packed, n, 20, &back), BP_EFORMAT);
        bp__skips_fini(&back);
    }
    for (uint64_t combinations = 0; combinations < 200; combinations += combinations == 19 ? 2 : 1) {
        CU_ASSERT_EQUAL(bp__skips_unpack("j", packed, size, combinations, &back), BP_EFORMAT);
        bp__skips_fini(&back);
    }
    free(packed);
    fewer.count++; /* not as many as it says; of more combinations than there are */
    MUST(bp__skips_pack(&fewer, &packed, &size));
    CU_ASSERT_EQUAL(bp__skips_unpack("j", packed, size, 20, &back), BP_EFORMAT);
    bp__skips_fini(&back), free(packed);
    fewer.word[0] |= UINT64_C(1) << 20;
    MUST(bp__skips_pack(&fewer, &packed, &size));
    CU_ASSERT_EQUAL(bp__skips_unpack("j", packed, size, 20, &back), BP_EFORMAT);
    bp__skips_fini(&back), free(packed);
    bp__skips_fini(&all), bp__skips_fini(&fewer);
    bp__expr_destroy(&o.where);
    bp__grid_fini(&o.grid);
}

/* Rated in the order in which they must come. */
static void test_ranking(void)
{
    enum { SHARPE = 2, MAX_DRAWDOWN = 4, TRADES = 6 };
    bp__spec o = base();
    double value[7] = {0.1, 0.1, 1, 1, 0.5, 1, 10};
    bp__rated good, worse, undefined, untraded, twin;
    CU_ASSERT(bp__ranking_rate(&o, 3, value, &good));
    CU_ASSERT(bp__ranking_rate(&o, 9, value, &twin));
    value[SHARPE] = 0.5;
    CU_ASSERT(bp__ranking_rate(&o, 2, value, &worse));
    value[SHARPE] = NAN;
    CU_ASSERT(bp__ranking_rate(&o, 1, value, &undefined));
    value[TRADES] = 0, value[SHARPE] = 99;
    CU_ASSERT(bp__ranking_rate(&o, 0, value, &untraded));
    const bp__rated *const in_order[] = {&good, &twin, &worse, &undefined, &untraded};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 5; k++) {
            const int c = bp__ranking_compare(&o, in_order[i], in_order[k]);
            CU_ASSERT(i < k ? c < 0 : i > k ? c > 0 : c == 0);
        }
    o.ranking.untraded_too = true;
    CU_ASSERT(bp__ranking_rate(&o, 0, value, &untraded));
    CU_ASSERT(bp__ranking_compare(&o, &untraded, &good) < 0);

    /* the least drawdown is the best one, the highest value of an expression */
    MUST(bp__ranking_by(&o, "max_drawdown", false));
    CU_ASSERT(!bp__ranking_is_descending(&o) && bp__ranking_rate(&o, 3, value, &good));
    value[MAX_DRAWDOWN] = 0.1;
    CU_ASSERT(bp__ranking_rate(&o, 4, value, &worse) && bp__ranking_compare(&o, &worse, &good) < 0);
    MUST(bp__ranking_by(&o, "max_drawdown / (fast - 5) ",
                        false)); /* task 0 has fast 5: infinite, and no number */
    CU_ASSERT(bp__ranking_is_descending(&o) && !bp__ranking_metric(&o));
    CU_ASSERT(bp__ranking_rate(&o, 0, value, &good) && isnan(good.objective));
    CU_ASSERT(bp__ranking_rate(&o, 2, value, &good) && good.objective == 0.1 / 5);
    MUST(bp__ranking_having(&o, "fast > 5 and trades == 0 and sharpe > 1", false));
    CU_ASSERT(bp__ranking_rate(&o, 2, value, &good));
    CU_ASSERT(!bp__ranking_rate(&o, 0, value, &good));
    value[SHARPE] = NAN;
    CU_ASSERT(!bp__ranking_rate(&o, 2, value, &good));
    o.bundle = NULL;
    bp__spec_fini(&o);
}

static void test_damaged(void)
{
#define P(name) "parameter " #name " integer\n"
#define FAST    P(fast)
    static const char *const bad[] = {
        "",
        "strategy s\nbundle a\n",
        "strategy \nbundle a\nslice 1/1\n",
        "strategy 0123456789012345678901234567890123456789\nbundle a\nslice 1/1\n",
        "strategy s\nslice 1/1\n",
        "bundle a\nslice 1/1\n",
        "strategy s\nbundle ../a\nslice 1/1\n",
        "strategy s\nbundles a,,b\nslice 1/1\n",
        "strategy s\nbundle a\nbundle b\nslice 1/1\n",
        "strategy s\nbundle a\nslice 2/1\n",
        "strategy s\nbundle a\nslice x\n",
        "param fast=5\nstrategy s\nbundle a\nslice 1/1\n",
        FAST "strategy s\nbundle a\nslice 1/1\n",
        "strategy s\n" FAST "bundle a\nslice 1/1\nparam quick=5\n",
        "strategy s\n" FAST "bundle a\nslice 1/1\nparam fast=2.5\n",
        "strategy s\n" FAST "bundle a\nslice 1/1\nparam fast=@/dev/null\n",
        "strategy s\nparameter fast\nbundle a\nslice 1/1\n",
        "strategy s\nparameter fast whole\nbundle a\nslice 1/1\n",
        "strategy s\nparameter fast integer\nparameter fast integer\nbundle a\nslice 1/1\n",
        "strategy s\nparameter f=5 integer\nbundle a\nslice 1/1\n",
        "strategy s\nparameter side word a,a\nbundle a\nslice 1/1\n",
        "strategy s\nparameter side word a,,b\nbundle a\nslice 1/1\n",
        "strategy s\nparameter fast integer a,b\nbundle a\nslice 1/1\n",
        "strategy s\nparameter side word\nbundle a\nslice 1/1\n",
        "strategy s\nparameter side word a,b\nbundle a\nslice 1/1\nparam side=c\n",
        "strategy s\n" P(a) P(b) P(c) P(d) P(e) P(f) P(g) P(h) P(i) P(j) P(k) P(l) P(m) P(n) P(o) P(p)
            P(q) "bundle a\nslice 1/1\n",
        "strategy s\nplugin 1234\nbundle a\nslice 1/1\n",
        "strategy s\nbundle a\nslice 1/1\nstart of time\n",
        "strategy s\nbundle a\nslice 1/1\nend day 999999999999\n",
        "strategy s\nbundle a\nslice 1/1\ncash much\n",
        "strategy s\nbundle a\nslice 1/1\ncommission dear\n",
        "strategy s\nbundle a\nslice 1/1\nfill noon\n",
        "strategy s\nbundle a\nslice 1/1\nexpire soon\n",
        "strategy s\nbundle a\nslice 1/1\nsymbols A\nsymbols B\n",
        "strategy s\nbundle a\nslice 1/1\nwhere fast <\n",
        "strategy s\nbundle a\nslice 1/1\nwhere fast < slow\n",
        "strategy s\n" FAST "bundle a\nslice 1/1\nwhere fast < 5\nwhere fast < 6\n",
        "strategy s\nbundle a\nslice 1/1\nmetrics speed\n",
        "strategy s\nbundle a\nslice 1/1\nmetrics sharpe,sharpe\n",
        "strategy s\nbundle a\nslice 1/1\nmetrics sharpe\nhidden sharpe\n",
        "strategy s\nbundle a\nslice 1/1\nmetrics sharpe\nhidden speed\n",
        "results 99\nstrategy s\nbundle a\nslice 1/1\n",
        "strategy s\nstrategy s\nbundle a\nslice 1/1\n",
    };
    bp__spec back;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bp_status read = bp__spec_read("x.journal", bad[i], &back);
        if (read == BP_OK) printf("taken: %s\n", bad[i]);
        CU_ASSERT_NOT_EQUAL(read, BP_OK);
        bp__spec_fini(&back);
    }
}

/* Of a strategy that is not at hand. */
static void test_strategy(void)
{
    static const char text[] =
        "strategy mine\nplugin 0123456789012345678901234567890123456789012345678901234567890123\n"
        "parameter lookback integer\nparameter side word long,both\nparameter level real\nbundle a\nslice 1/1\n"
        "param lookback=5,10\nparam side=both,long\nparam level=-0.1,1e300\n";
    bp__spec back;
    char shown[128];
    MUST(bp__spec_read("j", text, &back));
    CU_ASSERT(strcmp(back.strategy, "mine") == 0 && strlen(back.plugin) == BP__HASH_DIGITS && !back.runs);
    CU_ASSERT_EQUAL(back.grid.size, 8);
    CU_ASSERT_STRING_EQUAL(bp__grid_text(&back.grid, 2, shown, sizeof shown),
                           "lookback=5 side=long level=-0.1");
    MUST(bp__ranking_having(&back, "side == both and lookback > 5", true));
    static const double value[7] = {0};
    for (uint64_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(bp__ranking_rate(&back, i, value, &(bp__rated){0}), i == 4 || i == 5);
    char *again;
    MUST(bp__spec_text(&back, &again));
    CU_ASSERT_PTR_NOT_NULL(strstr(again, "strategy mine\nplugin 0123"));
    CU_ASSERT_PTR_NOT_NULL(strstr(again, "parameter side word long,both\nparameter level real\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(again, "param side=both,long\nparam level=-0.1,1e+300\n"));
    char *other = strdup(again);
    *strstr(other, "0123") = '9';
    FAILS(
        bp__spec_compare("j", again, other, false), BP_EINVAL,
        "the file of the strategy has changed: there its content is 912345678901, here 012345678901; restore it");
    free(other);
    free(again);
    bp__spec_fini(&back);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"equal searches", test_equal},
        {"differences", test_differences},
        {"pieces of a strategy", test_pieces},
        {"slices", test_slices},
        {"reading", test_reading},
        {"damaged", test_damaged},
        {"strategy", test_strategy},
        {"metrics", test_metrics},
        {"expressions", test_expressions},
        {"what is skipped", test_skips},
        {"ranking", test_ranking},
        CU_TEST_INFO_NULL,
    };
    return suite_main("spec", tests);
}
