/* The account where nothing special is asked for: signals, and the options' defaults but for costs in basis points. The same
 * results as trader.c's, to the last bit, several times as fast; tests/backtest compares them.
 *
 * DESIGN
 *  1. The strategy has written for the whole range when assets enter and leave the set (a bit each)
 *     and after which closes a decision is made.
 *  2. The range is cut where holdings can change: splits, delistings, decisions, orders that wait. Within
 *     such a stretch the shares are constant, so equity is added up asset by asset over contiguous prices;
 *     each session still sees the same order of additions: cash first, then assets by sid.
 *  3. Sets of assets are bits in order of sid, and orders are two lists in the same order: the cost of a
 *     session depends on what is held or ordered, not on the size of the bundle.
 */
#include "backtest/plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

static inline void set_bit(uint64_t *bits, size_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void clear_bit(uint64_t *bits, size_t i)
{
    bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* floor() of a number that is not negative, without a call: from 2^53 on a double is whole anyway. */
static inline double whole(double x)
{
    return x >= 0 && x < 0x1p53 ? (double)(int64_t)x : x;
}

/* Nothing of the asset is held any more. */
static inline void drop(bp__plain *a, size_t i)
{
    clear_bit(a->held, i);
    a->basis[i] = 0;
}

/* Fills ----------------------------------------------------------------------------------------- */

/* Sell q shares of an asset at an open or a mark. @return what that brings */
static inline double sell(bp__plain *a, uint32_t i, double q, double p)
{
    const double price = p * a->sale_factor, value = q * price, commission = a->rate * value;
    const double proceeds = value - commission;
    const double released = a->basis[i] * (q / a->shares[i]), gain = proceeds - released;
    a->basis[i] -= released;
    a->record.traded += value;
    a->record.costs += commission + q * fabs(price - p);
    a->record.closings++;
    if (gain > 0)
        a->record.gains += gain;
    else
        a->record.losses -= gain;
    return proceeds;
}

static inline double cost_of(const bp__plain *a, double q, double price)
{
    double value = q * price;
    return value + a->rate * value;
}

/* How many shares the cash can pay. */
static double affordable(const bp__plain *a, double cash, double price)
{
    double q = whole(cash / (price + a->rate * price));
    return cost_of(a, q, price) > cash ? q - 1 : q; /* the division may have rounded up */
}

static void fill_sales(bp__plain *a, size_t t)
{
    const double *const *open = a->scope->open;
    double cash = a->cash, *shares = a->shares;
    size_t waiting = 0, trades = 0;
    for (size_t k = 0; k < a->sales.count; k++) {
        const uint32_t i = a->sales.asset[k];
        const double q = shares[i] - a->target[i];
        if (!bp__priced(open[i][t])) {
            a->sales.asset[waiting++] = i;
            continue;
        }
        if (!(q > 0)) continue; /* a split has made the two equal */
        cash += sell(a, i, q, open[i][t]);
        trades++;
        shares[i] = a->target[i];
        if (shares[i] == 0) drop(a, i);
    }
    a->sales.count = waiting;
    a->cash = cash;
    a->record.trades += (int64_t)trades;
}

static void fill_buys(bp__plain *a, size_t t)
{
    const double *const *open = a->scope->open;
    double cash = a->cash, *shares = a->shares;
    size_t waiting = 0, trades = 0;
    for (size_t k = 0; k < a->buys.count; k++) {
        const uint32_t i = a->buys.asset[k];
        const double price = open[i][t] * a->buy_factor;
        double q = a->target[i] - shares[i], cost = cost_of(a, q, price);
        if (!bp__priced(open[i][t])) {
            a->buys.asset[waiting++] = i;
            continue;
        }
        if (cost > cash) {
            q = affordable(a, cash, price);
            cost = cost_of(a, q, price);
        }
        if (!(q > 0)) continue;
        cash -= cost;
        trades++;
        if (shares[i] == 0) set_bit(a->held, i);
        shares[i] += q;
        a->basis[i] += cost;
        a->record.traded += q * price;
        a->record.costs += a->rate * (q * price) + q * fabs(price - open[i][t]);
    }
    a->buys.count = waiting;
    a->cash = cash;
    a->record.trades += (int64_t)trades;
}

static void cancel(bp__plain_orders *o, uint32_t asset)
{
    size_t kept = 0;
    for (size_t k = 0; k < o->count; k++)
        if (o->asset[k] != asset) o->asset[kept++] = o->asset[k];
    o->count = kept;
}

/* Dated events ---------------------------------------------------------------------------------- */

/* Shares after a split. @param[out] fraction  what is paid in cash */
static double split_shares(double q, double split_ratio, double *fraction)
{
    double x = q / split_ratio, nearest = floor(x + 0.5);
    bool is_whole = fabs(x - nearest) <= 1e-6 * fmax(1, x);
    *fraction = is_whole ? 0 : x - floor(x);
    return is_whole ? nearest : floor(x);
}

static void apply_splits(bp__plain *a, size_t t)
{
    const bp__events *splits = &a->scope->splits;
    double fraction, mark = NAN;
    uint32_t mark_of = UINT32_MAX; /* several splits of an asset in a session start from one mark */
    for (size_t e = a->next_split; e < splits->count && splits->at[e].t == (int32_t)t; e = ++a->next_split) {
        const uint32_t i = splits->at[e].asset;
        const double r = splits->at[e].value;
        a->target[i] = split_shares(a->target[i], r, &fraction);
        if (a->shares[i] == 0) continue;
        if (i != mark_of) mark = bp__scope_mark(a->scope, mark_of = i, (int32_t)t - 1);
        mark *= r;
        const double before = a->shares[i];
        a->shares[i] = split_shares(before, r, &fraction);
        a->basis[i] *= a->shares[i] / (before / r); /* what the fraction has cost goes with it */
        a->cash += fraction * mark;
        if (a->shares[i] == 0) drop(a, i);
    }
}

static void pay_dividends(bp__plain *a, size_t t)
{
    const bp__events *d = &a->scope->dividends;
    for (; a->next_dividend < d->count && d->at[a->next_dividend].t == (int32_t)t; a->next_dividend++)
        a->cash += d->at[a->next_dividend].value * a->shares[d->at[a->next_dividend].asset];
}

static void delist(bp__plain *a, size_t t)
{
    const bp__events *d = &a->scope->delistings;
    for (; a->next_delisting < d->count && d->at[a->next_delisting].t == (int32_t)t; a->next_delisting++) {
        const uint32_t i = d->at[a->next_delisting].asset;
        if (a->shares[i] > 0) {
            a->cash += sell(a, i, a->shares[i], bp__scope_mark(a->scope, i, (int32_t)t));
            a->record.trades++;
        }
        a->shares[i] = 0;
        drop(a, i);
        clear_bit(a->in_set, i);
        cancel(&a->sales, i);
        cancel(&a->buys, i);
    }
}

/* Sessions -------------------------------------------------------------------------------------- */

/* Add what shares of an asset are worth at the closes of [t, end). */
static void add_worth(const bp__scope *scope, size_t i, double shares, size_t t, size_t end, double *equity)
{
    const double *close = scope->close[i];
    if (scope->has_gaps[i])
        for (size_t s = t; s < end; s++) equity[s] += shares * bp__scope_mark(scope, i, (int32_t)s);
    else
        for (size_t s = t; s < end; s++) equity[s] += shares * close[s];
}

/* Equity at the closes of [t, end), between which only dividends happen. */
static void add_equity(bp__plain *a, size_t t, size_t end, double *equity)
{
    equity[t] = a->cash;
    for (size_t s = t + 1; s < end; s++) {
        pay_dividends(a, s);
        equity[s] = a->cash;
    }
    double single = equity[t];
    uint64_t any = 0;
    for (size_t w = 0; w < a->words; w++) any |= a->held[w];
    if (any) a->record.held += end - t;
    for (size_t w = 0; w < a->words; w++)
        for (uint64_t left = a->held[w]; left; left &= left - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(left);
            single += a->shares[i] * bp__scope_mark(a->scope, i, (int32_t)t);
            add_worth(a->scope, i, a->shares[i], t + 1, end, equity);
        }
    equity[t] = single;
}

/* Replace all orders by what the signals of session t ask for. */
static void decide(bp__plain *a, const bp__signals *sig, size_t t, double equity)
{
    const uint64_t *toggle = sig->toggle + t * sig->words;
    size_t members = 0, sales = 0, buys = 0;
    for (size_t w = 0; w < sig->words; w++) {
        a->in_set[w] ^= toggle[w];
        members += (size_t)__builtin_popcountll(a->in_set[w]);
    }
    const double each = equity / (double)members; /* not used if there is none */
    for (size_t w = 0; w < sig->words; w++)
        for (uint64_t left = a->in_set[w] | a->held[w]; left; left &= left - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(left);
            bool wanted = a->in_set[w] & left & -left;
            double target = wanted ? whole(each / bp__scope_mark(a->scope, i, (int32_t)t)) : 0;
            a->target[i] = target;
            /* always stored, counted only if it is one: a branch here could not be predicted */
            a->sales.asset[sales] = a->buys.asset[buys] = (uint32_t)i;
            sales += target < a->shares[i];
            buys += target > a->shares[i];
        }
    a->sales.count = sales;
    a->buys.count = buys;
}

static void begin(bp__plain *a, const bp__account *account)
{
    const size_t n = a->scope->num_assets, words = a->words;
    memset(a->shares, 0, n * sizeof *a->shares);
    memset(a->target, 0, n * sizeof *a->target);
    memset(a->basis, 0, n * sizeof *a->basis);
    memset(a->held, 0, words * sizeof *a->held);
    memset(a->in_set, 0, words * sizeof *a->in_set);
    a->sales.count = a->buys.count = 0;
    a->cash = account->cash;
    a->buy_factor = 1 + account->slippage_bps / 10000;
    a->sale_factor = 1 - account->slippage_bps / 10000;
    a->rate = account->commission_bps / 10000;
    a->record = (bp__record){.cash = account->cash};
    a->next_split = a->next_dividend = a->next_delisting = 0;
}

bool bp__plain_can(const bp__account *a)
{
    return a->fill == BP__FILL_OPEN && a->dividends == BP__DIVIDENDS_EX && a->volume_limit == 0 &&
           a->commission_per_share == 0 && a->commission_min == 0 && a->commission_per_order == 0 &&
           a->expire == 0 && !a->fractional && a->max_leverage == 1;
}

void bp__plain_run(bp__plain *a, const bp__signals *signals, const bp__account *account, double *equity,
                   bp__record *record)
{
    const size_t n = a->scope->num_sessions;
    const bool *breaks = a->scope->breaks, *decides = signals->decide;
    begin(a, account);
    for (size_t t = 0, end; t < n; t = end) {
        apply_splits(a, t);
        pay_dividends(a, t);
        fill_sales(a, t);
        fill_buys(a, t);
        delist(a, t);
        end = t + 1;
        if (a->sales.count + a->buys.count == 0)
            while (end < n && !decides[end - 1] && !breaks[end]) end++;
        add_equity(a, t, end, equity);
        if (end < n && decides[end - 1]) decide(a, signals, end - 1, equity[end - 1]);
    }
    *record = a->record;
}

bp_status bp__plain_init(const bp__scope *scope, bp__plain *a)
{
    const size_t n = scope->num_assets;
    *a = (bp__plain){.scope = scope, .words = n / 64 + 1};
    /* one more than there are assets: never an empty block, and decide() stores one ahead */
    a->shares = calloc(n + 1, sizeof *a->shares);
    a->target = calloc(n + 1, sizeof *a->target);
    a->basis = calloc(n + 1, sizeof *a->basis);
    a->held = calloc(a->words, sizeof *a->held);
    a->in_set = calloc(a->words, sizeof *a->in_set);
    a->sales.asset = calloc(n + 1, sizeof *a->sales.asset);
    a->buys.asset = calloc(n + 1, sizeof *a->buys.asset);
    return a->shares && a->target && a->basis && a->held && a->in_set && a->sales.asset && a->buys.asset
               ? BP_OK
               : BP_ENOMEM;
}

void bp__plain_fini(bp__plain *a)
{
    free(a->shares);
    free(a->target);
    free(a->basis);
    free(a->held);
    free(a->in_set);
    free(a->sales.asset);
    free(a->buys.asset);
    *a = (bp__plain){0};
}
