/* The asset finder: _core.reader_…(pin, …), which bundlepool.readers.Assets wraps. */
#include "python/core/reader_args.h"

#include <string.h>

/* (pin, name): what it holds is a view, which is no question of readers: they only have no bundle object at
 * hand. */
PyObject *bp__py_reader_column(const bp_reader *reader, PyObject *const *args)
{
    (void)reader;
    const char *name = bp__py_text(args[1], "column");
    if (!name) return NULL;
    for (int i = 0; i < BP_NUM_COLUMNS; i++)
        if (strcmp(bp_column_name((bp_column)i), name) == 0) return bp__py_column_of(args[0], (bp_column)i);
    return bp__py_fail(BP_ENOTFOUND, "%.100s: there is no such column", name);
}

/* (sid, symbol, name, exchange, start_date, end_date, first_traded, auto_close_date, currency) */
PyObject *bp__py_reader_retrieve_asset(const bp_reader *reader, PyObject *const *args)
{
    int64_t sid;
    bp_asset a = bp_asset_init();
    if (!bp__py_int(args[1], "sid", &sid)) return NULL;
    const bp_status s = bp_reader_retrieve_asset(reader, sid, &a);
    if (s != BP_OK) return bp__py_raise(s);
    return Py_BuildValue("LNNNNNNNN", (long long)a.sid, bp__py_str(a.symbol), bp__py_str(a.name),
                         bp__py_str(a.exchange), bp__py_stamp(a.start_date), bp__py_stamp(a.end_date),
                         bp__py_stamp(a.first_traded), bp__py_stamp(a.auto_close_date),
                         bp__py_str(a.currency));
}

static bp_lookup how(PyObject *fuzzy)
{
    return fuzzy == Py_True ? BP_LOOKUP_FUZZY : BP_LOOKUP_STRICT;
}

PyObject *bp__py_reader_lookup_symbol(const bp_reader *reader, PyObject *const *args)
{
    const char *symbol;
    int64_t as_of, sid;
    if (!(symbol = bp__py_text(args[1], "symbol")) || !bp__py_time_or_none(args[2], "as_of_date", &as_of))
        return NULL;
    const bp_status s = bp_reader_lookup_symbol(reader, symbol, as_of, how(args[3]), &sid);
    return s == BP_OK ? PyLong_FromLongLong(sid) : bp__py_raise(s);
}

PyObject *bp__py_reader_symbol_of(const bp_reader *reader, PyObject *const *args)
{
    const char *symbol;
    int64_t sid, as_of;
    if (!bp__py_int(args[1], "sid", &sid) || !bp__py_time_or_none(args[2], "as_of_date", &as_of)) return NULL;
    const bp_status s = bp_reader_symbol_of(reader, sid, as_of, &symbol);
    return s == BP_OK ? bp__py_str(symbol) : bp__py_raise(s);
}

/* Lists ----------------------------------------------------------------------------------------- */

static PyObject *ownership(const bp_ownership *o)
{
    return Py_BuildValue("LNNN", (long long)o->sid, bp__py_str(o->symbol), bp__py_stamp(o->start_date),
                         bp__py_stamp(o->end_date));
}

/* Periods of a symbol, or else of a sid. */
static bp_status periods(const bp_reader *reader, const char *symbol, bp_lookup lookup, int64_t sid,
                         bp_ownership *out, size_t room, size_t *count)
{
    return symbol ? bp_reader_owners(reader, symbol, lookup, out, room, count)
                  : bp_reader_symbols_of(reader, sid, out, room, count);
}

static PyObject *list_periods(const bp_reader *reader, const char *symbol, bp_lookup lookup, int64_t sid)
{
    size_t count = 0;
    bp_status s = periods(reader, symbol, lookup, sid, NULL, 0, &count);
    if (s != BP_OK) return bp__py_raise(s);
    bp_ownership *found = PyMem_Malloc((count + 1) * sizeof *found);
    if (!found) return PyErr_NoMemory();
    s = periods(reader, symbol, lookup, sid, found, count, &count);
    PyObject *list = s == BP_OK ? PyList_New((Py_ssize_t)count) : bp__py_raise(s);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *item = ownership(&found[i]);
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) Py_CLEAR(list);
    }
    PyMem_Free(found);
    return list;
}

PyObject *bp__py_reader_owners(const bp_reader *reader, PyObject *const *args)
{
    const char *symbol;
    if (!(symbol = bp__py_text(args[1], "symbol"))) return NULL;
    return list_periods(reader, symbol, how(args[2]), 0);
}

PyObject *bp__py_reader_symbols_of(const bp_reader *reader, PyObject *const *args)
{
    int64_t sid;
    if (!bp__py_int(args[1], "sid", &sid)) return NULL;
    return list_periods(reader, NULL, BP_LOOKUP_STRICT, sid);
}

PyObject *bp__py_reader_exchanges(const bp_reader *reader, PyObject *const *args)
{
    (void)args;
    size_t count = 0;
    bp_reader_exchanges(reader, NULL, 0, &count);
    const char **name = PyMem_Malloc((count + 1) * sizeof *name);
    if (!name) return PyErr_NoMemory();
    bp_reader_exchanges(reader, name, count, &count);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *item = bp__py_str(name[i]);
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) Py_CLEAR(list);
    }
    PyMem_Free(name);
    return list;
}

PyObject *bp__py_reader_sids_of_exchange(const bp_reader *reader, PyObject *const *args)
{
    const char *exchange;
    size_t count = 0;
    bp__py_array out;
    if (!(exchange = bp__py_text(args[1], "exchange")) ||
        !bp__py_array_get(args[2], "out", sizeof(int64_t), true, true, &out))
        return NULL;
    bp_reader_sids_of_exchange(reader, exchange, out.view.buf, out.count, &count);
    bp__py_array_release(&out);
    return PyLong_FromSize_t(count);
}

PyObject *bp__py_reader_alive(const bp_reader *reader, PyObject *const *args)
{
    int64_t date;
    size_t count = 0;
    bp__py_array out;
    if (!bp__py_time(args[1], "date", &date) ||
        !bp__py_array_get(args[3], "out", sizeof(int64_t), true, true, &out))
        return NULL;
    bp_reader_alive(reader, date, args[2] == Py_True, out.view.buf, out.count, &count);
    bp__py_array_release(&out);
    return PyLong_FromSize_t(count);
}

/* (pin, dates, sids or None, include_start, out [dates][sids] of bool) */
PyObject *bp__py_reader_lifetimes(const bp_reader *reader, PyObject *const *args)
{
    bp__py_array dates = {.count = 0}, sids = dates, out = dates;
    PyObject *answer = NULL;
    if (!bp__py_array_get(args[1], "dates", sizeof(int64_t), false, false, &dates)) return NULL;
    if (bp__py_array_get(args[2], "sids", sizeof(int64_t), false, true, &sids) &&
        bp__py_array_get(args[4], "out", sizeof(bool), true, false, &out)) {
        const bool all = args[2] == Py_None;
        const size_t num = all ? bp_reader_num_assets(reader) : sids.count;
        if (num == 0 || out.count / num == dates.count) {
            bp_status s;
            Py_BEGIN_ALLOW_THREADS;
            s = bp_reader_lifetimes(reader, dates.view.buf, dates.count, all ? NULL : sids.view.buf, num,
                                    args[3] == Py_True, out.view.buf);
            Py_END_ALLOW_THREADS;
            answer = bp__py_done(s);
        } else {
            PyErr_SetString(PyExc_ValueError, "out: expected [dates][sids]");
        }
    }
    bp__py_array_release(&dates);
    bp__py_array_release(&sids);
    bp__py_array_release(&out);
    return answer;
}
