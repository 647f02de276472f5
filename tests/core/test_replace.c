/* Replacing files: as a whole or not at all, and left-overs of those who were killed are removed, no others. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/replace.h"
#include "suite.h"

static char folder[] = "/tmp/test_replace.XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static unsigned next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", folder, name);
    return to;
}

static bool there(const char *name)
{
    struct stat st;
    return lstat(in_folder(name), &st) == 0;
}

static void touch(const char *name)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, "part", 4), 4);
    close(fd);
}

static bool holds(const char *name, const char *text)
{
    char bytes[64] = "";
    FILE *f = fopen(in_folder(name), "rb");
    const size_t n = f ? fread(bytes, 1, sizeof bytes - 1, f) : 0;
    if (f) fclose(f);
    return n == strlen(text) && strcmp(bytes, text) == 0;
}

static size_t num_files(void)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n - 2;
}

static void test_replace(void)
{
    struct stat st;
    const mode_t old = umask(027);
    MUST(bp__replace_file(in_folder("x"), "first", 5));
    umask(old);
    CU_ASSERT_TRUE(holds("x", "first"));
    CU_ASSERT_EQUAL(stat(in_folder("x"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0640);
    MUST(bp__replace_file(in_folder("x"), "", 0));
    CU_ASSERT_TRUE(holds("x", ""));

    bp__replacement r;
    MUST(bp__replace_begin(in_folder("x"), &r));
    CU_ASSERT_EQUAL(write(r.fd, "second", 6), 6);
    CU_ASSERT_TRUE(holds("x", ""));
    MUST(bp__replace_commit(&r));
    CU_ASSERT_TRUE(holds("x", "second"));
    MUST(bp__replace_begin(in_folder("x"), &r));
    CU_ASSERT_EQUAL(write(r.fd, "third", 5), 5);
    bp__replace_abort(&r);
    CU_ASSERT_TRUE(holds("x", "second"));
    CU_ASSERT_EQUAL(num_files(), 1);
    unlink(in_folder("x"));
}

static void test_left_overs(void)
{
    static const char *const others[] = {".x.12345",  ".x.1234567", ".x.12345g",  ".x.ABCDEF",
                                         ".y.123456", "x.123456",   "..x.123456", ".x.tmp.123456"};
    const size_t n = sizeof others / sizeof *others;
    for (size_t i = 0; i < n; i++) touch(others[i]);
    CU_ASSERT_EQUAL(mkdir(in_folder(".x.00000d"), 0777), 0);
    CU_ASSERT_EQUAL(mkfifo(in_folder(".x.00000f"), 0666), 0);
    CU_ASSERT_EQUAL(symlink(others[0], in_folder(".x.0000ff")), 0);
    touch(".x.123456");
    touch(".x.abcdef");
    touch(".x.ffffff");
    /* somebody is writing this one */
    int held = open(in_folder(".x.ffffff"), O_RDWR | O_CLOEXEC);
    CU_ASSERT_EQUAL(flock(held, LOCK_EX | LOCK_NB), 0);
    MUST(bp__replace_file(in_folder("x"), "new", 3));
    CU_ASSERT_TRUE(holds("x", "new"));
    CU_ASSERT_FALSE(there(".x.123456") || there(".x.abcdef"));
    CU_ASSERT_TRUE(there(".x.ffffff"));
    for (size_t i = 0; i < n; i++) CU_ASSERT_TRUE(there(others[i]));
    CU_ASSERT_TRUE(there(".x.00000d") && there(".x.00000f") && there(".x.0000ff"));
    close(held);
    MUST(bp__replace_file(in_folder("x"), "newer", 5));
    CU_ASSERT_FALSE(there(".x.ffffff"));

    for (size_t i = 0; i < n; i++) unlink(in_folder(others[i]));
    rmdir(in_folder(".x.00000d"));
    unlink(in_folder(".x.00000f"));
    unlink(in_folder(".x.0000ff"));
    unlink(in_folder("x"));
    CU_ASSERT_EQUAL(num_files(), 0);
}

/* A child is killed while it writes; two at a time do not take each other's files for left-overs. */
static void test_killed(void)
{
    int ready[2];
    char byte;
    bp__replacement r;
    MUST(bp__replace_file(in_folder("x"), "old", 3));
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (bp__replace_begin(in_folder("x"), &r) != BP_OK || write(r.fd, "part", 4) != 4) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
    CU_ASSERT_EQUAL(num_files(), 2);
    MUST(bp__replace_begin(in_folder("x"), &r));
    CU_ASSERT_EQUAL(num_files(), 3); /* the child is alive */
    bp__replace_abort(&r);
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_TRUE(holds("x", "old"));
    CU_ASSERT_EQUAL(num_files(), 2);
    MUST(bp__replace_file(in_folder("x"), "new", 3));
    CU_ASSERT_EQUAL(num_files(), 1);
    close(ready[0]);
    close(ready[1]);
    unlink(in_folder("x"));
}

static void test_refused(void)
{
    bp__replacement r;
    char name[300];
    memset(name, 'n', sizeof name);
    name[250] = '\0'; /* a name that is allowed, but not with the six digits behind it */
    FAILS(bp__replace_file(in_folder(name), "x", 1), BP_EIO, "cannot be written");
    FAILS(bp__replace_file(in_folder("none/x"), "x", 1), BP_EIO, "/none: cannot be opened as a folder");
    touch("file");
    FAILS(bp__replace_file(in_folder("file/x"), "x", 1), BP_EIO, "/file: cannot be opened as a folder");
    CU_ASSERT_EQUAL(mkdir(in_folder("way"), 0777), 0);
    FAILS(bp__replace_begin(in_folder("way"), &r), BP_EIO, "/way: cannot be replaced: is a folder");
    CU_ASSERT_EQUAL(mkfifo(in_folder("pipe"), 0666), 0);
    FAILS(bp__replace_begin(in_folder("pipe"), &r), BP_EIO, "/pipe: cannot be replaced: is a device, a FIFO");
    CU_ASSERT_EQUAL(num_files(), 3);
    rmdir(in_folder("way"));
    unlink(in_folder("pipe"));

    struct rlimit old, tight;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
    FAILS(bp__replace_file(in_folder("file"), "four", 4), BP_EIO,
          "/file: cannot be written: files of more than 3 bytes are not allowed here: raise ulimit -f");
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
    CU_ASSERT_TRUE(holds("file", "part"));
    CU_ASSERT_EQUAL(num_files(), 1);
    unlink(in_folder("file"));
}

int main(void)
{
    CU_TestInfo tests[] = {{"replace", test_replace},
                           {"left-overs", test_left_overs},
                           {"killed", test_killed},
                           {"refused", test_refused},
                           CU_TEST_INFO_NULL};
    if (!mkdtemp(folder)) return 1;
    const int code = suite_main("replace", tests);
    return rmdir(folder) == 0 ? code : 1;
}
