/** @file src/optimizer/progress.h
 * Tells on stderr how far a run is: a bar on a terminal, else a line now and then. Rank 0 only, one thread.
 */
#ifndef BP_OPTIMIZER_PROGRESS_H
#define BP_OPTIMIZER_PROGRESS_H

#include "search/search.h"

typedef struct bp__progress {
    const bp__found *found; /**< borrowed; NULL: the clock has not started */
    uint64_t start_ns, next_ns, step_ns;
    bool terminal, drawn;
} bp__progress;

/** The clock starts. What is known by now does not count for the rate.
 *  @param[in] seconds  between two lines; 0: none */
void bp__progress_init(const bp__found *found, double seconds, bp__progress *progress);

/** Tell, if it is time to: on a terminal five times a second, else as often as the options say. Before the clock has
 *  started it never is. */
void bp__progress_update(bp__progress *progress);

/** Take the bar away. */
void bp__progress_fini(bp__progress *progress);

#endif
