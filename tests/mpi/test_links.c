/* Who hears whom, with a clock of our own: no MPI, no threads. */
#include "tests/core/suite.h"

#include "mpi/links.h"

#define MS UINT64_C(1000000)

static bp__links l;
static uint64_t now;

/* Node 5 of 17: its parent is 1, its only child 16, in the chain it stands between 4 and 6. */
static void set_up(int64_t timeout_ms)
{
    now = 1000 * MS;
    bp__links_init(&l, 5, 17, timeout_ms);
    bp__links_begin(&l, now);
}

/* Turns of the loop, a millisecond apart, in which nobody is heard. */
static void run(uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) bp__links_turn(&l, now += MS);
}

static int silent(void)
{
    uint64_t ms;
    const bp__link *link = bp__links_silent(&l, &ms);
    return link ? link->node : -1;
}

static void test_neighbours(void)
{
    bp__links_init(&l, 0, 1, 1000);
    CU_ASSERT_EQUAL(l.num, 0);
    bp__links_init(&l, 0, 64, 1000); /* 1, 2, 3; its successor is one of them */
    CU_ASSERT_EQUAL(l.num, 3);
    bp__links_init(&l, 10, 64, 1000); /* 3, 31, 32, 33, 9, 11 */
    CU_ASSERT_EQUAL(l.num, 6);
    bp__links_init(&l, 10, BP__MESH_MAX, 1000);
    CU_ASSERT_EQUAL(l.num, BP__MESH_MAX - 1);
    bp__links_init(&l, 1, 2, 1000);
    CU_ASSERT_EQUAL(l.num, 1);
    bp__links_init(&l, 63, 64, 1000); /* 20, 62 */
    CU_ASSERT_EQUAL(l.num, 2);
    for (int a = 0; a < 40; a++) /* whoever expects a sign of life from somebody owes it one */
        for (int b = 0; b < 40; b++) {
            bool ab = false, ba = false;
            bp__links_init(&l, a, 40, 1000);
            for (unsigned i = 0; i < l.num; i++) ab |= l.link[i].node == b;
            bp__links_init(&l, b, 40, 1000);
            for (unsigned i = 0; i < l.num; i++) ba |= l.link[i].node == a;
            CU_ASSERT_EQUAL(ab, ba);
        }
}

static void test_silence(void)
{
    uint64_t ms = 0;
    set_up(3000);
    CU_ASSERT_EQUAL(l.num, 4);
    run(2999);
    CU_ASSERT_EQUAL(silent(), -1);
    run(1);
    CU_ASSERT_NOT_EQUAL(silent(), -1);
    set_up(3000);
    run(2000);
    bp__links_heard(&l, 1);
    bp__links_heard(&l, 4);
    bp__links_heard(&l, 16);
    bp__links_heard(&l, 3); /* no neighbour */
    run(1000);
    CU_ASSERT_EQUAL(silent(), 6);
    bp__links_silent(&l, &ms);
    CU_ASSERT_EQUAL(ms, 3000);
    bp__links_ended(&l, 6);
    CU_ASSERT_EQUAL(silent(), -1);
    CU_ASSERT_FALSE(bp__links_all_ended(&l));
    bp__links_ended(&l, 1);
    bp__links_ended(&l, 4);
    bp__links_ended(&l, 16);
    CU_ASSERT_TRUE(bp__links_all_ended(&l));
    run(10000);
    CU_ASSERT_EQUAL(silent(), -1);
}

/* Time in which this process stood still is not theirs. */
static void test_pauses(void)
{
    set_up(3000);
    run(1000);
    bp__links_turn(&l, now += 3600000 * MS);
    CU_ASSERT_EQUAL(silent(), -1);
    run(1999);
    CU_ASSERT_EQUAL(silent(), -1);
    run(1);
    CU_ASSERT_NOT_EQUAL(silent(), -1);
    set_up(3000); /* a turn that takes a tenth of the timeout is an ordinary one */
    for (int i = 0; i < 10; i++) bp__links_turn(&l, now += 300 * MS);
    CU_ASSERT_NOT_EQUAL(silent(), -1);
}

/* Beats: at most ten a second, at least ten in the timeout, and none where something else was sent. */
static void test_beats(void)
{
    const int64_t timeout_ms[] = {1000, 3000, 60000};
    for (size_t t = 0; t < 3; t++) {
        int beats = 0;
        set_up(timeout_ms[t]);
        for (int64_t i = 0; i < timeout_ms[t]; i++) {
            bp__links_turn(&l, now += MS);
            bp__links_sent(&l, 1);
            for (const bp__link *due; (due = bp__links_due(&l)); bp__links_sent(&l, due->node)) {
                CU_ASSERT_NOT_EQUAL(due->node, 1);
                beats += due->node == 6;
            }
        }
        CU_ASSERT_EQUAL(beats, 10);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"neighbours", test_neighbours}, {"silence", test_silence}, {"time that does not count", test_pauses},
        {"beats", test_beats},           CU_TEST_INFO_NULL,
    };
    return suite_main("links", tests);
}
