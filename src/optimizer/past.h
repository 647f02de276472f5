/** @file src/optimizer/past.h
 * Options of an earlier search, known from its results: --from and --results.
 */
#ifndef BP_OPTIMIZER_PAST_H
#define BP_OPTIMIZER_PAST_H

#include "optimizer/options.h"

/** See whether --from or --results names earlier results: they have to be known before the options that change what they
 *  say. Makes the search that they are of the options' own.
 *  @param[in]     program  whose options they are
 *  @param[in,out] options  with command and configuration, before any option is read; permutes argv
 *  @retval any  of reading the options, of bp__rerun_read() and bp__rerun_preset() */
bp_status bp__past_begin(const bp__program *program, int argc, char **argv, bp__options *options);

/** Whether the options go together, and what is missing in them is known from the results: strategy and bundles.
 *  @retval BP_EINVAL  the text names the option */
bp_status bp__past_complete(bp__options *options);

#endif
