#include "mpi/service.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/futex.h"
#include "core/log.h"
#include "core/workers.h"
#include "mpi/agent.h"
#include "mpi/coordinator.h"

#define NAP_MS      1    /* while something is awaited that does not ring */
#define LONG_NAP_MS 1000 /* everything else rings */

/* Only the service thread touches this after start, but for `stop`. */
struct bp__service {
    pthread_t thread;
    _Atomic bool stop; /* written by who stops, read by the thread */
    bp_config cfg;
    bp__directory *dir;
    bp__agent *agent;
    bp__coordinator *coordinator; /* NULL but on rank 0 */
    bp__workers *workers;
    bp__loads loads;
    bp__note *note; /* from the agent to the coordinator, not yet heard */
    size_t num_notes, cap_notes;
    uint64_t acked; /* what the coordinator was last told of `applied` */
};

/* Notes are queued: the coordinator hears them when it is not in the middle of something. */
static void queue_note(void *ctx, const bp__note *note)
{
    bp__service *s = ctx;
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

static void send_command(void *ctx, const bp__command *command)
{
    bp__service *s = ctx;
    bp__agent_apply(s->agent, command);
}

static void send_answer(void *ctx, const bp__answer *answer)
{
    bp__service *s = ctx;
    bp__agent_answer(s->agent, answer);
}

/* Deliver everything that is queued, and what that leads to. @return whether there was anything */
static bool deliver_notes(bp__service *s)
{
    bool busy = s->num_notes > 0;
    for (size_t i = 0; i < s->num_notes; i++) { /* the queue may grow, and move, meanwhile */
        bp__note note = s->note[i];
        bp__coordinator_note(s->coordinator, &note);
    }
    s->num_notes = 0;
    uint64_t applied = atomic_load_explicit(&s->dir->header->applied, memory_order_relaxed);
    if (applied != s->acked) {
        s->acked = applied;
        bp__coordinator_note(s->coordinator, &(bp__note){.kind = BP__NOTE_ACK, .value = (int64_t)applied});
        busy = true;
    }
    return busy;
}

static void *serve(void *arg)
{
    bp__service *s = arg;
    for (;;) {
        uint32_t bell = atomic_load_explicit(s->dir->doorbell, memory_order_acquire);
        bool stop = atomic_load_explicit(&s->stop, memory_order_acquire);
        bool busy = bp__agent_poll(s->agent);
        busy |= deliver_notes(s);
        busy |= bp__coordinator_step(s->coordinator);
        if (stop && bp__coordinator_stop(s->coordinator)) break;
        if (busy) continue;
        bool nap = bp__agent_draining(s->agent) || bp__coordinator_busy(s->coordinator);
        struct timespec deadline = bp__deadline(nap ? NAP_MS : LONG_NAP_MS);
        bp__futex_wait(s->dir->doorbell, bell, &deadline);
    }
    return NULL;
}

static void destroy(bp__service *s)
{
    bp__workers_destroy(&s->workers);
    bp__coordinator_destroy(&s->coordinator);
    bp__agent_destroy(&s->agent);
    pthread_mutex_destroy(&s->loads.lock);
    free(s->note);
    free(s);
}

bp_status bp__service_start(const bp__service_setup *setup, bp__service **service)
{
    bp__service *s = calloc(1, sizeof *s);
    *service = NULL;
    if (!s) BP_FAIL(BP_ENOMEM, "no memory for the service thread");
    if (setup->top->num_nodes > 1) {
        free(s);
        BP_FAIL(BP_EINVAL,
                "the pool spans one node so far, not %d; run all ranks on one node with ranks_per_node = 0",
                setup->top->num_nodes);
    }
    s->cfg = *setup->cfg;
    s->dir = setup->dir;
    pthread_mutex_init(&s->loads.lock, NULL);
    s->loads.loader = setup->loader;
    s->loads.arena = setup->arena;
    s->loads.root = s->cfg.root;
    s->loads.doorbell = setup->dir->doorbell;

    bp_status st = bp__agent_create(setup->dir, setup->arena, setup->top->node_index, setup->world_rank,
                                    (bp__uplink){queue_note, s}, &s->agent);
    if (bp__failed(st)) goto fail;
    st = bp__workers_create(setup->cpus, &s->workers);
    if (bp__failed(st)) goto fail;
    s->loads.workers = s->workers;
    st = bp__coordinator_create(&s->cfg, setup->top->num_nodes, setup->dir->num_slots, setup->arena->bytes,
                                setup->budget, setup->arena->page, &s->loads,
                                (bp__downlink){send_command, send_answer, s}, &s->coordinator);
    if (bp__failed(st)) goto fail;
    st = bp__thread_start(setup->cpus, serve, s, "bp-service", &s->thread);
    if (bp__failed(st)) goto fail;
    *service = s;
    return BP_OK;
fail:
    destroy(s);
    return st;
}

void bp__service_stop(bp__service **service)
{
    bp__service *s = *service;
    if (!s) return;
    atomic_store_explicit(&s->stop, true, memory_order_release);
    bp__dir_ring(s->dir);
    pthread_join(s->thread, NULL);
    destroy(s);
    *service = NULL;
}
