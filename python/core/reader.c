/* The four readers: functions of `_core` that answer straight into memory of their caller.
 *
 * DESIGN. The readers belong to a Pin: bp__py_pin_reader() builds them at the first question, and they go
 * with the bundle. So a function takes the Pin, and there is no handle that could outlive its bundle. Lists
 * and tables go to buffers that the package has allocated as NumPy arrays; asked with None, a function tells
 * how much room is needed. The Pin is held during a call: another thread that runs meanwhile, or Python code
 * that reading an argument runs, is told Busy by release() instead of pulling the bundle away. The GIL is
 * dropped where an answer takes longer than the switch. Dates are nanoseconds here; what else stands for a
 * date is read by bundlepool._dates. */
#include "python/core/reader_args.h"

typedef PyObject *answer_of(const bp_reader *reader, PyObject *const *args);

static PyObject *ask(const char *function, answer_of *answer, Py_ssize_t expected, PyObject *const *args,
                     Py_ssize_t given)
{
    if (given != expected) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, got %zd", function, expected, given);
        return NULL;
    }
    if (!PyObject_TypeCheck(args[0], (PyTypeObject *)bp__py_pin_type)) {
        PyErr_Format(PyExc_TypeError, "%s() takes a Pin first", function);
        return NULL;
    }
    const bp_reader *reader = bp__py_pin_reader(args[0]);
    if (!reader) return NULL;
    bp__py_pin_hold(args[0]);
    PyObject *result = answer(reader, args);
    bp__py_pin_let_go(args[0]);
    return result;
}

#define X(name, count)                                                                                       \
    static PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t n)                               \
    {                                                                                                        \
        (void)self;                                                                                          \
        return ask("reader_" #name, bp__py_reader_##name, count, args, n);                                   \
    }
BP_PY_READER_MAP(X)
#undef X

static PyMethodDef functions[] = {
#define X(name, count) {"reader_" #name, (PyCFunction)(void *)(name), METH_FASTCALL, NULL},
    BP_PY_READER_MAP(X)
#undef X
        {NULL, NULL, 0, NULL},
};

int bp__py_add_reader(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
