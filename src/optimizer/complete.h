/** @file src/optimizer/complete.h
 * What is only understood when all options are there: bundles, strategy, grid, ranking, journal.
 */
#ifndef BP_OPTIMIZER_COMPLETE_H
#define BP_OPTIMIZER_COMPLETE_H

#include "optimizer/options.h"

/** Whether the options of a command go together, and what they come to.
 *  @retval BP_ENOMEM @retval any other  the text names the option */
bp_status bp__complete(bp__options *options);

/** The text of a failure, behind the option that is to blame. @return `s` */
bp_status bp__blame(const char *option, bp_status s);

#endif
