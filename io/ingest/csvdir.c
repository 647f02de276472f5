#include "io/ingest/csvdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/config.h>

#include "core/day.h"
#include "io/ingest/csvfile.h"

enum { DAILY, MINUTE, NUM_FRAMES };

static const char *const frame_name[NUM_FRAMES] = {"daily", "minute"};

typedef struct symbol {
    char *name;
    char *path[NUM_FRAMES]; /* NULL: not there */
} symbol;

typedef struct days {
    BP__TABLE(int64_t) day; /* ascending */
} days;

typedef struct ingest {
    BP__TABLE(symbol) symbols; /* by name; the index is the sid */
    days calendar;             /* of all bars */
    size_t num_files, files_done;
    bp__ingest *in;
} ingest;

static void fini(ingest *in)
{
    for (size_t i = 0; i < in->symbols.n; i++) {
        symbol *s = &in->symbols.row[i];
        free(s->name);
        for (int f = 0; f < NUM_FRAMES; f++) free(s->path[f]);
    }
    free(in->symbols.row);
    free(in->calendar.day.row);
}

/* Files ----------------------------------------------------------------------------------------- */

/* Length of SYMBOL in SYMBOL.csv or SYMBOL.csv.gz; 0 for another file. */
static size_t stem_length(const char *name)
{
    static const char *const ending[] = {".csv", ".csv.gz"};
    size_t n = strlen(name);
    for (size_t i = 0; i < 2; i++) {
        size_t e = strlen(ending[i]);
        if (name[0] != '.' && n > e && strcmp(name + n - e, ending[i]) == 0) return n - e;
    }
    return 0;
}

static bp_status add_file(ingest *in, const char *folder, int frame, const char *name, size_t stem)
{
    symbol s = {.name = strndup(name, stem)};
    BP__APPEND(&in->symbols, s);
    symbol *added = &in->symbols.row[in->symbols.n - 1];
    if (!added->name || asprintf(&added->path[frame], "%s/%s", folder, name) < 0) {
        added->path[frame] = NULL;
        BP_FAIL(BP_ENOMEM, "%s: no memory", folder);
    }
    in->num_files++;
    return BP_OK;
}

static bp_status list_frame(ingest *in, const char *dir, int frame, bool *found)
{
    char folder[BP_PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s/%s", dir, frame_name[frame]);
    if (n < 0 || (size_t)n >= sizeof folder) BP_FAIL(BP_EINVAL, "%.60s...: the path is too long", dir);
    DIR *d = opendir(folder);
    if (!d && errno == ENOENT) return BP_OK;
    if (!d) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened as a folder", folder);
    *found = true;
    bp_status s = BP_OK;
    const struct dirent *entry;
    while (s == BP_OK && (errno = 0, entry = readdir(d))) {
        size_t stem = stem_length(entry->d_name);
        if (stem > 0) s = add_file(in, folder, frame, entry->d_name, stem);
    }
    if (s == BP_OK && errno != 0) s = bp__fail_errno(BP_EIO, errno, "%s: cannot be listed", folder);
    closedir(d);
    return s;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const symbol *)a)->name, ((const symbol *)b)->name);
}

/* One symbol for its daily and its minute file. */
static bp_status merge_frames(ingest *in)
{
    size_t kept = 0;
    qsort(in->symbols.row, in->symbols.n, sizeof *in->symbols.row, by_name);
    for (size_t i = 0; i < in->symbols.n; i++) {
        symbol *s = &in->symbols.row[i], *last = &in->symbols.row[kept - (kept > 0)];
        if (kept == 0 || strcmp(s->name, last->name) != 0) {
            in->symbols.row[kept++] = *s;
            if (kept - 1 < i) *s = (symbol){0};
            continue;
        }
        for (int f = 0; f < NUM_FRAMES; f++) {
            if (!s->path[f]) continue;
            if (last->path[f])
                BP_FAIL(BP_EFORMAT, "%s: the same symbol as %s; remove one of them", s->path[f],
                        last->path[f]);
            last->path[f] = s->path[f];
            s->path[f] = NULL;
        }
        free(s->name);
        s->name = NULL;
    }
    in->symbols.n = kept;
    return BP_OK;
}

static bp_status list_files(ingest *in, const char *dir)
{
    bool found = false;
    DIR *d = opendir(dir);
    if (!d) BP_FAIL_ERRNO(BP_ENOTFOUND, errno, "%s: cannot be opened as a folder", dir);
    closedir(d);
    for (int f = 0; f < NUM_FRAMES; f++) BP_TRY(list_frame(in, dir, f, &found));
    if (!found) BP_FAIL(BP_ENOTFOUND, "%s: has neither a folder 'daily' nor a folder 'minute'", dir);
    if (in->symbols.n == 0)
        BP_FAIL(BP_ENOTFOUND, "%s: no SYMBOL.csv or SYMBOL.csv.gz in its folders 'daily' and 'minute'", dir);
    return merge_frames(in);
}

/* Days ------------------------------------------------------------------------------------------ */

/* Add the days of ascending bars. */
static bp_status add_days(days *to, const bp__bar *bar, size_t n)
{
    days merged = {0};
    const int64_t *old = to->day.row;
    size_t i = 0, j = 0;
    bp_status s = BP_OK;
    while (i < to->day.n || j < n) {
        int64_t next = i < to->day.n ? old[i] : INT64_MAX;
        if (j < n && bp__day_of(bar[j].dt) < next) next = bp__day_of(bar[j].dt);
        while (i < to->day.n && old[i] == next) i++;
        while (j < n && bp__day_of(bar[j].dt) == next) j++;
        void *row = merged.day.row;
        s = bp__table_grow(&row, merged.day.n, &merged.day.cap, sizeof next);
        if (bp__failed(s)) break;
        merged.day.row = row;
        merged.day.row[merged.day.n++] = next;
    }
    if (bp__failed(s)) {
        free(merged.day.row);
        return s;
    }
    free(to->day.row);
    *to = merged;
    return BP_OK;
}

/* Bars ------------------------------------------------------------------------------------------ */

static bp_status put_events(const bp__csv_series *series, int64_t sid, bp__draft *draft)
{
    for (size_t k = 0; k < series->events.n; k++) {
        const bp__csv_event *e = &series->events.row[k];
        if (e->split != 1)
            BP_TRY(bp__draft_add_ratio(draft, BP__SPLITS, &(bp__draft_ratio){sid, e->date, 1 / e->split}));
        if (e->dividend == 0) continue;
        bp__draft_payout payout = {.sid = sid,
                                   .ex_date = e->date,
                                   .declared_date = BP_TIME_MISSING,
                                   .record_date = BP_TIME_MISSING,
                                   .pay_date = BP_TIME_MISSING,
                                   .amount = e->dividend};
        BP_TRY(bp__draft_add_dividend(draft, &payout));
    }
    return BP_OK;
}

static bp_status read_frame(ingest *in, int64_t sid, int frame)
{
    const symbol *s = &in->symbols.row[sid];
    bp__draft *draft = in->in->draft;
    bp__csv_series series;
    if (!s->path[frame]) return BP_OK;
    BP_TRY(bp__csv_read(s->path[frame], frame == DAILY, &series));
    bp_status status = bp__draft_add_bars(draft, frame == DAILY ? BP__DAILY : BP__MINUTE, sid,
                                          series.bars.row, series.bars.n, NULL);
    if (status == BP_OK) status = add_days(&in->calendar, series.bars.row, series.bars.n);
    if (status == BP_OK && frame == DAILY) status = put_events(&series, sid, draft);
    bp__csv_fini(&series);
    BP__TELL(&in->in->progress, "reading files", ++in->files_done, in->num_files);
    return status;
}

static bp_status put_asset(const ingest *in, int64_t sid)
{
    const symbol *s = &in->symbols.row[sid];
    const char *currency = in->in->options->currency;
    bp__draft *draft = in->in->draft;
    bp__draft_asset asset = {.sid = sid,
                             .symbol = s->name,
                             .name = s->name,
                             .exchange = "CSVDIR",
                             .start_date = BP_TIME_MISSING,
                             .end_date = BP_TIME_MISSING,
                             .first_traded = BP_TIME_MISSING,
                             .auto_close_date = BP_TIME_MISSING};
    if (currency) strcpy(asset.currency, currency);
    BP_TRY(bp__draft_add_asset(draft, &asset));
    bp__draft_mapping mapping = {asset.sid, s->name, BP_TIME_MISSING, BP_TIME_MISSING};
    return bp__draft_add_mapping(draft, &mapping);
}

static bp_status read_all(ingest *in, const char *dir)
{
    BP_TRY(list_files(in, dir));
    for (int64_t sid = 0; sid < (int64_t)in->symbols.n; sid++) {
        for (int f = 0; f < NUM_FRAMES; f++) BP_TRY(read_frame(in, sid, f));
        BP_TRY(put_asset(in, sid));
    }
    for (size_t q = 0; q < in->calendar.day.n; q++) {
        const int64_t day = in->calendar.day.row[q];
        bp__draft_session session = {day, BP_TIME_MISSING, BP_TIME_MISSING};
        BP_TRY(bp__draft_add_session(in->in->draft, &session));
    }
    return BP_OK;
}

bp_status bp__csvdir_read(bp__ingest *in, const char *dir)
{
    ingest work = {.in = in};
    const bp_status s = read_all(&work, dir);
    fini(&work);
    return s;
}

const bp__ingest_source bp__csvdir_source = {
    .verb = "ingest",
    .name = "csvdir",
    .help = "a folder of CSV files, one for each symbol",
    .read = bp__csvdir_read,
};
