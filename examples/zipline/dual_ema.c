/* zipline's example dual_ema_talib: buys a hundred shares of Apple when its short exponential average is above the
 * long one, and sells them when it is below. */
#include <bundlepool/strategy.h>

#include <math.h>

enum { SHORT_PERIOD = 20, LONG_PERIOD = 40 };

typedef struct state {
    bool invested;
} state;

static size_t memory(void *context, size_t num_assets, const double *params)
{
    (void)context, (void)num_assets, (void)params;
    return sizeof(state);
}

/* As TA-Lib has it: it starts from the mean of the first `period` prices. */
static double ema(const double *price, int count, int period)
{
    double average = 0, weight = 2.0 / (period + 1);
    for (int i = 0; i < period; i++) average += price[i];
    average /= period;
    for (int i = period; i < count; i++) average += (price[i] - average) * weight;
    return average;
}

static void handle_data(void *context, bp_view *view, const double *params)
{
    (void)context, (void)params;
    state *s = bp_view_memory(view);
    int32_t apple = bp_view_find(view, "AAPL");
    if (apple < 0) {
        bp_view_fail(view, "AAPL is not among the assets");
        return;
    }
    double price[LONG_PERIOD];
    bp_view_window(view, (size_t)apple, BP_BAR_CLOSE, LONG_PERIOD, BP_ADJUSTED | BP_CARRIED, price);
    for (int i = 0; i < LONG_PERIOD; i++) {
        if (isnan(price[i])) return;
        price[i] = rint(price[i] * 1000) / 1000; /* as data.history() has them */
    }

    double short_ema = ema(price, LONG_PERIOD, SHORT_PERIOD), long_ema = ema(price, LONG_PERIOD, LONG_PERIOD);
    if (short_ema > long_ema && !s->invested) {
        bp_order(view, (size_t)apple, 100);
        s->invested = true;
    } else if (short_ema < long_ema && s->invested) {
        bp_order(view, (size_t)apple, -100);
        s->invested = false;
    }
}

static const bp_strategy dual_ema = {
    .size = sizeof(bp_strategy),
    .name = "dual_ema_talib",
    .help = "a hundred shares of Apple while its short exponential average is above the long one",
    .memory = memory,
    .decide = handle_data,
};

BP_STRATEGY_MODULE(&dual_ema)
