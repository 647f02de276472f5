/** @file tests/history/checker.h
 * Proves from the merged log of a run that no promise of the pool was broken: a pure function, no MPI.
 *
 * A call took effect at some moment between its begin and its end, so an event is before another one only if
 * it ended before the other began; equal times are not enough. What is reported is certain under that
 * reading: no clock, delay or order in which threads ran explains it. Gets that were not logged only make
 * the proof weaker; rewrites and invalidations must all be there.
 *
 *   FAILED    Every call succeeded.
 *   TORN      The values of an image agree with each other, when it is got and when it is released.
 *   UNKNOWN   A version that was returned was written, and its rewrite had begun when the get ended.
 *   MIXED     A generation is one version of one bundle.
 *   STALE     With staleness T >= 0, what a get returned was not replaced before the get's begin − T.
 *   BACK      Once a get that returned a version has ended, a get that begins later returns no older version
 *             of that bundle, nor an older generation. (Generations are numbered in the order in which their
 *             loads began, and at most one is listed at a time.)
 *   FORGOTTEN A get that began after an invalidation of its bundle had ended returns no generation that a get
 *             had returned which ended before that invalidation began; nor a version that had been replaced
 *             on disk before the invalidation began, since it had to be loaded again.
 *   TWICE     A version is loaded again only after an invalidation or an eviction. Of the generations of one
 *             version, each but the first needs an invalidation that overlaps the time from the last begin of
 *             a get that returned the one before to the first end of a get that returned it. Those of a
 *             bundle without any invalidation or, if that is more, those in excess of its invalidations, were
 *             evictions; of all bundles together they are at most as many as the pool has counted. Besides:
 *             loads counted <= versions + invalidations + evictions, and generations seen <= loads counted.
 *   BOUNDS    In every sample the number of bundles, the bytes resident and their peak are within the limits;
 *             and at every moment the images that ranks held, each generation once, fit into the limit.
 *   VICTIM    Where gets came one after the other: each is a hit (the generation is the bundle's last one) or
 *             a miss (it is another) just as if a bundle that may count as the least recently used had been
 *             evicted each time. On one node that is the least recently used. On several it is one whose last
 *             use came later than that of any other by no more than the time from the first node's telling its
 *             ages to the last one's, of one question that was asked within the get for which it was evicted.
 *             Where the history has no such events, that is the duration of that get.
 */
#ifndef TESTS_HISTORY_CHECKER_H
#define TESTS_HISTORY_CHECKER_H

#include "history/history.h"

#define VIOLATION_MAP(X)                                                                                     \
    X(FAILED)                                                                                                \
    X(TORN)                                                                                                  \
    X(UNKNOWN)                                                                                               \
    X(MIXED)                                                                                                 \
    X(STALE)                                                                                                 \
    X(BACK)                                                                                                  \
    X(FORGOTTEN)                                                                                             \
    X(TWICE)                                                                                                 \
    X(BOUNDS)                                                                                                \
    X(VICTIM)

typedef enum violation {
#define X(name) VIOLATION_##name,
    VIOLATION_MAP(X)
#undef X
        NUM_VIOLATIONS
} violation;

const char *violation_name(violation kind);

/** How the pool of the run was configured. */
typedef struct rules {
    int bundles;           /**< numbered from 0 */
    int64_t staleness_ns;  /**< -1: any age will do */
    int64_t slack_ns;      /**< by how much the pool's clock may run differently during staleness_ns */
    uint32_t max_bundles;  /**< 0: no such limit */
    uint64_t max_bytes;    /**< 0: no such limit */
    const uint64_t *bytes; /**< [bundles] of one image; NULL: not known */
    uint32_t lru_room;     /**< not 0: gets came one after the other, and so many bundles find room */
    int nodes;             /**< with lru_room */
} rules;

#define LRU_BUNDLES 16 /**< at most, where the order of eviction is checked */

#define VERDICT_TEXTS 8

typedef struct verdict {
    uint64_t gets, generations, loads, evictions, invalidations, rewrites;
    uint64_t longest_get; /**< ns */
    uint64_t violations, count[NUM_VIOLATIONS];
    char text[VERDICT_TEXTS][200]; /**< the first ones */
} verdict;

/** Check a history; `e` is in any order.
 *  @return false if there is no memory for the check, and then nothing is proven */
bool check_history(const event *e, size_t n, const rules *r, verdict *v);

#endif
