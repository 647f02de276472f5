/** @file src/optimizer/launch.h
 * Whether the job was started as its batch script meant it. A plain `srun -n 16` starts 16 jobs of one rank
 * where Slurm's and the MPI library's ways of starting do not match: each would do all of the work.
 */
#ifndef BP_OPTIMIZER_LAUNCH_H
#define BP_OPTIMIZER_LAUNCH_H

#include "core/status.h"

/** Rank 0. @param[in] command  the program and its arguments, for the text
 *  @retval BP_EINVAL  Slurm was asked for another number of tasks; the text has the command that would be
 * right */
bp_status bp__launch_check(int num_ranks, const char *command);

/** Whether this is one of several jobs of one rank, and another tells of the same mistake. */
bool bp__launch_is_told_elsewhere(int num_ranks);

#endif
