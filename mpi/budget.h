/** @file mpi/budget.h
 * How much memory a pool may claim on each node, agreed by all ranks before anything is allocated.
 */
#ifndef BP_MPI_BUDGET_H
#define BP_MPI_BUDGET_H

#include <bundlepool/config.h>

#include "mpi/comm.h"

/** Collective over top->world.
 *
 * @param[in]  control      bytes of the control window
 * @param[out] budget       bytes that may be claimed, the same on every node
 * @param[out] arena_bytes  address space of the arena, the same on every node
 * @retval BP_ENOMEM  a node has not so much; the text names it and says what to do */
bp_status bp__budget_agree(const bp__topology *top, const bp_config *cfg, uint64_t control, uint64_t *budget,
                           uint64_t *arena_bytes);

#endif
