/* What a header need not have, and what is said of files that are not of the form they seem to be. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_case.h"

/* Indices and currencies. */
static void test_no_volume(void)
{
    csv_empty();
    csv_put("daily/X.csv", "Date,Open,High,Low,Close\n2020-01-02,1.5,1.5,1.5,1.5\n2020-01-03,1.5,2,1.5,2\n");
    csv_put("daily/Y.csv", "Date;Open;High;Low;Close\n2020-01-02;1,5;1,5;1,5;1,5\n");
    csv_put("daily/Z.csv", CSV_HEADER CSV_LINE);
    csv_case c = csv_read_folder(&(bp__ingest_options){.threads = 1});
    CU_ASSERT_EQUAL(c.errors, 0);
    CU_ASSERT_TRUE(csv_told(
        &c, "note: DIR/daily/X.csv:1: no column 'volume': volumes are missing; the same in 1 more file\n"));
    CU_ASSERT_EQUAL(csv_count(&c, "note"), 1);
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1, BP__CLOSE), 2);
    CU_ASSERT_TRUE(isnan(csv_value(&c, BP__DAILY, 0, 1, BP__VOLUME)));
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 2, 0, BP__VOLUME), 1);
    csv_end(&c);
    csv_empty();
    csv_put("T.csv",
            "symbol,time,o,h,l,c\nEURUSD,2020-01-02 09:31Z,1,1,1,1\nEURUSD,2020-01-02 09:32Z,1,1,1,1\n");
    c = csv_read(&bp__table_source, "T.csv", NULL);
    CU_ASSERT_TRUE(c.errors == 0 && c.status == BP_OK && bp__draft_num_bars(&c.draft, BP__MINUTE) == 2);
    csv_end(&c);
    csv_expect(BP__DAILY, "date,open,high,low,close\n2020-01-02,,,,\n", "no row after the header has a value",
               NULL);
}

/* One that may be the volume is not passed over. */
static void test_other_volume(void)
{
    static const char *const names[] = {"Volume BTC", "vol_usd", "Traded Quantity", "No. of Shares",
                                        "adj. volume"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[200], text[200];
        snprintf(file, sizeof file, "date,open,high,low,close,%s\n2020-01-02,1,1,1,1,1\n", names[i]);
        snprintf(text, sizeof text,
                 "error: DIR/daily/X.csv:1: the header has no column 'volume': rename '%s'", names[i]);
        csv_expect(BP__DAILY, file, text, NULL);
    }
}

static void test_adjusted_only(void)
{
    csv_expect(
        BP__DAILY, "Date,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume\n2020-01-02,1,1,1,1,1\n",
        "error: DIR/daily/X.csv:1: all its prices are adjusted ones: if they are to be taken as they are, "
        "rename the columns",
        NULL);
}

/* The format that an error names is one that the date can be read with. */
static void test_formats(void)
{
    static const struct {
        const char *date, *formats;
    } cases[] = {{"01/25/2024", "MM/DD/YYYY"},
                 {"25/01/2024", "DD/MM/YYYY"},
                 {"05.01.2024", "DD.MM.YYYY or MM.DD.YYYY"},
                 {"5-1-2024", "DD-MM-YYYY or MM-DD-YYYY"},
                 {"20/03/26", "DD/MM/YY or YY/MM/DD"},
                 {"31.12.99", "DD.MM.YY"},
                 {"99-12-31", "YY-MM-DD"},
                 {"01/02/03", "DD/MM/YY or MM/DD/YY or YY/MM/DD"},
                 {"01/25/2024 09:31", "MM/DD/YYYY"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[200], text[200], format[16];
        const int frame = strchr(cases[i].date, ':') ? BP__MINUTE : BP__DAILY;
        snprintf(file, sizeof file, CSV_HEADER "%s,1,1,1,1,1\n", cases[i].date);
        snprintf(text, sizeof text, ":2: date '%s' is to be read with --date-format: %s\n", cases[i].date,
                 cases[i].formats);
        csv_expect(frame, file, text, NULL);
        for (const char *p = cases[i].formats; p; p = strstr(p, " or ") ? strstr(p, " or ") + 4 : NULL) {
            snprintf(format, sizeof format, "%.*s", (int)strcspn(p, " "), p);
            csv_case c = csv_read_folder(&(bp__ingest_options){.date_format = format});
            CU_ASSERT_EQUAL(c.errors, 0);
            csv_end(&c);
        }
    }
    csv_expect(BP__DAILY, CSV_HEADER "32/13/2024,1,1,1,1,1\n",
               "date '32/13/2024' is not a date that there is", NULL);
}

static void test_footers(void)
{
    csv_expect(
        BP__DAILY, CSV_HEADER CSV_LINE "# end of data\n2020-01-03,1,1,1,1,1\n",
        "error: DIR/daily/X.csv:3: '# end of data' is no row of 6 fields, as the header has: remove the line",
        NULL);
    csv_expect(BP__DAILY, CSV_HEADER CSV_LINE "2020-01",
               "error: DIR/daily/X.csv:3: 1 fields, the header has 6; is", NULL);
}

int main(void)
{
    CU_TestInfo tests[] = {{"no volume", test_no_volume},
                           {"a volume of another name", test_other_volume},
                           {"adjusted prices alone", test_adjusted_only},
                           {"formats of dates", test_formats},
                           {"footers", test_footers},
                           CU_TEST_INFO_NULL};
    return csv_main("headers and forms of CSV", tests);
}
