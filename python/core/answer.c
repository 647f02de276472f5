/* What a function of the forms signals and weights has returned.
 *
 * DESIGN
 *  - A set is an array of bytes, 0 or 1, [asset][session]; what is wanted is, for each session, the assets that enter or
 *    leave. 8 sessions of 8 assets are 8 words of 8 bytes: each is compared with the session before by one XOR, and their
 *    sum, each shifted by its place, has in byte i the bits of session i.
 *  - Outside of the sessions at which an asset can be held the array says nothing: an asset of which there are such
 *    is read from a copy in which it is not held before, and stays as it was from then on. */
#include "python/core/strategy.h"

#include <math.h>
#include <string.h>

#include "backtest/call.h"

#define LANES 8
#define ONES  UINT64_C(0x0101010101010101)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "bytes of a word are taken in order of time and of assets");

/* Texts ---------------------------------------------------------------------------------------------- */

static PyObject *shape_of(PyObject *value)
{
    PyObject *shape = PyObject_GetAttrString(value, "shape");
    PyObject *text = PyUnicode_FromString("");
    PyErr_Clear();
    for (Py_ssize_t i = 0; text && shape && PyTuple_Check(shape) && i < PyTuple_Size(shape); i++) {
        PyObject *more = PyUnicode_FromFormat("%U[%S]", text, PyTuple_GetItem(shape, i));
        Py_DECREF(text);
        text = more;
    }
    Py_XDECREF(shape);
    return text;
}

/* "ndarray float32 [3][10]" */
static PyObject *name_of(PyObject *value)
{
    PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");
    PyObject *dtype = PyObject_GetAttrString(value, "dtype");
    PyObject *shape = shape_of(value);
    PyObject *name = NULL;
    PyErr_Clear();
    if (type && shape)
        name =
            dtype ? PyUnicode_FromFormat("%U %S %U", type, dtype, shape) : PyUnicode_FromFormat("%U", type);
    Py_XDECREF(type);
    Py_XDECREF(dtype);
    Py_XDECREF(shape);
    return name;
}

static int wrong(const bp__scope *s, PyObject *value, const char *hint)
{
    PyObject *name = value == Py_None ? PyUnicode_FromString("None") : name_of(value);
    PyObject *range = s->first > 0 ? PyUnicode_FromFormat(" or [%zu][%zu]", s->num_assets, s->num_sessions)
                                   : PyUnicode_FromString("");
    if (name && range)
        PyErr_Format(
            PyExc_TypeError,
            "returned %U; expected bool (the set that is held) or float64 (target weights), of shape "
            "[%zu][%zu]%U%s",
            name, s->num_assets, bp__panel_columns(s), range, hint);
    Py_XDECREF(name);
    Py_XDECREF(range);
    return -1;
}

static const char *hint_for(PyObject *value)
{
    if (value == Py_None) return "; is a `return` missing?";
    if (PyObject_HasAttrString(value, "to_numpy"))
        return "; pass its values as [asset][session]: frame.to_numpy().T";
    if (PyObject_HasAttrString(value, "mask")) return "; fill what is masked first: array.filled(False)";
    return "";
}

/* Buffers -------------------------------------------------------------------------------------------- */

/* An array of the right shape, from the first session of the range on. */
typedef struct grid {
    Py_buffer view;
    const char *at; /* of session 0 */
    Py_ssize_t row, step;
} grid;

static bool is_format(const Py_buffer *view, char kind)
{
    const char *format = view->format ? view->format : "B";
    if (*format == '@' || *format == '=' || *format == '<') format++;
    return format[0] == kind && format[1] == '\0';
}

static int take_grid(PyObject *value, const bp__scope *s, grid *g)
{
    const bool is_masked = PyObject_HasAttrString(value, "mask");
    if (is_masked || PyObject_GetBuffer(value, &g->view, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
        PyErr_Clear();
        return wrong(s, value, hint_for(value));
    }
    const Py_ssize_t rows = (Py_ssize_t)s->num_assets, all = (Py_ssize_t)bp__panel_columns(s),
                     range = (Py_ssize_t)s->num_sessions;
    const Py_buffer *v = &g->view;
    const bool fits = v->ndim == 2 && v->shape[0] == rows && (v->shape[1] == all || v->shape[1] == range);
    if (!fits || !(is_format(v, '?') || is_format(v, 'd'))) {
        PyBuffer_Release(&g->view);
        return wrong(s, value, "");
    }
    g->row = v->strides[0];
    g->step = v->strides[1];
    g->at = (const char *)v->buf + (v->shape[1] - range) * g->step;
    return 0;
}

/* Sets ----------------------------------------------------------------------------------------------- */

/* Sessions of the range at which an asset can be held: those from *begin up to before *end. */
static void life_of(const bp__scope *s, size_t asset, int32_t *begin, int32_t *end)
{
    const bp__asset *a = &s->asset[asset];
    const int32_t n = (int32_t)s->num_sessions, first = a->count > 0 ? bp__observed_at(a, 0) : n;
    *begin = first < 0 ? 0 : first;
    *end = a->delisted < n ? a->delisted : n;
    if (*end < *begin) *end = *begin;
}

/* A row as it counts, with room for 8 bytes more. */
static void copy_row(const grid *g, size_t asset, int32_t begin, int32_t end, int32_t n, unsigned char *copy)
{
    const char *from = g->at + (Py_ssize_t)asset * g->row;
    memset(copy, 0, (size_t)n + LANES);
    if (g->step == 1)
        memcpy(copy + begin, from + begin, (size_t)(end - begin));
    else
        for (int32_t t = begin; t < end; t++) copy[t] = (unsigned char)from[t * g->step];
    if (end > begin) memset(copy + end, copy[end - 1], (size_t)(n - end) + LANES);
}

static uint64_t load(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Up to 8 assets from `first` on: what enters or leaves. */
static void toggle_lanes(const unsigned char *const row[LANES], const unsigned char before[LANES],
                         unsigned lanes, int32_t n, bp__signals *said, size_t first)
{
    uint64_t last[LANES];
    for (unsigned i = 0; i < lanes; i++) last[i] = before[i];
    for (int32_t t = 0; t < n; t += LANES) {
        const int32_t left = n - t < LANES ? n - t : LANES;
        uint64_t changed = 0;
        for (unsigned i = 0; i < lanes; i++) {
            uint64_t now = load(row[i] + t);
            now = (((now & ~(ONES * 0x80)) + ONES * 0x7f) | now) >> 7 & ONES; /* any byte but 0 is 1 */
            changed |= (now ^ (now << 8 | last[i])) << i;
            last[i] = now >> 56;
        }
        if (!changed) continue;
        for (int32_t j = 0; j < left; j++) {
            const unsigned char assets = (unsigned char)(changed >> 8 * j);
            if (assets) bp__signals_turn_some(said, (size_t)(t + j), first, assets);
        }
    }
}

static int say_set(const bp__scope *s, const grid *g, bp__signals *said)
{
    static const unsigned char before[LANES];
    const int32_t n = (int32_t)s->num_sessions;
    const size_t room = (size_t)n + LANES;
    unsigned char *copy = PyMem_Malloc(LANES * room);
    if (!copy) return PyErr_NoMemory(), -1;
    for (size_t first = 0; first < s->num_assets; first += LANES) {
        const unsigned lanes = s->num_assets - first < LANES ? (unsigned)(s->num_assets - first) : LANES;
        const unsigned char *row[LANES];
        for (unsigned i = 0; i < lanes; i++) {
            int32_t begin, end;
            life_of(s, first + i, &begin, &end);
            /* behind the last row of an array there may be no 8 bytes more */
            const bool whole = g->step == 1 && begin == 0 && end == n && n % LANES == 0;
            row[i] =
                whole ? (const unsigned char *)g->at + (Py_ssize_t)(first + i) * g->row : copy + i * room;
            if (!whole) copy_row(g, first + i, begin, end, n, copy + i * room);
        }
        toggle_lanes(row, before, lanes, n, said, first);
    }
    PyMem_Free(copy);
    return 0;
}

/* Weights -------------------------------------------------------------------------------------------- */

static int say_weights(const bp__scope *s, const grid *g, const bool *when, const bp_market *market)
{
    bp_weights *weights = bp__market_weights(market);
    for (int32_t t = 0; weights && t < (int32_t)s->num_sessions; t++) {
        if (when && !when[t]) continue;
        double *row = bp_weights_row(weights, t);
        if (!row) break; /* no memory: the combination has failed, and the library knows it */
        const char *from = g->at + t * g->step;
        for (size_t i = 0; i < s->num_assets; i++, from += g->row) memcpy(&row[i], from, sizeof *row);
    }
    return 0;
}

/* When to rebalance: bool [session]. @param[out] when  [sessions of the range]; PyMem_Free() */
static int take_when(PyObject *value, const bp__scope *s, bool **when)
{
    Py_buffer view;
    const Py_ssize_t range = (Py_ssize_t)s->num_sessions, all = (Py_ssize_t)bp__panel_columns(s);
    const int got = PyObject_GetBuffer(value, &view, PyBUF_STRIDES | PyBUF_FORMAT);
    if (got != 0 || view.ndim != 1 || !is_format(&view, '?') ||
        (view.shape[0] != range && view.shape[0] != all)) {
        PyErr_Clear();
        PyObject *name = name_of(value);
        if (name)
            PyErr_Format(PyExc_TypeError,
                         "returned weights and %U; expected when to rebalance: bool, of shape [%zd]", name,
                         all);
        Py_XDECREF(name);
        if (got == 0) PyBuffer_Release(&view);
        return -1;
    }
    *when = PyMem_Malloc((size_t)range * sizeof **when);
    for (Py_ssize_t t = 0; *when && t < range; t++)
        (*when)[t] = ((const char *)view.buf)[(view.shape[0] - range + t) * view.strides[0]] != 0;
    PyBuffer_Release(&view);
    return *when ? 0 : (PyErr_NoMemory(), -1);
}

/* ---------------------------------------------------------------------------------------------------- */

int bp__py_answer(PyObject *result, const bp_market *market, bp_signals *signals, bool in_batch,
                  bool *by_weights)
{
    const bp__scope *s = ((const bp__market *)market)->call->scope;
    const bool is_pair = PyTuple_Check(result) && PyTuple_Size(result) == 2;
    PyObject *value = is_pair ? PyTuple_GetItem(result, 0) : result;
    bool *when = NULL;
    grid g;
    *by_weights = false;
    if (take_grid(value, s, &g) != 0) return -1;
    int said = 0;
    if (is_format(&g.view, 'd')) {
        *by_weights = true;
        if (is_pair) said = take_when(PyTuple_GetItem(result, 1), s, &when);
        if (said == 0 && !in_batch) said = say_weights(s, &g, when, market);
        PyMem_Free(when);
    } else if (is_pair) {
        said = wrong(s, result, "; when to rebalance goes with weights, not with a set");
    } else {
        said = say_set(s, &g, (bp__signals *)signals);
    }
    PyBuffer_Release(&g.view);
    return said;
}
