/** @file src/optimizer/signals.h
 * SIGUSR1 (the time limit is near) and SIGTERM or SIGINT (end now), as something to look at between two
 * backtests.
 *
 * A second SIGINT ends the program as it always does. A limit of file sizes is a failed write, not a signal.
 */
#ifndef BP_OPTIMIZER_SIGNALS_H
#define BP_OPTIMIZER_SIGNALS_H

#include <stdint.h>

/** Before MPI is started, if it does not run yet. None has been seen then. */
void bp__signals_catch(void);

/** Give them the effect back that they had before. */
void bp__signals_release(void);

/** The most urgent signal that has come: 0 (none), SIGUSR1, SIGINT or SIGTERM.
 *  @param[out] since_ns  when, by bp__clock_ns() */
int bp__signal_seen(uint64_t *since_ns);

#endif
