#include <math.h>

#include <bundlepool/strategy.h>

enum { LOOKBACK, ENTRY, EXIT, SIDE };
enum { LONG, BOTH };

/* A pair's ring of spreads stands behind all the pairs' states. */
typedef struct pair {
    int32_t noted;    /* spreads, ever */
    int32_t position; /* 1: the first asset is taken, -1: the second, 0: neither */
    bool closed;      /* one of the two is delisted */
} pair;

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[EXIT] >= params[ENTRY] ? "exit must be less than entry" : NULL;
}

static size_t memory(void *context, size_t num_assets, const double *params)
{
    (void)context;
    /* each ring twice over, so that a window is one piece of it */
    return num_assets / 2 * (sizeof(pair) + 2 * (size_t)params[LOOKBACK] * sizeof(double));
}

/* log of the adjusted close, if there is one at this bar. */
static bool log_close(const bp_view *view, size_t asset, double *x)
{
    double close;
    bp_view_window(view, asset, BP_BAR_CLOSE, 1, BP_AS_TRADED, &close);
    if (isnan(close) || !bp_view_can_trade(view, asset)) return false;
    *x = log(bp_view_mean(view, asset, 1));
    return true;
}

/* @return z of the last spread; NaN: there are too few, or they are all equal */
static double note(const bp_view *view, pair *p, double *ring, int32_t k, double spread)
{
    const int32_t at = p->noted++ % k;
    ring[at] = ring[at + k] = spread;
    if (p->noted < k) return NAN;
    const double *window = ring + at + 1; /* oldest first */
    const double mean = bp_mean(view->host, window, (size_t)k);
    const double deviation = bp_deviation(view->host, window, (size_t)k, mean);
    return deviation > 0 ? (spread - mean) / deviation : NAN;
}

static void take(bp_view *view, size_t first, const double *params, pair *p, int32_t position)
{
    const size_t cheap = position > 0 ? first : first + 1, dear = position > 0 ? first + 1 : first;
    const size_t pairs = bp_view_num_assets(view) / 2;
    const double share = 1.0 / (double)pairs;
    const bool both = params[SIDE] == BOTH;
    bp_order_target_percent(view, cheap, both ? share / 2 : share);
    if (both) bp_order_target_percent(view, dear, -(share / 2));
    p->position = position;
}

static void give_up(bp_view *view, size_t first, pair *p)
{
    for (size_t leg = 0; leg < 2; leg++)
        if (bp_view_can_trade(view, first + leg)) bp_order_target(view, first + leg, 0);
    p->position = 0;
}

static bool is_delisted(const bp_view *view, size_t asset)
{
    return bp_view_observations(view, asset) > 0 && !bp_view_can_trade(view, asset);
}

static void follow(bp_view *view, size_t first, const double *params, pair *p, double *ring)
{
    double x[2];
    if (p->closed) return;
    if (is_delisted(view, first) || is_delisted(view, first + 1)) {
        if (p->position != 0) give_up(view, first, p);
        p->closed = true;
        return;
    }
    if (!log_close(view, first, &x[0]) || !log_close(view, first + 1, &x[1])) return;
    const double z = note(view, p, ring, (int32_t)params[LOOKBACK], x[0] - x[1]);
    if (p->position == 0 && z < -params[ENTRY])
        take(view, first, params, p, 1);
    else if (p->position == 0 && z > params[ENTRY])
        take(view, first, params, p, -1);
    else if (p->position != 0 && (p->position > 0 ? z > -params[EXIT] : z < params[EXIT]))
        give_up(view, first, p);
}

static void decide(void *context, bp_view *view, const double *params)
{
    (void)context;
    const size_t pairs = bp_view_num_assets(view) / 2, length = 2 * (size_t)params[LOOKBACK];
    double *ring = bp_view_memory(view);
    if (pairs == 0) return;
    pair *p = (pair *)(void *)(ring + pairs * length);
    for (size_t i = 0; i < pairs; i++) follow(view, 2 * i, params, &p[i], ring + i * length);
}

static const char *const SIDES[] = {"long", "both", NULL};
static const bp_param PARAMS[] = {
    [LOOKBACK] = {.name = "lookback",
                  .help = "spreads in mean and deviation",
                  .kind = BP_PARAM_INTEGER,
                  .fallback = 60,
                  .min = 2,
                  .max = 100000},
    [ENTRY] = {.name = "entry",
               .help = "deviations from the mean at which a position is taken",
               .kind = BP_PARAM_REAL,
               .fallback = 2,
               .min = 0,
               .max = 1000},
    [EXIT] = {.name = "exit",
              .help = "deviations from the mean at which it is given up",
              .kind = BP_PARAM_REAL,
              .fallback = 0.5,
              .min = 0,
              .max = 1000},
    [SIDE] = {.name = "side",
              .help = "whether the dear one is sold short as well, which needs --short",
              .kind = BP_PARAM_WORD,
              .fallback = LONG,
              .words = SIDES},
};

const bp_strategy bp__builtin_pairs = {
    .size = sizeof(bp_strategy),
    .name = "pairs",
    .help = "takes the cheaper asset of a pair when their prices have moved apart, until they are back",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .check = check,
    .decide = decide,
    .memory = memory,
};
