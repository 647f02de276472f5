/** @file tests/reader/market.h
 * Bundles by chance, for the tests of the readers, and the plainest ways to find something in them.
 *
 * The answers of a reader are compared with those that a loop over a whole column gives.
 */
#ifndef TESTS_READER_MARKET_H
#define TESTS_READER_MARKET_H

#include <bundlepool/reader.h>
#include <math.h>
#include <stdio.h>

#include "tests/core/make_image.h"

#define MARKET_MINUTE (INT64_C(60) * 1000000000)
#define MARKET_FIRST  (INT64_C(14610) * BP_NS_PER_DAY) /* 2010-01-01 */

/** What a bundle is to be made of. */
typedef struct market_plan {
    size_t assets, sessions;
    bool mappings; /* or a symbol each, all life long */
    bool minutes;
    bool hours; /* of the calendar */
} market_plan;

typedef struct market_table {
    int64_t sid[256], date[6][256];
    double value[256];
    size_t n;
} market_table;

static inline void market_row(market_table *t, int64_t sid, int64_t date, double value)
{
    if (t->n == 256) return;
    t->sid[t->n] = sid;
    for (int k = 0; k < 6; k++) t->date[k][t->n] = k ? date + k * BP_NS_PER_DAY : date;
    t->value[t->n++] = value;
}

static inline void market_put_table(bp__head *head, const market_table *t, bp_column sid, bp_column value)
{
    MUST(bp__head_put(head, sid, t->sid, t->n, 1));
    for (bp_column c = sid + 1; c < value; c++) MUST(bp__head_put(head, c, t->date[c - sid - 1], t->n, 1));
    MUST(bp__head_put(head, value, t->value, t->n, 1));
}

/* Irregular sessions: one to four days apart. */
static inline void market_sessions(const market_plan *plan, uint64_t *seed, int64_t *day)
{
    int64_t at = MARKET_FIRST;
    for (size_t t = 0; t < plan->sessions; t++, at += (1 + (int64_t)draw(seed, 4)) * BP_NS_PER_DAY)
        day[t] = at;
}

/* For each asset, in turns: no row, one, or several of each table; a ratio that is none now and then. */
static inline void market_adjustments(bp__head *head, const market_plan *plan, uint64_t *seed,
                                      const int64_t *sid, const int64_t *day)
{
    static const bp_column columns[5][2] = {{BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO},
                                            {BP_COL_MERGER_SID, BP_COL_MERGER_RATIO},
                                            {BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_RATIO},
                                            {BP_COL_PAYOUT_SID, BP_COL_PAYOUT_AMOUNT},
                                            {BP_COL_STOCK_SID, BP_COL_STOCK_RATIO}};
    for (int k = 0; k < 5; k++) {
        market_table t = {.n = 0};
        for (size_t i = 0; i < plan->assets && plan->sessions > 0; i++) {
            int64_t at = day[0] - 2 * BP_NS_PER_DAY;
            for (uint64_t rows = draw(seed, 4); rows > 0; rows--) {
                at += (int64_t)draw(seed, plan->sessions) * BP_NS_PER_DAY;
                double value = (double)(1 + draw(seed, 40)) / 16;
                if (draw(seed, 12) == 0) value = draw(seed, 2) ? 0 : -1;
                market_row(&t, sid[i], at, value);
            }
        }
        market_put_table(head, &t, columns[k][0], columns[k][1]);
    }
}

/* Companies and share classes in several spellings, each of which passes from one asset to another. */
static inline void market_symbols(bp__head *head, const market_plan *plan, uint64_t *seed, const int64_t *sid,
                                  const int64_t *day)
{
    static const char *const spelling[] = {"BRK_A", "BRK.A", "BRKA",  "brk/a", "BRK.B", "BRK-B", "AAA",
                                           "aaa",   "A_A_A", "A.A_A", "ZZ",    "Z.Z",   "ZZ.",   "Q"};
    int64_t map_sid[64], start[64], end[64];
    uint32_t symbol[64];
    size_t n = 0;
    for (size_t k = 0; plan->mappings && plan->sessions > 0 && k < 64; k++) {
        if (draw(seed, 3) == 0) continue;
        map_sid[n] = sid[draw(seed, plan->assets)];
        start[n] = day[draw(seed, plan->sessions)];
        end[n] = start[n] + (int64_t)draw(seed, 40) * BP_NS_PER_DAY;
        if (draw(seed, 8) == 0) end[n] = draw(seed, 2) ? BP_TIME_MISSING : INT64_MAX;
        if (draw(seed, 16) == 0) start[n] = BP_TIME_MISSING;
        MUST(bp__head_text(head, spelling[draw(seed, sizeof spelling / sizeof *spelling)], &symbol[n]));
        n++;
    }
    MUST(bp__head_put(head, BP_COL_MAP_SID, map_sid, n, 1));
    MUST(bp__head_put(head, BP_COL_MAP_SYMBOL, symbol, n, 1));
    MUST(bp__head_put(head, BP_COL_MAP_START, start, n, 1));
    MUST(bp__head_put(head, BP_COL_MAP_END, end, n, 1));
}

static inline void market_assets(bp__head *head, const market_plan *plan, uint64_t *seed, const int64_t *sid,
                                 const int64_t *day)
{
    static const char *const exchange[] = {"NYSE", "NASDAQ", "", "AMEX"};
    const size_t n = plan->assets;
    int64_t *date[4];
    uint32_t *text[3];
    char symbol[24];
    for (int k = 0; k < 4; k++) date[k] = calloc(n + 1, sizeof *date[k]);
    for (int k = 0; k < 3; k++) text[k] = calloc(n + 1, sizeof *text[k]);
    for (size_t i = 0; i < n; i++) {
        snprintf(symbol, sizeof symbol, "S%zu", i / 2 * 2 + draw(seed, 2)); /* some twice */
        MUST(bp__head_text(head, symbol, &text[0][i]));
        MUST(bp__head_text(head, i % 5 ? "A name" : "", &text[1][i]));
        MUST(bp__head_text(head, exchange[draw(seed, 4)], &text[2][i]));
        const int64_t from = plan->sessions ? day[draw(seed, plan->sessions)] : MARKET_FIRST;
        date[0][i] = draw(seed, 9) ? from : BP_TIME_MISSING;
        date[1][i] = draw(seed, 9) ? from + (int64_t)draw(seed, 300) * BP_NS_PER_DAY : BP_TIME_MISSING;
        date[2][i] = from;
        date[3][i] = BP_TIME_MISSING;
    }
    MUST(bp__head_put(head, BP_COL_ASSET_SID, sid, n, 1));
    for (bp_column k = 0; k < 3; k++) MUST(bp__head_put(head, BP_COL_ASSET_SYMBOL + k, text[k], n, 1));
    for (bp_column k = 0; k < 4; k++) MUST(bp__head_put(head, BP_COL_ASSET_START + k, date[k], n, 1));
    for (int k = 0; k < 4; k++) free(date[k]);
    for (int k = 0; k < 3; k++) free(text[k]);
}

/* Hours of 5 to 9 minutes that begin within a minute, so that an open need not be a whole one. */
static inline void market_calendar(bp__head *head, const market_plan *plan, uint64_t *seed,
                                   const int64_t *day)
{
    int64_t *open = calloc(plan->sessions + 1, sizeof *open),
            *close = calloc(plan->sessions + 1, sizeof *close);
    for (size_t t = 0; t < plan->sessions; t++) {
        open[t] = day[t] + (int64_t)(600 + draw(seed, 3)) * MARKET_MINUTE;
        if (draw(seed, 4) == 0) open[t] += 1000000000;
        close[t] = open[t] + (int64_t)(5 + draw(seed, 5)) * MARKET_MINUTE;
        if (!plan->hours) open[t] = close[t] = BP_TIME_MISSING;
    }
    MUST(bp__head_put(head, BP_COL_SESSION, day, plan->sessions, 1));
    MUST(bp__head_put(head, BP_COL_MARKET_OPEN, open, plan->sessions, 1));
    MUST(bp__head_put(head, BP_COL_MARKET_CLOSE, close, plan->sessions, 1));
    free(open);
    free(close);
}

/* Every third asset has minute bars: most minutes of most sessions, and some outside. @return [bars] owned */
static inline int64_t *market_minutes(bp__head *head, const market_plan *plan, uint64_t *seed,
                                      const int64_t *sid, const int64_t *day, size_t *bars)
{
    const size_t m = plan->minutes ? (plan->assets + 2) / 3 : 0;
    int64_t *minute_sid = calloc(m + 1, sizeof *minute_sid), *offset = calloc(m + 1, sizeof *offset);
    int64_t *dt = calloc(m * plan->sessions * 14 + 1, sizeof *dt);
    size_t n = 0;
    for (size_t i = 0; i < m; i++) {
        minute_sid[i] = sid[3 * i];
        for (size_t t = 0; t < plan->sessions; t++)
            for (int64_t k = 598; k < 612; k++)
                if (draw(seed, 3) > 0 && (i + 1 < m || t > 1)) dt[n++] = day[t] + k * MARKET_MINUTE;
        offset[i + 1] = (int64_t)n;
    }
    if (m > 0) {
        MUST(bp__head_put(head, BP_COL_MINUTE_SID, minute_sid, m, 1));
        MUST(bp__head_put(head, BP_COL_MINUTE_OFFSET, offset, m + 1, 1));
        for (bp_column c = BP_COL_MINUTE_DT; c <= BP_COL_MINUTE_VOLUME; c++)
            MUST(bp__head_reserve(head, c, n, 1));
    }
    free(minute_sid);
    free(offset);
    *bars = n;
    return dt;
}

static inline void market_fill(bp__image *image, bp_column open, uint64_t *seed, size_t n)
{
    for (bp_column c = open; c < open + 5; c++) {
        double *value = bp__image_fill(image, c);
        const bool is_volume = c == open + 4;
        for (size_t i = 0; i < n; i++) {
            value[i] = (double)(1 + draw(seed, 1000000)) / 1000;
            if (draw(seed, is_volume ? 2 : 6) == 0) value[i] = is_volume ? 0 : NAN;
        }
    }
}

/* Bars only from an asset's first to its last session; holes within; an asset or two that never trade. */
static inline void market_cut(bp__image *image, const market_plan *plan, const int64_t *start,
                              const int64_t *end)
{
    for (bp_column c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) {
        double *value = bp__image_fill(image, c);
        for (size_t i = 0; value && i < plan->assets; i++)
            for (size_t t = 0; t < plan->sessions; t++)
                if ((int64_t)t < start[i] || (int64_t)t > end[i])
                    value[i * plan->sessions + t] = c == BP_COL_VOLUME ? 0 : NAN;
    }
}

/** A bundle by chance. @return bp_bundle_release() */
static inline const bp_bundle *make_market(const market_plan *plan, uint64_t seed)
{
    const size_t n = plan->assets, d = plan->sessions;
    int64_t *sid = calloc(n + 1, sizeof *sid), *day = calloc(d + 1, sizeof *day);
    int64_t *start = calloc(n + 1, sizeof *start), *end = calloc(n + 1, sizeof *end);
    char *currency = malloc(3 * n + 1);
    size_t bars = 0;
    bp__head *head;
    MUST(bp__head_create(&head));
    market_sessions(plan, &seed, day);
    for (size_t i = 0; i < n; i++) {
        sid[i] = (i ? sid[i - 1] : -7) + 1 + (int64_t)(draw(&seed, 3) ? 0 : draw(&seed, 1000));
        start[i] = d ? (int64_t)draw(&seed, d) : 0;
        end[i] = start[i] + (int64_t)draw(&seed, d - (size_t)start[i] + (d == 0)) -
                 (draw(&seed, 16) == 0 ? (int64_t)d : 0);
        memcpy(currency + 3 * i, i % 4 ? "USD" : "XXX", 3);
    }
    MUST(bp__head_put(head, BP_COL_SID, sid, n, 1));
    MUST(bp__head_put(head, BP_COL_DAY, day, d, 1));
    MUST(bp__head_put(head, BP_COL_LIFE_START, start, n, 1));
    MUST(bp__head_put(head, BP_COL_LIFE_END, end, n, 1));
    MUST(bp__head_put(head, BP_COL_CURRENCY, currency, n, 3));
    for (bp_column c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) MUST(bp__head_reserve(head, c, n, d));
    market_assets(head, plan, &seed, sid, day);
    market_symbols(head, plan, &seed, sid, day);
    market_calendar(head, plan, &seed, day);
    market_adjustments(head, plan, &seed, sid, day);
    int64_t *dt = market_minutes(head, plan, &seed, sid, day, &bars);
    bp__image *image = make_image(head);
    market_fill(image, BP_COL_OPEN, &seed, n * d);
    market_cut(image, plan, start, end);
    if (bars > 0) {
        memcpy(bp__image_fill(image, BP_COL_MINUTE_DT), dt, bars * sizeof *dt);
        market_fill(image, BP_COL_MINUTE_OPEN, &seed, bars);
    }
    free(sid);
    free(day);
    free(start);
    free(end);
    free(currency);
    free(dt);
    return make_bundle(image, "market");
}

/* Plain reading ---------------------------------------------------------------------------------- */

static inline size_t column_rows(const bp_bundle *b, bp_column c)
{
    bp_array array;
    return bp_bundle_column(b, c, &array) ? (size_t)array.shape[0] : 0;
}

static inline const int64_t *int64s_of(const bp_bundle *b, bp_column c)
{
    bp_array array;
    return bp_bundle_column(b, c, &array) ? array.data : NULL;
}

static inline const double *doubles_of(const bp_bundle *b, bp_column c)
{
    bp_array array;
    return bp_bundle_column(b, c, &array) ? array.data : NULL;
}

static inline const char *text_of(const bp_bundle *b, bp_column c, size_t row)
{
    bp_array array;
    return bp_bundle_column(b, c, &array) ? bp_bundle_text(b, ((const uint32_t *)array.data)[row]) : NULL;
}

/** Place of x in a column; -1: nowhere. */
static inline long plain_find(const bp_bundle *b, bp_column c, int64_t x)
{
    const int64_t *at = int64s_of(b, c);
    for (size_t i = 0; i < column_rows(b, c); i++)
        if (at[i] == x) return (long)i;
    return -1;
}

/** A sid of the bundle, or sometimes none. */
static inline int64_t some_sid(const bp_bundle *b, uint64_t *seed)
{
    const size_t n = bp_bundle_num_assets(b);
    if (n == 0 || draw(seed, 10) == 0) return (int64_t)draw(seed, 2000) - 100;
    return bp_bundle_sids(b)[draw(seed, n)];
}

/** A session, or sometimes another time. */
static inline int64_t some_day(const bp_bundle *b, uint64_t *seed)
{
    const size_t d = bp_bundle_num_sessions(b);
    if (d == 0 || draw(seed, 8) == 0)
        return MARKET_FIRST + (int64_t)draw(seed, 3 * d + 40) * BP_NS_PER_DAY - 20 * BP_NS_PER_DAY +
               (int64_t)draw(seed, 2);
    return bp_bundle_sessions(b)[draw(seed, d)];
}

static inline bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

#endif
