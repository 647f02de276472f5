/** @file src/optimizer/optimizer.h
 * The program `optimizer` as a function: for main(), and for programs that bring strategies of their own kind.
 */
#ifndef BP_OPTIMIZER_OPTIMIZER_H
#define BP_OPTIMIZER_OPTIMIZER_H

#include "optimizer/provider.h"

/** Do what a command line asks for, and print what is to be told.
 *
 * If MPI runs already it is used, and goes on afterwards; MPI_COMM_WORLD's ranks all have to call. Else MPI is started
 * where it is needed, and finalised: then this can be called once in a process. Signals are caught meanwhile (signals.h,
 * guard.h), and have the effect that they had before afterwards. A search that no rank may be waited for any more, and a
 * strategy that crashes or calls exit(), end the process, and with it the job.
 *
 * @param[in] argv      [argc + 1], the last one NULL; permuted, and borrowed for the call
 * @param[in] provider  borrowed for the call; NULL: strategies are built in, or those of shared objects
 * @return the exit code, the same on every rank; but what is the work of one process (run, merge, compare) the first one
 *         does, and the others of a launcher return 0 at once, where MPI does not run yet
 */
int bp__optimizer_main(int argc, char **argv, const bp__provider *provider);

#endif
