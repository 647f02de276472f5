#include "tests/backtest/market.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"

static void *must(void *p)
{
    if (!p) abort();
    return p;
}

static void must_ok(bp_status s)
{
    if (s == BP_OK) return;
    fprintf(stderr, "%s\n", bp_error_text());
    abort();
}

market market_create(size_t assets, size_t sessions)
{
    market m = {.assets = assets, .sessions = sessions};
    m.open = must(malloc((assets * sessions + 1) * sizeof *m.open));
    m.close = must(malloc((assets * sessions + 1) * sizeof *m.close));
    m.life_end = must(malloc((assets + 1) * sizeof *m.life_end));
    for (size_t k = 0; k < assets * sessions; k++) m.open[k] = m.close[k] = NAN;
    for (size_t i = 0; i < assets; i++) m.life_end[i] = (int64_t)sessions - 1;
    return m;
}

void market_destroy(market *m)
{
    free(m->open);
    free(m->close);
    free(m->life_end);
}

int64_t market_day(size_t session)
{
    return (18000 + (int64_t)(session + session / 5 * 2)) * BP_NS_PER_DAY;
}

int64_t market_sid(size_t asset)
{
    return 10 * (int64_t)(asset + 1);
}

void market_prices(market *m, size_t asset, size_t from, size_t count, const double *open,
                   const double *close)
{
    memcpy(m->open + asset * m->sessions + from, open, count * sizeof *open);
    memcpy(m->close + asset * m->sessions + from, close, count * sizeof *close);
}

void market_split(market *m, size_t asset, int64_t date, double ratio)
{
    if (m->splits == MAX_ADJUSTMENTS) abort();
    m->split[m->splits++] = (adjustment){.sid = market_sid(asset), .date = date, .value = ratio};
}

void market_dividend(market *m, size_t asset, int64_t date, double amount)
{
    if (m->dividends == MAX_ADJUSTMENTS) abort();
    m->dividend[m->dividends++] =
        (adjustment){.sid = market_sid(asset), .date = date, .pay = date, .value = amount};
}

/* A bundle over an image on the heap ------------------------------------------------------------ */

static void release(const bp_bundle *bundle)
{
    free((void *)(uintptr_t)bundle->image);
    free((void *)(uintptr_t)bundle);
}

static int by_sid_and_date(const void *x, const void *y)
{
    const adjustment *a = *(const adjustment *const *)x, *b = *(const adjustment *const *)y;
    if (a->sid != b->sid) return a->sid < b->sid ? -1 : 1;
    if (a->date != b->date) return a->date < b->date ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* A table as files have it: by sid and date, then as it was said. @param[in] pay  BP_NUM_COLUMNS: none */
static void put_adjustments(bp__head *head, const adjustment *a, size_t n, bp_column sid, bp_column value,
                            bp_column pay)
{
    const adjustment **row = must(malloc((n + 1) * sizeof *row));
    int64_t *number[3];
    double *values = must(malloc((n + 1) * sizeof *values));
    for (size_t k = 0; k < 3; k++) number[k] = must(malloc((n + 1) * sizeof *number[k]));
    for (size_t k = 0; k < n; k++) row[k] = &a[k];
    qsort(row, n, sizeof *row, by_sid_and_date);
    for (size_t k = 0; k < n; k++) {
        number[0][k] = row[k]->sid;
        number[1][k] = row[k]->date;
        number[2][k] = row[k]->pay;
        values[k] = row[k]->value;
    }
    must_ok(bp__head_put(head, sid, number[0], n, 1));
    must_ok(bp__head_put(head, (bp_column)(sid + 1), number[1], n, 1));
    must_ok(bp__head_put(head, value, values, n, 1));
    if (pay != BP_NUM_COLUMNS) must_ok(bp__head_put(head, pay, number[2], n, 1));
    for (size_t k = 0; k < 3; k++) free(number[k]);
    free(values);
    free(row);
}

const bp_bundle *market_bundle(const market *m)
{
    bp__head *head;
    must_ok(bp__head_create(&head));
    int64_t *sid = must(malloc((m->assets + 1) * sizeof *sid));
    int64_t *day = must(malloc((m->sessions + 1) * sizeof *day));
    uint32_t *symbol = must(malloc((m->assets + 1) * sizeof *symbol));
    for (size_t i = 0; i < m->assets; i++) {
        char text[32];
        if (i < 26)
            snprintf(text, sizeof text, "%c", (char)('A' + i));
        else
            snprintf(text, sizeof text, "S%zu", i);
        sid[i] = market_sid(i);
        must_ok(bp__head_text(head, text, &symbol[i]));
    }
    for (size_t t = 0; t < m->sessions; t++) day[t] = market_day(t);
    must_ok(bp__head_put(head, BP_COL_SID, sid, m->assets, 1));
    must_ok(bp__head_put(head, BP_COL_DAY, day, m->sessions, 1));
    must_ok(bp__head_put(head, BP_COL_LIFE_END, m->life_end, m->assets, 1));
    must_ok(bp__head_put(head, BP_COL_ASSET_SID, sid, m->assets, 1));
    must_ok(bp__head_put(head, BP_COL_ASSET_SYMBOL, symbol, m->assets, 1));
    put_adjustments(head, m->split, m->splits, BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO, BP_NUM_COLUMNS);
    put_adjustments(head, m->dividend, m->dividends, BP_COL_PAYOUT_SID, BP_COL_PAYOUT_AMOUNT,
                    BP_COL_PAYOUT_PAY);
    must_ok(bp__head_reserve(head, BP_COL_OPEN, m->assets, m->sessions));
    must_ok(bp__head_reserve(head, BP_COL_CLOSE, m->assets, m->sessions));

    void *bytes;
    uint64_t head_bytes, image_bytes;
    must_ok(bp__head_seal(head, &bytes, &head_bytes, &image_bytes));
    bp__head_destroy(&head);
    void *image = must(aligned_alloc(BP__IMAGE_ALIGN, image_bytes));
    memset(image, 0, image_bytes);
    memcpy(image, bytes, head_bytes);
    free(bytes);
    size_t bulk = m->assets * m->sessions * sizeof(double);
    if (bulk > 0) {
        memcpy(must(bp__image_fill(image, BP_COL_OPEN)), m->open, bulk);
        memcpy(must(bp__image_fill(image, BP_COL_CLOSE)), m->close, bulk);
    }
    bp_bundle *bundle = must(malloc(sizeof *bundle));
    *bundle = (bp_bundle){.image = image, .release = release, .name = "market"};
    free(sid);
    free(day);
    free(symbol);
    return bundle;
}

/* Random markets -------------------------------------------------------------------------------- */

double random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double cents(double price)
{
    return floor(price * 1000 + 0.5) * (1.0 / 1000);
}

static void random_adjustments(market *m, uint64_t *seed, size_t i)
{
    static const double RATIOS[] = {1.0 / 7, 0.5, 2.0 / 3, 0.142857, 3, 10, 1, -1, NAN};
    /* dates need not be sessions, and may lie outside the bundle */
    const double days = (double)(market_day(m->sessions) / BP_NS_PER_DAY - 18000) + 10;
    for (double left = random_next(seed) * 4; left > 1 && m->splits < MAX_ADJUSTMENTS; left -= 1) {
        int64_t day = 17995 + (int64_t)(random_next(seed) * days);
        market_split(m, i, day * BP_NS_PER_DAY, RATIOS[(size_t)(random_next(seed) * 9)]);
    }
    for (double left = random_next(seed) * 6; left > 1 && m->dividends < MAX_ADJUSTMENTS; left -= 1) {
        int64_t day = 17995 + (int64_t)(random_next(seed) * days);
        market_dividend(m, i, day * BP_NS_PER_DAY, random_next(seed) - 0.05);
    }
}

market market_random(uint64_t seed, size_t assets, size_t sessions)
{
    market m = market_create(assets, sessions);
    uint64_t s = seed;
    const double holes = random_next(&s) < 0.3 ? 0 : random_next(&s) * 0.3;
    for (size_t i = 0; i < assets; i++) {
        double price = 5 + 100 * random_next(&s), drift = 0.2 * random_next(&s);
        size_t first = random_next(&s) < 0.6 ? 0 : (size_t)(random_next(&s) * (double)sessions);
        size_t last = random_next(&s) < 0.6 ? sessions - 1 : (size_t)(random_next(&s) * (double)sessions);
        bool gaps = random_next(&s) < 0.7;
        bool constant = random_next(&s) < 0.15; /* averages that differ by rounding alone */
        for (size_t t = first; t < sessions && (t <= last || random_next(&s) < 0.1); t++) {
            if (!constant) price *= 1 + drift * (random_next(&s) - 0.49);
            if (price < 0.01) price = 0.01;
            if (!constant && random_next(&s) < 0.02) price = 25; /* equal prices: ties, no deviation */
            double gap = 1 + 0.02 * (random_next(&s) - 0.5);
            m.open[i * sessions + t] = gaps && random_next(&s) < holes ? NAN : cents(price * gap);
            m.close[i * sessions + t] = gaps && random_next(&s) < holes ? NAN : cents(price);
        }
        m.life_end[i] = random_next(&s) < 0.1 ? -1 : (int64_t)last;
        random_adjustments(&m, &s, i);
    }
    return m;
}
