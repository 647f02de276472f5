/* DESIGN of meeting
 *
 * The ranks of MPI_COMM_WORLD meet before they create the default pool, so that one that comes alone gets an
 * error. Each round has two steps, both nonblocking: a barrier, and an agreement that all are still there. A
 * rank whose time is up answers the second step with no before it leaves: whoever comes later learns that it
 * came too late, and does not wait in its turn. A rank that comes again finishes its old round first.
 */
#include "python/core/mpi.h"

#include <time.h>

#include "core/clock.h"

static struct {
    MPI_Request here, agree;
    int willing, all_willing;
    enum { NOTHING, HERE, AGREE } step;
    bool gave_up;
} meeting;

static int begin_step(void)
{
    int rc = MPI_SUCCESS;
    if (meeting.step == NOTHING) {
        meeting.gave_up = false;
        rc = MPI_Ibarrier(MPI_COMM_WORLD, &meeting.here);
        if (rc == MPI_SUCCESS) meeting.step = HERE;
    }
    return rc;
}

static int begin_agree(bool willing)
{
    meeting.willing = willing;
    meeting.gave_up = !willing;
    meeting.step = AGREE;
    return MPI_Iallreduce(&meeting.willing, &meeting.all_willing, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD,
                          &meeting.agree);
}

/* @return an MPI code; *met 1: all are here, 0: somebody gave up, -1: not yet */
static int look(int *met)
{
    int flag = 0, rc = MPI_SUCCESS;
    *met = -1;
    if (meeting.step == HERE) {
        rc = MPI_Test(&meeting.here, &flag, MPI_STATUS_IGNORE);
        if (rc == MPI_SUCCESS && flag) rc = begin_agree(true);
    }
    if (meeting.step == AGREE && rc == MPI_SUCCESS) {
        rc = MPI_Test(&meeting.agree, &flag, MPI_STATUS_IGNORE);
        if (rc == MPI_SUCCESS && flag) {
            meeting.step = NOTHING;
            *met = meeting.all_willing;
        }
    }
    return rc;
}

static PyObject *too_late(bool alone, double seconds)
{
    return bp__py_fail(
        BP_ETIMEOUT,
        alone ? "the default pool: not all ranks of the job have come within %.0f s; its first use is "
                "collective: call it on every rank, or make a Pool(comm) of those that use it"
              : "the default pool: another rank has waited for this one for %.0f s, and given up; its "
                "first use is collective: call it on every rank at about the same time",
        seconds);
}

static PyObject *meet(PyObject *module, PyObject *timeout)
{
    (void)module;
    double seconds = PyFloat_AsDouble(timeout);
    if (PyErr_Occurred()) return NULL;
    int64_t timeout_ms = (int64_t)(seconds * 1000);
    struct timespec end = bp__deadline(timeout_ms), slice = {0, 1000000};
    if (bp__py_mpi_start(timeout_ms) != 0) return NULL;
    int met = -1, rc;
    bool old = meeting.step == AGREE && meeting.gave_up;
    for (;;) {
        rc = begin_step();
        if (rc == MPI_SUCCESS) rc = look(&met);
        if (rc != MPI_SUCCESS)
            return bp__py_fail(BP_EMPI, "the ranks cannot meet: MPI failed with code %d", rc);
        if (met == 1) Py_RETURN_NONE;
        if (met == 0 && !old) return too_late(false, seconds);
        if (met == 0) old = false; /* the round that this rank left: a new one */
        bool signalled = PyErr_CheckSignals() != 0;
        if (signalled || bp__deadline_passed(&end)) {
            if (meeting.step == HERE && begin_agree(false) != MPI_SUCCESS) meeting.step = NOTHING;
            return signalled ? NULL : too_late(true, seconds);
        }
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&slice, NULL);
        Py_END_ALLOW_THREADS
    }
}

static PyMethodDef functions[] = {
    {"_meet", meet, METH_O, "Wait for all ranks of MPI_COMM_WORLD, so many seconds at most."},
    {0},
};

int bp__py_add_meet(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
