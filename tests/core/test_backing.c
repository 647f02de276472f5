#include "core/backing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

#define MIB (UINT64_C(1) << 20)

static bp__backing file_in(const char *folder)
{
    bp__backing b = {.kind = BP__BACKING_FILE, .setting = "SOME_SETTING"};
    snprintf(b.folder, sizeof b.folder, "%s", folder);
    return b;
}

static bool fails_with(const bp__backing *b, uint64_t bytes, const char *text)
{
    if (bp__backing_try(b, bytes) == BP_OK) return false;
    if (strstr(bp_error_text(), text)) return true;
    fprintf(stderr, "the text is: %s\n", bp_error_text());
    return false;
}

static void test_kinds(void)
{
    bp__backing b;
    bp__backing_default(&b);
    CU_ASSERT_EQUAL(b.kind, BP__BACKING_FILE);
    CU_ASSERT_EQUAL(bp__backing_try(&b, MIB), BP_OK);
    b = (bp__backing){.kind = BP__BACKING_SYSV};
    CU_ASSERT_EQUAL(bp__backing_try(&b, MIB), BP_OK);
    b = (bp__backing){.kind = BP__BACKING_ANONYMOUS};
    CU_ASSERT_EQUAL(bp__backing_try(&b, MIB), BP_OK);
    CU_ASSERT(fails_with(&b, UINT64_C(1) << 60, "memory without a name"));
}

static void test_folders(void)
{
    char folder[] = "/tmp/bundlepool-backing-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    bp__backing b = file_in(folder);
    CU_ASSERT_EQUAL(bp__backing_try(&b, MIB), BP_OK);
    CU_ASSERT(fails_with(&b, UINT64_C(1) << 60, "bytes are free; enlarge it or remove files there"));
    CU_ASSERT_EQUAL(rmdir(folder), 0); /* nothing was left in it */
    CU_ASSERT(
        fails_with(&b, MIB, "there is no such folder; make it, or name another folder in SOME_SETTING"));
    b = file_in("/etc/passwd");
    CU_ASSERT(fails_with(&b, MIB, "/etc/passwd: "));
    CU_ASSERT(fails_with(&b, MIB, "it is not a folder"));
}

/* A joiner must see the very file. */
static void test_join(void)
{
    char folder[] = "/tmp/bundlepool-backing-XXXXXX";
    bp__trial made, joined;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    bp__backing b = file_in(folder);
    MUST(bp__trial_make(&b, MIB, &made));
    MUST(bp__trial_join(&b, &made.name, MIB, &joined));
    memcpy(made.first, "seen", 5);
    CU_ASSERT_STRING_EQUAL((const char *)joined.second, "seen");
    bp__trial_end(&joined);
    bp__trial_name other = made.name;
    other.inode++;
    CU_ASSERT_NOT_EQUAL(bp__trial_join(&b, &other, MIB, &joined), BP_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "another does not see"));
    bp__trial_name gone = made.name;
    bp__trial_end(&made);
    CU_ASSERT_NOT_EQUAL(bp__trial_join(&b, &gone, MIB, &joined), BP_OK);
    bp__trial_end(&made);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

/* Whether a trial under a limit fails with this text, in a process of its own: as it may end by a signal. */
static bool fails_under(int resource, rlim_t limit, bp__backing_kind kind, const char *text)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        bp__backing b = file_in("/tmp");
        b.kind = kind;
        if (setrlimit(resource, &(struct rlimit){limit, limit}) != 0) _exit(2);
        _exit(fails_with(&b, 100 * MIB, text) ? 0 : 1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_limits(void)
{
    CU_ASSERT(fails_under(RLIMIT_FSIZE, 100 * MIB, BP__BACKING_FILE, "'ulimit -f'"));
    CU_ASSERT(fails_under(RLIMIT_FSIZE, 0, BP__BACKING_FILE, "'ulimit -f'"));
    CU_ASSERT(fails_under(RLIMIT_NOFILE, 4, BP__BACKING_FILE, "'ulimit -n'"));
    CU_ASSERT(fails_under(RLIMIT_NOFILE, 4, BP__BACKING_ANONYMOUS, "'ulimit -n'"));
#ifndef __SANITIZE_ADDRESS__ /* which needs all address space there is */
    CU_ASSERT(fails_under(RLIMIT_AS, 110 * MIB, BP__BACKING_FILE, "'ulimit -v'"));
    CU_ASSERT(fails_under(RLIMIT_AS, 110 * MIB, BP__BACKING_ANONYMOUS, "'ulimit -v'"));
    CU_ASSERT(
        fails_under(RLIMIT_AS, 150 * MIB, BP__BACKING_FILE, "'ulimit -v'")); /* room for one mapping only */
#endif
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"kinds", test_kinds},   {"folders", test_folders}, {"joining", test_join},
        {"limits", test_limits}, CU_TEST_INFO_NULL,
    };
    return suite_main("backing", tests);
}
