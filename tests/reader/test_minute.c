/* Minute bars: axes, values, last trades, tables, with hours and without; against loops over the columns. */
#include "tests/reader/market.h"

enum { MOST_MINUTES = 40000, MOST_SIDS = 12 };

static market_plan plan_of(uint64_t seed)
{
    return (market_plan){
        .assets = 1 + seed % 30, .sessions = 2 + seed % 17, .minutes = true, .hours = seed % 2};
}

static long minute_row(const bp_bundle *b, int64_t sid)
{
    return plain_find(b, BP_COL_MINUTE_SID, sid);
}

/* A minute near a session, or sometimes a time that is none. */
static int64_t some_minute(const bp_bundle *b, uint64_t *seed)
{
    if (draw(seed, 60) == 0) return draw(seed, 2) ? INT64_MAX : INT64_MIN;
    const int64_t day = bp_bundle_sessions(b)[draw(seed, bp_bundle_num_sessions(b))];
    const int64_t time = day + (int64_t)(590 + draw(seed, 30)) * MARKET_MINUTE;
    return draw(seed, 20) ? time : time + (int64_t)draw(seed, 60) * 1000000000;
}

static int64_t some_minute_sid(const bp_bundle *b, uint64_t *seed)
{
    if (draw(seed, 12) == 0) return some_sid(b, seed);
    return int64s_of(b, BP_COL_MINUTE_SID)[draw(seed, column_rows(b, BP_COL_MINUTE_SID))];
}

/* The session in whose hours a time is; -1: in none. */
static long plain_session(const bp_bundle *b, int64_t time)
{
    for (size_t i = 0; i < column_rows(b, BP_COL_SESSION); i++)
        if (int64s_of(b, BP_COL_MARKET_OPEN)[i] < time && time <= int64s_of(b, BP_COL_MARKET_CLOSE)[i])
            return (long)i;
    return -1;
}

static bp_status plain_value(const bp_bundle *b, bool hours, int64_t sid, int64_t minute, bp_field field,
                             double *value)
{
    const long row = minute_row(b, sid);
    const int64_t *offset = int64s_of(b, BP_COL_MINUTE_OFFSET), *dt = int64s_of(b, BP_COL_MINUTE_DT);
    const size_t bars = column_rows(b, BP_COL_MINUTE_DT);
    int64_t first = INT64_MAX, last = INT64_MIN;
    if (row < 0) return BP_ENOSID;
    for (int64_t k = offset[row]; k < offset[row + 1]; k++)
        if (dt[k] == minute) {
            *value = doubles_of(b, (bp_column)(BP_COL_MINUTE_OPEN + (int)field))[k];
            return BP_OK;
        }
    for (size_t k = 0; k < bars; k++) {
        if (dt[k] < first) first = dt[k];
        if (dt[k] > last) last = dt[k];
    }
    if (hours ? minute % MARKET_MINUTE != 0 || plain_session(b, minute) < 0 : minute < first || minute > last)
        return BP_ENODATA_ON;
    *value = field == BP_FIELD_VOLUME ? 0 : NAN;
    return BP_OK;
}

static void test_values(void)
{
    unsigned seen[32] = {0};
    for (uint64_t seed = 41, round = 0; round < 16; round++) {
        const market_plan plan = plan_of(round);
        const bp_bundle *b = make_market(&plan, seed + round);
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int k = 0; k < 1000; k++) {
            const int64_t sid = some_minute_sid(b, &seed), minute = some_minute(b, &seed);
            const bp_field field = (bp_field)draw(&seed, 5);
            double expected = -1, value = -1;
            const bp_status s = plain_value(b, plan.hours, sid, minute, field, &expected);
            CU_ASSERT_EQUAL(bp_reader_minute_value(r, sid, minute, field, &value), s);
            CU_ASSERT(same_double(value, expected));
            seen[s]++;
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(seen[BP_OK] > 1000 && seen[BP_ENODATA_ON] > 1000 && seen[BP_ENOSID] > 100);
}

static void test_last_traded(void)
{
    unsigned none = 0, some = 0;
    for (uint64_t seed = 42, round = 0; round < 16; round++) {
        const market_plan plan = plan_of(round);
        const bp_bundle *b = make_market(&plan, seed + round);
        const int64_t *offset = int64s_of(b, BP_COL_MINUTE_OFFSET), *dt = int64s_of(b, BP_COL_MINUTE_DT);
        double *volume = bp__image_fill((void *)(uintptr_t)b->image, BP_COL_MINUTE_VOLUME);
        for (size_t k = 0; k < column_rows(b, BP_COL_MINUTE_DT); k++)
            if (k / 150 % 3 == 1) volume[k] = 0;
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (int k = 0; k < 1000; k++) {
            const int64_t sid = some_minute_sid(b, &seed), time = some_minute(b, &seed);
            const long row = minute_row(b, sid);
            int64_t expected = BP_TIME_MISSING, minute = -1;
            for (int64_t i = row < 0 ? 0 : offset[row]; row >= 0 && i < offset[row + 1]; i++)
                if (dt[i] <= time && volume[i] > 0) expected = dt[i];
            CU_ASSERT_EQUAL(bp_reader_minute_last_traded(r, sid, time, &minute), row < 0 ? BP_ENOSID : BP_OK);
            CU_ASSERT_EQUAL(minute, row < 0 ? -1 : expected);
            if (row >= 0) expected == BP_TIME_MISSING ? none++ : some++;
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(none > 100 && some > 100);
}

/* Axes: whether each second of the range is on it is asked of the columns. */
static bool plain_on_axis(const bp_bundle *b, bool market, const int64_t *sids, size_t num_sids, int64_t time)
{
    const int64_t *offset = int64s_of(b, BP_COL_MINUTE_OFFSET), *dt = int64s_of(b, BP_COL_MINUTE_DT);
    if (market) return time % MARKET_MINUTE == 0 && plain_session(b, time) >= 0;
    for (size_t i = 0; i < (sids ? num_sids : column_rows(b, BP_COL_MINUTE_SID)); i++) {
        const long row = sids ? minute_row(b, sids[i]) : (long)i;
        for (int64_t k = offset[row]; k < offset[row + 1]; k++)
            if (dt[k] == time) return true;
    }
    return false;
}

static void test_axes(void)
{
    static int64_t minutes[MOST_MINUTES];
    unsigned on = 0;
    for (uint64_t seed = 43, round = 0; round < 40; round++) {
        const market_plan plan = plan_of(round);
        const bp_bundle *b = make_market(&plan, seed + round);
        const bp_axis axis = draw(&seed, 2) ? BP_AXIS_MARKET : BP_AXIS_BARS;
        const bool all = draw(&seed, 3) == 0, market = axis == BP_AXIS_MARKET && plan.hours;
        int64_t sids[MOST_SIDS], start = 0, end = -1;
        const size_t num_sids = 1 + draw(&seed, 3);
        size_t count, again, k = 0;
        for (size_t i = 0; i < num_sids; i++)
            sids[i] = int64s_of(b, BP_COL_MINUTE_SID)[draw(&seed, column_rows(b, BP_COL_MINUTE_SID))];
        const size_t first = draw(&seed, plan.sessions), last = first + draw(&seed, plan.sessions - first);
        while (start > end || start < MARKET_FIRST) {
            start = bp_bundle_sessions(b)[first] + (int64_t)draw(&seed, 40 * 60) * 1000000000 +
                    590 * MARKET_MINUTE;
            end = bp_bundle_sessions(b)[last] + (int64_t)draw(&seed, 40 * 60) * 1000000000 +
                  590 * MARKET_MINUTE;
        }
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        MUST(bp_reader_minutes(r, axis, start, end, all ? NULL : sids, num_sids, minutes, MOST_MINUTES,
                               &count));
        MUST(bp_reader_minutes(r, axis, start, end, all ? NULL : sids, num_sids, NULL, 0, &again));
        CU_ASSERT_EQUAL(count, again);
        unsigned wrong = 0;
        for (size_t t = first; t <= last; t++)
            for (int64_t m = 585; m < 640; m++) {
                const int64_t time = bp_bundle_sessions(b)[t] + m * MARKET_MINUTE;
                if (time < start || time > end ||
                    !plain_on_axis(b, market, all ? NULL : sids, num_sids, time))
                    continue;
                wrong += k >= count || minutes[k] != time;
                k++;
            }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(k, count);
        on += count > 5;
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
    CU_ASSERT(on > 20);
}

static void test_tables(void)
{
    static int64_t minutes[MOST_MINUTES];
    for (uint64_t seed = 44, round = 0; round < 40; round++) {
        const market_plan plan = plan_of(round);
        const bp_bundle *b = make_market(&plan, seed + round);
        const int64_t *day = bp_bundle_sessions(b);
        const size_t num_sids = draw(&seed, MOST_SIDS), stride = num_sids + draw(&seed, 2);
        const bp_field fields[] = {(bp_field)draw(&seed, 5), BP_FIELD_VOLUME};
        int64_t sids[MOST_SIDS];
        double *out[2];
        size_t count;
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        for (size_t i = 0; i < num_sids; i++)
            sids[i] = int64s_of(b, BP_COL_MINUTE_SID)[draw(&seed, column_rows(b, BP_COL_MINUTE_SID))];
        MUST(bp_reader_minutes(r, draw(&seed, 2) ? BP_AXIS_MARKET : BP_AXIS_BARS, day[0],
                               day[plan.sessions - 1] + 1 + BP_NS_PER_DAY, NULL, 0, minutes, MOST_MINUTES,
                               &count));
        for (int f = 0; f < 2; f++) {
            out[f] = malloc((count * stride + 1) * sizeof *out[f]);
            for (size_t i = 0; i <= count * stride; i++) out[f][i] = -3;
        }
        MUST(bp_reader_minute_load(r, fields, 2, minutes, count, sids, num_sids, out, stride));
        unsigned wrong = 0;
        for (int f = 0; f < 2; f++) {
            for (size_t t = 0; t < count; t++)
                for (size_t i = 0; i < stride; i++) {
                    double expected = -3;
                    if (i < num_sids &&
                        plain_value(b, plan.hours, sids[i], minutes[t], fields[f], &expected) != BP_OK)
                        expected = fields[f] == BP_FIELD_VOLUME ? 0 : NAN; /* another one's bar after hours */
                    wrong += !same_double(out[f][t * stride + i], expected);
                }
            wrong += out[f][count * stride] != -3;
            free(out[f]);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
}

static void test_sessions(void)
{
    for (uint64_t seed = 45, round = 0; round < 12; round++) {
        const market_plan plan = plan_of(round);
        const bp_bundle *b = make_market(&plan, seed + round);
        const int64_t *dt = int64s_of(b, BP_COL_MINUTE_DT);
        int64_t first = INT64_MAX, last = INT64_MIN, open, close, session;
        bp_reader *r;
        MUST(bp_reader_create(b, &r));
        CU_ASSERT_EQUAL(bp_reader_num_minute_sids(r), column_rows(b, BP_COL_MINUTE_SID));
        CU_ASSERT_PTR_EQUAL(bp_reader_minute_sids(r), int64s_of(b, BP_COL_MINUTE_SID));
        for (size_t k = 0; k < column_rows(b, BP_COL_MINUTE_DT); k++) {
            if (dt[k] < first) first = dt[k];
            if (dt[k] > last) last = dt[k];
        }
        const bool none = first > last;
        const long at = plan.hours ? plain_session(b, last) : -1;
        if (at >= 0) last = int64s_of(b, BP_COL_MARKET_CLOSE)[at];
        CU_ASSERT_EQUAL(bp_reader_minute_first_session(r),
                        none ? BP_TIME_MISSING : first - first % BP_NS_PER_DAY);
        CU_ASSERT_EQUAL(bp_reader_minute_last_session(r),
                        none ? BP_TIME_MISSING : last - last % BP_NS_PER_DAY);
        CU_ASSERT_EQUAL(bp_reader_minute_last_available(r), none ? BP_TIME_MISSING : last);
        for (int k = 0; k < 300; k++) {
            const int64_t time = some_minute(b, &seed), day = some_day(b, &seed);
            const long in = plan.hours ? plain_session(b, time) : -1,
                       row = plain_find(b, BP_COL_SESSION, day);
            CU_ASSERT_EQUAL(bp_reader_session_of(r, time, &session), in < 0 ? BP_ENODATA_ON : BP_OK);
            if (in >= 0) CU_ASSERT_EQUAL(session, int64s_of(b, BP_COL_SESSION)[in]);
            CU_ASSERT_EQUAL(bp_reader_session_hours(r, day, &open, &close), row < 0 ? BP_ENODATA_ON : BP_OK);
            if (row >= 0)
                CU_ASSERT(open == int64s_of(b, BP_COL_MARKET_OPEN)[row] &&
                          close == int64s_of(b, BP_COL_MARKET_CLOSE)[row]);
        }
        bp_reader_destroy(&r);
        bp_bundle_release(&b);
    }
}

static void test_refusals(void)
{
    const market_plan plan = plan_of(7), none = {.assets = 3, .sessions = 3};
    const bp_bundle *b = make_market(&plan, 46), *without = make_market(&none, 47);
    const int64_t *day = bp_bundle_sessions(b), sid = int64s_of(b, BP_COL_MINUTE_SID)[0];
    const int64_t backwards[] = {day[0] + 2 * MARKET_MINUTE, day[0] + MARKET_MINUTE},
                  unknown[] = {sid, 987654};
    const bp_field close = BP_FIELD_CLOSE;
    double cell = -1, *out = &cell;
    size_t count = 77;
    int64_t minute = -1;
    bp_reader *r;
    MUST(bp_reader_create(b, &r));
    FAILS(bp_reader_minute_load(r, &close, 1, backwards, 2, &sid, 1, &out, 0), BP_EINVAL, "not ascending");
    FAILS(bp_reader_minute_load(r, &close, 1, day, 1, unknown, 2, &out, 0), BP_ENOSID, "987654");
    FAILS(bp_reader_minute_load(r, &close, 1, day, 1, unknown, 2, &out, 1), BP_EINVAL, "stride");
    FAILS(bp_reader_minute_load(r, &(bp_field){(bp_field)9}, 1, day, 1, &sid, 1, &out, 0), BP_EINVAL,
          "field 9");
    FAILS(bp_reader_minutes(r, BP_AXIS_BARS, day[1], day[0], NULL, 0, NULL, 0, &count), BP_EINVAL, "after");
    FAILS(bp_reader_minutes(r, (bp_axis)2, day[0], day[1], NULL, 0, NULL, 0, &count), BP_EINVAL, "axis 2");
    FAILS(bp_reader_minutes(r, BP_AXIS_MARKET, day[0], day[1], unknown, 2, NULL, 0, &count), BP_ENOSID,
          "987654");
    CU_ASSERT(cell == -1 && count == 77);
    bp_reader_destroy(&r);

    MUST(bp_reader_create(without, &r));
    CU_ASSERT_EQUAL(bp_reader_num_minute_sids(r), 0);
    CU_ASSERT_EQUAL(bp_reader_minute_first_session(r), BP_TIME_MISSING);
    CU_ASSERT_EQUAL(bp_reader_minute_last_session(r), BP_TIME_MISSING);
    CU_ASSERT_EQUAL(bp_reader_minute_last_available(r), BP_TIME_MISSING);
    FAILS(bp_reader_minute_value(r, 0, day[0], BP_FIELD_CLOSE, &cell), BP_ENOSID, "no minute bars");
    FAILS(bp_reader_minute_last_traded(r, 0, day[0], &minute), BP_ENOSID, "no minute bars");
    MUST(bp_reader_minutes(r, BP_AXIS_BARS, INT64_MIN, INT64_MAX, NULL, 0, NULL, 0, &count));
    CU_ASSERT(count == 0 && minute == -1);
    bp_reader_destroy(&r);
    bp_bundle_release(&b);
    bp_bundle_release(&without);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"values", test_values}, {"last traded", test_last_traded}, {"axes", test_axes},
        {"tables", test_tables}, {"sessions", test_sessions},       {"refusals", test_refusals},
        CU_TEST_INFO_NULL,
    };
    return suite_main("minute", tests);
}
