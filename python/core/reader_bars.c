/* Daily and minute bars: _core.reader_…(pin, …), which bundlepool.readers.Daily and Minute wrap. */
#include "python/core/reader_args.h"

/* Single values ---------------------------------------------------------------------------------- */

typedef bp_status value_of(const bp_reader *reader, int64_t sid, int64_t time, bp_field field, double *value);

/* (pin, sid, dt, field): makes nothing but the float that it returns. */
static PyObject *value(const bp_reader *reader, value_of *of, PyObject *const *args)
{
    int64_t sid, time;
    bp_field field;
    double x;
    if (!bp__py_int(args[1], "sid", &sid) || !bp__py_time(args[2], "dt", &time) ||
        !bp__py_field(args[3], "field", &field))
        return NULL;
    const bp_status s = of(reader, sid, time, field, &x);
    return s == BP_OK ? PyFloat_FromDouble(x) : bp__py_raise(s);
}

PyObject *bp__py_reader_daily_value(const bp_reader *reader, PyObject *const *args)
{
    return value(reader, bp_reader_daily_value, args);
}

PyObject *bp__py_reader_minute_value(const bp_reader *reader, PyObject *const *args)
{
    return value(reader, bp_reader_minute_value, args);
}

typedef bp_status last_traded_of(const bp_reader *reader, int64_t sid, int64_t time, int64_t *last);

/* (pin, sid, dt): the first call builds an index of all volumes, and so drops the GIL. */
static PyObject *last_traded(const bp_reader *reader, last_traded_of *of, PyObject *const *args)
{
    int64_t sid, time, last;
    bp_status s;
    if (!bp__py_int(args[1], "asset", &sid) || !bp__py_time(args[2], "dt", &time)) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    s = of(reader, sid, time, &last);
    Py_END_ALLOW_THREADS;
    return s == BP_OK ? bp__py_stamp(last) : bp__py_raise(s);
}

PyObject *bp__py_reader_daily_last_traded(const bp_reader *reader, PyObject *const *args)
{
    return last_traded(reader, bp_reader_daily_last_traded, args);
}

PyObject *bp__py_reader_minute_last_traded(const bp_reader *reader, PyObject *const *args)
{
    return last_traded(reader, bp_reader_minute_last_traded, args);
}

/* Facts ------------------------------------------------------------------------------------------- */

/* First and last session of daily bars; of minute bars; last available minute. */
PyObject *bp__py_reader_facts(const bp_reader *reader, PyObject *const *args)
{
    (void)args;
    return Py_BuildValue("NNNNN", bp__py_stamp(bp_reader_first_session(reader)),
                         bp__py_stamp(bp_reader_last_session(reader)),
                         bp__py_stamp(bp_reader_minute_first_session(reader)),
                         bp__py_stamp(bp_reader_minute_last_session(reader)),
                         bp__py_stamp(bp_reader_minute_last_available(reader)));
}

PyObject *bp__py_reader_currency(const bp_reader *reader, PyObject *const *args)
{
    int64_t sid;
    char code[4];
    if (!bp__py_int(args[1], "sid", &sid)) return NULL;
    const bp_status s = bp_reader_currency(reader, sid, code);
    return s == BP_OK ? bp__py_str(code) : bp__py_raise(s);
}

PyObject *bp__py_reader_session_hours(const bp_reader *reader, PyObject *const *args)
{
    int64_t session, open, close;
    if (!bp__py_time(args[1], "session", &session)) return NULL;
    const bp_status s = bp_reader_session_hours(reader, session, &open, &close);
    return s == BP_OK ? Py_BuildValue("NN", bp__py_stamp(open), bp__py_stamp(close)) : bp__py_raise(s);
}

PyObject *bp__py_reader_session_of(const bp_reader *reader, PyObject *const *args)
{
    int64_t minute, session;
    if (!bp__py_time(args[1], "dt", &minute)) return NULL;
    const bp_status s = bp_reader_session_of(reader, minute, &session);
    return s == BP_OK ? bp__py_stamp(session) : bp__py_raise(s);
}

/* Axes -------------------------------------------------------------------------------------------- */

/* (pin, start, end): place and number of the sessions */
PyObject *bp__py_reader_daily_range(const bp_reader *reader, PyObject *const *args)
{
    int64_t start, end;
    size_t first, num;
    if (!bp__py_time(args[1], "start", &start) || !bp__py_time(args[2], "end", &end)) return NULL;
    const bp_status s = bp_reader_daily_range(reader, start, end, &first, &num);
    return s == BP_OK ? Py_BuildValue("nn", (Py_ssize_t)first, (Py_ssize_t)num) : bp__py_raise(s);
}

/* (pin, bars, start, end, sids or None, out or None): how many minutes there are */
PyObject *bp__py_reader_minutes(const bp_reader *reader, PyObject *const *args)
{
    int64_t start, end;
    size_t count = 0;
    bp_status s;
    bp__py_array sids, out;
    if (!bp__py_time(args[2], "start", &start) || !bp__py_time(args[3], "end", &end)) return NULL;
    if (!bp__py_array_get(args[4], "sids", sizeof(int64_t), false, true, &sids)) return NULL;
    if (!bp__py_array_get(args[5], "out", sizeof(int64_t), true, true, &out)) {
        bp__py_array_release(&sids);
        return NULL;
    }
    const bp_axis axis = args[1] == Py_True ? BP_AXIS_BARS : BP_AXIS_MARKET;
    Py_BEGIN_ALLOW_THREADS;
    s = bp_reader_minutes(reader, axis, start, end, sids.view.buf, sids.count, out.view.buf, out.count,
                          &count);
    Py_END_ALLOW_THREADS;
    bp__py_array_release(&sids);
    bp__py_array_release(&out);
    return bp__py_number(s, count);
}

/* Tables ------------------------------------------------------------------------------------------ */

/* What a load is asked for, and where to. */
typedef struct load {
    const bp_reader *reader;
    size_t num_fields;
    bp_field *field;  /* [num_fields] */
    double **table;   /* [num_fields] into `out` */
    bp__py_array out; /* [num_fields][rows][sids] */
    bp__py_array sids;
    bp__py_array minutes; /* minute bars: the rows */
    int64_t start, end;   /* daily bars: the rows */
    size_t rows;
} load;

static void load_end(load *l)
{
    bp__py_array_release(&l->out);
    bp__py_array_release(&l->sids);
    bp__py_array_release(&l->minutes);
    PyMem_Free(l->field);
    PyMem_Free(l->table);
}

static bool take_fields(load *l, PyObject *fields)
{
    const Py_ssize_t n = PyTuple_Check(fields) ? PyTuple_Size(fields) : -1;
    if (n < 0) {
        PyErr_SetString(PyExc_TypeError, "columns: expected a tuple");
        return false;
    }
    l->num_fields = (size_t)n;
    l->field = PyMem_Calloc(l->num_fields + 1, sizeof *l->field);
    l->table = PyMem_Calloc(l->num_fields + 1, sizeof *l->table);
    if (!l->field || !l->table) return PyErr_NoMemory(), false;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!bp__py_field(PyTuple_GetItem(fields, i), "columns", &l->field[i])) return false;
    return true;
}

/* After `rows` is known. */
static bool place_tables(load *l)
{
    size_t cells, all;
    if (__builtin_mul_overflow(l->rows, l->sids.count, &cells) ||
        __builtin_mul_overflow(cells, l->num_fields, &all) || all != l->out.count) {
        PyErr_SetString(PyExc_ValueError, "out: expected [columns][rows][sids]");
        return false;
    }
    for (size_t i = 0; i < l->num_fields; i++) l->table[i] = (double *)l->out.view.buf + i * cells;
    return true;
}

/* (pin, columns, start, end, sids, out) */
PyObject *bp__py_reader_daily_load(const bp_reader *reader, PyObject *const *args)
{
    size_t first;
    PyObject *answer = NULL;
    load l = {.reader = reader};
    if (bp__py_time(args[2], "start", &l.start) && bp__py_time(args[3], "end", &l.end) &&
        take_fields(&l, args[1]) &&
        bp__py_array_get(args[4], "assets", sizeof(int64_t), false, false, &l.sids) &&
        bp__py_array_get(args[5], "out", sizeof(double), true, false, &l.out)) {
        bp_status s = bp_reader_daily_range(l.reader, l.start, l.end, &first, &l.rows);
        if (s != BP_OK) {
            answer = bp__py_raise(s);
        } else if (place_tables(&l)) {
            Py_BEGIN_ALLOW_THREADS;
            s = bp_reader_daily_load(l.reader, l.field, l.num_fields, l.start, l.end, l.sids.view.buf,
                                     l.sids.count, l.table, 0);
            Py_END_ALLOW_THREADS;
            answer = bp__py_done(s);
        }
    }
    load_end(&l);
    return answer;
}

/* (pin, columns, minutes, sids, out) */
PyObject *bp__py_reader_minute_load(const bp_reader *reader, PyObject *const *args)
{
    bp_status s;
    PyObject *answer = NULL;
    load l = {.reader = reader};
    if (take_fields(&l, args[1]) &&
        bp__py_array_get(args[2], "minutes", sizeof(int64_t), false, false, &l.minutes) &&
        bp__py_array_get(args[3], "assets", sizeof(int64_t), false, false, &l.sids) &&
        bp__py_array_get(args[4], "out", sizeof(double), true, false, &l.out) &&
        (l.rows = l.minutes.count, place_tables(&l))) {
        Py_BEGIN_ALLOW_THREADS;
        s = bp_reader_minute_load(l.reader, l.field, l.num_fields, l.minutes.view.buf, l.rows,
                                  l.sids.view.buf, l.sids.count, l.table, 0);
        Py_END_ALLOW_THREADS;
        answer = bp__py_done(s);
    }
    load_end(&l);
    return answer;
}
