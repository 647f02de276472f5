/* The made-up market: what it promises to look like. */
#include <math.h>

#include "core/suite.h"
#include "io/ingest/demo.h"

static void make(const bp__demo_options *options, bp__draft *d)
{
    MUST(bp__draft_init(d, "made-up", NULL));
    MUST(bp__demo_generate(options, d));
    MUST(bp__draft_finish(d));
}

static void test_market(void)
{
    static bp__bar bar[1000];
    bp__draft d;
    make(&(bp__demo_options){.assets = 150, .days = 1000, .minute_days = 2, .seed = 11}, &d);
    CU_ASSERT_EQUAL_FATAL(d.series[BP__DAILY].n, 150);
    CU_ASSERT_TRUE(d.ratios[BP__SPLITS].n > 10 && d.payouts.n > 100);
    CU_ASSERT_TRUE(bp__draft_num_bars(&d, BP__MINUTE) > 100000);
    size_t late = 0, early = 0, wrong = 0;
    for (size_t i = 0; i < d.series[BP__DAILY].n; i++) {
        const bp__draft_series *s = &d.series[BP__DAILY].row[i];
        wrong += d.assets.row[i].start_date != s->first || d.assets.row[i].end_date != s->last;
        late += s->first > d.days.row[0];
        early += s->last < d.days.row[999];
        MUST(bp__draft_read(&d, s, bar));
        for (size_t k = 0; k < s->bars; k++) {
            const double *v = bar[k].value;
            wrong += v[BP__LOW] > v[BP__OPEN] || v[BP__LOW] > v[BP__CLOSE] || v[BP__HIGH] < v[BP__OPEN] ||
                     v[BP__HIGH] < v[BP__CLOSE] || !(v[BP__VOLUME] > 0);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(late > 5 && early > 5);
    bp__draft_fini(&d);
}

static void test_edges(void)
{
    const bp__demo_options bad[] = {{0, 1, 0, 1},
                                    {1, 0, 0, 1},
                                    {1, 1, -1, 1},
                                    {BP__DEMO_MAX_ASSETS + 1, 1, 0, 1},
                                    {1, BP__DEMO_MAX_DAYS + 1, 0, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bp__draft d;
        MUST(bp__draft_init(&d, "x", NULL));
        CU_ASSERT_EQUAL(bp__demo_generate(&bad[i], &d), BP_EINVAL);
        bp__draft_fini(&d);
    }
    for (int64_t days = 1; days < 90; days += 11) {
        bp__draft d;
        make(&(bp__demo_options){9, days, 3, (uint64_t)days}, &d);
        CU_ASSERT_EQUAL(d.assets.n, 9);
        CU_ASSERT(d.days.n <= (size_t)days && d.calendar.n == (size_t)days);
        bp__draft_fini(&d);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"market", test_market}, {"edges", test_edges}, CU_TEST_INFO_NULL};
    return suite_main("demo", tests);
}
