/* Configurations: keywords in, a dict out. The library's table of fields is the only one. */
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/memory.h"
#include "python/core/mpi.h"

/* ", did you mean 'max_staleness_ms'?", or nothing */
static PyObject *near_field(PyObject *name)
{
    PyObject *difflib = PyImport_ImportModule("difflib"), *names = PyList_New(0), *near = NULL, *hint = NULL;
    const char *field, *fallback, *help;
    for (unsigned i = 0; names && bp_config_field(i, &field, &fallback, &help); i++) {
        PyObject *text = PyUnicode_FromString(field);
        if (!text || PyList_Append(names, text) != 0) Py_CLEAR(names);
        Py_XDECREF(text);
    }
    if (difflib && names) near = PyObject_CallMethod(difflib, "get_close_matches", "OOi", name, names, 1);
    if (near && PyList_Check(near))
        hint = PyList_Size(near) > 0 ? PyUnicode_FromFormat("; did you mean '%U'?", PyList_GetItem(near, 0))
                                     : PyUnicode_FromFormat("; there are: %S", names);
    Py_XDECREF(difflib);
    Py_XDECREF(names);
    Py_XDECREF(near);
    return hint;
}

static int no_such_field(PyObject *name, const char *caller)
{
    PyObject *hint = near_field(name);
    if (hint) PyErr_Format(PyExc_TypeError, "%s() has no setting '%U'%U", caller, name, hint);
    Py_XDECREF(hint);
    return -1;
}

/* A value as the environment would say it; a new reference to bytes. */
static PyObject *text_of(PyObject *value, const char *field)
{
    if (PyBool_Check(value)) return PyBytes_FromString(PyObject_IsTrue(value) ? "true" : "false");
    if (strcmp(field, "root") == 0) return bp__py_path(value, field);
    PyObject *text = NULL;
    if (PyFloat_Check(value)) { /* 2e9 bytes are meant as a whole number; 0.5 ms are nothing that there is */
        double number = PyFloat_AsDouble(value);
        if (number == (double)(long long)number) text = PyUnicode_FromFormat("%lld", (long long)number);
    } else if (PyUnicode_Check(value)) {
        text = Py_NewRef(value);
    } else if (PyIndex_Check(value)) { /* NumPy's integers as well */
        PyObject *number = PyNumber_Index(value);
        text = number ? PyObject_Str(number) : NULL;
        Py_XDECREF(number);
    }
    if (!text) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "%s: expected a whole number, bool or str, got %R", field, value);
        return NULL;
    }
    const char *utf8 = bp__py_text(text, field);
    PyObject *bytes = utf8 ? PyBytes_FromString(utf8) : NULL;
    Py_DECREF(text);
    return bytes;
}

static int set_field(bp_config *cfg, PyObject *name, PyObject *value, const char *caller)
{
    const char *field = bp__py_text(name, "keyword"), *known, *fallback, *help;
    if (!field) return -1;
    bool there = false;
    for (unsigned i = 0; !there && bp_config_field(i, &known, &fallback, &help); i++)
        there = strcmp(known, field) == 0;
    if (!there) return no_such_field(name, caller);
    PyObject *text = text_of(value, field);
    if (!text) return -1;
    bp_status s = bp_config_set(cfg, field, PyBytes_AsString(text), field);
    Py_DECREF(text);
    if (s != BP_OK) bp__py_raise(s);
    return s == BP_OK ? 0 : -1;
}

int bp__py_config_read(PyObject *keywords, const char *caller, bp_config *cfg)
{
    *cfg = bp_config_init();
    bp_status s = bp_config_default(cfg);
    if (s == BP_OK) s = bp_config_from_env(cfg);
    if (s != BP_OK) {
        bp__py_raise(s);
        return -1;
    }
    PyObject *name, *value;
    for (Py_ssize_t at = 0; keywords && PyDict_Next(keywords, &at, &name, &value);)
        if (set_field(cfg, name, value, caller) != 0) return -1;
    s = bp_config_check(cfg);
    if (s != BP_OK) bp__py_raise(s);
    return s == BP_OK ? 0 : -1;
}

static PyObject *value_of(const bp__setting *value)
{
    switch (value->kind) {
    case BP__SETTING_BOOL: return PyBool_FromLong(value->truth);
    case BP__SETTING_NUMBER: return PyLong_FromLongLong(value->number);
    case BP__SETTING_TEXT: break;
    }
    return PyUnicode_DecodeFSDefault(value->text);
}

PyObject *bp__py_config_dict(const bp_config *cfg)
{
    PyObject *dict = PyDict_New();
    const char *name, *fallback, *help;
    bp__setting setting;
    for (unsigned i = 0; dict && bp_config_field(i, &name, &fallback, &help); i++) {
        PyObject *value = bp__config_value(cfg, i, &setting) ? value_of(&setting) : NULL;
        if (!value || PyDict_SetItemString(dict, name, value) != 0) Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *config(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    bp_config cfg;
    (void)module;
    if (PyTuple_Size(arguments) != 0) {
        PyErr_SetString(PyExc_TypeError, "config() takes settings as keywords only");
        return NULL;
    }
    return bp__py_config_read(keywords, "config", &cfg) == 0 ? bp__py_config_dict(&cfg) : NULL;
}

static PyObject *memory_limit(PyObject *module, PyObject *none)
{
    bp__memory memory;
    (void)module, (void)none;
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || size <= 0) return bp__py_fail(BP_ESYS, "the size of the memory cannot be found out");
    uint64_t limit = (uint64_t)pages * (uint64_t)size;
    const bp_status s = bp__memory_look(&memory);
    if (s != BP_OK) return bp__py_raise(s);
    if (memory.cgroup < limit) limit = memory.cgroup;
    if (memory.slurm < limit) limit = memory.slurm;
    return PyLong_FromUnsignedLongLong(limit);
}

static PyMethodDef functions[] = {
    {"config", (PyCFunction)(void *)config, METH_VARARGS | METH_KEYWORDS,
     "config($module, /, **settings)\n--\n\n"
     "The configuration that a pool would get: defaults, then the environment, then keywords. A dict."},
    {"memory_limit", memory_limit, METH_NOARGS,
     "memory_limit()\n--\n\nBytes that the processes of this job may use on this machine: its memory, what the "
     "cgroup leaves, what Slurm gave."},
    {0},
};

int bp__py_add_config(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
