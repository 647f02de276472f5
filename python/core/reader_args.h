/** @file python/core/reader_args.h
 * Arguments of the functions of readers: sids, dates, fields, buffers. The package has checked shapes and
 * made the buffers; what is checked here keeps a call that goes around it from crashing the process.
 *
 * Every function sets an exception, which names the argument, and returns false where an argument will not
 * do. All of them are called with the GIL held.
 */
#ifndef BP_PYTHON_READER_ARGS_H
#define BP_PYTHON_READER_ARGS_H

#include <stdbool.h>

#include <bundlepool/reader.h>

#include "python/core/core.h"

/** An int, or anything with __index__, such as an Asset or a NumPy integer; a bool is none. */
bool bp__py_int(PyObject *value, const char *name, int64_t *out);

/** Nanoseconds since the epoch, UTC: an int as it is, everything else as bundlepool._dates reads it. */
bool bp__py_time(PyObject *value, const char *name, int64_t *out);

/** As bp__py_time(); None is BP_TIME_MISSING. */
bool bp__py_time_or_none(PyObject *value, const char *name, int64_t *out);

/** "open", "high", "low", "close" or "volume". */
bool bp__py_field(PyObject *value, const char *name, bp_field *out);

/** A buffer in C order whose elements have `size` bytes. None, where `or_none`: a view whose buf is NULL and
 *  whose count is 0. */
typedef struct bp__py_array {
    Py_buffer view;
    size_t count; /**< of elements */
} bp__py_array;

bool bp__py_array_get(PyObject *value, const char *name, size_t size, bool writable, bool or_none,
                      bp__py_array *out);
void bp__py_array_release(bp__py_array *array);

/** A text of the bundle as a str; bytes that are not UTF-8 become U+FFFD. */
PyObject *bp__py_str(const char *text);

/** An int of nanoseconds; None for BP_TIME_MISSING. */
PyObject *bp__py_stamp(int64_t time);

/** What a function of the library answered: None, or the exception that says why it failed. */
PyObject *bp__py_done(bp_status s);

/** The number of elements that there are, as an int, or an exception. */
PyObject *bp__py_number(bp_status s, size_t count);

/** The functions, each with the number of its arguments. args[0] is the Pin, which is held during the call.
 * Which others
 *  there are, says a comment at the function. */
#define BP_PY_READER_MAP(X)                                                                                  \
    X(column, 2)                                                                                             \
    X(retrieve_asset, 2)                                                                                     \
    X(lookup_symbol, 4)                                                                                      \
    X(symbol_of, 3)                                                                                          \
    X(owners, 3)                                                                                             \
    X(symbols_of, 2)                                                                                         \
    X(exchanges, 1)                                                                                          \
    X(sids_of_exchange, 3)                                                                                   \
    X(alive, 4)                                                                                              \
    X(lifetimes, 5)                                                                                          \
    X(facts, 1)                                                                                              \
    X(currency, 2)                                                                                           \
    X(daily_value, 4)                                                                                        \
    X(daily_last_traded, 3)                                                                                  \
    X(daily_range, 3)                                                                                        \
    X(daily_load, 6)                                                                                         \
    X(minute_value, 4)                                                                                       \
    X(minute_last_traded, 3)                                                                                 \
    X(session_hours, 2)                                                                                      \
    X(session_of, 2)                                                                                         \
    X(minutes, 6)                                                                                            \
    X(minute_load, 5)                                                                                        \
    X(ratios_of, 4)                                                                                          \
    X(load_adjustments, 6)                                                                                   \
    X(dividends, 5)                                                                                          \
    X(stock_dividends, 5)                                                                                    \
    X(window, 7)

#define X(name, count) PyObject *bp__py_reader_##name(const bp_reader *reader, PyObject *const *args);
BP_PY_READER_MAP(X)
#undef X

#endif
