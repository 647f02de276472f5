#include "optimizer/launch.h"

#include <stdlib.h>
#include <string.h>

/* Tasks that Slurm was asked for; 0 where it was not, or cannot be known: a daemon of mpirun that Slurm has
 * started hands its own step's number on to the ranks. */
static int tasks_asked_for(void)
{
    const char *tasks = getenv("SLURM_NTASKS");
    const bool from_daemon = getenv("OMPI_COMM_WORLD_SIZE") && getenv("SLURM_STEP_ID");
    return tasks && !from_daemon ? atoi(tasks) : 0;
}

bp_status bp__launch_check(int num_ranks, const char *command)
{
    const int tasks = tasks_asked_for();
    if (tasks < 1 || tasks == num_ranks) return BP_OK;
    BP_FAIL(BP_EINVAL,
            "this job has %d rank%s, but SLURM_NTASKS is %d; start it as: srun --mpi=pmix -n %d %.200s%s  "
            "or: mpirun "
            "-n %d ...; if %d is meant: SLURM_NTASKS=%d mpirun -n %d ...",
            num_ranks, num_ranks == 1 ? "" : "s", tasks, tasks, command, strlen(command) > 200 ? "..." : "",
            tasks, num_ranks, num_ranks, num_ranks);
}

bool bp__launch_is_told_elsewhere(int num_ranks)
{
    const char *task = getenv("SLURM_PROCID");
    return num_ranks == 1 && task && strcmp(task, "0") != 0;
}
