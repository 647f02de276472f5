/* Who may be in a pool. */
#include "python/core/pool.h"

#include "core/atomic.h"

PyObject *bp__py_pool_type;

void bp__py_pool_refuse(const bp__py_shell *s)
{
    int finalised = 0;
    MPI_Finalized(&finalised);
    if (bp__py_process() != 1)
        bp__py_raise_forked("the pool");
    else if (finalised)
        bp__py_fail(BP_EMPI, "MPI has been finalised, and the pool has ended with it");
    else if (!s)
        bp__py_fail(BP_EINVAL, "the pool has not been created: __init__ of Pool was not called, or failed");
    else if (s->state == BP__PY_CLOSING)
        bp__py_fail(BP_ESTOPPED, "the pool is being closed");
    else
        bp__py_fail(BP_EINVAL, "the pool has been closed");
}

bp__py_shell *bp__py_shell_enter(PyObject *self)
{
    bp__py_shell *s = ((bp__py_pool *)self)->shell;
    if (!s || s->state != BP__PY_OPEN || bp__py_process() != 1 || !bp__py_mpi_enter()) {
        bp__py_pool_refuse(s);
        return NULL;
    }
    bp__add_relaxed(&s->users, 1);
    return s;
}

void bp__py_shell_exit(bp__py_shell *s)
{
    bp__sub_release(&s->users, 1);
    bp__py_mpi_leave();
}

bp_pool *bp__py_pool_enter(PyObject *object)
{
    if (!PyObject_TypeCheck(object, (PyTypeObject *)bp__py_pool_type)) {
        PyErr_Format(PyExc_TypeError, "pool: expected a bundlepool.Pool, got %R", Py_TYPE(object));
        return NULL;
    }
    bp__py_shell *s = bp__py_shell_enter(object);
    return s ? s->pool : NULL;
}

void bp__py_pool_leave(PyObject *object)
{
    bp__py_shell_exit(((bp__py_pool *)object)->shell);
}
