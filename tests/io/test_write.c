/* Writing bundle files: what is written is read back, and a failure leaves the old file alone. */
#include <CUnit/Basic.h>
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/direct.h"
#include "io/hdf5/h5read.h"
#include "io/hdf5/h5write.h"
#include "io/ingest/demo.h"

#define DAY(n) ((n)*BP_NS_PER_DAY)

static char folder[] = "/tmp/test_write.XXXXXX";

static const char *in_folder(const char *name)
{
    static _Thread_local char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A draft with a bit of everything: sids 3, 5 (without any bar) and 9, four sessions. */
static void make_draft(bp__draft *d, const char *name)
{
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(d, name), BP_OK);
    strcpy(d->calendar_name, "XNYS");
    CU_ASSERT_EQUAL_FATAL(bp__draft_set_daily(d, 3, 4), BP_OK);
    const int64_t sids[] = {3, 5, 9};
    memcpy(d->sid, sids, sizeof sids);
    for (int t = 0; t < 4; t++) {
        d->day[t] = DAY(14613 + t);
        bp__draft_session s = {d->day[t], d->day[t] + 52200000000000, d->day[t] + 75600000000000};
        CU_ASSERT_EQUAL(bp__draft_add_session(d, &s), BP_OK);
    }
    for (uint32_t f = 0; f < BP__NUM_FIELDS; f++) {
        for (uint32_t t = 1; t < 3; t++) d->daily[f][t] = 1000 * (t + 1) + f;
        for (uint32_t t = 0; t < 4; t++) d->daily[f][8 + t] = UINT32_MAX - 10 * t - f;
    }
    static const char *const symbols[] = {"ABC", "Zürich", "東京"};
    for (int i = 0; i < 3; i++) {
        bp__draft_asset a = {.sid = sids[i],
                             .symbol = (char *)(uintptr_t)symbols[i],
                             .name = "Some \"Name\"",
                             .exchange = "",
                             .start_date = d->day[0],
                             .end_date = d->day[3],
                             .first_traded = BP_TIME_MISSING,
                             .auto_close_date = d->day[3] + DAY(1)};
        CU_ASSERT_EQUAL(bp__draft_add_asset(d, &a), BP_OK);
        CU_ASSERT_EQUAL(
            bp__draft_add_mapping(d, &(bp__draft_mapping){a.sid, a.symbol, a.start_date, a.end_date}), BP_OK);
    }
    CU_ASSERT_EQUAL(bp__draft_add_ratio(d, BP__SPLITS, &(bp__draft_ratio){9, d->day[2], 0.5}), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_ratio(d, BP__MERGERS, &(bp__draft_ratio){3, d->day[3], 0.25}), BP_OK);
    bp__draft_payout payout = {3, d->day[2], d->day[0], BP_TIME_MISSING, d->day[3], 0.5};
    CU_ASSERT_EQUAL(bp__draft_add_dividend(d, 0, 2, &payout), BP_OK);
    payout.ex_date = d->day[3]; /* more than the close before: a payout, but no ratio */
    payout.amount = 100;
    CU_ASSERT_EQUAL(bp__draft_add_dividend(d, 0, 3, &payout), BP_OK);
    bp__draft_stock stock = {9, d->day[1], d->day[0], d->day[1], d->day[2], 3, 0.125};
    CU_ASSERT_EQUAL(bp__draft_add_stock(d, &stock), BP_OK);
    for (int64_t sid = 3; sid <= 9; sid += 6) {
        CU_ASSERT_EQUAL(bp__draft_add_minute(d, sid), BP_OK);
        for (uint32_t m = 0; m < 3; m++) {
            bp__draft_bar bar = {d->day[1] + m * 60000000000, {1 + m, 2 + m, m, (uint32_t)sid, 7 * m}};
            CU_ASSERT_EQUAL(bp__draft_add_bar(d, &bar), BP_OK);
        }
    }
}

static const void *column(const bp_bundle *b, bp_column c, uint64_t rows)
{
    bp_array a = {0};
    CU_ASSERT_TRUE(bp_bundle_column(b, c, &a));
    CU_ASSERT_EQUAL_FATAL(a.shape[0], rows);
    return a.data;
}

static const bp_bundle *write_and_load(const bp__draft *d, bp__write_filter filter)
{
    char file[128];
    const bp_bundle *b = NULL;
    snprintf(file, sizeof file, "%s.h5", d->bundle_name);
    CU_ASSERT_EQUAL_FATAL(bp__h5_write(d, in_folder(file), filter), BP_OK);
    if (bp__direct_load(bp__h5_loader(), folder, d->bundle_name, &b) != BP_OK)
        printf("%s\n", bp_error_text());
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT_EQUAL(bp__image_selfcheck(b->image, b->image->bytes), BP_OK);
    return b;
}

/* Every bar of a bundle is the draft's, decoded. */
static void check_bars(const bp__draft *d, const bp_bundle *b)
{
    const size_t cells = d->num_sids * d->num_sessions;
    int wrong = 0;
    CU_ASSERT_EQUAL_FATAL(bp_bundle_num_assets(b), d->num_sids);
    CU_ASSERT_EQUAL_FATAL(bp_bundle_num_sessions(b), d->num_sessions);
    CU_ASSERT_EQUAL(memcmp(bp_bundle_sids(b), d->sid, d->num_sids * 8), 0);
    CU_ASSERT_EQUAL(memcmp(bp_bundle_sessions(b), d->day, d->num_sessions * 8), 0);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const double *x = bp_bundle_daily(b, (bp_column)(BP_COL_OPEN + f));
        const double *y = column(b, (bp_column)(BP_COL_MINUTE_OPEN + f), d->bars.n);
        double scale = f == BP__VOLUME ? 1 : 1.0 / 1000;
        for (size_t i = 0; i < cells; i++) {
            uint32_t v = d->daily[f][i];
            wrong += v == 0 && f != BP__VOLUME ? !isnan(x[i]) : x[i] != v * scale;
        }
        for (size_t k = 0; k < d->bars.n; k++) {
            uint32_t v = d->bars.row[k].value[f];
            wrong += v == 0 && f != BP__VOLUME ? !isnan(y[k]) : y[k] != v * scale;
        }
    }
    const int64_t *dt = column(b, BP_COL_MINUTE_DT, d->bars.n);
    for (size_t k = 0; k < d->bars.n; k++) wrong += dt[k] != d->bars.row[k].dt;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_tables(const bp__draft *d, const bp_bundle *b)
{
    const int64_t *start = column(b, BP_COL_LIFE_START, 3), *end = column(b, BP_COL_LIFE_END, 3);
    CU_ASSERT_TRUE(start[0] == 1 && end[0] == 2);
    CU_ASSERT_TRUE(start[1] == 0 && end[1] == 3); /* as zipline for an asset without any bar */
    CU_ASSERT_TRUE(start[2] == 0 && end[2] == 3);
    CU_ASSERT_EQUAL(memcmp(column(b, BP_COL_CURRENCY, 3), "USDUSDUSD", 9), 0);
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 1), "Zürich");
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 2), "東京");
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, ((const uint32_t *)column(b, BP_COL_ASSET_NAME, 3))[0]),
                           "Some \"Name\"");
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_ASSET_FIRST_TRADED, 3))[0], BP_TIME_MISSING);
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_ASSET_AUTO_CLOSE, 3))[2], d->day[3] + DAY(1));
    CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, ((const uint32_t *)column(b, BP_COL_MAP_SYMBOL, 3))[2]), "東京");
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_MAP_END, 3))[2], d->day[3]);
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_MARKET_CLOSE, 4))[3], d->day[3] + 75600000000000);
    CU_ASSERT_EQUAL(((const double *)column(b, BP_COL_SPLIT_RATIO, 1))[0], 0.5);
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_MERGER_SID, 1))[0], 3);
    CU_ASSERT_EQUAL(((const double *)column(b, BP_COL_DIVIDEND_RATIO, 1))[0],
                    1.0 - 0.5 / (2003 * (1.0 / 1000)));
    CU_ASSERT_EQUAL(((const double *)column(b, BP_COL_PAYOUT_AMOUNT, 2))[1], 100);
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_PAYOUT_RECORD, 2))[0], BP_TIME_MISSING);
    CU_ASSERT_EQUAL(((const int64_t *)column(b, BP_COL_STOCK_PAYMENT_SID, 1))[0], 3);
    CU_ASSERT_EQUAL(((const double *)column(b, BP_COL_STOCK_RATIO, 1))[0], 0.125);
    const int64_t *offset = column(b, BP_COL_MINUTE_OFFSET, 3);
    CU_ASSERT_TRUE(offset[0] == 0 && offset[1] == 3 && offset[2] == 6);
    CU_ASSERT_STRING_EQUAL(b->image->calendar_name, "XNYS");
    CU_ASSERT_STRING_EQUAL(b->image->schema_version, "v1");
}

static void test_round_trip(void)
{
    for (int filter = BP__WRITE_GZIP; filter <= BP__WRITE_NONE; filter++) {
        bp__draft d;
        make_draft(&d, "round");
        const bp_bundle *b = write_and_load(&d, (bp__write_filter)filter);
        check_bars(&d, b);
        check_tables(&d, b);
        bp_bundle_release(&b);
        bp__draft_fini(&d);
    }
}

static void test_empty(void)
{
    bp__draft d;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&d, "empty"), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__draft_set_daily(&d, 0, 0), BP_OK);
    const bp_bundle *b = write_and_load(&d, BP__WRITE_GZIP);
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 0);
    CU_ASSERT_EQUAL(bp_bundle_num_sessions(b), 0);
    bp_bundle_release(&b);
    bp__draft_fini(&d);
}

/* A file larger than one chunk each way, with minute bars, splits and dividends. */
static void test_demo(void)
{
    const bp__demo_options options = {.assets = 150, .days = 1000, .minute_days = 2, .seed = 11};
    bp__draft d;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&d, "made-up"), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__demo_generate(&options, &d), BP_OK);
    CU_ASSERT_TRUE(d.ratios[BP__SPLITS].n > 10 && d.payouts.n > 100 && d.bars.n > 100000);
    size_t late = 0, early = 0, wrong = 0;
    for (size_t i = 0; i < d.num_sids; i++) {
        int64_t first, last;
        bp__draft_lifetime(&d, i, &first, &last);
        wrong += d.assets.row[i].start_date != d.day[first] || d.assets.row[i].end_date != d.day[last];
        late += first > 0;
        early += last < 999;
        for (size_t t = 0; t < 1000; t++) {
            uint32_t v[BP__NUM_FIELDS];
            for (int f = 0; f < BP__NUM_FIELDS; f++) v[f] = d.daily[f][i * 1000 + t];
            wrong += v[BP__LOW] > v[BP__OPEN] || v[BP__LOW] > v[BP__CLOSE] || v[BP__HIGH] < v[BP__OPEN] ||
                     v[BP__HIGH] < v[BP__CLOSE] || (v[BP__CLOSE] == 0) != (v[BP__VOLUME] == 0);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(late > 5 && early > 5);
    const bp_bundle *b = write_and_load(&d, BP__WRITE_GZIP);
    check_bars(&d, b);
    bp_bundle_release(&b);
    bp__draft_fini(&d);
}

static void test_demo_edges(void)
{
    const bp__demo_options bad[] = {{0, 1, 0, 1},
                                    {1, 0, 0, 1},
                                    {1, 1, -1, 1},
                                    {BP__DEMO_MAX_ASSETS + 1, 1, 0, 1},
                                    {1, BP__DEMO_MAX_DAYS + 1, 0, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bp__draft d;
        CU_ASSERT_EQUAL_FATAL(bp__draft_init(&d, "x"), BP_OK);
        CU_ASSERT_EQUAL(bp__demo_generate(&bad[i], &d), BP_EINVAL);
        bp__draft_fini(&d);
    }
    for (int64_t days = 1; days < 90; days += 11) {
        bp__draft d;
        CU_ASSERT_EQUAL_FATAL(bp__draft_init(&d, "small"), BP_OK);
        CU_ASSERT_EQUAL(bp__demo_generate(&(bp__demo_options){9, days, 3, (uint64_t)days}, &d), BP_OK);
        CU_ASSERT_EQUAL(bp__draft_check(&d), BP_OK);
        bp__draft_fini(&d);
    }
}

/* Bytes ----------------------------------------------------------------------------------------- */

/* All of a file of up to 1 MiB, owned by the caller. Called by threads, too: no assertions. */
static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *bytes = calloc(1, 1 << 20);
    *size = f && bytes ? fread(bytes, 1, 1 << 20, f) : 0;
    if (f) fclose(f);
    return bytes;
}

static bool same_files(const char *a, const char *b)
{
    size_t m, n;
    char path[512];
    strcpy(path, in_folder(a));
    char *x = read_file(path, &m), *y = read_file(in_folder(b), &n);
    bool same = m > 0 && m == n && memcmp(x, y, m) == 0;
    free(x);
    free(y);
    return same;
}

static int num_files(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void content_hash(const char *name, char hash[65])
{
    const bp_bundle *b = NULL;
    bp_version v = bp_version_init();
    CU_ASSERT_EQUAL_FATAL(bp__direct_load(bp__h5_loader(), folder, name, &b), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp_bundle_version(b, &v), BP_OK);
    strcpy(hash, v.content_hash);
    bp_version_fini(&v);
    bp_bundle_release(&b);
}

static void test_equal_bytes(void)
{
    char one[65], other[65];
    bp__draft a, b;
    make_draft(&a, "one");
    make_draft(&b, "one");
    CU_ASSERT_EQUAL(bp__h5_write(&a, in_folder("one.h5"), BP__WRITE_GZIP), BP_OK);
    char *garbage = malloc(100000); /* for uninitialised bytes to be different ones */
    if (garbage) memset(garbage, 0xa5, 100000);
    free(garbage);
    CU_ASSERT_EQUAL(bp__h5_write(&b, in_folder("two.h5"), BP__WRITE_GZIP), BP_OK);
    CU_ASSERT_TRUE(same_files("one.h5", "two.h5"));

    strcpy(b.bundle_name, "two"); /* another name, same content */
    CU_ASSERT_EQUAL(bp__h5_write(&b, in_folder("two.h5"), BP__WRITE_NONE), BP_OK);
    CU_ASSERT_FALSE(same_files("one.h5", "two.h5"));
    content_hash("one", one);
    content_hash("two", other);
    CU_ASSERT_STRING_EQUAL(one, other);

    b.daily[BP__CLOSE][1]++; /* one price */
    CU_ASSERT_EQUAL(bp__h5_write(&b, in_folder("two.h5"), BP__WRITE_NONE), BP_OK);
    content_hash("two", other);
    CU_ASSERT_STRING_NOT_EQUAL(one, other);
    bp__draft_fini(&a);
    bp__draft_fini(&b);
}

/* Failures -------------------------------------------------------------------------------------- */

static void test_numbers(void)
{
    static const struct {
        double price;
        bp_status status;
        uint32_t value;
    } cases[] = {{1.2345, BP_OK, 1234},
                 {1.2355, BP_OK, 1236},
                 {0.0005, BP_OK, 0},
                 {0.0015, BP_OK, 2},
                 {-0.0, BP_OK, 0},
                 {NAN, BP_OK, 0},
                 {4294967.295, BP_OK, UINT32_MAX},
                 {4294967.2955, BP_ERANGE, 7},
                 {-0.0001, BP_ERANGE, 7},
                 {INFINITY, BP_ERANGE, 7},
                 {-INFINITY, BP_ERANGE, 7},
                 {1e300, BP_ERANGE, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t v = 7;
        CU_ASSERT_EQUAL(bp__price_to_u32(cases[i].price, &v), cases[i].status);
        CU_ASSERT_EQUAL(v, cases[i].value);
    }
    uint32_t v = 7;
    CU_ASSERT_EQUAL(bp__volume_to_u32(2.5, &v), BP_OK);
    CU_ASSERT_EQUAL(v, 2);
    CU_ASSERT_EQUAL(bp__volume_to_u32(4294967296.0, &v), BP_ERANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "volume 4294967296 is out of range"));
}

/* A draft that breaks one rule is refused, and nothing is written. */
static void refuse(bp__draft *d, const char *text)
{
    int before = num_files();
    CU_ASSERT_EQUAL(bp__h5_write(d, in_folder("refused.h5"), BP__WRITE_GZIP), BP_EINVAL);
    if (!strstr(bp_error_text(), text)) CU_FAIL("another text");
    CU_ASSERT_EQUAL(num_files(), before);
    bp__draft_fini(d);
}

static void test_check(void)
{
    bp__draft d;
    CU_ASSERT_EQUAL(bp__draft_init(&d, "../x"), BP_EINVAL);
    make_draft(&d, "x");
    d.sid[1] = 3;
    refuse(&d, "index/sid: row 1");
    make_draft(&d, "x");
    d.day[3] = 0;
    refuse(&d, "index/day: row 3");
    make_draft(&d, "x");
    d.bars.row[1].dt = 0;
    refuse(&d, "minute: bar 1 of sid 3");
    make_draft(&d, "x");
    CU_ASSERT_EQUAL(bp__draft_add_ratio(&d, BP__SPLITS, &(bp__draft_ratio){3, d.day[0], 0.5}), BP_OK);
    refuse(&d, "splits: row 1");
    make_draft(&d, "x");
    d.ratios[BP__SPLITS].row[0].ratio = NAN;
    refuse(&d, "splits: the ratio in row 0");
    make_draft(&d, "x");
    strcpy(d.currency, "US");
    refuse(&d, "currency");
}

static void test_failed_write(void)
{
    bp__draft small, large;
    make_draft(&small, "kept");
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&large, "kept"), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__demo_generate(&(bp__demo_options){50, 500, 0, 3}, &large), BP_OK);
    CU_ASSERT_EQUAL(bp__h5_write(&small, in_folder("kept.h5"), BP__WRITE_GZIP), BP_OK);
    CU_ASSERT_EQUAL(bp__h5_write(&small, in_folder("copy.h5"), BP__WRITE_GZIP), BP_OK);
    int files = num_files();

    /* the file gets no longer than 64 KiB: the write fails in the middle */
    struct rlimit old, tight;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){.rlim_cur = 65536, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
    CU_ASSERT_EQUAL(bp__h5_write(&large, in_folder("kept.h5"), BP__WRITE_NONE), BP_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "/kept.h5: cannot be written"));
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
    CU_ASSERT_EQUAL(num_files(), files);
    CU_ASSERT_TRUE(same_files("kept.h5", "copy.h5"));

    /* a folder in the way of the rename, and no folder at all */
    CU_ASSERT_EQUAL(mkdir(in_folder("way.h5"), 0777), 0);
    CU_ASSERT_EQUAL(bp__h5_write(&small, in_folder("way.h5"), BP__WRITE_GZIP), BP_EIO);
    CU_ASSERT_EQUAL(num_files(), files + 1);
    CU_ASSERT_EQUAL(rmdir(in_folder("way.h5")), 0);
    CU_ASSERT_EQUAL(bp__h5_write(&small, in_folder("none/x.h5"), BP__WRITE_GZIP), BP_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "/none: "));
    bp__draft_fini(&small);
    bp__draft_fini(&large);
}

static void test_mode(void)
{
    bp__draft d;
    struct stat st;
    make_draft(&d, "mode");
    mode_t old = umask(027);
    CU_ASSERT_EQUAL(bp__h5_write(&d, in_folder("mode.h5"), BP__WRITE_GZIP), BP_OK);
    umask(old);
    CU_ASSERT_EQUAL(stat(in_folder("mode.h5"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0640);
    bp__draft_fini(&d);
}

/* Threads --------------------------------------------------------------------------------------- */

static _Atomic bool finished;

/* Two writers of one name: each rename is complete, whoever wins. */
static void *rewrite(void *context)
{
    for (int i = 0; i < 40; i++)
        if (bp__h5_write(context, in_folder("moving.h5"), BP__WRITE_GZIP) != BP_OK) return context;
    return NULL;
}

static void *look(void *context)
{
    size_t torn = 0, n, na, nb;
    char *a = read_file(in_folder("a.h5"), &na), *b = read_file(in_folder("b.h5"), &nb);
    while (!bp__load_acquire(&finished)) {
        char *x = read_file(in_folder("moving.h5"), &n);
        torn += n == 0 || (!(n == na && memcmp(x, a, n) == 0) && !(n == nb && memcmp(x, b, n) == 0));
        free(x);
    }
    free(a);
    free(b);
    *(size_t *)context = torn;
    return NULL;
}

static void test_replaced_as_a_whole(void)
{
    bp__draft a, b;
    pthread_t writer[2], reader;
    size_t torn = 1;
    void *failed[2];
    make_draft(&a, "a");
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&b, "b"), BP_OK);
    CU_ASSERT_EQUAL_FATAL(bp__demo_generate(&(bp__demo_options){20, 300, 0, 3}, &b), BP_OK);
    CU_ASSERT_EQUAL(bp__h5_write(&a, in_folder("a.h5"), BP__WRITE_GZIP), BP_OK);
    CU_ASSERT_EQUAL(bp__h5_write(&b, in_folder("b.h5"), BP__WRITE_GZIP), BP_OK);
    CU_ASSERT_EQUAL(bp__h5_write(&a, in_folder("moving.h5"), BP__WRITE_GZIP), BP_OK);
    int files = num_files();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, look, &torn), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&writer[0], NULL, rewrite, &a), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&writer[1], NULL, rewrite, &b), 0);
    for (int i = 0; i < 2; i++) CU_ASSERT_EQUAL(pthread_join(writer[i], &failed[i]), 0);
    bp__store_release(&finished, true);
    CU_ASSERT_EQUAL(pthread_join(reader, NULL), 0);
    CU_ASSERT_TRUE(!failed[0] && !failed[1]);
    CU_ASSERT_EQUAL(torn, 0);
    CU_ASSERT_EQUAL(num_files(), files);
    bp__draft_fini(&a);
    bp__draft_fini(&b);
}

static void remove_folder(void)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) unlink(in_folder(e->d_name));
    closedir(d);
    rmdir(folder);
}

int main(void)
{
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS) return 1;
    CU_pSuite suite = CU_add_suite("write", NULL, NULL);
    CU_add_test(suite, "round trip", test_round_trip);
    CU_add_test(suite, "empty", test_empty);
    CU_add_test(suite, "demo", test_demo);
    CU_add_test(suite, "demo's edges", test_demo_edges);
    CU_add_test(suite, "equal drafts, equal bytes", test_equal_bytes);
    CU_add_test(suite, "numbers", test_numbers);
    CU_add_test(suite, "draft check", test_check);
    CU_add_test(suite, "a failure leaves the old file", test_failed_write);
    CU_add_test(suite, "mode", test_mode);
    CU_add_test(suite, "replaced as a whole", test_replaced_as_a_whole);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    remove_folder();
    return failures > 0;
}
