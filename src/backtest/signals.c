#include <string.h>

#include "backtest/bits.h"
#include "backtest/call.h"

#define FEW 12 /* combinations: their bits are sooner set one by one */

void bp__signals_clear(bp__signals *s)
{
    memset(s->toggle, 0, s->num_sessions * s->words * sizeof *s->toggle);
    memset(s->decide, 0, s->num_sessions * sizeof *s->decide);
}

/* Session after which an observation is acted on. */
static size_t session_of(const bp__asset *a, int32_t j)
{
    const int32_t t = bp__observed_at(a, j);
    return t > 0 ? (size_t)t : 0; /* one from before the range: after its first session */
}

static void turn_one(const bp__asset *a, size_t asset, int32_t from, bp_signals *face, uint64_t turns)
{
    for (bp__signals *s = (bp__signals *)face; turns; turns &= turns - 1)
        bp__signals_turn(s, session_of(a, from + __builtin_ctzll(turns)), asset);
}

void bp__signals_turn_block(const bp__call *call, size_t asset, int32_t from, size_t count,
                            bp_signals *const *signals, const uint64_t *turns)
{
    const bp__asset *a = &call->scope->asset[asset];
    uint64_t word[64] = {0}; /* of lanes, then of observations */
    uint64_t any = 0;
    bp__lane_signals *lanes = NULL;
    for (size_t c = 0; c < count; c++) {
        const bp__signals *s = (const bp__signals *)signals[c];
        uint64_t *of_lane = s->lanes ? &word[__builtin_ctzll(s->lane)] : NULL;
        if (count < FEW || !of_lane || *of_lane) { /* or a strategy names a combination twice */
            turn_one(a, asset, from, signals[c], turns[c]);
            continue;
        }
        lanes = s->lanes;
        *of_lane = turns[c];
        any |= turns[c];
    }
    if (!lanes) return;
    bp__turn_bits(call->isa, word);
    for (; any; any &= any - 1) {
        const int i = __builtin_ctzll(any);
        bp__lane_signals_turn(lanes, session_of(a, from + i), asset, word[i]);
    }
}
