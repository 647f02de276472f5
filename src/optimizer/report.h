/** @file src/optimizer/report.h
 * What a run prints. Rank 0 only.
 */
#ifndef BP_OPTIMIZER_REPORT_H
#define BP_OPTIMIZER_REPORT_H

#include <stdio.h>

#include "optimizer/sweep.h"

/** Everything there is to tell of a run. */
typedef struct bp__report_facts {
    const bp__options *options;
    const bp__sweep *sweep;
    const bp__results *results;
    const bp_version *version; /**< of the bundle */
    const bp_stats *stats;
    const uint64_t *order; /**< as bp__results_rank() has made it */
    int num_ranks;
    double seconds; /**< from the first backtest to the last */
} bp__report_facts;

/** What will be done; needs neither statistics, order nor seconds. */
void bp__report_header(FILE *file, const bp__report_facts *facts);

/** The best, as a table with aligned columns. */
void bp__report_table(FILE *file, const bp__report_facts *facts);

/** Counts, time, and what the pool did. Has the line "loads: N". */
void bp__report_summary(FILE *file, const bp__report_facts *facts);

/** All of it, as one JSON object; what is undefined is null. */
void bp__report_json(FILE *file, const bp__report_facts *facts);

/** The failures of the lowest indices, as warnings on stderr. */
void bp__report_failures(const bp__results *results);

/** "optimizer: error: TEXT" or "optimizer: warning: TEXT" on stderr, one line whatever is in the text. */
__attribute__((format(printf, 2, 3))) void bp__report_problem(const char *kind, const char *fmt, ...);

#endif
