/* DESIGN of making room
 *
 * Planned loads queue in the order in which they came; nothing overtakes the first. When it does not fit, the
 * nodes are asked for the ages of what is resident, and the shortest prefix of the LRU order that makes it
 * fit is unlisted. Memory comes back when the last pin on a victim is gone (DRAINED, RECLAIM), and the first
 * is tried again. Ages are asked again while it waits, because what was pinned then may not be pinned now.
 * While other loads are filling, time does not count: they end, and what they hold can then be evicted.
 *
 * A stage gets what memory is left: nothing is evicted for it. If all chunks fit, they may travel to the
 * other nodes as they are stored, if that is faster than sending what they decode to.
 */
#include "mpi/coordinator_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/lru.h"
#include "core/stage.h"

#define ASK_AGAIN_MS 20
#define TRY_AGAIN    32u /* every so many loads the other way of travelling is tried */
#define LEAST_TO_TELL                                                                                        \
    (UINT64_C(1) << 20)                /* how long a smaller image takes says nothing of the way it travels */
#define RING_BYTES (UINT64_C(4) << 20) /* of a stage that does not travel: enough for reading ahead */

void bp__room_enter(bp__coordinator *c, bp__load *load)
{
    load->next = NULL;
    *c->room.last = load;
    c->room.last = &load->next;
    c->room.may_ask_now = true;
}

static bp__load *leave(bp__coordinator *c)
{
    bp__load *load = c->room.first;
    c->room.first = load->next;
    if (!c->room.first) c->room.last = &c->room.first;
    c->room.has_deadline = false;
    c->room.may_ask_now = true;
    return load;
}

/* Listed bundles that must go before one more may be listed, or before a smaller bound holds. */
static size_t excess(const bp__coordinator *c)
{
    const bp__load *load = c->room.first;
    int64_t listed = bp__coordinator_listed(c) + (load && c->entry[load->slot].listed);
    return listed > c->max_bundles ? (size_t)(listed - c->max_bundles) : 0;
}

static uint64_t bytes_wanted(const bp__coordinator *c)
{
    return c->room.first ? bp__arena_round(c->arena, c->room.first->image_bytes) : 0;
}

/* Should chunks travel as they are stored, to be decoded on every node? What was faster so far, and now and
 * then the other: links and loads change. */
static bool send_stored(const bp__coordinator *c)
{
    const double *took = c->ns_per_byte;
    if (c->cfg.transfer != BP_TRANSFER_AUTO) return c->cfg.transfer == BP_TRANSFER_STORED;
    if (took[0] == 0 && took[1] == 0) return !c->one_machine; /* links are slower than memory */
    if (took[0] == 0 || took[1] == 0) return took[1] == 0;
    return (took[1] < took[0]) != (c->report.loads % TRY_AGAIN == TRY_AGAIN - 1);
}

void bp__room_filled(bp__coordinator *c, const bp__load *load)
{
    bool tells = load->image_bytes >= LEAST_TO_TELL && load->stage.bytes > 0;
    if (!tells || load->code != BP_OK || load->vote_code != BP_OK) return;
    double now = (double)(bp__clock_ns() - load->fill_ns) / (double)load->image_bytes;
    double *took = &c->ns_per_byte[load->stored];
    *took = *took == 0 ? now : (*took + now) / 2;
}

static void reserve_stage(bp__coordinator *c, bp__load *load)
{
    const bp__plan *p = c->loads->loader->plan(load->source);
    uint64_t tables = bp__stage_tables(p, load->path), chunks = bp__stage_chunks(p);
    uint64_t ring = bp__stage_least_ring(p);
    if (ring < RING_BYTES) ring = chunks < RING_BYTES ? chunks : RING_BYTES;
    load->stage = (bp__extent){0, 0};
    if (p->num_tasks == 0 || p->num_tasks >= BP__NO_TURNS) return;
    load->stored = c->loads->streams && send_stored(c) &&
                   bp__arena_reserve(c->arena, tables + chunks, &load->stage) == BP_OK;
    if (!load->stored && bp__arena_reserve(c->arena, tables + ring, &load->stage) != BP_OK)
        load->stage = (bp__extent){0, 0}; /* the loader will do without */
}

/* FILL: the load has its room. */
static bool start_fill(bp__coordinator *c)
{
    bp__load *load = c->room.first;
    bp__entry *e = &c->entry[load->slot];
    bp__extent extent, spare;
    if (excess(c) > 0 || bp__failed(bp__arena_reserve(c->arena, load->image_bytes, &extent))) return false;
    reserve_stage(c, load);
    if (c->loads->streams &&
        bp__failed(bp__stream_send(c->loads->streams, load->slot, load->stored ? load->stage : extent,
                                   &load->stream))) {
        bp__arena_release(c->arena, extent, false);
        if (load->stage.bytes > 0) bp__arena_release(c->arena, load->stage, false);
        leave(c);
        bp__coordinator_fail(c, load, BP_ENOMEM, bp_error_text());
        return true;
    }
    while (bp__arena_trim(c->arena, &spare))
        bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_TRIM, .extent = spare});
    if (bp__arena_claimed(c->arena) > c->report.peak) c->report.peak = bp__arena_claimed(c->arena);
    leave(c);
    e->fill = BP__SLOT_FILL;
    e->extent = load->extent = extent;
    e->load = load;
    load->fill_ns = bp__clock_ns();
    c->filling++;
    bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_FILL,
                                           .slot = load->slot,
                                           .generation = e->generation,
                                           .extent = extent,
                                           .stage = load->stage,
                                           .stored = load->stored});
    bp__load_begin(load, BP__PHASE_FILL);
    return true;
}

static void fail_too_large(bp__coordinator *c)
{
    bp__load *load = leave(c);
    char text[BP_ERROR_TEXT_MAX];
    snprintf(text, sizeof text,
             "%s: its image of %llu bytes is larger than the pool's memory of %llu bytes; set "
             "pool_memory higher",
             load->name, (unsigned long long)load->image_bytes,
             (unsigned long long)bp__arena_budget(c->arena));
    bp__coordinator_fail(c, load, BP_EFULL, text);
}

static void fail_pinned(bp__coordinator *c)
{
    bp__load *load = leave(c);
    char text[BP_ERROR_TEXT_MAX];
    int n = snprintf(text, sizeof text,
                     "%s: no room for its %llu bytes in %llu; release what is in use or set "
                     "pool_memory higher:",
                     load->name, (unsigned long long)load->image_bytes,
                     (unsigned long long)bp__arena_budget(c->arena));
    for (uint32_t s = 0; s < c->num_slots && n < (int)sizeof text; s++)
        if (c->entry[s].fill == BP__SLOT_READY && c->room.ages[s].pins > 0)
            n += snprintf(text + n, sizeof text - (size_t)n, " %s (rank %d)", c->entry[s].name,
                          c->room.ages[s].pinned_by);
    bp__coordinator_fail(c, load, BP_EFULL, text);
}

/* All ages are known: unlist as few as possible. */
static void choose_victims(bp__coordinator *c)
{
    size_t n = 0, entries = excess(c);
    uint64_t bytes = bytes_wanted(c);
    bp__candidate *candidate = malloc(c->num_slots * sizeof *candidate);
    if (!candidate) return; /* asked again soon */
    for (uint32_t s = 0; s < c->num_slots; s++) {
        const bp__entry *e = &c->entry[s];
        if (e->load && e->load->stage.bytes > 0) /* it comes back when the load is done */
            candidate[n++] = (bp__candidate){.slot = s, .age = UINT64_MAX, .extent = e->load->stage};
        bool going = e->fill == BP__SLOT_FAILED && e->extent.bytes > 0; /* its memory comes back by itself */
        if (e->fill != BP__SLOT_READY && !going) continue;
        candidate[n++] = (bp__candidate){.slot = s,
                                         .listed = e->listed,
                                         .pinned = c->room.ages[s].pins > 0,
                                         .age = c->room.ages[s].age_ns,
                                         .extent = e->extent};
    }
    bp__lru_sort(candidate, n);
    size_t length = bp__lru_prefix(candidate, n, c->arena, bytes, entries);
    for (size_t i = 0; length <= n && i < length; i++) {
        if (!candidate[i].listed) continue;
        bp__log(BP_LOG_INFO, "%s: evicted", c->entry[candidate[i].slot].name);
        bp__coordinator_unlist(c, candidate[i].slot);
        c->report.evictions++;
    }
    free(candidate);
}

void bp__room_ages(bp__coordinator *c, const bp__age *ages)
{
    memcpy(c->room.ages, ages, c->num_slots * sizeof *ages);
    c->room.asked = false;
    choose_victims(c);
}

static void ask_ages(bp__coordinator *c)
{
    bp__room *r = &c->room;
    if (r->asked || (!r->may_ask_now && !bp__deadline_passed(&r->next_ask))) return;
    r->may_ask_now = false;
    r->next_ask = bp__deadline(ASK_AGAIN_MS);
    r->asked = true;
    bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_AGES});
}

bool bp__room_step(bp__coordinator *c)
{
    bool busy = false;
    while (c->room.first) {
        if (bytes_wanted(c) > bp__arena_budget(c->arena)) {
            fail_too_large(c);
        } else if (!start_fill(c)) {
            if (!c->room.has_deadline || c->filling > 0) {
                c->room.deadline = bp__deadline(c->cfg.room_timeout_ms);
                c->room.has_deadline = true;
            }
            if (!bp__deadline_passed(&c->room.deadline)) break;
            fail_pinned(c);
        }
        busy = true;
    }
    if (c->room.first || excess(c) > 0) ask_ages(c);
    return busy;
}
