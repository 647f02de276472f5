#include "backtest/lookahead.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/call.h"
#include "backtest/scope.h"
#include "core/status.h"
#include "core/text.h"

#define NO_ASSET UINT32_MAX

/* What was said ---------------------------------------------------------------------------------- */

/* One thing that a strategy said after a session. */
typedef struct word {
    int32_t t;
    uint32_t asset; /* NO_ASSET: that it decides at all, before the assets of that session */
    double value;   /* signals: 1 it enters, 0 it leaves; weights: the weight; orders: shares */
} word;

/* All that it said in a run, in order of sessions. */
typedef struct speech {
    word *at;
    size_t count, capacity;
    int32_t last; /* session up to which it could speak */
    bool weights; /* it has spoken by weights; whoever says nothing at all need not have */
    bool lost;    /* there was no memory for all of it */
} speech;

static void say(speech *s, int32_t t, uint32_t asset, double value)
{
    if (s->count == s->capacity) {
        const size_t more = s->capacity ? 2 * s->capacity : 256;
        word *at = realloc(s->at, more * sizeof *at);
        if (!at) {
            s->lost = true;
            return;
        }
        s->at = at;
        s->capacity = more;
    }
    s->at[s->count++] = (word){t, asset, value};
}

static void hear_signals(speech *s, const bp__signals *signals, uint64_t *in_set)
{
    memset(in_set, 0, signals->words * sizeof *in_set);
    for (size_t t = 0; t < signals->num_sessions; t++) {
        if (signals->decide[t]) say(s, (int32_t)t, NO_ASSET, 0);
        for (size_t w = 0; w < signals->words; w++) {
            const uint64_t toggled = signals->toggle[t * signals->words + w];
            in_set[w] ^= toggled;
            for (uint64_t left = toggled; left; left &= left - 1) {
                const unsigned bit = (unsigned)__builtin_ctzll(left);
                say(s, (int32_t)t, (uint32_t)(w * 64 + bit), (double)(in_set[w] >> bit & 1));
            }
        }
    }
}

static void hear_weights(speech *s, const bp__weights *weights, size_t num_assets)
{
    for (size_t k = 0; k < weights->count; k++) {
        say(s, weights->t[k], NO_ASSET, 0);
        for (size_t i = 0; i < num_assets; i++)
            if (weights->row[k * num_assets + i] != 0)
                say(s, weights->t[k], (uint32_t)i, weights->row[k * num_assets + i]);
    }
}

static void hear_order(void *context, const bp__entry *entry)
{
    if (entry->kind == BP__ENTRY_ORDER) say(context, entry->t, entry->asset, entry->shares);
}

/* Runs ------------------------------------------------------------------------------------------- */

typedef struct check {
    const bp__lookahead_task *task;
    bp__lookahead *result;
    bp__scope *whole; /* all data */
    speech all;       /* what was said with it */
    int32_t t;        /* of the difference found */
    uint32_t asset;   /* of it */
    uint64_t *in_set; /* [words] scratch */
    bool *pick;       /* [sessions] where data is cut: the last session that is left */
    bool *has_been;   /* [sessions] where it has been cut before */
} check;

/* Closes as a plug-in sees them are often the bundle's, and go on behind their end. */
static bp_status end_closes(bp__scope *scope)
{
    for (size_t i = 0; i < scope->num_assets; i++) {
        bp__asset *a = &scope->asset[i];
        double *copy = malloc(((size_t)a->count + 1) * sizeof *copy);
        if (!copy) BP_FAIL(BP_ENOMEM, "no memory for the closes of an asset");
        const double *closes = bp__scope_closes(scope, i, copy);
        if (closes && closes != copy) memcpy(copy, closes, (size_t)a->count * sizeof *copy);
        copy[a->count] = NAN;
        free(a->own_adj);
        a->adj = a->own_adj = copy;
    }
    return BP_OK;
}

/* @param[out] spoke  what was said; @return BP_EINVAL: the strategy has failed */
static bp_status listen(check *c, const bp__scope *scope, bp__workspace *ws, speech *spoke)
{
    const bp__lookahead_task *task = c->task;
    const bp__ledger ledger = {.context = spoke, .entry = hear_order};
    bp__record record;
    spoke->count = 0;
    spoke->lost = false;
    spoke->last = (int32_t)scope->num_sessions - 1 - (task->strategy->decide != NULL);
    const bp_status ran = bp__backtest_run(ws, task->strategy, task->params, task->account,
                                           task->strategy->decide ? &ledger : NULL, &record);
    /* an account that has no number any more ends a run; what was said has been said */
    if (ran != BP_OK && ran != BP_ERANGE) return ran;
    const bp__weights *weights = bp__said_weights(ws, task->strategy);
    spoke->weights = weights != NULL;
    if (weights)
        hear_weights(spoke, weights, scope->num_assets);
    else if (task->strategy->signals)
        hear_signals(spoke, bp__said_signals(ws, task->strategy, task->params), c->in_set);
    if (spoke->lost) BP_FAIL(BP_ENOMEM, "no memory for what strategy %s says", task->strategy->name);
    return BP_OK;
}

static bp_status run(check *c, bp__scope *scope, speech *spoke)
{
    bp__workspace *ws = NULL;
    bp_status s = bp__workspace_create(scope, &ws);
    if (s == BP_OK) s = listen(c, scope, ws, spoke);
    bp__workspace_destroy(&ws);
    return s;
}

/* On data up to session `cut`. */
static bp_status run_cut(check *c, int32_t cut, speech *spoke)
{
    const bp__lookahead_task *task = c->task;
    bp__scope *scope = NULL;
    BP_TRY(bp__scope_create(task->bundle, task->symbols, task->start, c->whole->day[cut],
                            task->delisted_after, &scope));
    bp_status s = end_closes(scope);
    if (s == BP_OK) s = run(c, scope, spoke);
    bp__scope_destroy(&scope);
    return s;
}

/* Differences ------------------------------------------------------------------------------------ */

/* Whether there is a k-th word, and it belongs to sessions that both runs have. */
static bool has(const speech *s, size_t k, int32_t last)
{
    return k < s->count && s->at[k].t <= last;
}

static bool same_word(const word *a, const word *b)
{
    return a->t == b->t && a->asset == b->asset && a->value == b->value;
}

/* The asset that a difference is told of: where one run decides and the other does not, the first one of it. */
static uint32_t asset_of(const speech *s, size_t k)
{
    const bool decides = s->at[k].asset == NO_ASSET && k + 1 < s->count && s->at[k + 1].t == s->at[k].t;
    return s->at[decides ? k + 1 : k].asset;
}

/* @param[in] orders, weights  what it speaks by; else signals */
static void quote(bool orders, bool weights, const speech *s, size_t k, int32_t t, uint32_t asset,
                  char text[48])
{
    const bool decides = k < s->count && s->at[k].t == t;
    while (k < s->count && s->at[k].t == t && s->at[k].asset != asset && !orders) k++;
    const bool speaks = k < s->count && s->at[k].t == t && s->at[k].asset == asset;
    const double value = speaks ? s->at[k].value : 0;
    if (orders)
        snprintf(text, 48, speaks ? "order %.10g" : "no order", value);
    else if (weights)
        snprintf(text, 48, decides || speaks ? "weight %.10g" : "no rebalance", value);
    else if (asset == NO_ASSET)
        snprintf(text, 48, "%s", speaks ? "new orders" : "nothing");
    else
        snprintf(text, 48, "%s", !speaks ? "nothing" : value > 0 ? "enters the set" : "leaves the set");
}

/* Notes where two runs first differ in what both could know, unless an earlier session is known already. */
static void compare(check *c, const speech *early, const speech *late)
{
    const int32_t last = early->last;
    size_t k = 0;
    const bool orders = c->task->strategy->decide, weights = early->weights || late->weights;
    while (has(early, k, last) && has(late, k, last) && early->weights == late->weights &&
           same_word(&early->at[k], &late->at[k]))
        k++;
    const bool a = has(early, k, last), b = has(late, k, last);
    if (!a && !b) return;
    /* who speaks first of an earlier session, or of an asset before, is the one that the other does not confirm */
    const bool early_first =
        a && (!b || early->at[k].t < late->at[k].t ||
              (early->at[k].t == late->at[k].t && early->at[k].asset <= late->at[k].asset));
    const speech *first = early_first ? early : late;
    const int32_t t = first->at[k].t;
    const uint32_t asset = asset_of(first, k);
    if (c->result->found && (t > c->t || (t == c->t && asset >= c->asset))) return;
    c->t = t;
    c->asset = asset;
    c->result->found = true;
    c->result->session = c->whole->day[t];
    c->result->symbol = asset == NO_ASSET ? NULL : bp__scope_symbol(c->whole, asset);
    c->result->known = c->whole->day[early->last + orders];
    quote(orders, weights, early, k, t, asset, c->result->early);
    quote(orders, weights, late, k, t, asset, c->result->late);
}

/* Cuts ------------------------------------------------------------------------------------------- */

/* splitmix64. @return in [0, 1) */
static double chance(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Chooses `wanted` of the sessions that are marked, each with the same chance, and leaves only these marked. */
static void choose(bool *pick, int32_t n, uint64_t wanted, uint64_t *state)
{
    uint64_t left = 0;
    for (int32_t t = 0; t < n; t++) left += pick[t];
    for (int32_t t = 0; t < n; t++) {
        if (!pick[t]) continue;
        pick[t] = chance(state) * (double)left < (double)wanted;
        wanted -= pick[t];
        left--;
    }
}

/* A cut leaves at least two sessions, and takes at least one away. */
static bool can_cut(const check *c, int32_t t)
{
    return t >= 1 && t <= (int32_t)c->whole->num_sessions - 2 && !c->has_been[t];
}

static void pick_anywhere(check *c, uint64_t wanted, uint64_t *state)
{
    const int32_t n = (int32_t)c->whole->num_sessions;
    for (int32_t t = 0; t < n; t++) c->pick[t] = can_cut(c, t);
    choose(c->pick, n, wanted, state);
}

/* Where it spoke when all data was there. */
static void pick_words(check *c, uint64_t wanted, uint64_t *state)
{
    const int32_t n = (int32_t)c->whole->num_sessions;
    memset(c->pick, 0, (size_t)n * sizeof *c->pick);
    for (size_t k = 0; k < c->all.count; k++)
        if (can_cut(c, c->all.at[k].t)) c->pick[c->all.at[k].t] = true;
    choose(c->pick, n, wanted, state);
}

/* Runs at all cuts that are picked, compared with each other and, in the end, with all data. */
static bp_status try_cuts(check *c, speech spoke[2])
{
    int now = 0;
    bool before = false; /* spoke[!now] has something to be compared with */
    for (int32_t t = 0; t < (int32_t)c->whole->num_sessions; t++) {
        if (!c->pick[t]) continue;
        c->has_been[t] = true;
        const bp_status s = run_cut(c, t, &spoke[now]);
        if (s == BP_EINVAL) {
            if (c->result->failed++ == 0)
                bp__text_first_line(bp_error_text(), c->result->why, sizeof c->result->why);
            continue;
        }
        BP_TRY(s);
        c->result->cuts++;
        if (before) compare(c, &spoke[!now], &spoke[now]);
        before = true;
        now = !now;
    }
    BP_TRY(run(c, c->whole, &c->all));
    if (before) compare(c, &spoke[!now], &c->all);
    return BP_OK;
}

static bp_status check_cuts(check *c)
{
    speech spoke[2] = {{0}};
    uint64_t state = c->task->seed;
    pick_anywhere(c, c->task->cuts - c->task->cuts / 2, &state);
    bp_status s = try_cuts(c, spoke);
    if (s == BP_OK) {
        pick_words(c, c->task->cuts / 2, &state);
        s = try_cuts(c, spoke);
    }
    const uint64_t tried = c->result->cuts + c->result->failed;
    if (s == BP_OK && tried < c->task->cuts) {
        pick_anywhere(c, c->task->cuts - tried, &state);
        s = try_cuts(c, spoke);
    }
    free(spoke[0].at);
    free(spoke[1].at);
    return s;
}

static bp_status begin(check *c)
{
    const bp__lookahead_task *task = c->task;
    BP_TRY(bp__account_check(task->account));
    BP_TRY(bp__scope_create(task->bundle, task->symbols, task->start, task->end, task->delisted_after,
                            &c->whole));
    const size_t n = c->whole->num_sessions;
    if (n < 3)
        BP_FAIL(BP_ERANGE,
                "the range has %zu sessions, of which nothing can be cut off; at least 3 "
                "are needed",
                n);
    BP_TRY(end_closes(c->whole));
    c->in_set = calloc(c->whole->num_assets / 64 + 1, sizeof *c->in_set);
    c->pick = calloc(n, sizeof *c->pick);
    c->has_been = calloc(n, sizeof *c->has_been);
    if (!c->in_set || !c->pick || !c->has_been) BP_FAIL(BP_ENOMEM, "no memory for %zu sessions", n);
    return BP_OK;
}

bp_status bp__lookahead_check(const bp__lookahead_task *task, bp__lookahead *result)
{
    check c = {.task = task, .result = result};
    *result = (bp__lookahead){0};
    bp_status s = begin(&c);
    if (s == BP_OK) s = check_cuts(&c);
    free(c.all.at);
    free(c.in_set);
    free(c.pick);
    free(c.has_been);
    bp__scope_destroy(&c.whole);
    return s;
}
