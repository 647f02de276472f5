/** @file src/optimizer/report.h
 * What a run prints. Rank 0 only.
 */
#ifndef BP_OPTIMIZER_REPORT_H
#define BP_OPTIMIZER_REPORT_H

#include <stdio.h>

#include "core/json.h"
#include "optimizer/options.h"

/** Everything there is to tell of a run. */
typedef struct bp__report_facts {
    const bp__options *options;
    const bp__results *results; /**< with the search that they are of */
    const bp__found *found;     /**< NULL: results of other runs */
    const bp__rated *order;     /**< [num_ranked] as bp__results_rank() has made it */
    uint64_t num_ranked;
} bp__report_facts;

/** Which costs were charged, zero included. */
void bp__report_costs(FILE *file, const bp__account *account);
void bp__report_json_costs(bp__json *json, const bp__account *account);

/** A line about splits and dividends that prices contradict: results over the bundle are not to be believed. Nothing
 *  where there is none. */
void bp__report_doubts(FILE *file, const char *bundle, const bp__doubts *doubts);
void bp__report_json_doubts(bp__json *json, const bp__doubts *doubts);

/** What that line says. @param[in] doubts  there are some @return `text` */
const char *bp__report_doubts_text(const char *bundle, const bp__doubts *doubts, char *text, size_t size);

/** The same as a warning of the log, before anything is tested. */
void bp__report_warn_of_doubts(const char *bundle, const bp__doubts *doubts);

/** "search: sma_cross, fast 10 values, slow 50: 10 combinations", without the end of the line. */
void bp__report_grid(FILE *file, const bp__spec *spec);

/** What will be done over a bundle. Needs found only. */
void bp__report_header(FILE *file, const bp__report_facts *facts, uint64_t bundle);

/** The best, as a table with aligned columns. Needs no `found`. */
void bp__report_table(FILE *file, const bp__report_facts *facts);

/** Counts, time, and what the pool did. Has the line "loads: N". */
void bp__report_summary(FILE *file, const bp__report_facts *facts);

/** All of it, as one JSON object; what is undefined is null. @retval BP_ENOMEM */
bp_status bp__report_json(FILE *file, const bp__report_facts *facts);

/** The failures of the lowest numbers, as warnings. */
void bp__report_failures(const bp__results *results);

/** The statistics of a pool and the state of the search, as one log line. */
void bp__report_stats(const bp__found *found, const bp_stats *stats);

/** "optimizer: error: TEXT" or "optimizer: warning: TEXT" as a log line. */
__attribute__((format(printf, 2, 3))) void bp__report_problem(const char *kind, const char *fmt, ...);

#endif
