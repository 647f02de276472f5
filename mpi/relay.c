#include "mpi/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/fault.h"

/* What has been heard about a slot in its present generation. */
typedef struct tally {
    uint64_t generation;
    uint32_t votes, drained; /* how many have said so */
    bp_status code;          /* first reason against */
    bool damaged;            /* that reason is damage */
    char *text;              /* owned; it in words */
} tally;

/* A bundle that has been asked for above and has not been opened here since. */
typedef struct missed {
    struct missed *next;
    char name[BP_NAME_MAX + 1];
} missed;

typedef struct asker {
    struct asker *next;
    uint32_t who;
    bp__address from; /* BP__SELF: the box */
    uint64_t check;   /* a child's own number for it */
} asker;

typedef struct check {
    struct check *next;
    uint64_t id;
    bool sent;
    uint64_t sent_ticks;
    asker *askers;
    char name[BP_NAME_MAX + 1];
} check;

struct bp__relay {
    bp__directory *dir;
    int node;
    uint32_t num_children;
    bool votes;
    bp__relay_ways ways;
    tally *tally;    /* [num_slots] */
    uint64_t *acked; /* [num_children + 1], the last is this node's */
    uint64_t acked_above;
    bp__age *ages; /* [num_slots] */
    bp__report counts;
    uint32_t ages_heard, counts_heard, done_heard;
    missed *missed;
    check *checks;
    uint64_t last_check;
};

bp_status bp__relay_create(bp__directory *dir, int node, uint32_t num_children, bool votes,
                           bp__relay_ways ways, bp__relay **relay)
{
    bp__relay *r = calloc(1, sizeof *r);
    *relay = NULL;
    if (r) {
        r->dir = dir;
        r->node = node;
        r->num_children = num_children;
        r->votes = votes;
        r->ways = ways;
        r->tally = calloc(dir->num_slots, sizeof *r->tally);
        r->acked = calloc(num_children + 1, sizeof *r->acked);
        r->ages = calloc(dir->num_slots, sizeof *r->ages);
    }
    if (!r || !r->tally || !r->acked || !r->ages) {
        bp__relay_destroy(&r);
        BP_FAIL(BP_ENOMEM, "no memory for the relay of a node");
    }
    *relay = r;
    return BP_OK;
}

static void free_check(check *c)
{
    for (asker *a = c->askers, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    free(c);
}

void bp__relay_destroy(bp__relay **relay)
{
    bp__relay *r = *relay;
    if (!r) return;
    for (check *c = r->checks, *next; c; c = next) {
        next = c->next;
        free_check(c);
    }
    for (missed *m = r->missed, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    for (uint32_t s = 0; r->tally && s < r->dir->num_slots; s++) free(r->tally[s].text);
    free(r->tally);
    free(r->acked);
    free(r->ages);
    free(r);
    *relay = NULL;
}

static void up(bp__relay *r, const bp__note *n)
{
    r->ways.up(r->ways.ctx, n);
}

/* MISS ------------------------------------------------------------------------------------------- */

static void miss(bp__relay *r, const bp__note *n)
{
    bp__key key;
    if (!bp__key_from(n->name, &key) || bp__dir_find(r->dir, &key) != BP__NO_SLOT) return;
    for (missed *m = r->missed; m; m = m->next)
        if (strcmp(m->name, n->name) == 0) return;
    missed *m = calloc(1, sizeof *m);
    if (m) { /* without memory for it, the next MISS goes up as well, which does no harm */
        snprintf(m->name, sizeof m->name, "%s", n->name);
        m->next = r->missed;
        r->missed = m;
    }
    up(r, n);
}

static void opened(bp__relay *r, const bp__command *c)
{
    tally *t = &r->tally[c->slot];
    free(t->text);
    *t = (tally){.generation = c->generation};
    for (missed **link = &r->missed; *link; link = &(*link)->next) {
        missed *m = *link;
        if (strcmp(m->name, c->name) != 0) continue;
        *link = m->next;
        free(m);
        return;
    }
}

/* CHECK ------------------------------------------------------------------------------------------ */

static void send_check(bp__relay *r, check *c)
{
    bp__note n = {.kind = BP__NOTE_CHECK, .from = {.node = r->node}, .check = c->id};
    snprintf(n.name, sizeof n.name, "%s", c->name);
    c->sent = true;
    c->sent_ticks = bp__ticks();
    up(r, &n);
}

/* The check of a bundle that may still be joined, and whether another is under way. */
static check *unsent_check(bp__relay *r, const char *name, bool *under_way)
{
    check *open = NULL;
    *under_way = false;
    for (check *c = r->checks; c; c = c->next) {
        if (strcmp(c->name, name) != 0) continue;
        if (c->sent)
            *under_way = true;
        else
            open = c;
    }
    return open;
}

/* The get that asked for it fails with a reason. */
static void refuse_check(bp__relay *r, uint32_t from, const bp__note *n)
{
    bp__answer a = {.kind = from == BP__SELF ? BP__ANSWER_REQUEST : BP__ANSWER_CHECK,
                    .to = n->from,
                    .check = n->check,
                    .code = BP_ENOMEM};
    snprintf(a.text, sizeof a.text, "%s: node %d has no memory to have its file checked; repeat the get",
             n->name, r->node);
    r->ways.down(r->ways.ctx, from, &a);
}

static void join_check(bp__relay *r, uint32_t from, const bp__note *n)
{
    bool under_way;
    check *c = unsent_check(r, n->name, &under_way);
    asker *a = calloc(1, sizeof *a);
    if (!c && a) {
        c = calloc(1, sizeof *c);
        if (c) {
            c->id = ++r->last_check;
            snprintf(c->name, sizeof c->name, "%s", n->name);
            c->next = r->checks;
            r->checks = c;
        }
    }
    if (!a || !c) {
        free(a);
        refuse_check(r, from, n);
        return;
    }
    *a = (asker){c->askers, from, n->from, n->check};
    c->askers = a;
    if (!under_way && !c->sent) send_check(r, c);
}

void bp__relay_answer(bp__relay *relay, const bp__answer *answer)
{
    check **link = &relay->checks;
    while (*link && (*link)->id != answer->check) link = &(*link)->next;
    check *c = *link;
    if (!c) return;
    *link = c->next;

    if (answer->current) {
        bp__slot *slot = &relay->dir->slot[answer->slot];
        uint64_t word = bp__load_relaxed(&slot->word);
        if (bp__word_generation(word) == answer->generation) bp__store_relaxed(&slot->checked, c->sent_ticks);
    }
    for (const asker *a = c->askers; a; a = a->next) {
        bp__answer out = *answer;
        out.to = a->from;
        out.check = a->check;
        if (a->who == BP__SELF) out.kind = BP__ANSWER_REQUEST;
        relay->ways.down(relay->ways.ctx, a->who, &out);
    }
    bool under_way;
    check *next = unsent_check(relay, c->name, &under_way);
    if (next) send_check(relay, next);
    free_check(c);
}

/* What is combined ------------------------------------------------------------------------------- */

static void ack(bp__relay *r, uint32_t from, const bp__note *n)
{
    r->acked[from == BP__SELF ? r->num_children : from] = (uint64_t)n->value;
    uint64_t least = r->acked[0];
    for (uint32_t i = 1; i <= r->num_children; i++)
        if (r->acked[i] < least) least = r->acked[i];
    if (bp__fault_is_on(BP__FAULT_EARLY_ACK)) least = r->acked[r->num_children];
    if (least <= r->acked_above) return;
    r->acked_above = least;
    up(r, &(bp__note){.kind = BP__NOTE_ACK, .from = {.node = r->node}, .value = (int64_t)least});
}

static void vote(bp__relay *r, const bp__note *n)
{
    tally *t = &r->tally[n->slot];
    if (t->generation != n->generation) return;
    if (bp__failed(n->code) && t->code == BP_OK) {
        t->code = n->code;
        t->damaged = n->damaged;
        t->text = strdup(n->text); /* without memory for it, the code has to do */
    }
    if (++t->votes < r->num_children + r->votes) return;
    bp__note all = *n;
    all.code = t->code;
    all.damaged = t->damaged;
    snprintf(all.text, sizeof all.text, "%s", t->text ? t->text : "");
    up(r, &all);
}

static void drained(bp__relay *r, const bp__note *n)
{
    tally *t = &r->tally[n->slot];
    if (t->generation == n->generation && ++t->drained == r->num_children + 1) up(r, n);
}

static void ages(bp__relay *r, const bp__note *n)
{
    bool first = r->ages_heard == 0;
    for (uint32_t s = 0; s < r->dir->num_slots; s++) {
        const bp__age *theirs = &n->ages[s];
        bp__age *all = &r->ages[s];
        if (first) *all = (bp__age){.age_ns = UINT64_MAX, .pinned_by = -1};
        if (theirs->age_ns < all->age_ns) all->age_ns = theirs->age_ns;
        if (theirs->pins > 0) all->pinned_by = theirs->pinned_by;
        all->pins += theirs->pins;
    }
    if (++r->ages_heard <= r->num_children) return;
    r->ages_heard = 0;
    up(r, &(bp__note){.kind = BP__NOTE_AGES, .from = {.node = r->node}, .ages = r->ages});
}

static void counts(bp__relay *r, const bp__note *n)
{
    if (r->counts_heard == 0) r->counts = (bp__report){0};
    r->counts.hits += n->counts.hits;
    r->counts.misses += n->counts.misses;
    r->counts.rank_checks += n->counts.rank_checks;
    r->counts.wait_ns += n->counts.wait_ns;
    if (++r->counts_heard <= r->num_children) return;
    r->counts_heard = 0;
    up(r, &(bp__note){.kind = BP__NOTE_COUNTS, .from = {.node = r->node}, .counts = r->counts});
}

void bp__relay_note(bp__relay *relay, uint32_t from, const bp__note *note)
{
    switch (note->kind) {
    case BP__NOTE_MISS: miss(relay, note); break;
    case BP__NOTE_CHECK: join_check(relay, from, note); break;
    case BP__NOTE_INVALIDATE:
    case BP__NOTE_RESIZE:
    case BP__NOTE_STATS: up(relay, note); break;
    case BP__NOTE_ACK: ack(relay, from, note); break;
    case BP__NOTE_VOTE: vote(relay, note); break;
    case BP__NOTE_DRAINED: drained(relay, note); break;
    case BP__NOTE_AGES: ages(relay, note); break;
    case BP__NOTE_COUNTS: counts(relay, note); break;
    case BP__NOTE_DONE:
        if (++relay->done_heard > relay->num_children) up(relay, note);
        break;
    }
}

void bp__relay_command(bp__relay *relay, const bp__command *command)
{
    if (command->kind == BP__CMD_OPEN) opened(relay, command);
}

bool bp__relay_done(const bp__relay *relay)
{
    return relay->done_heard > relay->num_children;
}

bool bp__relay_waiting(const bp__relay *relay)
{
    return relay->missed || relay->checks;
}
