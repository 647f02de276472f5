#include "support/mpi_check.h"

#include <stdio.h>
#include <string.h>

#include <bundlepool/status.h>

int check_rank, check_size;
static _Atomic long passed, failed; /* threads check as well */

void check_init(int *argc, char ***argv)
{
    int level;
    MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &check_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &check_size);
}

bool check_that(bool ok, const char *what, const char *file, int line)
{
    if (ok) {
        passed++;
    } else {
        failed++;
        const char *slash = strrchr(file, '/');
        fprintf(stderr, "rank %d: %s:%d: FAILED: %s\n", check_rank, slash ? slash + 1 : file, line, what);
    }
    return ok;
}

bool check_status(int got, int want, const char *what, const char *file, int line)
{
    bool ok = check_that(got == want, what, file, line);
    if (!ok)
        fprintf(stderr, "rank %d:   got %s (%s), want %s\n", check_rank, bp_status_name((bp_status)got),
                got ? bp_error_text() : "", bp_status_name((bp_status)want));
    return ok;
}

void check_case(const char *name)
{
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank == 0) printf("case: %s\n", name), fflush(stdout);
}

bool check_all_well(void)
{
    long mine = failed, all;
    MPI_Allreduce(&mine, &all, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
    return all == 0;
}

int check_finish(void)
{
    long mine[2] = {passed, failed}, all[2];
    MPI_Allreduce(mine, all, 2, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
    if (check_rank == 0) printf("%ld passed, %ld failed\n", all[0], all[1]), fflush(stdout);
    MPI_Finalize();
    return all[1] == 0 ? 0 : 1;
}
