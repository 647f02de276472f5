/* DESIGN
 *
 *             coordinator (on rank 0), or the parent
 *                 │          ▲
 *       commands, │          │ notes
 *        answers  ▼          │
 *                   relay ◄──────► children
 *                 │          ▲
 *                 ▼          │
 *               agent: directory, boxes
 *
 * One turn of the loop: hear what has arrived (tree), what ranks have posted (agent), what has moved
 * (streams), what is decided (coordinator). Nap if there was nothing.
 *
 * What cannot be made up for (a message that MPI does not take, a neighbour that is not heard, memory for what must
 * not be lost) breaks the pool: the reason is sent over all other links, once; then the agent breaks its directory
 * and answers every request with it, and nothing else is done until the thread is stopped.
 *
 * A command is sent on to the children first and then applied here, so that on every path all commands come
 * in one order. Everything that ranks and workers of this node do rings the doorbell, on which the thread
 * naps; messages do not ring, so if there are other nodes it naps for a millisecond at most, or longer at a
 * leaf when nothing has happened for a while.
 */
#include "mpi/service.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/futex.h"
#include "core/log.h"
#include "core/workers.h"
#include "mpi/agent.h"
#include "mpi/coordinator.h"
#include "mpi/decoding.h"
#include "mpi/links.h"
#include "mpi/relay.h"
#include "mpi/tree.h"
#include "mpi/wire.h"

#define BRISK_NS UINT64_C(50000)      /* an answer from another node is awaited, or bulk data */
#define NAP_NS   UINT64_C(1000000)    /* something is awaited that does not ring: messages, pins */
#define DOZE_NS  UINT64_C(5000000)    /* a leaf where nothing has happened for QUIET_NS */
#define ALONE_NS UINT64_C(1000000000) /* one node, nothing awaited: everything rings */
#define QUIET_NS UINT64_C(100000000)
#define FLUSH_NS UINT64_C(300000000) /* for the news that the pool is broken to leave */
#define LEAVE_MS 1000                /* for the workers of a pool that ends alone to finish what they do */

/* Only the service thread touches this after start, except for `stop` and `abandon`. */
struct bp__service {
    pthread_t thread;
    bool started;
    _Atomic bool stop, abandon;  /* written by whoever stops it, read by the thread */
    bool stop_seen;              /* STOP has been applied */
    bool done;                   /* every node below has applied it, and so has this one */
    _Atomic bool live;           /* every node's thread has started: written by whoever creates the pool */
    bool begun;                  /* the thread has seen that */
    bool goodbye;                /* it has been said to all neighbours */
    bool breaking, broken;       /* there is a reason to break the pool; that has been done */
    char why[BP_ERROR_TEXT_MAX]; /* that reason */
    int told_by;                 /* the node that sent it, or -1 */
    uint64_t broken_ns;          /* when that was done */
    bool flushed;                /* since then, all that was sent has left */
    bp__links links;
    const bp__topology *top; /* borrowed */
    bp_config cfg;
    cpu_set_t cpus;
    int node, num_nodes;
    bp__directory *dir;
    bp__agent *agent;
    bp__relay *relay;
    bp__coordinator *coordinator; /* NULL except on rank 0 */
    bp__tree *tree;
    bp__streams *streams; /* NULL: one node */
    bp__workers *workers;
    bp__loads loads;
    bp__note *note; /* for the coordinator, not delivered yet: it may be in the middle of something */
    size_t num_notes, cap_notes;
    void *wire;    /* a note being sent */
    bp__age *ages; /* of a note that has arrived */
    uint64_t last_busy_ns;
};

/* What breaks the pool ----------------------------------------------------------------------------- */

static const char *host_of(const bp__service *s, int node)
{
    return s->top->node_host ? s->top->node_host[node] : s->top->host;
}

/* Remember the first reason; the turn ends with breaking the pool. */
__attribute__((format(printf, 2, 3))) static void fail(bp__service *s, const char *fmt, ...)
{
    char what[BP_ERROR_TEXT_MAX - 160];
    va_list ap;
    if (s->breaking) return;
    s->breaking = true;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    snprintf(s->why, sizeof s->why, "node %d (%s) %s; the pool is broken, go on in a new job", s->node,
             host_of(s, s->node), what);
}

static void send_to(bp__service *s, bp__tree_tag tag, int node, const void *bytes, size_t size)
{
    bp__links_sent(&s->links, node);
    if (s->breaking || bp__tree_send_to(s->tree, tag, node, bytes, size) == BP_OK) return;
    fail(s, "cannot send to node %d (%s): %s", node, host_of(s, node), bp_error_text());
}

static void send(bp__service *s, bp__tree_tag tag, unsigned to, const void *bytes, size_t size)
{
    send_to(s, tag, bp__tree_node(s->tree, to), bytes, size);
}

/* Tell every neighbour but the one that has told this node. Who cannot be told finds out by itself. */
static void flood(bp__service *s)
{
    for (unsigned i = 0; i < s->links.num; i++) {
        const bp__link *l = &s->links.link[i];
        if (l->ended || l->node == s->told_by) continue;
        if (bp__failed(bp__tree_send_to(s->tree, BP__TREE_BROKEN, l->node, s->why, strlen(s->why) + 1)))
            bp__log(BP_LOG_INFO, "node %d is not told that the pool is broken: %s", l->node, bp_error_text());
    }
}

static void break_pool(bp__service *s)
{
    s->broken = true;
    s->broken_ns = bp__clock_ns();
    flood(s);
    if (s->streams) bp__streams_break(s->streams);
    bp__agent_break(s->agent, s->why);
    bp__log(BP_LOG_INFO, "%s", s->why);
}

static void told_broken(bp__service *s, int node, const char *text, size_t size)
{
    if (s->breaking) return;
    s->breaking = true;
    s->told_by = node;
    snprintf(s->why, sizeof s->why, "%.*s", (int)strnlen(text, size), text);
}

/* Notes upwards: agent → relay → parent or coordinator --------------------------------------------- */

static void from_agent(void *ctx, const bp__note *note)
{
    bp__service *s = ctx;
    bp__relay_note(s->relay, BP__SELF, note);
}

static void note_up(void *ctx, const bp__note *note)
{
    bp__service *s = ctx;
    if (s->node > 0) {
        send(s, BP__TREE_NOTE, BP__TREE_ARITY, s->wire, bp__wire_put_note(note, s->dir->num_slots, s->wire));
        return;
    }
    if (s->num_notes == s->cap_notes) {
        size_t cap = s->cap_notes ? 2 * s->cap_notes : 64;
        bp__note *grown = realloc(s->note, cap * sizeof *grown);
        if (!grown) {
            fail(s, "has no memory for a request");
            return;
        }
        s->note = grown;
        s->cap_notes = cap;
    }
    s->note[s->num_notes++] = *note;
}

/* Deliver the queued notes, and those that they lead to. @return whether there was any */
static bool deliver_notes(bp__service *s)
{
    bool busy = s->num_notes > 0;
    for (size_t i = 0; i < s->num_notes; i++) { /* the queue may grow, and move, meanwhile */
        bp__note note = s->note[i];
        if (bp__failed(bp__coordinator_note(s->coordinator, &note)))
            fail(s, "cannot go on: %s", bp_error_text());
    }
    s->num_notes = 0;
    return busy;
}

/* Commands and answers downwards ------------------------------------------------------------------- */

static void command_down(void *ctx, const bp__command *command)
{
    bp__service *s = ctx;
    for (unsigned c = 0; c < bp__tree_children(s->tree); c++)
        send(s, BP__TREE_COMMAND, c, command, bp__wire_command_size(command));
    bp__relay_command(s->relay, command);
    bp__agent_apply(s->agent, command);
    if (command->kind == BP__CMD_STOP) s->stop_seen = true;
}

/* One step on an answer's way. */
static void answer_to(void *ctx, uint32_t child, const bp__answer *answer)
{
    bp__service *s = ctx;
    if (child == BP__SELF)
        bp__agent_answer(s->agent, answer);
    else
        send(s, BP__TREE_ANSWER, child, answer, bp__wire_answer_size(answer));
}

static void answer_down(void *ctx, const bp__answer *answer)
{
    bp__service *s = ctx;
    if (answer->kind == BP__ANSWER_CHECK) {
        bp__relay_answer(s->relay, answer); /* checks have been combined on every step */
        return;
    }
    unsigned child = bp__tree_child_towards(s->tree, answer->to.node);
    answer_to(s, child == BP__TREE_ARITY ? BP__SELF : child, answer);
}

static void from_tree(void *ctx, bp__tree_tag tag, unsigned from, int node, const void *bytes, size_t size)
{
    bp__service *s = ctx;
    bp__command command;
    bp__answer answer;
    bp__note note;
    bool ok = false;
    bp__links_heard(&s->links, node);
    if (s->breaking) return;
    switch (tag) {
    case BP__TREE_HELLO:
    case BP__TREE_BEAT: ok = true; break;
    case BP__TREE_GOODBYE:
        ok = true;
        bp__links_ended(&s->links, node);
        break;
    case BP__TREE_BROKEN:
        ok = true;
        told_broken(s, node, bytes, size);
        break;
    case BP__TREE_COMMAND:
        ok = from == BP__TREE_ARITY && bp__wire_command(bytes, size, &command);
        if (ok) command_down(s, &command);
        break;
    case BP__TREE_ANSWER:
        ok = from == BP__TREE_ARITY && bp__wire_answer(bytes, size, &answer);
        if (ok) answer_down(s, &answer);
        break;
    case BP__TREE_NOTE:
        ok = from < BP__TREE_ARITY && bp__wire_note(bytes, size, s->dir->num_slots, &note, s->ages);
        if (ok) bp__relay_note(s->relay, from, &note);
        break;
    }
    if (!ok) fail(s, "got a message from node %d (%s) that it does not understand", node, host_of(s, node));
}

/* Streams: what has come is voted on; a stage is decoded as it comes ----------------------------------- */

static void stream_over(void *ctx, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                        const char *text)
{
    bp__service *s = ctx;
    bp__agent_vote(s->agent, slot, generation, code, damaged, text);
}

static void stream_lost(void *ctx)
{
    fail(ctx, "has lost a stream between nodes: %s", bp_error_text());
}

static bool arrived(const void *stream, uint64_t *bytes)
{
    return bp__stream_arrived(stream, bytes);
}

static bp_status decode_stage(void *ctx, bp__stream *stream, uint32_t slot, bp__extent extent)
{
    bp__service *s = ctx;
    const bp__stage *stage = (const bp__stage *)(const void *)(s->loads.arena->view + extent.offset);
    bp__decoding d;
    bp__decoding_begin(s->dir, s->loads.arena, s->loads.loader, slot, &d);
    bp_status st = bp__decoding_receive(&d, stage, extent.bytes, arrived, stream);
    bp_status ended = bp__decoding_end(&d);
    return bp__failed(st) ? st : ended;
}

/* The loop ----------------------------------------------------------------------------------------- */

static void mind_links(bp__service *s)
{
    uint64_t ms;
    if (!s->begun) { /* until all threads run, nobody owes anybody a word */
        s->begun = bp__load_acquire(&s->live);
        bp__links_begin(&s->links, s->links.now_ns);
        return;
    }
    const bp__link *silent = bp__links_silent(&s->links, &ms);
    if (silent)
        fail(s, "has not heard of node %d (%s) for %llu ms (link_timeout_ms)", silent->node,
             host_of(s, silent->node), (unsigned long long)ms);
    for (const bp__link *l; !s->goodbye && (l = bp__links_due(&s->links));)
        send_to(s, BP__TREE_BEAT, l->node, NULL, 0);
}

static bool turn(bp__service *s)
{
    bool busy = false;
    if (s->broken) {
        s->flushed = bp__tree_flush(s->tree);
        return bp__agent_poll(s->agent);
    }
    bp__links_turn(&s->links, bp__clock_ns());
    if (bp__failed(bp__tree_poll(s->tree, &busy)))
        fail(s, "no longer receives messages: %s", bp_error_text());
    mind_links(s);
    busy |= bp__agent_poll(s->agent);
    if (s->streams) busy |= bp__streams_poll(s->streams);
    if (s->coordinator) {
        busy |= deliver_notes(s);
        busy |= bp__coordinator_step(s->coordinator);
    }
    if (s->breaking) break_pool(s);
    return busy || s->broken;
}

/* The last message on each link: who has received all of them leaves nothing unreceived, which would reach the next
 * pool if MPI uses the communicator's number again. */
static void say_goodbye(bp__service *s)
{
    if (s->goodbye) return;
    s->goodbye = true;
    for (unsigned i = 0; i < s->links.num; i++) send_to(s, BP__TREE_GOODBYE, s->links.link[i].node, NULL, 0);
}

/* Loads under way are waited for, but not for ever: with one that is overdue the pool cannot end in peace, as its thread
 * may still write to the pool's memory. */
static void stop_coordinator(bp__service *s)
{
    if (bp__coordinator_stop(s->coordinator)) return;
    const bp__load *l = bp__loads_overdue(&s->loads);
    if (!l) return;
    fail(
        s,
        "has waited %.0f s for %s/%s.h5 to be read, longer than load_timeout_ms = %lld; its file system may not answer",
        (double)(bp__clock_ns() - l->begun_ns) * 1e-9, s->cfg.root, l->name,
        (long long)s->cfg.load_timeout_ms);
}

/* Whether nothing is left to send or receive: after STOP, DONE goes up when all nodes below are done. */
static bool finished(bp__service *s)
{
    if (s->coordinator && bp__load_acquire(&s->stop)) stop_coordinator(s);
    if (!s->stop_seen || (s->streams && bp__streams_busy(s->streams, BP__NO_SLOT))) return false;
    if (!s->done) {
        s->done = true;
        from_agent(s, &(bp__note){.kind = BP__NOTE_DONE, .from = {.node = s->node}});
    }
    if (s->coordinator ? !bp__coordinator_all_done(s->coordinator) : !bp__relay_done(s->relay)) return false;
    say_goodbye(s);
    return bp__links_all_ended(&s->links) && bp__tree_quiet(s->tree);
}

static uint64_t nap_ns(bp__service *s)
{
    bool draining = bp__agent_draining(s->agent) || (s->coordinator && bp__coordinator_busy(s->coordinator));
    if (s->num_nodes == 1) return draining ? NAP_NS : ALONE_NS;
    if ((s->streams && bp__streams_busy(s->streams, BP__NO_SLOT)) || bp__relay_waiting(s->relay) ||
        bp__agent_waiting(s->agent) || !bp__tree_quiet(s->tree) || s->stop_seen)
        return BRISK_NS;
    bool leaf = bp__tree_children(s->tree) == 0;
    return leaf && !draining && bp__clock_ns() - s->last_busy_ns > QUIET_NS ? DOZE_NS : NAP_NS;
}

/* Whether the thread is to end alone, and at once: without another call of MPI, which may be about to end. `stop` is
 * loaded first because `abandon` is stored before it. */
static bool is_abandoned(bp__service *s)
{
    if (!bp__load_acquire(&s->stop)) return false;
    bp__nap_here(BP__NAP_STOP_ABANDON);
    return bp__load_acquire(&s->abandon);
}

/* Of a broken pool: the neighbours should hear of it, but nobody waits for those that cannot. */
static bool may_leave(bp__service *s)
{
    return bp__load_acquire(&s->stop) && (s->flushed || bp__clock_ns() - s->broken_ns > FLUSH_NS);
}

static void *serve(void *arg)
{
    bp__service *s = arg;
    for (;;) {
        /* Loaded first: whatever is stored after the turn has checked for it rings, and so ends the nap. */
        uint32_t bell = bp__load_acquire(s->dir->doorbell);
        bp__nap_here(BP__NAP_DOORBELL_WORK);
        if (is_abandoned(s)) break;
        if (turn(s)) {
            s->last_busy_ns = bp__clock_ns();
            continue;
        }
        if (s->broken ? may_leave(s) : finished(s)) break;
        if (s->num_notes > 0) continue;
        struct timespec deadline = bp__deadline_ns(nap_ns(s));
        bp__futex_wait(s->dir->doorbell, bell, &deadline);
    }
    return NULL;
}

/* Life --------------------------------------------------------------------------------------------- */

void bp__service_destroy(bp__service **service)
{
    bp__service *s = *service;
    if (!s) return;
    bp__workers_destroy(&s->workers);
    bp__coordinator_destroy(&s->coordinator);
    bp__streams_destroy(&s->streams);
    bp__relay_destroy(&s->relay);
    bp__agent_destroy(&s->agent);
    bp__tree_destroy(&s->tree);
    pthread_mutex_destroy(&s->loads.lock);
    free(s->wire);
    free(s->ages);
    free(s->note);
    free(s);
    *service = NULL;
}

static bp_status create_streams(bp__service *s, const bp__service_setup *setup)
{
    const bp__topology *top = setup->top;
    bool one_machine = top->nodes_on_machine == top->num_nodes;
    bp_verify verify = s->cfg.verify_transfer;
    const bp__streams_setup streams = {.chain = top->chain,
                                       .dir = s->dir,
                                       .arena = setup->arena,
                                       .workers = s->workers,
                                       .host = top->host,
                                       .one_machine = one_machine,
                                       .verify =
                                           verify == BP_VERIFY_AUTO ? !one_machine : verify == BP_VERIFY_ON,
                                       .calls = {stream_over, decode_stage, s, stream_lost}};
    return bp__streams_create(&streams, &s->streams);
}

static bp_status create_parts(bp__service *s, const bp__service_setup *setup)
{
    const bp__topology *top = setup->top;
    s->wire = malloc(bp__wire_note_max(s->dir->num_slots));
    s->ages = calloc(s->dir->num_slots, sizeof *s->ages);
    if (!s->wire || !s->ages) BP_FAIL(BP_ENOMEM, "no memory for the service thread");
    BP_TRY(bp__workers_create(&s->cpus, &s->workers));
    BP_TRY(bp__tree_create(top->tree, from_tree, s, &s->tree));
    if (s->num_nodes > 1) BP_TRY(create_streams(s, setup));
    BP_TRY(bp__agent_create(s->dir, setup->arena, s->streams, s->node, setup->world_rank,
                            (bp__uplink){from_agent, s}, &s->agent));
    BP_TRY(bp__relay_create(s->dir, s->node, bp__tree_children(s->tree), s->node > 0,
                            (bp__relay_ways){note_up, answer_to, s}, &s->relay));
    s->loads.loader = setup->loader;
    s->loads.workers = s->workers;
    s->loads.dir = s->dir;
    s->loads.arena = setup->arena;
    s->loads.streams = s->streams;
    s->loads.root = s->cfg.root;
    s->loads.timeout_ms = s->cfg.load_timeout_ms;
    s->loads.doorbell = s->dir->doorbell;
    int cores = CPU_COUNT(&s->cpus) / top->nodes_on_machine;
    s->dir->header->max_decoders = cores > 0 ? (uint32_t)cores : 1;
    if (s->node > 0) return BP_OK;
    return bp__coordinator_create(&s->cfg, top, s->dir->num_slots, setup->arena->bytes, setup->budget,
                                  setup->arena->page, &s->loads, (bp__downlink){command_down, answer_down, s},
                                  &s->coordinator);
}

bp_status bp__service_create(const bp__service_setup *setup, bp__service **service)
{
    bp__service *s = calloc(1, sizeof *s);
    *service = NULL;
    if (!s) BP_FAIL(BP_ENOMEM, "no memory for the service thread");
    s->cfg = *setup->cfg;
    s->cpus = *setup->cpus;
    s->dir = setup->dir;
    s->node = setup->top->node_index;
    s->num_nodes = setup->top->num_nodes;
    s->top = setup->top;
    s->told_by = -1;
    bp__links_init(&s->links, s->node, s->num_nodes, s->cfg.link_timeout_ms);
    pthread_mutex_init(&s->loads.lock, NULL);
    bp_status st = create_parts(s, setup);
    if (bp__failed(st)) bp__service_destroy(&s);
    *service = s;
    return st;
}

bp_status bp__service_connect(bp__service *service)
{
    bp__service *s = service;
    int node[BP__LINKS_MAX], peer = 0;
    struct timespec deadline = bp__deadline(s->cfg.link_timeout_ms);
    if (s->links.num == 0) return BP_OK;
    for (unsigned i = 0; i < s->links.num; i++) node[i] = s->links.link[i].node;
    bp_status st = bp__tree_connect(s->tree, node, s->links.num, &deadline, &peer);
    if (st != BP_ETIMEOUT) return st;
    BP_FAIL(
        BP_EMPI,
        "node %d (%s) cannot reach node %d (%s) within link_timeout_ms = %lld; there is no pool: repair the link, or "
        "leave one of the two out",
        s->node, host_of(s, s->node), peer, host_of(s, peer), (long long)s->cfg.link_timeout_ms);
}

void bp__service_go_live(bp__service *service)
{
    bp__store_release(&service->live, true);
}

bp_status bp__service_start(bp__service *service)
{
    BP_TRY(bp__thread_start(&service->cpus, serve, service, "bp-service", &service->thread));
    service->started = true;
    return BP_OK;
}

void bp__service_stop(bp__service *service, bool together)
{
    if (!service || !service->started) return;
    bp__store_release(&service->abandon, !together);
    bp__store_release(&service->stop, true);
    bp__dir_ring(service->dir);
    pthread_join(service->thread, NULL);
    service->started = false;
}

void bp__service_leave(bp__service *service, const char *why)
{
    if (!service) return;
    bp__agent_break(service->agent, why);
    if (service->streams) bp__streams_break(service->streams);
    if (!bp__workers_leave(&service->workers, LEAVE_MS))
        bp__log(BP_LOG_WARN, "a thread of the pool that still reads a file is left behind");
}
