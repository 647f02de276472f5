/* What results are of: stored beside them, read back, compared, and asked whether it may be replaced. */
#include "core/suite.h"

#include "search/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define A                                                                                                        \
    "program optimizer 0.1\nresults 2\nstrategy mine\nplugin 00112233445566778899\nbundles x,y\nend day 15000\n" \
    "commission 0bps\nhidden trades\nparam fast=1,2,3\nparam slow=5\n"

static char folder[] = "/tmp/bundlepool-origin-XXXXXX";
static char csv[64], beside[80];
static char content[2][BP__HASH_DIGITS + 1];

static bp__result_origin make(const char *text)
{
    return (bp__result_origin){.text = (char *)(uintptr_t)text, .content = content, .num_bundles = 2};
}

static void test_round_trip(void)
{
    bp__result_origin a = make(A), back;
    char value[80];
    MUST(bp__result_origin_store(csv, "index,status\n", 13, &a));
    MUST(bp__result_origin_read(csv, &back));
    CU_ASSERT_STRING_EQUAL(back.text, A);
    CU_ASSERT(back.num_bundles == 2 && !back.changed);
    CU_ASSERT_STRING_EQUAL(back.content[0], content[0]);
    CU_ASSERT_STRING_EQUAL(back.content[1], content[1]);
    CU_ASSERT(bp__result_origin_line(back.text, "bundle", value, sizeof value));
    CU_ASSERT_STRING_EQUAL(value, "x,y");
    CU_ASSERT(bp__result_origin_line(back.text, "param fast", value, sizeof value));
    CU_ASSERT_STRING_EQUAL(value, "1,2,3");
    CU_ASSERT(!bp__result_origin_line(back.text, "slippage", value, sizeof value) && !*value);
    bp__result_origin_fini(&back);

    FILE *f = fopen(csv, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs("0,done\n", f);
    fclose(f);
    MUST(bp__result_origin_read(csv, &back));
    CU_ASSERT(back.changed);
    bp__result_origin_fini(&back);
    unlink(beside);
    FAILS(bp__result_origin_read(csv, &back), BP_ENOTFOUND, "what it is of is not known");
}

/* @param[in] expected  "WHAT: A | B" each, in order, NULL-terminated */
static void differ(const char *b_text, const char *const *expected)
{
    bp__result_origin a = make(A), b = make(b_text);
    bp__difference *d;
    size_t n, i;
    MUST(bp__result_origin_differences(&a, &b, &d, &n));
    for (i = 0; i < n && expected[i]; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s: %s | %s", d[i].what, d[i].a, d[i].b);
        CU_ASSERT_STRING_EQUAL(text, expected[i]);
    }
    CU_ASSERT(i == n && !expected[i]);
    free(d);
}

static void test_differences(void)
{
    differ(A, (const char *[]){NULL});
    /* neither who wrote it nor what is kept beside the columns, nor how many bundles were asked for */
    differ(
        "program optimizer 9\nresults 2\nstrategy mine\nplugin 00112233445566778899\nbundle x,y\nend day 15000\n"
        "commission 0bps\nparam fast=1,2,3\nparam slow=5\n",
        (const char *[]){NULL});
    differ(
        "results 3\nstrategy mine\nplugin 99112233445566778899\nbundles x,y\nend of the bundle\ncommission 5bps\n"
        "param fast=1,2,4\nparam slow=5\nparam more=1\n",
        (const char *[]){"rules of a backtest: 2 | 3", "file of the strategy: 001122334455 | 991122334455",
                         "end: 2011-01-26 | of the bundle", "commission: 0bps | 5bps", "fast: 1,2,3 | 1,2,4",
                         "more: - | 1", NULL});
}

static void test_content(void)
{
    char other[2][BP__HASH_DIGITS + 1];
    bp__result_origin a = make(A), b = make(A);
    bp__difference *d;
    size_t n;
    memcpy(other, content, sizeof other);
    other[1][0] = 'f';
    b.content = other;
    MUST(bp__result_origin_differences(&a, &b, &d, &n));
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT_STRING_EQUAL(d[0].what, "content of y");
    CU_ASSERT_STRING_EQUAL(d[0].b, "fbbbbbbbbbbb");
    free(d);
    other[1][0] = '\0'; /* not known yet */
    MUST(bp__result_origin_differences(&a, &b, &d, &n));
    CU_ASSERT(n == 0 && !d);
}

/* What a kill leaves at each step of replacing one result by another is known for what it is. */
static void test_steps(void)
{
    bp__result_origin a = make(A), b = make("strategy other\n");
    char *between = NULL;
    size_t size;
    MUST(bp__result_origin_store(csv, "old", 3, &a));
    MUST(bp__result_origin_check(csv, &a, false));
    FAILS(bp__result_origin_check(csv, &b, false), BP_EINVAL, "has results of another search (");
    MUST(bp__result_origin_check(csv, &b, true));

    FILE *f = open_memstream(&between, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    /* SHA-256 of "new" and of "old" */
    fputs("bundlepool results\ncsv 11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437\n"
          "before cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4\nsearch\nstrategy other\n",
          f);
    fclose(f);
    f = fopen(beside, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(between, 1, size, f);
    fclose(f);
    free(between);
    MUST(bp__result_origin_check(csv, &b, false));
    bp__result_origin back;
    MUST(bp__result_origin_read(csv, &back)); /* but what is there is not of that search yet */
    CU_ASSERT(back.changed);
    bp__result_origin_fini(&back);
    MUST(bp__result_origin_store(csv, "new", 3, &b)); /* the same once more */
    MUST(bp__result_origin_check(csv, &b, false));
    FAILS(bp__result_origin_check(csv, &a, false), BP_EINVAL, "another search");
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"written and read", test_round_trip},
        {"differences", test_differences},
        {"content", test_content},
        {"step by step", test_steps},
        CU_TEST_INFO_NULL,
    };
    if (!mkdtemp(folder)) return 1;
    snprintf(csv, sizeof csv, "%s/r.csv", folder);
    snprintf(beside, sizeof beside, "%s.origin", csv);
    memset(content[0], 'a', BP__HASH_DIGITS);
    memset(content[1], 'b', BP__HASH_DIGITS);
    const int rc = suite_main("origin", tests);
    unlink(csv);
    unlink(beside);
    rmdir(folder);
    return rc;
}
