#include "backtest/trader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

#define NEARLY_WHOLE 1e-4 /* an amount so near to a whole number is that number */

/* Entries --------------------------------------------------------------------------------------- */

static void enter(const bp__trader *a, const bp__entry *entry)
{
    if (a->ledger && a->ledger->entry) a->ledger->entry(a->ledger->context, entry);
}

static void enter_unfilled(const bp__trader *a, const bp__order *o, double shares, int32_t t, const char *why)
{
    if (shares != 0)
        enter(a, &(bp__entry){.kind = BP__ENTRY_UNFILLED,
                              .t = t,
                              .asset = o->asset,
                              .order = o->number,
                              .shares = shares,
                              .why = why});
}

/* Shares and money ------------------------------------------------------------------------------ */

double bp__trader_cut(const bp__trader *a, double shares)
{
    return a->account->fractional ? shares : trunc(shares);
}

static double slip(const bp__account *a)
{
    return a->slippage_bps / 10000;
}

static double rate(const bp__account *a)
{
    return a->commission_bps / 10000;
}

/* What a further fill of an order is charged by the share. */
static double charge_by_share(const bp__account *a, const bp__order *o, double q)
{
    if (a->commission_per_share == 0 && a->commission_min == 0) return 0;
    return fmax(a->commission_per_share * (o->filled + q), a->commission_min) - o->paid;
}

static double charge_by_order(const bp__account *a, const bp__order *o)
{
    return o->charged ? 0 : a->commission_per_order;
}

static double commission(const bp__account *a, const bp__order *o, double q, double value)
{
    return rate(a) * value + charge_by_share(a, o, q) + charge_by_order(a, o);
}

/* Keep the average cost of a position, and what closing a part of it gained.
 * @param[in] q  signed @param[in] money  what it cost, or brought */
static double keep_basis(bp__trader *a, size_t i, double q, double money)
{
    const double held = a->shares[i];
    if (held == 0 || (held > 0) == (q > 0)) {
        a->basis[i] += q > 0 ? money : -money;
        return 0;
    }
    const double released = a->basis[i] * (fabs(q) / fabs(held));
    const double gain = (q < 0 ? money : -money) - released;
    a->basis[i] -= released;
    a->record.closings++;
    if (gain > 0)
        a->record.gains += gain;
    else
        a->record.losses -= gain;
    return gain;
}

static void set_shares(bp__trader *a, size_t i, double shares)
{
    a->num_short += (shares < 0) - (size_t)(a->shares[i] < 0);
    a->shares[i] = shares;
    if (shares == 0) a->basis[i] = 0;
}

/* Trade q shares, signed, as a part of an order. @param[in] price, p  with and without slippage
 * @param[in,out] entry  adds up what the parts of a trade come to */
static void trade(bp__trader *a, bp__order *o, double q, double price, double p, bp__entry *entry)
{
    const size_t i = o->asset;
    const double amount = fabs(q), value = amount * price;
    const double by_share = charge_by_share(a->account, o, amount);
    const double charged = rate(a->account) * value + by_share + charge_by_order(a->account, o);
    const double money = q > 0 ? value + charged : value - charged;
    const double slippage = amount * fabs(price - p);
    a->cash = q > 0 ? a->cash - money : a->cash + money;
    entry->gain += keep_basis(a, i, q, money);
    set_shares(a, i, a->shares[i] + q);
    o->filled += amount;
    o->paid += by_share;
    o->charged = true;
    a->record.traded += value;
    a->record.costs += charged + slippage;
    entry->shares += q;
    entry->price = price;
    entry->commission += charged;
    entry->slippage += slippage;
    entry->cash += q > 0 ? -money : money;
}

/* What can be paid ------------------------------------------------------------------------------ */

/* What may still be spent on opening positions: section 4, "What can be paid". */
static double means(const bp__trader *a)
{
    const double leverage = a->account->max_leverage;
    double longs = 0.0, shorts = 0.0;
    if (leverage == 1 && a->num_short == 0) return a->cash;
    for (size_t i = 0; i < a->scope->num_assets; i++) {
        if (a->shares[i] > 0) longs += a->shares[i] * a->mark[i];
        if (a->shares[i] < 0) shorts += -a->shares[i] * a->mark[i];
    }
    return leverage * a->cash + (leverage - 1) * longs - (leverage + 1) * shorts;
}

typedef struct opening {
    const bp__account *account;
    const bp__order *order;
    double sign; /* 1: buy, -1: sell short */
    double price, mark;
} opening;

/* What q shares need of the means. */
static double need(const opening *x, double q)
{
    const double leverage = x->account->max_leverage, value = q * x->price;
    const double charged = commission(x->account, x->order, q, value);
    return x->sign > 0 ? leverage * (value + charged) - (leverage - 1) * q * x->mark
                       : (leverage + 1) * q * x->mark - leverage * (value - charged);
}

static double floor_unless_fractional(const bp__account *a, double q)
{
    return a->fractional ? q : floor(q);
}

/* How many shares `left` pays, if a share is charged `each` beside its value, and `fixed` is charged anyway. */
static double payable(const opening *x, double left, double each, double fixed)
{
    const double leverage = x->account->max_leverage, price = x->price;
    const double with_rate = rate(x->account) * price;
    double unit = x->sign > 0 ? leverage * (price + with_rate) - (leverage - 1) * x->mark
                              : (leverage + 1) * x->mark - leverage * (price - with_rate);
    unit = unit + leverage * each;
    if (!(unit > 0)) return INFINITY;
    return floor_unless_fractional(x->account, (left - leverage * fixed) / unit);
}

/* @return as many of q shares as the means allow; 0 or less: none */
static double cut_to_means(const bp__trader *a, const opening *x, double q)
{
    const bp__account *account = a->account;
    if (isinf(account->max_leverage)) return q;
    const double left = means(a);
    if (!(need(x, q) > left)) return q;
    const double by_order = charge_by_order(account, x->order);
    double most;
    if (account->commission_per_share == 0 && account->commission_min == 0) {
        most = payable(x, left, 0, by_order);
    } else {
        const double each = account->commission_per_share, before = each * x->order->filled - x->order->paid;
        const double least = account->commission_min - x->order->paid;
        most = payable(x, left, each, by_order + before);
        if (account->commission_min > 0) most = fmin(most, payable(x, left, 0, by_order + least));
    }
    if (isinf(most)) return q; /* a share brings more than it needs */
    most = fmin(most, q);      /* the quotient may have been rounded up to it */
    if (need(x, most) > left) most = account->fractional ? most - most * 0x1p-48 : most - 1;
    return most;
}

/* Fills ----------------------------------------------------------------------------------------- */

double bp__order_unfilled(const bp__trader *a, const bp__order *o)
{
    return o->has_target ? o->target - a->shares[o->asset] : o->amount;
}

/* What a bar has for an order, of which `unfilled` is left, at which price; `used` of its volume is dealt out already.
 * @return signed; 0: the order waits */
static double share_of_bar(const bp__trader *a, const bp__order *o, double unfilled, double p, int32_t t,
                           double used, double *price)
{
    const bp__account *account = a->account;
    *price = unfilled > 0 ? p * (1 + slip(account)) : p * (1 - slip(account));
    if (account->volume_limit == 0) return unfilled;
    const double volume = bp__scope_value(a->scope, o->asset, BP_BAR_VOLUME, t);
    const double left = account->volume_limit * volume - used;
    if (!(volume > 0) || (account->fractional ? !(left > 0) : left < 1)) return 0;
    const double q = fmin(bp__trader_cut(a, left), fabs(unfilled));
    const double share = fmin((used + q) / volume, account->volume_limit);
    const double impact = share * share * account->price_impact * p;
    *price = unfilled > 0 ? p + impact : p - impact;
    return copysign(q, unfilled);
}

/* Without short positions a sale is of what is held, less what older sales have been dealt; the rest of it is dropped. */
static void cut_to_held(bp__trader *a, bp__order *o, double sold, int32_t t)
{
    const double held = fmax(a->shares[o->asset], 0), left = held > sold ? held - sold : 0;
    if (a->account->allow_short || o->has_target || !(-o->amount > left)) return;
    enter_unfilled(a, o, o->amount + left, t, "it would be a short position (--short)");
    o->amount = -left;
}

/* Deal out a bar: to each order what it may be filled with, before any of them is. */
static void deal_out(bp__trader *a, int32_t t)
{
    const double *const *price = a->account->fill == BP__FILL_OPEN ? a->scope->open : a->scope->close;
    double used = 0, sold = 0;
    for (size_t k = 0; k < a->num_orders; k++) {
        bp__order *o = &a->order[k];
        if (k > 0 && o->asset != a->order[k - 1].asset) used = sold = 0;
        o->p = price[o->asset][t];
        o->dealt = 0;
        if (!bp__priced(o->p)) continue;
        cut_to_held(a, o, sold, t);
        o->dealt = share_of_bar(a, o, bp__order_unfilled(a, o), o->p, t, used, &o->price);
        used += fabs(o->dealt);
        if (o->dealt < 0) sold -= o->dealt;
    }
}

/* Fill what closes a position and then what opens one. @return shares that could not be paid */
static double fill_parts(bp__trader *a, bp__order *o, double q, double price, double p, bp__entry *entry,
                         const char **why)
{
    const size_t i = o->asset;
    const double sign = q > 0 ? 1 : -1, held = a->shares[i] * -sign; /* what the order can close */
    const double closing = held > 0 ? fmin(held, fabs(q)) : 0, rest = fabs(q) - closing;
    if (closing > 0) trade(a, o, sign * closing, price, p, entry);
    if (rest == 0 || (sign < 0 && !a->account->allow_short)) return 0;
    const opening x = {a->account, o, sign, price, a->mark[i]};
    const double most = cut_to_means(a, &x, rest);
    if (most > 0) trade(a, o, sign * most, price, p, entry);
    if (most < rest) *why = "cash, or --max-leverage, did not allow more";
    return most < rest ? sign * (rest - fmax(most, 0)) : 0;
}

/* Fill an order with what it was dealt. @return whether it stays */
static bool fill(bp__trader *a, bp__order *o, int32_t t)
{
    const char *why = NULL;
    const bool in_full = o->dealt == bp__order_unfilled(a, o); /* then no rounding leaves a rest of it */
    bp__entry entry = {.kind = BP__ENTRY_FILL, .t = t, .asset = o->asset, .order = o->number};
    const double dropped = fill_parts(a, o, o->dealt, o->price, o->p, &entry, &why);
    if (entry.shares != 0) {
        a->record.trades++;
        enter(a, &entry);
    }
    if (!o->has_target) o->amount -= entry.shares;
    if (dropped == 0) return !in_full;
    enter_unfilled(a, o, bp__order_unfilled(a, o), t, why);
    return false;
}

/* First all sales, then all buys. An order for nothing, by a split or for want of what it would sell, is done at a bar that
 * has a price. */
static void fill_orders(bp__trader *a, int32_t t)
{
    deal_out(a, t);
    for (int buys = 0; buys < 2; buys++) {
        size_t kept = 0;
        for (size_t k = 0; k < a->num_orders; k++) {
            bp__order *o = &a->order[k];
            bool stays = bp__order_unfilled(a, o) != 0 || !bp__priced(o->p);
            if (stays && o->dealt != 0 && (o->dealt > 0) == (buys == 1)) stays = fill(a, o, t);
            if (stays) a->order[kept++] = *o;
        }
        a->num_orders = kept;
    }
}

/* Orders ---------------------------------------------------------------------------------------- */

bool bp__trader_takes(const bp__trader *a, size_t asset, int32_t t)
{
    return t < a->scope->asset[asset].delisted && bp__priced(a->mark[asset]);
}

static bp_status add(bp__trader *a, const bp__order *order)
{
    if (a->num_orders == a->capacity) {
        const size_t more = a->capacity ? 2 * a->capacity : 64;
        void *grown = realloc(a->order, more * sizeof *a->order);
        if (!grown) BP_FAIL(BP_ENOMEM, "backtest: no memory for %zu orders", more);
        a->order = grown;
        a->capacity = more;
    }
    size_t at = a->num_orders;
    while (at > 0 && a->order[at - 1].asset > order->asset) at--;
    memmove(&a->order[at + 1], &a->order[at], (a->num_orders - at) * sizeof *a->order);
    a->order[at] = *order;
    a->order[at].number = ++a->last_number;
    a->num_orders++;
    enter(a, &(bp__entry){.kind = BP__ENTRY_ORDER,
                          .t = order->given,
                          .asset = order->asset,
                          .order = a->last_number,
                          .shares = bp__order_unfilled(a, order),
                          .price = a->mark[order->asset]});
    return BP_OK;
}

bp_status bp__trader_order(bp__trader *a, size_t asset, double amount, int32_t t, uint64_t *number)
{
    const double nearest = round(amount);
    *number = 0;
    amount = !a->account->fractional && fabs(amount - nearest) <= NEARLY_WHOLE ? nearest
                                                                               : bp__trader_cut(a, amount);
    if (amount == 0) return BP_OK;
    BP_TRY(add(a, &(bp__order){.asset = (uint32_t)asset, .given = t, .amount = amount}));
    *number = a->last_number;
    return BP_OK;
}

bp_status bp__trader_target(bp__trader *a, size_t asset, double target, int32_t t)
{
    if (target == a->shares[asset]) return BP_OK;
    return add(a, &(bp__order){.asset = (uint32_t)asset, .given = t, .has_target = true, .target = target});
}

static void drop_all(bp__trader *a, int32_t t, const char *why)
{
    for (size_t k = 0; a->ledger && k < a->num_orders; k++)
        enter_unfilled(a, &a->order[k], bp__order_unfilled(a, &a->order[k]), t, why);
    a->num_orders = 0;
}

void bp__trader_clear(bp__trader *a, int32_t t)
{
    drop_all(a, t, "a new decision replaced it");
}

void bp__trader_end(bp__trader *a, int32_t t)
{
    drop_all(a, t, "the range ended");
}

static const bp__order *find(const bp__trader *a, uint64_t number)
{
    for (size_t k = 0; k < a->num_orders; k++)
        if (a->order[k].number == number) return &a->order[k];
    return NULL;
}

const bp__order *bp__trader_find(const bp__trader *a, uint64_t number)
{
    return find(a, number);
}

static void drop(bp__trader *a, size_t k, int32_t t, const char *why)
{
    enter_unfilled(a, &a->order[k], bp__order_unfilled(a, &a->order[k]), t, why);
    a->num_orders--;
    memmove(&a->order[k], &a->order[k + 1], (a->num_orders - k) * sizeof *a->order);
}

bool bp__trader_cancel(bp__trader *a, uint64_t number, int32_t t)
{
    const bp__order *o = find(a, number);
    if (o) drop(a, (size_t)(o - a->order), t, "it was cancelled");
    return o != NULL;
}

static void expire(bp__trader *a, int32_t t)
{
    if (a->account->expire == 0) return;
    for (size_t k = a->num_orders; k-- > 0;)
        if ((int64_t)t - a->order[k].given >= (int64_t)a->account->expire) drop(a, k, t, "it has expired");
}

/* Dated events ---------------------------------------------------------------------------------- */

/* Shares after a split, negative for short ones. @param[out] fraction  what is paid in cash, likewise */
static double split_shares(const bp__trader *a, double q, double split_ratio, double *fraction)
{
    const double x = fabs(q) / split_ratio, nearest = floor(x + 0.5);
    const bool is_whole = fabs(x - nearest) <= 1e-6 * fmax(1, x);
    *fraction = a->account->fractional || is_whole ? 0 : copysign(x - floor(x), q);
    const double shares = a->account->fractional ? x : is_whole ? nearest : floor(x);
    return q < 0 ? -shares : shares;
}

static void split_orders(bp__trader *a, uint32_t asset, double ratio)
{
    double fraction;
    for (size_t k = 0; k < a->num_orders; k++) {
        bp__order *o = &a->order[k];
        if (o->asset != asset) continue;
        if (o->has_target) {
            o->target = split_shares(a, o->target, ratio, &fraction);
        } else {
            const double x = o->amount / ratio, nearest = round(x);
            o->amount =
                !a->account->fractional && fabs(x - nearest) <= NEARLY_WHOLE ? nearest : bp__trader_cut(a, x);
        }
    }
}

static void apply_splits(bp__trader *a, int32_t t)
{
    const bp__events *splits = &a->scope->splits;
    for (; a->next_split < splits->count && splits->at[a->next_split].t == t; a->next_split++) {
        const bp__event *e = &splits->at[a->next_split];
        const size_t i = e->asset;
        double fraction;
        a->mark[i] *= e->value;
        split_orders(a, e->asset, e->value);
        if (a->shares[i] == 0) continue;
        const double before = a->shares[i], after = split_shares(a, before, e->value, &fraction);
        a->basis[i] *= after / (before / e->value); /* what the fraction has cost goes with it */
        set_shares(a, i, after);
        const double cash = fraction * a->mark[i];
        a->cash += cash;
        enter(a, &(bp__entry){.kind = BP__ENTRY_SPLIT,
                              .t = t,
                              .asset = e->asset,
                              .shares = a->shares[i],
                              .price = a->mark[i],
                              .cash = cash});
    }
}

static void pay(bp__trader *a, const bp__event *e, int32_t t, double cash)
{
    a->cash += cash;
    if (cash != 0)
        enter(a, &(bp__entry){.kind = BP__ENTRY_DIVIDEND,
                              .t = t,
                              .asset = e->asset,
                              .shares = a->shares[e->asset],
                              .price = e->value,
                              .cash = cash});
}

static void pay_dividends(bp__trader *a, int32_t t)
{
    const bp__dividends how = a->account->dividends;
    const bp__events *d = &a->scope->dividends;
    for (; a->next_dividend < d->count && d->at[a->next_dividend].t == t; a->next_dividend++) {
        const bp__event *e = &d->at[a->next_dividend];
        const double cash = e->value * a->shares[e->asset];
        if (how == BP__DIVIDENDS_PAY) a->owed[a->next_dividend] = cash;
        if (how == BP__DIVIDENDS_REINVEST && cash > 0) a->paid_out[e->asset] += cash;
        if (how == BP__DIVIDENDS_EX || how == BP__DIVIDENDS_REINVEST) pay(a, e, t, cash);
    }
    for (; a->next_payment < d->count && a->payment[a->next_payment]->pay == t; a->next_payment++) {
        const bp__event *e = a->payment[a->next_payment];
        if (how == BP__DIVIDENDS_PAY) pay(a, e, t, a->owed[e - d->at]);
    }
}

static void reinvest(bp__trader *a, int32_t t)
{
    if (a->account->dividends != BP__DIVIDENDS_REINVEST) return;
    for (size_t i = 0; i < a->scope->num_assets; i++) {
        if (!(a->paid_out[i] > 0)) continue;
        const double q = bp__trader_cut(a, a->paid_out[i] / a->mark[i]), cost = q * a->mark[i];
        a->paid_out[i] = 0;
        if (!(q > 0) || !(a->shares[i] > 0)) continue;
        a->cash -= cost;
        a->basis[i] += cost;
        set_shares(a, i, a->shares[i] + q);
        enter(a, &(bp__entry){.kind = BP__ENTRY_REINVEST,
                              .t = t,
                              .asset = (uint32_t)i,
                              .shares = q,
                              .price = a->mark[i],
                              .cash = -cost});
    }
}

static void delist(bp__trader *a, int32_t t)
{
    const bp__events *d = &a->scope->delistings;
    for (; a->next_delisting < d->count && d->at[a->next_delisting].t == t; a->next_delisting++) {
        const uint32_t i = d->at[a->next_delisting].asset;
        const double held = a->shares[i], p = a->mark[i];
        if (held != 0) {
            bp__order order = {.asset = i};
            bp__entry entry = {.kind = BP__ENTRY_DELISTING, .t = t, .asset = i};
            trade(a, &order, -held, held < 0 ? p * (1 + slip(a->account)) : p * (1 - slip(a->account)), p,
                  &entry);
            a->record.trades++;
            enter(a, &entry);
        }
        for (size_t k = a->num_orders; k-- > 0;)
            if (a->order[k].asset == i) drop(a, k, t, "it was delisted");
    }
}

/* Sessions -------------------------------------------------------------------------------------- */

void bp__trader_open(bp__trader *a, int32_t t)
{
    apply_splits(a, t);
    pay_dividends(a, t);
    if (a->account->fill == BP__FILL_OPEN) fill_orders(a, t);
}

static void mark_to_close(bp__trader *a, int32_t t)
{
    for (size_t i = 0; i < a->scope->num_assets; i++) {
        if (t > a->scope->asset[i].delisted) continue;
        const double mark = bp__scope_mark(a->scope, i, t);
        if (bp__priced(mark)) a->mark[i] = mark;
    }
}

static void add_up(bp__trader *a, int32_t t)
{
    double equity = a->cash;
    bool held = false;
    for (size_t i = 0; i < a->scope->num_assets; i++) {
        if (a->shares[i] == 0) continue;
        equity += a->shares[i] * a->mark[i];
        held = true;
    }
    a->equity = equity;
    a->record.held += held;
    if (a->ledger && a->ledger->balance)
        a->ledger->balance(a->ledger->context, &(bp__balance){.t = t,
                                                              .cash = a->cash,
                                                              .equity = equity,
                                                              .shares = a->shares,
                                                              .mark = a->mark,
                                                              .num_assets = a->scope->num_assets});
}

void bp__trader_close(bp__trader *a, int32_t t)
{
    mark_to_close(a, t);
    reinvest(a, t);
    if (a->account->fill == BP__FILL_CLOSE) fill_orders(a, t);
    delist(a, t);
    expire(a, t);
    add_up(a, t);
}

/* Life ------------------------------------------------------------------------------------------ */

static int by_payment(const void *x, const void *y)
{
    const bp__event *a = *(const bp__event *const *)x, *b = *(const bp__event *const *)y;
    if (a->pay != b->pay) return a->pay < b->pay ? -1 : 1;
    if (a->asset != b->asset) return a->asset < b->asset ? -1 : 1;
    return a < b ? -1 : a > b; /* of one asset in order of ex-date */
}

bp_status bp__trader_init(const bp__scope *scope, bp__trader *a)
{
    const size_t n = scope->num_assets + 1, dividends = scope->dividends.count;
    *a = (bp__trader){.scope = scope};
    a->shares = calloc(n, sizeof *a->shares);
    a->basis = calloc(n, sizeof *a->basis);
    a->mark = calloc(n, sizeof *a->mark);
    a->paid_out = calloc(n, sizeof *a->paid_out);
    a->owed = calloc(dividends + 1, sizeof *a->owed);
    a->payment = calloc(dividends + 1, sizeof *a->payment);
    if (!a->shares || !a->basis || !a->mark || !a->paid_out || !a->owed || !a->payment) return BP_ENOMEM;
    for (size_t e = 0; e < dividends; e++) a->payment[e] = &scope->dividends.at[e];
    qsort(a->payment, dividends, sizeof *a->payment, by_payment);
    return BP_OK;
}

void bp__trader_fini(bp__trader *a)
{
    free(a->shares);
    free(a->basis);
    free(a->mark);
    free(a->paid_out);
    free(a->owed);
    free(a->payment);
    free(a->order);
    *a = (bp__trader){0};
}

void bp__trader_begin(bp__trader *a, const bp__account *account, const bp__ledger *ledger)
{
    const size_t n = a->scope->num_assets;
    a->account = account;
    a->ledger = ledger;
    a->cash = a->equity = account->cash;
    memset(a->shares, 0, n * sizeof *a->shares);
    memset(a->basis, 0, n * sizeof *a->basis);
    memset(a->paid_out, 0, n * sizeof *a->paid_out);
    for (size_t i = 0; i < n; i++) a->mark[i] = NAN;
    a->num_short = a->num_orders = 0;
    a->last_number = 0;
    a->next_split = a->next_dividend = a->next_payment = a->next_delisting = 0;
    a->record = (bp__record){.cash = account->cash};
}
