/** @file mpi/comm.h
 * What MPI reports, and agreeing on failures.
 */
#ifndef BP_MPI_COMM_H
#define BP_MPI_COMM_H

#include <stdbool.h>
#include <stdint.h>

#include <mpi.h>

#include "core/status.h"

/** Raise what MPI reports: `call` returned `rc`. */
bp_status bp__mpi_failed(int rc, const char *call);

#define BP_MPI(call)                                                                                         \
    do {                                                                                                     \
        int bp_mpi_rc_ = (call);                                                                             \
        if (bp_mpi_rc_ != MPI_SUCCESS) return bp__mpi_failed(bp_mpi_rc_, #call);                             \
    } while (0)

/** Check that MPI runs, with MPI_THREAD_MULTIPLE. @retval BP_EMPI  it does not */
bp_status bp__mpi_check(void);

#define BP__HOST_MAX 64

/** Make one rank's failure everybody's: each rank passes its own status, and all return that of the lowest
 *  rank that failed, with its text and, on the other ranks, its number. Collective over comm. */
bp_status bp__agree(MPI_Comm comm, bp_status mine);

#endif
