/* The sessions by which zipline counts. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/day.h"
#include "io/ingest/zipline_parts.h"

#define SESSIONS_MOST (UINT64_C(8) << 20) /* bytes of a file of sessions */
/* Days that uint32 seconds can name. */
#define NUM_DAYS 49711

static bool is_session(const bp__zipline_calendar *calendar, int64_t day)
{
    const size_t at = bp__zipline_find_session(calendar, day);
    return at < calendar->session.n && calendar->session.row[at] == day;
}

static bp_status set_from(bp__zipline_calendar *calendar, const char *root, const char *from)
{
    free(calendar->from);
    if (asprintf(&calendar->from, "%s%s%s", root, *root ? "/" : "", from) < 0) {
        calendar->from = NULL;
        BP_FAIL(BP_ENOMEM, "no memory for the calendar");
    }
    return BP_OK;
}

/* A file of days -------------------------------------------------------------------------------- */

static bp_status load_text(const char *path, char **text)
{
    struct stat st;
    bp_status s = BP_OK;
    *text = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "--sessions: %s: cannot be opened", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        s = bp__fail(BP_EFORMAT, "--sessions: %s: not a regular file", path);
    else if ((uint64_t)st.st_size > SESSIONS_MOST)
        s = bp__fail(BP_EFORMAT, "--sessions: %s: too long for a list of days", path);
    else if (!(*text = calloc((size_t)st.st_size + 1, 1)))
        s = bp__fail(BP_ENOMEM, "--sessions: %s: no memory", path);
    else if (read(fd, *text, (size_t)st.st_size) != st.st_size) {
        free(*text);
        *text = NULL;
        s = bp__fail(BP_EIO, "--sessions: %s: cannot be read", path);
    }
    close(fd);
    return s;
}

static bp_status take_line(bp__zipline_calendar *calendar, const char *path, size_t line, char *text)
{
    int64_t day;
    text[strcspn(text, "\r")] = '\0';
    if (!*text) return BP_OK;
    if (bp__failed(bp__day_from(text, &day)))
        BP_FAIL(BP_EFORMAT, "--sessions: %s:%zu: '%.40s' is no day: one per line, YYYY-MM-DD", path, line,
                text);
    if (calendar->session.n > 0 && day <= calendar->session.row[calendar->session.n - 1])
        BP_FAIL(BP_EFORMAT, "--sessions: %s:%zu: %s is not later than the day before it", path, line, text);
    BP__APPEND(&calendar->session, day);
    return BP_OK;
}

static bp_status read_file(bp__zipline_calendar *calendar, const char *path)
{
    char *text;
    BP_TRY(load_text(path, &text));
    bp_status s = BP_OK;
    size_t line = 0;
    for (char *rest = text, *at; s == BP_OK && (at = strsep(&rest, "\n"));)
        s = take_line(calendar, path, ++line, at);
    free(text);
    BP_TRY(s);
    if (calendar->session.n == 0) BP_FAIL(BP_EFORMAT, "--sessions: %s: there is no day in it", path);
    calendar->exact = true;
    return set_from(calendar, "", path);
}

/* What the files say ---------------------------------------------------------------------------- */

/* Old tables carry the days themselves, in ns. */
static bp_status read_attribute(bp__zipline *z)
{
    int64_t *day;
    size_t n;
    BP_TRY(bp__meta_integers(&z->daily, "calendar", &day, &n));
    bp_status s = BP_OK;
    for (size_t i = 0; i < n && s == BP_OK; i++) {
        if (bp__day_of(day[i]) != day[i] || (i > 0 && day[i] <= day[i - 1]))
            s = bp__fail(BP_EFORMAT, "%s/%s: item %zu of 'calendar' is no midnight in ns, or not in order",
                         z->folder.root, z->daily.name, i + 1);
        else
            BP__APPEND(&z->calendar.session, day[i]);
    }
    free(day);
    BP_TRY(s);
    z->calendar.exact = true;
    return set_from(&z->calendar, z->folder.root, BP__ZIPLINE_DAILY "/__attrs__");
}

/* A session is the day of its last minute: it may open the evening before, by UTC or by its own clock. */
static bp_status read_hours(bp__zipline *z)
{
    for (size_t i = 0; i < z->minutes.sessions; i++)
        BP__APPEND(&z->calendar.session, bp__day_of(z->minutes.close[i]));
    z->calendar.exact = true;
    return set_from(&z->calendar, z->folder.root, BP__ZIPLINE_MINUTE "/metadata.json");
}

/* What the bars say ----------------------------------------------------------------------------- */

typedef struct days {
    uint32_t having[NUM_DAYS];    /* sids that have a bar on this day */
    int32_t change[NUM_DAYS + 1]; /* sids that begin, less those that ended the day before */
} days;

static bp_status count_days(bp__zipline *z, days *d)
{
    bp__bcolz_cursor cursor = {.column = &z->day};
    uint32_t second[1024];
    bp_status s = BP_OK;
    for (size_t i = 0; i < z->rows.n; i++) {
        const bp__zipline_rows *r = &z->rows.row[i];
        d->change[r->begin / BP_NS_PER_DAY]++;
        d->change[r->end / BP_NS_PER_DAY + 1]--;
        for (size_t k = 0; k < r->n && s == BP_OK; k += 1024) {
            const size_t n = r->n - k < 1024 ? r->n - k : 1024;
            s = bp__bcolz_read(&cursor, r->first + k, n, second);
            for (size_t j = 0; j < n && s == BP_OK; j++) d->having[second[j] / 86400]++;
        }
    }
    bp__bcolz_cursor_fini(&cursor);
    return s;
}

/* zipline writes a row for each session of an asset's life. A few assets may have rows of other days all the
 * same: a session is a day on which most of those that live then have one. */
static bp_status take_most(bp__zipline *z, const days *d)
{
    int64_t living = 0;
    for (size_t i = 0; i < NUM_DAYS; i++) {
        const int64_t day = (int64_t)i * BP_NS_PER_DAY;
        living += d->change[i];
        if (2 * (int64_t)d->having[i] > living) BP__APPEND(&z->calendar.session, day);
    }
    return set_from(&z->calendar, z->folder.root, BP__ZIPLINE_DAILY "/day");
}

/* A list that was given agrees with the bars on every day on which an asset lives. */
static bp_status compare(const bp__zipline *z, const days *d)
{
    int64_t living = 0;
    char text[32];
    for (size_t i = 0; i < NUM_DAYS; i++) {
        const int64_t day = (int64_t)i * BP_NS_PER_DAY;
        living += d->change[i];
        if (living == 0) continue;
        const bool listed = is_session(&z->calendar, day), traded = 2 * (int64_t)d->having[i] > living;
        if (listed != traded)
            BP_FAIL(BP_EFORMAT,
                    "--sessions: %s: %s is %s session, but %" PRIu32 " of the %" PRId64
                    " sids that live then have a daily bar: every later bar would be shifted",
                    z->calendar.from, bp__day_text(day, text), listed ? "a" : "no", d->having[i], living);
    }
    return BP_OK;
}

static bp_status use_bars(bp__zipline *z, bp_status (*use)(bp__zipline *z, const days *d))
{
    days *d = calloc(1, sizeof *d);
    if (!d) BP_FAIL(BP_ENOMEM, "%s: no memory to count its days", z->folder.root);
    bp_status s = count_days(z, d);
    if (s == BP_OK) s = use(z, d);
    free(d);
    return s;
}

static bp_status compare_list(bp__zipline *z, const days *d)
{
    return compare(z, d);
}

/* Counting -------------------------------------------------------------------------------------- */

static bool starts_with_calendar(const bp__zipline *z)
{
    const json_t *start = json_object_get(z->daily.object, "start_session_ns");
    if (json_object_get(z->daily.object, "calendar")) return true;
    return json_is_integer(start) && z->calendar.session.n > 0 &&
           bp__day_of(json_integer_value(start)) == z->calendar.session.row[0];
}

static bp_status contradicts(const bp__zipline *z, const bp__zipline_rows *a, const bp__zipline_rows *b,
                             int64_t listed)
{
    char day[32], other[32];
    BP_FAIL(BP_EFORMAT,
            "%s/%s: between %s and %s, where sid %" PRId64 " and sid %" PRId64 " begin, there are %" PRId64
            " sessions by calendar_offset and %" PRId64 " by %s; give the right ones with --sessions FILE",
            z->folder.root, BP__ZIPLINE_DAILY, bp__day_text(a->begin, day), bp__day_text(b->begin, other),
            a->sid, b->sid, b->offset - a->offset, listed, z->calendar.from);
}

/* What zipline counts the first session as: 0 where the list begins with the first session of the table, else
 * what makes the first day of a sid that of its calendar_offset. All sids must agree: where they do not, the
 * list lacks a session or has one too many. */
static bp_status find_base(bp__zipline *z)
{
    bp__zipline_calendar *c = &z->calendar;
    const bool fixed = c->exact && starts_with_calendar(z);
    const bp__zipline_rows origin = {.begin = c->session.n ? c->session.row[0] : 0};
    const bp__zipline_rows *anchor = fixed ? &origin : NULL;
    char day[32];
    for (size_t i = 0; i < z->rows.n; i++) {
        const bp__zipline_rows *r = &z->rows.row[i];
        const int64_t at = (int64_t)bp__zipline_find_session(c, r->begin);
        if (!is_session(c, r->begin)) {
            if (fixed) continue; /* it goes where its offset says, and that is told */
            BP_FAIL(BP_EFORMAT,
                    "%s/%s: sid %" PRId64 " begins on %s, which is no session by %s; give --sessions FILE",
                    z->folder.root, BP__ZIPLINE_DAILY, r->sid, bp__day_text(r->begin, day), c->from);
        }
        if (!anchor) {
            anchor = r;
            c->base = r->offset - at;
        }
        if (r->offset - at != c->base) return contradicts(z, anchor, r, at + c->base - anchor->offset);
    }
    return BP_OK;
}

/* A calendar that is asked for must be the one that the files name, if that is known: all of its hours would be wrong. */
static bp_status compare_names(const bp__zipline *z, const char *given, const char *named)
{
    bp__calendar *asked = NULL, *stated = NULL;
    if (!given || !named || bp__failed(bp__calendar_open(named, &stated))) return BP_OK;
    bp_status s = bp__calendar_open(given, &asked);
    if (s == BP_OK && strcmp(bp__calendar_name(asked), bp__calendar_name(stated)) != 0)
        s = bp__fail(BP_EFORMAT, "%s: its calendar is %.31s, and --calendar says %.31s: leave the option out",
                     z->folder.root, named, given);
    bp__calendar_close(&asked);
    bp__calendar_close(&stated);
    return s;
}

/* The calendar that the files name, or that was given. */
static bp_status take_name(bp__zipline *z)
{
    const char *given = z->in->options->calendar, *name = given;
    const json_t *named = json_object_get(z->daily.object, "calendar_name");
    if (!named) named = json_object_get(z->minutes.meta.object, "calendar_name");
    if (!given) name = json_string_value(named);
    if (!name || strcmp(name, "none") == 0) return BP_OK;
    BP_TRY(compare_names(z, given, json_string_value(named)));
    const bp_status s = bp__calendar_open(name, &z->hours);
    if (s == BP_OK) name = bp__calendar_name(z->hours);
    if (bp__failed(s) && (given || s != BP_EINVAL)) return s;
    if (bp__failed(s))
        bp__report_add(z->in->report, BP__NOTE, z->folder.root, 0,
                       "the hours of its calendar, %.31s, are not known", name);
    snprintf(z->calendar.name, sizeof z->calendar.name, "%s", name);
    return BP_OK;
}

/* Whether the hours in the metadata of the minutes reach over all daily bars. */
static bool hours_suffice(const bp__zipline *z)
{
    if (!z->minutes.open) return false;
    for (size_t i = 0; i < z->rows.n; i++)
        if (z->rows.row[i].begin < z->minutes.start || z->rows.row[i].end > z->minutes.end) return false;
    return true;
}

bp_status bp__zipline_find_sessions(bp__zipline *z)
{
    const char *file = z->in->options->sessions;
    BP_TRY(take_name(z));
    if (file) {
        BP_TRY(read_file(&z->calendar, file));
        BP_TRY(use_bars(z, compare_list));
    } else if (json_object_get(z->daily.object, "calendar")) {
        BP_TRY(read_attribute(z));
    } else if (hours_suffice(z)) {
        BP_TRY(read_hours(z));
    } else {
        BP_TRY(use_bars(z, take_most));
    }
    return find_base(z);
}
