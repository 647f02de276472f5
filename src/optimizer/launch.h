/** @file src/optimizer/launch.h
 * Whether the job was started as its batch script meant it. A plain `srun -n 16` starts 16 jobs of one rank
 * where Slurm's and the MPI library's ways of starting do not match, and so does the mpirun of another MPI than the
 * program's: at worst each would do all of the work.
 */
#ifndef BP_OPTIMIZER_LAUNCH_H
#define BP_OPTIMIZER_LAUNCH_H

#include <stdbool.h>

#include "core/status.h"

/** This program and its arguments, as a shell would take them.
 *  @param[in]  program  how it is started, as a shell takes it; NULL: as argv[0] says
 *  @param[out] command  owned: free() @retval BP_ENOMEM */
bp_status bp__launch_command(const char *program, int argc, char **argv, char **command);

/** Whether a launcher of MPI jobs has started this process: it is one of several ranks, or the only one of a job. */
bool bp__launch_by_mpi(void);

/** Whether this process is the first that its launcher has started; without a launcher it is. */
bool bp__launch_is_first(void);

/** Before MPI is started, any rank: srun without MPI is a mistake that the MPI library ends the process for.
 *  @retval BP_EINVAL  the text has the command that would be right */
bp_status bp__launch_check_early(const char *command);

/** Rank 0. @retval BP_EINVAL  Slurm was asked for another number of tasks: the text has the right command; or the
 *  launcher has started several ranks and this is all of its job: the text names the MPI whose launcher is needed */
bp_status bp__launch_check(int num_ranks, const char *command);

/** Whether this is one of several jobs of one rank, and another tells of the same mistake. */
bool bp__launch_is_told_elsewhere(int num_ranks);

#endif
