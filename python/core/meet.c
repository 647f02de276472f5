/* DESIGN of meeting
 *
 * The ranks of a communicator meet before they do together what no time limit and no signal could end: create a
 * pool, search. So a rank that comes alone gets an error, and Ctrl-C ends its wait.
 *
 *  - Each round has two steps, both nonblocking: signs of all ranks, and an agreement that all are still there
 *    and want the same. A rank whose time is up answers the second step with no before it leaves: whoever comes
 *    later learns that it came too late, and does not wait in its turn. A rank that comes again finishes its old
 *    round first.
 *  - A sign is a collective call in which one rank sends a byte to all. So a rank knows who has come, names who
 *    has not, and its time begins anew with each that comes. That is a message between any two ranks; where there
 *    are many, a barrier does, and nobody is named.
 *  - Between its yes and the agreement a rank does not leave lightly: the others would go on, and wait for it for
 *    ever.
 *  - What a rank cannot do together with the others is refused at once, where there are others: from inside a search,
 *    whose ranks are in combinations of their own; in a second thread, since calls over one communicator are told
 *    apart by their order alone.
 *  - What the ranks know of each other's rounds is an attribute of the communicator. A communicator that is freed
 *    in the middle of a round leaves it to the end of the process: MPI may still write to it.
 */
#include "python/core/mpi.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/atomic.h"
#include "core/clock.h"

#define MOST_SIGNS   128 /* ranks of a communicator that give signs */
#define MOST_NAMED   8   /* in an error */
#define NEVER_MS     (INT64_C(1) << 40)
#define SETTLE_MS    150   /* after a yes, signals wait so long for the agreement */
#define FIRST_NAP_NS 20000 /* between two looks; twice as long each time */
#define LAST_NAP_NS  2000000

static const char *const call_name[] = {[BP__PY_CREATE] = "creating a pool", [BP__PY_SEARCH] = "a sweep"};

enum { WILLING, CALL, MINUS_CALL, NUM_TERMS }; /* of an agreement, by the least of each */

struct bp__py_meeting {
    MPI_Comm comm; /* the caller's, which this is an attribute of */
    int rank, size;
    int num_signs;     /* size; 1: a barrier */
    MPI_Request *sign; /* [num_signs] of each rank; MPI_REQUEST_NULL: it has come */
    int *ones, *zeros; /* [size] counts and displacements */
    int *only;         /* [2 size - 1] one in the middle: counts of 1 for any rank alone are a part of it */
    char *seen, own;   /* [size] bytes that are sent */
    MPI_Request agree;
    int mine[NUM_TERMS], least[NUM_TERMS];
    enum { NOTHING, HERE, AGREE } step;
    bool gave_up;                /* in the round under way */
    _Atomic bool is_busy;        /* a thread of this process is in a call */
    struct bp__py_meeting *lost; /* next whose communicator was freed: so that they are reachable */
};

typedef struct bp__py_meeting meeting;

static meeting *lost;

static _Thread_local unsigned searches; /* that this thread is in */

/* Of communicators --------------------------------------------------------------------------------- */

static void destroy(meeting *m)
{
    free(m->sign);
    free(m->ones);
    free(m->zeros);
    free(m->only);
    free(m->seen);
    free(m);
}

/* The communicator is freed. */
static int forget(MPI_Comm comm, int key, void *value, void *extra)
{
    meeting *m = value;
    (void)comm, (void)key, (void)extra;
    if (m->step == NOTHING && !bp__load_acquire(&m->is_busy)) {
        destroy(m);
        return MPI_SUCCESS;
    }
    m->lost = lost;
    lost = m;
    return MPI_SUCCESS;
}

static meeting *create(MPI_Comm comm, int rank, int size)
{
    const size_t n = (size_t)size;
    meeting *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->comm = comm;
    m->rank = rank;
    m->size = size;
    m->num_signs = size <= MOST_SIGNS ? size : 1;
    m->sign = calloc((size_t)m->num_signs, sizeof *m->sign);
    m->ones = calloc(n, sizeof *m->ones);
    m->zeros = calloc(n, sizeof *m->zeros);
    m->only = calloc(2 * n - 1, sizeof *m->only);
    m->seen = calloc(n, 1);
    if (!m->sign || !m->ones || !m->zeros || !m->only || !m->seen) {
        destroy(m);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) m->ones[i] = 1;
    m->only[n - 1] = 1;
    for (int i = 0; i < m->num_signs; i++) m->sign[i] = MPI_REQUEST_NULL;
    return m;
}

/* That of a communicator, made when it is first asked for. @return NULL and an exception */
static meeting *meeting_of(MPI_Comm comm, int size)
{
    static int key = MPI_KEYVAL_INVALID;
    meeting *m = NULL;
    int found = 0, rank = 0;
    if (key == MPI_KEYVAL_INVALID &&
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, forget, &key, NULL) != MPI_SUCCESS)
        return bp__py_fail(BP_EMPI, "MPI_Comm_create_keyval failed"), NULL;
    if (MPI_Comm_get_attr(comm, key, &m, &found) != MPI_SUCCESS || MPI_Comm_rank(comm, &rank) != MPI_SUCCESS)
        return bp__py_fail(BP_EMPI, "MPI_Comm_get_attr failed"), NULL;
    if (found) return m;
    m = create(comm, rank, size);
    if (!m) return PyErr_NoMemory(), NULL;
    if (MPI_Comm_set_attr(comm, key, m) == MPI_SUCCESS) return m;
    destroy(m);
    return bp__py_fail(BP_EMPI, "MPI_Comm_set_attr failed"), NULL;
}

/* Rounds. Each returns an MPI code. ---------------------------------------------------------------- */

static int give_signs(meeting *m)
{
    int rc = MPI_SUCCESS;
    if (m->num_signs == 1) return MPI_Ibarrier(m->comm, m->sign);
    for (int r = 0; r < m->size && rc == MPI_SUCCESS; r++)
        rc = MPI_Ialltoallv(&m->own, r == m->rank ? m->ones : m->zeros, m->zeros, MPI_CHAR, m->seen + r,
                            m->only + (m->size - 1 - r), m->zeros, MPI_CHAR, m->comm, &m->sign[r]);
    return rc;
}

static int begin_round(meeting *m)
{
    if (m->step != NOTHING) return MPI_SUCCESS;
    m->gave_up = false;
    m->step = HERE;
    return give_signs(m);
}

static int begin_agree(meeting *m, bool willing, bp__py_collective call)
{
    m->mine[WILLING] = willing;
    m->mine[CALL] = (int)call;
    m->mine[MINUS_CALL] = -(int)call;
    m->gave_up = !willing;
    m->step = AGREE;
    return MPI_Iallreduce(m->mine, m->least, NUM_TERMS, MPI_INT, MPI_MIN, m->comm, &m->agree);
}

static bool all_are_here(const meeting *m)
{
    for (int i = 0; i < m->num_signs; i++)
        if (m->sign[i] != MPI_REQUEST_NULL) return false;
    return true;
}

typedef enum answer { NOT_YET, SOMEBODY_CAME, MET, NOT_ALL } answer;

static int look(meeting *m, bp__py_collective call, answer *seen)
{
    int index[MOST_SIGNS], came = 0, agreed = 0;
    int rc = MPI_Testsome(m->num_signs, m->sign, &came, index, MPI_STATUSES_IGNORE);
    *seen = rc == MPI_SUCCESS && came != MPI_UNDEFINED && came > 0 ? SOMEBODY_CAME : NOT_YET;
    if (rc == MPI_SUCCESS && m->step == HERE && all_are_here(m)) rc = begin_agree(m, true, call);
    if (rc != MPI_SUCCESS || m->step != AGREE) return rc;
    rc = MPI_Test(&m->agree, &agreed, MPI_STATUS_IGNORE);
    if (rc != MPI_SUCCESS || !agreed) return rc;
    m->step = NOTHING;
    *seen = m->least[WILLING] ? MET : NOT_ALL;
    return rc;
}

/* Errors ------------------------------------------------------------------------------------------- */

/* Ranks of MPI_COMM_WORLD. */
static void translate(MPI_Comm comm, int count, const int *rank, int *job)
{
    MPI_Group ours, all;
    MPI_Comm_group(comm, &ours);
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    MPI_Group_translate_ranks(ours, count, rank, all, job);
    MPI_Group_free(&ours);
    MPI_Group_free(&all);
}

/* "rank 3", "ranks 1, 2, 5 and 4 more" */
static void list_ranks(char *text, size_t size, const int *rank, int count)
{
    size_t used = (size_t)snprintf(text, size, count == 1 ? "rank" : "ranks");
    for (int i = 0; i < count && i < MOST_NAMED && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s %d", i > 0 ? "," : "", rank[i]);
    if (count > MOST_NAMED && used < size)
        snprintf(text + used, size - used, " and %d more", count - MOST_NAMED);
}

/* "rank 1 of 4 has", "ranks 1, 3 of 4 (ranks 5, 7 of the job) have", "not all of 256 ranks have" */
static void name_missing(const meeting *m, char *text, size_t size)
{
    int missing[MOST_SIGNS], job[MOST_SIGNS], count = 0;
    char ours[160], others[200] = "";
    for (int r = 0; m->num_signs > 1 && r < m->size; r++)
        if (m->sign[r] != MPI_REQUEST_NULL) missing[count++] = r;
    if (count == 0) {
        snprintf(text, size, "not all of %d ranks have", m->size);
        return;
    }
    translate(m->comm, count, missing, job);
    list_ranks(ours, sizeof ours, missing, count);
    if (memcmp(missing, job, (size_t)count * sizeof *job) != 0) {
        char list[160];
        list_ranks(list, sizeof list, job, count);
        snprintf(others, sizeof others, " (%s of the job)", list);
    }
    snprintf(text, size, "%s of %d%s %s", ours, m->size, others, count == 1 ? "has" : "have");
}

static const char *const advice[] = {
    [BP__PY_CREATE] =
        "it is collective, and so is the first use of the default pool: every rank has to come to it, or "
        "give Pool() a communicator of those that do",
    [BP__PY_SEARCH] =
        "it is collective: every rank has to call sweep(), or give it comm= with a communicator of those "
        "that do",
};
#define MORE_TIME "where a rank needs longer, set BUNDLEPOOL_PATIENCE to more seconds"

static int not_all_came(const meeting *m, bp__py_collective call, int64_t patience_ms)
{
    char who[512];
    name_missing(m, who, sizeof who);
    bp__py_fail(BP_ETIMEOUT, "%s: %s not come within %g s; %s; " MORE_TIME, call_name[call], who,
                (double)patience_ms / 1000, advice[call]);
    return -1;
}

static int came_too_late(bp__py_collective call)
{
    bp__py_fail(BP_ETIMEOUT,
                "%s: this rank came too late, another one no longer waits for it: its time was up, or it was "
                "interrupted; %s; " MORE_TIME,
                call_name[call], advice[call]);
    return -1;
}

static int calls_differ(void)
{
    bp__py_fail(BP_EINVAL,
                "the ranks do not begin the same: some create a pool, and others begin a sweep; all of them "
                "have to make the same calls, in the same order");
    return -1;
}

static int inside_a_search(bp__py_collective call)
{
    static const char *const instead[] = {
        [BP__PY_CREATE] = "create it, or use the default pool for the first time, before the sweep; "
                          "bundlepool.load() reads a bundle for this rank alone",
        [BP__PY_SEARCH] =
            "begin it before or after the other one, or with comm=MPI.COMM_SELF for this rank alone",
    };
    PyErr_Format(
        PyExc_RuntimeError,
        "%s inside a strategy, or in what else a sweep calls: the other ranks are in combinations of "
        "their own, and would not come; %s",
        call_name[call], instead[call]);
    return -1;
}

static int in_another_thread(bp__py_collective call)
{
    PyErr_Format(
        PyExc_RuntimeError,
        "%s while another thread of this rank creates a pool or is in a sweep, over the same "
        "communicator: one at a time per rank, or the ranks would take one for the other; begin it when "
        "that has ended, or give each a communicator of its own: comm.Dup()",
        call_name[call]);
    return -1;
}

static int mpi_failed(int rc)
{
    bp__py_fail(BP_EMPI, "the ranks cannot meet: MPI failed with code %d", rc);
    return -1;
}

/* Waiting ------------------------------------------------------------------------------------------ */

int bp__py_patience(int64_t *ms)
{
    PyObject *module = PyImport_ImportModule("bundlepool.pool");
    PyObject *number = module ? PyObject_CallMethod(module, "patience", NULL) : NULL;
    const double seconds = number ? PyFloat_AsDouble(number) : -1;
    Py_XDECREF(module);
    Py_XDECREF(number);
    if (PyErr_Occurred()) return -1;
    *ms = seconds * 1000 < (double)NEVER_MS ? (int64_t)ceil(seconds * 1000) : NEVER_MS;
    return 0;
}

int bp__py_interrupted(PyObject *hooks)
{
    if (PyErr_CheckSignals() != 0) return -1;
    if (!hooks) return 0;
    PyObject *result = PyObject_CallMethod(hooks, "waiting", NULL);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static void nap(int64_t *ns)
{
    const struct timespec slice = {0, (long)*ns};
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&slice, NULL);
    Py_END_ALLOW_THREADS
    if (*ns < LAST_NAP_NS) *ns *= 2;
}

/* This rank does not wait any longer. What has been promised cannot be taken back. */
static void give_up(meeting *m, bp__py_collective call)
{
    if (m->step == HERE) (void)begin_agree(m, false, call);
}

/* @return 0: all have come; -1 and an exception */
static int wait_for_all(meeting *m, bp__py_collective call, PyObject *hooks)
{
    int64_t patience_ms, nap_ns = FIRST_NAP_NS;
    if (bp__py_patience(&patience_ms) != 0) return -1;
    struct timespec end = bp__deadline(patience_ms), settled = end;
    bool is_old = m->step == AGREE && m->gave_up, has_promised = false;
    for (;;) {
        answer seen = NOT_YET;
        int rc = begin_round(m);
        if (rc == MPI_SUCCESS) rc = look(m, call, &seen);
        if (rc != MPI_SUCCESS) return mpi_failed(rc);
        if (seen == MET) return m->least[CALL] == -m->least[MINUS_CALL] ? 0 : calls_differ();
        if (seen == NOT_ALL && !is_old) return came_too_late(call);
        if (seen == NOT_ALL) is_old = false; /* the round that this rank has left: a new one */
        if (seen != NOT_YET) {
            end = bp__deadline(patience_ms);
            nap_ns = FIRST_NAP_NS;
        }
        if (m->step == AGREE && !m->gave_up && !has_promised) {
            settled = bp__deadline(SETTLE_MS);
            has_promised = true;
        }
        if (!has_promised || bp__deadline_passed(&settled)) {
            if (bp__py_interrupted(hooks) != 0) return give_up(m, call), -1;
            if (bp__deadline_passed(&end)) return give_up(m, call), not_all_came(m, call, patience_ms);
        }
        nap(&nap_ns);
    }
}

int bp__py_meet(bp__py_collective call, MPI_Comm comm, PyObject *hooks, bp__py_meeting **met)
{
    int size = 1;
    *met = NULL;
    if (MPI_Comm_size(comm, &size) != MPI_SUCCESS) {
        bp__py_fail(BP_EMPI, "comm: MPI cannot tell its size");
        return -1;
    }
    if (size == 1) return 0;
    if (searches > 0) return inside_a_search(call);
    meeting *m = meeting_of(comm, size);
    if (!m) return -1;
    if (bp__load_acquire(&m->is_busy)) return in_another_thread(call);
    bp__store_relaxed(&m->is_busy, true);
    const int waited = wait_for_all(m, call, hooks);
    if (waited == 0)
        *met = m;
    else
        bp__py_part(m);
    return waited;
}

void bp__py_part(bp__py_meeting *met)
{
    if (met) bp__store_release(&met->is_busy, false);
}

void bp__py_search_begin(void)
{
    searches++;
}

void bp__py_search_end(void)
{
    searches--;
}

bool bp__py_in_search(void)
{
    return searches > 0;
}
