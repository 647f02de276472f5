/** @file mpi/budget.h
 * How much memory a pool may claim on each node, agreed by all ranks before anything is allocated.
 */
#ifndef BP_MPI_BUDGET_H
#define BP_MPI_BUDGET_H

#include <bundlepool/pool.h>

#include "mpi/comm.h"

/** Check that every node can have a window of `bytes`, so that no rank enters a collective allocation that
 *  fails on another. Collective over top->world.
 *  @retval BP_ENOMEM  one cannot; the text names it */
bp_status bp__budget_check(const bp__topology *top, uint64_t bytes);

/** How much a pool may claim on each node. Collective over top->world; just before the arena is allocated.
 *
 * @param[out] budget       bytes that may be claimed, the same on every node
 * @param[out] arena_bytes  address space of the arena, the same on every node
 * @param[out] from         where the budget comes from, in words; the same on every rank
 * @retval BP_ENOMEM  a node does not have that much; the text names it and says what to do */
bp_status bp__budget_agree(const bp__topology *top, const bp_config *cfg, uint64_t *budget,
                           uint64_t *arena_bytes, char from[BP_LIMIT_FROM_MAX]);

#endif
