/* metadata.json of minute_equities.bcolz: minutes of a session, its hours, what prices are multiplied by. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "core/day.h"
#include "io/ingest/zipline_parts.h"

#define MINUTE_NS INT64_C(60000000000)
/* What versions without that key meant. */
#define DEFAULT_PER_DAY 390
#define NEWEST          3

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

bp_status bp__zipline_minute_ratio(const bp__zipline *z, int64_t sid, double *ratio)
{
    char key[24];
    const json_t *ratios = json_object_get(z->minutes.meta.object, "ohlc_ratios_per_sid");
    snprintf(key, sizeof key, "%" PRId64, sid);
    const json_t *own = json_object_get(ratios, key);
    *ratio = z->minutes.ratio;
    return own ? check_ratio(&z->minutes.meta, key, own, ratio) : BP_OK;
}
