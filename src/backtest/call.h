/** @file src/backtest/call.h
 * A call of a strategy, as the host sees it: what it may look at, what it has said, whether it has failed.
 *
 * Strategies hold the first members (`face`) of these structs and nothing else of them; host.c turns one into the other.
 * All of it belongs to one workspace, and so to one thread.
 */
#ifndef BP_BACKTEST_CALL_H
#define BP_BACKTEST_CALL_H

#include <assert.h>

#include <bundlepool/strategy.h>

#include "backtest/backtest.h"
#include "backtest/derived.h"
#include "backtest/host.h"
#include "backtest/lane_signals.h"
#include "backtest/scope.h"
#include "backtest/scratch.h"
#include "backtest/windows.h"
#include "core/status.h"

typedef struct bp__weights bp__weights;

/** A strategy at work. */
typedef struct bp__call {
    const bp__scope *scope;
    const bp_strategy *strategy;
    int32_t t; /**< bar of a view; otherwise BP__NEVER */
    bool failed;
    bool interrupted; /**< by somebody who wants the whole to stop: that is no failure of the strategy */
    char why[BP_LONG_TEXT_MAX - 64]; /**< of the first failure: bar and reason */
    bp__scratch scratch;
    bp__derived derived;
    bp__isa isa;
    double **view_sum; /**< [num_assets] with views, for each that was asked for: hi, then lo */
    bp__scratch sums;  /**< where these are */
    bp__windows windows;
    bp__weights *weights; /**< by which signals may be answered in this call; NULL: they may not */
    bool toggled;         /**< a signal has been given in it */
} bp__call;

typedef struct bp__market {
    bp_market face;
    bp__call *call;
} bp__market;

/** What a strategy of the form *signals* has said of a combination: by itself, or as a lane of several. */
typedef struct bp__signals {
    bp_signals face;
    bp__call *call;
    bp__lane_signals *lanes; /**< NULL: by itself, which what follows is for */
    uint64_t lane;           /**< its bit */
    size_t num_sessions;
    size_t words;     /**< of 64 assets */
    uint64_t *toggle; /**< [num_sessions][words] bit i: asset i enters or leaves the set after this close */
    bool *decide;     /**< [num_sessions] orders are made after this close; set wherever a bit is */
} bp__signals;

/** What a strategy of the form *weights* has said, or one of the form *signals* that has answered by weights. */
struct bp__weights {
    bp_weights face;
    bp__call *call;
    int32_t *t;  /**< [count] ascending */
    double *row; /**< [count][num_assets] */
    size_t count, capacity;
};

/** What a strategy of the form *decide* sees: the account is trader.h's. */
typedef struct bp__view {
    bp_view face;
    bp__call *call;
    struct bp__trader *trader;
    void *memory;
} bp__view;

/** @param[in] scope  borrowed @param[out] call  bp__call_fini(), after a failure too @retval BP_ENOMEM  (no text) */
bp_status bp__call_init(const bp__scope *scope, bp__call *call);
void bp__call_fini(bp__call *call);

/** Before a strategy is called: nothing has failed, and all scratch memory is free again. */
void bp__call_begin(bp__call *call, const bp_strategy *strategy);

/** After a strategy was called: whether it has failed, which it has if it left the thread with another arithmetic.
 *  @retval as bp__call_status() */
bp_status bp__call_end(bp__call *call);

/** The first failure counts. @param[in] t  bar, or BP__NEVER */
__attribute__((format(printf, 3, 4))) void bp__call_fail(bp__call *call, int32_t t, const char *fmt, ...);

/** It was ended before it had an answer, by a signal: there is no outcome. After it nothing else counts. */
void bp__call_interrupt(bp__call *call);

/** Whether it has failed. @retval BP_EINVAL  the text names strategy and session @retval BP_ESTOPPED  it was interrupted */
bp_status bp__call_status(const bp__call *call);

/** The asset enters or leaves the set after session t. */
static inline void bp__signals_turn(bp__signals *signals, size_t t, size_t asset)
{
    if (signals->lanes) {
        bp__lane_signals_turn(signals->lanes, t, asset, signals->lane);
        return;
    }
    signals->toggle[t * signals->words + asset / 64] ^= UINT64_C(1) << (asset % 64);
    signals->decide[t] = true;
}

/** Some of eight assets enter or leave. @param[in] first  a multiple of 8 @param[in] assets  bit i: asset first + i */
static inline void bp__signals_turn_some(bp__signals *signals, size_t t, size_t first, unsigned assets)
{
    for (; assets; assets &= assets - 1) bp__signals_turn(signals, t, first + (size_t)__builtin_ctz(assets));
}

/** Of an asset, what up to 64 combinations make of its observations from `from` on.
 *  @param[in] count    of combinations
 *  @param[in] signals  [count] of this call
 *  @param[in] turns    [count] bit i: the combination toggles the asset after observation from + i, which there is */
void bp__signals_turn_block(const bp__call *call, size_t asset, int32_t from, size_t count,
                            bp_signals *const *signals, const uint64_t *turns);

/** No toggles, no decisions, by itself. */
void bp__signals_clear(bp__signals *signals);

/** What a strategy of the form *signals* said when it was last run with these parameters; NULL: that is forgotten, or
 *  it has answered by weights. */
const bp__signals *bp__said_signals(bp__workspace *ws, const bp_strategy *strategy, const double *params);

/** What a strategy said when it was last run, by weights. NULL: it has not spoken by weights. */
const bp__weights *bp__said_weights(const bp__workspace *ws, const bp_strategy *strategy);

#endif
