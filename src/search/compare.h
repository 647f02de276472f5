/** @file src/search/compare.h
 * Two files of results beside each other: which combinations are in both, whether they are ranked alike, and what
 * differs in the searches that they are of. Needs no MPI.
 */
#ifndef BP_SEARCH_COMPARE_H
#define BP_SEARCH_COMPARE_H

#include "search/origin.h"
#include "search/table.h"

typedef struct bp__compared {
    bp__table table;
    bp__result_origin origin; /**< its text is NULL: not known */
    char strategy[64];        /**< "": not known */
    char *bundles;            /**< "a,b"; owned; NULL: not known */
    uint64_t done, skipped, failed;
    double *value, *score; /**< [rows] as bp__table_score() */
    uint64_t *order;       /**< [done] rows, best first */
    uint64_t *rank;        /**< [rows] from 1; 0: not done */
    uint64_t *other;       /**< [rows] the same combination in the other table, or BP__NO_TASK */
} bp__compared;

typedef struct bp__comparison {
    bp__compared side[2];
    const char *objective;      /**< borrowed */
    uint64_t both;              /**< combinations that both have */
    uint64_t ranked;            /**< of them: done in both, with an objective that is defined */
    double correlation;         /**< Spearman's, of the ranks of these, ties at their mean; NaN: undefined */
    uint64_t top;               /**< the best so many of either side, or fewer if there are fewer */
    uint64_t top_in_both;       /**< how many of them are among the best so many of the other */
    bool knows_origins;         /**< of both; else nothing is said of what differs */
    bp__difference *difference; /**< [num_differences] */
    size_t num_differences;
} bp__comparison;

/** @param[in]  path        borrowed as long as the comparison
 *  @param[in]  objective   of metrics that both have, as bp__table_score(); NULL: what it is for the first file; borrowed
 *  @param[out] comparison  bp__comparison_fini(), after a failure too
 *
 *  @retval BP_EINVAL    the files have not the same parameters, or one has a combination twice: the text names the lines
 *  @retval BP_ENOTFOUND the objective is not in both
 *  @retval any          of bp__table_read(), bp__result_origin_read() where there is an origin */
bp_status bp__compare(const char *const path[2], const char *objective, uint64_t top,
                      bp__comparison *comparison);
void bp__comparison_fini(bp__comparison *comparison);

#endif
