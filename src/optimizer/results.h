/** @file src/optimizer/results.h
 * What became of each combination of a grid: collected in rank 0, ranked, and written as CSV.
 */
#ifndef BP_OPTIMIZER_RESULTS_H
#define BP_OPTIMIZER_RESULTS_H

#include "optimizer/grid.h"

#define BP__WHY_MAX       128
#define BP__FAILURES_TOLD 3

/** One backtest's outcome as it travels between ranks. */
typedef struct bp__result {
    uint64_t index;
    int64_t status; /**< a bp_status; metrics are there for BP_OK only */
    bp__metrics metrics;
    char why[BP__WHY_MAX]; /**< text of a failure */
} bp__result;

typedef enum bp__outcome { BP__PENDING, BP__DONE, BP__SKIPPED, BP__FAILED } bp__outcome;

typedef struct bp__row {
    bp__metrics metrics;
    bp__outcome outcome;
} bp__row;

typedef struct bp__results {
    const bp__grid *grid; /**< borrowed */
    bp__row *row;         /**< [grid->size] */
    uint64_t *todo;       /**< [num_todo] combinations that make sense, ascending */
    uint64_t num_todo, done, skipped, failed;
    bp__result failure[BP__FAILURES_TOLD]; /**< those of the lowest indices, ascending */
} bp__results;

/** Room for every combination; those that make no sense are skipped at once.
 *  @param[out] results  bp__results_fini(), after a failure too @retval BP_ENOMEM */
bp_status bp__results_init(const bp__grid *grid, bp__results *results);
void bp__results_fini(bp__results *results);

/** Enter an outcome. */
void bp__results_take(bp__results *results, const bp__result *result);

/** Indices of what is done, best first: by the objective, NaN last, ties by index.
 *  @param[out] order  [results->done]; owned: free() @retval BP_ENOMEM */
bp_status bp__results_rank(const bp__results *results, unsigned objective, uint64_t **order);

/** Whether a file can be made at `path`, without making it.
 *  @retval BP_EIO  the text names the path and the reason */
bp_status bp__results_check_path(const char *path);

/** Make `path` a CSV of all rows, as a whole or not at all. @retval BP_EIO, BP_ENOMEM */
bp_status bp__results_write(const bp__results *results, const char *path);

#endif
