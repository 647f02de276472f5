#include "mpi/coordinator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/stage.h"
#include "mpi/room.h"

/* A rank that waits for its answer until a command has been applied everywhere, or a state is reached. */
typedef struct waiting {
    struct waiting *next;
    bp__address from;
    uint64_t after; /* number of a command */
} waiting;

/* A name that is wanted while no slot is free. */
typedef struct wanted {
    struct wanted *next;
    bool repeated; /* as of a load */
    char name[BP_NAME_MAX + 1];
} wanted;

struct bp__coordinator {
    int num_nodes;
    uint32_t num_slots;
    bp__entry *entry; /* [num_slots] */
    bp__arena *arena;
    bp__loads *loads;
    bp__downlink down;
    bp__room room;
    uint64_t last_command, last_generation, acked;
    int in_flight; /* loads and checks under way */
    int ended;     /* of those, loads that have ended on rank 0's node and are not verified yet */
    bool stopping, stopped, all_done;
    bool forgetful; /* a name that is wanted could not be noted */
    waiting *invalidating, *resizing, *stats_waiting, *stats_asked;
    wanted *wanted;
    bp__report report; /* loads … load_ns and peak are kept here; the rest is filled in on request */
};

bp_status bp__coordinator_create(const bp_config *cfg, const bp__topology *top, uint32_t num_slots,
                                 uint64_t arena_bytes, const bp__budget *budget, uint64_t page,
                                 bp__loads *loads, bp__downlink down, bp__coordinator **coordinator)
{
    bp__coordinator *c = calloc(1, sizeof *c);
    *coordinator = NULL;
    if (!c) BP_FAIL(BP_ENOMEM, "no memory for the coordinator");
    c->num_nodes = top->num_nodes;
    c->num_slots = num_slots;
    c->loads = loads;
    c->down = down;
    bp__room_setup setup = {.num_slots = num_slots,
                            .max_bundles = cfg->max_bundle_pool_size,
                            .timeout_ms = cfg->room_timeout_ms,
                            .transfer = cfg->transfer,
                            .travels = loads->streams != NULL,
                            .one_machine = top->nodes_on_machine == top->num_nodes,
                            .most_memory = budget->most,
                            .memory_from = budget->from,
                            .remedy = budget->remedy};
    c->entry = calloc(num_slots, sizeof *c->entry);
    bp_status s = c->entry ? BP_OK : bp__fail(BP_ENOMEM, "no memory for the coordinator");
    if (s == BP_OK) s = bp__arena_create(arena_bytes, budget->bytes, page, &c->arena);
    if (s == BP_OK) s = bp__room_init(&c->room, &setup, c->arena);
    if (bp__failed(s)) bp__coordinator_destroy(&c);
    *coordinator = c;
    return s;
}

static void free_waiting(waiting **list)
{
    while (*list) {
        waiting *w = *list;
        *list = w->next;
        free(w);
    }
}

void bp__coordinator_destroy(bp__coordinator **coordinator)
{
    bp__coordinator *c = *coordinator;
    if (!c) return;
    for (uint32_t slot; (slot = bp__room_leave(&c->room)) != BP__NO_SLOT;)
        bp__load_destroy(&c->entry[slot].load);
    while (c->wanted) {
        wanted *w = c->wanted;
        c->wanted = w->next;
        free(w);
    }
    free_waiting(&c->invalidating);
    free_waiting(&c->resizing);
    free_waiting(&c->stats_waiting);
    free_waiting(&c->stats_asked);
    bp__room_fini(&c->room);
    bp__arena_destroy(&c->arena);
    free(c->entry);
    free(c);
    *coordinator = NULL;
}

/* Commands and answers --------------------------------------------------------------------------- */

static void send(bp__coordinator *c, bp__command *command)
{
    command->number = ++c->last_command;
    c->down.command(c->down.ctx, command);
}

static void answer(bp__coordinator *c, bp__address to, bp_status code, const char *text)
{
    bp__answer a = {.kind = BP__ANSWER_REQUEST, .to = to, .code = code};
    snprintf(a.text, sizeof a.text, "%s", text);
    c->down.answer(c->down.ctx, &a);
}

/* Remember who asked; if there is no memory for that, the answer is an error. */
static void wait_for(bp__coordinator *c, waiting **list, bp__address from, uint64_t after)
{
    waiting *w = malloc(sizeof *w);
    if (!w) {
        answer(c, from, BP_ENOMEM, "no memory at the coordinator; ask again");
        return;
    }
    *w = (waiting){*list, from, after};
    *list = w;
}

/* Slots ------------------------------------------------------------------------------------------ */

static bp__entry *listed_entry(bp__coordinator *c, const char *name)
{
    for (uint32_t s = 0; s < c->num_slots; s++)
        if (c->entry[s].listed && strcmp(c->entry[s].name, name) == 0) return &c->entry[s];
    return NULL;
}

static uint32_t slot_of(const bp__coordinator *c, const bp__entry *e)
{
    return (uint32_t)(e - c->entry);
}

/* listed := 0 */
static void unlist(bp__coordinator *c, uint32_t slot)
{
    bp__entry *e = &c->entry[slot];
    if (!e->listed) return;
    e->listed = false;
    send(c, &(bp__command){.kind = BP__CMD_UNLIST, .slot = slot, .generation = e->generation});
}

static void send_fail(bp__coordinator *c, bp__entry *e, bp_status code, const char *text)
{
    bp__command cmd = {
        .kind = BP__CMD_FAIL, .slot = slot_of(c, e), .generation = e->generation, .code = code};
    snprintf(cmd.text, sizeof cmd.text, "%s", text);
    e->fill = BP__SLOT_FAILED;
    e->listed = false;
    send(c, &cmd);
    c->report.failures++;
}

static void forget(bp__coordinator *c, bp__load *load)
{
    bp__load_destroy(&load);
    c->in_flight--;
    bp__room_changed(&c->room);
}

/* Release the stage, after READY or FAIL: when a node applies those, it is done with the stage. */
static void release_stage(bp__coordinator *c, bp__entry *e)
{
    if (e->stage.bytes == 0) return;
    bp__arena_release(c->arena, e->stage, false);
    send(c, &(bp__command){.kind = BP__CMD_TRIM, .extent = e->stage});
    e->stage = (bp__extent){0, 0};
}

/* End a load that failed: send FAIL, and forget it. */
static void fail(bp__coordinator *c, bp__load *load, bp_status code, const char *text)
{
    bp__entry *e = &c->entry[load->slot];
    e->load = NULL;
    bp__log(BP_LOG_INFO, "%s: load failed: %s: %s", load->name, bp_status_name(code), text);
    send_fail(c, e, code, text);
    release_stage(c, e);
    forget(c, load);
}

static bp__entry *free_entry(bp__coordinator *c)
{
    for (uint32_t s = 0; s < c->num_slots; s++)
        if (c->entry[s].fill == BP__SLOT_FREE) return &c->entry[s];
    return NULL;
}

/* Send OPEN, and begin to plan. */
static void open_slot(bp__coordinator *c, bp__entry *e, const char *name, bool repeated)
{
    *e = (bp__entry){.fill = BP__SLOT_OPEN, .listed = true, .generation = ++c->last_generation};
    snprintf(e->name, sizeof e->name, "%s", name);
    bp__command cmd = {.kind = BP__CMD_OPEN, .slot = slot_of(c, e), .generation = e->generation};
    snprintf(cmd.name, sizeof cmd.name, "%s", name);
    send(c, &cmd);

    bp__load *load = NULL;
    bp_status s = c->stopping ? bp__fail(BP_ESTOPPED, "%s: the pool is shutting down", name)
                              : bp__load_create(c->loads, name, &load);
    if (bp__failed(s)) {
        send_fail(c, e, s, bp_error_text());
        return;
    }
    load->slot = slot_of(c, e);
    load->generation = e->generation;
    load->repeated = repeated;
    e->load = load;
    c->in_flight++;
    bp__load_start(load, BP__PHASE_PLAN);
}

static void want(bp__coordinator *c, const char *name, bool repeated)
{
    if (listed_entry(c, name)) return; /* OPEN is on its way to whoever asks */
    bp__entry *e = free_entry(c);
    if (e) {
        open_slot(c, e, name, repeated);
        return;
    }
    for (wanted *w = c->wanted; w; w = w->next)
        if (strcmp(w->name, name) == 0) {
            w->repeated |= repeated;
            return;
        }
    wanted *w = calloc(1, sizeof *w);
    if (!w) { /* without memory and without a slot nobody can be told why */
        c->forgetful = true;
        return;
    }
    w->repeated = repeated;
    snprintf(w->name, sizeof w->name, "%s", name);
    wanted **last = &c->wanted;
    while (*last) last = &(*last)->next;
    *last = w;
}

/* Finished phases -------------------------------------------------------------------------------- */

static void ready(bp__coordinator *c, bp__load *load)
{
    bp__entry *e = &c->entry[load->slot];
    e->fill = BP__SLOT_READY;
    e->load = NULL;
    e->identity = load->identity;
    send(c, &(bp__command){.kind = BP__CMD_READY,
                           .slot = load->slot,
                           .generation = load->generation,
                           .identity = load->identity,
                           .checked = load->checked});
    release_stage(c, e);
    uint64_t ns = bp__clock_ns() - load->started_ns;
    c->report.loads++;
    c->report.load_ns += ns;
    bp__log(BP_LOG_INFO, "%s: loaded %llu bytes in %.3f s", load->name, (unsigned long long)load->image_bytes,
            (double)ns * 1e-9);
    forget(c, load);
}

/* A check has found out a file's identity: is it that of the version that was listed when the check began? If
 * anything else is listed by now, the check may be older than that, and whoever asked starts over. */
static void end_check(bp__coordinator *c, bp__load *load)
{
    bp__entry *e = listed_entry(c, load->name);
    bp__answer a = {.kind = BP__ANSWER_CHECK, .to = {.node = load->node}, .check = load->check};
    bool same = e && e->fill == BP__SLOT_READY && e->generation == load->generation;
    c->report.checks++;
    if (bp__failed(load->code)) {
        /* gone, or no longer a bundle; a file that merely cannot be examined may still be there */
        bool gone = load->code == BP_ENOTFOUND || load->code == BP_EFORMAT;
        if (gone && same) unlist(c, slot_of(c, e));
        a.code = load->code;
        snprintf(a.text, sizeof a.text, "%s", load->text);
    } else if (same && bp__identity_equal(&e->identity, &load->identity)) {
        a.current = true;
        a.slot = slot_of(c, e);
        a.generation = e->generation;
    } else if (same) { /* unlisted before anything newer is READY: nobody goes back in time */
        bp__log(BP_LOG_INFO, "%s: changed on disk", load->name);
        unlist(c, slot_of(c, e));
        want(c, load->name, false);
    }
    c->down.answer(c->down.ctx, &a);
    forget(c, load);
}

/* Bytes were damaged on their way: once more, into another slot and other memory, as after a rewrite. Whoever
 * waits for this load starts over, and finds that slot. What is damaged a second time has a reason that
 * stays. */
static void load_again(bp__coordinator *c, bp__load *load)
{
    char name[BP_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s", load->name);
    bp__log(BP_LOG_WARN, "%s; it is loaded again", load->vote_text);
    fail(c, load, BP_ECHANGED, load->vote_text);
    want(c, name, true);
}

/* Once every node has finished, one way or the other, and all streams are over, check the file again. */
static void filled(bp__coordinator *c, bp__entry *e)
{
    if (!e->filled || (c->num_nodes > 1 && !e->voted)) return;
    if (c->loads->streams && bp__streams_busy(c->loads->streams, slot_of(c, e))) return; /* later */
    e->filled = e->voted = false;
    c->ended--;
    bp__load *l = e->load;
    if (bp__failed(l->code)) {
        fail(c, l, l->code, l->text);
    } else if (bp__failed(l->vote_code) && l->vote_damaged && !l->repeated && !c->stopping) {
        load_again(c, l);
    } else if (bp__failed(l->vote_code)) {
        fail(c, l, l->vote_code, l->vote_text);
    } else {
        if (e->stage.bytes > 0)
            bp__room_measured(&c->room, l->stored, l->image_bytes, bp__clock_ns() - l->fill_ns);
        bp__load_start(l, BP__PHASE_VERIFY);
    }
}

/* All nodes but rank 0's have finished. */
static void voted(bp__coordinator *c, const bp__note *n)
{
    bp__entry *e = &c->entry[n->slot];
    if (e->generation != n->generation || e->fill != BP__SLOT_FILL) return;
    e->voted = true;
    e->load->vote_code = n->code;
    e->load->vote_damaged = n->damaged;
    snprintf(e->load->vote_text, sizeof e->load->vote_text, "%s", n->text);
}

/* How many may decode a load's tasks on a node at a time: its ranks, on their processors, and the thread in charge. Nodes are
 * taken for equal to this one. */
static uint64_t most_decoders(const bp__coordinator *c, const bp__plan *plan)
{
    const bp__directory *dir = c->loads->dir;
    const uint64_t ranks =
        dir->num_ranks < dir->header->max_decoders ? dir->num_ranks : dir->header->max_decoders;
    return plan->num_tasks < ranks + 1 ? plan->num_tasks : ranks + 1;
}

static void enter_room(bp__coordinator *c, const bp__load *load)
{
    const bp__plan *p = c->loads->loader->plan(load->source);
    bp__need need = {.image_bytes = load->image_bytes};
    if (p->num_tasks > 0 && p->num_tasks < BP__NO_TURNS) {
        need.tables = bp__stage_tables(p, load->path);
        need.chunks = bp__stage_chunks(p);
        need.least_ring = bp__stage_least_ring(p);
        need.decoders = most_decoders(c, p) * bp__plan_decoder_bytes(p);
    }
    bp__room_enter(&c->room, load->slot, &need);
}

static void phase_done(bp__coordinator *c, bp__load *load)
{
    if (load->phase == BP__PHASE_CHECK) {
        end_check(c, load);
    } else if (load->phase == BP__PHASE_FILL) {
        c->entry[load->slot].filled = true;
        c->ended++;
    } else if (bp__failed(load->code)) {
        fail(c, load, load->code, load->text);
    } else if (load->phase == BP__PHASE_PLAN) {
        if (c->stopping)
            fail(c, load, BP_ESTOPPED, "the pool is shutting down");
        else
            enter_room(c, load);
    } else {
        ready(c, load);
    }
}

/* What room decides ------------------------------------------------------------------------------ */

/* Release what was reserved for nothing. Part of it may be kept pages, which are real: as the books say now that
 * they are not, they go. */
static void give_up(bp__coordinator *c, bp__extent extent)
{
    if (extent.bytes == 0) return;
    bp__arena_release(c->arena, extent, false);
    send(c, &(bp__command){.kind = BP__CMD_TRIM, .extent = extent});
}

/* FILL: a load has its memory. */
static void fill(bp__coordinator *c, const bp__decision *d)
{
    bp__entry *e = &c->entry[d->slot];
    bp__load *load = e->load;
    bp__extent spare, stage = d->stage;
    if (stage.bytes > 0) stage.bytes -= d->decoders;
    if (c->loads->streams && bp__failed(bp__stream_send(c->loads->streams, d->slot,
                                                        d->stored ? stage : d->extent, &load->stream))) {
        give_up(c, d->extent);
        give_up(c, d->stage);
        fail(c, load, BP_ENOMEM, bp_error_text());
        return;
    }
    while (bp__arena_trim(c->arena, &spare)) send(c, &(bp__command){.kind = BP__CMD_TRIM, .extent = spare});
    if (bp__arena_claimed(c->arena) > c->report.peak) c->report.peak = bp__arena_claimed(c->arena);
    e->fill = BP__SLOT_FILL;
    e->extent = load->extent = d->extent;
    e->stage = d->stage; /* released with what it stands for */
    load->stage = stage;
    load->stored = d->stored;
    load->fill_ns = bp__clock_ns();
    send(c, &(bp__command){.kind = BP__CMD_FILL,
                           .slot = d->slot,
                           .generation = e->generation,
                           .extent = d->extent,
                           .stage = stage,
                           .stored = d->stored});
    bp__load_start(load, BP__PHASE_FILL);
}

static void evict(bp__coordinator *c, uint32_t slot)
{
    bp__log(BP_LOG_INFO, "%s: evicted", c->entry[slot].name);
    unlist(c, slot);
    c->report.evictions++;
}

/* @return whether there was anything to do */
static bool step_room(bp__coordinator *c)
{
    bp__decision d;
    for (bool busy = false;; busy = true) {
        bp__room_decide(&c->room, c->entry, bp__clock_ns(), &d);
        switch (d.kind) {
        case BP__ROOM_NOTHING: return busy;
        case BP__ROOM_START: fill(c, &d); break;
        case BP__ROOM_FAIL: fail(c, c->entry[d.slot].load, d.code, d.text); break;
        case BP__ROOM_EVICT: evict(c, d.slot); break;
        case BP__ROOM_ASK: send(c, &(bp__command){.kind = BP__CMD_AGES}); break;
        }
    }
}

/* Notes ------------------------------------------------------------------------------------------ */

static void begin_check(bp__coordinator *c, const bp__note *n)
{
    bp__load *load;
    if (bp__failed(bp__load_create(c->loads, n->name, &load))) {
        bp__answer a = {.kind = BP__ANSWER_CHECK, .to = n->from, .check = n->check, .code = BP_ENOMEM};
        snprintf(a.text, sizeof a.text, "%s", bp_error_text());
        c->down.answer(c->down.ctx, &a);
        return;
    }
    const bp__entry *e = listed_entry(c, n->name);
    load->check = n->check;
    load->node = n->from.node;
    load->generation = e ? e->generation : 0;
    c->in_flight++;
    bp__load_start(load, BP__PHASE_CHECK);
}

static void invalidate(bp__coordinator *c, const bp__note *n)
{
    for (uint32_t s = 0; s < c->num_slots; s++) {
        bp__entry *e = &c->entry[s];
        if (!e->listed || (n->name[0] && strcmp(e->name, n->name) != 0)) continue;
        unlist(c, s);
        if (e->fill == BP__SLOT_READY) c->report.invalidations++;
    }
    /* also when nothing was listed: an earlier UNLIST may still be on its way */
    send(c, &(bp__command){.kind = BP__CMD_SYNC});
    wait_for(c, &c->invalidating, n->from, c->last_command);
}

static void resize(bp__coordinator *c, const bp__note *n)
{
    c->room.setup.max_bundles = n->value; /* the rank has checked its range */
    wait_for(c, &c->resizing, n->from, 0);
}

static void drained(bp__coordinator *c, const bp__note *n)
{
    bp__entry *e = &c->entry[n->slot];
    if (e->generation != n->generation || e->listed) return;
    bool keep = e->fill == BP__SLOT_READY; /* what failed may have failed for want of pages */
    bp__command cmd = {.kind = BP__CMD_RECLAIM, .slot = n->slot, .generation = e->generation};
    if (e->extent.bytes > 0) {
        if (!keep) cmd.extent = e->extent;
        bp__arena_release(c->arena, e->extent, keep);
    }
    e->fill = BP__SLOT_FREE;
    bp__room_changed(&c->room);
    send(c, &cmd);
}

/* What all ranks have counted has come: add what the coordinator knows. */
static void answer_stats(bp__coordinator *c, const bp__report *counts)
{
    bp__report r = *counts;
    r.listed = (uint64_t)bp__room_listed(c->entry, c->num_slots);
    for (uint32_t s = 0; s < c->num_slots; s++)
        r.versions += c->entry[s].listed && c->entry[s].fill == BP__SLOT_READY;
    r.max_bundles = (uint64_t)c->room.setup.max_bundles;
    r.claimed = bp__arena_claimed(c->arena);
    r.budget = bp__arena_budget(c->arena);
    r.peak = c->report.peak;
    r.loads = c->report.loads;
    r.failures = c->report.failures;
    r.evictions = c->report.evictions;
    r.invalidations = c->report.invalidations;
    r.checks = c->report.checks + r.rank_checks;
    r.load_ns = c->report.load_ns;
    for (waiting *w = c->stats_asked; w; w = w->next) {
        bp__answer a = {.kind = BP__ANSWER_REQUEST, .to = w->from, .report = r};
        c->down.answer(c->down.ctx, &a);
    }
    free_waiting(&c->stats_asked);
}

/* Victims are chosen from what is resident now, so they go before anything else happens. */
static void ages(bp__coordinator *c, const bp__age *heard)
{
    bp__room_heard_ages(&c->room, c->entry, heard);
    step_room(c);
}

bp_status bp__coordinator_note(bp__coordinator *c, const bp__note *n)
{
    switch (n->kind) {
    case BP__NOTE_MISS: want(c, n->name, false); break;
    case BP__NOTE_CHECK: begin_check(c, n); break;
    case BP__NOTE_INVALIDATE: invalidate(c, n); break;
    case BP__NOTE_RESIZE: resize(c, n); break;
    case BP__NOTE_STATS: wait_for(c, &c->stats_waiting, n->from, 0); break;
    case BP__NOTE_ACK: c->acked = (uint64_t)n->value; break;
    case BP__NOTE_DRAINED: drained(c, n); break;
    case BP__NOTE_AGES: ages(c, n->ages); break;
    case BP__NOTE_VOTE: voted(c, n); break;
    case BP__NOTE_COUNTS: answer_stats(c, &n->counts); break;
    case BP__NOTE_DONE: c->all_done = true; break;
    }
    if (c->forgetful) BP_FAIL(BP_ENOMEM, "no memory for the name of a bundle that is wanted");
    return BP_OK;
}

/* Steps ------------------------------------------------------------------------------------------ */

static bool step_waiting(bp__coordinator *c)
{
    bool busy = false;
    for (waiting **link = &c->invalidating; *link;) {
        waiting *w = *link;
        if (w->after > c->acked) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        answer(c, w->from, BP_OK, "");
        free(w);
        busy = true;
    }
    if (c->resizing && bp__room_listed(c->entry, c->num_slots) <= c->room.setup.max_bundles) {
        for (waiting *w = c->resizing; w; w = w->next) answer(c, w->from, BP_OK, "");
        free_waiting(&c->resizing);
        busy = true;
    }
    if (c->stats_waiting && !c->stats_asked) {
        c->stats_asked = c->stats_waiting;
        c->stats_waiting = NULL;
        send(c, &(bp__command){.kind = BP__CMD_COUNTS});
        busy = true;
    }
    while (c->wanted && free_entry(c)) {
        wanted *w = c->wanted;
        c->wanted = w->next;
        want(c, w->name, w->repeated);
        free(w);
        busy = true;
    }
    return busy;
}

bool bp__coordinator_step(bp__coordinator *c)
{
    bool busy = false;
    for (bp__load *l = bp__loads_take(c->loads), *next; l; l = next) {
        next = l->next;
        phase_done(c, l);
        busy = true;
    }
    for (uint32_t s = 0; c->ended > 0 && s < c->num_slots; s++)
        if (c->entry[s].filled) filled(c, &c->entry[s]);
    busy |= step_room(c);
    busy |= step_waiting(c);
    return busy;
}

bool bp__coordinator_busy(const bp__coordinator *c)
{
    return c->in_flight > 0 || c->resizing || c->wanted;
}

bool bp__coordinator_stop(bp__coordinator *c)
{
    c->stopping = true;
    bp__loads_stop(c->loads);
    for (uint32_t slot; (slot = bp__room_leave(&c->room)) != BP__NO_SLOT;)
        fail(c, c->entry[slot].load, BP_ESTOPPED, "the pool is shutting down");
    if (c->in_flight == 0 && !c->stopped) {
        c->stopped = true;
        send(c, &(bp__command){.kind = BP__CMD_STOP});
    }
    return c->stopped;
}

bool bp__coordinator_all_done(const bp__coordinator *c)
{
    return c->all_done;
}

bp_status bp__coordinator_selfcheck(const bp__coordinator *c)
{
    uint64_t used = 0;
    BP_TRY(bp__arena_selfcheck(c->arena));
    for (uint32_t a = 0; a < c->num_slots; a++) {
        const bp__entry *e = &c->entry[a];
        if (e->fill == BP__SLOT_FREE) {
            if (e->listed) BP_FAIL(BP_EINVAL, "coordinator: free slot %u is listed", a);
            continue;
        }
        used += e->extent.bytes + e->stage.bytes;
        for (uint32_t b = a + 1; b < c->num_slots; b++)
            if (e->listed && c->entry[b].listed && strcmp(e->name, c->entry[b].name) == 0)
                BP_FAIL(BP_EINVAL, "coordinator: %s is listed twice", e->name);
    }
    if (used != bp__arena_used(c->arena))
        BP_FAIL(BP_EINVAL, "coordinator: slots hold what the arena does not");
    return BP_OK;
}
