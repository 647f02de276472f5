#include "io/ingest/csvdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/config.h>

#include "core/day.h"
#include "io/ingest/csvfile.h"

#define MARKET_OPEN  (INT64_C(52200) * 1000000000) /* 14:30 UTC, ns since midnight */
#define MARKET_CLOSE (INT64_C(75600) * 1000000000) /* 21:00 UTC */

enum { DAILY, MINUTE, NUM_FRAMES };

static const char *const frame_name[NUM_FRAMES] = {"daily", "minute"};

typedef struct symbol {
    char *name;
    char *path[NUM_FRAMES]; /* NULL: not there */
    bp__csv_series daily;
    int64_t start, end; /* of its rows in both frames */
} symbol;

typedef struct days {
    BP__TABLE(int64_t) day; /* ascending */
} days;

typedef struct ingest {
    BP__TABLE(symbol) symbols; /* by name; the index is the sid */
    days sessions;             /* of daily bars */
    days calendar;             /* of all bars */
    size_t num_files, files_done;
    bp__ingest_progress *progress;
    void *context;
} ingest;

static void fini(ingest *in)
{
    for (size_t i = 0; i < in->symbols.n; i++) {
        symbol *s = &in->symbols.row[i];
        bp__csv_fini(&s->daily);
        free(s->name);
        for (int f = 0; f < NUM_FRAMES; f++) free(s->path[f]);
    }
    free(in->symbols.row);
    free(in->sessions.day.row);
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
    symbol s = {.name = strndup(name, stem), .start = INT64_MAX, .end = INT64_MIN};
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
static bp_status add_days(days *to, const bp__draft_bar *bar, size_t n)
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

/* Column of a day that is known to be there. */
static size_t find_day(const days *of, int64_t day)
{
    size_t low = 0, high = of->day.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (of->day.row[mid] < day)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Bars ------------------------------------------------------------------------------------------ */

static bp_status read_series(ingest *in, symbol *s, int frame, bp__csv_series *series)
{
    BP_TRY(bp__csv_read(s->path[frame], frame == DAILY, series));
    int64_t first = bp__day_of(series->bars.row[0].dt),
            last = bp__day_of(series->bars.row[series->bars.n - 1].dt);
    if (first < s->start) s->start = first;
    if (last > s->end) s->end = last;
    if (in->progress) in->progress(in->context, ++in->files_done, in->num_files);
    return BP_OK;
}

static bp_status read_daily(ingest *in)
{
    for (size_t i = 0; i < in->symbols.n; i++) {
        symbol *s = &in->symbols.row[i];
        if (!s->path[DAILY]) continue;
        BP_TRY(read_series(in, s, DAILY, &s->daily));
        BP_TRY(add_days(&in->sessions, s->daily.bars.row, s->daily.bars.n));
        BP_TRY(add_days(&in->calendar, s->daily.bars.row, s->daily.bars.n));
    }
    return BP_OK;
}

static bp_status read_minute(ingest *in, size_t sid, bp__draft *draft)
{
    symbol *s = &in->symbols.row[sid];
    bp__csv_series series;
    if (!s->path[MINUTE]) return BP_OK;
    BP_TRY(read_series(in, s, MINUTE, &series));
    bp_status status = bp__draft_add_minute(draft, (int64_t)sid);
    for (size_t k = 0; k < series.bars.n && status == BP_OK; k++)
        status = bp__draft_add_bar(draft, &series.bars.row[k]);
    if (status == BP_OK) status = add_days(&in->calendar, series.bars.row, series.bars.n);
    bp__csv_fini(&series);
    return status;
}

static void put_bars(const ingest *in, const symbol *s, size_t row, bp__draft *draft)
{
    size_t t = 0; /* both are ascending, and each of its days is a session */
    for (size_t k = 0; k < s->daily.bars.n; k++) {
        const bp__draft_bar *bar = &s->daily.bars.row[k];
        while (in->sessions.day.row[t] < bar->dt) t++;
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            draft->daily[f][row * draft->num_sessions + t] = bar->value[f];
    }
}

static bp_status put_events(const ingest *in, const symbol *s, size_t row, bp__draft *draft)
{
    for (size_t k = 0; k < s->daily.events.n; k++) {
        const bp__csv_event *e = &s->daily.events.row[k];
        const int64_t sid = draft->sid[row];
        if (e->split != 1)
            BP_TRY(bp__draft_add_ratio(draft, BP__SPLITS, &(bp__draft_ratio){sid, e->date, 1 / e->split}));
        if (e->dividend == 0) continue;
        bp__draft_payout payout = {.sid = sid,
                                   .ex_date = e->date,
                                   .declared_date = BP_TIME_MISSING,
                                   .record_date = BP_TIME_MISSING,
                                   .pay_date = BP_TIME_MISSING,
                                   .amount = e->dividend};
        BP_TRY(bp__draft_add_dividend(draft, row, find_day(&in->sessions, e->date), &payout));
    }
    return BP_OK;
}

static bp_status put_daily(ingest *in, bp__draft *draft)
{
    size_t n = 0, row = 0;
    for (size_t i = 0; i < in->symbols.n; i++) n += in->symbols.row[i].path[DAILY] != NULL;
    BP_TRY(bp__draft_set_daily(draft, n, in->sessions.day.n));
    for (size_t t = 0; t < in->sessions.day.n; t++) draft->day[t] = in->sessions.day.row[t];
    for (size_t i = 0; i < in->symbols.n; i++) {
        symbol *s = &in->symbols.row[i];
        if (!s->path[DAILY]) continue;
        draft->sid[row] = (int64_t)i;
        put_bars(in, s, row, draft);
        BP_TRY(put_events(in, s, row, draft));
        bp__csv_fini(&s->daily);
        row++;
    }
    return BP_OK;
}

static bp_status put_asset(const symbol *s, size_t sid, bp__draft *draft)
{
    bp__draft_asset asset = {.sid = (int64_t)sid,
                             .symbol = s->name,
                             .name = s->name,
                             .exchange = "CSVDIR",
                             .start_date = s->start,
                             .end_date = s->end,
                             .first_traded = s->start,
                             .auto_close_date = s->end + BP_NS_PER_DAY};
    BP_TRY(bp__draft_add_asset(draft, &asset));
    return bp__draft_add_mapping(draft, &(bp__draft_mapping){asset.sid, s->name, s->start, s->end});
}

static bp_status read_all(ingest *in, const char *dir, bp__draft *draft)
{
    BP_TRY(list_files(in, dir));
    BP_TRY(read_daily(in));
    BP_TRY(put_daily(in, draft));
    for (size_t i = 0; i < in->symbols.n; i++) {
        BP_TRY(read_minute(in, i, draft));
        BP_TRY(put_asset(&in->symbols.row[i], i, draft));
    }
    for (size_t q = 0; q < in->calendar.day.n; q++) {
        int64_t day = in->calendar.day.row[q];
        bp__draft_session session = {day, day + MARKET_OPEN, day + MARKET_CLOSE};
        BP_TRY(bp__draft_add_session(draft, &session));
    }
    strcpy(draft->calendar_name, "XNYS");
    return BP_OK;
}

bp_status bp__csvdir_read(const char *dir, bp__ingest_progress *progress, void *context, bp__draft *draft)
{
    ingest in = {.progress = progress, .context = context};
    bp_status s = read_all(&in, dir, draft);
    fini(&in);
    return s;
}
