/** @file src/backtest/lane_signals.h
 * What up to 64 combinations say by signals, side by side: for each asset and session, a word with a bit for each combination that
 * toggles the asset. So the account of lanes (lanes.h) takes it.
 *
 * DESIGN
 *  - Words are no longer than there are combinations: 8, 16, 32 or 64 bits.
 *  - The words of eight assets lie together, session by session. Whoever signals goes along the sessions of one asset, and then of its
 *    neighbour; the account takes all assets of one session.
 */
#ifndef BP_BACKTEST_LANE_SIGNALS_H
#define BP_BACKTEST_LANE_SIGNALS_H

#include <stddef.h>
#include <stdint.h>

#include <bundlepool/status.h>

#define BP__MAX_LANES           64
#define BP__ASSETS_SIDE_BY_SIDE 8

typedef struct bp__lane_signals {
    size_t num_assets, num_sessions;
    size_t bytes;     /**< of a word: 1, 2, 4 or 8 */
    size_t rows;      /**< from one eight assets to the next */
    void *toggle;     /**< [num_assets / 8, rounded up][rows][8] words */
    uint64_t *decide; /**< [num_sessions] combinations that make orders; set wherever a bit is */
    size_t room;      /**< bytes of toggle */
} bp__lane_signals;

/** Begin with no signals.
 *  @param[in,out] s      zeros, or used before for a scope of the same size
 *  @param[in]     lanes  wanted @param[in] most  bytes that words may take; 8 lanes there are in any case
 *  @retval BP_ENOMEM  (without a text) */
bp_status bp__lane_signals_begin(bp__lane_signals *s, size_t num_assets, size_t num_sessions, size_t lanes,
                                 size_t most);
void bp__lane_signals_fini(bp__lane_signals *s);

/** Take back what was said by a lane and by those behind it. */
void bp__lane_signals_forget(bp__lane_signals *s, size_t lane);

static inline size_t bp__lane_signals_lanes(const bp__lane_signals *s)
{
    return 8 * s->bytes;
}

/** Where the words of eight assets in a session begin, counted in words. */
static inline size_t bp__lane_signals_row(const bp__lane_signals *s, size_t asset, size_t t)
{
    return (asset / BP__ASSETS_SIDE_BY_SIDE * s->rows + t) * BP__ASSETS_SIDE_BY_SIDE;
}

/** Lanes that toggle an asset after a session. */
static inline uint64_t bp__lane_signals_at(const bp__lane_signals *s, size_t t, size_t asset)
{
    const size_t at = bp__lane_signals_row(s, asset, t) + asset % BP__ASSETS_SIDE_BY_SIDE;
    switch (s->bytes) {
    case 1: return ((const uint8_t *)s->toggle)[at];
    case 2: return ((const uint16_t *)s->toggle)[at];
    case 4: return ((const uint32_t *)s->toggle)[at];
    default: return ((const uint64_t *)s->toggle)[at];
    }
}

/** The asset enters or leaves the sets of some lanes after a session. */
static inline void bp__lane_signals_turn(bp__lane_signals *s, size_t t, size_t asset, uint64_t lanes)
{
    const size_t at = bp__lane_signals_row(s, asset, t) + asset % BP__ASSETS_SIDE_BY_SIDE;
    switch (s->bytes) {
    case 1: ((uint8_t *)s->toggle)[at] ^= (uint8_t)lanes; break;
    case 2: ((uint16_t *)s->toggle)[at] ^= (uint16_t)lanes; break;
    case 4: ((uint32_t *)s->toggle)[at] ^= (uint32_t)lanes; break;
    default: ((uint64_t *)s->toggle)[at] ^= lanes; break;
    }
    s->decide[t] |= lanes;
}

#endif
