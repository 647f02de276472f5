/* Minute files: which session a bar is of, and what follows from it: events, sessions, lifetimes. Each case has
 * times whose day in UTC is another one than the day there. */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv_case.h"

/* Sessions as "2020-03-06 2020-03-09". */
static bool has_sessions(const csv_case *c, const char *days)
{
    bool good = c->errors == 0 && c->status == BP_OK && c->draft.calendar.n == (strlen(days) + 1) / 11;
    for (size_t i = 0; good && i < c->draft.calendar.n; i++) {
        char day[11];
        snprintf(day, sizeof day, "%.10s", days + 11 * i);
        good = c->draft.calendar.row[i].session == csv_ns(day);
    }
    if (!good) printf("\n%zu sessions, not %s\n%s", c->draft.calendar.n, days, c->told);
    return good;
}

static bool lives(const csv_case *c, const char *first, const char *last)
{
    if (c->draft.assets.n != 1 || c->draft.mappings.n != 1) return false;
    const bp__draft_asset *a = c->draft.assets.row;
    const bp__draft_mapping *m = c->draft.mappings.row;
    return a->start_date == csv_ns(first) && a->first_traded == csv_ns(first) &&
           a->end_date == csv_ns(last) && a->auto_close_date == csv_ns(last) + BP_NS_PER_DAY &&
           m->start_date == csv_ns(first) && m->end_date == csv_ns(last);
}

/* A Thursday and a Friday; the bars of a day are of two days in UTC. */
static const struct place {
    const char *name, *calendar, *offset, *early, *late;
} places[] = {{"America/New_York", "XNYS", "-05:00", "10:05", "19:45"},
              {"Australia/Sydney", "XASX", "+11:00", "10:05", "15:45"},
              {"Asia/Kolkata", "XBOM", "+0530", "04:00", "09:20"},
              {"Pacific/Kiritimati", NULL, "+14:00", "09:00", "17:00"}};

/* Rows of two days, the second with its dividend; how a time is written: 0: local, 1: with its offset, 2: in
 * UTC, 3: ms since the epoch. */
static void write_file(const struct place *p, int how, bool newest_first)
{
    static const char *const days[] = {"2020-03-05", "2020-03-06"};
    char row[4][128], file[700] = "date,open,high,low,close,volume,dividend,split\n";
    int hour, minute;
    CU_ASSERT_EQUAL_FATAL(sscanf(p->offset + 1, "%2d", &hour), 1);
    minute = atoi(p->offset + strlen(p->offset) - 2);
    const int64_t offset = (*p->offset == '-' ? -1 : 1) * (hour * 3600 + minute * 60) * INT64_C(1000000000);
    for (int i = 0; i < 4; i++) {
        char local[32], full[40], text[48];
        snprintf(full, sizeof full, "%sT%s:00", days[i / 2], i % 2 ? p->late : p->early);
        snprintf(local, sizeof local, "%s %s", days[i / 2], i % 2 ? p->late : p->early);
        const long long second = (long long)((csv_ns(full) - offset) / 1000000000);
        if (how == 2)
            snprintf(text, sizeof text, "%s %02lld:%02lldZ",
                     second / 86400 == csv_ns("2020-03-04") / BP_NS_PER_DAY   ? "2020-03-04"
                     : second / 86400 == csv_ns("2020-03-05") / BP_NS_PER_DAY ? "2020-03-05"
                     : second / 86400 == csv_ns("2020-03-06") / BP_NS_PER_DAY ? "2020-03-06"
                                                                              : "2020-03-07",
                     second % 86400 / 3600, second % 3600 / 60);
        else if (how == 3)
            snprintf(text, sizeof text, "%lld000", second);
        else
            snprintf(text, sizeof text, "%s%s", local, how == 1 ? p->offset : "");
        /* the split is in one row of its day alone, and not in the first */
        snprintf(row[i], sizeof row[i], "%s,%d,%d,%d,%d,10,%s,%s\n", text, 20 + i, 20 + i, 20 + i, 20 + i,
                 i / 2 ? "0.5" : "", i == 3 ? "2:1" : "");
    }
    for (int i = 0; i < 4; i++) strcat(file, row[newest_first ? 3 - i : i]);
    csv_empty();
    csv_put("minute/X.csv", file);
}

static void check_place(const struct place *p, int how, bool newest_first, const bp__ingest_options *options)
{
    write_file(p, how, newest_first);
    csv_case c = csv_read_folder(options);
    CU_ASSERT_TRUE(has_sessions(&c, "2020-03-05 2020-03-06"));
    CU_ASSERT_TRUE(lives(&c, "2020-03-05", "2020-03-06"));
    CU_ASSERT_EQUAL(csv_count(&c, "note"), newest_first);
    const bp__draft_payout *payout = c.draft.payouts.row;
    const bp__draft_ratio *ratio = c.draft.ratios[BP__DIVIDENDS].row, *split = c.draft.ratios[BP__SPLITS].row;
    CU_ASSERT_TRUE_FATAL(c.draft.payouts.n == 1 && c.draft.ratios[BP__DIVIDENDS].n == 1 &&
                         c.draft.ratios[BP__SPLITS].n == 1);
    CU_ASSERT_TRUE(payout->ex_date == csv_ns("2020-03-06") && payout->amount == 0.5);
    CU_ASSERT_TRUE(ratio->effective_date == csv_ns("2020-03-06") &&
                   ratio->ratio == 1 - 0.5 / 21); /* the close before that day */
    CU_ASSERT_TRUE(split->effective_date == csv_ns("2020-03-06") && split->ratio == 0.5);
    csv_end(&c);
}

static void test_local_days(void)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (int turned = 0; turned < 2; turned++) {
            const bp__ingest_options zone = {.timezone = places[i].name},
                                     both = {.timezone = places[i].name, .calendar = places[i].calendar},
                                     calendar = {.calendar = places[i].calendar};
            for (int how = 0; how < 4; how++) {
                check_place(&places[i], how, turned, &zone);
                check_place(&places[i], how, turned, &both);
                if (how > 0 && places[i].calendar) check_place(&places[i], how, turned, &calendar);
            }
            check_place(&places[i], 1, turned, NULL); /* as written */
        }
}

/* A daily file beside it has the same days. */
static void test_beside_daily(void)
{
    csv_empty();
    csv_put("minute/X.csv", CSV_HEADER "2020-03-06 10:01,1,1,1,1,1\n2020-03-06 15:59,1,1,1,1,1\n"
                                       "2020-03-09 10:01,1,1,1,1,1\n2020-03-09 15:59,1,1,1,1,1\n");
    csv_put("daily/X.csv", CSV_HEADER "2020-03-06,1,1,1,1,1\n2020-03-09,1,1,1,1,1\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.timezone = "Australia/Sydney"});
    CU_ASSERT_TRUE(has_sessions(&c, "2020-03-06 2020-03-09") && lives(&c, "2020-03-06", "2020-03-09"));
    csv_end(&c);
}

/* Dates that assets.csv leaves open are sessions as well. */
static void test_side_file(void)
{
    csv_empty();
    csv_put("minute/X.csv", CSV_HEADER "2020-03-06 10:01,1,1,1,1,1\n2020-03-09 15:59,1,1,1,1,1\n");
    csv_put("assets.csv", "sid,symbol\n7,X\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.calendar = "XASX", .timezone = "Australia/Sydney"});
    CU_ASSERT_TRUE(has_sessions(&c, "2020-03-06 2020-03-09") && lives(&c, "2020-03-06", "2020-03-09"));
    csv_end(&c);
    csv_put("assets.csv", "sid,symbol,end_date\n7,X,2020-12-31\n");
    c = csv_read_folder(&(bp__ingest_options){.calendar = "XASX", .timezone = "Australia/Sydney"});
    CU_ASSERT_EQUAL_FATAL(c.draft.assets.n, 1);
    CU_ASSERT_EQUAL(c.draft.assets.row->start_date, csv_ns("2020-03-06"));
    CU_ASSERT_EQUAL(c.draft.assets.row->end_date, csv_ns("2020-12-31"));
    csv_end(&c);
}

static void test_table(void)
{
    csv_empty();
    csv_put("T.csv", "symbol," CSV_HEADER "X,2020-03-06 10:01,1,1,1,1,1\nX,2020-03-06 19:30,1,1,1,1,1\n");
    csv_case c = csv_read(&bp__table_source, "T.csv", &(bp__ingest_options){.timezone = "America/New_York"});
    CU_ASSERT_TRUE(has_sessions(&c, "2020-03-06") && lives(&c, "2020-03-06", "2020-03-06"));
    csv_end(&c);
}

/* Days as written that contradict the order of the times. */
static void test_mixed_zones(void)
{
    const char *file =
        CSV_HEADER "2020-03-06 10:01+11:00,1,1,1,1,1\n2020-03-05 19:00-05:00,1,1,1,1,1\n"; /* an hour later */
    csv_expect(
        BP__MINUTE, file,
        "error: DIR/minute/X.csv:3: date '2020-03-05 19:00-05:00' is of another time zone than the one before",
        NULL);
    csv_case c = csv_read_folder(&(bp__ingest_options){.timezone = "America/New_York"});
    CU_ASSERT_TRUE(has_sessions(&c, "2020-03-05"));
    csv_end(&c);
}

/* What is assumed is told, once for all files. */
static void test_no_zone(void)
{
    csv_empty();
    csv_put("minute/X.csv", CSV_HEADER "2020-03-06 10:01,1,1,1,1,1\n2020-03-06 10:02,1,1,1,1,1\n");
    csv_put("minute/Y.csv", CSV_HEADER "2020-03-06 10:01,1,1,1,1,1\n");
    csv_put("minute/Z.csv", CSV_HEADER "2020-03-06 10:01Z,1,1,1,1,1\n");
    csv_put("daily/Z.csv", CSV_HEADER "2020-03-06,1,1,1,1,1\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.threads = 1});
    CU_ASSERT_TRUE(
        csv_told(&c, "note: DIR/minute/X.csv:2: times without a time zone are taken as UTC; say --timezone "
                     "if they are not; the same in 1 more file\n"));
    csv_end(&c);
    c = csv_read_folder(&(bp__ingest_options){.timezone = "UTC"});
    CU_ASSERT_EQUAL(csv_count(&c, "note"), 0);
    csv_end(&c);
    csv_empty();
    csv_put("minute/X.csv", CSV_HEADER "1583505060000,1,1,1,1,1\n");
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(
        csv_told(&c, "note: DIR/minute/X.csv:2: sessions are the days in UTC; say --timezone or --calendar"));
    csv_end(&c);
    c = csv_read_folder(&(bp__ingest_options){.calendar = "24/7"});
    CU_ASSERT_EQUAL(csv_count(&c, "note"), 0);
    csv_end(&c);
}

/* Daily bars in the wrong folder. */
static void test_daily_bars(void)
{
    static const struct {
        const char *zone, *rows;
    } bad[] = {{NULL, "2020-03-06 00:00:00,1,1,1,1,1\n2020-03-09 00:00:00,1,1,1,1,1\n"},
               {NULL, "2020-03-09 0:00,1,1,1,1,1\n2020-03-06 0:00,1,1,1,1,1\n"},
               {NULL, "2020-03-06T00:00:00-05:00,1,1,1,1,1\n2020-03-09T00:00:00-04:00,1,1,1,1,1\n"},
               {"America/New_York", "1583470800000,1,1,1,1,1\n1583726400000,1,1,1,1,1\n"},
               {NULL, "1583452800,1,1,1,1,1\n1583712000,1,1,1,1,1\n"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char file[200];
        snprintf(file, sizeof file, CSV_HEADER "%s", bad[i].rows);
        csv_expect(
            BP__MINUTE, file,
            "error: DIR/minute/X.csv:2: all times are midnights: these are daily bars; move the file to the "
            "folder 'daily'",
            &(bp__ingest_options){.timezone = bad[i].zone});
    }
    csv_expect(BP__MINUTE,
               CSV_HEADER
               "2020-03-02 16:00Z,1,1,1,1,1\n2020-03-03 16:00Z,1,1,1,1,1\n2020-03-04 16:00Z,1,1,1,1,1\n"
               "2020-03-05 16:00Z,1,1,1,1,1\n2020-03-06 16:00Z,1,1,1,1,1\n",
               "warning: DIR/minute/X.csv:2: one minute bar a day, on each day", NULL);
    csv_empty(); /* a market that never closes has bars at midnight, too */
    csv_put("minute/X.csv", CSV_HEADER "2020-03-06 00:00Z,1,1,1,1,1\n2020-03-06 00:01Z,1,1,1,1,1\n"
                                       "2020-03-07 00:00Z,1,1,1,1,1\n");
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(has_sessions(&c, "2020-03-06 2020-03-07") && !*c.told);
    csv_end(&c);
}

int main(void)
{
    CU_TestInfo tests[] = {{"local days", test_local_days},
                           {"beside a daily file", test_beside_daily},
                           {"beside assets.csv", test_side_file},
                           {"a table", test_table},
                           {"rows of several zones", test_mixed_zones},
                           {"no zone", test_no_zone},
                           {"daily bars", test_daily_bars},
                           CU_TEST_INFO_NULL};
    return csv_main("minute bars in CSV", tests);
}
