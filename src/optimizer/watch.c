#include "optimizer/watch.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "cli/program.h"
#include "core/clock.h"

#define LEAVE_MS                                                                                             \
    2000 /* to the process that tells, before the launcher ends all for the first that has ended */

static struct {
    pthread_mutex_t lock; /* over the rest */
    pthread_cond_t change;
    pthread_t thread;
    bool watching, ended;
    bool tells, json;
    const char *step; /* NULL: all has been told */
    int64_t ms;
    struct timespec until;
    int code;
    bp__diagnosis so_far;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void tell(void)
{
    bp__remark all[BP__MOST_REMARKS + 1];
    bp__diagnosis d = watch.so_far;
    size_t n = d.count < BP__MOST_REMARKS ? d.count : BP__MOST_REMARKS;
    if (n > 0) memcpy(all, d.remark, n * sizeof *all);
    all[n] = (bp__remark){.what = "job"};
    bp__remark_that(&all[n], BP__BAD, "no answer within %lld ms: %s", (long long)watch.ms, watch.step);
    bp__advise(&all[n],
               "a machine or its network does not answer: see firewalls, and which interface MPI uses "
               "(OMPI_MCA_btl_tcp_if_include)");
    d.remark = all;
    d.count = n + 1;
    (watch.json ? bp__diagnosis_json : bp__diagnosis_text)(stdout, &d);
    fflush(stdout);
}

static void *keep_watch(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&watch.lock);
    int rc = 0;
    while (!watch.ended) {
        const struct timespec until = watch.until; /* a step may begin while this one sleeps */
        rc = pthread_cond_timedwait(&watch.change, &watch.lock, &until);
        if (watch.ended || rc == 0 || !bp__deadline_passed(&watch.until)) continue;
        if (watch.step && watch.tells) tell();
        if (watch.step && !watch.tells) {
            const struct timespec later = bp__deadline(LEAVE_MS);
            while (!bp__deadline_passed(&later)) pthread_cond_timedwait(&watch.change, &watch.lock, &later);
        }
        _exit(watch.step ? BP__EXIT_FAILED : watch.code); /* MPI would wait for the others */
    }
    pthread_mutex_unlock(&watch.lock);
    return NULL;
}

void bp__watch_begin(bool tells, bool json)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic); /* these cannot fail on Linux */
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch.change, &monotonic);
    pthread_condattr_destroy(&monotonic);
    watch.tells = tells;
    watch.json = json;
    watch.ended = false;
    watch.so_far = (bp__diagnosis){.program = "optimizer doctor"};
    watch.until = bp__deadline(INT32_MAX);
    watch.watching = pthread_create(&watch.thread, NULL, keep_watch, NULL) == 0;
}

void bp__watch_step(const char *step, int64_t ms, const bp__diagnosis *so_far)
{
    pthread_mutex_lock(&watch.lock);
    watch.step = step;
    watch.ms = ms;
    watch.until = bp__deadline(ms);
    if (so_far) watch.so_far = *so_far;
    pthread_cond_signal(&watch.change);
    pthread_mutex_unlock(&watch.lock);
}

void bp__watch_last(int64_t ms, int code)
{
    pthread_mutex_lock(&watch.lock);
    watch.code = code;
    pthread_mutex_unlock(&watch.lock);
    bp__watch_step(NULL, ms, NULL);
}

void bp__watch_end(void)
{
    if (!watch.watching) return;
    pthread_mutex_lock(&watch.lock);
    watch.ended = true;
    pthread_cond_signal(&watch.change);
    pthread_mutex_unlock(&watch.lock);
    pthread_join(watch.thread, NULL);
    watch.watching = false;
}
