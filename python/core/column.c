/* Memory that others own, as a read-only buffer. */
#include "python/core/core.h"

typedef struct column {
    PyObject_HEAD
    PyObject *owner;
    const void *data;
    const char *format;
    Py_ssize_t itemsize, shape[2], strides[2];
    int ndim;
} column;

static PyObject *column_type;

PyObject *bp__py_column_over(PyObject *owner, const void *data, const char *format, Py_ssize_t itemsize,
                             int ndim, const Py_ssize_t shape[])
{
    static const double nothing[1];
    allocfunc allocate = (allocfunc)PyType_GetSlot((PyTypeObject *)column_type, Py_tp_alloc);
    column *c = (column *)allocate((PyTypeObject *)column_type, 0);
    if (!c) return NULL;
    c->owner = Py_NewRef(owner);
    c->data = data ? data : nothing;
    c->format = format;
    c->itemsize = itemsize;
    c->ndim = ndim;
    c->shape[0] = shape[0];
    c->shape[1] = ndim > 1 ? shape[1] : 1;
    c->strides[0] = itemsize * c->shape[1];
    c->strides[1] = itemsize;
    return (PyObject *)c;
}

PyObject *bp__py_column_of(PyObject *pin, bp_column id)
{
    static const struct {
        const char *format;
        Py_ssize_t itemsize;
    } of[] = {[BP_TYPE_I64] = {"l", 8},
              [BP_TYPE_F64] = {"d", 8},
              [BP_TYPE_U32] = {"I", 4},
              [BP_TYPE_BYTES] = {"B", 1}};
    _Static_assert(sizeof(long) == 8, "NumPy's int64 is a long");
    const bp_bundle *bundle = bp__py_pin_bundle(pin);
    bp_array array;
    if (!bundle) return NULL;
    if (!bp_bundle_column(bundle, id, &array))
        return bp__py_fail(BP_ENOTFOUND, "there is no column %d", (int)id);
    const Py_ssize_t shape[2] = {(Py_ssize_t)array.shape[0], (Py_ssize_t)array.shape[1]};
    return bp__py_column_over(pin, array.data, of[array.type].format, of[array.type].itemsize, array.ndim,
                              shape);
}

static bool is_pin(PyObject *owner)
{
    return Py_TYPE(owner) == (PyTypeObject *)bp__py_pin_type;
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    column *c = (column *)self;
    view->obj = NULL;
    if (flags & PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "a bundle is read-only; copy what is to be changed");
        return -1;
    }
    if (is_pin(c->owner)) {
        if (!bp__py_pin_bundle(c->owner)) return -1;
        bp__py_pin_hold(c->owner);
    }
    *view = (Py_buffer){
        .buf = (void *)(uintptr_t)c->data,
        .obj = Py_NewRef(self),
        .len = c->itemsize * c->shape[0] * c->shape[1],
        .itemsize = c->itemsize,
        .readonly = 1,
        .ndim = c->ndim,
        .format = flags & PyBUF_FORMAT ? (char *)(uintptr_t)c->format : NULL,
        .shape = flags & PyBUF_ND ? c->shape : NULL,
        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? c->strides : NULL,
    };
    return 0;
}

static void release_buffer(PyObject *self, Py_buffer *view)
{
    (void)view;
    column *c = (column *)self;
    if (is_pin(c->owner)) bp__py_pin_let_go(c->owner);
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((column *)self)->owner);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int clear(PyObject *self)
{
    (void)
        self; /* a buffer needs its owner to the end; whoever closes a circle through the owner clears that */
    return 0;
}

static void dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_DECREF(((column *)self)->owner);
    bp__py_free(self);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "Memory of a bundle as a read-only buffer."},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_traverse, (void *)traverse},
    {Py_tp_clear, (void *)clear},
    {Py_bf_getbuffer, (void *)get_buffer},
    {Py_bf_releasebuffer, (void *)release_buffer},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bundlepool._core.Column",
    .basicsize = sizeof(column),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int bp__py_add_column(PyObject *module)
{
    return bp__py_add_type(module, &spec, &column_type);
}
