/* Who goes first, and how many have to. */
#include "tests/core/suite.h"

#include <stdlib.h>
#include <time.h>

#include "core/lru.h"

#define PAGE 4096u

static void test_order(void)
{
    const bp__candidate expected[] = {
        {.slot = 9, .listed = false, .pinned = false, .age = 1},         /* on its way out, not pinned */
        {.slot = 4, .listed = true, .pinned = false, .age = UINT64_MAX}, /* never used */
        {.slot = 2, .listed = true, .pinned = false, .age = 50},
        {.slot = 3, .listed = true, .pinned = false, .age = 50},
        {.slot = 8, .listed = true, .pinned = false, .age = 0},
        {.slot = 7, .listed = false, .pinned = true, .age = 10},
        {.slot = 5, .listed = true, .pinned = true, .age = 9000},
        {.slot = 1, .listed = true, .pinned = true, .age = 8},
    };
    enum { N = sizeof expected / sizeof *expected };
    uint64_t state = 7;
    for (int round = 0; round < 1000; round++) {
        bp__candidate c[N];
        memcpy(c, expected, sizeof c);
        for (size_t i = N; i > 1; i--) {
            size_t k = draw(&state, i);
            bp__candidate t = c[i - 1];
            c[i - 1] = c[k];
            c[k] = t;
        }
        bp__lru_sort(c, N);
        for (size_t i = 0; i < N; i++) CU_ASSERT_EQUAL(c[i].slot, expected[i].slot);
    }
    bp__lru_sort(NULL, 0);
}

/* The sequence 1, 2, 3, 4 in a pool of three evicts 1; after a touch of 2, 5 evicts 3. */
static void test_sequence(void)
{
    uint64_t used[6] = {0}, now = 1;
    bool resident[6] = {false};
    static const unsigned gets[] = {1, 2, 3, 4, 2, 5}, victims[] = {0, 0, 0, 1, 0, 3};
    for (size_t i = 0; i < sizeof gets / sizeof *gets; i++, now++) {
        bp__candidate c[6];
        size_t n = 0;
        for (uint32_t b = 1; b < 6; b++)
            if (resident[b]) c[n++] = (bp__candidate){.slot = b, .listed = true, .age = now - used[b]};
        bp__lru_sort(c, n);
        size_t need = !resident[gets[i]] && n == 3;
        CU_ASSERT_EQUAL(bp__lru_prefix(c, n, NULL, 0, need), need);
        CU_ASSERT_EQUAL(need ? c[0].slot : 0, victims[i]);
        if (need) resident[c[0].slot] = false;
        resident[gets[i]] = true;
        used[gets[i]] = now;
    }
}

static void test_prefix(void)
{
    bp__arena *a;
    bp__candidate c[4];
    MUST(bp__arena_create(8 * PAGE, 8 * PAGE, PAGE, &a));
    for (uint32_t i = 0; i < 4; i++) {
        c[i] = (bp__candidate){.slot = i, .listed = i != 0, .age = 100 - i};
        MUST(bp__arena_reserve(a, 2 * PAGE, &c[i].extent));
    }
    bp__lru_sort(c, 4);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 0, 0), 0);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 1, 0), 1);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 2 * PAGE, 0), 1);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 2 * PAGE + 1, 0), 2);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 8 * PAGE, 0), 4);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 8 * PAGE + 1, 0), 5); /* not even all of them */
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 0, 1), 2);            /* the first is no longer listed */
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 1, 1), 2);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 0, 3), 4);
    CU_ASSERT_EQUAL(bp__lru_prefix(c, 4, a, 0, 4), 5);
    CU_ASSERT_EQUAL(bp__lru_prefix(NULL, 0, a, 1, 0), 1);
    CU_ASSERT_EQUAL(bp__lru_prefix(NULL, 0, a, 0, 0), 0);
    bp__arena_destroy(&a);
}

/* Random candidates in a random arena: each next victim is the worst of the rest, and the prefix is the
 * shortest after which an arena that has really released it takes the bytes. */
static void test_random(void)
{
    enum { PAGES = 40, MOST = 12 };
    uint64_t state = 99;
    for (int round = 0; round < 20000; round++) {
        bp__arena *a;
        bp__candidate c[MOST], sorted[MOST];
        size_t n = 0, want = draw(&state, MOST + 1);
        MUST(bp__arena_create(PAGES * PAGE, (10 + draw(&state, PAGES - 9)) * PAGE, PAGE, &a));
        for (uint32_t i = 0; i < want; i++) {
            c[n] = (bp__candidate){
                .slot = i, .listed = draw(&state, 4), .pinned = draw(&state, 2), .age = draw(&state, 6)};
            n += bp__arena_reserve(a, (1 + draw(&state, 6)) * PAGE, &c[n].extent) == BP_OK;
        }
        memcpy(sorted, c, sizeof c);
        bp__lru_sort(sorted, n);
        for (size_t i = 0; i + 1 < n; i++) {
            const bp__candidate *x = &sorted[i], *y = &sorted[i + 1];
            bool right = x->pinned != y->pinned   ? y->pinned
                         : x->listed != y->listed ? y->listed
                         : x->age != y->age       ? x->age > y->age
                                                  : x->slot < y->slot;
            CU_ASSERT(right);
        }
        uint64_t bytes = draw(&state, 25) * PAGE;
        size_t entries = draw(&state, 4), length = bp__lru_prefix(sorted, n, a, bytes, entries), shortest = 0;
        for (size_t unlisted = 0;; unlisted += sorted[shortest++].listed) {
            bp__extent e;
            bool found = bytes == 0 || bp__arena_reserve(a, bytes, &e) == BP_OK;
            if (found && bytes) bp__arena_release(a, e, false);
            if (found && unlisted >= entries) break;
            if (shortest == n) {
                shortest = n + 1;
                break;
            }
            bp__arena_release(a, sorted[shortest].extent, draw(&state, 2));
        }
        CU_ASSERT_EQUAL(length, shortest);
        bp__arena_destroy(&a);
    }
}

/* Processor time that it takes to choose half of n bundles; the least of some tries, as others use the machine. */
static double cost_of(uint32_t n)
{
    bp__candidate *c = calloc(n, sizeof *c);
    uint64_t state = 3;
    double least = 1e9;
    bp__arena *a;
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    MUST(bp__arena_create(UINT64_C(4) * n * PAGE, UINT64_C(1) * n * PAGE, PAGE, &a));
    for (uint32_t i = 0; i < n; i++) {
        c[i] = (bp__candidate){.slot = i, .listed = true, .age = draw(&state, 1000000)};
        MUST(bp__arena_reserve(a, PAGE, &c[i].extent));
    }
    bp__lru_sort(c, n);
    for (int i = 0; i < 10; i++) {
        struct timespec t0, t1;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
        size_t length = bp__lru_prefix(c, n, a, UINT64_C(1) * n / 2 * PAGE, 0);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
        CU_ASSERT_EQUAL(length, n / 2); /* there is free address space behind all of them */
        double took = (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
        if (took < least) least = took;
    }
    bp__arena_destroy(&a);
    free(c);
    return least;
}

/* n log n: 8 times as many bundles cost 11 times as much, and some more for want of cache. n n would be 64 times. */
static void test_thousands(void)
{
    double few = cost_of(1000), many = cost_of(8000);
    printf("%.3f ms, %.3f ms ", few * 1e3, many * 1e3);
    CU_ASSERT(many < 40 * few);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"order", test_order},         {"a pool of three", test_sequence},
        {"prefix", test_prefix},       {"random candidates", test_random},
        {"thousands", test_thousands}, CU_TEST_INFO_NULL,
    };
    return suite_main("lru", tests);
}
