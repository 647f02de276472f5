/* The module bundlepool._core: its parts, and what they need of CPython. */
#include "python/core/core.h"

/* BP_PY_PARTS is an X(NAME) for each bp__py_add_NAME() in this folder: CMake looks for them. */
#define X(name) int bp__py_add_##name(PyObject *module);
BP_PY_PARTS
#undef X

/* What is static here is one interpreter's: a second one in this process would share its objects. */
static int check_interpreter(void)
{
    static int64_t first = -1;
    int64_t id = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (first < 0) {
        first = id;
        if (bp__py_watch_forks() != 0) {
            first = -1;
            return -1;
        }
    }
    if (id == first) return 0;
    PyErr_SetString(PyExc_ImportError,
                    "bundlepool is in use by another interpreter of this process; a second one "
                    "needs a process of its own");
    return -1;
}

static int fill(PyObject *module)
{
    if (check_interpreter() != 0) return -1;
#define X(name)                                                                                              \
    if (bp__py_add_##name(module) != 0) return -1;
    BP_PY_PARTS
#undef X
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)fill}, {0, NULL}};

static PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "bundlepool._core",
    .m_doc = "The C part of bundlepool: use the package, not this module.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
