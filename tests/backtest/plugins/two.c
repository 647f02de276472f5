/* A file with two strategies, of the forms *weights* and *decide*. */
#include <bundlepool/strategy.h>

static void nothing(void *context, const bp_market *market, const double *params, bp_weights *weights)
{
    (void)context, (void)market, (void)params, (void)weights;
}

static void never(void *context, bp_view *view, const double *params)
{
    (void)context, (void)view, (void)params;
}

static const char *const sides[] = {"long", "both", NULL};
static const bp_param params[] = {
    {.name = "lookback",
     .help = "observations",
     .kind = BP_PARAM_INTEGER,
     .fallback = 20,
     .min = 2,
     .max = 100},
    {.name = "entry", .help = "deviations", .kind = BP_PARAM_REAL, .fallback = 2, .min = 0, .max = 10},
    {.name = "side", .help = "which legs", .kind = BP_PARAM_WORD, .fallback = 1, .words = sides},
};

static const bp_strategy weights = {
    .size = sizeof weights,
    .name = "weights",
    .help = "never rebalances",
    .weights = nothing,
};
static const bp_strategy orders = {
    .size = sizeof orders,
    .name = "orders",
    .help = "never orders",
    .param = params,
    .num_params = 3,
    .decide = never,
};

BP_STRATEGY_MODULE(&weights, &orders)
