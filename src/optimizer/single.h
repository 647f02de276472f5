/** @file src/optimizer/single.h
 * `optimizer run`: one backtest, to be looked at; and what the best one of a search did.
 */
#ifndef BP_OPTIMIZER_SINGLE_H
#define BP_OPTIMIZER_SINGLE_H

#include "optimizer/options.h"

/** Run and tell. Needs no MPI. @return the exit code */
int bp__run_single(const bp__options *options);

/** Whether the files of --equity, --trades, --positions and --unfilled may be written. Writes nothing.
 *  @retval BP_EINVAL  the text names the option, and what is there */
bp_status bp__check_sheets(const bp__options *options);

/** Write the sheets that were asked for, of one combination of a search: it is run once more.
 *  @param[in] content  hash of what was tested
 *  @retval BP_ECHANGED  the bundle has been replaced since @retval any  of the run, or of writing */
bp_status bp__write_sheets(const bp__options *options, uint64_t bundle, uint64_t combination,
                           const char *content);

#endif
