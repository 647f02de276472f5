#include "io/ingest/zipline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "io/ingest/zipline_parts.h"

/* Finding the ingestion ------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), e = strlen(end);
    return n >= e && strcmp(text + n - e, end) == 0;
}

/* Whether a name is that of a part of an ingestion. */
static bool is_part(const char *name)
{
    return strcmp(name, BP__ZIPLINE_DAILY) == 0 || strcmp(name, BP__ZIPLINE_MINUTE) == 0 ||
           strcmp(name, BP__ZIPLINE_ADJUSTMENTS) == 0 ||
           (strncmp(name, "assets-", 7) == 0 && ends_with(name, ".sqlite"));
}

/* Whether a name is a time as zipline calls its ingestions: 2016-12-13T19;59;34.153449. */
static bool is_time(const char *name)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    size_t i = 0;
    for (; shape[i]; i++) {
        if (shape[i] == 'd' && name[i] >= '0' && name[i] <= '9') continue;
        if (shape[i] == ':' && (name[i] == ';' || name[i] == ':')) continue;
        if (shape[i] != name[i] || shape[i] == 'd') return false;
    }
    return strspn(name + i, ".0123456789") == strlen(name + i);
}

static bool has_part(const bp__sealed_names *names)
{
    for (size_t i = 0; i < names->name.n; i++)
        if (is_part(names->name.row[i])) return true;
    return false;
}

/* Tables of rustybt have no place in an ingestion of zipline, but people look for them there. */
static bool has_parquet(const bp__sealed *folder, const char *name, int levels)
{
    bp__sealed_names names;
    char below[512];
    bool found = false;
    bp_status s = bp__sealed_list(folder, name, &names);
    for (size_t i = 0; s == BP_OK && i < names.name.n && !found; i++) {
        found = ends_with(names.name.row[i], ".parquet");
        if (found || levels == 0) continue;
        if (snprintf(below, sizeof below, "%s/%s", name, names.name.row[i]) < (int)sizeof below)
            found = has_parquet(folder, below, levels - 1);
    }
    bp__sealed_names_fini(&names);
    return found;
}

static bp_status no_ingestion(const bp__sealed *folder)
{
    /* rustybt: daily_bars/year=2024/month=01/data.parquet, with metadata.db beside */
    if (has_parquet(folder, ".", 4))
        BP_FAIL(BP_EFORMAT,
                "%s: holds Parquet tables of rustybt, which are not read; let rustybt write them as "
                "daily/SYMBOL.csv, and use: bundle ingest csvdir",
                folder->root);
    BP_FAIL(BP_ENOTFOUND,
            "%s: neither an ingestion of zipline (assets-N.sqlite, %s, ...) nor a folder with some, "
            "named by their times",
            folder->root, BP__ZIPLINE_DAILY);
}

/* The newest of those that hold something. @param[out] chosen  its name, owned by `names` */
static bp_status choose(bp__zipline *z, const bp__sealed_names *names, const char **chosen)
{
    size_t others = 0;
    *chosen = NULL;
    for (size_t i = names->name.n; i-- > 0;) {
        const char *name = names->name.row[i];
        bp__sealed_names parts;
        if (!is_time(name)) continue;
        if (*chosen) {
            others++;
            continue;
        }
        bp_status s = bp__sealed_list(&z->folder, name, &parts);
        const bool whole = s == BP_OK && has_part(&parts);
        bp__sealed_names_fini(&parts);
        BP_TRY(s);
        if (whole)
            *chosen = name;
        else
            bp__report_add(z->in->report, BP__WARNING, z->folder.root, 0, "%s is empty, and passed over",
                           name);
    }
    if (!*chosen) return no_ingestion(&z->folder);
    bp__report_add(z->in->report, BP__NOTE, z->folder.root, 0, "the newest of %zu ingestions is taken: %s",
                   others + 1, *chosen);
    return BP_OK;
}

/* Go from the folder of the bundle to that of its newest ingestion. */
static bp_status enter_newest(bp__zipline *z, const bp__sealed_names *names)
{
    const char *chosen;
    bp__sealed inner;
    char *path = NULL;
    BP_TRY(choose(z, names, &chosen));
    if (asprintf(&path, "%s/%s", z->folder.root, chosen) < 0) BP_FAIL(BP_ENOMEM, "%s: no memory", chosen);
    bp_status s = bp__sealed_open(path, &inner);
    free(path);
    BP_TRY(s);
    bp__sealed_close(&z->folder);
    z->folder = inner;
    return BP_OK;
}

static bp_status find_ingestion(bp__zipline *z)
{
    bp__sealed_names names;
    bp_status s = bp__sealed_list(&z->folder, ".", &names);
    if (s == BP_OK && !has_part(&names)) s = enter_newest(z, &names);
    bp__sealed_names_fini(&names);
    return s;
}

/* Sessions of the bundle ------------------------------------------------------------------------ */

/* Sessions whose hours are not stated, for the calendar may have had others. */
typedef struct doubtful {
    size_t n;
    int64_t first;
} doubtful;

static bp_status add_session(bp__zipline *z, int64_t day, doubtful *d)
{
    bp__draft_session session = {.session = day};
    if (!bp__zipline_hours(z, day, &session.market_open, &session.market_close)) {
        if (session.market_open != BP_TIME_MISSING && d->n++ == 0) d->first = day;
        session.market_open = session.market_close = BP_TIME_MISSING;
    }
    return bp__draft_add_session(z->in->draft, &session);
}

static void tell_doubtful(const bp__zipline *z, const doubtful *d)
{
    char day[32];
    if (d->n > 0)
        bp__report_add(
            z->in->report, BP__NOTE, z->folder.root, 0,
            "the hours of %zu sessions are not stated, the first one is %s: on holidays, half days, and "
            "days that may be one, and in other years, %s has other hours",
            d->n, bp__day_text(d->first, day), bp__calendar_name(z->hours));
}

/* Those from the first bar to the last. */
static bp_status add_sessions(bp__zipline *z)
{
    const bp__zipline_calendar *c = &z->calendar;
    int64_t first = INT64_MAX, last = INT64_MIN;
    doubtful d = {0};
    for (int f = 0; f < BP__NUM_FRAMES; f++)
        for (size_t i = 0; i < z->in->draft->series[f].n; i++) {
            const bp__draft_series *s = &z->in->draft->series[f].row[i];
            if (s->bars == 0) continue;
            if (s->first < first) first = s->first;
            if (s->last > last) last = s->last;
        }
    for (size_t i = 0; i < c->session.n; i++) {
        if (c->session.row[i] < bp__day_of(first) || c->session.row[i] > last) continue;
        BP_TRY(add_session(z, c->session.row[i], &d));
    }
    tell_doubtful(z, &d);
    snprintf(z->in->draft->calendar_name, sizeof z->in->draft->calendar_name, "%s", c->name);
    return BP_OK;
}

/* All of it ------------------------------------------------------------------------------------- */

static bp_status read_parts(bp__zipline *z)
{
    BP_TRY(bp__zipline_read_assets(z));
    BP_TRY(bp__zipline_look_at_minutes(z));
    BP_TRY(bp__zipline_look_at_daily(z));
    BP_TRY(bp__zipline_find_sessions(z));
    BP_TRY(bp__zipline_read_daily(z));
    BP_TRY(bp__zipline_read_minutes(z));
    BP_TRY(bp__zipline_read_adjustments(z));
    return add_sessions(z);
}

static void fini(bp__zipline *z)
{
    for (int f = 0; f < BP__NUM_FIELDS; f++) bp__bcolz_close(&z->column[f]);
    bp__bcolz_close(&z->day);
    bp__bcolz_close(&z->id);
    bp__meta_free(&z->daily);
    bp__meta_free(&z->minutes.meta);
    free(z->minutes.open);
    free(z->minutes.close);
    free(z->assets.row);
    free(z->known.row);
    free(z->rows.row);
    free(z->calendar.session.row);
    free(z->calendar.from);
    bp__calendar_close(&z->hours);
    bp__sealed_close(&z->folder);
}

static bp_status read_zipline(bp__ingest *in, const char *path)
{
    bp__zipline z = {.in = in};
    BP_TRY(bp__sealed_open(path, &z.folder));
    bp_status s = find_ingestion(&z);
    if (s == BP_OK) s = read_parts(&z);
    if (s == BP_OK) s = bp__sealed_content(&z.folder, in->draft->origin.content);
    fini(&z);
    return s;
}

const bp__ingest_source bp__zipline_source = {
    .verb = "import",
    .name = "zipline",
    .help = "DIR is an ingestion of zipline, or a bundle's folder with some of them: the newest is taken",
    .read = read_zipline,
};
