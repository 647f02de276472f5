/** @file src/search/merge.h
 * Joins the journals of the parts of one search (slices, bundles or both): the same results as one job would
 * have had, or an error that names what is missing or doubled. Needs no MPI.
 */
#ifndef BP_SEARCH_MERGE_H
#define BP_SEARCH_MERGE_H

#include "search/results.h"

/** How their results are ranked. Borrowed. */
typedef struct bp__merge_ranking {
    const char *objective; /**< NULL: sharpe if the journals have that, else their first metric */
    const char *having;    /**< NULL: everything is */
    bool untraded_too;
} bp__merge_ranking;

/** Read and check journals.
 *
 * @param[in]  path       [num_paths], at least one
 * @param[in]  ranking    over metrics that the journals have
 * @param[out] spec       the search as a whole, over the bundles in the order in which the journals name
 *                        them: bp__spec_fini(), after a failure too
 * @param[out] results    of it: bp__results_fini(), after a failure too
 *
 * @retval BP_EINVAL   the journals are not of one search or of one version of its bundles, or a combination
 *                     is missing or in two of them
 * @retval BP_ENOTFOUND, BP_EINVAL  they have no such metric, or as bp__ranking_by()
 * @retval BP_EFORMAT, BP_EIO, BP_EBUSY  as bp__journal_read()
 * @retval BP_ENOMEM */
bp_status bp__merge(const char *const *path, int num_paths, const bp__merge_ranking *ranking, bp__spec *spec,
                    bp__results *results);

#endif
