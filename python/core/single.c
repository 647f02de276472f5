/* One backtest to be looked at, and the check for look-ahead, called from Python: in this process, without MPI. */
#include "python/core/core.h"

#include <stdlib.h>
#include <string.h>

#include "backtest/lookahead.h"
#include "core/status.h"
#include "python/core/found.h"
#include "python/core/provider.h"
#include "search/single.h"

/* What happened -------------------------------------------------------------------------------------- */

/* An entry of the ledger as Python reads it: bundlepool/backtest.py has the same fields. */
typedef struct row {
    int64_t kind, t, asset, order, why;
    double shares, price, commission, slippage, gain, cash;
} row;

typedef struct story {
    row *at; /* owned */
    size_t count, room;
    const char *why[16]; /* static texts that entries refer to */
    size_t num_assets, num_sessions;
    double *equity, *cash, *shares, *mark; /* owned: [sessions], the last two [sessions][assets] */
    bool lost;                             /* there was no memory */
} story;

static int64_t why_number(story *s, const char *why)
{
    size_t i = 0;
    if (!why) return -1;
    while (i < sizeof s->why / sizeof *s->why - 1 && s->why[i] && strcmp(s->why[i], why) != 0) i++;
    s->why[i] = why;
    return (int64_t)i;
}

static void hear_entry(void *context, const bp__entry *e)
{
    story *s = context;
    if (s->count == s->room) {
        const size_t more = s->room ? 2 * s->room : 256;
        row *at = realloc(s->at, more * sizeof *at);
        if (!at) {
            s->lost = true;
            return;
        }
        s->at = at;
        s->room = more;
    }
    s->at[s->count++] = (row){.kind = (int64_t)e->kind,
                              .t = e->t,
                              .asset = e->asset,
                              .order = (int64_t)e->order,
                              .why = why_number(s, e->why),
                              .shares = e->shares,
                              .price = e->price,
                              .commission = e->commission,
                              .slippage = e->slippage,
                              .gain = e->gain,
                              .cash = e->cash};
}

static void hear_balance(void *context, const bp__balance *b)
{
    story *s = context;
    const size_t n = s->num_assets;
    s->equity[b->t] = b->equity;
    s->cash[b->t] = b->cash;
    memcpy(s->shares + (size_t)b->t * n, b->shares, n * sizeof *b->shares);
    memcpy(s->mark + (size_t)b->t * n, b->mark, n * sizeof *b->mark);
}

static bp_status story_init(const bp__scope *scope, story *s)
{
    const size_t n = bp__scope_num_assets(scope), days = bp__scope_num_sessions(scope);
    *s = (story){.num_assets = n, .num_sessions = days};
    s->equity = calloc(days, sizeof *s->equity);
    s->cash = calloc(days, sizeof *s->cash);
    s->shares = calloc(days * n, sizeof *s->shares);
    s->mark = calloc(days * n, sizeof *s->mark);
    if (s->equity && s->cash && s->shares && s->mark) return BP_OK;
    BP_FAIL(BP_ENOMEM, "no memory for what a run does with %zu assets in %zu sessions", n, days);
}

static void story_fini(story *s)
{
    free(s->at);
    free(s->equity);
    free(s->cash);
    free(s->shares);
    free(s->mark);
}

/* A run ---------------------------------------------------------------------------------------------- */

typedef struct look {
    bp__options options;
    bp__single single;
    story story;
    bp__metrics metrics;
} look;

static bp_status check_sense(const bp__spec *spec)
{
    double params[BP__MAX_PARAMS];
    char text[256];
    bp__grid_at(&spec->grid, 0, params);
    const char *why = bp__spec_check(spec, params);
    if (!why) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s %s makes no sense: %.200s", spec->strategy,
            bp__grid_text(&spec->grid, 0, text, sizeof text), why);
}

static bp_status run(look *l)
{
    const bp__spec *spec = &l->options.spec;
    bp__record record;
    BP_TRY(check_sense(spec));
    BP_TRY(bp__single_open(spec, l->options.conduct.cfg.root, 0, true, &l->single));
    BP_TRY(story_init(l->single.scope, &l->story));
    const bp__ledger ledger = {.context = &l->story, .entry = hear_entry, .balance = hear_balance};
    BP_TRY(bp__single_run(&l->single, 0, &ledger, &record));
    if (l->story.lost) BP_FAIL(BP_ENOMEM, "no memory for what the run did");
    const bp__terms terms = bp__spec_terms(spec, l->single.scope);
    bp__metrics_from(&record, &terms, &l->metrics);
    return BP_OK;
}

static PyObject *bytes_of(const void *data, size_t size)
{
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

static PyObject *metrics_of(const bp__metrics *metrics)
{
    PyObject *dict = PyDict_New();
    for (unsigned i = 0; dict && i < BP__NUM_METRICS; i++)
        if (bp__py_put(dict, bp__metric_at(i)->name, PyFloat_FromDouble(bp__metric_value(metrics, i))) != 0)
            Py_CLEAR(dict);
    return dict;
}

static PyObject *texts_of(const story *s)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < sizeof s->why / sizeof *s->why && s->why[i]; i++) {
        PyObject *text = PyUnicode_FromString(s->why[i]);
        if (!text || PyList_Append(list, text) != 0) Py_CLEAR(list);
        Py_XDECREF(text);
    }
    return list;
}

static PyObject *symbols_of(const bp__scope *scope)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < bp__scope_num_assets(scope); i++) {
        int64_t sid;
        const char *symbol = bp__scope_asset(scope, i, &sid);
        PyObject *entry =
            Py_BuildValue("(NL)", PyUnicode_DecodeUTF8(symbol, (Py_ssize_t)strlen(symbol), "surrogateescape"),
                          (long long)sid);
        if (!entry || PyList_Append(list, entry) != 0) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

static PyObject *days_of(const bp__scope *scope)
{
    const size_t n = bp__scope_num_sessions(scope);
    PyObject *bytes = bytes_of(NULL, n * sizeof(int64_t));
    for (size_t t = 0; bytes && t < n; t++)
        ((int64_t *)(void *)PyBytes_AsString(bytes))[t] = bp__scope_session(scope, (int32_t)t);
    return bytes;
}

/* Parameters as the strategy got them. */
static PyObject *params_of(const bp__grid *grid, const bp__py_strategy *strategy)
{
    PyObject *dict = PyDict_New();
    double params[BP__MAX_PARAMS];
    bp__grid_at(grid, 0, params);
    for (unsigned p = 0; dict && p < grid->num_axes; p++) {
        const bp_param *param = &grid->axis[p].param;
        PyObject *value = strategy       ? bp__py_strategy_value(strategy, p, params[p])
                          : param->words ? PyUnicode_FromString(param->words[(size_t)params[p]])
                          : param->kind == BP_PARAM_INTEGER ? PyLong_FromDouble(params[p])
                                                            : PyFloat_FromDouble(params[p]);
        if (bp__py_put(dict, param->name, value) != 0) Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *story_of(const look *l, const bp__py_strategy *strategy)
{
    const story *s = &l->story;
    const size_t days = s->num_sessions * sizeof(double);
    PyObject *dict = PyDict_New();
    if (!dict) return NULL;
    if (bp__py_put(dict, "metrics", metrics_of(&l->metrics)) == 0 &&
        bp__py_put(dict, "params", params_of(&l->options.spec.grid, strategy)) == 0 &&
        bp__py_put(dict, "strategy", PyUnicode_FromString(l->options.spec.strategy)) == 0 &&
        bp__py_put(dict, "bundle", PyUnicode_FromString(l->options.spec.bundle[0])) == 0 &&
        bp__py_put(dict, "content_hash", PyUnicode_FromString(l->single.content_hash)) == 0 &&
        bp__py_put(dict, "start_cash", PyFloat_FromDouble(l->options.spec.account.cash)) == 0 &&
        bp__py_put(dict, "assets", symbols_of(l->single.scope)) == 0 &&
        bp__py_put(dict, "sessions", days_of(l->single.scope)) == 0 &&
        bp__py_put(dict, "entries", bytes_of(s->at, s->count * sizeof *s->at)) == 0 &&
        bp__py_put(dict, "why", texts_of(s)) == 0 &&
        bp__py_put(dict, "equity", bytes_of(s->equity, days)) == 0 &&
        bp__py_put(dict, "cash", bytes_of(s->cash, days)) == 0 &&
        bp__py_put(dict, "shares", bytes_of(s->shares, days * s->num_assets)) == 0 &&
        bp__py_put(dict, "marks", bytes_of(s->mark, days * s->num_assets)) == 0)
        return dict;
    Py_DECREF(dict);
    return NULL;
}

/* The exception of a strategy as itself, or that of the library's failure. @return NULL */
static PyObject *raise(bp_status s, const bp__py_provider *provider)
{
    PyObject *error = provider->strategy ? bp__py_strategy_error(provider->strategy) : NULL;
    if (!error) return bp__py_raise(s);
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    return NULL;
}

/* backtest(argv, description) */
static PyObject *backtest(PyObject *module, PyObject *args)
{
    PyObject *list, *description, *result = NULL;
    bp__py_argv argv;
    bp__py_provider provider;
    look l = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &list, &description) || bp__py_argv_from(list, &argv) != 0) return NULL;
    bp__py_provider_init(NULL, description == Py_None ? NULL : description, &provider);
    bp__py_outside();
    bp_status s =
        bp__options_parse(argv.count, argv.arg, description == Py_None ? NULL : &provider.face, &l.options);
    if (provider.strategy) bp__py_strategy_keep_errors(provider.strategy);
    if (s == BP_OK) s = run(&l);
    bp__py_inside();
    result = s == BP_OK ? story_of(&l, provider.strategy) : raise(s, &provider);
    story_fini(&l.story);
    bp__single_close(&l.single);
    bp__options_fini(&l.options);
    bp__py_provider_fini(&provider);
    bp__py_argv_fini(&argv);
    return result;
}

/* Look-ahead ----------------------------------------------------------------------------------------- */

static PyObject *told(const bp__lookahead *r, const char *bundle, uint64_t index, const char *params)
{
    return Py_BuildValue("{sKsssssOsKsKsLszsLssssss}", "index", (unsigned long long)index, "bundle", bundle,
                         "text", params, "found", r->found ? Py_True : Py_False, "cuts",
                         (unsigned long long)r->cuts, "failed", (unsigned long long)r->failed, "session",
                         (long long)(r->found ? r->session : 0), "asset", r->found ? r->symbol : NULL,
                         "known", (long long)(r->found ? r->known : 0), "early", r->found ? r->early : "",
                         "late", r->found ? r->late : "", "why", r->failed ? r->why : "");
}

static int check_task(const bp__options *o, const bp__py_provider *provider, const bp_bundle *bundle,
                      uint64_t task, const bp__results *results, PyObject *list)
{
    const bp__spec *spec = &o->spec;
    const uint64_t index = task % spec->grid.size;
    double params[BP__MAX_PARAMS];
    char text[256];
    bp__lookahead found;
    bp__grid_at(&spec->grid, index, params);
    const bp__lookahead_task what = {
        .bundle = bundle,
        .symbols = (const char *const *)spec->symbols,
        .start = spec->start,
        .end = spec->end,
        .delisted_after = spec->delisted_after,
        .strategy = spec->runs,
        .params = params,
        .account = &spec->account,
        .cuts = o->lookahead_cuts,
        .seed = o->lookahead_seed,
    };
    bp__py_outside();
    const bp_status s = bp__lookahead_check(&what, &found);
    bp__py_inside();
    if (PyErr_CheckSignals() != 0) return -1;
    if (s != BP_OK) return raise(s, provider), -1;
    PyObject *entry = told(&found, spec->bundle[task / spec->grid.size], index,
                           bp__results_task(results, task, text, sizeof text));
    const int appended = entry ? PyList_Append(list, entry) : -1;
    Py_XDECREF(entry);
    return appended;
}

#define MOST_COMBINATIONS 10 /* of a bundle, as the program's --check-lookahead */

static int check_bundle(const bp__options *o, const bp__py_provider *provider, const bp__results *results,
                        uint64_t b, PyObject *list)
{
    const bp_bundle *bundle = NULL;
    uint64_t *todo = NULL, count = 0;
    bp__py_outside();
    bp_status s = bp_bundle_load(o->conduct.cfg.root, o->spec.bundle[b], &bundle);
    if (s == BP_OK) s = bp__results_todo(results, b, &todo, &count);
    bp__py_inside();
    int checked = s == BP_OK ? 0 : (bp__py_raise(s), -1);
    for (uint64_t i = 0; checked == 0 && i < count && i < MOST_COMBINATIONS; i++)
        checked = check_task(o, provider, bundle, todo[i], results, list);
    free(todo);
    bp_bundle_release(&bundle);
    return checked;
}

static PyObject *check(const bp__options *o, const bp__py_provider *provider)
{
    bp__results results = {0};
    PyObject *list = PyList_New(0);
    bp__py_outside();
    const bp_status s = bp__results_init(&o->spec, NULL, &results);
    bp__py_inside();
    int checked = !list ? -1 : s == BP_OK ? 0 : (bp__py_raise(s), -1);
    for (uint64_t b = 0; checked == 0 && b < o->spec.num_bundles; b++)
        checked = check_bundle(o, provider, &results, b, list);
    if (checked == 0 && PyList_Size(list) == 0) {
        bp__py_fail(BP_EINVAL, "no combination of these parameters makes sense, nothing was checked");
        checked = -1;
    }
    bp__results_fini(&results);
    if (checked != 0) Py_CLEAR(list);
    return list;
}

/* check_lookahead(argv, description) */
static PyObject *check_lookahead(PyObject *module, PyObject *args)
{
    PyObject *list, *description;
    bp__py_argv argv;
    bp__py_provider provider;
    bp__options options;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &list, &description) || bp__py_argv_from(list, &argv) != 0) return NULL;
    bp__py_provider_init(NULL, description == Py_None ? NULL : description, &provider);
    bp__py_outside();
    const bp_status s =
        bp__options_parse(argv.count, argv.arg, description == Py_None ? NULL : &provider.face, &options);
    bp__py_inside();
    if (provider.strategy) bp__py_strategy_keep_errors(provider.strategy);
    PyObject *result = s == BP_OK ? check(&options, &provider) : bp__py_raise(s);
    bp__options_fini(&options);
    bp__py_provider_fini(&provider);
    bp__py_argv_fini(&argv);
    return result;
}

static PyMethodDef functions[] = {
    {"backtest", backtest, METH_VARARGS,
     "backtest($module, argv, description, /)\n--\n\nOne run, and what it did."},
    {"check_lookahead", check_lookahead, METH_VARARGS,
     "check_lookahead($module, argv, description, /)\n--\n\nRun on data that ends earlier: [dict] of each combination."},
    {NULL, NULL, 0, NULL},
};

int bp__py_add_single(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
