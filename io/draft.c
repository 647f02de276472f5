#include "io/draft.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/name.h"

const char *const bp__field_name[BP__NUM_FIELDS] = {"open", "high", "low", "close", "volume"};
const char *const bp__frame_name[BP__NUM_FRAMES] = {"daily", "minute"};

#define STRIP 4096 /* bars that are packed at a time, on the stack */

/* Life ------------------------------------------------------------------------------------------ */

bp_status bp__draft_init(bp__draft *draft, const char *bundle_name, const char *folder)
{
    *draft = (bp__draft){.schema_version = "v1", .country = "US", .spill.fd = -1};
    BP_TRY(bp__bundle_name_check(bundle_name));
    strcpy(draft->bundle_name, bundle_name);
    draft->day_set = calloc(BP__DAY_WORDS, sizeof *draft->day_set);
    if (!draft->day_set) BP_FAIL(BP_ENOMEM, "no memory for a draft");
    BP_TRY(bp__spill_init(&draft->spill, folder));
    pthread_mutex_init(&draft->lock, NULL);
    draft->open = true;
    return BP_OK;
}

static void free_assets(bp__draft *draft)
{
    for (size_t i = 0; i < draft->assets.n; i++) {
        free(draft->assets.row[i].symbol);
        free(draft->assets.row[i].name);
        free(draft->assets.row[i].exchange);
    }
    for (size_t i = 0; i < draft->mappings.n; i++) free(draft->mappings.row[i].symbol);
    free(draft->assets.row);
    free(draft->mappings.row);
}

void bp__draft_fini(bp__draft *draft)
{
    free_assets(draft);
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        for (size_t i = 0; i < draft->series[f].n; i++) free(draft->series[f].row[i].runs.row);
        free(draft->series[f].row);
        free(draft->place[f].row);
    }
    for (int k = 0; k < BP__NUM_RATIOS; k++) free(draft->ratios[k].row);
    free(draft->calendar.row);
    free(draft->payouts.row);
    free(draft->undivided.row);
    free(draft->stocks.row);
    free(draft->days.row);
    free(draft->more_days.row);
    free(draft->day_set);
    bp__origin_fini(&draft->origin);
    if (draft->open) {
        pthread_mutex_destroy(&draft->lock);
        bp__spill_fini(&draft->spill);
    }
    *draft = (bp__draft){0};
}

/* Bars ------------------------------------------------------------------------------------------ */

bool bp__bar_is_blank(const bp__bar *bar)
{
    for (int f = 0; f < BP__VOLUME; f++)
        if (bar->value[f] != 0 && !isnan(bar->value[f])) return false;
    return bar->value[BP__VOLUME] == 0 || isnan(bar->value[BP__VOLUME]);
}

const char *bp__bar_defect(const bp__bar *bar, int frame)
{
    if (bar->dt == BP_TIME_MISSING) return "has no time";
    if (frame == BP__DAILY && bp__day_of(bar->dt) != bar->dt) return "is a daily bar with a time of day";
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        if (isinf(bar->value[f])) return "has a value that is infinite";
        if (bar->value[f] < 0) return "has a value that is negative";
    }
    return NULL;
}

/* Row of a sid in the table of places, or where it would have to be. */
static size_t find_place(const bp__draft *draft, int frame, int64_t sid)
{
    const bp__draft_place *place = draft->place[frame].row;
    size_t low = 0, high = draft->place[frame].n;
    if (high > 0 && place[high - 1].sid < sid) return high; /* the usual case of a source in order */
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (place[mid].sid < sid)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bp__draft_series *find_series(const bp__draft *draft, int frame, int64_t sid)
{
    const size_t at = find_place(draft, frame, sid);
    if (at == draft->place[frame].n || draft->place[frame].row[at].sid != sid) return NULL;
    return &draft->series[frame].row[draft->place[frame].row[at].row];
}

static bp_status begin_series(bp__draft *draft, int frame, int64_t sid, bp__draft_series **series)
{
    *series = find_series(draft, frame, sid);
    if (*series) return BP_OK;
    const bp__draft_series made = {.sid = sid,
                                   .first = BP_TIME_MISSING,
                                   .last = BP_TIME_MISSING,
                                   .scale = {BP__SCALE_ANY, BP__SCALE_ANY}};
    const bp__draft_place place = {.sid = sid, .row = draft->series[frame].n};
    const size_t at = find_place(draft, frame, sid);
    BP__APPEND(&draft->place[frame], place);
    bp__draft_place *row = draft->place[frame].row;
    memmove(row + at + 1, row + at, (draft->place[frame].n - 1 - at) * sizeof *row);
    row[at] = place;
    BP__APPEND(&draft->series[frame], made);
    *series = &draft->series[frame].row[draft->series[frame].n - 1];
    return BP_OK;
}

static void note_scales(const bp__bar *bars, size_t n, bp__scale scale[BP__NUM_SCALES])
{
    for (size_t i = 0; i < n; i++) {
        for (int f = 0; f < BP__VOLUME; f++) bp__scale_note(&scale[BP__PRICE], bars[i].value[f]);
        bp__scale_note(&scale[BP__AMOUNT], bars[i].value[BP__VOLUME]);
    }
}

static size_t size_of(bp__bar_form form)
{
    return form == BP__BARS_WHOLE ? sizeof(bp__bar) : sizeof(bp__packed_bar);
}

/* A place in the spill for n bars without a blank one; extends the last run where that is possible. */
static bp_status reserve_run(bp__draft *draft, bp__draft_series *series, size_t n, bp__bar_form form,
                             uint64_t *at)
{
    *at = draft->spilled;
    bp__draft_run *last = series->runs.n ? &series->runs.row[series->runs.n - 1] : NULL;
    if (last && last->form == form && last->at + last->bars * size_of(form) == *at)
        last->bars += n;
    else
        BP__APPEND(&series->runs, ((bp__draft_run){.at = *at, .bars = n, .form = form}));
    draft->spilled += n * size_of(form);
    series->bars += n;
    return BP_OK;
}

void bp__draft_mark_day(uint64_t *day_set, int64_t day)
{
    const uint64_t bit = (uint64_t)(day / BP_NS_PER_DAY + BP__DAYS_BEFORE_EPOCH);
    day_set[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Between lock and unlock: all about the series but the bytes of its bars. */
static bp_status enter_run(bp__draft *draft, int frame, int64_t sid, const bp__bar *bars, size_t n,
                           const bp__scale *scale, bp__bar_form form, uint64_t *at)
{
    bp__draft_series *series;
    BP_TRY(begin_series(draft, frame, sid, &series));
    if (n == 0) return BP_OK;
    if (series->last != BP_TIME_MISSING && bars[0].dt <= series->last)
        BP_FAIL(BP_EFORMAT, "sid %lld: a %s bar is not later than the one before", (long long)sid,
                bp__frame_name[frame]);
    for (int k = 0; k < BP__NUM_SCALES; k++) series->scale[k] = bp__scale_both(series->scale[k], scale[k]);
    if (series->first == BP_TIME_MISSING) series->first = bars[0].dt;
    series->last = bars[n - 1].dt;
    for (size_t i = 0; frame == BP__DAILY && i < n; i++) bp__draft_mark_day(draft->day_set, bars[i].dt);
    return reserve_run(draft, series, n, form, at);
}

/* Bars of which none is blank. */
static bp_status add_run(bp__draft *draft, int frame, int64_t sid, const bp__bar *bars, size_t n,
                         const bp__scale *scale)
{
    uint64_t at = 0;
    bp__packed_bar packed[STRIP];
    const bp__bar_form form = bp__bars_pack(bars, n, packed);
    pthread_mutex_lock(&draft->lock);
    const bp_status s = enter_run(draft, frame, sid, bars, n, scale, form, &at);
    pthread_mutex_unlock(&draft->lock);
    const void *bytes = form == BP__BARS_WHOLE ? (const void *)bars : packed;
    return s == BP_OK ? bp__spill_write(&draft->spill, bytes, n * size_of(form), at) : s;
}

/* Whether a bar has no defect, said at once: nearly all are so. */
static bool is_sound(const bp__bar *bar, int frame)
{
    bool sound = bar->dt != BP_TIME_MISSING && (frame != BP__DAILY || bar->dt % BP_NS_PER_DAY == 0);
    for (int f = 0; f < BP__NUM_FIELDS; f++) sound &= !(bar->value[f] < 0) & !(bar->value[f] > DBL_MAX);
    return sound;
}

static bp_status check_bars(int frame, int64_t sid, const bp__bar *bars, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *defect = is_sound(&bars[i], frame) ? NULL : bp__bar_defect(&bars[i], frame);
        if (!defect && i > 0 && bars[i].dt <= bars[i - 1].dt) defect = "is not later than the one before";
        char time[32];
        if (defect)
            BP_FAIL(BP_EFORMAT, "sid %lld: the %s bar of %s %s", (long long)sid, bp__frame_name[frame],
                    bp__time_text(bars[i].dt, time), defect);
    }
    return BP_OK;
}

bp_status bp__draft_add_bars(bp__draft *draft, int frame, int64_t sid, const bp__bar *bars, size_t n,
                             const bp__scale *scale)
{
    bp__scale found[BP__NUM_SCALES] = {BP__SCALE_ANY, BP__SCALE_ANY};
    BP_TRY(check_bars(frame, sid, bars, n));
    if (!scale) note_scales(bars, n, found);
    BP_TRY(add_run(draft, frame, sid, NULL, 0, found));
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && to - from < STRIP && !bp__bar_is_blank(&bars[to]);) to++;
        if (to > from) BP_TRY(add_run(draft, frame, sid, bars + from, to - from, scale ? scale : found));
        while (to < n && bp__bar_is_blank(&bars[to])) to++;
    }
    return BP_OK;
}

void bp__draft_fix_factors(bp__draft *draft, int frame, int64_t sid, double price, double amount)
{
    pthread_mutex_lock(&draft->lock);
    bp__draft_series *series = find_series(draft, frame, sid);
    if (series) {
        series->factor[BP__PRICE] = price;
        series->factor[BP__AMOUNT] = amount;
    }
    pthread_mutex_unlock(&draft->lock);
}

void bp__draft_drop(bp__draft *draft, int frame, int64_t sid)
{
    pthread_mutex_lock(&draft->lock);
    bp__draft_series *series = find_series(draft, frame, sid);
    if (series) {
        series->dropped = true;
        draft->day_set_stale = true;
        series->bars = 0;
        series->runs.n = 0;
        series->first = series->last = BP_TIME_MISSING;
    }
    pthread_mutex_unlock(&draft->lock);
}

/* Packed bars of a run, where they lie or in `room`. */
static bp_status look_at_packed(const bp__draft *draft, const bp__draft_run *run, size_t first, size_t n,
                                bp__packed_bar *room, const bp__packed_bar **packed)
{
    const uint64_t at = run->at + first * sizeof *room;
    *packed = bp__spill_look(&draft->spill, n * sizeof *room, at);
    if (*packed) return BP_OK;
    *packed = room;
    return bp__spill_read(&draft->spill, room, n * sizeof *room, at);
}

static bp_status read_run(const bp__draft *draft, const bp__draft_run *run, size_t first, size_t n,
                          bp__bar *bars)
{
    bp__packed_bar room[STRIP];
    const bp__packed_bar *packed;
    if (run->form == BP__BARS_WHOLE)
        return bp__spill_read(&draft->spill, bars, n * sizeof *bars, run->at + first * sizeof *bars);
    for (size_t done = 0, some; done < n; done += some) {
        some = n - done < STRIP ? n - done : STRIP;
        BP_TRY(look_at_packed(draft, run, first + done, some, room, &packed));
        bp__bars_unpack(run->form, packed, some, bars + done);
    }
    return BP_OK;
}

bp_status bp__draft_read_part(const bp__draft *draft, const bp__draft_series *series, size_t first, size_t n,
                              bp__bar *bars)
{
    assert(first <= series->bars && n <= series->bars - first);
    for (size_t r = 0; n > 0; r++) {
        const bp__draft_run *run = &series->runs.row[r];
        if (first >= run->bars) {
            first -= run->bars;
            continue;
        }
        const size_t some = run->bars - first < n ? run->bars - first : n;
        BP_TRY(read_run(draft, run, first, some, bars));
        first = 0;
        bars += some;
        n -= some;
    }
    return BP_OK;
}

bp_status bp__draft_look(const bp__draft *draft, const bp__draft_series *series, size_t first, size_t n,
                         bp__bar *room, bp__draft_view *view)
{
    const bp__draft_run *run = series->runs.row;
    *view = (bp__draft_view){.bars = room};
    if (n > 0 && first + n <= run->bars) { /* most series have no second run */
        const size_t size = size_of(run->form);
        const void *there = bp__spill_look(&draft->spill, n * size, run->at + first * size);
        if (there && run->form == BP__BARS_WHOLE) *view = (bp__draft_view){.bars = there};
        if (there && run->form != BP__BARS_WHOLE)
            *view = (bp__draft_view){.packed = there, .form = run->form};
        if (there) return BP_OK;
    }
    return bp__draft_read_part(draft, series, first, n, room);
}

bp_status bp__draft_read(const bp__draft *draft, const bp__draft_series *series, bp__bar *bars)
{
    return bp__draft_read_part(draft, series, 0, series->bars, bars);
}

size_t bp__draft_num_bars(const bp__draft *draft, int frame)
{
    size_t bars = 0;
    for (size_t i = 0; i < draft->series[frame].n; i++) bars += draft->series[frame].row[i].bars;
    return bars;
}

/* Rows ------------------------------------------------------------------------------------------ */

bp_status bp__table_grow(void **row, size_t n, size_t *cap, size_t size)
{
    assert(*cap == 0 || *row);
    if (n < *cap) return BP_OK;
    const size_t more = *cap ? 2 * *cap : 2; /* there may be hundreds of thousands of tables, of a row each */
    void *grown = reallocarray(*row, more, size);
    if (!grown) BP_FAIL(BP_ENOMEM, "no memory for %zu rows of a bundle", more);
    *row = grown;
    *cap = more;
    return BP_OK;
}

bp_status bp__draft_add_day(bp__draft *draft, int64_t day)
{
    BP__APPEND(&draft->more_days, bp__day_of(day));
    return BP_OK;
}

bp_status bp__draft_add_asset(bp__draft *draft, const bp__draft_asset *asset)
{
    bp__draft_asset a = *asset;
    a.symbol = a.name = a.exchange = NULL;
    if (!*a.currency) strcpy(a.currency, BP_NO_CURRENCY);
    BP__APPEND(&draft->assets, a);
    bp__draft_asset *to = &draft->assets.row[draft->assets.n - 1];
    to->symbol = strdup(asset->symbol);
    to->name = strdup(asset->name);
    to->exchange = strdup(asset->exchange);
    if (to->symbol && to->name && to->exchange) return BP_OK;
    free(to->symbol);
    free(to->name);
    free(to->exchange);
    draft->assets.n--;
    BP_FAIL(BP_ENOMEM, "no memory for asset %lld", (long long)asset->sid);
}

bp_status bp__draft_add_mapping(bp__draft *draft, const bp__draft_mapping *mapping)
{
    BP__APPEND(&draft->mappings, *mapping);
    bp__draft_mapping *to = &draft->mappings.row[draft->mappings.n - 1];
    to->symbol = strdup(mapping->symbol);
    if (to->symbol) return BP_OK;
    draft->mappings.n--;
    BP_FAIL(BP_ENOMEM, "no memory for a symbol of asset %lld", (long long)mapping->sid);
}

bp_status bp__draft_add_session(bp__draft *draft, const bp__draft_session *session)
{
    BP__APPEND(&draft->calendar, *session);
    return BP_OK;
}

bp_status bp__draft_add_ratio(bp__draft *draft, int kind, const bp__draft_ratio *ratio)
{
    BP__APPEND(&draft->ratios[kind], *ratio);
    return BP_OK;
}

bp_status bp__draft_add_payout(bp__draft *draft, const bp__draft_payout *payout)
{
    BP__APPEND(&draft->payouts, *payout);
    return BP_OK;
}

bp_status bp__draft_add_stock(bp__draft *draft, const bp__draft_stock *stock)
{
    BP__APPEND(&draft->stocks, *stock);
    return BP_OK;
}

bp_status bp__draft_add_dividend(bp__draft *draft, const bp__draft_payout *payout)
{
    BP_TRY(bp__draft_add_payout(draft, payout));
    BP__APPEND(&draft->undivided, *payout);
    return BP_OK;
}

void bp__draft_renumber(bp__draft *draft, const int64_t *to, size_t n)
{
#define RENUMBER(table)                                                                                      \
    for (size_t i = 0; i < (table)->n; i++)                                                                  \
        if ((uint64_t)(table)->row[i].sid < n) (table)->row[i].sid = to[(table)->row[i].sid]
    RENUMBER(&draft->assets);
    RENUMBER(&draft->mappings);
    RENUMBER(&draft->payouts);
    RENUMBER(&draft->undivided);
    RENUMBER(&draft->stocks);
    for (size_t i = 0; i < draft->stocks.n; i++)
        if ((uint64_t)draft->stocks.row[i].payment_sid < n)
            draft->stocks.row[i].payment_sid = to[draft->stocks.row[i].payment_sid];
    for (int k = 0; k < BP__NUM_RATIOS; k++) RENUMBER(&draft->ratios[k]);
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        RENUMBER(&draft->series[f]);
        draft->place[f].n = 0; /* of provisional sids; finish() needs none */
    }
#undef RENUMBER
}
