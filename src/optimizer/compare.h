/** @file src/optimizer/compare.h
 * `optimizer compare`: two files of results beside each other.
 */
#ifndef BP_OPTIMIZER_COMPARE_H
#define BP_OPTIMIZER_COMPARE_H

#include "optimizer/options.h"

/** Compare and tell. Needs no MPI. @return the exit code */
int bp__run_compare(const bp__options *options);

#endif
