/* What a strategy of the form decide sees after each close, and how it orders. There is one view and one book of orders
 * for a run; both can be used while decide() is called, and not in between. */
#include "python/core/strategy.h"

#include <math.h>
#include <string.h>

#include "backtest/call.h"
#include "backtest/trader.h"

typedef struct view {
    PyObject_HEAD
    bp__py_board *board;
    bp_view *face; /* NULL: decide() is not being called */
} view;

/* Both types are of this shape. */
static PyObject *view_type, *orders_type;

static view *use(PyObject *self)
{
    view *v = (view *)self;
    if (v->face) return v;
    PyErr_Format(PyExc_RuntimeError, "the %s can be used while decide() is called, and not afterwards",
                 Py_TYPE(self) == (PyTypeObject *)view_type ? "view" : "orders");
    return NULL;
}

static const bp__view *inside(const view *v)
{
    return (const bp__view *)v->face;
}

/* The library has refused something: its text becomes an exception, and no failure as long as that may be caught. If it
 * is not, the run fails with its text, and where it came from. */
static PyObject *refused(const view *v)
{
    bp__call *call = inside(v)->call;
    PyErr_SetString(PyExc_ValueError, call->why);
    call->failed = false;
    return NULL;
}

static bool has_failed(const view *v)
{
    return inside(v)->call->failed;
}

/* An asset by number or symbol. @return false and an exception */
static bool take_asset(view *v, PyObject *value, size_t *asset)
{
    const Py_ssize_t count = (Py_ssize_t)v->board->scope->num_assets;
    Py_ssize_t i;
    if (PyUnicode_Check(value)) {
        i = bp__py_board_find(v->board, value);
        if (i < 0) return false;
    } else if (!PyIndex_Check(value)) {
        PyErr_Format(PyExc_TypeError, "an asset is a symbol (str) or a number (int), not %R", value);
        return false;
    } else {
        i = PyNumber_AsSsize_t(value, PyExc_IndexError);
        if (i == -1 && PyErr_Occurred()) return false;
        if (i < 0 || i >= count) {
            PyErr_Format(PyExc_IndexError, "asset %zd: there are %zd, from 0 on", i, count);
            return false;
        }
    }
    *asset = (size_t)i;
    return true;
}

/* What is known -------------------------------------------------------------------------------------- */

static PyObject *get_t(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? PyLong_FromLong(bp_view_bar(v->face)) : NULL;
}

static PyObject *get_session(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    PyObject *sessions = v ? bp__py_board_sessions(v->board) : NULL;
    PyObject *session =
        sessions ? PySequence_GetItem(sessions, bp_view_bar(v->face) + v->board->scope->first) : NULL;
    Py_XDECREF(sessions);
    return session;
}

static PyObject *get_cash(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? PyFloat_FromDouble(bp_view_cash(v->face)) : NULL;
}

static PyObject *get_equity(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? PyFloat_FromDouble(bp_view_equity(v->face)) : NULL;
}

/* A copy: what is there after the next bar is another array. */
static PyObject *copy_of(const view *v, const double *from)
{
    const Py_ssize_t shape[2] = {(Py_ssize_t)v->board->scope->num_assets, 1};
    void *data;
    PyObject *own = bp__py_panel_own("d", sizeof(double), 1, shape, &data);
    if (own) memcpy(data, from, (size_t)shape[0] * sizeof(double));
    return bp__py_array_from(own);
}

static PyObject *get_prices(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? copy_of(v, inside(v)->trader->mark) : NULL;
}

static PyObject *get_positions(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? copy_of(v, inside(v)->trader->shares) : NULL;
}

static PyObject *get_num_assets(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? PyLong_FromSize_t(v->board->scope->num_assets) : NULL;
}

static PyObject *get_symbols(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? bp__py_board_symbols(v->board) : NULL;
}

static PyObject *get_sids(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    return v ? bp__py_board_sids(v->board) : NULL;
}

static PyObject *find(PyObject *self, PyObject *symbol)
{
    view *v = use(self);
    const Py_ssize_t i = v ? bp__py_board_find(v->board, symbol) : -1;
    return i < 0 ? NULL : PyLong_FromSsize_t(i);
}

static PyObject *can_trade(PyObject *self, PyObject *value)
{
    size_t asset;
    view *v = use(self);
    if (!v || !take_asset(v, value, &asset)) return NULL;
    return PyBool_FromLong(bp_view_can_trade(v->face, asset));
}

static PyObject *price(PyObject *self, PyObject *value)
{
    size_t asset;
    view *v = use(self);
    if (!v || !take_asset(v, value, &asset)) return NULL;
    return PyFloat_FromDouble(bp_view_price(v->face, asset));
}

static PyObject *position(PyObject *self, PyObject *value)
{
    size_t asset;
    view *v = use(self);
    if (!v || !take_asset(v, value, &asset)) return NULL;
    return PyFloat_FromDouble(bp_view_position(v->face, asset));
}

static PyObject *observations(PyObject *self, PyObject *value)
{
    size_t asset;
    view *v = use(self);
    if (!v || !take_asset(v, value, &asset)) return NULL;
    return PyLong_FromLong(bp_view_observations(v->face, asset));
}

/* Windows -------------------------------------------------------------------------------------------- */

bool bp__py_bar_column(PyObject *name, bp_bar_column *column)
{
    static const char *const names[] = {"open", "high", "low", "close", "volume"};
    const char *text = bp__py_text(name, "column");
    if (!text) return false;
    for (int i = BP_BAR_OPEN; i <= BP_BAR_VOLUME; i++)
        if (strcmp(text, names[i]) == 0) return *column = (bp_bar_column)i, true;
    PyErr_Format(PyExc_ValueError, "column: %R is none of open, high, low, close, volume", name);
    return false;
}

static PyObject *window_of_one(view *v, PyObject *value, int32_t k, bp_bar_column column, unsigned how)
{
    size_t asset;
    void *data;
    const Py_ssize_t shape[2] = {k, 1};
    if (!take_asset(v, value, &asset)) return NULL;
    PyObject *own = bp__py_panel_own("d", sizeof(double), 1, shape, &data);
    if (!own) return NULL;
    (void)bp_view_window(v->face, asset, column, k, how, data);
    if (!has_failed(v)) return bp__py_array_from(own);
    Py_DECREF(own);
    return refused(v);
}

static PyObject *window_of_all(view *v, int32_t k, bp_bar_column column, unsigned how)
{
    bp__kept *kept = NULL;
    const bp_status s = bp__panels_windows(v->board->panels, bp_view_bar(v->face), k, column, how, &kept);
    return s == BP_OK ? bp__py_array_from(bp__py_panel_kept(v->board, kept)) : bp__py_raise(s);
}

/* A number of bars. @return false and an exception */
static bool take_count(PyObject *value, const char *name, int32_t *k)
{
    const Py_ssize_t count = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (count == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: a number of bars is an int, not %R", name, value);
        return false;
    }
    if (count < 1 || count > 1000000) {
        PyErr_Format(PyExc_ValueError, "%s: %zd bars; allowed are 1 to 1000000", name, count);
        return false;
    }
    *k = (int32_t)count;
    return true;
}

static PyObject *window(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"asset", "k", "column", "adjusted", "carried", NULL};
    PyObject *asset, *count, *name = NULL;
    int adjusted = 1, carried = 0;
    int32_t k;
    bp_bar_column column = BP_BAR_CLOSE;
    view *v = use(self);
    if (!v || !PyArg_ParseTupleAndKeywords(args, kwargs, "OO|Opp", names, &asset, &count, &name, &adjusted,
                                           &carried))
        return NULL;
    if (!take_count(count, "window", &k) || (name && !bp__py_bar_column(name, &column))) return NULL;
    const unsigned how =
        (adjusted ? (unsigned)BP_ADJUSTED : (unsigned)BP_AS_TRADED) | (carried ? (unsigned)BP_CARRIED : 0);
    return asset == Py_None ? window_of_all(v, k, column, how) : window_of_one(v, asset, k, column, how);
}

static PyObject *statistic(PyObject *self, PyObject *args, PyObject *kwargs,
                           double (*of)(const bp_view *, size_t, int32_t), const char *name)
{
    static char *names[] = {"asset", "k", NULL};
    PyObject *value, *count;
    size_t asset;
    int32_t k;
    view *v = use(self);
    if (!v || !PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &value, &count)) return NULL;
    if (!take_asset(v, value, &asset) || !take_count(count, name, &k)) return NULL;
    const double result = of(v->face, asset, k);
    return has_failed(v) ? refused(v) : PyFloat_FromDouble(result);
}

static PyObject *mean(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return statistic(self, args, kwargs, bp_view_mean, "mean");
}

static PyObject *deviation(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return statistic(self, args, kwargs, bp_view_deviation, "std");
}

/* Orders --------------------------------------------------------------------------------------------- */

typedef uint64_t (*order_call)(bp_view *, size_t, double);

static PyObject *give(PyObject *self, PyObject *args, PyObject *kwargs, order_call order)
{
    static char *names[] = {"asset", "amount", NULL};
    PyObject *value;
    size_t asset;
    double amount;
    view *v = use(self);
    if (!v || !PyArg_ParseTupleAndKeywords(args, kwargs, "Od", names, &value, &amount)) return NULL;
    if (!take_asset(v, value, &asset)) return NULL;
    const uint64_t number = order(v->face, asset, amount);
    return has_failed(v) ? refused(v) : PyLong_FromUnsignedLongLong(number);
}

#define ORDER(name)                                                                                          \
    static PyObject *name(PyObject *self, PyObject *args, PyObject *kwargs)                                  \
    {                                                                                                        \
        return give(self, args, kwargs, bp_##name);                                                          \
    }
ORDER(order)
ORDER(order_value)
ORDER(order_percent)
ORDER(order_target)
ORDER(order_target_value)
ORDER(order_target_percent)

static PyObject *cancel(PyObject *self, PyObject *value)
{
    view *v = use(self);
    if (!v) return NULL;
    const uint64_t number = PyLong_AsUnsignedLongLong(value);
    if (number == (uint64_t)-1 && PyErr_Occurred()) return NULL;
    return PyBool_FromLong(bp_view_cancel(v->face, number));
}

static PyObject *get_open(PyObject *self, void *unused)
{
    (void)unused;
    view *v = use(self);
    PyObject *list = v ? PyList_New(0) : NULL;
    for (size_t i = 0; list && i < bp_view_num_orders(v->face); i++) {
        const uint64_t number = bp_view_order_at(v->face, i);
        PyObject *order = Py_BuildValue("(Knd)", (unsigned long long)number,
                                        (Py_ssize_t)bp_view_order_asset(v->face, number),
                                        bp_view_order_unfilled(v->face, number));
        if (!order || PyList_Append(list, order) != 0) Py_CLEAR(list);
        Py_XDECREF(order);
    }
    return list;
}

/* Runs ----------------------------------------------------------------------------------------------- */

static PyObject *new_of(PyObject *type, bp__py_board *board)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot((PyTypeObject *)type, Py_tp_alloc);
    view *v = (view *)allocate((PyTypeObject *)type, 0);
    if (v) v->board = board;
    return (PyObject *)v;
}

PyObject *bp__py_view_new(bp__py_board *board)
{
    PyObject *v = new_of(view_type, board), *orders = v ? new_of(orders_type, board) : NULL;
    PyObject *pair = orders ? PyTuple_Pack(2, v, orders) : NULL;
    Py_XDECREF(v);
    Py_XDECREF(orders);
    return pair;
}

static void set_face(PyObject *pair, bp_view *face)
{
    for (Py_ssize_t i = 0; i < 2; i++) ((view *)PyTuple_GetItem(pair, i))->face = face;
}

void bp__py_view_begin(PyObject *pair, bp_view *face)
{
    set_face(pair, face);
}

void bp__py_view_end(PyObject *pair)
{
    set_face(pair, NULL);
}

/* The types ------------------------------------------------------------------------------------------ */

static void dealloc(PyObject *self)
{
    bp__py_free(self);
}

#define KEYWORDS(function) (PyCFunction)(void (*)(void)) function, METH_VARARGS | METH_KEYWORDS

static PyGetSetDef view_attributes[] = {
    {"t", get_t, NULL, "Number of the session that has just closed: 0 is the first of the range.", NULL},
    {"session", get_session, NULL, "Its midnight (UTC): numpy.datetime64.", NULL},
    {"cash", get_cash, NULL, "Cash, in money.", NULL},
    {"equity", get_equity, NULL, "Cash and positions at their last prices, in money.", NULL},
    {"prices", get_prices, NULL,
     "Last known closes as traded: float64 [asset], a copy; NaN: there was none yet.", NULL},
    {"positions", get_positions, NULL, "Shares that are held, below 0 short: float64 [asset], a copy.", NULL},
    {"num_assets", get_num_assets, NULL, "How many assets there are.", NULL},
    {"symbols", get_symbols, NULL, "Symbols of the assets, in order: list of str.", NULL},
    {"sids", get_sids, NULL, "Numbers of the assets in the bundle: int64 [asset].", NULL},
    {0},
};

static PyMethodDef view_methods[] = {
    {"index", find, METH_O,
     "index($self, symbol, /)\n--\n\nNumber of the first asset with a symbol. Raises bundlepool.NoSymbol, a KeyError: "
     "none has it."},
    {"can_trade", can_trade, METH_O,
     "can_trade($self, asset, /)\n--\n\nWhether an order would be taken: it has a price, and is not "
     "delisted. asset: a number or a symbol, here and below."},
    {"price", price, METH_O,
     "price($self, asset, /)\n--\n\nIts last known close, as traded; NaN: there was none yet."},
    {"position", position, METH_O, "position($self, asset, /)\n--\n\nShares that are held; below 0: short."},
    {"observations", observations, METH_O,
     "observations($self, asset, /)\n--\n\nHow many closes it has had."},
    {"window", KEYWORDS(window),
     "window($self, /, asset, k, column='close', adjusted=True, carried=False)\n--\n\nIts last k bars, the "
     "oldest first: float64 [k]; of all assets, if asset is None: [asset][k]. A missing price is "
     "NaN, or with carried the one before."},
    {"mean", KEYWORDS(mean),
     "mean($self, /, asset, k)\n--\n\nMean of its last k closes, adjusted for splits; NaN: there are fewer."},
    {"std", KEYWORDS(deviation),
     "std($self, /, asset, k)\n--\n\nSample deviation of its last k closes; NaN: there are fewer."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef orders_attributes[] = {
    {"open", get_open, NULL, "Orders that wait to be filled: list of (number, asset, shares).", NULL},
    {0},
};

#define ORDER_DOC "($self, /, asset, amount)\n--\n\n"

static PyMethodDef orders_methods[] = {
    {"order", KEYWORDS(order),
     "order" ORDER_DOC "Buy so many shares, or sell where it is below 0. Returns the order's "
     "number; 0: nothing is left of it."},
    {"order_value", KEYWORDS(order_value), "order_value" ORDER_DOC "For so much money, at the last price."},
    {"order_percent", KEYWORDS(order_percent),
     "order_percent" ORDER_DOC "For a share of the equity: 0.1 is a tenth."},
    {"order_target", KEYWORDS(order_target),
     "order_target" ORDER_DOC "Whatever brings the position to so many shares."},
    {"order_target_value", KEYWORDS(order_target_value),
     "order_target_value" ORDER_DOC "The same, to a value."},
    {"order_target_percent", KEYWORDS(order_target_percent),
     "order_target_percent" ORDER_DOC "The same, to a share of the equity."},
    {"cancel", cancel, METH_O,
     "cancel($self, order, /)\n--\n\nWhether it was open; what had been filled stays."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot view_slots[] = {
    {Py_tp_doc, "Market and account as they are known after a close. Nothing later is in it."},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_getset, view_attributes},
    {Py_tp_methods, view_methods},
    {0, NULL},
};

static PyType_Slot orders_slots[] = {
    {Py_tp_doc, "Orders: filled from the next session on, open until they are filled, cancelled or expired."},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_getset, orders_attributes},
    {Py_tp_methods, orders_methods},
    {0, NULL},
};

#define SPEC(called, of)                                                                                     \
    {                                                                                                        \
        .name = "bundlepool._core." called, .basicsize = sizeof(view),                                       \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, .slots = of                         \
    }

static PyType_Spec view_spec = SPEC("View", view_slots), orders_spec = SPEC("Orders", orders_slots);

int bp__py_add_view(PyObject *module)
{
    return bp__py_add_type(module, &view_spec, &view_type) == 0
               ? bp__py_add_type(module, &orders_spec, &orders_type)
               : -1;
}
