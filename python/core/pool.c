/* DESIGN of pools in Python
 *
 *  - A hit (bp__pool_find) waits for nothing, and keeps the GIL; one that has to look at the file drops it.
 *    Everything else runs by bp__py_wait().
 *  - What a call in another thread needs lives in a `shell`, which outlives the Python object: such a call
 *    may go on after its caller has left. Shells are kept to the end of the process; there is one for each
 *    pool that was made.
 *  - close() is collective. It lets nobody in any more, waits for the calls that are under way, and destroys
 *    the pool, unless a rank holds a bundle: then all get Busy, and the pool is open as before.
 *  - The gate of MPI (mpi.h) is passed by every call: MPI_Finalize destroys pools as well.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/atomic.h"
#include "core/status.h"
#include "mpi/pool.h"
#include "python/core/mpi.h"

typedef enum state { OPEN, CLOSING, CLOSED } state;

typedef struct shell {
    bp_pool *pool; /* NULL: closed */
    bp_config cfg;
    int rank, size;
    _Atomic unsigned users; /* calls under way, in whatever thread */
    state state;            /* changed under the GIL */
    struct shell *next;
} shell;

typedef struct pool {
    PyObject_HEAD
    shell *shell; /* NULL until it has been created */
    PyObject *weak;
} pool;

static PyObject *pool_type;
static shell *shells; /* so that they are reachable */

/* Entering ----------------------------------------------------------------------------------------- */

static void refuse(const shell *s)
{
    int finalised = 0;
    MPI_Finalized(&finalised);
    if (bp__py_process() != 1)
        bp__py_raise_forked("the pool");
    else if (finalised)
        bp__py_fail(BP_EMPI, "MPI has been finalised, and the pool has ended with it");
    else if (!s)
        bp__py_fail(BP_EINVAL, "the pool has not been created: __init__ of Pool was not called, or failed");
    else if (s->state == CLOSING)
        bp__py_fail(BP_ESTOPPED, "the pool is being closed");
    else
        bp__py_fail(BP_EINVAL, "the pool has been closed");
}

/* The shell, which the call is in until exit_shell(). */
static shell *enter_shell(PyObject *self)
{
    shell *s = ((pool *)self)->shell;
    if (!s || s->state != OPEN || bp__py_process() != 1 || !bp__py_mpi_enter()) {
        refuse(s);
        return NULL;
    }
    bp__add_relaxed(&s->users, 1);
    return s;
}

static void exit_shell(shell *s)
{
    bp__sub_release(&s->users, 1);
    bp__py_mpi_leave();
}

bp_pool *bp__py_pool_enter(PyObject *object)
{
    if (!PyObject_TypeCheck(object, (PyTypeObject *)pool_type)) {
        PyErr_Format(PyExc_TypeError, "pool: expected a bundlepool.Pool, got %R", Py_TYPE(object));
        return NULL;
    }
    shell *s = enter_shell(object);
    return s ? s->pool : NULL;
}

void bp__py_pool_leave(PyObject *object)
{
    exit_shell(((pool *)object)->shell);
}

/* Calls that wait ---------------------------------------------------------------------------------- */

/* What all of them ask and answer. */
typedef struct call {
    shell *shell;
    bp_status (*what)(struct call *call);
    MPI_Comm comm;
    bool all;                   /* of invalidate: every bundle */
    char name[BP_NAME_MAX + 2]; /* one too long stays too long */
    int64_t number;
    const bp_bundle *bundle;
    bp_version version;
    bp_stats stats;
} call;

/* The gate is left here and not by the caller: one in a daemon thread is never heard of again when the
 * interpreter ends. */
static bp_status run_call(void *argument)
{
    call *c = argument;
    bp_status s = c->what(c);
    bp__py_mpi_leave();
    return s;
}

static void end_call(void *argument)
{
    call *c = argument;
    if (c->bundle && bp__py_mpi_enter()) {
        bp_bundle_release(&c->bundle);
        bp__py_mpi_leave();
    }
    bp_version_fini(&c->version);
    bp__sub_release(&c->shell->users, 1);
    free(c);
}

static call *new_call(bp_status (*what)(call *), const char *name)
{
    call *c = calloc(1, sizeof *c);
    if (!c) {
        PyErr_NoMemory();
        return NULL;
    }
    c->what = what;
    c->version = bp_version_init();
    c->stats = bp_stats_init();
    if (name)
        strncpy(c->name, name, sizeof c->name - 1);
    else
        c->all = true;
    return c;
}

/* Run it in the pool. @return 0: c is to be read and then ended; -1: c is gone */
static int make(PyObject *self, call *c)
{
    static const bp__py_work work = {run_call, end_call};
    if (!c) return -1;
    c->shell = enter_shell(self);
    if (!c->shell) {
        free(c);
        return -1;
    }
    bp_status s;
    if (bp__py_wait(&work, c, &s) != 0) return -1;
    if (s == BP_OK) return 0;
    bp__py_raise(s);
    end_call(c);
    return -1;
}

static bp_status do_get(call *c)
{
    return bp_pool_get(c->shell->pool, c->name, &c->bundle);
}

static bp_status do_invalidate(call *c)
{
    return bp_pool_invalidate(c->shell->pool, c->all ? NULL : c->name);
}

static bp_status do_version(call *c)
{
    return bp_pool_version(c->shell->pool, c->name, &c->version);
}

static bp_status do_stats(call *c)
{
    return bp_pool_stats(c->shell->pool, &c->stats);
}

static bp_status do_resize(call *c)
{
    return bp__pool_resize(c->shell->pool, c->number);
}

/* Methods ------------------------------------------------------------------------------------------ */

/* The one argument `name`, by position or by name; borrowed. NULL and TypeError for anything else. */
static PyObject *only_name(const char *method, PyObject *const *arguments, Py_ssize_t count,
                           PyObject *keywords)
{
    Py_ssize_t named = keywords ? PyTuple_Size(keywords) : 0;
    if (count + named == 1 &&
        (count == 1 || PyUnicode_CompareWithASCIIString(PyTuple_GetItem(keywords, 0), "name") == 0))
        return arguments[0];
    PyErr_Format(PyExc_TypeError, "%s() takes exactly one argument, name", method);
    return NULL;
}

static PyObject *wait_for(PyObject *self, const char *name)
{
    call *c = new_call(do_get, name);
    if (make(self, c) != 0) return NULL;
    const bp_bundle *bundle = c->bundle;
    c->bundle = NULL;
    end_call(c);
    return bp__py_bundle_new(bundle, ((pool *)self)->shell->cfg.enable_bundle_pooling);
}

static PyObject *get(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords)
{
    PyObject *argument = only_name("get", arguments, count, keywords);
    const char *name = argument ? bp__py_text(argument, "name") : NULL;
    if (!name) return NULL;
    shell *s = enter_shell(self);
    if (!s) return NULL;
    const bp_bundle *bundle = bp__pool_find(s->pool, name, false);
    if (!bundle) {
        Py_BEGIN_ALLOW_THREADS
        bundle = bp__pool_find(s->pool, name, true);
        Py_END_ALLOW_THREADS
    }
    exit_shell(s);
    return bundle ? bp__py_bundle_new(bundle, true) : wait_for(self, name);
}

static PyObject *invalidate(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"name", NULL};
    PyObject *name = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:invalidate", names, &name)) return NULL;
    const char *text = NULL;
    if (name != Py_None && !(text = bp__py_text(name, "name"))) return NULL;
    call *c = new_call(do_invalidate, text);
    if (make(self, c) != 0) return NULL;
    end_call(c);
    Py_RETURN_NONE;
}

static PyObject *version(PyObject *self, PyObject *name)
{
    const char *text = bp__py_text(name, "name");
    if (!text) return NULL;
    call *c = new_call(do_version, text);
    if (make(self, c) != 0) return NULL;
    PyObject *result = bp__py_version(&c->version);
    end_call(c);
    return result;
}

static PyObject *counters(const bp_counters *c)
{
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:d,s:d}", "hits", (unsigned long long)c->hits,
                         "misses", (unsigned long long)c->misses, "loads", (unsigned long long)c->loads,
                         "failures", (unsigned long long)c->failures, "checks", (unsigned long long)c->checks,
                         "evictions", (unsigned long long)c->evictions, "invalidations",
                         (unsigned long long)c->invalidations, "load_seconds", c->load_seconds,
                         "wait_seconds", c->wait_seconds);
}

static PyObject *stats(PyObject *self, PyObject *none)
{
    (void)none;
    call *c = new_call(do_stats, NULL);
    if (make(self, c) != 0) return NULL;
    const bp_stats *t = &c->stats;
    PyObject *rank = counters(&t->rank), *node = counters(&t->node), *cluster = counters(&t->cluster),
             *result = NULL;
    if (rank && node && cluster)
        result = Py_BuildValue(
            "{s:L,s:L,s:L,s:d,s:K,s:K,s:K,s:s,s:i,s:i,s:O,s:O,s:O}", "pool_size", (long long)t->pool_size,
            "max_pool_size", (long long)t->max_pool_size, "num_versions_tracked",
            (long long)t->num_versions_tracked, "utilization_percent", t->utilization_percent,
            "bytes_resident", (unsigned long long)t->bytes_resident, "bytes_peak",
            (unsigned long long)t->bytes_peak, "bytes_limit", (unsigned long long)t->bytes_limit,
            "limit_from", t->limit_from, "num_nodes", t->num_nodes, "num_ranks", t->num_ranks, "rank", rank,
            "node", node, "cluster", cluster);
    Py_XDECREF(rank);
    Py_XDECREF(node);
    Py_XDECREF(cluster);
    end_call(c);
    return result;
}

static PyObject *resize(PyObject *self, PyObject *bundles)
{
    call *c = new_call(do_resize, NULL);
    if (!c) return NULL;
    c->number = PyLong_AsLongLong(bundles);
    if (PyErr_Occurred()) {
        free(c);
        return NULL;
    }
    if (make(self, c) != 0) return NULL;
    end_call(c);
    Py_RETURN_NONE;
}

/* Life --------------------------------------------------------------------------------------------- */

static bp_status do_create(call *c)
{
    return bp_pool_create(c->comm, &c->shell->cfg, &c->shell->pool);
}

static int create(pool *self, MPI_Comm comm, const bp_config *cfg)
{
    static const bp__py_work work = {run_call, free}; /* a pool that nobody waited for is MPI_Finalize's */
    shell *s = calloc(1, sizeof *s);
    call *c = new_call(do_create, NULL);
    if (!s || !c) {
        free(s);
        free(c);
        PyErr_NoMemory();
        return -1;
    }
    s->cfg = *cfg;
    s->next = shells;
    shells = s;
    c->shell = s;
    c->comm = comm;
    MPI_Comm_rank(comm, &s->rank);
    MPI_Comm_size(comm, &s->size);
    if (!bp__py_mpi_enter()) {
        free(c);
        refuse(s);
        return -1;
    }
    bp_status status;
    if (bp__py_wait(&work, c, &status) != 0) return -1;
    free(c);
    if (status != BP_OK) {
        bp__py_raise(status);
        return -1;
    }
    self->shell = s;
    return bp__py_mpi_watch();
}

static int initialise(PyObject *object, PyObject *arguments, PyObject *keywords)
{
    pool *self = (pool *)object;
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
        bp__py_mpi_comm(comm, &handle) == 0)
        rc = create(self, handle, &cfg);
    Py_DECREF(comm);
    Py_DECREF(settings);
    return rc;
}

static bp_status do_close(call *c)
{
    return bp_pool_destroy(&c->shell->pool);
}

/* Wait until no call is under way. @return -1 and an exception if a signal came first */
static int wait_for_users(const shell *s)
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

static int destroy(shell *s)
{
    static const bp__py_work work = {run_call, free};
    bp_status status;
    call *c = new_call(do_close, NULL);
    if (!c) return -1;
    c->shell = s;
    if (!bp__py_mpi_enter()) { /* MPI_Finalize is doing it */
        free(c);
        return 0;
    }
    if (bp__py_wait(&work, c, &status) != 0) return -1;
    free(c);
    if (status == BP_OK) return 0;
    s->state = OPEN;
    bp__py_raise(status);
    return -1;
}

static PyObject *close_pool(PyObject *self, PyObject *none)
{
    (void)none;
    shell *s = ((pool *)self)->shell;
    int finalised = 0;
    if (!s || s->state == CLOSED) Py_RETURN_NONE;
    if (bp__py_process() != 1 || s->state != OPEN) {
        refuse(s);
        return NULL;
    }
    MPI_Finalized(&finalised);
    PyGC_Collect(); /* a bundle that only a circle of garbage holds is held by nobody */
    if (s->state != OPEN) return close_pool(self, none);
    s->state = CLOSING;
    if (!finalised && wait_for_users(s) != 0) {
        s->state = OPEN;
        return NULL;
    }
    if (!finalised && destroy(s) != 0) return NULL; /* open again, or closing for ever where a signal came */
    s->state = CLOSED;
    Py_RETURN_NONE;
}

static PyObject *enter(PyObject *self, PyObject *none)
{
    (void)none;
    shell *s = enter_shell(self);
    if (!s) return NULL;
    exit_shell(s);
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
    if (((pool *)self)->weak) PyObject_ClearWeakRefs(self);
    bp__py_free(self); /* not closed: that would be collective; MPI_Finalize does it */
}

/* Attributes --------------------------------------------------------------------------------------- */

static PyObject *get_config(PyObject *self, void *closure)
{
    (void)closure;
    const shell *s = ((pool *)self)->shell;
    if (s) return bp__py_config_dict(&s->cfg);
    refuse(s);
    return NULL;
}

static PyObject *get_closed(PyObject *self, void *closure)
{
    (void)closure;
    const shell *s = ((pool *)self)->shell;
    return PyBool_FromLong(!s || s->state == CLOSED);
}

static PyObject *get_rank(PyObject *self, void *closure)
{
    (void)closure;
    const shell *s = ((pool *)self)->shell;
    return PyLong_FromLong(s ? s->rank : -1);
}

static PyObject *get_size(PyObject *self, void *closure)
{
    (void)closure;
    const shell *s = ((pool *)self)->shell;
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
    {"get", (PyCFunction)(void *)get, METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, name)\n--\n\n"
     "Pin the current version of a bundle: a Bundle, to be used in a `with` block, or until release().\n\n"
     "A hit takes about a microsecond. A miss waits until the bundle is published, with the GIL released; "
     "Ctrl-C ends the wait. Any thread.\n"
     "Raises NotFound, FormatError, ReadError, PoolFull, NoMemory, PoolTimeout, Changed, Stopped, "
     "InvalidArgument."},
    {"invalidate", (PyCFunction)(void *)invalidate, METH_VARARGS | METH_KEYWORDS,
     "invalidate($self, /, name=None)\n--\n\n"
     "Forget a bundle, or all: a get that starts afterwards, on any rank, loads it again."},
    {"_version", version, METH_O, "The version that a get would return now, a dict."},
    {"_stats", stats, METH_NOARGS, "Statistics, a dict."},
    {"resize", resize, METH_O,
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
    {"__weaklistoffset__", T_PYSSIZET, offsetof(pool, weak), READONLY, NULL},
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
    .basicsize = sizeof(pool),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

int bp__py_add_pool(PyObject *module)
{
    return bp__py_add_type(module, &spec, &pool_type);
}
