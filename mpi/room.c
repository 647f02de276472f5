/* DESIGN of making room
 *
 * Planned loads queue in the order in which they came; none overtakes the first. When that does not fit, the
 * nodes are asked for the ages of what is resident, and the shortest prefix of the LRU order that makes it
 * fit is unlisted. Memory comes back when the last pin on a victim is gone (DRAINED, RECLAIM), and the first
 * load is tried again. Ages are asked for again while it waits, because what was pinned then may not be
 * pinned now. While other loads are filling, its time does not run: they will end, and what they hold can be
 * evicted then.
 *
 * A stage gets what memory is left: nothing is evicted for it. If all chunks fit, they may travel to the
 * other nodes as they are stored, if that is faster than sending the image that they decode to. What decoders hold
 * beside it is no shared memory, but of the same budget: as much is reserved with the stage, and never claimed.
 */
#include "mpi/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS    UINT64_C(1000000)
#define ASK_AGAIN_NS (20 * NS_PER_MS)
#define TRY_AGAIN    32u /* once in so many loads, the other way of travelling is tried */
/* How long a smaller image takes says nothing about the way in which it travels. */
#define LEAST_MEASURED (UINT64_C(1) << 20)
/* Of a stage that does not travel: enough for reading ahead. */
#define RING_BYTES (UINT64_C(4) << 20)

bp_status bp__room_init(bp__room *room, const bp__room_setup *setup, bp__arena *arena)
{
    uint32_t n = setup->num_slots;
    *room = (bp__room){.setup = *setup, .arena = arena};
    room->queue = calloc(n, sizeof *room->queue);
    room->need = calloc(n, sizeof *room->need);
    room->ages = calloc(n, sizeof *room->ages);
    room->candidate = calloc(n, sizeof *room->candidate);
    if (room->queue && room->need && room->ages && room->candidate) return BP_OK;
    bp__room_fini(room);
    BP_FAIL(BP_ENOMEM, "no memory for the coordinator");
}

void bp__room_fini(bp__room *room)
{
    free(room->queue);
    free(room->need);
    free(room->ages);
    free(room->candidate);
    *room = (bp__room){0};
}

/* The queue -------------------------------------------------------------------------------------- */

void bp__room_enter(bp__room *room, uint32_t slot, const bp__need *need)
{
    room->need[slot] = *need;
    room->queue[(room->first + room->num_waiting++) % room->setup.num_slots] = slot;
    room->may_ask_now = true;
}

uint32_t bp__room_leave(bp__room *room)
{
    if (room->num_waiting == 0) return BP__NO_SLOT;
    uint32_t slot = room->queue[room->first];
    room->first = (room->first + 1) % room->setup.num_slots;
    room->num_waiting--;
    room->blocked = false;
    room->may_ask_now = true;
    room->outdated = room->asked;
    return slot;
}

void bp__room_changed(bp__room *room)
{
    room->may_ask_now = true;
}

static const bp__need *need_of_first(const bp__room *room)
{
    return &room->need[room->queue[room->first]];
}

/* Slots ------------------------------------------------------------------------------------------ */

int64_t bp__room_listed(const bp__entry *entry, uint32_t num_slots)
{
    int64_t n = 0;
    for (uint32_t s = 0; s < num_slots; s++)
        n += entry[s].listed && (entry[s].fill == BP__SLOT_FILL || entry[s].fill == BP__SLOT_READY);
    return n;
}

/* Listed bundles that must go before one more may be listed, or before a smaller bound holds. */
static size_t excess(const bp__room *room, const bp__entry *entry)
{
    int64_t listed = bp__room_listed(entry, room->setup.num_slots);
    if (room->num_waiting > 0) listed += entry[room->queue[room->first]].listed;
    return listed > room->setup.max_bundles ? (size_t)(listed - room->setup.max_bundles) : 0;
}

static bool any_filling(const bp__room *room, const bp__entry *entry)
{
    for (uint32_t s = 0; s < room->setup.num_slots; s++)
        if (entry[s].fill == BP__SLOT_FILL) return true;
    return false;
}

/* The way an image travels ----------------------------------------------------------------------- */

/* Should chunks travel as they are stored, to be decoded on every node? Whichever way was faster so far, and
 * now and then the other: links and loads change. */
static bool choose_stored(const bp__room *room)
{
    const double *took = room->ns_per_byte;
    if (room->setup.transfer != BP_TRANSFER_AUTO) return room->setup.transfer == BP_TRANSFER_STORED;
    if (took[0] == 0 && took[1] == 0) return !room->setup.one_machine; /* links are slower than memory */
    if (took[0] == 0 || took[1] == 0) return took[1] == 0;
    return (took[1] < took[0]) != (room->num_starts % TRY_AGAIN == TRY_AGAIN - 1);
}

void bp__room_measured(bp__room *room, bool stored, uint64_t image_bytes, uint64_t ns)
{
    if (image_bytes < LEAST_MEASURED) return;
    double now = (double)ns / (double)image_bytes, *took = &room->ns_per_byte[stored];
    *took = *took == 0 ? now : (*took + now) / 2;
}

static void reserve_stage(const bp__room *room, const bp__need *need, bp__decision *d)
{
    uint64_t ring = need->least_ring;
    if (ring < RING_BYTES) ring = need->chunks < RING_BYTES ? need->chunks : RING_BYTES;
    if (need->tables == 0) return;
    d->decoders = bp__arena_round(room->arena, need->decoders);
    d->stored = room->setup.travels && choose_stored(room) &&
                bp__arena_reserve(room->arena, need->tables + need->chunks + d->decoders, &d->stage) == BP_OK;
    if (!d->stored &&
        bp__failed(bp__arena_reserve(room->arena, need->tables + ring + d->decoders, &d->stage)))
        d->stage = (bp__extent){0, 0};
}

/* Decisions -------------------------------------------------------------------------------------- */

static bool start(bp__room *room, const bp__entry *entry, bp__decision *d)
{
    const bp__need *need = need_of_first(room);
    if (excess(room, entry) > 0) return false;
    if (bp__failed(bp__arena_reserve(room->arena, need->image_bytes, &d->extent))) return false;
    reserve_stage(room, need, d);
    d->kind = BP__ROOM_START;
    d->slot = bp__room_leave(room);
    room->num_starts++;
    return true;
}

static bool fail_too_large(bp__room *room, const bp__entry *entry, bp__decision *d)
{
    const bp__room_setup *setup = &room->setup;
    uint64_t bytes = need_of_first(room)->image_bytes, budget = bp__arena_budget(room->arena);
    if (bp__arena_round(room->arena, bytes) <= budget) return false;
    d->kind = BP__ROOM_FAIL;
    d->slot = bp__room_leave(room);
    d->code = BP_EFULL;
    int n = snprintf(d->text, sizeof d->text,
                     "%s: its image of %llu bytes is larger than the pool's memory of %llu "
                     "bytes (%s); ",
                     entry[d->slot].name, (unsigned long long)bytes, (unsigned long long)budget,
                     setup->memory_from);
    if (bytes <= setup->most_memory)
        snprintf(d->text + n, sizeof d->text - (size_t)n, "set pool_memory higher, to at most %llu",
                 (unsigned long long)setup->most_memory);
    else
        snprintf(d->text + n, sizeof d->text - (size_t)n, "%s", setup->remedy);
    return true;
}

/* Time runs while nothing but pins keeps the first load waiting. */
static bool has_waited_too_long(bp__room *room, const bp__entry *entry, uint64_t now_ns)
{
    if (!room->blocked || any_filling(room, entry)) {
        room->blocked = true;
        room->blocked_since_ns = now_ns;
    }
    return now_ns - room->blocked_since_ns >= (uint64_t)room->setup.timeout_ms * NS_PER_MS;
}

static void fail_pinned(bp__room *room, const bp__entry *entry, bp__decision *d)
{
    uint64_t bytes = need_of_first(room)->image_bytes;
    d->kind = BP__ROOM_FAIL;
    d->slot = bp__room_leave(room);
    d->code = BP_EFULL;
    int n = snprintf(
        d->text, sizeof d->text,
        "%s: no room for its %llu bytes in %llu; release what is in use or set pool_memory higher:",
        entry[d->slot].name, (unsigned long long)bytes, (unsigned long long)bp__arena_budget(room->arena));
    for (uint32_t s = 0; s < room->setup.num_slots && n < (int)sizeof d->text; s++)
        if (entry[s].fill == BP__SLOT_READY && room->ages[s].pins > 0)
            n += snprintf(d->text + n, sizeof d->text - (size_t)n, " %s (rank %d)", entry[s].name,
                          room->ages[s].pinned_by);
}

static bool ask(bp__room *room, uint64_t now_ns, bp__decision *d)
{
    if (room->asked || (!room->may_ask_now && now_ns < room->next_ask_ns)) return false;
    room->may_ask_now = false;
    room->next_ask_ns = now_ns + ASK_AGAIN_NS;
    room->asked = true;
    d->kind = BP__ROOM_ASK;
    return true;
}

static bool evict(bp__room *room, const bp__entry *entry, bp__decision *d)
{
    while (room->next_victim < room->num_victims) {
        d->slot = room->candidate[room->next_victim++].slot;
        if (!entry[d->slot].listed) continue; /* on its way out already */
        d->kind = BP__ROOM_EVICT;
        return true;
    }
    return false;
}

void bp__room_decide(bp__room *room, const bp__entry *entry, uint64_t now_ns, bp__decision *d)
{
    *d = (bp__decision){.kind = BP__ROOM_NOTHING};
    if (evict(room, entry, d)) return;
    if (room->num_waiting > 0) {
        if (fail_too_large(room, entry, d) || start(room, entry, d)) return;
        if (has_waited_too_long(room, entry, now_ns)) {
            fail_pinned(room, entry, d);
            return;
        }
    }
    if (room->num_waiting > 0 || excess(room, entry) > 0) ask(room, now_ns, d);
}

/* Victims ---------------------------------------------------------------------------------------- */

static size_t find_candidates(bp__room *room, const bp__entry *entry)
{
    size_t n = 0;
    for (uint32_t s = 0; s < room->setup.num_slots; s++) {
        const bp__entry *e = &entry[s];
        bool going = e->fill == BP__SLOT_FAILED && e->extent.bytes > 0; /* its memory comes back by itself */
        if (e->fill == BP__SLOT_FILL && e->stage.bytes > 0) /* so does that of a stage, when its load ends */
            room->candidate[n++] = (bp__candidate){.slot = s, .age = UINT64_MAX, .extent = e->stage};
        else if (e->fill == BP__SLOT_READY || going)
            room->candidate[n++] = (bp__candidate){.slot = s,
                                                   .listed = e->listed,
                                                   .pinned = room->ages[s].pins > 0,
                                                   .age = room->ages[s].age_ns,
                                                   .extent = e->extent};
    }
    return n;
}

/* All ages are known: choose as few victims as possible, and none if not even all of them would do. */
static void choose_victims(bp__room *room, const bp__entry *entry)
{
    size_t n = find_candidates(room, entry), kept = 0;
    uint64_t bytes = room->num_waiting > 0 ? need_of_first(room)->image_bytes : 0;
    bp__lru_sort(room->candidate, n);
    size_t length = bp__lru_prefix(room->candidate, n, room->arena, bytes, excess(room, entry));
    for (size_t i = 0; length <= n && i < length; i++)
        if (room->candidate[i].listed) room->candidate[kept++] = room->candidate[i];
    room->next_victim = 0;
    room->num_victims = kept;
}

/* Ages that were asked for on behalf of an earlier load may be older than the latest uses: by them, what was
 * used just now could be evicted. New ones are asked for next. */
void bp__room_heard_ages(bp__room *room, const bp__entry *entry, const bp__age *ages)
{
    bool outdated = room->outdated;
    room->asked = room->outdated = false;
    if (outdated) return;
    memcpy(room->ages, ages, room->setup.num_slots * sizeof *ages);
    choose_victims(room, entry);
}
