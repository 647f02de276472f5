#include "python/core/reader_args.h"

#include <string.h>

static bool wrong_type(const char *name, const char *expected, PyObject *value)
{
    PyObject *type = PyType_GetName(Py_TYPE(value));
    if (!type) return false;
    PyErr_Format(PyExc_TypeError, "%s: expected %s, got %U", name, expected, type);
    Py_DECREF(type);
    return false;
}

bool bp__py_int(PyObject *value, const char *name, int64_t *out)
{
    if (PyBool_Check(value) || !PyIndex_Check(value))
        return wrong_type(name, "an integer or an Asset", value);
    PyObject *number = PyNumber_Index(value);
    if (!number) return false;
    const long long x = PyLong_AsLongLong(number);
    Py_DECREF(number);
    if (x == -1 && PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%s: %S does not fit into 64 bits", name, value);
        return false;
    }
    *out = x;
    return true;
}

/* bundlepool._dates.ns(value, name) */
static PyObject *read_date(PyObject *value, const char *name)
{
    PyObject *dates = PyImport_ImportModule("bundlepool._dates");
    if (!dates) return NULL;
    PyObject *ns = PyObject_CallMethod(dates, "ns", "Os", value, name);
    Py_DECREF(dates);
    return ns;
}

bool bp__py_time(PyObject *value, const char *name, int64_t *out)
{
    PyObject *ns = PyLong_CheckExact(value) ? Py_NewRef(value) : read_date(value, name);
    if (!ns) return false;
    const bool good = bp__py_int(ns, name, out);
    Py_DECREF(ns);
    if (good && *out == BP_TIME_MISSING) {
        PyErr_Format(PyExc_ValueError, "%s: is no date", name);
        return false;
    }
    return good;
}

bool bp__py_time_or_none(PyObject *value, const char *name, int64_t *out)
{
    if (value != Py_None) return bp__py_time(value, name, out);
    *out = BP_TIME_MISSING;
    return true;
}

bool bp__py_field(PyObject *value, const char *name, bp_field *out)
{
    static const char *const names[] = {[BP_FIELD_OPEN] = "open",
                                        [BP_FIELD_HIGH] = "high",
                                        [BP_FIELD_LOW] = "low",
                                        [BP_FIELD_CLOSE] = "close",
                                        [BP_FIELD_VOLUME] = "volume"};
    const char *text = bp__py_text(value, name);
    if (!text) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) return *out = (bp_field)i, true;
    PyErr_Format(PyExc_ValueError, "%s: %R is none of open, high, low, close, volume", name, value);
    return false;
}

bool bp__py_array_get(PyObject *value, const char *name, size_t size, bool writable, bool or_none,
                      bp__py_array *out)
{
    *out = (bp__py_array){.count = 0};
    if (or_none && value == Py_None) return true;
    if (PyObject_GetBuffer(value, &out->view, PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0)) != 0)
        return false;
    out->count = (size_t)out->view.len / size;
    const bool aligned = (uintptr_t)out->view.buf % _Alignof(int64_t) == 0 || size < sizeof(int64_t);
    if ((size_t)out->view.len % size == 0 && (size_t)out->view.itemsize == size && aligned) return true;
    PyErr_Format(PyExc_TypeError, "%s: expected aligned elements of %zu bytes, got %zd", name, size,
                 out->view.itemsize);
    bp__py_array_release(out);
    return false;
}

void bp__py_array_release(bp__py_array *array)
{
    if (array->view.obj) PyBuffer_Release(&array->view);
    array->count = 0;
}

PyObject *bp__py_str(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

PyObject *bp__py_stamp(int64_t time)
{
    if (time == BP_TIME_MISSING) return Py_NewRef(Py_None);
    return PyLong_FromLongLong(time);
}

PyObject *bp__py_done(bp_status s)
{
    return s == BP_OK ? Py_NewRef(Py_None) : bp__py_raise(s);
}

PyObject *bp__py_number(bp_status s, size_t count)
{
    return s == BP_OK ? PyLong_FromSize_t(count) : bp__py_raise(s);
}
