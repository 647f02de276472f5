/* What is taken in a CSV file and what is not: separators, headers, numbers, rows. Each kind of defect is
 * told with file and line, all of them in one go. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_case.h"

#define HEADER CSV_HEADER
#define LINE   CSV_LINE

static void test_bad_lines(void)
{
    static const struct {
        const char *file, *expected;
    } cases[] = {
        {"", ":1: the file is empty"},
        {"\n\n", ":1: the file is empty"},
        {HEADER, ":1: no row"},
        {HEADER "2020-01-02,,,,,\n", ":1: no row after the header has a value"},
        {"date,open,high,low,volume\n" LINE, ":1: the header has no column 'close'"},
        {"open,high,low,close,volume\n1,1,1,1,1\n", ":1: the header has no column 'date'"},
        {"date,open,high,low,close,volume,close\n", ":1: column 'close' is there twice"},
        {"date,open,high,low,close,volume,Close Price\n",
         ":1: column 'close' is there twice, as 'close' and 'Close Price'"},
        {"date,timestamp,open,high,low,close,volume\n", ":1: column 'date' is there twice"},
        {"a,b,c\n1,2,3\n", ":1: no header"},
        {LINE HEADER LINE, ":1: a row of data above the header"},
        {LINE LINE, ":1: no header"},
        {HEADER LINE "2020-01-03,1,1,1,1\n", ":3: 5 fields, the header has 6"},
        {HEADER LINE "2020-01-03,1,1,1,1,1,\n", ":3: 7 fields"},
        {HEADER LINE "\n2020-01-03,1,1,x,1,1\n", ":4: column 'low': 'x' is not a number"},
        {HEADER "2020-01-03,1,1,1,1 2,1\n", ":2: column 'close': '1 2' is not a number"},
        {HEADER "2020-01-03,0x10,1,1,1,1\n", ":2: column 'open': '0x10' is not a number"},
        {HEADER "2020-01-03,inf,1,1,1,1\n", ":2: column 'open': 'inf'"},
        {HEADER "2020-01-03,1e999,1,1,1,1\n", ":2: column 'open'"},
        /* not 0, but a double would be: neither missing nor none */
        {HEADER "2020-01-03,1,1,1,1e-999999999,1\n", ":2: column 'close': '1e-999999999' is not a number"},
        {HEADER "2020-01-03,1,1,1,1,1e-999999999\n", ":2: column 'volume': '1e-999999999' is not a number"},
        {"date,open,high,low,close,volume,dividend\n2020-01-02,1,1,1,1,1,0.1e-400\n",
         ":2: column 'dividend': '0.1e-400' is not a number"},
        {"date,open,high,low,close,volume,split\n2020-01-02,1,1,1,1,1,1e-400\n",
         ":2: column 'split': '1e-400' is not a number"},
        {HEADER "2020-01-03,1,1,1,1,5e-324\n",
         ":2: column 'volume': a volume of 4.94066e-324 is less than the 5e-13 that a bundle can hold"},
        {HEADER "2020-01-03,1,5e-324,1,1,1\n", ":2: column 'high': no scaling factor keeps the price"},
        {HEADER "2020-01-03,1_000,1,1,1,1\n", ":2: column 'open': '1_000' is not a number"},
        {HEADER "2020-01-03,1,1,1,1,0x1p3\n", ":2: column 'volume': '0x1p3' is not a number"},
        {HEADER "2020-01-03,1,1,\xd9\xa1\xd9\xa2,1,1\n",
         ":2: column 'low': '\xd9\xa1\xd9\xa2' is not a number"},
        {HEADER "2020-01-03,1,1,1,\xef\xbc\x91,1\n", ":2: column 'close': '\xef\xbc\x91' is not a number"},
        {HEADER "2020-01-03,1,1,1,1,-nan\n", ":2: column 'volume': '-nan' is not a number"},
        {HEADER "2020-01-03,1,1,1,1,"
                "1000000000000000000000000000000000000000000000000000000000000000e-60\n",
         ":2: column 'volume'"},
        {HEADER "2020-01-03,1.2.3,1,1,1,1\n", ":2: column 'open'"},
        {HEADER "2020-01-03,--1,1,1,1,1\n", ":2: column 'open'"},
        {HEADER "2020-01-03,-1,1,1,1,1\n", ":2: column 'open': -1 is negative"},
        {HEADER "2020-01-03,1,1,1,1,-5\n", ":2: column 'volume': -5 is negative"},
        {HEADER "2020-02-30,1,1,1,1,1\n", ":2: date '2020-02-30'"},
        {HEADER "2019-02-29,1,1,1,1,1\n", ":2: date '2019-02-29'"},
        {HEADER "2020-13-01,1,1,1,1,1\n", ":2: date '2020-13-01'"},
        {HEADER "01/02/2020,1,1,1,1,1\n",
         ":2: date '01/02/2020' is to be read with --date-format: DD/MM/YYYY or MM/DD/YYYY"},
        {HEADER ",1,1,1,1,1\n", ":2: date ''"},
        {HEADER "1020-01-02,1,1,1,1,1\n", ":2: date '1020-01-02' is out of range"},
        {HEADER "2300-01-02,1,1,1,1,1\n", ":2: date '2300-01-02' is out of range"},
        {HEADER "2020-01-02 09:30:00,1,1,1,1,1\n",
         ":2: date '2020-01-02 09:30:00' of a daily bar has a time of day"},
        {HEADER LINE LINE, ":3: date '2020-01-02' is there twice"},
        {HEADER LINE "2020-01-03,1,1,1,1,1\n" LINE, ":4: date '2020-01-02' is earlier than the one before"},
        {HEADER LINE "2020-01-01,1,1,1,1,1\n" LINE, ":4: date '2020-01-02' is later than the one before"},
        {HEADER "2020-01-02,1e-20,1,1,1,1\n",
         ":2: column 'open': no scaling factor keeps the price 1e-20: a bundle holds prices from 5e-13 to"},
        {HEADER "2020-01-02,5e18,1,1,1,1\n",
         ":2: column 'open': no scaling factor keeps the price 5e+18: a bundle holds prices from 5e-13 to"},
        {HEADER "2020-01-02,1,1,1,1,5e18\n",
         ":2: column 'volume': a volume of 5e+18 is more than the 4.29497e+18 that a bundle can hold"},
        {HEADER LINE "2020-01-03,1,1,1,1,1e300\n", ":3: column 'volume': a volume of 1e+300 is more than"},
        {HEADER "2020-01-02,1e-5,1,1,1,1\n2020-01-03,1,123456789,1,1,1\n",
         ":3: column 'high': no scaling factor keeps the price 1.23457e+08 to a millionth together with"},
        {"date,open,high,low,close,volume,split\n2020-01-02,1,1,1,1,1,-2\n",
         ":2: column 'split': a split of -2"},
        {"date,open,high,low,close,volume,split\n2020-01-02,1,1,1,1,1,1e-320\n", ":2: column 'split'"},
        {"date,open,high,low,close,volume,dividend\n2020-01-02,1,1,1,1,1,-2\n",
         ":2: column 'dividend': a dividend of -2"},
        {HEADER "\"2020-01-02\"x,1,1,1,1,1\n", ":2: text between the end of a quoted field"},
        {HEADER LINE "\"2020-01-03,1,1,1,1,1\n", ":3: a quote is opened and never closed"},
        {HEADER "2020-01-02,\"12,34\",1,1,1,1\n",
         ":2: column 'open': '12,34' is not a number: between commas"},
        {"\xff\xfe"
         "d\n",
         ":1: UTF-16"},
        {"date,open,high,low,close,volume\r2020-01-02,1,1,1,1,1\r", ":1: its lines end in CR alone"},
        {"Date,Symbol,open,high,low,close,volume\n2020-01-02,A,1,1,1,1,1\n2020-01-03,B,1,1,1,1,1\n",
         ":3: column 'Symbol': rows of several assets, 'A' and 'B'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[160];
        snprintf(text, sizeof text, "error: DIR/daily/X.csv%s", cases[i].expected);
        csv_expect(BP__DAILY, cases[i].file, text, NULL);
    }
    csv_expect(BP__MINUTE, HEADER "2020-01-02 09:61:00,1,1,1,1,1\n",
               "error: DIR/minute/X.csv:2: date '2020-01-02 09:61:00' is not a date", NULL);
    csv_expect(BP__MINUTE, HEADER LINE, "error: DIR/minute/X.csv:2: date '2020-01-02' has no time of day",
               NULL);
    csv_expect(BP__MINUTE, HEADER "2020-01-02 09:31,1,1,1,1,1\n" LINE,
               "error: DIR/minute/X.csv:3: date '2020-01-02' has no time of day", NULL);
}

static void test_bytes(void)
{
    static const char zero[] = HEADER LINE "2020\0\n";
    static const char wide[] = "d\0a\0t\0e\0";
    csv_empty();
    csv_put_bytes("daily/X.csv", zero, sizeof zero - 1);
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/X.csv:3: a NUL byte"));
    csv_end(&c);
    csv_put_bytes("daily/X.csv", wide, sizeof wide - 1);
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/X.csv:1: a NUL byte: not a text file, or UTF-16"));
    csv_end(&c);
}

/* All that is wrong, in one go and in order. */
static void test_all_at_once(void)
{
    csv_empty();
    csv_put("daily/A.csv",
            HEADER "2020-01-02,x,y,1,1,1\n2020-01-03,1,1,1,1,1\n2020-01-06,1,1,1,1\n2020-01-03,1,1,1,1,z\n");
    csv_put("daily/B.csv", "nonsense\n");
    csv_put("daily/C.csv", HEADER LINE);
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_EQUAL(c.status, BP_OK);
    CU_ASSERT_EQUAL(c.errors, 5);
    CU_ASSERT_EQUAL(bp__report_bad_files(c.report), 2);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/A.csv:2: column 'open': 'x' is not a number\n"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/A.csv:2: column 'high': 'y' is not a number\n"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/A.csv:4: 5 fields"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/A.csv:5: column 'volume': 'z'"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/B.csv:1: no header"));
    csv_end(&c);
    c = csv_read_folder(&(bp__ingest_options){.keep_going = true}); /* and without those two */
    CU_ASSERT_TRUE(c.draft.assets.n == 1 && c.draft.assets.row[0].sid == 2);
    CU_ASSERT_TRUE(c.draft.days.n == 1 && c.draft.calendar.n == 1 && c.draft.series[BP__DAILY].n == 1);
    csv_end(&c);
}

/* Forms of one and the same row. */
static void test_dialects(void)
{
    static const char *const files[] = {
        "Date;Open;High;Low;Close;Volume\n2020-01-02;1234,5;1235;1.233,25;1234;1.000.000\n",
        "Date;Open;High;Low;Close;Volume\n2020-01-02;1234.5;1235;1,233.25;1234;1,000,000\n",
        "date\topen\thigh\tlow\tclose\tvolume\n2020-01-02\t1234.5\t1235\t1233.25\t1234\t1000000\n",
        "date|open|high|low|close|volume\n2020-01-02|1234.5|1235|1233.25|1234|1000000\n",
        "\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"\n"
        "\"2020-01-02\",\"1,234.5\",\"1,235\",\"1,233.25\",\"1234\","
        "\"1,000,000\"\n",
        "\xef\xbb\xbf  DATE , o ,h,l,C,v\r\n\r\n 2020-01-02 , 1234.5,1235 ,+1233.25,1.234e3,1e6\r\n\r\n",
        "# made by a vendor\n# prices in "
        "dollars\ndate,open,high,low,close,volume\n2020-01-02,$1234.5,$1235,$1233.25,$1234,1M\n",
        "Timestamp,1. open,2. high,3. low,4. close,5. volume\n2020-01-02,1234.5,1235,1233.25,1234,1000K",
        "Date/Time,Open "
        "Price,HIGH_PRICE,Low-Price,Close/Last,Vol.\n2020-01-02,1234.50,1235.00,1233.25,1234.00,1000000\n",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n20200102,1234.5,1235,1233.25,1234,1000000\n",
        "Price,Close,High,Low,Open,Volume\nTicker,X,X,X,X,X\nDate,,,,,\n"
        "2020-01-02,1234,1235,1233.25,1234.5,1000000\n",
        ",Open,High,Low,Close,Volume\n2020-01-02,1234.5,1235,1233.25,1234,1000000\n",
        ",date,open,high,low,close,volume\n0,2020-01-02,1234.5,1235,1233.25,1234,1000000\n",
        "Date,Price,Open,High,Low,Vol.,Change %\n\"Jan 02, "
        "2020\",\"1,234.00\",\"1,234.50\",\"1,235.00\",\"1,233.25\",1.00M,0.1%\n",
        "Date,Last,Close,Open,High,Low,Volume\n2020-01-02,7,1234,1234.5,1235,1233.25,1000000\n",
        "Date,Time,Open,High,Low,Close,Volume\n2020-01-02,000000,1234.5,1235,1233.25,1234,1000000\n",
        "note,date,open,high,low,close,volume\n\"two\nlines, "
        "\"\"quoted\"\"\",2020-01-02,1234.5,1235,1233.25,1234,1000000\n",
        "t,o,h,l,c,v\n1577923200,1234.5,1235,1233.25,1234,1000000\n",
        "t,o,h,l,c,v\n1577923200000,1234.5,1235,1233.25,1234,1000000\n",
        "date,open,high,low,close,volume\n,,,,,\n2020-01-02,1234.5,1235,1233.25,1234,1000000\n,,,,,\n",
    };
    const double expected[BP__NUM_FIELDS] = {1234.5, 1235, 1233.25, 1234, 1e6};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        bp__bar *bars;
        csv_empty();
        csv_put("daily/X.csv", files[i]);
        csv_case c = csv_read_folder(NULL);
        const size_t n = csv_bars(&c, BP__DAILY, 0, &bars);
        const bool good = n == 1 && bars[0].dt == csv_ns("2020-01-02") &&
                          memcmp(bars[0].value, expected, sizeof expected) == 0;
        if (!good) printf("\nno. %zu: %zu bars\n%s", i, n, c.told);
        CU_ASSERT_TRUE(good);
        free(bars);
        csv_end(&c);
    }
}

/* One mark with three digits behind it. */
static void test_unclear_numbers(void)
{
    csv_expect(
        BP__DAILY, "date;open;high;low;close;volume\n2020-01-02;1.234;1.234;1.234;1.234;100\n",
        "warning: DIR/daily/X.csv:2: '1.234': a mark with three digits behind it is taken as the decimal one in column 'open'",
        NULL);
    csv_expect(BP__DAILY,
               "date;open;high;low;close;volume\n2020-01-02;1.234;1.234;1.234;1.234;100\n"
               "2020-01-03;12,5;12,5;12,5;12,5;100\n",
               "error: DIR/daily/X.csv:3: column 'open': '12,5' contradicts an earlier number", NULL);
    csv_expect(BP__DAILY, "date;open;high;low;close;volume\n2020-01-02;1,5;1.5;1;1;100\n",
               "error: DIR/daily/X.csv:2: column 'high': '1.5' contradicts other numbers", NULL);
    csv_expect(
        BP__DAILY, HEADER "2020-01-02,\"1,234\",\"1,235\",\"1,233\",\"1,234\",\"1,000\"\n",
        "warning: DIR/daily/X.csv:2: '1,234': a mark with three digits behind it is taken to separate thousands",
        NULL);
}

static void test_missing(void)
{
    static const char *const words[] = {"",    "-",    "--",  "null", "NULL", "NA",  "n/a",
                                        "N/A", "None", "nan", "NaN",  "#N/A", "<NA>"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char file[256];
        csv_empty();
        snprintf(file, sizeof file,
                 HEADER "2020-01-02,1,1,%s,1,%s\n2020-01-03,%s,%s,%s,%s,%s\n2020-01-06,2,2,2,2,2\n", words[i],
                 words[i], words[i], words[i], words[i], words[i], words[i]);
        csv_put("daily/X.csv", file);
        csv_case c = csv_read_folder(NULL);
        CU_ASSERT_EQUAL(c.errors, 0);
        CU_ASSERT_TRUE(isnan(csv_value(&c, BP__DAILY, 0, 0, BP__LOW)) &&
                       csv_value(&c, BP__DAILY, 0, 0, BP__OPEN) == 1);
        CU_ASSERT_EQUAL(c.draft.days.n, 2); /* the day without any value is none */
        CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1, BP__CLOSE), 2);
        CU_ASSERT_TRUE(csv_told(&c, "note: DIR/daily/X.csv: rows without any value make no session (1)"));
        csv_end(&c);
    }
}

/* What is kept, and told. */
static void test_remarks(void)
{
    csv_empty();
    csv_put("daily/A.csv",
            "date,open,high,low,close,volume,vwap,n\n2020-01-02,1,1,2,1,1,1,1\n2020-01-03,0,1,1,1,1,1,1\n");
    csv_put("daily/B.csv", "date,open,high,low,close,volume,vwap,n\n2020-01-03,1,1,1,1,6000000001,1,1\n");
    csv_put("daily/C.csv", HEADER "2020-01-06,1,1,1,1,1\n2020-01-03,2,2,2,2,2\n2020-01-02,3,3,3,3,0.25\n");
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_EQUAL(c.errors, 0);
    CU_ASSERT_TRUE(csv_told(
        &c, "note: DIR/daily/A.csv:1: columns that are not used: 'vwap', 'n'; the same in 1 more file"));
    CU_ASSERT_TRUE(csv_told(&c, "warning: DIR/daily/A.csv:2: bars whose high is below their low (1)"));
    CU_ASSERT_TRUE(csv_told(&c, "warning: DIR/daily/A.csv:3: prices of 0 are taken as missing (1)"));
    CU_ASSERT_TRUE(csv_told(
        &c, "warning: DIR/daily/B.csv:2: volumes go from 6000000001 to 6000000001: 32 bits hold them "
            "in units of 10, so that each may be off by 5"));
    CU_ASSERT_TRUE(csv_told(&c, "note: DIR/daily/C.csv: rows begin with the newest: they are turned round"));
    CU_ASSERT_TRUE(isnan(csv_value(&c, BP__DAILY, 0, 1, BP__OPEN)));
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 2, i, BP__CLOSE), 3.0 - (double)i);
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 2, 0, BP__VOLUME), 0.25);
    csv_end(&c);
}

/* One price and two volumes between semicolons, and what the second volume is. */
static void check_marks(const char *price, const char *first, const char *second, char decimal, double volume,
                        const char *told)
{
    char file[300];
    csv_empty();
    snprintf(file, sizeof file,
             "Date;Volume;Open;High;Low;Close\n2020-01-02;%s;%s;%s;%s;%s\n2020-01-03;%s;1;1;1;1\n", first,
             price, price, price, price, second);
    csv_put("daily/X.csv", file);
    csv_case c = csv_read_folder(&(bp__ingest_options){.decimal = decimal});
    if (volume > 0) CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1, BP__VOLUME), volume);
    CU_ASSERT_TRUE(told ? csv_told(&c, told) : csv_count(&c, "three digits") == 0 && c.errors == 0);
    csv_end(&c);
}

/* Volumes with three digits behind each mark are thousands, unless a price shows the mark to be the decimal one. */
static void test_volume_marks(void)
{
    check_marks(
        "10", "1.000", "2.500", 0, 2500,
        "warning: DIR/daily/X.csv:2: '1.000': a mark with three digits behind it is taken to separate "
        "thousands in column 'Volume': no other number of the file tells; --decimal does");
    check_marks("10", "950", "12,500", 0, 12500, "X.csv:3: '12,500': a mark");
    check_marks("10,5", "1.000", "2.500", 0, 2500, NULL);
    check_marks("10.5", "1.000", "2.500", 0, 2.5, NULL);
    check_marks("10", "1.000", "2.5", 0, 2.5, NULL);
    check_marks("10", "0.125", "2.500", 0, 2.5, NULL);
    check_marks("10", "1.000.000", "2.500", 0, 2500, NULL);
    check_marks("1.234", "1.000", "2.500", 0, 2.5,
                "'1.234': a mark with three digits behind it is taken as the");
    check_marks("1.234", "1.000", "2.500", ',', 2500, NULL);
    check_marks("10", "1.000", "2.500", '.', 2.5, NULL);
    check_marks("10.5", "1.000", "2.500", ',', 0,
                "column 'Open': '10.5' contradicts --decimal about which mark");
    /* a mark that turns out to be the decimal one behind what was looked at */
    char *file = malloc(8000 * 40), *p = file;
    CU_ASSERT_FATAL(file != NULL);
    p = stpcpy(p, "Date;Volume;Open;High;Low;Close\n");
    for (int i = 0; i < 6000; i++)
        p += sprintf(p, "%d;1.000;5;5;5;%s\n", 86400 * (9000 + i), i == 5900 ? "5.25" : "5");
    csv_empty();
    csv_put("daily/X.csv", file);
    free(file);
    csv_case c = csv_read_folder(&(bp__ingest_options){.date_format = "s"});
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/X.csv:5902: column 'Close': '5.25' contradicts"));
    csv_end(&c);
    csv_empty(); /* between commas, in quotes */
    csv_put("daily/X.csv",
            "date,open,high,low,close,volume\n2020-01-02,\"1,5\",\"1,5\",1,\"1,234\",\"1.000\"\n");
    c = csv_read_folder(&(bp__ingest_options){.decimal = ','});
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 0, BP__CLOSE), 1.234);
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 0, BP__VOLUME), 1000);
    csv_end(&c);
}

/* The largest volume that can be held is, and whatever is lost of volumes is told; nothing else is. */
static void test_volumes(void)
{
    static const struct {
        const char *volumes[3], *told; /* NULL: all of them are kept */
    } cases[] = {
        {{"4294967295e9", "4294967295e9", "4294967295e9"},
         "in units of 1000000000, so that each may be off by"},
        {{"2.25", "7", "4000000000.75"},
         "go from 2.25 to 4000000000.75: 32 bits hold them in units of 1, so that "
         "each may be off by 0.5, and the smallest one by 22 %"},
        {{"0.00000002", "0.5", "50000"},
         "in units of 0.0001, so that each may be off by 5e-05, and the smallest "
         "one by 5e+05 %"},
        {{"1", "30", "50000000000"},
         "in units of 100, so that each may be off by 50, and the smallest one by "
         "9.9e+03 %"},
        {{"1", "2", "4294967295"}, NULL},
        {{"0.25", "1000.75", "0"}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[200];
        csv_empty();
        snprintf(file, sizeof file,
                 HEADER "2020-01-02,1,1,1,1,%s\n2020-01-03,1,1,1,1,%s\n2020-01-06,1,1,1,1,%s\n",
                 cases[i].volumes[0], cases[i].volumes[1], cases[i].volumes[2]);
        csv_put("daily/X.csv", file);
        csv_case c = csv_read_folder(NULL);
        CU_ASSERT_EQUAL(c.errors, 0);
        CU_ASSERT_TRUE(cases[i].told ? csv_told(&c, cases[i].told) : csv_count(&c, "volumes") == 0);
        for (size_t k = 0; k < 3 && !cases[i].told; k++)
            CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, k, BP__VOLUME), strtod(cases[i].volumes[k], NULL));
        csv_end(&c);
    }
}

/* Decimals become the nearest double, as strtod() has it, whichever way they are read. */
static void test_nearest(void)
{
    char *file = malloc(1 << 20), *p = file;
    double expected[4000];
    CU_ASSERT_FATAL(file != NULL);
    srand(7);
    p += sprintf(p, "%s", HEADER);
    for (int i = 0; i < 4000; i++) {
        char text[40];
        const int decimals = rand() % 6;
        snprintf(text, sizeof text, "%d.%0*d", rand() % 99 + 1, decimals + 1, rand() % 10);
        if (i % 7 == 0)
            snprintf(text, sizeof text, "%d.%06d%06d", rand() % 10 + 1, rand() % 1000000, rand() % 1000000);
        if (i % 11 == 0) snprintf(text, sizeof text, "%d.%de-1", rand() % 9 + 1, rand() % 1000);
        expected[i] = strtod(text, NULL);
        p +=
            sprintf(p, "%d,1,1,1,%s,1\n", 86400 * (20000 + i), text); /* seconds since 1970: 9 or 10 digits */
    }
    csv_empty();
    csv_put("daily/X.csv", file);
    csv_case c = csv_read_folder(&(bp__ingest_options){.date_format = "s", .keep_going = true});
    bp__bar *bars;
    const size_t n = csv_bars(&c, BP__DAILY, 0, &bars);
    if (c.errors > 0) printf("%s", c.told);
    CU_ASSERT_EQUAL_FATAL(n, 4000);
    int wrong = 0;
    for (int i = 0; i < 4000; i++) wrong += bars[i].value[BP__CLOSE] != expected[i];
    CU_ASSERT_EQUAL(wrong, 0);
    free(bars);
    free(file);
    csv_end(&c);
}

/* Rows that lie across the blocks in which a file is read, and bars across those that go to the draft. */
static void test_blocks(void)
{
    const size_t n = 40000;
    char *file = malloc(n * 80), *p = file;
    CU_ASSERT_FATAL(file != NULL);
    p += sprintf(p, "note,%s", HEADER);
    for (size_t i = 0; i < n; i++)
        p +=
            sprintf(p, i % 1000 == 999 ? "\"a, \"\"b\"\"\n%zu\"," : "%zu,", i), /* some rows take two lines */
            p += sprintf(p, "%zu,%zu.5,1e6,0.5,%zu,%zu\n", 1600000020 + 60 * i, i % 977 + 1, i % 499 + 1, i);
    csv_empty();
    csv_put("minute/X.csv", file);
    csv_case c = csv_read_folder(NULL);
    bp__bar *bars;
    CU_ASSERT_EQUAL_FATAL(csv_bars(&c, BP__MINUTE, 0, &bars), n);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += bars[i].dt != (int64_t)(1600000020 + 60 * i) * 1000000000 ||
                 bars[i].value[BP__OPEN] != (double)(i % 977) + 1.5 ||
                 bars[i].value[BP__CLOSE] != (double)(i % 499 + 1) || bars[i].value[BP__VOLUME] != (double)i;
    CU_ASSERT_EQUAL(wrong, 0);
    free(bars);
    csv_end(&c);
    strcpy(p, "1,2,3\n"); /* line numbers go on */
    csv_put("minute/X.csv", file);
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/minute/X.csv:40042: 3 fields, the header has 7"));
    csv_end(&c);
    free(file);
}

static void test_long_rows(void)
{
    const size_t n = 70000;
    char *file = malloc(n + 200);
    CU_ASSERT_FATAL(file != NULL);
    strcpy(file, HEADER);
    memset(file + strlen(HEADER), 'x', n);
    strcpy(file + strlen(HEADER) + n, "\n");
    csv_expect(BP__DAILY, file, "error: DIR/daily/X.csv:2: a row of more than 65536 bytes", NULL);
    char *p = stpcpy(file, "date,open,high,low,close,volume");
    for (int i = 0; i < 123; i++) p = stpcpy(p, ",x");
    strcpy(p, "\n");
    csv_expect(BP__DAILY, file, "error: DIR/daily/X.csv:1: more than 128 columns", NULL);
    free(file);
}

/* A file with some bytes changed, lost or doubled is read or refused, and never takes the program with it. */
static void test_random_damage(void)
{
    static const char good[] = "Date;Open;High;Low;Close;Volume;Dividends;Stock Splits\n"
                               "2020-01-02;1.234,5;\"1.235\";1.233;1.234;1.000.000;0;1:1\n"
                               "2020-01-03 00:00:00Z;1,5;2;1;\"1\"\"\";12K;0,5;2/1\n"
                               "1578268800000;null;2;1;1,25;-;0;\n";
    static const char bytes[] = "\",;.:-/+ \t\r\n0123456789eETZKMBx\xff\x80";
    srand(11);
    for (int i = 0; i < 4000; i++) {
        char text[400];
        size_t n = sizeof good - 1;
        memcpy(text, good, n);
        for (int k = rand() % 6; k >= 0; k--) {
            const size_t at = (size_t)rand() % n;
            const int how = rand() % 3;
            if (how == 0) text[at] = bytes[(size_t)rand() % (sizeof bytes - 1)];
            if (how == 1) memmove(text + at, text + at + 1, --n - at);
            if (how == 2 && n < sizeof text - 1) memmove(text + at + 1, text + at, n++ - at);
        }
        csv_put_bytes("daily/X.csv", text, n);
        csv_put_bytes("minute/Y.csv", text, n);
        csv_case c =
            csv_read_folder(&(bp__ingest_options){.keep_going = true, .adjusted = i % 2, .threads = 1});
        CU_ASSERT_EQUAL(c.status, BP_OK);
        CU_ASSERT_TRUE(c.errors > 0 || c.draft.assets.n == 2);
        csv_end(&c);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"bad lines", test_bad_lines},
                           {"bytes", test_bytes},
                           {"all at once", test_all_at_once},
                           {"dialects", test_dialects},
                           {"unclear numbers", test_unclear_numbers},
                           {"missing values", test_missing},
                           {"remarks", test_remarks},
                           {"marks in volumes", test_volume_marks},
                           {"volumes", test_volumes},
                           {"nearest doubles", test_nearest},
                           {"blocks", test_blocks},
                           {"long rows", test_long_rows},
                           {"random damage", test_random_damage},
                           CU_TEST_INFO_NULL};
    return csv_main("rows of CSV", tests);
}
