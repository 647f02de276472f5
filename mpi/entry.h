/** @file mpi/entry.h
 * A slot as the coordinator's last command for it left it, on whichever nodes that command has reached.
 */
#ifndef BP_MPI_ENTRY_H
#define BP_MPI_ENTRY_H

#include "core/directory.h"

typedef struct bp__entry {
    bp__fill fill;
    bool listed;
    uint64_t generation;
    char name[BP_NAME_MAX + 1];
    bp__extent extent; /**< of the image; empty: it has none */
    bp__extent stage;  /**< in FILL: released when the load has ended; empty: it has none */
    bp__identity identity;
    struct bp__load *load; /**< in OPEN and FILL; not room's business */
    bool filled;           /**< in FILL: rank 0's node has finished, load->code says how */
    bool voted;            /**< in FILL: all other nodes have finished */
} bp__entry;

#endif
