/* minute_equities.bcolz: a table for each sid, with a row for every minute of every session. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "io/ingest/each.h"
#include "io/ingest/zipline_parts.h"

#define MINUTE_NS INT64_C(60000000000)
/* What versions without that key meant. */
#define DEFAULT_PER_DAY 390
#define NEWEST          3
/* Sessions that are read at a time: some MiB. */
#define SLAB_ROWS 32768

/* Metadata -------------------------------------------------------------------------------------- */

static bp_status take_day(const bp__meta *meta, const char *key, int64_t *day)
{
    const json_t *value;
    char text[11];
    BP_TRY(bp__meta_get(meta, key, JSON_STRING, &value));
    snprintf(text, sizeof text, "%s",
             json_string_value(value)); /* a time of day behind it says nothing more */
    if (bp__failed(bp__day_from(text, day)))
        BP_FAIL(BP_EFORMAT, "%s/%s: '%s' is '%.40s', not a day YYYY-MM-DD", meta->root, meta->name, key,
                json_string_value(value));
    return BP_OK;
}

static bp_status check_ratio(const bp__meta *meta, const char *key, const json_t *value, double *ratio)
{
    *ratio = json_number_value(value);
    if (!json_is_number(value) || !(*ratio > 0) || !isfinite(*ratio))
        BP_FAIL(BP_EFORMAT, "%s/%s: '%.40s' has a ratio that is no positive number", meta->root, meta->name,
                key);
    return BP_OK;
}

static bp_status take_minutes(const bp__meta *meta, const char *key, int64_t **ns, size_t *n)
{
    BP_TRY(bp__meta_integers(meta, key, ns, n));
    for (size_t i = 0; i < *n; i++) {
        if ((*ns)[i] < 0 || (*ns)[i] > INT64_MAX / MINUTE_NS ||
            (i > 0 && (*ns)[i] * MINUTE_NS <= (*ns)[i - 1]))
            BP_FAIL(BP_EFORMAT, "%s/%s: item %zu of '%s' is no minute since 1970, or not in order",
                    meta->root, meta->name, i + 1, key);
        (*ns)[i] *= MINUTE_NS;
    }
    return BP_OK;
}

/* zipline wrote them into every version, zipline-reloaded leaves them out. */
static bp_status take_hours(bp__zipline_minutes *m)
{
    size_t closes;
    if (!json_object_get(m->meta.object, "market_opens") && !json_object_get(m->meta.object, "market_closes"))
        return BP_OK;
    BP_TRY(take_minutes(&m->meta, "market_opens", &m->open, &m->sessions));
    BP_TRY(take_minutes(&m->meta, "market_closes", &m->close, &closes));
    if (closes != m->sessions || closes == 0)
        BP_FAIL(BP_EFORMAT, "%s/%s: has %zu market_opens and %zu market_closes", m->meta.root, m->meta.name,
                m->sessions, closes);
    for (size_t i = 0; i < closes; i++)
        if (m->close[i] < m->open[i] || m->close[i] - m->open[i] > BP_NS_PER_DAY ||
            (i > 0 && bp__day_of(m->close[i]) <= bp__day_of(m->close[i - 1])))
            BP_FAIL(BP_EFORMAT, "%s/%s: item %zu of 'market_closes' does not fit that of 'market_opens'",
                    m->meta.root, m->meta.name, i + 1);
    return BP_OK;
}

/* First and last session: the hours, if there are any, are those of just these and what lies between. */
static bp_status take_span(bp__zipline_minutes *m, int64_t version)
{
    char day[32];
    BP_TRY(take_day(&m->meta, version >= 2 ? "start_session" : "first_trading_day", &m->start));
    if (version >= 2) BP_TRY(take_day(&m->meta, "end_session", &m->end));
    if (version < 2 && !m->open)
        BP_FAIL(BP_EFORMAT, "%s/%s: has no 'market_closes', by which its version tells the last session",
                m->meta.root, m->meta.name);
    if (version < 2) m->end = bp__day_of(m->close[m->sessions - 1]);
    if (m->open && bp__day_of(m->close[0]) != m->start)
        BP_FAIL(BP_EFORMAT, "%s/%s: market_closes begin on %s, not with the first session", m->meta.root,
                m->meta.name, bp__day_text(m->close[0], day));
    if (m->open && bp__day_of(m->close[m->sessions - 1]) != m->end)
        BP_FAIL(BP_EFORMAT, "%s/%s: market_closes end on %s, not with the last session", m->meta.root,
                m->meta.name, bp__day_text(m->close[m->sessions - 1], day));
    return BP_OK;
}

static bp_status take_metadata(bp__zipline_minutes *m)
{
    int64_t version = 0; /* the key came with version 1 */
    if (json_object_get(m->meta.object, "version"))
        BP_TRY(bp__meta_integer(&m->meta, "version", 0, INT64_MAX, &version));
    if (version > NEWEST)
        BP_FAIL(BP_EFORMAT, "%s/%s: version %" PRId64 ": versions 0 to %d are read", m->meta.root,
                m->meta.name, version, NEWEST);
    m->per_day = DEFAULT_PER_DAY;
    if (version >= 1) BP_TRY(bp__meta_integer(&m->meta, "minutes_per_day", 1, 1440, &m->per_day));
    BP_TRY(check_ratio(&m->meta, "ohlc_ratio", json_object_get(m->meta.object, "ohlc_ratio"), &m->ratio));
    BP_TRY(take_hours(m));
    return take_span(m, version);
}

bp_status bp__zipline_look_at_minutes(bp__zipline *z)
{
    bool there;
    BP_TRY(bp__sealed_has(&z->folder, BP__ZIPLINE_MINUTE, S_IFDIR, &there));
    if (!there) return BP_OK;
    bp_status s = bp__meta_load(&z->folder, BP__ZIPLINE_MINUTE "/metadata.json", &z->minutes.meta);
    if (s == BP_ENOTFOUND)
        BP_FAIL(BP_EFORMAT, "%s/%s: has no metadata.json", z->folder.root, BP__ZIPLINE_MINUTE);
    BP_TRY(s);
    BP_TRY(take_metadata(&z->minutes));
    z->minutes.there = true;
    return BP_OK;
}

static bp_status ratio_of(const bp__zipline *z, int64_t sid, double *ratio)
{
    char key[24];
    const json_t *ratios = json_object_get(z->minutes.meta.object, "ohlc_ratios_per_sid");
    snprintf(key, sizeof key, "%" PRId64, sid);
    const json_t *own = json_object_get(ratios, key);
    *ratio = z->minutes.ratio;
    return own ? check_ratio(&z->minutes.meta, key, own, ratio) : BP_OK;
}

/* Places ---------------------------------------------------------------------------------------- */

/* The sessions by which the minutes are counted. */
typedef struct places {
    size_t unknown; /* at the beginning: zipline counts them, but nothing says which days they are */
    size_t n;       /* all of them */
    bool ends;      /* there are no more: a further row is an error in the file */
    int64_t *day, *first, *last; /* [n]; last is BP_TIME_MISSING where it is not known; owned */
} places;

typedef struct minutes {
    bp__zipline *z;
    places at;
    BP__TABLE(int64_t) sids; /* that have a table, ascending */
} minutes;

static bp_status make_room(places *p, size_t n)
{
    p->n = n;
    p->day = calloc(n + 1, sizeof *p->day);
    p->first = calloc(n + 1, sizeof *p->first);
    p->last = calloc(n + 1, sizeof *p->last);
    if (!p->day || !p->first || !p->last) BP_FAIL(BP_ENOMEM, "no memory for %zu sessions", n);
    return BP_OK;
}

/* Both lists name the same days where both have some. */
static bp_status compare_lists(const bp__zipline *z, const places *p)
{
    const bp__zipline_calendar *c = &z->calendar;
    char day[32];
    if (c->session.n == 0) return BP_OK;
    size_t i = bp__zipline_find_session(c, p->day[0]), k = 0;
    while (k < p->n && p->day[k] < c->session.row[0]) k++;
    for (; i < c->session.n && k < p->n; i++, k++) {
        if (c->session.row[i] == p->day[k]) continue;
        const int64_t lone = c->session.row[i] < p->day[k] ? c->session.row[i] : p->day[k];
        BP_FAIL(BP_EFORMAT, "%s/%s: %s is a session of %s only: every later minute would be shifted",
                z->minutes.meta.root, z->minutes.meta.name, bp__day_text(lone, day),
                lone == p->day[k] ? "this file" : c->from);
    }
    return BP_OK;
}

static bp_status use_hours(const bp__zipline *z, places *p)
{
    const bp__zipline_minutes *m = &z->minutes;
    BP_TRY(make_room(p, m->sessions));
    for (size_t i = 0; i < p->n; i++) {
        p->day[i] = bp__day_of(m->close[i]);
        p->first[i] = m->open[i];
        p->last[i] = m->close[i];
    }
    p->ends = true;
    return compare_lists(z, p);
}

/* Place of the first session of the minutes in the calendar; it may be before the beginning of what is known
 * of it. */
static bp_status find_start(const bp__zipline *z, int64_t *at)
{
    const bp__zipline_calendar *c = &z->calendar;
    const json_t *daily_start = json_object_get(z->daily.object, "start_session_ns");
    char day[32];
    *at = (int64_t)bp__zipline_find_session(c, z->minutes.start);
    if (*at < (int64_t)c->session.n && c->session.row[*at] == z->minutes.start) return BP_OK;
    if (z->rows.n > 0 && json_is_integer(daily_start) &&
        json_integer_value(daily_start) == z->minutes.start) {
        *at = -c->base;
        return BP_OK;
    }
    BP_FAIL(BP_EFORMAT, "%s/%s: the first session, %s, is none by %s; give the sessions with --sessions FILE",
            z->minutes.meta.root, z->minutes.meta.name, bp__day_text(z->minutes.start, day), c->from);
}

/* Hours of a session, by the calendar's name. A bar is labelled with the end of its minute. */
static bp_status place_session(const bp__zipline *z, places *p, size_t i)
{
    int64_t open, close;
    char day[32];
    bp__zipline_hours(z, p->day[i], &open, &close);
    if (open == BP_TIME_MISSING || close == BP_TIME_MISSING)
        BP_FAIL(BP_EFORMAT, "%s/%s: %s is a session, but calendar %s is closed then; give --calendar",
                z->minutes.meta.root, z->minutes.meta.name, bp__day_text(p->day[i], day), z->calendar.name);
    if (z->minutes.per_day * MINUTE_NS > close - open)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: 'minutes_per_day' is %" PRId64 ", a session of calendar %s has %" PRId64
                " at most; give --calendar",
                z->minutes.meta.root, z->minutes.meta.name, z->minutes.per_day, z->calendar.name,
                (close - open) / MINUTE_NS);
    p->first[i] = open + MINUTE_NS;
    p->last[i] = BP_TIME_MISSING; /* early closes are not known */
    return BP_OK;
}

/* The sessions of the file in the calendar. @param[out] start, end  of its list; start may lie before it */
static bp_status find_span(const bp__zipline *z, places *p, int64_t *start, size_t *end)
{
    const bp__zipline_calendar *c = &z->calendar;
    char day[32];
    BP_TRY(find_start(z, start));
    *end = bp__zipline_find_session(c, z->minutes.end);
    p->ends = *end < c->session.n;
    if (p->ends && c->session.row[*end] != z->minutes.end)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: the last session, %s, is none by %s; give the sessions with --sessions FILE",
                z->minutes.meta.root, z->minutes.meta.name, bp__day_text(z->minutes.end, day), c->from);
    *end += p->ends;
    if (*start >= (int64_t)*end)
        BP_FAIL(BP_EFORMAT, "%s/%s: the last session lies before the first", z->minutes.meta.root,
                z->minutes.meta.name);
    return BP_OK;
}

/* The file names its calendar only: sessions are those of the daily file, hours those of the calendar. */
static bp_status use_calendar(const bp__zipline *z, places *p)
{
    int64_t start;
    size_t end;
    if (!z->hours)
        BP_FAIL(
            BP_EFORMAT,
            "%s/%s: when the sessions of calendar '%s' open is not known, so its minutes have no place; give "
            "--calendar",
            z->minutes.meta.root, z->minutes.meta.name, z->calendar.name);
    BP_TRY(find_span(z, p, &start, &end));
    BP_TRY(make_room(p, (size_t)((int64_t)end - start)));
    p->unknown = start < 0 ? (size_t)-start : 0;
    for (size_t i = p->unknown; i < p->n; i++) {
        p->day[i] = z->calendar.session.row[(int64_t)i + start];
        BP_TRY(place_session(z, p, i));
    }
    bp__report_add(
        z->in->report, BP__NOTE, z->folder.root, 0,
        "%s: minutes are placed by the sessions of %s and the regular hours of %s; early closes are not known",
        BP__ZIPLINE_MINUTE, z->calendar.from, z->calendar.name);
    return BP_OK;
}

/* Bars ------------------------------------------------------------------------------------------ */

/* A table at work. */
typedef struct table {
    const minutes *m;
    const bp__zipline_asset *asset;
    char path[64];
    bp__bcolz column[BP__NUM_FIELDS];
    bp__bcolz_cursor cursor[BP__NUM_FIELDS];
    double ratio;
    size_t outside, late; /* minutes outside the asset's life, and after the close */
    int64_t first_late;
} table;

static bp_status open_table(table *t)
{
    const bp__zipline *z = t->m->z;
    char path[96];
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        snprintf(path, sizeof path, "%s/%s", t->path, bp__field_name[f]);
        bp_status s = bp__bcolz_open((bp__sealed *)(uintptr_t)&z->folder, path, &t->column[f]);
        if (s == BP_ENOTFOUND) BP_FAIL(BP_EFORMAT, "%s/%s: is missing", z->folder.root, path);
        BP_TRY(s);
        t->cursor[f].column = &t->column[f];
        if (t->column[f].rows != t->column[0].rows)
            BP_FAIL(BP_EFORMAT, "%s/%s: has %" PRIu64 " rows, the column open has %" PRIu64, z->folder.root,
                    path, t->column[f].rows, t->column[0].rows);
    }
    return BP_OK;
}

static void close_table(table *t)
{
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        bp__bcolz_cursor_fini(&t->cursor[f]);
        bp__bcolz_close(&t->column[f]);
    }
}

static bp_status place_error(const table *t, uint64_t row)
{
    const places *p = &t->m->at;
    const bp__zipline *z = t->m->z;
    const uint64_t session = row / (uint64_t)z->minutes.per_day;
    if (session < p->unknown)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: row %" PRIu64 " is of session %" PRIu64 ", of which %s does not tell the day; give "
                "--sessions FILE",
                z->folder.root, t->path, row, session, z->calendar.from);
    BP_FAIL(BP_EFORMAT,
            "%s/%s: row %" PRIu64 " lies behind the last of %zu sessions with %" PRId64 " minutes each%s",
            z->folder.root, t->path, row, p->n, z->minutes.per_day,
            p->ends ? "" : ", which are those of the daily bars; give --sessions FILE");
}

/* A row that is not blank. @return whether it becomes a bar */
static bool make_bar(table *t, const uint32_t *value[BP__NUM_FIELDS], size_t k, uint64_t row, bp__bar *bar)
{
    const places *p = &t->m->at;
    const uint64_t per_day = (uint64_t)t->m->z->minutes.per_day, i = row / per_day;
    bar->dt = p->first[i] + (int64_t)(row % per_day) * MINUTE_NS;
    if (p->last[i] != BP_TIME_MISSING && bar->dt > p->last[i]) {
        if (t->late++ == 0) t->first_late = bar->dt;
        return false;
    }
    if (p->day[i] < t->asset->start || p->day[i] > t->asset->end) {
        t->outside++;
        return false;
    }
    for (int f = 0; f < BP__VOLUME; f++) bar->value[f] = value[f][k] ? value[f][k] * (1.0 / t->ratio) : NAN;
    bar->value[BP__VOLUME] = value[BP__VOLUME][k];
    return true;
}

static bool is_blank(const uint32_t *value[BP__NUM_FIELDS], size_t k)
{
    return (value[0][k] | value[1][k] | value[2][k] | value[3][k] | value[4][k]) == 0;
}

/* Some rows, from memory to memory. */
static bp_status make_bars(table *t, uint64_t first, size_t n, const uint32_t *value[BP__NUM_FIELDS],
                           bp__bar *bars, size_t *made)
{
    const places *p = &t->m->at;
    const uint64_t per_day = (uint64_t)t->m->z->minutes.per_day;
    *made = 0;
    for (size_t k = 0; k < n; k++) {
        if (is_blank(value, k)) continue;
        const uint64_t session = (first + k) / per_day;
        if (session < p->unknown || session >= p->n) return place_error(t, first + k);
        *made += make_bar(t, value, k, first + k, &bars[*made]);
    }
    return BP_OK;
}

static bp_status read_slabs(table *t, uint32_t *slab, bp__bar *bars)
{
    const bp__zipline *z = t->m->z;
    const uint32_t *value[BP__NUM_FIELDS];
    size_t n, made;
    for (uint64_t first = 0; first < t->column[0].rows; first += n) {
        const uint64_t left = t->column[0].rows - first;
        n = left < SLAB_ROWS ? (size_t)left : SLAB_ROWS;
        for (int f = 0; f < BP__NUM_FIELDS; f++) {
            value[f] = slab + (size_t)f * SLAB_ROWS;
            BP_TRY(bp__bcolz_read(&t->cursor[f], first, n, slab + (size_t)f * SLAB_ROWS));
        }
        BP_TRY(make_bars(t, first, n, value, bars, &made));
        BP_TRY(bp__draft_add_bars(z->in->draft, BP__MINUTE, t->asset->sid, bars, made, NULL));
    }
    return BP_OK;
}

static void tell_oddities(const table *t)
{
    const bp__zipline *z = t->m->z;
    char time[32];
    if (t->late > 0)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: %zu minute bars after the close are left out, the first: %s", t->path, t->late,
                       bp__time_text(t->first_late, time));
    if (t->outside > 0)
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: %zu minute bars before the asset's start_date or after its end_date are left out",
                       t->path, t->outside);
}

static bp_status read_table(table *t)
{
    bp__draft *draft = t->m->z->in->draft;
    BP_TRY(open_table(t));
    BP_TRY(ratio_of(t->m->z, t->asset->sid, &t->ratio));
    uint32_t *slab = malloc(BP__NUM_FIELDS * SLAB_ROWS * sizeof *slab);
    bp__bar *bars = malloc(SLAB_ROWS * sizeof *bars);
    bp_status s =
        slab && bars ? read_slabs(t, slab, bars) : bp__fail(BP_ENOMEM, "%s: no memory for its bars", t->path);
    free(slab);
    free(bars);
    if (s == BP_OK) bp__draft_fix_factors(draft, BP__MINUTE, t->asset->sid, t->ratio, 1);
    if (s == BP_OK) tell_oddities(t);
    return s;
}

/* Tables ---------------------------------------------------------------------------------------- */

/* Where zipline looks for the table of a sid. */
static void sid_path(int64_t sid, char path[64])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%06" PRId64, sid);
    snprintf(path, 64, "%s/%.2s/%.2s/%s.bcolz", BP__ZIPLINE_MINUTE, digits, digits + 2, digits);
}

static bp_status read_sid(void *minutes_, size_t i)
{
    minutes *m = minutes_;
    bp__zipline *z = m->z;
    table t = {.m = m, .asset = bp__zipline_asset_of(z, m->sids.row[i])};
    sid_path(m->sids.row[i], t.path);
    bp_status s = read_table(&t);
    close_table(&t);
    if (bp__failed(s)) bp__draft_drop(z->in->draft, BP__MINUTE, m->sids.row[i]);
    BP__TELL(&z->in->progress, "reading minutes", i + 1, m->sids.n);
    return bp__zipline_report(z, s); /* the tables of other sids can be good all the same */
}

/* A name in a folder of tables. What is not that of a table which zipline would find there is told. */
static bp_status take_name(minutes *m, const char *folder, const char *name)
{
    bp__zipline *z = m->z;
    char stem[32], path[64], found[128];
    int64_t sid;
    const char *dot = strstr(name, ".bcolz");
    const size_t length = dot && strcmp(dot, ".bcolz") == 0 ? (size_t)(dot - name) : 0;
    snprintf(stem, sizeof stem, "%.*s", (int)(length < 31 ? length : 31), name);
    snprintf(found, sizeof found, "%s/%.90s", folder, name);
    if (bp__meta_sid(stem, &sid)) sid_path(sid, path);
    if (!bp__meta_sid(stem, &sid) || strcmp(path, found) != 0) {
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: is no table that zipline would find there, and is left out", found);
        return BP_OK;
    }
    if (bp__zipline_asset_of(z, sid)) {
        BP__APPEND(&m->sids, sid);
    } else if (!bp__zipline_is_known(z, sid)) {
        bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0,
                       "%s: its sid is no equity of assets-%d.sqlite; left out", found, z->version);
    }
    return BP_OK;
}

static bool is_pair(const char *name)
{
    return strlen(name) == 2 && strspn(name, "0123456789") == 2;
}

/* Two levels of folders with names of two digits, and tables below. */
static bp_status list_level(minutes *m, const char *folder, int level)
{
    bp__sealed_names names;
    char below[64];
    bp_status s = bp__sealed_list(&m->z->folder, folder, &names);
    for (size_t i = 0; s == BP_OK && i < names.name.n; i++) {
        const char *name = names.name.row[i];
        if (level == 2) {
            s = take_name(m, folder, name);
        } else if (is_pair(name)) {
            snprintf(below, sizeof below, "%.40s/%.2s", folder, name);
            s = list_level(m, below, level + 1);
        }
    }
    bp__sealed_names_fini(&names);
    return s;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bp_status read_all(minutes *m)
{
    BP_TRY(list_level(m, BP__ZIPLINE_MINUTE, 0));
    if (m->sids.n == 0) return BP_OK; /* a folder that zipline makes in any case */
    qsort(m->sids.row, m->sids.n, sizeof *m->sids.row, by_number);
    BP_TRY(m->z->minutes.open ? use_hours(m->z, &m->at) : use_calendar(m->z, &m->at));
    return bp__each(m->z->in->options->threads, m->sids.n, read_sid, m);
}

bp_status bp__zipline_read_minutes(bp__zipline *z)
{
    minutes m = {.z = z};
    if (!z->minutes.there) return BP_OK;
    bp_status s = read_all(&m);
    free(m.sids.row);
    free(m.at.day);
    free(m.at.first);
    free(m.at.last);
    return s;
}
