/* Form *decide*: trades pairs of assets, the first with the second, the third with the fourth, and so on. When the
 * difference of their logarithms is far from its mean, the one that has become cheap is bought (and, if side is `both`,
 * the other one sold short) until the difference has come back.
 *
 * The function is called after every bar, and the view that it gets ends there. What a pair remembers from bar to bar is
 * in the memory that the host keeps for each run: `memory` says how many bytes, and they begin as zeros. */
#include <bundlepool/strategy.h>

#include <math.h>
#include <string.h>

enum { LOOKBACK, ENTRY, EXIT, SIDE };
enum { LONG, BOTH };                   /* numbers of the words below */
enum { NOTHING, FIRST, SECOND, GONE }; /* which of the two has been bought; GONE: one is delisted */

typedef struct pair {
    int32_t state;
    int32_t count;       /* differences that are noted: up to `lookback` */
    double difference[]; /* [lookback] the oldest first */
} pair;

static size_t pair_bytes(const double *params)
{
    return sizeof(pair) + (size_t)params[LOOKBACK] * sizeof(double);
}

static size_t memory(void *context, size_t num_assets, const double *params)
{
    (void)context;
    return num_assets / 2 * pair_bytes(params);
}

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[EXIT] < params[ENTRY] ? NULL : "exit must be less than entry";
}

static bool is_delisted(const bp_view *view, size_t asset)
{
    /* nothing can be ordered before the first close either */
    return bp_view_observations(view, asset) > 0 && !bp_view_can_trade(view, asset);
}

static bool has_close(const bp_view *view, size_t asset)
{
    double close;
    bp_view_window(view, asset, BP_BAR_CLOSE, 1, BP_AS_TRADED, &close);
    return close > 0; /* not if it is NaN: there is none */
}

static void give_up(bp_view *view, size_t first)
{
    for (size_t asset = first; asset < first + 2; asset++)
        if (bp_view_can_trade(view, asset)) bp_order_target(view, asset, 0);
}

static void take(bp_view *view, size_t bought, size_t other, const double *params)
{
    const double pairs = (double)(bp_view_num_assets(view) / 2);
    const bool both = params[SIDE] == BOTH;
    const double share = both ? 1 / pairs / 2 : 1 / pairs;
    bp_order_target_percent(view, bought, share);
    if (both) bp_order_target_percent(view, other, -share);
}

/* The mean of one observation is that close, adjusted for splits. */
static double log_close(const bp_view *view, size_t asset)
{
    return log(bp_view_mean(view, asset, 1));
}

static void note(pair *p, int32_t lookback, double difference)
{
    if (p->count == lookback)
        memmove(p->difference, p->difference + 1, (size_t)--p->count * sizeof difference);
    p->difference[p->count++] = difference;
}

static void act(bp_view *view, pair *p, size_t first, double z, const double *params)
{
    const double entry = params[ENTRY], exit = params[EXIT];
    if (p->state == NOTHING && z < -entry) {
        take(view, first, first + 1, params);
        p->state = FIRST;
    } else if (p->state == NOTHING && z > entry) {
        take(view, first + 1, first, params);
        p->state = SECOND;
    } else if ((p->state == FIRST && z > -exit) || (p->state == SECOND && z < exit)) {
        give_up(view, first);
        p->state = NOTHING;
    }
}

static void one_pair(bp_view *view, pair *p, size_t first, const double *params)
{
    const size_t second = first + 1;
    if (p->state == GONE) return;
    if (is_delisted(view, first) || is_delisted(view, second)) {
        give_up(view, first);
        p->state = GONE;
        return;
    }
    if (!has_close(view, first) || !has_close(view, second)) return;
    const int32_t k = (int32_t)params[LOOKBACK];
    const double difference = log_close(view, first) - log_close(view, second);
    note(p, k, difference);
    if (p->count < k) return;
    const double mean = bp_mean(view->host, p->difference, (size_t)k);
    const double deviation = bp_deviation(view->host, p->difference, (size_t)k, mean);
    if (deviation > 0) act(view, p, first, (difference - mean) / deviation, params);
}

static void pairs(void *context, bp_view *view, const double *params)
{
    char *at = bp_view_memory(view);
    (void)context;
    for (size_t first = 0; first + 1 < bp_view_num_assets(view); first += 2, at += pair_bytes(params))
        one_pair(view, (pair *)(void *)at, first, params);
}

static const char *const sides[] = {"long", "both", NULL};
static const bp_param params[] = {
    {.name = "lookback",
     .help = "bars that the mean is of",
     .kind = BP_PARAM_INTEGER,
     .fallback = 60,
     .min = 2,
     .max = 100000},
    {.name = "entry",
     .help = "deviations from the mean at which a position is taken",
     .kind = BP_PARAM_REAL,
     .fallback = 2,
     .min = 0,
     .max = 1000},
    {.name = "exit",
     .help = "and at which it is given up",
     .kind = BP_PARAM_REAL,
     .fallback = 0.5,
     .min = 0,
     .max = 1000},
    {.name = "side",
     .help = "buys the cheap one only, or sells the other short as well",
     .kind = BP_PARAM_WORD,
     .fallback = LONG,
     .words = sides},
};

static const bp_strategy strategy = {
    .size = sizeof strategy,
    .name = "pairs",
    .help = "buys the cheaper of two assets when they are far apart, until they have come back",
    .param = params,
    .num_params = sizeof params / sizeof *params,
    .check = check,
    .decide = pairs,
    .memory = memory,
};

BP_STRATEGY_MODULE(&strategy)
