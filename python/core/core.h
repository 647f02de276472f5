/** @file python/core/core.h
 * What the files of the extension `bundlepool._core` share.
 *
 * Only the limited API of CPython 3.11 is used, so one binary serves every later release, and no C interface
 * of NumPy: arrays are buffers (PEP 3118). Each file that adds types or functions has one bp__py_add_NAME(),
 * which module.c calls.
 *
 * Unless it says otherwise, a function here is called with the GIL held, and on failure sets a Python
 * exception and returns NULL or -1. The library's own failures become exceptions by bp__py_raise().
 *
 * Waiting. What may wait drops the GIL, and ends within 0.2 s of a signal whose Python handler raises:
 * bp__py_wait(). A lock of the library is never held by a thread that wants the GIL.
 *
 * Forks. The pins of a pool belong to the process that got them: a child releases none of them, and using one
 * is an error of its own. Memory of bp_bundle_load() is private, a child has a copy of it, and may use it.
 */
#ifndef BP_PYTHON_CORE_H
#define BP_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <structmember.h>

#include <stdbool.h>

#include <bundlepool/bundle.h>
#include <bundlepool/reader.h>
#include <bundlepool/status.h>

/* Types, arguments, processes: object.c ------------------------------------------------------------ */

/** Make a heap type of `spec` and add it to the module under the last part of its name.
 *  @param[out] type  a reference of its own; kept for the life of the process */
int bp__py_add_type(PyObject *module, PyType_Spec *spec, PyObject **type);

/** tp_dealloc's last step for every heap type of the extension. */
void bp__py_free(PyObject *self);

/* Errors: errors.c --------------------------------------------------------------------------------- */

/** Set the exception for a failure of the library: its class from bundlepool.errors, its text from
 *  bp_error_text() of this thread. @return NULL */
PyObject *bp__py_raise(bp_status s);

/** The same with a text of the caller's. @return NULL */
PyObject *bp__py_raise_text(bp_status s, const char *text);

/** The same with a text that is put together. @return NULL */
__attribute__((format(printf, 2, 3))) PyObject *bp__py_fail(bp_status s, const char *format, ...);

/** A child process touched what is its parent's. `what`: "the bundle quandl". @return NULL */
PyObject *bp__py_raise_forked(const char *what);

/** The UTF-8 of an exact str without NUL, borrowed from it; NULL and TypeError or ValueError, which names
 *  the argument, for anything else. */
const char *bp__py_text(PyObject *value, const char *argument);

/** The bytes of a path: str, bytes or os.PathLike. @return a new bytes object */
PyObject *bp__py_path(PyObject *value, const char *argument);

/** A number of this process that differs in each of its children. */
unsigned bp__py_process(void);

/** Once, before the first bp__py_process(). @return -1 and MemoryError */
int bp__py_watch_forks(void);

/* Waiting: wait.c ---------------------------------------------------------------------------------- */

/** What may take long. `work` runs in a thread of its own, without the GIL; it must call nothing of Python.
 */
typedef struct bp__py_work {
    bp_status (*work)(void *argument);
    void (*drop)(void *argument); /**< undoes and frees, when nobody waits any more; also without the GIL */
} bp__py_work;

/** Do the work and wait for it with the GIL dropped, looking for signals.
 *
 * @param[in] argument  from malloc(); the caller's again when this returns 0
 * @param[out] status   what `work` returned; if it failed, bp_error_text() is its text
 * @return 0 when the work is done; -1 with an exception when a signal ended the wait: then `drop` has been
 *         called or will be, and the argument is gone */
int bp__py_wait(const bp__py_work *work, void *argument, bp_status *status);

/** Threads of bp__py_wait() that go on although nobody waits for them. */
unsigned bp__py_abandoned(void);

/* Pins: pin.c -------------------------------------------------------------------------------------- */

/** A bundle that is held, and who uses it: heap type `_core.Pin`. */
extern PyObject *bp__py_pin_type;

/** Take over a bundle. @param[in] shared  it is from a pool: a child process may not use it
 *  @return a new Pin; on failure the bundle has been released */
PyObject *bp__py_pin_new(const bp_bundle *bundle, bool shared);

/** The bundle of a Pin. @return NULL and an exception if it has been released, or is the parent's of this
 * child */
const bp_bundle *bp__py_pin_bundle(PyObject *pin);

/** Its readers, built by the first call. @return NULL and an exception as above, or if its columns contradict
 *  each other */
bp_reader *bp__py_pin_reader(PyObject *pin);

/** Keep a Pin from being released while the GIL is dropped, or as long as a buffer of it lives. After
 *  bp__py_pin_bundle() has succeeded, and in pairs. */
void bp__py_pin_hold(PyObject *pin);
void bp__py_pin_let_go(PyObject *pin);

/** Release now. @return -1 and Busy, which counts them, if there are holds; released already is fine */
int bp__py_pin_release(PyObject *pin);

/** Release now, or when the last hold goes; the Pin cannot be used for anything new. */
void bp__py_pin_leave(PyObject *pin);

/** Whether a Pin has been released or left. */
bool bp__py_pin_is_released(PyObject *pin);

/** Whether a Pin is the parent's, and this is a child that must not use it. */
bool bp__py_pin_is_foreign(PyObject *pin);

/* Buffers: column.c -------------------------------------------------------------------------------- */

/** A read-only buffer over memory that `owner` keeps: heap type `_core.Column`. If the owner is a Pin, each
 *  array that is made of the buffer is a hold.
 *
 * @param[in] format  of struct, such as "d", static
 * @param[in] ndim    1 or 2, C order */
PyObject *bp__py_column_over(PyObject *owner, const void *data, const char *format, Py_ssize_t itemsize,
                             int ndim, const Py_ssize_t shape[]);

/** A column of a pinned bundle. */
PyObject *bp__py_column_of(PyObject *pin, bp_column column);

/* Bundles: bundle.c -------------------------------------------------------------------------------- */

/** An object of the class that the face has registered, over a bundle that it takes over; see
 * bp__py_pin_new().
 *  @param[in] root  str: the folder that it is from; borrowed */
PyObject *bp__py_bundle_new(const bp_bundle *bundle, bool shared, PyObject *root);

/** A version as a dict of the fields of bundlepool.Version. */
PyObject *bp__py_version(const bp_version *version);

/** The Pin of a bundle object; borrowed. @return NULL and TypeError if it is not one */
PyObject *bp__py_bundle_pin(PyObject *bundle);

#endif
