/* Searches, called from Python: with everything told (the program), or without a word (sweep). */
#include "python/core/core.h"

#include <string.h>

#include <mpi.h>

#include "core/log.h"
#include "mpi/comm.h"
#include "optimizer/optimizer.h"
#include "optimizer/plugins.h"
#include "optimizer/run.h"
#include "python/core/found.h"
#include "python/core/mpi.h"
#include "python/core/provider.h"

/* The program ---------------------------------------------------------------------------------------- */

static PyObject *optimizer(PyObject *module, PyObject *args)
{
    PyObject *list, *resolve;
    bp__py_argv argv;
    bp__py_provider provider;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &list, &resolve) || bp__py_argv_from(list, &argv) != 0) return NULL;
    bp__py_provider_init(resolve, NULL, &provider);
    bp__py_search_begin();
    bp__py_outside();
    const int code = bp__optimizer_main(argv.count, argv.arg, &provider.face);
    bp__py_inside();
    bp__py_search_end();
    bp__py_provider_fini(&provider);
    bp__py_argv_fini(&argv);
    return PyLong_FromLong(code);
}

/* [(name, takes a value, commands, help)] of all options */
static PyObject *options(PyObject *module, PyObject *unused)
{
    const bp__program *program = bp__optimizer();
    PyObject *list = PyList_New(0);
    (void)module, (void)unused;
    for (size_t i = 0; list && i < program->num_options; i++) {
        const bp__option *o = &program->option[i];
        if (!o->name) continue;
        PyObject *entry =
            Py_BuildValue("(sOIs)", o->name, o->value ? Py_True : Py_False, (unsigned)o->uses, o->help);
        if (!entry || PyList_Append(list, entry) != 0) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* Hooks ---------------------------------------------------------------------------------------------- */

typedef struct caller {
    PyObject *hooks;                    /* borrowed: progress(done, total), warn(text), go_on() */
    PyObject *type, *value, *traceback; /* the first exception that one of them has raised */
} caller;

/* Keep the exception: from then on nothing goes on. */
static void keep(caller *c)
{
    if (c->type)
        PyErr_Clear();
    else
        PyErr_Fetch(&c->type, &c->value, &c->traceback);
}

static void progress(void *context, uint64_t done, uint64_t total)
{
    caller *c = context;
    const bool entered = bp__py_enter();
    PyObject *result =
        PyObject_CallMethod(c->hooks, "progress", "KK", (unsigned long long)done, (unsigned long long)total);
    if (!result) keep(c);
    Py_XDECREF(result);
    bp__py_leave(entered);
}

static void warn(void *context, const char *text)
{
    caller *c = context;
    const bool entered = bp__py_enter();
    PyObject *result = PyObject_CallMethod(c->hooks, "warn", "s", text);
    if (!result) keep(c);
    Py_XDECREF(result);
    bp__py_leave(entered);
}

static bool go_on(void *context)
{
    caller *c = context;
    const bool entered = bp__py_enter();
    bool go = !c->type;
    PyObject *result = PyErr_CheckSignals() == 0 ? PyObject_CallMethod(c->hooks, "go_on", NULL) : NULL;
    if (result)
        go = go && PyObject_IsTrue(result) == 1;
    else
        keep(c), go = false;
    Py_XDECREF(result);
    bp__py_leave(entered);
    return go;
}

static bool is_stopped(void *context)
{
    return !go_on(context);
}

/* Which signal has stopped a rank, so that it has its effect on all: 0: none, an exception has. */
static bp_status share_reason(MPI_Comm comm, const caller *c, int *number)
{
    bp__py_inside();
    PyObject *reason = PyObject_GetAttrString(c->hooks, "stopped_by");
    int mine = reason ? (int)PyLong_AsLong(reason) : 0;
    PyErr_Clear();
    Py_XDECREF(reason);
    bp__py_outside();
    BP_MPI(MPI_Allreduce(&mine, number, 1, MPI_INT, MPI_MAX, comm));
    return BP_OK;
}

/* Sweeps --------------------------------------------------------------------------------------------- */

/* Options of this rank, agreed on with the others. */
static bp_status read_options(MPI_Comm comm, const bp__py_argv *argv, const bp__provider *provider,
                              bp__options *o)
{
    bp_status s = bp__options_parse(argv->count, argv->arg, provider, o);
    if (s == BP_OK &&
        (o->command->use != BP__SEARCH || o->check_lookahead || o->dry_run || bp__options_only_tell(o)))
        s = bp__fail(BP_EINVAL, "a sweep is a search, and nothing else");
    return bp__agree(comm, bp__plugin_alike(comm, o, s));
}

/* A rank is in a backtest, or waits for a message that will not come: there is no other way out. Where the pool is
 * broken, or there is none because a rank cannot be reached, all ranks know: they have an exception. */
static void end_job(bp_status s, const bp__found *found)
{
    if (found->ending != BP__ENDED_ABANDONED || found->num_ranks < 2 || found->broken) return;
    bp__log_as("bundlepool", "error", bp_error_text());
    MPI_Abort(MPI_COMM_WORLD, s == BP_ETIMEOUT ? BP__EXIT_AGAIN : BP__EXIT_FAILED);
}

static PyObject *search(MPI_Comm comm, const bp__py_argv *argv, const bp__provider *provider, bp_pool *pool,
                        caller *c)
{
    const bp__run_hooks hooks = {
        .context = c, .progress = progress, .warn = warn, .go_on = go_on, .is_stopped = is_stopped};
    bp__options o;
    bp__found found = {0};
    int rank = 0, stopped_by = 0;
    bp__py_search_begin();
    bp__py_outside();
    bp_status s = read_options(comm, argv, provider, &o);
    o.conduct.pool = pool;
    if (s == BP_OK) {
        MPI_Comm_rank(comm, &rank);
        s = bp__search_with(&o, comm, &hooks, &found);
        if (s == BP_OK && found.ending == BP__ENDED_STOPPED) s = share_reason(comm, c, &stopped_by);
    }
    bp__py_inside();
    bp__py_search_end();
    end_job(s, &found);
    PyObject *result = NULL;
    if (c->type) {
        PyErr_Restore(c->type, c->value, c->traceback);
    } else if (s != BP_OK) {
        bp__py_raise(s);
    } else {
        result = bp__py_found(&found, rank == 0);
        PyObject *number = result ? PyLong_FromLong(stopped_by) : NULL;
        if (result && (!number || PyDict_SetItemString(result, "stopped_by", number) != 0)) Py_CLEAR(result);
        Py_XDECREF(number);
    }
    if (found.spec) bp__search_fini(&found);
    bp__options_fini(&o);
    return result;
}

/* sweep(comm, argv, description, pool, hooks) */
static PyObject *sweep(PyObject *module, PyObject *args)
{
    PyObject *handle, *list, *description, *pool_object, *hooks, *result = NULL;
    bp__py_argv argv;
    bp__py_provider provider;
    bp__py_meeting *met;
    bp_pool *pool = NULL;
    MPI_Comm comm;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOO", &handle, &list, &description, &pool_object, &hooks)) return NULL;
    if (bp__py_mpi_comm(handle, hooks, &comm) != 0 || bp__py_argv_from(list, &argv) != 0) return NULL;
    const bool has_pool = pool_object == Py_None || (pool = bp__py_pool_enter(pool_object)) != NULL;
    /* from here on nothing may fail on this rank alone, without the others hearing of it */
    if (has_pool && bp__py_meet(BP__PY_SEARCH, comm, hooks, &met) == 0) {
        caller c = {.hooks = hooks};
        bp__py_provider_init(NULL, description == Py_None ? NULL : description, &provider);
        result = search(comm, &argv, description == Py_None ? NULL : &provider.face, pool, &c);
        bp__py_provider_fini(&provider);
        bp__py_part(met);
    }
    if (pool) bp__py_pool_leave(pool_object);
    bp__py_argv_fini(&argv);
    return result;
}

static PyMethodDef functions[] = {
    {"optimizer", optimizer, METH_VARARGS,
     "optimizer($module, argv, resolve, /)\n--\n\nDo what the program does. resolve(name) gives the strategies of a .py file."},
    {"options", options, METH_NOARGS,
     "options($module, /)\n--\n\nThe program's options: [(name, takes a value, commands, help)]."},
    {"sweep", sweep, METH_VARARGS,
     "sweep($module, comm, argv, description, pool, hooks, /)\n--\n\nSearch, and print nothing."},
    {NULL, NULL, 0, NULL},
};

int bp__py_add_search(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
