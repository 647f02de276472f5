/* Reading a file asset by asset: the values of a whole load, in little memory, of a country of one's choice. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/hdf5/h5read.h"
#include "io/hdf5/h5series.h"
#include "make_file.h"

static char folder[] = "/tmp/test_series.XXXXXX";
static char path[64];

static bool same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void check_row(bp__h5series *series, const file_format *f, size_t row)
{
    const double *value[BP__NUM_FIELDS];
    size_t wrong = 0;
    CU_ASSERT_EQUAL_FATAL(bp__h5_series_daily(series, row, value), BP_OK);
    for (int k = 0; k < BP__NUM_FIELDS; k++)
        for (size_t i = 0; i < f->sessions; i++)
            wrong += !same_bits(value[k][i], expected_value(f, BP_COL_OPEN + (bp_column)k, row, i));
    CU_ASSERT_EQUAL(wrong, 0);
    for (int k = 0; k < BP__NUM_FIELDS; k++) {
        const bp_column column = BP_COL_OPEN + (bp_column)k;
        CU_ASSERT_EQUAL(bp__h5_series_factor(series, column, row), stored_factor(f, column, row));
    }
}

/* @return bars of that sid */
static size_t check_minutes(bp__h5series *series, const file_format *f, size_t row, size_t first)
{
    const double *value[BP__NUM_FIELDS];
    const int64_t *dt;
    size_t n, wrong = 0;
    CU_ASSERT_EQUAL_FATAL(bp__h5_series_minute(series, row, &dt, value, &n), BP_OK);
    for (size_t i = 0; i < n; i++) {
        wrong += dt[i] != stored_dt(first + i);
        for (int k = 0; k < BP__NUM_FIELDS; k++)
            wrong +=
                !same_bits(value[k][i], expected_value(f, BP_COL_MINUTE_OPEN + (bp_column)k, 0, first + i));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    return n;
}

static void test_formats(void)
{
    static const file_format formats[] = {
        {"contiguous", 7, 40, 30, .chunk = {0}},
        {"several blocks", 300, 2000, 40000, .chunk = {0}},
        {"chunks of rows", 7, 40, 30, .chunk = {1, 40}, .deflate = 1, .shuffle = true},
        {"chunks across rows", 23, 40, 30, .chunk = {5, 13}, .deflate = 1, .by_asset = true},
        {"chunks of columns", 23, 40, 30, .chunk = {23, 1}, .deflate = 1},
        {"through HDF5", 23, 40, 30, .chunk = {5, 13}, .fletcher = true, .by_asset = true},
        {"half written", 8, 40, 0, .chunk = {2, 13}, .deflate = 1, .sparse = true},
        {"no asset", 0, 40, 0, .chunk = {2, 13}},
        {"no session", 7, 0, 0, .chunk = {2, 13}},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (size_t step = 1; step <= 3; step += 2) { /* every row, and every third */
            const file_format *f = &formats[i];
            bp__h5series *series;
            CU_ASSERT_FATAL(make_file(path, f));
            CU_ASSERT_EQUAL_FATAL(bp__h5_series_open(path, NULL, &series), BP_OK);
            CU_ASSERT_EQUAL(bp_bundle_num_assets(bp__h5_series_head(series)), f->assets);
            for (size_t row = 0; row < f->assets; row += step) check_row(series, f, row);
            for (size_t row = 0, first = 0; f->bars && row < 3; row++)
                first += check_minutes(series, f, row, first);
            CU_ASSERT_EQUAL(bp__h5_series_check(series), BP_OK);
            bp__h5_series_close(&series);
            CU_ASSERT_PTR_NULL(series);
        }
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* Bytes of an image that are in memory. */
static size_t resident(const bp__image *image)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (image->bytes + page - 1) / page;
    unsigned char *in = malloc(pages);
    size_t n = 0;
    CU_ASSERT_FATAL(in && mincore((void *)(uintptr_t)image, image->bytes, in) == 0);
    for (size_t i = 0; i < pages; i++) n += in[i] & 1;
    free(in);
    return n * page;
}

static void test_memory(void)
{
    const file_format f = {"large", 400, 2000, 200000, .chunk = {4, 2000}, .deflate = 1, .shuffle = true};
    bp__h5series *series;
    size_t most = 0;
    CU_ASSERT_FATAL(make_file(path, &f));
    CU_ASSERT_EQUAL_FATAL(bp__h5_series_open(path, NULL, &series), BP_OK);
    const bp__image *image = bp__h5_series_head(series)->image;
    for (size_t row = 0; row < f.assets; row++) {
        check_row(series, &f, row);
        if (row % 50 == 49 && resident(image) > most) most = resident(image);
    }
    CU_ASSERT(image->bytes > 50 << 20);
    CU_ASSERT(most < 3 << 20);
    bp__h5_series_close(&series);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_countries(void)
{
    const file_format f = {"several", 7, 40, 30, .chunk = {2, 13}, .deflate = 1, .extras = true};
    bp__h5countries countries;
    bp__h5series *series;
    CU_ASSERT_FATAL(make_file(path, &f));
    CU_ASSERT_EQUAL_FATAL(bp__h5_countries_of(path, &countries), BP_OK);
    CU_ASSERT(countries.n == 1 && strcmp(countries.name[0], "US") == 0);

    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT(H5Ocopy(file, "US", file, "ZA", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    CU_ASSERT(H5Ocopy(file, "US", file, "CA", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    CU_ASSERT(H5Ldelete(file, "ZA/minute", H5P_DEFAULT) >= 0);
    CU_ASSERT(H5Ldelete(file, "CA/assets", H5P_DEFAULT) >= 0);
    hid_t group = H5Gcreate2(file, "notes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT); /* not a country */
    CU_ASSERT(group >= 0 && H5Gclose(group) >= 0 && H5Fclose(file) >= 0);

    CU_ASSERT_EQUAL_FATAL(bp__h5_countries_of(path, &countries), BP_OK);
    CU_ASSERT_EQUAL_FATAL(countries.n, 3);
    CU_ASSERT_STRING_EQUAL(countries.name[0], "CA");
    CU_ASSERT_STRING_EQUAL(countries.name[1], "US");
    CU_ASSERT_STRING_EQUAL(countries.name[2], "ZA");
    static const struct {
        const char *country, *symbol;
        size_t sids;
    } cases[] = {{"CA", "0", 3}, {"US", "ZERO", 3}, {"ZA", "ZERO", 0}};
    for (size_t i = 0; i < 3; i++) {
        bp_array sids;
        CU_ASSERT_EQUAL_FATAL(bp__h5_series_open(path, cases[i].country, &series), BP_OK);
        const bp_bundle *head = bp__h5_series_head(series);
        CU_ASSERT_STRING_EQUAL(bp_bundle_symbol(head, 0), cases[i].symbol);
        CU_ASSERT_STRING_EQUAL(bp__h5_series_country(series), cases[i].country);
        CU_ASSERT(bp_bundle_column(head, BP_COL_MINUTE_SID, &sids) && sids.shape[0] == cases[i].sids);
        check_row(series, &f, 3);
        bp__h5_series_close(&series);
    }
    CU_ASSERT_EQUAL(bp__h5_series_open(path, "GB", &series), BP_EFORMAT);
    CU_ASSERT(strstr(bp_error_text(), "no country group /GB") != NULL);
    CU_ASSERT_PTR_NULL(series);
    CU_ASSERT_EQUAL(bp__h5_series_open(path, NULL, &series), BP_EFORMAT);
    CU_ASSERT(strstr(bp_error_text(), "3 country groups (CA, US, ZA)") != NULL);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(bp__h5_countries_of(path, &countries), BP_ENOTFOUND);
}

static void test_changed(void)
{
    const file_format f = {"changed", 7, 40, 0, .chunk = {2, 13}, .deflate = 1};
    bp__h5series *series;
    CU_ASSERT_FATAL(make_file(path, &f));
    CU_ASSERT_EQUAL_FATAL(bp__h5_series_open(path, NULL, &series), BP_OK);
    check_row(series, &f, 0);
    int fd = open(path, O_RDWR);
    char byte;
    CU_ASSERT_FATAL(fd >= 0 && pread(fd, &byte, 1, 0) == 1 && pwrite(fd, &byte, 1, 0) == 1);
    close(fd);
    CU_ASSERT_EQUAL(bp__h5_series_check(series), BP_ECHANGED);
    bp__h5_series_close(&series);

    /* one that takes its place is another file: this one is still whole */
    CU_ASSERT_EQUAL_FATAL(bp__h5_series_open(path, NULL, &series), BP_OK);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_FATAL(make_file(path, &f));
    check_row(series, &f, 6);
    bp__h5_series_close(&series);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

int main(void)
{
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS) return 1;
    snprintf(path, sizeof path, "%s/series.h5", folder);
    CU_pSuite suite = CU_add_suite("series", NULL, NULL);
    CU_add_test(suite, "formats", test_formats);
    CU_add_test(suite, "memory", test_memory);
    CU_add_test(suite, "countries", test_countries);
    CU_add_test(suite, "changed while it is read", test_changed);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    rmdir(folder);
    return failures > 0;
}
