/** @file mpi/preflight.h
 * Where this MPI library puts the memory of a shared window, and whether every process can have it there:
 * found out before the library is asked, as a library that fails in one process of a node leaves the others
 * waiting (core/backing.h).
 */
#ifndef BP_MPI_PREFLIGHT_H
#define BP_MPI_PREFLIGHT_H

#include "core/backing.h"
#include "mpi/topology.h"

/** Where a window that this process is the first of would be. By the library's own settings where it tells
 * them
 *  (MPI_T: Open MPI), else bp__backing_default(). Not collective; MPI need not run.
 *  @param[in] processes  that share it; one alone gets anonymous memory, without MPI */
void bp__backing_find(int processes, bp__backing *backing);

/** The same for every rank of a node, as its first rank finds it. Collective over top->node. */
bp_status bp__backing_agree(const bp__topology *top, bp__backing *backing);

/** Try, on every node, what a window of `bytes` will need of each of its processes. Collective over
 * top->world;
 *  just before the window is allocated.
 *  @param[in] what  what the window is for, in words
 *  @retval BP_ENOMEM, BP_ESYS  one cannot have it; the text names the node, and the folder or the limit */
bp_status bp__preflight(const bp__topology *top, const bp__backing *backing, const char *what,
                        uint64_t bytes);

#endif
