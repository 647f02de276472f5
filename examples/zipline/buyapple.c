/* zipline's example buyapple: ten shares of Apple after every session. */
#include <bundlepool/strategy.h>

static void handle_data(void *context, bp_view *view, const double *params)
{
    (void)context, (void)params;
    int32_t apple = bp_view_find(view, "AAPL");
    if (apple < 0) {
        bp_view_fail(view, "AAPL is not among the assets");
        return;
    }
    bp_order(view, (size_t)apple, 10);
}

static const bp_strategy buyapple = {
    .size = sizeof(bp_strategy),
    .name = "buyapple",
    .help = "ten shares of Apple after every session",
    .decide = handle_data,
};

BP_STRATEGY_MODULE(&buyapple)
