/* Bundle files that cannot be written: an error, the old file, and nothing left behind, neither on the disk nor in
 * libhdf5. And files that are replaced while others read them. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/suite.h"
#include "files.h"
#include "io/hdf5/h5util.h"
#include "io/hdf5/h5write.h"
#include "sample.h"

static const bp__write_options gzip = {.filter = BP__WRITE_GZIP}, plain = {.filter = BP__WRITE_NONE};

static void nothing_open(void)
{
    bp__h5_lock();
    CU_ASSERT_EQUAL(H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    bp__h5_unlock();
}

static size_t file_size(const char *name)
{
    struct stat st;
    return stat(files_path(name), &st) == 0 ? (size_t)st.st_size : 0;
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The file may get no longer than `bytes`: at each length something else fails, from the superblock to the very last
 * byte. */
static void refuse_at(const sample *s, rlim_t bytes, const bp__write_options *options)
{
    const size_t files = files_count();
    limit_files(bytes);
    FAILS(bp__h5_write(&s->draft, files_path("kept.h5"), options), BP_EIO,
          "/kept.h5: cannot be written: files of more than");
    limit_files(RLIM_INFINITY);
    CU_ASSERT_EQUAL(files_count(), files);
    nothing_open();
}

static void test_limits(void)
{
    sample small, large;
    sample_make(&(sample_options){.seed = 1, .assets = 3, .days = 10}, "kept", &small);
    sample_make(&(sample_options){.seed = 2, .assets = 150, .days = 1500, .minutes = 500, .wide = true},
                "kept", &large);
    MUST(bp__h5_write(&small.draft, files_path("kept.h5"), &gzip));
    MUST(bp__h5_write(&small.draft, files_path("copy.h5"), &gzip));
    MUST(bp__h5_write(&large.draft, files_path("large.h5"), &gzip));
    const size_t bytes = file_size("large.h5");
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < 40; i++) refuse_at(&large, bytes * i / 40, &gzip);
    for (size_t before = 1; before <= 4096; before *= 4) refuse_at(&large, bytes - before, &gzip);
    for (size_t limit = 64; limit <= 65536; limit *= 4) refuse_at(&large, limit, &plain);
    CU_ASSERT_TRUE(files_equal("kept.h5", "copy.h5"));

    limit_files(bytes);
    MUST(bp__h5_write(&large.draft, files_path("kept.h5"), &gzip));
    limit_files(RLIM_INFINITY);
    CU_ASSERT_TRUE(files_equal("kept.h5", "large.h5"));
    sample_free(&small);
    sample_free(&large);
}

static void test_in_the_way(void)
{
    sample s;
    sample_make(&(sample_options){.seed = 1, .assets = 3, .days = 10}, "way", &s);
    const size_t files = files_count();
    CU_ASSERT_EQUAL(mkdir(files_path("way.h5"), 0777), 0);
    FAILS(bp__h5_write(&s.draft, files_path("way.h5"), &gzip), BP_EIO,
          "/way.h5: cannot be replaced: is a folder");
    CU_ASSERT_EQUAL(rmdir(files_path("way.h5")), 0);
    FAILS(bp__h5_write(&s.draft, files_path("none/x.h5"), &gzip), BP_EIO, "/none: ");
    CU_ASSERT_EQUAL(files_count(), files);
    nothing_open();
    sample_free(&s);
}

/* A draft that contradicts itself is noticed by one of several threads while others wait for their turn. */
static void test_contradiction(void)
{
    sample s;
    sample_make(&(sample_options){.seed = 9, .assets = 600, .days = 1000}, "x", &s);
    const size_t files = files_count();
    s.draft.days.row[700]++;
    for (unsigned threads = 1; threads <= 4; threads++)
        FAILS(bp__h5_write(&s.draft, files_path("x.h5"), &(bp__write_options){.threads = threads}), BP_EINVAL,
              "which is no session");
    CU_ASSERT_EQUAL(files_count(), files);
    nothing_open();
    sample_free(&s);
}

/* Readers --------------------------------------------------------------------------------------- */

static _Atomic bool finished;

/* Two writers of one name: each rename is complete, whoever wins. */
static void *rewrite(void *context)
{
    for (int i = 0; i < 40; i++)
        if (bp__h5_write(context, files_path("moving.h5"), &gzip) != BP_OK) return context;
    return NULL;
}

static bool same(const char *x, size_t n, const char *y, size_t m)
{
    return n == m && memcmp(x, y, n) == 0;
}

static void *read_on(void *context)
{
    size_t torn = 0, n, na, nb;
    char *a = files_read("a.h5", &na), *b = files_read("b.h5", &nb);
    while (!bp__load_acquire(&finished)) {
        char *x = files_read("moving.h5", &n);
        torn += !x || (!same(x, n, a, na) && !same(x, n, b, nb));
        free(x);
    }
    free(a);
    free(b);
    *(size_t *)context = torn;
    return NULL;
}

static void test_replaced_as_a_whole(void)
{
    sample a, b;
    pthread_t writer[2], reader;
    size_t torn = 1;
    void *failed[2];
    sample_make(&(sample_options){.seed = 1, .assets = 3, .days = 10}, "a", &a);
    sample_make(&(sample_options){.seed = 2, .assets = 20, .days = 300}, "b", &b);
    MUST(bp__h5_write(&a.draft, files_path("a.h5"), &gzip));
    MUST(bp__h5_write(&b.draft, files_path("b.h5"), &gzip));
    MUST(bp__h5_write(&a.draft, files_path("moving.h5"), &gzip));
    const size_t files = files_count();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, read_on, &torn), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&writer[0], NULL, rewrite, &a.draft), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&writer[1], NULL, rewrite, &b.draft), 0);
    for (int i = 0; i < 2; i++) CU_ASSERT_EQUAL(pthread_join(writer[i], &failed[i]), 0);
    bp__store_release(&finished, true);
    CU_ASSERT_EQUAL(pthread_join(reader, NULL), 0);
    CU_ASSERT_TRUE(!failed[0] && !failed[1]);
    CU_ASSERT_EQUAL(torn, 0);
    CU_ASSERT_EQUAL(files_count(), files);
    sample_free(&a);
    sample_free(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {{"no room for the last byte, or for more", test_limits},
                           {"in the way", test_in_the_way},
                           {"a draft that contradicts itself", test_contradiction},
                           {"replaced as a whole", test_replaced_as_a_whole},
                           CU_TEST_INFO_NULL};
    return files_main("write fails", tests);
}
