/** @file strategy.h
 * A strategy of one's own: what it is told of the market, what it may say, and how it is found.
 *
 * Steps
 *  1. A file of C, or of a language that can be called from C, includes this header and nothing else of this
 *     project, describes its strategies as `bp_strategy`, and names them in BP_STRATEGY_MODULE.
 *  2. It is built as a shared object, and links nothing of this project:
 *     `cc -O2 -ffp-contract=off -shared -fPIC -o mine.so mine.c`
 *  3. `optimizer --strategy ./mine.so` tests it; where the file has several, `--strategy ./mine.so:NAME` does.
 *
 * A strategy has one of three forms, and says what it wants; what it gets is the account's business
 * (docs/backtest.md):
 *  - *signals*: for all bars at once, when each asset enters or leaves a set. The account holds equal shares of
 *    its equity in what is in the set.
 *  - *weights*: at bars of its choice, which share of the equity each asset is to have.
 *  - *decide*: after each bar, orders, with nothing in view that lies ahead.
 * Signals and weights see all bars at once, because that is fast. They must not use what lies ahead of the bar
 * that they speak of; `optimizer --check-lookahead` shows whether they do.
 *
 * Words. *Assets* are those that were selected, numbered from 0 in ascending order of sid. A *bar* is a session of
 * one day here; bars of the range that is tested are numbered t = 0 … num_bars-1, those before it -1, -2, …: they may
 * be looked at and are not traded. An *observation* of an asset is a bar at which it has a close; observations are
 * numbered j = 0, 1, … from the first bar of the bundle on. The bars of an asset's holes are no observations of it.
 *
 * Rules for a strategy
 *  - Equal parameters over an equal market give equal answers: no clock, no random numbers but from a fixed seed, no
 *    file, no variable that outlives a call. Many runs may be under way at a time, bar by bar in turns, on one
 *    thread: what a run has to remember is in the memory that the host gives it (bp_view_memory()).
 *  - What it is given is borrowed, read-only, and valid until its function returns. A write to prices stops the
 *    process.
 *  - Nothing here blocks. All of it is called on the thread that called the strategy, and by no other.
 *  - A failure is told by bp_market_fail() or bp_view_fail(), after which the function returns: this combination has
 *    failed, the others go on. A wrong argument (an asset or a bar that there is not, NaN, an infinite number) is such
 *    a failure too, and the call returns NaN, 0 or NULL. The first one counts.
 */
#ifndef BUNDLEPOOL_STRATEGY_H
#define BUNDLEPOOL_STRATEGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a file is compiled against. A host refuses a file with another number and says so. */
#define BP_STRATEGY_ABI 1

#define BP_STRATEGY_EXPORT __attribute__((visibility("default")))

/** Parameters of a strategy: at most so many. */
#define BP_STRATEGY_MAX_PARAMS 16

typedef struct bp_host bp_host;

/** What the account is told is read through handles. Their rest is the host's. */
typedef struct bp_market {
    const bp_host *host;
} bp_market; /**< assets, bars and prices of the range */
typedef struct bp_signals {
    const bp_host *host;
} bp_signals; /**< what a strategy of the form *signals* fills in */
typedef struct bp_weights {
    const bp_host *host;
} bp_weights; /**< what one of the form *weights* fills in */
typedef struct bp_view {
    const bp_host *host;
} bp_view; /**< market and account as they are known after a bar */

typedef enum bp_bar_column {
    BP_BAR_OPEN,
    BP_BAR_HIGH,
    BP_BAR_LOW,
    BP_BAR_CLOSE,
    BP_BAR_VOLUME
} bp_bar_column;

/** How a window of a view shows prices; to be joined by |. */
enum {
    BP_ADJUSTED = 0, /**< splits, mergers and dividends up to the view's bar are taken out, as zipline does */
    BP_AS_TRADED = 1, /**< as on the exchange */
    BP_CARRIED = 2,   /**< a missing price is the last one before it; a missing volume stays 0 */
};

/* What a strategy is --------------------------------------------------------------------------------- */

typedef enum bp_param_kind {
    BP_PARAM_INTEGER, /**< whole numbers from min to max */
    BP_PARAM_REAL,    /**< numbers from min to max */
    BP_PARAM_WORD,    /**< one of `words`; its value is the word's number, from 0 */
} bp_param_kind;

typedef struct bp_param {
    const char *name; /**< [a-z][a-z0-9_]*, at most 31 bytes; no two of a strategy are equal */
    const char *help; /**< a few words for --list-strategies */
    bp_param_kind kind;
    double fallback;          /**< where a search does not name it; of a word its number */
    double min, max;          /**< inclusive; not used with words */
    const char *const *words; /**< NULL-terminated, as names; else NULL */
} bp_param;

/** A strategy. Exactly one of signals, weights and decide is set. All texts and arrays are the plug-in's and stay as
 *  long as it is loaded. Functions get `context` as it stands here, and params[num_params] in the order of `param`,
 *  each within its range. */
typedef struct bp_strategy {
    size_t size;      /**< sizeof(bp_strategy) */
    const char *name; /**< as a parameter's */
    const char *help; /**< a sentence without its full stop */
    const bp_param *param;
    size_t num_params; /**< at most BP_STRATEGY_MAX_PARAMS */
    void *context;     /**< the strategy's own; not changed while anything runs */

    /** Why a combination makes no sense and is to be skipped, as a static text; NULL: it makes sense. NULL pointer:
     *  every combination does. Depends on `params` alone. */
    const char *(*check)(void *context, const double *params);

    /** Form *signals*: bp_signals_toggle() for every change of the set, which is empty at first. */
    void (*signals)(void *context, const bp_market *market, const double *params, bp_signals *signals);

    /** The same for `count` combinations at once, or NULL: for strategies whose combinations share work. Every
     *  combination gets what `signals` would have given it. */
    void (*signals_batch)(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals);

    /** Form *weights*: bp_weights_row() for every rebalance. */
    void (*weights)(void *context, const bp_market *market, const double *params, bp_weights *weights);

    /** Form *decide*: called after each bar but the last one of the range. */
    void (*decide)(void *context, bp_view *view, const double *params);

    /** Bytes that a run of the form *decide* remembers from bar to bar; NULL: none. */
    size_t (*memory)(void *context, size_t num_assets, const double *params);
} bp_strategy;

/** What a plug-in exports. */
typedef struct bp_module {
    uint32_t abi; /**< BP_STRATEGY_ABI */
    uint32_t count;
    const bp_strategy *const *strategy; /**< [count] */
} bp_module;

/** The one function that a plug-in exports, under this name. Called once after loading.
 *  @param[in] host  lives as long as the process
 *  @return borrowed for as long as the plug-in is loaded; NULL: it refuses this host */
BP_STRATEGY_EXPORT const bp_module *bp_strategy_module(const bp_host *host);

/** Defines it: BP_STRATEGY_MODULE(&my_strategy, &my_other_one) */
#define BP_STRATEGY_MODULE(...)                                                                              \
    const bp_module *bp_strategy_module(const bp_host *host)                                                 \
    {                                                                                                        \
        static const bp_strategy *const list[] = {__VA_ARGS__};                                              \
        static const bp_module module = {BP_STRATEGY_ABI, sizeof list / sizeof *list, list};                 \
        (void)host;                                                                                          \
        return &module;                                                                                      \
    }

/* The host ------------------------------------------------------------------------------------------- */

/** The host's functions. Strategies call the inline functions below, never these. It grows at its end; `size` says how
 *  much of it there is. */
struct bp_host {
    size_t size;
    uint32_t abi;
    uint32_t reserved;

    size_t (*market_num_assets)(const bp_market *market);
    int32_t (*market_num_bars)(const bp_market *market);
    int64_t (*market_time)(const bp_market *market, int32_t t);
    bool (*market_ends_session)(const bp_market *market, int32_t t);
    int32_t (*market_find)(const bp_market *market, const char *symbol);
    const char *(*market_symbol)(const bp_market *market, size_t asset);
    int64_t (*market_sid)(const bp_market *market, size_t asset);
    const double *(*market_closes)(const bp_market *market, size_t asset, int32_t *count);
    void (*market_read)(const bp_market *market, size_t asset, bp_bar_column column, double *value);
    int32_t (*market_bar_of)(const bp_market *market, size_t asset, int32_t observation);
    int32_t (*market_observations)(const bp_market *market, size_t asset, int32_t t);
    bool (*market_is_listed)(const bp_market *market, size_t asset, int32_t t);
    void (*market_means)(const bp_market *market, size_t asset, int32_t k, double *mean);
    void (*market_deviations)(const bp_market *market, size_t asset, int32_t k, const double *mean,
                              double *deviation);
    void *(*market_scratch)(const bp_market *market, size_t bytes);
    void (*market_fail)(const bp_market *market, const char *why);

    void (*signals_toggle)(bp_signals *signals, int32_t t, size_t asset);
    void (*signals_decide)(bp_signals *signals, int32_t t);
    double *(*weights_row)(bp_weights *weights, int32_t t);

    size_t (*view_num_assets)(const bp_view *view);
    int32_t (*view_bar)(const bp_view *view);
    int64_t (*view_time)(const bp_view *view);
    bool (*view_ends_session)(const bp_view *view);
    int32_t (*view_find)(const bp_view *view, const char *symbol);
    const char *(*view_symbol)(const bp_view *view, size_t asset);
    int64_t (*view_sid)(const bp_view *view, size_t asset);
    bool (*view_can_trade)(const bp_view *view, size_t asset);
    double (*view_price)(const bp_view *view, size_t asset);
    int32_t (*view_window)(const bp_view *view, size_t asset, bp_bar_column column, int32_t k, unsigned how,
                           double *value);
    int32_t (*view_observations)(const bp_view *view, size_t asset);
    double (*view_mean)(const bp_view *view, size_t asset, int32_t k);
    double (*view_deviation)(const bp_view *view, size_t asset, int32_t k);
    double (*view_cash)(const bp_view *view);
    double (*view_equity)(const bp_view *view);
    double (*view_position)(const bp_view *view, size_t asset);
    void *(*view_memory)(bp_view *view);
    uint64_t (*view_order)(bp_view *view, size_t asset, double amount);
    size_t (*view_num_orders)(const bp_view *view);
    uint64_t (*view_order_at)(const bp_view *view, size_t i);
    size_t (*view_order_asset)(const bp_view *view, uint64_t order);
    double (*view_order_unfilled)(const bp_view *view, uint64_t order);
    bool (*view_cancel)(bp_view *view, uint64_t order);
    void (*view_fail)(bp_view *view, const char *why);

    double (*mean)(const double *value, size_t count);
    double (*deviation)(const double *value, size_t count, double mean);

    void (*signals_cross)(const bp_market *market, size_t asset, size_t count, const int32_t *fast,
                          const int32_t *slow, bp_signals *const *signals);
    void (*signals_band)(const bp_market *market, size_t asset, const double *value, size_t count,
                         const double *low, const double *high, bp_signals *const *signals);
};

/* Market: forms signals and weights ---------------------------------------------------------------------- */

static inline size_t bp_market_num_assets(const bp_market *m)
{
    return m->host->market_num_assets(m);
}

/** Bars of the range: at least 2. */
static inline int32_t bp_market_num_bars(const bp_market *m)
{
    return m->host->market_num_bars(m);
}

/** Session of bar t, which may be negative: its midnight, in ns since the epoch, UTC. */
static inline int64_t bp_market_time(const bp_market *m, int32_t t)
{
    return m->host->market_time(m, t);
}

/** Whether bar t is the last one of its session. Bars of a day are. */
static inline bool bp_market_ends_session(const bp_market *m, int32_t t)
{
    return m->host->market_ends_session(m, t);
}

/** Number of the first asset of a symbol; -1: none that is selected has it, and that is no failure. */
static inline int32_t bp_market_find(const bp_market *m, const char *symbol)
{
    return m->host->market_find(m, symbol);
}

static inline const char *bp_market_symbol(const bp_market *m, size_t asset)
{
    return m->host->market_symbol(m, asset);
}

static inline int64_t bp_market_sid(const bp_market *m, size_t asset)
{
    return m->host->market_sid(m, asset);
}

/** Adjusted closes of an asset, one per observation: without the splits up to each, dividends left in.
 *  @param[out] count  how many there are, up to the end of the range or to the delisting; may be 0
 *  @return [*count] positive and finite; borrowed as long as the market */
static inline const double *bp_market_closes(const bp_market *m, size_t asset, int32_t *count)
{
    return m->host->market_closes(m, asset, count);
}

/** Any column at the same observations, adjusted in the same way: a price that is missing beside a close is NaN.
 *  @param[out] value  [count of bp_market_closes()] */
static inline void bp_market_read(const bp_market *m, size_t asset, bp_bar_column column, double *value)
{
    m->host->market_read(m, asset, column, value);
}

/** Bar of observation j; negative before the range. */
static inline int32_t bp_market_bar_of(const bp_market *m, size_t asset, int32_t j)
{
    return m->host->market_bar_of(m, asset, j);
}

/** How many observations there are at bars up to and including t; so j = that - 1 is the last one, if it is not -1. */
static inline int32_t bp_market_observations(const bp_market *m, size_t asset, int32_t t)
{
    return m->host->market_observations(m, asset, t);
}

/** Whether the asset is not delisted at bar t. What has not begun to trade is listed, without observations. */
static inline bool bp_market_is_listed(const bp_market *m, size_t asset, int32_t t)
{
    return m->host->market_is_listed(m, asset, t);
}

/** Moving averages of the adjusted closes: each the mean of the k observations that end with it. Exact to the last
 *  rounding, so that equal closes have that close as their mean, whatever k is, and plain comparisons can be trusted.
 *  @param[in]  k     at least 1
 *  @param[out] mean  [count of bp_market_closes()]; the first k-1 are NaN */
static inline void bp_market_means(const bp_market *m, size_t asset, int32_t k, double *mean)
{
    m->host->market_means(m, asset, k, mean);
}

/** Sample deviations of the same windows: sqrt(sum((x - mean)^2) / (k - 1)), the sum from the oldest on. Of equal closes
 *  exactly 0.
 *  @param[in]  k          at least 2
 *  @param[in]  mean       what bp_market_means() has given for the same k
 *  @param[out] deviation  [count]; the first k-1 are NaN */
static inline void bp_market_deviations(const bp_market *m, size_t asset, int32_t k, const double *mean,
                                        double *deviation)
{
    m->host->market_deviations(m, asset, k, mean, deviation);
}

/** Memory until the strategy's function returns, aligned to 64 bytes, of undefined contents. May be called several
 *  times.
 *  @return NULL: there is none, and the combination has failed */
static inline void *bp_market_scratch(const bp_market *m, size_t bytes)
{
    return m->host->market_scratch(m, bytes);
}

/** The combination has failed (all of a batch). @param[in] why  copied, up to 2000 bytes; tables show its first line */
static inline void bp_market_fail(const bp_market *m, const char *why)
{
    m->host->market_fail(m, why);
}

/** After bar t the asset enters the set or, if it is in it, leaves. It leaves by itself when it is delisted; a toggle from
 *  that bar on, or before the asset's first observation, is a failure. In any order of bars and assets. */
static inline void bp_signals_toggle(bp_signals *s, int32_t t, size_t asset)
{
    s->host->signals_toggle(s, t, asset);
}

/** Toggle the asset in each of `count` sets wherever the mean of its last fast[i] observations comes to lie above that of the
 *  last slow[i], and where it no longer does: what bp_market_means() and a comparison come to, several times as fast. Before
 *  both means are there neither is above. At bar 0 the set has what the last observation up to it says, however old.
 *  @param[in] fast, slow  [count] at least 1
 *  @return false: the host is older than this function, and nothing is done */
static inline bool bp_signals_cross(const bp_market *m, size_t asset, size_t count, const int32_t *fast,
                                    const int32_t *slow, bp_signals *const *signals)
{
    if (m->host->size < offsetof(bp_host, signals_cross) + sizeof m->host->signals_cross) return false;
    m->host->signals_cross(m, asset, count, fast, slow, signals);
    return true;
}

/** Signals of up to a batch of combinations by one series of values: an asset enters a combination's set at a bar of the range
 *  after an observation whose value is less than the combination's `low`, and leaves it after one whose value is more than its
 *  `high`. NaN is neither.
 *  @param[in] value      [count of bp_market_closes()] one for each observation
 *  @param[in] low, high  [count], as the set of signals that each goes into
 *  @return false: the host is older than this function, and nothing is done */
static inline bool bp_signals_band(const bp_market *m, size_t asset, const double *value, size_t count,
                                   const double *low, const double *high, bp_signals *const *signals)
{
    if (m->host->size < offsetof(bp_host, signals_band) + sizeof m->host->signals_band) return false;
    m->host->signals_band(m, asset, value, count, low, high, signals);
    return true;
}

/** Orders are made anew after bar t even if the set stays the same. */
static inline void bp_signals_decide(bp_signals *s, int32_t t)
{
    s->host->signals_decide(s, t);
}

/** Rebalance after bar t, later than the row before.
 *  @return [num_assets] zeros, to be filled with the weights: the share of the equity that each asset is to have, less
 *          than 0 for short positions where the account allows them. Together at most the account's leverage. Valid
 *          until the next row */
static inline double *bp_weights_row(bp_weights *w, int32_t t)
{
    return w->host->weights_row(w, t);
}

/* View: form decide ---------------------------------------------------------------------------------------- */

static inline size_t bp_view_num_assets(const bp_view *v)
{
    return v->host->view_num_assets(v);
}

/** The bar that has just closed: t. */
static inline int32_t bp_view_bar(const bp_view *v)
{
    return v->host->view_bar(v);
}

/** Its session: the midnight, in ns since the epoch, UTC. */
static inline int64_t bp_view_time(const bp_view *v)
{
    return v->host->view_time(v);
}

static inline bool bp_view_ends_session(const bp_view *v)
{
    return v->host->view_ends_session(v);
}

/** As bp_market_find(). */
static inline int32_t bp_view_find(const bp_view *v, const char *symbol)
{
    return v->host->view_find(v, symbol);
}

static inline const char *bp_view_symbol(const bp_view *v, size_t asset)
{
    return v->host->view_symbol(v, asset);
}

static inline int64_t bp_view_sid(const bp_view *v, size_t asset)
{
    return v->host->view_sid(v, asset);
}

/** Whether an order would be taken: the asset has a price and is not delisted. */
static inline bool bp_view_can_trade(const bp_view *v, size_t asset)
{
    return v->host->view_can_trade(v, asset);
}

/** Its last known close, as traded, brought over splits since; NaN: there was none yet. */
static inline double bp_view_price(const bp_view *v, size_t asset)
{
    return v->host->view_price(v, asset);
}

/** The last k bars up to this one, oldest first.
 *  @param[in]  k      at least 1
 *  @param[in]  how    BP_ADJUSTED, BP_AS_TRADED, BP_CARRIED
 *  @param[out] value  [k]; a missing price is NaN, a missing volume 0, as is what lies before the bundle
 *  @return how many of them are bars of the bundle: less than k near its beginning */
static inline int32_t bp_view_window(const bp_view *v, size_t asset, bp_bar_column column, int32_t k,
                                     unsigned how, double *value)
{
    return v->host->view_window(v, asset, column, k, how, value);
}

/** How many observations the asset has had. */
static inline int32_t bp_view_observations(const bp_view *v, size_t asset)
{
    return v->host->view_observations(v, asset);
}

/** Mean of its last k observations, to the bit as bp_market_means(); NaN: there are fewer. */
static inline double bp_view_mean(const bp_view *v, size_t asset, int32_t k)
{
    return v->host->view_mean(v, asset, k);
}

/** Their sample deviation, to the bit as bp_market_deviations(); NaN: there are fewer, or k is 1. */
static inline double bp_view_deviation(const bp_view *v, size_t asset, int32_t k)
{
    return v->host->view_deviation(v, asset, k);
}

static inline double bp_view_cash(const bp_view *v)
{
    return v->host->view_cash(v);
}

/** Cash and positions at their last prices. */
static inline double bp_view_equity(const bp_view *v)
{
    return v->host->view_equity(v);
}

/** Shares that are held; negative: short. */
static inline double bp_view_position(const bp_view *v, size_t asset)
{
    return v->host->view_position(v, asset);
}

/** What this run remembers: as many bytes as the strategy's `memory` said, zeros at the first bar, aligned to 64. The
 *  only thing that it may remember by. NULL if that was 0. */
static inline void *bp_view_memory(bp_view *v)
{
    return v->host->view_memory(v);
}

/** The combination has failed. @param[in] why  copied, up to 2000 bytes; tables show its first line */
static inline void bp_view_fail(bp_view *v, const char *why)
{
    v->host->view_fail(v, why);
}

/* Orders are filled from the next bar on, as the account's options say, and stay open until they are filled,
 * cancelled or expired. Several of one asset add up. Each returns the order's number, or 0: nothing is left to be
 * ordered once the amount is cut to whole shares (towards 0; what is within 0.0001 of a whole number is that number),
 * or the call has failed. */

/** Buy `amount` shares, or sell where it is negative. */
static inline uint64_t bp_order(bp_view *v, size_t asset, double amount)
{
    return v->host->view_order(v, asset, amount);
}

/** For so much money, at the last price. */
static inline uint64_t bp_order_value(bp_view *v, size_t asset, double value)
{
    return bp_order(v, asset, value / bp_view_price(v, asset));
}

/** For a share of the equity: 0.1 is a tenth. */
static inline uint64_t bp_order_percent(bp_view *v, size_t asset, double share)
{
    return bp_order_value(v, asset, bp_view_equity(v) * share);
}

/** What brings the position to `target` shares. Orders that are open are not counted in. */
static inline uint64_t bp_order_target(bp_view *v, size_t asset, double target)
{
    return bp_order(v, asset, target - bp_view_position(v, asset));
}

/** The same, to a position of that value at the last price. */
static inline uint64_t bp_order_target_value(bp_view *v, size_t asset, double value)
{
    return bp_order_target(v, asset, value / bp_view_price(v, asset));
}

/** The same, to a share of the equity. */
static inline uint64_t bp_order_target_percent(bp_view *v, size_t asset, double share)
{
    return bp_order_target_value(v, asset, bp_view_equity(v) * share);
}

/** Orders that are open. */
static inline size_t bp_view_num_orders(const bp_view *v)
{
    return v->host->view_num_orders(v);
}

/** Number of the i-th open order: in order of assets, of one asset the oldest first. */
static inline uint64_t bp_view_order_at(const bp_view *v, size_t i)
{
    return v->host->view_order_at(v, i);
}

/** Asset of an open order. */
static inline size_t bp_view_order_asset(const bp_view *v, uint64_t order)
{
    return v->host->view_order_asset(v, order);
}

/** Shares of an open order that are still to be filled; negative: to be sold. 0: it is not open any more. */
static inline double bp_view_order_unfilled(const bp_view *v, uint64_t order)
{
    return v->host->view_order_unfilled(v, order);
}

/** @return whether the order was open; what had been filled stays */
static inline bool bp_view_cancel(bp_view *v, uint64_t order)
{
    return v->host->view_cancel(v, order);
}

/* Numbers: for all forms, through any handle ------------------------------------------------------------------ */

/** Mean of `count` numbers, rounded once: equal numbers have that number as their mean. NaN of none. */
static inline double bp_mean(const bp_host *host, const double *value, size_t count)
{
    return host->mean(value, count);
}

/** Sample deviation around a mean: sqrt(sum((x - mean)^2) / (count - 1)), from the first on; NaN of fewer than 2. */
static inline double bp_deviation(const bp_host *host, const double *value, size_t count, double mean)
{
    return host->deviation(value, count, mean);
}

#ifdef __cplusplus
}
#endif

#endif
