/* Strategies that misbehave where their parameter n is 3, each in one way, and do the same good thing where it is not: they
 * hold everything from bar n on. */
#include <bundlepool/strategy.h>

#include <math.h>
#include <stdlib.h>

static volatile int zero; /* nothing that the compiler could foresee */

static void hold(const bp_market *market, const double *params, bp_signals *signals)
{
    const int32_t t = (int32_t)params[0];
    for (size_t i = 0; i < bp_market_num_assets(market); i++)
        if (bp_market_is_listed(market, i, t) && bp_market_observations(market, i, t) > 0)
            bp_signals_toggle(signals, t, i);
}

static const bp_param number[] = {
    {.name = "n",
     .help = "bar from which on it holds",
     .kind = BP_PARAM_INTEGER,
     .fallback = 0,
     .min = 0,
     .max = 99},
};

/* Crashes --------------------------------------------------------------------------------------- */

static void crash_divide(const bp_market *market)
{
    (void)market;
    zero = 1000 / zero;
}

static void crash_write(const bp_market *market)
{
    int32_t count;
    double *close = (double *)(uintptr_t)bp_market_closes(market, 0, &count);
    close[count / 2] = 1;
}

static void crash_null(const bp_market *market)
{
    (void)market;
    *(volatile int *)(intptr_t)zero = 1;
}

static void crash_abort(const bp_market *market)
{
    (void)market;
    abort();
}

static void crash_trap(const bp_market *market)
{
    (void)market;
    __builtin_trap();
}

static int deeper(volatile char *above)
{
    volatile char room[4096];
    room[0] = above[0];
    return zero == 0 ? deeper(room) + room[0] : 0; /* no tail call */
}

static void crash_stack(const bp_market *market)
{
    char top[1] = {0};
    (void)market;
    zero = deeper(top);
}

static void crash_exit(const bp_market *market)
{
    (void)market;
    exit(0);
}

static void crash_loop(const bp_market *market)
{
    (void)market;
    while (zero == 0) continue;
}

#define CRASHES(kind)                                                                                        \
    static void signals_##kind(void *context, const bp_market *market, const double *params, bp_signals *s)  \
    {                                                                                                        \
        (void)context;                                                                                       \
        if (params[0] == 3) crash_##kind(market);                                                            \
        hold(market, params, s);                                                                             \
    }                                                                                                        \
    static const bp_strategy strategy_##kind = {                                                             \
        .size = sizeof(bp_strategy),                                                                         \
        .name = #kind,                                                                                       \
        .help = "misbehaves where n is 3",                                                                   \
        .param = number,                                                                                     \
        .num_params = 1,                                                                                     \
        .signals = signals_##kind,                                                                           \
    };
CRASHES(divide)
CRASHES(write)
CRASHES(null)
CRASHES(abort)
CRASHES(trap)
CRASHES(stack)
CRASHES(exit)
CRASHES(loop)

static void crash_never(const bp_market *market)
{
    (void)market;
}
CRASHES(never)

static void crash_fail(const bp_market *market)
{
    bp_market_fail(market, "three is a crowd");
}
CRASHES(fail)

static const char *check_divides(void *context, const double *params)
{
    (void)context, (void)params;
    zero = 1000 / zero;
    return NULL;
}

static const bp_strategy strategy_check = {
    .size = sizeof(bp_strategy),
    .name = "check",
    .help = "divides by 0 when it is asked about a combination",
    .param = number,
    .num_params = 1,
    .check = check_divides,
    .signals = signals_never,
};

static void batch_divide(void *context, const bp_market *market, size_t count, const double *const *params,
                         bp_signals *const *signals)
{
    for (size_t i = 0; i < count; i++) signals_divide(context, market, params[i], signals[i]);
}

static const bp_strategy strategy_batch = {
    .size = sizeof(bp_strategy),
    .name = "batch",
    .help = "divides by 0 where n is 3, in a batch and alone",
    .param = number,
    .num_params = 1,
    .signals = signals_divide,
    .signals_batch = batch_divide,
};
static void batch_crashes(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context, (void)count, (void)params, (void)signals;
    crash_divide(market);
}

static const bp_strategy strategy_batch_only = {
    .size = sizeof(bp_strategy),
    .name = "batch_only",
    .help = "divides by 0 in every batch",
    .param = number,
    .num_params = 1,
    .signals = signals_never,
    .signals_batch = batch_crashes,
};

/* In the other forms ---------------------------------------------------------------------------- */

static void decide_divide(void *context, bp_view *view, const double *params)
{
    (void)context;
    if (bp_view_bar(view) == 20 && params[0] == 3) zero = 1000 / zero;
    if (bp_view_bar(view) == 0 && bp_view_can_trade(view, 0)) bp_order(view, 0, 1);
}

static const bp_strategy strategy_late = {
    .size = sizeof(bp_strategy),
    .name = "late",
    .help = "divides by 0 in the middle of a run",
    .param = number,
    .num_params = 1,
    .decide = decide_divide,
};

/* What is no crash: the combination fails ------------------------------------------------------- */

static void weigh(const bp_market *market, const double *params, bp_weights *weights, double first,
                  double others)
{
    double *row = bp_weights_row(weights, 5);
    for (size_t i = 0; row && i < bp_market_num_assets(market); i++)
        row[i] = params[0] == 3 ? (i == 0 ? first : others) : 0.1 * (i == 0);
}

#define WEIGHS(kind, first, others)                                                                          \
    static void weights_##kind(void *context, const bp_market *market, const double *params, bp_weights *w)  \
    {                                                                                                        \
        (void)context;                                                                                       \
        weigh(market, params, w, first, others);                                                             \
    }                                                                                                        \
    static const bp_strategy strategy_##kind = {                                                             \
        .size = sizeof(bp_strategy),                                                                         \
        .name = #kind,                                                                                       \
        .help = "gives weights that cannot be where n is 3",                                                 \
        .param = number,                                                                                     \
        .num_params = 1,                                                                                     \
        .weights = weights_##kind,                                                                           \
    };
WEIGHS(nan_weight, NAN, 0)
WEIGHS(infinite_weight, INFINITY, 0)
WEIGHS(negative_weight, -0.5, 0)
WEIGHS(too_much, 0.7, 0.7)

static void order(bp_view *view, const double *params, size_t asset, double amount)
{
    if (bp_view_bar(view) == 5 && params[0] == 3) bp_order(view, asset, amount);
}

#define ORDERS(kind, asset, amount)                                                                          \
    static void decide_##kind(void *context, bp_view *view, const double *params)                            \
    {                                                                                                        \
        (void)context;                                                                                       \
        order(view, params, asset, amount);                                                                  \
    }                                                                                                        \
    static const bp_strategy strategy_##kind = {                                                             \
        .size = sizeof(bp_strategy),                                                                         \
        .name = #kind,                                                                                       \
        .help = "gives an order that cannot be where n is 3",                                                \
        .param = number,                                                                                     \
        .num_params = 1,                                                                                     \
        .decide = decide_##kind,                                                                             \
    };
ORDERS(unknown_asset, 100000, 1)
ORDERS(nan_order, 0, NAN)
ORDERS(infinite_order, 0, INFINITY)

static void toggle_outside(void *context, const bp_market *market, const double *params, bp_signals *s)
{
    (void)context;
    hold(market, params, s);
    if (params[0] == 3) bp_signals_toggle(s, 1000000, 0);
}

static const bp_strategy strategy_unknown_bar = {
    .size = sizeof(bp_strategy),
    .name = "unknown_bar",
    .help = "speaks of a bar that there is not where n is 3",
    .param = number,
    .num_params = 1,
    .signals = toggle_outside,
};

BP_STRATEGY_MODULE(&strategy_divide, &strategy_write, &strategy_null, &strategy_abort, &strategy_trap,
                   &strategy_stack, &strategy_exit, &strategy_loop, &strategy_never, &strategy_fail,
                   &strategy_check, &strategy_batch, &strategy_batch_only, &strategy_late,
                   &strategy_nan_weight, &strategy_infinite_weight, &strategy_negative_weight,
                   &strategy_too_much, &strategy_unknown_asset, &strategy_nan_order, &strategy_infinite_order,
                   &strategy_unknown_bar)
