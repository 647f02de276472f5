#include "mpi/load.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fault.h"
#include "core/futex.h"

#define SETTLE_LIMIT_MS 1000

bp_status bp__load_create(bp__loads *shared, const char *name, bp__load **load)
{
    *load = calloc(1, sizeof **load);
    if (!*load) BP_FAIL(BP_ENOMEM, "%s: no memory to begin a load", name);
    (*load)->shared = shared;
    snprintf((*load)->name, sizeof(*load)->name, "%s", name);
    (*load)->started_ns = bp__clock_ns();
    return BP_OK;
}

void bp__load_destroy(bp__load **load)
{
    if (!*load) return;
    if ((*load)->source) (*load)->shared->loader->close(&(*load)->source);
    free(*load);
    *load = NULL;
}

static int64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bp_status look(const bp__load *l, bp__identity *id)
{
    char path[PATH_MAX];
    BP_TRY(bp__bundle_path(l->shared->root, l->name, path, sizeof path));
    return bp__identify(AT_FDCWD, path, path, id);
}

/* Wait until a rewrite could no longer hide in the same tick of the file system's clock. A file that is being
 * written all the time ends in BP_ECHANGED: who waits for it asks again. */
static bp_status wait_until_settled(bp__load *l)
{
    struct timespec deadline = bp__deadline(SETTLE_LIMIT_MS);
    for (;;) {
        BP_TRY(look(l, &l->identity));
        int64_t ns = bp__unsettled_ns(&l->identity, wall_ns());
        if (ns == 0) return BP_OK;
        if (bp__deadline_passed(&deadline)) BP_FAIL(BP_ECHANGED, "%s: the file keeps changing", l->name);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = (long)ns}, NULL);
    }
}

static bp_status changed(const bp__load *l)
{
    BP_FAIL(BP_ECHANGED, "%s: the file changed while it was read", l->name);
}

static bp_status plan(bp__load *l)
{
    char path[PATH_MAX];
    BP_TRY(bp__bundle_path(l->shared->root, l->name, path, sizeof path));
    BP_TRY(wait_until_settled(l));
    BP_TRY(l->shared->loader->open(path, &l->source));
    const bp__plan *p = l->shared->loader->plan(l->source);
    l->image_bytes = p->image_bytes;
    return bp__identity_equal(&p->identity, &l->identity) ? BP_OK : changed(l);
}

static bp_status write_image(bp__load *l, void *memory)
{
    const bp__plan *p = l->shared->loader->plan(l->source);
    BP_TRY(bp__window_claim(l->shared->arena, l->extent));
    memcpy(memory, p->head, p->head_bytes);
    BP_TRY(bp__image_selfcheck(memory, l->extent.bytes));
    if (l->stream) bp__stream_task_done(l->stream, p, p->num_tasks);
    bp__decoder *decoder = NULL;
    bp_status s = l->shared->loader->decoder_create(&decoder);
    for (uint64_t i = 0; i < p->num_tasks && !bp__failed(s); i++) {
        s = bp__load_task(l->shared->loader, l->source, l->name, decoder, i, memory);
        if (l->stream) bp__stream_task_done(l->stream, p, i);
    }
    l->shared->loader->decoder_destroy(&decoder);
    return s;
}

static void end_stream(bp__load *l)
{
    if (l->stream) bp__stream_end(l->stream);
    l->stream = NULL;
}

static bp_status fill(bp__load *l)
{
    void *memory;
    bp_status s = bp__window_open(l->shared->arena, l->extent, &memory);
    if (s == BP_OK) {
        s = write_image(l, memory);
        bp_status closed = bp__window_close(l->shared->arena, l->extent);
        if (s == BP_OK) s = closed;
    }
    end_stream(l);
    return s;
}

static bp_status verify(bp__load *l)
{
    bp__identity now;
    l->checked = bp__ticks();
    BP_TRY(look(l, &now));
    bool same = bp__identity_equal(&now, &l->identity) || bp__fault_is_on(BP__FAULT_NO_SECOND_LOOK);
    return same ? BP_OK : changed(l);
}

/* What looks like a damaged file may be one that is being rewritten. */
static bp_status blame(bp__load *l, bp_status s)
{
    char text[BP_ERROR_TEXT_MAX];
    bp__identity now;
    snprintf(text, sizeof text, "%s", bp_error_text());
    if ((s == BP_EFORMAT || s == BP_EIO) && look(l, &now) == BP_OK && !bp__identity_equal(&now, &l->identity))
        return changed(l);
    return bp__fail_text(s, text);
}

static void set_result(bp__load *l, bp_status code)
{
    l->code = code;
    snprintf(l->text, sizeof l->text, "%s", bp__failed(code) ? bp_error_text() : "");
}

static void hand_back(bp__load *l)
{
    bp__loads *shared = l->shared;
    pthread_mutex_lock(&shared->lock);
    l->next = shared->done;
    shared->done = l;
    pthread_mutex_unlock(&shared->lock);
    atomic_fetch_add_explicit(shared->doorbell, 1, memory_order_release);
    bp__futex_wake(shared->doorbell);
}

static void run(bp__job *job)
{
    bp__load *l = (bp__load *)job; /* its first member */
    bp_status s = BP_OK;
    switch (l->phase) {
    case BP__PHASE_PLAN: s = plan(l); break;
    case BP__PHASE_FILL: s = fill(l); break;
    case BP__PHASE_VERIFY: s = verify(l); break;
    case BP__PHASE_LOOK: s = look(l, &l->identity); break;
    }
    if (bp__failed(s) && l->phase != BP__PHASE_LOOK) s = blame(l, s);
    set_result(l, s);
    if (l->source && (bp__failed(s) || l->phase == BP__PHASE_FILL)) l->shared->loader->close(&l->source);
    hand_back(l);
}

void bp__load_begin(bp__load *load, bp__phase phase)
{
    load->phase = phase;
    load->job.run = run;
    bp_status s = bp__workers_submit(load->shared->workers, &load->job);
    if (bp__failed(s)) {
        set_result(load, s);
        end_stream(load);
        hand_back(load);
    }
}

bp__load *bp__loads_take(bp__loads *shared)
{
    pthread_mutex_lock(&shared->lock);
    bp__load *l = shared->done, *oldest = NULL;
    shared->done = NULL;
    pthread_mutex_unlock(&shared->lock);
    while (l) {
        bp__load *next = l->next;
        l->next = oldest;
        oldest = l;
        l = next;
    }
    return oldest;
}
