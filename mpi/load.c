#include "mpi/load.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/futex.h"
#include "mpi/decoding.h"

bp_status bp__load_create(bp__loads *shared, const char *name, bp__load **load)
{
    *load = calloc(1, sizeof **load);
    if (!*load) BP_FAIL(BP_ENOMEM, "%s: no memory to begin a load", name);
    (*load)->shared = shared;
    snprintf((*load)->name, sizeof(*load)->name, "%s", name);
    (*load)->started_ns = bp__clock_ns();
    return BP_OK;
}

static bp__turnstile *turnstile_of(const bp__load *l)
{
    return l->phase == BP__PHASE_CHECK ? &l->shared->checks : &l->shared->plans;
}

/* Give one's turn to the next. */
static void leave(bp__load *l)
{
    if (l->inside) turnstile_of(l)->inside--;
    l->inside = false;
}

void bp__load_destroy(bp__load **load)
{
    if (!*load) return;
    leave(*load);
    if ((*load)->source) (*load)->shared->loader->close(&(*load)->source);
    free(*load);
    *load = NULL;
}

static bp_status look(const bp__load *l, bp__identity *id)
{
    char path[PATH_MAX];
    BP_TRY(bp__bundle_path(l->shared->root, l->name, path, sizeof path));
    return bp__identify(AT_FDCWD, path, path, id);
}

static bp_status changed(const bp__load *l)
{
    BP_FAIL(BP_ECHANGED, "%s: the file changed while it was read", l->name);
}

static bp_status plan(bp__load *l)
{
    BP_TRY(bp__bundle_path(l->shared->root, l->name, l->path, sizeof l->path));
    /* A file that is being written all the time ends in BP_ECHANGED, and the gets that wait for it ask again. */
    BP_TRY(bp__identify_settled(l->path, &l->identity));
    BP_TRY(l->shared->loader->open(l->path, &l->source));
    const bp__plan *p = l->shared->loader->plan(l->source);
    l->image_bytes = p->image_bytes;
    return bp__identity_equal(&p->identity, &l->identity) ? BP_OK : changed(l);
}

static void end_stream(bp__load *l)
{
    if (l->stream) bp__stream_end(l->stream);
    l->stream = NULL;
}

/* Decode chunk by chunk in this thread: there was no memory for a stage. */
static bp_status fill_alone(bp__load *l, const uint64_t *first)
{
    const bp__loader *loader = l->shared->loader;
    const bp__plan *p = loader->plan(l->source);
    bp__writer image;
    bp__decoder *decoder = NULL;
    BP_TRY(bp__writer_open(l->shared->arena, l->extent, &image));
    bp_status s = loader->decoder_create(&decoder);
    if (s == BP_OK) s = bp__writer_claim(&image, 0, p->head_bytes);
    if (s == BP_OK) {
        memcpy(image.memory, p->head, p->head_bytes);
        s = bp__image_selfcheck((const bp__image *)(const void *)image.memory, l->extent.bytes);
    }
    for (uint64_t i = 0; i < p->num_tasks && s == BP_OK; i++) {
        uint64_t from, to;
        s = bp__dir_whole(l->shared->dir);
        if (bp__failed(s)) break;
        if (l->stream) bp__stream_ready(l->stream, first[i]);
        bp__plan_range(p->head, &p->dataset[p->task[i].dataset], &p->task[i], &from, &to);
        s = bp__writer_claim(&image, from, to);
        if (s == BP_OK) s = bp__load_task(loader, l->source, l->path, decoder, i, image.memory);
    }
    loader->decoder_destroy(&decoder);
    bp_status closed = bp__writer_close(&image);
    return bp__failed(s) ? s : closed;
}

/* Say how much is ready to travel: of the stage as far as it was read, or of the image as far as decoded. */
static void feed_stream(bp__load *l, const bp__decoding *d, const uint64_t *first)
{
    if (!l->stream) return;
    if (!l->stored)
        bp__stream_ready(l->stream, first[d->done]);
    else if (d->offered > 0)
        bp__stream_ready(l->stream, bp__stage_end_of(d->stage, d->offered - 1));
}

/* Read chunks into the stage while waiting ranks, or this thread, decode what is there. */
static bp_status read_and_decode(bp__load *l, bp__writer *stage, bp__decoding *d, const uint64_t *first)
{
    const bp__loader *loader = l->shared->loader;
    const bp__plan *p = loader->plan(l->source);
    bp__ring ring = {0};
    BP_TRY(bp__writer_claim(stage, 0, bp__stage_tables(p, l->path)));
    bp__stage_write(stage->memory, stage->extent.bytes, p, l->path);
    BP_TRY(bp__decoding_prepare(
        d, (const bp__stage *)(const void *)(l->shared->arena->view + stage->extent.offset)));
    for (uint32_t i = 0; i < d->num_tasks; i++) {
        uint64_t at = bp__stage_task(d->stage, i)->file_offset, free_when = bp__ring_next(&ring, d->stage, i);
        while (d->done < free_when) {
            BP_TRY(bp__decoding_step(d));
            feed_stream(l, d, first);
        }
        BP_TRY(bp__dir_whole(l->shared->dir)); /* nobody waits for it any more */
        if (p->task[i].stored_bytes > 0) {
            BP_TRY(bp__writer_claim(stage, at, at + p->task[i].stored_bytes));
            BP_TRY(loader->fetch(l->source, i, stage->memory + at));
        }
        bp__decoding_offer(d, i + 1);
        feed_stream(l, d, first);
    }
    while (d->done < d->num_tasks) {
        BP_TRY(bp__decoding_step(d));
        feed_stream(l, d, first);
        BP_TRY(bp__dir_whole(l->shared->dir));
    }
    return BP_OK;
}

static bp_status fill_from_stage(bp__load *l, const uint64_t *first)
{
    bp__decoding d;
    bp__writer stage;
    bp__decoding_begin(l->shared->dir, l->shared->arena, l->shared->loader, l->slot, &d);
    bp_status s = bp__writer_open(l->shared->arena, l->stage, &stage);
    if (s == BP_OK) s = read_and_decode(l, &stage, &d, first);
    bp_status ended = bp__decoding_end(&d), closed = bp__writer_close(&stage);
    if (s == BP_OK) s = ended;
    return bp__failed(s) ? s : closed;
}

static bp_status fill(bp__load *l)
{
    const bp__plan *p = l->shared->loader->plan(l->source);
    uint64_t *first = calloc(p->num_tasks + 1, sizeof *first);
    bp_status s = first ? BP_OK : bp__fail(BP_ENOMEM, "%s: no memory to load it", l->name);
    if (first) bp__plan_first_bytes(p, first);
    if (s == BP_OK) s = l->stage.bytes > 0 ? fill_from_stage(l, first) : fill_alone(l, first);
    if (s == BP_OK && l->stream) bp__stream_ready(l->stream, l->stored ? l->stage.bytes : l->extent.bytes);
    end_stream(l);
    free(first);
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

/* A file that seems damaged may be one that is being rewritten. */
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
    bp__add_release(shared->doorbell, 1);
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
    case BP__PHASE_CHECK: s = look(l, &l->identity); break;
    }
    if (bp__failed(s) && l->phase != BP__PHASE_CHECK) s = blame(l, s);
    set_result(l, s);
    if (l->source && (bp__failed(s) || l->phase == BP__PHASE_FILL)) l->shared->loader->close(&l->source);
    hand_back(l);
}

static void begin(bp__load *load)
{
    load->job.run = run;
    load->begun_ns = bp__clock_ns();
    load->running = load->shared->running;
    load->shared->running = load;
    bp_status s = bp__workers_submit(load->shared->workers, &load->job);
    if (bp__failed(s)) {
        set_result(load, s);
        end_stream(load);
        hand_back(load);
    }
}

static void forget_running(bp__load *load)
{
    bp__load **link = &load->shared->running;
    while (*link && *link != load) link = &(*link)->running; /* it may have been turned away before it ran */
    if (*link) *link = load->running;
}

static bool is_overdue(const bp__load *l, uint64_t now)
{
    return (now - l->begun_ns) / 1000000 >= (uint64_t)l->shared->timeout_ms;
}

const bp__load *bp__loads_overdue(const bp__loads *shared)
{
    const bp__load *oldest = shared->running;
    for (const bp__load *l = oldest; l; l = l->running)
        if (l->begun_ns < oldest->begun_ns) oldest = l;
    return oldest && is_overdue(oldest, bp__clock_ns()) ? oldest : NULL;
}

/* Turns ------------------------------------------------------------------------------------------ */

/* Others do not queue behind what may never end. */
static void let_overdue_leave(bp__loads *shared)
{
    const uint64_t now = bp__clock_ns();
    for (bp__load *l = shared->running; l; l = l->running)
        if (is_overdue(l, now)) leave(l);
}

static void queue(bp__turnstile *t, bp__load *l)
{
    l->next = NULL;
    if (t->first)
        t->last->next = l;
    else
        t->first = l;
    t->last = l;
}

static bp__load *first_of(bp__turnstile *t)
{
    bp__load *l = t->first;
    if (l) t->first = l->next;
    return l;
}

static void admit(bp__turnstile *t)
{
    while (t->first && t->inside < BP__MOST_LOADS) {
        bp__load *l = first_of(t);
        t->inside++;
        l->inside = true;
        l->started_ns = bp__clock_ns();
        begin(l);
    }
}

void bp__load_start(bp__load *load, bp__phase phase)
{
    load->phase = phase;
    if (phase == BP__PHASE_PLAN || phase == BP__PHASE_CHECK) {
        queue(turnstile_of(load), load);
        admit(turnstile_of(load));
    } else {
        begin(load);
    }
}

static void turn_away(bp__turnstile *t)
{
    for (bp__load *l; (l = first_of(t)) != NULL;) {
        set_result(l, bp__fail(BP_ESTOPPED, "%s: the pool is shutting down", l->name));
        hand_back(l);
    }
}

void bp__loads_stop(bp__loads *shared)
{
    turn_away(&shared->plans);
    turn_away(&shared->checks);
}

bp__load *bp__loads_take(bp__loads *shared)
{
    pthread_mutex_lock(&shared->lock);
    bp__load *l = shared->done, *oldest = NULL;
    shared->done = NULL;
    pthread_mutex_unlock(&shared->lock);
    while (l) {
        bp__load *next = l->next;
        forget_running(l);
        l->next = oldest;
        oldest = l;
        l = next;
    }
    if (shared->plans.first || shared->checks.first) let_overdue_leave(shared);
    admit(&shared->plans);
    admit(&shared->checks);
    return oldest;
}
