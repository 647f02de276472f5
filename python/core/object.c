/* What every part needs: types, arguments, and to know in which process it is. */
#include "python/core/core.h"

#include <pthread.h>
#include <string.h>

static unsigned process = 1;

static void in_child(void)
{
    process++;
}

unsigned bp__py_process(void)
{
    return process;
}

int bp__py_watch_forks(void)
{
    if (pthread_atfork(NULL, NULL, in_child) == 0) return 0;
    PyErr_NoMemory();
    return -1;
}

int bp__py_add_type(PyObject *module, PyType_Spec *spec, PyObject **type)
{
    if (!*type)
        *type = PyType_FromModuleAndSpec(module, spec, NULL); /* a module that is imported anew keeps it */
    if (!*type) return -1;
    const char *dot = strrchr(spec->name, '.');
    return PyModule_AddObjectRef(module, dot ? dot + 1 : spec->name, *type);
}

void bp__py_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

const char *bp__py_text(PyObject *value, const char *argument)
{
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: expected str, got %R", argument, Py_TYPE(value));
        return NULL;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (!text) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: %A is not a text that UTF-8 can hold", argument, value);
        return NULL;
    }
    if (strlen(text) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s: %A contains a NUL character", argument, value);
        return NULL;
    }
    return text;
}

PyObject *bp__py_path(PyObject *value, const char *argument)
{
    PyObject *bytes = NULL;
    if (PyUnicode_FSConverter(value, &bytes)) return bytes;
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s: expected str, bytes or os.PathLike, got %R", argument,
                     Py_TYPE(value));
    return NULL;
}
