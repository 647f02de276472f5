/** @file src/optimizer/quiet.h
 * The part of a search that has nothing to do with a terminal: whether files may be written, what is stored, what is odd
 * about the options. bp__run_search() and bp__search_with() (run.h) are this part, with what each of them tells.
 *
 * Steps: bp__quiet_check(), which all ranks then agree on; bp__search_run() with the two hooks; and if the search is
 * complete bp__quiet_write_best(). All of it is rank 0's, and not collective.
 */
#ifndef BP_OPTIMIZER_QUIET_H
#define BP_OPTIMIZER_QUIET_H

#include "optimizer/options.h"

/** What the context of the hooks begins with. */
typedef struct bp__quiet {
    const bp__options *options;
    bool complete; /**< everything was done, whether or not it could be stored */
    bool refused;  /**< a file would be replaced that must not be: wrong usage */
} bp__quiet;

/** Before anything is loaded: whether what the options name may be written.
 *  @retval BP_EINVAL  quiet->refused @retval BP_EIO */
bp_status bp__quiet_check(bp__quiet *quiet);

/** The hooks `accept` and `store` of a search. @param[in] context  begins with a bp__quiet */
bp_status bp__quiet_accept(void *context, const bp__found *found, uint64_t bundle);
bp_status bp__quiet_store(void *context, const bp__found *found);

/** Write what the best one did, where the options ask for it.
 *  @retval BP_ECHANGED  the bundle has been replaced since @retval any  of a backtest, or of writing */
bp_status bp__quiet_write_best(const bp__options *options, const bp__found *found);

/** Ask about costs that look like a fraction where basis points are meant: that makes them ten thousand times too small.
 *  @param[in] warn  gets a text each */
void bp__quiet_ask_about_costs(const bp__options *options, void (*warn)(void *context, const char *text),
                               void *context);

#endif
