#include "mpi/agent.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/futex.h"
#include "core/log.h"

/* What the agent remembers of a box; the box itself may be reused by its rank as soon as it is closed. */
typedef struct box_state {
    uint32_t number; /* of the request that was read last */
    bool waiting;    /* not answered yet */
    bp__request kind;
    uint32_t pinned; /* slot that the agent pins for it, or BP__NO_SLOT */
    char name[BP_NAME_MAX + 1];
} box_state;

struct bp__agent {
    bp__directory *dir;
    bp__window *arena;
    bp__streams *streams; /* NULL: there are no other nodes */
    bp__uplink up;
    int node;
    uint32_t num_boxes;
    box_state *box;     /* [num_boxes] */
    uint32_t *own_pins; /* [num_slots] pins for boxes */
    bool *draining;     /* [num_slots] unlisted, not yet reported as drained */
    uint32_t num_draining;
    bp__age *ages;   /* [num_slots] */
    uint64_t *voted; /* [num_slots] ticks of this node's vote */
    int *world_rank;
    bool broken;
};

bp_status bp__agent_create(bp__directory *dir, bp__window *arena, bp__streams *streams, int node,
                           const int *world_rank, bp__uplink up, bp__agent **agent)
{
    bp__agent *a = calloc(1, sizeof *a);
    *agent = NULL;
    if (a) {
        a->dir = dir;
        a->arena = arena;
        a->streams = streams;
        a->up = up;
        a->node = node;
        a->num_boxes = dir->num_ranks * BP__BOXES;
        a->box = calloc(a->num_boxes, sizeof *a->box);
        a->own_pins = calloc(dir->num_slots, sizeof *a->own_pins);
        a->draining = calloc(dir->num_slots, sizeof *a->draining);
        a->ages = calloc(dir->num_slots, sizeof *a->ages);
        a->voted = calloc(dir->num_slots, sizeof *a->voted);
        a->world_rank = calloc(dir->num_ranks, sizeof *a->world_rank);
    }
    if (!a || !a->box || !a->own_pins || !a->draining || !a->ages || !a->voted || !a->world_rank) {
        bp__agent_destroy(&a);
        BP_FAIL(BP_ENOMEM, "no memory for the agent of a node");
    }
    for (uint32_t i = 0; i < a->num_boxes; i++) a->box[i].pinned = BP__NO_SLOT;
    memcpy(a->world_rank, world_rank, dir->num_ranks * sizeof *world_rank);
    *agent = a;
    return BP_OK;
}

void bp__agent_destroy(bp__agent **agent)
{
    bp__agent *a = *agent;
    if (!a) return;
    free(a->box);
    free(a->own_pins);
    free(a->draining);
    free(a->ages);
    free(a->voted);
    free(a->world_rank);
    free(a);
    *agent = NULL;
}

static bp__box *box_at(const bp__agent *a, uint32_t i)
{
    return &bp__dir_lines(a->dir, i / BP__BOXES)->box[i % BP__BOXES];
}

static bp__address address_of(const bp__agent *a, uint32_t i)
{
    return (bp__address){a->node, i / BP__BOXES, i % BP__BOXES, a->box[i].number};
}

static void note(bp__agent *a, const bp__note *n)
{
    a->up.note(a->up.ctx, n);
}

static void copy_name(char to[BP_NAME_MAX + 1], const char *from)
{
    size_t n = strnlen(from, BP_NAME_MAX); /* it comes from shared memory: do not trust it to end */
    memcpy(to, from, n);
    to[n] = '\0';
}

/* Answering -------------------------------------------------------------------------------------- */

static void finish(bp__agent *a, uint32_t i)
{
    bp__reply *reply = &a->dir->reply[i];
    a->box[i].waiting = false;
    bp__store_release(&reply->answered, a->box[i].number);
    bp__futex_wake(&reply->answered);
}

static void answer_text(bp__agent *a, uint32_t i, bp_status code, const char *text)
{
    bp__reply *reply = &a->dir->reply[i];
    reply->code = code;
    snprintf(reply->text, sizeof reply->text, "%s", text);
}

/* The slot stays pinned for the box until the rank has a pin of its own, or has given up. */
static void answer_slot(bp__agent *a, uint32_t i, uint32_t slot)
{
    bp__reply *reply = &a->dir->reply[i];
    a->own_pins[slot]++;
    a->box[i].pinned = slot;
    reply->code = BP_OK;
    reply->slot = slot;
    reply->word = bp__load_relaxed(&a->dir->slot[slot].word);
    finish(a, i);
}

static void drop_pin(bp__agent *a, box_state *b)
{
    if (b->pinned == BP__NO_SLOT) return;
    a->own_pins[b->pinned]--;
    b->pinned = BP__NO_SLOT;
}

/* Drop the pins of requests that are closed, without looking for new ones. A rank closes a request before it posts the
 * next: so one that is not the newest any more has been closed, too. */
static void drop_closed(bp__agent *a)
{
    for (uint32_t i = 0; i < a->num_boxes; i++) {
        const bp__box *box = box_at(a, i);
        box_state *b = &a->box[i];
        if (b->waiting || b->pinned == BP__NO_SLOT) continue;
        if (bp__load_acquire(&box->closed) == b->number || bp__load_acquire(&box->posted) != b->number)
            drop_pin(a, b);
    }
}

void bp__agent_answer(bp__agent *agent, const bp__answer *answer)
{
    uint32_t i = answer->to.rank * BP__BOXES + answer->to.box;
    assert(i < agent->num_boxes);
    if (!agent->box[i].waiting || agent->box[i].number != answer->to.number) return; /* the rank gave up */
    answer_text(agent, i, answer->code, answer->text);
    agent->dir->reply[i].report = answer->report;
    agent->dir->reply[i].word = answer->current ? answer->generation : 0;
    finish(agent, i);
}

/* Commands --------------------------------------------------------------------------------------- */

/* Hand a slot that has just been opened to everybody here who waits for that name. */
static void hand_out(bp__agent *a, uint32_t slot, const char *name)
{
    for (uint32_t i = 0; i < a->num_boxes; i++) {
        box_state *b = &a->box[i];
        if (b->waiting && b->kind == BP__MISS && strcmp(b->name, name) == 0) answer_slot(a, i, slot);
    }
}

static void send_ages(bp__agent *a)
{
    bp__directory *dir = a->dir;
    drop_closed(a); /* a pin for a get that has long returned would make its bundle seem to be in use */
    uint64_t now = bp__ticks();
    for (uint32_t s = 0; s < dir->num_slots; s++) {
        uint64_t word = bp__load_relaxed(&dir->slot[s].word);
        bp__age *age = &a->ages[s];
        *age = (bp__age){.age_ns = UINT64_MAX, .pinned_by = -1};
        if (bp__word_fill(word) != BP__SLOT_READY) continue;
        uint64_t last = bp__dir_last_use(dir, s);
        /* in either order: the two only serve to choose a victim, nothing is concluded from them */
        bp__nap_here(BP__NAP_USED_PINS);
        double ticks = now > last ? (double)(now - last) : 0;
        age->age_ns = (uint64_t)(ticks * 1e6 / (double)dir->header->ticks_per_ms);
        age->pins = a->own_pins[s];
        for (uint32_t r = 0; r < dir->num_ranks; r++) {
            uint64_t use = bp__load_seq_cst(&bp__dir_lines(dir, r)->use[s]);
            if (BP__PINS(use) == 0) continue;
            age->pins += (uint32_t)BP__PINS(use);
            age->pinned_by = a->world_rank[r];
        }
    }
    note(a, &(bp__note){.kind = BP__NOTE_AGES, .from = {.node = a->node}, .ages = a->ages});
}

static void send_counts(bp__agent *a)
{
    bp__note n = {.kind = BP__NOTE_COUNTS, .from = {.node = a->node}};
    for (uint32_t r = 0; r < a->dir->num_ranks; r++) bp__dir_count(a->dir, r, &n.counts);
    note(a, &n);
}

static void give_back(bp__agent *a, bp__extent extent)
{
    if (bp__failed(bp__window_give_back(a->arena, extent)))
        bp__log(BP_LOG_WARN, "%s; it stays claimed", bp_error_text());
}

static void start_draining(bp__agent *a, uint32_t slot)
{
    if (a->draining[slot]) return;
    a->draining[slot] = true;
    a->num_draining++;
}

void bp__agent_apply(bp__agent *agent, const bp__command *c)
{
    bp__directory *dir = agent->dir;
    switch (c->kind) {
    case BP__CMD_OPEN:
        bp__dir_open(dir, c->slot, c->generation, c->name);
        hand_out(agent, c->slot, c->name);
        break;
    case BP__CMD_FILL:
        /* without `stored` the stage is that of rank 0's node alone */
        bp__dir_fill(dir, c->slot, c->extent, agent->node == 0 || c->stored ? c->stage : (bp__extent){0, 0});
        if (agent->node > 0)
            bp__stream_receive(agent->streams, c->slot, c->generation, c->stored ? c->stage : c->extent,
                               c->stored);
        break;
    case BP__CMD_READY:
        /* the file was last checked after this node's vote; on rank 0's node the command says when */
        bp__dir_ready(dir, c->slot, &c->identity, agent->node > 0 ? agent->voted[c->slot] : c->checked);
        break;
    case BP__CMD_FAIL:
        bp__dir_fail(dir, c->slot, c->code, c->text);
        start_draining(agent, c->slot);
        break;
    case BP__CMD_UNLIST:
        bp__dir_unlist(dir, c->slot);
        start_draining(agent, c->slot);
        break;
    case BP__CMD_RECLAIM:
        bp__dir_reclaim(dir, c->slot);
        if (c->extent.bytes) give_back(agent, c->extent);
        break;
    case BP__CMD_TRIM: give_back(agent, c->extent); break;
    case BP__CMD_AGES: send_ages(agent); break;
    case BP__CMD_COUNTS: send_counts(agent); break;
    case BP__CMD_SYNC:
        note(agent,
             &(bp__note){.kind = BP__NOTE_ACK, .from = {.node = agent->node}, .value = (int64_t)c->number});
        break;
    case BP__CMD_STOP: break;
    }
    bp__store_release(&dir->header->applied, c->number);
}

void bp__agent_vote(bp__agent *agent, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                    const char *text)
{
    bp__note n = {.kind = BP__NOTE_VOTE,
                  .from = {.node = agent->node},
                  .slot = slot,
                  .generation = generation,
                  .code = code,
                  .damaged = damaged};
    snprintf(n.text, sizeof n.text, "%s", text);
    agent->voted[slot] = bp__ticks();
    note(agent, &n);
}

/* Polling ---------------------------------------------------------------------------------------- */

/* Whether a rank gave a request up, and may have written its next one while this one was copied. A rank
 * closes a request before it writes the next. So `closed` is loaded after the copy: if it does not yet name
 * this request, nothing of the next one was copied. */
static bool was_given_up(const bp__box *box, uint32_t number)
{
    bp__nap_here(BP__NAP_REQUEST_CLOSED);
#ifndef __SANITIZE_THREAD__ /* TSan knows no fences */
    atomic_thread_fence(memory_order_acquire);
#endif
    return bp__load_relaxed(&box->closed) == number;
}

static void read_request(bp__agent *a, uint32_t i, uint32_t number)
{
    const bp__box *box = box_at(a, i);
    box_state *b = &a->box[i];
    drop_pin(a, b); /* a new request: the rank is done with the old one */
    b->number = number;
    b->kind = (bp__request)box->kind;
    copy_name(b->name, box->name);
    bp__note n = {.from = address_of(a, i), .value = box->number};
    copy_name(n.name, b->name);
    bool all = box->all;
    b->waiting = !was_given_up(box, number);
    if (!b->waiting) return;
    if (a->broken) {
        answer_text(a, i, BP_EMPI, a->dir->header->broken_text);
        finish(a, i);
        return;
    }

    bp__key key;
    switch (b->kind) {
    case BP__MISS: {
        uint32_t slot = bp__key_from(b->name, &key) ? bp__dir_find(a->dir, &key) : BP__NO_SLOT;
        if (slot != BP__NO_SLOT) {
            answer_slot(a, i, slot);
            return;
        }
        n.kind = BP__NOTE_MISS;
        break;
    }
    case BP__CHECK: n.kind = BP__NOTE_CHECK; break;
    case BP__INVALIDATE:
        n.kind = BP__NOTE_INVALIDATE;
        if (all) n.name[0] = '\0';
        break;
    case BP__RESIZE: n.kind = BP__NOTE_RESIZE; break;
    case BP__STATS: n.kind = BP__NOTE_STATS; break;
    default:
        answer_text(a, i, BP_EINVAL, "the agent does not know this kind of request");
        finish(a, i);
        return;
    }
    note(a, &n);
}

static bool poll_boxes(bp__agent *a)
{
    bool busy = false;
    for (uint32_t i = 0; i < a->num_boxes; i++) {
        bp__box *box = box_at(a, i);
        box_state *b = &a->box[i];
        uint32_t posted = bp__load_acquire(&box->posted);
        if (posted != b->number) {
            read_request(a, i, posted);
            busy = true;
        }
        if (!b->waiting && b->pinned == BP__NO_SLOT) continue;
        /* `posted` first: a rank posts a request before it closes it, and closes it before it posts the next.
         * So `closed` names the request that was read, or a later one, which the next turn will find. */
        bp__nap_here(BP__NAP_POSTED_CLOSED);
        if (bp__load_acquire(&box->closed) == b->number) {
            drop_pin(a, b);
            b->waiting = false;
            busy = true;
        }
    }
    return busy;
}

/* The scan begins after the unlist store of bp__dir_unlist() or bp__dir_fail(), both seq_cst: whoever pins
 * later sees the slot unlisted and withdraws. It also begins after `closed` was loaded of every box for which
 * the agent has pinned the slot (own_pins is 0 by then): a rank adds its own pin before it closes the box. */
static bool poll_draining(bp__agent *a)
{
    bool busy = false;
    for (uint32_t s = 0; a->num_draining > 0 && s < a->dir->num_slots; s++) {
        if (!a->draining[s]) continue;
        uint64_t word = bp__load_relaxed(&a->dir->slot[s].word);
        bp__fill fill = bp__word_fill(word);
        if ((fill != BP__SLOT_READY && fill != BP__SLOT_FAILED) || a->own_pins[s] > 0) continue;
        bp__nap_here(BP__NAP_CLOSED_PINS);
        if (bp__dir_pins(a->dir, s) > 0 || (a->streams && bp__streams_busy(a->streams, s))) continue;
        a->draining[s] = false;
        a->num_draining--;
        note(a, &(bp__note){.kind = BP__NOTE_DRAINED,
                            .from = {.node = a->node},
                            .slot = s,
                            .generation = bp__word_generation(word)});
        busy = true;
    }
    return busy;
}

bool bp__agent_poll(bp__agent *agent)
{
    bool busy = poll_boxes(agent);
    return (!agent->broken && poll_draining(agent)) || busy;
}

void bp__agent_break(bp__agent *agent, const char *text)
{
    agent->broken = true;
    bp__dir_break(agent->dir, text);
    for (uint32_t i = 0; i < agent->num_boxes; i++) {
        if (!agent->box[i].waiting) continue;
        answer_text(agent, i, BP_EMPI, agent->dir->header->broken_text);
        finish(agent, i);
    }
}

bool bp__agent_waiting(const bp__agent *agent)
{
    for (uint32_t i = 0; i < agent->num_boxes; i++)
        if (agent->box[i].waiting) return true;
    return false;
}

bool bp__agent_draining(const bp__agent *agent)
{
    return agent->num_draining > 0;
}
