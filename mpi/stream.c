#include "mpi/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/directory.h"
#include "core/futex.h"
#include "core/log.h"
#include "mpi/comm.h"

#define UNDER_WAY 4u /* segments on one link at once */

typedef enum stage { CLAIMING, MOVING } stage;

struct bp__stream {
    bp__job job; /* first: claims the extent on a worker */
    bp__streams *all;
    bp__stream *next;
    uint32_t slot;
    uint64_t generation;
    bp__extent extent;
    uint32_t num_segments;
    bool source;
    _Atomic int claimed; /* worker stores 1 when done (release), service loads */
    stage stage;
    bp_status code; /* written by the worker before `claimed`, by the service thread after */
    char text[BP_ERROR_TEXT_MAX];
    char *fill;   /* where segments are received: the extent, or a bounce buffer */
    char *bounce; /* owned */
    bool opened;  /* the extent is open for filling */
    bool arrived;
    /* source: tasks that have yet to write into each segment; a loader decrements (release), the service
     * thread loads */
    _Atomic uint32_t *missing;
    _Atomic bool no_more;                        /* source: the loader stores it last (release) */
    bool *poisoned;                              /* [num_segments] came, or goes, empty */
    uint32_t receiving, received, sending, sent; /* segments started and ended, in order */
    MPI_Request in[UNDER_WAY], out[UNDER_WAY];   /* of segment i at i % UNDER_WAY */
};

struct bp__streams {
    MPI_Comm chain;
    int node, num_nodes;
    bp__window *arena;
    bp__workers *workers;
    _Atomic uint32_t *doorbell;
    bp__stream_arrived *on_arrival;
    void *ctx;
    bp__stream *first;
};

bp_status bp__streams_create(MPI_Comm chain, bp__window *arena, bp__workers *workers,
                             _Atomic uint32_t *doorbell, bp__stream_arrived *arrived, void *ctx,
                             bp__streams **streams)
{
    bp__streams *all = calloc(1, sizeof *all);
    *streams = NULL;
    if (!all) BP_FAIL(BP_ENOMEM, "no memory for streams between nodes");
    all->chain = chain;
    all->arena = arena;
    all->workers = workers;
    all->doorbell = doorbell;
    all->on_arrival = arrived;
    all->ctx = ctx;
    *streams = all;
    BP_MPI(MPI_Comm_rank(chain, &all->node));
    BP_MPI(MPI_Comm_size(chain, &all->num_nodes));
    return BP_OK;
}

/* Take back the access to the extent. */
static void close_extent(bp__stream *s)
{
    if (s->opened && bp__failed(bp__window_close(s->all->arena, s->extent)))
        bp__log(BP_LOG_WARN, "%s", bp_error_text());
    s->opened = false;
}

static void free_stream(bp__stream *s)
{
    close_extent(s);
    free(s->bounce);
    free(s->missing);
    free(s->poisoned);
    free(s);
}

void bp__streams_destroy(bp__streams **streams)
{
    if (!*streams) return;
    for (bp__stream *s = (*streams)->first, *next; s; s = next) {
        next = s->next;
        free_stream(s);
    }
    free(*streams);
    *streams = NULL;
}

static bp_status new_stream(bp__streams *all, uint32_t slot, bp__extent extent, bp__stream **stream)
{
    bp__stream *s = calloc(1, sizeof *s);
    *stream = NULL;
    if (!s) BP_FAIL(BP_ENOMEM, "no memory for a stream between nodes");
    s->all = all;
    s->slot = slot;
    s->extent = extent;
    s->num_segments = (uint32_t)((extent.bytes + BP__SEGMENT - 1) / BP__SEGMENT);
    for (unsigned i = 0; i < UNDER_WAY; i++) s->in[i] = s->out[i] = MPI_REQUEST_NULL;
    s->poisoned = calloc(s->num_segments, sizeof *s->poisoned);
    if (!s->poisoned) {
        free(s);
        BP_FAIL(BP_ENOMEM, "no memory for a stream of %llu bytes", (unsigned long long)extent.bytes);
    }
    *stream = s;
    return BP_OK;
}

static void link_stream(bp__streams *all, bp__stream *s)
{
    bp__stream **last = &all->first; /* older streams first: they have waited longer */
    while (*last) last = &(*last)->next;
    *last = s;
}

static int segment_bytes(const bp__stream *s, uint32_t segment)
{
    uint64_t at = segment * BP__SEGMENT, left = s->extent.bytes - at;
    return (int)(left < BP__SEGMENT ? left : BP__SEGMENT);
}

static void ring(const bp__streams *all)
{
    atomic_fetch_add_explicit(all->doorbell, 1, memory_order_release);
    bp__futex_wake(all->doorbell);
}

/* Source ----------------------------------------------------------------------------------------- */

/* The segments from the first to the last byte that a task writes; rows of a block lie apart, what is in
 * between counts as written by it too, so that it waits longer than it must, never shorter. */
static void segments_of(const bp__plan *plan, uint64_t task, uint32_t *first, uint32_t *last)
{
    uint64_t from = 0, to = plan->head_bytes;
    if (task < plan->num_tasks) {
        const bp__plan_task *t = &plan->task[task];
        const bp__plan_dataset *d = &plan->dataset[t->dataset];
        const bp__image *image = plan->head;
        uint64_t row = t->origin[0] + d->chunk[0] - 1, col = t->origin[1] + d->chunk[1] - 1;
        if (row >= d->shape[0]) row = d->shape[0] - 1;
        if (col >= d->shape[1]) col = d->shape[1] - 1;
        uint64_t base = image->column[d->column].offset;
        from = base +
               (t->origin[0] * d->shape[1] + t->origin[1]) * 8; /* bulk columns are of 8 bytes an element */
        to = base + (row * d->shape[1] + col) * 8 + 8;
    }
    *first = (uint32_t)(from / BP__SEGMENT);
    *last = (uint32_t)((to - 1) / BP__SEGMENT);
}

bp_status bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, const bp__plan *plan,
                          bp__stream **stream)
{
    bp__stream *s;
    BP_TRY(new_stream(streams, slot, extent, &s));
    *stream = s;
    s->source = true;
    s->stage = MOVING;
    s->missing = calloc(s->num_segments, sizeof *s->missing);
    if (!s->missing) {
        free_stream(s);
        BP_FAIL(BP_ENOMEM, "no memory for a stream of %llu bytes", (unsigned long long)extent.bytes);
    }
    for (uint64_t task = 0; task <= plan->num_tasks; task++) {
        uint32_t first, last;
        segments_of(plan, task, &first, &last);
        for (uint32_t i = first; i <= last; i++)
            atomic_fetch_add_explicit(&s->missing[i], 1, memory_order_relaxed);
    }
    link_stream(streams, s);
    return BP_OK;
}

void bp__stream_task_done(bp__stream *stream, const bp__plan *plan, uint64_t task)
{
    uint32_t first, last;
    bool any = false;
    segments_of(plan, task, &first, &last);
    for (uint32_t i = first; i <= last; i++)
        any |= atomic_fetch_sub_explicit(&stream->missing[i], 1, memory_order_acq_rel) == 1;
    if (any) ring(stream->all);
}

void bp__stream_end(bp__stream *stream)
{
    bp__streams *all = stream->all; /* the stream may be gone as soon as it is stored */
    atomic_store_explicit(&stream->no_more, true, memory_order_release);
    ring(all);
}

/* Whether a segment can leave; sets whether it leaves empty. */
static bool source_has(bp__stream *s, uint32_t segment)
{
    if (atomic_load_explicit(&s->missing[segment], memory_order_acquire) == 0) return true;
    if (!atomic_load_explicit(&s->no_more, memory_order_acquire)) return false;
    /* it may have been completed just before */
    s->poisoned[segment] = atomic_load_explicit(&s->missing[segment], memory_order_acquire) > 0;
    return true;
}

/* Receiver --------------------------------------------------------------------------------------- */

static void claim(bp__job *job)
{
    bp__stream *s = (bp__stream *)job; /* its first member */
    void *memory;
    s->code = bp__window_open(s->all->arena, s->extent, &memory);
    if (s->code == BP_OK) {
        s->opened = true;
        s->fill = memory;
        s->code = bp__window_claim(s->all->arena, s->extent);
    }
    if (bp__failed(s->code)) snprintf(s->text, sizeof s->text, "%s", bp_error_text());
    bp__streams *all = s->all; /* the stream may be gone as soon as the service thread sees it claimed */
    atomic_store_explicit(&s->claimed, 1, memory_order_release);
    ring(all);
}

void bp__stream_receive(bp__streams *streams, uint32_t slot, uint64_t generation, bp__extent extent)
{
    bp__stream *s;
    bp_status code = new_stream(streams, slot, extent, &s);
    if (bp__failed(
            code)) { /* nobody would take its segments: rank 0's node waits for a vote that never comes */
        bp__log(BP_LOG_ERROR, "%s; the load will time out", bp_error_text());
        return;
    }
    s->generation = generation;
    s->stage = CLAIMING;
    link_stream(streams, s);
    s->job.run = claim;
    if (bp__failed(bp__workers_submit(streams->workers, &s->job))) {
        s->code = BP_ESYS;
        snprintf(s->text, sizeof s->text, "%s", bp_error_text());
        atomic_store_explicit(&s->claimed, 1, memory_order_release);
    }
}

/* Claimed, or not: then segments go to a bounce buffer. @return whether it may go on */
static bool start_moving(bp__stream *s)
{
    if (s->stage == MOVING) return true;
    if (!atomic_load_explicit(&s->claimed, memory_order_acquire)) return false;
    if (bp__failed(s->code)) {
        s->bounce = malloc(UNDER_WAY * BP__SEGMENT);
        if (!s->bounce) return false; /* tried again: the chain must not break */
        s->fill = NULL;
    }
    s->stage = MOVING;
    return true;
}

static char *place_of(const bp__stream *s, uint32_t segment)
{
    if (s->bounce) return s->bounce + segment % UNDER_WAY * BP__SEGMENT;
    return (s->source ? s->all->arena->base + s->extent.offset : s->fill) + segment * BP__SEGMENT;
}

static bp_status move_in(bp__stream *s, bool *busy)
{
    bp__streams *all = s->all;
    bool last = all->node == all->num_nodes - 1;
    while (s->received < s->receiving) {
        uint32_t i = s->received;
        int done = 0, bytes = 0;
        MPI_Status status;
        BP_MPI(MPI_Test(&s->in[i % UNDER_WAY], &done, &status));
        if (!done) break;
        BP_MPI(MPI_Get_count(&status, MPI_BYTE, &bytes));
        if (bytes == 0) {
            s->poisoned[i] = true;
            if (s->code == BP_OK) s->code = BP_EIO; /* rank 0 knows the reason */
        }
        s->received++;
        *busy = true;
    }
    /* a place in the bounce buffer is free again when what was in it has been passed on */
    uint32_t bound = s->bounce && !last ? s->sent + UNDER_WAY : s->received + UNDER_WAY;
    while (s->receiving < s->num_segments && s->receiving < bound && s->receiving < s->received + UNDER_WAY) {
        uint32_t i = s->receiving++;
        BP_MPI(MPI_Irecv(place_of(s, i), segment_bytes(s, i), MPI_BYTE, all->node - 1, (int)s->slot,
                         all->chain, &s->in[i % UNDER_WAY]));
        *busy = true;
    }
    return BP_OK;
}

static bp_status move_out(bp__stream *s, bool *busy)
{
    bp__streams *all = s->all;
    if (all->node == all->num_nodes - 1) {
        s->sending = s->sent = s->received;
        return BP_OK;
    }
    while (s->sent < s->sending) {
        int done = 0;
        BP_MPI(MPI_Test(&s->out[s->sent % UNDER_WAY], &done, MPI_STATUS_IGNORE));
        if (!done) break;
        s->sent++;
        *busy = true;
    }
    while (s->sending < s->num_segments && s->sending < s->sent + UNDER_WAY &&
           (s->source ? source_has(s, s->sending) : s->sending < s->received)) {
        uint32_t i = s->sending++;
        int bytes = s->poisoned[i] ? 0 : segment_bytes(s, i);
        const char *from = s->bounce ? place_of(s, i) : all->arena->view + s->extent.offset + i * BP__SEGMENT;
        BP_MPI(MPI_Isend(from, bytes, MPI_BYTE, all->node + 1, (int)s->slot, all->chain,
                         &s->out[i % UNDER_WAY]));
        *busy = true;
    }
    return BP_OK;
}

static bool ended(const bp__stream *s)
{
    if (s->sent < s->num_segments || (!s->source && s->received < s->num_segments)) return false;
    if (!s->source) return true;
    return atomic_load_explicit(&s->no_more, memory_order_acquire); /* until then the loader may still call */
}

bool bp__streams_poll(bp__streams *streams)
{
    bool busy = false;
    for (bp__stream **link = &streams->first; *link;) {
        bp__stream *s = *link;
        if (start_moving(s)) {
            bp_status st = s->source ? BP_OK : move_in(s, &busy);
            if (st == BP_OK) st = move_out(s, &busy);
            if (bp__failed(st)) bp__log(BP_LOG_ERROR, "a stream between nodes is lost: %s", bp_error_text());
            if (!s->source && !s->arrived && s->received == s->num_segments) {
                s->arrived = true;
                close_extent(s); /* passing on reads the other mapping */
                streams->on_arrival(streams->ctx, s->slot, s->generation, s->code, s->text);
            }
        }
        if (!ended(s)) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        free_stream(s);
        busy = true;
    }
    return busy;
}

bool bp__streams_busy(const bp__streams *streams, uint32_t slot)
{
    for (const bp__stream *s = streams->first; s; s = s->next)
        if (slot == BP__NO_SLOT || s->slot == slot) return true;
    return false;
}
