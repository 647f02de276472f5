/** @file src/backtest/scope.h
 * What every run over one range of one bundle shares: the part that no parameter changes.
 *
 * A scope is private to its process while the bundle is shared by the node, so it borrows what it can:
 * adjusted closes, and last known prices of an asset with gaps, are found when they are asked for (derived.h).
 * A session t counts from the first of the range; before it t is negative. Sessions are the days on which a selected
 * asset trades; where the bundle has other days as well, opens and closes are copied without them.
 */
#ifndef BP_BACKTEST_SCOPE_H
#define BP_BACKTEST_SCOPE_H

#include <float.h>

#include "backtest/backtest.h"

#define BP__NEVER INT32_MAX

/** What signals see of an asset: its observations, the sessions with a close before it is delisted. */
typedef struct bp__asset {
    const double *adj; /**< [count] adjusted closes where they lie in the bundle; NULL: bp__scope_closes() */
    const int32_t *session; /**< [count] t of each observation; NULL: first + j */
    int32_t first;          /**< t of observation 0 */
    int32_t count;
    int32_t delisted; /**< t, or BP__NEVER; negative: gone before the range */
    double *own_adj;  /**< of a check for looking ahead; else NULL */
    int32_t *own_session;
} bp__asset;

/** A dated event. Of those that act on the account t >= 1: before that nothing is held. */
typedef struct bp__event {
    int32_t t;
    int32_t pay; /**< of a dividend: session of its payment, t or later; BP__NEVER: none, or none known */
    uint32_t asset;
    uint32_t reserved;
    int64_t date;   /**< of the table; with `order` it tells what acts first within a session */
    uint64_t order; /**< in the table */
    double value;   /**< split: ratio; dividend: amount per share; delisting: unused */
} bp__event;

typedef struct bp__events {
    bp__event *at; /**< by t, asset, date, order */
    size_t count;
} bp__events;

/** Who has to know when a scope ends, as it has taken something of it. */
typedef struct bp__scope_watch {
    void (*ended)(void *context); /**< the scope is whole yet, its bundle still held; the watch is off */
    void *context;
    struct bp__scope_watch *next;
} bp__scope_watch;

struct bp__scope {
    bp__scope_watch *watches; /**< by whoever may destroy it: see bp__scope_watch_begin() */
    const bp_bundle *bundle;
    uint64_t serial;      /**< no other scope of this process has it: an address may be used again */
    const int64_t *day;   /**< [sessions]; as the next, and open and close, from -first on */
    const int32_t *where; /**< [sessions] their places among the bundle's days; NULL: t + first */
    int32_t first;        /**< sessions before the range */
    size_t num_assets;
    size_t num_sessions;
    size_t *row;           /**< [num_assets] in the bundle, ascending */
    bp__asset *asset;      /**< [num_assets] by sid */
    const double **open;   /**< [num_assets][sessions] as in the bundle */
    const double **close;  /**< [num_assets][sessions] as in the bundle */
    bool *has_gaps;        /**< [num_assets] a close is missing between the first one and the delisting */
    bp__events all_splits; /**< by asset, date: before the range as well */
    size_t *splits_begin;  /**< [num_assets + 1] where those of an asset begin */
    bp__events splits, dividends, delistings; /**< what acts on the account */
    bool *breaks;                             /**< [sessions] a split or a delisting changes holdings here */
    size_t history;                           /**< most observations that an asset has */
    int64_t *own_day;
    int32_t *own_where;
    double *own_prices; /**< opens and closes without the days that are no sessions */
};

/** Watch a scope. In the thread that will destroy it, as the next. @param[in] watch  in place until it is off */
void bp__scope_watch_begin(const bp__scope *scope, bp__scope_watch *watch);
void bp__scope_watch_end(const bp__scope *scope, bp__scope_watch *watch);

/** Place of session t, which may be negative, among the bundle's days. */
static inline size_t bp__scope_day(const bp__scope *s, int32_t t)
{
    return (size_t)(s->where ? s->where[t] : t + s->first);
}

/** As in the bundle: what asset `asset` has in a column of bars at session t. */
double bp__scope_value(const bp__scope *scope, size_t asset, bp_bar_column column, int32_t t);

/** Symbol of an asset. Borrowed. */
static inline const char *bp__scope_symbol(const bp__scope *s, size_t asset)
{
    return bp_bundle_symbol(s->bundle, s->row[asset]);
}

/** Those rows of an adjustment table that concern the selected assets up to the end of the range, including those
 *  before it, in order of asset and date.
 *  @param[in]  sid, value  columns of the table
 *  @param[out] events      owned: free(events->at), after a failure too
 *  @retval BP_EFORMAT  the table is not in order; the text names the column @retval BP_ENOMEM  (without a text) */
bp_status bp__scope_events(const bp__scope *scope, bp_column sid, bp_column value, bp__events *events);

static inline bool bp__priced(double price)
{
    return price > 0 && price <= DBL_MAX;
}

/** Last known prices of an asset, session by session: the last close, by the splits since. */
typedef struct bp__marks {
    const double *close; /**< as in the scope */
    const bp__event *split, *end;
    double last;
} bp__marks;

/** Marks of sessions from t on. @param[in] last  that of the session before; NaN or 0: there is none */
static inline bp__marks bp__marks_from(const bp__scope *s, size_t asset, int32_t t, double last)
{
    bp__marks m = {.close = s->close[asset],
                   .split = s->all_splits.at + s->splits_begin[asset],
                   .end = s->all_splits.at + s->splits_begin[asset + 1],
                   .last = last};
    while (m.split < m.end && m.split->t < t) m.split++;
    return m;
}

/** The mark of session t, which is the next one. NaN or 0: there is none. */
static inline double bp__marks_next(bp__marks *m, int32_t t)
{
    for (; m->split < m->end && m->split->t <= t; m->split++) m->last *= m->split->value;
    if (bp__priced(m->close[t])) m->last = m->close[t];
    return m->last;
}

/** The mark of a session that has no close. NaN: there is none. */
double bp__scope_last_mark(const bp__scope *scope, size_t asset, int32_t t);

/** The mark of a session of the range, up to the delisting. NaN: there is none. */
static inline double bp__scope_mark(const bp__scope *s, size_t asset, int32_t t)
{
    const double close = s->close[asset][t];
    return !s->has_gaps[asset] || bp__priced(close) ? close : bp__scope_last_mark(s, asset, t);
}

/** Session of observation j. */
static inline int32_t bp__observed_at(const bp__asset *a, int32_t j)
{
    return a->session ? a->session[j] : a->first + j;
}

/** Adjusted closes of an asset: without the splits up to each.
 *  @param[out] room  [count] where they are put, unless they lie somewhere already @return [count] */
const double *bp__scope_closes(const bp__scope *scope, size_t asset, double *room);

/** How many observations there are at sessions up to and including t. */
int32_t bp__observations_until(const bp__asset *a, int32_t t);

#endif
