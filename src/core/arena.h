/** @file src/core/arena.h
 * Who has which part of the arena: the coordinator's bookkeeping. No memory is touched here.
 *
 * The arena is address space of `size` bytes, of which at most `budget` may be claimed (backed by real
 * pages) at any moment. A part of it is
 *
 *     USED   an image, claimed
 *     KEPT   free but still claimed: its pages are real already, so it is taken first
 *     EMPTY  free and given back
 *
 * Best fit: of all places that hold the most KEPT bytes, the one in the smallest gap. Neighbours of the
 * same free kind are joined. Everything is in whole pages. Not thread-safe.
 */
#ifndef BP_CORE_ARENA_H
#define BP_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__extent {
    uint64_t offset, bytes;
} bp__extent;

typedef struct bp__arena bp__arena;

/** @param[in]  size, budget, page  bytes; page a power of two; size is cut to whole pages
 *  @param[out] arena  owned: bp__arena_destroy() */
bp_status bp__arena_create(uint64_t size, uint64_t budget, uint64_t page, bp__arena **arena);
void bp__arena_destroy(bp__arena **arena);

/** `bytes` rounded up to whole pages. */
uint64_t bp__arena_round(const bp__arena *arena, uint64_t bytes);

/** How many of the extents `going`, in that order, would have to be released for `bytes` to find a place within the
 *  budget: the least number; n + 1 if not even all of them would do, or there is no memory to find out. Nothing is
 *  released. Takes (n + parts) log n. */
size_t bp__arena_least_gone(const bp__arena *arena, uint64_t bytes, const bp__extent *going, size_t n);

/** Take a place of `bytes`, rounded up to pages.
 *  @param[out] extent  the place
 *  @retval BP_EFULL  no place; nothing changed (and no text: the caller knows what it asked for) */
bp_status bp__arena_reserve(bp__arena *arena, uint64_t bytes, bp__extent *extent);

/** A KEPT part that must be given back for `claimed` to be within the budget; it counts as EMPTY from now on.
 *  @return false: nothing is over the budget */
bool bp__arena_trim(bp__arena *arena, bp__extent *extent);

/** Release what was reserved. `keep`: its pages stay claimed. Asserts that it was reserved. */
void bp__arena_release(bp__arena *arena, bp__extent extent, bool keep);

uint64_t bp__arena_used(const bp__arena *arena);
uint64_t bp__arena_claimed(const bp__arena *arena); /**< USED + KEPT */
uint64_t bp__arena_budget(const bp__arena *arena);

/** Check every invariant, by going over all parts. @retval BP_EINVAL  the text says which is broken */
bp_status bp__arena_selfcheck(const bp__arena *arena);

#endif
