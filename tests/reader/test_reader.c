/* What a reader refuses, bundles with next to nothing in them, and the index that all searches go through. */
#include "reader/sorted.h"

#include "tests/reader/market.h"

static const market_plan FULL = {
    .assets = 12, .sessions = 40, .mappings = true, .minutes = true, .hours = true};

/* Every look-up, against a loop, for numbers that are spread evenly, in clumps, over all of int64, or
 * repeated. */
static void test_sorted(void)
{
    enum { MOST = 300 };
    uint64_t seed = 61;
    for (int round = 0; round < 400; round++) {
        int64_t at[MOST], x = round % 3 == 0 ? INT64_MIN : -(int64_t)draw(&seed, 1000);
        const size_t n = draw(&seed, MOST);
        const bool strictly = round % 4 != 0;
        for (size_t i = 0; i < n; i++) {
            at[i] = x;
            const uint64_t left = (uint64_t)INT64_MAX - (uint64_t)x;
            uint64_t step = draw(&seed, 10) ? 1 + draw(&seed, 3)
                                            : 1 + draw(&seed, UINT64_C(1) << 47) * (1u << round % 16);
            if (!strictly && draw(&seed, 2)) step = 0;
            if (step > left) step = left;
            if (strictly && step == 0) break;
            x = (int64_t)((uint64_t)x + step);
            if (strictly && left == 0) break;
        }
        size_t kept = n ? 1 : 0;
        while (kept < n && (at[kept] > at[kept - 1] || (!strictly && at[kept] == at[kept - 1]))) kept++;
        bp__sorted s;
        MUST(bp__sorted_init(&s, "numbers", at, kept, strictly));
        unsigned wrong = 0;
        for (int k = 0; k < 200; k++) {
            const size_t pick = kept ? draw(&seed, kept) : 0;
            int64_t asked = kept ? at[pick] : 0;
            if (k % 3 == 0 && asked < INT64_MAX) asked++;
            if (k % 5 == 0 && asked > INT64_MIN) asked--;
            if (k == 0) asked = INT64_MIN;
            if (k == 1) asked = INT64_MAX;
            size_t below = 0, upto = 0, place = 999999;
            for (size_t i = 0; i < kept; i++) {
                below += at[i] < asked;
                upto += at[i] <= asked;
            }
            wrong += bp__sorted_below(&s, asked) != below || bp__sorted_upto(&s, asked) != upto;
            wrong += bp__sorted_find(&s, asked, &place) != (upto > below);
            wrong += place != (upto > below ? below : 999999);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        bp__sorted_fini(&s);
    }
    bp__sorted s;
    FAILS(bp__sorted_init(&s, "sids", (int64_t[]){1, 3, 2}, 3, false), BP_EFORMAT,
          "sids: not ascending at row 2");
    FAILS(bp__sorted_init(&s, "sids", (int64_t[]){1, 1}, 2, true), BP_EFORMAT, "not ascending at row 1");
    bp__sorted_fini(&s);
}

/* No asset, no session, no table: whatever is asked for is not there, and nothing else happens. */
static void ask_everything(const bp_bundle *b)
{
    const int64_t sid = 5, day = MARKET_FIRST;
    const bp_field field = BP_FIELD_CLOSE;
    double value = -1, *out = &value;
    size_t count = 77;
    int64_t time = -1;
    bool alive = true;
    bp_asset asset = bp_asset_init();
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    CU_ASSERT_EQUAL(bp_reader_num_assets(r), 0);
    CU_ASSERT_EQUAL(bp_reader_first_session(r), BP_TIME_MISSING);
    CU_ASSERT_EQUAL(bp_reader_last_session(r), BP_TIME_MISSING);
    CU_ASSERT_EQUAL(bp_reader_retrieve_asset(r, sid, &asset), BP_ENOSID);
    CU_ASSERT_EQUAL(bp_reader_lookup_symbol(r, "A", day, BP_LOOKUP_STRICT, &time), BP_ENOSYMBOL);
    CU_ASSERT_EQUAL(bp_reader_lookup_symbol(r, "A", BP_TIME_MISSING, BP_LOOKUP_FUZZY, &time), BP_ENOSYMBOL);
    CU_ASSERT_EQUAL(bp_reader_lifetimes(r, &day, 1, NULL, 0, true, &alive), BP_OK);
    bp_reader_exchanges(r, NULL, 0, &count);
    CU_ASSERT_EQUAL(count, 0);
    bp_reader_alive(r, day, true, NULL, 0, &count);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(bp_reader_daily_value(r, sid, day, field, &value), BP_ENOSID);
    CU_ASSERT_EQUAL(bp_reader_daily_last_traded(r, sid, day, &time), BP_ENOSID);
    CU_ASSERT_EQUAL(bp_reader_daily_load(r, &field, 1, day, day, &sid, 1, &out, 0), BP_ENODATA_ON);
    CU_ASSERT_EQUAL(bp_reader_minute_value(r, sid, day, field, &value), BP_ENOSID);
    CU_ASSERT_EQUAL(bp_reader_session_hours(r, day, &time, &time), BP_ENODATA_ON);
    CU_ASSERT_EQUAL(bp_reader_session_of(r, day, &time), BP_ENODATA_ON);
    CU_ASSERT_EQUAL(bp_reader_window(r, sid, field, day, 1, day, BP_ADJUST_ALL, &value), BP_ENOSID);
    MUST(bp_reader_load_adjustments(r, &day, 1, &sid, 1, field, BP_ADJUST_ALL, NULL, 0, &count));
    CU_ASSERT_EQUAL(count, 0);
    MUST(bp_reader_dividends(r, INT64_MIN, INT64_MAX, NULL, 0, NULL, 0, &count));
    CU_ASSERT(count == 0 && value == -1 && time == -1 && alive);
    bp_reader_destroy(&r);
}

static void test_empty(void)
{
    bp__head *head;
    MUST(bp__head_create(&head));
    const bp_bundle *b = make_bundle(make_image(head), "nothing");
    ask_everything(b);
    bp_bundle_release(&b);
    const market_plan plan = {.assets = 0, .sessions = 0};
    b = make_market(&plan, 62);
    ask_everything(b);
    bp_bundle_release(&b);
}

/* A bundle of which a part was not read: the index is there, the values are not. */
static void test_parts(void)
{
    static const int64_t sid[] = {1, 2}, day[] = {MARKET_FIRST, MARKET_FIRST + BP_NS_PER_DAY};
    bp__head *head;
    MUST(bp__head_create(&head));
    MUST(bp__head_put(head, BP_COL_SID, sid, 2, 1));
    MUST(bp__head_put(head, BP_COL_DAY, day, 2, 1));
    MUST(bp__head_reserve(head, BP_COL_CLOSE, 2, 2));
    const bp_bundle *b = make_bundle(make_image(head), "part");
    const bp_field open = BP_FIELD_OPEN;
    double value = -1, *out = &value;
    char code[4];
    int64_t time = -1;
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    FAILS(bp_reader_daily_value(r, 1, day[0], BP_FIELD_OPEN, &value), BP_ENOTFOUND, "data/open");
    FAILS(bp_reader_daily_load(r, &open, 1, day[0], day[0], sid, 1, &out, 0), BP_ENOTFOUND, "data/open");
    FAILS(bp_reader_daily_last_traded(r, 1, day[0], &time), BP_ENOTFOUND, "data/volume");
    FAILS(bp_reader_window(r, 1, BP_FIELD_LOW, day[0], 1, day[0], 0, &value), BP_ENOTFOUND, "data/low");
    CU_ASSERT(value == -1 && time == -1);
    MUST(bp_reader_daily_value(r, 1, day[0], BP_FIELD_CLOSE, &value));
    CU_ASSERT_EQUAL(value, 0);
    MUST(bp_reader_currency(r, 2, code));
    CU_ASSERT_STRING_EQUAL(code, "XXX");
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

/* Columns that contradict each other, one at a time. */
static void test_damaged(void)
{
    static const bp_column ascending[] = {BP_COL_SID,          BP_COL_DAY,        BP_COL_ASSET_SID,
                                          BP_COL_SESSION,      BP_COL_MINUTE_SID, BP_COL_SPLIT_SID,
                                          BP_COL_DIVIDEND_SID, BP_COL_PAYOUT_SID};
    static const bp_column rows[] = {BP_COL_ASSET_SYMBOL, BP_COL_ASSET_END,    BP_COL_MAP_SYMBOL,
                                     BP_COL_MAP_END,      BP_COL_MARKET_CLOSE, BP_COL_MINUTE_OPEN,
                                     BP_COL_CLOSE,        BP_COL_LIFE_END,     BP_COL_SPLIT_DATE,
                                     BP_COL_MERGER_RATIO, BP_COL_PAYOUT_PAY,   BP_COL_STOCK_PAYMENT_SID,
                                     BP_COL_MINUTE_OFFSET};
    const bp_bundle *b = make_market(&FULL, 63);
    bp__image *image = (void *)(uintptr_t)b->image;
    bp_reader *r;
    for (size_t k = 0; k < sizeof ascending / sizeof *ascending; k++) {
        int64_t *at = bp__image_fill(image, ascending[k]), was = at[0];
        at[0] = INT64_MAX;
        FAILS(bp_reader_create(b, &r), BP_EFORMAT, bp_column_name(ascending[k]));
        CU_ASSERT_PTR_NULL(r);
        at[0] = was;
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        image->column[rows[k]].shape[0]--;
        FAILS(bp_reader_create(b, &r), BP_EFORMAT, bp_column_name(rows[k]));
        CU_ASSERT_PTR_NULL(r);
        image->column[rows[k]].shape[0]++;
    }
    int64_t *offset = bp__image_fill(image, BP_COL_MINUTE_OFFSET), was = offset[1];
    offset[1] = INT64_MAX;
    FAILS(bp_reader_create(b, &r), BP_EFORMAT, "minute/index/offset");
    offset[1] = -1;
    FAILS(bp_reader_create(b, &r), BP_EFORMAT, "minute/index/offset");
    offset[1] = was;
    int64_t *date = bp__image_fill(image, BP_COL_PAYOUT_EX);
    const int64_t *sid = bp__image_fill(image, BP_COL_PAYOUT_SID);
    for (size_t i = 1; i < column_rows(b, BP_COL_PAYOUT_SID); i++) {
        if (sid[i] != sid[i - 1]) continue;
        const int64_t first = date[i - 1];
        date[i - 1] = INT64_MAX;
        FAILS(bp_reader_create(b, &r), BP_EFORMAT, "dividend_payouts/ex_date");
        date[i - 1] = first;
        break;
    }
    MUST(bp_reader_create(b, &r));
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

/* Hours that no market can have count as not known. */
static void test_odd_hours(void)
{
    const bp_bundle *b = make_market(&FULL, 64);
    int64_t *open = bp__image_fill((void *)(uintptr_t)b->image, BP_COL_MARKET_OPEN);
    int64_t *close = bp__image_fill((void *)(uintptr_t)b->image, BP_COL_MARKET_CLOSE);
    const int64_t minute = open[5] - open[5] % MARKET_MINUTE + 2 * MARKET_MINUTE;
    int64_t session = -1;
    bp_reader *r;
    for (int odd = 0; odd < 4; odd++) {
        const int64_t was[2] = {open[20], close[20]};
        if (odd == 1) open[20] = BP_TIME_MISSING;
        if (odd == 2) close[20] = open[20];
        if (odd == 3) close[20] = open[21] + 1;
        MUST(bp_reader_create(b, &r));
        CU_ASSERT_EQUAL(bp_reader_session_of(r, minute, &session), odd ? BP_ENODATA_ON : BP_OK);
        open[20] = was[0];
        close[20] = was[1];
        bp_reader_destroy(&r);
    }
    CU_ASSERT_EQUAL(session, bp_bundle_sessions(b)[5]);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"sorted numbers", test_sorted},   {"empty bundles", test_empty}, {"parts", test_parts},
        {"damaged bundles", test_damaged}, {"odd hours", test_odd_hours}, CU_TEST_INFO_NULL,
    };
    return suite_main("reader", tests);
}
