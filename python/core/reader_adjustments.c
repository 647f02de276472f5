/* Adjustments and windows: _core.reader_…(pin, …), which bundlepool.readers.Adjustments and Daily wrap. Lists
 * go to arrays whose elements are the structs of reader.h: bundlepool.readers has them as NumPy types. */
#include "python/core/reader_args.h"

static bool kinds_of(PyObject *value, unsigned *kinds)
{
    int64_t x;
    if (!bp__py_int(value, "kinds", &x)) return false;
    *kinds = x < 0 || x > BP_ADJUST_ALL ? ~0U : (unsigned)x; /* the library refuses what is no kind */
    return true;
}

/* (pin, kind, sid, out or None) */
PyObject *bp__py_reader_ratios_of(const bp_reader *reader, PyObject *const *args)
{
    unsigned kind;
    int64_t sid;
    size_t count = 0;
    bp__py_array out;
    if (!kinds_of(args[1], &kind) || !bp__py_int(args[2], "sid", &sid) ||
        !bp__py_array_get(args[3], "out", sizeof(bp_ratio), true, true, &out))
        return NULL;
    const bp_status s = bp_reader_ratios_of(reader, kind, sid, out.view.buf, out.count, &count);
    bp__py_array_release(&out);
    return bp__py_number(s, count);
}

/* (pin, dates, sids, field, kinds, out or None) */
PyObject *bp__py_reader_load_adjustments(const bp_reader *reader, PyObject *const *args)
{
    bp_field field;
    unsigned kinds;
    size_t count = 0;
    PyObject *answer = NULL;
    bp__py_array dates = {.count = 0}, sids = dates, out = dates;
    if (!bp__py_field(args[3], "field", &field) || !kinds_of(args[4], &kinds)) return NULL;
    if (bp__py_array_get(args[1], "dates", sizeof(int64_t), false, false, &dates) &&
        bp__py_array_get(args[2], "assets", sizeof(int64_t), false, false, &sids) &&
        bp__py_array_get(args[5], "out", sizeof(bp_adjustment), true, true, &out)) {
        bp_status s;
        Py_BEGIN_ALLOW_THREADS;
        s = bp_reader_load_adjustments(reader, dates.view.buf, dates.count, sids.view.buf, sids.count, field,
                                       kinds, out.view.buf, out.count, &count);
        Py_END_ALLOW_THREADS;
        answer = bp__py_number(s, count);
    }
    bp__py_array_release(&dates);
    bp__py_array_release(&sids);
    bp__py_array_release(&out);
    return answer;
}

/* (pin, from, to, sids or None, out or None) */
static PyObject *dividends_of(const bp_reader *reader, bool in_shares, PyObject *const *args)
{
    int64_t from, to;
    bp_status s;
    size_t count = 0;
    bp__py_array sids, out;
    if (!bp__py_time(args[1], "start", &from) || !bp__py_time(args[2], "end", &to)) return NULL;
    const size_t size = in_shares ? sizeof(bp_stock_dividend) : sizeof(bp_dividend);
    if (!bp__py_array_get(args[3], "assets", sizeof(int64_t), false, true, &sids)) return NULL;
    if (!bp__py_array_get(args[4], "out", size, true, true, &out)) {
        bp__py_array_release(&sids);
        return NULL;
    }
    static const int64_t nobody; /* an empty array may have no address, and NULL stands for all sids */
    const int64_t *sid = args[3] == Py_None ? NULL : sids.count == 0 ? &nobody : sids.view.buf;
    Py_BEGIN_ALLOW_THREADS;
    s = in_shares
            ? bp_reader_stock_dividends(reader, from, to, sid, sids.count, out.view.buf, out.count, &count)
            : bp_reader_dividends(reader, from, to, sid, sids.count, out.view.buf, out.count, &count);
    Py_END_ALLOW_THREADS;
    bp__py_array_release(&sids);
    bp__py_array_release(&out);
    return bp__py_number(s, count);
}

PyObject *bp__py_reader_dividends(const bp_reader *reader, PyObject *const *args)
{
    return dividends_of(reader, false, args);
}

PyObject *bp__py_reader_stock_dividends(const bp_reader *reader, PyObject *const *args)
{
    return dividends_of(reader, true, args);
}

/* (pin, sid, field, session, as_of or None, kinds, out [k]) */
PyObject *bp__py_reader_window(const bp_reader *reader, PyObject *const *args)
{
    int64_t sid, session, as_of;
    bp_field field;
    unsigned kinds;
    bp__py_array out;
    if (!bp__py_int(args[1], "sid", &sid) || !bp__py_field(args[2], "field", &field) ||
        !bp__py_time(args[3], "session", &session) || !bp__py_time_or_none(args[4], "as_of", &as_of) ||
        !kinds_of(args[5], &kinds) || !bp__py_array_get(args[6], "out", sizeof(double), true, false, &out))
        return NULL;
    const bp_status s = bp_reader_window(reader, sid, field, session, out.count, as_of, kinds, out.view.buf);
    bp__py_array_release(&out);
    return bp__py_done(s);
}
