#include "python/core/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

/* What open() has made: strategies of one file. */
typedef struct opened {
    bp__py_strategy **strategy; /* [count] */
    const bp_strategy **face;   /* [count] */
    size_t count;
    PyObject *descriptions; /* keeps all texts */
} opened;

/* "mine.py", "mine.py:rule" */
static bool names_a_file(const char *name)
{
    const char *dot = strstr(name, ".py");
    while (dot && dot[3] != '\0' && dot[3] != ':') dot = strstr(dot + 1, ".py");
    return dot != NULL;
}

static bool is_named(void *context, const char *name)
{
    const bp__py_provider *p = context;
    const bool entered = bp__py_enter();
    bool is = p->resolve && names_a_file(name);
    if (p->description) {
        PyObject *own = PyDict_GetItemString(p->description, "option");
        const char *text = own ? PyUnicode_AsUTF8AndSize(own, NULL) : NULL;
        is = text && strcmp(text, name) == 0;
    }
    PyErr_Clear();
    bp__py_leave(entered);
    return is;
}

static void free_opened(opened *o)
{
    if (!o) return;
    for (size_t i = 0; i < o->count && o->strategy; i++) bp__py_strategy_free(o->strategy[i]);
    free(o->strategy);
    free(o->face);
    Py_XDECREF(o->descriptions);
    free(o);
}

/* @param[in] list  of descriptions */
static opened *open_list(PyObject *list)
{
    const Py_ssize_t count = PyList_Size(list);
    opened *o = count > 0 ? calloc(1, sizeof *o) : NULL;
    if (!o) return count == 0 ? PyErr_SetString(PyExc_ValueError, "no strategy"), NULL : NULL;
    o->strategy = calloc((size_t)count, sizeof *o->strategy);
    o->face = calloc((size_t)count, sizeof *o->face);
    o->descriptions = Py_NewRef(list);
    for (Py_ssize_t i = 0; o->strategy && o->face && i < count; i++) {
        bp__py_strategy *s = bp__py_strategy_new(PyList_GetItem(list, i));
        if (!s) break;
        o->strategy[o->count] = s;
        o->face[o->count++] = bp__py_strategy_face(s);
    }
    if (o->count == (size_t)count) return o;
    if (!PyErr_Occurred()) PyErr_NoMemory();
    free_opened(o);
    return NULL;
}

static const char *text_of(PyObject *description, const char *key)
{
    PyObject *text = PyDict_GetItemString(description, key);
    return text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
}

/* @param[in] number  of the one that is meant; -1: none */
static int fill(opened *o, Py_ssize_t number, bp__provided *out)
{
    PyObject *description = PyList_GetItem(o->descriptions, number < 0 ? 0 : number);
    const char *hash = text_of(description, "hash"), *file = text_of(description, "file");
    const char *pieces = text_of(description, "pieces");
    if (!hash || !file || !pieces) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_KeyError, "the description of a strategy lacks its identity");
        return -1;
    }
    out->strategy = o->face;
    out->count = o->count;
    out->named = number < 0 ? NULL : o->face[number];
    snprintf(out->hash, sizeof out->hash, "%s", hash);
    out->file = file;
    out->pieces = number < 0 ? NULL : pieces;
    out->own = o;
    return 0;
}

static opened *resolve(bp__py_provider *p, const char *name, Py_ssize_t *number)
{
    *number = 0;
    if (p->description) {
        PyObject *list = PyList_New(0);
        opened *o = list && PyList_Append(list, p->description) == 0 ? open_list(list) : NULL;
        Py_XDECREF(list);
        return o;
    }
    PyObject *found = PyObject_CallFunction(p->resolve, "s", name), *list, *which;
    opened *o = NULL;
    if (found && PyArg_ParseTuple(found, "O!O", &PyList_Type, &list, &which)) {
        *number = which == Py_None ? -1 : PyLong_AsSsize_t(which);
        const bool in_range = *number < PyList_Size(list) && !PyErr_Occurred();
        if (in_range)
            o = open_list(list);
        else if (!PyErr_Occurred())
            PyErr_SetString(PyExc_IndexError, "no such strategy");
    }
    Py_XDECREF(found);
    return o;
}

/* The exception that is set, kept for who wants it and as a text. */
static bp_status refuse(bp__py_provider *p)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback && value) (void)PyException_SetTraceback(value, traceback);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    const char *why = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    const bool missing = type && PyErr_GivenExceptionMatches(type, PyExc_LookupError);
    bp__fail(missing ? BP_ENOTFOUND : BP_EINVAL, "%s", why ? why : "the strategy cannot be read");
    Py_XDECREF(p->error);
    p->error = value;
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    PyErr_Clear();
    return missing ? BP_ENOTFOUND : BP_EINVAL;
}

static bp_status open_name(void *context, const char *name, bp__provided *out)
{
    bp__py_provider *p = context;
    Py_ssize_t number;
    const bool entered = bp__py_enter();
    opened *o = resolve(p, name, &number);
    bp_status s = o && fill(o, number, out) == 0 ? BP_OK : refuse(p);
    if (s == BP_OK && number >= 0) p->strategy = o->strategy[number];
    if (s != BP_OK) free_opened(o);
    bp__py_leave(entered);
    return s;
}

static void close_name(void *context, bp__provided *provided)
{
    (void)context;
    const bool entered = bp__py_enter();
    free_opened(provided->own);
    bp__py_leave(entered);
}

static bool is_required(const bp_strategy *strategy, size_t param)
{
    return bp__py_strategy_requires(strategy->context, param);
}

void bp__py_provider_init(PyObject *resolver, PyObject *description, bp__py_provider *p)
{
    *p = (bp__py_provider){.face = {.context = p,
                                    .command = "python3 -m bundlepool",
                                    .is_named = is_named,
                                    .open = open_name,
                                    .close = close_name,
                                    .is_required = is_required},
                           .resolve = resolver,
                           .description = description};
}

void bp__py_provider_fini(bp__py_provider *p)
{
    Py_CLEAR(p->error);
}

/* Command lines -------------------------------------------------------------------------------------- */

int bp__py_argv_from(PyObject *list, bp__py_argv *argv)
{
    *argv = (bp__py_argv){0};
    if (!PyList_Check(list)) {
        PyErr_Format(PyExc_TypeError, "arguments are a list of str, not %R", Py_TYPE(list));
        return -1;
    }
    const Py_ssize_t count = PyList_Size(list) + 1;
    argv->arg = calloc((size_t)count + 1, sizeof *argv->arg);
    argv->own = calloc((size_t)count + 1, sizeof *argv->own);
    for (Py_ssize_t i = 0; argv->arg && argv->own && i < count; i++) {
        const char *text = i == 0 ? "optimizer" : bp__py_text(PyList_GetItem(list, i - 1), "argument");
        argv->arg[i] = argv->own[i] = text ? strdup(text) : NULL;
        if (!argv->own[i]) break;
        argv->count++;
    }
    if (argv->count == count) return 0;
    if (!PyErr_Occurred()) PyErr_NoMemory();
    bp__py_argv_fini(argv);
    return -1;
}

void bp__py_argv_fini(bp__py_argv *argv)
{
    for (int i = 0; i < argv->count; i++) free(argv->own[i]);
    free(argv->own);
    free(argv->arg);
    *argv = (bp__py_argv){0};
}
