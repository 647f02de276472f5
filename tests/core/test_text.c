/* Text on its way to a terminal, days, numbers, names: each read and written in one place. */
#include "core/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "core/json.h"
#include "core/name.h"
#include "core/number.h"
#include "core/text.h"

/* Text ------------------------------------------------------------------------------------------- */

static void expect_clean(const char *text, const char *clean)
{
    char copy[64], *put = NULL;
    size_t size;
    snprintf(copy, sizeof copy, "%s", text);
    CU_ASSERT_STRING_EQUAL(bp__text_clean(copy), clean);
    FILE *f = open_memstream(&put, &size);
    CU_ASSERT_FATAL(f != NULL);
    bp__text_put(f, text);
    CU_ASSERT_EQUAL(fclose(f), 0);
    CU_ASSERT_STRING_EQUAL(put, clean);
    free(put);
}

static void test_clean(void)
{
    expect_clean("plain, 100 %", "plain, 100 %");
    expect_clean("Z\xc3\xbcrich \xe6\x9d\xb1 \xf0\x9f\x93\x88",
                 "Z\xc3\xbcrich \xe6\x9d\xb1 \xf0\x9f\x93\x88");
    expect_clean("\033[31mred\033[0m\n\r\t\x7f", "?[31mred?[0m????");
    expect_clean("\xc2\x9b"
                 "31m",
                 "??31m"); /* CSI as one character */
    expect_clean("\x9b"
                 "31m",
                 "?31m");
    expect_clean("\xc3", "?");           /* cut off */
    expect_clean("\xc0\xaf", "??");      /* overlong */
    expect_clean("\xed\xa0\x80", "???"); /* a surrogate */
    expect_clean("\xf4\x90\x80\x80", "????");
    expect_clean("a\xe2\x80\xae"
                 "b\xe2\x81\xa6"
                 "c\xe2\x80\xa8"
                 "d\xd8\x9c"
                 "e\xe2\x80\x8f",
                 "a???b???c???d??e???"); /* what turns text, or ends a line */
    expect_clean("\xe2\x80\xa6 \xe2\x80\x9c \xe2\x81\xaa \xd8\x9b",
                 "\xe2\x80\xa6 \xe2\x80\x9c \xe2\x81\xaa \xd8\x9b"); /* neighbours */
    CU_ASSERT_EQUAL(bp__text_width("Z\xc3\xbcrich"), 6);
    CU_ASSERT_EQUAL(bp__text_width("\xc3"), 1);
}

/* What a printer writes, and where it ends. */
static void expect_printed(const char *text, const char *printed, const char *csv)
{
    char *put = NULL;
    size_t size;
    FILE *f = open_memstream(&put, &size);
    CU_ASSERT_FATAL(f != NULL);
    bp__text_print(f, "%s %d", text, 7);
    bp__text_line(f, "|%s", text);
    bp__text_csv(f, text);
    CU_ASSERT_EQUAL(fclose(f), 0);
    char expected[200];
    snprintf(expected, sizeof expected, "%s 7|%s\n%s", printed, printed, csv);
    CU_ASSERT_STRING_EQUAL(put, expected);
    free(put);
}

static void test_printers(void)
{
    expect_printed("A", "A", "A");
    expect_printed("", "", "");
    expect_printed("A\nforged line", "A?forged line", "\"A\nforged line\"");
    expect_printed("A,\"B\"", "A,\"B\"", "\"A,\"\"B\"\"\"");
}

static void expect_json(const char *text, const char *json)
{
    char *put = NULL, expected[200];
    size_t size;
    bp__json j = {.file = open_memstream(&put, &size)};
    CU_ASSERT_FATAL(j.file != NULL);
    bp__json_text(&j, NULL, text);
    CU_ASSERT_EQUAL(fclose(j.file), 0);
    snprintf(expected, sizeof expected, "\"%s\"", json);
    CU_ASSERT_STRING_EQUAL(put, expected);
    free(put);
}

/* JSON is printed to terminals, too, and is UTF-8 whatever is in a file. */
static void test_json(void)
{
    expect_json("Z\xc3\xbcrich \xf0\x9f\x93\x88", "Z\xc3\xbcrich \xf0\x9f\x93\x88");
    expect_json("\033[31m\n\\\"\x7f", "\\u001b[31m\\u000a\\\\\\\"\\u007f");
    expect_json("\xc2\x85\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xd8\x9c", "\\u0085\\u009b\\u202e\\u2066\\u061c");
    expect_json("\x9b|\xc3|\xed\xa0\x80|\xc0\x80", "\\ufffd|\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd");
}

static void expect_copy(const char *text, size_t size, const char *copy)
{
    char to[64];
    CU_ASSERT_STRING_EQUAL(bp__text_copy(to, size, text), copy);
}

static void test_copy(void)
{
    expect_copy("abc", 4, "abc");
    expect_copy("abc", 3, "ab");
    expect_copy("abc", 1, "");
    expect_copy("", 1, "");
    expect_copy("a\xc3\xa4z", 4, "a\xc3\xa4");
    expect_copy("a\xc3\xa4z", 3, "a"); /* no half of it */
    expect_copy("\xf0\x9f\x98\x80", 4, "");
    expect_copy("a\xff\xfe", 4, "a\xff\xfe"); /* what is no UTF-8 is bytes */
}

static void expect_line(const char *text, size_t size, const char *line)
{
    char to[64];
    CU_ASSERT_STRING_EQUAL(bp__text_first_line(text, to, size), line);
}

static void test_first_line(void)
{
    expect_line("one", 64, "one");
    expect_line("one\n", 64, "one");
    expect_line("one\r\n \n", 64, "one");
    expect_line("one\ntwo", 64, "one ...");
    expect_line("one\n\n  two\nthree", 64, "one ...");
    expect_line("\ntwo", 64, " ...");
    expect_line("", 64, "");
    expect_line("one", 4, "one");
    expect_line("four", 4, "fou");
    expect_line("one\ntwo", 8, "one ...");
    expect_line("one\ntwo", 7, "on ...");
    expect_line("\xc3\xa4\ntwo", 6, " ...");
}

static void test_bytes(void)
{
    char text[32];
    CU_ASSERT_STRING_EQUAL(bp__bytes_text(1023, text), "1023 bytes");
    CU_ASSERT_STRING_EQUAL(bp__bytes_text(1536, text), "1.5 KiB");
    CU_ASSERT_STRING_EQUAL(bp__bytes_text(UINT64_MAX, text), "16777216.0 TiB");
}

/* Days ------------------------------------------------------------------------------------------- */

static void test_days(void)
{
    char text[32];
    int64_t ns;
    /* every day of 600 years, against the days that came before it */
    int64_t day = bp__days_from_civil(1700, 1, 1);
    for (int y = 1700; y < 2300; y++)
        for (int m = 1; m <= 12; m++)
            for (int d = 1; bp__is_date(y, m, d); d++)
                CU_ASSERT_EQUAL_FATAL(bp__days_from_civil(y, m, d), day++);
    CU_ASSERT_EQUAL(bp__days_from_civil(1970, 1, 1), 0);
    CU_ASSERT_EQUAL(bp__days_from_civil(-1, 3, 1), bp__days_from_civil(-1, 2, 28) + 1);
    CU_ASSERT(bp__is_date(2000, 2, 29) && !bp__is_date(1900, 2, 29) && !bp__is_date(2021, 2, 29));
    CU_ASSERT_FALSE(bp__is_date(2020, 0, 1) || bp__is_date(2020, 13, 1) || bp__is_date(2020, 4, 31));

    MUST(bp__day_from("2020-01-31", &ns));
    CU_ASSERT_STRING_EQUAL(bp__day_text(ns, text), "2020-01-31");
    CU_ASSERT_STRING_EQUAL(bp__iso_text(ns + 1, text), "2020-01-31T00:00:00");
    CU_ASSERT_STRING_EQUAL(bp__time_text(ns, text), "2020-01-31");
    CU_ASSERT_STRING_EQUAL(bp__time_text(ns + INT64_C(61000000000), text), "2020-01-31 00:01");
    CU_ASSERT_EQUAL(bp__day_of(ns + BP_NS_PER_DAY - 1), ns);
    CU_ASSERT_EQUAL(bp__day_of(ns), ns);
    CU_ASSERT_EQUAL(bp__day_of(-1), -BP_NS_PER_DAY);
    const int64_t first = INT64_MIN / BP_NS_PER_DAY * BP_NS_PER_DAY; /* midnight that fits */
    CU_ASSERT_EQUAL(bp__day_of(INT64_MIN + 1), first);
    CU_ASSERT_EQUAL(bp__day_of(first + 1), first);
    CU_ASSERT_STRING_EQUAL(bp__day_text(-1, text), "1969-12-31");
    CU_ASSERT_STRING_EQUAL(bp__day_text(BP_TIME_MISSING, text), "-");

    static const char *const wrong[] = {"",           "2020-1-1",   "2020-01-01 ", " 2020-01-1",
                                        "20200101",   "2020-13-01", "2021-02-29",  "2020-00-10",
                                        "-020-01-01", "2020-01-1x", "today"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        FAILS(bp__day_from(wrong[i], &ns), BP_EINVAL, "is not a date; write YYYY-MM-DD");
    FAILS(bp__day_from("9999-12-31", &ns), BP_EINVAL, "out of range");
    FAILS(bp__day_from("0001-01-01", &ns), BP_EINVAL, "out of range");
}

/* Numbers and names ------------------------------------------------------------------------------- */

static void test_numbers(void)
{
    static const double values[] = {0, 0.1, 1.0 / 3, 1e300, -2.5e-300, 5e-324, 123456789012345680};
    char text[32];
    double back;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        bp__number_text(values[i], text);
        CU_ASSERT(bp__number_from(text, strlen(text), &back) && back == values[i]);
    }
    CU_ASSERT_STRING_EQUAL(bp__number_text(0.1, text), "0.1");
    CU_ASSERT(bp__number_from("-0", 2, &back) && !signbit(back));
    CU_ASSERT(bp__number_from("12,5", 2, &back) && back == 12);
    static const char *const wrong[] = {"", " 1", "1 ", "0x10", "inf", "nan", "1e999", "1.2.3", "+", "1e"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_FALSE(bp__number_from(wrong[i], strlen(wrong[i]), &back));
}

static void test_names(void)
{
    char path[64];
    MUST(bp__bundle_path("/data", "a.b-c_9", path, sizeof path));
    CU_ASSERT_STRING_EQUAL(path, "/data/a.b-c_9.h5");
    MUST(bp__bundle_path("/", "a", path, sizeof path));
    CU_ASSERT_STRING_EQUAL(path, "/a.h5");
    FAILS(bp__bundle_path("/data", "a", path, 10), BP_EINVAL, "too long");
    MUST(bp__bundle_path("/data", "a", path, 11));
    FAILS(bp__bundle_path("/data", "..", path, sizeof path), BP_EINVAL, "not allowed");
    FAILS(bp__bundle_name_check("a/b"), BP_EINVAL, "not allowed");
    FAILS(bp__bundle_name_check("a\nb"), BP_EINVAL, "'a?b'");
    FAILS(bp__bundle_name_check(NULL), BP_EINVAL, "empty");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"clean text", test_clean}, {"printers", test_printers},      {"JSON", test_json},
        {"copies", test_copy},      {"first lines", test_first_line}, {"bytes", test_bytes},
        {"days", test_days},        {"numbers", test_numbers},        {"bundle names", test_names},
        CU_TEST_INFO_NULL,
    };
    return suite_main("text", tests);
}
