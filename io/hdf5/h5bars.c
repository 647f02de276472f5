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
#include "io/hdf5/h5bars.h"

#include <libdeflate.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/workers.h"
#include "io/scale.h"

#define CHUNK_BYTES (UINT64_C(512) << 10) /* as stored before filters: enough blocks, little overhead */
#define CHUNK_CELLS (CHUNK_BYTES / sizeof(uint32_t))
#define GZIP_LEVEL  4
#define UNDEFLATED  2u /* filter mask: the second filter was left out */
#define MAX_THREADS 64

/* What all threads share. */
typedef struct job {
    const bp__h5out *out;
    const bp__draft *draft;
    const bp__write_options *options;
    hid_t set[BP__NUM_FRAMES][BP__NUM_FIELDS], dt;
    uint64_t chunk[2], across; /* of daily datasets; across: chunks side by side */
    uint64_t minute_chunk, minute_bars;
    uint64_t *minute_first; /* [series + 1] */
    size_t daily_blocks, blocks;

    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t moved;
    size_t next, turn; /* block to be taken, to be written */
    bp_status status;  /* the first failure; its text */
    char text[BP_ERROR_TEXT_MAX];
} job;

/* What a thread has for itself. */
typedef struct worker {
    job *job;
    struct libdeflate_compressor *deflate;
    uint32_t *cell[BP__NUM_FIELDS]; /* [across][chunk] */
    int64_t *dt;                    /* [minute chunk] */
    uint8_t *shuffled;
    bp__bar *bar; /* of the series that was read last */
    size_t room;
    const bp__draft_series *series;
    double *look[BP__NUM_FIELDS]; /* [D] */
} worker;

/* A chunk that is ready to be written. */
typedef struct ready {
    hid_t set;
    hsize_t at[2];
    const void *bytes;
    size_t size;
    uint32_t mask;
} ready;

/* Factors --------------------------------------------------------------------------------------- */

static int scale_of(int field)
{
    return field == BP__VOLUME ? BP__AMOUNT : BP__PRICE;
}

static double factor_of(const bp__draft *d, int frame, const bp__draft_series *series, int scale)
{
    return d->by_asset[frame][scale] && series && series->factor[scale] > 0 ? series->factor[scale]
                                                                            : d->factor[frame][scale];
}

/* zipline has a whole number there; where each asset has a factor of its own, its usual one. */
static bp_status put_factor(const bp__h5out *out, int frame, int field, hid_t set)
{
    const int scale = scale_of(field);
    double factor = out->draft->factor[frame][scale];
    if (out->draft->by_asset[frame][scale])
        factor = bp__scale_factor(scale == BP__PRICE ? BP__SCALE_PRICE : BP__SCALE_VOLUME);
    const int64_t whole = (int64_t)factor;
    if ((double)whole == factor) return bp__h5_put_attr(out, set, "scaling_factor", H5T_STD_I64LE, &whole);
    return bp__h5_put_attr(out, set, "scaling_factor", H5T_IEEE_F64LE, &factor);
}

/* `n` rows of index/sid, or of the index of minute bars. */
static bp_status put_factors_by_asset(const bp__h5out *out, int frame, int scale, size_t n)
{
    static const char *const folder[BP__NUM_FRAMES] = {"data", "minute/data"};
    static const char *const name[BP__NUM_SCALES] = {"scaling_factor", "volume_scaling_factor"};
    const bp__draft *d = out->draft;
    char path[BP__H5_PATH_MAX];
    if (!d->by_asset[frame][scale]) return BP_OK;
    bp__h5_out_path(out, folder[frame], name[scale], path);
    double *factor = calloc(n + 1, sizeof *factor);
    if (!factor) BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %zu factors", out->file.label, path, n);
    for (size_t i = 0; i < n; i++) {
        const size_t row = frame == BP__DAILY ? bp__draft_find_series(d, frame, bp__h5_row_sid(d, i)) : i;
        factor[i] = factor_of(d, frame, row == SIZE_MAX ? NULL : &d->series[frame].row[row], scale);
    }
    bp_status s = bp__h5_put_f64(out, path, factor, n);
    free(factor);
    return s;
}

/* Planning -------------------------------------------------------------------------------------- */

/* A chunk holds the whole series of a block of assets: a strategy reads series, a loader takes chunks. Only series of
 * more sessions than a chunk can hold lie in several, side by side. */
static void plan_daily(job *j)
{
    const uint64_t n = bp__h5_num_rows(j->draft), d = j->draft->days.n;
    j->chunk[1] = d == 0 ? 1 : d < CHUNK_CELLS ? d : CHUNK_CELLS;
    j->chunk[0] = CHUNK_CELLS / j->chunk[1];
    if (j->chunk[0] > n) j->chunk[0] = n;
    if (j->chunk[0] == 0) j->chunk[0] = 1;
    j->across = (d + j->chunk[1] - 1) / j->chunk[1];
    j->daily_blocks = d == 0 ? 0 : (n + j->chunk[0] - 1) / j->chunk[0];
}

static bp_status plan_minutes(job *j)
{
    const bp__draft *d = j->draft;
    const size_t m = d->series[BP__MINUTE].n;
    j->minute_first = calloc(m + 1, sizeof *j->minute_first);
    if (!j->minute_first) BP_FAIL(BP_ENOMEM, "%s: no memory for %zu series", j->out->file.label, m);
    for (size_t i = 0; i < m; i++)
        j->minute_first[i + 1] = j->minute_first[i] + d->series[BP__MINUTE].row[i].bars;
    j->minute_bars = j->minute_first[m];
    j->minute_chunk = j->minute_bars == 0 ? 1 : j->minute_bars < CHUNK_CELLS ? j->minute_bars : CHUNK_CELLS;
    return BP_OK;
}

static bp_status check_sids(const job *j)
{
    if (j->draft->assets.n == 0) return BP_OK;
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++)
        for (size_t i = 0; i < j->draft->series[frame].n; i++) {
            const int64_t sid = j->draft->series[frame].row[i].sid;
            if (bp__draft_find_asset(j->draft, sid) == SIZE_MAX)
                BP_FAIL(BP_EINVAL, "%s: %s bars of sid %lld, which is no asset", j->out->file.label,
                        bp__frame_name[frame], (long long)sid);
        }
    return BP_OK;
}

static bp_status create_field(job *j, int frame, int field, const char *folder, int rank,
                              const hsize_t *shape, const hsize_t *chunk)
{
    char path[BP__H5_PATH_MAX];
    hid_t *set = &j->set[frame][field];
    bp__h5_out_path(j->out, folder, bp__field_name[field], path);
    BP_TRY(bp__h5_put_empty(j->out, path, H5T_STD_U32LE, rank, shape, chunk,
                            j->options->filter == BP__WRITE_GZIP, set));
    return put_factor(j->out, frame, field, *set);
}

static bp_status create_daily(job *j)
{
    const bp__draft *d = j->draft;
    const hsize_t n = bp__h5_num_rows(d), shape[2] = {n, d->days.n}, chunk[2] = {j->chunk[0], j->chunk[1]};
    for (int f = 0; f < BP__NUM_FIELDS; f++) BP_TRY(create_field(j, BP__DAILY, f, "data", 2, shape, chunk));
    for (int k = 0; k < BP__NUM_SCALES; k++) BP_TRY(put_factors_by_asset(j->out, BP__DAILY, k, n));
    return BP_OK;
}

static bp_status put_minute_index(const job *j)
{
    const bp__draft *d = j->draft;
    const size_t m = d->series[BP__MINUTE].n;
    char path[BP__H5_PATH_MAX];
    int64_t *column = calloc(m + 1, sizeof *column);
    if (!column) BP_FAIL(BP_ENOMEM, "%s: no memory for %zu series", j->out->file.label, m);
    for (size_t i = 0; i < m; i++) column[i] = d->series[BP__MINUTE].row[i].sid;
    bp__h5_out_path(j->out, "minute/index", "sid", path);
    bp_status s = bp__h5_put_i64(j->out, path, column, m);
    for (size_t i = 0; i <= m; i++) column[i] = (int64_t)j->minute_first[i];
    bp__h5_out_path(j->out, "minute/index", "offset", path);
    if (s == BP_OK) s = bp__h5_put_i64(j->out, path, column, m + 1);
    free(column);
    return s;
}

static bp_status create_minutes(job *j)
{
    const bp__draft *d = j->draft;
    const size_t m = d->series[BP__MINUTE].n;
    const hsize_t shape[1] = {j->minute_bars}, chunk[1] = {j->minute_chunk};
    char path[BP__H5_PATH_MAX];
    if (m == 0) return BP_OK;
    BP_TRY(put_minute_index(j));
    bp__h5_out_path(j->out, "minute", "dt", path);
    BP_TRY(bp__h5_put_empty(j->out, path, H5T_STD_I64LE, 1, shape, chunk,
                            j->options->filter == BP__WRITE_GZIP, &j->dt));
    for (int f = 0; f < BP__NUM_FIELDS; f++)
        BP_TRY(create_field(j, BP__MINUTE, f, "minute/data", 1, shape, chunk));
    for (int k = 0; k < BP__NUM_SCALES; k++) BP_TRY(put_factors_by_asset(j->out, BP__MINUTE, k, m));
    return BP_OK;
}

/* Between lock and unlock of libhdf5. */
static bp_status create_sets(job *j)
{
    BP_TRY(create_daily(j));
    return create_minutes(j);
}

static void close_sets(job *j)
{
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++)
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            if (j->set[frame][f] >= 0) H5Dclose(j->set[frame][f]); /* holds nothing that is not written */
    if (j->dt >= 0) H5Dclose(j->dt);
}

/* Packing --------------------------------------------------------------------------------------- */

static void shuffle(const uint8_t *restrict from, size_t n, size_t width, uint8_t *restrict to)
{
    for (size_t b = 0; b < width; b++)
        for (size_t i = 0; i < n; i++) to[b * n + i] = from[i * width + b];
}

/* Shuffle and deflate a chunk of n elements in place. What does not become smaller is only shuffled. */
static void pack(worker *w, void *bytes, size_t n, size_t width, ready *r)
{
    r->bytes = bytes;
    r->size = n * width;
    r->mask = 0;
    if (w->job->options->filter != BP__WRITE_GZIP) return;
    shuffle(bytes, n, width, w->shuffled);
    size_t packed = libdeflate_zlib_compress(w->deflate, w->shuffled, r->size, bytes, r->size - 1);
    if (packed > 0) {
        r->size = packed;
        return;
    }
    memcpy(bytes, w->shuffled, r->size);
    r->mask = UNDEFLATED;
}

/* Write what a block consists of when its turn has come. */
static bp_status write_block(job *j, size_t block, const ready *chunk, size_t n)
{
    pthread_mutex_lock(&j->lock);
    while (j->turn != block && j->status == BP_OK) pthread_cond_wait(&j->moved, &j->lock);
    bool stop = j->status != BP_OK;
    pthread_mutex_unlock(&j->lock);
    if (stop) return BP_OK;

    bp_status s = BP_OK;
    bp__h5_lock();
    for (size_t i = 0; i < n && s == BP_OK; i++)
        s = H5Dwrite_chunk(chunk[i].set, H5P_DEFAULT, chunk[i].mask, chunk[i].at, chunk[i].size,
                           chunk[i].bytes) < 0
                ? bp__h5_out_fail(j->out, "bars")
                : bp__h5_written(j->out);
    bp__h5_unlock();
    BP_TRY(s);

    pthread_mutex_lock(&j->lock);
    j->turn++;
    pthread_cond_broadcast(&j->moved);
    pthread_mutex_unlock(&j->lock);
    BP__TELL(&j->options->progress, "writing", block + 1, j->blocks);
    return BP_OK;
}

/* Reading --------------------------------------------------------------------------------------- */

static bp_status read_series(worker *w, const bp__draft_series *series)
{
    if (w->series == series) return BP_OK;
    w->series = NULL;
    if (series->bars > w->room) {
        free(w->bar);
        w->room = 0;
        w->bar = malloc(series->bars * sizeof *w->bar);
        if (!w->bar)
            BP_FAIL(BP_ENOMEM, "%s: no memory for %zu bars of sid %lld", w->job->out->file.label,
                    series->bars, (long long)series->sid);
        w->room = series->bars;
    }
    BP_TRY(bp__draft_read(w->job->draft, series, w->bar));
    w->series = series;
    return BP_OK;
}

static bp_status no_session(const job *j, const bp__draft_series *series, int64_t dt)
{
    return bp__fail(BP_EINVAL, "%s: sid %lld has a bar at %lld ns, which is no session", j->out->file.label,
                    (long long)series->sid, (long long)dt);
}

/* The values of a series as they will be read back. `at`: its first cell. */
static void look(worker *w, size_t row, const double factor[BP__NUM_SCALES], uint64_t at)
{
    const job *j = w->job;
    const double *value[BP__NUM_FIELDS];
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        for (size_t t = 0; t < j->draft->days.n; t++)
            w->look[f][t] = bp__scale_read(w->cell[f][at + t], factor[scale_of(f)], f != BP__VOLUME);
        value[f] = w->look[f];
    }
    j->options->look(j->options->look_context, row, value);
}

/* Where there are several chunks side by side, there is one row: cells are in one line either way. */
static bp_status scatter_series(worker *w, size_t row, const bp__draft_series *series, uint64_t at)
{
    const bp__draft *d = w->job->draft;
    double factor[BP__NUM_SCALES];
    for (int k = 0; k < BP__NUM_SCALES; k++) factor[k] = factor_of(d, BP__DAILY, series, k);
    BP_TRY(read_series(w, series));
    size_t t = 0;
    for (size_t i = 0; i < series->bars; i++) {
        const bp__bar *bar = &w->bar[i];
        while (t < d->days.n && d->days.row[t] < bar->dt) t++;
        if (t == d->days.n || d->days.row[t] != bar->dt) return no_session(w->job, series, bar->dt);
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            w->cell[f][at + t] = bp__scale_store(bar->value[f], factor[scale_of(f)]);
    }
    if (w->job->options->look) look(w, row, factor, at);
    return BP_OK;
}

static bp_status do_daily(worker *w, size_t block)
{
    job *j = w->job;
    const bp__draft *d = j->draft;
    const uint64_t cells = j->chunk[0] * j->chunk[1], first = block * j->chunk[0];
    for (int f = 0; f < BP__NUM_FIELDS; f++) memset(w->cell[f], 0, j->across * cells * sizeof(uint32_t));
    const uint64_t n_rows = bp__h5_num_rows(d);
    for (uint64_t row = first; row < first + j->chunk[0] && row < n_rows; row++) {
        const size_t i = bp__draft_find_series(d, BP__DAILY, bp__h5_row_sid(d, row));
        if (i != SIZE_MAX)
            BP_TRY(scatter_series(w, row, &d->series[BP__DAILY].row[i], (row - first) * j->chunk[1]));
    }
    ready *chunk = calloc(j->across * BP__NUM_FIELDS, sizeof *chunk);
    if (!chunk) BP_FAIL(BP_ENOMEM, "%s: no memory for chunks", j->out->file.label);
    size_t n = 0;
    for (int f = 0; f < BP__NUM_FIELDS; f++)
        for (uint64_t x = 0; x < j->across; x++) {
            chunk[n] = (ready){.set = j->set[BP__DAILY][f], .at = {first, x * j->chunk[1]}};
            pack(w, w->cell[f] + x * cells, cells, sizeof(uint32_t), &chunk[n++]);
        }
    bp_status s = write_block(j, block, chunk, n);
    free(chunk);
    return s;
}

/* Bars of a series that lie in first .. first + minute_chunk of all. */
static bp_status gather_minutes(worker *w, size_t i, uint64_t first)
{
    const job *j = w->job;
    const bp__draft_series *series = &j->draft->series[BP__MINUTE].row[i];
    const uint64_t end = first + j->minute_chunk;
    const uint64_t from = j->minute_first[i] > first ? j->minute_first[i] : first;
    const uint64_t to = j->minute_first[i + 1] < end ? j->minute_first[i + 1] : end;
    double factor[BP__NUM_SCALES];
    for (int k = 0; k < BP__NUM_SCALES; k++) factor[k] = factor_of(j->draft, BP__MINUTE, series, k);
    if (from < to) BP_TRY(read_series(w, series));
    for (uint64_t k = from; k < to; k++) {
        const bp__bar *bar = &w->bar[k - j->minute_first[i]];
        w->dt[k - first] = bar->dt;
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            w->cell[f][k - first] = bp__scale_store(bar->value[f], factor[scale_of(f)]);
    }
    return BP_OK;
}

/* The series that bar `k` of all belongs to. */
static size_t minute_series(const job *j, uint64_t k)
{
    size_t low = 0, high = j->draft->series[BP__MINUTE].n;
    while (high - low > 1) {
        const size_t mid = low + (high - low) / 2;
        if (j->minute_first[mid] <= k)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static bp_status do_minutes(worker *w, size_t block)
{
    job *j = w->job;
    const uint64_t n = j->minute_chunk, first = (block - j->daily_blocks) * n;
    ready chunk[BP__NUM_FIELDS + 1];
    memset(w->dt, 0, n * sizeof *w->dt);
    for (int f = 0; f < BP__NUM_FIELDS; f++) memset(w->cell[f], 0, n * sizeof(uint32_t));
    for (size_t i = minute_series(j, first);
         i < j->draft->series[BP__MINUTE].n && j->minute_first[i] < first + n; i++)
        BP_TRY(gather_minutes(w, i, first));
    chunk[0] = (ready){.set = j->dt, .at = {first}};
    pack(w, w->dt, n, sizeof *w->dt, &chunk[0]);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        chunk[f + 1] = (ready){.set = j->set[BP__MINUTE][f], .at = {first}};
        pack(w, w->cell[f], n, sizeof(uint32_t), &chunk[f + 1]);
    }
    return write_block(j, block, chunk, BP__NUM_FIELDS + 1);
}

/* Threads --------------------------------------------------------------------------------------- */

static bool take(job *j, size_t *block)
{
    pthread_mutex_lock(&j->lock);
    bool some = j->status == BP_OK && j->next < j->blocks;
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

static bp_status worker_init(worker *w, job *j)
{
    const uint64_t daily = j->daily_blocks ? j->across * j->chunk[0] * j->chunk[1] : 0;
    const uint64_t minute = j->minute_bars ? j->minute_chunk : 0;
    const uint64_t cells = daily > minute ? daily : minute;
    *w = (worker){.job = j, .deflate = libdeflate_alloc_compressor(GZIP_LEVEL)};
    bool ok = w->deflate != NULL;
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        w->cell[f] = malloc(cells * sizeof *w->cell[f] + 1);
        w->look[f] = j->options->look ? malloc(j->draft->days.n * sizeof *w->look[f] + 1) : NULL;
        ok = ok && w->cell[f] && (w->look[f] || !j->options->look);
    }
    w->dt = malloc(minute * sizeof *w->dt + 1);
    w->shuffled = malloc((cells > 2 * minute ? cells : 2 * minute) * sizeof(uint32_t) + 1);
    if (ok && w->dt && w->shuffled) return BP_OK;
    BP_FAIL(BP_ENOMEM, "%s: no memory to pack bars", j->out->file.label);
}

static void worker_fini(worker *w)
{
    libdeflate_free_compressor(w->deflate);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        free(w->cell[f]);
        free(w->look[f]);
    }
    free(w->dt);
    free(w->shuffled);
    free(w->bar);
}

static void *work(void *context)
{
    worker w;
    job *j = context;
    size_t block;
    bp_status s = worker_init(&w, j);
    while (s == BP_OK && take(j, &block))
        s = block < j->daily_blocks ? do_daily(&w, block) : do_minutes(&w, block);
    if (bp__failed(s)) give_up(j, s);
    worker_fini(&w);
    return NULL;
}

static unsigned num_threads(const job *j)
{
    cpu_set_t cpus;
    unsigned n = j->options->threads;
    if (n == 0 && sched_getaffinity(0, sizeof cpus, &cpus) == 0) n = (unsigned)CPU_COUNT(&cpus);
    if (n == 0) n = 1;
    if (n > MAX_THREADS) n = MAX_THREADS;
    return n < j->blocks ? n : (unsigned)j->blocks;
}

/* The calling thread works as well, so one that cannot be started is only missed. */
static bp_status run(job *j)
{
    pthread_t thread[MAX_THREADS];
    unsigned started = 0;
    const unsigned n = num_threads(j);
    while (started + 1 < n && bp__thread_start(NULL, work, j, "bp-writer", &thread[started]) == BP_OK)
        started++;
    if (n > 0) work(j);
    for (unsigned i = 0; i < started; i++) pthread_join(thread[i], NULL);
    return j->status == BP_OK ? BP_OK : bp__fail_text(j->status, j->text);
}

bp_status bp__h5_put_bars(const bp__h5out *out, const bp__write_options *options)
{
    job j = {.out = out, .draft = out->draft, .options = options, .dt = H5I_INVALID_HID};
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++)
        for (int f = 0; f < BP__NUM_FIELDS; f++) j.set[frame][f] = H5I_INVALID_HID;
    BP_TRY(check_sids(&j));
    plan_daily(&j);
    BP_TRY(plan_minutes(&j));
    j.blocks = j.daily_blocks + (j.minute_bars + j.minute_chunk - 1) / j.minute_chunk;
    pthread_mutex_init(&j.lock, NULL); /* these cannot fail with default attributes on Linux */
    pthread_cond_init(&j.moved, NULL);

    bp__h5_lock();
    bp_status s = create_sets(&j);
    bp__h5_unlock();
    if (s == BP_OK) s = run(&j);
    bp__h5_lock();
    close_sets(&j);
    bp__h5_unlock();

    pthread_cond_destroy(&j.moved);
    pthread_mutex_destroy(&j.lock);
    free(j.minute_first);
    return s;
}
