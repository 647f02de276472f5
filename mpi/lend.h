/** @file mpi/lend.h
 * What a pool is of, for who is handed one that another has created.
 */
#ifndef BP_MPI_LEND_H
#define BP_MPI_LEND_H

#include <bundlepool/pool.h>

#include "mpi/await.h"

/** The pool's own duplicate of the communicator that it was created over. Borrowed; not for messages. */
MPI_Comm bp__pool_comm(const bp_pool *pool);

/** Its configuration, with an absolute root. Borrowed. */
const bp_config *bp__pool_config(const bp_pool *pool);

/** That MPI_Finalize ends the pool, if it has not been destroyed before, is meant so: no warning. */
void bp__pool_may_end_with_mpi(bp_pool *pool);

/** What ends a wait for the other ranks of a pool: that it breaks. With NULL, as with a pool that does not pool, nothing
 *  does. */
bp__watch bp__pool_watch(const bp_pool *pool);

#endif
