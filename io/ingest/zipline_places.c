#include "io/ingest/zipline_places.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/day.h"

#define MINUTE_NS INT64_C(60000000000)

static bp_status make_room(bp__zipline_places *p, size_t n)
{
    p->n = n;
    p->day = calloc(n + 1, sizeof *p->day);
    p->first = calloc(n + 1, sizeof *p->first);
    p->last = calloc(n + 1, sizeof *p->last);
    if (!p->day || !p->first || !p->last) BP_FAIL(BP_ENOMEM, "no memory for %zu sessions", n);
    return BP_OK;
}

/* Both lists name the same days where both have some. */
static bp_status compare_lists(const bp__zipline *z, const bp__zipline_places *p)
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

static bp_status use_hours(const bp__zipline *z, bp__zipline_places *p)
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
static bp_status place_session(const bp__zipline *z, bp__zipline_places *p, size_t i)
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
static bp_status find_span(const bp__zipline *z, bp__zipline_places *p, int64_t *start, size_t *end)
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
static bp_status use_calendar(const bp__zipline *z, bp__zipline_places *p)
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

bp_status bp__zipline_places_find(const bp__zipline *z, bp__zipline_places *places)
{
    *places = (bp__zipline_places){0};
    return z->minutes.open ? use_hours(z, places) : use_calendar(z, places);
}

void bp__zipline_places_fini(bp__zipline_places *places)
{
    free(places->day);
    free(places->first);
    free(places->last);
    *places = (bp__zipline_places){0};
}

bp_status bp__zipline_places_error(const bp__zipline *z, const bp__zipline_places *p, const char *table,
                                   uint64_t row)
{
    const uint64_t session = row / (uint64_t)z->minutes.per_day;
    if (session < p->unknown)
        BP_FAIL(BP_EFORMAT,
                "%s/%s: row %" PRIu64 " is of session %" PRIu64 ", of which %s does not tell the day; give "
                "--sessions FILE",
                z->folder.root, table, row, session, z->calendar.from);
    BP_FAIL(BP_EFORMAT,
            "%s/%s: row %" PRIu64 " lies behind the last of %zu sessions with %" PRId64 " minutes each%s",
            z->folder.root, table, row, p->n, z->minutes.per_day,
            p->ends ? "" : ", which are those of the daily bars; give --sessions FILE");
}
