/* What gives one value allocates nothing, whether it finds something or not. The program is linked with
 * --wrap=malloc and its like, so that calls out of the readers are counted. */
#include "tests/reader/market.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t num, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t num, size_t size);
void *__wrap_realloc(void *at, size_t size);

static unsigned long allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t num, size_t size)
{
    allocations++;
    return __real_calloc(num, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    allocations++;
    return __real_realloc(at, size);
}

/* One of everything. @return what succeeded */
static unsigned ask(const bp_reader *r, const bp_bundle *b, uint64_t *seed)
{
    static const char *const symbol[] = {"BRK_A", "BRKA", "AAA", "Q", "NOBODY"};
    const int64_t sid = some_sid(b, seed), day = some_day(b, seed), minute = day + 605 * MARKET_MINUTE;
    const char *asked = symbol[draw(seed, 5)], *text;
    const bp_field field = (bp_field)draw(seed, 5);
    double value, window[30];
    int64_t found, open, close;
    char code[4];
    bp_asset asset = bp_asset_init();
    unsigned good = 0;
    good += bp_reader_retrieve_asset(r, sid, &asset) == BP_OK;
    good += bp_reader_lookup_symbol(r, asked, day, BP_LOOKUP_STRICT, &found) == BP_OK;
    good += bp_reader_lookup_symbol(r, asked, day, BP_LOOKUP_FUZZY, &found) == BP_OK;
    good += bp_reader_lookup_symbol(r, asked, BP_TIME_MISSING, BP_LOOKUP_FUZZY, &found) == BP_OK;
    good += bp_reader_symbol_of(r, sid, day, &text) == BP_OK;
    good += bp_reader_currency(r, sid, code) == BP_OK;
    good += bp_reader_daily_value(r, sid, day, field, &value) == BP_OK;
    good += bp_reader_daily_last_traded(r, sid, day, &found) == BP_OK;
    good += bp_reader_session_hours(r, day, &open, &close) == BP_OK;
    good += bp_reader_session_of(r, minute, &found) == BP_OK;
    good += bp_reader_minute_value(r, sid, minute, field, &value) == BP_OK;
    good += bp_reader_minute_last_traded(r, sid, minute, &found) == BP_OK;
    good += bp_reader_window(r, sid, field, day, 30, BP_TIME_MISSING, BP_ADJUST_ALL, window) == BP_OK;
    return good;
}

static void test_allocations(void)
{
    uint64_t seed = 91;
    unsigned good = 0;
    int64_t found;
    const market_plan plan = {
        .assets = 40, .sessions = 100, .mappings = true, .minutes = true, .hours = true};
    const bp_bundle *b = make_market(&plan, seed);
    bp_reader *r;
    const unsigned long before = allocations;
    MUST(bp_reader_create(b, &r));
    CU_ASSERT(allocations > before); /* they are counted */
    const unsigned long made = allocations;
    MUST(bp_reader_daily_last_traded(r, bp_bundle_sids(b)[0], 0, &found));
    MUST(bp_reader_minute_last_traded(r, bp_reader_minute_sids(r)[0], 0, &found));
    CU_ASSERT(allocations > made); /* the first call of each builds its index */
    const unsigned long built = allocations;
    for (int k = 0; k < 3000; k++) good += ask(r, b, &seed);
    CU_ASSERT_EQUAL(allocations, built);
    CU_ASSERT(good > 3000);
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {{"allocations", test_allocations}, CU_TEST_INFO_NULL};
    return suite_main("allocations", tests);
}
