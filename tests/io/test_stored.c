/* What libhdf5 would take without a word: entries of an index that are lost, chunks that decode short. */
#include <CUnit/Basic.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "files.h"
#include "io/hdf5/h5read.h"
#include "make_file.h"

enum { SIDS = 4 };

static const file_format plain = {"plain", SIDS, 5, 0, .chunk = {2, 3}};
static const int64_t sids[SIDS] = {1, 5, 9, 13};

static const char *path(void)
{
    return files_path("stored.h5");
}

static bp_status load(bp__source **source)
{
    return bp__h5_loader()->open(path(), source);
}

static void expect_refused(const char *words)
{
    bp__source *source = NULL;
    const bp_status s = load(&source);
    if (s != BP_EFORMAT || !strstr(bp_error_text(), words))
        printf("%s: %s: %s\n", words, bp_status_name(s), s == BP_OK ? "" : bp_error_text());
    CU_ASSERT_EQUAL(s, BP_EFORMAT);
    CU_ASSERT(s == BP_OK || strstr(bp_error_text(), words) != NULL);
    if (s == BP_OK) bp__h5_loader()->close(&source);
}

/* Indexes of chunks ----------------------------------------------------------------------------- */

/* Change the place of one chunk of 2 x 3 values, at (2, 3), in the first index that lists it.
 * @param[in] place  row, column, and byte within the element, which is 0 in every entry */
static void move_entry(const uint64_t place[3])
{
    const struct {
        uint32_t bytes, mask;
        uint64_t row, col, element;
    } key = {24, 0, 2, 3, 0};
    size_t n;
    char *bytes = files_read("stored.h5", &n);
    CU_ASSERT_FATAL(bytes != NULL);
    const char *at = memmem(bytes, n, &key, sizeof key);
    CU_ASSERT_FATAL(at != NULL);
    const int fd = open(path(), O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, place, 24, at - bytes + 8), 24);
    CU_ASSERT_EQUAL(close(fd), 0);
    free(bytes);
}

static void test_lost_entries(void)
{
    static const uint64_t places[][3] = {{2, 0}, {2, 6}, {4, 0}, {100, 3}, {2, 3, 4}, {2, 3, UINT64_MAX}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        CU_ASSERT_FATAL(make_file(path(), &plain));
        move_entry(places[i]);
        expect_refused("/US/data/open: damaged: its index lists chunks");
    }
}

/* Small tables ---------------------------------------------------------------------------------- */

/* Put /US/index/sid into a file again, chunked as `dcpl` says, without its values. @return owned: the dataset */
static hid_t make_sids(hid_t file, hid_t dcpl)
{
    const hsize_t n = SIDS, unlimited = H5S_UNLIMITED;
    const hid_t space = H5Screate_simple(1, &n, &unlimited);
    CU_ASSERT_FATAL(H5Ldelete(file, "/US/index/sid", H5P_DEFAULT) >= 0);
    const hid_t set = H5Dcreate2(file, "/US/index/sid", H5T_STD_I64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    CU_ASSERT_FATAL(set >= 0);
    H5Sclose(space);
    return set;
}

/* Properties of a table in chunks of `rows`, deflated so many times. */
static hid_t deflated(hsize_t rows, int times)
{
    const hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    CU_ASSERT_FATAL(dcpl >= 0 && H5Pset_chunk(dcpl, 1, &rows) >= 0);
    for (int i = 0; i < times; i++) CU_ASSERT_FATAL(H5Pset_deflate(dcpl, 6) >= 0);
    return dcpl;
}

/* A file with such a table, of one chunk that is stored as `bytes`. */
static void store_sids(hid_t dcpl, const void *bytes, size_t n)
{
    const hsize_t origin = 0;
    CU_ASSERT_FATAL(make_file(path(), &plain));
    const hid_t file = H5Fopen(path(), H5F_ACC_RDWR, H5P_DEFAULT), set = make_sids(file, dcpl);
    CU_ASSERT(H5Dwrite_chunk(set, H5P_DEFAULT, 0, &origin, n, bytes) >= 0);
    CU_ASSERT(H5Dclose(set) >= 0 && H5Fclose(file) >= 0 && H5Pclose(dcpl) >= 0);
}

static size_t deflate_into(void *out, const void *in, size_t n)
{
    uLongf packed = 256;
    CU_ASSERT_EQUAL_FATAL(compress2(out, &packed, in, n, 6), Z_OK);
    return packed;
}

static void expect_sids(void)
{
    bp__source *source;
    CU_ASSERT_EQUAL_FATAL(load(&source), BP_OK);
    const bp__image *head = bp__h5_loader()->plan(source)->head;
    CU_ASSERT_EQUAL(memcmp((const char *)head + head->column[BP_COL_SID].offset, sids, sizeof sids), 0);
    bp__h5_loader()->close(&source);
}

static void test_short_chunk(void)
{
    unsigned char packed[256];
    store_sids(deflated(SIDS, 1), packed, deflate_into(packed, sids, sizeof sids));
    expect_sids();
    store_sids(deflated(SIDS, 1), packed, deflate_into(packed, sids, sizeof sids - 8));
    expect_refused("/US/index/sid: damaged chunk at row 0, column 0: it does not inflate");
}

/* Two compressions are undone by libhdf5, which takes what it has in memory for what is missing. */
static void test_short_chunk_of_libhdf5(void)
{
    static int64_t many[4096]; /* what is missing is in memory that nobody has cleared */
    unsigned char once[256], twice[256];
    for (int i = 0; i < SIDS; i++) many[i] = sids[i];
    for (size_t missing = 0; missing <= 16; missing += 8) {
        const size_t n = deflate_into(once, many, sizeof sids - missing);
        store_sids(deflated(SIDS, 2), twice, deflate_into(twice, once, n));
        if (missing == 0)
            expect_sids();
        else
            expect_refused("/US/index/sid: damaged: a chunk does not decode to the size of a chunk");
    }
}

/* An attribute of which a size is larger than it was: its value would be what memory holds behind the header. */
static void test_large_attribute(void)
{
    static const struct {
        size_t at;
        unsigned char was, is;
        const char *words;
    } sizes[] = {{2, 15, 23, "attribute"}, /* of its name, type and space; of an element */
                 {4, 12, 100, "damaged: an attribute, or another part of its header"},
                 {6, 8, 94, "damaged: an attribute, or another part of its header"},
                 {28, 8, 16, "damaged: an attribute, or another part of its header"}};
    static const unsigned char attribute[] = "\1\0\17\0\14\0\10\0scaling_factor";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n;
        CU_ASSERT_FATAL(make_file(path(), &plain));
        char *bytes = files_read("stored.h5", &n);
        CU_ASSERT_FATAL(bytes != NULL);
        const unsigned char *found = memmem(bytes, n, attribute, sizeof attribute);
        CU_ASSERT_FATAL(found != NULL);
        CU_ASSERT_EQUAL(found[sizes[i].at], sizes[i].was);
        const int fd = open(path(), O_WRONLY);
        CU_ASSERT_EQUAL(pwrite(fd, &sizes[i].is, 1, (const char *)found - bytes + (off_t)sizes[i].at), 1);
        CU_ASSERT_EQUAL(close(fd), 0);
        free(bytes);
        expect_refused(sizes[i].words);
    }
}

/* Chunks of one value each, of which filters were left out in turn: each chunk goes by its own mask, and not by that of the one
 * before. */
static void test_masks(void)
{
    for (unsigned masks = 0; masks < 256; masks += 3) { /* two bits for each chunk */
        const hid_t dcpl = deflated(1, 2);
        CU_ASSERT_FATAL(make_file(path(), &plain));
        const hid_t file = H5Fopen(path(), H5F_ACC_RDWR, H5P_DEFAULT), set = make_sids(file, dcpl);
        for (hsize_t i = 0; i < SIDS; i++) {
            const uint32_t mask = masks >> 2 * i & 3;
            unsigned char bytes[2][256];
            size_t n = sizeof sids[i];
            memcpy(bytes[0], &sids[i], n);
            for (int filter = 0; filter < 2; filter++) {
                if (mask >> filter & 1) continue;
                n = deflate_into(bytes[1], bytes[0], n);
                memcpy(bytes[0], bytes[1], n);
            }
            CU_ASSERT(H5Dwrite_chunk(set, H5P_DEFAULT, mask, &i, n, bytes[0]) >= 0);
        }
        CU_ASSERT(H5Dclose(set) >= 0 && H5Fclose(file) >= 0 && H5Pclose(dcpl) >= 0);
        expect_sids();
    }
}

static bool nbit(hid_t dcpl)
{
    return H5Pset_nbit(dcpl) >= 0;
}
static bool scale_offset(hid_t dcpl)
{
    return H5Pset_scaleoffset(dcpl, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT) >= 0;
}
static bool szip(hid_t dcpl)
{
    return H5Pset_szip(dcpl, H5_SZIP_NN_OPTION_MASK, 2) >= 0;
}
static bool sum_between(hid_t dcpl)
{
    return H5Pset_deflate(dcpl, 6) >= 0 && H5Pset_fletcher32(dcpl) >= 0 && H5Pset_deflate(dcpl, 6) >= 0;
}

/* Filters that only libhdf5 undoes, as it has applied them. */
static void test_other_filters(void)
{
    static bool (*const add[])(hid_t dcpl) = {nbit, scale_offset, szip, sum_between};
    for (size_t i = 0; i < sizeof add / sizeof *add; i++) {
        const hid_t dcpl = deflated(SIDS - 1, 0);
        if (add[i] == szip && !H5Zfilter_avail(H5Z_FILTER_SZIP)) continue;
        CU_ASSERT_FATAL(add[i](dcpl));
        CU_ASSERT_FATAL(make_file(path(), &plain));
        const hid_t file = H5Fopen(path(), H5F_ACC_RDWR, H5P_DEFAULT), set = make_sids(file, dcpl);
        CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, sids) >= 0);
        CU_ASSERT(H5Dclose(set) >= 0 && H5Fclose(file) >= 0 && H5Pclose(dcpl) >= 0);
        expect_sids();
    }
}

/* Parameters of a filter that say of other elements than the dataset has: four values of half the width, and a chunk of
 * which half is missing. */
static void test_other_parameters(void)
{
    unsigned values[256], flags;
    size_t n = sizeof values / sizeof *values, bytes;
    char *file;
    hid_t dcpl = deflated(SIDS, 0), made;
    CU_ASSERT_FATAL(nbit(dcpl) && make_file(path(), &plain));
    const hid_t id = H5Fopen(path(), H5F_ACC_RDWR, H5P_DEFAULT), set = make_sids(id, dcpl);
    CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, sids) >= 0);
    CU_ASSERT_FATAL((made = H5Dget_create_plist(set)) >= 0);
    CU_ASSERT_EQUAL_FATAL(H5Pget_filter2(made, 0, &flags, &n, values, 0, NULL, NULL), H5Z_FILTER_NBIT);
    CU_ASSERT(H5Pclose(made) >= 0 && H5Dclose(set) >= 0 && H5Fclose(id) >= 0 && H5Pclose(dcpl) >= 0);
    CU_ASSERT_FATAL((file = files_read("stored.h5", &bytes)) != NULL);
    char *at = memmem(file, bytes, values, n * sizeof *values);
    CU_ASSERT_FATAL(at != NULL && n > 2 && values[2] == SIDS);
    values[2] = SIDS / 2; /* the number of elements in a chunk */
    const int fd = open(path(), O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, values, n * sizeof *values, at - file), (ssize_t)(n * sizeof *values));
    CU_ASSERT_EQUAL(close(fd), 0);
    free(file);
    expect_refused("/US/index/sid: damaged: the parameters of its filters are not those of its type");
}

/* Chunks at the edge may be stored without the filters of the others. */
static void test_plain_edges(void)
{
    const hid_t dcpl = deflated(SIDS - 1, 1), fapl = H5Pcreate(H5P_FILE_ACCESS);
    CU_ASSERT(H5Pset_chunk_opts(dcpl, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) >= 0);
    CU_ASSERT(H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0);
    CU_ASSERT_FATAL(make_file(path(), &plain));
    const hid_t file = H5Fopen(path(), H5F_ACC_RDWR, fapl), set = make_sids(file, dcpl);
    CU_ASSERT(H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, sids) >= 0);
    CU_ASSERT(H5Dclose(set) >= 0 && H5Fclose(file) >= 0 && H5Pclose(dcpl) >= 0 && H5Pclose(fapl) >= 0);
    expect_sids();
}

/* A table of 32 bytes does not need chunks of megabytes. */
static void test_chunk_bomb(void)
{
    const struct {
        hsize_t chunk;
        bool refused;
    } cases[] = {{(1 << 20) / 8, false}, {(1 << 20) / 8 + 1, true}, {UINT64_C(1) << 28, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t *values = calloc(1 << 18, sizeof *values);
        unsigned char *packed = malloc(1 << 21);
        uLongf n = 1 << 21;
        CU_ASSERT_FATAL(values != NULL && packed != NULL);
        memcpy(values, sids, sizeof sids);
        const size_t bytes = cases[i].chunk < 1 << 18 ? cases[i].chunk * 8 : 1 << 20;
        CU_ASSERT_EQUAL_FATAL(compress2(packed, &n, (const Bytef *)values, bytes, 9), Z_OK);
        store_sids(deflated(cases[i].chunk, 1), packed, n);
        if (cases[i].refused)
            expect_refused("are too large for a dataset of 4 x 1; write it again with smaller ones");
        else
            expect_sids();
        free(packed);
        free(values);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"lost entries", test_lost_entries},
                           {"short chunks", test_short_chunk},
                           {"short chunks that libhdf5 decodes", test_short_chunk_of_libhdf5},
                           {"filters that are left out", test_masks},
                           {"an attribute beyond its header", test_large_attribute},
                           {"other filters", test_other_filters},
                           {"other parameters of filters", test_other_parameters},
                           {"edges without filters", test_plain_edges},
                           {"chunks out of proportion", test_chunk_bomb},
                           CU_TEST_INFO_NULL};
    return files_main("stored", tests);
}
