/** @file mpi/reach.h
 * Whether ranks can reach each other, before a collective of MPI's finds out and waits for ever.
 *
 * DESIGN
 *  1. Every rank tells rank 0 its host.
 *  2. Rank 0 tells each of them whom it has to try: the first rank of a machine tries those of the other machines, of
 *     all in a job of up to 16, of its neighbours in tree and chain in a larger one (mpi/links.h).
 *  3. They exchange an empty message, and tell rank 0 how that went; rank 0 tells all.
 *
 * Each wait is bounded: whoever hears nothing knows by that who is not to be reached.
 */
#ifndef BP_MPI_REACH_H
#define BP_MPI_REACH_H

#include "mpi/comm.h"

/** Try all links that count. Collective over comm, over which no other message may be under way: to be called when all
 * ranks are known to have come, or will come at once.
 *
 * @param[in] timeout_ms  the same on all ranks; it takes no more than that and three seconds
 * @retval BP_EMPI  one cannot reach another; the text names both as far as they are known. The same on every rank that
 *                  rank 0 can reach. comm must not be used for collectives any more
 */
bp_status bp__reach(MPI_Comm comm, int64_t timeout_ms);

#endif
