#include <bundlepool/strategy.h>

static const char *check(void *context, const double *params)
{
    (void)context;
    return params[0] >= params[1] ? "fast must be less than slow" : NULL;
}

/* Where `fast` comes to lie above `slow`, and where no longer. */
static void cross(const bp_market *market, size_t asset, int32_t begin, int32_t count, const double *fast,
                  const double *slow, bp_signals *signals)
{
    bool above = false;
    for (int32_t j = begin; j < count; j++) {
        if ((fast[j] > slow[j]) == above) continue;
        const int32_t t = bp_market_bar_of(market, asset, j);
        bp_signals_toggle(signals, t > 0 ? t : 0, asset);
        above = !above;
    }
}

/* Moving averages of one asset, each found once however many combinations want it. */
typedef struct averages {
    int32_t *window; /* [num] distinct */
    double **mean;   /* [num] of count each; found if not -1: */
    size_t num, room;
} averages;

static size_t number_of(averages *a, double window)
{
    size_t i = 0;
    while (i < a->num && a->window[i] != (int32_t)window) i++;
    if (i == a->num) a->window[a->num++] = (int32_t)window;
    return i;
}

static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *signals)
{
    (void)context;
    size_t most = 0;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        int32_t n;
        (void)bp_market_closes(market, i, &n);
        if ((size_t)n > most) most = (size_t)n;
    }
    averages a = {.room = 2 * count};
    a.window = bp_market_scratch(market, a.room * sizeof *a.window);
    size_t(*pair)[2] = bp_market_scratch(market, count * sizeof *pair);
    if (!a.window || !pair) return;
    for (size_t c = 0; c < count; c++)
        for (size_t p = 0; p < 2; p++) pair[c][p] = number_of(&a, params[c][p]);
    double *mean = bp_market_scratch(market, a.num * most * sizeof *mean);
    if (!mean) return;
    for (size_t i = 0; i < bp_market_num_assets(market); i++) {
        int32_t n;
        (void)bp_market_closes(market, i, &n);
        /* the last observation up to bar 0 gives the state there, however old it is */
        int32_t first = bp_market_observations(market, i, 0) - 1;
        if (n == 0 || !bp_market_is_listed(market, i, 0)) continue;
        for (size_t w = 0; w < a.num; w++) bp_market_means(market, i, a.window[w], mean + w * most);
        for (size_t c = 0; c < count; c++) {
            const int32_t slow = (int32_t)params[c][1];
            cross(market, i, first < slow - 1 ? slow - 1 : first, n, mean + pair[c][0] * most,
                  mean + pair[c][1] * most, signals[c]);
        }
    }
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *signals)
{
    signals_batch(context, market, 1, &params, &signals);
}

static const bp_param PARAMS[] = {
    {.name = "fast",
     .help = "observations in the fast average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 20,
     .min = 1,
     .max = 100000},
    {.name = "slow",
     .help = "observations in the slow average",
     .kind = BP_PARAM_INTEGER,
     .fallback = 50,
     .min = 1,
     .max = 100000},
};

const bp_strategy bp__builtin_sma_cross = {
    .size = sizeof(bp_strategy),
    .name = "sma_cross",
    .help = "holds an asset while its fast simple moving average is above the slow one",
    .param = PARAMS,
    .num_params = sizeof PARAMS / sizeof *PARAMS,
    .check = check,
    .signals = signals,
    .signals_batch = signals_batch,
};
