/* The books of the arena: by hand, and at random against a map of one byte per page. */
#include "tests/core/suite.h"

#include "core/arena.h"

#define PAGE 4096u

static bp__arena *make(uint64_t pages, uint64_t budget_pages)
{
    bp__arena *a;
    MUST(bp__arena_create(pages * PAGE, budget_pages * PAGE, PAGE, &a));
    return a;
}

/* Reserve `pages`; where they begin, or -1. */
static int64_t take(bp__arena *a, uint64_t pages)
{
    bp__extent e = {1, 1};
    bp_status s = bp__arena_reserve(a, pages * PAGE, &e);
    MUST(bp__arena_selfcheck(a));
    if (s != BP_OK) {
        CU_ASSERT(s == BP_EFULL && e.offset == 1 && e.bytes == 1);
        return -1;
    }
    CU_ASSERT(e.offset % PAGE == 0 && e.bytes == pages * PAGE);
    return (int64_t)(e.offset / PAGE);
}

static void give(bp__arena *a, uint64_t at, uint64_t pages, bool keep)
{
    bp__arena_release(a, (bp__extent){at * PAGE, pages * PAGE}, keep);
    MUST(bp__arena_selfcheck(a));
}

static void test_rounding(void)
{
    bp__arena *a;
    bp__extent e;
    /* ten pages, a budget of eight and a bit */
    MUST(bp__arena_create(10 * PAGE + 17, 8 * PAGE + 17, PAGE, &a));
    CU_ASSERT_EQUAL(bp__arena_round(a, 0), 0);
    CU_ASSERT_EQUAL(bp__arena_round(a, 1), PAGE);
    CU_ASSERT_EQUAL(bp__arena_round(a, PAGE), PAGE);
    CU_ASSERT_EQUAL(bp__arena_round(a, PAGE + 1), 2 * PAGE);
    CU_ASSERT_EQUAL(bp__arena_budget(a), 8 * PAGE + 17);
    MUST(bp__arena_reserve(a, 1, &e));
    CU_ASSERT(e.offset == 0 && e.bytes == PAGE);
    CU_ASSERT_EQUAL(bp__arena_reserve(a, 7 * PAGE + 1, &e), BP_EFULL); /* would be nine pages */
    CU_ASSERT_EQUAL(bp__arena_reserve(a, 0, &e), BP_EFULL);
    CU_ASSERT_EQUAL(take(a, 7), 1);
    CU_ASSERT_EQUAL(bp__arena_used(a), 8 * PAGE);
    bp__arena_destroy(&a);
    CU_ASSERT_PTR_NULL(a);
    bp__arena_destroy(&a);

    MUST(bp__arena_create(PAGE - 1, PAGE, PAGE, &a)); /* not one whole page */
    CU_ASSERT_EQUAL(take(a, 1), -1);
    bp__arena_destroy(&a);
}

static void test_huge(void)
{
    bp__arena *a = make(8, 8);
    bp__extent e;
    static const uint64_t sizes[] = {8 * PAGE + 1, UINT64_C(1) << 62, UINT64_MAX - PAGE, UINT64_MAX - 1,
                                     UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(bp__arena_reserve(a, sizes[i], &e), BP_EFULL);
        CU_ASSERT_EQUAL(bp__arena_least_gone(a, sizes[i], NULL, 0), 1);
    }
    bp__arena_destroy(&a);
}

static void test_best_fit(void)
{
    bp__arena *a = make(20, 20);
    for (int i = 0; i < 20; i++) CU_ASSERT_EQUAL(take(a, 1), i);
    CU_ASSERT_EQUAL(take(a, 1), -1);
    for (uint64_t i = 1; i <= 4; i++) give(a, i, 1, false);   /* a gap of four */
    for (uint64_t i = 8; i <= 9; i++) give(a, i, 1, false);   /* of two */
    for (uint64_t i = 12; i <= 14; i++) give(a, i, 1, false); /* of three */
    CU_ASSERT_EQUAL(take(a, 2), 8);
    CU_ASSERT_EQUAL(take(a, 2), 12);
    CU_ASSERT_EQUAL(take(a, 5), -1); /* five pages are free, but not together */
    CU_ASSERT_EQUAL(take(a, 4), 1);
    CU_ASSERT_EQUAL(take(a, 1), 14);
    bp__arena_destroy(&a);
}

static void test_kept_first(void)
{
    bp__arena *a = make(20, 20);
    for (int i = 0; i < 20; i++) CU_ASSERT_EQUAL(take(a, 1), i);
    for (uint64_t i = 2; i <= 3; i++) give(a, i, 1, false); /* fits exactly, but its pages are not there */
    for (uint64_t i = 6; i <= 11; i++) give(a, i, 1, true);
    CU_ASSERT_EQUAL(bp__arena_claimed(a), 18 * PAGE);
    CU_ASSERT_EQUAL(bp__arena_used(a), 12 * PAGE);
    CU_ASSERT_EQUAL(take(a, 2), 6);
    CU_ASSERT_EQUAL(bp__arena_claimed(a), 18 * PAGE);
    CU_ASSERT_EQUAL(take(a, 4), 8);
    CU_ASSERT_EQUAL(take(a, 2), 2);
    bp__arena_destroy(&a);
}

/* The place with the most pages that are real already need not begin where a part begins. */
static void test_kept_at_the_end(void)
{
    bp__arena *a = make(20, 20);
    CU_ASSERT_EQUAL(take(a, 10), 0);
    CU_ASSERT_EQUAL(take(a, 5), 10);
    CU_ASSERT_EQUAL(take(a, 5), 15);
    give(a, 0, 10, false);
    give(a, 10, 5, true);
    CU_ASSERT_EQUAL(take(a, 8), 7);
    bp__arena_destroy(&a);
}

/* A gap of both kinds is one gap, and what is taken across them is one extent. */
static void test_coalescing(void)
{
    bp__arena *a = make(12, 12);
    for (int i = 0; i < 4; i++) CU_ASSERT_EQUAL(take(a, 3), 3 * i);
    give(a, 0, 3, true);
    give(a, 6, 3, true);
    CU_ASSERT_EQUAL(take(a, 4), -1);
    give(a, 3, 3, false);
    CU_ASSERT_EQUAL(take(a, 9), 0);
    CU_ASSERT_EQUAL(bp__arena_claimed(a), 12 * PAGE);
    give(a, 0, 9, false);
    give(a, 9, 3, false);
    CU_ASSERT_EQUAL(bp__arena_claimed(a), 0);
    CU_ASSERT_EQUAL(take(a, 12), 0);
    bp__arena_destroy(&a);
}

static void test_budget_and_trim(void)
{
    bp__arena *a = make(40, 10);
    bp__extent e;
    CU_ASSERT_EQUAL(take(a, 11), -1);
    CU_ASSERT_EQUAL(take(a, 3), 0);
    CU_ASSERT_EQUAL(take(a, 3), 3);
    CU_ASSERT_EQUAL(take(a, 3), 6);
    CU_ASSERT_EQUAL(take(a, 2), -1); /* plenty of room, no budget */
    CU_ASSERT_FALSE(bp__arena_trim(a, &e));
    give(a, 0, 3, true);
    give(a, 6, 3, true);
    CU_ASSERT_FALSE(bp__arena_trim(a, &e)); /* kept pages are within the budget */
    CU_ASSERT_EQUAL(take(a, 5), 6);         /* three kept ones and two more: eleven */
    CU_ASSERT_EQUAL(bp__arena_claimed(a), 11 * PAGE);
    CU_ASSERT_TRUE(bp__arena_trim(a, &e)); /* one page too many */
    CU_ASSERT(e.offset == 2 * PAGE && e.bytes == PAGE);
    CU_ASSERT_EQUAL(bp__arena_claimed(a), 10 * PAGE);
    CU_ASSERT_FALSE(bp__arena_trim(a, &e));
    MUST(bp__arena_selfcheck(a));
    bp__arena_destroy(&a);
}

/* At random -------------------------------------------------------------------------------------- */

enum { PAGES = 48, BUDGET = 30, HELD = 16 };

typedef struct model {
    char page[PAGES + 1]; /* U used, K kept, . empty */
    struct {
        unsigned at, pages;
    } held[HELD];
    unsigned num_held;
} model;

static uint64_t pages_of(const model *m, char kind)
{
    uint64_t n = 0;
    for (int i = 0; i < PAGES; i++) n += m->page[i] == kind;
    return n;
}

/* The free pages around page `at`. */
static unsigned gap_around(const model *m, unsigned at)
{
    unsigned from = at, to = at;
    while (from > 0 && m->page[from - 1] != 'U') from--;
    while (to < PAGES && m->page[to] != 'U') to++;
    return to - from;
}

/* Kept pages of a place, or -1 if a page of it is used. */
static int kept_in(const model *m, unsigned at, unsigned pages)
{
    int kept = 0;
    for (unsigned i = at; i < at + pages; i++) {
        if (i >= PAGES || m->page[i] == 'U') return -1;
        kept += m->page[i] == 'K';
    }
    return kept;
}

static bool model_fits(const model *m, unsigned pages)
{
    if (pages_of(m, 'U') + pages > BUDGET) return false;
    for (unsigned at = 0; at + pages <= PAGES; at++)
        if (kept_in(m, at, pages) >= 0) return true;
    return false;
}

static void step_reserve(bp__arena *a, model *m, unsigned pages)
{
    int best_kept = -1;
    unsigned best_gap = 0;
    for (unsigned at = 0; at + pages <= PAGES; at++) {
        int kept = kept_in(m, at, pages);
        if (kept < 0) continue;
        unsigned gap = gap_around(m, at);
        if (kept > best_kept || (kept == best_kept && gap < best_gap)) {
            best_kept = kept;
            best_gap = gap;
        }
    }
    bool fits = model_fits(m, pages);
    CU_ASSERT_EQUAL_FATAL(bp__arena_least_gone(a, pages * PAGE, NULL, 0), !fits);
    int64_t at = take(a, pages);
    CU_ASSERT_EQUAL_FATAL(at >= 0, fits);
    if (!fits) return;
    CU_ASSERT_EQUAL_FATAL(kept_in(m, (unsigned)at, pages), best_kept);
    CU_ASSERT_EQUAL_FATAL(gap_around(m, (unsigned)at), best_gap);
    memset(m->page + at, 'U', pages);
    m->held[m->num_held].at = (unsigned)at;
    m->held[m->num_held++].pages = pages;
    bp__extent e;
    while (bp__arena_trim(a, &e)) {
        for (uint64_t i = e.offset / PAGE; i < (e.offset + e.bytes) / PAGE; i++) {
            CU_ASSERT_EQUAL_FATAL(m->page[i], 'K');
            m->page[i] = '.';
        }
        MUST(bp__arena_selfcheck(a));
    }
    CU_ASSERT(bp__arena_claimed(a) <= bp__arena_budget(a));
}

static void step_release(bp__arena *a, model *m, unsigned which, bool keep)
{
    unsigned at = m->held[which].at, pages = m->held[which].pages;
    give(a, at, pages, keep);
    memset(m->page + at, keep ? 'K' : '.', pages);
    m->held[which] = m->held[--m->num_held];
}

/* Ask how much of what is held would have to go, in some order, and compare with a model that releases one after the
 * other. */
static void step_least_gone(const bp__arena *a, const model *m, uint64_t *state)
{
    bp__extent going[HELD];
    size_t n = 0;
    for (unsigned i = 0; i < m->num_held; i++)
        if (draw(state, 3) == 0) going[n++] = (bp__extent){m->held[i].at * PAGE, m->held[i].pages * PAGE};
    for (size_t i = n; i > 1; i--) {
        size_t k = draw(state, i);
        bp__extent e = going[i - 1];
        going[i - 1] = going[k];
        going[k] = e;
    }
    for (unsigned pages = 1; pages <= PAGES + 1; pages++) {
        model then = *m;
        size_t gone = 0;
        while (gone <= n && !model_fits(&then, pages)) {
            if (gone < n) memset(then.page + going[gone].offset / PAGE, '.', going[gone].bytes / PAGE);
            gone++;
        }
        CU_ASSERT_EQUAL(bp__arena_least_gone(a, pages * PAGE, going, n), gone);
    }
}

static void test_random(void)
{
    uint64_t state = 20240607;
    bp__arena *a = make(PAGES, BUDGET);
    model m = {.num_held = 0};
    memset(m.page, '.', PAGES);
    for (int step = 0; step < 100000; step++) {
        uint64_t what = draw(&state, 5);
        if (what < 3 && m.num_held < HELD)
            step_reserve(a, &m, 1 + (unsigned)draw(&state, step % 7 ? 6 : 20));
        else if (what < 4 && m.num_held)
            step_release(a, &m, (unsigned)draw(&state, m.num_held), draw(&state, 2));
        else
            step_least_gone(a, &m, &state);
        MUST(bp__arena_selfcheck(a));
        CU_ASSERT_EQUAL_FATAL(bp__arena_used(a), pages_of(&m, 'U') * PAGE);
        CU_ASSERT_EQUAL_FATAL(bp__arena_claimed(a), (pages_of(&m, 'U') + pages_of(&m, 'K')) * PAGE);
    }
    bp__arena_destroy(&a);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"whole pages", test_rounding},
        {"sizes beyond everything", test_huge},
        {"best fit", test_best_fit},
        {"kept pages are preferred", test_kept_first},
        {"kept pages at the end of a gap", test_kept_at_the_end},
        {"coalescing", test_coalescing},
        {"budget and trim", test_budget_and_trim},
        {"random operations", test_random},
        CU_TEST_INFO_NULL,
    };
    return suite_main("arena", tests);
}
