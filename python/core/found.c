#include "python/core/found.h"

#include <stdlib.h>
#include <string.h>

#include "backtest/metrics.h"

int bp__py_put(PyObject *dict, const char *key, PyObject *value)
{
    const int put = value ? PyDict_SetItemString(dict, key, value) : -1;
    Py_XDECREF(value);
    return put;
}

static PyObject *bytes_of(const void *data, size_t size)
{
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

/* [(name, "int" "real" "word", words or None)] */
static PyObject *params_of(const bp__grid *grid)
{
    static const char *const kinds[] = {
        [BP_PARAM_INTEGER] = "int", [BP_PARAM_REAL] = "real", [BP_PARAM_WORD] = "word"};
    PyObject *list = PyList_New(0);
    for (unsigned p = 0; list && p < grid->num_axes; p++) {
        const bp_param *param = &grid->axis[p].param;
        PyObject *words = PyList_New(0);
        for (size_t i = 0; words && param->words && param->words[i]; i++) {
            PyObject *word = PyUnicode_FromString(param->words[i]);
            if (!word || PyList_Append(words, word) != 0) Py_CLEAR(words);
            Py_XDECREF(word);
        }
        PyObject *entry = words ? Py_BuildValue("(ssN)", param->name, kinds[param->kind], words) : NULL;
        if (!entry || PyList_Append(list, entry) != 0) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* [(name, whether more is better, 0 ratio 1 count 2 money, help)] of the columns */
static PyObject *metrics_of(const bp__spec *spec)
{
    PyObject *list = PyList_New(0);
    for (unsigned c = 0; list && c < spec->num_columns; c++) {
        const bp__metric *m = bp__spec_metric(spec, c);
        PyObject *entry = Py_BuildValue("(sOis)", m->name, m->best == BP__HIGHEST ? Py_True : Py_False,
                                        (int)m->kind, m->help);
        if (!entry || PyList_Append(list, entry) != 0) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* Every combination of the grid: float64 [size][params]. */
static PyObject *grid_of(const bp__grid *grid)
{
    PyObject *bytes = bytes_of(NULL, grid->size * grid->num_axes * sizeof(double));
    double *row = bytes ? (double *)(void *)PyBytes_AsString(bytes) : NULL, params[BP__MAX_PARAMS];
    for (uint64_t i = 0; row && i < grid->size; i++, row += grid->num_axes) {
        bp__grid_at(grid, i, params);
        memcpy(row, params, grid->num_axes * sizeof *row);
    }
    return bytes;
}

static PyObject *ranked(const bp__results *results)
{
    bp__rated *order = NULL;
    uint64_t count = 0;
    const bp_status s = bp__results_rank(results, &order, &count);
    if (s != BP_OK) return bp__py_raise(s);
    PyObject *bytes = bytes_of(NULL, count * sizeof(uint64_t));
    for (uint64_t i = 0; bytes && i < count; i++)
        ((uint64_t *)(void *)PyBytes_AsString(bytes))[i] = order[i].task;
    free(order);
    return bytes;
}

static PyObject *failures_of(const bp__results *results)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < results->num_failures; i++) {
        const char *why = results->failure[i].why;
        PyObject *text = PyUnicode_DecodeUTF8(why, (Py_ssize_t)strlen(why), "replace");
        PyObject *entry =
            text ? Py_BuildValue("(KN)", (unsigned long long)results->failure[i].task, text) : NULL;
        if (!entry || PyList_Append(list, entry) != 0) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* [dict] of each bundle, as far as it has been tested */
static PyObject *bundles_of(const bp__found *found)
{
    const bp__spec *spec = found->spec;
    PyObject *list = PyList_New(0);
    for (uint64_t b = 0; list && b < spec->num_bundles; b++) {
        const bp__tested *t = found->tested ? &found->tested[b] : NULL;
        PyObject *entry = Py_BuildValue(
            "{sssssssKsKsLsLsdsKss}", "name", spec->bundle[b], "content_hash", t ? t->content_hash : "",
            "computed_hash", t ? t->computed_hash : "", "num_assets",
            (unsigned long long)(t ? t->num_assets : 0), "num_sessions",
            (unsigned long long)(t ? t->num_sessions : 0), "first_session",
            (long long)(t ? t->first_session : 0), "last_session", (long long)(t ? t->last_session : 0),
            "sessions_per_year", t ? t->sessions_per_year : 0.0, "num_delisted",
            (unsigned long long)(t ? t->num_delisted : 0), "delisted", t ? t->delisted : "");
        if (!entry || PyList_Append(list, entry) != 0) Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* (index, bundle, float64 [params], float64 [values]), or None: nothing is ranked */
static PyObject *best_of(const bp__found *found)
{
    const bp__spec *spec = found->spec;
    const uint64_t task = found->results.best;
    double params[BP__MAX_PARAMS];
    if (task == BP__NO_TASK) return Py_NewRef(Py_None);
    bp__grid_at(&spec->grid, task % spec->grid.size, params);
    return Py_BuildValue("(KsNN)", (unsigned long long)(task % spec->grid.size),
                         spec->bundle[task / spec->grid.size],
                         bytes_of(params, spec->grid.num_axes * sizeof *params),
                         bytes_of(found->best, spec->num_metrics * sizeof *found->best));
}

/* What every rank knows. */
static int put_best(PyObject *dict, const bp__found *found)
{
    const bp__spec *spec = found->spec;
    if (bp__py_put(dict, "params", params_of(&spec->grid)) != 0) return -1;
    if (bp__py_put(dict, "metrics", metrics_of(spec)) != 0) return -1;
    if (bp__py_put(dict, "several", PyBool_FromLong(spec->several)) != 0) return -1;
    if (bp__py_put(dict, "objective", PyUnicode_FromString(bp__ranking_text(spec))) != 0) return -1;
    return bp__py_put(dict, "best", best_of(found));
}

static int put_results(PyObject *dict, const bp__found *found)
{
    const bp__spec *spec = found->spec;
    const bp__results *r = &found->results;
    const bool there = r->outcome != NULL;
    if (bp__py_put(dict, "num_values", PyLong_FromUnsignedLong(spec->num_metrics)) != 0) return -1;
    if (bp__py_put(dict, "bundles", bundles_of(found)) != 0) return -1;
    if (bp__py_put(dict, "size", PyLong_FromUnsignedLongLong(spec->grid.size)) != 0) return -1;
    if (bp__py_put(dict, "grid", grid_of(&spec->grid)) != 0) return -1;
    if (bp__py_put(dict, "outcome", bytes_of(r->outcome, there ? r->num_rows : 0)) != 0) return -1;
    const size_t values = there ? r->num_rows * spec->num_metrics * sizeof(double) : 0;
    if (bp__py_put(dict, "values", bytes_of(r->value, values)) != 0) return -1;
    if (bp__py_put(dict, "order", there ? ranked(r) : bytes_of("", 0)) != 0) return -1;
    return bp__py_put(dict, "failures", failures_of(r));
}

PyObject *bp__py_found(const bp__found *f, bool is_first)
{
    static const char *const endings[] = {[BP__ENDED_COMPLETE] = "complete",
                                          [BP__ENDED_STOPPED] = "stopped",
                                          [BP__ENDED_UNWRITABLE] = "unwritable",
                                          [BP__ENDED_UPDATED] = "updated",
                                          [BP__ENDED_ABANDONED] = "abandoned"};
    const bp__results *r = &f->results;
    PyObject *dict =
        Py_BuildValue("{sssKsKsKsKsKsisdsssO}", "ending", endings[f->ending], "done",
                      (unsigned long long)r->done, "failed", (unsigned long long)r->failed, "skipped",
                      (unsigned long long)r->skipped, "resumed", (unsigned long long)f->resumed, "total",
                      (unsigned long long)r->num_todo, "num_ranks", f->num_ranks, "seconds", f->seconds,
                      "strategy", f->spec->strategy, "has_journal", f->has_journal ? Py_True : Py_False);
    if (dict && put_best(dict, f) != 0) Py_CLEAR(dict);
    if (dict && is_first && put_results(dict, f) != 0) Py_CLEAR(dict);
    return dict;
}
