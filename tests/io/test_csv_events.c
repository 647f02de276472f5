/* Dividends and splits: the names that vendors give them, in daily and in minute files, and worked out from
 * adjusted closes. None is dropped without a word. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_case.h"

/* One dividend of 0.5 and one split of 2 : 1, on the third of four days. */
static bool has_both(const csv_case *c)
{
    const bp__draft_ratio *split = c->draft.ratios[BP__SPLITS].row,
                          *ratio = c->draft.ratios[BP__DIVIDENDS].row;
    const bool good = c->errors == 0 && c->draft.ratios[BP__SPLITS].n == 1 && c->draft.payouts.n == 1 &&
                      c->draft.ratios[BP__DIVIDENDS].n == 1 && split->ratio == 0.5 &&
                      split->effective_date == csv_ns("2020-01-06") && c->draft.payouts.row->amount == 0.5 &&
                      c->draft.payouts.row->ex_date == csv_ns("2020-01-06") && ratio->ratio == 1 - 0.5 / 20;
    if (!good) printf("\n%s", c->told);
    return good;
}

static void test_names(void)
{
    static const char *const names[][2] = {{"dividend", "split"},
                                           {"Dividends", "Stock Splits"},
                                           {"Ex-Dividend", "Split Ratio"},
                                           {"divCash", "splitFactor"},
                                           {"7. dividend amount", "8. split coefficient"},
                                           {"DIVIDEND_AMOUNT", "split_coefficient"},
                                           {"Cash Dividend", "Splits"}};
    static const char *const splits[] = {"2", "2.0", "2:1", "2/1", "2.000000/1.000000", "2-for-1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof splits / sizeof *splits; k++) {
            char file[400];
            csv_empty();
            snprintf(file, sizeof file,
                     "date,open,high,low,close,volume,%s,%s\n2020-01-02,20,20,20,20,1,0,0\n"
                     "2020-01-03,20,20,20,20,1,,1.0\n"
                     "2020-01-06,10,10,10,10,1,0.5,%s\n2020-01-07,10,10,10,10,1,null,N/A\n",
                     names[i][0], names[i][1], splits[k]);
            csv_put("daily/X.csv", file);
            csv_case c = csv_read_folder(NULL);
            CU_ASSERT_TRUE(has_both(&c));
            CU_ASSERT_EQUAL(csv_count(&c, "not used"), 0);
            csv_end(&c);
        }
}

static void test_lookalikes(void)
{
    static const char *const names[] = {"div",          "dividend_yield",   "payout",    "Capital Gains",
                                        "distribution", "split_adj",        "cumFacShr", "bonus",
                                        "Adj Factor",   "cash_amount",      "DPS",       "Dvd",
                                        "ratio",        "adjustment_ratio", "Numerator"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[200], text[200];
        snprintf(file, sizeof file, "date,open,high,low,close,volume,%s\n2020-01-02,1,1,1,1,1,0.2\n",
                 names[i]);
        snprintf(text, sizeof text, "are not used: '%s'; rename them to 'dividend'", names[i]);
        csv_expect(BP__DAILY, file, text, NULL);
    }
    csv_expect(BP__DAILY, "date,open,high,low,close,volume,dividend,Dividends\n2020-01-02,1,1,1,1,1,0,0\n",
               "error: DIR/daily/X.csv:1: column 'dividend' is there twice, as 'dividend' and 'Dividends'",
               NULL);
}

static void test_ignored_splits(void)
{
    csv_empty();
    csv_put("daily/X.csv", "date,open,high,low,close,volume,dividend,split\n2020-01-02,20,20,20,20,1,0,1\n"
                           "2020-01-03,20,20,20,20,1,0.5,2\n2020-01-06,20,20,20,20,1,0,3\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.ignore_splits = true});
    CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 0 && c.draft.payouts.n == 1);
    CU_ASSERT_TRUE(
        csv_told(&c, "note: DIR/daily/X.csv:3: splits are left out, as --splits ignore says (2)\n"));
    csv_end(&c);
}

static void test_ignored_dividends(void)
{
    csv_empty();
    csv_put("daily/X.csv", "date,open,high,low,close,volume,dividend,split\n2020-01-02,20,20,20,20,1,0,1\n"
                           "2020-01-03,20,20,20,20,1,0,2\n2020-01-06,20,20,20,20,1,0.5,3\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.ignore_dividends = true});
    CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 2 && c.draft.payouts.n == 0);
    CU_ASSERT_EQUAL(c.draft.ratios[BP__DIVIDENDS].n, 0);
    CU_ASSERT_TRUE(
        csv_told(&c, "note: DIR/daily/X.csv:4: dividends are left out, as --dividends ignore says (1)\n"));
    csv_end(&c);
    csv_empty();
    csv_put("daily/X.csv",
            "date,open,high,low,close,volume\n2020-01-02,20,20,20,20,1\n2020-01-03,20,20,20,20,1\n");
    csv_put("adjustments.csv", "kind,sid,effective_date,ex_date,ratio,amount\nsplit,0,2020-01-03,,0.5,\n"
                               "dividend_ratio,0,2020-01-03,,0.9,\ndividend,0,,2020-01-03,,2\n");
    c = csv_read_folder(&(bp__ingest_options){.ignore_dividends = true});
    CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 1 && c.draft.payouts.n == 0);
    CU_ASSERT_EQUAL(c.draft.ratios[BP__DIVIDENDS].n, 0);
    CU_ASSERT_TRUE(csv_told(
        &c, "note: DIR/adjustments.csv:3: dividends are left out, as --dividends ignore says (2)\n"));
    csv_end(&c);
}

/* Prices that are adjusted already, as their columns give away, are not said to be as traded. */
static void test_adjusted_already(void)
{
    static const char yahoo[] =
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits%s\n2020-01-02,1,1,1,1,1,0,0%s\n";
    static const char told[] =
        "warning: DIR/daily/X.csv:1: 'Dividends' and 'Stock Splits' without an adjusted close";
    static const struct {
        const char *header, *cells;
        bp__ingest_options options;
        bool warned;
    } cases[] = {
        {"", "", {0}, true},
        {",Capital Gains", ",0", {0}, true},
        {"", "", {.ignore_splits = true}, true},
        {"", "", {.ignore_dividends = true}, true},
        {"", "", {.ignore_splits = true, .ignore_dividends = true}, false},
        {",Adj Close", ",1", {0}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[300];
        snprintf(file, sizeof file, yahoo, cases[i].header, cases[i].cells);
        csv_empty();
        csv_put("daily/X.csv", file);
        csv_case c = csv_read_folder(&cases[i].options);
        CU_ASSERT_EQUAL(c.errors, 0);
        CU_ASSERT_EQUAL(csv_count(&c, told), cases[i].warned);
        csv_end(&c);
    }
    csv_empty();
    csv_put("daily/X.csv",
            "ticker,date,open,high,low,close,volume,closeadj,closeunadj\nX,2020-01-02,1,1,1,1,1,1,7\n");
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(
        csv_told(&c, "warning: DIR/daily/X.csv:1: 'closeunadj' is not used: beside it, 'close' seems to"));
    CU_ASSERT_EQUAL(csv_count(&c, "prices are taken as traded"), 0);
    csv_end(&c);
}

/* A split of 0 shares, or of more than there are, is none. */
static void test_no_splits(void)
{
    static const char *const splits[][2] = {
        {"0:1", "'0:1' is no ratio of new shares to old ones, both above 0"},
        {"0/7", "'0/7' is no ratio"},
        {"3:0", "'3:0' is no ratio"},
        {"-2:1", "'-2:1' is no ratio"},
        {"two-for-one", "'two-for-one' is no ratio"},
        {"1e300", "a split of 1e+300 is not between 1e-06 and 1e+06"},
        {"1:9000000", "is not between 1e-06 and 1e+06"},
        {"two", "'two' is not a number"}};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        char file[200], text[200];
        snprintf(file, sizeof file, "date,open,high,low,close,volume,split\n2020-01-02,1,1,1,1,1,%s\n",
                 splits[i][0]);
        snprintf(text, sizeof text, "error: DIR/daily/X.csv:2: column 'split': %s", splits[i][1]);
        csv_expect(BP__DAILY, file, *splits[i][1] == 'i' ? splits[i][1] : text, NULL);
    }
}

/* An event on a day without any value is one all the same; its day makes no session. */
static void test_blank_day(void)
{
    csv_empty();
    csv_put("daily/X.csv", "date,open,high,low,close,volume,dividend,split\n2020-01-02,20,20,20,20,1,0,1\n"
                           "2020-01-03,,,,,,0.5,2\n2020-01-06,10,10,10,10,1,0,1\n");
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(c.draft.days.n == 2 && c.draft.ratios[BP__SPLITS].n == 1 && c.draft.payouts.n == 1);
    CU_ASSERT_EQUAL(c.draft.ratios[BP__SPLITS].row[0].effective_date, csv_ns("2020-01-03"));
    csv_end(&c);
}

/* Minute files ---------------------------------------------------------------------------------- */

#define MINUTES "date,open,high,low,close,volume,dividend,split\n"

static const char minutes[] =
    MINUTES "2020-01-03 20:58:00,20,20,20,19,1,0,1\n2020-01-03 20:59:00,20,20,20,20,1,0,1\n"
            "2020-01-06 14:31:00,10,10,10,10,1,0.5,2\n2020-01-06 14:32:00,10,10,10,11,1,0.5,2\n";

static void test_minutes(void)
{
    csv_empty();
    csv_put("minute/X.csv", minutes); /* alone; said in each row of the day */
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(has_both(&c));
    csv_end(&c);
    csv_put("daily/X.csv",
            CSV_HEADER "2020-01-03,20,20,20,20,1\n2020-01-06,10,10,10,10,1\n"); /* beside a file without */
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(has_both(&c));
    csv_end(&c);
    csv_put("daily/X.csv",
            MINUTES "2020-01-03,20,20,20,20,1,0,1\n2020-01-06,10,10,10,10,1,0.5,2\n"); /* the same in both */
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(has_both(&c));
    csv_end(&c);
    csv_put("daily/X.csv", MINUTES "2020-01-03,20,20,20,20,1,0,1\n2020-01-06,10,10,10,10,1,0.5,3\n");
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(
        csv_told(&c, "error: DIR/minute/X.csv:4: a split on 2020-01-06 that the daily file does not have"));
    csv_end(&c);
    csv_put("daily/X.csv", MINUTES "2020-01-03,20,20,20,20,1,0,1\n2020-01-06,10,10,10,10,1,0,2\n");
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(
        &c, "error: DIR/minute/X.csv:4: a dividend on 2020-01-06 that the daily file does not have"));
    csv_end(&c);
    csv_expect(BP__MINUTE,
               MINUTES "2020-01-06 14:31:00,10,10,10,10,1,0.5,2\n2020-01-06 14:32:00,10,10,10,11,1,0.6,2\n",
               "error: DIR/minute/X.csv:3: a second dividend on the same day, other than that of line 2",
               NULL);
    csv_empty();
    csv_put("minute/X.csv",
            MINUTES "2020-01-06 14:31:00,10,10,10,10,1,0.5,2\n2020-01-03 20:59:00,20,20,20,20,1,0,1\n"
                    "2020-01-03 20:58:00,20,20,20,19,1,0,1\n"); /* the newest first */
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(has_both(&c));
    csv_end(&c);
}

/* The day of an event is that of the exchange. */
static void test_minute_day(void)
{
    csv_empty();
    csv_put("minute/X.csv",
            MINUTES "2020-01-14 05:00:00,20,20,20,20,1,0,1\n2020-01-14 23:00:00,10,10,10,10,1,0,2\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.calendar = "XASX"});
    CU_ASSERT_EQUAL_FATAL(c.draft.ratios[BP__SPLITS].n, 1);
    CU_ASSERT_EQUAL(c.draft.ratios[BP__SPLITS].row[0].effective_date, csv_ns("2020-01-15"));
    csv_end(&c);
}

/* Adjusted closes ------------------------------------------------------------------------------- */

#define NUM 120

static const struct {
    int day;
    double dividend, split;
} events[] = {{20, 0.35, 1}, {40, 0, 2}, {60, 0.2, 1}, {80, 0, 0.1}, {100, 1.5, 1}};

/* Prices with these events, and their adjusted closes with so many decimals. */
static void put_adjusted(const char *name, int decimals, const char *more_header, const char *more_cells)
{
    double close[NUM], factor[NUM];
    char *text = malloc(NUM * 160), *p = text;
    CU_ASSERT_FATAL(text != NULL);
    srand(5);
    for (int i = 0; i < NUM; i++) {
        close[i] = i ? close[i - 1] * (1 + (rand() % 401 - 200) / 1e4) : 50;
        for (size_t e = 0; e < sizeof events / sizeof *events; e++)
            if (events[e].day == i) close[i] = (close[i] - events[e].dividend) / events[e].split;
        close[i] = round(close[i] * 100) / 100;
    }
    factor[NUM - 1] = 1;
    for (int i = NUM - 1; i > 0; i--) {
        factor[i - 1] = factor[i];
        for (size_t e = 0; e < sizeof events / sizeof *events; e++)
            if (events[e].day == i)
                factor[i - 1] *= (1 - events[e].dividend / close[i - 1]) / events[e].split;
    }
    p += sprintf(p, "date,open,high,low,close,volume,Adj Close%s\n", more_header);
    for (int i = 0; i < NUM; i++)
        p += sprintf(p, "%d,%.2f,%.2f,%.2f,%.2f,100,%.*f%s\n", 86400 * (18000 + i), close[i], close[i],
                     close[i], close[i], decimals, close[i] * factor[i], more_cells);
    csv_put(name, text);
    free(text);
}

/* `n` days from 50 on, a close and an adjusted close of each; what becomes of them with --adjusted. */
static csv_case read_pairs(size_t n, const double *close, const double *adjusted, int decimals)
{
    char *text = malloc(n * 120 + 100), *p = text;
    CU_ASSERT_FATAL(text != NULL);
    p += sprintf(p, "date,open,high,low,close,volume,Adj Close\n");
    for (size_t i = 0; i < n; i++)
        p += sprintf(p, "%d,%.2f,%.2f,%.2f,%.2f,100,%.*f\n", 86400 * (18000 + (int)i), close[i], close[i],
                     close[i], close[i], decimals, adjusted[i]);
    csv_empty();
    csv_put("daily/X.csv", text);
    free(text);
    return csv_read_folder(&(bp__ingest_options){.adjusted = true, .date_format = "s"});
}

/* One event in the middle of 60 rows, by which earlier prices are multiplied. */
static csv_case read_one(double price, double q, int decimals)
{
    double close[60], adjusted[60];
    for (size_t i = 0; i < 60; i++) {
        close[i] = round((i < 30 ? price : price * q) * (100 + (double)(i * 7 % 11) / 10)) / 100;
        adjusted[i] = i < 30 ? close[i] * q : close[i];
    }
    return read_pairs(60, close, adjusted, decimals);
}

/* Columns that are no pair are refused: what jumps all the time, and what no event explains. */
static void test_no_pair(void)
{
    double close[40], adjusted[40];
    srand(7);
    for (int i = 0; i < 40; i++) close[i] = 10, adjusted[i] = 10 + (rand() % 41 - 20) / 100.0;
    csv_case c = read_pairs(40, close, adjusted, 2);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/X.csv: 'Adj Close': its ratio to 'close' jumps "));
    CU_ASSERT_TRUE(c.draft.payouts.n == 0 && c.draft.ratios[BP__SPLITS].n == 0);
    csv_end(&c);
    for (int i = 0; i < 40; i++)
        adjusted[i] = i % 10 < 5 ? 10 : 9; /* up and down: eight dividends and splits */
    c = read_pairs(40, close, adjusted, 6);
    CU_ASSERT_TRUE(csv_told(&c, "its ratio to 'close' jumps 7 times in 40 rows, too often"));
    csv_end(&c);
    static const double none[] = {1.0162, 1.0525, 1.37, 2.6};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        c = read_one(20, none[i], 6);
        CU_ASSERT_TRUE(
            csv_told(&c, "error: DIR/daily/X.csv:32: 'Adj Close': its ratio to 'close' falls to 1/"));
        csv_end(&c);
    }
}

/* A split and a dividend on one day are both there, and what was worked out is told. */
static void test_split_and_dividend(void)
{
    static const struct {
        double split, dividend;
    } cases[] = {{2, 0.6}, {7, 1.1}, {1.5, 0.25}, {0.1, 0.4}, {0.5, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        csv_case c = read_one(80, (1 - cases[i].dividend / 80.72) / cases[i].split, 6);
        CU_ASSERT_EQUAL_FATAL(c.draft.ratios[BP__SPLITS].n, 1);
        CU_ASSERT_EQUAL(c.draft.ratios[BP__SPLITS].row[0].ratio, 1 / cases[i].split);
        CU_ASSERT_EQUAL_FATAL(c.draft.payouts.n, 1);
        CU_ASSERT_DOUBLE_EQUAL(c.draft.payouts.row[0].amount, cases[i].dividend, 0.02);
        csv_end(&c);
    }
    csv_case c = read_one(80, (1 - 0.6 / 80.72) / 2, 6);
    CU_ASSERT_TRUE(csv_told(&c, "(1): 2019-05-14 split 2 dividend 0.5"));
    csv_end(&c);
}

/* Cents of a cheap asset do not tell a split of 9 for 8 from a dividend of as much. */
static void test_rough_dividends(void)
{
    static const double q[] = {1 - 1 / 9.0, 1 - 1 / 6.0, 0.8, 1 - 0.17};
    for (size_t i = 0; i < sizeof q / sizeof *q; i++) {
        csv_case c = read_one(1.4, q[i], 2);
        CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 0 && c.draft.payouts.n == 1);
        csv_end(&c);
    }
    csv_case c = read_one(1.4, 0.5, 2);
    CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 1 && c.draft.payouts.n == 0);
    csv_end(&c);
}

static void check_worked_out(const csv_case *c, double tolerance)
{
    if (c->errors) printf("%s", c->told);
    CU_ASSERT_EQUAL_FATAL(c->draft.payouts.n, 3);
    CU_ASSERT_EQUAL_FATAL(c->draft.ratios[BP__SPLITS].n, 2);
    size_t dividend = 0, split = 0;
    for (size_t e = 0; e < sizeof events / sizeof *events; e++) {
        const int64_t day = (18000 + events[e].day) * BP_NS_PER_DAY;
        if (events[e].dividend > 0) {
            const bp__draft_payout *p = &c->draft.payouts.row[dividend++];
            CU_ASSERT_TRUE(p->ex_date == day && fabs(p->amount - events[e].dividend) < tolerance);
        } else {
            const bp__draft_ratio *r = &c->draft.ratios[BP__SPLITS].row[split++];
            CU_ASSERT_TRUE(r->effective_date == day && r->ratio == 1 / events[e].split);
        }
    }
}

static void test_adjusted(void)
{
    const bp__ingest_options adjusted = {.adjusted = true, .date_format = "s"}, plain = {.date_format = "s"};
    csv_empty();
    put_adjusted("daily/X.csv", 6, "", "");
    csv_case c = csv_read_folder(&adjusted);
    check_worked_out(&c, 1e-4);
    CU_ASSERT_TRUE(csv_told(
        &c, "note: DIR/daily/X.csv: dividends and splits worked out from 'Adj Close' (5): 2019-05-04 "
            "dividend 0.35, 2019-05-24 split 2, 2019-06-13 dividend 0.2, 2019-07-03 split 0.1, 1 more"));
    csv_end(&c);
    c = csv_read_folder(&plain); /* by default as traded */
    CU_ASSERT_TRUE(c.draft.payouts.n == 0 && c.draft.ratios[BP__SPLITS].n == 0);
    CU_ASSERT_TRUE(csv_told(
        &c,
        "note: DIR/daily/X.csv:1: prices are taken as traded, 'Adj Close' is not used; --adjusted works"));
    csv_end(&c);
    c = csv_read_folder(&(bp__ingest_options){.adjusted = true, .ignore_splits = true, .date_format = "s"});
    CU_ASSERT_EQUAL(c.draft.ratios[BP__SPLITS].n, 0);
    csv_end(&c);
    put_adjusted("daily/X.csv", 2, "", ""); /* cents: no event is seen in rounding */
    c = csv_read_folder(&adjusted);
    check_worked_out(&c, 0.03);
    csv_end(&c);
    put_adjusted("daily/X.csv", 6, ",dividend,split", ",0,1"); /* what is given counts, if it is none, too */
    c = csv_read_folder(&adjusted);
    CU_ASSERT_TRUE(c.draft.payouts.n == 0 && c.draft.ratios[BP__SPLITS].n == 0);
    csv_end(&c);
    put_adjusted("daily/X.csv", 6, ",dividend", ",0");
    c = csv_read_folder(&adjusted);
    CU_ASSERT_TRUE(c.draft.payouts.n == 0 && c.draft.ratios[BP__SPLITS].n == 2);
    csv_end(&c);
    put_adjusted("daily/X.csv", 6, ",split", ",1");
    c = csv_read_folder(&adjusted);
    CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 0 && c.draft.payouts.n >= 3);
    csv_end(&c);
}

int main(void)
{
    CU_TestInfo tests[] = {{"names", test_names},
                           {"look-alikes", test_lookalikes},
                           {"--splits ignore", test_ignored_splits},
                           {"--dividends ignore", test_ignored_dividends},
                           {"adjusted already", test_adjusted_already},
                           {"splits that are none", test_no_splits},
                           {"a day without a bar", test_blank_day},
                           {"minute files", test_minutes},
                           {"days of minute files", test_minute_day},
                           {"adjusted closes", test_adjusted},
                           {"columns that are no pair", test_no_pair},
                           {"a split and a dividend", test_split_and_dividend},
                           {"dividends in cents", test_rough_dividends},
                           CU_TEST_INFO_NULL};
    return csv_main("dividends and splits in CSV", tests);
}
