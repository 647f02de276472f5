/* DESIGN
 *
 * Integers, and quotients of two of them: no libm, no rounding mode, no fused multiply-add can make two machines differ. Money is in
 * micro-dollars, returns and volatilities in parts per million (ppm). Each asset draws from a stream of
 * its own, so that its history does not depend on the others.
 */
#include "io/ingest/demo.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PPM            INT64_C(1000000)
#define DOLLAR         INT64_C(1000000)                 /* micro-dollars */
#define FIRST_DAY      (INT64_C(14613) * BP_NS_PER_DAY) /* Monday 2010-01-04 */
#define MILLS          1000                             /* thousandths of a dollar */
#define MINUTE_NS      INT64_C(60000000000)
#define MARKET_OPEN    (870 * MINUTE_NS)
#define MARKET_MINUTES 390
#define YEAR_DAYS      252
#define QUARTER_DAYS   63
#define MARKET_VOL     9000 /* ppm per session */
#define SPLIT_ABOVE    (160 * DOLLAR)
#define REVERSE_BELOW  (4 * DOLLAR)

/* Random numbers -------------------------------------------------------------------------------- */

/* splitmix64: one addition and a mixing function, any seed is good. */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in low … high. */
static int64_t uniform(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(mix(state) % (uint64_t)(high - low + 1));
}

/* A standard normal deviate in ppm: the sum of eight 16-bit uniforms, whose deviation is 53510. */
static int64_t normal(uint64_t *state)
{
    int64_t sum = -4 * 65535;
    for (int word = 0; word < 2; word++)
        for (uint64_t x = mix(state), i = 0; i < 4; i++, x >>= 16) sum += (int64_t)(x & 0xffff);
    return sum * PPM / 53510;
}

static int64_t magnitude(int64_t x)
{
    return x < 0 ? -x : x;
}

/* x · ppm / 10^6 */
static int64_t scaled(int64_t x, int64_t ppm)
{
    return x * ppm / PPM;
}

/* Sessions -------------------------------------------------------------------------------------- */

static bool is_session(int64_t day)
{
    time_t t = (time_t)(day / 1000000000);
    struct tm tm;
    gmtime_r(&t, &tm);
    bool holiday = (tm.tm_mon == 0 && tm.tm_mday == 1) || (tm.tm_mon == 6 && tm.tm_mday == 4) ||
                   (tm.tm_mon == 11 && tm.tm_mday == 25);
    return tm.tm_wday != 0 && tm.tm_wday != 6 && !holiday;
}

typedef struct sessions {
    size_t n;
    int64_t *day;    /* [n], owned */
    int64_t *market; /* [n] return of the whole market, ppm; owned */
} sessions;

static bp_status put_sessions(bp__draft *draft, sessions *of)
{
    int64_t day = FIRST_DAY;
    for (size_t t = 0; t < of->n; day += BP_NS_PER_DAY) {
        if (!is_session(day)) continue;
        of->day[t++] = day;
        BP_TRY(bp__draft_add_day(draft, day)); /* a session even if all of a small market is halted */
        bp__draft_session s = {day, day + MARKET_OPEN, day + MARKET_OPEN + MARKET_MINUTES * MINUTE_NS};
        BP_TRY(bp__draft_add_session(draft, &s));
    }
    return BP_OK;
}

/* One asset ------------------------------------------------------------------------------------- */

typedef struct asset {
    bp__draft *draft;
    const sessions *sessions;
    bp__bar *bar; /* [sessions->n], of its daily bars; a price of 0: it did not trade */
    size_t row;   /* its sid, too */
    uint64_t random;
    int64_t price;            /* after the last session, micro-dollars */
    int64_t volume;           /* shares on a quiet day */
    int64_t drift, vol, beta; /* ppm */
    int64_t yield;            /* ppm a year; 0: pays nothing */
    size_t first, last;       /* sessions of its life */
    size_t payday;            /* session of a quarter on which it goes ex */
} asset;

/* A price in dollars: whole cents, as real prices have them, and never 0. */
static double tick(int64_t price)
{
    const int64_t cents = (price + DOLLAR / 200) / (DOLLAR / 100);
    return (double)(cents > 0 ? cents : 1) / 100;
}

static void begin(asset *a, uint64_t seed)
{
    const size_t d = a->sessions->n;
    a->random = seed;
    mix(&a->random);
    a->price = uniform(&a->random, 6 * DOLLAR, 150 * DOLLAR); /* one draw a statement: order is defined */
    a->volume = uniform(&a->random, 1, 100);
    a->volume *= uniform(&a->random, 20000, 200000);
    a->vol = uniform(&a->random, 6000, 24000);
    a->beta = uniform(&a->random, 400000, 1600000);
    /* growth of -2 to +22 % a year, and what the volatility takes from it, news included */
    int64_t market = scaled(MARKET_VOL, a->beta);
    a->drift = uniform(&a->random, -20000, 220000) / YEAR_DAYS +
               (a->vol * a->vol * 6 / 5 + market * market) / 2 / PPM;
    a->yield = uniform(&a->random, 0, 99) < 40 ? uniform(&a->random, 8000, 45000) : 0;
    a->payday = (size_t)uniform(&a->random, 0, QUARTER_DAYS - 1);
    a->first = 0;
    a->last = d - 1;
    int64_t fate = uniform(&a->random, 0, 99);
    if (a->row == 0 || d < 40) return; /* the first one spans everything */
    if (fate < 15)
        a->first = (size_t)uniform(&a->random, 1, (int64_t)(d * 6 / 10));
    else if (fate < 25)
        a->last = (size_t)uniform(&a->random, (int64_t)(d * 4 / 10), (int64_t)d - 2);
}

/* Before the open of session t: a split makes the price plausible again. */
static bp_status maybe_split(asset *a, size_t t)
{
    int64_t new_shares = 1, old_shares = 1;
    if (a->price > SPLIT_ABOVE)
        new_shares = uniform(&a->random, 0, 3) == 0 ? 3 : 2;
    else if (a->price < REVERSE_BELOW)
        old_shares = 10;
    else
        return BP_OK;
    a->price = a->price * old_shares / new_shares;
    a->volume = a->volume * new_shares / old_shares + 1;
    bp__draft_ratio split = {(int64_t)a->row, a->sessions->day[t], (double)old_shares / (double)new_shares};
    return bp__draft_add_ratio(a->draft, BP__SPLITS, &split);
}

/* Before the open of session t: the price falls by what is paid. */
static bp_status maybe_dividend(asset *a, size_t t)
{
    if (a->yield == 0 || t % QUARTER_DAYS != a->payday) return BP_OK;
    int64_t cents = scaled(a->price, a->yield / 4) / (DOLLAR / 100);
    if (cents == 0) return BP_OK;
    const int64_t ex = a->sessions->day[t];
    bp__draft_payout payout = {.sid = (int64_t)a->row,
                               .ex_date = ex,
                               .declared_date = ex - 21 * BP_NS_PER_DAY,
                               .record_date = ex + BP_NS_PER_DAY,
                               .pay_date = ex + 28 * BP_NS_PER_DAY,
                               .amount = (double)cents / 100};
    a->price -= cents * (DOLLAR / 100);
    return bp__draft_add_dividend(a->draft, &payout);
}

/* One session: the market's return moves the asset by its beta, the rest is its own. */
static void trade(asset *a, size_t t, int64_t market)
{
    int64_t own = scaled(normal(&a->random), a->vol);
    if (uniform(&a->random, 0, 49) == 0) own *= 3; /* news */
    int64_t move = a->drift + scaled(market, a->beta) + own;
    if (move < -PPM / 2) move = -PPM / 2;
    int64_t close = a->price + scaled(a->price, move);
    int64_t open = a->price + scaled(a->price, move / 3 + scaled(normal(&a->random), a->vol / 4));
    if (close < DOLLAR / 100) close = DOLLAR / 100;
    if (open < DOLLAR / 100) open = DOLLAR / 100;
    int64_t high = open > close ? open : close, low = open > close ? close : open;
    high += scaled(high, magnitude(scaled(normal(&a->random), a->vol / 2)));
    low -= scaled(low, magnitude(scaled(normal(&a->random), a->vol / 2)));
    int64_t busy = PPM * 7 / 10 + magnitude(normal(&a->random)) / 2 + magnitude(own) * 20;
    bool halted = t > a->first && t < a->last && uniform(&a->random, 0, 1999) == 0;
    a->price = close;
    if (halted) return; /* nothing traded: every field is missing */

    double *value = a->bar[t].value;
    value[BP__OPEN] = tick(open);
    value[BP__HIGH] = tick(high);
    value[BP__LOW] = tick(low);
    value[BP__CLOSE] = tick(close);
    int64_t volume = scaled(a->volume, busy);
    value[BP__VOLUME] = volume < 1 ? 1 : volume > UINT32_MAX ? (double)UINT32_MAX : (double)volume;
}

static bp_status live(asset *a)
{
    memset(a->bar, 0, a->sessions->n * sizeof *a->bar);
    for (size_t t = 0; t < a->sessions->n; t++) a->bar[t].dt = a->sessions->day[t];
    for (size_t t = a->first; t <= a->last; t++) {
        if (t > a->first) {
            BP_TRY(maybe_split(a, t));
            BP_TRY(maybe_dividend(a, t));
        }
        trade(a, t, a->sessions->market[t]);
    }
    return bp__draft_add_bars(a->draft, BP__DAILY, (int64_t)a->row, a->bar, a->sessions->n, NULL);
}

/* Minutes of one session: from open to close within low and high, volumes that add up to the day's.
 * A minute is labelled by its end. In thousandths of a dollar. */
static void trade_minutes(asset *a, size_t t, bp__bar bars[MARKET_MINUTES])
{
    int64_t day[BP__NUM_FIELDS];
    for (int f = 0; f < BP__NUM_FIELDS; f++)
        day[f] = (int64_t)(a->bar[t].value[f] * (f == BP__VOLUME ? 1 : MILLS) + 0.5);
    int64_t before = day[BP__OPEN];
    for (int64_t m = 0; m < MARKET_MINUTES; m++) {
        int64_t after = day[BP__OPEN] + (day[BP__CLOSE] - day[BP__OPEN]) * (m + 1) / MARKET_MINUTES;
        if (m + 1 < MARKET_MINUTES) /* noise, rounded to cents */
            after = (after + scaled(normal(&a->random), (day[BP__HIGH] - day[BP__LOW]) / 4)) / 10 * 10;
        if (after > day[BP__HIGH]) after = day[BP__HIGH];
        if (after < day[BP__LOW]) after = day[BP__LOW];
        bp__bar *bar = &bars[m];
        bar->dt = a->sessions->day[t] + MARKET_OPEN + (m + 1) * MINUTE_NS;
        bar->value[BP__OPEN] = (double)before / MILLS;
        bar->value[BP__CLOSE] = (double)after / MILLS;
        bar->value[BP__HIGH] = (double)(before > after ? before : after) / MILLS;
        bar->value[BP__LOW] = (double)(before > after ? after : before) / MILLS;
        const int64_t sold =
            day[BP__VOLUME] * m / MARKET_MINUTES; /* whole shares, that add up to those of the day */
        const int64_t then = day[BP__VOLUME] * (m + 1) / MARKET_MINUTES;
        bar->value[BP__VOLUME] = (double)(then - sold);
        before = after;
    }
}

static bp_status put_minutes(asset *a, int64_t days)
{
    const size_t first = a->last + 1 - a->first > (size_t)days ? a->last + 1 - (size_t)days : a->first;
    for (size_t t = first; t <= a->last; t++) {
        bp__bar bars[MARKET_MINUTES];
        if (a->bar[t].value[BP__OPEN] == 0) continue;
        trade_minutes(a, t, bars);
        BP_TRY(bp__draft_add_bars(a->draft, BP__MINUTE, (int64_t)a->row, bars, MARKET_MINUTES, NULL));
    }
    return BP_OK;
}

/* Four letters, no two alike: 333773 = 11 · 19 · 1597 has no factor in common with 26^4. */
static void make_symbol(uint64_t seed, size_t row, char symbol[5])
{
    uint64_t k = (row * UINT64_C(333773) + mix(&seed) % 456976) % 456976;
    for (int i = 0; i < 4; i++, k /= 26) symbol[i] = (char)('A' + k % 26);
    symbol[4] = '\0';
}

static bp_status put_asset(const asset *a, uint64_t seed)
{
    static const char *const kind[] = {"Holdings", "Industries", "Energy", "Systems", "Financial", "Foods"};
    char symbol[5], name[32];
    make_symbol(seed, a->row, symbol);
    snprintf(name, sizeof name, "%.1s%c%c%c %s Inc", symbol, symbol[1] + 32, symbol[2] + 32, symbol[3] + 32,
             kind[a->row % 6]);
    const int64_t start = a->sessions->day[a->first], end = a->sessions->day[a->last];
    bp__draft_asset row = {.sid = (int64_t)a->row,
                           .symbol = symbol,
                           .name = name,
                           .exchange = a->row % 3 == 0 ? "NASDAQ" : "NYSE",
                           .currency = "USD",
                           .start_date = start,
                           .end_date = end,
                           .first_traded = start,
                           .auto_close_date = end + BP_NS_PER_DAY};
    BP_TRY(bp__draft_add_asset(a->draft, &row));
    return bp__draft_add_mapping(a->draft, &(bp__draft_mapping){row.sid, symbol, start, end});
}

/* The market ------------------------------------------------------------------------------------ */

static bp_status put_assets(const bp__demo_options *options, const sessions *of, bp__draft *draft)
{
    bp_status s = BP_OK;
    bp__bar *bar = malloc(of->n * sizeof *bar + 1);
    if (!bar) BP_FAIL(BP_ENOMEM, "no memory for %zu sessions", of->n);
    for (size_t i = 0; i < (size_t)options->assets && s == BP_OK; i++) {
        uint64_t stream = options->seed ^ ((uint64_t)i + 1) << 32;
        asset a = {.draft = draft, .sessions = of, .bar = bar, .row = i};
        begin(&a, mix(&stream));
        s = live(&a);
        if (s == BP_OK) s = put_asset(&a, options->seed);
        if (s == BP_OK && options->minute_days > 0) s = put_minutes(&a, options->minute_days);
    }
    free(bar);
    return s;
}

static bp_status generate(const bp__demo_options *options, sessions *of, bp__draft *draft)
{
    uint64_t random = options->seed;
    BP_TRY(put_sessions(draft, of));
    for (size_t t = 0; t < of->n; t++) of->market[t] = scaled(normal(&random), MARKET_VOL);
    return put_assets(options, of, draft);
}

bp_status bp__demo_generate(const bp__demo_options *options, bp__draft *draft)
{
    if (options->assets < 1 || options->assets > BP__DEMO_MAX_ASSETS)
        BP_FAIL(BP_EINVAL, "assets: %lld is not in 1 to %d", (long long)options->assets, BP__DEMO_MAX_ASSETS);
    if (options->days < 1 || options->days > BP__DEMO_MAX_DAYS)
        BP_FAIL(BP_EINVAL, "days: %lld is not in 1 to %d", (long long)options->days, BP__DEMO_MAX_DAYS);
    if (options->minute_days < 0)
        BP_FAIL(BP_EINVAL, "minute days: %lld is negative", (long long)options->minute_days);
    const size_t n = (size_t)options->days;
    sessions of = {.n = n, .day = calloc(n, sizeof(int64_t)), .market = calloc(n, sizeof(int64_t))};
    strcpy(draft->calendar_name, "XNYS");
    const bp_status s = of.day && of.market ? generate(options, &of, draft)
                                            : bp__fail(BP_ENOMEM, "no memory for %zu sessions", n);
    free(of.day);
    free(of.market);
    return s;
}
