/* The grid of combinations: which values an option means, in which order, and what is refused. */
#include "core/suite.h"

#include "core/number.h"
#include "search/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bp__grid grid;

static void begin(const char *strategy)
{
    const bp_strategy *s;
    bp__spec spec;
    bp__spec_init(&spec);
    MUST(bp__builtin_find(strategy, &s));
    MUST(bp__spec_set_strategy(&spec, s, ""));
    grid = spec.grid;
}

static void expect_values(unsigned axis, const double *value, uint64_t count)
{
    CU_ASSERT_EQUAL_FATAL(grid.axis[axis].count, count);
    for (uint64_t i = 0; i < count; i++) CU_ASSERT_EQUAL(grid.axis[axis].value[i], value[i]);
}
#define VALUES(axis, ...)                                                                                    \
    expect_values(axis, (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void numbers(void)
{
    static const struct {
        const char *text;
        double number;
    } good[] = {{"0", 0},      {"1", 1},       {"-2.5", -2.5},
                {"+3", 3},     {".5", 0.5},    {"7.", 7},
                {"1e3", 1000}, {"1E-2", 0.01}, {"0.1", 0.1},
                {"0e-400", 0}, {"00012", 12},  {"123456789012345678901234567890", 1.2345678901234568e29}};
    static const char *const bad[] = {
        "",      " 1",     "1 ",
        "1x",    "0x10",   "inf",
        "nan",   "-",      "+",
        ".",     "1e",     "1e+",
        "--1",   "1..2",   "e5",
        "1e400", "1e-400", "-.001e-999999999",
        "1,2",   "1_000",  "0000000000000000000000000000000000000000000000000000000000000000001"};
    double x;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CU_ASSERT(bp__number_from(good[i].text, strlen(good[i].text), &x));
        CU_ASSERT_EQUAL(x, good[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        x = 42;
        CU_ASSERT(!bp__number_from(bad[i], strlen(bad[i]), &x));
        CU_ASSERT_EQUAL(x, 42);
    }
    CU_ASSERT(bp__number_from("12,99", 2, &x));
    CU_ASSERT_EQUAL(x, 12);
    CU_ASSERT(bp__number_from("-0", 2, &x));
    CU_ASSERT(!signbit(x));
}

static void fallbacks(void)
{
    double params[BP_STRATEGY_MAX_PARAMS];
    begin("sma_cross");
    CU_ASSERT_EQUAL(grid.size, 1);
    bp__grid_at(&grid, 0, params);
    CU_ASSERT_EQUAL(params[0], 20);
    CU_ASSERT_EQUAL(params[1], 50);
    bp__grid_fini(&grid);

    begin("buy_and_hold");
    CU_ASSERT_EQUAL(grid.size, 1);
    CU_ASSERT_EQUAL(grid.num_axes, 0);
    FAILS(bp__grid_set(&grid, "fast=1"), BP_EINVAL, "takes none");
    bp__grid_fini(&grid);
}

static void values(void)
{
    begin("mean_reversion"); /* lookback, entry, exit */
    MUST(bp__grid_set(&grid, "lookback=10,20,15"));
    VALUES(0, 10, 20, 15);
    MUST(bp__grid_set(&grid, "entry=1:2:0.25"));
    VALUES(1, 1, 1.25, 1.5, 1.75, 2);
    MUST(bp__grid_set(&grid, "exit=-0.5"));
    VALUES(2, -0.5);
    CU_ASSERT_EQUAL(grid.size, 15);
    bp__grid_fini(&grid);

    begin("mean_reversion");
    MUST(bp__grid_set(&grid, "lookback=5:8")); /* the step is 1 */
    VALUES(0, 5, 6, 7, 8);
    MUST(bp__grid_set(&grid, "entry=0.1:0.3:0.1"));
    VALUES(1, 0.1, 0.2, 0.3);
    MUST(bp__grid_set(&grid, "exit=0:1:0.3")); /* the end is not on the grid */
    VALUES(2, 0, 0.3, 0.6, 0.9);
    bp__grid_fini(&grid);

    begin("sma_cross");
    MUST(bp__grid_set(&grid, "fast=7:7:5"));
    VALUES(0, 7);
    MUST(bp__grid_set(&grid, "slow=20:200:20"));
    VALUES(1, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200);
    bp__grid_fini(&grid);
}

/* Whatever the step, the end is there, and the number of values is what it should be. */
static void ends(void)
{
    for (int step = 1; step <= 1000; step++) {
        char text[64];
        snprintf(text, sizeof text, "entry=0:%.17g:%.17g", 0.001 * step * 1000, 0.001 * step);
        begin("mean_reversion");
        MUST(bp__grid_set(&grid, text));
        CU_ASSERT_EQUAL(grid.size, 1001);
        bp__grid_fini(&grid);
    }
}

/* Combination by combination, against loops: the first parameter slowest, however options are ordered. */
static void order(void)
{
    static const char *const options[] = {"lookback=10:30:10", "top=1,2", "rebalance=5:20:5"};
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        uint64_t index = 0;
        begin("momentum");
        for (int i = 0; i < 3; i++) MUST(bp__grid_set(&grid, options[orders[k][i]]));
        CU_ASSERT_EQUAL_FATAL(grid.size, 24);
        for (int lookback = 10; lookback <= 30; lookback += 10)
            for (int top = 1; top <= 2; top++)
                for (int rebalance = 5; rebalance <= 20; rebalance += 5) {
                    double params[BP_STRATEGY_MAX_PARAMS];
                    bp__grid_at(&grid, index++, params);
                    CU_ASSERT(params[0] == lookback && params[1] == top && params[2] == rebalance);
                }
        bp__grid_fini(&grid);
    }
}

static void refused(void)
{
    static const struct {
        const char *option, *words;
    } bad[] = {
        {"fast", "write name="},
        {"=5", "write name="},
        {"", "write name="},
        {"fast=", "'' is not a number"},
        {"fast=,", "'' is not a number"},
        {"fast=5,", "'' is not a number"},
        {"fast=5,,6", "'' is not a number"},
        {"fast=5;6", "'5;6' is not a number"},
        {"fast=five", "'five' is not a number"},
        {"fast=5 ", "'5 ' is not a number"},
        {"fast=0x10", "'0x10' is not a number"},
        {"fast=nan", "'nan' is not a number"},
        {"fast=1:inf", "'inf' is not a number"},
        {"fast=:5", "'' is not a number"},
        {"fast=1:", "'' is not a number"},
        {"fast=1:5:", "'' is not a number"},
        {"fast=1:5:1:1", "three parts"},
        {"fast=1:5,7", "'5,7' is not a number"},
        {"fast=5:50:0", "step must be greater than 0"},
        {"fast=5:50:-5", "step must be greater than 0"},
        {"fast=50:5:5", "range is empty"},
        {"fast=2.5", "whole numbers"},
        {"fast=5:10:2.5", "whole numbers"},
        {"fast=0", "out of range"},
        {"fast=-1:5", "out of range"},
        {"fast=1:100001", "out of range"},
        {"fast=1:100000:0.001", "combinations"},
        {"fast=-1e308:1e308:1e-300", "combinations"},
        {"Fast=5", "the strategy has no parameter 'Fast', it takes fast, slow"},
        {"fas=5", "no parameter 'fas'"},
        {"faster=5", "no parameter 'faster'"},
        {" fast=5", "no parameter ' fast'"},
    };
    begin("sma_cross");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(bp__grid_set(&grid, bad[i].option), BP_EINVAL, bad[i].words);
        CU_ASSERT(strstr(bp_error_text(), "--param ") == bp_error_text());
        CU_ASSERT_EQUAL(grid.size, 1); /* unchanged */
    }
    MUST(bp__grid_set(&grid, "fast=5:50:5"));
    FAILS(bp__grid_set(&grid, "fast=5"), BP_EINVAL, "fast is given twice");
    CU_ASSERT_EQUAL(grid.size, 10);
    MUST(bp__grid_set(&grid, "slow=60,70,60")); /* each value once */
    CU_ASSERT_EQUAL(grid.size, 20);
    FAILS(bp__grid_set(&grid, "slow=60"), BP_EINVAL, "slow is given twice");
    bp__grid_fini(&grid);
}

static void limit(void)
{
    begin("momentum");
    MUST(bp__grid_set(&grid, "lookback=1:10000"));
    MUST(bp__grid_set(&grid, "top=1:1000"));
    CU_ASSERT_EQUAL(grid.size, BP__MAX_COMBINATIONS);
    FAILS(bp__grid_set(&grid, "rebalance=1,2"), BP_EINVAL, "more than 10000000 combinations");
    MUST(bp__grid_set(&grid, "rebalance=7"));
    double params[BP_STRATEGY_MAX_PARAMS];
    bp__grid_at(&grid, grid.size - 1, params);
    CU_ASSERT(params[0] == 10000 && params[1] == 1000 && params[2] == 7);
    bp__grid_fini(&grid);
}

/* @return how many different values 64 neighbours have at most, of both parameters together */
static size_t most_values(uint64_t *task, uint64_t count)
{
    size_t most = 0;
    for (uint64_t first = 0; first + 64 <= count; first += 64) {
        bool seen[2][64] = {{false}};
        size_t values = 0;
        for (uint64_t i = first; i < first + 64; i++) {
            const uint64_t at[2] = {task[i] % grid.size / 32, task[i] % 32};
            for (int p = 0; p < 2; p++) {
                values += !seen[p][at[p]];
                seen[p][at[p]] = true;
            }
        }
        if (values > most) most = values;
    }
    return most;
}

static void tiles(void)
{
    enum { SIZE = 24 * 32 };
    uint64_t task[SIZE];
    bool seen[SIZE] = {false};
    begin("momentum");
    MUST(bp__grid_set(&grid, "lookback=1:24"));
    MUST(bp__grid_set(&grid, "rebalance=1:32"));
    for (uint64_t i = 0; i < SIZE; i++) task[i] = 2 * SIZE + i;
    CU_ASSERT_EQUAL(most_values(task, SIZE), 2 + 32);
    bp__grid_tile(&grid, task, SIZE);
    CU_ASSERT_EQUAL(most_values(task, SIZE), 8 + 8);
    for (uint64_t i = 0; i < SIZE; i++) {
        CU_ASSERT_FATAL(task[i] >= 2 * SIZE && task[i] < 3 * SIZE && !seen[task[i] - 2 * SIZE]);
        seen[task[i] - 2 * SIZE] = true;
    }
    bp__grid_fini(&grid);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"numbers are read strictly", numbers},
        {"without options, one combination", fallbacks},
        {"values of lists and ranges", values},
        {"the end of a range is included", ends},
        {"order of combinations", order},
        {"what is refused", refused},
        {"limit", limit},
        {"neighbours have few values", tiles},
        CU_TEST_INFO_NULL,
    };
    return suite_main("grid", tests);
}
