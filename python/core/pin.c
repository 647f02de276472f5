/* DESIGN of lifetimes
 *
 * A Pin owns one bundle. Buffers of it are counted as holds, as is each call that works without the GIL; the
 * count changes under the GIL only. While there are holds nothing is released: release() says so, and a Pin
 * that was left (the end of a `with` block) is released by its last hold. A Pin without any reference is
 * released as well.
 *
 * Nothing here refers to another Python object, so no cycle goes through a Pin: the last array's end is the
 * pin's.
 */
#include "python/core/mpi.h"

typedef struct pin {
    PyObject_HEAD
    const bp_bundle *bundle; /* owned; NULL: released */
    bp_reader *reader;       /* owned; NULL until it is asked for */
    Py_ssize_t holds;
    unsigned process; /* that made it */
    bool shared;      /* it is a pool's */
    bool left;        /* to be released by the last hold */
} pin;

PyObject *bp__py_pin_type;

static bool is_the_parents(const pin *p)
{
    return p->shared && p->process != bp__py_process();
}

static void give_back(pin *p)
{
    if (is_the_parents(p)) return;
    bp_reader_destroy(&p->reader);
    if (!p->shared)
        bp_bundle_release(&p->bundle);
    else if (bp__py_mpi_enter()) {
        bp_bundle_release(&p->bundle);
        bp__py_mpi_leave();
    }
    p->bundle = NULL; /* where MPI has ended, the pin went with the pool, and the memory stays */
}

PyObject *bp__py_pin_new(const bp_bundle *bundle, bool shared)
{
    static allocfunc allocate;
    if (!allocate) allocate = (allocfunc)PyType_GetSlot((PyTypeObject *)bp__py_pin_type, Py_tp_alloc);
    pin *p = (pin *)allocate((PyTypeObject *)bp__py_pin_type, 0);
    if (!p) {
        bp_bundle_release(&bundle);
        return NULL;
    }
    p->bundle = bundle;
    p->process = bp__py_process();
    p->shared = shared;
    return (PyObject *)p;
}

static void dealloc(PyObject *self)
{
    give_back((pin *)self);
    bp__py_free(self);
}

const bp_bundle *bp__py_pin_bundle(PyObject *self)
{
    pin *p = (pin *)self;
    if (!p->bundle || p->left) {
        bp__py_fail(BP_EINVAL, "the bundle has been released");
        return NULL;
    }
    if (is_the_parents(p)) {
        char what[BP_NAME_MAX + 16] = "the bundle ";
        strncat(what, bp_bundle_name(p->bundle), BP_NAME_MAX);
        bp__py_raise_forked(what);
        return NULL;
    }
    return p->bundle;
}

bp_reader *bp__py_pin_reader(PyObject *self)
{
    pin *p = (pin *)self;
    const bp_bundle *bundle = bp__py_pin_bundle(self);
    if (!bundle) return NULL;
    if (p->reader) return p->reader;
    bp_reader *reader = NULL;
    bp__py_pin_hold(self);
    bp_status s;
    Py_BEGIN_ALLOW_THREADS
    s = bp_reader_create(bundle, &reader);
    Py_END_ALLOW_THREADS
    if (p->reader || p->left) /* another thread was faster, or has left */
        bp_reader_destroy(&reader);
    else
        p->reader = reader;
    if (s != BP_OK) bp__py_raise(s);
    bp__py_pin_let_go(self);
    if (s == BP_OK && !bp__py_pin_bundle(self)) return NULL;
    return p->reader;
}

void bp__py_pin_hold(PyObject *self)
{
    ((pin *)self)->holds++;
}

void bp__py_pin_let_go(PyObject *self)
{
    pin *p = (pin *)self;
    if (--p->holds == 0 && p->left) give_back(p);
}

int bp__py_pin_release(PyObject *self)
{
    pin *p = (pin *)self;
    if (!p->bundle) return 0;
    if (is_the_parents(p)) return bp__py_pin_bundle(self) ? 0 : -1;
    if (p->holds > 0) {
        bp__py_fail(BP_EBUSY,
                    "%s: %zd array%s of it %s in use; delete what was made from the bundle first, or "
                    "leave its `with` block: the last array then releases it",
                    bp_bundle_name(p->bundle), p->holds, p->holds == 1 ? "" : "s",
                    p->holds == 1 ? "is" : "are");
        return -1;
    }
    give_back(p);
    return 0;
}

void bp__py_pin_leave(PyObject *self)
{
    pin *p = (pin *)self;
    p->left = true;
    if (p->holds == 0) give_back(p);
}

bool bp__py_pin_is_released(PyObject *self)
{
    const pin *p = (const pin *)self;
    return !p->bundle || p->left;
}

bool bp__py_pin_is_foreign(PyObject *self)
{
    return is_the_parents((const pin *)self);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "A bundle that is held, and what uses it."},
    {Py_tp_dealloc, (void *)dealloc},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bundlepool._core.Pin",
    .basicsize = sizeof(pin),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int bp__py_add_pin(PyObject *module)
{
    return bp__py_add_type(module, &spec, &bp__py_pin_type);
}
