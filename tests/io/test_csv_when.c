/* Dates, times, time zones and calendars. The zones are compared with the C library's own reading of the
 * zone database. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bundlepool/bundle.h>

#include "csv_case.h"
#include "io/ingest/calendar.h"
#include "io/ingest/when.h"
#include "io/ingest/zone_rule.h"

static bp__csv_field field(const char *text)
{
    static char copy[8][80]; /* as in a buffer: another byte follows */
    static int next;
    char *p = copy[next++ % 8];
    snprintf(p, sizeof copy[0], "%s\n", text);
    return (bp__csv_field){p, (uint32_t)strlen(text), false};
}

static const char *read_when(const char *format, const bp__zone *zone, const char *date, const char *time,
                             bp__moment *m)
{
    bp__when when = {.format = format, .zone = zone, .has_zone = zone != NULL};
    const bp__csv_field d = field(date), t = field(time ? time : "");
    const char *wrong = bp__when_read(&when, &d, time ? &t : NULL, m);
    bp__when_fini(&when);
    return wrong;
}

static void test_forms(void)
{
    static const struct {
        const char *format, *date, *time, *expected; /* UTC; NULL: refused */
    } cases[] = {
        {NULL, "2020-01-31", NULL, "2020-01-31"},
        {NULL, "20200131", NULL, "2020-01-31"},
        {NULL, "2020/01/31", NULL, "2020-01-31"},
        {NULL, "2020/1/3", NULL, "2020-01-03"},
        {NULL, "2020.01.31", NULL, "2020-01-31"},
        {NULL, "2020-Jan-31", NULL, "2020-01-31"},
        {NULL, "Jan 31, 2020", NULL, "2020-01-31"},
        {NULL, "january 31 2020", NULL, "2020-01-31"},
        {NULL, "31 Jan 2020", NULL, "2020-01-31"},
        {NULL, "31-JAN-2020", NULL, "2020-01-31"},
        {NULL, "1969-12-31", NULL, "1969-12-31"},
        {NULL, "1678-01-01", NULL, "1678-01-01"},
        {NULL, "2261-12-31", NULL, "2261-12-31"},
        {NULL, "2020-01-31 09:31", NULL, "2020-01-31T09:31:00"},
        {NULL, "2020-01-31T09:31:05Z", NULL, "2020-01-31T09:31:05"},
        {NULL, "2020-01-31 9:31:05 PM", NULL, "2020-01-31T21:31:05"},
        {NULL, "2020-01-31 12:00:00 AM", NULL, "2020-01-31T00:00:00"},
        {NULL, "2020-01-31 09:31:05.000", NULL, "2020-01-31T09:31:05"},
        {NULL, "2020-01-31T09:31:05+01:00", NULL, "2020-01-31T08:31:05"},
        {NULL, "2020-01-31 09:31:05-0530", NULL, "2020-01-31T15:01:05"},
        {NULL, "2020-01-31 09:31:05+09", NULL, "2020-01-31T00:31:05"},
        {NULL, "2020-01-31 23:31:05 EST", NULL, "2020-02-01T04:31:05"},
        {NULL, "2020-01-31 09:31:05 America/New_York", NULL, "2020-01-31T14:31:05"},
        {NULL, "2020-07-31 09:31:05 America/New_York", NULL, "2020-07-31T13:31:05"},
        {NULL, "202001310931", NULL, "2020-01-31T09:31:00"},
        {NULL, "20200131093105", NULL, "2020-01-31T09:31:05"},
        {NULL, "20200131 09:31:05", NULL, "2020-01-31T09:31:05"},
        {NULL, "20200131 093105", NULL, "2020-01-31T09:31:05"},
        {NULL, "20200131;093105", NULL, "2020-01-31T09:31:05"},
        {NULL, "20200131T0931Z", NULL, "2020-01-31T09:31:00"},
        {NULL, "2020.01.31 0931", NULL, "2020-01-31T09:31:00"},
        {NULL, "20200131 243105", NULL, NULL},
        {NULL, "20200131 09310", NULL, NULL},
        {NULL, "1580463065", NULL, "2020-01-31T09:31:05"},
        {NULL, "1580463065.000000", NULL, "2020-01-31T09:31:05"},
        {NULL, "1580463065000", NULL, "2020-01-31T09:31:05"},
        {NULL, "1580463065000000", NULL, "2020-01-31T09:31:05"},
        {NULL, "1580463065000000000", NULL, "2020-01-31T09:31:05"},
        {NULL, "-315619200", NULL, "1960-01-01T00:00:00"},
        {NULL, "2020-01-31", "09:31:05", "2020-01-31T09:31:05"},
        {NULL, "20200131", "093105", "2020-01-31T09:31:05"},
        {NULL, "20200131", "0931", "2020-01-31T09:31:00"},
        {"DD/MM/YYYY", "03/01/2020", NULL, "2020-01-03"},
        {"DD/MM/YYYY", "3/1/2020", NULL, "2020-01-03"},
        {"MM/DD/YYYY", "03/01/2020", NULL, "2020-03-01"},
        {"DD.MM.YYYY", "03.01.2020 09:31:05", NULL, "2020-01-03T09:31:05"},
        {"DD.MM.YYYY hh:mm", "03.01.2020 09:31", NULL, "2020-01-03T09:31:00"},
        {"%d/%m/%Y %H:%M", "03/01/2020 09:31", NULL, "2020-01-03T09:31:00"},
        {"DDMMYYYY", "03012020", NULL, "2020-01-03"},
        {"DD-MON-YY", "03-Jan-20", NULL, "2020-01-03"},
        {"MM/DD/YY", "01/03/99", NULL, "1999-01-03"},
        {"s", "86400", NULL, "1970-01-02T00:00:00"},
        {"ms", "-1000", NULL, "1969-12-31T23:59:59"},
        {"us", "5000000", NULL, "1970-01-01T00:00:05"},
        {NULL, "", NULL, NULL},
        {NULL, "2020-01-31 24:00", NULL, NULL},
        {NULL, "2020-01-31 09:60", NULL, NULL},
        {NULL, "2020-01-31 09:31:60", NULL, NULL},
        {NULL, "2020-01-31 13:00 PM", NULL, NULL},
        {NULL, "2020-01-31x", NULL, NULL},
        {NULL, "2020-01-311", NULL, NULL},
        {NULL, "2020-01-31 09:31 CST", NULL, NULL},
        {NULL, "2020-01-31 09:31 Mars/Olympus", NULL, NULL},
        {NULL, "2020-01-31 09:31 ../../etc/passwd", NULL, NULL},
        {NULL, "2020-01-31 09:31+25:00", NULL, NULL},
        {NULL, "31/01/2020", NULL, NULL},
        {NULL, "31-01-20", NULL, NULL},
        {NULL, "2020-02-30", NULL, NULL},
        {NULL, "20201301", NULL, NULL},
        {NULL, "12345", NULL, NULL},
        {NULL, "99999999999999999999", NULL, NULL},
        {NULL, "9223372036854775807", NULL, NULL},
        {NULL, "-9223372036854775808", NULL, NULL},
        {NULL, "1677-12-31", NULL, NULL},
        {NULL, "2262-01-02", NULL, NULL},
        {NULL, "2020-01-31 09:31", "09:31", NULL},
        {NULL, "2020-01-31", "9", NULL},
        {"DD/MM/YYYY", "01/31/2020", NULL, NULL},
        {"DD/MM/YYYY", "2020-01-31", NULL, "2020-01-31"},
        {"YYYY-MM-DD", "31/01/2020", NULL, NULL},
        {"ms", "5.5", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bp__moment m;
        const char *wrong = read_when(cases[i].format, NULL, cases[i].date, cases[i].time, &m);
        const bool good = cases[i].expected ? !wrong && m.ns == csv_ns(cases[i].expected) : wrong != NULL;
        if (!good) printf("\n'%s': %s, %lld\n", cases[i].date, wrong ? wrong : "taken", (long long)m.ns);
        CU_ASSERT_TRUE(good);
    }
    bp__moment m; /* fractions of seconds */
    CU_ASSERT_TRUE(!read_when(NULL, NULL, "2020-01-31 09:31:05.123456789", NULL, &m) &&
                   m.ns == csv_ns("2020-01-31T09:31:05") + 123456789);
    CU_ASSERT_TRUE(!read_when(NULL, NULL, "1580463065123", NULL, &m) &&
                   m.ns == csv_ns("2020-01-31T09:31:05") + 123000000);
}

static void test_formats(void)
{
    static const char *const good[] = {"DD/MM/YYYY",          "YYYYMMDD", "%Y-%m-%d", "MON DD, YY",
                                       "DD.MM.YYYY hh:mm:ss", "ns"};
    static const char *const bad[] = {"",   "DD/MM",         "DD/MM/YYYY/DD", "dd/mm/yyyy",
                                      "%Q", "DD/MM/YYYY ss", "epoch",         "YYYY MM DD mm"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_EQUAL(bp__when_check_format(good[i]), BP_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(bp__when_check_format(bad[i]), BP_EINVAL);
}

/* Zones ----------------------------------------------------------------------------------------- */

static long library_offset(int64_t t)
{
    struct tm tm;
    const time_t seconds = (time_t)t;
    return localtime_r(&seconds, &tm) ? tm.tm_gmtoff : 99;
}

/* Every 6 hours and 7 seconds of 1900 to 2100 against localtime_r(), and back from local time. */
static void test_zones(void)
{
    static const char *const names[] = {
        "America/New_York", "Europe/London",     "Europe/Berlin",       "Asia/Tokyo",
        "Asia/Hong_Kong",   "Australia/Sydney",  "Australia/Lord_Howe", "America/Sao_Paulo",
        "Asia/Kolkata",     "Africa/Casablanca", "America/St_Johns",    "Etc/GMT+5",
        "Pacific/Apia",     "Asia/Tehran",       "Europe/Dublin",       "UTC"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bp__zone *zone;
        int wrong = 0;
        CU_ASSERT_EQUAL_FATAL(bp__zone_load(names[i], &zone), BP_OK);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t t = -INT64_C(2208988800); t < INT64_C(4102444800); t += 21607) {
            const bp__zone_span span = bp__zone_at(zone, t);
            int64_t utc[2];
            const int n = bp__zone_to_utc(zone, t + span.offset, utc);
            wrong += span.offset != library_offset(t) || t < span.from || t >= span.to;
            wrong +=
                !((n == 1 && utc[0] == t) || (n == 2 && utc[0] < utc[1] && (utc[0] == t || utc[1] == t)));
        }
        if (wrong) printf("\n%s: %d wrong\n", names[i], wrong);
        CU_ASSERT_EQUAL(wrong, 0);
        bp__zone_free(&zone);
    }
    unsetenv("TZ");
    tzset();
}

static void test_changes(void)
{
    bp__zone *zone;
    bp__moment m;
    CU_ASSERT_EQUAL_FATAL(bp__zone_load("America/New_York", &zone), BP_OK);
    CU_ASSERT_TRUE(!read_when(NULL, zone, "2020-03-08 01:59:00", NULL, &m) &&
                   m.ns == csv_ns("2020-03-08T06:59:00"));
    const char *wrong = read_when(NULL, zone, "2020-03-08 02:30:00", NULL, &m);
    CU_ASSERT_TRUE(wrong && strstr(wrong, "does not exist"));
    CU_ASSERT_TRUE(!read_when(NULL, zone, "2020-03-08 03:00:00", NULL, &m) &&
                   m.ns == csv_ns("2020-03-08T07:00:00"));
    CU_ASSERT_TRUE(!read_when(NULL, zone, "2020-11-01 01:30:00", NULL, &m) &&
                   m.ns == csv_ns("2020-11-01T05:30:00") && m.later == csv_ns("2020-11-01T06:30:00"));
    /* the midnight of New York, in UTC */
    CU_ASSERT_TRUE(!read_when(NULL, zone, "2020-07-01T04:00:00Z", NULL, &m) && m.is_midnight &&
                   m.day == csv_ns("2020-07-01"));
    CU_ASSERT_TRUE(!read_when(NULL, zone, "1593576000000", NULL, &m) && m.is_midnight &&
                   m.day == csv_ns("2020-07-01"));
    CU_ASSERT_TRUE(!read_when(NULL, NULL, "1593576000000", NULL, &m) && !m.is_midnight);
    bp__zone_free(&zone);
    /* rows say by their order which half past one is meant, in either direction */
    static const char *const files[] = {CSV_HEADER "2020-11-01 01:29,1,1,1,1,1\n2020-11-01 01:59,2,2,2,2,1\n"
                                                   "2020-11-01 01:29,3,3,3,3,1\n2020-11-01 02:00,4,4,4,4,1\n",
                                        CSV_HEADER
                                        "2020-11-01 02:00,4,4,4,4,1\n2020-11-01 01:29,3,3,3,3,1\n"
                                        "2020-11-01 01:59,2,2,2,2,1\n2020-11-01 01:29,1,1,1,1,1\n"};
    for (int i = 0; i < 2; i++) {
        bp__bar *bars;
        csv_empty();
        csv_put("minute/X.csv", files[i]);
        csv_case c = csv_read_folder(&(bp__ingest_options){.timezone = "America/New_York"});
        CU_ASSERT_EQUAL_FATAL(csv_bars(&c, BP__MINUTE, 0, &bars), 4);
        CU_ASSERT_TRUE(
            bars[0].dt == csv_ns("2020-11-01T05:29:00") && bars[1].dt == csv_ns("2020-11-01T05:59:00") &&
            bars[2].dt == csv_ns("2020-11-01T06:29:00") && bars[3].dt == csv_ns("2020-11-01T07:00:00"));
        CU_ASSERT_TRUE(bars[0].value[BP__OPEN] == 1 && bars[2].value[BP__OPEN] == 3);
        free(bars);
        csv_end(&c);
    }
}

static void test_bad_zones(void)
{
    static const char *const bad[] = {
        "",      "Mars/Olympus", "../../../etc/passwd", "/etc/localtime", "America", "America/../UTC",
        "EST 5", "right/UTC"};
    bp__zone *zone;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_TRUE(bp__failed(bp__zone_load(bad[i], &zone)));
    CU_ASSERT_EQUAL(bp__zone_load("Mars/Olympus", &zone), BP_EINVAL);
    setenv("TZDIR", "/nowhere", 1);
    CU_ASSERT_EQUAL(bp__zone_load("Europe/Berlin", &zone), BP_ENOTFOUND);
    CU_ASSERT_TRUE(strstr(bp_error_text(), "install tzdata") != NULL);
    CU_ASSERT_EQUAL(bp__zone_load("UTC", &zone), BP_OK); /* needs none */
    bp__zone_free(&zone);
    /* damaged files: each is refused, or is a zone all the same, and nothing is read past its end */
    csv_empty();
    setenv("TZDIR", csv_folder(), 1);
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    CU_ASSERT_FATAL(f != NULL);
    static char bytes[1 << 16], damaged[1 << 16];
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 0; cut < n; cut += 7) {
        csv_put_bytes("Cut", bytes, cut);
        CU_ASSERT_EQUAL(bp__zone_load("Cut", &zone), BP_EFORMAT);
    }
    srand(3);
    for (int i = 0; i < 3000; i++) {
        memcpy(damaged, bytes, n);
        for (int k = 0; k < 3; k++) damaged[(size_t)rand() % (i % 2 ? n : 120)] = (char)rand();
        csv_put_bytes("Damaged", damaged, n);
        if (bp__zone_load("Damaged", &zone) != BP_OK) continue;
        int64_t utc[2];
        for (int64_t t = -5000000000; t < 9000000000; t += 999999999) bp__zone_to_utc(zone, t, utc);
        bp__zone_free(&zone);
    }
    unsetenv("TZDIR");
}

static void test_rules(void)
{
    static const char *const bad[] = {"",
                                      "E5",
                                      "EST",
                                      "EST5EDT",
                                      "EST5EDT,M3.2.0",
                                      "EST5EDT,M13.2.0,M11.1.0",
                                      "EST5x",
                                      "EST5EDT,M3.6.0,M11.1.0",
                                      "EST5EDT,J0,J365",
                                      "<+03-3",
                                      "EST999"};
    bp__zone_rule rule;
    int64_t from, to;
    int32_t offset;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CU_ASSERT_FALSE(bp__zone_rule_from(bad[i], &rule));
    CU_ASSERT_TRUE(bp__zone_rule_from("<+0330>-3:30", &rule));
    bp__zone_rule_at(&rule, 0, &from, &to, &offset);
    CU_ASSERT_EQUAL(offset, 12600);
    CU_ASSERT_TRUE(bp__zone_rule_from("AAA1BBB,J60/0,J300/0", &rule)); /* 1 March, also in leap years */
    bp__zone_rule_at(&rule, csv_ns("2024-03-01T01:00:00") / 1000000000, &from, &to, &offset);
    CU_ASSERT_EQUAL(offset, 0);
    CU_ASSERT_EQUAL(from, csv_ns("2024-03-01T01:00:00") / 1000000000);
}

/* Calendars ------------------------------------------------------------------------------------- */

static void test_calendars(void)
{
    static const struct {
        const char *name, *day, *open, *close;
    } cases[] = {
        {"XNYS", "2020-07-01", "2020-07-01T13:30:00", "2020-07-01T20:00:00"},
        {"nyse", "2020-12-01", "2020-12-01T14:30:00", "2020-12-01T21:00:00"},
        {"XNYS", "2020-07-04", NULL, NULL}, /* a Saturday */
        {"NASDAQ", "2020-03-09", "2020-03-09T13:30:00", "2020-03-09T20:00:00"},
        {"XLON", "2020-07-01", "2020-07-01T07:00:00", "2020-07-01T15:30:00"},
        {"XLON", "2020-03-17", "2020-03-17T08:00:00", "2020-03-17T16:30:00"},
        {"XTKS", "2020-07-01", "2020-07-01T00:00:00", "2020-07-01T06:30:00"},
        {"XASX", "2020-01-15", "2020-01-14T23:00:00", "2020-01-15T05:00:00"},
        {"XETR", "2020-07-01", "2020-07-01T07:00:00", "2020-07-01T15:30:00"},
        {"24/7", "2020-07-04", "2020-07-04T00:00:00", "2020-07-05T00:00:00"},
    };
    bp__calendar *c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t open, close;
        CU_ASSERT_EQUAL_FATAL(bp__calendar_open(cases[i].name, &c), BP_OK);
        CU_ASSERT_EQUAL(bp__calendar_hours(c, csv_ns(cases[i].day), &open, &close), cases[i].open != NULL);
        CU_ASSERT_EQUAL(open, cases[i].open ? csv_ns(cases[i].open) : BP_TIME_MISSING);
        CU_ASSERT_EQUAL(close, cases[i].close ? csv_ns(cases[i].close) : BP_TIME_MISSING);
        bp__calendar_close(&c);
    }
    CU_ASSERT_EQUAL_FATAL(bp__calendar_open("XASX", &c), BP_OK); /* its day begins in the evening, UTC */
    CU_ASSERT_EQUAL(bp__zone_day(bp__calendar_zone(c), csv_ns("2020-01-14T23:30:00")), csv_ns("2020-01-15"));
    CU_ASSERT_STRING_EQUAL(bp__calendar_country(c), "AU");
    bp__calendar_close(&c);
    CU_ASSERT_EQUAL(bp__calendar_open("XXXX", &c), BP_EINVAL);
    CU_ASSERT_TRUE(strstr(bp_error_text(), "24/7, XNYS") && strstr(bp_error_text(), "none"));
}

/* Hours are stated of no day that may have others. */
static void test_known_hours(void)
{
    static const struct {
        const char *name, *known, *unknown; /* days, with blanks between them */
    } cases[] = {
        {"XNYS",
         "2020-11-25 2020-11-30 2020-12-23 2019-01-02 2021-07-06 2021-01-19 2000-01-03 2024-04-01 2019-12-26",
         "2020-11-26 2020-11-27 2020-12-24 2020-12-25 2020-07-03 2019-07-03 2021-01-18 2024-03-29 2021-04-02 2000-04-21 "
         "2020-09-07 2020-05-25 2022-06-20 2023-01-02 1999-12-30 1980-06-02 2003-12-26 2038-04-23 2049-04-16"},
        {"NASDAQ", "2024-12-23", "2024-12-24"},
        {"XLON", "2020-12-21 2020-05-26",
         "2020-12-24 2020-12-31 2020-05-08 2020-05-25 2020-04-13 2020-04-10 1999-06-01"},
        {"XTKS", "2025-01-06", "2024-11-01 2020-07-01"}, /* until half past three from 2024-11-05 on */
        {"XHKG", "2020-03-02", "2020-01-24 2020-12-24 2020-12-31"},
        {"XASX", "2020-01-15", "2020-12-24 2020-12-31 2020-04-10"},
        {"XETR", "2020-07-01", "2020-12-30 2020-06-01"},
        {"XSTO", "2020-07-01", "2020-05-20 2020-05-21 2020-10-30"},
        {"XNSE", "2020-07-01", "2020-11-13"},
        {"XKRX", "2020-07-01", "2020-01-02 2020-12-03 2016-07-01"},
        {"BVMF", "", "2020-07-01"},
        {"24/7", "2020-12-25 1970-01-01 1678-05-01", ""},
    };
    bp__calendar *c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL_FATAL(bp__calendar_open(cases[i].name, &c), BP_OK);
        for (int known = 0; known < 2; known++) {
            const char *days = known ? cases[i].known : cases[i].unknown;
            for (; *days; days += 10 + (days[10] == ' ')) {
                char day[11];
                snprintf(day, sizeof day, "%.10s", days);
                if (bp__calendar_knows(c, csv_ns(day)) == known) continue;
                printf("\n%s %s is %sknown\n", cases[i].name, day, known ? "not " : "");
                CU_FAIL("hours that are known, or not");
            }
        }
        bp__calendar_close(&c);
    }
    csv_empty();
    csv_put("minute/X.csv", CSV_HEADER "2020-11-25 14:31Z,1,1,1,1,1\n2020-11-27 18:30Z,1,1,1,1,1\n"
                                       "2020-11-30 14:31Z,1,1,1,1,1\n2020-12-25 14:31Z,1,1,1,1,1\n");
    csv_case k = csv_read_folder(&(bp__ingest_options){.calendar = "XNYS"});
    CU_ASSERT_EQUAL_FATAL(k.draft.calendar.n, 4);
    for (size_t i = 0; i < 4; i++) {
        const bp__draft_session *s = &k.draft.calendar.row[i];
        CU_ASSERT_EQUAL(s->market_open == BP_TIME_MISSING, i % 2);
        CU_ASSERT_EQUAL(s->market_close == BP_TIME_MISSING, i % 2);
    }
    CU_ASSERT_TRUE(
        csv_told(&k, "note: the hours of 2 sessions are not stated, the first one is 2020-11-27: "));
    CU_ASSERT_EQUAL(csv_count(&k, "outside"), 0);
    csv_end(&k);
}

static void test_sessions(void)
{
    const char *file = CSV_HEADER
        "2020-07-01 13:30:00,1,1,1,1,1\n2020-07-01 20:00:00,1,1,1,1,1\n2020-07-02 00:30:00,1,1,1,1,1\n"
        "2020-07-05 14:00:17,1,1,1,1,1\n";
    csv_empty();
    csv_put("minute/X.csv", file);
    csv_case c = csv_read_folder(&(bp__ingest_options){.calendar = "XNYS", .currency = "USD"});
    CU_ASSERT_STRING_EQUAL(c.draft.calendar_name, "XNYS");
    CU_ASSERT_STRING_EQUAL(c.draft.assets.row[0].currency, "USD");
    CU_ASSERT_EQUAL_FATAL(c.draft.calendar.n, 2); /* the evening belongs to the day in New York */
    CU_ASSERT_EQUAL(c.draft.calendar.row[0].market_open, csv_ns("2020-07-01T13:30:00"));
    CU_ASSERT_EQUAL(c.draft.calendar.row[0].market_close, csv_ns("2020-07-01T20:00:00"));
    CU_ASSERT_EQUAL(c.draft.calendar.row[1].market_open, BP_TIME_MISSING);
    CU_ASSERT_TRUE(csv_told(
        &c, "warning: DIR/minute/X.csv:4: minute bars outside of the hours of XNYS; is their time zone "
            "UTC? if not, say --timezone (2)"));
    CU_ASSERT_TRUE(csv_told(
        &c,
        "warning: 1 sessions are on days of the week on which XNYS is closed, the first one on 2020-07-05"));
    CU_ASSERT_EQUAL(bp__draft_num_bars(&c.draft, BP__MINUTE), 4); /* told, not dropped */
    csv_end(&c);
    c = csv_read_folder(NULL); /* nothing is stated that is not known */
    CU_ASSERT_STRING_EQUAL(c.draft.calendar_name, "");
    CU_ASSERT_STRING_EQUAL(c.draft.assets.row[0].currency, "XXX");
    CU_ASSERT_EQUAL_FATAL(c.draft.calendar.n, 3);
    CU_ASSERT_EQUAL(c.draft.calendar.row[0].market_open, BP_TIME_MISSING);
    csv_end(&c);
    c = csv_read_folder(&(bp__ingest_options){.timezone = "Mars/Olympus"});
    CU_ASSERT_EQUAL(c.status, BP_EINVAL);
    csv_end(&c);
}

/* Daily bars of vendors that write times with them. */
static void test_daily_times(void)
{
    static const struct {
        const char *zone, *first, *second;
    } good[] = {{NULL, "2020-03-06 00:00:00-05:00", "2020-03-09 00:00:00-04:00"},
                {NULL, "2020-03-06T00:00:00.000Z", "2020-03-09T00:00:00.000Z"},
                {"America/New_York", "1583470800000", "1583726400000"},
                {"America/New_York", "2020-03-06 05:00:00Z", "2020-03-09 04:00:00Z"},
                {"Asia/Tokyo", "2020-03-06", "2020-03-09"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char file[200];
        csv_empty();
        snprintf(file, sizeof file, CSV_HEADER "%s,1,1,1,1,1\n%s,1,1,1,1,1\n", good[i].first, good[i].second);
        csv_put("daily/X.csv", file);
        csv_case c = csv_read_folder(&(bp__ingest_options){.timezone = good[i].zone});
        CU_ASSERT_TRUE(c.errors == 0 && c.draft.days.n == 2 && c.draft.days.row[0] == csv_ns("2020-03-06") &&
                       c.draft.days.row[1] == csv_ns("2020-03-09"));
        csv_end(&c);
    }
    csv_expect(BP__DAILY, CSV_HEADER "1583470800000,1,1,1,1,1\n",
               "error: DIR/daily/X.csv:2: date '1583470800000' of a daily bar", NULL);
    csv_expect(BP__DAILY, CSV_HEADER "2020-03-06 16:00:00,1,1,1,1,1\n",
               "say with --timezone where that time is a midnight", NULL);
    csv_expect(BP__DAILY, CSV_HEADER "2020-03-06 16:00:00,1,1,1,1,1\n",
               "that is not midnight in the time zone given",
               &(bp__ingest_options){.timezone = "America/New_York"});
}

int main(void)
{
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
        printf("SKIPPED: there is no zone database (Debian: tzdata)\n");
        return 77;
    }
    CU_TestInfo tests[] = {{"forms", test_forms},
                           {"formats", test_formats},
                           {"zones", test_zones},
                           {"changes of the clock", test_changes},
                           {"bad zones", test_bad_zones},
                           {"rules", test_rules},
                           {"calendars", test_calendars},
                           {"known hours", test_known_hours},
                           {"sessions", test_sessions},
                           {"times of daily bars", test_daily_times},
                           CU_TEST_INFO_NULL};
    return csv_main("dates, zones, calendars", tests);
}
