/** @file mpi/service.h
 * The service thread: one in the first rank of each node. It runs the node's agent and relay, on rank 0's
 * node the coordinator as well, and carries their messages. The pool starts no thread in any other rank.
 */
#ifndef BP_MPI_SERVICE_H
#define BP_MPI_SERVICE_H

#include <sched.h>

#include <bundlepool/config.h>

#include "core/directory.h"
#include "core/loader.h"
#include "mpi/budget.h"
#include "mpi/topology.h"
#include "mpi/window.h"

typedef struct bp__service bp__service;

typedef struct bp__service_setup {
    const bp_config *cfg;     /**< copied; root is absolute */
    const bp__topology *top;  /**< borrowed */
    const int *world_rank;    /**< [node_size] */
    bp__directory *dir;       /**< borrowed */
    bp__window *arena;        /**< borrowed */
    const bp__budget *budget; /**< borrowed */
    const bp__loader *loader; /**< borrowed */
    const cpu_set_t *cpus;    /**< of the whole node */
} bp__service_setup;

/** Set everything up; the thread does not run yet. @param[out] service  owned: bp__service_destroy() */
bp_status bp__service_create(const bp__service_setup *setup, bp__service **service);

/** Connect this node with its neighbours, once the services of all nodes exist and before their threads run.
 *  Collective over the first ranks of the nodes. @retval BP_EMPI  one of them cannot be reached */
bp_status bp__service_connect(bp__service *service);

/** Start the thread, once the services of all nodes exist. */
bp_status bp__service_start(bp__service *service);

/** The threads of all nodes run: from now on neighbours owe each other a sign of life. */
void bp__service_go_live(bp__service *service);

/** End the thread. NULL is allowed.
 *  @param[in] together  every node's first rank calls this: loads under way are waited for, nothing is lost
 *                        on the way; false: at once, whatever the others do (they never started, or MPI ends). That of
 *                        a broken pool ends at once in any case */
void bp__service_stop(bp__service *service, bool together);

/** Of a service whose thread has ended alone: tell the ranks of the node, and end the workers, but for those that do not
 *  end within a second. The service is left as it is, because MPI and those may use memory of it. @param[in] why  unless the pool is broken already */
void bp__service_leave(bp__service *service, const char *why);

/** Free a service whose thread does not run. NULL inside is allowed. */
void bp__service_destroy(bp__service **service);

#endif
