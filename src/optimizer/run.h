/** @file src/optimizer/run.h
 * Searches as the options ask for them: with everything told on stdout and stderr, or without a word for a program that
 * has the options and no terminal.
 */
#ifndef BP_OPTIMIZER_RUN_H
#define BP_OPTIMIZER_RUN_H

#include <mpi.h>

#include "optimizer/options.h"

/** What the caller of a quiet search hears of it, on rank 0 only unless it says otherwise, in the thread that searches.
 *  Each may be NULL. */
typedef struct bp__run_hooks {
    void *context;
    /** Between any two backtests of rank 0, and every few milliseconds where it has none: how many are done or have
     *  failed, of how many. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    /** Something is odd, and the search goes on. */
    void (*warn)(void *context, const char *text);
    /** As often as progress(): whether to go on. After the first no, what is in hand has as long as --grace says. */
    bool (*go_on)(void *context);
    /** On every other rank, before each of its backtests: whether it was told to stop. Then all do, when what is in hand
     *  has come in. */
    bool (*is_stopped)(void *context);
} bp__run_hooks;

/** Search, and write what the options name: --out, the journal, and what the best one did. Prints nothing, catches no
 * signal, ends no process. Several may be under way in a job, over communicators of different ranks.
 *
 * Collective over comm, which is the caller's. All ranks have to ask for the same search, which is checked; what
 * bp__options_parse() has come to on each they agree on before, as bp__plugin_alike() does.
 *
 * @param[in]  options  of a search; conduct.pool may be set. --timeout is refused: nothing here could end a backtest
 * @param[in]  hooks    borrowed for the call; rank 0's count, but for is_stopped()
 * @param[out] found    bp__search_fini(), after a failure too. The results are rank 0's; how it ended, the counts of the
 *                      results (done, failed, skipped, num_todo), `resumed`, and the best one (results.best, and
 *                      `best`, its values) are there on every rank
 *
 * @retval BP_OK  ended: found->ending tells whether it is complete, or go_on() has stopped it
 * @retval BP_EINVAL  wrong options, the ranks differ in them, or a file would be replaced that must not be
 * @retval any  of bp__search_run(); the same on every rank unless found->ending is BP__ENDED_ABANDONED: then no rank may
 *              be waited for any more, and the caller has to end the job */
bp_status bp__search_with(const bp__options *options, MPI_Comm comm, const bp__run_hooks *hooks,
                          bp__found *found);

/** Search and tell. Collective over comm. @return the exit code, the same on every rank; where a rank cannot
 *  be waited for it does not return: the job is ended */
int bp__run_search(const bp__options *options, MPI_Comm comm);

/** End the job where there is no other way out: a rank is in a backtest, waits for a message that will not come, or cannot
 *  be reached. Rank 0 tells the last failure, and ends all; should it not come to that, another rank does. */
_Noreturn void bp__end_all_ranks(int rank, bp_status s);

/** Merge journals and tell. Needs no MPI. @return the exit code */
int bp__run_merge(const bp__options *options);

#endif
