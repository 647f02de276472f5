/* Many threads ask one reader at once, the first question of each being the one that builds an index. */
#include <pthread.h>

#include "tests/reader/market.h"

enum { THREADS = 8, QUESTIONS = 2000 };

typedef struct asker {
    const bp_reader *reader;
    pthread_barrier_t *start;
    uint64_t seed;
    uint64_t answers; /* a hash of all of them */
} asker;

static void add(asker *a, bp_status s, const void *answer, size_t size)
{
    a->answers = (a->answers ^ (uint64_t)s) * UINT64_C(0x100000001b3);
    for (size_t i = 0; s == BP_OK && i < size; i++)
        a->answers = (a->answers ^ ((const unsigned char *)answer)[i]) * UINT64_C(0x100000001b3);
}

static void *ask(void *arg)
{
    asker *a = arg;
    const bp_bundle *b = bp_reader_bundle(a->reader);
    pthread_barrier_wait(a->start);
    for (int k = 0; k < QUESTIONS; k++) {
        const int64_t sid = some_sid(b, &a->seed), day = some_day(b, &a->seed);
        int64_t found = 0;
        double value[20] = {0};
        add(a, bp_reader_daily_last_traded(a->reader, sid, day, &found), &found, sizeof found);
        add(a, bp_reader_minute_last_traded(a->reader, sid, day, &found), &found, sizeof found);
        add(a, bp_reader_daily_value(a->reader, sid, day, BP_FIELD_CLOSE, value), value, sizeof *value);
        add(a, bp_reader_lookup_symbol(a->reader, "BRK.A", day, BP_LOOKUP_FUZZY, &found), &found,
            sizeof found);
        add(a, bp_reader_window(a->reader, sid, BP_FIELD_CLOSE, day, 20, day, BP_ADJUST_ALL, value), value,
            sizeof value);
    }
    return NULL;
}

static void test_threads(void)
{
    const market_plan plan = {
        .assets = 40, .sessions = 120, .mappings = true, .minutes = true, .hours = true};
    const bp_bundle *b = make_market(&plan, 71);
    pthread_t thread[THREADS];
    asker many[THREADS];
    bp_reader *r;
    pthread_barrier_t start;
    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&start, NULL, THREADS), 0);
    MUST(bp_reader_create(b, &r));
    for (int i = 0; i < THREADS; i++) {
        many[i] = (asker){.reader = r, .start = &start, .seed = 100 + (uint64_t)i / 2};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, ask, &many[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    bp_reader_destroy(&r);

    /* one after the other, on a reader of its own, the same answers */
    pthread_barrier_t alone;
    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&alone, NULL, 1), 0);
    for (int i = 0; i < THREADS; i++) {
        asker one = {.start = &alone, .seed = 100 + (uint64_t)i / 2};
        MUST(bp_reader_create(b, &r));
        one.reader = r;
        ask(&one);
        CU_ASSERT_EQUAL(one.answers, many[i].answers);
        bp_reader_destroy(&r);
    }
    pthread_barrier_destroy(&alone);
    pthread_barrier_destroy(&start);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {{"many threads", test_threads}, CU_TEST_INFO_NULL};
    return suite_main("threads", tests);
}
