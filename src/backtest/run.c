/* A run: the strategy says what it wants, the account makes an equity curve of it.
 *
 * DESIGN
 *  - Signals and weights are found for the whole range before the account begins; a strategy that decides is called
 *    between two sessions of it.
 *  - A strategy of the form *signals* may answer by weights (host.h); then its rows take the place of its signals.
 *  - What several combinations say can be found before any of them is run (bp__backtest_prepare()), by one call where a
 *    strategy can, which saves what they have in common; then all of them are run side by side. Each has a place of its
 *    own for what it says, and the runs that follow take that, and their equity curves, from there.
 *  - There are three accounts with the same results: plain.c for signals where the options are the usual ones, lanes.h
 *    for signals or weights of many at once with the same options, trader.c for everything.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/arithmetic.h"
#include "backtest/backtest.h"
#include "backtest/call.h"
#include "backtest/lanes.h"
#include "backtest/plain.h"
#include "backtest/trader.h"
#include "core/day.h"
#include "core/status.h"

#define LEAST_BYTES ((size_t)11 << 19) /* that what waits for its runs may take, if nothing is kept */
#define LEAST_LANES 3                  /* by signals: fewer are faster one by one */
#define ONE         0 /* place of what a run has found for itself; combinations that are prepared come behind it */

/* What a combination has said. */
typedef struct said {
    double params[BP__MAX_PARAMS];
    bp__signals signals; /* by itself in place ONE, elsewhere a lane */
    bp__weights weights;
    bool by_weights;
    char *failed; /* owned: why its strategy has failed; NULL: it has not */
    size_t lane;  /* of the last run of lanes; SIZE_MAX: it was in none */
} said;

struct bp__workspace {
    const bp__scope *scope;
    bp__call call;
    bp__market market;
    bp__plain plain;
    bp__trader trader;
    uint64_t *in_set; /* [words] of signals, for the trader */
    double *equity;   /* [num_sessions] */

    said said[1 + BP__MAX_BATCH];
    const bp_strategy *found; /* whose answer is in the first place, or NULL */
    const bp_strategy *prepared;
    size_t num_prepared, num_expected;
    bp__lane_signals lane_signals; /* of what is prepared */
    bp__signals apart;             /* of one lane, by itself; without memory until it is needed */
    bp__lanes *lanes;              /* NULL until they are needed */
    const bp__account *account;    /* for which those that have a lane were run; NULL: none has one */
    size_t said_bytes;             /* more than it must be, that what waits for its runs may take */
    bp__scratch memory;            /* of a strategy that decides */
};

/* What strategies say -------------------------------------------------------------------------------- */

static bp_status make_signals(const bp__workspace *ws, bp__signals *s)
{
    const size_t sessions = ws->scope->num_sessions, words = ws->plain.words;
    if (s->toggle) return BP_OK;
    s->num_sessions = sessions;
    s->words = words;
    s->toggle = calloc(sessions * words, sizeof *s->toggle);
    s->decide = calloc(sessions, sizeof *s->decide);
    if (s->toggle && s->decide) return BP_OK;
    free(s->toggle);
    free(s->decide);
    s->toggle = NULL;
    s->decide = NULL;
    return BP_ENOMEM;
}

/* Signals by themselves. @param[out] signals  until they are asked for of another combination */
static bp_status take_apart(bp__workspace *ws, const bp__signals *lane, const bp__signals **signals)
{
    const bp__lane_signals *of = lane->lanes;
    bp__signals *s = &ws->apart;
    *signals = of ? s : lane;
    if (!of) return BP_OK;
    BP_TRY(make_signals(ws, s));
    bp__signals_clear(s);
    for (size_t t = 0; t < of->num_sessions; t++) {
        if (!(of->decide[t] & lane->lane)) continue;
        s->decide[t] = true;
        for (size_t i = 0; i < of->num_assets; i++)
            if (bp__lane_signals_at(of, t, i) & lane->lane) bp__signals_turn(s, t, i);
    }
    return BP_OK;
}

static bool same_params(const bp_strategy *strategy, const double *a, const double *b)
{
    return strategy->num_params == 0 || memcmp(a, b, strategy->num_params * sizeof *a) == 0;
}

/* Ask for what `count` combinations say, into places from `first` on. */
static bp_status find(bp__workspace *ws, const bp_strategy *strategy, size_t first, size_t count,
                      const double *const *params)
{
    bp_signals *face[BP__MAX_BATCH];
    said *one = &ws->said[first];
    bp__call_begin(&ws->call, strategy);
    for (size_t i = 0; i < count; i++) {
        one[i].weights.count = 0;
        one[i].by_weights = strategy->weights;
        one[i].lane = SIZE_MAX;
        free(one[i].failed);
        one[i].failed = NULL;
        for (size_t p = 0; p < strategy->num_params; p++) one[i].params[p] = params[i][p];
        if (strategy->weights) continue;
        if (first == ONE) bp__signals_clear(&one[i].signals);
        face[i] = &one[i].signals.face;
    }
    if (strategy->weights) {
        strategy->weights(strategy->context, &ws->market.face, params[0], &one->weights.face);
    } else if (strategy->signals_batch && count > 1) {
        strategy->signals_batch(strategy->context, &ws->market.face, count, params, face);
    } else {
        ws->call.weights = &one->weights;
        strategy->signals(strategy->context, &ws->market.face, params[0], face[0]);
        one->by_weights = one->weights.count > 0;
    }
    return bp__call_end(&ws->call);
}

/* What a combination says, prepared or found now. */
static bp_status said_by(bp__workspace *ws, const bp_strategy *strategy, const double *params, said **says)
{
    static const double none[1];
    if (!params) params = none;
    for (size_t i = 1; ws->prepared == strategy && i <= ws->num_prepared; i++)
        if (same_params(strategy, ws->said[i].params, params)) {
            *says = &ws->said[i];
            return ws->said[i].failed ? bp__fail_long(BP_EINVAL, ws->said[i].failed) : BP_OK;
        }
    *says = &ws->said[ONE];
    if (ws->found == strategy && same_params(strategy, ws->said[ONE].params, params)) return BP_OK;
    ws->found = NULL;
    BP_TRY(find(ws, strategy, ONE, 1, &params));
    ws->found = strategy;
    return BP_OK;
}

/* Make the set of session t the one of its signals. @return how many assets are in it */
static size_t turn_set(const bp__signals *s, size_t t, uint64_t *in_set)
{
    size_t members = 0;
    for (size_t w = 0; w < s->words; w++) {
        in_set[w] ^= s->toggle[t * s->words + w];
        members += (size_t)__builtin_popcountll(in_set[w]);
    }
    return members;
}

static bp_status decide_by_signals(bp__workspace *ws, const bp__signals *s, int32_t t)
{
    if (!s->decide[t]) return BP_OK;
    bp__trader *a = &ws->trader;
    for (size_t i = 0; i < ws->scope->num_assets; i++) /* what is delisted has left the set by itself */
        if (t >= ws->scope->asset[i].delisted) ws->in_set[i / 64] &= ~(UINT64_C(1) << (i % 64));
    const double each = a->equity / (double)turn_set(s, (size_t)t, ws->in_set);
    bp__trader_clear(a, t);
    for (size_t i = 0; i < ws->scope->num_assets; i++) {
        const bool wanted = ws->in_set[i / 64] >> (i % 64) & 1;
        if (wanted || a->shares[i] != 0)
            BP_TRY(bp__trader_target(a, i, wanted ? bp__trader_cut(a, each / a->mark[i]) : 0, t));
    }
    return BP_OK;
}

/* Weights ----------------------------------------------------------------------------------------- */

static void check_weight(bp__workspace *ws, const bp__account *account, int32_t t, size_t asset,
                         double weight)
{
    const bp__asset *a = &ws->scope->asset[asset];
    const bool has_price = a->count > 0 && bp__observed_at(a, 0) <= t;
    if (isfinite(weight) && (weight > 0 || account->allow_short) && t < a->delisted && has_price) return;
    const char *symbol = bp__scope_symbol(ws->scope, asset);
    if (!isfinite(weight))
        bp__call_fail(&ws->call, t, "the weight of %.20s is %g", symbol, weight);
    else if (weight < 0 && !account->allow_short)
        bp__call_fail(&ws->call, t, "the weight of %.20s is %g; short positions need --short", symbol,
                      weight);
    else
        bp__call_fail(&ws->call, t, "%.20s has a weight, but it %s", symbol,
                      t >= a->delisted ? "is delisted" : "has no price yet");
}

static void check_row(bp__workspace *ws, const bp__account *account, int32_t t, const double *row)
{
    double sum = 0.0;
    for (size_t i = 0; i < ws->scope->num_assets; i++) {
        if (row[i] != 0) check_weight(ws, account, t, i, row[i]);
        sum += fabs(row[i]);
    }
    if (sum > account->max_leverage + 1e-9)
        bp__call_fail(&ws->call, t, "its weights add up to %.6g, more than --max-leverage %g", sum,
                      account->max_leverage);
}

static bp_status check_weights(bp__workspace *ws, const bp_strategy *strategy, const bp__account *account,
                               const bp__weights *weights)
{
    bp__call_begin(&ws->call, strategy);
    for (size_t k = 0; k < weights->count && !ws->call.failed; k++)
        check_row(ws, account, weights->t[k], weights->row + k * ws->scope->num_assets);
    return bp__call_status(&ws->call);
}

/* @param[in,out] next  row that comes next */
static bp_status decide_by_weights(bp__workspace *ws, const bp__weights *weights, int32_t t, size_t *next)
{
    const size_t n = ws->scope->num_assets;
    bp__trader *a = &ws->trader;
    if (*next == weights->count || weights->t[*next] != t) return BP_OK;
    const double *row = weights->row + (*next)++ * n;
    bp__trader_clear(a, t);
    for (size_t i = 0; i < n; i++)
        if (row[i] != 0 || a->shares[i] != 0)
            BP_TRY(bp__trader_target(
                a, i, row[i] == 0 ? 0 : bp__trader_cut(a, a->equity * row[i] / a->mark[i]), t));
    return BP_OK;
}

/* Runs -------------------------------------------------------------------------------------------- */

static bp_status check_equity(const bp__workspace *ws, int32_t t)
{
    char day[32];
    if (bp__priced(ws->equity[t])) return BP_OK;
    BP_FAIL(BP_ERANGE,
            "session %s: equity is %g, not a positive number; check the prices, the cash and the leverage",
            bp__day_text(ws->scope->day[t], day), ws->equity[t]);
}

/* What a strategy that decides remembers. */
static bp_status make_memory(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                             void **memory)
{
    const size_t n = ws->scope->num_assets;
    const size_t bytes = strategy->memory ? strategy->memory(strategy->context, n, params) : 0;
    *memory = NULL;
    bp__scratch_clear(&ws->memory);
    if (bytes == 0) return BP_OK;
    *memory = bp__scratch_take(&ws->memory, bytes);
    if (!*memory)
        BP_FAIL(BP_ENOMEM, "strategy %s: no memory for the %zu bytes of a run", strategy->name, bytes);
    memset(*memory, 0, bytes);
    return BP_OK;
}

/* With all options. @param[in] says  NULL where the strategy decides @param[in] signals  what it says, if it does by signals */
static bp_status run_trader(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                            const bp__account *account, const bp__ledger *ledger, const said *says,
                            const bp__signals *signals)
{
    const int32_t n = (int32_t)ws->scope->num_sessions;
    bp__view view = {.face = {bp__host()}, .call = &ws->call, .trader = &ws->trader};
    size_t next_row = 0;
    if (strategy->decide) {
        bp__call_begin(&ws->call, strategy);
        BP_TRY(make_memory(ws, strategy, params, &view.memory));
    }
    if (!ws->trader.scope && bp__failed(bp__trader_init(ws->scope, &ws->trader))) {
        bp__trader_fini(&ws->trader);
        return BP_ENOMEM;
    }
    memset(ws->in_set, 0, ws->plain.words * sizeof *ws->in_set);
    bp__trader_begin(&ws->trader, account, ledger);
    for (int32_t t = 0; t < n; t++) {
        bp__trader_open(&ws->trader, t);
        bp__trader_close(&ws->trader, t);
        ws->equity[t] = ws->trader.equity;
        BP_TRY(check_equity(ws, t));
        if (t == n - 1) break;
        if (says) {
            BP_TRY(says->by_weights ? decide_by_weights(ws, &says->weights, t, &next_row)
                                    : decide_by_signals(ws, signals, t));
        } else {
            ws->call.t = t;
            strategy->decide(strategy->context, &view.face, params);
            BP_TRY(bp__call_end(&ws->call));
        }
    }
    bp__trader_end(&ws->trader, n - 1);
    return BP_OK;
}

static bool can_lanes(const bp__account *account, bool by_weights)
{
    return bp__plain_can(account) && !(by_weights && account->allow_short);
}

static bp_status run(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                     const bp__account *account, const bp__ledger *ledger, bp__record *record)
{
    said *says = NULL;
    const bp__signals *signals = NULL;
    BP_TRY(bp__account_check(account));
    if (!strategy->decide) BP_TRY(said_by(ws, strategy, params, &says));
    const bool has_lane = says && !ledger && ws->account == account && says->lane != SIZE_MAX;
    if (says && says->by_weights && !has_lane) BP_TRY(check_weights(ws, strategy, account, &says->weights));
    if (says && !says->by_weights && !has_lane) BP_TRY(take_apart(ws, &says->signals, &signals));
    if (has_lane) {
        bp__lanes_result(ws->lanes, says->lane, ws->equity, record);
    } else if (signals && !ledger && bp__plain_can(account)) {
        bp__plain_run(&ws->plain, signals, account, ws->equity, record);
    } else {
        BP_TRY(run_trader(ws, strategy, params, account, ledger, says, signals));
        *record = ws->trader.record;
    }
    for (int32_t t = 0; t < (int32_t)ws->scope->num_sessions; t++) BP_TRY(check_equity(ws, t));
    record->equity = ws->equity;
    record->n = ws->scope->num_sessions;
    return BP_OK;
}

bp_status bp__backtest_run(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                           const bp__account *account, const bp__ledger *ledger, bp__record *record)
{
    bp_status s = run(ws, strategy, params, account, ledger, record);
    if (s == BP_ENOMEM) bp__fail(BP_ENOMEM, "strategy %s: no memory for a run", strategy->name);
    return s;
}

/* Side by side -------------------------------------------------------------------------------------- */

uint32_t bp__backtest_at_once(const bp_strategy *strategy, const bp__account *account)
{
    return !strategy->decide && can_lanes(account, strategy->weights != NULL) ? BP__MAX_BATCH : 1;
}

void bp__workspace_use(bp__workspace *ws, bp__isa isa)
{
    ws->call.isa = isa;
}

void bp__workspace_keep(bp__workspace *ws, size_t bytes)
{
    ws->said_bytes = bytes / 8;
    ws->call.derived.stats.bound = bytes - bytes / 8;
}

bp__derived_stats bp__workspace_stats(const bp__workspace *ws)
{
    return ws->call.derived.stats;
}

/* What may wait for its runs: an eighth of what the prices take, and of what is kept. */
static size_t most_bytes(const bp__workspace *ws)
{
    const size_t eighth = 5 * ws->scope->num_assets * ws->scope->num_sessions;
    return (eighth > LEAST_BYTES ? eighth : LEAST_BYTES) + ws->said_bytes;
}

/* How many more combinations there is room for. */
static size_t room_for(const bp__workspace *ws, const bp_strategy *strategy)
{
    const size_t most = most_bytes(ws), n = ws->num_prepared;
    size_t used = 0, largest = 0,
           all = strategy->weights ? BP__MAX_BATCH : bp__lane_signals_lanes(&ws->lane_signals);
    for (size_t i = 1; i <= n; i++) {
        const size_t bytes = ws->said[i].weights.count * ws->scope->num_assets * sizeof(double);
        used += bytes;
        if (bytes > largest) largest = bytes;
    }
    if (largest > 0 && used >= most)
        all = n;
    else if (largest > 0 && n + (most - used) / largest < all)
        all = n + (most - used) / largest;
    if (all < 1) all = 1;
    if (all > BP__LANES_ALIKE) all -= all % BP__LANES_ALIKE;
    return all > n ? all - n : 0;
}

/* Rows are no more than they have to be: many of them wait. */
static void trim(bp__weights *w, size_t num_assets)
{
    if (w->count == w->capacity) return;
    double *row = realloc(w->row, (w->count * num_assets + 1) * sizeof *row);
    if (!row) return;
    w->row = row;
    w->capacity = w->count;
}

void bp__backtest_forget(bp__workspace *ws, size_t next)
{
    ws->prepared = NULL;
    ws->num_prepared = 0;
    ws->num_expected = next;
    ws->account = NULL;
}

/* Before the first combination. @return false: there is no memory */
static bool begin_lanes(bp__workspace *ws, const bp_strategy *strategy)
{
    const bp__scope *scope = ws->scope;
    if (ws->num_prepared > 0 || strategy->weights) return true;
    return bp__lane_signals_begin(&ws->lane_signals, scope->num_assets, scope->num_sessions, ws->num_expected,
                                  most_bytes(ws)) == BP_OK;
}

bp_status bp__backtest_prepare(bp__workspace *ws, const bp_strategy *strategy, size_t count,
                               const double *const *params, size_t *taken)
{
    *taken = 0;
    if (strategy->decide) return BP_OK;
    if (ws->prepared != strategy) bp__backtest_forget(ws, ws->prepared ? BP__MAX_BATCH : ws->num_expected);
    if (!begin_lanes(ws, strategy)) return BP_OK;
    ws->prepared = strategy;
    ws->account = NULL;
    const size_t room = room_for(ws, strategy), first = 1 + ws->num_prepared;
    if (!strategy->signals_batch && count > 1) count = 1;
    if (count > room) count = room;
    if (count == 0) return BP_OK;
    *taken = count;
    const bp_status s = find(ws, strategy, first, count, params);
    if (s == BP_OK) {
        for (size_t i = 0; i < count; i++) trim(&ws->said[++ws->num_prepared].weights, ws->scope->num_assets);
        return BP_OK;
    }
    if (!strategy->weights) bp__lane_signals_forget(&ws->lane_signals, first - 1);
    if (s == BP_ESTOPPED) return s;
    /* which of several it was, their runs find out */
    if (s == BP_EINVAL && count == 1) ws->said[first].failed = strdup(bp_error_text());
    if (ws->said[first].failed) ws->num_prepared++;
    return BP_OK;
}

/* Of what is prepared, what was said by weights. @return how many lanes there are now */
static size_t run_weights(bp__workspace *ws, const bp__account *account, bool fills)
{
    const bp__weights *weights[BP__MAX_BATCH];
    size_t count = 0;
    for (size_t i = 1; i <= ws->num_prepared; i++) {
        said *says = &ws->said[i];
        if (says->failed || !says->by_weights) continue;
        if (bp__failed(check_weights(ws, ws->prepared, account, &says->weights))) continue;
        weights[count] = &says->weights;
        says->lane = count++;
    }
    if (count > 0 &&
        bp__failed(bp__lanes_run_weights(ws->lanes, ws->call.isa, weights, count, account, fills)))
        return 0;
    return count;
}

/* The same of signals. What has failed, or was said by weights, is a lane that does nothing. */
static size_t run_signals(bp__workspace *ws, const bp__account *account, bool fills)
{
    for (size_t i = 1; i <= ws->num_prepared; i++)
        if (!ws->said[i].failed && !ws->said[i].by_weights) ws->said[i].lane = i - 1;
    const bp_status s =
        bp__lanes_run(ws->lanes, ws->call.isa, &ws->lane_signals, ws->num_prepared, account, fills);
    return s == BP_OK ? ws->num_prepared : 0;
}

void bp__backtest_run_prepared(bp__workspace *ws, const bp__account *account, bool fills)
{
    ws->account = NULL;
    size_t first = 1;
    while (first <= ws->num_prepared && ws->said[first].failed) first++;
    if (first > ws->num_prepared || bp__failed(bp__account_check(account))) return;
    const bool by_weights = ws->said[first].by_weights;
    if (!can_lanes(account, by_weights) || (!by_weights && ws->num_prepared < LEAST_LANES)) return;
    if (!ws->lanes && bp__failed(bp__lanes_create(ws->scope, &ws->call.derived, &ws->lanes))) return;
    for (size_t i = 1; i <= ws->num_prepared; i++) ws->said[i].lane = SIZE_MAX;
    if ((by_weights ? run_weights(ws, account, fills) : run_signals(ws, account, fills)) > 0)
        ws->account = account;
}

/* Workspace ------------------------------------------------------------------------------------- */

/* The thread's arithmetic may have been changed before, by a library that has nothing to do with us. */
static bp_status check_arithmetic(void)
{
    if (bp__arithmetic_fault()) bp__arithmetic_restore();
    const char *fault = bp__arithmetic_fault();
    if (fault) BP_FAIL(BP_EINVAL, "results would be others than elsewhere: this machine %s", fault);
    return BP_OK;
}

bp_status bp__workspace_create(const bp__scope *scope, bp__workspace **workspace)
{
    *workspace = NULL;
    BP_TRY(check_arithmetic());
    bp__workspace *ws = calloc(1, sizeof *ws);
    *workspace = ws;
    if (!ws) goto fail;
    ws->scope = scope;
    if (bp__failed(bp__plain_init(scope, &ws->plain)) || bp__failed(bp__call_init(scope, &ws->call)))
        goto fail;
    bp__workspace_keep(ws, BP__CACHE_BYTES);
    ws->market = (bp__market){.face = {bp__host()}, .call = &ws->call};
    for (size_t i = 0; i <= BP__MAX_BATCH; i++) {
        ws->said[i].signals = (bp__signals){.face = {bp__host()},
                                            .call = &ws->call,
                                            .lanes = i == ONE ? NULL : &ws->lane_signals,
                                            .lane = i == ONE ? 0 : UINT64_C(1) << (i - 1)};
        ws->said[i].weights = (bp__weights){.face = {bp__host()}, .call = &ws->call};
    }
    ws->in_set = calloc(ws->plain.words, sizeof *ws->in_set);
    ws->equity = calloc(scope->num_sessions, sizeof *ws->equity);
    if (!ws->in_set || !ws->equity || bp__failed(make_signals(ws, &ws->said[ONE].signals))) goto fail;
    return BP_OK;
fail:
    bp__workspace_destroy(workspace);
    BP_FAIL(BP_ENOMEM, "backtest: no memory for a run over %zu assets and %zu sessions", scope->num_assets,
            scope->num_sessions);
}

void bp__workspace_destroy(bp__workspace **workspace)
{
    bp__workspace *ws = *workspace;
    *workspace = NULL;
    if (!ws) return;
    for (size_t i = 0; i <= BP__MAX_BATCH; i++) {
        free(ws->said[i].weights.t);
        free(ws->said[i].weights.row);
        free(ws->said[i].failed);
    }
    bp__signals *const own[] = {&ws->said[ONE].signals, &ws->apart};
    for (size_t i = 0; i < 2; i++) {
        free(own[i]->toggle);
        free(own[i]->decide);
    }
    bp__lane_signals_fini(&ws->lane_signals);
    free(ws->in_set);
    free(ws->equity);
    bp__scratch_fini(&ws->memory);
    bp__plain_fini(&ws->plain);
    bp__lanes_destroy(&ws->lanes);
    bp__call_fini(&ws->call);
    bp__trader_fini(&ws->trader);
    free(ws);
}

/* What was said ------------------------------------------------------------------------------------- */

const bp__signals *bp__said_signals(bp__workspace *ws, const bp_strategy *strategy, const double *params)
{
    const bp__signals *signals;
    const size_t first = ws->found == strategy ? ONE : 1,
                 end = ws->prepared == strategy ? ws->num_prepared : 0;
    for (size_t i = first; i <= end; i++) {
        const said *says = &ws->said[i];
        if (!says->by_weights && (!params || same_params(strategy, says->params, params)))
            return take_apart(ws, &says->signals, &signals) == BP_OK ? signals : NULL;
    }
    return NULL;
}

const bp__weights *bp__said_weights(const bp__workspace *ws, const bp_strategy *strategy)
{
    const said *says = &ws->said[ONE];
    return ws->found == strategy && says->by_weights ? &says->weights : NULL;
}
