/** @file mpi/window.h
 * One piece of memory that the ranks of a node share.
 *
 * Each process has it mapped twice: `view` is read-only for ever, and its addresses are what readers get;
 * `base` has no access at all, except to extents for which this very process has a writer.
 * A window over one rank is anonymous shared memory: Open MPI would use plain malloc there.
 *
 * Neither mapping is in a core dump: the kernel would make every page of the window real to write it out. And
 * neither has huge pages, whatever the file system's default (huge=) is: what is claimed and given back is in
 * small ones, and to give back part of a huge page may free nothing.
 *
 * Only create and destroy are collective.
 */
#ifndef BP_MPI_WINDOW_H
#define BP_MPI_WINDOW_H

#include <mpi.h>

#include "core/directory.h"

typedef struct bp__window {
    char *base;       /**< page-aligned; read-write after create, see bp__window_split() */
    const char *view; /**< NULL until bp__window_split() */
    size_t bytes;
    size_t page;
    MPI_Win win;                  /**< MPI_WIN_NULL: anonymous */
    const char *folder;           /**< of the file behind it, borrowed; NULL: none, or it is not known */
    bp__claims own;               /**< what `claims` is while there is nothing better */
    bp__claims *claims;           /**< borrowed, of all processes of the node */
    struct bp__opening *openings; /**< extents that this process may write to */
} bp__window;

/** Zeroed memory of `bytes` (rounded up to pages), the same on every rank of `node`. Collective over node.
 *  Either all ranks have it or all have the same error, if none fails in the MPI library (mpi/preflight.h). On
 *  failure nothing is left.
 *  @retval BP_ENOMEM  the machine cannot give that much */
bp_status bp__window_create(MPI_Comm node, size_t bytes, bp__window *window);

/** Collective over node. A zeroed window is allowed. */
void bp__window_destroy(bp__window *window);

/** Make the second mapping, and take all access away from the first. */
bp_status bp__window_split(bp__window *window);

/** Allow this process to write to a part of a window that is not split, or only to read it. */
bp_status bp__window_protect(bp__window *window, size_t offset, size_t bytes, bool writable);

/** A thread's right to write to an extent. Several threads of several processes may have one for the same
 *  extent; a process has access until its last one is closed. A zeroed one is closed. */
typedef struct bp__writer {
    bp__window *window;
    bp__extent extent;
    char *memory;      /**< of the extent */
    uint64_t *claimed; /**< owned; a bit for each step of the extent that this thread has claimed */
} bp__writer;

/** @param[out] writer  closed on failure
 *  @retval BP_ENOMEM, BP_ESYS */
bp_status bp__writer_open(bp__window *window, bp__extent extent, bp__writer *writer);

/** Before writing to bytes [from, to) of the extent: make their pages real. Without it, a process that
 *  writes where there is no memory left is killed by SIGBUS.
 *  @retval BP_ENOMEM  there is not that much shared memory left */
bp_status bp__writer_claim(bp__writer *writer, uint64_t from, uint64_t to);

/** End the access. */
bp_status bp__writer_close(bp__writer *writer);

/** Make every page of a window that is not split real: fail now instead of being killed by SIGBUS later.
 *  @retval BP_ENOMEM  there is not that much shared memory left */
bp_status bp__window_claim(bp__window *window);

/** Give the pages of an extent back to the machine, and every process's mappings of them with it. */
bp_status bp__window_give_back(bp__window *window, bp__extent extent);

#endif
