#include "search/dispatch.h"

#include <stdlib.h>
#include <time.h>

#include "core/clock.h"
#include "mpi/comm.h"
#include "search/packet.h"

enum { TAG_REQUEST = 1, TAG_BATCH, TAG_RESULTS, TAG_STOP, TAG_STOPPED };
#define MAX_BATCH 64
/* Bytes of a message with results: below the size up to which MPI sends without asking the receiver. */
#define MAX_MESSAGE 4000
_Static_assert(BP__PACKET_MAX <= MAX_MESSAGE, "a message holds a result");
#define FLUSH_NS   UINT64_C(100000000)
#define NAP_MIN_NS 200000
#define NAP_MAX_NS 1000000

static void nap(long *ns)
{
    nanosleep(&(struct timespec){.tv_nsec = *ns}, NULL);
    *ns = *ns * 3 / 2 < NAP_MAX_NS ? *ns * 3 / 2 : NAP_MAX_NS;
}

static bp_status check(const bp__tasks *tasks)
{
    return tasks->watch.check(tasks->watch.context);
}

/* Send a message without content. */
static bp_status say(int to, int tag, MPI_Comm comm, const bp__tasks *tasks)
{
    MPI_Request request;
    BP_MPI(MPI_Isend(NULL, 0, MPI_BYTE, to, tag, comm, &request));
    return bp__await(&request, MPI_STATUS_IGNORE, &tasks->watch);
}

/* Workers --------------------------------------------------------------------------------------- */

#define MAX_UNDER_WAY 16

/* Results on their way: one buffer is filled while the others are sent. What is sent is under way until rank 0 looks, which
 * it does not while it runs many combinations at once. */
typedef struct outbox {
    MPI_Comm comm;
    const bp__tasks *tasks;
    char buffer[MAX_UNDER_WAY][MAX_MESSAGE];
    MPI_Request sending[MAX_UNDER_WAY];
    int filling;
    size_t used; /* bytes of the one that is filled */
    uint64_t flushed_ns;
} outbox;

static bp_status flush(outbox *o)
{
    o->flushed_ns = bp__clock_ns();
    if (o->used == 0) return BP_OK;
    BP_MPI(MPI_Isend(o->buffer[o->filling], (int)o->used, MPI_BYTE, 0, TAG_RESULTS, o->comm,
                     &o->sending[o->filling]));
    o->filling = (o->filling + 1) % MAX_UNDER_WAY;
    o->used = 0;
    return bp__await(&o->sending[o->filling], MPI_STATUS_IGNORE, &o->tasks->watch);
}

static bp_status await_all(outbox *o)
{
    for (int i = 0; i < MAX_UNDER_WAY; i++)
        BP_TRY(bp__await(&o->sending[i], MPI_STATUS_IGNORE, &o->tasks->watch));
    return BP_OK;
}

typedef struct worker_state {
    const bp__tasks *tasks;
    outbox out;
    bool stopped;
    uint64_t batch[2][MAX_BATCH]; /* one is in hand while the next may arrive */
    MPI_Request reply;
} worker_state;

static bp_status ask(worker_state *w, uint64_t *batch)
{
    BP_MPI(MPI_Irecv(batch, MAX_BATCH, MPI_UINT64_T, 0, TAG_BATCH, w->out.comm, &w->reply));
    return say(0, TAG_REQUEST, w->out.comm, w->tasks);
}

/* Rank 0 may have said that it is over: what is finished goes out, and nothing follows. */
static bp_status heed_stop(worker_state *w)
{
    MPI_Message message;
    int found;
    if (w->stopped) return BP_OK;
    BP_MPI(MPI_Improbe(0, TAG_STOP, w->out.comm, &found, &message, MPI_STATUS_IGNORE));
    if (!found) return BP_OK;
    BP_MPI(MPI_Mrecv(NULL, 0, MPI_BYTE, &message, MPI_STATUS_IGNORE));
    w->stopped = true;
    BP_TRY(flush(&w->out));
    return say(0, TAG_STOPPED, w->out.comm, w->tasks);
}

static bp_status next_batch(worker_state *w, int *count)
{
    MPI_Status status;
    for (long ns = NAP_MIN_NS;; nap(&ns)) {
        int done;
        BP_MPI(MPI_Test(&w->reply, &done, &status));
        if (done) break;
        BP_TRY(check(w->tasks));
        BP_TRY(heed_stop(w));
    }
    BP_MPI(MPI_Get_count(&status, MPI_UINT64_T, count));
    return BP_OK;
}

static bp_status run_batch(worker_state *w, const uint64_t *batch, int count)
{
    outbox *out = &w->out;
    if (w->tasks->next) w->tasks->next(w->tasks->context, batch, (size_t)count);
    for (int i = 0; i < count; i++) {
        BP_TRY(check(w->tasks));
        BP_TRY(heed_stop(w));
        if (w->stopped) break;
        bp__result result;
        w->tasks->run(w->tasks->context, batch[i], &result);
        out->used += bp__result_pack(&result, out->buffer[out->filling] + out->used);
        bool due = out->used > MAX_MESSAGE - BP__PACKET_MAX || i == count - 1 ||
                   bp__clock_ns() - out->flushed_ns > FLUSH_NS;
        if (due) BP_TRY(flush(out));
    }
    return BP_OK;
}

static bp_status work_until_told(worker_state *w)
{
    BP_TRY(ask(w, w->batch[0]));
    for (int now = 0;; now = !now) {
        int count = 0;
        BP_TRY(next_batch(w, &count));
        if (count == 0) break;
        BP_TRY(ask(w, w->batch[!now]));
        BP_TRY(run_batch(w, w->batch[now], count));
    }
    return await_all(&w->out);
}

static bp_status work(MPI_Comm comm, const bp__tasks *tasks)
{
    worker_state *w = malloc(sizeof *w);
    if (!w) BP_FAIL(BP_EMPI, "no memory for the messages of a rank, which the others will wait for");
    *w = (worker_state){.tasks = tasks,
                        .out = {.comm = comm, .tasks = tasks, .flushed_ns = bp__clock_ns()},
                        .reply = MPI_REQUEST_NULL};
    for (int i = 0; i < MAX_UNDER_WAY; i++) w->out.sending[i] = MPI_REQUEST_NULL;
    bp_status s = work_until_told(w);
    if (bp__failed(s))
        bp__await_leave(w); /* a batch may still arrive in it, results may still leave */
    else
        free(w);
    return s;
}

/* Rank 0 ---------------------------------------------------------------------------------------- */

typedef struct server {
    MPI_Comm comm;
    const bp__tasks *tasks;
    int num_ranks;
    int parked;            /* workers that asked when nothing was left */
    uint64_t next, taken;  /* handed out, and come back */
    uint64_t own, own_end; /* what rank 0 has handed out to itself and not begun */
    bool stopping;
    int stopped;       /* workers that have dropped what they had */
    uint64_t until_ns; /* when they must have */
} server;

static int batch_size(const server *s)
{
    const uint64_t left = s->tasks->count - s->next, ranks = (uint64_t)s->num_ranks;
    const uint64_t share = (left + ranks - 1) / ranks;
    const uint64_t at_once = s->tasks->at_once(s->tasks->context);
    uint64_t n = left / (4 * ranks);
    if (n < at_once) n = share < at_once ? share : at_once;
    if (n < 1) n = 1;
    if (n > MAX_BATCH) n = MAX_BATCH;
    return (int)(n < left ? n : left);
}

static bp_status send_batch(server *s, int worker, int n)
{
    /* a worker takes it between two calls of its strategy, which may be long: it is not waited for, and the list of tasks
     * stays in its place */
    MPI_Request request;
    BP_MPI(MPI_Isend(n ? s->tasks->index + s->next : NULL, n, MPI_UINT64_T, worker, TAG_BATCH, s->comm,
                     &request));
    BP_MPI(MPI_Request_free(&request));
    s->next += (uint64_t)n;
    return BP_OK;
}

/* Whoever asks when nothing is left is answered when all is done, and sleeps until then: a worker that went
 * on to the next collective would spin there and take the time of those that still compute. */
static bp_status answer(server *s, int worker)
{
    const int n = s->stopping ? 0 : batch_size(s);
    if (n > 0) return send_batch(s, worker, n);
    s->parked++;
    return BP_OK;
}

/* Serve one message, if there is any. */
static bp_status serve(server *s, bool *served)
{
    MPI_Message message;
    MPI_Status status;
    int found, bytes;
    BP_MPI(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, s->comm, &found, &message, &status));
    *served = found;
    if (!found) return BP_OK;
    BP_MPI(MPI_Get_count(&status, MPI_BYTE, &bytes));
    char buffer[MAX_MESSAGE];
    BP_MPI(MPI_Mrecv(buffer, (int)sizeof buffer, MPI_BYTE, &message, MPI_STATUS_IGNORE));
    if (status.MPI_TAG == TAG_REQUEST) return answer(s, status.MPI_SOURCE);
    s->stopped += status.MPI_TAG == TAG_STOPPED;
    for (size_t at = 0; at < (size_t)bytes; s->taken++) {
        bp__result result;
        const size_t n = bp__result_unpack(buffer + at, (size_t)bytes - at, &result);
        if (n == 0) BP_FAIL(BP_EMPI, "rank %d has sent what is no result", status.MPI_SOURCE);
        s->tasks->enter(s->tasks->context, &result);
        at += n;
    }
    return BP_OK;
}

static bp_status look_whether_to_go_on(server *s)
{
    if (s->tasks->go_on(s->tasks->context, &s->until_ns)) return BP_OK;
    for (int worker = 1; !s->stopping && worker < s->num_ranks; worker++)
        BP_TRY(say(worker, TAG_STOP, s->comm, s->tasks));
    s->stopping = true;
    if (s->stopped < s->num_ranks - 1 && bp__clock_ns() > s->until_ns)
        BP_FAIL(BP_ETIMEOUT, "%d of %d ranks are still in a backtest", s->num_ranks - 1 - s->stopped,
                s->num_ranks);
    return BP_OK;
}

static bool is_over(const server *s)
{
    const bool all_in = s->stopping ? s->stopped == s->num_ranks - 1 : s->taken == s->tasks->count;
    return all_in && s->parked == s->num_ranks - 1;
}

/* Whether rank 0 has a backtest for itself; it takes a batch, as a worker does, when it has none. */
static bool has_own(server *s)
{
    if (s->own < s->own_end) return true;
    if (s->next == s->tasks->count) return false;
    const int n = batch_size(s);
    s->own = s->next;
    s->own_end = s->next += (uint64_t)n;
    if (s->tasks->next) s->tasks->next(s->tasks->context, s->tasks->index + s->own, (size_t)n);
    return true;
}

static bp_status lead(MPI_Comm comm, const bp__tasks *tasks, int num_ranks)
{
    server s = {.comm = comm, .tasks = tasks, .num_ranks = num_ranks};
    long ns = NAP_MIN_NS;
    for (;;) {
        bool served = num_ranks > 1;
        for (int messages = 0; served; messages++) {
            BP_TRY(serve(&s, &served));
            if (served || messages > 0) ns = NAP_MIN_NS;
        }
        BP_TRY(check(tasks)); /* after what has come in: that counts */
        BP_TRY(look_whether_to_go_on(&s));
        if (is_over(&s)) break;
        if (has_own(&s) && !s.stopping) {
            bp__result result;
            tasks->run(tasks->context, tasks->index[s.own++], &result);
            tasks->enter(tasks->context, &result);
            s.taken++;
        } else {
            nap(&ns);
        }
    }
    for (int worker = 1; worker < num_ranks; worker++) BP_TRY(send_batch(&s, worker, 0));
    return BP_OK;
}

bp_status bp__dispatch(MPI_Comm comm, const bp__tasks *tasks)
{
    int rank, num_ranks;
    BP_MPI(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    BP_MPI(MPI_Comm_rank(comm, &rank));
    BP_MPI(MPI_Comm_size(comm, &num_ranks));
    return rank == 0 ? lead(comm, tasks, num_ranks) : work(comm, tasks);
}
