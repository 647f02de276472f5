/* What is asked of a pool by a rank alone. */
#include "python/core/pool.h"

#include <stdlib.h>
#include <string.h>

#include "core/atomic.h"
#include "core/status.h"
#include "mpi/pool.h"

/* What all of them ask and answer. */
typedef struct call {
    bp__py_shell *shell;
    bp_status (*what)(struct call *call);
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
    c->shell = bp__py_shell_enter(self);
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
    const bp__py_shell *s = ((bp__py_pool *)self)->shell;
    return bp__py_bundle_new(bundle, s->cfg.enable_bundle_pooling, s->root);
}

PyObject *bp__py_pool_get(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords)
{
    PyObject *argument = only_name("get", arguments, count, keywords);
    const char *name = argument ? bp__py_text(argument, "name") : NULL;
    if (!name) return NULL;
    bp__py_shell *s = bp__py_shell_enter(self);
    if (!s) return NULL;
    const bp_bundle *bundle = bp__pool_find(s->pool, name, false);
    if (!bundle) {
        Py_BEGIN_ALLOW_THREADS
        bundle = bp__pool_find(s->pool, name, true);
        Py_END_ALLOW_THREADS
    }
    bp__py_shell_exit(s);
    return bundle ? bp__py_bundle_new(bundle, true, s->root) : wait_for(self, name);
}

PyObject *bp__py_pool_invalidate(PyObject *self, PyObject *arguments, PyObject *keywords)
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

PyObject *bp__py_pool_version(PyObject *self, PyObject *name)
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

PyObject *bp__py_pool_stats(PyObject *self, PyObject *none)
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

PyObject *bp__py_pool_resize(PyObject *self, PyObject *bundles)
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
