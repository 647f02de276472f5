/* DESIGN
 *
 * A block is what one thread works on at a time: of daily bars the whole series of some assets, one chunk of each of
 * the five fields; of minute bars one chunk of each field and of dt. Threads take blocks in turn, read and scatter the
 * bars, shuffle and deflate; then each waits until all earlier blocks are written, and writes its own. Blocks of a
 * bundle cost about the same, so that little time is spent waiting, the file is the same for any number of threads,
 * and there are never more blocks in memory than threads.
 *
 * Lock order: job.lock and the lock of libhdf5 are never held together.
 */
#include "io/hdf5/h5blocks.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/workers.h"
#include "io/hdf5/h5pack.h"
#include "io/scale.h"

#define MAX_THREADS 64
#define STRIP       2048 /* bars that are read at a time: they stay in the cache until they are scattered */

/* What all threads share. */
typedef struct job {
    const bp__h5bars *bars;
    const bp__draft *draft;
    const bp__write_options *options;

    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t moved;
    size_t next, turn; /* block to be taken, to be written */
    bp_status status;  /* the first failure, and its text */
    char text[BP_ERROR_TEXT_MAX];
} job;

/* What a thread has for itself. */
typedef struct worker {
    job *job;
    bp__packer *packer;             /* NULL: chunks are stored as they are */
    uint32_t *cell[BP__NUM_FIELDS]; /* [across][chunk] */
    int64_t *dt;                    /* [minute chunk] */
    double *look[BP__NUM_FIELDS];   /* [D] */
    bp__bar strip[STRIP];
} worker;

/* Factors --------------------------------------------------------------------------------------- */

int bp__h5_scale_of(int field)
{
    return field == BP__VOLUME ? BP__AMOUNT : BP__PRICE;
}

double bp__h5_factor_of(const bp__draft *draft, int frame, const bp__draft_series *series, int scale)
{
    if (draft->by_asset[frame][scale] && series->factor[scale] > 0) return series->factor[scale];
    return draft->factor[frame][scale];
}

static void factors_of_fields(const job *j, int frame, const bp__draft_series *series,
                              double factor[BP__NUM_FIELDS])
{
    for (int f = 0; f < BP__NUM_FIELDS; f++)
        factor[f] = bp__h5_factor_of(j->draft, frame, series, bp__h5_scale_of(f));
}

/* Writing --------------------------------------------------------------------------------------- */

/* Wait until all earlier blocks are written. @return false: something failed, nothing is to be written */
static bool wait_for_turn(job *j, size_t block)
{
    pthread_mutex_lock(&j->lock);
    while (j->turn != block && j->status == BP_OK) pthread_cond_wait(&j->moved, &j->lock);
    bool mine = j->status == BP_OK;
    pthread_mutex_unlock(&j->lock);
    return mine;
}

static void end_turn(job *j)
{
    pthread_mutex_lock(&j->lock);
    j->turn++;
    pthread_cond_broadcast(&j->moved);
    pthread_mutex_unlock(&j->lock);
}

/* A chunk that is ready to be written. */
typedef struct ready {
    hid_t set;
    hsize_t at[2];
    const void *bytes;
    size_t size;
    uint32_t mask;
} ready;

/* There is room for a checksum behind the cells. */
static void make_ready(worker *w, void *cells, size_t n, size_t width, ready *chunk)
{
    const size_t size = w->packer ? bp__pack(w->packer, cells, n, width, &chunk->mask) : n * width;
    chunk->bytes = cells;
    chunk->size = bp__seal(cells, size);
}

static bp_status write_chunks(const job *j, const ready *chunk, size_t n)
{
    bp_status s = BP_OK;
    bp__h5_lock();
    for (size_t i = 0; i < n && s == BP_OK; i++) {
        if (H5Dwrite_chunk(chunk[i].set, H5P_DEFAULT, chunk[i].mask, chunk[i].at, chunk[i].size,
                           chunk[i].bytes) < 0)
            s = bp__h5_out_fail(j->bars->out, "bars");
        else
            s = bp__h5_written(j->bars->out);
    }
    bp__h5_unlock();
    return s;
}

static bp_status write_block(job *j, size_t block, const ready *chunk, size_t n)
{
    if (!wait_for_turn(j, block)) return BP_OK;
    BP_TRY(write_chunks(j, chunk, n));
    end_turn(j);
    BP__TELL(&j->options->progress, "writing", block + 1, j->bars->blocks);
    return BP_OK;
}

/* Daily bars ------------------------------------------------------------------------------------ */

static bp_status no_session(const job *j, const bp__draft_series *series, int64_t dt)
{
    return bp__fail(BP_EINVAL, "%s: sid %lld has a bar at %lld ns, which is no session",
                    j->bars->out->file.label, (long long)series->sid, (long long)dt);
}

/* The values of a series as they will be read back. `at`: its first cell. */
static void look(worker *w, size_t row, const double factor[BP__NUM_FIELDS], uint64_t at)
{
    const job *j = w->job;
    const double *value[BP__NUM_FIELDS];
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        const bool price = f != BP__VOLUME;
        for (size_t t = 0; t < j->draft->days.n; t++)
            w->look[f][t] = bp__scale_read(w->cell[f][at + t], factor[f], price);
        value[f] = w->look[f];
    }
    j->options->look(j->options->look_context, row, value);
}

/* To where a day is, from where that of the bar before is. */
static bp_status go_to_day(const job *j, const bp__draft_series *series, int64_t dt, size_t *t)
{
    const int64_t *day = j->draft->days.row;
    const size_t days = j->draft->days.n;
    while (*t < days && day[*t] < dt) (*t)++;
    return *t < days && day[*t] == dt ? BP_OK : no_session(j, series, dt);
}

static bp_status scatter_bars(worker *w, const bp__draft_series *series, const bp__bar *bar, size_t n,
                              const double factor[BP__NUM_FIELDS], uint64_t at, size_t *t)
{
    for (const bp__bar *end = bar + n; bar < end; bar++) {
        BP_TRY(go_to_day(w->job, series, bar->dt, t));
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            w->cell[f][at + *t] = bp__scale_store(bar->value[f], factor[f]);
    }
    return BP_OK;
}

/* Bars that are packed with the factors of the file are in it as they are. */
static bool are_stored(const bp__draft_view *view, const double factor[BP__NUM_FIELDS])
{
    return view->packed && factor[BP__OPEN] == BP__PACKED_PRICE_FACTOR &&
           factor[BP__VOLUME] == BP__PACKED_AMOUNT_FACTOR;
}

static bp_status scatter_packed(worker *w, const bp__draft_series *series, const bp__packed_bar *bar,
                                size_t n, uint64_t at, size_t *t)
{
    for (const bp__packed_bar *end = bar + n; bar < end; bar++) {
        BP_TRY(go_to_day(w->job, series, bp__packed_time(bar), t));
        for (int f = 0; f < BP__NUM_FIELDS; f++) w->cell[f][at + *t] = bar->value[f];
    }
    return BP_OK;
}

/* `n` bars from `first` on, of which no more than a strip. @param[out] view  of bars unless they are stored already */
static bp_status look_at_bars(worker *w, const bp__draft_series *series, size_t first, size_t n,
                              const double factor[BP__NUM_FIELDS], bp__draft_view *view)
{
    BP_TRY(bp__draft_look(w->job->draft, series, first, n, w->strip, view));
    if (!view->packed || are_stored(view, factor)) return BP_OK;
    bp__bars_unpack(view->form, view->packed, n, w->strip);
    *view = (bp__draft_view){.bars = w->strip};
    return BP_OK;
}

static bp_status scatter_series(worker *w, size_t row, const bp__draft_series *series, uint64_t at)
{
    const job *j = w->job;
    double factor[BP__NUM_FIELDS];
    size_t t = 0;
    factors_of_fields(j, BP__DAILY, series, factor);
    for (size_t i = 0; i < series->bars; i += STRIP) {
        const size_t n = series->bars - i < STRIP ? series->bars - i : STRIP;
        bp__draft_view view;
        BP_TRY(look_at_bars(w, series, i, n, factor, &view));
        BP_TRY(view.packed ? scatter_packed(w, series, view.packed, n, at, &t)
                           : scatter_bars(w, series, view.bars, n, factor, at, &t));
    }
    if (j->options->look) look(w, row, factor, at);
    return BP_OK;
}

/* Where several chunks lie side by side, each has one row: the cells of a series are in one line either way. */
static bp_status fill_daily(worker *w, uint64_t first)
{
    const bp__h5bars *b = w->job->bars;
    const bp__draft *d = w->job->draft;
    for (int f = 0; f < BP__NUM_FIELDS; f++)
        memset(w->cell[f], 0, b->across * b->chunk[0] * b->chunk[1] * sizeof *w->cell[f]);
    for (uint64_t row = first; row < first + b->chunk[0] && row < b->rows; row++)
        BP_TRY(scatter_series(w, row, &d->series[BP__DAILY].row[row], (row - first) * b->chunk[1]));
    return BP_OK;
}

static bp_status do_daily(worker *w, size_t block)
{
    const bp__h5bars *b = w->job->bars;
    const uint64_t first = block * b->chunk[0], cells = b->chunk[0] * b->chunk[1];
    BP_TRY(fill_daily(w, first));
    ready *chunk = calloc(BP__NUM_FIELDS * b->across, sizeof *chunk);
    if (!chunk) BP_FAIL(BP_ENOMEM, "%s: no memory for a list of chunks", b->out->file.label);
    for (int f = 0; f < BP__NUM_FIELDS; f++)
        for (uint64_t x = b->across;
             x-- > 0;) { /* from the last on: each moves up, and its checksum follows */
            ready *one = &chunk[(uint64_t)f * b->across + x];
            uint32_t *const from = w->cell[f] + x * cells, *const to = from + x;
            if (x > 0) memmove(to, from, cells * sizeof *to);
            *one = (ready){.set = b->set[BP__DAILY][f], .at = {first, x * b->chunk[1]}};
            make_ready(w, to, cells, sizeof *to, one);
        }
    bp_status s = write_block(w->job, block, chunk, BP__NUM_FIELDS * b->across);
    free(chunk);
    return s;
}

/* Minute bars ----------------------------------------------------------------------------------- */

static void put_bars(worker *w, uint64_t at, const bp__bar *bars, size_t n,
                     const double factor[BP__NUM_FIELDS])
{
    for (size_t i = 0; i < n; i++) {
        w->dt[at + i] = bars[i].dt;
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            w->cell[f][at + i] = bp__scale_store(bars[i].value[f], factor[f]);
    }
}

static void put_packed(worker *w, uint64_t at, const bp__packed_bar *bars, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        w->dt[at + i] = bp__packed_time(&bars[i]);
        for (int f = 0; f < BP__NUM_FIELDS; f++) w->cell[f][at + i] = bars[i].value[f];
    }
}

/* Bars of a series that lie in first .. first + minute_chunk of all. */
static bp_status put_minutes(worker *w, size_t i, uint64_t first)
{
    const bp__h5bars *b = w->job->bars;
    const bp__draft_series *series = &w->job->draft->series[BP__MINUTE].row[i];
    const uint64_t begin = b->minute_first[i], end = b->minute_first[i + 1], last = first + b->minute_chunk;
    const uint64_t to = end < last ? end : last;
    double factor[BP__NUM_FIELDS];
    factors_of_fields(w->job, BP__MINUTE, series, factor);
    for (uint64_t k = begin > first ? begin : first; k < to; k += STRIP) {
        const size_t n = to - k < STRIP ? to - k : STRIP;
        bp__draft_view view;
        BP_TRY(look_at_bars(w, series, k - begin, n, factor, &view));
        if (view.packed)
            put_packed(w, k - first, view.packed, n);
        else
            put_bars(w, k - first, view.bars, n, factor);
    }
    return BP_OK;
}

/* The series that bar `k` of all belongs to: the last one that begins at it or before. */
static size_t series_of_minute(const bp__h5bars *b, size_t num_series, uint64_t k)
{
    size_t low = 0, high = num_series;
    while (high - low > 1) {
        const size_t mid = low + (high - low) / 2;
        if (b->minute_first[mid] <= k)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static bp_status fill_minutes(worker *w, uint64_t first)
{
    const bp__h5bars *b = w->job->bars;
    const size_t m = w->job->draft->series[BP__MINUTE].n;
    memset(w->dt, 0, b->minute_chunk * sizeof *w->dt);
    for (int f = 0; f < BP__NUM_FIELDS; f++) memset(w->cell[f], 0, b->minute_chunk * sizeof *w->cell[f]);
    for (size_t i = series_of_minute(b, m, first); i < m && b->minute_first[i] < first + b->minute_chunk; i++)
        BP_TRY(put_minutes(w, i, first));
    return BP_OK;
}

static bp_status do_minutes(worker *w, size_t block)
{
    const bp__h5bars *b = w->job->bars;
    const uint64_t n = b->minute_chunk, first = (block - b->daily_blocks) * n;
    ready chunk[BP__NUM_FIELDS + 1];
    BP_TRY(fill_minutes(w, first));
    chunk[BP__NUM_FIELDS] = (ready){.set = b->dt, .at = {first}};
    make_ready(w, w->dt, n, sizeof *w->dt, &chunk[BP__NUM_FIELDS]);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        chunk[f] = (ready){.set = b->set[BP__MINUTE][f], .at = {first}};
        make_ready(w, w->cell[f], n, sizeof *w->cell[f], &chunk[f]);
    }
    return write_block(w->job, block, chunk, BP__NUM_FIELDS + 1);
}

/* Threads --------------------------------------------------------------------------------------- */

static bp_status worker_create(job *j, worker **worker_)
{
    const bp__h5bars *b = j->bars;
    _Static_assert(BP__SEAL_BYTES == sizeof(uint32_t), "a checksum takes one cell more");
    const uint64_t daily = b->daily_blocks ? b->across * (b->chunk[0] * b->chunk[1] + 1) : 0;
    const uint64_t minute = b->blocks > b->daily_blocks ? b->minute_chunk + 1 : 0;
    const uint64_t cells = daily > minute ? daily : minute;
    worker *w = *worker_ = calloc(1, sizeof *w);
    bool ok = w != NULL;
    for (int f = 0; ok && f < BP__NUM_FIELDS; f++) {
        w->cell[f] = malloc(cells * sizeof *w->cell[f] + 1);
        w->look[f] = malloc((j->options->look ? j->draft->days.n : 0) * sizeof *w->look[f] + 1);
        ok = w->cell[f] && w->look[f];
    }
    if (ok) ok = (w->dt = malloc(minute * sizeof *w->dt + 1)) != NULL;
    if (!ok) BP_FAIL(BP_ENOMEM, "%s: no memory to pack bars", b->out->file.label);
    w->job = j;
    if (j->options->filter != BP__WRITE_GZIP) return BP_OK;
    return bp__packer_create((daily > 2 * minute ? daily : 2 * minute) * sizeof(uint32_t), &w->packer);
}

static void worker_destroy(worker *w)
{
    if (!w) return;
    bp__packer_destroy(&w->packer);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        free(w->cell[f]);
        free(w->look[f]);
    }
    free(w->dt);
    free(w);
}

static bool take(job *j, size_t *block)
{
    pthread_mutex_lock(&j->lock);
    bool some = j->status == BP_OK && j->next < j->bars->blocks;
    if (some) *block = j->next++;
    pthread_mutex_unlock(&j->lock);
    return some;
}

/* Tell all threads, and keep the text for the one that started them. */
static void give_up(job *j, bp_status s)
{
    pthread_mutex_lock(&j->lock);
    if (j->status == BP_OK) {
        j->status = s;
        snprintf(j->text, sizeof j->text, "%s", bp_error_text());
    }
    pthread_cond_broadcast(&j->moved);
    pthread_mutex_unlock(&j->lock);
}

static void *work(void *context)
{
    job *j = context;
    worker *w;
    size_t block;
    bp_status s = worker_create(j, &w);
    while (s == BP_OK && take(j, &block))
        s = block < j->bars->daily_blocks ? do_daily(w, block) : do_minutes(w, block);
    if (bp__failed(s)) give_up(j, s);
    worker_destroy(w);
    return NULL;
}

static size_t num_threads(const job *j)
{
    cpu_set_t cpus;
    size_t n = j->options->threads;
    if (n == 0 && sched_getaffinity(0, sizeof cpus, &cpus) == 0) n = (size_t)CPU_COUNT(&cpus);
    if (n == 0) n = 1;
    if (n > MAX_THREADS) n = MAX_THREADS;
    return n < j->bars->blocks ? n : j->bars->blocks;
}

bp_status bp__h5_write_blocks(const bp__h5bars *bars)
{
    job j = {.bars = bars, .draft = bars->out->draft, .options = bars->options};
    pthread_t thread[MAX_THREADS];
    size_t started = 0;
    pthread_mutex_init(&j.lock, NULL); /* these cannot fail with default attributes on Linux */
    pthread_cond_init(&j.moved, NULL);
    const size_t n = num_threads(&j);
    /* the calling thread works as well: one that cannot be started is only missed */
    while (started + 1 < n && bp__thread_start(NULL, work, &j, "bp-writer", &thread[started]) == BP_OK)
        started++;
    if (n > 0) work(&j);
    for (size_t i = 0; i < started; i++) pthread_join(thread[i], NULL);
    pthread_cond_destroy(&j.moved);
    pthread_mutex_destroy(&j.lock);
    return j.status == BP_OK ? BP_OK : bp__fail_text(j.status, j.text);
}
