/** @file mpi/service.h
 * The service thread: one in the first rank of each node. It runs the node's agent, on rank 0's node the
 * coordinator as well, and carries what they tell each other. No other rank has any thread.
 */
#ifndef BP_MPI_SERVICE_H
#define BP_MPI_SERVICE_H

#include <sched.h>

#include <bundlepool/config.h>

#include "core/directory.h"
#include "core/loader.h"
#include "mpi/comm.h"
#include "mpi/window.h"

typedef struct bp__service bp__service;

typedef struct bp__service_setup {
    const bp_config *cfg;    /**< copied; root is absolute */
    const bp__topology *top; /**< borrowed */
    const int *world_rank;   /**< [node_size] */
    bp__directory *dir;      /**< borrowed */
    bp__window *arena;       /**< borrowed */
    uint64_t budget;
    const bp__loader *loader; /**< borrowed */
    const cpu_set_t *cpus;    /**< of the whole node */
} bp__service_setup;

/** Start the thread. @param[out] service  owned: bp__service_stop() */
bp_status bp__service_start(const bp__service_setup *setup, bp__service **service);

/** Wait for loads under way, end the thread, free everything. NULL inside is allowed. */
void bp__service_stop(bp__service **service);

#endif
