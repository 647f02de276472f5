/* Ingest of folders of CSV files: zipline's own data, which files are taken, threads, selections, and what
 * an exported bundle has beside its bars. argv[1]: shared test data. */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/direct.h"
#include "csv_case.h"
#include "io/hdf5/h5read.h"

static const char *data_folder;

static csv_case read_data(const char *dir)
{
    csv_case c = {.status = BP_OK};
    static const bp__ingest_options none;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&c.draft, "csv", NULL), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__report_create(50, &c.report), BP_OK);
    bp__ingest in = {.options = &none, .report = c.report, .draft = &c.draft};
    c.status = bp__csvdir_read(&in, dir);
    CU_ASSERT_EQUAL_FATAL(c.status, BP_OK);
    CU_ASSERT_EQUAL(bp__report_count(c.report, BP__ERROR), 0);
    CU_ASSERT_EQUAL_FATAL(bp__draft_finish(&c.draft), BP_OK);
    return c;
}

/* Real data ------------------------------------------------------------------------------------- */

/* The values that zipline's own writer stored. */
static void compare_bars(const csv_case *c, const bp_bundle *b)
{
    const size_t days = bp_bundle_num_sessions(b);
    int wrong = 0;
    for (size_t i = 0; i < bp_bundle_num_assets(b); i++) {
        bp__bar *bars;
        CU_ASSERT_EQUAL_FATAL(csv_bars(c, BP__DAILY, bp_bundle_sids(b)[i], &bars), days);
        for (size_t t = 0; t < days; t++)
            for (int f = 0; f < BP__NUM_FIELDS; f++) {
                const double factor = f == BP__VOLUME ? 1 : 1000;
                const uint32_t stored = bp__scale_store(bars[t].value[f], factor);
                wrong += bp__scale_read(stored, factor, f != BP__VOLUME) !=
                         bp_bundle_daily(b, (bp_column)(BP_COL_OPEN + f))[i * days + t];
            }
        free(bars);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_zipline(void)
{
    static const char *const symbols[4] = {"AAPL", "IBM", "KO", "MSFT"};
    char dir[512], root[512];
    const bp_bundle *b = NULL;
    snprintf(dir, sizeof dir, "%s/zipline/csvdir", data_folder);
    snprintf(root, sizeof root, "%s/zipline", data_folder);
    csv_case c = read_data(dir);
    const bp__draft *d = &c.draft;
    CU_ASSERT_EQUAL_FATAL(bp__direct_load(bp__h5_loader(), root, "zipline_daily_csvdir", &b), BP_OK);
    CU_ASSERT_TRUE_FATAL(d->days.n == bp_bundle_num_sessions(b) && d->assets.n == bp_bundle_num_assets(b));
    CU_ASSERT_EQUAL(memcmp(d->days.row, bp_bundle_sessions(b), d->days.n * 8), 0);
    CU_ASSERT_TRUE(!d->by_asset[BP__DAILY][BP__PRICE] && d->factor[BP__DAILY][BP__AMOUNT] == 1);
    compare_bars(&c, b);
    bp_bundle_release(&b);
    for (size_t i = 0; i < 4; i++) {
        const bp__draft_asset *a = &d->assets.row[i];
        CU_ASSERT_STRING_EQUAL(a->symbol, symbols[i]);
        CU_ASSERT_STRING_EQUAL(a->exchange, "CSVDIR");
        CU_ASSERT_TRUE(a->start_date == d->days.row[0] && a->end_date == d->days.row[753] &&
                       a->first_traded == d->days.row[0]);
        CU_ASSERT_EQUAL(a->auto_close_date, d->days.row[753] + BP_NS_PER_DAY);
    }
    /* AAPL 7:1 on 2014-06-09, KO 2:1 on 2012-08-13; 10, 12, 12 and 12 dividends */
    CU_ASSERT_EQUAL_FATAL(d->ratios[BP__SPLITS].n, 2);
    const bp__draft_ratio *split = d->ratios[BP__SPLITS].row;
    CU_ASSERT_TRUE(split[0].sid == 0 && split[0].effective_date == 16230 * BP_NS_PER_DAY &&
                   split[0].ratio == 1.0 / 7);
    CU_ASSERT_TRUE(split[1].sid == 2 && split[1].effective_date == 15565 * BP_NS_PER_DAY &&
                   split[1].ratio == 0.5);
    CU_ASSERT_EQUAL(d->payouts.n, 10 + 12 + 12 + 12);
    CU_ASSERT_EQUAL(d->ratios[BP__DIVIDENDS].n, d->payouts.n);
    csv_end(&c);
}

/* Minute bars: as many as the files have lines, and the first of one of them. */
static void test_eqker(void)
{
    char dir[512];
    snprintf(dir, sizeof dir, "%s/eqker", data_folder);
    csv_case c = read_data(dir);
    CU_ASSERT_EQUAL_FATAL(c.draft.series[BP__MINUTE].n, 8);
    for (size_t i = 0; i < 8; i++) {
        char path[600], line[256];
        size_t lines = 0;
        snprintf(path, sizeof path, "%s/minute/%s.csv", dir, c.draft.assets.row[i].symbol);
        FILE *f = fopen(path, "r");
        CU_ASSERT_FATAL(f != NULL);
        while (fgets(line, sizeof line, f)) lines++;
        fclose(f);
        CU_ASSERT_EQUAL(c.draft.series[BP__MINUTE].row[i].bars, lines - 1);
    }
    bp__bar *bars; /* AAPL 2019-02-11 09:31:00,171.14,171.2,170.7,170.97,619925 */
    CU_ASSERT_TRUE_FATAL(csv_bars(&c, BP__MINUTE, 0, &bars) > 0);
    CU_ASSERT_EQUAL(bars[0].dt, csv_ns("2019-02-11T09:31:00"));
    CU_ASSERT_TRUE(bars[0].value[0] == 171.14 && bars[0].value[1] == 171.2 && bars[0].value[2] == 170.7);
    CU_ASSERT_TRUE(bars[0].value[3] == 170.97 && bars[0].value[4] == 619925);
    free(bars);
    csv_end(&c);
}

/* Folders --------------------------------------------------------------------------------------- */

static void test_names(void)
{
    csv_empty();
    csv_put("daily/AAPL.csv", CSV_HEADER CSV_LINE);
    csv_put("daily/MSFT.CSV", CSV_HEADER CSV_LINE);
    csv_put("daily/BRK.A.Csv", CSV_HEADER CSV_LINE);
    csv_put_gzip("daily/NVDA.csv.GZ", CSV_HEADER CSV_LINE);
    csv_put("minute/^GSPC.csv", CSV_HEADER "2020-01-02 14:31,1,1,1,1,1\n");
    csv_put("daily/readme.txt", "x");
    csv_put("daily/.hidden.csv", "x");
    csv_put("daily/TSLA.csv.zip", "x");
    csv_put("daily/US/AMZN.csv", "x");
    csv_put("daily/.csv", "x");
    csv_put("STRAY.csv", "x");
    csv_put("notes/x", "x");
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE_FATAL(c.errors == 0 && c.draft.assets.n == 5);
    static const char *const symbols[] = {"AAPL", "BRK.A", "MSFT", "NVDA", "^GSPC"};
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_STRING_EQUAL(c.draft.assets.row[i].symbol, symbols[i]);
        CU_ASSERT_EQUAL(c.draft.assets.row[i].sid, (int64_t)i);
    }
    CU_ASSERT_TRUE(csv_told(
        &c,
        "note: DIR/daily: 5 not read: '.csv', '.hidden.csv', 'TSLA.csv.zip', 'US', 'readme.txt'; names end"));
    CU_ASSERT_TRUE(csv_told(&c, "note: DIR: 2 not read: 'STRAY.csv', 'notes'; only the folders"));
    csv_end(&c);
    for (int i = 0; i < 30; i++) { /* many are counted */
        char name[40];
        snprintf(name, sizeof name, "daily/%02d.txt", i);
        csv_put(name, "x");
    }
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(&c, "note: DIR/daily: 35 not read: '.csv', '.hidden.csv', '00.txt'") &&
                   csv_told(&c, " and 27 more"));
    csv_end(&c);
}

static void test_flat(void)
{
    csv_empty();
    csv_put("A.csv", CSV_HEADER CSV_LINE);
    csv_put("b.txt", "x");
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(c.errors == 0 && c.draft.assets.n == 1 && bp__draft_num_bars(&c.draft, BP__DAILY) == 1);
    CU_ASSERT_TRUE(csv_told(
        &c,
        "note: DIR: it has neither a folder 'daily' nor a folder 'minute': its files are taken as daily"));
    CU_ASSERT_TRUE(csv_told(&c, "note: DIR: 1 not read: 'b.txt'"));
    csv_end(&c);
    csv_empty();
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(c.status == BP_ENOTFOUND && csv_told(&c, "failed: DIR: no SYMBOL.csv in it"));
    csv_end(&c);
    c = csv_read(&bp__csvdir_source, "missing", NULL);
    CU_ASSERT_EQUAL(c.status, BP_ENOTFOUND);
    csv_end(&c);
    CU_ASSERT_EQUAL(mkdir(csv_path("daily"), 0777), 0);
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(c.status == BP_ENOTFOUND && csv_told(&c, "no SYMBOL.csv in its folders"));
    csv_end(&c);
    CU_ASSERT_EQUAL(rmdir(csv_path("daily")), 0);
    csv_put("daily", "a file");
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(c.status == BP_EIO && csv_told(&c, "DIR/daily: cannot be opened as a folder"));
    csv_end(&c);
}

static void test_twins(void)
{
    csv_empty();
    csv_put("daily/X.csv", CSV_HEADER CSV_LINE);
    csv_put_gzip("daily/X.csv.gz", CSV_HEADER CSV_LINE);
    csv_put("daily/Y.csv", CSV_HEADER CSV_LINE);
    csv_put("daily/Z\x01.csv", CSV_HEADER CSV_LINE);
    csv_put("daily/Z\xff.csv", CSV_HEADER CSV_LINE);
    csv_case c = csv_read_folder(&(bp__ingest_options){.keep_going = true});
    CU_ASSERT_TRUE(
        csv_told(&c, "error: DIR/daily/X.csv.gz: the same symbol as DIR/daily/X.csv; remove one of them"));
    CU_ASSERT_TRUE(csv_told(&c, "a symbol that has a control character in it") &&
                   csv_told(&c, "a symbol that is not UTF-8"));
    CU_ASSERT_TRUE(c.errors == 3 && c.draft.assets.n == 1 && c.draft.assets.row[0].sid == 1);
    csv_end(&c);
}

static void test_selection(void)
{
    csv_empty();
    csv_put("daily/A.csv", CSV_HEADER CSV_LINE);
    csv_put("daily/B.csv", "nonsense\n");
    csv_put("daily/C.csv", CSV_HEADER CSV_LINE);
    csv_case c = csv_read_folder(&(bp__ingest_options){.symbols = "C, A"}); /* B is not even looked at */
    CU_ASSERT_TRUE(c.errors == 0 && c.draft.assets.n == 2 && c.draft.assets.row[1].sid == 2);
    csv_end(&c);
    c = csv_read_folder(&(bp__ingest_options){.symbols = "A,NONE"});
    CU_ASSERT_EQUAL(c.status, BP_EINVAL); /* of who asks, not of a file */
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "has no symbol 'NONE'"));
    csv_end(&c);
}

/* The same bundle and the same report, however many threads read. */
static void test_threads(void)
{
    csv_empty();
    for (int i = 0; i < 40; i++) {
        char name[40], text[4000], *p = stpcpy(text, CSV_HEADER);
        snprintf(name, sizeof name, i % 3 ? "daily/S%02d.csv" : "minute/S%02d.csv", i);
        for (int k = 0; k < i + 1; k++)
            p += sprintf(p, "%d,%d,%d,%d,%d,%s\n", 86400 * (12000 + k) + (i % 3 ? 0 : 60 * k), i + 1, i + 1,
                         i + 1, k + 1, i % 5 == 4 && k == 3 ? "x" : "1");
        csv_put(name, text);
    }
    csv_case one =
        csv_read_folder(&(bp__ingest_options){.threads = 1, .keep_going = true, .date_format = "s"});
    CU_ASSERT_TRUE(one.errors == 8 && one.draft.assets.n == 32);
    for (unsigned threads = 2; threads < 40; threads += 7) {
        csv_case c = csv_read_folder(
            &(bp__ingest_options){.threads = threads, .keep_going = true, .date_format = "s"});
        CU_ASSERT_STRING_EQUAL(c.told, one.told);
        CU_ASSERT_STRING_EQUAL(c.draft.origin.content, one.draft.origin.content);
        CU_ASSERT_TRUE(c.draft.assets.n == one.draft.assets.n && c.draft.days.n == one.draft.days.n &&
                       c.draft.calendar.n == one.draft.calendar.n);
        for (size_t i = 0; i < c.draft.assets.n; i++) {
            const int64_t sid = c.draft.assets.row[i].sid;
            for (int f = 0; f < BP__NUM_FRAMES; f++) {
                bp__bar *a, *b;
                const size_t n = csv_bars(&c, f, sid, &a), m = csv_bars(&one, f, sid, &b);
                CU_ASSERT_TRUE(n == m && (n == 0 || memcmp(a, b, n * sizeof *a) == 0));
                free(a);
                free(b);
            }
        }
        csv_end(&c);
    }
    csv_end(&one);
}

static void test_origin(void)
{
    char first[80];
    csv_empty();
    csv_put("daily/A.csv", CSV_HEADER CSV_LINE);
    csv_put("daily/B.csv", CSV_HEADER CSV_LINE);
    csv_case c = csv_read_folder(&(bp__ingest_options){.calendar = "XNYS", .adjusted = true});
    const bp__origin *o = &c.draft.origin;
    CU_ASSERT_TRUE(o->files == 2 && strlen(o->content) == 64);
    /* it does not matter how the folder was typed */
    csv_case slash = csv_read(&bp__csvdir_source, "/", NULL);
    CU_ASSERT_STRING_EQUAL(slash.draft.origin.content, o->content);
    csv_end(&slash);
    struct stat st;
    CU_ASSERT_EQUAL(stat(csv_path("daily/B.csv"), &st), 0);
    CU_ASSERT_EQUAL(o->time, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    strcpy(first, o->content);
    csv_end(&c);
    CU_ASSERT_EQUAL(rename(csv_path("daily/B.csv"), csv_path("daily/C.csv")), 0); /* names count, too */
    c = csv_read_folder(NULL);
    CU_ASSERT_STRING_NOT_EQUAL(c.draft.origin.content, first);
    csv_end(&c);
}

/* Side files ------------------------------------------------------------------------------------ */

static void put_exported(void)
{
    csv_empty();
    csv_put("daily/OLD.csv", CSV_HEADER "2020-01-02,1.5,1.5,1.5,1.5,10\n");
    csv_put("daily/OLD-2.csv", CSV_HEADER "2020-01-06,2.5,2.5,2.5,2.5,100\n");
    csv_put("daily/NONE.csv", CSV_HEADER);
    csv_put("assets.csv",
            "sid,symbol,name,exchange,currency,start_date,end_date,first_traded,auto_close_date,file,"
            "price_factor,volume_factor,"
            "minute_price_factor,minute_volume_factor\n"
            "7,OLD,\"Old, Inc.\",NYSE,USD,2020-01-02,2020-01-03,,2020-01-04,,1000,1,,\n"
            "3,OLD,Second,NYSE,EUR,2020-01-05,2020-01-06,2020-01-06,,OLD-2,100,0.1,0,0\n"
            "9,NONE,,,,,,,,,,,,\n"
            "11,EMPTY,,,,,,,,,1000,1,,\n");
    csv_put("symbols.csv",
            "sid,symbol,start_date,end_date\n7,OLD,2020-01-02,2020-01-03\n3,OLD,2020-01-05,2020-01-06\n"
            "3,NEW,2020-01-07,\n");
    csv_put("adjustments.csv",
            "kind,sid,effective_date,ex_date,declared_date,record_date,pay_date,payment_sid,ratio,amount\n"
            "split,7,2020-01-03,,,,,,0.5,\nmerger,7,2020-01-03,,,,,,0.75,\n"
            "dividend_ratio,7,2020-01-03,,,,,,0.99,\n"
            "dividend,7,,2020-01-03,2020-01-01,,2020-02-01,,,0.1\nstock_dividend,3,,2020-01-06,,,,7,0.2,\n");
    csv_put("sessions.csv",
            "session,market_open,market_close,daily\n2020-01-02,2020-01-02T14:30:00Z,2020-01-02T21:00:00Z,1\n"
            "2020-01-03,,,1\n2020-01-06,,,2\n2020-01-07,,,0\n");
    csv_put("bundle.csv", "key,value\ncalendar_name,24/7\nschema_version,v1\ncountry,CA\n");
}

static void test_side_files(void)
{
    put_exported();
    csv_case c = csv_read_folder(NULL);
    const bp__draft *d = &c.draft;
    if (c.errors) printf("%s", c.told);
    CU_ASSERT_TRUE_FATAL(c.status == BP_OK && c.errors == 0 && d->assets.n == 4);
    const bp__draft_asset *a = d->assets.row;
    CU_ASSERT_TRUE(a[0].sid == 3 && a[1].sid == 7 && a[2].sid == 9);
    CU_ASSERT_STRING_EQUAL(a[1].name, "Old, Inc.");
    CU_ASSERT_TRUE(strcmp(a[0].currency, "EUR") == 0 && strcmp(a[2].currency, "XXX") == 0 &&
                   *a[2].exchange == '\0');
    CU_ASSERT_TRUE(a[1].end_date == csv_ns("2020-01-03") && a[1].auto_close_date == csv_ns("2020-01-04"));
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 3, 0, BP__CLOSE), 2.5);
    CU_ASSERT_EQUAL(d->mappings.n, 3);
    CU_ASSERT_STRING_EQUAL(d->mappings.row[1].symbol, "NEW");
    CU_ASSERT_TRUE(d->ratios[BP__SPLITS].n == 1 && d->ratios[BP__MERGERS].n == 1 &&
                   d->ratios[BP__DIVIDENDS].n == 1);
    CU_ASSERT_TRUE(d->payouts.n == 1 && d->payouts.row[0].declared_date == csv_ns("2020-01-01") &&
                   d->payouts.row[0].record_date == BP_TIME_MISSING && d->payouts.row[0].amount == 0.1);
    CU_ASSERT_TRUE(d->stocks.n == 1 && d->stocks.row[0].payment_sid == 7 && d->stocks.row[0].ratio == 0.2);
    CU_ASSERT_TRUE(d->days.n == 3 &&
                   d->days.row[1] == csv_ns("2020-01-03")); /* nothing traded, and yet a session */
    CU_ASSERT_TRUE(d->calendar.n == 3 && d->calendar.row[0].market_open == csv_ns("2020-01-02T14:30:00"));
    CU_ASSERT_TRUE(strcmp(d->calendar_name, "24/7") == 0 && strcmp(d->country, "CA") == 0);
    const size_t row = bp__draft_find_series(d, BP__DAILY, 3);
    CU_ASSERT_TRUE(d->series[BP__DAILY].row[row].factor[BP__PRICE] == 100 &&
                   d->series[BP__DAILY].row[row].factor[BP__AMOUNT] == 0.1);
    CU_ASSERT_TRUE(bp__draft_find_series(d, BP__DAILY, 9) != SIZE_MAX); /* there, without a bar */
    CU_ASSERT_TRUE(bp__draft_find_series(d, BP__DAILY, 11) != SIZE_MAX &&
                   bp__draft_find_series(d, BP__MINUTE, 11) == SIZE_MAX);
    CU_ASSERT_TRUE(csv_told(&c, "note: DIR/assets.csv: assets without a file of bars (1)"));
    CU_ASSERT_EQUAL(d->origin.files, 8);
    csv_end(&c);
}

static void side_error(const char *file, const char *text, const char *told)
{
    put_exported();
    csv_put(file, text);
    csv_case c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(&c, told));
    CU_ASSERT_TRUE(c.errors > 0 || bp__failed(c.status));
    csv_end(&c);
}

static void test_bad_side_files(void)
{
    side_error("assets.csv", "sid,name\n1,x\n",
               "failed: DIR/assets.csv:1: the header has no column 'symbol'");
    side_error("assets.csv", "sid,symbol\nx,OLD\n",
               "error: DIR/assets.csv:2: column 'sid': 'x' is not a whole number");
    side_error("assets.csv", "sid,symbol\n1,OLD\n2,NONE\n",
               "error: DIR/daily/OLD-2.csv: assets.csv has no asset with a file of");
    side_error("assets.csv", "sid,symbol\n1,OLD\n2,OLD\n",
               "error: DIR: assets.csv: two assets have files of the name 'OLD'");
    side_error("assets.csv", "sid,symbol,start_date\n1,OLD,yesterday\n",
               "error: DIR/assets.csv:2: column 'start_date': 'yesterday'");
    side_error("assets.csv", "sid,symbol,price_factor\n1,OLD,-1\n",
               "error: DIR/assets.csv:2: column 'price_factor': a factor of -1");
    side_error("assets.csv", "sid,symbol,price_factor\n1,OLD,1\n2,NONE,\n3,OLD-2,\n",
               "error: DIR/daily/OLD.csv:2: column 'open': no scaling factor keeps the price 1.5");
    side_error(
        "assets.csv", "sid,symbol,price_factor,volume_factor\n1,OLD,,0.001\n2,NONE,,\n3,OLD-2,,\n",
        "error: DIR/daily/OLD.csv:2: column 'volume': the volume_factor of assets.csv does not keep the "
        "volume 10");
    side_error("assets.csv", "sid,symbol,file\n1,OLD,OLD\n2,NONE,NONE\n1,OLD-2,OLD-2\n",
               "error: DIR/assets.csv:4: column 'sid': 1 is that of line 2 already");
    side_error("assets.csv", "sid,symbol,start_date,end_date\n1,OLD,2020-01-03,2020-01-02\n",
               "error: DIR/assets.csv:2: the asset ends on 2020-01-02, before it starts on 2020-01-03");
    side_error("symbols.csv", "sid,symbol,start_date,end_date\n99,X,,\n",
               "error: DIR/symbols.csv:2: column 'sid': no asset has 99");
    side_error("symbols.csv", "sid,symbol,start_date,end_date\n7,X,2020-01-03,2020-01-02\n",
               "error: DIR/symbols.csv:2: sid 7 has the symbol until 2020-01-02");
    side_error("symbols.csv", "sid,symbol,start_date,end_date\n7,\1,,\n",
               "error: DIR/symbols.csv:2: column 'symbol': a symbol that has a control character");
    side_error("adjustments.csv", "kind,sid,effective_date,ratio\nsplit,7,2020-01-03,0\n",
               "error: DIR/adjustments.csv:2: a ratio above 0 and an effective_date are wanted");
    /* no session has a time of day; no asset has sid 8, nor does a sid beyond int64; what is not said is not 0 */
    side_error("adjustments.csv", "kind,sid,effective_date,ratio\nmerger,7,2020-01-03 10:00,0.5\n",
               "error: DIR/adjustments.csv:2: column 'effective_date': '2020-01-03 10:00' is no day");
    side_error("adjustments.csv", "kind,sid,ex_date,amount\ndividend,7,2020-01-03T00:00:01,1\n",
               "error: DIR/adjustments.csv:2: column 'ex_date': '2020-01-03T00:00:01' is no day");
    side_error("adjustments.csv",
               "kind,sid,ex_date,pay_date,amount\ndividend,7,2020-01-03,2020-02-01 23:59,1\n",
               "error: DIR/adjustments.csv:2: column 'pay_date': '2020-02-01 23:59' is no day");
    side_error("adjustments.csv",
               "kind,sid,effective_date,ratio\nsplit,7,2020-01-03,0.5\nsplit,8,2020-01-03,0.5\n",
               "error: DIR/adjustments.csv:3: column 'sid': there is no asset of sid 8");
    side_error("adjustments.csv", "kind,sid,effective_date,ratio\nsplit,7,2020-01-03,\n",
               "error: DIR/adjustments.csv:2: a ratio above 0 and an effective_date are wanted");
    side_error("adjustments.csv", "kind,sid,ex_date,amount\ndividend,7,2020-01-03,\n",
               "error: DIR/adjustments.csv:2: an amount that is not negative and an ex_date are wanted");
    side_error("adjustments.csv", "kind,sid,ex_date,payment_sid,ratio\nstock_dividend,7,2020-01-03,,0.1\n",
               "error: DIR/adjustments.csv:2: a ratio above 0, a payment_sid and an ex_date are wanted");
    side_error("adjustments.csv", "kind,sid,ex_date\nsplitt,7,2020-01-03\n",
               "error: DIR/adjustments.csv:2: column 'kind': 'splitt'");
    side_error("adjustments.csv", "kind,sid\nsplit\n",
               "error: DIR/adjustments.csv:2: 1 fields, the header has 2");
    side_error("sessions.csv", "session\n2020-01-02\n",
               "error: DIR: sessions.csv has no session 2020-01-06, on which there are bars");
    side_error("sessions.csv", "session\n2020-01-02 09:30\n",
               "error: DIR/sessions.csv:2: column 'session': not a day");
    side_error("sessions.csv", "session,daily\n2020-01-02,4\n",
               "error: DIR/sessions.csv:2: column 'daily': '4' is none of 0");
    side_error("bundle.csv", "key,value\ncountry,a/b\n", "error: DIR/bundle.csv:2: the value of 'country'");
    side_error("bundle.csv", "key,value\ncountry,US\nschema_version,v2\n",
               "error: DIR/bundle.csv:3: schema_version 'v2' is not supported, only v1");
    side_error("bundle.csv", "key,value\nschema_version,\n",
               "error: DIR/bundle.csv:2: schema_version '' is not supported, only v1");
}

/* A file that says that it is another asset's goes by its name, with a warning. */
static void test_other_symbol(void)
{
    static const struct {
        const char *file, *text;
        bool warned;
    } cases[] = {
        {"AAPL",
         "Symbol,date,open,high,low,close,volume\nMSFT,2020-01-02,1,1,1,1,1\nMSFT,2020-01-03,1,1,1,1,1\n",
         true},
        {"AAPL", "Ticker,date,open,high,low,close,volume\n,2020-01-02,1,1,1,1,1\nAAP,2020-01-03,1,1,1,1,1\n",
         true},
        {"AAPL",
         "Price,Close,High,Low,Open,Volume\nTicker,MSFT,MSFT,MSFT,MSFT,MSFT\nDate,,,,,\n2020-01-02,1,1,1,1,1\n",
         true},
        {"AAPL",
         "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n2020-01-02,1,1,1,1,1\n",
         false},
        {"BRK-B", "symbol,date,open,high,low,close,volume\nbrk.b,2020-01-02,1,1,1,1,1\n", false},
        {"BRKB", "symbol,date,open,high,low,close,volume\nBRK/B,2020-01-02,1,1,1,1,1\n", false},
        {"AAPL", "ticker,date,open,high,low,close,volume\nAAPL.US,2020-01-02,1,1,1,1,1\n", false},
        {"AAPL_daily", "ticker,date,open,high,low,close,volume\nAAPL,2020-01-02,1,1,1,1,1\n", false},
        {"AAPL", "isin,date,open,high,low,close,volume\nUS0378331005,2020-01-02,1,1,1,1,1\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64], text[96];
        csv_empty();
        snprintf(name, sizeof name, "daily/%s.csv", cases[i].file);
        csv_put(name, cases[i].text);
        csv_case c = csv_read_folder(NULL);
        CU_ASSERT_EQUAL(c.errors, 0);
        snprintf(text, sizeof text, "its name '%s', by which it goes", cases[i].file);
        CU_ASSERT_EQUAL(csv_count(&c, text), cases[i].warned);
        csv_end(&c);
    }
}

/* Without assets.csv sids are those of the symbols; an asset that is not wanted is known all the same. */
static void test_sids_of_symbols(void)
{
    csv_empty();
    csv_put("daily/A.csv", CSV_HEADER "2020-01-02,1,1,1,1,1\n2020-01-03,1,1,1,1,1\n");
    csv_put("daily/B.csv", CSV_HEADER "2020-01-02,1,1,1,1,1\n2020-01-03,1,1,1,1,1\n");
    csv_put("adjustments.csv",
            "kind,sid,effective_date,ratio\nsplit,0,2020-01-03,0.5\nsplit,1,2020-01-03,0.25\n");
    csv_case c = csv_read_folder(&(bp__ingest_options){.symbols = "B"});
    CU_ASSERT_EQUAL(c.errors, 0);
    CU_ASSERT_EQUAL_FATAL(c.draft.ratios[BP__SPLITS].n, 1);
    CU_ASSERT_EQUAL(c.draft.ratios[BP__SPLITS].row[0].ratio, 0.25);
    csv_end(&c);
    csv_put("adjustments.csv",
            "kind,sid,effective_date,ratio\nsplit,2,2020-01-03,0.5\nsplit,-1,2020-01-03,1\n");
    c = csv_read_folder(NULL);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/adjustments.csv:2: column 'sid': there is no asset of sid 2"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/adjustments.csv:3: column 'sid': there is no asset of sid -1"));
    csv_end(&c);
}

int main(int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    data_folder = argc > 1 ? argv[1] : "";
    const bool have_data = *data_folder && access(data_folder, R_OK) == 0;
    CU_pSuite suite = CU_add_suite("csvdir", NULL, NULL);
    if (have_data) {
        CU_add_test(suite, "zipline's csvdir", test_zipline);
        CU_add_test(suite, "minute bars", test_eqker);
    }
    CU_add_test(suite, "names", test_names);
    CU_add_test(suite, "files in the folder itself", test_flat);
    CU_add_test(suite, "two files of one symbol", test_twins);
    CU_add_test(suite, "selection", test_selection);
    CU_add_test(suite, "threads", test_threads);
    CU_add_test(suite, "origin", test_origin);
    CU_add_test(suite, "side files", test_side_files);
    CU_add_test(suite, "sids of symbols", test_sids_of_symbols);
    CU_add_test(suite, "files that name another asset", test_other_symbol);
    CU_add_test(suite, "bad side files", test_bad_side_files);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    csv_remove();
    if (failures) return 1;
    if (!have_data) {
        printf("skipped: zipline's and eqker's data, as there is no folder '%s'\n", data_folder);
        return 77;
    }
    return 0;
}
