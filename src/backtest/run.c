/* The account: from signals to an equity curve.
 *
 * DESIGN
 *  1. The strategy writes for the whole range when assets enter and leave the signalled set (a bit each)
 *     and after which closes a decision is made.
 *  2. The range is cut where holdings can change: splits, delistings, decisions, orders that wait. Within
 *     such a stretch the shares are constant, so equity is added up asset by asset over contiguous prices;
 *     each session still sees the same order of additions: cash first, then assets by sid.
 *  3. Sets of assets are bits in order of sid, and orders are two lists in the same order: the cost of a
 *     session depends on what is held or ordered, not on the size of the bundle.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/metrics.h"
#include "backtest/strategy.h"
#include "core/day.h"
#include "core/status.h"

/* Orders of one direction. Filled ones leave the list, waiting ones stay. */
typedef struct orders {
    uint32_t *asset;
    size_t count;
} orders;

struct bp__workspace {
    const bp__scope *scope;
    bp__signals signals;
    double *shares;   /* [num_assets] whole numbers */
    double *target;   /* [num_assets] of an order; never read where there is none */
    uint64_t *held;   /* [words] has shares */
    uint64_t *in_set; /* [words] is signalled */
    orders sales, buys;
    double *equity; /* [num_sessions] for callers that want none */

    double cash, buy_factor, sale_factor, rate;
    int64_t trades;
    size_t next_split, next_dividend, next_delisting;
};

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

/* Fills ----------------------------------------------------------------------------------------- */

/* What a sale of q shares brings. */
static inline double proceeds(const bp__workspace *ws, double q, double price)
{
    double value = q * (price * ws->sale_factor);
    return value - ws->rate * value;
}

static inline double cost_of(const bp__workspace *ws, double q, double price)
{
    double value = q * price;
    return value + ws->rate * value;
}

/* How many shares the cash can pay. */
static double affordable(const bp__workspace *ws, double cash, double price)
{
    double q = whole(cash / (price + ws->rate * price));
    return cost_of(ws, q, price) > cash ? q - 1 : q; /* the division may have rounded up */
}

static void fill_sales(bp__workspace *ws, size_t t)
{
    const double *const *open = ws->scope->open;
    double cash = ws->cash, *shares = ws->shares;
    size_t waiting = 0, trades = 0;
    for (size_t k = 0; k < ws->sales.count; k++) {
        const uint32_t i = ws->sales.asset[k];
        const double q = shares[i] - ws->target[i];
        if (!bp__priced(open[i][t])) {
            ws->sales.asset[waiting++] = i;
            continue;
        }
        if (!(q > 0)) continue; /* a split has made the two equal */
        cash += proceeds(ws, q, open[i][t]);
        trades++;
        shares[i] = ws->target[i];
        if (shares[i] == 0) clear_bit(ws->held, i);
    }
    ws->sales.count = waiting;
    ws->cash = cash;
    ws->trades += (int64_t)trades;
}

static void fill_buys(bp__workspace *ws, size_t t)
{
    const double *const *open = ws->scope->open;
    double cash = ws->cash, *shares = ws->shares;
    size_t waiting = 0, trades = 0;
    for (size_t k = 0; k < ws->buys.count; k++) {
        const uint32_t i = ws->buys.asset[k];
        const double price = open[i][t] * ws->buy_factor;
        double q = ws->target[i] - shares[i], cost = cost_of(ws, q, price);
        if (!bp__priced(open[i][t])) {
            ws->buys.asset[waiting++] = i;
            continue;
        }
        if (cost > cash) {
            q = affordable(ws, cash, price);
            cost = cost_of(ws, q, price);
        }
        if (!(q > 0)) continue;
        cash -= cost;
        trades++;
        if (shares[i] == 0) set_bit(ws->held, i);
        shares[i] += q;
    }
    ws->buys.count = waiting;
    ws->cash = cash;
    ws->trades += (int64_t)trades;
}

static void cancel(orders *o, uint32_t asset)
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

static void apply_splits(bp__workspace *ws, size_t t)
{
    const bp__events *splits = &ws->scope->splits;
    double fraction, mark = NAN;
    uint32_t mark_of = UINT32_MAX; /* several splits of an asset in a session start from one mark */
    for (size_t e = ws->next_split; e < splits->count && splits->at[e].t == (int32_t)t;
         e = ++ws->next_split) {
        const uint32_t i = splits->at[e].asset;
        const double r = splits->at[e].value;
        ws->target[i] = split_shares(ws->target[i], r, &fraction);
        if (ws->shares[i] == 0) continue;
        if (i != mark_of) mark = ws->scope->mark[mark_of = i][t - 1];
        mark *= r;
        ws->shares[i] = split_shares(ws->shares[i], r, &fraction);
        ws->cash += fraction * mark;
        if (ws->shares[i] == 0) clear_bit(ws->held, i);
    }
}

static void pay_dividends(bp__workspace *ws, size_t t)
{
    const bp__events *d = &ws->scope->dividends;
    for (; ws->next_dividend < d->count && d->at[ws->next_dividend].t == (int32_t)t; ws->next_dividend++)
        ws->cash += d->at[ws->next_dividend].value * ws->shares[d->at[ws->next_dividend].asset];
}

static void delist(bp__workspace *ws, size_t t)
{
    const bp__events *d = &ws->scope->delistings;
    for (; ws->next_delisting < d->count && d->at[ws->next_delisting].t == (int32_t)t; ws->next_delisting++) {
        const uint32_t i = d->at[ws->next_delisting].asset;
        if (ws->shares[i] > 0) {
            ws->cash += proceeds(ws, ws->shares[i], ws->scope->mark[i][t]);
            ws->trades++;
        }
        ws->shares[i] = 0;
        clear_bit(ws->held, i);
        clear_bit(ws->in_set, i);
        cancel(&ws->sales, i);
        cancel(&ws->buys, i);
    }
}

/* Sessions -------------------------------------------------------------------------------------- */

/* Equity at the closes of [t, end), between which only dividends happen. */
static void add_equity(bp__workspace *ws, size_t t, size_t end, double *equity)
{
    equity[t] = ws->cash;
    for (size_t s = t + 1; s < end; s++) {
        pay_dividends(ws, s);
        equity[s] = ws->cash;
    }
    double single = equity[t];
    for (size_t w = 0; w < ws->signals.words; w++)
        for (uint64_t left = ws->held[w]; left; left &= left - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(left);
            const double *mark = ws->scope->mark[i], shares = ws->shares[i];
            single += shares * mark[t];
            for (size_t s = t + 1; s < end; s++) equity[s] += shares * mark[s];
        }
    equity[t] = single;
}

/* Replace all orders by what the signals of session t ask for. */
static void decide(bp__workspace *ws, size_t t, double equity)
{
    const bp__signals *sig = &ws->signals;
    const uint64_t *toggle = sig->toggle + t * sig->words;
    const double *const *mark = ws->scope->mark;
    size_t members = 0, sales = 0, buys = 0;
    for (size_t w = 0; w < sig->words; w++) {
        ws->in_set[w] ^= toggle[w];
        members += (size_t)__builtin_popcountll(ws->in_set[w]);
    }
    const double each = equity / (double)members; /* not used if there is none */
    for (size_t w = 0; w < sig->words; w++)
        for (uint64_t left = ws->in_set[w] | ws->held[w]; left; left &= left - 1) {
            size_t i = w * 64 + (size_t)__builtin_ctzll(left);
            bool wanted = ws->in_set[w] & left & -left;
            double target = wanted ? whole(each / mark[i][t]) : 0;
            ws->target[i] = target;
            /* always stored, counted only if it is one: a branch here could not be predicted */
            ws->sales.asset[sales] = ws->buys.asset[buys] = (uint32_t)i;
            sales += target < ws->shares[i];
            buys += target > ws->shares[i];
        }
    ws->sales.count = sales;
    ws->buys.count = buys;
}

static void run_sessions(bp__workspace *ws, double *equity)
{
    const size_t n = ws->scope->num_sessions;
    const bool *breaks = ws->scope->breaks, *decides = ws->signals.decide;
    for (size_t t = 0, end; t < n; t = end) {
        apply_splits(ws, t);
        pay_dividends(ws, t);
        fill_sales(ws, t);
        fill_buys(ws, t);
        delist(ws, t);
        end = t + 1;
        if (ws->sales.count + ws->buys.count == 0)
            while (end < n && !decides[end - 1] && !breaks[end]) end++;
        add_equity(ws, t, end, equity);
        if (end < n && decides[end - 1]) decide(ws, end - 1, equity[end - 1]);
    }
}

static void reset(bp__workspace *ws, const bp__account *account)
{
    const size_t n = ws->scope->num_assets, words = ws->signals.words, sessions = ws->scope->num_sessions;
    memset(ws->signals.toggle, 0, sessions * words * sizeof *ws->signals.toggle);
    memset(ws->signals.decide, 0, sessions * sizeof *ws->signals.decide);
    memset(ws->shares, 0, n * sizeof *ws->shares);
    memset(ws->target, 0, n * sizeof *ws->target);
    memset(ws->held, 0, words * sizeof *ws->held);
    memset(ws->in_set, 0, words * sizeof *ws->in_set);
    ws->sales.count = ws->buys.count = 0;
    ws->cash = account->cash;
    ws->buy_factor = 1 + account->slippage_bps / 10000;
    ws->sale_factor = 1 - account->slippage_bps / 10000;
    ws->rate = account->commission_bps / 10000;
    ws->trades = 0;
    ws->next_split = ws->next_dividend = ws->next_delisting = 0;
}

static bp_status check_account(const bp__account *a)
{
    if (!(a->cash > 0 && a->cash <= DBL_MAX)) BP_FAIL(BP_EINVAL, "cash %g: it must be positive", a->cash);
    if (!(a->commission_bps >= 0 && a->commission_bps < 10000))
        BP_FAIL(BP_EINVAL, "commission %g bps: choose from 0 to less than 10000", a->commission_bps);
    if (!(a->slippage_bps >= 0 && a->slippage_bps < 10000))
        BP_FAIL(BP_EINVAL, "slippage %g bps: choose from 0 to less than 10000", a->slippage_bps);
    return BP_OK;
}

static bp_status check_equity(const bp__scope *scope, const double *equity)
{
    for (size_t t = 0; t < scope->num_sessions; t++) {
        if (bp__priced(equity[t])) continue;
        char day[32];
        BP_FAIL(BP_ERANGE, "session %s: equity is %g, not a positive number; check the prices and the cash",
                bp__day_text(scope->day[t], day), equity[t]);
    }
    return BP_OK;
}

bp_status bp__backtest_run(const bp__scope *scope, const bp__strategy *strategy, const double *params,
                           const bp__account *account, bp__workspace *ws, bp__metrics *metrics,
                           double *equity)
{
    assert(ws->scope == scope);
    BP_TRY(check_account(account));
    if (!equity) equity = ws->equity;
    reset(ws, account);
    strategy->signal(scope, params, &ws->signals);
    run_sessions(ws, equity);
    BP_TRY(check_equity(scope, equity));
    const bp__record record = {
        .equity = equity, .n = scope->num_sessions, .cash = account->cash, .trades = ws->trades};
    bp__metrics_from(&record, &(bp__terms){.sessions_per_year = 252}, metrics);
    return BP_OK;
}

/* Workspace ------------------------------------------------------------------------------------- */

bp_status bp__workspace_create(const bp__scope *scope, bp__workspace **workspace)
{
    const size_t n = scope->num_assets, sessions = scope->num_sessions, words = n / 64 + 1;
    bp__workspace *ws = calloc(1, sizeof *ws);
    *workspace = ws;
    if (!ws) goto fail;
    ws->scope = scope;
    ws->signals.num_sessions = sessions;
    ws->signals.words = words;
    /* one more than there are assets: never an empty block, and decide() stores one ahead */
    const struct {
        void *pointer;
        size_t count, size;
    } blocks[] = {
        {&ws->signals.toggle, sessions * words, sizeof *ws->signals.toggle},
        {&ws->signals.decide, sessions, sizeof *ws->signals.decide},
        {&ws->signals.series, scope->history + 1, sizeof *ws->signals.series},
        {&ws->signals.ranked, n + 1, sizeof *ws->signals.ranked},
        {&ws->signals.member, n + 1, sizeof *ws->signals.member},
        {&ws->shares, n + 1, sizeof *ws->shares},
        {&ws->target, n + 1, sizeof *ws->target},
        {&ws->held, words, sizeof *ws->held},
        {&ws->in_set, words, sizeof *ws->in_set},
        {&ws->sales.asset, n + 1, sizeof *ws->sales.asset},
        {&ws->buys.asset, n + 1, sizeof *ws->buys.asset},
        {&ws->equity, sessions, sizeof *ws->equity},
    };
    for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++) {
        void *block = calloc(blocks[k].count, blocks[k].size);
        if (!block) goto fail;
        memcpy(blocks[k].pointer, &block, sizeof block);
    }
    return BP_OK;
fail:
    bp__workspace_destroy(workspace);
    BP_FAIL(BP_ENOMEM, "backtest: no memory for a run over %zu assets and %zu sessions", n, sessions);
}

void bp__workspace_destroy(bp__workspace **workspace)
{
    bp__workspace *ws = *workspace;
    *workspace = NULL;
    if (!ws) return;
    free(ws->signals.toggle);
    free(ws->signals.decide);
    free(ws->signals.series);
    free(ws->signals.ranked);
    free(ws->signals.member);
    free(ws->shares);
    free(ws->target);
    free(ws->held);
    free(ws->in_set);
    free(ws->sales.asset);
    free(ws->buys.asset);
    free(ws->equity);
    free(ws);
}
