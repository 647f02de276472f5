/* DESIGN. A job per file, in a table that threads take from, the largest file first. A job reads its file
 * into the draft and keeps what is small: events, days, what was read. When all are done, one thread goes
 * through them in the order of sids, so that the bundle does not depend on who was faster. A file that is
 * bad has errors in the report and no bars in the draft. Only what makes going on impossible (no memory, no
 * room for the spill) ends the jobs of others. */
#include "io/ingest/csvdir.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/workers.h"
#include "io/ingest/csvlist.h"
#include "io/ingest/sidefile.h"
#include "io/ingest/wanted.h"

#define TELL_ROWS   65536
#define MAX_THREADS 256

typedef struct job {
    const char *path;   /* borrowed of the list; NULL: there is no such file */
    const char *symbol; /* borrowed; NULL: assets.csv says whose the file is */
    uint64_t size;
    bp__series series;
    bp__input_stamp stamp;
    bool has_dividends, has_splits; /* columns */
} job;

typedef struct asset {
    int64_t sid;
    const char *symbol;         /* borrowed */
    const bp__side_asset *side; /* NULL: known by its symbol alone */
    job job[BP__NUM_FRAMES];
    bool bad; /* not even begun */
} asset;

typedef struct ingest {
    bp__csv_work work;
    bp__csv_list list;
    bp__side side;
    BP__TABLE(asset) assets;
    BP__TABLE(job *) queue; /* by size */
    _Atomic size_t next;    /* of the queue */
    pthread_mutex_t lock;   /* of what follows */
    bp_status status;       /* of what ended the ingest */
    char text[BP_ERROR_TEXT_MAX];
} ingest;

static void fini(ingest *in)
{
    for (size_t i = 0; i < in->assets.n; i++)
        for (int f = 0; f < BP__NUM_FRAMES; f++) bp__series_fini(&in->assets.row[i].job[f].series);
    free(in->assets.row);
    free(in->queue.row);
    bp__side_fini(&in->side);
    bp__csv_list_fini(&in->list);
    bp__csv_work_end(&in->work);
    pthread_mutex_destroy(&in->lock);
}

/* Which files are whose ------------------------------------------------------------------------- */

static bp_status add_asset(ingest *in, int64_t sid, const char *symbol, const bp__side_asset *side,
                           bp__csv_entry *entry)
{
    asset a = {.sid = sid, .symbol = symbol, .side = side};
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        bp__series_init(&a.job[f].series, f, sid);
        if (side) memcpy(a.job[f].series.fixed, side->factor[f], sizeof side->factor[f]);
        if (!entry) continue;
        a.job[f].path = entry->path[f];
        a.job[f].size = entry->size[f];
        a.job[f].symbol = side ? NULL : symbol;
    }
    a.bad = entry && entry->bad;
    BP__APPEND(&in->assets, a);
    return BP_OK;
}

static int by_stem(const void *key, const void *entry)
{
    return strcmp(key, ((const bp__csv_entry *)entry)->stem);
}

static bool is_listed(const void *context, const char *symbol)
{
    const ingest *in = context;
    for (size_t i = 0; i < in->side.assets.n; i++)
        if (strcmp(in->side.assets.row[i].asset.symbol, symbol) == 0) return true;
    return !in->side.has_assets &&
           bsearch(symbol, in->list.entries.row, in->list.entries.n, sizeof *in->list.entries.row, by_stem);
}

/* The name of a file within the folder. */
static const char *within(const char *dir, const char *path)
{
    path += strlen(dir);
    return path + strspn(path, "/");
}

/* Assets of assets.csv, whether they have files or not. */
static bp_status match_side(ingest *in, const char *dir)
{
    bp__csv_entry *entries = in->list.entries.row;
    bool *taken = calloc(in->list.entries.n + 1, sizeof *taken);
    if (!taken) BP_FAIL(BP_ENOMEM, "%s: no memory", dir);
    bp_status s = BP_OK;
    for (size_t i = 0; i < in->side.assets.n && s == BP_OK; i++) {
        const bp__side_asset *a = &in->side.assets.row[i];
        bp__csv_entry *e = bsearch(a->file, entries, in->list.entries.n, sizeof *entries, by_stem);
        if (e && taken[e - entries])
            bp__report_add(
                in->work.in->report, BP__ERROR, dir, 0,
                "assets.csv: two assets have files of the name '%.60s'; say which one with a column 'file'",
                a->file);
        if (e) taken[e - entries] = true;
        if (bp__csv_work_wants(&in->work, a->asset.symbol))
            s = add_asset(in, a->asset.sid, a->asset.symbol, a, e);
    }
    for (size_t i = 0; i < in->list.entries.n; i++)
        for (int f = 0; f < BP__NUM_FRAMES; f++)
            if (!taken[i] && entries[i].path[f])
                bp__report_add(
                    in->work.in->report, BP__ERROR, entries[i].path[f], 0,
                    "assets.csv has no asset with a file of this name; add a row, or remove the file");
    free(taken);
    return s;
}

static bp_status match_files(ingest *in, const char *dir)
{
    /* rows of assets.csv that cannot be read may be what is asked for */
    if (!in->side.incomplete) BP_TRY(bp__wanted_check(in->work.in->options->symbols, dir, is_listed, in));
    if (in->side.has_assets) return match_side(in, dir);
    for (size_t i = 0; i < in->list.entries.n; i++) {
        bp__csv_entry *e = &in->list.entries.row[i];
        const char *problem = bp__symbol_problem(e->stem);
        if (problem) {
            bp__report_add(in->work.in->report, BP__ERROR,
                           e->path[e->path[BP__DAILY] ? BP__DAILY : BP__MINUTE], 0, "a symbol that %s",
                           problem);
            e->bad = true;
        }
        if (bp__csv_work_wants(&in->work, e->stem)) BP_TRY(add_asset(in, (int64_t)i, e->stem, NULL, e));
    }
    return BP_OK;
}

static int by_size(const void *a, const void *b)
{
    const job *x = *(job *const *)a, *y = *(job *const *)b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return strcmp(x->path, y->path);
}

static bp_status make_queue(ingest *in)
{
    for (size_t i = 0; i < in->assets.n; i++)
        for (int f = 0; f < BP__NUM_FRAMES; f++) {
            job *j = &in->assets.row[i].job[f];
            if (!j->path || in->assets.row[i].bad) continue;
            BP__APPEND(&in->queue, j);
            in->work.total += j->size;
        }
    if (in->queue.n > 1) qsort(in->queue.row, in->queue.n, sizeof *in->queue.row, by_size);
    return BP_OK;
}

/* Reading --------------------------------------------------------------------------------------- */

/* What is wrong with a file is in the report; what is returned ends the ingest. */
static bp_status read_rows(ingest *in, job *j, bp__csv_file *file)
{
    bool more = true;
    bp__csv_row row;
    bp__draft *draft = in->work.in->draft;
    for (uint64_t n = 1;; n++) {
        if (bp__csv_row_next(file, &row, &more) != BP_OK) {
            bp__report_failure(file->rules->report, j->path);
            file->bad = true;
            break;
        }
        if (!more) break;
        if (row.good) BP_TRY(bp__series_add(&j->series, file, &row, draft));
        if (n % TELL_ROWS == 0) bp__csv_work_tell(&in->work);
    }
    if (!file->bad && bp__csv_finish(file, &j->stamp) != BP_OK) {
        bp__report_failure(file->rules->report, j->path);
        file->bad = true;
    }
    if (j->symbol && !file->bad) bp__csv_check_symbol(file, j->symbol);
    j->series.bad |= file->bad;
    j->has_dividends = file->has_dividends;
    j->has_splits = file->has_splits;
    return bp__series_finish(&j->series, file, NULL, draft);
}

static bp_status read_file(ingest *in, job *j)
{
    bp__csv_file *file = malloc(sizeof *file);
    if (!file) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", j->path);
    bp_status s = bp__csv_open(j->path, j->series.frame, &in->work.rules, file);
    if (s == BP_ENOMEM) {
        free(file);
        return s;
    }
    if (s == BP_OK) {
        s = read_rows(in, j, file);
        bp__csv_close(file);
    } else {
        bp__report_failure(in->work.in->report, j->path);
        j->series.bad = true;
        s = BP_OK;
    }
    free(file);
    bp__csv_work_tell(&in->work);
    return s;
}

static void *work_off(void *arg)
{
    ingest *in = arg;
    for (;;) {
        const size_t i = atomic_fetch_add_explicit(&in->next, 1, memory_order_relaxed);
        if (i >= in->queue.n) return NULL;
        const bp_status s = read_file(in, in->queue.row[i]);
        if (s == BP_OK) continue;
        pthread_mutex_lock(&in->lock);
        if (in->status == BP_OK) {
            in->status = s;
            snprintf(in->text, sizeof in->text, "%s", bp_error_text());
        }
        pthread_mutex_unlock(&in->lock);
        atomic_store_explicit(&in->next, in->queue.n, memory_order_relaxed); /* no further files */
        return NULL;
    }
}

static size_t num_threads(const ingest *in)
{
    cpu_set_t set;
    size_t n = in->work.in->options->threads;
    if (n == 0) n = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    if (n > in->queue.n) n = in->queue.n;
    return n > MAX_THREADS ? MAX_THREADS : n;
}

/* This thread is one of them; where no other can be started, it is the only one. */
static bp_status read_files(ingest *in)
{
    pthread_t thread[MAX_THREADS];
    size_t started = 0;
    const size_t wanted = num_threads(in);
    while (started + 1 < wanted && bp__thread_start(NULL, work_off, in, "bp-csv", &thread[started]) == BP_OK)
        started++;
    work_off(in);
    for (size_t i = 0; i < started; i++) pthread_join(thread[i], NULL);
    return in->status == BP_OK ? BP_OK : bp__fail_text(in->status, in->text);
}

/* Putting together ------------------------------------------------------------------------------ */

static bool is_kept(const asset *a, int frame)
{
    return a->job[frame].path && !a->bad && !a->job[frame].series.bad;
}

static const bp__event *find_event(const bp__events *events, int64_t day)
{
    for (size_t i = 0; i < events->n; i++)
        if (events->row[i].day == day) return &events->row[i];
    return NULL;
}

/* Events of a minute file beside a daily one: what the daily file has columns for must be there as well. */
static bp_status merge_events(ingest *in, asset *a)
{
    const job *minute = &a->job[BP__MINUTE];
    job *daily = &a->job[BP__DAILY];
    char day[32];
    const size_t n = daily->series.events.n;
    for (size_t i = 0; i < minute->series.events.n; i++) {
        const bp__event *m = &minute->series.events.row[i];
        const bp__events known = {daily->series.events.row, n, 0};
        const bp__event *d = find_event(&known, m->day);
        const double dividend = d ? d->dividend : 0, split = d ? d->split : 1;
        const bool other_dividend = daily->has_dividends && m->dividend != 0 && m->dividend != dividend,
                   other_split = daily->has_splits && m->split != 1 && m->split != split;
        if (other_dividend || other_split)
            bp__report_add(in->work.in->report, BP__ERROR, minute->path, m->line,
                           "a %s on %s that the daily file does not have; mend one of them",
                           other_dividend ? "dividend" : "split", bp__day_text(m->day, day));
        const bp__event more = {m->day, daily->has_dividends || dividend != 0 ? 0 : m->dividend,
                                daily->has_splits || split != 1 ? 1 : m->split, m->line, m->since};
        if (more.dividend != 0 || more.split != 1) BP__APPEND(&daily->series.events, more);
    }
    return BP_OK;
}

static bp_status put_events(ingest *in, asset *a)
{
    const bool daily = is_kept(a, BP__DAILY), minute = is_kept(a, BP__MINUTE);
    if (daily && minute) BP_TRY(merge_events(in, a));
    if (daily) return bp__csv_work_add_events(&in->work, a->sid, &a->job[BP__DAILY].series.events, true);
    if (minute) return bp__csv_work_add_events(&in->work, a->sid, &a->job[BP__MINUTE].series.events, false);
    return BP_OK;
}

static bp_status note_no_files(ingest *in, const char *dir)
{
    char *path = NULL;
    if (asprintf(&path, "%s/assets.csv", dir) < 0) BP_FAIL(BP_ENOMEM, "%s: no memory", dir);
    bp__remark(in->work.rules.remarks, BP__NOTE, path, 0, 1, "assets without a file of bars");
    free(path);
    return BP_OK;
}

/* Where assets.csv names factors and there is no file, the bundle had a series without any bar. */
static bp_status put_empty(ingest *in, const asset *a)
{
    bp__draft *draft = in->work.in->draft;
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        const double *fixed = a->job[f].series.fixed;
        if (a->job[f].path || (!(fixed[BP__PRICE] > 0) && !(fixed[BP__AMOUNT] > 0))) continue;
        BP_TRY(bp__draft_add_bars(draft, f, a->sid, NULL, 0, NULL));
        bp__draft_fix_factors(draft, f, a->sid, fixed[BP__PRICE], fixed[BP__AMOUNT]);
    }
    return BP_OK;
}

static bp_status put_asset(ingest *in, asset *a, const char *dir)
{
    bool any = false, none = true;
    int64_t first = BP_TIME_MISSING, last = BP_TIME_MISSING;
    for (int f = 0; f < BP__NUM_FRAMES; f++) {
        none &= !a->job[f].path;
        if (!is_kept(a, f)) continue;
        any = true;
        BP_TRY(bp__csv_work_read(&in->work, within(dir, a->job[f].path), &a->job[f].stamp));
        BP_TRY(bp__dayset_merge(&in->work.days, &a->job[f].series.days));
        bp__dayset_span(&a->job[f].series.days, &first, &last);
    }
    if (!any && !(none && a->side)) return BP_OK;
    if (none) BP_TRY(note_no_files(in, dir));
    BP_TRY(put_empty(in, a));
    BP_TRY(put_events(in, a));
    if (!a->side) return bp__csv_work_add_asset(&in->work, a->sid, a->symbol, first, last);
    bp__draft_asset made = a->side->asset;
    bp__csv_work_fill_dates(&made, first, last);
    return bp__draft_add_asset(in->work.in->draft, &made);
}

static bp_status add_mappings(ingest *in)
{
    const bp__draft *draft = in->work.in->draft;
    for (size_t i = 0; i < draft->assets.n; i++) {
        const bp__draft_asset *a = &draft->assets.row[i];
        bp__draft_mapping m = {a->sid, a->symbol, a->start_date, a->end_date};
        BP_TRY(bp__draft_add_mapping(in->work.in->draft, &m));
    }
    return BP_OK;
}

/* Days of bars that sessions.csv does not have. */
static void check_sessions(ingest *in, const char *dir)
{
    char text[32];
    for (int64_t day = INT64_MIN; bp__dayset_next(&in->work.days, &day); day += BP_NS_PER_DAY)
        if (!bp__dayset_has(&in->work.listed, day))
            bp__report_add(in->work.in->report, BP__ERROR, dir, 0,
                           "sessions.csv has no session %s, on which there are bars",
                           bp__day_text(day, text));
}

static bp_status put_together(ingest *in, const char *dir)
{
    bool symbols, sessions;
    for (size_t i = 0; i < in->assets.n; i++) BP_TRY(put_asset(in, &in->assets.row[i], dir));
    in->side.num_files = in->list.entries.n;
    BP_TRY(bp__side_add(&in->work, dir, &in->side, &symbols, &sessions));
    if (in->side.has_assets && !symbols) BP_TRY(add_mappings(in));
    BP_TRY(bp__side_check_symbols(&in->work, dir, &in->side));
    if (sessions)
        check_sessions(in, dir);
    else
        BP_TRY(bp__csv_work_add_sessions(&in->work));
    return bp__csv_work_finish(&in->work);
}

static bp_status read_all(ingest *in, const char *dir)
{
    BP_TRY(bp__csv_list_make(dir, in->work.in->report, &in->list));
    BP_TRY(bp__side_read(&in->work, dir, &in->side));
    in->work.rules.no_events = in->side.has_adjustments;
    in->work.rules.may_be_empty = in->side.has_assets;
    BP_TRY(match_files(in, dir));
    BP_TRY(make_queue(in));
    BP_TRY(read_files(in));
    return put_together(in, dir);
}

bp_status bp__csvdir_read(bp__ingest *in, const char *dir)
{
    ingest work = {.status = BP_OK};
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--; /* paths are made of it */
    char *folder = strndup(dir, n);
    if (!folder) BP_FAIL(BP_ENOMEM, "%s: no memory", dir);
    bp_status s = bp__csv_work_begin(&work.work, in, folder);
    if (s == BP_OK) {
        pthread_mutex_init(&work.lock, NULL);
        s = read_all(&work, folder);
        fini(&work);
    }
    free(folder);
    return s;
}

const bp__ingest_source bp__csvdir_source = {
    .verb = "ingest",
    .name = "csvdir",
    .help = "a folder of CSV files, one for each symbol",
    .read = bp__csvdir_read,
};
