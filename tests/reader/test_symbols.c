/* Symbols: spellings, periods, what is ambiguous and what is not known; against a plain list of owners. */
#include <ctype.h>

#include "tests/reader/market.h"

enum { MOST = 512 };

typedef struct owner {
    int64_t sid, start, end;
    const char *symbol;
    char strict[32], fuzzy[32];
} owner;

/* "brk.a" is "BRK A" strictly and "BRKA" fuzzily. */
static void spell(const char *symbol, char strict[32], char fuzzy[32])
{
    char upper[32];
    size_t n = 0;
    for (; symbol[n] && n < 31; n++) upper[n] = (char)toupper((unsigned char)symbol[n]);
    upper[n] = '\0';
    const size_t part = strcspn(upper, "./-_");
    const char *class = upper[part] ? upper + part + 1 : "";
    snprintf(strict, 32, *class ? "%.*s %s" : "%.*s", (int)part, upper, class);
    snprintf(fuzzy, 32, "%.*s%s", (int)part, upper, class);
}

static int by_start(const void *x, const void *y)
{
    const owner *a = x, *b = y;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return a->sid < b->sid ? -1 : a->sid > b->sid;
}

static size_t all_owners(const bp_bundle *b, owner *all)
{
    size_t n = 0;
    for (size_t i = 0; i < column_rows(b, BP_COL_MAP_SID); i++)
        all[n++] = (owner){.sid = int64s_of(b, BP_COL_MAP_SID)[i],
                           .start = int64s_of(b, BP_COL_MAP_START)[i],
                           .end = int64s_of(b, BP_COL_MAP_END)[i],
                           .symbol = text_of(b, BP_COL_MAP_SYMBOL, i)};
    for (size_t i = 0; i < column_rows(b, BP_COL_ASSET_SID); i++)
        if (plain_find(b, BP_COL_MAP_SID, int64s_of(b, BP_COL_ASSET_SID)[i]) < 0)
            all[n++] = (owner){.sid = int64s_of(b, BP_COL_ASSET_SID)[i],
                               .start = int64s_of(b, BP_COL_ASSET_START)[i],
                               .end = int64s_of(b, BP_COL_ASSET_END)[i],
                               .symbol = text_of(b, BP_COL_ASSET_SYMBOL, i)};
    for (size_t i = 0; i < n; i++) spell(all[i].symbol, all[i].strict, all[i].fuzzy);
    qsort(all, n, sizeof *all, by_start);
    return n;
}

static bool is_open(int64_t end)
{
    return end == BP_TIME_MISSING || end == INT64_MAX;
}

/* Whether the two claim a symbol for one day, of which `later` is the one that would have it. */
static bool contests(const owner *earlier, const owner *later, int64_t day)
{
    if (earlier->sid == later->sid) return false;
    if (day == BP_TIME_MISSING) return true;
    if (is_open(earlier->end)) return earlier->start == later->start;
    return earlier->end >= later->start && day <= earlier->end;
}

static bp_status plain_strict(const owner *all, size_t n, const char *strict, int64_t day, int64_t *sid)
{
    const owner *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].strict, strict) == 0 && (day == BP_TIME_MISSING || all[i].start <= day))
            found = &all[i];
    if (!found) return BP_ENOSYMBOL;
    for (const owner *o = all; o < found; o++)
        if (strcmp(o->strict, strict) == 0 && contests(o, found, day)) return BP_EAMBIGUOUS;
    *sid = found->sid;
    return BP_OK;
}

static bp_status plain_lookup(const owner *all, size_t n, const char *symbol, int64_t day, bool fuzzy,
                              int64_t *sid)
{
    char strict[32], joined[32];
    int64_t one = -1, other = -1;
    bool any = false, several = false;
    spell(symbol, strict, joined);
    if (!fuzzy) return plain_strict(all, n, strict, day, sid);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].fuzzy, joined) != 0) continue;
        const bp_status s = plain_strict(all, n, all[i].strict, day, &other);
        if (s == BP_ENOSYMBOL) continue;
        if (s == BP_EAMBIGUOUS || (any && other != one)) several = true;
        if (s == BP_OK) one = other;
        any = any || s == BP_OK;
    }
    if (several) {
        const bp_status s = plain_strict(all, n, strict, day, sid);
        return s == BP_ENOSYMBOL ? BP_EAMBIGUOUS : s;
    }
    *sid = one;
    return any ? BP_OK : BP_ENOSYMBOL;
}

static void test_lookups(void)
{
    static const char *const symbol[] = {"BRK_A", "brk.a", "BRK/A", "BRKA",  "brka", "BRK-B", "BRKB",
                                         "BRK",   "AAA",   "A_A_A", "A.A-A", "AA_A", "AAA_",  "ZZ",
                                         "z/z",   "ZZ_",   "Q",     "q.",    "S0",   "s1",    "S.1",
                                         "S77",   "",      ".",     ".A"};
    unsigned seen[2][32] = {{0}};
    uint64_t seed = 21;
    static owner all[MOST];
    for (int round = 0; round < 60; round++) {
        const market_plan plan = {.assets = 1 + draw(&seed, 40), .sessions = 60, .mappings = round % 4 > 0};
        const bp_bundle *b = make_market(&plan, seed);
        const size_t n = all_owners(b, all);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int k = 0; k < 1000; k++) {
            const char *asked = symbol[draw(&seed, sizeof symbol / sizeof *symbol)];
            const bool fuzzy = draw(&seed, 2);
            const int64_t day = draw(&seed, 4) ? some_day(b, &seed) : BP_TIME_MISSING;
            int64_t expected = -12345, sid = -12345;
            const bp_status s = plain_lookup(all, n, asked, day, fuzzy, &expected);
            CU_ASSERT_EQUAL(bp_reader_lookup_symbol(r, asked, day, (bp_lookup)fuzzy, &sid), s);
            CU_ASSERT_EQUAL(sid, s == BP_OK ? expected : -12345);
            seen[fuzzy][s]++;
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    for (int fuzzy = 0; fuzzy < 2; fuzzy++)
        CU_ASSERT(seen[fuzzy][BP_OK] > 1000 && seen[fuzzy][BP_ENOSYMBOL] > 1000 &&
                  seen[fuzzy][BP_EAMBIGUOUS] > 1000);
}

static void test_owners(void)
{
    uint64_t seed = 22;
    static owner all[MOST];
    for (int round = 0; round < 30; round++) {
        const market_plan plan = {.assets = 9, .sessions = 60, .mappings = true};
        const bp_bundle *b = make_market(&plan, seed + (uint64_t)round);
        const size_t n = all_owners(b, all);
        bp_ownership out[MOST];
        size_t count, expected;
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int fuzzy = 0; fuzzy < 2; fuzzy++)
            for (size_t k = 0; k < n; k++) {
                MUST(bp_reader_owners(r, all[k].symbol, (bp_lookup)fuzzy, out, MOST, &count));
                expected = 0;
                for (size_t i = 0; i < n; i++)
                    expected += strcmp(fuzzy ? all[i].fuzzy : all[i].strict,
                                       fuzzy ? all[k].fuzzy : all[k].strict) == 0;
                CU_ASSERT_EQUAL(count, expected);
                for (size_t i = 1; i < count; i++) CU_ASSERT(out[i].start_date >= out[i - 1].start_date);
                MUST(bp_reader_owners(r, all[k].symbol, (bp_lookup)fuzzy, NULL, 0, &count));
                CU_ASSERT_EQUAL(count, expected);
            }
        FAILS(bp_reader_owners(r, "NOBODY", BP_LOOKUP_FUZZY, NULL, 0, &count), BP_ENOSYMBOL, "NOBODY");
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
}

static void test_symbol_of(void)
{
    uint64_t seed = 23;
    static owner all[MOST];
    unsigned none = 0;
    for (int round = 0; round < 30; round++) {
        const market_plan plan = {.assets = 9, .sessions = 60, .mappings = true};
        const bp_bundle *b = make_market(&plan, seed + (uint64_t)round);
        const size_t n = all_owners(b, all);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int k = 0; k < 300; k++) {
            const int64_t sid = some_sid(b, &seed);
            const int64_t day = draw(&seed, 5) ? some_day(b, &seed) : BP_TIME_MISSING;
            const char *symbol = NULL, *expected = NULL;
            bp_ownership out[MOST];
            size_t count = 0, periods = 0;
            const bool known = plain_find(b, BP_COL_ASSET_SID, sid) >= 0;
            for (size_t i = 0; i < n; i++) { /* by start: the last that has begun stays */
                if (all[i].sid != sid) continue;
                periods++;
                if (day == BP_TIME_MISSING || all[i].start <= day) expected = all[i].symbol;
            }
            const bp_status s = bp_reader_symbol_of(r, sid, day, &symbol);
            CU_ASSERT_EQUAL(s, !known ? BP_ENOSID : expected ? BP_OK : BP_ENOSYMBOL);
            CU_ASSERT_EQUAL(bp_reader_symbols_of(r, sid, out, MOST, &count), known ? BP_OK : BP_ENOSID);
            CU_ASSERT_EQUAL(count, known ? periods : 0);
            for (size_t i = 0; i < count;
                 i++) /* of periods that begin and end together the list tells which is last */
                if (day == BP_TIME_MISSING || out[i].start_date <= day) expected = out[i].symbol;
            if (s == BP_OK) CU_ASSERT_STRING_EQUAL(symbol, expected);
            none += s == BP_ENOSYMBOL;
            for (size_t i = 1; i < count; i++) CU_ASSERT(out[i].start_date >= out[i - 1].start_date);
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(none > 20);
}

/* The examples of zipline's documentation, and what a clean history of a symbol gives. */
static void test_examples(void)
{
    static const int64_t asset[] = {1, 2, 3, 4}, map_sid[] = {1, 2, 2, 3, 4};
    static const char *const name[] = {"PRTY_HRD", "BRKA", "FB", "BRK_A", "FB"};
    const int64_t start[] = {0, 0, 5 * BP_NS_PER_DAY, 0, 20 * BP_NS_PER_DAY};
    const int64_t end[] = {INT64_MAX, 4 * BP_NS_PER_DAY, 9 * BP_NS_PER_DAY, INT64_MAX, 30 * BP_NS_PER_DAY};
    uint32_t symbol[5];
    bp__head *head;
    MUST(bp__head_create(&head));
    for (int i = 0; i < 5; i++) MUST(bp__head_text(head, name[i], &symbol[i]));
    MUST(bp__head_put(head, BP_COL_ASSET_SID, asset, 4, 1));
    for (bp_column c = 0; c < 3; c++) MUST(bp__head_put(head, BP_COL_ASSET_SYMBOL + c, symbol, 4, 1));
    for (bp_column c = 0; c < 4; c++) MUST(bp__head_put(head, BP_COL_ASSET_START + c, start, 4, 1));
    MUST(bp__head_put(head, BP_COL_MAP_SID, map_sid, 5, 1));
    MUST(bp__head_put(head, BP_COL_MAP_SYMBOL, symbol, 5, 1));
    MUST(bp__head_put(head, BP_COL_MAP_START, start, 5, 1));
    MUST(bp__head_put(head, BP_COL_MAP_END, end, 5, 1));
    const bp_bundle *b = make_bundle(make_image(head), "examples");
    bp_reader *r;
    int64_t sid, sids[2];
    const char *text;
    MUST(bp_reader_create(b, &r));
#define FINDS(symbol, day, how, expected)                                                                    \
    do {                                                                                                     \
        MUST(bp_reader_lookup_symbol(r, symbol, day, how, &sid));                                            \
        CU_ASSERT_EQUAL(sid, expected);                                                                      \
    } while (0)
    FINDS("PRTY.HRD", BP_TIME_MISSING, BP_LOOKUP_STRICT, 1);
    FAILS(bp_reader_lookup_symbol(r, "PRTYHRD", BP_TIME_MISSING, BP_LOOKUP_STRICT, &sid), BP_ENOSYMBOL,
          "PRTYHRD");
    FINDS("prtyhrd", BP_TIME_MISSING, BP_LOOKUP_FUZZY, 1);
    FINDS("brk/a", BP_TIME_MISSING, BP_LOOKUP_STRICT, 3);
    FINDS("BRKA", BP_TIME_MISSING, BP_LOOKUP_STRICT, 2);
    FINDS("BRK-A", 3 * BP_NS_PER_DAY, BP_LOOKUP_FUZZY, 3);
    FINDS("BRKA", 3 * BP_NS_PER_DAY, BP_LOOKUP_FUZZY, 2);
    /* FB passes from one company to another, and the first keeps it until then */
    FAILS(bp_reader_lookup_symbol(r, "FB", BP_TIME_MISSING, BP_LOOKUP_STRICT, &sid), BP_EAMBIGUOUS,
          "give a date");
    FAILS(bp_reader_lookup_symbol(r, "FB", 4 * BP_NS_PER_DAY, BP_LOOKUP_STRICT, &sid), BP_ENOSYMBOL,
          "1970-01-05");
    FINDS("FB", 5 * BP_NS_PER_DAY, BP_LOOKUP_STRICT, 2);
    FINDS("FB", 20 * BP_NS_PER_DAY - 1, BP_LOOKUP_STRICT, 2);
    FINDS("FB", 20 * BP_NS_PER_DAY, BP_LOOKUP_STRICT, 4);
    FINDS("FB", INT64_MAX, BP_LOOKUP_STRICT, 4);
    MUST(bp_reader_symbol_of(r, 2, 3 * BP_NS_PER_DAY, &text));
    CU_ASSERT_STRING_EQUAL(text, "BRKA");
    MUST(bp_reader_symbol_of(r, 2, BP_TIME_MISSING, &text));
    CU_ASSERT_STRING_EQUAL(text, "FB");
    sids[0] = sids[1] = -1;
    const char *const both[] = {"FB", "brk.a"}, *const one[] = {"FB", "GONE"};
    MUST(bp_reader_lookup_symbols(r, both, 2, 25 * BP_NS_PER_DAY, BP_LOOKUP_STRICT, sids));
    CU_ASSERT(sids[0] == 4 && sids[1] == 3);
    FAILS(bp_reader_lookup_symbols(r, one, 2, 25 * BP_NS_PER_DAY, BP_LOOKUP_STRICT, sids), BP_ENOSYMBOL,
          "GONE");
    CU_ASSERT(sids[0] == 4 && sids[1] == 3);
    FAILS(bp_reader_lookup_symbol(r, "FB", 0, (bp_lookup)2, &sid), BP_EINVAL, "look-up 2");
#undef FINDS
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"look-ups", test_lookups},  {"owners", test_owners}, {"symbols of an asset", test_symbol_of},
        {"examples", test_examples}, CU_TEST_INFO_NULL,
    };
    return suite_main("symbols", tests);
}
