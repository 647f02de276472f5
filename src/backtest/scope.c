#include "backtest/scope.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/atomic.h"
#include "core/day.h"
#include "core/status.h"
#include "reader/dated.h"

/* While a scope is built, sessions are numbered from the first one of all; `first` turns that into t. */
typedef struct build {
    bp__scope *scope;
    const bp_bundle *bundle;
    const int64_t *bundle_day;
    size_t num_days;    /* of the bundle */
    const int64_t *day; /* [num_sessions] */
    size_t num_sessions;
    const int32_t *where; /* [num_sessions] days of the bundle; NULL: all of them */
    size_t first, end;    /* of the range; end is exclusive */
    uint32_t delisted_after;
} build;

static void *allocate(size_t count, size_t size)
{
    return calloc(count ? count : 1, size);
}

/* Number of sessions before `date`. */
static size_t sessions_before(const int64_t *day, size_t n, int64_t date)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (day[mid] < date)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Selection ------------------------------------------------------------------------------------- */

static bp_status find_range(build *b, int64_t start, int64_t end)
{
    const char *name = bp_bundle_name(b->bundle);
    char from[32], to[32];
    if (b->num_days == 0) BP_FAIL(BP_ERANGE, "%s: the bundle has no sessions, nothing to test", name);
    if (b->num_sessions == 0)
        BP_FAIL(BP_ERANGE, "%s: the selected assets have no prices, nothing to test", name);
    if (start == BP_TIME_MISSING) start = b->day[0];
    if (end == BP_TIME_MISSING) end = b->day[b->num_sessions - 1];
    b->first = sessions_before(b->day, b->num_sessions, start);
    b->end = end == INT64_MAX ? b->num_sessions : sessions_before(b->day, b->num_sessions, end + 1);
    if (b->end < b->first + 2)
        BP_FAIL(BP_ERANGE,
                "%s: start and end leave %s, at least two are needed; the selected assets have %s to %s",
                name, b->end > b->first ? "one session" : "no session", bp__day_text(b->day[0], from),
                bp__day_text(b->day[b->num_sessions - 1], to));
    b->scope->day = b->day + b->first;
    b->scope->where = b->where ? b->where + b->first : NULL;
    b->scope->first = (int32_t)b->first;
    b->scope->num_sessions = b->end - b->first;
    return BP_OK;
}

static bp_status select_assets(build *b, const char *const *symbols)
{
    bp__scope *s = b->scope;
    size_t n = bp_bundle_num_assets(b->bundle);
    if (symbols && !symbols[0]) BP_FAIL(BP_EINVAL, "symbols: the list is empty, name one or leave it out");
    bool *chosen = allocate(n, sizeof *chosen);
    s->row = allocate(n, sizeof *s->row);
    if (!chosen || !s->row) {
        free(chosen);
        return BP_ENOMEM;
    }
    const char *unknown = NULL;
    for (size_t k = 0; symbols && symbols[k] && !unknown; k++) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            if (strcmp(symbols[k], bp_bundle_symbol(b->bundle, i)) == 0) found = chosen[i] = true;
        if (!found) unknown = symbols[k];
    }
    for (size_t i = 0; i < n; i++)
        if (!symbols || chosen[i]) s->row[s->num_assets++] = i;
    free(chosen);
    if (unknown)
        BP_FAIL(BP_ENOTFOUND, "symbol '%s': not in bundle %s, correct it or leave it out", unknown,
                bp_bundle_name(b->bundle));
    return BP_OK;
}

/* Sessions -------------------------------------------------------------------------------------- */

/* Which days of the bundle are sessions: on which any selected asset trades. @return how many */
static size_t find_sessions(const build *b, bool *trades)
{
    const double *open = bp_bundle_daily(b->bundle, BP_COL_OPEN);
    const double *close = bp_bundle_daily(b->bundle, BP_COL_CLOSE);
    size_t count = 0;
    for (size_t i = 0; i < b->scope->num_assets && count < b->num_days; i++) {
        const size_t at = b->scope->row[i] * b->num_days;
        for (size_t d = 0; d < b->num_days; d++) {
            if (trades[d] || !(bp__priced(open[at + d]) || bp__priced(close[at + d]))) continue;
            trades[d] = true;
            count++;
        }
    }
    return count;
}

static bp_status number_sessions(build *b)
{
    bp__scope *s = b->scope;
    if (b->num_days > INT32_MAX / 2) BP_FAIL(BP_ERANGE, "%s: too many days", bp_bundle_name(b->bundle));
    bool *trades = allocate(b->num_days, sizeof *trades);
    if (!trades) return BP_ENOMEM;
    b->day = b->bundle_day;
    b->num_sessions = find_sessions(b, trades);
    if (b->num_sessions < b->num_days) {
        s->own_day = allocate(b->num_sessions, sizeof *s->own_day);
        s->own_where = allocate(b->num_sessions, sizeof *s->own_where);
        for (size_t d = 0, n = 0; s->own_day && s->own_where && d < b->num_days; d++) {
            if (!trades[d]) continue;
            s->own_day[n] = b->bundle_day[d];
            s->own_where[n++] = (int32_t)d;
        }
        b->day = s->own_day;
        b->where = s->own_where;
    }
    free(trades);
    return b->num_sessions == b->num_days || (b->day && b->where) ? BP_OK : BP_ENOMEM;
}

/* Opens and closes of all selected assets, without the days that are no sessions. */
static bp_status copy_prices(build *b)
{
    bp__scope *s = b->scope;
    static const bp_column column[2] = {BP_COL_OPEN, BP_COL_CLOSE};
    if (!b->where) return BP_OK;
    s->own_prices = allocate(2 * s->num_assets * b->end, sizeof *s->own_prices);
    if (!s->own_prices) return BP_ENOMEM;
    double *to = s->own_prices;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < s->num_assets; i++) {
            const double *from = bp_bundle_daily(b->bundle, column[k]) + s->row[i] * b->num_days;
            for (size_t d = 0; d < b->end; d++) *to++ = from[b->where[d]];
        }
    return BP_OK;
}

static void place_prices(const build *b)
{
    bp__scope *s = b->scope;
    const double *open = bp_bundle_daily(b->bundle, BP_COL_OPEN);
    const double *close = bp_bundle_daily(b->bundle, BP_COL_CLOSE);
    for (size_t i = 0; i < s->num_assets; i++) {
        const double *own = s->own_prices + i * b->end;
        s->open[i] = (b->where ? own : open + s->row[i] * b->num_days) + b->first;
        s->close[i] = (b->where ? own + s->num_assets * b->end : close + s->row[i] * b->num_days) + b->first;
    }
}

/* Adjustments ----------------------------------------------------------------------------------- */

static int by_asset_and_date(const void *x, const void *y)
{
    const bp__event *a = x, *b = y;
    if (a->asset != b->asset) return a->asset < b->asset ? -1 : 1;
    if (a->date != b->date) return a->date < b->date ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static int by_session(const void *x, const void *y)
{
    const bp__event *a = x, *b = y;
    if (a->t != b->t) return a->t < b->t ? -1 : 1;
    return by_asset_and_date(x, y);
}

/* Rows of one asset that lie in the bundle's sessions up to the end of the range. */
static void put_events(const bp__scope *s, const bp__dated *table, size_t asset, bp__events *events)
{
    const int64_t *day = s->day - s->first;
    const size_t sessions = (size_t)s->first + s->num_sessions;
    size_t begin = 0;
    const size_t end = bp__dated_rows(table, bp_bundle_sids(s->bundle)[s->row[asset]], &begin);
    for (size_t i = bp__dated_below(table, begin, end, day[0]); i < end; i++) {
        const size_t session = sessions_before(day, sessions, table->date[i]);
        if (session == sessions) return;
        if (!bp__priced(table->value[i])) continue;
        events->at[events->count++] = (bp__event){
            .t = (int32_t)session - s->first,
            .pay = BP__NEVER,
            .asset = (uint32_t)asset,
            .date = table->date[i],
            .order = i,
            .value = table->value[i],
        };
    }
}

static bp_status collect_events(const bp__scope *s, const bp__dated *table, bp__events *events)
{
    size_t most = 0, begin = 0;
    for (size_t asset = 0; asset < s->num_assets; asset++)
        most += bp__dated_rows(table, bp_bundle_sids(s->bundle)[s->row[asset]], &begin) - begin;
    events->at = allocate(most, sizeof *events->at);
    if (!events->at) return BP_ENOMEM;
    for (size_t asset = 0; asset < s->num_assets; asset++) put_events(s, table, asset, events);
    return BP_OK;
}

bp_status bp__scope_events(const bp__scope *s, bp_column sid, bp_column value, bp__events *events)
{
    bp__dated table;
    *events = (bp__events){0};
    bp_status status = bp__dated_init(&table, s->bundle, sid, value);
    if (status == BP_OK) status = collect_events(s, &table, events);
    bp__dated_fini(&table);
    return status;
}

/* When dividends are paid. One whose pay date the bundle lacks is never paid, and one that is paid after the range is
 * not paid in it. */
static bp_status read_pay_dates(const bp__scope *s, bp__events *dividends)
{
    bp_array dates, sids;
    bp_bundle_column(s->bundle, BP_COL_PAYOUT_PAY, &dates);
    bp_bundle_column(s->bundle, BP_COL_PAYOUT_SID, &sids);
    if (dates.shape[0] != sids.shape[0]) return BP_OK; /* the bundle has none */
    for (size_t i = 0; i < dividends->count; i++) {
        bp__event *e = &dividends->at[i];
        const int64_t date = ((const int64_t *)dates.data)[e->order];
        if (date == BP_TIME_MISSING) continue;
        const size_t session = date < s->day[0] ? 0 : sessions_before(s->day, s->num_sessions, date);
        if (session == s->num_sessions) continue;
        e->pay = (int32_t)session > e->t ? (int32_t)session : e->t;
    }
    return BP_OK;
}

/* Keep what can act on holdings, in the order in which it does. */
static void keep_range(bp__events *events)
{
    size_t kept = 0;
    for (size_t i = 0; i < events->count; i++)
        if (events->at[i].t >= 1) events->at[kept++] = events->at[i];
    events->count = kept;
    qsort(events->at, kept, sizeof *events->at, by_session);
}

/* Assets ---------------------------------------------------------------------------------------- */

/* Observations; their sessions are listed only where there are gaps. */
static bp_status build_observations(bp__asset *a, const double *close, int32_t begin, int32_t end,
                                    const bp__event *split, size_t num_splits)
{
    int32_t last = begin - 1;
    a->first = end;
    for (int32_t t = begin; t < end; t++) {
        if (!bp__priced(close[t])) continue;
        if (a->first == end) a->first = t;
        last = t;
        a->count++;
    }
    if (a->count == 0) return BP_OK;
    const bool gaps = a->count != last - a->first + 1;
    if (!gaps && (num_splits == 0 || split[0].t > last)) a->adj = close + a->first;
    if (!gaps) return BP_OK;
    a->session = a->own_session = allocate((size_t)a->count, sizeof *a->own_session);
    if (!a->own_session) return BP_ENOMEM;
    for (int32_t t = a->first, j = 0; t <= last; t++)
        if (bp__priced(close[t])) a->own_session[j++] = t;
    return BP_OK;
}

const double *bp__scope_closes(const bp__scope *s, size_t asset, double *room)
{
    const bp__asset *a = &s->asset[asset];
    const double *close = s->close[asset];
    const bp__event *split = s->all_splits.at + s->splits_begin[asset],
                    *end = s->all_splits.at + s->splits_begin[asset + 1];
    double g = 1.0;
    if (a->adj) return a->adj;
    for (int32_t j = 0, until; j < a->count; j = until) {
        for (; split < end && split->t <= bp__observed_at(a, j); split++) g *= split->value;
        until = split < end ? bp__observations_until(a, split->t - 1) : a->count;
        for (int32_t i = j; a->session && i < until; i++) room[i] = close[a->session[i]] / g;
        for (int32_t i = j; !a->session && i < until; i++) room[i] = close[a->first + i] / g;
    }
    return room;
}

/* Whether a close is missing after the first one. */
static bool has_gaps(const double *close, int32_t begin, int32_t end)
{
    int32_t t = begin;
    while (t < end && !bp__priced(close[t])) t++;
    for (t = t > 0 ? t : 0; t < end && bp__priced(close[t]); t++) {
    }
    return t < end;
}

double bp__scope_last_mark(const bp__scope *s, size_t asset, int32_t t)
{
    const bp__asset *a = &s->asset[asset];
    const int32_t seen = bp__observations_until(a, t);
    if (seen == 0) return NAN;
    const int32_t last = bp__observed_at(a, seen - 1);
    bp__marks marks = bp__marks_from(s, asset, last + 1, s->close[asset][last]);
    return bp__marks_next(&marks, t);
}

/* The session at which an asset is delisted. */
static int32_t delisting_of(const build *b, size_t row)
{
    bp_array life_end;
    bp_bundle_column(b->bundle, BP_COL_LIFE_END, &life_end);
    if (row >= life_end.shape[0] || b->delisted_after == 0) return BP__NEVER;
    const int64_t day = ((const int64_t *)life_end.data)[row];
    if (day < 0 || day >= (int64_t)b->num_days) return BP__NEVER;
    /* sessions up to that day */
    const size_t until =
        b->where ? sessions_before(b->day, b->num_sessions, b->bundle_day[day] + 1) : (size_t)day + 1;
    if (until == 0 || b->num_sessions - until < b->delisted_after) return BP__NEVER;
    return (int32_t)(until - 1) - (int32_t)b->first;
}

static bp_status build_assets(const build *b, bp__scope *s)
{
    const int32_t begin = -(int32_t)b->first, end = (int32_t)(b->end - b->first);
    for (size_t i = 0; i < s->num_assets; i++) {
        bp__asset *a = &s->asset[i];
        const double *close = s->close[i];
        a->delisted = delisting_of(b, s->row[i]);

        const bp__event *split = s->all_splits.at + s->splits_begin[i];
        const size_t num_splits = s->splits_begin[i + 1] - s->splits_begin[i];
        /* signals stop before the delisting; marks are needed on its day */
        int32_t signals_end = a->delisted < end ? a->delisted : end;
        int32_t marks_end = a->delisted < end ? (a->delisted > -1 ? a->delisted + 1 : 0) : end;
        BP_TRY(build_observations(a, close, begin, signals_end, split, num_splits));
        s->has_gaps[i] = has_gaps(close, begin, marks_end);
        if ((size_t)a->count > s->history) s->history = (size_t)a->count;

        if (a->delisted >= 1 && a->delisted < end)
            s->delistings.at[s->delistings.count++] =
                (bp__event){.t = a->delisted, .asset = (uint32_t)i, .order = i};
    }
    return BP_OK;
}

int32_t bp__observations_until(const bp__asset *a, int32_t t)
{
    if (a->count == 0 || t < a->first) return 0;
    /* t - first + 1 sessions, less those that it missed: at most all of its gaps */
    int32_t gaps = bp__observed_at(a, a->count - 1) - a->first + 1 - a->count;
    int32_t high = t - a->first + 1, low = high - gaps;
    if (low < 0) low = 0;
    if (high > a->count) high = a->count;
    if (low > a->count) low = a->count;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (bp__observed_at(a, mid) <= t)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Public ---------------------------------------------------------------------------------------- */

static bp_status read_splits(bp__scope *s)
{
    BP_TRY(bp__scope_events(s, BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO, &s->all_splits));
    s->splits_begin = allocate(s->num_assets + 1, sizeof *s->splits_begin);
    s->splits.at = allocate(s->all_splits.count, sizeof *s->splits.at);
    if (!s->splits_begin || !s->splits.at) return BP_ENOMEM;
    for (size_t asset = 0, e = 0; asset <= s->num_assets; asset++) {
        while (e < s->all_splits.count && s->all_splits.at[e].asset < asset) e++;
        s->splits_begin[asset] = e;
    }
    if (s->all_splits.count > 0)
        memcpy(s->splits.at, s->all_splits.at, s->all_splits.count * sizeof *s->splits.at);
    s->splits.count = s->all_splits.count;
    return BP_OK;
}

static bp_status build_scope(build *b, const char *const *symbols, int64_t start, int64_t end, bp__scope *s)
{
    BP_TRY(select_assets(b, symbols));
    BP_TRY(number_sessions(b));
    BP_TRY(find_range(b, start, end));
    s->asset = allocate(s->num_assets, sizeof *s->asset);
    s->open = allocate(s->num_assets, sizeof *s->open);
    s->close = allocate(s->num_assets, sizeof *s->close);
    s->has_gaps = allocate(s->num_assets, sizeof *s->has_gaps);
    s->breaks = allocate(s->num_sessions, sizeof *s->breaks);
    s->delistings.at = allocate(s->num_assets, sizeof *s->delistings.at);
    if (!s->asset || !s->open || !s->close || !s->has_gaps || !s->breaks || !s->delistings.at)
        return BP_ENOMEM;
    BP_TRY(copy_prices(b));
    place_prices(b);
    BP_TRY(read_splits(s));
    BP_TRY(bp__scope_events(s, BP_COL_PAYOUT_SID, BP_COL_PAYOUT_AMOUNT, &s->dividends));
    BP_TRY(read_pay_dates(s, &s->dividends));
    BP_TRY(build_assets(b, s));
    keep_range(&s->splits);
    keep_range(&s->dividends);
    keep_range(&s->delistings);
    for (size_t i = 0; i < s->splits.count; i++) s->breaks[s->splits.at[i].t] = true;
    for (size_t i = 0; i < s->delistings.count; i++) s->breaks[s->delistings.at[i].t] = true;
    return BP_OK;
}

bp_status bp__scope_create(const bp_bundle *bundle, const char *const *symbols, int64_t start, int64_t end,
                           uint32_t delisted_after, bp__scope **scope)
{
    static _Atomic uint64_t last_serial;
    *scope = NULL;
    bp__scope *s = calloc(1, sizeof *s);
    if (!s) BP_FAIL(BP_ENOMEM, "%s: no memory for a backtest", bp_bundle_name(bundle));
    s->bundle = bundle;
    s->serial = bp__add_relaxed(&last_serial, 1) + 1;
    build b = {
        .scope = s,
        .bundle = bundle,
        .bundle_day = bp_bundle_sessions(bundle),
        .num_days = bp_bundle_num_sessions(bundle),
        .delisted_after = delisted_after,
    };
    bp_status status = build_scope(&b, symbols, start, end, s);
    if (status == BP_ENOMEM) /* raised above without a text */
        bp__fail(BP_ENOMEM, "%s: no memory for a backtest over %zu assets", bp_bundle_name(bundle),
                 s->num_assets);
    if (bp__failed(status)) bp__scope_destroy(&s);
    *scope = s;
    return status;
}

void bp__scope_watch_begin(const bp__scope *scope, bp__scope_watch *watch)
{
    bp__scope *s = (bp__scope *)(uintptr_t)scope; /* who watches it is no part of what it says */
    watch->next = s->watches;
    s->watches = watch;
}

void bp__scope_watch_end(const bp__scope *scope, bp__scope_watch *watch)
{
    bp__scope_watch **at = &((bp__scope *)(uintptr_t)scope)->watches;
    while (*at && *at != watch) at = &(*at)->next;
    if (*at) *at = watch->next;
}

static void tell_watches(bp__scope *s)
{
    while (s->watches) {
        bp__scope_watch *watch = s->watches;
        s->watches = watch->next;
        watch->ended(watch->context);
    }
}

void bp__scope_destroy(bp__scope **scope)
{
    bp__scope *s = *scope;
    *scope = NULL;
    if (!s) return;
    tell_watches(s);
    for (size_t i = 0; s->asset && i < s->num_assets; i++) {
        free(s->asset[i].own_adj);
        free(s->asset[i].own_session);
    }
    free(s->asset);
    free(s->row);
    free(s->open);
    free(s->close);
    free(s->has_gaps);
    free(s->own_day);
    free(s->own_where);
    free(s->own_prices);
    free(s->all_splits.at);
    free(s->splits_begin);
    free(s->splits.at);
    free(s->dividends.at);
    free(s->delistings.at);
    free(s->breaks);
    free(s);
}

size_t bp__scope_num_assets(const bp__scope *scope)
{
    return scope->num_assets;
}

size_t bp__scope_num_sessions(const bp__scope *scope)
{
    return scope->num_sessions;
}

int64_t bp__scope_first_session(const bp__scope *scope)
{
    return scope->day[0];
}

int64_t bp__scope_last_session(const bp__scope *scope)
{
    return scope->day[scope->num_sessions - 1];
}

double bp__scope_sessions_per_year(const bp__scope *scope)
{
    return bp__sessions_per_year(scope->day - scope->first, (size_t)scope->first + scope->num_sessions);
}

int64_t bp__scope_session(const bp__scope *scope, int32_t t)
{
    return scope->day[t];
}

const char *bp__scope_asset(const bp__scope *scope, size_t asset, int64_t *sid)
{
    *sid = bp_bundle_sids(scope->bundle)[scope->row[asset]];
    return bp__scope_symbol(scope, asset);
}

size_t bp__scope_num_delisted(const bp__scope *scope)
{
    return scope->delistings.count;
}

size_t bp__scope_delisted(const bp__scope *scope, size_t i, int32_t *t)
{
    *t = scope->delistings.at[i].t;
    return scope->delistings.at[i].asset;
}

double bp__scope_value(const bp__scope *scope, size_t asset, bp_bar_column column, int32_t t)
{
    static const bp_column of[] = {[BP_BAR_OPEN] = BP_COL_OPEN,
                                   [BP_BAR_HIGH] = BP_COL_HIGH,
                                   [BP_BAR_LOW] = BP_COL_LOW,
                                   [BP_BAR_CLOSE] = BP_COL_CLOSE,
                                   [BP_BAR_VOLUME] = BP_COL_VOLUME};
    if (column == BP_BAR_OPEN) return scope->open[asset][t];
    if (column == BP_BAR_CLOSE) return scope->close[asset][t];
    const size_t days = bp_bundle_num_sessions(scope->bundle);
    return bp_bundle_daily(scope->bundle, of[column])[scope->row[asset] * days + bp__scope_day(scope, t)];
}
