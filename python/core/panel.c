/* Arrays that strategies get: memory that is their own, or kept by a cache, as read-only buffers.
 *
 * DESIGN
 *  - An array of NumPy that is made of a buffer keeps the buffer, and the buffer the memory. So an array may be kept
 *    longer than the call, the search and the bundle.
 *  - A panel that a cache only borrows lies in the bundle: its buffer holds a pin, so that nothing is copied. Or it lies
 *    in the scope, which goes; that is copied.
 *  - What a helper makes of an array is kept if it is known how the array was made. It is known by its address: all
 *    buffers over kept panels are in a list. */
#include "python/core/strategy.h"

#include <stdlib.h>
#include <string.h>

#include "backtest/scope.h"
#include "core/bundle.h"

typedef struct panel {
    PyObject_HEAD
    void *own;      /* owned; NULL: it is a cache's */
    bp__kept *kept; /* held; NULL: it is not of a cache */
    PyObject *pin;  /* what is borrowed lies in its bundle; NULL: nothing is */
    const void *data;
    const char *format;
    Py_ssize_t itemsize, shape[2], strides[2];
    int ndim;
    uint64_t serial;               /* of the scope that a kept one is of */
    struct panel *next, *previous; /* of those that are kept */
} panel;

static PyObject *panel_type;
static panel *all_kept;

static panel *new_panel(const char *format, Py_ssize_t itemsize, int ndim, const Py_ssize_t shape[2])
{
    allocfunc allocate = (allocfunc)PyType_GetSlot((PyTypeObject *)panel_type, Py_tp_alloc);
    panel *p = (panel *)allocate((PyTypeObject *)panel_type, 0);
    if (!p) return NULL;
    p->format = format;
    p->itemsize = itemsize;
    p->ndim = ndim;
    p->shape[0] = shape[0];
    p->shape[1] = ndim > 1 ? shape[1] : 1;
    p->strides[0] = itemsize * p->shape[1];
    p->strides[1] = itemsize;
    return p;
}

PyObject *bp__py_panel_own(const char *format, Py_ssize_t itemsize, int ndim, const Py_ssize_t shape[2],
                           void **data)
{
    panel *p = new_panel(format, itemsize, ndim, shape);
    if (!p) return NULL;
    const size_t bytes = (size_t)(p->shape[0] * p->shape[1] * itemsize);
    p->data = p->own = *data = malloc(bytes + 1);
    if (p->own) return (PyObject *)p;
    Py_DECREF(p);
    return PyErr_NoMemory();
}

static void list(panel *p)
{
    p->next = all_kept;
    if (all_kept) all_kept->previous = p;
    all_kept = p;
}

static void unlist(panel *p)
{
    if (p->previous) p->previous->next = p->next;
    if (p->next) p->next->previous = p->previous;
    if (all_kept == p) all_kept = p->next;
}

/* The panel, without what lies between its rows. */
static PyObject *copy_of(bp__kept *kept)
{
    const bp__panel *from = bp__kept_panel(kept);
    const Py_ssize_t shape[2] = {(Py_ssize_t)from->rows, (Py_ssize_t)from->columns};
    void *data;
    PyObject *copy = bp__py_panel_own("d", sizeof(double), 2, shape, &data);
    for (size_t i = 0; copy && i < from->rows; i++)
        memcpy((double *)data + i * from->columns, from->value + i * from->stride,
               from->columns * sizeof(double));
    return copy;
}

/* What keeps memory that lies in the board's bundle; borrowed. @return NULL without an exception: it lies elsewhere, or the
 * bundle cannot be held */
static PyObject *pin_of(bp__py_board *b, const void *data)
{
    const bp_bundle *bundle = b->scope->bundle;
    if (!bp__bundle_has(bundle, data)) return NULL;
    if (b->pin || !bp__bundle_hold(bundle)) return b->pin;
    b->pin = bp__py_pin_new(bundle, bundle->pooled);
    if (!b->pin) PyErr_Clear(); /* the bundle has been released: a copy does as well */
    return b->pin;
}

PyObject *bp__py_panel_kept(bp__py_board *board, bp__kept *kept)
{
    const bool is_borrowed = bp__kept_is_borrowed(kept);
    PyObject *pin = is_borrowed ? pin_of(board, bp__kept_panel(kept)->value) : NULL;
    if (is_borrowed && !pin) {
        PyObject *copy = copy_of(kept);
        bp__kept_release(&kept);
        return copy;
    }
    const bp__panel *from = bp__kept_panel(kept);
    const Py_ssize_t shape[2] = {(Py_ssize_t)from->rows, (Py_ssize_t)from->columns};
    panel *p = new_panel("d", sizeof(double), 2, shape);
    if (!p) {
        bp__kept_release(&kept);
        return NULL;
    }
    p->strides[0] = (Py_ssize_t)(from->stride * sizeof(double));
    p->data = from->value;
    p->kept = kept;
    p->pin = Py_XNewRef(pin);
    p->serial = board->serial;
    list(p);
    return (PyObject *)p;
}

const bp__kept *bp__py_panel_behind(const bp__py_board *board, const void *data)
{
    for (const panel *p = all_kept; p; p = p->next)
        if (p->data == data && p->serial == board->serial) return p->kept;
    return NULL;
}

PyObject *bp__py_array_from(PyObject *buffer)
{
    static PyObject *asarray;
    if (!buffer) return NULL;
    if (!asarray) {
        PyObject *dates =
            PyImport_ImportModule("bundlepool._dates"); /* says what wants NumPy where there is none */
        PyObject *numpy = dates ? PyObject_CallMethod(dates, "numpy", NULL) : NULL;
        asarray = numpy ? PyObject_GetAttrString(numpy, "asarray") : NULL;
        Py_XDECREF(numpy);
        Py_XDECREF(dates);
    }
    PyObject *array = asarray ? PyObject_CallFunctionObjArgs(asarray, buffer, NULL) : NULL;
    Py_DECREF(buffer);
    return array;
}

/* The type ------------------------------------------------------------------------------------------ */

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    panel *p = (panel *)self;
    const bool dense = p->strides[0] == p->itemsize * p->shape[1];
    view->obj = NULL;
    if ((flags & PyBUF_WRITABLE) || (!dense && (flags & PyBUF_STRIDES) != PyBUF_STRIDES)) {
        PyErr_SetString(PyExc_BufferError,
                        flags & PyBUF_WRITABLE
                            ? "what a strategy is given is read-only; copy what is to be changed"
                            : "its rows lie apart, and strides are not asked for");
        return -1;
    }
    *view = (Py_buffer){
        .buf = (void *)(uintptr_t)p->data,
        .obj = Py_NewRef(self),
        .len = p->itemsize * p->shape[0] * p->shape[1],
        .itemsize = p->itemsize,
        .readonly = 1,
        .ndim = p->ndim,
        .format = flags & PyBUF_FORMAT ? (char *)(uintptr_t)p->format : NULL,
        .shape = flags & PyBUF_ND ? p->shape : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? p->strides : NULL,
    };
    return 0;
}

static void dealloc(PyObject *self)
{
    panel *p = (panel *)self;
    if (p->kept) {
        unlist(p);
        bp__kept_release(&p->kept);
    }
    Py_CLEAR(p->pin);
    free(p->own);
    bp__py_free(self);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "Memory of an array that a strategy was given."},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_bf_getbuffer, (void *)get_buffer},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bundlepool._core.Panel",
    .basicsize = sizeof(panel),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int bp__py_add_panel(PyObject *module)
{
    return bp__py_add_type(module, &spec, &panel_type);
}
