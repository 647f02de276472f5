#include "mpi/coordinator_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"

bp_status bp__coordinator_create(const bp_config *cfg, const bp__topology *top, uint32_t num_slots,
                                 uint64_t arena_bytes, uint64_t budget, uint64_t page, bp__loads *loads,
                                 bp__downlink down, bp__coordinator **coordinator)
{
    bp__coordinator *c = calloc(1, sizeof *c);
    *coordinator = NULL;
    if (!c) BP_FAIL(BP_ENOMEM, "no memory for the coordinator");
    c->cfg = *cfg;
    c->num_nodes = top->num_nodes;
    c->one_machine = top->nodes_on_machine == top->num_nodes;
    c->num_slots = num_slots;
    c->max_bundles = cfg->max_bundle_pool_size;
    c->loads = loads;
    c->down = down;
    c->room.last = &c->room.first;
    c->entry = calloc(num_slots, sizeof *c->entry);
    c->room.ages = calloc(num_slots, sizeof *c->room.ages);
    bp_status s = c->entry && c->room.ages ? bp__arena_create(arena_bytes, budget, page, &c->arena)
                                           : bp__fail(BP_ENOMEM, "no memory for the coordinator");
    if (bp__failed(s)) bp__coordinator_destroy(&c);
    *coordinator = c;
    return s;
}

static void free_waiting(bp__waiting **list)
{
    while (*list) {
        bp__waiting *w = *list;
        *list = w->next;
        free(w);
    }
}

void bp__coordinator_destroy(bp__coordinator **coordinator)
{
    bp__coordinator *c = *coordinator;
    if (!c) return;
    while (c->room.first) {
        bp__load *l = c->room.first;
        c->room.first = l->next;
        bp__load_destroy(&l);
    }
    while (c->wanted) {
        bp__wanted *w = c->wanted;
        c->wanted = w->next;
        free(w);
    }
    free_waiting(&c->invalidating);
    free_waiting(&c->resizing);
    free_waiting(&c->stats_waiting);
    free_waiting(&c->stats_asked);
    bp__arena_destroy(&c->arena);
    free(c->room.ages);
    free(c->entry);
    free(c);
    *coordinator = NULL;
}

/* Commands and answers --------------------------------------------------------------------------- */

void bp__coordinator_send(bp__coordinator *c, bp__command *command)
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

/* Remember who asked; without memory for that the answer is an error. */
static void wait_for(bp__coordinator *c, bp__waiting **list, bp__address from, uint64_t after)
{
    bp__waiting *w = malloc(sizeof *w);
    if (!w) {
        answer(c, from, BP_ENOMEM, "no memory at the coordinator; ask again");
        return;
    }
    *w = (bp__waiting){*list, from, after};
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

int64_t bp__coordinator_listed(const bp__coordinator *c)
{
    int64_t n = 0;
    for (uint32_t s = 0; s < c->num_slots; s++)
        n += c->entry[s].listed && (c->entry[s].fill == BP__SLOT_FILL || c->entry[s].fill == BP__SLOT_READY);
    return n;
}

void bp__coordinator_unlist(bp__coordinator *c, uint32_t slot)
{
    bp__entry *e = &c->entry[slot];
    if (!e->listed) return;
    e->listed = false;
    bp__coordinator_send(c,
                         &(bp__command){.kind = BP__CMD_UNLIST, .slot = slot, .generation = e->generation});
}

static void send_fail(bp__coordinator *c, bp__entry *e, bp_status code, const char *text)
{
    bp__command cmd = {
        .kind = BP__CMD_FAIL, .slot = slot_of(c, e), .generation = e->generation, .code = code};
    snprintf(cmd.text, sizeof cmd.text, "%s", text);
    e->fill = BP__SLOT_FAILED;
    e->listed = false;
    bp__coordinator_send(c, &cmd);
    c->report.failures++;
}

static void forget(bp__coordinator *c, bp__load *load)
{
    bp__load_destroy(&load);
    c->in_flight--;
    c->room.may_ask_now = true;
}

/* Every node is done with the stage. After READY or FAIL, which say so. */
static void release_stage(bp__coordinator *c, const bp__load *load)
{
    if (load->stage.bytes == 0) return;
    bp__arena_release(c->arena, load->stage, false);
    bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_TRIM, .extent = load->stage});
}

void bp__coordinator_fail(bp__coordinator *c, bp__load *load, bp_status code, const char *text)
{
    bp__entry *e = &c->entry[load->slot];
    bool filling = e->fill == BP__SLOT_FILL;
    if (filling) c->filling--;
    e->load = NULL;
    bp__log(BP_LOG_INFO, "%s: load failed: %s: %s", load->name, bp_status_name(code), text);
    send_fail(c, e, code, text);
    if (filling) release_stage(c, load);
    forget(c, load);
}

static bp__entry *free_entry(bp__coordinator *c)
{
    for (uint32_t s = 0; s < c->num_slots; s++)
        if (c->entry[s].fill == BP__SLOT_FREE) return &c->entry[s];
    return NULL;
}

/* OPEN, and begin to plan. */
static void open_slot(bp__coordinator *c, bp__entry *e, const char *name)
{
    *e = (bp__entry){.fill = BP__SLOT_OPEN, .listed = true, .generation = ++c->last_generation};
    snprintf(e->name, sizeof e->name, "%s", name);
    bp__command cmd = {.kind = BP__CMD_OPEN, .slot = slot_of(c, e), .generation = e->generation};
    snprintf(cmd.text, sizeof cmd.text, "%s", name);
    bp__coordinator_send(c, &cmd);

    bp__load *load = NULL;
    bp_status s = c->stopping ? bp__fail(BP_ESTOPPED, "%s: the pool is shutting down", name)
                              : bp__load_create(c->loads, name, &load);
    if (bp__failed(s)) {
        send_fail(c, e, s, bp_error_text());
        return;
    }
    load->slot = slot_of(c, e);
    load->generation = e->generation;
    c->in_flight++;
    bp__load_begin(load, BP__PHASE_PLAN);
}

static void want(bp__coordinator *c, const char *name)
{
    if (listed_entry(c, name)) return; /* OPEN is on its way to who asks */
    bp__entry *e = free_entry(c);
    if (e) {
        open_slot(c, e, name);
        return;
    }
    for (bp__wanted *w = c->wanted; w; w = w->next)
        if (strcmp(w->name, name) == 0) return;
    bp__wanted *w = calloc(1, sizeof *w);
    if (!w) return; /* the gets time out: nothing can be told without memory and without a slot */
    snprintf(w->name, sizeof w->name, "%s", name);
    bp__wanted **last = &c->wanted;
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
    bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_READY,
                                           .slot = load->slot,
                                           .generation = load->generation,
                                           .identity = load->identity,
                                           .checked = load->checked});
    release_stage(c, load);
    uint64_t ns = bp__clock_ns() - load->started_ns;
    c->filling--;
    c->report.loads++;
    c->report.load_ns += ns;
    bp__log(BP_LOG_INFO, "%s: loaded %llu bytes in %.3f s", load->name, (unsigned long long)load->image_bytes,
            (double)ns * 1e-9);
    forget(c, load);
}

/* A question's look is done: is what was listed when it was asked what is on disk? If anything else is listed
 * by now, the look may be older than that: ask again. */
static void looked(bp__coordinator *c, bp__load *load)
{
    bp__entry *e = listed_entry(c, load->name);
    bp__answer a = {.kind = BP__ANSWER_QUESTION, .to = {.node = load->node}, .question = load->question};
    bool same = e && e->fill == BP__SLOT_READY && e->generation == load->generation;
    c->report.checks++;
    if (bp__failed(load->code)) {
        /* gone, or no bundle any more; what cannot be looked at just now may still be there */
        bool gone = load->code == BP_ENOTFOUND || load->code == BP_EFORMAT;
        if (gone && same) bp__coordinator_unlist(c, slot_of(c, e));
        a.code = load->code;
        snprintf(a.text, sizeof a.text, "%s", load->text);
    } else if (same && bp__identity_equal(&e->identity, &load->identity)) {
        a.current = true;
        a.slot = slot_of(c, e);
        a.generation = e->generation;
    } else if (same) { /* unlisted before anything newer is READY: nobody goes back in time */
        bp__log(BP_LOG_INFO, "%s: changed on disk", load->name);
        bp__coordinator_unlist(c, slot_of(c, e));
        want(c, load->name);
    }
    c->down.answer(c->down.ctx, &a);
    forget(c, load);
}

/* When every node has ended, one way or the other, and all streams are over: the file is looked at again. */
static void filled(bp__coordinator *c, bp__entry *e)
{
    if (!e->filled || (c->num_nodes > 1 && !e->voted)) return;
    if (c->loads->streams && bp__streams_busy(c->loads->streams, slot_of(c, e))) return; /* tried again */
    e->filled = e->voted = false;
    c->ended--;
    bp__room_filled(c, e->load);
    if (bp__failed(e->load->code))
        bp__coordinator_fail(c, e->load, e->load->code, e->load->text);
    else if (bp__failed(e->load->vote_code))
        bp__coordinator_fail(c, e->load, e->load->vote_code, e->load->vote_text);
    else
        bp__load_begin(e->load, BP__PHASE_VERIFY);
}

/* All nodes but rank 0's have ended. */
static void voted(bp__coordinator *c, const bp__note *n)
{
    bp__entry *e = &c->entry[n->slot];
    if (e->generation != n->generation || !e->load) return;
    e->voted = true;
    e->load->vote_code = n->code;
    snprintf(e->load->vote_text, sizeof e->load->vote_text, "%s", n->text);
}

static void phase_done(bp__coordinator *c, bp__load *load)
{
    if (load->phase == BP__PHASE_LOOK) {
        looked(c, load);
    } else if (load->phase == BP__PHASE_FILL) {
        c->entry[load->slot].filled = true;
        c->ended++;
    } else if (bp__failed(load->code)) {
        bp__coordinator_fail(c, load, load->code, load->text);
    } else if (load->phase == BP__PHASE_PLAN) {
        if (c->stopping)
            bp__coordinator_fail(c, load, BP_ESTOPPED, "the pool is shutting down");
        else
            bp__room_enter(c, load);
    } else {
        ready(c, load);
    }
}

/* Notes ------------------------------------------------------------------------------------------ */

static void ask(bp__coordinator *c, const bp__note *n)
{
    bp__load *load;
    if (bp__failed(bp__load_create(c->loads, n->text, &load))) {
        bp__answer a = {
            .kind = BP__ANSWER_QUESTION, .to = n->from, .question = n->question, .code = BP_ENOMEM};
        snprintf(a.text, sizeof a.text, "%s", bp_error_text());
        c->down.answer(c->down.ctx, &a);
        return;
    }
    const bp__entry *e = listed_entry(c, n->text);
    load->question = n->question;
    load->node = n->from.node;
    load->generation = e ? e->generation : 0;
    c->in_flight++;
    bp__load_begin(load, BP__PHASE_LOOK);
}

static void invalidate(bp__coordinator *c, const bp__note *n)
{
    for (uint32_t s = 0; s < c->num_slots; s++) {
        bp__entry *e = &c->entry[s];
        if (!e->listed || (n->text[0] && strcmp(e->name, n->text) != 0)) continue;
        bp__coordinator_unlist(c, s);
        if (e->fill == BP__SLOT_READY) c->report.invalidations++;
    }
    /* also when nothing was listed: an earlier UNLIST may still be on its way */
    bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_SYNC});
    wait_for(c, &c->invalidating, n->from, c->last_command);
}

static void resize(bp__coordinator *c, const bp__note *n)
{
    c->max_bundles = n->value; /* the rank has checked it */
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
    c->room.may_ask_now = true;
    bp__coordinator_send(c, &cmd);
}

/* What all ranks have counted is known: add what the coordinator knows. */
static void answer_stats(bp__coordinator *c, const bp__report *counts)
{
    bp__report r = *counts;
    r.listed = (uint64_t)bp__coordinator_listed(c);
    for (uint32_t s = 0; s < c->num_slots; s++)
        r.versions += c->entry[s].listed && c->entry[s].fill == BP__SLOT_READY;
    r.max_bundles = (uint64_t)c->max_bundles;
    r.claimed = bp__arena_claimed(c->arena);
    r.budget = bp__arena_budget(c->arena);
    r.peak = c->report.peak;
    r.loads = c->report.loads;
    r.failures = c->report.failures;
    r.evictions = c->report.evictions;
    r.invalidations = c->report.invalidations;
    r.checks = c->report.checks + r.rank_checks;
    r.load_ns = c->report.load_ns;
    for (bp__waiting *w = c->stats_asked; w; w = w->next) {
        bp__answer a = {.kind = BP__ANSWER_REQUEST, .to = w->from, .report = r};
        c->down.answer(c->down.ctx, &a);
    }
    free_waiting(&c->stats_asked);
}

void bp__coordinator_note(bp__coordinator *c, const bp__note *n)
{
    switch (n->kind) {
    case BP__NOTE_MISS: want(c, n->text); break;
    case BP__NOTE_ASK: ask(c, n); break;
    case BP__NOTE_INVALIDATE: invalidate(c, n); break;
    case BP__NOTE_RESIZE: resize(c, n); break;
    case BP__NOTE_STATS: wait_for(c, &c->stats_waiting, n->from, 0); break;
    case BP__NOTE_ACK: c->acked = (uint64_t)n->value; break;
    case BP__NOTE_DRAINED: drained(c, n); break;
    case BP__NOTE_AGES: bp__room_ages(c, n->ages); break;
    case BP__NOTE_VOTE: voted(c, n); break;
    case BP__NOTE_COUNTS: answer_stats(c, &n->counts); break;
    case BP__NOTE_DONE: c->all_done = true; break;
    }
}

/* Steps ------------------------------------------------------------------------------------------ */

static bool step_waiting(bp__coordinator *c)
{
    bool busy = false;
    for (bp__waiting **link = &c->invalidating; *link;) {
        bp__waiting *w = *link;
        if (w->after > c->acked) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        answer(c, w->from, BP_OK, "");
        free(w);
        busy = true;
    }
    if (c->resizing && bp__coordinator_listed(c) <= c->max_bundles) {
        for (bp__waiting *w = c->resizing; w; w = w->next) answer(c, w->from, BP_OK, "");
        free_waiting(&c->resizing);
        busy = true;
    }
    if (c->stats_waiting && !c->stats_asked) {
        c->stats_asked = c->stats_waiting;
        c->stats_waiting = NULL;
        bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_COUNTS});
        busy = true;
    }
    while (c->wanted && free_entry(c)) {
        bp__wanted *w = c->wanted;
        c->wanted = w->next;
        want(c, w->name);
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
    busy |= bp__room_step(c);
    busy |= step_waiting(c);
    return busy;
}

bool bp__coordinator_busy(const bp__coordinator *c)
{
    return c->in_flight > 0 || c->room.first || c->resizing || c->wanted;
}

bool bp__coordinator_stop(bp__coordinator *c)
{
    c->stopping = true;
    while (c->room.first) {
        bp__load *l = c->room.first;
        c->room.first = l->next;
        bp__coordinator_fail(c, l, BP_ESTOPPED, "the pool is shutting down");
    }
    c->room.last = &c->room.first;
    if (c->in_flight == 0 && !c->stopped) {
        c->stopped = true;
        bp__coordinator_send(c, &(bp__command){.kind = BP__CMD_STOP});
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
        used += e->extent.bytes + (e->load ? e->load->stage.bytes : 0);
        for (uint32_t b = a + 1; b < c->num_slots; b++)
            if (e->listed && c->entry[b].listed && strcmp(e->name, c->entry[b].name) == 0)
                BP_FAIL(BP_EINVAL, "coordinator: %s is listed twice", e->name);
    }
    if (used != bp__arena_used(c->arena))
        BP_FAIL(BP_EINVAL, "coordinator: slots hold what the arena does not");
    return BP_OK;
}
