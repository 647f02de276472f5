/* Daily bars: single values, last trades, and tables, against loops over the columns. */
#include "tests/reader/market.h"

static const market_plan
    PLANS[] =
        {
            {.assets = 1, .sessions = 1},     {.assets = 5, .sessions = 3},
            {.assets = 37, .sessions = 200},  {.assets = 16, .sessions = 700},
            {.assets = 600, .sessions = 270}, /* more than a megabyte a table, which is written in another way */
};
enum { NUM_PLANS = sizeof PLANS / sizeof *PLANS };

static bp_status plain_value(const bp_bundle *b, int64_t sid, int64_t day, bp_field field, double *value)
{
    const long row = plain_find(b, BP_COL_SID, sid), at = plain_find(b, BP_COL_DAY, day);
    if (row < 0) return BP_ENOSID;
    if (at < 0) return BP_ENODATA_ON;
    *value = bp_bundle_daily(
        b, (bp_column)(BP_COL_OPEN + (int)field))[(size_t)row * bp_bundle_num_sessions(b) + (size_t)at];
    if (field == BP_FIELD_VOLUME ? *value != 0 : !isnan(*value)) return BP_OK;
    const int64_t start = int64s_of(b, BP_COL_LIFE_START)[row], end = int64s_of(b, BP_COL_LIFE_END)[row];
    if (end < start || at < start) return BP_ENODATA_BEFORE;
    return at > end ? BP_ENODATA_AFTER : BP_OK;
}

static void test_values(void)
{
    unsigned seen[32] = {0};
    uint64_t seed = 11;
    for (int p = 0; p < NUM_PLANS; p++) {
        const bp_bundle *b = make_market(&PLANS[p], seed + (uint64_t)p);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        CU_ASSERT_PTR_EQUAL(bp_reader_bundle(r), b);
        for (int k = 0; k < 20000; k++) {
            const int64_t sid = some_sid(b, &seed), day = some_day(b, &seed);
            const bp_field field = (bp_field)draw(&seed, 5);
            double expected = 0, value = -1;
            const bp_status s = plain_value(b, sid, day, field, &expected);
            CU_ASSERT_EQUAL(bp_reader_daily_value(r, sid, day, field, &value), s);
            CU_ASSERT(s == BP_OK ? same_double(value, expected) : value == -1);
            seen[s]++;
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(seen[BP_OK] > 100 && seen[BP_ENOSID] > 100 && seen[BP_ENODATA_ON] > 100);
    CU_ASSERT(seen[BP_ENODATA_BEFORE] > 100 && seen[BP_ENODATA_AFTER] > 100);
}

static bp_status plain_last(const bp_bundle *b, int64_t sid, int64_t time, int64_t *session)
{
    const long row = plain_find(b, BP_COL_SID, sid);
    const size_t d = bp_bundle_num_sessions(b);
    if (row < 0) return BP_ENOSID;
    *session = BP_TIME_MISSING;
    for (size_t t = 0; t < d && bp_bundle_sessions(b)[t] <= time; t++)
        if (bp_bundle_daily(b, BP_COL_VOLUME)[(size_t)row * d + t] > 0) *session = bp_bundle_sessions(b)[t];
    return BP_OK;
}

static void test_last_traded(void)
{
    unsigned none = 0, some = 0;
    uint64_t seed = 12;
    for (int p = 0; p < NUM_PLANS; p++) {
        const bp_bundle *b = make_market(&PLANS[p], seed + (uint64_t)p);
        /* long stretches without a trade: whole words of bits are empty */
        double *volume = bp__image_fill((void *)(uintptr_t)b->image, BP_COL_VOLUME);
        for (size_t i = 0; i < bp_bundle_num_assets(b) * bp_bundle_num_sessions(b); i++)
            if (i / 150 % 3 != 0) volume[i] = 0;
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int k = 0; k < 5000; k++) {
            const int64_t sid = some_sid(b, &seed);
            const int64_t time =
                draw(&seed, 50) == 0 ? (draw(&seed, 2) ? INT64_MAX : INT64_MIN) : some_day(b, &seed);
            int64_t expected = -1, session = -1;
            const bp_status s = plain_last(b, sid, time, &expected);
            CU_ASSERT_EQUAL(bp_reader_daily_last_traded(r, sid, time, &session), s);
            CU_ASSERT_EQUAL(session, s == BP_OK ? expected : -1);
            if (s == BP_OK) expected == BP_TIME_MISSING ? none++ : some++;
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(none > 100 && some > 100);
}

/* One table by chance, into room with a margin that must stay as it is. */
static void load_once(const bp_bundle *b, const bp_reader *r, uint64_t *seed, bool whole)
{
    enum { MOST = 700 };
    const size_t d = bp_bundle_num_sessions(b);
    const size_t num_sids = whole ? MOST - 1 : draw(seed, 40), stride = num_sids + draw(seed, 3);
    const size_t first = whole ? 0 : draw(seed, d), num = whole ? d : 1 + draw(seed, d - first);
    const size_t num_fields = 1 + draw(seed, 3);
    bp_field fields[3];
    int64_t sids[MOST];
    size_t row[MOST];
    double *out[3];
    for (size_t i = 0; i < num_sids; i++) {
        row[i] = draw(seed, bp_bundle_num_assets(b));
        sids[i] = bp_bundle_sids(b)[row[i]];
    }
    for (size_t f = 0; f < num_fields; f++) {
        fields[f] = (bp_field)draw(seed, 5);
        out[f] = malloc((num * stride + 1) * sizeof *out[f]);
        for (size_t i = 0; i <= num * stride; i++) out[f][i] = -3;
    }
    const int64_t *day = bp_bundle_sessions(b);
    size_t at = 0, rows = 0;
    MUST(bp_reader_daily_range(r, day[first], day[first + num - 1], &at, &rows));
    CU_ASSERT(at == first && rows == num);
    MUST(bp_reader_daily_load(r, fields, num_fields, day[first], day[first + num - 1], sids, num_sids, out,
                              stride));
    unsigned wrong = 0;
    for (size_t f = 0; f < num_fields; f++) {
        const double *values = bp_bundle_daily(b, (bp_column)(BP_COL_OPEN + (int)fields[f]));
        for (size_t t = 0; t < num; t++)
            for (size_t i = 0; i < stride; i++) {
                double expected = -3;
                if (i < num_sids) expected = values[row[i] * d + first + t];
                wrong += !same_double(out[f][t * stride + i], expected);
            }
        wrong += out[f][num * stride] != -3;
        free(out[f]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_tables(void)
{
    uint64_t seed = 13;
    for (int p = 0; p < NUM_PLANS; p++) {
        const bp_bundle *b = make_market(&PLANS[p], seed + (uint64_t)p);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int k = 0; k < 60; k++) load_once(b, r, &seed, k < 3);
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
}

static void test_refusals(void)
{
    const bp_bundle *b = make_market(&PLANS[2], 14);
    const int64_t *day = bp_bundle_sessions(b), *sid = bp_bundle_sids(b);
    const bp_field close = BP_FIELD_CLOSE;
    double cell = -1, *out = &cell;
    size_t first = 77, num = 77;
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    FAILS(bp_reader_daily_load(r, &close, 1, day[0] + 1, day[1], sid, 1, &out, 0), BP_ENODATA_ON,
          "2010-01-01");
    FAILS(bp_reader_daily_load(r, &close, 1, day[0], day[1] + 1, sid, 1, &out, 0), BP_ENODATA_ON,
          "no session");
    FAILS(bp_reader_daily_load(r, &close, 1, day[1], day[0], sid, 1, &out, 0), BP_EINVAL, "after");
    FAILS(bp_reader_daily_load(r, &close, 1, day[0], day[0], (int64_t[]){sid[0], 987654}, 2, &out, 0),
          BP_ENOSID, "987654");
    FAILS(bp_reader_daily_load(r, &close, 1, day[0], day[0], sid, 3, &out, 2), BP_EINVAL, "stride");
    FAILS(bp_reader_daily_load(r, &(bp_field){(bp_field)5}, 1, day[0], day[0], sid, 1, &out, 0), BP_EINVAL,
          "field 5");
    FAILS(bp_reader_daily_value(r, sid[0], day[0], (bp_field)-1, &cell), BP_EINVAL, "field -1");
    FAILS(bp_reader_daily_range(r, day[3], day[2], &first, &num), BP_EINVAL, "after");
    CU_ASSERT(cell == -1 && first == 77 && num == 77);
    bp_reader_destroy(&r);
    CU_ASSERT_PTR_NULL(r);
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

static void test_facts(void)
{
    const bp_bundle *b = make_market(&PLANS[2], 15);
    const size_t d = bp_bundle_num_sessions(b);
    bp_reader *r;
    char code[4] = "";
    MUST(bp_reader_create(b, &r));
    CU_ASSERT_EQUAL(bp_reader_first_session(r), bp_bundle_sessions(b)[0]);
    CU_ASSERT_EQUAL(bp_reader_last_session(r), bp_bundle_sessions(b)[d - 1]);
    for (size_t i = 0; i < bp_bundle_num_assets(b); i++) {
        MUST(bp_reader_currency(r, bp_bundle_sids(b)[i], code));
        CU_ASSERT_STRING_EQUAL(code, i % 4 ? "USD" : "XXX");
    }
    FAILS(bp_reader_currency(r, 987654, code), BP_ENOSID, "987654");
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"values", test_values}, {"last traded", test_last_traded},
        {"tables", test_tables}, {"refusals", test_refusals},
        {"facts", test_facts},   CU_TEST_INFO_NULL,
    };
    return suite_main("daily", tests);
}
