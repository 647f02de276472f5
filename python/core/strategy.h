/** @file python/core/strategy.h
 * Strategies written in Python, as the library calls them.
 *
 * Steps
 *  1. bp__py_strategy_new() makes a `bp_strategy` of a description, a dict of the package's (bundlepool/strategy.py).
 *  2. The library is called between bp__py_outside() and bp__py_inside(), without the GIL; each call of the strategy
 *     takes the GIL back for as long as it lasts. All on one thread.
 *  3. bp__py_strategy_free(), when the library has let go of it.
 *
 * An exception in a strategy is a failure of its combination: its text is that of the failure. What a strategy was given
 * (market, view, orders) raises RuntimeError once its call has ended; arrays stay valid as long as anybody has them.
 */
#ifndef BP_PYTHON_STRATEGY_H
#define BP_PYTHON_STRATEGY_H

#include "python/core/core.h"

#include <bundlepool/strategy.h>

#include "backtest/panel_cache.h"

/* The GIL ------------------------------------------------------------------------------------------- */

/** Drop the GIL, to call the library on this thread. In pairs with bp__py_inside(). */
void bp__py_outside(void);
void bp__py_inside(void);

/** From within the library: take the GIL, if this thread has dropped it. @return for bp__py_leave() */
bool bp__py_enter(void);
void bp__py_leave(bool entered);

/* Strategies ---------------------------------------------------------------------------------------- */

typedef struct bp__py_strategy bp__py_strategy;

/** @param[in] description  name, help, params [(name, help, kind, fallback, words, required)], form, call, check, tell;
 *                          "panel_bytes", "window_bytes": what may be kept between combinations
 *  @return NULL and an exception: the description is wrong */
bp__py_strategy *bp__py_strategy_new(PyObject *description);
void bp__py_strategy_free(bp__py_strategy *strategy);

/** What the library calls. Borrowed. */
const bp_strategy *bp__py_strategy_face(const bp__py_strategy *strategy);

/** The value of a parameter as Python gets it. @return new */
PyObject *bp__py_strategy_value(const bp__py_strategy *strategy, size_t param, double value);

/** Whether a parameter has no default. */
bool bp__py_strategy_requires(const bp__py_strategy *strategy, size_t param);

/** Keep the first exception, for who wants it as itself. */
void bp__py_strategy_keep_errors(bp__py_strategy *strategy);

/** The exception that was kept. @return new, or NULL without an exception: there is none */
PyObject *bp__py_strategy_error(bp__py_strategy *strategy);

/* What a market's calls share: board.c ---------------------------------------------------------------- */

/** Everything that all calls over one scope share: panels that are kept, arrays that were asked for. */
typedef struct bp__py_board {
    const bp__scope *scope; /**< NULL: none yet */
    uint64_t serial;        /**< of it */
    bp__panels *panels;
    PyObject *pin;                       /**< over its bundle; NULL: nothing that was given lies in it */
    PyObject *column[BP_BAR_VOLUME + 1]; /**< arrays; NULL: not asked for yet, as the next */
    PyObject *tradable, *symbols, *sids, *sessions, *index;
} bp__py_board;

/** Make it that of a scope; nothing happens if it is. @return -1 and an exception */
int bp__py_board_turn(bp__py_board *board, const bp__scope *scope, size_t panel_bytes, size_t window_bytes);
void bp__py_board_clear(bp__py_board *board);

/** The parts of a board, made when they are asked for. @return new */
PyObject *bp__py_board_column(bp__py_board *board, bp_bar_column column);
PyObject *bp__py_board_tradable(bp__py_board *board);
PyObject *bp__py_board_symbols(bp__py_board *board);
PyObject *bp__py_board_sids(bp__py_board *board);
PyObject *bp__py_board_sessions(bp__py_board *board);

/** Number of an asset, by its symbol. @return -1 and an exception: there is none, or it is no symbol */
Py_ssize_t bp__py_board_find(bp__py_board *board, PyObject *symbol);

/* Arrays: panel.c ------------------------------------------------------------------------------------- */

/** Memory of its own as an array, to be filled in at once. @param[out] data  writable until anybody else has it
 *  @return a new buffer, see bp__py_array_from() */
PyObject *bp__py_panel_own(const char *format, Py_ssize_t itemsize, int ndim, const Py_ssize_t shape[2],
                           void **data);

/** What is held of a board's cache, as a buffer. @param[in] kept  taken over, after a failure too */
PyObject *bp__py_panel_kept(bp__py_board *board, bp__kept *kept);

/** What is held behind an array that was made of it; borrowed. @return NULL: it is not of this board's cache */
const bp__kept *bp__py_panel_behind(const bp__py_board *board, const void *data);

/** A NumPy array over a buffer, read-only. @param[in] buffer  taken over; NULL is passed on @return new */
PyObject *bp__py_array_from(PyObject *buffer);

/* The faces: market.c, view.c -------------------------------------------------------------------------- */

PyObject *bp__py_market_new(bp__py_board *board, const bp_market *market);
/** The call has ended. */
void bp__py_market_end(PyObject *market);

/** View and orders of a run. @return new tuple (view, orders) */
PyObject *bp__py_view_new(bp__py_board *board);
void bp__py_view_begin(PyObject *pair, bp_view *view);
void bp__py_view_end(PyObject *pair);

/** A window's column by its name. @return false and an exception */
bool bp__py_bar_column(PyObject *name, bp_bar_column *column);

/* Answers: answer.c ------------------------------------------------------------------------------------- */

/** What a strategy has returned, as signals or weights. @return -1 and an exception: it is neither
 *  @param[out] by_weights  it is weights (in a batch nothing is said then) */
int bp__py_answer(PyObject *result, const bp_market *market, bp_signals *signals, bool in_batch,
                  bool *by_weights);

#endif
