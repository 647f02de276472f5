#include "tests/backtest/naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/backtest/measure.h"

__extension__ typedef __float128 quad; /* 113 bits: more than a sum of prices needs */

typedef struct table {
    const int64_t *sid, *date;
    const double *value;
    size_t rows;
} table;

typedef struct book {
    const bp_bundle *bundle;
    const int64_t *sid;
    int64_t *day;         /* [days] on which a selected asset trades */
    double *open, *close; /* [assets][days] */
    int64_t *end;         /* [assets] last day of life */
    size_t days, assets, first;
    const bool *selected;
    table splits, dividends;
    double *shares, *target, *mark;
    bool *ordered, *signalled, *decided;
    double cash, slip, rate;
    int64_t trades;
} book;

static table read_table(const bp_bundle *bundle, bp_column sid, bp_column date, bp_column value)
{
    bp_array s, d, v;
    bp_bundle_column(bundle, sid, &s);
    bp_bundle_column(bundle, date, &d);
    bp_bundle_column(bundle, value, &v);
    return (table){s.data, d.data, v.data, (size_t)s.shape[0]};
}

static bool there(double price)
{
    return price > 0 && isfinite(price);
}

static double close_at(const book *b, size_t i, size_t day)
{
    return b->close[i * b->days + day];
}

/* Rows of a table that act on asset i at a day, in order of date and row. */
static size_t acting(const book *b, const table *x, size_t i, size_t day, size_t *rows)
{
    size_t n = 0;
    for (size_t k = 0; k < x->rows; k++) {
        if (x->sid[k] != b->sid[i] || x->date[k] < b->day[0] || !there(x->value[k])) continue;
        if (x->date[k] > b->day[day] || (day > 0 && x->date[k] <= b->day[day - 1])) continue;
        size_t at = n++;
        for (; at > 0 && x->date[rows[at - 1]] > x->date[k]; at--) rows[at] = rows[at - 1];
        rows[at] = k;
    }
    return n;
}

static int64_t life_end(const book *b, size_t i)
{
    return b->end[i] >= 0 && b->end[i] < (int64_t)b->days - 1 ? b->end[i] : INT64_MAX;
}

/* Take over the days on which a selected asset trades, and no others. */
static void take_days(book *b)
{
    const bp_bundle *bundle = b->bundle;
    const size_t all = bp_bundle_num_sessions(bundle);
    const double *open = bp_bundle_daily(bundle, BP_COL_OPEN), *close = bp_bundle_daily(bundle, BP_COL_CLOSE);
    bp_array end;
    bp_bundle_column(bundle, BP_COL_LIFE_END, &end);
    bool *trades = calloc(all + 1, sizeof *trades);
    b->day = calloc(all + 1, sizeof *b->day);
    b->open = calloc(b->assets * all + 1, sizeof *b->open);
    b->close = calloc(b->assets * all + 1, sizeof *b->close);
    b->end = calloc(b->assets + 1, sizeof *b->end);
    if (!trades || !b->day || !b->open || !b->close || !b->end) abort();
    for (size_t i = 0; i < b->assets; i++) b->end[i] = -1;
    for (size_t d = 0; d < all; d++) {
        for (size_t i = 0; i < b->assets; i++)
            trades[d] |= b->selected[i] && (there(open[i * all + d]) || there(close[i * all + d]));
        if (!trades[d]) continue;
        b->day[b->days] = bp_bundle_sessions(bundle)[d];
        for (size_t i = 0; i < b->assets; i++)
            if ((int64_t)d <= ((const int64_t *)end.data)[i]) b->end[i] = (int64_t)b->days;
        b->days++;
    }
    for (size_t i = 0; i < b->assets; i++)
        for (size_t d = 0, n = 0; d < all; d++) {
            if (!trades[d]) continue;
            b->open[i * b->days + n] = open[i * all + d];
            b->close[i * b->days + n++] = close[i * all + d];
        }
    free(trades);
}

/* Adjusted closes of asset i up to a day, the delisting excluded. */
static size_t observe(const book *b, size_t i, size_t day, double *adj)
{
    size_t n = 0, rows[1024];
    double g = 1.0;
    for (size_t d = 0; d <= day && (int64_t)d < life_end(b, i); d++) {
        size_t count = acting(b, &b->splits, i, d, rows);
        for (size_t k = 0; k < count; k++) g = g * b->splits.value[rows[k]];
        if (there(close_at(b, i, d))) adj[n++] = close_at(b, i, d) / g;
    }
    return n;
}

/* Signals --------------------------------------------------------------------------------------- */

/* The exact sum of the last k, rounded once. */
static double average(const double *adj, size_t n, size_t k)
{
    quad sum = 0;
    for (size_t j = n - k; j < n; j++) sum = sum + adj[j];
    return (double)(sum / (quad)k);
}

static bool sma_cross(const double *adj, size_t n, const double *params)
{
    size_t fast = (size_t)params[0], slow = (size_t)params[1];
    return n >= slow && average(adj, n, fast) > average(adj, n, slow);
}

static bool mean_reversion(const double *adj, size_t n, const double *params, bool before)
{
    size_t k = (size_t)params[0];
    if (n < k) return before;
    double squares = 0.0, mean = average(adj, n, k);
    for (size_t j = n - k; j < n; j++) squares = squares + (adj[j] - mean) * (adj[j] - mean);
    double sd = sqrt(squares / (double)(k - 1));
    if (sd == 0) return before;
    double z = (adj[n - 1] - mean) / sd;
    return before ? !(z > -params[2]) : z < -params[1];
}

/* Selection, one asset at a time: the best that is not yet chosen. */
static void momentum(const book *b, size_t day, const double *params, double *adj, bool *chosen)
{
    size_t lookback = (size_t)params[0], top = (size_t)params[1];
    memset(chosen, 0, b->assets * sizeof *chosen);
    for (size_t k = 0; k < top; k++) {
        size_t best = b->assets;
        double best_gain = 0;
        for (size_t i = 0; i < b->assets; i++) {
            if (!b->selected[i] || chosen[i] || (int64_t)day >= life_end(b, i)) continue;
            size_t n = observe(b, i, day, adj);
            if (n < lookback + 1) continue;
            double gain = adj[n - 1] / adj[n - 1 - lookback] - 1;
            if (best < b->assets && gain <= best_gain) continue;
            best = i;
            best_gain = gain;
        }
        if (best < b->assets) chosen[best] = true;
    }
}

/* @return whether a decision is due by the calendar */
static bool signal_at(book *b, size_t t, const char *strategy, const double *params, double *adj)
{
    size_t day = b->first + t;
    if (strcmp(strategy, "momentum") == 0) {
        if (t % (size_t)params[2] != 0) return false;
        momentum(b, day, params, adj, b->signalled);
        return true;
    }
    for (size_t i = 0; i < b->assets; i++) {
        if (!b->selected[i] || (int64_t)day >= life_end(b, i)) continue;
        bool observed = there(close_at(b, i, day));
        if (strcmp(strategy, "buy_and_hold") == 0) {
            if (t == 0) b->signalled[i] = observed;
        } else if (strcmp(strategy, "sma_cross") == 0) {
            b->signalled[i] = sma_cross(adj, observe(b, i, day, adj), params);
        } else if (observed) {
            b->signalled[i] = mean_reversion(adj, observe(b, i, day, adj), params, b->signalled[i]);
        }
    }
    return false;
}

/* A session ------------------------------------------------------------------------------------- */

static double split(double q, double r, double *fraction)
{
    double x = q / r, nearest = floor(x + 0.5), most = x > 1 ? x : 1;
    *fraction = 0;
    if (fabs(x - nearest) <= 1e-6 * most) return nearest;
    *fraction = x - floor(x);
    return floor(x);
}

static void do_splits(book *b, size_t day)
{
    size_t rows[1024];
    for (size_t i = 0; i < b->assets; i++) {
        size_t n = acting(b, &b->splits, i, day, rows);
        for (size_t k = 0; k < n; k++) {
            double r = b->splits.value[rows[k]], fraction, none;
            double shares = split(b->shares[i], r, &fraction);
            if (b->shares[i] > 0) b->cash = b->cash + fraction * (b->mark[i] * r);
            b->shares[i] = shares;
            if (b->ordered[i]) b->target[i] = split(b->target[i], r, &none);
            b->mark[i] = b->mark[i] * r;
        }
    }
}

static void do_dividends(book *b, size_t day)
{
    size_t rows[1024];
    for (size_t i = 0; i < b->assets; i++) {
        size_t n = acting(b, &b->dividends, i, day, rows);
        for (size_t k = 0; k < n; k++) b->cash = b->cash + b->dividends.value[rows[k]] * b->shares[i];
    }
}

static void do_sale(book *b, double q, double unslipped)
{
    double price = unslipped * (1 - b->slip), value = q * price;
    b->cash = b->cash + (value - b->rate * value);
    b->trades++;
}

static void do_buy(book *b, size_t i, double open)
{
    double q = b->target[i] - b->shares[i], price = open * (1 + b->slip), value = q * price;
    double cost = value + b->rate * value;
    if (cost > b->cash) {
        q = floor(b->cash / (price + b->rate * price));
        value = q * price;
        cost = value + b->rate * value;
        if (cost > b->cash) {
            q = q - 1;
            value = q * price;
            cost = value + b->rate * value;
        }
    }
    if (q < 1) return;
    b->cash = b->cash - cost;
    b->shares[i] = b->shares[i] + q;
    b->trades++;
}

static void do_fills(book *b, size_t day)
{
    for (int buying = 0; buying < 2; buying++)
        for (size_t i = 0; i < b->assets; i++) {
            double open = b->open[i * b->days + day];
            if (!b->ordered[i] || !there(open)) continue;
            if (!buying && b->target[i] < b->shares[i]) {
                do_sale(b, b->shares[i] - b->target[i], open);
                b->shares[i] = b->target[i];
                b->ordered[i] = false;
            } else if (buying) {
                if (b->target[i] > b->shares[i]) do_buy(b, i, open);
                b->ordered[i] = false;
            }
        }
}

static void do_delistings(book *b, size_t day)
{
    for (size_t i = 0; i < b->assets; i++) {
        if (life_end(b, i) != (int64_t)day) continue;
        if (b->shares[i] > 0) do_sale(b, b->shares[i], b->mark[i]);
        b->shares[i] = 0;
        b->ordered[i] = b->signalled[i] = b->decided[i] = false;
    }
}

static void decide(book *b, double equity)
{
    double members = 0;
    for (size_t i = 0; i < b->assets; i++) members += b->signalled[i];
    for (size_t i = 0; i < b->assets; i++) {
        b->target[i] = b->signalled[i] ? floor((equity / members) / b->mark[i]) : 0;
        b->ordered[i] = b->target[i] != b->shares[i];
        b->decided[i] = b->signalled[i];
    }
}

void naive_run(const bp_bundle *bundle, int64_t start, int64_t end, const bool *selected,
               const char *strategy, const double *params, const bp__account *account, bp__metrics *metrics,
               double *equity)
{
    book b = {
        .bundle = bundle,
        .sid = bp_bundle_sids(bundle),
        .assets = bp_bundle_num_assets(bundle),
        .selected = selected,
        .splits = read_table(bundle, BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO),
        .dividends = read_table(bundle, BP_COL_PAYOUT_SID, BP_COL_PAYOUT_EX, BP_COL_PAYOUT_AMOUNT),
        .cash = account->cash,
        .slip = account->slippage_bps / 10000,
        .rate = account->commission_bps / 10000,
    };
    size_t first = 0, n = 0;
    take_days(&b);
    while (b.day[first] < start) first++;
    while (first + n < b.days && b.day[first + n] <= end) n++;
    b.first = first;
    double *adj = malloc((b.days + 1) * sizeof *adj);
    b.shares = calloc(b.assets + 1, sizeof *b.shares);
    b.target = calloc(b.assets + 1, sizeof *b.target);
    b.mark = calloc(b.assets + 1, sizeof *b.mark);
    b.ordered = calloc(b.assets + 1, sizeof *b.ordered);
    b.signalled = calloc(b.assets + 1, sizeof *b.signalled);
    b.decided = calloc(b.assets + 1, sizeof *b.decided);
    if (!adj || !b.shares || !b.target || !b.mark || !b.ordered || !b.signalled || !b.decided) abort();
    for (size_t i = 0; i < b.assets; i++) b.mark[i] = NAN;

    for (size_t day = 0; day < first + n; day++) {
        do_splits(&b, day); /* before the range, for the marks alone: there are no shares yet */
        if (day >= first) {
            do_dividends(&b, day);
            do_fills(&b, day);
        }
        for (size_t i = 0; i < b.assets; i++)
            if (there(close_at(&b, i, day))) b.mark[i] = close_at(&b, i, day);
        if (day < first) continue;
        do_delistings(&b, day);
        size_t t = day - first;
        equity[t] = b.cash;
        for (size_t i = 0; i < b.assets; i++)
            if (b.shares[i] > 0) equity[t] = equity[t] + b.shares[i] * b.mark[i];
        bool due = signal_at(&b, t, strategy, params, adj);
        if (t < n - 1 && (due || memcmp(b.signalled, b.decided, b.assets * sizeof *b.signalled) != 0))
            decide(&b, equity[t]);
    }
    const bp__record record = {.equity = equity, .n = n, .cash = account->cash, .trades = b.trades};
    measure(&record, &(bp__terms){.sessions_per_year = 252}, metrics);
    free(adj);
    free(b.day);
    free(b.open);
    free(b.close);
    free(b.end);
    free(b.shares);
    free(b.target);
    free(b.mark);
    free(b.ordered);
    free(b.signalled);
    free(b.decided);
}
