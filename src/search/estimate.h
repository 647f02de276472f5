/** @file src/search/estimate.h
 * What a search would take, before it is started: found out by running a few of its backtests on this process alone,
 * with a private copy of each bundle. Writes nothing. Needs no MPI.
 */
#ifndef BP_SEARCH_ESTIMATE_H
#define BP_SEARCH_ESTIMATE_H

#include <bundlepool/config.h>

#include "search/results.h"

#define BP__MAX_SAMPLES 32

typedef struct bp__estimate {
    uint64_t rows, skipped, backtests; /**< of this slice, over all bundles */
    uint64_t samples, failed;          /**< backtests that were run, and how many of them failed */
    char why[512];                     /**< of the first of these, a line; "": none */
    double load_s;                     /**< of all bundles, one after the other */
    double shortest_s, longest_s;      /**< a backtest */
    double total_s;                    /**< all backtests, on one rank */
    uint64_t bundle_bytes;  /**< of the largest bundle: on each node, or on each rank without a pool */
    uint64_t rank_bytes;    /**< what a rank needs for its backtests */
    uint64_t results_bytes; /**< what rank 0 needs for the results */
} bp__estimate;

/** Run up to BP__MAX_SAMPLES backtests, spread over the combinations, for some seconds at most (but one of each bundle). Where the
 *  search runs neighbours side by side, some batches of these.
 *
 * @param[in]  cfg           its root is the folder of the bundles
 * @param[in]  cache_memory  of the search (search.h)
 * @param[out] estimate  filled on BP_OK; a backtest that fails is no failure
 * @retval any  of bp_bundle_load(), bp__scope_create(); BP_ENOMEM */
bp_status bp__estimate_search(const bp__spec *spec, const bp_config *cfg, size_t cache_memory,
                              bp__estimate *estimate);

/** Seconds on so many ranks that have a core each. */
double bp__estimate_seconds(const bp__estimate *estimate, uint64_t ranks);

#endif
