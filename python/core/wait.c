/* DESIGN of waiting
 *
 * The library's calls that wait cannot be cancelled. So one that may wait runs in a detached thread of its
 * own, and the thread that called sleeps on a condition variable for 50 ms at a time, with the GIL dropped,
 * and looks for signals in between. When a signal's handler raises, the caller leaves; the work goes on, and
 * whoever of the two comes last undoes it: what was got is given back, not lost.
 *
 * All signals are blocked in these threads: CPython's handlers run where its main thread is woken.
 */
#include "python/core/core.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/status.h"

#define SLICE_MS 50 /* between two looks for signals */

typedef struct box {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done, left; /* by the work, by its caller */
    bp_status status;
    char text[BP_ERROR_TEXT_MAX];
    bp__py_work work;
    void *argument;
} box;

static _Atomic unsigned abandoned;

unsigned bp__py_abandoned(void)
{
    return bp__load_acquire(&abandoned);
}

static void destroy(box *b)
{
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static void *run(void *argument)
{
    box *b = argument;
    bp_status s = b->work.work(b->argument);
    pthread_mutex_lock(&b->lock);
    b->status = s;
    if (bp__failed(s)) snprintf(b->text, sizeof b->text, "%s", bp_error_text());
    b->done = true;
    bool left = b->left;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock); /* from here on the box is the caller's, if there is one */
    if (left) {
        bp__py_work work = b->work;
        void *leavings = b->argument;
        destroy(b);
        bp__sub_release(&abandoned, 1);
        work.drop(leavings); /* last: it may want the GIL, and never get it when the interpreter ends */
    }
    return NULL;
}

static box *create(const bp__py_work *work, void *argument)
{
    box *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->work = *work;
    b->argument = argument;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic); /* these cannot fail on Linux */
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return b;
}

static int start(box *b)
{
    sigset_t all, before;
    pthread_t thread;
    pthread_attr_t detached;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &detached, run, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    return error;
}

/* @return whether the work is done */
static bool sleep_a_slice(box *b)
{
    struct timespec until = bp__deadline(SLICE_MS);
    int error = 0;
    pthread_mutex_lock(&b->lock);
    while (!b->done && error == 0) error = pthread_cond_timedwait(&b->changed, &b->lock, &until);
    bool done = b->done;
    pthread_mutex_unlock(&b->lock);
    return done;
}

/* @return false: the work was done meanwhile, and the box is still the caller's */
static bool leave(box *b)
{
    pthread_mutex_lock(&b->lock);
    bool done = b->done;
    if (!done) {
        bp__add_release(&abandoned, 1);
        b->left = true;
    }
    pthread_mutex_unlock(&b->lock);
    return !done;
}

int bp__py_wait(const bp__py_work *work, void *argument, bp_status *status)
{
    box *b = create(work, argument);
    int error = b ? start(b) : ENOMEM;
    if (error != 0) { /* without a thread to wait for, signals have to wait */
        if (b) destroy(b);
        Py_BEGIN_ALLOW_THREADS
        *status = work->work(argument);
        Py_END_ALLOW_THREADS
        return 0;
    }
    for (bool done = false; !done;) {
        Py_BEGIN_ALLOW_THREADS
        done = sleep_a_slice(b);
        Py_END_ALLOW_THREADS
        if (!done && PyErr_CheckSignals() != 0) {
            if (leave(b)) return -1;
            work->drop(argument);
            destroy(b);
            return -1;
        }
    }
    *status = b->status;
    if (bp__failed(b->status)) bp__fail_text(b->status, b->text);
    destroy(b);
    return 0;
}
