/** @file mpi/coordinator.h
 * The coordinator: it alone decides. It receives notes and finished phases of loads, and issues commands
 * in one total order. Used by one thread of rank 0; never blocks; calls neither MPI nor files.
 *
 * A load's way:  MISS ─► OPEN ─► plan ─► room ─► FILL ─► fill ─► votes ─► verify ─► READY
 *                                  `────────┴───────────────┴────────────────┴────► FAIL
 */
#ifndef BP_MPI_COORDINATOR_H
#define BP_MPI_COORDINATOR_H

#include <bundlepool/config.h>

#include "core/arena.h"
#include "mpi/budget.h"
#include "mpi/load.h"
#include "mpi/message.h"
#include "mpi/topology.h"

typedef struct bp__coordinator bp__coordinator;

/** Where commands and answers go. Called during any call of the coordinator; it may queue a note for
 *  bp__coordinator_note(), but must not deliver one from within. */
typedef struct bp__downlink {
    void (*command)(void *ctx, const bp__command *command);
    void (*answer)(void *ctx, const bp__answer *answer);
    void *ctx;
} bp__downlink;

/** @param[in]  top, budget, loads   borrowed; the phases of loads run in `loads`
 *  @param[in]  arena_bytes  address space of every node's arena
 *  @param[out] coordinator  owned: bp__coordinator_destroy() */
bp_status bp__coordinator_create(const bp_config *cfg, const bp__topology *top, uint32_t num_slots,
                                 uint64_t arena_bytes, const bp__budget *budget, uint64_t page,
                                 bp__loads *loads, bp__downlink down, bp__coordinator **coordinator);
void bp__coordinator_destroy(bp__coordinator **coordinator);

/** Receive a note. @retval BP_ENOMEM  what somebody waits for is forgotten: the pool has to be broken */
bp_status bp__coordinator_note(bp__coordinator *c, const bp__note *note);

/** Go on with everything that can go on. @return whether anything was done */
bool bp__coordinator_step(bp__coordinator *c);

/** Whether a load is under way or something waits for room, so that time matters. */
bool bp__coordinator_busy(const bp__coordinator *c);

/** Begin to stop: new loads are refused, and STOP is sent once none is under way. @return whether it was */
bool bp__coordinator_stop(bp__coordinator *c);

/** Whether every node has applied STOP. */
bool bp__coordinator_all_done(const bp__coordinator *c);

/** Check every invariant. @retval BP_EINVAL  the text says which is broken */
bp_status bp__coordinator_selfcheck(const bp__coordinator *c);

#endif
