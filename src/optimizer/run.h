/** @file src/optimizer/run.h
 * The commands of the program, from the options to the exit code: what a person or a batch script sees of them.
 */
#ifndef BP_OPTIMIZER_RUN_H
#define BP_OPTIMIZER_RUN_H

#include "optimizer/options.h"

/** Search and tell. Collective over MPI_COMM_WORLD. @return the exit code, the same on every rank; where a rank cannot
 *  be waited for, the job is ended instead */
int bp__run_search(const bp__options *options, int rank);

/** Merge and tell. Needs no MPI. @return the exit code */
int bp__run_merge(const bp__options *options);

#endif
