/* Pools as Python has them: how they begin and end, and what they show. */
#include "python/core/pool.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/atomic.h"
#include "mpi/lend.h"

static bp__py_shell *shells; /* so that they are reachable */

/* A pool that is being created or destroyed: with all its ranks. */
typedef struct making {
    bp__py_shell *shell;
    MPI_Comm comm;
    bp__py_meeting *met; /* NULL: with nobody, or not for this */
} making;

static bp_status do_create(void *argument)
{
    making *m = argument;
    bp_status s = bp_pool_create(m->comm, &m->shell->cfg, &m->shell->pool);
    bp__py_part(m->met); /* here: whoever waited may be gone */
    bp__py_mpi_leave();
    return s;
}

static bp_status do_destroy(void *argument)
{
    making *m = argument;
    bp_status s = bp_pool_destroy(&m->shell->pool);
    bp__py_mpi_leave();
    return s;
}

/* @return 0 when it is done, well or not; -1 and an exception if it cannot be, or a signal ended the wait */
static int make(const bp__py_work *work, bp__py_shell *s, MPI_Comm comm, bp__py_meeting *met,
                bp_status *status)
{
    making *m = malloc(sizeof *m);
    if (!m) {
        bp__py_part(met);
        PyErr_NoMemory();
        return -1;
    }
    *m = (making){s, comm, met};
    if (!bp__py_mpi_enter()) {
        bp__py_part(met);
        free(m);
        bp__py_pool_refuse(s);
        return -1;
    }
    if (bp__py_wait(work, m, status) != 0) return -1;
    free(m);
    return 0;
}

/* When Python has ended: destroy what was not closed, with all its ranks. @return false: a pool was broken */
static bool end_all(void)
{
    bool whole = true;
    for (bp__py_shell *s = shells; s; s = s->next) {
        whole &= !s->pool || bp_pool_check(s->pool) != BP_EMPI;
        /* where a rank holds a bundle, as at exit many do, all leave the pool to MPI_Finalize */
        if (s->pool) (void)bp_pool_destroy(&s->pool);
    }
    return whole;
}

static int create(bp__py_pool *self, MPI_Comm comm, const bp_config *cfg)
{
    static const bp__py_work work = {do_create, free}; /* a pool that nobody waited for is MPI_Finalize's */
    bp__py_shell *s = calloc(1, sizeof *s);
    if (!s) {
        PyErr_NoMemory();
        return -1;
    }
    s->cfg = *cfg;
    s->next = shells;
    shells = s;
    s->root = PyUnicode_DecodeFSDefault(cfg->root);
    if (!s->root) return -1;
    if (MPI_Comm_rank(comm, &s->rank) != MPI_SUCCESS || MPI_Comm_size(comm, &s->size) != MPI_SUCCESS) {
        bp__py_fail(BP_EMPI, "comm: MPI cannot tell its size");
        return -1;
    }
    bp__py_meeting *met;
    if (bp__py_meet(BP__PY_CREATE, comm, NULL, &met) != 0) return -1;
    bp_status status;
    if (make(&work, s, comm, met, &status) != 0) return -1;
    if (status != BP_OK) {
        bp__py_raise(status);
        return -1;
    }
    self->shell = s;
    bp__pool_may_end_with_mpi(s->pool);
    return bp__py_mpi_watch(end_all);
}

static int initialise(PyObject *object, PyObject *arguments, PyObject *keywords)
{
    bp__py_pool *self = (bp__py_pool *)object;
    PyObject *comm = Py_None, *settings = keywords ? PyDict_Copy(keywords) : PyDict_New();
    if (!settings) return -1;
    Py_ssize_t count = PyTuple_Size(arguments);
    PyObject *named = PyDict_GetItemString(settings, "comm");
    if (self->shell)
        PyErr_SetString(PyExc_RuntimeError, "the pool has been created already");
    else if (count > 1 || (count == 1 && named))
        PyErr_SetString(PyExc_TypeError, "Pool() takes one communicator, comm, and settings as keywords");
    else if (count == 1)
        comm = PyTuple_GetItem(arguments, 0);
    else if (named) {
        comm = named;
    }
    Py_INCREF(comm);
    if (named && !PyErr_Occurred()) PyDict_DelItemString(settings, "comm");
    bp_config cfg;
    MPI_Comm handle;
    int rc = -1;
    if (!PyErr_Occurred() && bp__py_config_read(settings, "Pool", &cfg) == 0 &&
        bp__py_mpi_comm(comm, NULL, &handle) == 0)
        rc = create(self, handle, &cfg);
    Py_DECREF(comm);
    Py_DECREF(settings);
    return rc;
}

/* Wait until no call is under way. @return -1 and an exception if a signal came first */
static int wait_for_users(const bp__py_shell *s)
{
    const struct timespec slice = {0, 1000000};
    while (bp__load_acquire(&s->users) > 0) {
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&slice, NULL);
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() != 0) return -1;
    }
    return 0;
}

static int destroy(bp__py_shell *s)
{
    static const bp__py_work work = {do_destroy, free};
    bp_status status;
    if (make(&work, s, MPI_COMM_NULL, NULL, &status) != 0) return -1;
    if (status == BP_OK) return 0;
    s->state = s->pool ? BP__PY_OPEN : BP__PY_CLOSED; /* a broken one is destroyed all the same */
    bp__py_raise(status);
    return -1;
}

static PyObject *close_pool(PyObject *self, PyObject *none)
{
    (void)none;
    bp__py_shell *s = ((bp__py_pool *)self)->shell;
    int finalised = 0;
    if (!s || s->state == BP__PY_CLOSED) Py_RETURN_NONE;
    if (bp__py_process() != 1 || s->state != BP__PY_OPEN) {
        bp__py_pool_refuse(s);
        return NULL;
    }
    if (s->size > 1 && bp__py_in_search()) {
        PyErr_SetString(
            PyExc_RuntimeError,
            "close() of a pool inside a strategy (or in what else a sweep calls): the other ranks are in "
            "combinations of their own, and would not come; close it after the sweep");
        return NULL;
    }
    MPI_Finalized(&finalised);
    PyGC_Collect(); /* a bundle that only a circle of garbage holds is held by nobody */
    if (s->state != BP__PY_OPEN) return close_pool(self, none);
    s->state = BP__PY_CLOSING;
    if (!finalised && wait_for_users(s) != 0) {
        s->state = BP__PY_OPEN;
        return NULL;
    }
    if (!finalised && destroy(s) != 0) return NULL; /* open again, or closing for ever where a signal came */
    s->state = BP__PY_CLOSED;
    Py_RETURN_NONE;
}

static PyObject *enter(PyObject *self, PyObject *none)
{
    (void)none;
    bp__py_shell *s = bp__py_shell_enter(self);
    if (!s) return NULL;
    bp__py_shell_exit(s);
    return Py_NewRef(self);
}

/* With an exception under way the other ranks may never come to close(): the pool is then left as it is. */
static PyObject *leave(PyObject *self, PyObject *arguments)
{
    PyObject *type = PyTuple_Size(arguments) > 0 ? PyTuple_GetItem(arguments, 0) : Py_None;
    if (type != Py_None || bp__py_process() != 1) Py_RETURN_NONE;
    return close_pool(self, NULL);
}

static PyObject *reduce(PyObject *self, PyObject *protocol)
{
    (void)self, (void)protocol;
    PyErr_SetString(PyExc_TypeError,
                    "a Pool cannot be pickled: it is this process's; every rank creates it with "
                    "bundlepool.Pool(comm)");
    return NULL;
}

static void dealloc(PyObject *self)
{
    if (((bp__py_pool *)self)->weak) PyObject_ClearWeakRefs(self);
    bp__py_free(self); /* not closed: that would be collective; MPI_Finalize does it */
}

/* Attributes --------------------------------------------------------------------------------------- */

static PyObject *get_config(PyObject *self, void *closure)
{
    (void)closure;
    const bp__py_shell *s = ((bp__py_pool *)self)->shell;
    if (s) return bp__py_config_dict(&s->cfg);
    bp__py_pool_refuse(s);
    return NULL;
}

static PyObject *get_closed(PyObject *self, void *closure)
{
    (void)closure;
    const bp__py_shell *s = ((bp__py_pool *)self)->shell;
    return PyBool_FromLong(!s || s->state == BP__PY_CLOSED);
}

static PyObject *get_rank(PyObject *self, void *closure)
{
    (void)closure;
    const bp__py_shell *s = ((bp__py_pool *)self)->shell;
    return PyLong_FromLong(s ? s->rank : -1);
}

static PyObject *get_size(PyObject *self, void *closure)
{
    (void)closure;
    const bp__py_shell *s = ((bp__py_pool *)self)->shell;
    return PyLong_FromLong(s ? s->size : 0);
}

static PyGetSetDef attributes[] = {
    {"config", get_config, NULL, "The configuration that it was created with, a dict.", NULL},
    {"closed", get_closed, NULL, "Whether it has been closed.", NULL},
    {"rank", get_rank, NULL, "This process's rank among those of the pool.", NULL},
    {"size", get_size, NULL, "Number of ranks of the pool.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"get", (PyCFunction)(void *)bp__py_pool_get, METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, name)\n--\n\n"
     "Pin the current version of a bundle: a Bundle, to be used in a `with` block, or until release().\n\n"
     "A hit takes about a microsecond. A miss waits until the bundle is published, with the GIL released; "
     "Ctrl-C ends the wait. Any thread.\n"
     "Raises NotFound, FormatError, ReadError, PoolFull, NoMemory, PoolTimeout, Changed, Stopped, "
     "InvalidArgument."},
    {"invalidate", (PyCFunction)(void *)bp__py_pool_invalidate, METH_VARARGS | METH_KEYWORDS,
     "invalidate($self, /, name=None)\n--\n\n"
     "Forget a bundle, or all: a get that starts afterwards, on any rank, loads it again."},
    {"_version", bp__py_pool_version, METH_O, "The version that a get would return now, a dict."},
    {"_stats", bp__py_pool_stats, METH_NOARGS, "Statistics, a dict."},
    {"resize", bp__py_pool_resize, METH_O,
     "resize($self, bundles, /)\n--\n\n"
     "Hold another number of bundles from now on, on all nodes; evicts the least recently used. Not "
     "collective."},
    {"close", close_pool, METH_NOARGS,
     "close($self, /)\n--\n\n"
     "Destroy the pool. Collective: all its ranks call it. Raises Busy on every rank, and destroys nothing, "
     "if a rank still holds a bundle. A pool that was not closed ends with MPI."},
    {"__enter__", enter, METH_NOARGS, "The pool itself."},
    {"__exit__", leave, METH_VARARGS, "close(), unless an exception is under way."},
    {"__reduce_ex__", reduce, METH_O, "Raises TypeError: pools are not pickled."},
    {0},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(bp__py_pool, weak), READONLY, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A pool of bundles: what bundlepool.Pool extends."},
    {Py_tp_init, (void *)initialise},
    {Py_tp_new, (void *)PyType_GenericNew},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bundlepool._core.Pool",
    .basicsize = sizeof(bp__py_pool),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

int bp__py_add_pool(PyObject *module)
{
    return bp__py_add_type(module, &spec, &bp__py_pool_type);
}
