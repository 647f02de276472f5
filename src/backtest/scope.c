#include "backtest/scope.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/day.h"
#include "core/status.h"

/* While a scope is built, sessions are indices into the bundle; `first` turns them into t. */
typedef struct build {
    const bp_bundle *bundle;
    const int64_t *day;
    size_t num_days;
    size_t first, end; /* of the range; end is exclusive */
    size_t *row;       /* [num_assets] in the bundle */
    size_t num_assets;
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
    if (start == BP_TIME_MISSING) start = b->day[0];
    if (end == BP_TIME_MISSING) end = b->day[b->num_days - 1];
    b->first = sessions_before(b->day, b->num_days, start);
    b->end = end == INT64_MAX ? b->num_days : sessions_before(b->day, b->num_days, end + 1);
    if (b->end < b->first + 2)
        BP_FAIL(BP_ERANGE, "%s: start and end leave %s, at least two are needed; the bundle has %s to %s",
                name, b->end > b->first ? "one session" : "no session", bp__day_text(b->day[0], from),
                bp__day_text(b->day[b->num_days - 1], to));
    if (b->num_days > INT32_MAX / 2) BP_FAIL(BP_ERANGE, "%s: too many sessions", name);
    return BP_OK;
}

static bp_status select_assets(build *b, const char *const *symbols)
{
    size_t n = bp_bundle_num_assets(b->bundle);
    if (symbols && !symbols[0]) BP_FAIL(BP_EINVAL, "symbols: the list is empty, name one or leave it out");
    bool *chosen = allocate(n, sizeof *chosen);
    b->row = allocate(n, sizeof *b->row);
    if (!chosen || !b->row) {
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
        if (!symbols || chosen[i]) b->row[b->num_assets++] = i;
    free(chosen);
    if (unknown)
        BP_FAIL(BP_ENOTFOUND, "symbol '%s': not in bundle %s, correct it or leave it out", unknown,
                bp_bundle_name(b->bundle));
    return BP_OK;
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

static bool find_asset(const build *b, int64_t sid, size_t *asset)
{
    const int64_t *sids = bp_bundle_sids(b->bundle);
    size_t low = 0, high = b->num_assets;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (sids[b->row[mid]] < sid)
            low = mid + 1;
        else
            high = mid;
    }
    *asset = low;
    return low < b->num_assets && sids[b->row[low]] == sid;
}

/* Those rows of an adjustment table that concern the selected assets up to the end of the range, including
 * before it, in order of asset and date. */
static bp_status read_events(const build *b, bp_column sid, bp_column date, bp_column value,
                             bp__events *events)
{
    bp_array sids, dates, values;
    bp_bundle_column(b->bundle, sid, &sids);
    bp_bundle_column(b->bundle, date, &dates);
    bp_bundle_column(b->bundle, value, &values);
    size_t n = (size_t)sids.shape[0];
    if (dates.shape[0] != n || values.shape[0] != n)
        BP_FAIL(BP_EFORMAT, "%s: %s and its neighbours differ in length", bp_bundle_name(b->bundle),
                bp_column_name(sid));
    events->at = allocate(n, sizeof *events->at);
    if (!events->at) return BP_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int64_t day = ((const int64_t *)dates.data)[i];
        double v = ((const double *)values.data)[i];
        size_t asset, session = sessions_before(b->day, b->num_days, day);
        if (day < b->day[0] || session >= b->end || !bp__priced(v)) continue;
        if (!find_asset(b, ((const int64_t *)sids.data)[i], &asset)) continue;
        events->at[events->count++] = (bp__event){
            .t = (int32_t)((int64_t)session - (int64_t)b->first),
            .asset = (uint32_t)asset,
            .date = day,
            .order = i,
            .value = v,
        };
    }
    qsort(events->at, events->count, sizeof *events->at, by_asset_and_date);
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

/* Observations with their adjusted closes; a copy only where there are gaps or splits. */
static bp_status build_signals(bp__asset *a, const double *close, int32_t begin, int32_t end,
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
    bool gaps = a->count != last - a->first + 1;
    bool plain = !gaps && (num_splits == 0 || split[0].t > last);
    a->adj = close + a->first;
    if (gaps) a->session = a->own_session = allocate((size_t)a->count, sizeof *a->own_session);
    if (!plain) a->adj = a->own_adj = allocate((size_t)a->count, sizeof *a->own_adj);
    if ((gaps && !a->own_session) || !a->adj) return BP_ENOMEM;
    double g = 1.0;
    for (int32_t t = a->first, j = 0; !plain && t <= last; t++) {
        for (; num_splits > 0 && split->t <= t; split++, num_splits--) g *= split->value;
        if (!bp__priced(close[t])) continue;
        if (gaps) a->own_session[j] = t;
        a->own_adj[j++] = close[t] / g;
    }
    return BP_OK;
}

/* Last known prices over the range; a copy only where a close is missing after the first one. */
static bp_status build_marks(bp__asset *a, const double *close, int32_t begin, int32_t end,
                             const bp__event *split, size_t num_splits, const double **marks)
{
    int32_t t = begin;
    while (t < end && !bp__priced(close[t])) t++;
    for (t = t > 0 ? t : 0; t < end && bp__priced(close[t]); t++) {
    }
    *marks = close;
    if (t >= end) return BP_OK;
    *marks = a->own_mark = allocate((size_t)end, sizeof *a->own_mark);
    if (!a->own_mark) return BP_ENOMEM;
    double mark = NAN;
    for (t = begin; t < end; t++) {
        for (; num_splits > 0 && split->t <= t; split++, num_splits--) mark *= split->value;
        if (bp__priced(close[t])) mark = close[t];
        if (t >= 0) a->own_mark[t] = mark;
    }
    return BP_OK;
}

static bp_status build_assets(const build *b, bp__scope *s)
{
    bp_array life_end;
    bp_bundle_column(b->bundle, BP_COL_LIFE_END, &life_end);
    const double *open = bp_bundle_daily(b->bundle, BP_COL_OPEN);
    const double *close = bp_bundle_daily(b->bundle, BP_COL_CLOSE);
    const int32_t begin = -(int32_t)b->first, end = (int32_t)(b->end - b->first);
    size_t used = 0; /* splits are in order of asset */
    for (size_t i = 0; i < b->num_assets; i++) {
        bp__asset *a = &s->asset[i];
        size_t row = b->row[i], at = row * b->num_days + b->first;
        int64_t last = row < life_end.shape[0] ? ((const int64_t *)life_end.data)[row] : -1;
        bool delisted = last >= 0 && last < (int64_t)b->num_days - 1;
        a->delisted = delisted ? (int32_t)(last - (int64_t)b->first) : BP__NEVER;
        s->open[i] = open + at;

        const bp__event *split = s->splits.at + used;
        size_t num_splits = 0;
        while (used < s->splits.count && s->splits.at[used].asset == i) {
            used++;
            num_splits++;
        }
        /* signals stop before the delisting; marks are needed on its day */
        int32_t signals_end = a->delisted < end ? a->delisted : end;
        int32_t marks_end = a->delisted < end ? (a->delisted > -1 ? a->delisted + 1 : 0) : end;
        BP_TRY(build_signals(a, close + at, begin, signals_end, split, num_splits));
        BP_TRY(build_marks(a, close + at, begin, marks_end, split, num_splits, &s->mark[i]));
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

static bp_status build_scope(build *b, const char *const *symbols, int64_t start, int64_t end, bp__scope *s)
{
    BP_TRY(find_range(b, start, end));
    BP_TRY(select_assets(b, symbols));
    s->day = b->day + b->first;
    s->num_sessions = b->end - b->first;
    s->num_assets = b->num_assets;
    s->asset = allocate(s->num_assets, sizeof *s->asset);
    s->open = allocate(s->num_assets, sizeof *s->open);
    s->mark = allocate(s->num_assets, sizeof *s->mark);
    s->breaks = allocate(s->num_sessions, sizeof *s->breaks);
    s->delistings.at = allocate(s->num_assets, sizeof *s->delistings.at);
    if (!s->asset || !s->open || !s->mark || !s->breaks || !s->delistings.at) return BP_ENOMEM;
    BP_TRY(read_events(b, BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO, &s->splits));
    BP_TRY(read_events(b, BP_COL_PAYOUT_SID, BP_COL_PAYOUT_EX, BP_COL_PAYOUT_AMOUNT, &s->dividends));
    BP_TRY(build_assets(b, s));
    keep_range(&s->splits);
    keep_range(&s->dividends);
    keep_range(&s->delistings);
    for (size_t i = 0; i < s->splits.count; i++) s->breaks[s->splits.at[i].t] = true;
    for (size_t i = 0; i < s->delistings.count; i++) s->breaks[s->delistings.at[i].t] = true;
    return BP_OK;
}

bp_status bp__scope_create(const bp_bundle *bundle, const char *const *symbols, int64_t start, int64_t end,
                           bp__scope **scope)
{
    *scope = NULL;
    bp__scope *s = calloc(1, sizeof *s);
    if (!s) BP_FAIL(BP_ENOMEM, "%s: no memory for a backtest", bp_bundle_name(bundle));
    s->bundle = bundle;
    build b = {
        .bundle = bundle,
        .day = bp_bundle_sessions(bundle),
        .num_days = bp_bundle_num_sessions(bundle),
    };
    bp_status status = build_scope(&b, symbols, start, end, s);
    free(b.row);
    if (status == BP_ENOMEM) /* raised above without a text */
        bp__fail(BP_ENOMEM, "%s: no memory for a backtest over %zu assets", bp_bundle_name(bundle),
                 b.num_assets);
    if (bp__failed(status)) bp__scope_destroy(&s);
    *scope = s;
    return status;
}

void bp__scope_destroy(bp__scope **scope)
{
    bp__scope *s = *scope;
    *scope = NULL;
    if (!s) return;
    for (size_t i = 0; s->asset && i < s->num_assets; i++) {
        free(s->asset[i].own_adj);
        free(s->asset[i].own_mark);
        free(s->asset[i].own_session);
    }
    free(s->asset);
    free(s->open);
    free(s->mark);
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
