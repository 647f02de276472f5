/** @file src/core/lru.h
 * Who has to go: exact least-recently-used order over a cluster's bundles.
 */
#ifndef BP_CORE_LRU_H
#define BP_CORE_LRU_H

#include "core/arena.h"

/** A version that holds memory. Its age is the least over all nodes of (now − last use), in ns of each
 *  node's own clock. */
typedef struct bp__candidate {
    uint32_t slot;
    bool listed; /**< false: on its way out already */
    bool pinned; /**< on any node */
    uint64_t age;
    bp__extent extent;
} bp__candidate;

/** Sort by who goes first: unpinned before pinned; within each, those on their way out before those that
 *  are listed; then the oldest; then the lower slot. */
void bp__lru_sort(bp__candidate *candidate, size_t n);

/** Length of the shortest prefix of sorted candidates which must go so that `bytes` find room and at least
 *  `entries` listed ones are gone; n + 1 if not even all of them would do. Takes (n + parts of the arena) log n. */
size_t bp__lru_prefix(const bp__candidate *candidate, size_t n, const bp__arena *arena, uint64_t bytes,
                      size_t entries);

#endif
