/* What all calls of a strategy over one scope share. */
#include "python/core/strategy.h"

#include <string.h>

#include "backtest/scope.h"

void bp__py_board_clear(bp__py_board *b)
{
    for (size_t i = 0; i < sizeof b->column / sizeof *b->column; i++) Py_CLEAR(b->column[i]);
    Py_CLEAR(b->tradable);
    Py_CLEAR(b->symbols);
    Py_CLEAR(b->sids);
    Py_CLEAR(b->sessions);
    Py_CLEAR(b->index);
    bp__panels_destroy(&b->panels);
    const bool others = b->pin && Py_REFCNT(b->pin) > 1;
    Py_CLEAR(b->pin);
    b->scope = NULL;
    if (others) PyGC_Collect(); /* what only a circle of garbage holds is held by nobody */
}

int bp__py_board_turn(bp__py_board *b, const bp__scope *scope, size_t panel_bytes, size_t window_bytes)
{
    if (b->scope == scope && b->serial == scope->serial) return 0;
    bp__py_board_clear(b);
    const bp_status s = bp__panels_create(scope, panel_bytes, window_bytes, &b->panels);
    if (s != BP_OK) return bp__py_raise(s), -1;
    b->scope = scope;
    b->serial = scope->serial;
    return 0;
}

/* Keep what has been made, and give a reference away. */
static PyObject *keep(PyObject **place, PyObject *made)
{
    *place = made;
    return Py_XNewRef(made);
}

PyObject *bp__py_board_column(bp__py_board *b, bp_bar_column column)
{
    bp__kept *kept = NULL;
    if (b->column[column]) return Py_NewRef(b->column[column]);
    const bp_status s = bp__panels_column(b->panels, column, &kept);
    if (s != BP_OK) return bp__py_raise(s);
    return keep(&b->column[column], bp__py_array_from(bp__py_panel_kept(b, kept)));
}

PyObject *bp__py_board_tradable(bp__py_board *b)
{
    if (b->tradable) return Py_NewRef(b->tradable);
    const Py_ssize_t shape[2] = {(Py_ssize_t)b->scope->num_assets, (Py_ssize_t)bp__panel_columns(b->scope)};
    void *data;
    PyObject *own = bp__py_panel_own("?", 1, 2, shape, &data);
    if (own) bp__panel_tradable(b->scope, data);
    return keep(&b->tradable, bp__py_array_from(own));
}

/* A list that a strategy has changed is not what the next one gets. */
static PyObject *copy_list(PyObject *list)
{
    return list ? PyList_GetSlice(list, 0, PyList_Size(list)) : NULL;
}

static PyObject *new_symbols(const bp__scope *scope)
{
    PyObject *list = PyList_New((Py_ssize_t)scope->num_assets);
    for (size_t i = 0; list && i < scope->num_assets; i++) {
        PyObject *symbol = PyUnicode_DecodeUTF8(
            bp__scope_symbol(scope, i), (Py_ssize_t)strlen(bp__scope_symbol(scope, i)), "surrogateescape");
        if (symbol && PyList_SetItem(list, (Py_ssize_t)i, symbol) == 0) continue;
        Py_CLEAR(list);
    }
    return list;
}

static bool has_symbols(bp__py_board *b)
{
    if (!b->symbols) b->symbols = new_symbols(b->scope);
    return b->symbols != NULL;
}

PyObject *bp__py_board_symbols(bp__py_board *b)
{
    return has_symbols(b) ? copy_list(b->symbols) : NULL;
}

PyObject *bp__py_board_sids(bp__py_board *b)
{
    if (b->sids) return Py_NewRef(b->sids);
    const Py_ssize_t shape[2] = {(Py_ssize_t)b->scope->num_assets, 1};
    void *data;
    PyObject *own = bp__py_panel_own("l", sizeof(int64_t), 1, shape, &data);
    for (size_t i = 0; own && i < b->scope->num_assets; i++)
        (void)bp__scope_asset(b->scope, i, (int64_t *)data + i);
    return keep(&b->sids, bp__py_array_from(own));
}

PyObject *bp__py_board_sessions(bp__py_board *b)
{
    if (b->sessions) return Py_NewRef(b->sessions);
    const Py_ssize_t shape[2] = {(Py_ssize_t)bp__panel_columns(b->scope), 1};
    void *data;
    PyObject *own = bp__py_panel_own("l", sizeof(int64_t), 1, shape, &data);
    for (Py_ssize_t i = 0; own && i < shape[0]; i++)
        ((int64_t *)data)[i] = b->scope->day[i - b->scope->first];
    PyObject *numbers = bp__py_array_from(own);
    PyObject *days = numbers ? PyObject_CallMethod(numbers, "view", "s", "datetime64[ns]") : NULL;
    Py_XDECREF(numbers);
    return keep(&b->sessions, days);
}

/* Symbols with their numbers: of two assets with one symbol the first. */
static PyObject *new_index(PyObject *symbols)
{
    PyObject *index = PyDict_New();
    for (Py_ssize_t i = PyList_Size(symbols); index && i-- > 0;) {
        PyObject *number = PyLong_FromSsize_t(i);
        if (!number || PyDict_SetItem(index, PyList_GetItem(symbols, i), number) != 0) Py_CLEAR(index);
        Py_XDECREF(number);
    }
    return index;
}

/* An exception, and no value that says "none": as an index, -1 would be the last asset, and None all of them. */
static Py_ssize_t raise_no_symbol(const bp__py_board *b, PyObject *symbol)
{
    PyObject *errors = PyImport_ImportModule("bundlepool.errors");
    PyObject *error = errors ? PyObject_CallMethod(errors, "no_symbol", "OO", symbol, b->symbols) : NULL;
    if (error) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(errors);
    return -1;
}

Py_ssize_t bp__py_board_find(bp__py_board *b, PyObject *symbol)
{
    if (!PyUnicode_Check(symbol)) {
        PyErr_Format(PyExc_TypeError, "a symbol is a str, not %R", symbol);
        return -1;
    }
    if (!has_symbols(b)) return -1;
    if (!b->index) b->index = new_index(b->symbols);
    if (!b->index) return -1;
    PyObject *number = PyDict_GetItemWithError(b->index, symbol);
    if (number) return PyLong_AsSsize_t(number);
    return PyErr_Occurred() ? -1 : raise_no_symbol(b, symbol);
}
