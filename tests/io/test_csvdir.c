/* Ingest of csvdir folders: zipline's own data, made-up ones, and every kind of bad line. argv[1]: shared
 * test data. */
#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/direct.h"
#include "io/hdf5/h5read.h"
#include "io/ingest/csvdir.h"

static const char *data_folder;
static char folder[] = "/tmp/test_csvdir.XXXXXX";

/* A folder of files that are removed with it ---------------------------------------------------- */

static const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_bytes(const char *name, const char *bytes, size_t size)
{
    FILE *f = fopen(in_folder(name), "wb");
    CU_ASSERT_FATAL(f != NULL);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, f), size);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void put_gzip(const char *name, const char *text)
{
    gzFile f = gzopen(in_folder(name), "wb");
    CU_ASSERT_FATAL(f != NULL);
    CU_ASSERT_EQUAL(gzwrite(f, text, (unsigned)strlen(text)), (int)strlen(text));
    CU_ASSERT_EQUAL(gzclose(f), Z_OK);
}

static void make_folders(void)
{
    CU_ASSERT_EQUAL(mkdir(in_folder("daily"), 0777), 0);
    CU_ASSERT_EQUAL(mkdir(in_folder("minute"), 0777), 0);
}

static void empty_folders(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/daily %s/minute", folder, folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static bp_status ingest(const char *dir, bp__draft *d)
{
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(d, "csv"), BP_OK);
    return bp__csvdir_read(dir, NULL, NULL, d);
}

/* Real data ------------------------------------------------------------------------------------- */

static void test_zipline(void)
{
    static const char *const symbols[4] = {"AAPL", "IBM", "KO", "MSFT"};
    char dir[512], root[512];
    bp__draft d;
    const bp_bundle *b = NULL;
    snprintf(dir, sizeof dir, "%s/zipline/csvdir", data_folder);
    snprintf(root, sizeof root, "%s/zipline", data_folder);
    CU_ASSERT_EQUAL_FATAL(ingest(dir, &d), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__direct_load(bp__h5_loader(), root, "zipline_daily_csvdir", &b), BP_OK);

    /* the integers that zipline's own writer stored */
    CU_ASSERT_TRUE_FATAL(d.num_sids == bp_bundle_num_assets(b) &&
                         d.num_sessions == bp_bundle_num_sessions(b));
    CU_ASSERT_EQUAL(memcmp(d.sid, bp_bundle_sids(b), d.num_sids * 8), 0);
    CU_ASSERT_EQUAL(memcmp(d.day, bp_bundle_sessions(b), d.num_sessions * 8), 0);
    int wrong = 0;
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const double *x = bp_bundle_daily(b, (bp_column)(BP_COL_OPEN + f));
        const double scale = f == BP__VOLUME ? 1 : 1.0 / 1000;
        for (size_t i = 0; i < d.num_sids * d.num_sessions; i++) wrong += x[i] != d.daily[f][i] * scale;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    bp_bundle_release(&b);

    CU_ASSERT_EQUAL_FATAL(d.assets.n, 4);
    for (size_t i = 0; i < 4; i++) {
        const bp__draft_asset *a = &d.assets.row[i];
        CU_ASSERT_STRING_EQUAL(a->symbol, symbols[i]);
        CU_ASSERT_STRING_EQUAL(a->exchange, "CSVDIR");
        CU_ASSERT_TRUE(a->start_date == d.day[0] && a->end_date == d.day[753] && a->first_traded == d.day[0]);
        CU_ASSERT_EQUAL(a->auto_close_date, d.day[753] + BP_NS_PER_DAY);
    }
    /* AAPL 7:1 on 2014-06-09, KO 2:1 on 2012-08-13; 10, 12, 12 and 12 dividends */
    CU_ASSERT_EQUAL_FATAL(d.ratios[BP__SPLITS].n, 2);
    const bp__draft_ratio *split = d.ratios[BP__SPLITS].row;
    CU_ASSERT_TRUE(split[0].sid == 0 && split[0].effective_date == 16230 * BP_NS_PER_DAY &&
                   split[0].ratio == 1.0 / 7);
    CU_ASSERT_TRUE(split[1].sid == 2 && split[1].effective_date == 15565 * BP_NS_PER_DAY &&
                   split[1].ratio == 0.5);
    CU_ASSERT_EQUAL(d.payouts.n, 10 + 12 + 12 + 12);
    CU_ASSERT_EQUAL(d.ratios[BP__DIVIDENDS].n, d.payouts.n);
    for (size_t i = 0; i < d.payouts.n; i++) {
        const bp__draft_payout *p = &d.payouts.row[i];
        const bp__draft_ratio *r = &d.ratios[BP__DIVIDENDS].row[i];
        size_t t = 0;
        while (d.day[t] < p->ex_date) t++;
        double close = d.daily[BP__CLOSE][(size_t)p->sid * 754 + t - 1] * (1.0 / 1000);
        CU_ASSERT_TRUE(r->sid == p->sid && r->effective_date == p->ex_date &&
                       r->ratio == 1.0 - p->amount / close);
        CU_ASSERT_TRUE(p->declared_date == BP_TIME_MISSING && p->pay_date == BP_TIME_MISSING);
    }
    bp__draft_fini(&d);
}

/* Minute bars: as many as the files have lines, and the first and last of one of them. */
static void test_eqker(void)
{
    char dir[512];
    bp__draft d;
    snprintf(dir, sizeof dir, "%s/eqker", data_folder);
    CU_ASSERT_EQUAL_FATAL(ingest(dir, &d), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_check(&d), BP_OK);
    CU_ASSERT_EQUAL_FATAL(d.minutes.n, 8);
    for (size_t i = 0; i < 8; i++) {
        char path[600], line[256];
        size_t lines = 0;
        snprintf(path, sizeof path, "%s/minute/%s.csv", dir, d.assets.row[i].symbol);
        FILE *f = fopen(path, "r");
        CU_ASSERT_FATAL(f != NULL);
        while (fgets(line, sizeof line, f)) lines++;
        fclose(f);
        size_t end = i + 1 < 8 ? d.minutes.row[i + 1].first : d.bars.n;
        CU_ASSERT_EQUAL(end - d.minutes.row[i].first, lines - 1);
        CU_ASSERT_EQUAL(d.minutes.row[i].sid, (int64_t)i);
    }
    const bp__draft_bar *bar = &d.bars.row[0]; /* AAPL 2019-02-11 09:31:00,171.14,171.2,170.7,170.97,619925 */
    CU_ASSERT_EQUAL(bar->dt, 17938 * BP_NS_PER_DAY + 571 * INT64_C(60000000000));
    CU_ASSERT_TRUE(bar->value[0] == 171140 && bar->value[1] == 171200 && bar->value[2] == 170700);
    CU_ASSERT_TRUE(bar->value[3] == 170970 && bar->value[4] == 619925);
    bp__draft_fini(&d);
}

/* Made-up data ---------------------------------------------------------------------------------- */

static void test_forms(void)
{
    bp__draft d;
    make_folders();
    /* a byte order mark, CRLF, another order, a column of no interest, blanks, missing values */
    put("daily/B.csv", "\xef\xbb\xbfVolume,close, Date ,open,high,low,note\r\n"
                       "10, 1.5 ,2020-01-02,1.25,1.75,1,x\r\n"
                       "\r\n"
                       ",,2020-01-06,nan,NaN, ,\r\n"
                       "2e3,2.0625,2020-01-07T00:00:00Z,2,3,1,\r\n\r\n");
    /* no end of the last line; a reverse split, and a dividend without a close before it */
    put_gzip("daily/A-1.csv.gz", "date,open,high,low,close,volume,dividend,split\n"
                                 "1969-12-31,1,1,1,1,1,0.5,1\n"
                                 "2020-01-06,4,4,4,4,1,0,0.25\n"
                                 "2020-01-07,4,4,4,4,1,1,0");
    put("daily/README.txt", "not looked at");
    put("daily/.hidden.csv", "not looked at");
    put("minute/C.csv",
        "date,open,high,low,close,volume\n1970-01-01 00:01,1,1,1,1,1\n2020-01-08 14:31:05,2,2,2,2,2\n");
    CU_ASSERT_EQUAL_FATAL(ingest(folder, &d), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_check(&d), BP_OK);

    CU_ASSERT_EQUAL_FATAL(d.assets.n, 3);
    CU_ASSERT_STRING_EQUAL(d.assets.row[0].symbol, "A-1");
    CU_ASSERT_STRING_EQUAL(d.assets.row[1].symbol, "B");
    CU_ASSERT_STRING_EQUAL(d.assets.row[2].symbol, "C");
    CU_ASSERT_TRUE_FATAL(d.num_sids == 2 && d.num_sessions == 4);
    CU_ASSERT_EQUAL(d.day[0], -BP_NS_PER_DAY);
    CU_ASSERT_EQUAL(d.calendar.n, 6); /* the days of the minute bars, too */
    const uint32_t close[8] = {1000, 0, 4000, 4000, 0, 1500, 0, 2062};
    CU_ASSERT_EQUAL(memcmp(d.daily[BP__CLOSE], close, sizeof close), 0);
    CU_ASSERT_EQUAL(d.daily[BP__VOLUME][7], 2000);
    int64_t first, last;
    bp__draft_lifetime(&d, 1, &first, &last);
    CU_ASSERT_TRUE(first == 1 && last == 3);
    CU_ASSERT_EQUAL(d.ratios[BP__SPLITS].n, 1);
    CU_ASSERT_EQUAL(d.ratios[BP__SPLITS].row[0].ratio, 4);
    CU_ASSERT_EQUAL(d.payouts.n, 2);
    CU_ASSERT_EQUAL(d.ratios[BP__DIVIDENDS].n, 1);
    CU_ASSERT_EQUAL(d.ratios[BP__DIVIDENDS].row[0].ratio, 0.75);
    CU_ASSERT_TRUE(d.minutes.n == 1 && d.minutes.row[0].sid == 2 && d.bars.n == 2);
    CU_ASSERT_EQUAL(d.bars.row[0].dt, INT64_C(60000000000));
    CU_ASSERT_EQUAL(d.assets.row[2].start_date, 0);
    bp__draft_fini(&d);
    empty_folders();
}

static void test_minute_only(void)
{
    bp__draft d;
    CU_ASSERT_EQUAL(mkdir(in_folder("minute"), 0777), 0);
    put("minute/A.csv", "date,open,high,low,close,volume\n2020-01-08 14:31:00,2,2,2,2,2\n");
    CU_ASSERT_EQUAL(ingest(folder, &d), BP_OK);
    CU_ASSERT_TRUE(d.num_sids == 0 && d.assets.n == 1 && d.bars.n == 1 && d.calendar.n == 1);
    bp__draft_fini(&d);
    empty_folders();
}

/* Bad data -------------------------------------------------------------------------------------- */

static void expect(bp_status code, const char *text)
{
    bp__draft d;
    CU_ASSERT_EQUAL(ingest(folder, &d), code);
    if (!strstr(bp_error_text(), text)) {
        printf("\n'%s' is not in '%s'\n", text, bp_error_text());
        CU_FAIL("another text");
    }
    bp__draft_fini(&d);
}

#define HEADER "date,open,high,low,close,volume\n"
#define LINE   "2020-01-02,1,1,1,1,1\n"

static void test_bad_lines(void)
{
    static const struct {
        bp_status code;
        const char *file, *expected;
    } cases[] = {
        {BP_EFORMAT, "", ":1: the file is empty"},
        {BP_EFORMAT, "\n\n", ":1: the file is empty"},
        {BP_EFORMAT, HEADER, ":1: no row"},
        {BP_EFORMAT, "date,open,high,low,volume\n", ":1: the header has no column 'close'"},
        {BP_EFORMAT, "date,open,high,low,close,volume,close\n", ":1: column 'close' is there twice"},
        {BP_EFORMAT, HEADER LINE "2020-01-03,1,1,1,1\n", ":3: 5 fields, the header has 6"},
        {BP_EFORMAT, HEADER LINE "2020-01-03,1,1,1,1,1,\n", ":3: 7 fields"},
        {BP_EFORMAT, HEADER LINE "\n2020-01-03,1,1,x,1,1\n", ":4: column 'low': 'x' is not a number"},
        {BP_EFORMAT, HEADER "2020-01-03,1,1,1,1 2,1\n", ":2: column 'close': '1 2' is not a number"},
        {BP_EFORMAT, HEADER "2020-01-03,0x10,1,1,1,1\n", ":2: column 'open'"},
        {BP_EFORMAT, HEADER "2020-01-03,inf,1,1,1,1\n", ":2: column 'open'"},
        {BP_EFORMAT, HEADER "2020-01-03,1e999,1,1,1,1\n", ":2: column 'open'"},
        {BP_EFORMAT, HEADER "2020-02-30,1,1,1,1,1\n", ":2: date '2020-02-30'"},
        {BP_EFORMAT, HEADER "2019-02-29,1,1,1,1,1\n", ":2: date '2019-02-29'"},
        {BP_EFORMAT, HEADER "01/02/2020,1,1,1,1,1\n", ":2: date '01/02/2020' is not of the form YYYY-MM-DD"},
        {BP_EFORMAT, HEADER "2020-1-2,1,1,1,1,1\n", ":2: date"},
        {BP_EFORMAT, HEADER ",1,1,1,1,1\n", ":2: date ''"},
        {BP_EFORMAT, HEADER "1020-01-02,1,1,1,1,1\n", ":2: date"},
        {BP_EFORMAT, HEADER "2020-01-02 09:30:00,1,1,1,1,1\n",
         ":2: date '2020-01-02 09:30:00' of a daily bar"},
        {BP_EFORMAT, HEADER LINE LINE, ":3: date '2020-01-02' is there twice"},
        {BP_EFORMAT, HEADER LINE "2020-01-01,1,1,1,1,1\n", ":3: date '2020-01-01' is earlier"},
        {BP_ERANGE, HEADER LINE "2020-01-03,1,4294967.5,1,1,1\n",
         ":3: column 'high': price 4294967.5 is out of range"},
        {BP_ERANGE, HEADER "2020-01-03,-1,1,1,1,1\n", ":2: column 'open': price -1 is out of range"},
        {BP_ERANGE, HEADER "2020-01-03,1,1,1,1,4294967296\n",
         ":2: column 'volume': volume 4294967296 is out of"},
        {BP_EFORMAT, "date,open,high,low,close,volume,split\n2020-01-02,1,1,1,1,1,-2\n", ":2: the split"},
        {BP_EFORMAT, "date,open,high,low,close,volume,dividend\n2020-01-02,1,1,1,1,1,-2\n",
         ":2: the dividend"},
    };
    make_folders();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        put("daily/X.csv", cases[i].file);
        snprintf(text, sizeof text, "/daily/X.csv%s", cases[i].expected);
        expect(cases[i].code, text);
    }
    put_bytes("daily/X.csv", HEADER LINE "2020\0\n", sizeof(HEADER LINE "2020\0\n") - 1);
    expect(BP_EFORMAT, "/daily/X.csv:3: a NUL byte");
    put("daily/X.csv", HEADER LINE);
    put("minute/X.csv", HEADER "2020-01-02 09:61:00,1,1,1,1,1\n");
    expect(BP_EFORMAT, "/minute/X.csv:2: date '2020-01-02 09:61:00' is not of the form YYYY-MM-DD HH:MM:SS");
    empty_folders();
}

static void test_bad_files(void)
{
    char bytes[4096];
    bp__draft d;
    CU_ASSERT_EQUAL(ingest(in_folder("missing"), &d), BP_ENOTFOUND);
    bp__draft_fini(&d);
    expect(BP_ENOTFOUND, "neither a folder 'daily' nor a folder 'minute'");
    make_folders();
    expect(BP_ENOTFOUND, "no SYMBOL.csv");
    CU_ASSERT_EQUAL(mkfifo(in_folder("daily/X.csv"), 0666), 0);
    expect(BP_EFORMAT, "/daily/X.csv: not a regular file");
    CU_ASSERT_EQUAL(unlink(in_folder("daily/X.csv")), 0);
    put("daily/X.csv", HEADER LINE);
    put_gzip("daily/X.csv.gz", HEADER LINE);
    expect(BP_EFORMAT, "the same symbol as");
    CU_ASSERT_EQUAL(unlink(in_folder("daily/X.csv")), 0);

    FILE *f = fopen(in_folder("daily/X.csv.gz"), "rb"); /* cut in the middle, then damaged */
    CU_ASSERT_FATAL(f != NULL);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    put_bytes("daily/X.csv.gz", bytes, n - 10);
    expect(BP_EFORMAT, "/daily/X.csv.gz: damaged gzip");
    bytes[n / 2] ^= 0x55;
    put_bytes("daily/X.csv.gz", bytes, n);
    expect(BP_EFORMAT, "/daily/X.csv.gz: damaged gzip");
    empty_folders();
    put("daily", "a file");
    expect(BP_EIO, "/daily: cannot be opened as a folder");
    empty_folders();
}

int main(int argc, char **argv)
{
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS) return 1;
    data_folder = argc > 1 ? argv[1] : "";
    bool have_data = *data_folder && access(data_folder, R_OK) == 0;
    CU_pSuite suite = CU_add_suite("csvdir", NULL, NULL);
    if (have_data) {
        CU_add_test(suite, "zipline's csvdir", test_zipline);
        CU_add_test(suite, "minute bars", test_eqker);
    }
    CU_add_test(suite, "forms", test_forms);
    CU_add_test(suite, "minute only", test_minute_only);
    CU_add_test(suite, "bad lines", test_bad_lines);
    CU_add_test(suite, "bad files", test_bad_files);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    rmdir(folder);
    if (failures) return 1;
    if (!have_data) {
        printf("skipped: zipline's and eqker's data, as there is no folder '%s'\n", data_folder);
        return 77;
    }
    return 0;
}
