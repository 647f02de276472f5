/** @file src/search/skips.h
 * Which combinations of a grid are skipped: those that --where excludes and those that make no sense to the
 * strategy. A journal keeps them, so that it can be merged where the strategy is not at hand. Pure.
 */
#ifndef BP_SEARCH_SKIPS_H
#define BP_SEARCH_SKIPS_H

#include "search/spec.h"

typedef struct bp__skips {
    uint64_t *word; /**< bit i: combination i is skipped; owned */
    uint64_t size;  /**< combinations */
    uint64_t count; /**< of those that are skipped */
} bp__skips;

/** Ask --where and the strategy about each combination.
 *  @param[in]  spec   with its strategy
 *  @param[out] skips  bp__skips_fini(), after a failure too @retval BP_ENOMEM */
bp_status bp__skips_find(const bp__spec *spec, bp__skips *skips);
void bp__skips_fini(bp__skips *skips);

static inline bool bp__skips_has(const bp__skips *skips, uint64_t index)
{
    return skips->word[index / 64] >> (index % 64) & 1;
}

bool bp__skips_are_equal(const bp__skips *a, const bp__skips *b);

/** As a journal keeps them: compressed.
 *  @param[out] bytes  [*size]; owned: free() @retval BP_ENOMEM */
bp_status bp__skips_pack(const bp__skips *skips, void **bytes, size_t *size);

/** The way back. @param[in] path  for the texts of failures
 *  @retval BP_EFORMAT  they are not those of so many combinations @retval BP_ENOMEM
 *  @param[out] skips  bp__skips_fini(), after a failure too */
bp_status bp__skips_unpack(const char *path, const void *bytes, size_t size, uint64_t combinations,
                           bp__skips *skips);

#endif
