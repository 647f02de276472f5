/** @file mpi/await.h
 * Waiting for other ranks, but not for ever: each of these gives up when its watch says that nobody is to be waited
 * for any more, as when a pool has broken. Who waits looks, then sleeps, for longer each time up to 1 ms.
 *
 * After giving up, MPI may still write to what it was given. Therefore the collectives here use memory of their own,
 * which then stays where it is until the process ends; and nothing collective may be done over that communicator any
 * more. A rank without memory for that takes part all the same, with the caller's, and waits however long it takes: so
 * no rank stays away alone. Any thread.
 */
#ifndef BP_MPI_AWAIT_H
#define BP_MPI_AWAIT_H

#include <stddef.h>

#include "mpi/comm.h"

typedef struct bp__watch {
    /** Called between two looks. A failure ends the wait, and is what the waiting call returns; its text says why. */
    bp_status (*check)(const void *context);
    const void *context;
} bp__watch;

/** Wait for a request. Its buffer has to outlive a failure: bp__await_leave().
 *  @retval any  of watch->check: the request goes on, and must not be waited for again */
bp_status bp__await(MPI_Request *request, MPI_Status *status, const bp__watch *watch);

/** Memory that MPI may use until the process ends: it stays reachable. NULL is allowed. @param[in] memory  transferred */
void bp__await_leave(void *memory);

/** As MPI_Barrier(), MPI_Bcast() of bytes, MPI_Allreduce() of uint64_t, and bp__agree(). Collective over comm. */
bp_status bp__await_barrier(MPI_Comm comm, const bp__watch *watch);
bp_status bp__await_bcast(void *bytes, size_t size, int root, MPI_Comm comm, const bp__watch *watch);
bp_status bp__await_allreduce(const uint64_t *mine, uint64_t *all, int count, MPI_Op op, MPI_Comm comm,
                              const bp__watch *watch);
bp_status bp__await_agree(MPI_Comm comm, bp_status mine, const bp__watch *watch);

#endif
