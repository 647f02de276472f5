#include "io/ingest/each.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/workers.h"

#define THREADS_MOST 64

typedef struct each {
    size_t n;
    bp_status (*work)(void *context, size_t i);
    void *context;
    pthread_mutex_t lock;
    /* under the lock */
    size_t next, failed; /* the smallest that failed; n: none */
    bp_status status;
    char text[BP_ERROR_TEXT_MAX];
} each;

static bool take(each *e, size_t *i)
{
    pthread_mutex_lock(&e->lock);
    const bool more = e->failed == e->n && e->next < e->n;
    if (more) *i = e->next++;
    pthread_mutex_unlock(&e->lock);
    return more;
}

/* Whatever is smaller than i has been begun before, so it is told of as well if it fails. */
static void note_failure(each *e, size_t i, bp_status s)
{
    pthread_mutex_lock(&e->lock);
    if (i < e->failed) {
        e->failed = i;
        e->status = s;
        strncpy(e->text, bp_error_text(), sizeof e->text - 1);
    }
    pthread_mutex_unlock(&e->lock);
}

static void *run(void *each_)
{
    each *e = each_;
    size_t i;
    while (take(e, &i)) {
        const bp_status s = e->work(e->context, i);
        if (bp__failed(s)) note_failure(e, i, s);
    }
    return NULL;
}

static unsigned num_threads(unsigned threads, size_t n)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (threads == 0) threads = processors > 0 ? (unsigned)processors : 1;
    if (threads > THREADS_MOST) threads = THREADS_MOST;
    return threads > n ? (unsigned)n : threads;
}

bp_status bp__each(unsigned threads, size_t n, bp_status (*work)(void *context, size_t i), void *context)
{
    each e = {.n = n, .work = work, .context = context, .failed = n};
    pthread_t thread[THREADS_MOST];
    unsigned started = 0;
    if (n == 0) return BP_OK;
    pthread_mutex_init(&e.lock, NULL);
    threads = num_threads(threads, n);
    /* this thread is one of them: where no other can be started, it does all of the work */
    while (started + 1 < threads && bp__thread_start(NULL, run, &e, "ingest", &thread[started]) == BP_OK)
        started++;
    run(&e);
    for (unsigned t = 0; t < started; t++) pthread_join(thread[t], NULL);
    pthread_mutex_destroy(&e.lock);
    return e.failed < n ? bp__fail_text(e.status, e.text) : BP_OK;
}
