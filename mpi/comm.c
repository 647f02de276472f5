#include "mpi/comm.h"

#include <stdio.h>
#include <string.h>

bp_status bp__mpi_failed(int rc, const char *call)
{
    char why[MPI_MAX_ERROR_STRING] = "unknown error";
    int n = 0;
    MPI_Error_string(rc, why, &n);
    BP_FAIL(BP_EMPI, "%.*s failed: %s", (int)strcspn(call, "("), call, why);
}

bp_status bp__mpi_check(void)
{
    int initialised = 0, finalised = 0, level = MPI_THREAD_SINGLE;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (!initialised || finalised)
        BP_FAIL(BP_EMPI,
                "MPI is not running; call MPI_Init_thread with MPI_THREAD_MULTIPLE before creating a pool");
    BP_MPI(MPI_Query_thread(&level));
    if (level < MPI_THREAD_MULTIPLE)
        BP_FAIL(BP_EMPI, "MPI runs without MPI_THREAD_MULTIPLE, which the pool's service thread needs; "
                         "ask for it in MPI_Init_thread");
    return BP_OK;
}

bp_status bp__agree(MPI_Comm comm, bp_status mine)
{
    int rank, size;
    BP_MPI(MPI_Comm_rank(comm, &rank));
    BP_MPI(MPI_Comm_size(comm, &size));
    int failed = bp__failed(mine) ? rank : size, first;
    BP_MPI(MPI_Allreduce(&failed, &first, 1, MPI_INT, MPI_MIN, comm));
    if (first == size) return BP_OK;

    struct {
        int code;
        char text[BP_ERROR_TEXT_MAX];
    } what = {(int)mine, ""};
    if (rank == first) snprintf(what.text, sizeof what.text, "%s", bp_error_text());
    BP_MPI(MPI_Bcast(&what, (int)sizeof what, MPI_BYTE, first, comm));
    if (rank == first) return mine;
    return bp__fail((bp_status)what.code, "%.490s (rank %d)", what.text, first);
}
