/** @file src/optimizer/lookahead.h
 * Option --check-lookahead: in place of a search, or of a run.
 */
#ifndef BP_OPTIMIZER_LOOKAHEAD_H
#define BP_OPTIMIZER_LOOKAHEAD_H

#include "optimizer/options.h"

#define BP__LOOKAHEAD_COMBINATIONS                                                                           \
    10 /* of a grid: looking ahead is the rule's fault, rarely that of a parameter */

/** Tell whether the first combinations look ahead, over each bundle. The work of one process; needs no MPI.
 *  @return the exit code: BP__EXIT_FAILED if one does, or if that cannot be told */
int bp__run_lookahead(const bp__options *options);

#endif
