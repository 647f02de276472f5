/* Which changes of a file are noticed, and what is not a bundle file at all. */
#include "tests/core/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/identity.h"

static char folder[] = "/tmp/bp_identity_XXXXXX";
static char path[64], other[64];

static void write_file(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    CU_ASSERT_EQUAL(close(fd), 0);
}

static bp__identity look(const char *name)
{
    bp__identity id = {0};
    MUST(bp__identify(AT_FDCWD, name, "label", &id));
    return id;
}

static void set_times(const char *name, time_t seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds, .tv_nsec = 5}};
    CU_ASSERT_EQUAL(utimensat(AT_FDCWD, name, times, 0), 0);
}

static void test_unchanged(void)
{
    write_file(path, "one");
    bp__identity a = look(path);
    char text[8] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(read(fd, text, sizeof text), 3); /* reading changes nothing of it */
    CU_ASSERT_EQUAL(close(fd), 0);
    bp__identity b = look(path);
    CU_ASSERT(bp__identity_equal(&a, &b));
    CU_ASSERT_EQUAL(a.size, 3);

    struct stat st;
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    b = bp__identity_from(&st);
    CU_ASSERT(bp__identity_equal(&a, &b));
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_FATAL(dir >= 0);
    MUST(bp__identify(dir, "bundle.h5", "label", &b));
    CU_ASSERT(bp__identity_equal(&a, &b));
    CU_ASSERT_EQUAL(close(dir), 0);
}

/* Each part counts alone. */
static void test_parts(void)
{
    const bp__identity a = {1, 2, 3, 4, 5};
    for (int i = 0; i < 5; i++) {
        bp__identity b = a;
        uint64_t *const numbers[] = {&b.dev, &b.ino, &b.size};
        if (i < 3)
            ++*numbers[i];
        else
            ++*(i == 3 ? &b.mtime_ns : &b.ctime_ns);
        CU_ASSERT_FALSE(bp__identity_equal(&a, &b));
    }
}

static void test_replaced(void)
{
    write_file(path, "one");
    set_times(path, 1000);
    bp__identity a = look(path);
    write_file(other, "two"); /* same size, same time of writing, another file */
    set_times(other, 1000);
    CU_ASSERT_EQUAL(rename(other, path), 0);
    bp__identity b = look(path);
    CU_ASSERT_FALSE(bp__identity_equal(&a, &b));
    CU_ASSERT_NOT_EQUAL(a.ino, b.ino);
    CU_ASSERT_EQUAL(a.mtime_ns, b.mtime_ns);
}

static void test_rewritten(void)
{
    write_file(path, "one");
    bp__identity a = look(path);
    write_file(path, "longer");
    bp__identity b = look(path);
    CU_ASSERT_FALSE(bp__identity_equal(&a, &b));
    CU_ASSERT_EQUAL(a.ino, b.ino);
    CU_ASSERT_EQUAL(b.size, 6);
}

static void test_touched(void)
{
    write_file(path, "one");
    set_times(path, 1000);
    bp__identity a = look(path);
    set_times(path, 1001);
    bp__identity b = look(path);
    CU_ASSERT_FALSE(bp__identity_equal(&a, &b));
    CU_ASSERT_EQUAL(a.mtime_ns, INT64_C(1000000000005));
    CU_ASSERT_EQUAL(b.mtime_ns, INT64_C(1001000000005));
}

static void test_refused(void)
{
    bp__identity id = {1, 2, 3, 4, 5}, before = id;
    unlink(other);
    FAILS(bp__identify(AT_FDCWD, other, "lost.h5", &id), BP_ENOTFOUND, "lost.h5: ");
    CU_ASSERT_EQUAL(symlink("nowhere", other), 0);
    FAILS(bp__identify(AT_FDCWD, other, "dangling.h5", &id), BP_ENOTFOUND, "dangling.h5: ");
    CU_ASSERT_EQUAL(unlink(other), 0);

    char below[80];
    write_file(path, "one");
    snprintf(below, sizeof below, "%s/x.h5", path); /* a file where a folder should be */
    FAILS(bp__identify(AT_FDCWD, below, "below.h5", &id), BP_ENOTFOUND, "below.h5: ");
    CU_ASSERT_EQUAL(symlink("other.h5", other), 0);
    FAILS(bp__identify(AT_FDCWD, other, "loop.h5", &id), BP_EIO, "loop.h5: ");
    CU_ASSERT_EQUAL(unlink(other), 0);

    CU_ASSERT_EQUAL(mkfifo(other, 0600), 0);
    FAILS(bp__identify(AT_FDCWD, other, "fifo.h5", &id), BP_EFORMAT, "fifo.h5: not a regular file");
    CU_ASSERT_EQUAL(unlink(other), 0);
    FAILS(bp__identify(AT_FDCWD, folder, "folder.h5", &id), BP_EFORMAT, "folder.h5: not a regular file");
    FAILS(bp__identify(AT_FDCWD, "/dev/null", "null.h5", &id), BP_EFORMAT, "null.h5: not a regular file");
    CU_ASSERT(bp__identity_equal(&id, &before));

    CU_ASSERT_EQUAL(symlink("bundle.h5", other), 0); /* a link to a file is as good as the file */
    bp__identity a = look(path), b = look(other);
    CU_ASSERT(bp__identity_equal(&a, &b));
    CU_ASSERT_EQUAL(unlink(other), 0);
}

static void test_unsettled(void)
{
    const int64_t now = INT64_C(1700000000400000000);
    const struct {
        int64_t age, left;
    } cases[] = {
        {0, BP__SETTLE_NS}, {1, BP__SETTLE_NS - 1}, {BP__SETTLE_NS - 1, 1},
        {BP__SETTLE_NS, 0}, {INT64_C(1) << 60, 0},  {-1, 0}, /* from the future */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bp__identity id = {.ctime_ns = now - cases[i].age};
        CU_ASSERT_EQUAL(bp__unsettled_ns(&id, true, now, 0), cases[i].left);
    }
}

/* Times that are not known to be fine, or plainly are not: the file is watched, unless it is old. */
static void test_coarse(void)
{
    const int64_t whole = INT64_C(1700000000000000000), second = 1000000000;
    const int64_t long_ago = BP__SETTLE_COARSE_NS + BP__SKEW_NS, all = BP__SETTLE_COARSE_NS;
    const struct {
        int64_t ctime, age, watched, left;
        bool fine;
    } cases[] = {
        {whole, 500000000, 0, all, true}, /* no nanoseconds: whatever the file system is */
        {whole + 1, 500000000, 0, 0, true},
        {whole + 1, 500000000, 0, all, false},
        {whole + 1, 3 * second, 0, all, false},  /* the server's clock may be behind */
        {whole + 1, -3 * second, 0, all, false}, /* or ahead */
        {whole + 1, -1000 * second, 1, all - 1, false},
        {whole + 1, 0, all - 1, 1, false},
        {whole + 1, 0, all, 0, false},
        {whole, 0, all, 0, true},
        {whole + 1, long_ago - 1, 0, all, false},
        {whole + 1, long_ago, 0, 0, false},
        {whole, long_ago, 0, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bp__identity id = {.ctime_ns = cases[i].ctime};
        int64_t now = cases[i].ctime + cases[i].age;
        CU_ASSERT_EQUAL(bp__unsettled_ns(&id, cases[i].fine, now, cases[i].watched), cases[i].left);
    }
}

/* The types that linux/magic.h has; one that nobody knows is not trusted. */
static void test_filesystems(void)
{
    const struct {
        uint64_t type;
        const char *name;
        bool fine;
    } cases[] = {
        {0xef53, "ext2, ext3 or ext4", true}, {0x58465342, "xfs", true},
        {0x01021994, "tmpfs", true},          {0x6969, "nfs", false},
        {0x0bd00bd0, "lustre", false},        {0x4d44, "fat", false},
        {0xff534d42, "cifs", false},          {(uint64_t)(int32_t)0xff534d42, "cifs", false},
        {0x12345678, "unknown", false},       {0, "unknown", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bp__filesystem fs = bp__filesystem_of(cases[i].type);
        CU_ASSERT_STRING_EQUAL(fs.name, cases[i].name);
        CU_ASSERT_EQUAL(fs.fine, cases[i].fine);
    }
    CU_ASSERT_STRING_EQUAL(bp__filesystem_at("/dev/shm").name, "tmpfs");
    CU_ASSERT_STRING_EQUAL(bp__filesystem_at("/nowhere/at/all").name, "unknown");
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/bundle.h5", folder);
    snprintf(other, sizeof other, "%s/other.h5", folder);
    CU_TestInfo tests[] = {
        {"unchanged", test_unchanged},      {"every part counts", test_parts},
        {"replaced", test_replaced},        {"rewritten", test_rewritten},
        {"touched", test_touched},          {"refused", test_refused},
        {"unsettled", test_unsettled},      {"coarse", test_coarse},
        {"file systems", test_filesystems}, CU_TEST_INFO_NULL,
    };
    int rc = suite_main("identity", tests);
    unlink(other);
    unlink(path);
    return rmdir(folder) != 0 || rc;
}
