#include "optimizer/dispatch.h"

#include <time.h>

#include "core/clock.h"
#include "mpi/comm.h"

enum { TAG_REQUEST = 1, TAG_BATCH, TAG_RESULTS };
#define MAX_BATCH   64
#define MAX_RESULTS 16 /* in a message: below the size up to which MPI sends without asking the receiver */
#define FLUSH_NS    UINT64_C(100000000)
#define NAP_MIN_NS  200000
#define NAP_MAX_NS  1000000

static void nap(long *ns)
{
    nanosleep(&(struct timespec){.tv_nsec = *ns}, NULL);
    *ns = *ns * 3 / 2 < NAP_MAX_NS ? *ns * 3 / 2 : NAP_MAX_NS;
}

static bp_status wait_for(MPI_Request *request, MPI_Status *status)
{
    for (long ns = NAP_MIN_NS;; nap(&ns)) {
        int done;
        BP_MPI(MPI_Test(request, &done, status));
        if (done) return BP_OK;
    }
}

/* Workers --------------------------------------------------------------------------------------- */

/* Results on their way: one buffer is filled while the other is sent. */
typedef struct outbox {
    MPI_Comm comm;
    bp__result buffer[2][MAX_RESULTS];
    int filling, count;
    MPI_Request sending;
    uint64_t flushed_ns;
} outbox;

static bp_status flush(outbox *o)
{
    o->flushed_ns = bp__clock_ns();
    if (o->count == 0) return BP_OK;
    BP_TRY(wait_for(&o->sending, MPI_STATUS_IGNORE));
    BP_MPI(MPI_Isend(o->buffer[o->filling], o->count * (int)sizeof(bp__result), MPI_BYTE, 0, TAG_RESULTS,
                     o->comm, &o->sending));
    o->filling = !o->filling;
    o->count = 0;
    return BP_OK;
}

static bp_status ask(MPI_Comm comm, uint64_t *batch, MPI_Request *reply)
{
    BP_MPI(MPI_Irecv(batch, MAX_BATCH, MPI_UINT64_T, 0, TAG_BATCH, comm, reply));
    BP_MPI(MPI_Send(NULL, 0, MPI_BYTE, 0, TAG_REQUEST, comm));
    return BP_OK;
}

static bp_status work(MPI_Comm comm, const bp__tasks *tasks)
{
    outbox out = {.comm = comm, .sending = MPI_REQUEST_NULL, .flushed_ns = bp__clock_ns()};
    uint64_t batch[2][MAX_BATCH];
    MPI_Request reply;
    BP_TRY(ask(comm, batch[0], &reply));
    for (int now = 0;; now = !now) {
        MPI_Status status;
        int count;
        BP_TRY(wait_for(&reply, &status));
        BP_MPI(MPI_Get_count(&status, MPI_UINT64_T, &count));
        if (count == 0) break;
        BP_TRY(ask(comm, batch[!now], &reply));
        for (int i = 0; i < count; i++) {
            tasks->run(tasks->context, batch[now][i], &out.buffer[out.filling][out.count]);
            out.count++;
            bool due =
                out.count == MAX_RESULTS || i == count - 1 || bp__clock_ns() - out.flushed_ns > FLUSH_NS;
            if (due) BP_TRY(flush(&out));
        }
    }
    return wait_for(&out.sending, MPI_STATUS_IGNORE);
}

/* Rank 0 ---------------------------------------------------------------------------------------- */

typedef struct server {
    MPI_Comm comm;
    const bp__tasks *tasks;
    int num_ranks;
    int parked;           /* workers that asked when nothing was left */
    uint64_t next, taken; /* handed out, and come back */
} server;

static int batch_size(const server *s)
{
    uint64_t left = s->tasks->count - s->next, n = left / (4 * (uint64_t)s->num_ranks);
    if (n < 1) n = 1;
    if (n > MAX_BATCH) n = MAX_BATCH;
    return (int)(n < left ? n : left);
}

static bp_status send_batch(server *s, int worker, int n)
{
    /* the worker has a receive waiting for it: this never blocks */
    BP_MPI(MPI_Send(s->tasks->index + s->next, n, MPI_UINT64_T, worker, TAG_BATCH, s->comm));
    s->next += (uint64_t)n;
    return BP_OK;
}

/* Whoever asks when nothing is left is answered when all is done, and sleeps until then: a worker that went
 * on to the next collective would spin there and take the time of those that still compute. */
static bp_status answer(server *s, int worker)
{
    const int n = batch_size(s);
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
    bp__result result[MAX_RESULTS];
    BP_MPI(MPI_Mrecv(result, (int)sizeof result, MPI_BYTE, &message, MPI_STATUS_IGNORE));
    if (status.MPI_TAG == TAG_REQUEST) return answer(s, status.MPI_SOURCE);
    const int n = bytes / (int)sizeof *result;
    for (int i = 0; i < n; i++) s->tasks->take(s->tasks->context, &result[i]);
    s->taken += (uint64_t)n;
    return BP_OK;
}

static bp_status lead(MPI_Comm comm, const bp__tasks *tasks, int num_ranks)
{
    server s = {.comm = comm, .tasks = tasks, .num_ranks = num_ranks};
    long ns = NAP_MIN_NS;
    while (s.taken < tasks->count || s.parked < num_ranks - 1) {
        bool served = num_ranks > 1;
        for (int messages = 0; served; messages++) {
            BP_TRY(serve(&s, &served));
            if (served || messages > 0) ns = NAP_MIN_NS;
        }
        if (s.next < tasks->count) {
            bp__result result;
            tasks->run(tasks->context, tasks->index[s.next++], &result);
            tasks->take(tasks->context, &result);
            s.taken++;
        } else if (s.taken < tasks->count || s.parked < num_ranks - 1) {
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
