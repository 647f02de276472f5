#include "backtest/crossings.h"

#include <assert.h>

#include "backtest/exact.h"

#define TINY 0x1p-900 /* below it a mean may have lost digits, and 8 units are more than they seem */

static uint8_t number_of(bp__crossings *x, int32_t window)
{
    size_t i = 0;
    while (i < x->num_windows && x->window[i] != window) i++;
    if (i == x->num_windows) x->window[x->num_windows++] = window;
    return (uint8_t)i;
}

static int32_t longer_of(const bp__crossings *x, size_t pair)
{
    const int32_t fast = x->window[x->fast[pair]], slow = x->window[x->slow[pair]];
    return fast > slow ? fast : slow;
}

static int32_t longest_of(const bp__crossings *x)
{
    int32_t longest = 0;
    for (size_t w = 0; w < x->num_windows; w++)
        if (x->window[w] > longest) longest = x->window[w];
    return longest;
}

/* Bits of observations from … from + 63 that are numbered begin … end - 1. */
static uint64_t bits_between(int32_t from, int32_t begin, int32_t end)
{
    uint64_t bits = UINT64_MAX;
    if (begin >= from + 64 || end <= from) return 0;
    if (begin > from) bits = bits << (begin - from);
    if (end < from + 64) bits &= (UINT64_C(1) << (end - from)) - 1;
    return bits;
}

/* Compare the exact means where the others leave it open. */
static uint64_t settle(const bp__crossings *x, size_t pair, int32_t from, uint64_t doubtful)
{
    uint64_t above = x->above[pair];
    for (; doubtful; doubtful &= doubtful - 1) {
        const int32_t i = __builtin_ctzll(doubtful);
        const size_t end = (size_t)from + (size_t)i + 1;
        const double fast = bp__prefix_mean(x->hi, x->lo, end - (size_t)x->window[x->fast[pair]], end),
                     slow = bp__prefix_mean(x->hi, x->lo, end - (size_t)x->window[x->slow[pair]], end);
        above &= ~(UINT64_C(1) << i);
        above |= (uint64_t)(fast > slow) << i;
    }
    return above;
}

_Static_assert(BP__CROSS_BLOCK <= BP__SUMS_BEHIND, "a block is read beyond the last sum");

static void cross_some(bp__call *call, size_t asset, bp__crossings *x, bool tiny, bp_signals *const *signals)
{
    static void (*const compare[BP__NUM_ISAS])(bp__crossings *, int32_t) = {
        bp__crossings_portable,
#if defined(__x86_64__)
        bp__crossings_avx2,
        bp__crossings_avx512,
#endif
    };
    const bp__asset *a = &call->scope->asset[asset];
    const int32_t longest = longest_of(x);
    uint64_t last[BP__CROSS_AT_ONCE] = {0};
    /* the last observation up to bar 0 gives the state there, however old it is */
    int32_t from = bp__observations_until(a, 0) - 1;
    if (from < 0) from = 0;
    for (; from < a->count; from += BP__CROSS_BLOCK) {
        const uint64_t there = bits_between(from, from, a->count);
        uint64_t turns[BP__CROSS_AT_ONCE];
        compare[call->isa](x, from);
        for (size_t p = 0; p < x->num_pairs; p++) {
            const uint64_t valid = from >= longest - 1 && from + BP__CROSS_BLOCK <= a->count
                                       ? UINT64_MAX
                                       : bits_between(from, longer_of(x, p) - 1, a->count);
            const uint64_t above = settle(x, p, from, tiny ? valid : x->doubtful[p] & valid) & valid;
            /* where there are no observations nothing changes */
            turns[p] = (above ^ (above << 1 | last[p])) & there;
            last[p] = above >> 63;
        }
        bp__signals_turn_block(call, asset, from, x->num_pairs, signals, turns);
    }
}

void bp__cross(bp__call *call, size_t asset, const bp__sums *sums, size_t count, const int32_t *fast,
               const int32_t *slow, bp_signals *const *signals)
{
    const bp__asset *a = &call->scope->asset[asset];
    bp__crossings x; /* most of it is written before it is read */
    bp_signals *of[BP__CROSS_AT_ONCE] = {NULL};
    if (a->delisted <= 0) return;
    x.hi = sums->hi;
    x.lo = sums->lo;
    for (size_t i = 0; i < count;) {
        x.num_windows = x.num_pairs = 0;
        for (; i < count && x.num_pairs < BP__CROSS_AT_ONCE; i++) {
            if (fast[i] > a->count || slow[i] > a->count) continue; /* there is no such mean */
            of[x.num_pairs] = signals[i];
            x.fast[x.num_pairs] = number_of(&x, fast[i]);
            x.slow[x.num_pairs++] = number_of(&x, slow[i]);
        }
        if (x.num_pairs > 0) cross_some(call, asset, &x, sums->least < TINY, of);
    }
}
