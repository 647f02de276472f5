/* DESIGN of an export to CSV files
 *
 *     DIR/daily/STEM.csv  DIR/minute/STEM.csv      one file for each asset with bars
 *     DIR/assets.csv symbols.csv adjustments.csv sessions.csv bundle.csv
 *
 * The first two are what any program reads, and what `ingest csvdir` has always read. The side files hold
 * what they cannot: sids, symbols of other times, pay dates, sessions without a bar, factors. Prices are
 * exact: the stored whole number over the factor, as a decimal. docs/export.md describes every column. A list of
 * all files, hidden, lets a newer export know them again (src/bundle/manifest.h).
 *
 * Threads take assets in turn: each reads a series under the lock of the file, and formats it without.
 */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/csvout.h"
#include "bundle/export.h"
#include "bundle/newdir.h"
#include "bundle/progress.h"
#include "bundle/side_files.h"
#include "core/day.h"
#include "core/text.h"
#include "core/workers.h"
#include "io/scale.h"

#define MAX_THREADS 64
#define NO_EXPONENT 99 /* of a factor that is no power of ten */

/* The folder ------------------------------------------------------------------------------------ */

static bool is_folder(const char *name)
{
    return strcmp(name, bp__frame_name[BP__DAILY]) == 0 || strcmp(name, bp__frame_name[BP__MINUTE]) == 0;
}

static bool is_file(const char *folder, const char *name)
{
    const size_t n = strlen(name);
    return *folder ? n > 4 && strcmp(name + n - 4, ".csv") == 0 : bp__is_side_file(name);
}

static const bp__newdir_kind kind = {.is_folder = is_folder, .is_file = is_file};

/* What is exported ------------------------------------------------------------------------------ */

typedef struct job {
    const bp__export *e;
    const bp_bundle *head;
    bp__newdir dir;
    bp__stem_of *asset; /* [assets] by sid */
    size_t assets;

    /* of the frame that is being written; under the lock */
    pthread_mutex_t lock;
    int frame, folder;
    size_t next, rows;
    uint64_t done, total;
    uint64_t *minute_days; /* bits: days on which there are minute bars */
    bp_status status;
    char text[BP_ERROR_TEXT_MAX];
} job;

static size_t rows_of(const job *j, bp_column column)
{
    bp_array a;
    return bp_bundle_column(j->head, column, &a) ? a.shape[0] : 0;
}

static const void *data_of(const job *j, bp_column column)
{
    bp_array a;
    return bp_bundle_column(j->head, column, &a) ? a.data : NULL;
}

static int64_t i64_at(const job *j, bp_column column, size_t row)
{
    return ((const int64_t *)data_of(j, column))[row];
}

static const char *text_at(const job *j, bp_column column, size_t row)
{
    return bp_bundle_text(j->head, ((const uint32_t *)data_of(j, column))[row]);
}

static int by_sid(const void *a, const void *b)
{
    const int64_t x = ((const bp__stem_of *)a)->sid, y = ((const bp__stem_of *)b)->sid;
    return (x > y) - (x < y);
}

static const bp__stem_of *find_asset(const job *j, int64_t sid)
{
    const bp__stem_of key = {.sid = sid};
    return bsearch(&key, j->asset, j->assets, sizeof key, by_sid);
}

/* Sids of all tables that have any, each once. A sid without a row in the asset table is its own symbol. */
static bp_status list_assets(job *j)
{
    static const bp_column from[] = {BP_COL_ASSET_SID, BP_COL_SID, BP_COL_MINUTE_SID};
    size_t most = 0, n = 0;
    for (int k = 0; k < 3; k++) most += rows_of(j, from[k]);
    j->asset = calloc(most + 1, sizeof *j->asset);
    if (!j->asset) BP_FAIL(BP_ENOMEM, "%s: no memory for its assets", j->e->path);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < rows_of(j, from[k]); i++) j->asset[n++].sid = i64_at(j, from[k], i);
    qsort(j->asset, n, sizeof *j->asset, by_sid);
    for (size_t i = 0; i < n; i++)
        if (j->assets == 0 || j->asset[i].sid != j->asset[j->assets - 1].sid)
            j->asset[j->assets++].sid = j->asset[i].sid;
    for (size_t i = 0; i < j->assets; i++) {
        bp__stem_of *asset = &j->asset[i];
        size_t row;
        snprintf(asset->decimal, sizeof asset->decimal, "%" PRId64, asset->sid);
        const bool listed = bp_bundle_asset_row(j->head, asset->sid, &row) == BP_OK;
        asset->symbol = listed ? text_at(j, BP_COL_ASSET_SYMBOL, row) : asset->decimal;
    }
    return bp__stems_make(j->asset, j->assets);
}

/* Bars ------------------------------------------------------------------------------------------ */

/* What a thread holds of one series. */
typedef struct series {
    size_t cap, n;
    int64_t *dt;
    double *value[BP__NUM_FIELDS];
    double factor[BP__NUM_FIELDS];
} series;

static void free_series(series *s)
{
    free(s->dt);
    for (int f = 0; f < BP__NUM_FIELDS; f++) free(s->value[f]);
    *s = (series){.cap = 0};
}

static bp_status need(series *s, size_t n)
{
    if (n <= s->cap) return BP_OK;
    free_series(s);
    s->dt = malloc(n * sizeof *s->dt);
    bool ok = s->dt;
    for (int f = 0; f < BP__NUM_FIELDS; f++) ok = (s->value[f] = malloc(n * sizeof *s->value[f])) && ok;
    if (!ok) BP_FAIL(BP_ENOMEM, "no memory for a series of %zu bars", n);
    s->cap = n;
    return BP_OK;
}

/* Under the lock: a copy of row `row`. */
static bp_status fetch(const job *j, size_t row, series *s)
{
    const bool daily = j->frame == BP__DAILY;
    const int64_t *dt = bp_bundle_sessions(j->head);
    const double *value[BP__NUM_FIELDS];
    size_t n = bp_bundle_num_sessions(j->head);
    BP_TRY(daily ? bp__h5_series_daily(j->e->file, row, value)
                 : bp__h5_series_minute(j->e->file, row, &dt, value, &n));
    BP_TRY(need(s, n));
    s->n = n;
    memcpy(s->dt, dt, n * sizeof *dt);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const bp_column column = (daily ? BP_COL_OPEN : BP_COL_MINUTE_OPEN) + (bp_column)f;
        memcpy(s->value[f], value[f], n * sizeof *value[f]);
        s->factor[f] = bp__h5_series_factor(j->e->file, column, row);
    }
    return BP_OK;
}

static int exponent_of(double factor)
{
    for (int k = BP__SCALE_COARSEST; k <= BP__SCALE_FINEST; k++)
        if (bp__scale_factor(k) == factor) return k;
    return NO_EXPONENT;
}

static bool is_blank(const series *s, size_t i)
{
    for (int f = 0; f < BP__VOLUME; f++)
        if (!isnan(s->value[f][i])) return false;
    return s->value[BP__VOLUME][i] == 0;
}

static void put_bar(bp__csvout *out, const series *s, size_t i, const int exponent[BP__NUM_FIELDS],
                    bool daily)
{
    if (daily)
        bp__csvout_time(out, s->dt[i]);
    else
        bp__csvout_full_time(out, s->dt[i]);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const double x = s->value[f][i];
        if (isnan(x))
            bp__csvout_text(out, "");
        else if (exponent[f] == NO_EXPONENT)
            bp__csvout_f64(out, x);
        else
            bp__csvout_scaled(out, bp__scale_store(x, s->factor[f]), exponent[f]);
    }
    bp__csvout_end_line(out);
}

static void mark_days(job *j, const series *s)
{
    int64_t day = INT64_MIN; /* of the bar before */
    for (size_t i = 0; i < s->n; i++) {
        const int64_t dt = s->dt[i]; /* of any file: in no order, perhaps */
        if (is_blank(s, i) || dt < INT64_MIN + BP_NS_PER_DAY ||
            (uint64_t)dt - (uint64_t)day < (uint64_t)BP_NS_PER_DAY)
            continue;
        day = bp__day_of(dt);
        pthread_mutex_lock(&j->lock);
        bp__draft_mark_day(j->minute_days, day);
        pthread_mutex_unlock(&j->lock);
    }
}

static bp_status write_series(job *j, int64_t sid, const series *s)
{
    char name[NAME_MAX + 1], label[PATH_MAX + 2 * NAME_MAX];
    int exponent[BP__NUM_FIELDS];
    size_t blank = 0;
    bp__csvout out;
    snprintf(name, sizeof name, "%s.csv", find_asset(j, sid)->stem);
    snprintf(label, sizeof label, "%s/%s/%s", j->dir.path, bp__frame_name[j->frame], name);
    for (size_t i = 0; i < s->n; i++) blank += is_blank(s, i);
    if (blank == s->n) return BP_OK; /* no file; its factors in assets.csv say that there is a row */
    for (int f = 0; f < BP__NUM_FIELDS; f++) exponent[f] = exponent_of(s->factor[f]);
    BP_TRY(bp__csvout_open(j->folder, name, label, "date,open,high,low,close,volume", &out));
    for (size_t i = 0; i < s->n; i++)
        if (!is_blank(s, i)) put_bar(&out, s, i, exponent, j->frame == BP__DAILY);
    if (j->frame == BP__MINUTE) mark_days(j, s);
    BP_TRY(bp__csvout_close(&out));
    pthread_mutex_lock(&j->lock);
    const bp_status listed =
        bp__manifest_add(&j->dir.made, bp__frame_name[j->frame], name, out.bytes, out.crc);
    pthread_mutex_unlock(&j->lock);
    return listed;
}

/* Threads --------------------------------------------------------------------------------------- */

/* Take the next row and read it. @return false: there is none, or somebody has failed */
static bool take(job *j, series *s, int64_t *sid)
{
    pthread_mutex_lock(&j->lock);
    bool more = j->status == BP_OK && j->next < j->rows;
    if (more) {
        *sid = i64_at(j, j->frame == BP__DAILY ? BP_COL_SID : BP_COL_MINUTE_SID, j->next);
        const bp_status status = fetch(j, j->next++, s);
        more = status == BP_OK;
        if (!more) {
            j->status = status;
            snprintf(j->text, sizeof j->text, "%s", bp_error_text());
        }
    }
    pthread_mutex_unlock(&j->lock);
    return more;
}

static void finished(job *j, bp_status status, size_t bars)
{
    pthread_mutex_lock(&j->lock);
    if (bp__failed(status) && j->status == BP_OK) {
        j->status = status;
        snprintf(j->text, sizeof j->text, "%s", bp_error_text());
    }
    j->done += bars;
    const uint64_t done = j->done;
    pthread_mutex_unlock(&j->lock);
    BP__TELL(&j->e->progress, "exporting", done, j->total);
}

static void *work(void *context)
{
    job *j = context;
    series s = {.cap = 0};
    int64_t sid;
    while (take(j, &s, &sid)) finished(j, write_series(j, sid, &s), s.n);
    free_series(&s);
    return NULL;
}

static size_t num_threads(const job *j)
{
    cpu_set_t cpus;
    size_t n = j->e->threads;
    if (n == 0 && sched_getaffinity(0, sizeof cpus, &cpus) == 0) n = (size_t)CPU_COUNT(&cpus);
    if (n > MAX_THREADS) n = MAX_THREADS;
    return n < j->rows ? n : j->rows;
}

static bp_status write_frame(job *j, int frame)
{
    pthread_t thread[MAX_THREADS];
    size_t started = 0;
    j->frame = frame;
    j->next = 0;
    j->rows = frame == BP__DAILY ? bp_bundle_num_assets(j->head) : rows_of(j, BP_COL_MINUTE_SID);
    if (j->rows == 0) return BP_OK;
    BP_TRY(bp__newdir_folder(&j->dir, bp__frame_name[frame], &j->folder));
    const size_t n = num_threads(j);
    /* the calling thread works as well: one that cannot be started is only missed */
    while (started + 1 < n && bp__thread_start(NULL, work, j, "bp-export", &thread[started]) == BP_OK)
        started++;
    work(j);
    for (size_t i = 0; i < started; i++) pthread_join(thread[i], NULL);
    close(j->folder);
    return j->status == BP_OK ? BP_OK : bp__fail_text(j->status, j->text);
}

/* All of it ------------------------------------------------------------------------------------- */

static bp_status write_all(job *j)
{
    j->total = bp_bundle_num_assets(j->head) * bp_bundle_num_sessions(j->head) + rows_of(j, BP_COL_MINUTE_DT);
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++) BP_TRY(write_frame(j, frame));
    BP_TRY(bp__side_files_write(j->e->file, &(bp__side_facts){j->asset, j->assets, j->minute_days}, &j->dir));
    return bp__h5_series_check(j->e->file);
}

static bp_status write_folder(job *j)
{
    BP_TRY(bp__newdir_begin(j->e->to, j->e->replace, &kind, &j->dir));
    bp_status s = write_all(j);
    if (s == BP_OK) return bp__newdir_commit(&j->dir);
    bp__newdir_abort(&j->dir);
    return s;
}

bp_status bp__export_csvdir(const bp__export *e)
{
    job *j = calloc(1, sizeof *j);
    if (!j) BP_FAIL(BP_ENOMEM, "%s: no memory", e->path);
    j->e = e;
    j->head = bp__h5_series_head(e->file);
    pthread_mutex_init(&j->lock, NULL); /* cannot fail with default attributes on Linux */
    j->minute_days = calloc(BP__DAY_WORDS, sizeof *j->minute_days);
    bp_status s = j->minute_days ? list_assets(j) : bp__fail(BP_ENOMEM, "%s: no memory", e->path);
    if (s == BP_OK) s = write_folder(j);
    bp__progress_hide();
    if (s == BP_OK)
        bp__text_line(stdout, "%s: %zu assets, %zu sessions, %zu minute bars", e->to, j->assets,
                      bp_bundle_num_sessions(j->head), rows_of(j, BP_COL_MINUTE_DT));
    pthread_mutex_destroy(&j->lock);
    bp__stems_free(j->asset, j->assets);
    free(j->minute_days);
    free(j->asset);
    free(j);
    return s;
}
