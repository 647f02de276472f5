/** @file mpi/budget.h
 * How much memory a pool may claim on each node, agreed by all ranks before anything is allocated.
 */
#ifndef BP_MPI_BUDGET_H
#define BP_MPI_BUDGET_H

#include <bundlepool/pool.h>

#include "core/backing.h"
#include "mpi/topology.h"

#define BP__REMEDY_MAX 128

/** The same on every rank. */
typedef struct bp__budget {
    uint64_t bytes;               /**< that may be claimed on each node */
    uint64_t arena;               /**< address space of the arena */
    uint64_t most;                /**< the largest pool_memory that every node would have agreed to */
    char from[BP_LIMIT_FROM_MAX]; /**< where `bytes` comes from, in words */
    char remedy[BP__REMEDY_MAX];  /**< what to do for a larger `most`, in words */
} bp__budget;

/** Check that every node can have a window of `bytes`, all of it claimed, for the pool's directory.
 * Collective over
 *  top->world.
 *  @retval BP_ENOMEM  one cannot; the text names it, what it lacks, and what to do */
bp_status bp__budget_check(const bp__topology *top, const bp__backing *backing, uint64_t bytes);

/** How much a pool may claim on each node. Collective over top->world; just before the arena is allocated.
 *  @retval BP_ENOMEM  a node does not have that much; the text names it and says what to do */
bp_status bp__budget_agree(const bp__topology *top, const bp__backing *backing, const bp_config *cfg,
                           bp__budget *budget);

#endif
