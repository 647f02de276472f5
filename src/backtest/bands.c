#include "backtest/bands.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Follow 64 observations through a band. @param[in,out] held  whether the asset is in the set @return where it enters or leaves */
static uint64_t follow(uint64_t below, uint64_t above, bool *held)
{
    uint64_t ahead = UINT64_MAX, turns = 0;
    for (uint64_t next; (next = (*held ? above : below) & ahead) != 0; *held = !*held) {
        const uint64_t first = next & -next;
        turns |= first;
        ahead = ~(first | (first - 1));
    }
    return turns;
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
    uint64_t turns[BP__BANDS_AT_ONCE];
    for (int32_t from = bp__observations_until(a, -1); from < a->count; from += BP__BANDS_BLOCK) {
        const double *block = value + from;
        const int32_t left = a->count - from;
        if (left < BP__BANDS_BLOCK) {
            memcpy(last, block, (size_t)left * sizeof *last);
            for (int32_t i = left; i < BP__BANDS_BLOCK; i++) last[i] = NAN;
            block = last;
        }
        compare[call->isa](x, block);
        for (size_t b = 0; b < x->count; b++) turns[b] = follow(x->below[b], x->above[b], &held[b]);
        bp__signals_turn_block(call, asset, from, x->count, signals, turns);
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
