/* Rows that need no second look are read on a way of their own, which must give what the usual one gives. A quote
 * anywhere in the header makes every row take the usual one. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_case.h"

#define COLUMNS ",open,high,low,vwap,close,volume\n"

static bool same_bars(const csv_case *a, const csv_case *b)
{
    bp__bar *x, *y;
    const size_t n = csv_bars(a, BP__DAILY, 0, &x), m = csv_bars(b, BP__DAILY, 0, &y);
    const bool same = n == m && (n == 0 || memcmp(x, y, n * sizeof *x) == 0);
    free(x);
    free(y);
    return same;
}

/* The text after a header without a quote, and after one with quotes. */
static csv_case expect_same(const char *rows, size_t size)
{
    static const char *const header[] = {"date" COLUMNS, "\"date\"" COLUMNS};
    csv_case c[2];
    for (int i = 0; i < 2; i++) {
        char text[1000];
        const size_t n = strlen(header[i]);
        CU_ASSERT_FATAL(n + size <= sizeof text);
        memcpy(text, header[i], n);
        memcpy(text + n, rows, size);
        csv_put_bytes("daily/X.csv", text, n + size);
        c[i] = csv_read_folder(&(bp__ingest_options){.keep_going = true, .threads = 1});
        CU_ASSERT_EQUAL(c[i].status, BP_OK);
    }
    CU_ASSERT_STRING_EQUAL(c[0].told, c[1].told);
    const bool same = same_bars(&c[0], &c[1]);
    CU_ASSERT_TRUE(same);
    if (!same) printf("\n%.*s", (int)size, rows);
    csv_end(&c[1]);
    return c[0];
}

/* One row among others; @return whether it is taken, as the second of three. */
static bool takes(const char *row)
{
    char rows[400];
    snprintf(rows, sizeof rows, "1969-12-31,1,1,1,x,1,1\n%s\n2200-12-31,3,3,3,,3,3\n", row);
    csv_case c = expect_same(rows, strlen(rows));
    bp__bar *bars;
    const size_t n = csv_bars(&c, BP__DAILY, 0, &bars);
    free(bars);
    csv_end(&c);
    return n == 3;
}

static void test_rows(void)
{
    static const char *const good[] = {"2020-02-29,1,1,1,,1,1",
                                       "2000-02-29,1,1,1,,1,1",
                                       "1970-01-01,1.5,2.25,.5,\"\",1.,",
                                       "2020-12-31,1,1,1,1,1,007",
                                       "2020-01-01,1,1,1,,1,1\r",
                                       " 2020-01-01 , 1, 1 ,1,,1,1 ",
                                       "2020-01-01,0,1,1,,1,0",
                                       "2020-01-01,1,1,2,,1,1",
                                       "2020-1-1,1,1,1,,1,1",
                                       "20200101,1,1,1,,1,1",
                                       "2020-01-01,1,1,1,,1,4294967296",
                                       "2020-01-01,1e2,+1,$1,,1,1K",
                                       "2020-01-01,1,1,1,,1,-",
                                       "2020-01-01,1.00000000000000000,1,1,,1,9007199254740992",
                                       "2020-01-01,1.2345678901234567,1,1,,1,9007199254740993"};
    static const char *const bad[] = {
        "2019-02-29,1,1,1,,1,1",   "2100-02-29,1,1,1,,1,1",     "2020-04-31,1,1,1,,1,1",
        "2020-00-01,1,1,1,,1,1",   "2020-13-01,1,1,1,,1,1",     "2020-01-00,1,1,1,,1,1",
        "2020-01-32,1,1,1,,1,1",   "2020-01-0:,1,1,1,,1,1",     "2020-01-01x,1,1,1,,1,1",
        "2020_01-01,1,1,1,,1,1",   "0000-00-00,1,1,1,,1,1",     "2020-01-01,.,1,1,,1,1",
        "2020-01-01,1.2.3,1,,1,1", "2020-01-01,1,1,1,,1,1,1",   "2020-01-01,1,1,1,,1",
        "2020-01-01,1,1,1,,1,1 1", "2020-01-01,-1,1,1,,1,1",    "2020-01-01,1,1,1,,1,1\rx",
        "2300-01-01,1,1,1,,1,1",   "1500-01-01,1,1,1,,1,1",     "2020-01-01,1,1,1,,1,99999999999999999999",
        "1969-12-30,1,1,1,,1,1",   "2020-01-01,1,1,1,,1,1\r\r,"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!takes(good[i])) CU_FAIL_FATAL("a good row is not taken");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (takes(bad[i])) CU_FAIL_FATAL("a bad row is taken");
}

static void test_remarks(void)
{
    static const char zero[] = "2020-01-01,1,1,1,,0,1\n", crossed[] = "2020-01-01,1,1,2,,1,1\n";
    csv_case c = expect_same(zero, strlen(zero));
    CU_ASSERT_TRUE(csv_told(&c, "prices of 0 are taken as missing"));
    csv_end(&c);
    c = expect_same(crossed, strlen(crossed));
    CU_ASSERT_TRUE(csv_told(&c, "bars whose high is below their low"));
    csv_end(&c);
}

/* A line break between quotes, in a column that is passed over, ends no row. */
static void test_quotes(void)
{
    csv_put("daily/X.csv",
            "date,open,high,low,close,volume,note\n2020-01-01,1,1,1,1,1,\"a\nb\"\n2020-01-02,2,2,2,2,2,c\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.threads = 1});
    CU_ASSERT_EQUAL(c.status, BP_OK);
    CU_ASSERT_EQUAL(c.errors, 0);
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1, BP__CLOSE), 2);
    csv_end(&c);
}

/* Whatever bytes are changed, lost or doubled, both ways say the same of what is left. */
static void test_damage(void)
{
    static const char good[] =
        "2020-01-30,10.25,11.5,9.75,10.1,10,123456\n2020-01-31,10.25,11,9.75,,10,1234567\r\n"
        "2020-02-01,10.5,11.5,9.75,10.1,11.000,9\n2020-02-29,1,2,1,10,1,1000\n"
        "2021-02-01,1234.5,12345.678901,0.0001,-,10,0\n2021-02-02,1,1,1,,1,1";
    static const char bytes[] = ",,,;.-/ \t\r\n0123456789e\xff";
    srand(7);
    for (int i = 0; i < 3000; i++) {
        char text[400];
        size_t n = sizeof good - 1;
        memcpy(text, good, n);
        for (int k = rand() % 3; k >= 0; k--) {
            const size_t at = (size_t)rand() % n;
            const int how = rand() % 3;
            if (how == 0) text[at] = bytes[(size_t)rand() % sizeof bytes]; /* its NUL as well */
            if (how == 1) memmove(text + at, text + at + 1, --n - at);
            if (how == 2) memmove(text + at + 1, text + at, n++ - at);
        }
        csv_case c = expect_same(text, n);
        csv_end(&c);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"rows", test_rows},
                           {"remarks", test_remarks},
                           {"quotes", test_quotes},
                           {"damage", test_damage},
                           CU_TEST_INFO_NULL};
    return csv_main("plain rows of CSV", tests);
}
