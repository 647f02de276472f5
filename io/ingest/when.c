#include "io/ingest/when.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "io/ingest/when_text.h"

#define NS_PER_SEC INT64_C(1000000000)

static const char not_a_date[] = "is not a date: write YYYY-MM-DD, or say --date-format";
static const char out_of_range[] = "is out of range: times are kept from 1678 to 2261";
static const char no_such_time[] = "does not exist in its time zone: clocks are put forward over it";
static const char no_such_zone[] = "names a time zone that is not known: write an offset such as +01:00";

void bp__when_fini(bp__when *when)
{
    bp__zone_free(&when->named);
    when->zone = NULL;
}

/* Where a local time is in UTC, with the span of the last one at hand: nearly all are in it. */
static const char *place_local(bp__when *w, const bp__zone *zone, int64_t local, bp__moment *m)
{
    const int64_t day = 26 * 3600, guess = local - w->span.offset;
    int64_t utc[2];
    if (w->span.from < w->span.to && guess - day >= w->span.from && guess + day < w->span.to) {
        m->ns = guess * NS_PER_SEC;
        return NULL;
    }
    const int n = bp__zone_to_utc(zone, local, utc);
    if (n == 0) return no_such_time;
    m->ns = utc[0] * NS_PER_SEC;
    if (n > 1) m->later = utc[1] * NS_PER_SEC;
    w->span = bp__zone_at(zone, utc[0]);
    if (w->span.from < -(INT64_C(1) << 40)) w->span.from = -(INT64_C(1) << 40); /* room to subtract */
    if (w->span.to > INT64_C(1) << 40) w->span.to = INT64_C(1) << 40;
    return NULL;
}

/* A count since the epoch is a time in UTC: its day is that of the zone of the file. */
static void place_utc(bp__when *w, int64_t second, int64_t ns, bp__moment *m)
{
    const int64_t local = second + bp__zone_at(w->zone, second).offset;
    m->ns = second * NS_PER_SEC + ns;
    m->day = bp__day_of(local * NS_PER_SEC);
    m->is_midnight = m->day == local * NS_PER_SEC && ns == 0;
    m->has_time = true;
    m->is_count = true;
}

static const char *find_zone(bp__when *w, const bp__written *text)
{
    char name[64];
    if (text->zone_size >= sizeof name) return no_such_zone;
    memcpy(name, text->zone, text->zone_size);
    name[text->zone_size] = '\0';
    if (w->named && strcmp(bp__zone_name(w->named), name) == 0) return NULL;
    bp__zone_free(&w->named);
    w->span = (bp__zone_span){0};
    return bp__zone_load(name, &w->named) == BP_OK ? NULL : no_such_zone;
}

static const char *place(bp__when *w, const bp__written *text, bp__moment *m)
{
    const int64_t midnight = text->days * 86400, local = midnight + text->second;
    m->has_time = text->has_time;
    m->is_local = text->has_time && text->kind == BP__WRITTEN_LOCAL;
    m->day = midnight * NS_PER_SEC;
    m->is_midnight = text->second == 0 && text->ns == 0;
    if (!text->has_time) {
        m->ns = m->day;
        return NULL;
    }
    const char *wrong = NULL;
    if (text->kind == BP__WRITTEN_OFFSET) {
        m->ns = (local - text->offset) * NS_PER_SEC;
    } else if (text->kind == BP__WRITTEN_ZONE) {
        wrong = find_zone(w, text);
        if (!wrong) wrong = place_local(w, w->named, local, m);
    } else {
        wrong = place_local(w, w->zone, local, m);
    }
    m->ns += text->ns;
    if (m->later != BP_TIME_MISSING) m->later += text->ns;
    if (wrong || m->is_midnight || text->kind == BP__WRITTEN_LOCAL || !w->has_zone) return wrong;
    /* "05:00Z" may be the midnight of the zone that was given */
    bp__moment there = *m;
    place_utc(w, m->ns / NS_PER_SEC - (m->ns % NS_PER_SEC < 0), text->ns, &there);
    there.is_count = false;
    if (there.is_midnight) *m = there;
    return NULL;
}

static bool in_range(int64_t second)
{
    return second > -INT64_C(9214646400) &&
           second < INT64_C(9214646400); /* 1678 .. 2261, with a day to spare */
}

/* A format is for dates that have two readings: those that have one are taken beside it, as from another
 * vendor. */
static const char *read_date(const char *format, const bp__csv_field *date, bp__written *text)
{
    if (!format) return bp__written_from(date, text);
    const char *wrong = bp__written_by_format(format, date, text);
    if (!wrong) return NULL;
    *text = (bp__written){0};
    return bp__written_from(date, text) ? wrong : NULL;
}

const char *bp__when_read(bp__when *when, const bp__csv_field *date, const bp__csv_field *time,
                          bp__moment *moment)
{
    bp__written text = {0};
    *moment = (bp__moment){.later = BP_TIME_MISSING};
    const char *wrong = read_date(when->format, date, &text);
    if (!wrong && time) {
        if (text.has_time || text.kind == BP__WRITTEN_EPOCH)
            return "has a time of day, and so has a second column";
        if (!bp__written_time(time, &text))
            return "goes with a time of day that cannot be read: write HH:MM:SS";
    }
    if (wrong) return *wrong ? wrong : not_a_date;
    if (text.kind != BP__WRITTEN_EPOCH)
        return in_range(text.days * 86400) ? place(when, &text, moment) : out_of_range;
    if (!in_range(text.days)) return out_of_range;
    place_utc(when, text.days, text.ns, moment);
    return NULL;
}

bool bp__when_is_date(const bp__csv_field *field)
{
    bp__written text = {0};
    return field->size > 7 && !bp__written_from(field, &text);
}

bp_status bp__when_check_format(const char *format)
{
    if (bp__written_format_ok(format)) return BP_OK;
    BP_FAIL(BP_EINVAL,
            "--date-format '%.60s': not a format: year (YYYY or YY), month (MM or MON) and day (DD) each "
            "once, as in "
            "DD/MM/YYYY; or s, ms, us, ns for counts since 1970",
            format);
}
