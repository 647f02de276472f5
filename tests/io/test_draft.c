/* Drafts: bars in a spill, what finish() makes of them, scaling factors, and reports; against naive computations. */
#include <CUnit/Basic.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/draft.h"
#include "io/report.h"

#define DAY(n) ((n)*BP_NS_PER_DAY)

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static bp__bar bar_of(int64_t dt, double price, double volume)
{
    return (bp__bar){.dt = dt, .value = {price, price, price, price, volume}};
}

/* Scales ---------------------------------------------------------------------------------------- */

static bool kept(double value, int exponent)
{
    const double factor = pow(10, exponent), x = rint(value * factor);
    return x <= UINT32_MAX && fabs(x / factor - value) <= 1.0000001e-6 * value;
}

static void test_scale_is_right(void)
{
    for (int round = 0; round < 20000; round++) {
        bp__scale scale = BP__SCALE_ANY;
        double values[3];
        bool some = true;
        for (int i = 0; i < 3; i++) {
            values[i] = (double)(1 + next_random() % 99999999) * pow(10, (double)(next_random() % 12) - 9);
            some = bp__scale_note(&scale, values[i]);
        }
        bool any = false;
        for (int e = BP__SCALE_COARSEST; e <= BP__SCALE_FINEST; e++) {
            const bool all = kept(values[0], e) && kept(values[1], e) && kept(values[2], e);
            any |= all;
            if (e >= scale.low && e <= scale.high) CU_ASSERT_TRUE(all);
        }
        CU_ASSERT_EQUAL(some, any);
    }
}

static void test_scale_of_known_prices(void)
{
    static const struct {
        double value;
        int exponent;
    } prices[] = {{20.07, 3},          {0.001, 3},     {10.12345, 5},   {0.0123456, 7},  {0.00001234, 8},
                  {2.7641234e-08, 14}, {1.5e-12, 13},  {4294967.0, 3},  {4294968.0, 2},  {1234567890.0, 0},
                  {1e10, -1},          {58.485714, 4}, {123456.789, 3}, {99.9999999, 3}, {0.333333333, 6}};
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
        bp__scale scale = BP__SCALE_ANY;
        CU_ASSERT_TRUE(bp__scale_note(&scale, prices[i].value));
        CU_ASSERT_EQUAL(bp__scale_choose(scale, BP__SCALE_PRICE), prices[i].exponent);
    }
    bp__scale scale = BP__SCALE_ANY;
    CU_ASSERT_TRUE(bp__scale_note(&scale, 0.08123));
    CU_ASSERT_FALSE(bp__scale_note(&scale, 623456.789)); /* Berkshire Hathaway A beside a penny stock */
    CU_ASSERT_EQUAL(bp__scale_choose(scale, BP__SCALE_PRICE), 3);
}

static void test_stored_values(void)
{
    CU_ASSERT_EQUAL(bp__scale_store(NAN, 1000), 0);
    CU_ASSERT_EQUAL(bp__scale_store(0, 1000), 0);
    CU_ASSERT_EQUAL(bp__scale_store(0.0001, 1000), 1); /* something stays something */
    CU_ASSERT_EQUAL(bp__scale_store(1e300, 1000), UINT32_MAX);
    CU_ASSERT_EQUAL(bp__scale_store(171.14, 1000), 171140);
    CU_ASSERT_EQUAL(bp__scale_read(171140, 1000, true), 171140 * (1.0 / 1000));
    CU_ASSERT_TRUE(isnan(bp__scale_read(0, 1000, true)));
    CU_ASSERT_EQUAL(bp__scale_read(0, 1, false), 0);
    CU_ASSERT_EQUAL(bp__scale_read(123, 0.01, false), 12300); /* units of a hundred shares are exact */
}

/* Bars ------------------------------------------------------------------------------------------ */

static void finish(bp__draft *draft)
{
    CU_ASSERT_EQUAL_FATAL(bp__draft_finish(draft), BP_OK);
}

enum { SIDS = 7, MOST = 300 };

typedef struct model {
    size_t n;
    bp__bar bar[MOST];
} model;

/* What is packed comes back to the last bit, and what would not is not packed. */
static void test_packed(void)
{
    enum { N = 1000 };
    bp__bar bars[N], back[N];
    bp__packed_bar packed[N];
    for (int form = BP__BARS_WHOLE; form <= BP__BARS_STORED; form++) {
        for (size_t i = 0; i < N; i++) {
            bars[i].dt = ((int64_t)i - N / 2) * 60000000000;
            for (int f = 0; f < BP__VOLUME; f++) {
                const uint32_t x = (uint32_t)(next_random() % (UINT32_MAX - 1)) >> next_random() % 32;
                bars[i].value[f] = x == 0                     ? NAN
                                   : form == BP__BARS_DECIMAL ? x / 1000.0
                                   : form == BP__BARS_STORED  ? x * (1.0 / 1000)
                                                              : x / 70000.0;
            }
            bars[i].value[BP__VOLUME] = (double)(next_random() % (UINT32_MAX - 1));
        }
        CU_ASSERT_EQUAL_FATAL(bp__bars_pack(bars, N, packed), (bp__bar_form)form);
        if (form == BP__BARS_WHOLE) continue;
        bp__bars_unpack((bp__bar_form)form, packed, N, back);
        CU_ASSERT_EQUAL(memcmp(back, bars, sizeof bars), 0);
    }
    const double inf = INFINITY;
    const bp__bar whole[] = {bar_of(1, 1, 1),           bar_of(-59999999999, 1, 1), bar_of(0, 0, 1),
                             bar_of(0, 1.0001, 1),      bar_of(0, 4294967.296, 1),  bar_of(0, 1e300, 1),
                             bar_of(0, 1, NAN),         bar_of(0, 1, 0.5),          bar_of(0, 1, 4294967296),
                             bar_of(0, 1e-9, 1),        bar_of(0, 0.0005, 1),       bar_of(0, 1, 1e300),
                             bar_of(0, 1.000000001, 1), bar_of(0, inf, 1),          bar_of(0, -1, 1)};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        CU_ASSERT_EQUAL(bp__bars_pack(&whole[i], 1, packed), BP__BARS_WHOLE);
}

/* Random runs for random sids, blank bars among them, must come back in order without the blank ones. */
static void test_random_runs(void)
{
    static model models[BP__NUM_FRAMES][SIDS];
    const char *folders[] = {NULL, "/tmp"};
    for (int round = 0; round < 40; round++) {
        bp__draft draft;
        int64_t last[BP__NUM_FRAMES][SIDS] = {{0}};
        memset(models, 0, sizeof models);
        CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "random", folders[round % 2]), BP_OK);
        if (round % 4 != 0)
            draft.spill.room = next_random() % 12000; /* bars on both sides, and some across */
        for (int run = 0; run < 60; run++) {
            const int frame = (int)(next_random() % 2), sid = (int)(next_random() % SIDS);
            model *m = &models[frame][sid];
            bp__bar bars[8];
            const size_t n = next_random() % 8;
            if (m->n + n > MOST) continue;
            for (size_t i = 0; i < n; i++) {
                last[frame][sid] += frame == BP__DAILY ? DAY(1 + (int64_t)(next_random() % 3))
                                                       : 60000000000 * (1 + (int64_t)(next_random() % 9));
                const bool blank = next_random() % 4 == 0;
                bars[i] = bar_of(
                    last[frame][sid],
                    blank ? NAN : (double)(1 + next_random() % 100000) / (next_random() % 9 ? 100 : 70),
                    blank ? 0 : (double)(next_random() % 1000));
                if (!blank) m->bar[m->n++] = bars[i];
            }
            CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, frame, sid * 10, bars, n, NULL), BP_OK);
        }
        finish(&draft);
        for (int f = 0; f < BP__NUM_FRAMES; f++)
            for (size_t i = 0; i < draft.series[f].n; i++) {
                bp__bar got[MOST];
                const bp__draft_series *series = &draft.series[f].row[i];
                const model *m = &models[f][series->sid / 10];
                CU_ASSERT_TRUE(i == 0 || series->sid > series[-1].sid);
                CU_ASSERT_EQUAL_FATAL(series->bars, m->n);
                CU_ASSERT_EQUAL(bp__draft_read(&draft, series, got), BP_OK);
                CU_ASSERT_EQUAL(memcmp(got, m->bar, m->n * sizeof *got), 0);
                const size_t from = m->n ? next_random() % m->n : 0;
                bp__draft_view view;
                CU_ASSERT_EQUAL(bp__draft_look(&draft, series, from, m->n - from, got, &view), BP_OK);
                if (view.packed) bp__bars_unpack(view.form, view.packed, m->n - from, got);
                CU_ASSERT_EQUAL(
                    memcmp(view.packed ? got : view.bars, m->bar + from, (m->n - from) * sizeof *got), 0);
                CU_ASSERT_EQUAL(series->first, m->n ? m->bar[0].dt : BP_TIME_MISSING);
                CU_ASSERT_EQUAL(series->last, m->n ? m->bar[m->n - 1].dt : BP_TIME_MISSING);
                for (size_t k = 0; f == BP__DAILY && k < m->n; k++) {
                    const size_t column = bp__draft_find_day(&draft, m->bar[k].dt);
                    CU_ASSERT_TRUE(column < draft.days.n && draft.days.row[column] == m->bar[k].dt);
                }
            }
        bp__draft_fini(&draft);
    }
}

static void test_dropped_series(void)
{
    bp__draft draft;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "dropped", NULL), BP_OK);
    const bp__bar a = bar_of(DAY(1), 1, 1), b = bar_of(DAY(2), 1, 1);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 0, &a, 1, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 1, &b, 1, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 2, NULL, 0, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_day(&draft, DAY(9) + 5), BP_OK);
    bp__draft_drop(&draft, BP__DAILY, 1);
    finish(&draft);
    CU_ASSERT_EQUAL_FATAL(draft.series[BP__DAILY].n, 2); /* an empty one stays */
    CU_ASSERT_EQUAL(draft.series[BP__DAILY].row[1].sid, 2);
    CU_ASSERT_TRUE_FATAL(draft.days.n == 2);
    CU_ASSERT_TRUE(draft.days.row[0] == DAY(1) && draft.days.row[1] == DAY(9));
    CU_ASSERT_EQUAL(bp__draft_find_series(&draft, BP__DAILY, 1), SIZE_MAX);
    bp__draft_fini(&draft);
}

static void test_bad_bars(void)
{
    bp__draft draft;
    CU_ASSERT_EQUAL(bp__draft_init(&draft, "../x", NULL), BP_EINVAL);
    bp__draft_fini(&draft);
    char folder[] = "/tmp/test_draft.XXXXXX"; /* made and removed: so it is known not to be there */
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(rmdir(folder), 0);
    CU_ASSERT_EQUAL(bp__draft_init(&draft, "bad", folder), BP_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), folder));
    bp__draft_fini(&draft);
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "bad", NULL), BP_OK);
    const bp__bar bad[] = {bar_of(DAY(1) + 1, 1, 1), bar_of(BP_TIME_MISSING, 1, 1), bar_of(DAY(1), -1, 1),
                           bar_of(DAY(1), INFINITY, 1), bar_of(DAY(1), 1, -2)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 0, &bad[i], 1, NULL), BP_EFORMAT);
    const bp__bar twice[] = {bar_of(DAY(1), 1, 1), bar_of(DAY(1), 1, 1)};
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 0, twice, 2, NULL), BP_EFORMAT);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 0, twice, 1, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 0, twice, 1, NULL), BP_EFORMAT);
    bp__draft_fini(&draft);
}

/* Many threads, each with series of its own: nothing is lost. */
enum { THREADS = 4, EACH = 50, RUNS = 300 };

typedef struct adder {
    bp__draft *draft;
    int first;
} adder;

static void *add_many(void *context)
{
    const adder *a = context;
    for (int run = 0; run < RUNS; run++)
        for (int i = 0; i < EACH; i++) {
            const int sid = a->first + i * THREADS;
            const bp__bar bar = bar_of(DAY(run + 1), 1 + sid, run + 1);
            if (bp__draft_add_bars(a->draft, BP__DAILY, sid, &bar, 1, NULL) != BP_OK) return context;
        }
    return NULL;
}

static void test_threads(void)
{
    bp__draft draft;
    pthread_t thread[THREADS];
    adder adders[THREADS];
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "threads", NULL), BP_OK);
    for (int t = 0; t < THREADS; t++) {
        adders[t] = (adder){&draft, t};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[t], NULL, add_many, &adders[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        void *failed = NULL;
        CU_ASSERT_EQUAL(pthread_join(thread[t], &failed), 0);
        CU_ASSERT_PTR_NULL(failed);
    }
    finish(&draft);
    CU_ASSERT_EQUAL_FATAL(draft.series[BP__DAILY].n, THREADS * EACH);
    for (size_t i = 0; i < draft.series[BP__DAILY].n; i++) {
        bp__bar got[RUNS];
        const bp__draft_series *series = &draft.series[BP__DAILY].row[i];
        CU_ASSERT_EQUAL_FATAL(series->bars, RUNS);
        CU_ASSERT_EQUAL(bp__draft_read(&draft, series, got), BP_OK);
        for (int run = 0; run < RUNS; run++)
            CU_ASSERT_TRUE(got[run].dt == DAY(run + 1) && got[run].value[0] == 1 + (double)i &&
                           got[run].value[BP__VOLUME] == run + 1);
    }
    bp__draft_fini(&draft);
}

/* Factors --------------------------------------------------------------------------------------- */

static void add_price(bp__draft *draft, int64_t sid, double price, double volume)
{
    const bp__bar bar = bar_of(DAY(1), price, volume);
    CU_ASSERT_EQUAL(bp__draft_add_bars(draft, BP__DAILY, sid, &bar, 1, NULL), BP_OK);
}

static void test_factors(void)
{
    bp__draft draft;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "one", NULL), BP_OK);
    add_price(&draft, 0, 20.5, 100);
    add_price(&draft, 1, 1.23456, 4e9);
    finish(&draft);
    CU_ASSERT_TRUE(!draft.by_asset[BP__DAILY][BP__PRICE] && draft.factor[BP__DAILY][BP__PRICE] == 1e5);
    CU_ASSERT_TRUE(!draft.by_asset[BP__DAILY][BP__AMOUNT] && draft.factor[BP__DAILY][BP__AMOUNT] == 1);
    CU_ASSERT_EQUAL(draft.series[BP__DAILY].row[0].factor[BP__PRICE], 1e5);
    bp__draft_fini(&draft);

    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "each", NULL), BP_OK);
    add_price(&draft, 0, 623456.789, 5e9);
    add_price(&draft, 1, 0.08123, 7);
    add_price(&draft, 2, 10, 0.25);
    finish(&draft);
    CU_ASSERT_TRUE(draft.by_asset[BP__DAILY][BP__PRICE] && draft.by_asset[BP__DAILY][BP__AMOUNT]);
    const bp__draft_series *row = draft.series[BP__DAILY].row;
    CU_ASSERT_TRUE(row[0].factor[BP__PRICE] == 1e3 && row[1].factor[BP__PRICE] == 1e5 &&
                   row[2].factor[BP__PRICE] == 1e3);
    CU_ASSERT_TRUE(row[0].factor[BP__AMOUNT] == 0.1 && row[1].factor[BP__AMOUNT] == 1 &&
                   row[2].factor[BP__AMOUNT] == 100);
    bp__draft_fini(&draft);

    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "never", NULL), BP_OK);
    const bp__bar far[] = {bar_of(DAY(1), 0.000123456, 1), bar_of(DAY(2), 98765.4321, 1)};
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 42, far, 2, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_finish(&draft), BP_ERANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "sid 42"));
    bp__draft_fini(&draft);

    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "fixed", NULL), BP_OK);
    add_price(&draft, 0, 20.5, 100);
    add_price(&draft, 1, 30, 1);
    for (int sid = 0; sid < 2; sid++) bp__draft_fix_factors(&draft, BP__DAILY, sid, 500, 1);
    finish(&draft);
    CU_ASSERT_TRUE(!draft.by_asset[BP__DAILY][BP__PRICE] && draft.factor[BP__DAILY][BP__PRICE] == 500);
    bp__draft_fini(&draft);
}

/* Everything else ------------------------------------------------------------------------------- */

static void test_dividends(void)
{
    bp__draft draft;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "dividends", NULL), BP_OK);
    const bp__bar a[] = {bar_of(DAY(1), 10, 1), bar_of(DAY(2), 8, 1), bar_of(DAY(4), 9, 1)};
    const bp__bar b = bar_of(DAY(3), 5, 1);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 7, a, 3, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 3, &b, 1, NULL), BP_OK);
    static const struct {
        int64_t sid, day;
        double amount;
    } payouts[] = {{7, 4, 1} /* no close the session before */,
                   {7, 2, 2},
                   {7, 1, 1} /* the first session */,
                   {7, 3, 9} /* more than the price */,
                   {99, 2, 1}};
    for (size_t i = 0; i < sizeof payouts / sizeof *payouts; i++) {
        const bp__draft_payout payout = {
            .sid = payouts[i].sid, .ex_date = DAY(payouts[i].day), .amount = payouts[i].amount};
        CU_ASSERT_EQUAL(bp__draft_add_dividend(&draft, &payout), BP_OK);
    }
    finish(&draft);
    CU_ASSERT_EQUAL(draft.payouts.n, 5);
    CU_ASSERT_TRUE(draft.payouts.row[0].ex_date == DAY(1) && draft.payouts.row[4].sid == 99);
    CU_ASSERT_EQUAL_FATAL(draft.ratios[BP__DIVIDENDS].n, 1);
    const bp__draft_ratio *ratio = draft.ratios[BP__DIVIDENDS].row;
    CU_ASSERT_TRUE(ratio->sid == 7 && ratio->effective_date == DAY(2) && ratio->ratio == 1 - 2.0 / 10);
    bp__draft_fini(&draft);
}

static void add_asset(bp__draft *draft, int64_t sid, char *symbol)
{
    const bp__draft_asset asset = {.sid = sid,
                                   .symbol = symbol,
                                   .name = "",
                                   .exchange = "",
                                   .start_date = BP_TIME_MISSING,
                                   .end_date = BP_TIME_MISSING,
                                   .first_traded = BP_TIME_MISSING,
                                   .auto_close_date = BP_TIME_MISSING};
    CU_ASSERT_EQUAL(bp__draft_add_asset(draft, &asset), BP_OK);
    CU_ASSERT_EQUAL(
        bp__draft_add_mapping(draft, &(bp__draft_mapping){sid, symbol, BP_TIME_MISSING, BP_TIME_MISSING}),
        BP_OK);
}

/* A source that meets its symbols in any order numbers them when it has seen all. */
static void test_renumbered(void)
{
    bp__draft draft;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "renumbered", NULL), BP_OK);
    const bp__bar daily = bar_of(DAY(3), 1, 1), minute = bar_of(DAY(8) + 60000000000, 2, 1);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__DAILY, 0, &daily, 1, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__MINUTE, 0, &minute, 1, NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_bars(&draft, BP__MINUTE, 1, &minute, 1, NULL), BP_OK);
    add_asset(&draft, 0, "Z");
    add_asset(&draft, 1, "A");
    CU_ASSERT_EQUAL(bp__draft_add_ratio(&draft, BP__SPLITS, &(bp__draft_ratio){0, DAY(3), 0.5}), BP_OK);
    bp__draft_renumber(&draft, (const int64_t[]){1, 0}, 2);
    finish(&draft);
    CU_ASSERT_STRING_EQUAL(draft.assets.row[0].symbol, "A");
    CU_ASSERT_STRING_EQUAL(draft.mappings.row[1].symbol, "Z");
    CU_ASSERT_EQUAL(draft.series[BP__DAILY].row[0].sid, 1);
    CU_ASSERT_EQUAL(draft.ratios[BP__SPLITS].row[0].sid, 1);
    /* its life spans both frames */
    const bp__draft_asset *z = &draft.assets.row[1];
    CU_ASSERT_TRUE(z->start_date == DAY(3) && z->end_date == DAY(8) && z->auto_close_date == DAY(9));
    CU_ASSERT_TRUE(draft.mappings.row[1].start_date == DAY(3) && draft.mappings.row[1].end_date == DAY(8));
    CU_ASSERT_STRING_EQUAL(z->currency, "XXX");
    bp__draft_fini(&draft);
}

static void expect_bad(bp__draft *draft, const char *text)
{
    CU_ASSERT_EQUAL(bp__draft_finish(draft), BP_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), text));
    bp__draft_fini(draft);
}

static void test_contradictions(void)
{
    bp__draft draft;
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "bad", NULL), BP_OK);
    add_asset(&draft, 5, "A");
    add_asset(&draft, 5, "B");
    expect_bad(&draft, "sid 5");
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "bad", NULL), BP_OK);
    for (int i = 0; i < 2; i++) {
        const bp__draft_session session = {DAY(4), BP_TIME_MISSING, BP_TIME_MISSING};
        CU_ASSERT_EQUAL(bp__draft_add_session(&draft, &session), BP_OK);
    }
    expect_bad(&draft, "1970-01-05 twice");
    CU_ASSERT_EQUAL_FATAL(bp__draft_init(&draft, "bad", NULL), BP_OK);
    CU_ASSERT_EQUAL(bp__draft_add_ratio(&draft, BP__MERGERS, &(bp__draft_ratio){1, DAY(3), 0}), BP_OK);
    expect_bad(&draft, "merger of 1970-01-04");
}

/* Reports --------------------------------------------------------------------------------------- */

static void test_report(void)
{
    bp__report *report;
    char text[1000] = "";
    CU_ASSERT_EQUAL_FATAL(bp__report_create(3, &report), BP_OK);
    for (unsigned i = 20; i > 0; i--) bp__report_add(report, BP__ERROR, i % 2 ? "b" : "a", i, "wrong %u", i);
    bp__report_add(report, BP__NOTE, "", 0, "a\nnote");
    CU_ASSERT_EQUAL(bp__report_count(report, BP__ERROR), 20);
    CU_ASSERT_EQUAL(bp__report_count(report, BP__WARNING), 0);
    CU_ASSERT_EQUAL(bp__report_bad_files(report), 2);
    FILE *file = fmemopen(text, sizeof text, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    bp__report_print(report, file);
    fclose(file);
    CU_ASSERT_STRING_EQUAL(text, "error: a:2: wrong 2\nerror: a:4: wrong 4 (8 more in this file)\n"
                                 "error: b:1: wrong 1 (9 more in this file)\n"
                                 "error: 17 more; --max-errors 20 shows them all\nnote: a?note\n");
    bp__report_destroy(&report);
    CU_ASSERT_PTR_NULL(report);
}

/* How many errors of each of `paths` files, with `of_each` errors, are told. */
static void check_shares(size_t most, size_t paths, size_t of_each, size_t files_named, size_t told)
{
    bp__report *report;
    char *text = NULL;
    size_t size = 0, named = 0, lines = 0;
    CU_ASSERT_EQUAL_FATAL(bp__report_create(most, &report), BP_OK);
    for (size_t i = 0; i < paths * of_each; i++) {
        char path[24];
        snprintf(path, sizeof path, "f%04zu", paths - 1 - i % paths);
        bp__report_add(report, BP__ERROR, path, i / paths + 1, "wrong");
    }
    CU_ASSERT_EQUAL(bp__report_bad_files(report), paths);
    FILE *file = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    bp__report_print(report, file);
    fclose(file);
    for (size_t p = 0; p < paths; p++) {
        char path[40];
        snprintf(path, sizeof path, "error: f%04zu:1: wrong", p);
        named += strstr(text, path) != NULL;
    }
    for (const char *p = text; (p = strstr(p, ": wrong")); p++) lines++;
    CU_ASSERT_EQUAL(named, files_named);
    CU_ASSERT_EQUAL(lines, told);
    CU_ASSERT_EQUAL(strstr(text, "shows them all") != NULL, told < paths * of_each);
    free(text);
    bp__report_destroy(&report);
}

static void test_shares(void)
{
    check_shares(50, 1, 50, 1, 50);
    check_shares(50, 1, 70, 1, 50);
    check_shares(50, 30, 15, 30, 50);
    check_shares(50, 50, 9, 50, 50);
    check_shares(50, 80, 9, 50, 50);
    check_shares(UINT32_MAX, 3, 400, 3, 1200);
    check_shares(1, 2, 3, 1, 1);
}

int main(void)
{
    CU_initialize_registry();
    CU_pSuite suite = CU_add_suite("draft", NULL, NULL);
    CU_add_test(suite, "a scale permits just what keeps all", test_scale_is_right);
    CU_add_test(suite, "scales of known prices", test_scale_of_known_prices);
    CU_add_test(suite, "stored values", test_stored_values);
    CU_add_test(suite, "packed bars", test_packed);
    CU_add_test(suite, "random runs of bars", test_random_runs);
    CU_add_test(suite, "dropped series", test_dropped_series);
    CU_add_test(suite, "bad bars", test_bad_bars);
    CU_add_test(suite, "threads", test_threads);
    CU_add_test(suite, "factors", test_factors);
    CU_add_test(suite, "dividends", test_dividends);
    CU_add_test(suite, "renumbered", test_renumbered);
    CU_add_test(suite, "contradictions", test_contradictions);
    CU_add_test(suite, "reports", test_report);
    CU_add_test(suite, "shares of a report", test_shares);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    const int failed = (int)CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed ? 1 : 0;
}
