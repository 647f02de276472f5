#include "mpi/decoding.h"

#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/futex.h"
#include "core/log.h"

#define PATIENCE_NS UINT64_C(3000000) /* without progress: then the thread in charge decodes in any case */
/* A rank that decodes does a task in milliseconds. On a machine that is far too busy it may take longer than this, and then
 * some work is done twice. */
#define STRAGGLER_MS 1000

/* Tasks ------------------------------------------------------------------------------------------ */

/* Take the next of the tasks [0, available). */
static bool take(bp__turns *turns, uint32_t available, uint32_t slot, _Atomic uint64_t *mark, uint32_t *task)
{
    uint32_t next = bp__load_seq_cst(&turns->next);
    while (next < available) {
        if (mark) bp__store_seq_cst(mark, bp__mark(slot, next));
        bp__nap_here(BP__NAP_MARK_NEXT_STORED);
        if (bp__cas_weak_seq_cst(&turns->next, &next, next + 1)) {
            *task = next;
            return true;
        }
    }
    return false;
}

static bp_status decode(const bp__loader *loader, bp__decoder *decoder, const bp__stage *stage, uint32_t task,
                        bp__writer *image)
{
    uint64_t from, to;
    const bp__plan_task *t = bp__stage_task(stage, task);
    const bp__plan_dataset *d = bp__stage_dataset(stage, t->dataset);
    bp__plan_range(bp__stage_head(stage), d, t, &from, &to);
    BP_TRY(bp__writer_claim(image, from, to));
    return loader->decode(decoder, bp__stage_label(stage), d, t, (const char *)stage + t->file_offset,
                          image->memory);
}

/* In charge -------------------------------------------------------------------------------------- */

static bp__turns *turns_of(const bp__decoding *d)
{
    return &d->dir->turns[d->slot];
}

void bp__decoding_begin(bp__directory *dir, bp__window *arena, const bp__loader *loader, uint32_t slot,
                        bp__decoding *d)
{
    *d = (bp__decoding){
        .dir = dir, .arena = arena, .loader = loader, .slot = slot, .moved_ns = bp__clock_ns()};
}

bp_status bp__decoding_prepare(bp__decoding *d, const bp__stage *stage)
{
    bp__slot *slot = &d->dir->slot[d->slot];
    d->stage = stage;
    d->num_tasks = (uint32_t)stage->num_tasks;
    BP_TRY(d->loader->decoder_create(&d->decoder));
    BP_TRY(bp__writer_open(d->arena, slot->extent, &d->image));
    BP_TRY(bp__writer_claim(&d->image, 0, stage->head_bytes));
    memcpy(d->image.memory, bp__stage_head(stage), stage->head_bytes);
    BP_TRY(bp__image_selfcheck((const bp__image *)(const void *)d->image.memory, d->image.extent.bytes));
    bp__store_release(&slot->num_tasks, d->num_tasks);
    return BP_OK;
}

/* How many tasks, from the first, are done; *ranks: how many may still write. `next` is loaded before the
 * marks, as a rank stores its mark before it moves `next`: whatever task `next` has passed is done, or a mark
 * says that it is not. A mark may be of a task that another rank took first: then it is too low, and `done`
 * comes later. */
static uint32_t least_undone(const bp__decoding *d, uint32_t *ranks)
{
    uint32_t least = bp__load_seq_cst(&turns_of(d)->next);
    *ranks = 0;
    bp__nap_here(BP__NAP_NEXT_MARKS);
    for (uint32_t r = 0; r < d->dir->num_ranks; r++) {
        uint64_t mark = bp__load_seq_cst(&bp__dir_lines(d->dir, r)->decoding);
        if (mark >> 32 != d->slot + 1) continue;
        if ((uint32_t)mark < least) least = (uint32_t)mark;
        ++*ranks;
    }
    return least;
}

/* Update `done`, unless a rank has failed. @return whether one has */
static bool look(bp__decoding *d, uint32_t *ranks)
{
    uint32_t done = least_undone(d, ranks);
    bp__nap_here(BP__NAP_MARKS_FAILED);
    /* after the marks: a rank that has failed says so before its mark goes */
    bool failed = bp__load_acquire(&turns_of(d)->failed);
    if (!failed && done != BP__NO_TURNS && done > d->done) d->done = done; /* a mark may be late, and lower */
    return failed;
}

static void set_available(bp__decoding *d, uint32_t available)
{
    bp__slot *slot = &d->dir->slot[d->slot];
    bp__store_release(&slot->available, available);
    bp__futex_wake(&slot->available);
}

void bp__decoding_offer(bp__decoding *d, uint32_t available)
{
    uint32_t ranks;
    d->offered = available;
    d->moved_ns = bp__clock_ns();
    set_available(d, available);
    look(d, &ranks);
}

/* @return false: PATIENCE_NS have passed without any */
static bool wait_for_progress(const bp__decoding *d, uint32_t seen)
{
    struct timespec deadline = bp__deadline_ns(PATIENCE_NS);
    return bp__futex_wait(&turns_of(d)->progress, seen, &deadline);
}

/* Whether nothing has happened for so long that a rank must be standing still. */
static bool stands_still(bp__decoding *d, uint32_t seen)
{
    uint64_t now = bp__clock_ns();
    if (seen != d->seen) d->moved_ns = now;
    d->seen = seen;
    return now - d->moved_ns >= STRAGGLER_MS * UINT64_C(1000000);
}

/* Go on without those who have not left. */
static void overtake(bp__decoding *d, uint32_t ranks)
{
    bp__log(BP_LOG_WARN, "%s: %u ranks stand still while they decode it; their part is decoded again",
            d->stage ? bp__stage_label(d->stage) : "a bundle", ranks);
    bp__store_seq_cst(&turns_of(d)->overtaken, 1);
#ifndef __SANITIZE_THREAD__ /* TSan knows no fences */
    /* before anything else is written to where the stage is */
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* From now on nobody takes a task; wait until those who have one have left, or are taken for stragglers. */
static void send_home(bp__decoding *d)
{
    uint32_t ranks;
    struct timespec deadline = bp__deadline(STRAGGLER_MS);
    bp__store_seq_cst(&turns_of(d)->next, BP__NO_TURNS);
    bp__nap_here(BP__NAP_NEXT_AVAILABLE_STORED);
    set_available(d, BP__NO_TURNS); /* whoever waits for more wakes up and leaves */
    for (;;) {
        /* loaded before the marks: a mark that goes after it was read rings */
        uint32_t seen = bp__load_acquire(&turns_of(d)->progress);
        bp__nap_here(BP__NAP_PROGRESS_MARKS);
        least_undone(d, &ranks);
        if (ranks == 0 || bp__load_relaxed(&turns_of(d)->overtaken)) return; /* own store */
        if (bp__deadline_passed(&deadline))
            overtake(d, ranks);
        else
            wait_for_progress(d, seen);
    }
}

static bp_status decode_alone(bp__decoding *d)
{
    send_home(d);
    for (; d->done < d->offered; d->done++)
        BP_TRY(decode(d->loader, d->decoder, d->stage, d->done, &d->image));
    return BP_OK;
}

static bp_status decode_one(bp__decoding *d, uint32_t task)
{
    uint32_t ranks;
    BP_TRY(decode(d->loader, d->decoder, d->stage, task, &d->image));
    d->moved_ns = bp__clock_ns();
    look(d, &ranks);
    return BP_OK;
}

/* Is there a processor for this thread, one on which no rank computes? */
static bool has_processor(const bp__decoding *d, uint32_t ranks)
{
    uint64_t waiting = bp__dir_pins(d->dir, d->slot), all = d->dir->num_ranks;
    uint64_t computing = waiting < all ? all - waiting : 0;
    return ranks == 0 || ranks + computing < d->dir->header->max_decoders;
}

bp_status bp__decoding_step(bp__decoding *d)
{
    bp__turns *turns = turns_of(d);
    uint32_t ranks, task, before = d->done;
    uint32_t seen = bp__load_acquire(&turns->progress); /* before the marks */
    bp__nap_here(BP__NAP_PROGRESS_MARKS);
    bool alone = look(d, &ranks) || bp__load_relaxed(&turns->next) == BP__NO_TURNS;
    if (d->done > before) return BP_OK;
    if (d->done == d->offered) {
        wait_for_progress(d, seen);
        return BP_OK;
    }
    if (alone || stands_still(d, seen)) return decode_alone(d);
    bool taken = has_processor(d, ranks) && take(turns, d->offered, d->slot, NULL, &task);
    if (!taken && !wait_for_progress(d, seen)) taken = take(turns, d->offered, d->slot, NULL, &task);
    return taken ? decode_one(d, task) : BP_OK;
}

/* Where the bytes of a stage come from. */
typedef struct arrivals {
    bp__decoding_arrived *arrived;
    const void *ctx;
} arrivals;

/* How many bytes there are by now; *seen: to wait on, so that no later ring for more of them is missed. */
static bp_status look_for_bytes(const bp__decoding *d, const arrivals *from, uint64_t *bytes, uint32_t *seen)
{
    *seen = bp__load_acquire(&turns_of(d)->progress);
    bp__nap_here(BP__NAP_PROGRESS_ARRIVED);
    if (!from->arrived(from->ctx, bytes)) BP_FAIL(BP_EIO, "the bytes of a bundle do not arrive");
    return BP_OK;
}

/* Wait until the first bytes are there. */
static bp_status await(const bp__decoding *d, const arrivals *from, uint64_t bytes)
{
    for (;;) {
        uint64_t there;
        uint32_t seen;
        BP_TRY(look_for_bytes(d, from, &there, &seen));
        if (there >= bytes) return BP_OK;
        wait_for_progress(d, seen);
    }
}

bp_status bp__decoding_receive(bp__decoding *d, const bp__stage *stage, uint64_t bytes,
                               bp__decoding_arrived *arrived, const void *ctx)
{
    const arrivals from = {arrived, ctx};
    BP_TRY(await(d, &from, sizeof *stage));
    BP_TRY(bp__stage_check(stage, bytes));
    BP_TRY(await(d, &from, stage->tables_bytes));
    BP_TRY(bp__decoding_prepare(d, stage));
    while (d->done < d->num_tasks) {
        uint64_t there;
        uint32_t seen, offer = d->offered;
        BP_TRY(look_for_bytes(d, &from, &there, &seen));
        while (offer < d->num_tasks && bp__stage_end_of(stage, offer) <= there) offer++;
        if (offer > d->offered) bp__decoding_offer(d, offer);
        if (d->done == d->offered)
            wait_for_progress(d, seen); /* not a step: it could wait for a ring that has already been */
        else
            BP_TRY(bp__decoding_step(d));
    }
    return BP_OK;
}

bp_status bp__decoding_end(bp__decoding *d)
{
    send_home(d);
    d->loader->decoder_destroy(&d->decoder);
    return bp__writer_close(&d->image);
}

/* Waiting ranks ---------------------------------------------------------------------------------- */

/* Whether the thread in charge has given this rank up. What was read of the stage before is the stage's if not: the load
 * comes after those reads, as the memory is used for something else only after the store. */
static bool was_overtaken(const bp__turns *turns)
{
    bp__nap_here(BP__NAP_UNPACKED_OVERTAKEN);
#ifndef __SANITIZE_THREAD__ /* TSan knows no fences */
    atomic_thread_fence(memory_order_acquire);
#endif
    return bp__load_relaxed(&turns->overtaken);
}

/* Decode a task that this rank has taken, unless it comes too late. */
static bp_status decode_taken(const bp__helper *h, const bp__slot *s, const bp__turns *turns, uint32_t task,
                              bp__decoder *decoder, bp__writer *image)
{
    uint64_t from, to;
    bp__stage_copy t;
    bp_status st = bp__stage_copy_task((const bp__stage *)(const void *)(h->arena->view + s->stage.offset),
                                       s->stage.bytes, task, &t);
    if (was_overtaken(turns)) return BP_OK;
    if (st == BP_OK) st = h->loader->unpack(decoder, t.label, &t.dataset, &t.task, t.stored);
    if (was_overtaken(turns)) return BP_OK;
    BP_TRY(st);
    bp__plan_range((const bp__image *)(const void *)image->memory, &t.dataset, &t.task, &from, &to);
    BP_TRY(bp__writer_claim(image, from, to));
    return h->loader->decode(decoder, t.label, &t.dataset, &t.task, NULL, image->memory);
}

/* Decode tasks until there are none; the first opens the image. @return whether there was any */
static bool work(const bp__helper *h, uint32_t slot, const struct timespec *deadline)
{
    bp__slot *s = &h->dir->slot[slot];
    bp__turns *turns = &h->dir->turns[slot];
    bp__writer image = {0};
    bp__decoder *decoder = NULL;
    bp_status st = BP_OK;
    bool any = false;
    while (st == BP_OK && !bp__deadline_passed(deadline) && !bp__load_relaxed(&h->dir->header->broken)) {
        /* `available` first: num_tasks is stored before there is anything to take, and `next` says that no
         * task is taken any more before `available` does. So whoever sees tasks sees how many there are in
         * all, and whoever is woken for the end sees that it is the end. */
        uint32_t task, available = bp__load_acquire(&s->available);
        bp__nap_here(BP__NAP_AVAILABLE_NUM_TASKS);
        uint32_t all = bp__load_acquire(&s->num_tasks);
        bp__nap_here(BP__NAP_NUM_TASKS_NEXT);
        uint32_t next = bp__load_relaxed(&turns->next);
        if (next == BP__NO_TURNS || (all > 0 && next >= all)) break;
        if (available > all || !take(turns, available, slot, &h->own->decoding, &task)) {
            bp__store_release(&h->own->decoding, bp__mark(slot, BP__NO_TURNS));
            if (next < available && available <= all) continue; /* somebody else was faster */
            bp__dir_wait(&s->available, available, deadline);
            continue;
        }
        if (!any) st = h->loader->decoder_create(&decoder);
        if (!any && st == BP_OK) st = bp__writer_open(h->arena, s->extent, &image);
        any = true;
        if (st == BP_OK) st = decode_taken(h, s, turns, task, decoder, &image);
        /* before the mark goes: whoever sees the task done must see this as well */
        if (bp__failed(st)) bp__store_release(&turns->failed, 1);
        bp__nap_here(BP__NAP_FAILED_MARK_STORED);
        bp__store_seq_cst(&h->own->decoding, bp__mark(slot, BP__NO_TURNS));
        bp__dir_ring_decoding(h->dir, slot);
    }
    if (bp__failed(bp__writer_close(&image))) bp__log(BP_LOG_WARN, "%s", bp_error_text());
    h->loader->decoder_destroy(&decoder);
    return any;
}

bool bp__decoding_help(const bp__helper *h, uint32_t slot, const struct timespec *deadline)
{
    bp__turns *turns = &h->dir->turns[slot];
    bool any = false;
    /* The caller has pinned the slot and loaded its word as FILL: `stage` and `next` were stored before. */
    bp__nap_here(BP__NAP_WORD_NEXT);
    if (h->dir->slot[slot].stage.bytes == 0 || bp__load_acquire(&turns->next) == BP__NO_TURNS) return false;
    if (bp__add_relaxed(&turns->ranks, 1) < h->dir->header->max_decoders) {
        any = work(h, slot, deadline);
        bp__store_seq_cst(&h->own->decoding, 0);
        bp__dir_ring_decoding(h->dir, slot);
    }
    bp__sub_relaxed(&turns->ranks, 1);
    return any;
}
