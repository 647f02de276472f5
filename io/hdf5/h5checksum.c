#include "io/hdf5/h5checksum.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/workers.h"
#include "io/hdf5/h5out.h"
#include "io/hdf5/h5patch.h"
#include "io/hdf5/h5series.h"

#define MAX_THREADS      (BP__LAST_BULK - BP__FIRST_BULK + 1)
#define BYTES_PER_THREAD (UINT64_C(32) << 20) /* of the image: below, another one costs more than it saves */

typedef struct job {
    const char *label;
    int fd;
    bp__digest digest[BP_NUM_COLUMNS]; /* each by one thread */
    _Atomic uint64_t next;             /* column; a plain counter: joining the threads orders everything */
} job;

typedef struct worker {
    job *job;
    bp__h5series *series;
    bp_status status;
    char text[BP_ERROR_TEXT_MAX]; /* why it failed */
    pthread_t thread;
} worker;

static bp_status digest_columns(worker *w)
{
    job *j = w->job;
    if (!w->series) BP_TRY(bp__h5_series_written(j->label, j->fd, &w->series));
    for (uint64_t c; (c = bp__add_relaxed(&j->next, 1)) < BP_NUM_COLUMNS;)
        BP_TRY(bp__h5_series_digest(w->series, (bp_column)c, &j->digest[c]));
    return BP_OK;
}

static void *work(void *context)
{
    worker *w = context;
    w->status = digest_columns(w);
    if (bp__failed(w->status)) snprintf(w->text, sizeof w->text, "%s", bp_error_text());
    return NULL;
}

static unsigned num_threads(unsigned wanted, uint64_t image_bytes)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t n = wanted > 0 ? wanted : processors > 0 ? (uint64_t)processors : 1;
    if (n > image_bytes / BYTES_PER_THREAD + 1) n = image_bytes / BYTES_PER_THREAD + 1;
    return n < MAX_THREADS ? (unsigned)n : MAX_THREADS;
}

/* Digest all columns; the first worker, whose series is open, is the calling thread. */
static bp_status digest_all(job *j, worker *workers, unsigned n)
{
    unsigned started = 1;
    bp_status s = BP_OK;
    for (unsigned i = 0; i < n; i++) workers[i].job = j;
    /* one that cannot be started is only missed */
    while (started < n &&
           bp__thread_start(NULL, work, &workers[started], "bp-checksum", &workers[started].thread) == BP_OK)
        started++;
    work(&workers[0]);
    for (unsigned i = 1; i < started; i++) pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < started; i++) {
        if (bp__failed(workers[i].status) && s == BP_OK)
            s = bp__fail_text(workers[i].status, workers[i].text);
        if (i > 0) bp__h5_series_close(&workers[i].series);
    }
    return s;
}

static bp_status take_checksum(job *j, unsigned threads, char checksum[BP__HASH_TEXT])
{
    worker workers[MAX_THREADS] = {{.job = j}};
    char content_hash[BP__HASH_TEXT];
    BP_TRY(bp__h5_series_written(j->label, j->fd, &workers[0].series));
    const bp__image *image = bp__h5_series_head(workers[0].series)->image;
    bp_status s = digest_all(j, workers, num_threads(threads, image->bytes));
    if (s == BP_OK) s = bp__content_hash_of(image, j->digest, content_hash);
    if (s == BP_OK) s = bp__image_checksum(image, content_hash, checksum);
    bp__h5_series_close(&workers[0].series);
    return s;
}

static bool patch(int fd, const char *country, const char checksum[BP__HASH_TEXT])
{
    char group[BP__H5_PATH_MAX];
    snprintf(group, sizeof group, "/%s", country);
    bp__h5_lock();
    const hid_t file = bp__h5_patch_open(fd), type = bp__h5_text_type(BP__HASH_TEXT - 1, H5T_CSET_UTF8);
    bool done = file >= 0 && type >= 0 && bp__h5_patch_attr(file, group, "checksum", type, checksum);
    if (type >= 0) H5Tclose(type);
    done = bp__h5_patch_close(file) && done;
    bp__h5_unlock();
    return done;
}

bp_status bp__h5_put_checksum(const char *label, int fd, const char *country, unsigned threads)
{
    job j = {.label = label, .fd = fd};
    char checksum[BP__HASH_TEXT];
    BP_TRY(take_checksum(&j, threads, checksum));
    if (!patch(fd, country, checksum)) BP_FAIL(BP_EIO, "%s: its checksum cannot be written", label);
    return BP_OK;
}
