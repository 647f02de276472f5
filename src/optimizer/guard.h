/** @file src/optimizer/guard.h
 * What a strategy may do to its process, and what becomes of it: a crash, a call of exit(), or a backtest that takes too
 * long ends the job with one line that names strategy and combination, and a note beside the journal (search/note.h), by
 * which `--resume` goes on without that combination.
 *
 * DESIGN
 *  - A call that has crashed, or does not return, cannot be taken back: memory may be in any state. So the whole job ends,
 *    with BP__EXIT_AGAIN if there is a journal to go on from.
 *  - Only what happens in the thread that runs backtests, while one runs, is a strategy's. Any other signal, or one that
 *    was sent from outside, has the effect that it has without this file.
 *  - The handler writes the note and the line, which have been made before the backtest began; that is all that is safe.
 *    MPI_Abort() is called by a thread that has waited for this. Should that thread be stuck, because the strategy has
 *    broken what it needs, the handler ends the process itself after a while.
 *  - The same thread looks after the time. Without a plug-in and without --timeout nothing of this is set up.
 *
 * One per process. Threads: that which runs the search.
 */
#ifndef BP_OPTIMIZER_GUARD_H
#define BP_OPTIMIZER_GUARD_H

#include "optimizer/options.h"

/** While a plug-in is loaded: a crash is told with the file's name, and ends the process with BP__EXIT_FAILED.
 *  @param[in] path  borrowed until bp__guard_loaded() */
void bp__guard_loading(const char *path);
void bp__guard_loaded(void);

/** Begin to guard backtests. In a search (MPI runs) what is told above happens. Outside of one there is nothing to go on
 * from, and no time limit: a crash is told, and ends the process with BP__EXIT_FAILED.
 *
 *  @param[in] options  borrowed until bp__guard_end()
 *  @retval BP_ENOMEM, BP_ESYS, BP_EIO  bp__guard_end() all the same */
bp_status bp__guard_begin(const bp__options *options, bool searches, int rank, int num_ranks);
void bp__guard_end(void);

/** Whether some rank has left a note beside the journal since bp__guard_begin(): why the job ends is told there. */
bool bp__guard_is_told(void);

/** Hooks of a search; else to be called around each backtest. They do nothing where there is nothing to guard. */
void bp__guard_enter(void *context, const uint64_t *task, size_t count);
void bp__guard_leave(void *context);

#endif
