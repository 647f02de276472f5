/** @file src/optimizer/progress.h
 * Tells on stderr how far a run is: a bar on a terminal, else a line now and then. Rank 0 only, one thread.
 */
#ifndef BP_OPTIMIZER_PROGRESS_H
#define BP_OPTIMIZER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bp__progress {
    uint64_t total, start_ns, next_ns;
    bool terminal, drawn;
} bp__progress;

/** The clock starts. */
void bp__progress_init(uint64_t total, bp__progress *progress);

/** `done` of the total are done. Prints if it is time to: on a terminal 5 times a second, else every 10 s. */
void bp__progress_update(bp__progress *progress, uint64_t done);

/** Take the bar away. @return seconds since the start */
double bp__progress_fini(bp__progress *progress);

#endif
