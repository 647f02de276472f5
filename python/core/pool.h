/** @file python/core/pool.h
 * The inside of a Pool object: pool_shell.c lets calls in, pool_calls.c makes them, pool.c begins and ends
 * it.
 *
 *  - A hit (bp__pool_find) waits for nothing, and keeps the GIL; one that has to look at the file drops it.
 *    Everything else runs by bp__py_wait().
 *  - What a call in another thread needs lives in a `shell`, which outlives the Python object: such a call
 *    may go on after its caller has left. Shells are kept to the end of the process; there is one for each
 *    pool that was made.
 *  - close() is collective. It lets nobody in any more, waits for the calls that are under way, and destroys
 *    the pool, unless a rank holds a bundle: then all get Busy, and the pool is open as before.
 *  - The gate of MPI (mpi.h) is passed by every call: MPI_Finalize destroys pools as well.
 */
#ifndef BP_PYTHON_POOL_H
#define BP_PYTHON_POOL_H

#include "python/core/mpi.h"

/** What of a pool outlives its Python object. */
typedef struct bp__py_shell {
    bp_pool *pool; /**< NULL: closed */
    bp_config cfg;
    PyObject *root; /**< cfg.root as str */
    int rank, size;
    _Atomic unsigned users;                                    /**< calls under way, in whatever thread */
    enum { BP__PY_OPEN, BP__PY_CLOSING, BP__PY_CLOSED } state; /**< changed under the GIL */
    struct bp__py_shell *next;
} bp__py_shell;

typedef struct bp__py_pool {
    PyObject_HEAD
    bp__py_shell *shell; /**< NULL until it has been created */
    PyObject *weak;
} bp__py_pool;

extern PyObject *bp__py_pool_type;

/** Set the exception that says why a pool cannot be used. @param[in] shell  may be NULL */
void bp__py_pool_refuse(const bp__py_shell *shell);

/** The shell of a Pool, for a call that passes the gate and is under way until bp__py_shell_exit().
 *  @param[in] pool  must be a Pool. @return NULL and an exception if it cannot be used */
bp__py_shell *bp__py_shell_enter(PyObject *pool);
void bp__py_shell_exit(bp__py_shell *shell);

/* Methods of a Pool */
PyObject *bp__py_pool_get(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);
PyObject *bp__py_pool_invalidate(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *bp__py_pool_version(PyObject *self, PyObject *name);
PyObject *bp__py_pool_stats(PyObject *self, PyObject *none);
PyObject *bp__py_pool_resize(PyObject *self, PyObject *bundles);

#endif
