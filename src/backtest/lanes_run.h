/** @file src/backtest/lanes_run.h
 * A run of many combinations, in vectors of one instruction set: the files isa_….c include it, and nobody else. What a step means is said in docs/backtest.md, section 3; plain.c does the
 * same for one combination.
 */
#include <float.h>
#include <math.h>

#include "backtest/lanes_state.h"
#include "backtest/vector.h"

#define LANES          (GROUP * WIDTH) /* of a group */
#define INLINE         static inline __attribute__((always_inline))
#define EACH_VECTOR(v) _Pragma("GCC unroll 8") for (size_t v = 0; v < GROUP; v++)

/* Where the lanes of a group of an asset begin in shares, target and waiting. */
static inline size_t place(const bp__lanes *k, size_t group, size_t asset)
{
    return (group * k->words * 64 + asset) * LANES;
}

static size_t groups(const bp__lanes *k)
{
    return (k->count + LANES - 1) / LANES;
}

/* List the assets of three sets. */
static void list(bp__lanes *k, const uint64_t *a, const uint64_t *b, const uint64_t *c)
{
    size_t n = 0;
    for (size_t w = 0; w < k->words; w++)
        for (uint64_t left = a[w] | b[w] | c[w]; left; left &= left - 1)
            k->list[n++] = (uint32_t)(w * 64 + (size_t)__builtin_ctzll(left));
    k->listed = n;
}

static inline bool has(const uint64_t *set, size_t asset)
{
    return set[asset / 64] >> (asset % 64) & 1;
}

static inline void leave_set(uint64_t *set, size_t asset)
{
    set[asset / 64] &= ~(UINT64_C(1) << (asset % 64));
}

/* Prices --------------------------------------------------------------------------------------------- */

static inline double price_or_0(double x)
{
    return bp__priced(x) ? x : 0;
}

/* Columns of up to eight assets as rows: a line of memory in each. @param[in] rows  that a column has; 0 in those behind */
static void turn(const double *const *column, const int32_t *rows, size_t count, double *to, size_t stride)
{
    for (int32_t s = 0; s < BP__LANES_BLOCK; s++)
        for (size_t i = 0; i < count; i++)
            to[(size_t)s * stride + i] = s < rows[i] ? price_or_0(column[i][s]) : 0;
}

/* Marks of an asset with gaps, from session t on. @param[in] before  its mark before */
static const double *find_marks(const bp__scope *s, size_t asset, int32_t t, int32_t rows, double before,
                                double *room)
{
    bp__marks marks = bp__marks_from(s, asset, t, t > 0 ? before : bp__scope_last_mark(s, asset, -1));
    for (int32_t i = 0; i < rows; i++) room[i] = bp__marks_next(&marks, t + i);
    return room;
}

static int32_t rows_until(int32_t t, int32_t end)
{
    return end <= t ? 0 : end - t < BP__LANES_BLOCK ? end - t : BP__LANES_BLOCK;
}

/* Go on to the block that begins with session t. */
static void prices_from(bp__lanes *k, int32_t t)
{
    const bp__scope *scope = k->scope;
    const int32_t n = (int32_t)scope->num_sessions;
    bp__lanes_block *block = &k->block[t / BP__LANES_BLOCK];
    const double *before = k->mark;
    k->open = block->kept ? block->kept : k->prices;
    k->mark = k->open + (BP__LANES_BLOCK + 1) * k->stride;
    k->derived->stats.hits += block->ready;
    k->derived->stats.misses += !block->ready;
    if (block->ready) return;
    block->ready = block->kept != NULL;
    if (t > 0) memcpy(k->mark, before + BP__LANES_BLOCK * k->stride, k->stride * sizeof *k->mark);
    for (size_t a = 0; a < scope->num_assets; a += 8) {
        const size_t count = scope->num_assets - a < 8 ? scope->num_assets - a : 8;
        const double *open[8] = {NULL}, *mark[8] = {NULL};
        double found[8][BP__LANES_BLOCK];
        int32_t opens[8] = {0}, marks[8] = {0};
        for (size_t i = 0; i < count; i++) {
            const int32_t delisted = scope->asset[a + i].delisted;
            opens[i] = rows_until(t, n);
            marks[i] = rows_until(t, delisted < n ? delisted + 1 : n); /* there is no mark behind it */
            open[i] = scope->open[a + i] + t;
            mark[i] = !scope->has_gaps[a + i]
                          ? scope->close[a + i] + t
                          : find_marks(scope, a + i, t, marks[i], k->mark[a + i], found[i]);
        }
        turn(open, opens, count, k->open + k->stride + a, k->stride);
        turn(mark, marks, count, k->mark + k->stride + a, k->stride);
    }
}

/* What the opens of a session make of fills, and which of them are missing. */
static void look_at_opens(bp__lanes *k, const double *open)
{
    for (size_t w = 0; w < k->words; w++) {
        uint64_t missing = 0;
        for (size_t i = 0; i < 64 && w * 64 + i < k->stride; i += WIDTH) {
            const size_t a = w * 64 + i;
            const vector o = load(open + a);
            store(k->sale + a, o * all(k->sale_factor));
            store(k->buy + a, o * all(k->buy_factor));
            missing |= bits_of(at_most(o, all(0))) << i;
        }
        k->missing[w] = missing;
    }
}

/* Bounds of 1 / mark. By rounding being monotone, x * least <= x / mark <= x * most, as doubles, for any x from 0 on. */
static void bound_marks(bp__lanes *k, const double *mark)
{
    mask tiny = less(all(0), all(0));
    for (size_t a = 0; a < k->stride; a += WIDTH) {
        const vector m = load(mark + a), inverse = all(1) / m;
        store(k->least + a, next_up(inverse, -1));
        store(k->most + a, next_up(inverse, 1));
        tiny = either(tiny, both(less(all(0), m), less(m, all(0x1p-1000)))); /* 1 / m may be infinite */
    }
    k->exactly = any(tiny);
}

/* Targets, sales, buys ------------------------------------------------------------------------------- */

/* Find the targets of a group's orders, or take them as they are, and sell what is more than them. To find and to sell
 * together is the usual way.
 *
 * @return false: a target is in doubt, and nothing is done; call with `exactly` */
INLINE bool sales_by(const bp__lanes *k, size_t g, const double *mark, bool weights, bool find, bool sell,
                     bool everyone, bool exactly)
{
    const double *shares = k->shares + place(k, g, 0);
    const double *worth = weights ? k->worth + place(k, g, 0) : NULL;
    double *target = k->target + place(k, g, 0);
    const vector rate = all(k->rate), zero = all(0);
    vector cash[GROUP], each[GROUP], fills[GROUP], slack[GROUP];
    mask decides[GROUP];
    EACH_VECTOR(v)
    {
        const size_t l = g * LANES + v * WIDTH;
        cash[v] = load(k->cash + l);
        each[v] = load(k->each + l);
        fills[v] = load(k->fills + l);
        decides[v] = mask_of(k->deciding >> l);
        slack[v] = zero;
    }
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        const uint64_t want = k->want[a] >> (g * LANES);
        const vector sale = all(k->sale[a]), most = all(k->most[a]), least = all(k->least[a]);
        EACH_VECTOR(v)
        {
            const size_t at = a * LANES + v * WIDTH;
            const vector now = load(shares + at);
            vector to;
            if (find) {
                const vector x = weights ? load(worth + at) : each[v];
                to = exactly ? whole(x / all(mark[a])) : whole(x * most);
                if (!weights) to = where(mask_of(want >> (v * WIDTH)), to);
                if (!exactly) slack[v] = smaller(slack[v], x * least - to);
                if (!everyone) to = choose(decides[v], to, now);
                store(target + at, to);
            } else {
                to = load(target + at);
            }
            if (sell) {
                const vector value = larger(now - to, zero) * sale;
                cash[v] = cash[v] + (value - rate * value);
                fills[v] =
                    add_where(differ(now, to), fills[v], all(1)); /* of buys too: some are taken back there */
            }
        }
    }
    if (find && !exactly) {
        mask doubtful = less(zero, zero);
        EACH_VECTOR(v) doubtful = either(doubtful, less(slack[v], zero));
        if (any(doubtful)) return false;
    }
    EACH_VECTOR(v)
    {
        const size_t l = g * LANES + v * WIDTH;
        store(k->cash + l, cash[v]);
        store(k->fills + l, fills[v]);
    }
    return true;
}

INLINE bool sales(const bp__lanes *k, size_t g, const double *mark, bool find, bool sell, bool everyone,
                  bool exactly)
{
    return k->weights ? sales_by(k, g, mark, true, find, sell, everyone, exactly)
                      : sales_by(k, g, mark, false, find, sell, everyone, exactly);
}

static __attribute__((noinline)) bool sell_all_deciding(const bp__lanes *k, size_t g, const double *mark)
{
    return sales(k, g, mark, true, true, true, false);
}

static __attribute__((noinline)) bool sell_some_deciding(const bp__lanes *k, size_t g, const double *mark)
{
    return sales(k, g, mark, true, true, false, false);
}

static __attribute__((noinline)) void sell_exactly(const bp__lanes *k, size_t g, const double *mark)
{
    (void)sales(k, g, mark, true, true, false, true);
}

static __attribute__((noinline)) void find_exactly(const bp__lanes *k, size_t g, const double *mark)
{
    (void)sales(k, g, mark, true, false, false, true);
}

static __attribute__((noinline)) void find_targets(const bp__lanes *k, size_t g, const double *mark)
{
    if (k->exactly || !sales(k, g, mark, true, false, false, false)) find_exactly(k, g, mark);
}

static __attribute__((noinline)) void sell_given(const bp__lanes *k, size_t g)
{
    (void)sales_by(k, g, NULL, false, false, true, false, false);
}

static void find_and_sell(const bp__lanes *k, size_t g, const double *mark)
{
    const uint64_t of_group = (k->count == 64 ? UINT64_MAX : (UINT64_C(1) << k->count) - 1) >> (g * LANES);
    const uint64_t lanes = LANES == 64 ? of_group : of_group & ((UINT64_C(1) << (LANES % 64)) - 1);
    const bool everyone = (k->deciding >> (g * LANES) & lanes) == lanes;
    if (k->exactly || !(everyone ? sell_all_deciding(k, g, mark) : sell_some_deciding(k, g, mark)))
        sell_exactly(k, g, mark);
}

/* Buy assets of the list from the i-th on, where some lane cannot pay. */
static __attribute__((noinline)) void buy_carefully(const bp__lanes *k, size_t g, size_t i)
{
    const double *shares = k->shares + place(k, g, 0);
    double *target = k->target + place(k, g, 0);
    const vector rate = all(k->rate), zero = all(0), one = all(1);
    for (; i < k->listed; i++) {
        const size_t a = k->list[i];
        const vector price = all(k->buy[a]), unit = price + rate * price;
        EACH_VECTOR(v)
        {
            const size_t at = a * LANES + v * WIDTH, l = g * LANES + v * WIDTH;
            const vector to = load(target + at), now = load(shares + at), cash = load(k->cash + l);
            const vector value = larger(to - now, zero) * price, cost = value + rate * value;
            const mask pays = at_most(cost, cash), lacks = not(pays);
            if (!any(lacks)) {
                store(k->cash + l, cash - cost);
                continue;
            }
            /* as many as the cash can pay; the division may have rounded up */
            vector q = whole(cash / unit), part = q * price;
            q = choose(less(cash, part + rate * part), q - one, q);
            part = q * price;
            const mask some = both(lacks, less(zero, q));
            store(k->fills + l, add_where(both(lacks, not(some)), load(k->fills + l), all(-1)));
            store(target + at, choose(pays, to, choose(some, now + q, now)));
            store(k->cash + l, cash - choose(pays, cost, where(some, part + rate * part)));
        }
    }
}

#define AT_ONCE 16 /* assets that are bought without a look at the cash */

static __attribute__((noinline)) void buys(const bp__lanes *k, size_t g)
{
    const double *shares = k->shares + place(k, g, 0), *target = k->target + place(k, g, 0);
    const vector rate = all(k->rate), zero = all(0);
    vector cash[GROUP];
    size_t i = 0;
    EACH_VECTOR(v) cash[v] = load(k->cash + g * LANES + v * WIDTH);
    while (i < k->listed) {
        const size_t end = k->listed - i < AT_ONCE ? k->listed : i + AT_ONCE;
        vector left[GROUP];
        mask negative = less(zero, zero);
        EACH_VECTOR(v) left[v] = cash[v];
        for (size_t j = i; j < end; j++) {
            const size_t a = k->list[j];
            const vector price = all(k->buy[a]);
            EACH_VECTOR(v)
            {
                const size_t at = a * LANES + v * WIDTH;
                const vector value = larger(load(target + at) - load(shares + at), zero) * price;
                left[v] = left[v] - (value + rate * value);
            }
        }
        /* what only falls is negative at the end, if it ever was */
        EACH_VECTOR(v) negative = either(negative, less(left[v], zero));
        if (any(negative)) break;
        EACH_VECTOR(v) cash[v] = left[v];
        i = end;
    }
    EACH_VECTOR(v) store(k->cash + g * LANES + v * WIDTH, cash[v]);
    if (i < k->listed) buy_carefully(k, g, i);
}

/* What fills were worth ------------------------------------------------------------------------------- */

/* A sale of q shares out of `now`, where q is more than 0. @param[in] slip  between the price and that without slippage */
static inline void close_some(const bp__lanes *k, size_t at, size_t l, mask sells, vector q, vector now,
                              vector price, vector slip)
{
    const vector value = q * price, commission = all(k->rate) * value, basis = load(k->basis + at),
                 released = where(sells, basis * (q / now)), gain = value - commission - released;
    const mask gains = both(sells, less(all(0), gain));
    store(k->basis + at, basis - released);
    store(k->traded + l, load(k->traded + l) + value);
    store(k->costs + l, load(k->costs + l) + (commission + q * slip));
    store(k->closings + l, add_where(sells, load(k->closings + l), all(1)));
    store(k->gains + l, add_where(gains, load(k->gains + l), gain));
    store(k->losses + l, load(k->losses + l) - where(both(sells, not(gains)), gain));
}

static void count_sales(const bp__lanes *k, size_t g, const double *open)
{
    const vector zero = all(0);
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        for (size_t v = 0; v < GROUP; v++) {
            const size_t at = place(k, g, a) + v * WIDTH, l = g * LANES + v * WIDTH;
            const vector now = load(k->shares + at), to = load(k->target + at);
            const mask sells = less(to, now);
            if (!any(sells)) continue;
            close_some(k, at, l, sells, larger(now - to, zero), now, all(k->sale[a]),
                       all(fabs(k->sale[a] - open[a])));
        }
    }
}

static void count_buys(const bp__lanes *k, size_t g, const double *open)
{
    const vector zero = all(0), rate = all(k->rate);
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        const vector price = all(k->buy[a]), slip = all(fabs(k->buy[a] - open[a]));
        for (size_t v = 0; v < GROUP; v++) {
            const size_t at = place(k, g, a) + v * WIDTH, l = g * LANES + v * WIDTH;
            const vector now = load(k->shares + at), to = load(k->target + at);
            if (!any(less(now, to))) continue;
            const vector q = larger(to - now, zero), value = q * price;
            store(k->basis + at, load(k->basis + at) + (value + rate * value));
            store(k->traded + l, load(k->traded + l) + value);
            store(k->costs + l, load(k->costs + l) + (rate * value + q * slip));
        }
    }
}

/* Sessions at whose close a lane holds something; of the assets of the list. */
static void count_holding(const bp__lanes *k)
{
    for (size_t l = 0; l < groups(k) * LANES; l += WIDTH) {
        mask holds = less(all(0), all(0));
        for (size_t i = 0; i < k->listed; i++)
            holds =
                either(holds, less(all(0), load(k->shares + place(k, l / LANES, k->list[i]) + l % LANES)));
        store(k->sessions_held + l, add_where(holds, load(k->sessions_held + l), all(1)));
    }
}

/* What is rare --------------------------------------------------------------------------------------- */

static inline vector split_shares(vector q, double ratio, vector *fraction)
{
    const vector x = q / all(ratio), nearest = whole(x + all(0.5)), down = whole(x);
    const mask is_whole = at_most(magnitude(x - nearest), all(1e-6) * larger(all(1), x));
    *fraction = where(not(is_whole), x - down);
    return choose(is_whole, nearest, down);
}

/* What the fraction has cost goes with it. */
static inline void split_basis(const bp__lanes *k, size_t at, vector before, vector after, double ratio)
{
    const vector basis = load(k->basis + at);
    store(k->basis + at, where(less(all(0), after), basis * (after / (before / all(ratio)))));
}

/* Orders that wait keep their targets, where a lane has not decided anew. */
static void take_waiting(bp__lanes *k)
{
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        if (!has(k->waits, a)) continue;
        for (size_t g = 0; g < groups(k); g++)
            for (size_t v = 0; v < GROUP; v++) {
                const size_t at = place(k, g, a) + v * WIDTH;
                const mask decides = mask_of(k->deciding >> (g * LANES + v * WIDTH));
                store(k->target + at, choose(decides, load(k->target + at), load(k->waiting + at)));
            }
    }
}

/* @param[in] mark  of the session before @param[in] trading  targets are found, and split as well */
static void apply_splits(bp__lanes *k, int32_t t, const double *mark, bool trading)
{
    const bp__events *splits = &k->scope->splits;
    double at_mark = 0;
    uint32_t mark_of = UINT32_MAX; /* several splits of an asset in a session start from one mark */
    for (; k->next_split < splits->count && splits->at[k->next_split].t == t; k->next_split++) {
        const bp__event *e = &splits->at[k->next_split];
        if (e->asset != mark_of) at_mark = mark[mark_of = e->asset];
        at_mark *= e->value;
        for (size_t g = 0; g < groups(k); g++)
            for (size_t v = 0; v < GROUP; v++) {
                const size_t at = place(k, g, e->asset) + v * WIDTH, l = g * LANES + v * WIDTH;
                vector fraction;
                if (trading) store(k->target + at, split_shares(load(k->target + at), e->value, &fraction));
                const vector before = load(k->shares + at), after = split_shares(before, e->value, &fraction);
                store(k->shares + at, after);
                if (k->worth_of_fills) split_basis(k, at, before, after, e->value);
                store(k->cash + l, load(k->cash + l) + fraction * all(at_mark));
            }
    }
}

static void pay_dividends(bp__lanes *k, int32_t t)
{
    const bp__events *d = &k->scope->dividends;
    for (; k->next_dividend < d->count && d->at[k->next_dividend].t == t; k->next_dividend++) {
        const bp__event *e = &d->at[k->next_dividend];
        if (!has(k->held, e->asset)) continue;
        for (size_t l = 0; l < groups(k) * LANES; l += WIDTH)
            store(k->cash + l,
                  load(k->cash + l) +
                      all(e->value) * load(k->shares + place(k, l / LANES, e->asset) + l % LANES));
    }
}

/* Where there is no open, orders wait. */
static void hold_back(bp__lanes *k)
{
    for (size_t w = 0; w < k->words; w++) k->waits[w] = 0;
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        bool ordered = false;
        if (!has(k->missing, a)) continue;
        for (size_t g = 0; g < groups(k); g++)
            for (size_t v = 0; v < GROUP; v++) {
                const size_t at = place(k, g, a) + v * WIDTH;
                const vector to = load(k->target + at), now = load(k->shares + at);
                ordered |= any(differ(to, now));
                store(k->waiting + at, to);
                store(k->target + at, now);
            }
        if (ordered) k->waits[a / 64] |= UINT64_C(1) << (a % 64);
    }
}

static void delist(bp__lanes *k, int32_t t, const double *mark)
{
    const bp__events *d = &k->scope->delistings;
    for (; k->next_delisting < d->count && d->at[k->next_delisting].t == t; k->next_delisting++) {
        const size_t a = d->at[k->next_delisting].asset;
        if (has(k->held, a))
            for (size_t l = 0; l < groups(k) * LANES; l += WIDTH) {
                const size_t at = place(k, l / LANES, a) + l % LANES;
                const vector q = load(k->shares + at), value = q * all(mark[a] * k->sale_factor);
                const mask some = less(all(0), q);
                if (k->worth_of_fills)
                    close_some(k, at, l, some, q, q, all(mark[a] * k->sale_factor),
                               all(fabs(mark[a] * k->sale_factor - mark[a])));
                store(k->cash + l, add_where(some, load(k->cash + l), value - all(k->rate) * value));
                store(k->fills + l, add_where(some, load(k->fills + l), all(1)));
                store(k->shares + at, all(0));
                store(k->target + at, all(0));
            }
        for (size_t l = 0; k->weights && l < BP__MAX_LANES; l++)
            k->in_set[a / 64 * BP__MAX_LANES + l] &= ~(UINT64_C(1) << (a % 64));
        k->want[a] = 0;
        leave_set(k->wanted, a);
        leave_set(k->held, a);
        leave_set(k->waits, a);
    }
}

/* Sessions ------------------------------------------------------------------------------------------- */

/* What no lane holds any more is 0 in both buffers, and the new shares take the place of the old ones. */
static void settle(bp__lanes *k)
{
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        if (has(k->wanted, a) || has(k->waits, a)) continue;
        for (size_t g = 0; g < groups(k); g++) memset(k->shares + place(k, g, a), 0, LANES * sizeof(double));
    }
    for (size_t w = 0; w < k->words; w++) k->held[w] = k->wanted[w] | k->waits[w];
    double *bought = k->target;
    k->target = k->shares;
    k->shares = bought;
}

/* Steps 1 to 3 of a session. @param[in] open  of this session @param[in] mark  of the one before */
static void open_session(bp__lanes *k, int32_t t, const double *open, const double *mark)
{
    const bp__events *splits = &k->scope->splits;
    bool waiting = false, rare = k->next_split < splits->count && splits->at[k->next_split].t == t;
    for (size_t w = 0; w < k->words; w++) waiting |= k->waits[w] != 0;
    if (!waiting && !k->deciding) {
        apply_splits(k, t, mark, false);
        pay_dividends(k, t);
        return;
    }
    look_at_opens(k, open);
    list(k, k->held, k->wanted, k->waits);
    rare |= waiting;
    for (size_t w = 0; w < k->words; w++)
        rare |= (k->missing[w] & (k->held[w] | k->wanted[w] | k->waits[w])) != 0;
    for (size_t g = 0; rare && g < groups(k); g++) find_targets(k, g, mark);
    if (waiting) take_waiting(k);
    apply_splits(k, t, mark, true);
    pay_dividends(k, t);
    if (rare) hold_back(k);
    for (size_t g = 0; g < groups(k); g++) {
        if (rare)
            sell_given(k, g);
        else
            find_and_sell(k, g, mark);
        buys(k, g);
        if (k->worth_of_fills) count_sales(k, g, open);
        if (k->worth_of_fills) count_buys(k, g, open);
    }
    settle(k);
}

static __attribute__((noinline)) void add_equity(const bp__lanes *k, size_t g, const double *mark,
                                                 double *equity)
{
    const double *shares = k->shares + place(k, g, 0);
    vector sum[GROUP];
    EACH_VECTOR(v) sum[v] = load(k->cash + g * LANES + v * WIDTH);
    for (size_t i = 0; i < k->listed; i++) {
        const size_t a = k->list[i];
        const vector price = all(mark[a]);
        EACH_VECTOR(v) sum[v] = sum[v] + load(shares + a * LANES + v * WIDTH) * price;
    }
    EACH_VECTOR(v) store(equity + g * LANES + v * WIDTH, sum[v]);
}

#define TOGGLE(word)                                                                                         \
    for (size_t i = 0; i < BP__ASSETS_SIDE_BY_SIDE; i++)                                                     \
    want[a + i] ^= ((const word *)s->toggle)[bp__lane_signals_row(s, a, t) + i]

/* Bring sets up to date with the signals of session t. */
static void take_signals(bp__lanes *k, size_t t)
{
    const bp__lane_signals *s = k->signals;
    uint64_t *want = k->want;
    for (size_t a = 0; a < s->num_assets; a += BP__ASSETS_SIDE_BY_SIDE) switch (s->bytes) {
        case 1: TOGGLE(uint8_t); break;
        case 2: TOGGLE(uint16_t); break;
        case 4: TOGGLE(uint32_t); break;
        default: TOGGLE(uint64_t); break;
        }
    for (size_t w = 0; w < k->words; w++) {
        uint64_t wanted = 0;
        for (size_t i = 0; i < 64; i++) wanted |= (uint64_t)(want[w * 64 + i] != 0) << i;
        k->wanted[w] = wanted;
    }
}

#define DIGITS 32

typedef uint64_t words __attribute__((vector_size(WIDTH * sizeof(uint64_t))));

/* How many assets are in the set of each lane. Words are added as columns of bits: digit d of all lanes is one word. */
static void count_members(const bp__lanes *k, double *members)
{
    const words *want = (const words *)(const void *)k->want;
    const size_t n = k->words * 64 / WIDTH;
    words digit[DIGITS] = {{0}};
    uint64_t total[DIGITS] = {0};
    size_t digits = 1, all_digits = 1;
    while (n >> digits) digits++;
    while ((k->words * 64) >> all_digits) all_digits++;
    for (size_t i = 0; i < n; i += 2) {
        const words a = want[i], b = want[i + 1], either = a ^ b;
        words carry = (a & b) | (digit[0] & either);
        digit[0] ^= either;
        for (size_t d = 1; d < digits; d++) {
            const words sum = digit[d] ^ carry;
            carry &= digit[d];
            digit[d] = sum;
        }
    }
    for (size_t part = 0; part < WIDTH; part++) {
        uint64_t carry = 0;
        for (size_t d = 0; d < all_digits; d++) {
            const uint64_t a = total[d], b = d < digits ? digit[d][part] : 0, either = a ^ b;
            total[d] = either ^ carry;
            carry = (a & b) | (carry & either);
        }
    }
    for (size_t l = 0; l < BP__MAX_LANES; l += WIDTH) {
        vector sum = all(0);
        for (size_t d = all_digits; d-- > 0;) sum = sum + sum + where(mask_of(total[d] >> l), all(1));
        store(members + l, sum);
    }
}

/* What the signals of session t ask for: sets, and what each asset in them is to be worth. */
static void decide_by_signals(bp__lanes *k, size_t t, const double *equity)
{
    double members[BP__MAX_LANES] __attribute__((aligned(64)));
    k->deciding = k->signals->decide[t];
    if (!k->deciding) return;
    take_signals(k, t);
    count_members(k, members);
    for (size_t l = 0; l < k->count; l++) k->each[l] = equity[l] / members[l]; /* not used if there is none */
}

/* Up to 64 weights from asset a on, in money, for one lane. @return bits of those that are not 0 */
static uint64_t take_row(const bp__lanes *k, size_t l, size_t a, size_t n, const double *row, double equity)
{
    double *worth = k->worth + place(k, l / LANES, a) + l % LANES;
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        worth[i * LANES] = equity * row[i];
        bits |= (uint64_t)(row[i] != 0) << i;
    }
    return bits;
}

/* What the rows of weights of session t ask for. */
static void decide_by_weights(bp__lanes *k, size_t t, const double *equity)
{
    const double *row[BP__MAX_LANES] = {NULL};
    const size_t assets = k->scope->num_assets;
    for (size_t l = 0; l < k->count; l++) {
        const bp__weights *w = k->weights[l];
        if (k->next_row[l] == w->count || w->t[k->next_row[l]] != (int32_t)t) continue;
        row[l] = w->row + k->next_row[l]++ * assets;
        k->deciding |= UINT64_C(1) << l;
    }
    if (!k->deciding) return;
    for (size_t w = 0; w < k->words; w++) {
        uint64_t *in_set = k->in_set + w * BP__MAX_LANES, wanted = 0;
        const size_t a = w * 64, n = assets - a < 64 ? assets - a : 64;
        for (size_t l = 0; l < k->count; l++) {
            if (row[l]) in_set[l] = take_row(k, l, a, n, row[l] + a, equity[l]);
            wanted |= in_set[l];
        }
        k->wanted[w] = wanted;
    }
}

void BP__ISA_NAME(bp__lanes_run)(bp__lanes *k)
{
    const int32_t n = (int32_t)k->scope->num_sessions;
    for (int32_t t = 0; t < n; t++) {
        const size_t row = (size_t)t % BP__LANES_BLOCK + 1;
        if (row == 1) prices_from(k, t);
        const double *mark = k->mark + row * k->stride;
        double *equity = k->equity + (size_t)t * BP__MAX_LANES;
        if (t > 0) open_session(k, t, k->open + row * k->stride, mark - k->stride);
        delist(k, t, mark);
        list(k, k->held, k->held, k->held);
        for (size_t g = 0; g < groups(k); g++) add_equity(k, g, mark, equity);
        if (k->worth_of_fills) count_holding(k);
        if (t == n - 1) break;
        k->deciding = 0;
        if (k->weights)
            decide_by_weights(k, (size_t)t, equity);
        else
            decide_by_signals(k, (size_t)t, equity);
        if (k->deciding) bound_marks(k, mark);
    }
}
