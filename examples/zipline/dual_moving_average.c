/* zipline's example dual_moving_average: a hundred shares of Apple while its short moving average is above the long
 * one.
 *
 * zipline's data.history() shows prices that are adjusted for splits and dividends, carried over holes, and rounded
 * to thousandths. The first two are ways to ask for a window; the last is done here, so that comparisons come out
 * alike. */
#include <bundlepool/strategy.h>

#include <math.h>

enum { SHORT_WINDOW, LONG_WINDOW };
#define MOST_BARS 1000

/* Mean of the last k prices as data.history(asset, "price", k, "1d").mean() gives it. */
static double mean_price(const bp_view *view, size_t asset, int32_t k)
{
    double price[MOST_BARS];
    bp_view_window(view, asset, BP_BAR_CLOSE, k, BP_ADJUSTED | BP_CARRIED, price);
    for (int32_t i = 0; i < k; i++) price[i] = rint(price[i] * 1000) / 1000;
    return bp_mean(view->host, price, (size_t)k);
}

static void handle_data(void *context, bp_view *view, const double *params)
{
    (void)context;
    int32_t short_window = (int32_t)params[SHORT_WINDOW], long_window = (int32_t)params[LONG_WINDOW];
    int32_t apple = bp_view_find(view, "AAPL");
    if (apple < 0) {
        bp_view_fail(view, "AAPL is not among the assets");
        return;
    }
    if (bp_view_bar(view) + 1 < long_window)
        return; /* zipline's example waits for full windows within its span */

    double short_mean = mean_price(view, (size_t)apple, short_window);
    double long_mean = mean_price(view, (size_t)apple, long_window);
    if (short_mean > long_mean) bp_order_target(view, (size_t)apple, 100);
    if (short_mean < long_mean) bp_order_target(view, (size_t)apple, 0);
}

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[SHORT_WINDOW] < params[LONG_WINDOW] ? NULL : "short is not less than long";
}

static const bp_param params[] = {
    {.name = "short",
     .help = "bars of the short average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 100,
     .min = 1,
     .max = MOST_BARS},
    {.name = "long",
     .help = "bars of the long average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 300,
     .min = 1,
     .max = MOST_BARS},
};

static const bp_strategy dual_moving_average = {
    .size = sizeof(bp_strategy),
    .name = "dual_moving_average",
    .help = "a hundred shares of Apple while its short moving average is above the long one",
    .param = params,
    .num_params = sizeof params / sizeof *params,
    .check = check,
    .decide = handle_data,
};

BP_STRATEGY_MODULE(&dual_moving_average)
