/** @file src/optimizer/search.h
 * A grid search: all ranks of a job, over one bundle after the other, with a journal.
 */
#ifndef BP_OPTIMIZER_SEARCH_H
#define BP_OPTIMIZER_SEARCH_H

#include "optimizer/options.h"

enum {
    BP__EXIT_DONE = 0,
    BP__EXIT_FAILED = 1,
    BP__EXIT_USAGE = 2,
    BP__EXIT_AGAIN = 75, /**< stopped by a signal: --resume goes on; EX_TEMPFAIL of sysexits.h */
};

/** Search and tell. Collective over MPI_COMM_WORLD. @return the exit code, the same on every rank */
int bp__search(const bp__options *options, int rank, int num_ranks);

#endif
