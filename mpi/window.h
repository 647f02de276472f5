/** @file mpi/window.h
 * One piece of memory that the ranks of a node share.
 *
 * Each process has it mapped twice: `view` is read-only for ever, and its addresses are what readers get;
 * `fill` has no access at all, except to an extent which this very process has opened while it fills it.
 * A window over one rank is anonymous shared memory: Open MPI would use plain malloc there.
 *
 * Only create and destroy are collective.
 */
#ifndef BP_MPI_WINDOW_H
#define BP_MPI_WINDOW_H

#include <mpi.h>

#include "core/arena.h"

typedef struct bp__window {
    char *base;       /**< page-aligned; read-write after create, see bp__window_split() */
    const char *view; /**< NULL until bp__window_split() */
    size_t bytes;
    size_t page;
    MPI_Win win; /**< MPI_WIN_NULL: anonymous */
} bp__window;

/** Zeroed memory of `bytes` (rounded up to pages), the same on every rank of `node`. Collective over node.
 *  Either all ranks have it or all have the same error. On failure nothing is left.
 *  @retval BP_ENOMEM  the machine cannot give so much */
bp_status bp__window_create(MPI_Comm node, size_t bytes, bp__window *window);

/** Collective over node. A zeroed window is allowed. */
void bp__window_destroy(bp__window *window);

/** Make the second mapping and take all access from the first. */
bp_status bp__window_split(bp__window *window);

/** Allow this process to write to a part of a window that is not split; `writable` false: only to read. */
bp_status bp__window_protect(bp__window *window, size_t offset, size_t bytes, bool writable);

/** Open an extent for filling. @param[out] memory  until bp__window_close() */
bp_status bp__window_open(bp__window *window, bp__extent extent, void **memory);

/** End the access that bp__window_open() gave. */
bp_status bp__window_close(bp__window *window, bp__extent extent);

/** Make every page of an extent that this process may write real, or fail instead of dying by SIGBUS later.
 *  @retval BP_ENOMEM  there is not so much shared memory left */
bp_status bp__window_claim(bp__window *window, bp__extent extent);

/** Give the pages of an extent back to the machine. */
bp_status bp__window_give_back(bp__window *window, bp__extent extent);

#endif
