/** @file stats.h
 * What a pool has done and holds: filled in by bp_pool_stats().
 *
 *     bp_stats stats = bp_stats_init();
 *     bp_pool_stats(pool, &stats);
 */
#ifndef BUNDLEPOOL_STATS_H
#define BUNDLEPOOL_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What happened, as counted by a rank, a node, or the cluster since creation. Grows at its end. */
typedef struct bp_counters {
    size_t size;            /**< set by bp_stats_init() */
    uint64_t hits;          /**< gets answered from shared memory, with or without a check of the file */
    uint64_t misses;        /**< gets that had to wait for a load, or found no bundle */
    uint64_t loads;         /**< bundles read from disk and published */
    uint64_t failures;      /**< loads that failed */
    uint64_t checks;        /**< checks of a file's identity */
    uint64_t evictions;     /**< bundles taken out to make room */
    uint64_t invalidations; /**< bundles taken out by bp_pool_invalidate() */
    double load_seconds;    /**< spent loading, summed over all loads */
    double wait_seconds;    /**< spent waiting in gets, summed over all threads */
} bp_counters;

#define BP_LIMIT_FROM_MAX 96

/** Grows at its end, behind `cluster`; what stands before `rank` is fixed (docs/abi.md). */
typedef struct bp_stats {
    size_t size;       /**< set by bp_stats_init() */
    int64_t pool_size; /**< bundles resident and listed */
    int64_t max_pool_size;
    int64_t num_versions_tracked;       /**< bundles whose version the coordinator knows */
    double utilization_percent;         /**< pool_size / max_pool_size * 100 */
    uint64_t bytes_resident;            /**< claimed on each node now */
    uint64_t bytes_peak;                /**< the most that was ever claimed */
    uint64_t bytes_limit;               /**< the budget: pool_memory, or the default computed for it */
    char limit_from[BP_LIMIT_FROM_MAX]; /**< where the budget comes from, in words */
    int num_nodes;
    int num_ranks;
    bp_counters rank;    /**< this rank: loads, failures, evictions, invalidations are 0 */
    bp_counters node;    /**< all ranks of this node: the same four are 0 */
    bp_counters cluster; /**< every node, and the coordinator */
} bp_stats;

/** Statistics to be filled in: everything 0 but the sizes. */
static inline bp_stats bp_stats_init(void)
{
    bp_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    stats.rank.size = stats.node.size = stats.cluster.size = sizeof(bp_counters);
    return stats;
}

#ifdef __cplusplus
}
#endif
#endif
