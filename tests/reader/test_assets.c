/* The asset table: rows, exchanges, lifetimes; against loops over it. */
#include "tests/reader/market.h"

static void check_asset(const bp_bundle *b, const bp_asset *a, size_t row)
{
    const long daily = plain_find(b, BP_COL_SID, a->sid);
    CU_ASSERT_EQUAL(a->sid, int64s_of(b, BP_COL_ASSET_SID)[row]);
    CU_ASSERT_STRING_EQUAL(a->symbol, text_of(b, BP_COL_ASSET_SYMBOL, row));
    CU_ASSERT_STRING_EQUAL(a->name, text_of(b, BP_COL_ASSET_NAME, row));
    CU_ASSERT_STRING_EQUAL(a->exchange, text_of(b, BP_COL_ASSET_EXCHANGE, row));
    CU_ASSERT_EQUAL(a->start_date, int64s_of(b, BP_COL_ASSET_START)[row]);
    CU_ASSERT_EQUAL(a->end_date, int64s_of(b, BP_COL_ASSET_END)[row]);
    CU_ASSERT_EQUAL(a->first_traded, int64s_of(b, BP_COL_ASSET_FIRST_TRADED)[row]);
    CU_ASSERT_EQUAL(a->auto_close_date, int64s_of(b, BP_COL_ASSET_AUTO_CLOSE)[row]);
    CU_ASSERT_STRING_EQUAL(a->currency, daily % 4 ? "USD" : "XXX");
}

static void test_retrieve(void)
{
    enum { MOST = 20 };
    uint64_t seed = 31;
    const market_plan plan = {.assets = 60, .sessions = 30};
    const bp_bundle *b = make_market(&plan, seed);
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    CU_ASSERT_EQUAL(bp_reader_num_assets(r), 60);
    for (size_t i = 0; i < 60; i++) CU_ASSERT_EQUAL(bp_reader_sids(r)[i], int64s_of(b, BP_COL_ASSET_SID)[i]);
    for (int k = 0; k < 300; k++) {
        int64_t sids[MOST];
        bp_asset assets[MOST];
        bool found[MOST], all = true;
        const size_t n = draw(&seed, MOST + 1);
        for (size_t i = 0; i < n; i++) {
            sids[i] = some_sid(b, &seed);
            assets[i] = bp_asset_init();
            all = all && plain_find(b, BP_COL_ASSET_SID, sids[i]) >= 0;
        }
        MUST(bp_reader_retrieve_all(r, sids, n, assets, found));
        for (size_t i = 0; i < n; i++) {
            const long row = plain_find(b, BP_COL_ASSET_SID, sids[i]);
            bp_asset one = bp_asset_init();
            CU_ASSERT_EQUAL(found[i], row >= 0);
            CU_ASSERT_EQUAL(bp_reader_retrieve_asset(r, sids[i], &one), row >= 0 ? BP_OK : BP_ENOSID);
            if (row >= 0) {
                check_asset(b, &assets[i], (size_t)row);
                check_asset(b, &one, (size_t)row);
            } else {
                CU_ASSERT(one.symbol == NULL && assets[i].symbol == NULL);
            }
        }
        CU_ASSERT_EQUAL(bp_reader_retrieve_all(r, sids, n, assets, NULL), all ? BP_OK : BP_ENOSID);
    }
    bp_asset unset = {0};
    FAILS(bp_reader_retrieve_asset(r, bp_reader_sids(r)[0], &unset), BP_EINVAL, "bp_asset_init");
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

/* A program of a later release: its struct has a field that this library does not know. */
static void test_newer_caller(void)
{
    struct newer {
        bp_asset known;
        int64_t unknown;
    } assets[2];
    const market_plan plan = {.assets = 3, .sessions = 30};
    const bp_bundle *b = make_market(&plan, 32);
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    for (int i = 0; i < 2; i++) {
        assets[i] = (struct newer){.known = bp_asset_init(), .unknown = 77};
        assets[i].known.size = sizeof assets[i];
    }
    MUST(bp_reader_retrieve_all(r, bp_reader_sids(r), 2, &assets[0].known, NULL));
    for (size_t i = 0; i < 2; i++) {
        check_asset(b, &assets[i].known, i);
        CU_ASSERT_EQUAL(assets[i].unknown, 0);
    }
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

static void test_exchanges(void)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        const market_plan plan = {.assets = seed * 2 - 2, .sessions = 10};
        const bp_bundle *b = make_market(&plan, seed);
        const char *names[8];
        int64_t sids[64];
        size_t count, n, total = 0;
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        bp_reader_exchanges(r, names, 8, &count);
        for (size_t k = 0; k < count; k++) {
            if (k > 0) CU_ASSERT(strcmp(names[k - 1], names[k]) < 0);
            bp_reader_sids_of_exchange(r, names[k], sids, 64, &n);
            CU_ASSERT(n > 0);
            total += n;
            for (size_t i = 0; i < n; i++) {
                const long row = plain_find(b, BP_COL_ASSET_SID, sids[i]);
                CU_ASSERT_STRING_EQUAL(text_of(b, BP_COL_ASSET_EXCHANGE, (size_t)row), names[k]);
                if (i > 0) CU_ASSERT(sids[i - 1] < sids[i]);
            }
        }
        CU_ASSERT_EQUAL(total, plan.assets);
        bp_reader_sids_of_exchange(r, "NOWHERE", sids, 64, &n);
        CU_ASSERT_EQUAL(n, 0);
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
}

static bool plain_alive(const bp_bundle *b, int64_t sid, int64_t date, bool include_start)
{
    const long row = plain_find(b, BP_COL_ASSET_SID, sid);
    const int64_t start = int64s_of(b, BP_COL_ASSET_START)[row], end = int64s_of(b, BP_COL_ASSET_END)[row];
    if (start != BP_TIME_MISSING && (date < start || (date == start && !include_start))) return false;
    return end == BP_TIME_MISSING || date <= end;
}

static void test_lifetimes(void)
{
    enum { ASSETS = 300, DATES = 40 };
    uint64_t seed = 33;
    const market_plan plan = {.assets = ASSETS, .sessions = 90};
    const bp_bundle *b = make_market(&plan, seed);
    static bool alive[DATES * ASSETS];
    int64_t dates[DATES], sids[ASSETS], some[50];
    size_t count;
    unsigned wrong = 0, living = 0;
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    for (int round = 0; round < 4; round++) {
        const bool include_start = round % 2, all = round < 2;
        for (size_t t = 0; t < DATES; t++) dates[t] = some_day(b, &seed);
        for (size_t i = 0; i < 50; i++) some[i] = bp_reader_sids(r)[draw(&seed, ASSETS)];
        const size_t n = all ? ASSETS : 50;
        const int64_t *asked = all ? bp_reader_sids(r) : some;
        MUST(bp_reader_lifetimes(r, dates, DATES, all ? NULL : some, n, include_start, alive));
        for (size_t t = 0; t < DATES; t++) {
            size_t expected = 0;
            for (size_t i = 0; i < n; i++) {
                wrong += alive[t * n + i] != plain_alive(b, asked[i], dates[t], include_start);
                living += alive[t * n + i];
            }
            bp_reader_alive(r, dates[t], include_start, sids, ASSETS, &count);
            for (size_t i = 0; i < ASSETS; i++) {
                const int64_t sid = bp_reader_sids(r)[i];
                if (!plain_alive(b, sid, dates[t], include_start)) continue;
                wrong += expected >= count || sids[expected] != sid;
                expected++;
            }
            CU_ASSERT_EQUAL(count, expected);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(living > 1000);
    alive[0] = true;
    FAILS(bp_reader_lifetimes(r, dates, 1, (int64_t[]){987654}, 1, true, alive), BP_ENOSID, "987654");
    FAILS(bp_reader_lifetimes(r, dates, 1, NULL, 3, true, alive), BP_EINVAL, "300 assets");
    CU_ASSERT(alive[0]);
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"retrieve", test_retrieve},
        {"a newer caller", test_newer_caller},
        {"exchanges", test_exchanges},
        {"lifetimes", test_lifetimes},
        CU_TEST_INFO_NULL,
    };
    return suite_main("assets", tests);
}
