/* Files that are not bundles, or are damaged: each is refused with its reason, and none does harm. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/direct.h"
#include "io/hdf5/h5read.h"
#include "make_file.h"

static char folder[] = "/tmp/test_bad.XXXXXX";
static char path[64];

/* With the address sanitizer, a child that slips ends with OURS, unless the slip is libhdf5's own. */
enum { READ = 0, REFUSED = 1, CRASHED = 2, OURS = 3 };

const char *__asan_default_options(void);
void __asan_set_error_report_callback(void (*)(const char *report)) __attribute__((weak));

const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:exitcode=3:"
           "allocator_may_return_null=1";
}

/* libhdf5 is not instrumented: its slips are seen where it calls memcpy() and the like. */
static void judge(const char *report)
{
    const char *top = strstr(report, "#0 "), *caller = top ? strstr(top, "#1 ") : NULL;
    const char *end = caller ? strchr(caller, '\n') : NULL, *lib = caller ? strstr(caller, "libhdf5") : NULL;
    const char *libc_call = top ? strstr(top, "interceptor") : NULL;
    if (lib && lib < end && libc_call && libc_call < caller) _exit(CRASHED);
}

static bp_status load(void)
{
    const bp_bundle *b = NULL;
    bp_status s = bp__direct_load(bp__h5_loader(), folder, "bad", &b);
    bp_bundle_release(&b);
    return s;
}

static void expect(const char *what, bp_status status, const char *text)
{
    bp_status s = load();
    if (s != status || !strstr(bp_error_text(), text))
        printf("%s: %s: %s\n", what, bp_status_name(s), bp_error_text());
    CU_ASSERT_EQUAL(s, status);
    CU_ASSERT(strstr(bp_error_text(), text) != NULL);
    CU_ASSERT(strchr(bp_error_text(), '\n') == NULL);
}

/* Not an HDF5 file ------------------------------------------------------------------------------ */

static void write_bytes(const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, bytes, n), (ssize_t)n);
    CU_ASSERT_EQUAL(close(fd), 0);
}

/* The loader itself checks what it opens: bp__direct_load() would stop earlier. */
static void expect_open(bp_status status, const char *text)
{
    bp__source *source = NULL;
    CU_ASSERT_EQUAL(bp__h5_loader()->open(path, &source), status);
    CU_ASSERT_PTR_NULL(source);
    CU_ASSERT(strstr(bp_error_text(), text) != NULL);
}

static void test_no_hdf5(void)
{
    expect("nothing", BP_ENOTFOUND, "no such bundle file");
    expect_open(BP_ENOTFOUND, "no such bundle file");
    write_bytes("", 0);
    expect("empty", BP_EFORMAT, "is empty");
    write_bytes("date,open,high,low,close,volume\n", 32);
    expect("text", BP_EFORMAT, "not an HDF5 file");
    CU_ASSERT_EQUAL(unlink(path), 0);

    CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
    expect("folder", BP_EFORMAT, "not a regular file");
    expect_open(BP_EFORMAT, "folder");
    CU_ASSERT_EQUAL(rmdir(path), 0);

    CU_ASSERT_EQUAL(mkfifo(path, 0644), 0);
    expect("FIFO", BP_EFORMAT, "not a regular file");
    expect_open(BP_EFORMAT, "not a regular file");
    CU_ASSERT_EQUAL(unlink(path), 0);

    const bp_bundle *b = NULL;
    CU_ASSERT_EQUAL(bp__direct_load(bp__h5_loader(), folder, "../bad", &b), BP_EINVAL);
}

/* Good files, spoilt ---------------------------------------------------------------------------- */

static const file_format plain = {"plain",       4, 5, 3, .chunk = {2, 3}, .deflate = 1, .shuffle = true,
                                  .extras = true};

static bool drop(hid_t file, const char *name)
{
    return H5Ldelete(file, name, H5P_DEFAULT) >= 0;
}

/* Put a dataset of `n` i64 in place of another. */
static bool swap_i64(hid_t file, const char *name, hsize_t n, const int64_t *data)
{
    return drop(file, name) &&
           put_data(file, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &n, H5P_DEFAULT, data);
}

/* Put an empty dataset of any type and shape in place of another. */
static bool swap_any(hid_t file, const char *name, hid_t type, int rank, hsize_t n, hsize_t m)
{
    const hsize_t dims[2] = {n, m};
    return drop(file, name) && put_data(file, name, type, type, rank, dims, H5P_DEFAULT, NULL);
}

static bool no_open(hid_t f)
{
    return drop(f, "/US/data/open");
}
static bool no_sid(hid_t f)
{
    return drop(f, "/US/index/sid");
}
static bool no_data(hid_t f)
{
    return drop(f, "/US/data");
}
static bool no_volume(hid_t f)
{
    return drop(f, "/US/minute/data/volume");
}
static bool no_start(hid_t f)
{
    return drop(f, "/US/assets/start_date");
}
static bool no_scale(hid_t f)
{
    return H5Adelete_by_name(f, "/US/data/low", "scaling_factor", H5P_DEFAULT) >= 0;
}
static bool zero_scale(hid_t f)
{
    return no_scale(f) && put_attr(f, "/US/data/low", "scaling_factor", 0);
}
static bool float_open(hid_t f)
{
    return swap_any(f, "/US/data/open", H5T_IEEE_F64LE, 2, 4, 5);
}
static bool signed_open(hid_t f)
{
    return swap_any(f, "/US/data/open", H5T_STD_I32LE, 2, 4, 5);
}
static bool wide_open(hid_t f)
{
    return swap_any(f, "/US/data/open", H5T_STD_U64LE, 2, 4, 5);
}
static bool turned_open(hid_t f)
{
    return swap_any(f, "/US/data/open", H5T_STD_U32LE, 2, 5, 4);
}
static bool flat_open(hid_t f)
{
    return swap_any(f, "/US/data/open", H5T_STD_U32LE, 1, 20, 0);
}
static bool scalar_open(hid_t f)
{
    return swap_any(f, "/US/data/open", H5T_STD_U32LE, 0, 0, 0);
}
static bool float_sid(hid_t f)
{
    return swap_any(f, "/US/index/sid", H5T_IEEE_F64LE, 1, 4, 0);
}
static bool unsorted_sid(hid_t f)
{
    return swap_i64(f, "/US/index/sid", 4, (const int64_t[]){0, 2, 1, 3});
}
static bool double_sid(hid_t f)
{
    return swap_i64(f, "/US/index/sid", 4, (const int64_t[]){0, 1, 1, 3});
}
static bool unsorted_day(hid_t f)
{
    return swap_i64(f, "/US/index/day", 5, (const int64_t[]){0, 1, 2, 4, 3});
}
static bool more_sids(hid_t f)
{
    return swap_i64(f, "/US/index/sid", 5, (const int64_t[]){0, 1, 2, 3, 4});
}
static bool asset_twice(hid_t f)
{
    return swap_i64(f, "/US/assets/sid", 4, (const int64_t[]){6, 2, 6, 0});
}
static bool short_assets(hid_t f)
{
    return swap_i64(f, "/US/assets/sid", 3, (const int64_t[]){6, 2, 0});
}
static bool short_offset(hid_t f)
{
    return swap_i64(f, "/US/minute/index/offset", 3, (const int64_t[]){0, 3, 6});
}
static bool late_offset(hid_t f)
{
    return swap_i64(f, "/US/minute/index/offset", 4, (const int64_t[]){1, 3, 6, 9});
}
static bool back_offset(hid_t f)
{
    return swap_i64(f, "/US/minute/index/offset", 4, (const int64_t[]){0, 6, 3, 9});
}
static bool far_offset(hid_t f)
{
    return swap_i64(f, "/US/minute/index/offset", 4, (const int64_t[]){0, 3, 6, 10});
}
static bool int_symbol(hid_t f)
{
    return swap_any(f, "/US/assets/symbol", H5T_STD_I64LE, 1, 4, 0);
}
static bool plain_splits(hid_t f)
{
    return swap_any(f, "/US/adjustments/splits", H5T_STD_I64LE, 1, 4, 0);
}
static bool huge_sid(hid_t f)
{
    return swap_any(f, "/US/index/sid", H5T_STD_I64LE, 1, UINT64_C(1) << 40, 0);
}
static bool version_1(hid_t f)
{
    return H5Adelete(f, "version") >= 0 && put_attr(f, "/", "version", 1);
}
static bool group_open(hid_t f)
{
    hid_t group =
        drop(f, "/US/data/open") ? H5Gcreate2(f, "/US/data/open", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) : -1;
    return group >= 0 && H5Gclose(group) >= 0;
}
static bool two_countries(hid_t f)
{
    return H5Ocopy(f, "US", f, "CA", H5P_DEFAULT, H5P_DEFAULT) >= 0;
}
static bool soft_link(hid_t f)
{
    return drop(f, "/US/data/open") &&
           H5Lcreate_soft("/US/data/close", f, "/US/data/open", H5P_DEFAULT, H5P_DEFAULT) >= 0;
}
static bool external_link(hid_t f)
{
    return drop(f, "/US/data/open") &&
           H5Lcreate_external("/dev/zero", "/open", f, "/US/data/open", H5P_DEFAULT, H5P_DEFAULT) >= 0;
}
static bool external_storage(hid_t f)
{
    const hsize_t dims[2] = {4, 5};
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    bool ok = drop(f, "/US/data/open") && H5Pset_external(dcpl, "/dev/zero", 0, 80) >= 0 &&
              put_data(f, "/US/data/open", H5T_STD_U32LE, H5T_NATIVE_UINT32, 2, dims, dcpl, NULL);
    H5Pclose(dcpl);
    return ok;
}
static bool unknown_filter(hid_t f)
{
    const hsize_t dims[2] = {4, 5};
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    bool ok = drop(f, "/US/data/open") && H5Pset_chunk(dcpl, 2, dims) >= 0 &&
              H5Pset_filter(dcpl, 31999, H5Z_FLAG_OPTIONAL, 0, NULL) >= 0 &&
              put_data(f, "/US/data/open", H5T_STD_U32LE, H5T_NATIVE_UINT32, 2, dims, dcpl, NULL);
    H5Pclose(dcpl);
    return ok;
}
/* A dataset of four factors, or of as many as are given. */
static bool put_factors(hid_t f, const char *where, hsize_t n, const double *factor)
{
    return put_data(f, where, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &n, H5P_DEFAULT, factor);
}
static bool zero_factor(hid_t f)
{
    return put_factors(f, "/US/data/scaling_factor", 4, (const double[]){1000, 1000, 0, 1000});
}
static bool negative_factor(hid_t f)
{
    return put_factors(f, "/US/data/volume_scaling_factor", 4, (const double[]){1, -1, 1, 1});
}
static bool nan_factor(hid_t f)
{
    return put_factors(f, "/US/minute/data/scaling_factor", 3, (const double[]){1, 1, (double)NAN});
}
static bool infinite_factor(hid_t f)
{
    return put_factors(f, "/US/minute/data/volume_scaling_factor", 3, (const double[]){INFINITY, 1, 1});
}
static bool tiny_factor(hid_t f) /* prices would be infinite */
{
    return put_factors(f, "/US/data/scaling_factor", 4, (const double[]){1000, 1e-305, 1, 1});
}
static bool huge_factor(hid_t f) /* prices would be 0 */
{
    return put_factors(f, "/US/data/scaling_factor", 4, (const double[]){1000, 1.7e308, 1, 1});
}
static bool few_factors(hid_t f)
{
    return put_factors(f, "/US/data/scaling_factor", 3, (const double[]){1, 1, 1});
}
static bool no_factors(hid_t f)
{
    return put_factors(f, "/US/minute/data/scaling_factor", 0, (const double[]){1});
}
static bool flat_factor(hid_t f) /* one for all is an attribute */
{
    const double factor = 1000;
    return put_data(f, "/US/data/scaling_factor", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, NULL, H5P_DEFAULT,
                    &factor);
}
static bool integer_factors(hid_t f)
{
    const hsize_t n = 4;
    return put_data(f, "/US/data/scaling_factor", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &n, H5P_DEFAULT,
                    (const int64_t[]){1, 1, 1, 1});
}
static void test_spoilt(void)
{
    static const struct {
        bool (*spoil)(hid_t file);
        const char *text;
    } cases[] = {
        {no_open, "/US/data/open: missing dataset"},
        {no_sid, "/US/index/sid: missing dataset"},
        {no_data, "no country group"},
        {no_volume, "/US/minute/data/volume: missing dataset"},
        {no_start, "start_date or end_date is missing"},
        {no_scale, "/US/data/low: attribute scaling_factor is missing"},
        {zero_scale, "/US/data/low: scaling_factor 0 is not a positive number"},
        {float_open, "/US/data/open: has type 8-byte float, expected 4-byte unsigned integer"},
        {signed_open, "/US/data/open: has type 4-byte signed integer"},
        {wide_open, "/US/data/open: has type 8-byte unsigned integer"},
        {turned_open, "/US/data/open: has shape (5, 4), expected (4, 5)"},
        {flat_open, "/US/data/open: has 1 dimensions, expected 2"},
        {scalar_open, "/US/data/open: has 0 dimensions"},
        {float_sid, "/US/index/sid: has type 8-byte float, expected an integer"},
        {unsorted_sid, "/US/index/sid: not ascending (row 2: 1 after 2); zipline mislabels"},
        {double_sid, "/US/index/sid: not ascending (row 2: 1 after 1)"},
        {unsorted_day, "/US/index/day: not ascending (row 4: 3 after 4)"},
        {more_sids, "has shape (4, 5), expected (5, 5)"},
        {asset_twice, "/US/assets/sid: not ascending (row 3: 6 after 6): a sid appears twice"},
        {short_assets, "has 4 rows, expected 3"},
        {short_offset, "/US/minute/index/offset: has 3 rows, expected 4"},
        {late_offset, "/US/minute/index/offset: row 0 is 1, expected 0"},
        {back_offset, "/US/minute/index/offset: row 2 is 3, expected no less"},
        {far_offset, "/US/minute/dt: has shape (9, 1), expected (10, 1)"},
        {int_symbol, "/US/assets/symbol: has type 8-byte signed integer, expected a string"},
        {plain_splits, "/US/adjustments/splits: not a compound type"},
        {huge_sid, "/US/index/sid: claims 1099511627776 rows"},
        {version_1, "version 1 is not supported"},
        {group_open, "/US/data/open: cannot be opened as a dataset"},
        {two_countries, "2 country groups (CA, US)"},
        {zero_factor, "/US/data/scaling_factor: row 2: 0 is not a positive number"},
        {negative_factor, "/US/data/volume_scaling_factor: row 1: -1 is not a positive number"},
        {nan_factor, "/US/minute/data/scaling_factor: row 2: nan is not a positive number"},
        {infinite_factor, "/US/minute/data/volume_scaling_factor: row 0: inf is not a positive number"},
        {tiny_factor, "/US/data/scaling_factor: row 1: 1e-305 is not a positive number"},
        {huge_factor, "/US/data/scaling_factor: row 1: 1.7e+308 is not a positive number"},
        {few_factors, "/US/data/scaling_factor: has 3 rows, expected 4"},
        {no_factors, "/US/minute/data/scaling_factor: has 0 rows, expected 3"},
        {flat_factor, "/US/data/scaling_factor: has 0 dimensions, expected 1"},
        {integer_factors, "/US/data/scaling_factor: has type 8-byte signed integer, expected a float"},
        {soft_link, "/US/data/open: is a link"},
        {external_link, "/US/data/open: is a link"},
        {external_storage, "/US/data/open: is stored in other files"},
        {unknown_filter, "/US/data/open: needs filter 31999"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_FATAL(make_file(path, &plain));
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        CU_ASSERT_FATAL(file >= 0);
        CU_ASSERT(cases[i].spoil(file));
        CU_ASSERT(H5Fclose(file) >= 0);
        expect(cases[i].text, BP_EFORMAT, cases[i].text);
    }
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* Damaged bytes --------------------------------------------------------------------------------- */

static uint8_t *read_all(size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &st) == 0);
    *n = (size_t)st.st_size;
    uint8_t *bytes = malloc(*n);
    CU_ASSERT_FATAL(bytes != NULL);
    CU_ASSERT_EQUAL(read(fd, bytes, *n), (ssize_t)*n);
    close(fd);
    return bytes;
}

/* Read a plan and decode all of it, as bp__direct_load() does without its waiting for a settled file. */
static int load_quickly(void)
{
    const bp__loader *loader = bp__h5_loader();
    bp__source *source;
    if (loader->open(path, &source) != BP_OK) return REFUSED;
    const bp__plan *plan = loader->plan(source);
    void *image = plan->image_bytes < 1u << 28 ? calloc(1, plan->image_bytes) : NULL;
    bp_status s = image ? BP_OK : BP_ENOMEM;
    if (image) memcpy(image, plan->head, plan->head_bytes);
    bp__decoder *decoder = NULL;
    if (s == BP_OK) s = loader->decoder_create(&decoder);
    for (uint64_t i = 0; i < plan->num_tasks && s == BP_OK; i++)
        s = bp__load_task(loader, source, path, decoder, i, image);
    loader->decoder_destroy(&decoder);
    if (s == BP_OK) s = bp__image_selfcheck(image, plan->image_bytes);
    free(image);
    loader->close(&source);
    return s == BP_OK ? READ : REFUSED;
}

/* In a child, as libhdf5 itself may crash on damaged metadata. */
static int load_in_child(void)
{
    fflush(stdout);
    pid_t child = fork();
    CU_ASSERT_FATAL(child >= 0);
    if (child == 0) {
        if (__asan_set_error_report_callback) __asan_set_error_report_callback(judge);
        alarm(10);
        _exit(load_quickly());
    }
    int status;
    while (waitpid(child, &status, 0) < 0) CU_ASSERT_EQUAL_FATAL(errno, EINTR);
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    printf("signal %d ", WTERMSIG(status));
    return CRASHED;
}

static void test_truncated(void)
{
    size_t n, refused = 0;
    CU_ASSERT_FATAL(make_file(path, &plain));
    uint8_t *bytes = read_all(&n);
    for (size_t i = 0; i < 64; i++) {
        size_t cut = i < 8 ? i + 1 : i * n / 64;
        write_bytes(bytes, cut);
        int result = load_in_child();
        CU_ASSERT(result == READ || result == REFUSED);
        refused += result == REFUSED;
    }
    CU_ASSERT_EQUAL(refused, 64); /* HDF5 notes where its file ends */
    free(bytes);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static uint64_t seed = 7;

static uint32_t draw(size_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % below);
}

/* Flip bits in what the tasks of the plan read: libhdf5 never sees these, so nothing may crash. */
static void test_flipped_chunks(void)
{
    CU_ASSERT_FATAL(make_file(path, &plain));
    bp__source *source;
    const bp__loader *loader = bp__h5_loader();
    CU_ASSERT_EQUAL_FATAL(loader->open(path, &source), BP_OK);
    const bp__plan *plan = loader->plan(source);
    void *image = malloc(plan->image_bytes);
    CU_ASSERT_FATAL(image != NULL);
    memcpy(image, plan->head, plan->head_bytes);
    bp__decoder *decoder;
    CU_ASSERT_EQUAL_FATAL(loader->decoder_create(&decoder), BP_OK);
    int fd = open(path, O_RDWR);
    size_t refused = 0;
    for (int i = 0; i < 2000; i++) {
        uint64_t task = draw(plan->num_tasks);
        const bp__plan_task *t = &plan->task[task];
        uint8_t byte, flipped;
        off_t at = (off_t)(t->file_offset + draw(t->stored_bytes));
        CU_ASSERT_EQUAL_FATAL(pread(fd, &byte, 1, at), 1);
        flipped = (uint8_t)(byte ^ (1 + draw(255)));
        CU_ASSERT_EQUAL_FATAL(pwrite(fd, &flipped, 1, at), 1);
        bp_status s = bp__load_task(loader, source, path, decoder, task, image);
        CU_ASSERT(s == BP_OK || s == BP_EFORMAT);
        refused += s == BP_EFORMAT;
        CU_ASSERT_EQUAL_FATAL(pwrite(fd, &byte, 1, at), 1);
    }
    CU_ASSERT(refused > 1000); /* deflate has a checksum */
    loader->decoder_destroy(&decoder);
    close(fd);
    free(image);
    loader->close(&source);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_flipped_anywhere(void)
{
    size_t n, count[3] = {0, 0, 0};
    CU_ASSERT_FATAL(make_file(path, &plain));
    uint8_t *bytes = read_all(&n);
    for (int i = 0; i < 300; i++) {
        size_t at[3];
        uint8_t was[3];
        for (int k = 0; k < 3; k++) {
            at[k] = draw(n);
            was[k] = bytes[at[k]];
            bytes[at[k]] = (uint8_t)draw(256);
        }
        write_bytes(bytes, n);
        int result = load_in_child();
        CU_ASSERT_FATAL(result >= READ && result <= CRASHED);
        count[result]++;
        for (int k = 3; k-- > 0;) bytes[at[k]] = was[k];
    }
    printf("%zu read, %zu refused, %zu crashed inside libhdf5 ", count[READ], count[REFUSED], count[CRASHED]);
    free(bytes);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* A file that shrinks between plan and decode. */
static void test_shrinks(void)
{
    const file_format f = {"shrinks", 4, 5, 0, .chunk = {0}};
    CU_ASSERT_FATAL(make_file(path, &f));
    bp__source *source;
    const bp__loader *loader = bp__h5_loader();
    CU_ASSERT_EQUAL_FATAL(loader->open(path, &source), BP_OK);
    void *image = calloc(1, loader->plan(source)->image_bytes);
    CU_ASSERT_FATAL(image != NULL);
    memcpy(image, loader->plan(source)->head, loader->plan(source)->head_bytes);
    bp__decoder *decoder;
    CU_ASSERT_EQUAL_FATAL(loader->decoder_create(&decoder), BP_OK);
    CU_ASSERT_EQUAL(bp__load_task(loader, source, path, decoder, 0, image), BP_OK);
    CU_ASSERT_EQUAL(truncate(path, 100), 0);
    CU_ASSERT_EQUAL(bp__load_task(loader, source, path, decoder, 0, image), BP_EIO);
    loader->decoder_destroy(&decoder);
    CU_ASSERT(strstr(bp_error_text(), "shorter than it was") != NULL);
    free(image);
    loader->close(&source);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

int main(void)
{
    if (!mkdtemp(folder) || CU_initialize_registry() != CUE_SUCCESS) return 1;
    snprintf(path, sizeof path, "%s/bad.h5", folder);
    CU_pSuite suite = CU_add_suite("bad", NULL, NULL);
    CU_add_test(suite, "no HDF5 file", test_no_hdf5);
    CU_add_test(suite, "spoilt", test_spoilt);
    CU_add_test(suite, "truncated", test_truncated);
    CU_add_test(suite, "shrinks", test_shrinks);
    CU_add_test(suite, "flipped bits in chunks", test_flipped_chunks);
    CU_add_test(suite, "flipped bits anywhere", test_flipped_anywhere);
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures();
    CU_cleanup_registry();
    unlink(path);
    rmdir(folder);
    return failures != 0;
}
