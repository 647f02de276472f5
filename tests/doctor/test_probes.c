/* Probes end in time whatever they look at, and remarks of many processes become few lines. */
#include <pthread.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/suite.h"
#include "doctor/doctor.h"

/* Nothing that a probe can look at hangs for sure; this one waits for the test. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static bool may_go, has_gone;

static void look_and_hang(const bp__subject *subject, bp__remark *remark)
{
    (void)subject;
    pthread_mutex_lock(&lock);
    while (!may_go) pthread_cond_wait(&change, &lock);
    bp__remark_that(remark, BP__GOOD, "too late");
    has_gone = true;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void look_at_root(const bp__subject *subject, bp__remark *remark)
{
    bp__remark_that(remark, BP__WARN, "%s", subject->cfg.root);
    bp__advise(remark, "do %d things", 2);
}

static bp__subject subject(void)
{
    bp__subject s = {.cfg = bp_config_init()};
    MUST(bp_config_default(&s.cfg));
    bp__backing_default(&s.backing);
    return s;
}

static void test_in_time(void)
{
    const bp__subject s = subject();
    const bp__probe quick = {.what = "root", .look = look_at_root};
    bp__remark remark;
    bp__probe_run(&quick, &s, 60000, &remark);
    CU_ASSERT_EQUAL(remark.health, BP__WARN);
    CU_ASSERT_STRING_EQUAL(remark.what, "root");
    CU_ASSERT_STRING_EQUAL(remark.value, "bundles");
    CU_ASSERT_STRING_EQUAL(remark.remedy, "do 2 things");
    CU_ASSERT_NOT_EQUAL(strlen(remark.host), 0);
}

static void test_hang(void)
{
    const bp__subject s = subject();
    const bp__probe slow = {.what = "slow", .look = look_and_hang};
    bp__remark remark;
    bp__probe_run(&slow, &s, 50, &remark);
    CU_ASSERT_EQUAL(remark.health, BP__BAD);
    CU_ASSERT_STRING_EQUAL(remark.value, "no answer within 50 ms");

    /* what comes later changes nothing any more, and frees what was left behind */
    pthread_mutex_lock(&lock);
    may_go = true;
    pthread_cond_broadcast(&change);
    while (!has_gone) pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
    CU_ASSERT_STRING_EQUAL(remark.value, "no answer within 50 ms");
}

/* Every probe says something, and ends. */
static void test_list(void)
{
    const bp__subject s = subject();
    bp__remark all[BP__MOST_REMARKS], own[BP__MOST_REMARKS];
    const size_t count = bp__examine(&s, true, all), of_process = bp__examine(&s, false, own);
    CU_ASSERT(count > of_process && of_process > 0);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_NOT_EQUAL(strlen(all[i].value), 0);
        CU_ASSERT(all[i].health != BP__WARN || all[i].remedy[0]);
    }
}

/* Diagnoses ------------------------------------------------------------------------------------- */

static bp__remark remark_of(const char *host, const char *what, bp__health health, const char *value)
{
    bp__remark r = {.health = health};
    strcpy(r.host, host);
    strcpy(r.what, what);
    strcpy(r.value, value);
    if (health != BP__GOOD) strcpy(r.remedy, "mend it");
    return r;
}

static void check_text(const bp__remark *remark, size_t count, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    const bp__diagnosis d = {.program = "doctor", .remark = remark, .count = count};
    FILE *file = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    bp__diagnosis_text(file, &d);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_STRING_EQUAL(text, expected);
    if (strcmp(text, expected) != 0) fprintf(stderr, "%s", text);
    free(text);
}

static void test_one_machine(void)
{
    const bp__remark r[] = {
        remark_of("a", "memory", BP__GOOD, "1"),
        remark_of("a", "clock", BP__BAD, "none"),
    };
    check_text(r, 2, "good  memory: 1\nbad   clock: none  — mend it\n");
}

static void test_many_machines(void)
{
    const bp__remark r[] = {
        remark_of("a", "memory", BP__GOOD, "1"), remark_of("a", "files", BP__GOOD, "3"),
        remark_of("a", "files", BP__BAD, "2"),   remark_of("b", "memory", BP__GOOD, "5"),
        remark_of("b", "files", BP__GOOD, "3"),  remark_of("c", "memory", BP__WARN, "0"),
        remark_of("c", "files", BP__GOOD, "3"),
    };
    check_text(r, sizeof r / sizeof *r,
               "good  memory (a and 1 more): 1\n"
               "warn  memory (c): 0  — mend it\n"
               "good  files (a and 2 more): 3\n"
               "bad   files (a): 2  — mend it\n");
}

/* What came from elsewhere moves no cursor. */
static void test_hostile(void)
{
    const bp__remark r[] = {remark_of("a", "root", BP__GOOD, "x\033[2J\ny")};
    check_text(r, 1, "good  root: x?[2J?y\n");
}

static void test_count(void)
{
    const bp__remark r[] = {
        remark_of("a", "x", BP__GOOD, ""),
        remark_of("a", "y", BP__BAD, ""),
        remark_of("b", "y", BP__BAD, ""),
    };
    const bp__diagnosis d = {.program = "doctor", .remark = r, .count = 3};
    CU_ASSERT_EQUAL(bp__diagnosis_count(&d, BP__BAD), 2);
    CU_ASSERT_EQUAL(bp__diagnosis_count(&d, BP__WARN), 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a probe that ends in time", test_in_time},
        {"a probe that hangs", test_hang},
        {"every probe of the list", test_list},
        {"lines of one machine", test_one_machine},
        {"lines of many machines", test_many_machines},
        {"a hostile text", test_hostile},
        {"counts", test_count},
        CU_TEST_INFO_NULL,
    };
    return suite_main("doctor", tests);
}
