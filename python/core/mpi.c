/* DESIGN of starting and ending MPI
 *
 *  - MPI_Init_thread waits for every rank of the job, and cannot be cancelled. It runs in a detached thread
 *    once per process; callers wait for it in slices, until a signal or their time is up, and can wait for it
 *    again.
 *  - Who initialises finalises: Py_AtExit, after the last Python code. mpi4py does the same if it was first.
 *  - Pools that are not closed are destroyed at exit, before whoever finalises MPI: together, as ranks that are still at
 *    work may need those that have come to their end.
 *  - MPI_Finalize may come from anywhere, with threads of ours in the pools. An attribute of MPI_COMM_SELF
 *    that is set after the pools' own is deleted before it: there we close the gate and wait for those
 *    inside. What Python still holds stays readable (mpi/pool.c), and its end is none of MPI's business.
 *  - Where a pool has broken, a rank cannot be reached, and MPI_Finalize may wait for it: not for longer than
 *    FINALIZE_S.
 *  - A process that no launcher has started is a job of its own, and Open MPI leaves its mark in the environment.
 *    Programs that Python starts afterwards would take themselves for ranks of that job: an mpirun among them ends
 *    at once, without a word. So these variables are taken out again.
 *  - In a forked child nothing of MPI is touched.
 */
#include "python/core/mpi.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/status.h"

#define FINALIZE_S    5     /* where a pool was broken, MPI_Finalize may take so long */
#define LAST_CALLS_MS 10000 /* MPI_Finalize waits so long for calls that are under way */

/* The gate: bit 31 once it is closed, and how many are inside. */
#define CLOSED (UINT32_C(1) << 31)
static _Atomic uint32_t gate;

bool bp__py_mpi_enter(void)
{
    if (!(bp__add_seq_cst(&gate, 1) & CLOSED)) return true;
    bp__add_seq_cst(&gate, UINT32_MAX);
    return false;
}

void bp__py_mpi_leave(void)
{
    bp__add_seq_cst(&gate, UINT32_MAX);
}

/* Let nobody in any more, and wait for those inside. @return how many still are */
static uint32_t shut(void)
{
    const struct timespec step = {0, 1000000}, end = bp__deadline(LAST_CALLS_MS);
    uint32_t inside = bp__or_seq_cst(&gate, CLOSED) & ~CLOSED;
    while (inside && !bp__deadline_passed(&end)) {
        nanosleep(&step, NULL);
        inside = bp__load_seq_cst(&gate) & ~CLOSED;
    }
    return inside;
}

/* Called by MPI_Finalize before the pools are ended. */
static int close_gate(MPI_Comm comm, int key, void *value, void *extra)
{
    (void)comm, (void)key, (void)value, (void)extra;
    if (bp__py_process() != 1) { /* numbered from 1 in the process that began; only its children count on */
        fprintf(stderr,
                "bundlepool: a forked child must not finalise MPI, which is its parent's; it ends here: "
                "let children end with os._exit()\n");
        _exit(1);
    }
    const uint32_t inside = shut();
    if (inside) {
        fprintf(stderr, "bundlepool: MPI is finalised with %u calls of a pool under way\n", inside);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    return MPI_SUCCESS;
}

static void last_resort(int signal)
{
    (void)signal;
    _exit(1);
}

static bool (*end_pools)(void);

/* Registered with the first pool, and so called before whoever has started MPI finalises it. */
static void at_exit(void)
{
    int finalised = 0;
    if (bp__py_process() != 1 || MPI_Finalized(&finalised) != MPI_SUCCESS || finalised || shut() > 0) return;
    if (end_pools()) return;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = last_resort}, NULL);
    alarm(FINALIZE_S);
}

int bp__py_mpi_watch(bool (*end)(void))
{
    static int key = MPI_KEYVAL_INVALID;
    if (key != MPI_KEYVAL_INVALID) return 0;
    end_pools = end;
    if (Py_AtExit(at_exit) != 0) {
        bp__py_fail(BP_EMPI,
                    "pools cannot be destroyed at exit: too many functions are registered with Py_AtExit");
        return -1;
    }
    if (MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, close_gate, &key, NULL) == MPI_SUCCESS &&
        MPI_Comm_set_attr(MPI_COMM_SELF, key, NULL) == MPI_SUCCESS)
        return 0;
    bp__py_fail(BP_EMPI, "MPI_Comm_set_attr failed");
    return -1;
}

/* Starting ----------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    bool running, done, launched;
    int rc;
    unsigned process;
} init = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void finalise(void)
{
    int finalised = 0;
    if (bp__py_process() != init.process) return;
    if (MPI_Finalized(&finalised) == MPI_SUCCESS && !finalised) MPI_Finalize();
}

static void *initialise(void *unused)
{
    (void)unused;
    int level = MPI_THREAD_SINGLE, rc = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    if (rc == MPI_SUCCESS) MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    pthread_mutex_lock(&init.lock);
    init.rc = rc;
    init.done = true;
    pthread_mutex_unlock(&init.lock);
    return NULL;
}

static int start_thread(void *(*run)(void *))
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) pthread_detach(thread);
    return error;
}

static bool is_initialised(void)
{
    pthread_mutex_lock(&init.lock);
    bool done = init.done;
    pthread_mutex_unlock(&init.lock);
    return done;
}

/* @return -1 and an exception; 0 when MPI_Init_thread has returned */
static int wait_for_init(PyObject *hooks)
{
    int64_t patience_ms;
    if (bp__py_patience(&patience_ms) != 0) return -1;
    struct timespec end = bp__deadline(patience_ms), slice = {0, 2000000};
    while (!is_initialised()) {
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&slice, NULL);
        Py_END_ALLOW_THREADS
        if (bp__py_interrupted(hooks) != 0) return -1;
        if (bp__deadline_passed(&end) && !is_initialised()) {
            bp__py_fail(
                BP_ETIMEOUT,
                "MPI_Init_thread has not come back within %g s: it waits for all ranks of the job, and "
                "some have not called it; every rank has to use the pool, or to import mpi4py.MPI; where a "
                "rank needs longer, set BUNDLEPOOL_PATIENCE to more seconds",
                (double)patience_ms / 1000);
            return -1;
        }
    }
    return 0;
}

/* Whether a launcher has started this process. */
static bool is_launched(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK");
}

/* Variables of MPI's that Python's own copy of the environment, which is older, does not have. */
static int forget_variables(void)
{
    static const char *const prefixes[] = {"OMPI_", "ORTE_", "PMIX_"};
    PyObject *os = PyImport_ImportModule("os"), *known = os ? PyObject_GetAttrString(os, "environ") : NULL;
    Py_XDECREF(os);
    if (!known) return -1;
    for (char **at = environ; at && *at;) {
        char name[256];
        bool strange = false;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
            strange |= strncmp(name, prefixes[i], strlen(prefixes[i])) == 0;
        if (strange && !PyMapping_HasKeyString(known, name) && unsetenv(name) == 0)
            at = environ; /* it has moved */
        else
            at++;
    }
    Py_DECREF(known);
    return 0;
}

/* An exception that ends one of several ranks would leave the others waiting for it. */
static int hook_exceptions(void)
{
    PyObject *module = PyImport_ImportModule("bundlepool._abort");
    PyObject *done = module ? PyObject_CallMethod(module, "install", NULL) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int start_ours(PyObject *hooks)
{
    int error = 0;
    pthread_mutex_lock(&init.lock);
    if (!init.running) {
        init.process = bp__py_process();
        init.launched = is_launched();
        error = start_thread(initialise);
        init.running = error == 0;
    }
    pthread_mutex_unlock(&init.lock);
    if (error != 0) {
        bp__py_fail(BP_ESYS, "a thread cannot be started: %s", strerror(error));
        return -1;
    }
    if (wait_for_init(hooks) != 0) return -1;
    if (init.rc != MPI_SUCCESS) {
        bp__py_fail(BP_EMPI, "MPI_Init_thread failed with code %d", init.rc);
        return -1;
    }
    static bool registered;
    if (registered) return 0;
    registered = true;
    if (Py_AtExit(finalise) != 0) {
        bp__py_fail(BP_EMPI,
                    "MPI cannot be finalised at exit: too many functions are registered with Py_AtExit");
        return -1;
    }
    if (!init.launched && forget_variables() != 0) return -1;
    return hook_exceptions();
}

int bp__py_mpi_start(PyObject *hooks)
{
    int initialised = 0, finalised = 0, level = MPI_THREAD_SINGLE;
    if (bp__py_process() != 1) return bp__py_raise_forked("MPI"), -1;
    MPI_Finalized(&finalised);
    if (finalised) {
        bp__py_fail(BP_EMPI,
                    "MPI has been finalised, and cannot be started again in this process; create the pool "
                    "before that");
        return -1;
    }
    MPI_Initialized(&initialised);
    if ((!initialised || init.running) && start_ours(hooks) != 0) return -1;
    MPI_Query_thread(&level);
    if (level >= MPI_THREAD_MULTIPLE) return 0;
    bp__py_fail(BP_EMPI,
                "MPI was initialised without MPI_THREAD_MULTIPLE, which a pool needs; before the first "
                "'from mpi4py import MPI' write: import mpi4py; mpi4py.rc.thread_level = \"multiple\"");
    return -1;
}

/* Communicators ------------------------------------------------------------------------------------ */

/* mpi4py.MPI, borrowed, if somebody has imported it; what is no communicator of it is not ours to unpack. */
static PyObject *mpi4py(void)
{
    PyObject *modules = PyImport_GetModuleDict();
    return modules ? PyDict_GetItemString(modules, "mpi4py.MPI") : NULL;
}

static int check_kind(PyObject *object)
{
    PyObject *module = mpi4py(), *class = module ? PyObject_GetAttrString(module, "Comm") : NULL;
    int is = class ? PyObject_IsInstance(object, class) : 0;
    Py_XDECREF(class);
    if (is == 0 && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "comm: expected an mpi4py communicator, or None for all ranks; got %R",
                     Py_TYPE(object));
    return is > 0 ? 0 : -1;
}

/* Handles of one MPI library mean nothing to another. */
static int check_library(void)
{
    char ours[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    PyObject *theirs = PyObject_CallMethod(mpi4py(), "Get_library_version", NULL);
    if (!theirs) return -1;
    const char *text = PyUnicode_Check(theirs) ? PyUnicode_AsUTF8AndSize(theirs, NULL) : "?";
    MPI_Get_library_version(ours, &length);
    int same = text && strncmp(text, ours, strcspn(ours, "\n")) == 0;
    if (!same && text)
        PyErr_Format(
            PyExc_ImportError,
            "mpi4py and bundlepool were built with different MPI libraries: mpi4py with '%.200s', bundlepool "
            "with '%.200s'; build one of them anew with the other's",
            text, ours);
    Py_DECREF(theirs);
    return same ? 0 : -1;
}

static int unpack(PyObject *object, MPI_Comm *comm)
{
    PyObject *handle = PyObject_CallMethod(object, "py2f", NULL);
    long f = handle ? PyLong_AsLong(handle) : -1;
    Py_XDECREF(handle);
    if (PyErr_Occurred()) return -1;
    *comm = MPI_Comm_f2c((MPI_Fint)f);
    int inter = 0;
    if (*comm == MPI_COMM_NULL || !*comm) {
        bp__py_fail(BP_EINVAL,
                    "comm: it is MPI.COMM_NULL, or has been freed; a pool needs a live communicator");
        return -1;
    }
    if (MPI_Comm_test_inter(*comm, &inter) != MPI_SUCCESS) {
        bp__py_fail(BP_EINVAL, "comm: MPI does not know this communicator; has it been freed?");
        return -1;
    }
    if (inter) {
        bp__py_fail(BP_EINVAL,
                    "comm: it is an intercommunicator; a pool needs an intracommunicator: comm.Merge()");
        return -1;
    }
    return 0;
}

int bp__py_mpi_comm(PyObject *object, PyObject *hooks, MPI_Comm *comm)
{
    *comm = MPI_COMM_WORLD;
    if (object != Py_None && (check_kind(object) != 0 || check_library() != 0)) return -1;
    if (bp__py_mpi_start(hooks) != 0) return -1;
    return object == Py_None ? 0 : unpack(object, comm);
}

/* For Python --------------------------------------------------------------------------------------- */

static PyObject *abort_all(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    int initialised = 0, finalised = 0, size = 1;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (initialised && !finalised && bp__py_process() == 1) {
        MPI_Comm_size(MPI_COMM_WORLD, &size);
        if (size > 1) MPI_Abort(MPI_COMM_WORLD, 1);
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"_abort", abort_all, METH_NOARGS, "End all ranks of a job of several."},
    {0},
};

int bp__py_add_mpi(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
