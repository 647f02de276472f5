/* Adjustments: tables, what acts on tables of dates and sids, dividends, windows; against loops over the
 * columns. */
#include "tests/reader/market.h"

enum { MOST = 2000, KINDS = 3 };

static const bp_column TABLE[KINDS][3] = {
    {BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO},
    {BP_COL_MERGER_SID, BP_COL_MERGER_DATE, BP_COL_MERGER_RATIO},
    {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_DATE, BP_COL_DIVIDEND_RATIO},
};

static void test_ratios(void)
{
    uint64_t seed = 51;
    const market_plan plan = {.assets = 40, .sessions = 100};
    const bp_bundle *b = make_market(&plan, seed);
    unsigned some = 0;
    bp_ratio out[MOST];
    size_t count;
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    for (int round = 0; round < 500; round++) {
        const int64_t sid = some_sid(b, &seed);
        const size_t k = draw(&seed, KINDS), room = draw(&seed, 3) ? MOST : draw(&seed, 3);
        size_t n = 0;
        MUST(bp_reader_ratios_of(r, 1u << k, sid, out, room, &count));
        for (size_t i = 0; i < column_rows(b, TABLE[k][0]); i++) {
            if (int64s_of(b, TABLE[k][0])[i] != sid) continue;
            if (n < room) {
                CU_ASSERT_EQUAL(out[n].effective_date, int64s_of(b, TABLE[k][1])[i]);
                CU_ASSERT(same_double(out[n].ratio, doubles_of(b, TABLE[k][2])[i]));
            }
            n++;
        }
        CU_ASSERT_EQUAL(count, n);
        some += n > 1;
    }
    CU_ASSERT(some > 100);
    count = 77;
    FAILS(bp_reader_ratios_of(r, BP_ADJUST_ALL, 0, out, MOST, &count), BP_EINVAL, "kind 7");
    FAILS(bp_reader_ratios_of(r, 8, 0, out, MOST, &count), BP_EINVAL, "kind 8");
    CU_ASSERT_EQUAL(count, 77);
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

/* zipline's rule, said plainly. Tables are gone through from the one end to the other for each column. */
static size_t plain_adjustments(const bp_bundle *b, const int64_t *dates, size_t num_dates,
                                const int64_t *sids, size_t num_sids, bool volume, unsigned kinds,
                                bp_adjustment *out)
{
    size_t n = 0;
    for (size_t at = 0; at < num_dates; at++)
        for (size_t k = 0; k < (volume ? 1 : KINDS); k++)
            for (size_t col = 0; col < num_sids; col++)
                for (size_t i = 0; i < column_rows(b, TABLE[k][0]); i++) {
                    const int64_t date = int64s_of(b, TABLE[k][1])[i];
                    const double ratio = doubles_of(b, TABLE[k][2])[i];
                    if (!(kinds & 1u << k) || int64s_of(b, TABLE[k][0])[i] != sids[col] || !(ratio > 0))
                        continue;
                    if (date < dates[0] || date > dates[at] || (at > 0 && date <= dates[at - 1])) continue;
                    out[n++] = (bp_adjustment){.row = (int64_t)at,
                                               .last_row = (int64_t)at,
                                               .first_col = (int64_t)col,
                                               .last_col = (int64_t)col,
                                               .value = volume ? 1.0 / ratio : ratio,
                                               .kind = 1u << k};
                }
    return n;
}

static void test_load(void)
{
    static bp_adjustment out[MOST], expected[MOST];
    unsigned total = 0;
    for (uint64_t seed = 52, round = 0; round < 150; round++) {
        const market_plan plan = {.assets = 1 + draw(&seed, 40), .sessions = 60};
        const bp_bundle *b = make_market(&plan, seed + round);
        int64_t dates[60], sids[50];
        size_t num_dates = 0, count = 0;
        for (size_t t = 0; t < 60; t++)
            if (draw(&seed, 3)) dates[num_dates++] = bp_bundle_sessions(b)[t];
        num_dates = draw(&seed, num_dates + 1);
        const size_t num_sids = draw(&seed, 30);
        for (size_t i = 0; i < num_sids; i++) sids[i] = some_sid(b, &seed);
        const bp_field field = (bp_field)draw(&seed, 5);
        const unsigned kinds = (unsigned)draw(&seed, 8);
        const size_t n =
            plain_adjustments(b, dates, num_dates, sids, num_sids, field == BP_FIELD_VOLUME, kinds, expected);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        MUST(
            bp_reader_load_adjustments(r, dates, num_dates, sids, num_sids, field, kinds, out, MOST, &count));
        CU_ASSERT_EQUAL_FATAL(count, n);
        CU_ASSERT_EQUAL(memcmp(out, expected, n * sizeof *out), 0);
        MUST(bp_reader_load_adjustments(r, dates, num_dates, sids, num_sids, field, kinds, NULL, 0, &count));
        CU_ASSERT_EQUAL(count, n);
        total += (unsigned)n;
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(total > 1000);
}

static void test_dividends(void)
{
    static bp_dividend out[MOST];
    static bp_stock_dividend stock[MOST];
    unsigned some = 0;
    for (uint64_t seed = 53, round = 0; round < 200; round++) {
        const market_plan plan = {.assets = 1 + draw(&seed, 40), .sessions = 60};
        const bp_bundle *b = make_market(&plan, seed + round);
        const bool all = draw(&seed, 3) == 0;
        const size_t num_sids = all ? bp_bundle_num_assets(b) : draw(&seed, 30);
        int64_t sids[64], from = some_day(b, &seed), to = from;
        size_t count, n = 0;
        if (draw(&seed, 3)) to += (int64_t)draw(&seed, 90) * BP_NS_PER_DAY;
        for (size_t i = 0; i < num_sids; i++) sids[i] = all ? bp_bundle_sids(b)[i] : some_sid(b, &seed);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        MUST(bp_reader_dividends(r, from, to, all ? NULL : sids, num_sids, out, MOST, &count));
        for (size_t k = 0; k < num_sids; k++)
            for (size_t i = 0; i < column_rows(b, BP_COL_PAYOUT_SID); i++) {
                const int64_t ex = int64s_of(b, BP_COL_PAYOUT_EX)[i];
                if (int64s_of(b, BP_COL_PAYOUT_SID)[i] != sids[k] || ex < from || ex > to) continue;
                const bp_dividend *d = &out[n++];
                CU_ASSERT(d->sid == sids[k] && d->ex_date == ex);
                CU_ASSERT_EQUAL(d->declared_date, int64s_of(b, BP_COL_PAYOUT_DECLARED)[i]);
                CU_ASSERT_EQUAL(d->record_date, int64s_of(b, BP_COL_PAYOUT_RECORD)[i]);
                CU_ASSERT_EQUAL(d->pay_date, int64s_of(b, BP_COL_PAYOUT_PAY)[i]);
                CU_ASSERT_EQUAL(d->amount, doubles_of(b, BP_COL_PAYOUT_AMOUNT)[i]);
            }
        CU_ASSERT_EQUAL(count, n);
        some += n > 0;
        n = 0;
        MUST(bp_reader_stock_dividends(r, from, to, all ? NULL : sids, num_sids, stock, MOST, &count));
        for (size_t k = 0; k < num_sids; k++)
            for (size_t i = 0; i < column_rows(b, BP_COL_STOCK_SID); i++) {
                const int64_t ex = int64s_of(b, BP_COL_STOCK_EX)[i];
                if (int64s_of(b, BP_COL_STOCK_SID)[i] != sids[k] || ex < from || ex > to) continue;
                const bp_stock_dividend *d = &stock[n++];
                CU_ASSERT(d->sid == sids[k] && d->ex_date == ex);
                CU_ASSERT_EQUAL(d->declared_date, int64s_of(b, BP_COL_STOCK_DECLARED)[i]);
                CU_ASSERT_EQUAL(d->record_date, int64s_of(b, BP_COL_STOCK_RECORD)[i]);
                CU_ASSERT_EQUAL(d->pay_date, int64s_of(b, BP_COL_STOCK_PAY)[i]);
                CU_ASSERT_EQUAL(d->payment_sid, int64s_of(b, BP_COL_STOCK_PAYMENT_SID)[i]);
                CU_ASSERT_EQUAL(d->ratio, doubles_of(b, BP_COL_STOCK_RATIO)[i]);
            }
        CU_ASSERT_EQUAL(count, n);
        count = 77;
        FAILS(bp_reader_dividends(r, to, from - 1, NULL, 0, NULL, 0, &count), BP_EINVAL, "backwards");
        CU_ASSERT_EQUAL(count, 77);
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(some > 50);
}

/* Each value by itself: what lies between its session and the day it is looked at from. */
static double plain_seen(const bp_bundle *b, size_t row, long at, bp_field field, int64_t as_of,
                         unsigned kinds)
{
    const int64_t sid = bp_bundle_sids(b)[row], day = at < 0 ? 0 : bp_bundle_sessions(b)[at];
    const bool volume = field == BP_FIELD_VOLUME;
    if (at < 0) return volume ? 0 : NAN;
    double value = bp_bundle_daily(
        b, (bp_column)(BP_COL_OPEN + (int)field))[row * bp_bundle_num_sessions(b) + (size_t)at];
    for (size_t k = 0; k < (volume ? 1 : KINDS); k++)
        for (size_t i = 0; i < column_rows(b, TABLE[k][0]); i++) {
            const int64_t date = int64s_of(b, TABLE[k][1])[i];
            const double ratio = doubles_of(b, TABLE[k][2])[i];
            if (!(kinds & 1u << k) || int64s_of(b, TABLE[k][0])[i] != sid || !(ratio > 0)) continue;
            if (date <= day || date > as_of) continue;
            value = volume ? value / ratio : value * ratio;
        }
    return value;
}

static void test_windows(void)
{
    unsigned changed = 0, seen[32] = {0};
    for (uint64_t seed = 54, round = 0; round < 40; round++) {
        const market_plan plan = {.assets = 1 + draw(&seed, 20), .sessions = 60};
        const bp_bundle *b = make_market(&plan, seed + round);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int repeat = 0; repeat < 100; repeat++) {
            double value[80] = {0};
            const int64_t sid = some_sid(b, &seed), session = some_day(b, &seed);
            const size_t k = draw(&seed, 80);
            const bp_field field = (bp_field)draw(&seed, 5);
            const unsigned kinds = (unsigned)draw(&seed, 8);
            int64_t as_of = session + (int64_t)draw(&seed, 60) * BP_NS_PER_DAY - 5 * BP_NS_PER_DAY;
            if (draw(&seed, 3) == 0) as_of = BP_TIME_MISSING;
            const long row = plain_find(b, BP_COL_SID, sid), last = plain_find(b, BP_COL_DAY, session);
            const bp_status s = bp_reader_window(r, sid, field, session, k, as_of, kinds, value);
            seen[s]++;
            if (as_of == BP_TIME_MISSING) as_of = session;
            CU_ASSERT_EQUAL(s, row < 0           ? BP_ENOSID
                               : last < 0        ? BP_ENODATA_ON
                               : as_of < session ? BP_EINVAL
                                                 : BP_OK);
            for (size_t i = 0; s == BP_OK && i < k; i++) {
                const long at = last - (long)k + 1 + (long)i;
                CU_ASSERT(same_double(value[i], plain_seen(b, (size_t)row, at, field, as_of, kinds)));
                changed +=
                    !same_double(value[i], plain_seen(b, (size_t)row, at, field, as_of, BP_ADJUST_NONE));
            }
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(changed > 1000);
    CU_ASSERT(seen[BP_OK] > 1000 && seen[BP_ENOSID] > 20 && seen[BP_ENODATA_ON] > 20 && seen[BP_EINVAL] > 20);
}

static void test_refusals(void)
{
    const market_plan plan = {.assets = 3, .sessions = 30};
    const bp_bundle *b = make_market(&plan, 55);
    const int64_t *day = bp_bundle_sessions(b), *sid = bp_bundle_sids(b), backwards[] = {day[1], day[0]};
    double value = -1;
    size_t count = 77;
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    FAILS(bp_reader_load_adjustments(r, backwards, 2, sid, 1, BP_FIELD_CLOSE, 7, NULL, 0, &count), BP_EINVAL,
          "ascending");
    FAILS(bp_reader_load_adjustments(r, day, 2, sid, 1, BP_FIELD_CLOSE, 8, NULL, 0, &count), BP_EINVAL,
          "adjustments 8");
    FAILS(bp_reader_load_adjustments(r, day, 2, sid, 1, (bp_field)6, 7, NULL, 0, &count), BP_EINVAL,
          "field 6");
    FAILS(bp_reader_window(r, sid[0], BP_FIELD_CLOSE, day[1], 1, BP_TIME_MISSING, 16, &value), BP_EINVAL,
          "adjustments 16");
    FAILS(bp_reader_window(r, sid[0], BP_FIELD_CLOSE, day[1], 1, day[0], 7, &value), BP_EINVAL,
          "as of 2010-01-01");
    CU_ASSERT(count == 77 && value == -1);
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"ratios", test_ratios},   {"tables", test_load},       {"dividends", test_dividends},
        {"windows", test_windows}, {"refusals", test_refusals}, CU_TEST_INFO_NULL,
    };
    return suite_main("adjustments", tests);
}
