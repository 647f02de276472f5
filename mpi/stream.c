#include "mpi/stream.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/fault.h"
#include "core/log.h"
#include "mpi/checksum.h"
#include "mpi/comm.h"
#include "mpi/segments.h"

#define UNDER_WAY 4u /* segments on one link at once */
/* Segments of a stream in private memory at once: as many may come as are being passed on. A node that cannot
 * pass on as fast as segments come takes them from the arena again later. */
#define PLACES (2 * UNDER_WAY)
/* All segments under way on a link share its bandwidth, so the first of them is late by as many: a long chain
 * of slow links wants short segments. Within a machine they are shorter still: what a stream has in private
 * memory has to stay in the cache of a core, or copying it once more costs half of the rate. */
#define SEGMENT_IN_MEMORY (UINT64_C(128) << 10)
#define SEGMENT_ON_WIRE   (UINT64_C(256) << 10)

typedef struct piece {
    char *place; /* the segment's private memory; NULL: none */
    uint32_t checksum;
    bool poisoned; /* it came, or goes, empty */
} piece;

struct bp__stream {
    bp__job job; /* first: claims the extent on a worker, and uses it if it is a stage */
    bp__streams *all;
    bp__stream *next;
    uint32_t slot;
    uint64_t generation;
    bp__extent extent;
    uint64_t segment; /* bytes */
    uint32_t num_segments;
    bool source, stage;
    bp__writer writer;         /* receiver; the worker's until job_over, then the service thread's */
    _Atomic uint64_t claimed;  /* bytes; the worker stores (release), the service thread loads */
    _Atomic int job_over;      /* likewise, but last; with it code and text change hands */
    _Atomic bool useless;      /* either stores true: no memory for the extent, or a segment came empty */
    _Atomic uint32_t in_place; /* segments; the service thread stores (release), the stage's user loads */
    bool homeless;             /* from segment homeless_from on: no memory was claimed for them */
    uint32_t homeless_from;
    bp_status code;
    char text[BP_ERROR_TEXT_MAX];
    char objection[256];    /* the service thread's: what came that was not what was sent */
    bool damaged;           /* the objection is to a checksum */
    bool reported;          /* reported that the stream is over */
    _Atomic uint64_t ready; /* source: bytes in place; the loading thread stores (release) */
    _Atomic bool no_more;   /* source: the loading thread stores it last (release) */
    piece *piece;           /* [num_segments]; owned */
    /* Segments, in order: started and ended on each link, and put in the arena. */
    uint32_t receiving, received, sending, sent, placed;
    MPI_Request in[UNDER_WAY], out[UNDER_WAY]; /* of segment i at i % UNDER_WAY */
    char *spare[PLACES];                       /* private memory that no segment has */
    unsigned num_spare, num_places;            /* of all that the stream has */
};

struct bp__streams {
    MPI_Comm chain;
    int node, num_nodes;
    uint64_t segment;
    bool verify;
    const char *host;
    bp__directory *dir;
    bp__window *arena;
    bp__workers *workers;
    bp__stream_calls calls;
    bp__segments *segments; /* with room for a trailer */
    bp__stream *first;
    bool broken;
};

static void lost(const bp__streams *all)
{
    if (all->calls.lost)
        all->calls.lost(all->calls.ctx);
    else
        bp__log(BP_LOG_ERROR, "a stream between nodes is lost: %s", bp_error_text());
}

bp_status bp__streams_create(const bp__streams_setup *setup, bp__streams **streams)
{
    bp__streams *all = calloc(1, sizeof *all);
    *streams = NULL;
    if (!all) BP_FAIL(BP_ENOMEM, "no memory for streams between nodes");
    all->chain = setup->chain;
    all->dir = setup->dir;
    all->arena = setup->arena;
    all->workers = setup->workers;
    all->segment = setup->one_machine ? SEGMENT_IN_MEMORY : SEGMENT_ON_WIRE;
    all->verify = setup->verify;
    all->host = setup->host;
    all->calls = setup->calls;
    *streams = all;
    BP_TRY(bp__segments_create(all->segment + sizeof(bp__trailer), &all->segments));
    BP_MPI(MPI_Comm_rank(all->chain, &all->node));
    BP_MPI(MPI_Comm_size(all->chain, &all->num_nodes));
    return BP_OK;
}

static void close_writer(bp__stream *s)
{
    if (bp__failed(bp__writer_close(&s->writer))) bp__log(BP_LOG_WARN, "%s", bp_error_text());
}

static void free_stream(bp__stream *s)
{
    close_writer(s);
    while (s->num_spare > 0) bp__segments_release(s->all->segments, s->spare[--s->num_spare]);
    free(s->piece);
    free(s);
}

void bp__streams_destroy(bp__streams **streams)
{
    if (!*streams) return;
    if ((*streams)->broken && (*streams)->first) {
        *streams = NULL; /* MPI may still use what is under way */
        return;
    }
    bool under_way = (*streams)->first != NULL; /* only after a failure: MPI may still move its segments */
    for (bp__stream *s = (*streams)->first, *next; s; s = next) {
        next = s->next;
        free_stream(s);
    }
    bp__segments_destroy(&(*streams)->segments, under_way);
    free(*streams);
    *streams = NULL;
}

static bp_status new_stream(bp__streams *all, uint32_t slot, bp__extent extent, bp__stream **stream)
{
    bp__stream *s = calloc(1, sizeof *s);
    *stream = NULL;
    if (!s) BP_FAIL(BP_ENOMEM, "no memory for a stream between nodes");
    bp_status st = bp__segments_get(all->segments, &s->spare[0]);
    if (bp__failed(st)) {
        free(s);
        return st;
    }
    s->num_spare = s->num_places = 1;
    s->all = all;
    s->slot = slot;
    s->extent = extent;
    s->segment = all->segment;
    s->num_segments = (uint32_t)((extent.bytes + s->segment - 1) / s->segment);
    for (unsigned i = 0; i < UNDER_WAY; i++) s->in[i] = s->out[i] = MPI_REQUEST_NULL;
    s->piece = calloc(s->num_segments, sizeof *s->piece);
    if (!s->piece) {
        free_stream(s);
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
    uint64_t at = segment * s->segment, left = s->extent.bytes - at;
    return (int)(left < s->segment ? left : s->segment);
}

static int message_bytes(const bp__stream *s, uint32_t segment)
{
    return segment_bytes(s, segment) + (int)sizeof(bp__trailer);
}

static uint64_t end_of(const bp__stream *s, uint32_t segment)
{
    return segment * s->segment + (uint64_t)segment_bytes(s, segment);
}

static void leave_place(bp__stream *s, uint32_t segment)
{
    piece *p = &s->piece[segment];
    if (p->place) s->spare[s->num_spare++] = p->place;
    p->place = NULL;
}

/* A segment that is in the arena, and waits to be passed on, can do without: of those the last. */
static void empty_a_place(bp__stream *s)
{
    uint32_t i = s->homeless ? s->homeless_from : s->placed;
    while (i > s->sending && !s->piece[i - 1].place) i--;
    if (i > s->sending) leave_place(s, i - 1);
}

/* Private memory for a segment. If there is no more of it, the segment waits for what its own stream has,
 * which is one place at least: those before it will leave that. */
static bool take_place(bp__stream *s, uint32_t segment)
{
    if (s->num_spare == 0 && s->num_places < PLACES &&
        bp__segments_get(s->all->segments, &s->spare[0]) == BP_OK) {
        s->num_spare = 1;
        s->num_places++;
    }
    if (s->num_spare == 0) empty_a_place(s);
    if (s->num_spare == 0) return false;
    s->piece[segment].place = s->spare[--s->num_spare];
    return true;
}

/* Source ----------------------------------------------------------------------------------------- */

bp_status bp__stream_send(bp__streams *streams, uint32_t slot, bp__extent extent, bp__stream **stream)
{
    BP_TRY(new_stream(streams, slot, extent, stream));
    (*stream)->source = true;
    link_stream(streams, *stream);
    return BP_OK;
}

void bp__stream_ready(bp__stream *stream, uint64_t bytes)
{
    uint64_t before = bp__load_relaxed(&stream->ready); /* own store */
    if (bytes <= before) return;
    bp__store_release(&stream->ready, bytes);
    if (bytes / stream->segment > before / stream->segment) bp__dir_ring(stream->all->dir);
}

void bp__stream_end(bp__stream *stream)
{
    bp__streams *all = stream->all; /* the stream may be gone as soon as it is stored */
    bp__store_release(&stream->no_more, true);
    bp__dir_ring(all->dir);
}

/* Whether a segment can leave; sets whether it leaves empty. That it must leave empty is concluded from two
 * words: no more will be ready, and yet too little is. `no_more` is stored after the last `ready`, so it is
 * loaded first: then `ready` is final. */
static bool source_has(bp__stream *s, uint32_t segment)
{
    bool over = bp__load_acquire(&s->no_more);
    bp__nap_here(BP__NAP_NO_MORE_READY);
    bool ready = bp__load_acquire(&s->ready) >= end_of(s, segment);
    if (over && !ready) s->piece[segment].poisoned = true;
    return over || ready;
}

/* Receiver --------------------------------------------------------------------------------------- */

static bp_status claim(bp__stream *s)
{
    BP_TRY(bp__writer_open(s->all->arena, s->extent, &s->writer));
    for (uint64_t at = 0; at < s->extent.bytes;) {
        uint64_t to = s->extent.bytes - at < s->segment ? s->extent.bytes : at + s->segment;
        BP_TRY(bp__writer_claim(&s->writer, at, to));
        bp__store_release(&s->claimed, to);
        bp__nap_here(BP__NAP_CLAIMED_JOB_OVER_STORED);
        if (at == 0) bp__dir_ring(s->all->dir);
        at = to;
    }
    return BP_OK;
}

static void copy_error(bp__stream *s)
{
    snprintf(s->text, sizeof s->text, "%s", bp_error_text());
}

static void receive(bp__job *job)
{
    bp__stream *s = (bp__stream *)job; /* its first member */
    bp__streams *all = s->all;         /* the stream may be gone as soon as its job is over */
    s->code = claim(s);
    if (bp__failed(s->code)) {
        copy_error(s); /* now: the use of the stage will fail for want of bytes, which is not the reason */
        bp__store_release(&s->useless, true);
    }
    if (s->stage) { /* in any case: ranks may be waiting for what is on it */
        bp_status used = all->calls.use(all->calls.ctx, s, s->slot, s->extent);
        if (s->code == BP_OK) {
            s->code = used;
            if (bp__failed(used)) copy_error(s);
        }
    }
    bp__store_release(&s->job_over, 1);
    bp__dir_ring(all->dir);
}

void bp__stream_receive(bp__streams *streams, uint32_t slot, uint64_t generation, bp__extent extent,
                        bool stage)
{
    bp__stream *s;
    bp_status code = new_stream(streams, slot, extent, &s);
    if (bp__failed(code)) {
        lost(streams); /* nobody receives the stream's segments, nor passes them on */
        return;
    }
    s->generation = generation;
    s->stage = stage;
    link_stream(streams, s);
    s->job.run = receive;
    if (bp__failed(bp__workers_submit(streams->workers, &s->job))) {
        s->code = BP_ESYS;
        copy_error(s);
        bp__store_release(&s->job_over, 1);
    }
}

bool bp__stream_arrived(const bp__stream *stream, uint64_t *bytes)
{
    /* Segments are counted in order, the empty ones as well; `useless` is stored before an empty one is
     * counted. So `useless` is loaded last: where it is still false, all that was counted has its bytes. */
    uint32_t segments = bp__load_acquire(&stream->in_place);
    bp__nap_here(BP__NAP_IN_PLACE_USELESS);
    *bytes = segments < stream->num_segments ? segments * stream->segment : stream->extent.bytes;
    return !bp__load_acquire(&stream->useless);
}

/* What has become of the memory for the next segment: claimed, or, if claiming has failed, none for it and
 * all after it. @return false: it is still awaited
 *
 * That claiming has failed is concluded from two words: the job is over, and yet too little is claimed. The
 * worker stores `claimed` before `job_over`, so `job_over` is loaded first: once it says that the job is
 * over, `claimed` is final. Loaded the other way round, the worker could claim everything and end between the
 * two loads, and the segment would bypass memory that was there for it. */
static bool has_home(bp__stream *s)
{
    if (s->homeless) return true;
    bool job_over = bp__load_acquire(&s->job_over);
    bp__nap_here(BP__NAP_JOB_OVER_CLAIMED);
    if (bp__load_acquire(&s->claimed) >= end_of(s, s->placed)) return true;
    if (!job_over) return false;
    s->homeless = true;
    s->homeless_from = s->placed;
    return true;
}

static void now_useless(bp__stream *s)
{
    bp__store_release(&s->useless, true);
    bp__dir_ring_decoding(s->all->dir, s->slot);
}

/* Whether a segment that is under way has come, and how many bytes: more than the segment has if the message
 * was too long for its place. */
static bp_status segment_came(bp__stream *s, uint32_t segment, bool *came, int *bytes)
{
    int done = 0, class = MPI_SUCCESS;
    MPI_Status status;
    int rc = MPI_Test(&s->in[segment % UNDER_WAY], &done, &status);
    if (rc != MPI_SUCCESS) BP_MPI(MPI_Error_class(rc, &class));
    if (class == MPI_ERR_TRUNCATE) {
        *came = true;
        *bytes = message_bytes(s, segment) + 1;
        return BP_OK;
    }
    if (rc != MPI_SUCCESS) return bp__mpi_failed(rc, "MPI_Test");
    *came = done;
    if (done) BP_MPI(MPI_Get_count(&status, MPI_BYTE, bytes));
    return BP_OK;
}

/* Only the first counts: others may follow from it. */
__attribute__((format(printf, 3, 4))) static void object(bp__stream *s, uint32_t segment, const char *format,
                                                         ...)
{
    if (s->objection[0] != '\0') return;
    char name[BP_NAME_MAX + 1];
    va_list args;
    bp__dir_name(s->all->dir, s->slot, name);
    int n = snprintf(s->objection, sizeof s->objection, "node %d (%s): segment %u of %s ", s->all->node,
                     s->all->host, segment, name);
    va_start(args, format);
    vsnprintf(s->objection + n, sizeof s->objection - (size_t)n, format, args);
    va_end(args);
}

static bp__trailer trailer_of(const bp__stream *s, uint32_t segment)
{
    bp__trailer t;
    memcpy(&t, s->piece[segment].place + segment_bytes(s, segment), sizeof t);
    return t;
}

/* A segment comes whole, or empty if its load has failed. Anything else was not meant for this place: it is
 * passed on as empty, and the vote says what came. */
static bool is_whole(bp__stream *s, uint32_t segment, int bytes)
{
    int whole = message_bytes(s, segment);
    if (bytes == 0) return false;
    if (bytes != whole)
        object(s, segment, "came with %s bytes than its %d", bytes < whole ? "fewer" : "more", whole);
    else if (trailer_of(s, segment).segment != segment)
        object(s, segment, "came with the number %u", trailer_of(s, segment).segment);
    else
        return true;
    return false;
}

/* A segment has come. */
static void take_note(bp__stream *s, uint32_t segment, int bytes)
{
    piece *p = &s->piece[segment];
    p->poisoned = !is_whole(s, segment, bytes);
    if (p->poisoned) {
        leave_place(s, segment);
        now_useless(s);
    } else {
        p->checksum = trailer_of(s, segment).checksum;
    }
}

/* Find out which segments have come. */
static bp_status hear(bp__stream *s, bool *busy)
{
    while (s->received < s->receiving) {
        bool came = false;
        int bytes = 0;
        BP_TRY(segment_came(s, s->received, &came, &bytes));
        if (!came) break;
        take_note(s, s->received++, bytes);
        *busy = true;
    }
    return BP_OK;
}

/* Let as many segments come as there is private memory for. */
static bp_status expect(bp__stream *s, bool *busy)
{
    bp__streams *all = s->all;
    while (s->receiving < s->num_segments && s->receiving < s->received + UNDER_WAY &&
           take_place(s, s->receiving)) {
        uint32_t i = s->receiving++;
        BP_MPI(MPI_Irecv(s->piece[i].place, message_bytes(s, i), MPI_BYTE, all->node - 1, (int)s->slot,
                         all->chain, &s->in[i % UNDER_WAY]));
        *busy = true;
    }
    return BP_OK;
}

/* Copy a segment to the arena, and compare what ranks will read there with what rank 0's node has.
 * @return whether it is the same, as far as is known */
static bool put_in_place(bp__stream *s, uint32_t segment)
{
    const bp__streams *all = s->all;
    size_t bytes = (size_t)segment_bytes(s, segment);
    uint64_t at = s->extent.offset + segment * s->segment;
    memcpy(all->arena->base + at, s->piece[segment].place, bytes);
    if (bp__fault_takes_place(BP__FAULT_DAMAGE) || bp__fault_takes_place(BP__FAULT_DAMAGE_ONCE))
        all->arena->base[at + bytes / 2] ^= 1;
    if (!all->verify) return true;
    uint32_t there = bp__checksum(all->arena->view + at, bytes), sent = s->piece[segment].checksum;
    if (there == sent) return true;
    object(s, segment, "arrived damaged: its checksum is %08x instead of %08x", there, sent);
    s->damaged = true;
    return false;
}

/* Put a segment that has come where it belongs: one at a time, as MPI moves others in between. */
static void move_in(bp__stream *s, bool *busy)
{
    if (s->placed == s->received || !has_home(s)) return;
    uint32_t i = s->placed++;
    bool there = !s->piece[i].poisoned && !s->homeless;
    if (there && !put_in_place(s, i)) {
        now_useless(s);
        there = false;
    }
    if (i < s->sent) leave_place(s, i);
    if (s->stage && there) {
        bp__store_release(&s->in_place, s->placed);
        bp__dir_ring_decoding(s->all->dir, s->slot);
    }
    *busy = true;
}

/* Copy a segment from the arena to private memory. @return false: later */
static bool move_out(bp__stream *s, uint32_t segment)
{
    piece *p = &s->piece[segment];
    if (!take_place(s, segment)) return false;
    assert(p->place);
    size_t bytes = (size_t)segment_bytes(s, segment);
    const char *from = s->all->arena->view + s->extent.offset + segment * s->segment;
    memcpy(p->place, from, bytes);
    if (s->source && s->all->verify) p->checksum = bp__checksum(from, bytes);
    const bp__trailer t = {p->checksum, segment};
    memcpy(p->place + bytes, &t, sizeof t);
    return true;
}

/* Whether the next segment can leave. */
static bool has_next(bp__stream *s)
{
    uint32_t next = s->sending;
    if (next == s->num_segments || next == s->sent + UNDER_WAY) return false;
    if (s->source ? !source_has(s, next) : next == s->received) return false;
    return s->piece[next].poisoned || s->piece[next].place || move_out(s, next);
}

static bp_status send_some(bp__stream *s, bool *busy)
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
        uint32_t i = s->sent++;
        if (s->source || i < s->placed) leave_place(s, i);
        *busy = true;
    }
    while (has_next(s)) {
        uint32_t i = s->sending++;
        const piece *p = &s->piece[i];
        BP_MPI(MPI_Isend(p->place, p->poisoned ? 0 : message_bytes(s, i), MPI_BYTE, all->node + 1,
                         (int)s->slot, all->chain, &s->out[i % UNDER_WAY]));
        *busy = true;
    }
    return BP_OK;
}

/* Whether this node is complete, or never will be. */
static bool over(const bp__stream *s)
{
    return s->placed == s->num_segments && bp__load_acquire(&s->job_over);
}

/* Why this node must vote no although its worker found nothing wrong. What was only passed on never came to
 * the arena: whatever the reason, other bytes are in its place. */
static void find_objection(bp__stream *s)
{
    if (s->objection[0] != '\0') { /* whatever the worker made of bytes that did not come */
        s->code = BP_EIO;
        snprintf(s->text, sizeof s->text, "%s", s->objection);
    } else if (s->code == BP_OK && s->homeless) {
        s->code = BP_ENOMEM;
        snprintf(
            s->text, sizeof s->text,
            "node %d: no memory was claimed for a bundle's segments from %u on; they were only passed on",
            s->all->node, s->homeless_from);
    } else if (s->code == BP_OK && bp__load_relaxed(&s->useless)) {
        s->code = BP_EIO; /* rank 0 knows the reason */
    }
}

static void report(bp__stream *s)
{
    const bp__stream_calls *calls = &s->all->calls;
    s->reported = true;
    close_writer(s);
    find_objection(s);
    calls->over(calls->ctx, s->slot, s->generation, s->code, s->damaged, s->text);
}

static bool ended(const bp__stream *s)
{
    if (s->sent < s->num_segments) return false;
    if (!s->source) return s->reported;
    return bp__load_acquire(&s->no_more); /* until then the loader may still call */
}

bool bp__streams_poll(bp__streams *streams)
{
    bool busy = false;
    for (bp__stream **link = &streams->first; *link && !streams->broken;) {
        bp__stream *s = *link;
        bp_status st = s->source ? BP_OK : hear(s, &busy);
        if (st == BP_OK && !s->source) st = expect(s, &busy);
        if (st == BP_OK) st = send_some(s, &busy);
        if (bp__failed(st)) {
            lost(streams);
            return true;
        }
        if (!s->source) move_in(s, &busy); /* while it is being passed on */
        if (!s->source && !s->reported && over(s)) report(s);
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

void bp__streams_break(bp__streams *streams)
{
    streams->broken = true;
    for (bp__stream *s = streams->first; s; s = s->next)
        if (!s->source) now_useless(s);
}

bool bp__streams_busy(const bp__streams *streams, uint32_t slot)
{
    for (const bp__stream *s = streams->first; s; s = s->next)
        if (slot == BP__NO_SLOT || s->slot == slot) return true;
    return false;
}
