/** @file src/search/results.h
 * What became of each combination of a grid, over each bundle: collected in rank 0, ranked, and written as
 * CSV.
 *
 * A **task** is one combination over one bundle: number bundle * grid->size + index. Of those that make
 * sense, a slice k/n has every n-th, beginning with the k-th; of those that make none likewise.
 */
#ifndef BP_SEARCH_RESULTS_H
#define BP_SEARCH_RESULTS_H

#include "search/ranking.h"
#include "search/skips.h"

#define BP__WHY_MAX       2001 /**< bytes of a failure's text, NUL included */
#define BP__HASH_DIGITS   64
#define BP__FAILURES_KEPT 1000
#define BP__NO_TASK       UINT64_MAX

/** One backtest's outcome. How it travels between ranks: packet.h. */
typedef struct bp__result {
    uint64_t task;
    int64_t status;      /**< a bp_status; values are there for BP_OK only */
    uint32_t changed;    /**< whether the rank has found another version of the bundle on disk, or none */
    uint32_t num_values; /**< as many as the search keeps metrics */
    double value[BP__NUM_METRICS]; /**< [num_values] one for each */
    char why[BP__WHY_MAX];         /**< text of a failure: one line or several */
} bp__result;

typedef enum bp__outcome { BP__PENDING, BP__DONE, BP__SKIPPED, BP__FAILED, BP__ELSEWHERE } bp__outcome;

/** A combination that has failed. */
typedef struct bp__failure {
    uint64_t task;
    int64_t status; /**< a bp_status */
    char *why;      /**< owned */
} bp__failure;

typedef struct bp__results {
    const bp__spec *spec;                 /**< borrowed */
    unsigned char *outcome;               /**< [num_rows] by task: a bp__outcome */
    double *value;                        /**< [num_rows][spec->num_metrics] of those that are done */
    char (*content)[BP__HASH_DIGITS + 1]; /**< [spec->num_bundles] hash of what was tested; "": none yet */
    uint64_t num_rows;
    uint64_t num_todo;              /**< tasks of this slice that make sense */
    uint64_t done, skipped, failed; /**< of this slice */
    uint64_t best;                  /**< the best task that is done and ranked, or BP__NO_TASK */
    bp__rated rating;               /**< of that */
    bp__failure *failure;           /**< [num_failures] of the lowest numbers, ascending, at most
                                                BP__FAILURES_KEPT; fewer where there was no memory; owned */
    size_t num_failures, failure_room;
} bp__results;

/** Room for every task.
 *  @param[in]  skips    of its grid; borrowed for the call; NULL: as bp__skips_find() finds them
 *  @param[out] results  bp__results_fini(), after a failure too @retval BP_ENOMEM */
bp_status bp__results_init(const bp__spec *spec, const bp__skips *skips, bp__results *results);
void bp__results_fini(bp__results *results);

/** The values of a task that is done. @return [spec->num_metrics] */
const double *bp__results_values(const bp__results *results, uint64_t task);

/** Enter an outcome. */
void bp__results_enter(bp__results *results, const bp__result *result);

/** Tasks of one bundle that are still to be done, ascending.
 *  @param[out] todo  owned: free() @retval BP_ENOMEM */
bp_status bp__results_todo(const bp__results *results, uint64_t bundle, uint64_t **todo, uint64_t *count);

/** All tasks of a bundle are to be done again. @return how many had been done or had failed */
uint64_t bp__results_forget(bp__results *results, uint64_t bundle);

/** Tasks that are done and ranked, best first: by the objective, NaN last, then what never traded; ties by number.
 *  @param[out] order  [*count]; owned: free() @retval BP_ENOMEM */
bp_status bp__results_rank(const bp__results *results, bp__rated **order, uint64_t *count);

/** A task for people: "fast=5 slow=20", with the bundle's name before it where there are several. @return `text` */
const char *bp__results_task(const bp__results *results, uint64_t task, char *text, size_t size);

/** Whether a file can be made at `path`, without making it.
 *  @param[in] option  is to blame
 *  @retval BP_EINVAL  it names no file @retval BP_EIO  the text names the path and the reason */
bp_status bp__results_check_path(const char *option, const char *path);

/** Make `path` a CSV of all rows of this slice, as a whole or not at all; and say beside it what it is of (origin.h).
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__results_write(const bp__results *results, const char *path);

#endif
