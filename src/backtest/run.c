/* A run: the strategy says what it wants, the account makes an equity curve of it.
 *
 * DESIGN
 *  - Signals and weights are found for the whole range before the account begins; a strategy that decides is called
 *    between two sessions of it.
 *  - A strategy of the form *signals* may answer by weights (host.h); then its rows take the place of its signals.
 *  - Signals of several combinations can be found in one call (bp__backtest_prepare()), which saves what they have in
 *    common; each has its own set of bits, and the runs that follow take them from there.
 *  - There are three accounts with the same results: plain.c for signals where the options are the usual ones, lanes.h
 *    for many of these at once, trader.c for everything.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/backtest.h"
#include "backtest/call.h"
#include "backtest/lanes.h"
#include "backtest/plain.h"
#include "backtest/trader.h"
#include "core/day.h"
#include "core/status.h"

#define BATCH_BYTES ((size_t)32 << 20) /* at most, of signals that wait for their runs */

struct bp__workspace {
    const bp__scope *scope;
    bp__call call;
    bp__market market;
    bp__weights weights;
    bp__plain plain;
    bp__trader trader;
    uint64_t *in_set; /* [words] of signals, for the trader */
    double *equity;   /* [num_sessions] */

    bp__signals signals[BP__MAX_BATCH];
    size_t num_signals;          /* that have memory */
    const bp_strategy *prepared; /* whose signals are there, or NULL; */
    size_t num_prepared;         /* of so many combinations: */
    double params[BP__MAX_BATCH][BP__MAX_PARAMS];
    bool by_weights;  /* the one that is prepared has answered by weights */
    bp__lanes *lanes; /* NULL until they are needed */
    const bp__account
        *ran_for;       /* those that are prepared were run in lanes, for this account; NULL: they were not */
    bp__scratch memory; /* of a strategy that decides */
};

/* Signals ----------------------------------------------------------------------------------------- */

static bp_status make_signals(bp__workspace *ws, size_t count)
{
    const size_t sessions = ws->scope->num_sessions, words = ws->plain.words;
    for (; ws->num_signals < count; ws->num_signals++) {
        bp__signals *s = &ws->signals[ws->num_signals];
        *s = (bp__signals){.face = {bp__host()}, .call = &ws->call, .num_sessions = sessions, .words = words};
        s->toggle = calloc(sessions * words, sizeof *s->toggle);
        s->decide = calloc(sessions, sizeof *s->decide);
        if (s->toggle && s->decide) continue;
        free(s->toggle);
        free(s->decide);
        return BP_ENOMEM;
    }
    return BP_OK;
}

static bool same_params(const bp_strategy *strategy, const double *a, const double *b)
{
    return strategy->num_params == 0 || memcmp(a, b, strategy->num_params * sizeof *a) == 0;
}

static void find_signals(bp__workspace *ws, const bp_strategy *strategy, size_t count,
                         const double *const *params)
{
    bp_signals *face[BP__MAX_BATCH];
    ws->prepared = NULL;
    ws->ran_for = NULL;
    bp__call_begin(&ws->call, strategy);
    ws->weights.count = 0;
    if (count == 1) ws->call.weights = &ws->weights;
    for (size_t i = 0; i < count; i++) {
        face[i] = &ws->signals[i].face;
        bp__signals_clear(&ws->signals[i]);
        for (size_t p = 0; p < strategy->num_params; p++) ws->params[i][p] = params[i][p];
    }
    if (strategy->signals_batch && count > 1)
        strategy->signals_batch(strategy->context, &ws->market.face, count, params, face);
    else
        strategy->signals(strategy->context, &ws->market.face, params[0], face[0]);
    ws->prepared = strategy;
    ws->num_prepared = count;
    ws->by_weights = ws->weights.count > 0;
}

/* Run all that is prepared at once. Without memory for that they are run one by one. */
static void run_lanes(bp__workspace *ws, const bp__account *account)
{
    if (!bp__plain_can(account) || bp__failed(bp__account_check(account))) return;
    if (!ws->lanes && bp__failed(bp__lanes_create(ws->scope, &ws->lanes))) return;
    bp__lanes_run(ws->lanes, ws->call.isa, ws->signals, ws->num_prepared, account);
    ws->ran_for = account;
}

void bp__backtest_prepare(bp__workspace *ws, const bp_strategy *strategy, size_t count,
                          const double *const *params, const bp__account *account)
{
    if (!strategy->signals_batch || count < 2) return;
    const size_t bytes = ws->scope->num_sessions * ws->plain.words * sizeof(uint64_t);
    if (count > BP__MAX_BATCH) count = BP__MAX_BATCH;
    if (count > BATCH_BYTES / bytes + 1) count = BATCH_BYTES / bytes + 1;
    if (bp__failed(make_signals(ws, count))) return;
    find_signals(ws, strategy, count, params);
    if (ws->call.failed)
        ws->prepared = NULL; /* which of them it was, each will find out for itself */
    else if (account)
        run_lanes(ws, account);
}

uint32_t bp__backtest_at_once(const bp_strategy *strategy, const bp__account *account)
{
    return strategy->signals_batch && account && bp__plain_can(account) ? 32 : 1;
}

void bp__workspace_use(bp__workspace *ws, bp__isa isa)
{
    ws->call.isa = isa;
}

/* The signals of a combination, prepared or found now. */
static bp_status signals_of(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                            const bp__signals **signals)
{
    static const double none[1];
    if (!params) params = none;
    for (size_t i = 0; ws->prepared == strategy && i < ws->num_prepared; i++)
        if (same_params(strategy, ws->params[i], params)) return *signals = &ws->signals[i], BP_OK;
    BP_TRY(make_signals(ws, 1));
    find_signals(ws, strategy, 1, &params);
    *signals = &ws->signals[0];
    const bp_status status = bp__call_status(&ws->call);
    if (bp__failed(status)) ws->prepared = NULL;
    return status;
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

static void check_row(bp__workspace *ws, const bp__account *account, int32_t t, const double *row)
{
    double sum = 0.0;
    for (size_t i = 0; i < ws->scope->num_assets; i++) {
        const bp__asset *a = &ws->scope->asset[i];
        const char *symbol = bp__scope_symbol(ws->scope, i);
        if (row[i] == 0) continue;
        if (!isfinite(row[i]))
            bp__call_fail(&ws->call, t, "the weight of %.20s is %g", symbol, row[i]);
        else if (row[i] < 0 && !account->allow_short)
            bp__call_fail(&ws->call, t, "the weight of %.20s is %g; short positions need --short", symbol,
                          row[i]);
        else if (t >= a->delisted || bp__observations_until(a, t) == 0)
            bp__call_fail(&ws->call, t, "%.20s has a weight, but it %s", symbol,
                          t >= a->delisted ? "is delisted" : "has no price yet");
        sum += fabs(row[i]);
    }
    if (sum > account->max_leverage + 1e-9)
        bp__call_fail(&ws->call, t, "its weights add up to %.6g, more than --max-leverage %g", sum,
                      account->max_leverage);
}

static bp_status check_weights(bp__workspace *ws, const bp__account *account)
{
    const size_t n = ws->scope->num_assets;
    for (size_t k = 0; k < ws->weights.count && !ws->call.failed; k++)
        check_row(ws, account, ws->weights.t[k], ws->weights.row + k * n);
    return bp__call_status(&ws->call);
}

static bp_status find_weights(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                              const bp__account *account)
{
    if (ws->by_weights) ws->prepared = NULL; /* its rows make room */
    ws->weights.count = 0;
    bp__call_begin(&ws->call, strategy);
    strategy->weights(strategy->context, &ws->market.face, params, &ws->weights.face);
    return check_weights(ws, account);
}

/* Rows that a strategy of the form *signals* has answered by, perhaps for a run before. */
static bp_status reuse_weights(bp__workspace *ws, const bp_strategy *strategy, const bp__account *account)
{
    bp__call_begin(&ws->call, strategy);
    return check_weights(ws, account);
}

/* @param[in,out] next  row that comes next */
static bp_status decide_by_weights(bp__workspace *ws, int32_t t, size_t *next)
{
    const size_t n = ws->scope->num_assets;
    bp__trader *a = &ws->trader;
    if (*next == ws->weights.count || ws->weights.t[*next] != t) return BP_OK;
    const double *row = ws->weights.row + (*next)++ * n;
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

/* With all options. @param[in] signals  NULL where the strategy speaks otherwise */
static bp_status run_trader(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                            const bp__account *account, const bp__ledger *ledger, const bp__signals *signals)
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
        if (signals) {
            BP_TRY(decide_by_signals(ws, signals, t));
        } else if (!strategy->decide) {
            BP_TRY(decide_by_weights(ws, t, &next_row));
        } else {
            ws->call.t = t;
            strategy->decide(strategy->context, &view.face, params);
            BP_TRY(bp__call_status(&ws->call));
        }
    }
    bp__trader_end(&ws->trader, n - 1);
    return BP_OK;
}

/* The run of a combination that was made beside others. @return false: there is none */
static bool take_lane(bp__workspace *ws, const bp__signals *signals, const bp__account *account,
                      bp__record *record)
{
    const size_t lane = (size_t)(signals - ws->signals);
    if (ws->ran_for != account || lane >= ws->num_prepared) return false;
    *record = (bp__record){.cash = account->cash, .traded = NAN, .costs = NAN, .gains = NAN, .losses = NAN};
    record->trades = bp__lanes_result(ws->lanes, lane, ws->equity);
    return true;
}

static bp_status run(bp__workspace *ws, const bp_strategy *strategy, const double *params,
                     const bp__account *account, const bp__ledger *ledger, bp__record *record)
{
    const bp__signals *signals = NULL;
    BP_TRY(bp__account_check(account));
    if (strategy->signals) BP_TRY(signals_of(ws, strategy, params, &signals));
    if (strategy->signals && ws->by_weights) {
        BP_TRY(reuse_weights(ws, strategy, account));
        signals = NULL;
    }
    if (strategy->weights) BP_TRY(find_weights(ws, strategy, params, account));
    if (signals && !ledger && bp__plain_can(account)) {
        if (!take_lane(ws, signals, account, record))
            bp__plain_run(&ws->plain, signals, account, ws->equity, record);
        for (int32_t t = 0; t < (int32_t)ws->scope->num_sessions; t++) BP_TRY(check_equity(ws, t));
    } else {
        BP_TRY(run_trader(ws, strategy, params, account, ledger, signals));
        *record = ws->trader.record;
    }
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

/* Workspace ------------------------------------------------------------------------------------- */

bp_status bp__workspace_create(const bp__scope *scope, bp__workspace **workspace)
{
    bp__workspace *ws = calloc(1, sizeof *ws);
    *workspace = ws;
    if (!ws) goto fail;
    ws->scope = scope;
    if (bp__failed(bp__plain_init(scope, &ws->plain)) || bp__failed(bp__call_init(scope, &ws->call)))
        goto fail;
    ws->market = (bp__market){.face = {bp__host()}, .call = &ws->call};
    ws->weights = (bp__weights){.face = {bp__host()}, .call = &ws->call};
    ws->in_set = calloc(ws->plain.words, sizeof *ws->in_set);
    ws->equity = calloc(scope->num_sessions, sizeof *ws->equity);
    if (!ws->in_set || !ws->equity || bp__failed(make_signals(ws, 1))) goto fail;
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
    for (size_t i = 0; i < ws->num_signals; i++) {
        free(ws->signals[i].toggle);
        free(ws->signals[i].decide);
    }
    free(ws->weights.t);
    free(ws->weights.row);
    free(ws->in_set);
    free(ws->equity);
    bp__scratch_fini(&ws->memory);
    bp__call_fini(&ws->call);
    bp__plain_fini(&ws->plain);
    bp__lanes_destroy(&ws->lanes);
    bp__trader_fini(&ws->trader);
    free(ws);
}

/* What was said ------------------------------------------------------------------------------------- */

const bp__signals *bp__said_signals(const bp__workspace *ws, const bp_strategy *strategy,
                                    const double *params)
{
    for (size_t i = 0; ws->prepared == strategy && !ws->by_weights && i < ws->num_prepared; i++)
        if (!params || same_params(strategy, ws->params[i], params)) return &ws->signals[i];
    return NULL;
}

const bp__weights *bp__said_weights(const bp__workspace *ws, const bp_strategy *strategy)
{
    const bool said = strategy->weights || (ws->prepared == strategy && ws->by_weights);
    return said ? &ws->weights : NULL;
}
