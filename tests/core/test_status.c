/* Codes, their names and texts, and the text of a thread's last failure. */
#include "tests/core/suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static void test_names(void)
{
    static const struct {
        bp_status code;
        int number;
        const char *name, *text;
    } expected[] = {
        {BP_OK, 0, "BP_OK", "success"},
        {BP_EINVAL, 1, "BP_EINVAL", "invalid argument or configuration"},
        {BP_ENOTFOUND, 2, "BP_ENOTFOUND", "no such bundle, column or file"},
        {BP_EFORMAT, 3, "BP_EFORMAT", "not a bundle file, or a damaged one"},
        {BP_EIO, 4, "BP_EIO", "reading or writing failed"},
        {BP_ENOMEM, 5, "BP_ENOMEM", "out of memory"},
        {BP_EFULL, 6, "BP_EFULL", "no room in the pool"},
        {BP_ETIMEOUT, 7, "BP_ETIMEOUT", "not finished in time"},
        {BP_EBUSY, 8, "BP_EBUSY", "still in use"},
        {BP_EFORKED, 9, "BP_EFORKED", "called in a child process after fork"},
        {BP_EMPI, 10, "BP_EMPI", "MPI failed or lacks what is needed"},
        {BP_ERANGE, 11, "BP_ERANGE", "a value is out of range"},
        {BP_ECHANGED, 12, "BP_ECHANGED", "the file changed while it was being read"},
        {BP_ESYS, 13, "BP_ESYS", "a system call failed"},
        {BP_ENOSID, 14, "BP_ENOSID", "no such sid"},
        {BP_ENODATA_BEFORE, 15, "BP_ENODATA_BEFORE", "no data before this date"},
        {BP_ENODATA_ON, 16, "BP_ENODATA_ON", "no data on this date"},
        {BP_ENODATA_AFTER, 17, "BP_ENODATA_AFTER", "no data after this date"},
        {BP_ESTOPPED, 18, "BP_ESTOPPED", "the pool is shutting down"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        CU_ASSERT_EQUAL((int)expected[i].code, expected[i].number);
        CU_ASSERT_STRING_EQUAL(bp_status_name(expected[i].code), expected[i].name);
        CU_ASSERT_STRING_EQUAL(bp_status_text(expected[i].code), expected[i].text);
    }
    CU_ASSERT_STRING_EQUAL(bp_status_name((bp_status)1000), "BP_?");
    CU_ASSERT_STRING_EQUAL(bp_status_text((bp_status)1000), "unknown status");
}

static void test_text(void)
{
    CU_ASSERT_EQUAL(bp__fail(BP_EIO, "%s: row %d is bad", "a.h5", 7), BP_EIO);
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "a.h5: row 7 is bad");
    CU_ASSERT_EQUAL(bp__fail_errno(BP_ESYS, ENOSPC, "%s", "b.h5"), BP_ESYS);
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "b.h5: No space left on device");
    CU_ASSERT_EQUAL(bp__fail_text(BP_EFULL, "100%s as it is"), BP_EFULL);
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "100%s as it is");
    CU_ASSERT_FALSE(bp__failed(BP_OK));
    CU_ASSERT_TRUE(bp__failed(BP_ENOSID));
}

static void test_cut(void)
{
    char xs[2 * BP_ERROR_TEXT_MAX];
    memset(xs, 'x', sizeof xs - 1);
    xs[sizeof xs - 1] = '\0';
    bp__fail(BP_EIO, "%s", xs);
    CU_ASSERT_EQUAL(strlen(bp_error_text()), BP_ERROR_TEXT_MAX - 1);
    bp__fail_text(BP_EIO, xs);
    CU_ASSERT_EQUAL(strlen(bp_error_text()), BP_ERROR_TEXT_MAX - 1);
    /* the reason behind a text of every length about the limit */
    for (int n = BP_ERROR_TEXT_MAX - 40; n < BP_ERROR_TEXT_MAX + 2; n++) {
        char expected[BP_ERROR_TEXT_MAX + 64];
        snprintf(expected, sizeof expected, "%.*s: No such file or directory", n, xs);
        expected[BP_ERROR_TEXT_MAX - 1] = '\0';
        bp__fail_errno(BP_EIO, ENOENT, "%.*s", n, xs);
        CU_ASSERT_STRING_EQUAL(bp_error_text(), expected);
    }
}

/* What a strategy says may be longer, and is whole where it is not kept in less room. */
static void test_long(void)
{
    char xs[2 * BP_LONG_TEXT_MAX];
    memset(xs, 'x', sizeof xs - 1);
    xs[sizeof xs - 1] = '\0';
    xs[2000] = '\n';
    CU_ASSERT_EQUAL(bp__fail_long(BP_EINVAL, xs), BP_EINVAL);
    CU_ASSERT_EQUAL(strlen(bp_error_text()), BP_LONG_TEXT_MAX - 1);
    CU_ASSERT_EQUAL(bp_error_text()[2000], '\n');
    bp__fail(BP_EIO, "%s", bp_error_text());
    CU_ASSERT_EQUAL(strlen(bp_error_text()), BP_ERROR_TEXT_MAX - 1);
}

static void test_old_text_as_argument(void)
{
    bp__fail(BP_EIO, "dataset close");
    bp__fail(BP_EFORMAT, "a.h5: %s, %s", bp_error_text(), bp_error_text() + 8);
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "a.h5: dataset close, close");
    bp__fail_errno(BP_EFORMAT, EACCES, "bundle %s", bp_error_text());
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "bundle a.h5: dataset close, close: Permission denied");
    bp__fail_text(BP_EFORMAT, bp_error_text());
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "bundle a.h5: dataset close, close: Permission denied");
}

static bp_status counted(int *calls, bp_status s)
{
    ++*calls;
    return s;
}

static bp_status pass_on(int *calls)
{
    BP_TRY(counted(calls, BP_OK));
    BP_TRY(counted(calls, bp__fail(BP_ECHANGED, "second")));
    BP_TRY(counted(calls, bp__fail(BP_EIO, "never reached")));
    return BP_OK;
}

static void test_try(void)
{
    int calls = 0;
    FAILS(pass_on(&calls), BP_ECHANGED, "second");
    CU_ASSERT_EQUAL(calls, 2);
}

static void *fail_elsewhere(void *arg)
{
    char *text = arg;
    strcpy(text, bp_error_text()[0] ? "had a text at its start" : "");
    bp__fail(BP_EIO, "of the thread");
    strcat(text, bp_error_text());
    return NULL;
}

static void test_per_thread(void)
{
    char text[64];
    pthread_t thread;
    bp__fail(BP_EIO, "of main");
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fail_elsewhere, text), 0);
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_STRING_EQUAL(text, "of the thread");
    CU_ASSERT_STRING_EQUAL(bp_error_text(), "of main");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"names and texts", test_names},
        {"text of a failure", test_text},
        {"cut at the limit", test_cut},
        {"long texts", test_long},
        {"the old text as an argument", test_old_text_as_argument},
        {"BP_TRY", test_try},
        {"one text a thread", test_per_thread},
        CU_TEST_INFO_NULL,
    };
    return suite_main("status", tests);
}
