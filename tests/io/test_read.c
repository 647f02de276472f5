/* Reading bundle files: zipline's own, and every way to store the same values. argv[1]: shared test data. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/atomic.h"
#include "core/direct.h"
#include "io/hdf5/h5read.h"
#include "make_file.h"

static const char *data_folder;
static char folder[] = "/tmp/test_read.XXXXXX";

static bool same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* zipline's files ------------------------------------------------------------------------------- */

static const bp_bundle *load_zipline(const char *name)
{
    char root[512];
    const bp_bundle *bundle = NULL;
    snprintf(root, sizeof root, "%s/zipline", data_folder);
    if (bp__direct_load(bp__h5_loader(), root, name, &bundle) != BP_OK) printf("%s\n", bp_error_text());
    return bundle;
}

static void check_csv(const bp_bundle *b, size_t row, const char *symbol)
{
    static const bp_column columns[5] = {BP_COL_OPEN, BP_COL_HIGH, BP_COL_LOW, BP_COL_CLOSE, BP_COL_VOLUME};
    char path[512], line[256];
    snprintf(path, sizeof path, "%s/zipline/csvdir/daily/%s.csv.gz", data_folder, symbol);
    gzFile csv = gzopen(path, "rb");
    CU_ASSERT_FATAL(csv != NULL);
    CU_ASSERT(gzgets(csv, line, sizeof line) != NULL); /* the names of the columns */
    size_t session = 0, sessions = bp_bundle_num_sessions(b);
    for (; gzgets(csv, line, sizeof line); session++) {
        CU_ASSERT_FATAL(session < sessions);
        char *at = strchr(line, ',');
        for (int c = 0; c < 5; c++) {
            double x = strtod(at + 1, &at), got = bp_bundle_daily(b, columns[c])[row * sessions + session];
            double want = c == 4 ? x : (uint32_t)nearbyint(x * 1000) * (1.0 / 1000);
            if (!same_bits(got, want)) CU_FAIL("a value differs from the CSV");
        }
    }
    CU_ASSERT_EQUAL(session, sessions);
    gzclose(csv);
}

static void test_zipline_csvdir(void)
{
    static const char *const symbols[4] = {"AAPL", "IBM", "KO", "MSFT"};
    const bp_bundle *b = load_zipline("zipline_daily_csvdir");
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT_EQUAL(bp__image_selfcheck(b->image, bp_bundle_bytes(b)), BP_OK);
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 4);
    CU_ASSERT_EQUAL(bp_bundle_num_sessions(b), 754);
    CU_ASSERT_EQUAL(bp_bundle_sessions(b)[0], INT64_C(1325548800000000000));
    CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(b, 3), "3");
    bp_array code;
    CU_ASSERT(bp_bundle_column(b, BP_COL_CURRENCY, &code));
    CU_ASSERT(memcmp(code.data, "XXXXXXXXXXXX", 12) == 0);
    for (size_t row = 0; row < 4; row++) check_csv(b, row, symbols[row]);
    bp_bundle_release(&b);
}

static void test_zipline_edge(void)
{
    const bp_bundle *b = load_zipline("zipline_daily_edge");
    CU_ASSERT_FATAL(b != NULL);
    static const int64_t sids[4] = {2, 7, 9, 11};
    CU_ASSERT(memcmp(bp_bundle_sids(b), sids, sizeof sids) == 0);
    const double *close = bp_bundle_daily(b, BP_COL_CLOSE), *volume = bp_bundle_daily(b, BP_COL_VOLUME);
    CU_ASSERT(same_bits(close[0], 1234 * (1.0 / 1000)));
    CU_ASSERT(isnan(close[1]));
    CU_ASSERT(same_bits(close[3], 4.0));
    CU_ASSERT_EQUAL(volume[0], 10.0);
    CU_ASSERT_EQUAL(volume[1], 0.0);
    CU_ASSERT_EQUAL(volume[3], 4294967295.0);
    bp_array start, end, life;
    CU_ASSERT(bp_bundle_column(b, BP_COL_ASSET_START, &start) && bp_bundle_column(b, BP_COL_ASSET_END, &end));
    CU_ASSERT(bp_bundle_column(b, BP_COL_LIFE_START, &life));
    CU_ASSERT_EQUAL(((const int64_t *)life.data)[1], 2);
    CU_ASSERT_EQUAL(((const int64_t *)start.data)[1], bp_bundle_sessions(b)[2]);
    CU_ASSERT_EQUAL(((const int64_t *)end.data)[0], bp_bundle_sessions(b)[3]);
    bp_bundle_release(&b);
}

static void test_zipline_empty(void)
{
    const bp_bundle *b = load_zipline("zipline_daily_empty");
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 0);
    CU_ASSERT_EQUAL(bp_bundle_num_sessions(b), 0);
    bp_bundle_release(&b);
}

static void test_zipline_unsorted(void)
{
    const bp_bundle *b = NULL;
    char root[512];
    snprintf(root, sizeof root, "%s/zipline", data_folder);
    CU_ASSERT_EQUAL(bp__direct_load(bp__h5_loader(), root, "zipline_daily_unsorted", &b), BP_EFORMAT);
    CU_ASSERT_PTR_NULL(b);
    CU_ASSERT(strstr(bp_error_text(), "/US/index/sid: not ascending (row 1: 2 after 9)") != NULL);
}

/* One set of values, stored in many ways ------------------------------------------------------- */

static const bp_bundle *make_and_load(const file_format *f)
{
    char path[128];
    const bp_bundle *b = NULL;
    snprintf(path, sizeof path, "%s/made.h5", folder);
    CU_ASSERT_FATAL(make_file(path, f));
    if (bp__direct_load(bp__h5_loader(), folder, "made", &b) != BP_OK)
        printf("%s: %s\n", f->name, bp_error_text());
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT_EQUAL(bp__image_selfcheck(b->image, bp_bundle_bytes(b)), BP_OK);
    return b;
}

static void check_column(const bp_bundle *b, const file_format *f, bp_column column)
{
    bp_array a;
    CU_ASSERT_FATAL(bp_bundle_column(b, column, &a));
    bool daily = column < BP_COL_MINUTE_DT;
    uint64_t rows = daily ? f->assets : 3 * f->bars, cols = daily ? f->sessions : 1, wrong = 0;
    CU_ASSERT_EQUAL_FATAL(a.shape[0], rows);
    CU_ASSERT_FATAL(rows == 0 || a.shape[1] == cols);
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t j = 0; j < cols; j++) {
            if (column == BP_COL_MINUTE_DT)
                wrong += ((const int64_t *)a.data)[i] != stored_dt(i);
            else
                wrong += !same_bits(((const double *)a.data)[i * cols + j],
                                    expected_value(f, column, daily ? i : 0, daily ? j : i));
        }
    if (wrong > 0)
        printf("%s: %s: %llu values differ\n", f->name, bp_column_name(column), (unsigned long long)wrong);
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Factors per asset are columns where there are some, and empty columns where there are none. */
static void check_factors(const bp_bundle *b, const file_format *f)
{
    static const bp_column of[4] = {BP_COL_OPEN, BP_COL_VOLUME, BP_COL_MINUTE_OPEN, BP_COL_MINUTE_VOLUME};
    for (int k = 0; k < 4; k++) {
        bp_array a;
        const uint64_t rows = k < 2 ? f->assets : f->bars ? 3 : 0;
        CU_ASSERT_FATAL(bp_bundle_column(b, BP_COL_FACTOR + k, &a));
        CU_ASSERT_EQUAL_FATAL(a.shape[0], f->by_asset ? rows : 0);
        for (uint64_t i = 0; i < a.shape[0]; i++)
            CU_ASSERT_EQUAL(((const double *)a.data)[i], stored_factor(f, of[k], i));
    }
}

static void test_formats(void)
{
    static const file_format formats[] = {
        {"contiguous", 7, 40, 30, .chunk = {0}},
        {"contiguous, several blocks", 300, 2000, 0, .chunk = {0}},
        {"compact", 7, 40, 30, .compact = true},
        {"chunks, no filter", 7, 40, 30, .chunk = {2, 13}},
        {"gzip", 7, 40, 30, .chunk = {2, 13}, .deflate = 1},
        {"gzip, shuffle", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .shuffle = true},
        {"shuffle only", 7, 40, 30, .chunk = {2, 13}, .shuffle = true},
        {"gzip twice", 7, 40, 30, .chunk = {2, 13}, .deflate = 2},
        {"gzip before shuffle", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .shuffle_last = true},
        {"fletcher32", 7, 40, 30, .chunk = {2, 13}, .fletcher = true},
        {"gzip, shuffle, fletcher32", 7, 40, 30, {2, 13}, .deflate = 1, .shuffle = true, .fletcher = true},
        {"chunks of one element", 7, 40, 30, .chunk = {1, 1}, .deflate = 1, .shuffle = true},
        {"too many chunks", 50, 100, 2000, .chunk = {1, 1}},
        {"chunks larger than the data", 7, 40, 30, .chunk = {64, 128}, .deflate = 1, .shuffle = true},
        {"one chunk", 7, 40, 30, .chunk = {7, 40}, .deflate = 1, .shuffle = true},
        {"rows longer than a strip", 3, 1500, 400, .chunk = {2, 700}, .deflate = 1, .shuffle = true},
        {"edge chunks without filters",
         7,
         40,
         30,
         {2, 13},
         .deflate = 1,
         .shuffle = true,
         .whole_edges_only = true},
        {"user block", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .userblock = true},
        {"user block, contiguous", 7, 40, 30, .userblock = true},
        {"latest format", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .shuffle = true, .latest = true},
        {"latest format, one chunk", 7, 40, 30, .chunk = {7, 40}, .latest = true},
        {"half written", 8, 40, 0, .chunk = {2, 13}, .deflate = 1, .sparse = true},
        {"half written, fletcher32", 8, 40, 0, .chunk = {2, 13}, .fletcher = true, .sparse = true},
        {"nothing written", 1, 40, 0, .sparse = true},
        {"no asset", 0, 40, 0, .chunk = {2, 13}},
        {"no session", 7, 0, 0, .chunk = {2, 13}},
    };
    for (size_t i = 0; i < 4 * (sizeof formats / sizeof *formats); i++) {
        file_format f = formats[i / 4];
        f.by_asset = i % 2;
        f.big_endian = i / 2 % 2;
        const bp_bundle *b = make_and_load(&f);
        unsigned last = f.bars ? BP_COL_MINUTE_VOLUME : BP_COL_VOLUME;
        for (unsigned c = BP_COL_OPEN; c <= last; c++) check_column(b, &f, c);
        check_factors(b, &f);
        bp_bundle_release(&b);
    }
}

/* Of a file whose prices have factors per asset, and whose volumes have not. */
static void test_some_factors(void)
{
    const file_format one = {"one factor", 7, 40, 30, .chunk = {2, 13}, .deflate = 1},
                      each = {"a factor for each", 7, 40, 30, .chunk = {2, 13}, .deflate = 1,
                              .by_asset = true};
    char path[128];
    const bp_bundle *b = NULL;
    snprintf(path, sizeof path, "%s/some.h5", folder);
    CU_ASSERT_FATAL(make_file(path, &each));
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT(H5Ldelete(file, "/US/data/volume_scaling_factor", H5P_DEFAULT) >= 0);
    CU_ASSERT(H5Adelete_by_name(file, "/US/data/open", "scaling_factor", H5P_DEFAULT) >=
              0); /* not looked at */
    CU_ASSERT(H5Fclose(file) >= 0);
    CU_ASSERT_EQUAL_FATAL(bp__direct_load(bp__h5_loader(), folder, "some", &b), BP_OK);
    CU_ASSERT_EQUAL(unlink(path), 0);
    for (unsigned c = BP_COL_OPEN; c <= BP_COL_CLOSE; c++) check_column(b, &each, c);
    check_column(b, &one, BP_COL_VOLUME);
    bp_array a;
    CU_ASSERT(bp_bundle_column(b, BP_COL_VOLUME_FACTOR, &a) && a.shape[0] == 0);
    bp_bundle_release(&b);
}

/* Small datasets -------------------------------------------------------------------------------- */

static const int64_t *column_i64(const bp_bundle *b, bp_column column, size_t rows)
{
    bp_array a;
    CU_ASSERT_FATAL(bp_bundle_column(b, column, &a));
    CU_ASSERT_EQUAL_FATAL(a.shape[0], rows);
    return a.data;
}

static const char *text_at(const bp_bundle *b, bp_column column, size_t row)
{
    bp_array a;
    CU_ASSERT_FATAL(bp_bundle_column(b, column, &a) && row < a.shape[0]);
    return bp_bundle_text(b, ((const uint32_t *)a.data)[row]);
}

static void test_extras(void)
{
    const file_format f = {"extras", 4, 5, 3, .chunk = {0}, .extras = true};
    const bp_bundle *b = make_and_load(&f);
    CU_ASSERT_STRING_EQUAL(b->image->schema_version, "v9");
    CU_ASSERT_STRING_EQUAL(b->image->calendar_name, "XNYS");

    static const int64_t sid[4] = {0, 2, 4, 6}, start[4] = {1, 20, 40, 60};
    static const char *const symbol[4] = {"ZERO", "TWO", "FOUR", "SIX"};
    static const char *const name[4] = {"Zero", "Two \xc3\x84G", "", "Six Corp."};
    CU_ASSERT(memcmp(column_i64(b, BP_COL_ASSET_SID, 4), sid, sizeof sid) == 0);
    CU_ASSERT(memcmp(column_i64(b, BP_COL_ASSET_START, 4), start, sizeof start) == 0);
    CU_ASSERT(memcmp(column_i64(b, BP_COL_ASSET_FIRST_TRADED, 4), start, sizeof start) == 0);
    CU_ASSERT_EQUAL(column_i64(b, BP_COL_ASSET_AUTO_CLOSE, 4)[2], BP_TIME_MISSING);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_STRING_EQUAL(text_at(b, BP_COL_ASSET_SYMBOL, i), symbol[i]);
        CU_ASSERT_STRING_EQUAL(text_at(b, BP_COL_ASSET_NAME, i), name[i]);
        CU_ASSERT_STRING_EQUAL(text_at(b, BP_COL_ASSET_EXCHANGE, i), "");
    }
    CU_ASSERT_STRING_EQUAL(text_at(b, BP_COL_MAP_SYMBOL, 0), "TWO.OLD");
    CU_ASSERT_EQUAL(column_i64(b, BP_COL_MAP_END, 2)[1], 29);

    /* by sid, then date, then as in the file */
    static const int64_t split_sid[4] = {2, 4, 4, 4}, split_date[4] = {300, 100, 100, 200};
    static const double ratio[4] = {0.25, 0.1, 0.2, 0.5};
    CU_ASSERT(memcmp(column_i64(b, BP_COL_SPLIT_SID, 4), split_sid, sizeof split_sid) == 0);
    CU_ASSERT(memcmp(column_i64(b, BP_COL_SPLIT_DATE, 4), split_date, sizeof split_date) == 0);
    CU_ASSERT(memcmp(column_i64(b, BP_COL_SPLIT_RATIO, 4), ratio, sizeof ratio) == 0);
    column_i64(b, BP_COL_MERGER_SID, 0);

    CU_ASSERT_EQUAL(column_i64(b, BP_COL_MARKET_CLOSE, 4)[3], 24);
    CU_ASSERT_EQUAL(column_i64(b, BP_COL_MINUTE_SID, 3)[2], 5);
    CU_ASSERT_EQUAL(column_i64(b, BP_COL_MINUTE_OFFSET, 4)[3], 9);
    CU_ASSERT_EQUAL(column_i64(b, BP_COL_LIFE_END, 4)[0], 4); /* without lifetimes: all sessions */
    bp_bundle_release(&b);
}

static void test_replaced(void)
{
    const file_format f[2] = {{"first", 4, 5, 0, .chunk = {0}}, {"second", 6, 5, 0, .chunk = {0}}};
    const bp_bundle *a = make_and_load(&f[0]), *b = make_and_load(&f[1]);
    CU_ASSERT_EQUAL(bp_bundle_num_assets(a), 4);
    CU_ASSERT_EQUAL(bp_bundle_num_assets(b), 6);
    CU_ASSERT_NOT_EQUAL(bp_bundle_generation(a), bp_bundle_generation(b));
    check_column(a, &f[0], BP_COL_OPEN);
    bp_bundle_release(&a);
    bp_bundle_release(&b);
}

/* LZF, which libhdf5 cannot write ---------------------------------------------------------------- */

static size_t no_filter(unsigned flags, size_t cd_nelmts, const unsigned cd_values[], size_t nbytes,
                        size_t *buf_size, void **buf)
{
    (void)flags, (void)cd_nelmts, (void)cd_values, (void)nbytes, (void)buf_size, (void)buf;
    return 0;
}

/* Datasets are created only with filters that claim to encode; the reader registers its own again. */
static const H5Z_class2_t pretender = {
    .version = H5Z_CLASS_T_VERS,
    .id = 32000,
    .encoder_present = 1,
    .decoder_present = 1,
    .name = "pretender",
    .filter = no_filter,
};

/* Put a dataset of two chunks in place of another: one as LZF literals, one with the filter skipped. */
static bool swap_lzf(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims,
                     const uint8_t *bytes)
{
    const hsize_t chunk[2] = {dims[0] / 2, rank == 2 ? dims[1] : 1}, second[2] = {chunk[0], 0},
                  first[2] = {0, 0};
    size_t size = H5Tget_size(type) * chunk[0] * chunk[1], n = 0;
    const unsigned values[3] = {4, 0x105, (unsigned)size};
    uint8_t stream[1024];
    for (size_t i = 0; i < size; i++) {
        if (i % 32 == 0) stream[n++] = (uint8_t)((size - i < 32 ? size - i : 32) - 1);
        stream[n++] = bytes[i];
    }
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    bool ok = H5Pset_chunk(dcpl, rank, chunk) >= 0 &&
              H5Pset_filter(dcpl, 32000, H5Z_FLAG_OPTIONAL, 3, values) >= 0 &&
              H5Ldelete(file, path, H5P_DEFAULT) >= 0 &&
              put_data(file, path, type, type, rank, dims, dcpl, NULL);
    hid_t set = ok ? H5Dopen2(file, path, H5P_DEFAULT) : -1;
    ok = ok && H5Dwrite_chunk(set, H5P_DEFAULT, 0, first, n, stream) >= 0 &&
         H5Dwrite_chunk(set, H5P_DEFAULT, 1, second, size, bytes + size) >= 0;
    if (set >= 0) H5Dclose(set);
    H5Pclose(dcpl);
    return ok;
}

/* Decoded by us, through HDF5 (another byte order), and as a small dataset. */
static void check_lzf(bool by_asset)
{
    const file_format f = {"lzf", 4, 5, 0, .chunk = {0}, .by_asset = by_asset};
    static const int64_t sids[4] = {10, 20, 30, 40};
    static const hsize_t dims[2] = {4, 5};
    uint32_t native[20], swapped[20];
    for (hsize_t i = 0; i < 20; i++) {
        native[i] = stored_value(BP_COL_OPEN, i / 5, i % 5);
        swapped[i] = __builtin_bswap32(stored_value(BP_COL_HIGH, i / 5, i % 5));
    }
    char path[128];
    snprintf(path, sizeof path, "%s/lzf.h5", folder);
    CU_ASSERT_FATAL(make_file(path, &f));
    CU_ASSERT_FATAL(H5Zregister(&pretender) >= 0);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT(swap_lzf(file, "/US/data/open", H5T_STD_U32LE, 2, dims, (const uint8_t *)native));
    CU_ASSERT(put_attr(file, "/US/data/open", "scaling_factor", 1000));
    CU_ASSERT(swap_lzf(file, "/US/data/high", H5T_STD_U32BE, 2, dims, (const uint8_t *)swapped));
    CU_ASSERT(put_attr(file, "/US/data/high", "scaling_factor", 1000));
    CU_ASSERT(swap_lzf(file, "/US/index/sid", H5T_STD_I64LE, 1, dims, (const uint8_t *)sids));
    CU_ASSERT_EQUAL(H5Fclose(file), 0);
    CU_ASSERT_FATAL(H5Zunregister(32000) >= 0);

    const bp_bundle *b = NULL;
    CU_ASSERT_EQUAL(bp__direct_load(bp__h5_loader(), folder, "lzf", &b), BP_OK);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_FATAL(b != NULL);
    CU_ASSERT(memcmp(bp_bundle_sids(b), sids, sizeof sids) == 0);
    for (unsigned c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) check_column(b, &f, c);
    bp_bundle_release(&b);
}

static void test_lzf(void)
{
    check_lzf(false);
    check_lzf(true);
}

/* Threads and writers --------------------------------------------------------------------------- */

typedef struct shared_load {
    bp__source *source;
    void *image;
    _Atomic uint64_t next; /* task to take; every thread adds to it */
    _Atomic uint64_t failed;
} shared_load;

static void *decode_some(void *context)
{
    shared_load *load = context;
    const bp__loader *loader = bp__h5_loader();
    uint64_t tasks = loader->plan(load->source)->num_tasks, task;
    bp__decoder *decoder = NULL;
    bp_status s = loader->decoder_create(&decoder);
    while (s == BP_OK && (task = bp__add_relaxed(&load->next, 1)) < tasks)
        s = bp__load_task(loader, load->source, "threads", decoder, task, load->image);
    if (s != BP_OK) bp__add_relaxed(&load->failed, 1);
    loader->decoder_destroy(&decoder);
    return NULL;
}

static void test_threads(void)
{
    static const file_format formats[3] = {
        {"threads", 40, 200, 0, .chunk = {3, 17}, .deflate = 1, .shuffle = true},
        {"threads, a factor for each", 40, 200, 0, .chunk = {3, 17}, .deflate = 1, .by_asset = true},
        {"threads, through HDF5", 2000, 700, 0, .chunk = {100, 700}, .fletcher = true},
    };
    const bp__loader *loader = bp__h5_loader();
    for (int i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/threads.h5", folder);
        CU_ASSERT_FATAL(make_file(path, &formats[i]));
        shared_load load = {.source = NULL};
        CU_ASSERT_EQUAL_FATAL(loader->open(path, &load.source), BP_OK);
        const bp__plan *plan = loader->plan(load.source);
        CU_ASSERT(plan->num_tasks > 10);
        load.image = aligned_alloc(64, plan->image_bytes);
        CU_ASSERT_FATAL(load.image != NULL);
        memset(load.image, 0xa5, plan->image_bytes);
        memcpy(load.image, plan->head, plan->head_bytes);
        pthread_t thread[4];
        for (int t = 0; t < 4; t++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[t], NULL, decode_some, &load), 0);
        for (int t = 0; t < 4; t++) pthread_join(thread[t], NULL);
        CU_ASSERT_EQUAL(load.failed, 0);
        const struct bp_bundle b = {.image = load.image};
        for (unsigned c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) check_column(&b, &formats[i], c);
        free(load.image);
        loader->close(&load.source);
        CU_ASSERT_EQUAL(unlink(path), 0);
    }
}

/* bp__h5_loader(), but that the file is rewritten in place after one of the fetches. */
static struct {
    const char *path;
    uint64_t after;     /* the task whose fetch comes before */
    unsigned rewrites;  /* still to come, one for each time that the file is read */
    uint32_t version;   /* of every number in the file; 0: as it was made */
    bool restores_time; /* puts the time of modification back, as tools that copy do */
} writer;

static void rewrite(const bp__plan *plan)
{
    static uint32_t x[1 << 18];
    struct stat st;
    writer.version++;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = writer.version;
    int fd = open(writer.path, O_WRONLY);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(fstat(fd, &st), 0);
    for (uint64_t t = 0; t < plan->num_tasks; t++) {
        const size_t n = plan->task[t].stored_bytes;
        CU_ASSERT_FATAL(n <= sizeof x);
        CU_ASSERT_EQUAL_FATAL(pwrite(fd, x, n, (off_t)plan->task[t].file_offset), (ssize_t)n);
    }
    if (writer.restores_time)
        CU_ASSERT_EQUAL(futimens(fd, (const struct timespec[2]){st.st_atim, st.st_mtim}), 0);
    CU_ASSERT_EQUAL(close(fd), 0);
}

static bp_status fetch_then_rewrite(bp__source *source, uint64_t task, void *stored)
{
    const bp_status s = bp__h5_loader()->fetch(source, task, stored);
    if (task == writer.after && writer.rewrites > 0) {
        writer.rewrites--;
        rewrite(bp__h5_loader()->plan(source));
    }
    return s;
}

static void check_version(const bp_bundle *b, double version)
{
    const size_t n = bp_bundle_num_assets(b) * bp_bundle_num_sessions(b);
    size_t differing = 0;
    for (unsigned c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) {
        const double *x = bp_bundle_daily(b, c);
        const double want = c == BP_COL_VOLUME ? version : version * (1.0 / 1000);
        for (size_t i = 0; i < n; i++) differing += !same_bits(x[i], want);
    }
    CU_ASSERT_EQUAL(differing, 0);
}

/* A file that is rewritten in place while it is loaded: whatever is handed out is one version, the last. */
static void test_rewritten(void)
{
    const file_format f = {"rewritten", 20, 40000, 0, .chunk = {0}};
    bp__loader loader = *bp__h5_loader();
    const bp_bundle *b = NULL;
    char path[128];
    bp__source *source = NULL;
    snprintf(path, sizeof path, "%s/rewritten.h5", folder);
    CU_ASSERT_FATAL(make_file(path, &f));
    CU_ASSERT_EQUAL_FATAL(loader.open(path, &source), BP_OK);
    const uint64_t last = loader.plan(source)->num_tasks - 1;
    loader.close(&source);
    loader.fetch = fetch_then_rewrite;
    writer.path = path;
    for (int i = 0; i < 6; i++) { /* after the first, one in the middle, and the last */
        writer.after = last * (uint64_t)(i % 3) / 2;
        writer.restores_time = i >= 3;
        writer.rewrites = 2;
        CU_ASSERT_EQUAL_FATAL(bp__direct_load(&loader, folder, "rewritten", &b), BP_OK);
        CU_ASSERT_EQUAL(writer.rewrites, 0);
        check_version(b, writer.version);
        bp_bundle_release(&b);
    }
    writer.rewrites = 100; /* more often than a load tries again */
    CU_ASSERT_EQUAL(bp__direct_load(&loader, folder, "rewritten", &b), BP_ECHANGED);
    CU_ASSERT_PTR_NULL(b);
    CU_ASSERT(strstr(bp_error_text(), "rewritten.h5: changed during each of") != NULL);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

int main(int argc, char **argv)
{
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS) return 1;
    data_folder = argc > 1 ? argv[1] : "";
    bool have_data = access(data_folder, R_OK) == 0 && *data_folder;
    CU_pSuite suite = CU_add_suite("read", NULL, NULL);
    if (have_data) {
        CU_add_test(suite, "zipline csvdir", test_zipline_csvdir);
        CU_add_test(suite, "zipline edge", test_zipline_edge);
        CU_add_test(suite, "zipline empty", test_zipline_empty);
        CU_add_test(suite, "zipline unsorted", test_zipline_unsorted);
    }
    CU_add_test(suite, "formats", test_formats);
    CU_add_test(suite, "factors of prices only", test_some_factors);
    CU_add_test(suite, "assets, calendar, adjustments", test_extras);
    CU_add_test(suite, "replaced", test_replaced);
    CU_add_test(suite, "LZF", test_lzf);
    CU_add_test(suite, "threads", test_threads);
    CU_add_test(suite, "rewritten while it is loaded", test_rewritten);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    rmdir(folder);
    if (failures) return 1;
    if (!have_data) {
        printf("skipped: zipline's own files, as there is no folder '%s'\n", data_folder);
        return 77;
    }
    return 0;
}
