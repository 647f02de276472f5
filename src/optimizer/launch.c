#include "optimizer/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/version.h>

/* What the program was started with --------------------------------------------------------------- */

/* As a shell would take it. */
static void put_quoted(FILE *f, const char *word)
{
    const bool plain =
        *word &&
        !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")];
    if (!plain) fputc('\'', f);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", f);
        else
            fputc(*word, f);
    }
    if (!plain) fputc('\'', f);
}

bp_status bp__launch_command(const char *program, int argc, char **argv, char **command)
{
    size_t size;
    *command = NULL;
    FILE *f = open_memstream(command, &size);
    for (int i = 0; f && i < argc; i++) {
        if (i > 0) fputc(' ', f);
        if (i == 0 && program)
            fputs(program, f);
        else
            put_quoted(f, argv[i]);
    }
    if (f && fclose(f) == 0 && *command) return BP_OK;
    BP_FAIL(BP_ENOMEM, "no memory for the command line");
}

/* What Slurm was asked for ------------------------------------------------------------------------ */

static int slurm_tasks(void)
{
    const char *tasks = getenv("SLURM_NTASKS");
    return tasks ? atoi(tasks) : 0;
}

bool bp__launch_by_mpi(void)
{
    return getenv("PMIX_RANK") || getenv("PMI_RANK") || getenv("OMPI_COMM_WORLD_SIZE");
}

bool bp__launch_is_first(void)
{
    static const char *const names[] = {"PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *rank = getenv(names[i]);
        if (rank) return strcmp(rank, "0") == 0;
    }
    return true;
}

bp_status bp__launch_check_early(const char *command)
{
    if (bp__launch_by_mpi() || !getenv("SLURM_STEP_ID")) return BP_OK;
    BP_FAIL(
        BP_EINVAL,
        "srun has started this without MPI; start it as: srun --mpi=pmix -n %d %.300s  or: mpirun -n %d ...",
        slurm_tasks(), command, slurm_tasks());
}

/* What a launcher of MPI's says of the number of ranks; 0: it says nothing. Slurm sets PMI_SIZE as well. */
static int launched_ranks(void)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    if (!size && slurm_tasks() == 0) size = getenv("PMI_SIZE");
    return size ? atoi(size) : 0;
}

static const char *mpi_of_build(void)
{
    const char *name, *value;
    for (unsigned i = 0; bp_build_info(i, &name, &value); i++)
        if (strcmp(name, "mpi") == 0) return value;
    return "MPI";
}

bp_status bp__launch_check(int num_ranks, const char *command)
{
    if (num_ranks == 1 && launched_ranks() > 1)
        BP_FAIL(
            BP_EINVAL,
            "%d ranks were started, and each is alone: this program is built with %s, and the launcher is "
            "another MPI's; use the mpiexec of %s",
            launched_ranks(), mpi_of_build(), mpi_of_build());
    /* a daemon of mpirun that Slurm has started hands the number of daemons on to its ranks */
    const bool from_daemon = getenv("OMPI_COMM_WORLD_SIZE") && getenv("SLURM_STEP_ID");
    const int tasks = from_daemon ? 0 : slurm_tasks();
    if (tasks < 1 || tasks == num_ranks) return BP_OK;
    BP_FAIL(BP_EINVAL,
            "this job has %d rank%s, but SLURM_NTASKS is %d; start it as: srun --mpi=pmix -n %d %.200s  or: "
            "mpirun -n %d ...; if %d is meant: SLURM_NTASKS=%d mpirun -n %d ...",
            num_ranks, num_ranks == 1 ? "" : "s", tasks, tasks, command, tasks, num_ranks, num_ranks,
            num_ranks);
}

bool bp__launch_is_told_elsewhere(int num_ranks)
{
    const char *task = getenv("SLURM_PROCID");
    if (launched_ranks() > 1) return num_ranks == 1 && !bp__launch_is_first();
    return num_ranks == 1 && task && strcmp(task, "0") != 0;
}
