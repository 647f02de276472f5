#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"
#include "doctor/doctor.h"

#define STACK_BYTES ((size_t)256 << 10) /* small: an address space that is limited is examined, too */

static void name(const bp__probe *probe, bp__remark *remark)
{
    *remark = (bp__remark){.health = BP__BAD};
    bp__text_copy(remark->what, sizeof remark->what, probe->what);
    if (gethostname(remark->host, sizeof remark->host - 1) != 0) remark->host[0] = '\0';
}

/* In time, or not ---------------------------------------------------------------------------------- */

/* Shared by a probe's thread and who waits for it; the last of the two frees it. */
typedef struct visit {
    pthread_mutex_t lock; /* over the rest */
    pthread_cond_t ended;
    bool over, abandoned;
    const bp__probe *probe;
    bp__subject subject;
    bp__remark remark;
} visit;

static void free_visit(visit *v)
{
    pthread_cond_destroy(&v->ended);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

static void *look(void *argument)
{
    visit *v = argument;
    bp__remark remark = v->remark;
    v->probe->look(&v->subject, &remark);
    pthread_mutex_lock(&v->lock);
    v->remark = remark;
    v->over = true;
    const bool abandoned = v->abandoned;
    pthread_cond_signal(&v->ended);
    pthread_mutex_unlock(&v->lock);
    if (abandoned) free_visit(v);
    return NULL;
}

static visit *make_visit(const bp__probe *probe, const bp__subject *subject, const bp__remark *remark)
{
    pthread_condattr_t monotonic;
    visit *v = calloc(1, sizeof *v);
    if (!v) return NULL;
    pthread_condattr_init(&monotonic); /* these cannot fail on Linux */
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&v->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&v->lock, NULL);
    v->probe = probe;
    v->subject = *subject;
    v->remark = *remark;
    return v;
}

static bool start(visit *v)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return false;
    const bool started = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                         pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                         pthread_create(&thread, &attributes, look, v) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

void bp__probe_run(const bp__probe *probe, const bp__subject *subject, int64_t patience_ms,
                   bp__remark *remark)
{
    name(probe, remark);
    visit *v = make_visit(probe, subject, remark);
    if (!v || !start(v)) {
        bp__remark_that(remark, BP__BAD, "could not be looked at: no memory, or no thread");
        bp__advise(remark, "raise the limits that 'ulimit -u' and 'ulimit -v' show");
        if (v) free_visit(v);
        return;
    }
    const struct timespec until = bp__deadline(patience_ms);
    int rc = 0;
    pthread_mutex_lock(&v->lock);
    while (!v->over && rc == 0) rc = pthread_cond_timedwait(&v->ended, &v->lock, &until);
    const bool over = v->over;
    v->abandoned = !over;
    if (over) *remark = v->remark;
    pthread_mutex_unlock(&v->lock);
    if (over) {
        free_visit(v);
        return;
    }
    bp__remark_that(remark, BP__BAD, "no answer within %lld ms", (long long)patience_ms);
    bp__advise(remark, "see whether a file system hangs: its server may be down");
}
