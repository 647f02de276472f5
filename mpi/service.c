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
 * A command is sent on to the children first and then applied here, so that on every path all commands come
 * in one order. Everything that ranks and workers of this node do rings the doorbell, on which the thread
 * naps; messages do not ring, so if there are other nodes it naps for a millisecond at most, or longer at a
 * leaf when nothing has happened for a while.
 */
#include "mpi/service.h"

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
#include "mpi/relay.h"
#include "mpi/tree.h"
#include "mpi/wire.h"

#define BRISK_NS UINT64_C(50000)      /* an answer from another node is awaited, or bulk data */
#define NAP_NS   UINT64_C(1000000)    /* something is awaited that does not ring: messages, pins */
#define DOZE_NS  UINT64_C(5000000)    /* a leaf where nothing has happened for QUIET_NS */
#define ALONE_NS UINT64_C(1000000000) /* one node, nothing awaited: everything rings */
#define QUIET_NS UINT64_C(100000000)

/* Only the service thread touches this after start, except for `stop` and `abandon`. */
struct bp__service {
    pthread_t thread;
    bool started;
    _Atomic bool stop, abandon; /* written by whoever stops it, read by the thread */
    bool stop_seen;             /* STOP has been applied */
    bool done;                  /* every node below has applied it, and so has this one */
    bool lost;                  /* MPI has failed, and the log says so */
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

static void send(bp__service *s, bp__tree_tag tag, unsigned to, const void *bytes, size_t size)
{
    if (bp__tree_send(s->tree, tag, to, bytes, size) == BP_OK || s->lost) return;
    s->lost = true;
    bp__log(BP_LOG_ERROR, "node %d cannot reach another: %s; requests will time out", s->node,
            bp_error_text());
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
            bp__log(BP_LOG_ERROR, "no memory for a request; it will time out");
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
        bp__coordinator_note(s->coordinator, &note);
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

static void from_tree(void *ctx, bp__tree_tag tag, unsigned from, const void *bytes, size_t size)
{
    bp__service *s = ctx;
    bp__command command;
    bp__answer answer;
    bp__note note;
    bool ok = false;
    switch (tag) {
    case BP__TREE_COMMAND:
        ok = bp__wire_command(bytes, size, &command);
        if (ok) command_down(s, &command);
        break;
    case BP__TREE_ANSWER:
        ok = bp__wire_answer(bytes, size, &answer);
        if (ok) answer_down(s, &answer);
        break;
    case BP__TREE_NOTE:
        ok = bp__wire_note(bytes, size, s->dir->num_slots, &note, s->ages);
        if (ok) bp__relay_note(s->relay, from, &note);
        break;
    }
    if (!ok) bp__log(BP_LOG_ERROR, "node %d got a message that it does not understand", s->node);
}

/* Streams: what has come is voted on; a stage is decoded as it comes ----------------------------------- */

static void stream_over(void *ctx, uint32_t slot, uint64_t generation, bp_status code, bool damaged,
                        const char *text)
{
    bp__service *s = ctx;
    bp__agent_vote(s->agent, slot, generation, code, damaged, text);
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

static bool turn(bp__service *s)
{
    bool busy = false;
    if (bp__failed(bp__tree_poll(s->tree, &busy)) && !s->lost) {
        s->lost = true;
        bp__log(BP_LOG_ERROR, "node %d no longer receives messages: %s", s->node, bp_error_text());
    }
    busy |= bp__agent_poll(s->agent);
    if (s->streams) busy |= bp__streams_poll(s->streams);
    if (s->coordinator) {
        busy |= deliver_notes(s);
        busy |= bp__coordinator_step(s->coordinator);
    }
    return busy;
}

/* Whether nothing is left to send or receive: after STOP, DONE goes up when all nodes below are done. */
static bool finished(bp__service *s)
{
    if (s->coordinator && bp__load_acquire(&s->stop)) bp__coordinator_stop(s->coordinator);
    if (!s->stop_seen || (s->streams && bp__streams_busy(s->streams, BP__NO_SLOT))) return false;
    if (!s->done) {
        s->done = true;
        from_agent(s, &(bp__note){.kind = BP__NOTE_DONE, .from = {.node = s->node}});
    }
    if (s->coordinator) return bp__coordinator_all_done(s->coordinator) && bp__tree_quiet(s->tree);
    return bp__relay_done(s->relay) && bp__tree_quiet(s->tree);
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

static void *serve(void *arg)
{
    bp__service *s = arg;
    for (;;) {
        /* Loaded first: whatever is stored after the turn has checked for it rings, and so ends the nap. */
        uint32_t bell = bp__load_acquire(s->dir->doorbell);
        bp__nap_here(BP__NAP_DOORBELL_WORK);
        if (turn(s)) {
            s->last_busy_ns = bp__clock_ns();
            continue;
        }
        if (finished(s)) break;
        /* Loaded after `stop`, which finished() loads, because it is stored before `stop`: a thread that is
         * to end alone does so at once. (The next turn would find it as well.) */
        bp__nap_here(BP__NAP_STOP_ABANDON);
        if (bp__load_acquire(&s->abandon)) break;
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
                                       .calls = {stream_over, decode_stage, s}};
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
    pthread_mutex_init(&s->loads.lock, NULL);
    bp_status st = create_parts(s, setup);
    if (bp__failed(st)) bp__service_destroy(&s);
    *service = s;
    return st;
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
