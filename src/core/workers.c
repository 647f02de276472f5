#include "core/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/clock.h"

/* A thread, on its own stack. */
typedef struct worker {
    pthread_t thread;
    struct worker *next;
} worker;

struct bp__workers {
    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t work, ended;
    bp__job *first, **last;
    worker *all;
    int threads, idle, queued;
    bool stop, has_cpus;
    cpu_set_t cpus;
};

bp_status bp__thread_start(const cpu_set_t *cpus, void *(*run)(void *), void *arg, const char *name,
                           pthread_t *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    int err = pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the thread */
    if (!err) {
        err = pthread_create(thread, NULL, run, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (err) BP_FAIL_ERRNO(BP_ESYS, err, "thread %s cannot be started", name);
    /* not by an attribute, which musl has no function for; where a cpuset forbids the mask, the thread runs where its
     * creator may */
    if (cpus && CPU_COUNT(cpus) > 0) (void)pthread_setaffinity_np(*thread, sizeof *cpus, cpus);
    pthread_setname_np(*thread, name);
    return BP_OK;
}

/* The next job; NULL: this thread is to end. A thread that has waited too long looks once more before it ends: the
 * job for which it was counted as idle may have come meanwhile. */
static bp__job *next_job(bp__workers *w)
{
    struct timespec until = bp__deadline(BP__IDLE_MS);
    bool waited_long = false;
    while (!w->first && !w->stop && !waited_long) {
        w->idle++;
        waited_long = pthread_cond_timedwait(&w->work, &w->lock, &until) == ETIMEDOUT;
        w->idle--;
    }
    bp__job *job = w->first;
    if (!job) return NULL;
    w->first = job->next;
    if (!w->first) w->last = &w->first;
    w->queued--;
    return job;
}

static void sign_off(bp__workers *w, const worker *me)
{
    worker **link = &w->all;
    while (*link && *link != me) link = &(*link)->next; /* none is left once they were cancelled */
    if (*link) *link = me->next;
}

/* A thread can be cancelled in a job only: what it does with the lock held is done to the end. */
static void *work(void *arg)
{
    bp__workers *w = arg;
    worker me = {.thread = pthread_self()};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_mutex_lock(&w->lock);
    me.next = w->all;
    w->all = &me;
    for (bp__job *job; (job = next_job(w)) != NULL;) {
        pthread_mutex_unlock(&w->lock);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        job->run(job);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_mutex_lock(&w->lock);
    }
    sign_off(w, &me);
    w->threads--;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

bp_status bp__workers_create(const cpu_set_t *cpus, bp__workers **workers)
{
    bp__workers *w = calloc(1, sizeof *w);
    *workers = NULL;
    if (!w) BP_FAIL(BP_ENOMEM, "no memory for worker threads");
    pthread_condattr_t monotonic; /* none of these can fail on Linux */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, &monotonic);
    pthread_cond_init(&w->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->last = &w->first;
    if (cpus) {
        w->cpus = *cpus;
        w->has_cpus = true;
    }
    *workers = w;
    return BP_OK;
}

/* Called with the lock held. */
static void tell_to_stop(bp__workers *w)
{
    w->stop = true;
    pthread_cond_broadcast(&w->work);
}

bool bp__workers_leave(bp__workers **workers, int64_t ms)
{
    bp__workers *w = *workers;
    const struct timespec until = bp__deadline(ms);
    if (!w) return true;
    pthread_mutex_lock(&w->lock);
    tell_to_stop(w);
    while (w->threads > 0 && pthread_cond_timedwait(&w->ended, &w->lock, &until) != ETIMEDOUT) continue;
    const bool all_ended = w->threads == 0;
    for (worker *one; (one = w->all) != NULL;) {
        w->all = one->next; /* it lies on the stack of that thread, and goes with it */
        pthread_cancel(one->thread);
    }
    pthread_mutex_unlock(&w->lock);
    if (all_ended) bp__workers_destroy(workers);
    return all_ended;
}

void bp__workers_destroy(bp__workers **workers)
{
    bp__workers *w = *workers;
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    tell_to_stop(w);
    while (w->threads > 0) pthread_cond_wait(&w->ended, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&w->ended);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *workers = NULL;
}

bp_status bp__workers_submit(bp__workers *w, bp__job *job)
{
    bp_status s = BP_OK;
    pthread_mutex_lock(&w->lock);
    if (w->idle <= w->queued) { /* no idle thread would take it at once */
        pthread_t thread;
        s = bp__thread_start(w->has_cpus ? &w->cpus : NULL, work, w, "bp-worker", &thread);
        if (s == BP_OK) {
            pthread_detach(thread);
            w->threads++;
        } else if (w->threads > 0) {
            s = BP_OK; /* later, then */
        }
    }
    if (s == BP_OK) {
        job->next = NULL;
        *w->last = job;
        w->last = &job->next;
        w->queued++;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return s;
}
