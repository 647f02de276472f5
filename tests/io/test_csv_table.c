/* Ingest of one table with a column of symbols. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "csv_case.h"

static csv_case read_table(const char *text, const bp__ingest_options *options)
{
    csv_empty();
    csv_put("T.csv", text);
    return csv_read(&bp__table_source, "T.csv", options);
}

#define HEADER "date,symbol,open,high,low,close,volume\n"

/* Sorted by symbol, by date, or neither: the same bundle. */
static void test_orders(void)
{
    static const char *const files[] = {
        HEADER
        "2020-01-02,B,1,1,1,1,1\n2020-01-03,B,2,2,2,2,1\n2020-01-02,A,3,3,3,3,1\n2020-01-03,A,4,4,4,4,1\n",
        HEADER
        "2020-01-02,A,3,3,3,3,1\n2020-01-02,B,1,1,1,1,1\n2020-01-03,A,4,4,4,4,1\n2020-01-03,B,2,2,2,2,1\n",
        HEADER
        "2020-01-02,B,1,1,1,1,1\n2020-01-02,A,3,3,3,3,1\n2020-01-03,A,4,4,4,4,1\n2020-01-03,B,2,2,2,2,1\n",
        "Ticker;Date;Open;High;Low;Close;Volume\nA;20200102;3,0;3;3;3;1\nA;20200103;4;4;4;4;1\n"
        "B;20200102;1;1;1;1;1\n"
        "B;20200103;2;2;2;2;1\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        csv_case c = read_table(files[i], NULL);
        if (c.errors) printf("%s", c.told);
        CU_ASSERT_TRUE(c.status == BP_OK && c.errors == 0 && c.draft.assets.n == 2 && c.draft.days.n == 2);
        CU_ASSERT_STRING_EQUAL(c.draft.assets.row[0].symbol, "A");
        CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 0, BP__CLOSE), 3);
        CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1, BP__CLOSE), 4);
        CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 1, 0, BP__CLOSE), 1);
        CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 1, 1, BP__CLOSE), 2);
        CU_ASSERT_TRUE(c.draft.calendar.n == 2 && c.draft.mappings.n == 2);
        CU_ASSERT_EQUAL(c.draft.origin.files, 1);
        csv_end(&c);
    }
}

static void test_minutes_and_events(void)
{
    csv_case c = read_table(
        "timestamp,sid,open,high,low,close,volume,dividend,split\n2020-01-03 20:59,7,20,20,20,20,1,0,1\n"
        "2020-01-06 14:31,7,10,10,10,10,1,0.5,2\n",
        NULL);
    CU_ASSERT_EQUAL(bp__draft_num_bars(&c.draft, BP__MINUTE), 2);
    CU_ASSERT_STRING_EQUAL(c.draft.assets.row[0].symbol, "7");
    CU_ASSERT_TRUE(c.draft.ratios[BP__SPLITS].n == 1 && c.draft.payouts.n == 1 &&
                   c.draft.ratios[BP__DIVIDENDS].n == 1);
    CU_ASSERT_EQUAL(c.draft.ratios[BP__DIVIDENDS].row[0].ratio, 1 - 0.5 / 20);
    csv_end(&c);
    /* midnights alone are days */
    c = read_table("timestamp,permno,open,high,low,close,volume\n2020-01-03 00:00:00,10001,1,1,1,1,1\n",
                   NULL);
    CU_ASSERT_EQUAL(bp__draft_num_bars(&c.draft, BP__DAILY), 1);
    csv_end(&c);
}

static void test_errors(void)
{
    static const struct {
        const char *file, *told;
    } cases[] = {
        {"date,open,high,low,close,volume\n2020-01-02,1,1,1,1,1\n",
         "failed: DIR/T.csv:1: the header has no column 'symbol'"},
        {HEADER, "failed: DIR/T.csv: no row after the header"},
        {HEADER "2020-01-02,A,1,1,1,1,1\n2020-01-02,A,1,1,1,1,1\n",
         "error: DIR/T.csv:3: date '2020-01-02' is there twice"},
        {HEADER "2020-01-03,A,1,1,1,1,1\n2020-01-06,A,1,1,1,1,1\n2020-01-02,A,1,1,1,1,1\n",
         "error: DIR/T.csv:4: date '2020-01-02' is earlier"},
        {HEADER "2020-01-03,A,1,1,1,1,1\n2020-01-02,A,1,1,1,1,1\n2020-01-06,A,1,1,1,1,1\n",
         "error: DIR/T.csv:4: date '2020-01-06' is later"},
        {HEADER "2020-01-02,A,1,1,x,1,1\n", "error: DIR/T.csv:2: column 'low': 'x' is not a number"},
        {HEADER "2020-01-02,A,1,1,1,1,1\n2020-01-02,B,1,1,1\n",
         "error: DIR/T.csv:3: 5 fields, the header has 7"},
        {HEADER "2020-01-02,,1,1,1,1,1\n", "error: DIR/T.csv:2: a symbol that is empty"},
        {HEADER "2020-01-02,A\xff,1,1,1,1,1\n", "error: DIR/T.csv:2: a symbol that is not UTF-8"},
        {HEADER "2020-01-02,A,1,1,1,1,1\n2020-01-03 09:31,A,1,1,1,1,1\n",
         "failed: DIR/T.csv:2: date '2020-01-02' has no time of day, as other rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        csv_case c = read_table(cases[i].file, NULL);
        CU_ASSERT_TRUE(csv_told(&c, cases[i].told));
        CU_ASSERT_TRUE(c.errors > 0 || bp__failed(c.status));
        csv_end(&c);
    }
    csv_empty();
    CU_ASSERT_EQUAL(mkfifo(csv_path("F.csv"), 0666), 0);
    csv_case c = csv_read(&bp__table_source, "F.csv", NULL);
    CU_ASSERT_TRUE(csv_told(&c, "failed: DIR/F.csv: a FIFO, not a regular file"));
    csv_end(&c);
    c = csv_read(&bp__table_source, "none.csv", NULL);
    CU_ASSERT_EQUAL(c.status, BP_ENOTFOUND);
    csv_end(&c);
    /* an asset whose rows have errors is left out, the others stay */
    c = read_table(
        HEADER
        "2020-01-02,A,1,1,1,1,1\n2020-01-02,B,1,1,y,1,1\n2020-01-03,B,1,1,1,1,1\n2020-01-04,C,1,1,1,1,1\n"
        "2020-01-05,B,1,1,1,1,1\n",
        &(bp__ingest_options){.keep_going = true});
    CU_ASSERT_TRUE(c.errors == 1 && c.draft.assets.n == 2 && c.draft.days.n == 2 && c.draft.calendar.n == 2);
    CU_ASSERT_TRUE(c.draft.assets.row[1].sid == 2 && strcmp(c.draft.assets.row[1].symbol, "C") == 0);
    csv_end(&c);
    c = read_table(HEADER "2020-01-02,D,1,1,1,1,1\n2020-01-02,C,1,x,1,1,1\n2020-01-02,A,-1,1,1,1,1\n"
                          "2020-01-02,B,,,,,\n2020-01-02,D,1,1,1,1,1\n2020-01-02,E,1,1,1,1,1\n",
                   &(bp__ingest_options){.keep_going = true});
    CU_ASSERT_TRUE(csv_told(&c, "warning: DIR/T.csv: assets that are left out, for errors: A, C, D\n"));
    CU_ASSERT_EQUAL(c.draft.assets.n, 1);
    csv_end(&c);
    /* what nobody asked for may be as it is */
    c = read_table(
        HEADER "2020-01-02,A,1,1,x,1,1\n2020-01-02,B,1,1,1,1,1\nno date,A,,,,,-1\n2020-01-03,B,2,2,2,2,2\n",
        &(bp__ingest_options){.symbols = "B"});
    CU_ASSERT_TRUE(c.errors == 0 && c.draft.assets.n == 1 && c.draft.days.n == 2);
    csv_end(&c);
    c = read_table(HEADER "2020-01-02,A,1,1,1,1,1\n2020-01-02,B,,,,,\n",
                   &(bp__ingest_options){.keep_going = true});
    CU_ASSERT_EQUAL(csv_count(&c, "for errors"), 0);
    csv_end(&c);
    c = read_table(HEADER "2020-01-02,A,1,1,1,1,1\n2020-01-02,B,,,,,\n", NULL);
    CU_ASSERT_TRUE(c.errors == 0 && c.draft.assets.n == 1);
    CU_ASSERT_TRUE(csv_told(&c, "warning: DIR/T.csv: assets without any value are left out (1)"));
    csv_end(&c);
    c = read_table(HEADER "2020-01-02,A,1,1,1,1,1\n2020-01-02,B,1,1,1,1,1\n",
                   &(bp__ingest_options){.symbols = " B ,"});
    CU_ASSERT_TRUE(c.errors == 0 && c.draft.assets.n == 1 && c.draft.assets.row[0].sid == 1);
    csv_end(&c);
    c = read_table(HEADER "2020-01-02,A,1,1,1,1,1\n", &(bp__ingest_options){.symbols = "A,Z"});
    CU_ASSERT_EQUAL(c.status, BP_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "T.csv has no symbol 'Z'"));
    csv_end(&c);
}

/* The newest first, as vendors have it: all rows by date, or those of each asset. */
static void test_newest_first(void)
{
    static const char *const orders[] = {
        "2020-01-06,A,3,3,3,3,0.5,2\n2020-01-06,B,6,6,6,6,0,1\n2020-01-03,B,5,5,5,5,0,1\n2020-01-03,A,2,2,2,2,0,1\n"
        "2020-01-02,A,1,1,1,1,0,1\n",
        "2020-01-06,A,3,3,3,3,0.5,2\n2020-01-03,A,2,2,2,2,0,1\n2020-01-02,A,1,1,1,1,0,1\n"
        "2020-01-06,B,6,6,6,6,0,1\n2020-01-03,B,5,5,5,5,0,1\n",
        "2020-01-03,B,5,5,5,5,0,1\n2020-01-06,A,3,3,3,3,0.5,2\n2020-01-03,A,2,2,2,2,0,1\n" /* B ascends */
        "2020-01-02,A,1,1,1,1,0,1\n2020-01-06,B,6,6,6,6,0,1\n"};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        char text[600];
        snprintf(text, sizeof text, "date,symbol,open,high,low,close,dividend,split\n%s", orders[i]);
        csv_case c = read_table(text, NULL);
        CU_ASSERT_TRUE_FATAL(c.errors == 0 && c.draft.assets.n == 2 && c.draft.days.n == 3);
        for (size_t d = 0; d < 3; d++) {
            CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, d, BP__CLOSE), (double)d + 1);
            if (d < 2) CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 1, d, BP__CLOSE), (double)d + 5);
        }
        CU_ASSERT_TRUE(c.draft.payouts.n == 1 && c.draft.ratios[BP__SPLITS].n == 1);
        CU_ASSERT_EQUAL(csv_count(&c, "note: DIR/T.csv: rows begin with the newest: they are turned round\n"),
                        1);
        csv_end(&c);
    }
}

/* A table of so many assets on so many days; closes tell which. */
static char *make_table(int assets, int days, bool newest_first)
{
    char *text = malloc((size_t)assets * (size_t)days * 48), *p = text;
    CU_ASSERT_FATAL(text != NULL);
    p = stpcpy(p, "date,symbol,o,h,l,c,v\n");
    for (int i = 0; i < days; i++)
        for (int a = 0; a < assets; a++) {
            const int d = newest_first ? days - 1 - i : i;
            p += sprintf(p, "%d,S%d,1,%d,1,%d,1\n", 86400 * (12000 + d), a, d + 1, a + d + 1);
        }
    return text;
}

/* More assets than the hash table begins with, and more bars than are held in memory. */
static void test_many(void)
{
    const int assets = 700, days = 900;
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        char *text = make_table(assets, days, newest_first);
        csv_case c = read_table(text, &(bp__ingest_options){.date_format = "s"});
        CU_ASSERT_EQUAL(bp__draft_num_bars(&c.draft, BP__DAILY), (size_t)assets * (size_t)days);
        CU_ASSERT_EQUAL_FATAL(c.draft.assets.n, (size_t)assets);
        int wrong = 0;
        for (int64_t sid = 0; sid < assets; sid++) {
            bp__bar *bars;
            const int number = atoi(c.draft.assets.row[sid].symbol + 1);
            const size_t n = csv_bars(&c, BP__DAILY, sid, &bars);
            wrong += n != (size_t)days;
            for (size_t d = 0; d < n; d++)
                wrong += bars[d].dt != (int64_t)(12000 + d) * BP_NS_PER_DAY ||
                         bars[d].value[BP__CLOSE] != number + (double)d + 1;
            free(bars);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        csv_end(&c);
        free(text);
    }
}

/* More than may wait in memory to be turned round. */
static void test_too_many(void)
{
    char *text = make_table(700, 2300, true);
    csv_case c = read_table(text, &(bp__ingest_options){.date_format = "s"});
    CU_ASSERT_EQUAL(c.status, BP_EFORMAT);
    CU_ASSERT_TRUE(
        csv_told(&c, "failed: DIR/T.csv: begins with its newest rows, and has too many to be turned round in "
                     "memory: sort it by date"));
    csv_end(&c);
    free(text);
}

int main(void)
{
    CU_TestInfo tests[] = {{"orders", test_orders},    {"minutes and events", test_minutes_and_events},
                           {"errors", test_errors},    {"the newest first", test_newest_first},
                           {"many assets", test_many}, {"too many of the newest first", test_too_many},
                           CU_TEST_INFO_NULL};
    return csv_main("a table in CSV", tests);
}
