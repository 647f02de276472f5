#include "backtest/bands.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Signal what 64 observations from `from` on make of a band. @return whether the asset is in the set behind them */
static bool follow(const bp__asset *a, size_t asset, int32_t from, uint64_t below, uint64_t above, bool held,
                   bp_signals *face)
{
    bp__signals *s = (bp__signals *)face;
    uint64_t ahead = UINT64_MAX;
    assert(s);
    for (uint64_t next; (next = (held ? above : below) & ahead) != 0; held = !held) {
        const int i = __builtin_ctzll(next);
        bp__signals_turn(s, (size_t)bp__observed_at(a, from + i), asset);
        ahead = i == 63 ? 0 : UINT64_MAX << (i + 1);
    }
    return held;
}

static void band_some(bp__call *call, size_t asset, const double *value, bp__bands *x,
                      bp_signals *const *signals)
{
    static void (*const compare[BP__NUM_ISAS])(bp__bands *, const double *) = {
        bp__bands_portable,
#if defined(__x86_64__)
        bp__bands_avx2,
        bp__bands_avx512,
#endif
    };
    const bp__asset *a = &call->scope->asset[asset];
    bool held[BP__BANDS_AT_ONCE] = {false};
    double last[BP__BANDS_BLOCK];
    for (int32_t from = bp__observations_until(a, -1); from < a->count; from += BP__BANDS_BLOCK) {
        const double *block = value + from;
        const int32_t left = a->count - from;
        if (left < BP__BANDS_BLOCK) {
            memcpy(last, block, (size_t)left * sizeof *last);
            for (int32_t i = left; i < BP__BANDS_BLOCK; i++) last[i] = NAN;
            block = last;
        }
        compare[call->isa](x, block);
        for (size_t b = 0; b < x->count; b++)
            held[b] = follow(a, asset, from, x->below[b], x->above[b], held[b], signals[b]);
    }
}

void bp__band(bp__call *call, size_t asset, const double *value, size_t count, const double *low,
              const double *high, bp_signals *const *signals)
{
    bp__bands x;
    for (size_t i = 0; i < count; i += x.count) {
        x.count = count - i < BP__BANDS_AT_ONCE ? count - i : BP__BANDS_AT_ONCE;
        memcpy(x.low, low + i, x.count * sizeof *low);
        memcpy(x.high, high + i, x.count * sizeof *high);
        band_some(call, asset, value, &x, signals + i);
    }
}
