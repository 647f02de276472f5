/** @file src/optimizer/report.h
 * What a run prints. Rank 0 only.
 */
#ifndef BP_OPTIMIZER_REPORT_H
#define BP_OPTIMIZER_REPORT_H

#include <stdio.h>

#include "optimizer/sweep.h"

/** A bundle as it was tested. */
typedef struct bp__tested {
    char content_hash[65], computed_hash[65];
    uint64_t bytes;
    size_t num_assets, num_sessions; /**< of the scope, as the days */
    int64_t first_session, last_session;
} bp__tested;

/** Everything there is to tell of a run. */
typedef struct bp__report_facts {
    const bp__options *options;
    const bp__results *results;
    const bp__tested *tested; /**< [options->num_bundles]; NULL: results of other runs */
    const bp_stats *stats;
    const uint64_t *order; /**< as bp__results_rank() has made it */
    int num_ranks;
    uint64_t resumed; /**< done or failed before this run */
    double seconds;   /**< in backtests, from the first to the last of each bundle */
} bp__report_facts;

/** What will be done over a bundle. Needs options, tested, num_ranks only. */
void bp__report_header(FILE *file, const bp__report_facts *facts, uint64_t bundle);

/** The best, as a table with aligned columns. Needs options, results, order only, as bp__report_json()
 * without `tested`. */
void bp__report_table(FILE *file, const bp__report_facts *facts);

/** Counts, time, and what the pool did. Has the line "loads: N". */
void bp__report_summary(FILE *file, const bp__report_facts *facts);

/** All of it, as one JSON object; what is undefined is null. */
void bp__report_json(FILE *file, const bp__report_facts *facts);

/** What was printed must have got where it should. @retval BP_EIO  it has not */
bp_status bp__report_check_stdout(void);

/** The failures of the lowest numbers, as warnings. */
void bp__report_failures(const bp__results *results);

/** The statistics of a pool and the state of the search, as one log line. */
void bp__report_stats(const bp__results *results, const bp_stats *stats);

/** "optimizer: error: TEXT" or "optimizer: warning: TEXT" as a log line. */
__attribute__((format(printf, 2, 3))) void bp__report_problem(const char *kind, const char *fmt, ...);

#endif
