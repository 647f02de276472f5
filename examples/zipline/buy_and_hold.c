/* zipline's example buy_and_hold: a hundred shares of Apple and of Microsoft after the first session, for good. */
#include <bundlepool/strategy.h>

static void buy(bp_view *view, const char *symbol)
{
    int32_t asset = bp_view_find(view, symbol);
    if (asset < 0)
        bp_view_fail(view, "AAPL and MSFT are not both among the assets");
    else
        bp_order(view, (size_t)asset, 100);
}

static void handle_data(void *context, bp_view *view, const double *params)
{
    (void)context, (void)params;
    if (bp_view_bar(view) != 0) return;
    buy(view, "AAPL");
    buy(view, "MSFT");
}

static const bp_strategy buy_and_hold = {
    .size = sizeof(bp_strategy),
    .name = "zipline_buy_and_hold",
    .help = "a hundred shares of Apple and of Microsoft, bought after the first session",
    .decide = handle_data,
};

BP_STRATEGY_MODULE(&buy_and_hold)
