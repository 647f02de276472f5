/* The market as a strategy of the forms signals and weights sees it: `m`. */
#include "python/core/strategy.h"

#include <string.h>

#include "backtest/call.h"

typedef struct market {
    PyObject_HEAD
    bp__py_board *board; /* NULL: its call has ended */
} market;

static PyObject *market_type;

PyObject *bp__py_market_new(bp__py_board *board, const bp_market *face)
{
    static allocfunc allocate;
    (void)face;
    if (!allocate) allocate = (allocfunc)PyType_GetSlot((PyTypeObject *)market_type, Py_tp_alloc);
    market *m = (market *)allocate((PyTypeObject *)market_type, 0);
    if (m) m->board = board;
    return (PyObject *)m;
}

void bp__py_market_end(PyObject *self)
{
    ((market *)self)->board = NULL;
}

static bp__py_board *board_of(PyObject *self)
{
    bp__py_board *board = ((market *)self)->board;
    if (!board)
        PyErr_SetString(PyExc_RuntimeError,
                        "this market is that of a call that has ended; arrays of it may be kept, the "
                        "market itself not");
    return board;
}

/* Columns -------------------------------------------------------------------------------------------- */

static PyObject *get_column(PyObject *self, void *column)
{
    bp__py_board *b = board_of(self);
    return b ? bp__py_board_column(b, (bp_bar_column)(intptr_t)column) : NULL;
}

static PyObject *get_tradable(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? bp__py_board_tradable(b) : NULL;
}

static PyObject *get_symbols(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? bp__py_board_symbols(b) : NULL;
}

static PyObject *get_sids(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? bp__py_board_sids(b) : NULL;
}

static PyObject *get_sessions(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? bp__py_board_sessions(b) : NULL;
}

static PyObject *get_num_assets(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? PyLong_FromSize_t(b->scope->num_assets) : NULL;
}

static PyObject *get_num_sessions(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? PyLong_FromSize_t(bp__panel_columns(b->scope)) : NULL;
}

static PyObject *get_start(PyObject *self, void *unused)
{
    (void)unused;
    bp__py_board *b = board_of(self);
    return b ? PyLong_FromLong(b->scope->first) : NULL;
}

static PyObject *find(PyObject *self, PyObject *symbol)
{
    bp__py_board *b = board_of(self);
    const Py_ssize_t i = b ? bp__py_board_find(b, symbol) : -1;
    return i < 0 ? NULL : PyLong_FromSsize_t(i);
}

/* Helpers -------------------------------------------------------------------------------------------- */

static void shape_text(const Py_buffer *view, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < view->ndim && used < size; i++)
        used += (size_t)PyOS_snprintf(text + used, size - used, "[%zd]", view->shape[i]);
}

static bool is_float64(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    return strcmp(format, "d") == 0 || strcmp(format, "=d") == 0 || strcmp(format, "<d") == 0;
}

/* An array of a strategy's as a panel. @param[out] view  to be released after the call of the helper */
static int take_panel(const bp__scope *scope, bp__helper helper, PyObject *x, Py_buffer *view,
                      bp__panel *panel)
{
    const size_t rows = scope->num_assets, columns = bp__panel_columns(scope);
    const char *name = bp__helper_name(helper);
    char shape[96];
    if (PyObject_GetBuffer(x, view, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: x is %R; expected a float64 array [%zu][%zu]", name, Py_TYPE(x),
                     rows, columns);
        return -1;
    }
    const bool fits = view->ndim == 2 && (size_t)view->shape[0] == rows && (size_t)view->shape[1] == columns;
    const bool steps =
        view->itemsize == 8 && fits && (columns < 2 || view->strides[1] == 8) &&
        (rows < 2 || (view->strides[0] % 8 == 0 && view->strides[0] / 8 >= (Py_ssize_t)columns));
    if (is_float64(view) && fits && steps) {
        const size_t stride = rows < 2 ? columns : (size_t)view->strides[0] / 8;
        *panel = (bp__panel){.value = view->buf, .rows = rows, .columns = columns, .stride = stride};
        return 0;
    }
    shape_text(view, shape, sizeof shape);
    if (is_float64(view) && fits)
        PyErr_Format(PyExc_ValueError,
                     "%s: the rows of x are not one after the other; pass numpy.ascontiguousarray(x)", name);
    else
        PyErr_Format(
            is_float64(view) ? PyExc_ValueError : PyExc_TypeError,
            "%s: x has format '%s' and shape %s; expected float64 [%zu][%zu], as the market's own arrays",
            name, view->format ? view->format : "B", shape, rows, columns);
    PyBuffer_Release(view);
    return -1;
}

static PyObject *apply_to_column(bp__py_board *b, bp__helper helper, int64_t k, bp_bar_column column)
{
    bp__kept *from = NULL, *kept = NULL;
    bp_status s = bp__panels_column(b->panels, column, &from);
    if (s == BP_OK) s = bp__panels_apply(b->panels, helper, k, from, &kept);
    bp__kept_release(&from);
    return s == BP_OK ? bp__py_array_from(bp__py_panel_kept(b, kept)) : bp__py_raise(s);
}

static PyObject *apply(bp__py_board *b, bp__helper helper, int64_t k, PyObject *x)
{
    bp__kept *kept = NULL;
    Py_buffer view;
    bp__panel panel;
    if (x == Py_None || x == b->column[BP_BAR_CLOSE]) {
        const bp_status s = bp__panels_apply(b->panels, helper, k, NULL, &kept);
        return s == BP_OK ? bp__py_array_from(bp__py_panel_kept(b, kept)) : bp__py_raise(s);
    }
    for (int column = BP_BAR_OPEN; column <= BP_BAR_VOLUME; column++)
        if (x == b->column[column]) return apply_to_column(b, helper, k, (bp_bar_column)column);
    if (take_panel(b->scope, helper, x, &view, &panel) != 0) return NULL;
    const bp__kept *behind = bp__py_panel_behind(b, view.buf);
    /* another view of the same memory is another array */
    const bool known = behind && bp__kept_panel(behind)->stride == panel.stride;
    const bp_status s = known ? bp__panels_apply(b->panels, helper, k, behind, &kept)
                              : bp__panels_apply_to(b->panels, helper, k, &panel, &kept);
    PyBuffer_Release(&view);
    return s == BP_OK ? bp__py_array_from(bp__py_panel_kept(b, kept)) : bp__py_raise(s);
}

/* A window: a whole number, as int or numpy.int64; 5.0 is none. */
static int take_window(PyObject *value, bp__helper helper, int64_t *k)
{
    PyObject *number = PyNumber_Index(value);
    if (!number) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: a number of observations is an int, not %R",
                     bp__helper_name(helper), value);
        return -1;
    }
    *k = PyLong_AsLongLong(number);
    Py_DECREF(number);
    if (*k != -1 || !PyErr_Occurred()) return 0;
    PyErr_Clear();
    *k = INT64_MAX; /* the helper refuses it */
    return 0;
}

static PyObject *helper_kx(PyObject *self, PyObject *args, PyObject *kwargs, bp__helper helper,
                           bool has_default)
{
    static char *names[] = {"k", "x", NULL};
    PyObject *window = NULL, *x = Py_None;
    int64_t k = 1;
    bp__py_board *b = board_of(self);
    if (!b || !PyArg_ParseTupleAndKeywords(args, kwargs, has_default ? "|OO" : "O|O", names, &window, &x))
        return NULL;
    if (window && take_window(window, helper, &k) != 0) return NULL;
    return apply(b, helper, k, x);
}

static PyObject *sma(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_kx(self, args, kwargs, BP__SMA, false);
}

static PyObject *deviation(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_kx(self, args, kwargs, BP__STD, false);
}

static PyObject *ema(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_kx(self, args, kwargs, BP__EMA, false);
}

static PyObject *returns(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_kx(self, args, kwargs, BP__RETURNS, true);
}

static PyObject *rsi(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_kx(self, args, kwargs, BP__RSI, false);
}

static PyObject *helper_xk(PyObject *self, PyObject *args, PyObject *kwargs, char *window, bp__helper with_k,
                           bp__helper without)
{
    char *names[] = {"x", window, NULL};
    PyObject *x, *given = Py_None;
    int64_t k = with_k == BP__SHIFT ? 1 : 0;
    bp__py_board *b = board_of(self);
    if (!b || !PyArg_ParseTupleAndKeywords(args, kwargs, window ? "O|O" : "O", names, &x, &given))
        return NULL;
    if (given == Py_None) return apply(b, with_k == BP__SHIFT ? with_k : without, k, x);
    if (take_window(given, with_k, &k) != 0) return NULL;
    return apply(b, with_k, k, x);
}

static PyObject *shift(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_xk(self, args, kwargs, "n", BP__SHIFT, BP__SHIFT);
}

static PyObject *rank(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_xk(self, args, kwargs, NULL, BP__RANK, BP__RANK);
}

static PyObject *zscore(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return helper_xk(self, args, kwargs, "k", BP__SCORE, BP__ZSCORE);
}

/* The type ------------------------------------------------------------------------------------------- */

static PyObject *repr(PyObject *self)
{
    const bp__py_board *b = ((market *)self)->board;
    if (!b) return PyUnicode_FromString("<Market of a call that has ended>");
    return PyUnicode_FromFormat("<Market of %zu assets, %zu sessions, the range from session %d on>",
                                b->scope->num_assets, bp__panel_columns(b->scope), (int)b->scope->first);
}

static void dealloc(PyObject *self)
{
    bp__py_free(self);
}

#define COLUMN(name, number, doc)                                                                            \
    {                                                                                                        \
        name, get_column, NULL, doc, (void *)(intptr_t)number                                                \
    }

static PyGetSetDef attributes[] = {
    COLUMN("open", BP_BAR_OPEN,
           "Opens, adjusted for splits: float64 [asset][session], NaN where there is none."),
    COLUMN("high", BP_BAR_HIGH,
           "Highs, adjusted for splits: float64 [asset][session], NaN where there is none."),
    COLUMN("low", BP_BAR_LOW,
           "Lows, adjusted for splits: float64 [asset][session], NaN where there is none."),
    COLUMN("close", BP_BAR_CLOSE,
           "Closes, adjusted for splits: float64 [asset][session], NaN where there is none."),
    COLUMN("volume", BP_BAR_VOLUME,
           "Volumes in shares, adjusted for splits: float64 [asset][session], 0 where nothing "
           "was traded."),
    {"tradable", get_tradable, NULL,
     "Whether an order would be taken: bool [asset][session]. The asset has had a close and is not delisted.",
     NULL},
    {"symbols", get_symbols, NULL, "Symbols of the assets, in order: list of str.", NULL},
    {"sids", get_sids, NULL, "Numbers of the assets in the bundle: int64 [asset].", NULL},
    {"sessions", get_sessions, NULL,
     "Midnights (UTC) of the sessions, from the bundle's first to the last of the range: datetime64[ns] [session].",
     NULL},
    {"num_assets", get_num_assets, NULL, "How many assets there are: rows of every array.", NULL},
    {"num_sessions", get_num_sessions, NULL, "How many sessions there are: columns of every array.", NULL},
    {"start", get_start, NULL,
     "Index of the first session of the range; those before it may only be looked at.", NULL},
    {0},
};

#define KEYWORDS(function) (PyCFunction)(void (*)(void)) function, METH_VARARGS | METH_KEYWORDS

static PyMethodDef methods[] = {
    {"index", find, METH_O,
     "index($self, symbol, /)\n--\n\nRow of the first asset with a symbol. Raises bundlepool.NoSymbol, a KeyError: none has "
     "it."},
    {"sma", KEYWORDS(sma),
     "sma($self, /, k, x=None)\n--\n\nMean of the last k observations, rounded once: float64 [asset][session]. x: a "
     "float64 array [asset][session]; the closes."},
    {"std", KEYWORDS(deviation),
     "std($self, /, k, x=None)\n--\n\nSample deviation of the last k observations: float64 [asset][session]."},
    {"ema", KEYWORDS(ema),
     "ema($self, /, k, x=None)\n--\n\nExponential average with alpha 2 / (k + 1): float64 [asset][session]."},
    {"returns", KEYWORDS(returns),
     "returns($self, /, k=1, x=None)\n--\n\nx over what it was k observations ago, less 1: float64 "
     "[asset][session]."},
    {"rsi", KEYWORDS(rsi),
     "rsi($self, /, k, x=None)\n--\n\nRelative strength index of Wilder, 0 to 100: float64 [asset][session]."},
    {"shift", KEYWORDS(shift),
     "shift($self, /, x, n=1)\n--\n\nWhat x was n observations ago: float64 [asset][session]."},
    {"rank", KEYWORDS(rank),
     "rank($self, /, x)\n--\n\nRanks across the assets of a session: 1 is the least, ties have their average, "
     "NaN stays NaN."},
    {"zscore", KEYWORDS(zscore),
     "zscore($self, /, x, k=None)\n--\n\n(x - mean) / deviation: of the last k observations, or, without k, across "
     "the assets of a session."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "The market that a strategy is asked about. Arrays are read-only, [asset][session]."},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_repr, (void *)repr},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "bundlepool._core.Market",
    .basicsize = sizeof(market),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

int bp__py_add_market(PyObject *module)
{
    return bp__py_add_type(module, &spec, &market_type);
}
