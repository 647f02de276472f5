/* From the library's status codes to the exceptions of bundlepool.errors. */
#include "python/core/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/status.h"

PyObject *bp__py_raise_text(bp_status s, const char *text)
{
    if (*text == '\0') text = bp_status_text(s);
    PyObject *decoded = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    PyObject *errors = decoded ? PyImport_ImportModule("bundlepool.errors") : NULL;
    PyObject *error =
        errors ? PyObject_CallMethod(errors, "from_status", "isO", (int)s, bp_status_name(s), decoded) : NULL;
    if (error) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(errors);
    Py_XDECREF(decoded);
    return NULL;
}

PyObject *bp__py_raise(bp_status s)
{
    return bp__py_raise_text(s, bp_error_text());
}

PyObject *bp__py_fail(bp_status s, const char *format, ...)
{
    char text[BP_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return bp__py_raise_text(s, text);
}

PyObject *bp__py_raise_forked(const char *what)
{
    return bp__py_fail(BP_EFORKED,
                       "%s belongs to the parent process: a forked child cannot use it; start the program on "
                       "several ranks instead: mpirun -n 4 python3 PROGRAM",
                       what);
}

int bp__py_add_errors(PyObject *module)
{
    /* the codes under their names, for bundlepool.errors */
#define X(name, value, text)                                                                                 \
    if (PyModule_AddIntConstant(module, #name, value) != 0) return -1;
    BP_STATUS_MAP(X)
#undef X
    return 0;
}
