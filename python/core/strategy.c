/* A strategy of Python as the library calls it: the GIL is taken, arguments are made, the answer is understood, and an
 * exception becomes a failure of the combination.
 *
 * DESIGN
 *  - A function has the form *signals* for the library, whatever it returns. If it is weights, they are said by
 *    bp__market_weights(); the first that are make all batches that follow fail at once, so that each is run alone.
 *  - A class has the form *decide*. Its instances are kept here, each under the address of the memory that the library
 *    gives its run. It goes after the run's last call; a run that has ended before leaves it, until another one begins
 *    at its address. */
#include "python/core/strategy.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backtest/backtest.h"
#include "backtest/call.h"
#include "backtest/scope.h"

#define LARGEST_WHOLE 0x1p53
#define MAX_REASONS   64

/* A run of the form decide. */
typedef struct run {
    const void *memory; /* of it */
    PyObject *decide;   /* method of its instance */
    PyObject *pair;     /* view and orders */
    struct run *next;
} run;

struct bp__py_strategy {
    bp_strategy face;
    bp_param param[BP_STRATEGY_MAX_PARAMS];
    const char **words[BP_STRATEGY_MAX_PARAMS]; /* owned; the texts are the description's */
    PyObject *values[BP_STRATEGY_MAX_PARAMS];   /* tuple: what a word is in Python */
    bool is_required[BP_STRATEGY_MAX_PARAMS];
    bool is_plain[BP_STRATEGY_MAX_PARAMS]; /* no type is asked for: a whole number is an int */
    PyObject *description, *call, *check, *tell;
    size_t panel_bytes, window_bytes;
    bp__py_board board;
    const bp__scope *watched; /* that of the board; NULL: none yet, or it has ended */
    bp__scope_watch watch;
    run *runs;
    char *reason[MAX_REASONS]; /* of check, as static texts; owned */
    bool by_weights;           /* has answered by weights */
    bool interrupted; /* by KeyboardInterrupt: what is asked from then on is answered in the same way */
    bool keeps_errors;
    PyObject *error; /* the first one, if it is kept */
};

/* The GIL -------------------------------------------------------------------------------------------- */

static _Thread_local PyThreadState *outside;

void bp__py_outside(void)
{
    outside = PyEval_SaveThread();
}

void bp__py_inside(void)
{
    PyEval_RestoreThread(outside);
    outside = NULL;
}

bool bp__py_enter(void)
{
    if (!outside) return false; /* it has not been dropped */
    bp__py_inside();
    return true;
}

void bp__py_leave(bool entered)
{
    if (entered) bp__py_outside();
}

/* Exceptions ----------------------------------------------------------------------------------------- */

/* The exception that is set, as an object; it is not set any more. @return new */
static PyObject *take_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback && value) (void)PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Its text, by the package's function; whatever fails there must not hide it. @return new bytes, or NULL */
static PyObject *text_of(const bp__py_strategy *s, PyObject *error)
{
    PyObject *text = PyObject_CallFunctionObjArgs(s->tell, error, NULL);
    PyObject *bytes =
        text && PyUnicode_Check(text) ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
    Py_XDECREF(text);
    if (bytes) return bytes;
    PyErr_Clear();
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(error), "__name__");
    bytes = name ? PyUnicode_AsUTF8String(name) : NULL;
    Py_XDECREF(name);
    PyErr_Clear();
    return bytes;
}

/* What is set becomes the failure of a call. */
static void fail(bp__py_strategy *s, const bp_market *market, bp_view *view)
{
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "it has failed without an exception");
    bp__call *call = market ? ((bp__market *)(uintptr_t)market)->call
                     : view ? ((bp__view *)view)->call
                            : NULL;
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) s->interrupted = true;
    if (call && s->interrupted) bp__call_interrupt(call);
    PyObject *error = take_exception();
    PyObject *bytes = error ? text_of(s, error) : NULL;
    const char *text = bytes ? PyBytes_AsString(bytes) : NULL;
    if (!text) text = "it has raised an exception";
    if (market) bp_market_fail(market, text);
    if (view) bp_view_fail(view, text);
    if (s->keeps_errors && !s->error) s->error = Py_XNewRef(error);
    Py_XDECREF(bytes);
    Py_XDECREF(error);
    PyErr_Clear();
}

/* Arguments ------------------------------------------------------------------------------------------ */

PyObject *bp__py_strategy_value(const bp__py_strategy *s, size_t param, double value)
{
    if (s->values[param]) return Py_XNewRef(PyTuple_GetItem(s->values[param], (Py_ssize_t)value));
    const bool whole = value == floor(value) && fabs(value) <= LARGEST_WHOLE;
    if (s->param[param].kind == BP_PARAM_INTEGER || (s->is_plain[param] && whole))
        return PyLong_FromLongLong((long long)value);
    return PyFloat_FromDouble(value);
}

/* @param[in] first  what comes before the parameters; NULL: nothing @return new tuple */
static PyObject *arguments(const bp__py_strategy *s, PyObject *first, const double *params)
{
    const Py_ssize_t before = first != NULL;
    PyObject *args = PyTuple_New((Py_ssize_t)s->face.num_params + before);
    if (args && first) PyTuple_SetItem(args, 0, Py_NewRef(first));
    for (size_t p = 0; args && p < s->face.num_params; p++) {
        PyObject *value = bp__py_strategy_value(s, p, params[p]);
        if (value)
            PyTuple_SetItem(args, (Py_ssize_t)p + before, value);
        else
            Py_CLEAR(args);
    }
    return args;
}

static const bp__scope *scope_of(const bp_market *market)
{
    return ((const bp__market *)market)->call->scope;
}

/* Scopes --------------------------------------------------------------------------------------------- */

static void drop(bp__py_strategy *s, const void *memory);

/* The bundle is about to be released: nothing of ours holds it any more. What a rule has kept does. */
static void scope_ended(void *context)
{
    bp__py_strategy *s = context;
    PyObject *type, *value, *traceback;
    const bool entered = bp__py_enter();
    PyErr_Fetch(&type, &value, &traceback);
    s->watched = NULL;
    while (s->runs) drop(s, s->runs->memory);
    bp__py_board_clear(&s->board);
    PyErr_Restore(type, value, traceback);
    bp__py_leave(entered);
}

static void unwatch(bp__py_strategy *s)
{
    if (s->watched) bp__scope_watch_end(s->watched, &s->watch);
    s->watched = NULL;
}

/* @return -1 and an exception */
static int turn(bp__py_strategy *s, const bp__scope *scope)
{
    if (s->watched != scope) {
        unwatch(s);
        s->watch = (bp__scope_watch){.ended = scope_ended, .context = s};
        bp__scope_watch_begin(scope, &s->watch);
        s->watched = scope;
    }
    return bp__py_board_turn(&s->board, scope, s->panel_bytes, s->window_bytes);
}

/* Functions ------------------------------------------------------------------------------------------ */

/* @return what the function has returned; NULL and an exception */
static PyObject *ask(bp__py_strategy *s, const bp_market *market, const double *params)
{
    if (s->interrupted) return PyErr_SetNone(PyExc_KeyboardInterrupt), NULL;
    if (turn(s, scope_of(market)) != 0) return NULL;
    PyObject *m = bp__py_market_new(&s->board, market);
    PyObject *args = m ? arguments(s, m, params) : NULL;
    PyObject *result = args ? PyObject_Call(s->call, args, NULL) : NULL;
    if (m) bp__py_market_end(m);
    Py_XDECREF(args);
    Py_XDECREF(m);
    return result;
}

/* One combination. @return false: it has failed, or there has to be none beside it */
static bool one(bp__py_strategy *s, const bp_market *market, const double *params, bp_signals *signals,
                bool in_batch)
{
    PyObject *result = ask(s, market, params);
    const int said = result ? bp__py_answer(result, market, signals, in_batch, &s->by_weights) : -1;
    Py_XDECREF(result);
    if (said != 0) fail(s, market, NULL);
    return said == 0 && !(in_batch && s->by_weights);
}

static void signals(void *context, const bp_market *market, const double *params, bp_signals *said)
{
    const bool entered = bp__py_enter();
    (void)one(context, market, params, said, false);
    bp__py_leave(entered);
}

static void signals_batch(void *context, const bp_market *market, size_t count, const double *const *params,
                          bp_signals *const *said)
{
    bp__py_strategy *s = context;
    const bool entered = bp__py_enter();
    bool alike = !s->by_weights;
    for (size_t i = 0; alike && i < count; i++) alike = one(s, market, params[i], said[i], true);
    bp__py_leave(entered);
    if (!alike)
        bp_market_fail(market, "each combination is to be run by itself"); /* the first failure counts */
}

/* Classes -------------------------------------------------------------------------------------------- */

static void free_run(run *r)
{
    Py_XDECREF(r->decide);
    Py_XDECREF(r->pair);
    PyMem_Free(r);
}

/* Forget the run at an address. */
static void drop(bp__py_strategy *s, const void *memory)
{
    for (run **at = &s->runs; *at; at = &(*at)->next)
        if ((*at)->memory == memory) {
            run *r = *at;
            *at = r->next;
            free_run(r);
            return;
        }
}

/* An instance, and what it will see. @return NULL and an exception */
static run *begin_run(bp__py_strategy *s, const void *memory, const double *params)
{
    PyObject *args = arguments(s, NULL, params);
    PyObject *instance = args ? PyObject_Call(s->call, args, NULL) : NULL;
    run *r = instance ? PyMem_Calloc(1, sizeof *r) : NULL;
    if (instance && !r) PyErr_NoMemory();
    if (r) {
        r->memory = memory;
        r->decide = PyObject_GetAttrString(instance, "decide");
        r->pair = r->decide ? bp__py_view_new(&s->board) : NULL;
        r->next = s->runs;
        s->runs = r;
    }
    Py_XDECREF(args);
    Py_XDECREF(instance);
    return r && r->pair ? r : NULL;
}

static run *find_run(bp__py_strategy *s, const void *memory)
{
    run *r = s->runs;
    while (r && r->memory != memory) r = r->next;
    return r;
}

static int decide_with(run *r, bp_view *view)
{
    bp__py_view_begin(r->pair, view);
    PyObject *result = PyObject_Call(r->decide, r->pair, NULL);
    bp__py_view_end(r->pair);
    const bool wrong = result && result != Py_None;
    if (wrong)
        PyErr_Format(PyExc_TypeError,
                     "decide() returned %R; it gives orders by its second argument, and returns None",
                     Py_TYPE(result));
    Py_XDECREF(result);
    return result && !wrong ? 0 : -1;
}

static void decide(void *context, bp_view *view, const double *params)
{
    bp__py_strategy *s = context;
    const bp__scope *scope = ((const bp__view *)view)->call->scope;
    bool *begun = bp_view_memory(view);
    const bool entered = bp__py_enter();
    int done = turn(s, scope);
    if (done == 0 && !*begun) drop(s, begun); /* an earlier run's, which has not come to its end */
    run *r = done != 0 ? NULL : *begun ? find_run(s, begun) : begin_run(s, begun, params);
    *begun = true;
    done = r ? decide_with(r, view) : -1;
    if (done != 0) fail(s, NULL, view);
    if (done != 0 || bp_view_bar(view) == (int32_t)scope->num_sessions - 2) drop(s, begun);
    bp__py_leave(entered);
}

static size_t memory(void *context, size_t num_assets, const double *params)
{
    (void)context, (void)num_assets, (void)params;
    return sizeof(bool);
}

/* Conditions ----------------------------------------------------------------------------------------- */

/* A text that stays. */
static const char *keep_reason(bp__py_strategy *s, const char *text)
{
    size_t i = 0;
    while (i < MAX_REASONS && s->reason[i] && strcmp(s->reason[i], text) != 0) i++;
    if (i == MAX_REASONS) return "its condition does not hold";
    if (!s->reason[i]) s->reason[i] = strdup(text);
    return s->reason[i] ? s->reason[i] : "its condition does not hold";
}

/* None or True: it makes sense; a text says why not. */
static const char *check(void *context, const double *params)
{
    bp__py_strategy *s = context;
    const bool entered = bp__py_enter();
    const char *why = NULL;
    PyObject *args = arguments(s, NULL, params);
    PyObject *result = args ? PyObject_Call(s->check, args, NULL) : NULL;
    if (!result) {
        fail(s, NULL, NULL);
        why = "its condition has raised an exception";
    } else if (PyUnicode_Check(result)) {
        const char *text = PyUnicode_AsUTF8AndSize(result, NULL);
        why = keep_reason(s, text ? text : "its condition does not hold");
    } else if (result != Py_None && PyObject_IsTrue(result) != 1) {
        why = "its condition does not hold";
    }
    PyErr_Clear();
    Py_XDECREF(args);
    Py_XDECREF(result);
    bp__py_leave(entered);
    return why;
}

/* Descriptions --------------------------------------------------------------------------------------- */

/* An entry of the description, borrowed. @return NULL and an exception: it is missing */
static PyObject *entry(PyObject *description, const char *key)
{
    PyObject *value = PyDict_Check(description) ? PyDict_GetItemString(description, key) : NULL;
    if (!value) PyErr_Format(PyExc_KeyError, "the description of a strategy lacks '%s'", key);
    return value;
}

static const char *text_entry(PyObject *description, const char *key)
{
    PyObject *value = entry(description, key);
    return value ? bp__py_text(value, key) : NULL;
}

static size_t size_entry(PyObject *description, const char *key)
{
    PyObject *value = entry(description, key);
    return value ? PyLong_AsSize_t(value) : 0;
}

/* @param[in] words  tuple of (text, value) */
static int set_words(bp__py_strategy *s, size_t p, PyObject *words)
{
    const Py_ssize_t count = PyTuple_Size(words);
    s->words[p] = calloc((size_t)count + 1, sizeof *s->words[p]);
    s->values[p] = PyTuple_New(count);
    if (!s->words[p] || !s->values[p]) return PyErr_NoMemory(), -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *word, *value;
        if (!PyArg_ParseTuple(PyTuple_GetItem(words, i), "OO", &word, &value)) return -1;
        s->words[p][i] = bp__py_text(word, "word");
        if (!s->words[p][i]) return -1;
        PyTuple_SetItem(s->values[p], i, Py_NewRef(value));
    }
    s->param[p].words = s->words[p];
    return 0;
}

/* @param[in] from  (name, help, kind, fallback, words, required) */
static int set_param(bp__py_strategy *s, size_t p, PyObject *from)
{
    bp_param *param = &s->param[p];
    const char *kind;
    PyObject *words;
    int required;
    if (!PyArg_ParseTuple(from, "sssdOp", &param->name, &param->help, &kind, &param->fallback, &words,
                          &required))
        return -1;
    s->is_required[p] = required;
    s->is_plain[p] = strcmp(kind, "number") == 0;
    param->kind = strcmp(kind, "int") == 0    ? BP_PARAM_INTEGER
                  : strcmp(kind, "word") == 0 ? BP_PARAM_WORD
                                              : BP_PARAM_REAL;
    param->max = param->kind == BP_PARAM_INTEGER ? LARGEST_WHOLE : DBL_MAX;
    param->min = -param->max;
    return param->kind == BP_PARAM_WORD ? set_words(s, p, words) : 0;
}

static int set_params(bp__py_strategy *s, PyObject *params)
{
    const Py_ssize_t count = PySequence_Size(params);
    if (count < 0) return -1;
    if (count > BP_STRATEGY_MAX_PARAMS) {
        PyErr_Format(PyExc_TypeError, "%s has %zd parameters; at most %d are allowed", s->face.name, count,
                     BP_STRATEGY_MAX_PARAMS);
        return -1;
    }
    for (Py_ssize_t p = 0; p < count; p++) {
        PyObject *from = PySequence_GetItem(params, p); /* the description keeps it, and its texts */
        const int set = from ? set_param(s, (size_t)p, from) : -1;
        Py_XDECREF(from);
        if (set != 0) return -1;
    }
    s->face.num_params = (size_t)count;
    s->face.param = s->param;
    return 0;
}

static int set_form(bp__py_strategy *s)
{
    const char *form = text_entry(s->description, "form");
    if (!form) return -1;
    if (strcmp(form, "class") == 0) {
        s->face.decide = decide;
        s->face.memory = memory;
    } else {
        s->face.signals = signals;
        s->face.signals_batch = signals_batch;
    }
    return 0;
}

static int set_calls(bp__py_strategy *s)
{
    s->call = entry(s->description, "call");
    s->tell = entry(s->description, "tell");
    s->check = PyDict_GetItemString(s->description, "check");
    if (s->check == Py_None) s->check = NULL;
    if (s->check) s->face.check = check;
    return s->call && s->tell ? 0 : -1;
}

static int describe(bp__py_strategy *s, PyObject *description)
{
    s->description = Py_NewRef(description);
    s->face.size = sizeof s->face;
    s->face.context = s;
    s->face.name = text_entry(description, "name");
    s->face.help = s->face.name ? text_entry(description, "help") : NULL;
    if (!s->face.help) return -1;
    s->panel_bytes = size_entry(description, "panel_bytes");
    s->window_bytes = size_entry(description, "window_bytes");
    PyObject *params = entry(description, "params");
    return PyErr_Occurred() || !params || set_params(s, params) != 0 || set_form(s) != 0 ? -1 : set_calls(s);
}

bool bp__py_strategy_requires(const bp__py_strategy *s, size_t param)
{
    return s->is_required[param];
}

bp__py_strategy *bp__py_strategy_new(PyObject *description)
{
    bp__py_strategy *s = PyMem_Calloc(1, sizeof *s);
    if (!s) return PyErr_NoMemory(), NULL;
    if (describe(s, description) == 0) return s;
    bp__py_strategy_free(s);
    return NULL;
}

void bp__py_strategy_free(bp__py_strategy *s)
{
    if (!s) return;
    while (s->runs) drop(s, s->runs->memory);
    unwatch(s);
    bp__py_board_clear(&s->board);
    for (size_t p = 0; p < BP_STRATEGY_MAX_PARAMS; p++) {
        free(s->words[p]);
        Py_XDECREF(s->values[p]);
    }
    for (size_t i = 0; i < MAX_REASONS; i++) free(s->reason[i]);
    Py_XDECREF(s->error);
    Py_XDECREF(s->description);
    PyMem_Free(s);
}

const bp_strategy *bp__py_strategy_face(const bp__py_strategy *s)
{
    return &s->face;
}

void bp__py_strategy_keep_errors(bp__py_strategy *s)
{
    s->keeps_errors = true;
}

PyObject *bp__py_strategy_error(bp__py_strategy *s)
{
    return Py_XNewRef(s->error);
}
