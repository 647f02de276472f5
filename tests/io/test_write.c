/* Writing bundle files: what is written is read back, through the loader and through libhdf5 alone. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/direct.h"
#include "core/suite.h"
#include "files.h"
#include "io/hdf5/h5read.h"
#include "io/hdf5/h5util.h"
#include "io/hdf5/h5write.h"
#include "sample.h"

static const bp__write_options gzip = {.filter = BP__WRITE_GZIP}, plain = {.filter = BP__WRITE_NONE};

/* Read back without our own reader -------------------------------------------------------------- */

static void *read_all(hid_t file, const char *path, hid_t type, size_t size, hsize_t shape[2])
{
    hid_t set = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(set);
    shape[1] = 1;
    CU_ASSERT_FATAL(set >= 0 && space >= 0 && H5Sget_simple_extent_dims(space, shape, NULL) > 0);
    void *data = calloc((size_t)(shape[0] * shape[1]) + 1, size);
    CU_ASSERT_FATAL(data != NULL);
    if (shape[0] * shape[1] > 0)
        CU_ASSERT_FATAL(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Sclose(space);
    H5Dclose(set);
    return data;
}

/* As zipline reads it: any number. */
static double attribute(hid_t file, const char *path)
{
    double x = 0;
    hid_t attr = H5Aopen_by_name(file, path, "scaling_factor", H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(attr >= 0);
    CU_ASSERT(H5Aread(attr, H5T_NATIVE_DOUBLE, &x) >= 0);
    H5Aclose(attr);
    return x;
}

/* Called by threads, too: no assertions. */
static const sample_series *find(const sample *s, int frame, int64_t sid)
{
    static const sample_series none = {0};
    for (size_t i = 0; i < s->n; i++)
        if (s->series[frame][i].sid == sid) return &s->series[frame][i];
    return &none;
}

/* A stored price with its factor is within a millionth of what was put in; 0 is missing. A volume is the nearest that
 * its unit allows, and never 0. */
static bool kept(int field, double value, uint32_t stored, double factor)
{
    if (isnan(value) || value == 0) return stored == 0;
    if (field != BP__VOLUME && !(fabs(stored / factor - value) <= 1.1e-6 * value)) return false;
    return stored == sample_stored(value, factor);
}

/* Factors of the rows of a frame: those of the dataset, if there is one. */
static double *factors(hid_t file, const char *folder, int field, size_t rows, bool by_asset)
{
    char path[64];
    hsize_t shape[2];
    double *factor;
    snprintf(path, sizeof path, "%s/%s", folder, bp__field_name[field]);
    const double all = attribute(file, path);
    snprintf(path, sizeof path, "%s/%s", folder,
             field == BP__VOLUME ? "volume_scaling_factor" : "scaling_factor");
    CU_ASSERT_EQUAL_FATAL(H5Lexists(file, path, H5P_DEFAULT) > 0, by_asset);
    if (by_asset) {
        factor = read_all(file, path, H5T_NATIVE_DOUBLE, sizeof *factor, shape);
        CU_ASSERT_EQUAL_FATAL(shape[0], rows);
        CU_ASSERT_EQUAL(all, field == BP__VOLUME ? 1 : 1000);
        return factor;
    }
    factor = calloc(rows + 1, sizeof *factor);
    CU_ASSERT_FATAL(factor != NULL);
    for (size_t i = 0; i < rows; i++) factor[i] = all;
    return factor;
}

static size_t wrong_daily(const sample *s, hid_t file, int field)
{
    char path[64];
    hsize_t shape[2], one[2];
    size_t wrong = 0;
    const bp__draft *d = &s->draft;
    snprintf(path, sizeof path, "/US/data/%s", bp__field_name[field]);
    uint32_t *cell = read_all(file, path, H5T_NATIVE_UINT32, sizeof *cell, shape);
    int64_t *sid = read_all(file, "/US/index/sid", H5T_NATIVE_INT64, sizeof *sid, one);
    CU_ASSERT_EQUAL_FATAL(one[0], shape[0]);
    int64_t *day = read_all(file, "/US/index/day", H5T_NATIVE_INT64, sizeof *day, one);
    CU_ASSERT_EQUAL_FATAL(one[0], shape[1]);
    CU_ASSERT_EQUAL_FATAL(shape[0], d->series[BP__DAILY].n);
    double *factor =
        factors(file, "/US/data", field, (size_t)shape[0], d->by_asset[BP__DAILY][field == BP__VOLUME]);
    for (size_t i = 0; i < (size_t)shape[0]; i++) {
        const sample_series *series = find(s, BP__DAILY, sid[i]);
        for (size_t t = 0, k = 0; t < shape[1]; t++) {
            const bool there = k < series->n && series->bar[k].dt == day[t];
            wrong +=
                !kept(field, there ? series->bar[k].value[field] : NAN, cell[i * shape[1] + t], factor[i]);
            k += there;
            if (t + 1 == shape[1]) wrong += k != series->n;
        }
    }
    free(factor);
    free(day);
    free(sid);
    free(cell);
    return wrong;
}

static size_t wrong_minutes(const sample *s, hid_t file, int field)
{
    char path[64];
    hsize_t shape[2], m[2];
    size_t wrong = 0;
    int64_t *sid = read_all(file, "/US/minute/index/sid", H5T_NATIVE_INT64, sizeof *sid, m);
    int64_t *offset = read_all(file, "/US/minute/index/offset", H5T_NATIVE_INT64, sizeof *offset, shape);
    int64_t *dt = read_all(file, "/US/minute/dt", H5T_NATIVE_INT64, sizeof *dt, shape);
    snprintf(path, sizeof path, "/US/minute/data/%s", bp__field_name[field]);
    uint32_t *cell = read_all(file, path, H5T_NATIVE_UINT32, sizeof *cell, shape);
    double *factor =
        factors(file, "/US/minute/data", field, m[0], s->draft.by_asset[BP__MINUTE][field == BP__VOLUME]);
    CU_ASSERT_EQUAL_FATAL(offset[m[0]], (int64_t)bp__draft_num_bars(&s->draft, BP__MINUTE));
    for (size_t i = 0; i < m[0]; i++) {
        const sample_series *series = find(s, BP__MINUTE, sid[i]);
        CU_ASSERT_EQUAL_FATAL(offset[i + 1] - offset[i], (int64_t)series->n);
        for (size_t k = 0; k < series->n; k++) {
            const size_t at = (size_t)offset[i] + k;
            wrong +=
                dt[at] != series->bar[k].dt || !kept(field, series->bar[k].value[field], cell[at], factor[i]);
        }
    }
    free(factor);
    free(cell);
    free(dt);
    free(offset);
    free(sid);
    return wrong;
}

static void check_raw(const sample *s, const char *path)
{
    bp__h5_lock();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        CU_ASSERT_EQUAL(wrong_daily(s, file, f), 0);
        if (s->draft.series[BP__MINUTE].n > 0) CU_ASSERT_EQUAL(wrong_minutes(s, file, f), 0);
    }
    H5Fclose(file);
    bp__h5_unlock();
}

/* Read back as everybody does ------------------------------------------------------------------- */

static const void *column(const bp_bundle *b, bp_column c, uint64_t rows)
{
    bp_array a = {0};
    CU_ASSERT_TRUE(bp_bundle_column(b, c, &a));
    CU_ASSERT_EQUAL_FATAL(a.shape[0], rows);
    return a.data;
}

/* A value as the factor of its series has it. */
static bool same_value(int field, double read, double put, double factor)
{
    const uint32_t stored = sample_stored(put, factor);
    return stored == 0 && field != BP__VOLUME ? isnan(read) : read == stored * (1.0 / factor);
}

static void check_daily(const sample *s, const bp_bundle *b)
{
    const bp__draft *d = &s->draft;
    size_t wrong = 0;
    CU_ASSERT_EQUAL_FATAL(bp_bundle_num_assets(b), d->series[BP__DAILY].n);
    CU_ASSERT_EQUAL_FATAL(bp_bundle_num_sessions(b), d->days.n);
    for (size_t i = 0; i < d->series[BP__DAILY].n; i++) {
        const bp__draft_series *made = &d->series[BP__DAILY].row[i];
        const sample_series *put = find(s, BP__DAILY, made->sid);
        for (size_t t = 0, k = 0; t < d->days.n; t++) {
            const bool there = k < put->n && put->bar[k].dt == d->days.row[t];
            for (int f = 0; f < BP__NUM_FIELDS; f++)
                wrong += !same_value(f, bp_bundle_daily(b, (bp_column)(BP_COL_OPEN + f))[i * d->days.n + t],
                                     there ? put->bar[k].value[f] : NAN, made->factor[f == BP__VOLUME]);
            k += there;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_minutes(const sample *s, const bp_bundle *b)
{
    const bp__draft *d = &s->draft;
    const size_t m = d->series[BP__MINUTE].n, bars = bp__draft_num_bars(d, BP__MINUTE);
    size_t wrong = 0;
    if (m == 0) return;
    const int64_t *dt = column(b, BP_COL_MINUTE_DT, bars), *offset = column(b, BP_COL_MINUTE_OFFSET, m + 1);
    const double *value[BP__NUM_FIELDS];
    for (int f = 0; f < BP__NUM_FIELDS; f++) value[f] = column(b, (bp_column)(BP_COL_MINUTE_OPEN + f), bars);
    for (size_t i = 0; i < m; i++) {
        const bp__draft_series *made = &d->series[BP__MINUTE].row[i];
        const sample_series *put = find(s, BP__MINUTE, made->sid);
        CU_ASSERT_EQUAL_FATAL(offset[i + 1] - offset[i], (int64_t)put->n);
        for (size_t k = 0, at = (size_t)offset[i]; k < put->n; k++, at++) {
            wrong += dt[at] != put->bar[k].dt;
            for (int f = 0; f < BP__NUM_FIELDS; f++)
                wrong += !same_value(f, value[f][at], put->bar[k].value[f], made->factor[f == BP__VOLUME]);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_lifetimes(const bp__draft *d, const bp_bundle *b)
{
    const size_t n = d->series[BP__DAILY].n;
    const int64_t *start = column(b, BP_COL_LIFE_START, n), *end = column(b, BP_COL_LIFE_END, n);
    const char(*currency)[3] = column(b, BP_COL_CURRENCY, n);
    for (size_t i = 0; i < n; i++) {
        const bp__draft_series *made = &d->series[BP__DAILY].row[i];
        const bp__draft_asset *asset = &d->assets.row[bp__draft_find_asset(d, made->sid)];
        CU_ASSERT_EQUAL(start[i], (int64_t)bp__draft_find_day(d, made->first));
        CU_ASSERT_EQUAL(end[i], (int64_t)bp__draft_find_day(d, made->last));
        CU_ASSERT_EQUAL(memcmp(currency[i], asset->currency, 3), 0);
        CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, i), asset->symbol);
    }
}

static void check_small(const sample *s, const bp_bundle *b)
{
    const bp__draft *d = &s->draft;
    const int64_t *first = column(b, BP_COL_ASSET_START, s->n);
    const uint32_t *symbol = column(b, BP_COL_ASSET_SYMBOL, s->n);
    const uint32_t *name = column(b, BP_COL_ASSET_NAME, s->n);
    for (size_t i = 0; i < s->n; i++) {
        CU_ASSERT_EQUAL(first[i], d->assets.row[i].start_date);
        CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, symbol[i]), d->assets.row[i].symbol);
        CU_ASSERT_STRING_EQUAL(bp_bundle_text(b, name[i]), d->assets.row[i].name);
    }
    CU_ASSERT_STRING_EQUAL(b->image->calendar_name, d->calendar_name);
    const int64_t *open = column(b, BP_COL_MARKET_OPEN, 1), *close = column(b, BP_COL_MARKET_CLOSE, 1);
    CU_ASSERT_EQUAL(open[0], d->calendar.row[0].market_open);
    CU_ASSERT_EQUAL(close[0], BP_TIME_MISSING);
    CU_ASSERT_EQUAL(memcmp(column(b, BP_COL_MAP_SID, s->n), column(b, BP_COL_ASSET_SID, s->n), 8 * s->n), 0);
    const double *ratio = column(b, BP_COL_DIVIDEND_RATIO, d->ratios[BP__DIVIDENDS].n);
    for (size_t i = 0; i < d->ratios[BP__DIVIDENDS].n; i++)
        CU_ASSERT_EQUAL(ratio[i], d->ratios[BP__DIVIDENDS].row[i].ratio);
    const int64_t *split = column(b, BP_COL_SPLIT_SID, s->n), *record = column(b, BP_COL_STOCK_RECORD, s->n);
    const double *amount = column(b, BP_COL_PAYOUT_AMOUNT, s->n);
    for (size_t i = 0; i < s->n; i++)
        CU_ASSERT_TRUE(split[i] == d->assets.row[i].sid && record[i] == BP_TIME_MISSING && amount[i] == 1e-5);
}

static const bp_bundle *load(const char *name)
{
    const bp_bundle *b = NULL;
    if (bp__direct_load(bp__h5_loader(), files_folder(), name, &b) != BP_OK) printf("%s\n", bp_error_text());
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT_EQUAL(bp__image_selfcheck(b->image, b->image->bytes), BP_OK);
    return b;
}

static void write_and_check(const sample_options *o, const bp__write_options *options)
{
    sample s;
    sample_make(o, "random", &s);
    MUST(bp__h5_write(&s.draft, files_path("random.h5"), options));
    check_raw(&s, files_path("random.h5"));
    const bp_bundle *b = load("random");
    check_daily(&s, b);
    check_minutes(&s, b);
    check_lifetimes(&s.draft, b);
    check_small(&s, b);
    bp_bundle_release(&b);
    sample_free(&s);
}

static void test_random(void)
{
    for (uint64_t seed = 1; seed <= 24; seed++) {
        uint64_t state = seed;
        const sample_options o = {.seed = seed,
                                  .assets = 1 + draw(&state, 40),
                                  .days = 1 + draw(&state, 300),
                                  .minutes = draw(&state, 2) ? draw(&state, 900) : 0,
                                  .wide = draw(&state, 2)};
        write_and_check(&o, draw(&state, 3) ? &gzip : &plain);
    }
}

/* Several blocks of assets, several chunks of minutes, and of sessions. */
static void test_chunks(void)
{
    write_and_check(&(sample_options){.seed = 3, .assets = 230, .days = 1500, .minutes = 2000}, &gzip);
    write_and_check(&(sample_options){.seed = 4, .assets = 2, .days = 10, .minutes = 700000, .wide = true},
                    &gzip);
    write_and_check(&(sample_options){.seed = 5, .assets = 2, .days = 150000}, &gzip);
}

static void test_empty(void)
{
    bp__draft d;
    MUST(bp__draft_init(&d, "empty", NULL));
    MUST(bp__draft_finish(&d));
    MUST(bp__h5_write(&d, files_path("empty.h5"), NULL));
    const bp_bundle *b = load("empty");
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 0);
    CU_ASSERT_EQUAL(bp_bundle_num_sessions(b), 0);
    bp_bundle_release(&b);
    bp__draft_fini(&d);
}

/* Bars that wait packed with a factor of 1000, in a file whose factor is finer for the sake of another asset. */
static void test_packed_beside_finer(void)
{
    enum { DAYS = 300 };
    static bp__bar whole[DAYS], fine[DAYS];
    bp__draft d;
    for (int t = 0; t < DAYS; t++) {
        const double x = 10.25 + t * 0.125, y = 0.0123457 + t * 1e-7;
        whole[t] = (bp__bar){.dt = t * BP_NS_PER_DAY, .value = {x, x + 1, x - 1, x + 0.5, 1000 + t}};
        fine[t] = (bp__bar){.dt = t * BP_NS_PER_DAY, .value = {y, y * 2, y, y, 7}};
    }
    MUST(bp__draft_init(&d, "mixed", NULL));
    MUST(bp__draft_add_bars(&d, BP__DAILY, 1, whole, DAYS, NULL));
    MUST(bp__draft_add_bars(&d, BP__DAILY, 2, fine, DAYS, NULL));
    MUST(bp__draft_finish(&d));
    CU_ASSERT(d.by_asset[BP__DAILY][BP__PRICE] || d.factor[BP__DAILY][BP__PRICE] > 1000);
    MUST(bp__h5_write(&d, files_path("mixed.h5"), NULL));
    const bp_bundle *b = load("mixed");
    const double *close = bp_bundle_daily(b, BP_COL_CLOSE);
    for (int t = 0; t < DAYS; t++) {
        CU_ASSERT(fabs(close[t] - whole[t].value[BP__CLOSE]) <= 1e-6 * close[t]);
        CU_ASSERT(fabs(close[DAYS + t] - fine[t].value[BP__CLOSE]) <= 1e-6 * fine[t].value[BP__CLOSE]);
    }
    bp_bundle_release(&b);
    bp__draft_fini(&d);
}

/* Bars without assets make rows, as in zipline's files; bars of a sid that is none of the assets are a mistake. */
static void test_sids(void)
{
    bp__draft d;
    const bp__bar bar = {.dt = 0, .value = {1, 2, 3, 4, 5}};
    MUST(bp__draft_init(&d, "sids", NULL));
    MUST(bp__draft_add_bars(&d, BP__DAILY, 77, &bar, 1, NULL));
    MUST(bp__draft_finish(&d));
    MUST(bp__h5_write(&d, files_path("sids.h5"), NULL));
    const bp_bundle *b = load("sids");
    CU_ASSERT_EQUAL_FATAL(bp_bundle_num_assets(b), 1);
    CU_ASSERT_EQUAL(bp_bundle_sids(b)[0], 77);
    CU_ASSERT_EQUAL(bp_bundle_daily(b, BP_COL_HIGH)[0], 2);
    bp_bundle_release(&b);
    bp__draft_fini(&d);

    MUST(bp__draft_init(&d, "sids", NULL));
    MUST(bp__draft_add_bars(&d, BP__DAILY, 77, &bar, 1, NULL));
    MUST(bp__draft_add_asset(&d, &(bp__draft_asset){.sid = 78, .symbol = "A", .name = "", .exchange = ""}));
    MUST(bp__draft_finish(&d));
    const size_t files = files_count();
    FAILS(bp__h5_write(&d, files_path("none.h5"), NULL), BP_EINVAL,
          "daily bars of sid 77, which is no asset");
    CU_ASSERT_EQUAL(files_count(), files);
    bp__draft_fini(&d);
}

/* The origin is in the file, in no hash ---------------------------------------------------------- */

static void content_hash(const char *name, char hash[65])
{
    const bp_bundle *b = load(name);
    bp_version v = bp_version_init();
    MUST(bp_bundle_version(b, &v));
    strcpy(hash, v.content_hash);
    bp_version_fini(&v);
    bp_bundle_release(&b);
}

static void test_origin(void)
{
    char with[65], without[65];
    sample s;
    sample_make(&(sample_options){.seed = 8, .assets = 3, .days = 20}, "origin", &s);
    MUST(bp__h5_write(&s.draft, files_path("origin.h5"), &gzip));
    content_hash("origin", without);
    strcpy(s.draft.origin.source, "csvdir");
    s.draft.origin.path = strdup("/some/folder");
    s.draft.origin.time = -5;
    s.draft.origin.files = 12;
    strcpy(s.draft.origin.content, "0123abc");
    MUST(bp__h5_write(&s.draft, files_path("origin.h5"), &gzip));
    content_hash("origin", with);
    CU_ASSERT_STRING_EQUAL(with, without);

    char path[32] = "", content[80] = "";
    int64_t time = 0;
    uint64_t count = 0;
    bp__h5_lock();
    hid_t file = H5Fopen(files_path("origin.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const struct {
        const char *name;
        void *value;
        hid_t type;
    } attrs[] = {{"source_path", path, -1},
                 {"source_content", content, -1},
                 {"source_time", &time, H5T_NATIVE_INT64},
                 {"source_files", &count, H5T_NATIVE_UINT64}};
    for (size_t i = 0; i < 4; i++) {
        hid_t attr = H5Aopen(file, attrs[i].name, H5P_DEFAULT);
        hid_t type = attrs[i].type >= 0 ? attrs[i].type : H5Aget_type(attr);
        CU_ASSERT(H5Aread(attr, type, attrs[i].value) >= 0);
        if (type != attrs[i].type) H5Tclose(type);
        H5Aclose(attr);
    }
    H5Fclose(file);
    bp__h5_unlock();
    CU_ASSERT_STRING_EQUAL(path, "/some/folder");
    CU_ASSERT_STRING_EQUAL(content, "0123abc");
    CU_ASSERT(time == -5 && count == 12);
    sample_free(&s);
}

/* Equal bytes ----------------------------------------------------------------------------------- */

static void test_equal_bytes(void)
{
    char one[65], other[65];
    sample s;
    sample_options o = {.seed = 21, .assets = 300, .days = 2000, .minutes = 1000, .wide = true};
    sample_make(&o, "one", &s);
    MUST(bp__h5_write(&s.draft, files_path("one.h5"), &(bp__write_options){.threads = 1}));
    for (unsigned threads = 2; threads <= 9; threads += 3) {
        char *garbage = malloc(1000000); /* for uninitialised bytes to be different ones */
        if (garbage) memset(garbage, (int)threads, 1000000);
        free(garbage);
        MUST(bp__h5_write(&s.draft, files_path("two.h5"), &(bp__write_options){.threads = threads}));
        CU_ASSERT_TRUE(files_equal("one.h5", "two.h5"));
    }
    sample_free(&s);
    o.backwards = true; /* the same in another order */
    sample_make(&o, "one", &s);
    MUST(bp__h5_write(&s.draft, files_path("two.h5"), &gzip));
    CU_ASSERT_TRUE(files_equal("one.h5", "two.h5"));

    strcpy(s.draft.bundle_name, "two"); /* another name, same content */
    MUST(bp__h5_write(&s.draft, files_path("two.h5"), &plain));
    CU_ASSERT_FALSE(files_equal("one.h5", "two.h5"));
    content_hash("one", one);
    content_hash("two", other);
    CU_ASSERT_STRING_EQUAL(one, other);
    sample_free(&s);
}

/* Hooks ----------------------------------------------------------------------------------------- */

typedef struct watcher {
    const sample *s;
    pthread_mutex_t lock;
    size_t looks, wrong, told, done, total;
} watcher;

static void see(void *context, size_t row, const double *const value[BP__NUM_FIELDS])
{
    watcher *w = context;
    const bp__draft *d = &w->s->draft;
    const bp__draft_series *made = &d->series[BP__DAILY].row[row];
    const sample_series *put = find(w->s, BP__DAILY, made->sid);
    size_t wrong = 0;
    for (size_t t = 0, k = 0; t < d->days.n; t++) {
        const bool there = k < put->n && put->bar[k].dt == d->days.row[t];
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            wrong += !same_value(f, value[f][t], there ? put->bar[k].value[f] : NAN,
                                 made->factor[f == BP__VOLUME]);
        k += there;
    }
    pthread_mutex_lock(&w->lock);
    w->looks++;
    w->wrong += wrong;
    pthread_mutex_unlock(&w->lock);
}

static void hear(void *context, const char *what, uint64_t done, uint64_t total)
{
    watcher *w = context;
    pthread_mutex_lock(&w->lock);
    w->told++;
    if (done > w->done) w->done = done;
    w->total = total;
    if (strcmp(what, "writing") != 0 || done > total) w->wrong++;
    pthread_mutex_unlock(&w->lock);
}

static void test_hooks(void)
{
    sample s;
    sample_make(&(sample_options){.seed = 31, .assets = 400, .days = 1200, .minutes = 900, .wide = true},
                "hooks", &s);
    watcher w = {.s = &s, .lock = PTHREAD_MUTEX_INITIALIZER};
    const bp__write_options options = {
        .threads = 3, .look = see, .look_context = &w, .progress = {.tell = hear, .context = &w}};
    MUST(bp__h5_write(&s.draft, files_path("hooks.h5"), &options));
    CU_ASSERT_EQUAL(w.looks, s.draft.series[BP__DAILY].n);
    CU_ASSERT_EQUAL(w.wrong, 0);
    CU_ASSERT(w.told > 3 && w.told == w.total && w.done == w.total);
    sample_free(&s);
}

int main(void)
{
    CU_TestInfo tests[] = {{"random drafts", test_random},
                           {"several chunks each way", test_chunks},
                           {"empty", test_empty},
                           {"packed beside finer", test_packed_beside_finer},
                           {"sids", test_sids},
                           {"origin", test_origin},
                           {"equal drafts, equal bytes", test_equal_bytes},
                           {"hooks", test_hooks},
                           CU_TEST_INFO_NULL};
    return files_main("write", tests);
}
