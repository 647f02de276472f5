/* Bundles as Python has them, and loading one without a pool. What an attribute needs NumPy for is in
 * bundlepool/bundle.py, whose class extends this one. */
#include "python/core/core.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/config.h>

typedef struct bundle {
    PyObject_HEAD
    PyObject *pin;
    PyObject *root; /* str */
    PyObject *weak;
} bundle;

static PyObject *bundle_type; /* the base class */
static PyTypeObject *face;    /* the registered class; owned */
static allocfunc allocate_face;

PyObject *bp__py_bundle_new(const bp_bundle *b, bool shared, PyObject *root)
{
    if (!face) {
        bp_bundle_release(&b);
        PyErr_SetString(PyExc_ImportError, "import bundlepool, not bundlepool._core");
        return NULL;
    }
    PyObject *pin = bp__py_pin_new(b, shared);
    if (!pin) return NULL;
    bundle *self = (bundle *)allocate_face(face, 0);
    if (!self) {
        Py_DECREF(pin);
        return NULL;
    }
    self->pin = pin;
    self->root = Py_NewRef(root);
    return (PyObject *)self;
}

PyObject *bp__py_bundle_pin(PyObject *object)
{
    if (PyObject_TypeCheck(object, (PyTypeObject *)bundle_type)) return ((bundle *)object)->pin;
    PyErr_Format(PyExc_TypeError, "expected a bundle, got %R", Py_TYPE(object));
    return NULL;
}

static PyObject *register_face(PyObject *module, PyObject *class)
{
    (void)module;
    if (!PyType_Check(class) || !PyType_IsSubtype((PyTypeObject *)class, (PyTypeObject *)bundle_type)) {
        PyErr_SetString(PyExc_TypeError, "expected a class that extends _core.Bundle");
        return NULL;
    }
    Py_XDECREF((PyObject *)face);
    face = (PyTypeObject *)Py_NewRef(class);
    allocate_face = (allocfunc)PyType_GetSlot(face, Py_tp_alloc);
    Py_RETURN_NONE;
}

static void dealloc(PyObject *self)
{
    bundle *b = (bundle *)self;
    if (b->weak) PyObject_ClearWeakRefs(self);
    Py_XDECREF(b->pin);
    Py_XDECREF(b->root);
    bp__py_free(self);
}

/* Attributes --------------------------------------------------------------------------------------- */

static const bp_bundle *of(PyObject *self)
{
    return bp__py_pin_bundle(((bundle *)self)->pin);
}

static PyObject *get_name(PyObject *self, void *closure)
{
    (void)closure;
    const bp_bundle *b = of(self);
    return b ? PyUnicode_FromString(bp_bundle_name(b)) : NULL;
}

static PyObject *get_root(PyObject *self, void *closure)
{
    (void)closure;
    return Py_NewRef(((bundle *)self)->root);
}

static PyObject *get_nbytes(PyObject *self, void *closure)
{
    (void)closure;
    const bp_bundle *b = of(self);
    return b ? PyLong_FromUnsignedLongLong(bp_bundle_bytes(b)) : NULL;
}

static PyObject *get_generation(PyObject *self, void *closure)
{
    (void)closure;
    const bp_bundle *b = of(self);
    return b ? PyLong_FromUnsignedLongLong(bp_bundle_generation(b)) : NULL;
}

static PyObject *get_num_assets(PyObject *self, void *closure)
{
    (void)closure;
    const bp_bundle *b = of(self);
    return b ? PyLong_FromSize_t(bp_bundle_num_assets(b)) : NULL;
}

static PyObject *get_num_sessions(PyObject *self, void *closure)
{
    (void)closure;
    const bp_bundle *b = of(self);
    return b ? PyLong_FromSize_t(bp_bundle_num_sessions(b)) : NULL;
}

static PyObject *get_released(PyObject *self, void *closure)
{
    (void)closure;
    return PyBool_FromLong(bp__py_pin_is_released(((bundle *)self)->pin));
}

static PyObject *get_foreign(PyObject *self, void *closure)
{
    (void)closure;
    return PyBool_FromLong(bp__py_pin_is_foreign(((bundle *)self)->pin));
}

static PyObject *get_pin(PyObject *self, void *closure)
{
    (void)closure;
    return Py_NewRef(((bundle *)self)->pin);
}

static PyObject *get_symbols(PyObject *self, void *closure)
{
    (void)closure;
    const bp_bundle *b = of(self);
    if (!b) return NULL;
    size_t n = bp_bundle_num_assets(b);
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list && i < n; i++) {
        const char *symbol = bp_bundle_symbol(b, i);
        PyObject *text = PyUnicode_DecodeUTF8(symbol, (Py_ssize_t)strlen(symbol), "replace");
        if (!text || PyList_SetItem(list, (Py_ssize_t)i, text) != 0) Py_CLEAR(list);
    }
    return list;
}

/* Methods ------------------------------------------------------------------------------------------ */

static PyObject *column(PyObject *self, PyObject *name)
{
    const char *text = bp__py_text(name, "column");
    if (!text) return NULL;
    for (int i = 0; i < BP_NUM_COLUMNS; i++)
        if (strcmp(bp_column_name((bp_column)i), text) == 0)
            return bp__py_column_of(((bundle *)self)->pin, (bp_column)i);
    return bp__py_fail(BP_ENOTFOUND,
                       "%.100s: there is no such column; bundlepool.columns() names those there are", text);
}

PyObject *bp__py_version(const bp_version *v)
{
    PyObject *assets = PyList_New((Py_ssize_t)v->num_assets);
    for (size_t i = 0; assets && i < v->num_assets; i++) {
        PyObject *text =
            PyUnicode_DecodeUTF8(v->asset_list[i], (Py_ssize_t)strlen(v->asset_list[i]), "replace");
        if (!text || PyList_SetItem(assets, (Py_ssize_t)i, text) != 0) Py_CLEAR(assets);
    }
    if (!assets) return NULL;
    return Py_BuildValue("{s:s,s:s,s:s,s:N,s:(ss),s:s}", "bundle_name", v->bundle_name, "computed_hash",
                         v->computed_hash, "content_hash", v->content_hash, "asset_list", assets,
                         "date_range", v->date_range[0], v->date_range[1], "schema_version",
                         v->schema_version);
}

/* A hash takes a second per 2 GB: as long as it is computed, whoever waits for it, the pin is held. */
typedef struct hashing {
    PyObject *pin;
    const bp_bundle *bundle;
    bp_version version;
} hashing;

static bp_status do_hash(void *argument)
{
    hashing *h = argument;
    return bp_bundle_version(h->bundle, &h->version);
}

static void end_hash(hashing *h)
{
    bp__py_pin_let_go(h->pin);
    Py_DECREF(h->pin);
    bp_version_fini(&h->version);
    free(h);
}

static void drop_hash(void *argument)
{
    if (!Py_IsInitialized()) return; /* the interpreter has ended, and all that it held with it */
    PyGILState_STATE state = PyGILState_Ensure();
    end_hash(argument);
    PyGILState_Release(state);
}

static PyObject *version(PyObject *self, PyObject *none)
{
    static const bp__py_work work = {do_hash, drop_hash};
    (void)none;
    const bp_bundle *b = of(self);
    hashing *h = b ? malloc(sizeof *h) : NULL;
    if (!h) return b ? PyErr_NoMemory() : NULL;
    *h = (hashing){Py_NewRef(((bundle *)self)->pin), b, bp_version_init()};
    bp__py_pin_hold(h->pin);
    bp_status s;
    if (bp__py_wait(&work, h, &s) != 0) return NULL;
    PyObject *result = s == BP_OK ? bp__py_version(&h->version) : bp__py_raise(s);
    end_hash(h);
    return result;
}

static PyObject *release(PyObject *self, PyObject *none)
{
    (void)none;
    if (bp__py_pin_release(((bundle *)self)->pin) != 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *enter(PyObject *self, PyObject *none)
{
    (void)none;
    return of(self) ? Py_NewRef(self) : NULL;
}

static PyObject *leave(PyObject *self, PyObject *exception)
{
    (void)exception;
    bp__py_pin_leave(((bundle *)self)->pin);
    Py_RETURN_NONE;
}

static PyObject *reduce(PyObject *self, PyObject *protocol)
{
    (void)protocol;
    (void)self;
    PyErr_SetString(PyExc_TypeError,
                    "a Bundle cannot be pickled: its memory is this process's; pass its name, and "
                    "get it there with pool.get(name) or bundlepool.load(name)");
    return NULL;
}

static PyGetSetDef attributes[] = {
    {"name", get_name, NULL, "Name under which it was asked for.", NULL},
    {"root", get_root, NULL, "Folder of the bundles that it is one of: its file was ROOT/NAME.h5.", NULL},
    {"nbytes", get_nbytes, NULL, "Bytes of the image.", NULL},
    {"generation", get_generation, NULL, "A number that differs between any two versions of one pool.", NULL},
    {"num_assets", get_num_assets, NULL, "Number of assets with daily bars.", NULL},
    {"num_sessions", get_num_sessions, NULL, "Number of sessions of the daily bars.", NULL},
    {"symbols", get_symbols, NULL, "Symbols of the assets with daily bars, a list of str [asset].", NULL},
    {"released", get_released, NULL, "Whether it has been released.", NULL},
    {"_foreign", get_foreign, NULL, "Whether it is the parent's, and this is a child.", NULL},
    {"_pin", get_pin, NULL, "The Pin.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"_column", column, METH_O, "The buffer of the column of a name, such as \"data/close\"."},
    {"_version", version, METH_NOARGS, "Its version, a dict."},
    {"release", release, METH_NOARGS,
     "release($self, /)\n--\n\nGive the bundle back now.\n\nRaises Busy, which is a BufferError, and says how many arrays of it "
     "still live."},
    {"__enter__", enter, METH_NOARGS, "The bundle itself."},
    {"__exit__", leave, METH_VARARGS, "Let the pin go, now or when the last array of it does."},
    {"__reduce_ex__", reduce, METH_O, "Raises TypeError: bundles are not pickled."},
    {0},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(bundle, weak), READONLY, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A bundle: what bundlepool.Bundle extends."},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bundlepool._core.Bundle",
    .basicsize = sizeof(bundle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

/* Loading ------------------------------------------------------------------------------------------ */

typedef struct request {
    char root[BP_PATH_MAX];
    char name[BP_NAME_MAX + 2]; /* one too long stays too long */
    const bp_bundle *bundle;
} request;

static bp_status do_load(void *argument)
{
    request *r = argument;
    return bp_bundle_load(r->root, r->name, &r->bundle);
}

static void drop_load(void *argument)
{
    request *r = argument;
    bp_bundle_release(&r->bundle);
    free(r);
}

/* The root as it was given; without one, what the environment says. */
static int find_root(PyObject *given, char root[BP_PATH_MAX])
{
    if (given == Py_None) {
        bp_config cfg = bp_config_init();
        bp_status s = bp_config_default(&cfg);
        if (s == BP_OK) s = bp_config_from_env(&cfg);
        if (s != BP_OK) return bp__py_raise(s), -1;
        memcpy(root, cfg.root, BP_PATH_MAX);
        return 0;
    }
    PyObject *path = bp__py_path(given, "root");
    if (!path) return -1;
    const char *bytes = PyBytes_AsString(path);
    size_t n = strlen(bytes);
    if (n < BP_PATH_MAX)
        memcpy(root, bytes, n + 1);
    else
        bp__py_fail(BP_EINVAL, "root: longer than the %d bytes that are allowed", BP_PATH_MAX - 1);
    Py_DECREF(path);
    return n < BP_PATH_MAX ? 0 : -1;
}

static PyObject *load(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"name", "root", NULL};
    static const bp__py_work work = {do_load, drop_load};
    PyObject *name, *root = Py_None;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O:load", names, &name, &root)) return NULL;
    const char *text = bp__py_text(name, "name");
    if (!text) return NULL;
    request *r = calloc(1, sizeof *r);
    if (!r) return PyErr_NoMemory();
    if (find_root(root, r->root) != 0) {
        free(r);
        return NULL;
    }
    strncpy(r->name, text, sizeof r->name - 1);
    bp_status s;
    if (bp__py_wait(&work, r, &s) != 0) return NULL;
    PyObject *result = NULL, *folder = s == BP_OK ? PyUnicode_DecodeFSDefault(r->root) : bp__py_raise(s);
    if (folder)
        result = bp__py_bundle_new(r->bundle, false, folder);
    else
        bp_bundle_release(&r->bundle);
    Py_XDECREF(folder);
    free(r);
    return result;
}

static PyObject *columns(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    PyObject *list = PyList_New(BP_NUM_COLUMNS);
    for (int i = 0; list && i < BP_NUM_COLUMNS; i++) {
        PyObject *name = PyUnicode_FromString(bp_column_name((bp_column)i));
        if (!name || PyList_SetItem(list, i, name) != 0) Py_CLEAR(list);
    }
    return list;
}

static PyMethodDef functions[] = {
    {"load", (PyCFunction)(void *)load, METH_VARARGS | METH_KEYWORDS,
     "load($module, /, name, root=None)\n--\n\n"
     "Load a bundle into private memory of this process: no pool, no MPI.\n\n"
     "root: folder of the bundles; None: BUNDLEPOOL_ROOT, else \"bundles\".\n"
     "Raises NotFound, FormatError, ReadError, NoMemory, Changed, InvalidArgument."},
    {"columns", columns, METH_NOARGS,
     "columns($module, /)\n--\n\nNames of all columns that Bundle.column() takes."},
    {"_register_bundle", register_face, METH_O, "Let bundles be of this class."},
    {0},
};

int bp__py_add_bundle(PyObject *module)
{
    if (bp__py_add_type(module, &spec, &bundle_type) != 0) return -1;
    return PyModule_AddFunctions(module, functions);
}
