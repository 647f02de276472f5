/** @file src/optimizer/dry_run.h
 * `optimizer --dry-run`: what a search would do and take.
 */
#ifndef BP_OPTIMIZER_DRY_RUN_H
#define BP_OPTIMIZER_DRY_RUN_H

#include "optimizer/options.h"

/** Estimate and tell. Needs no MPI.
 *  @param[in] num_ranks  of this job; --ranks may ask for others
 *  @return the exit code */
int bp__run_dry(const bp__options *options, int num_ranks);

#endif
