/** @file src/reader/sorted.h
 * Where a number stands among ascending ones: buckets over the range of values, and a binary search within
 * one.
 *
 * Sids and sessions are spread so evenly that a bucket holds one or two of them: a look-up costs two cache
 * misses where a binary search over everything costs ten. At its worst, all of them in one bucket, it is that
 * binary search.
 */
#ifndef BP_READER_SORTED_H
#define BP_READER_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__sorted {
    const int64_t *at; /**< [n] ascending, perhaps with repeats; borrowed */
    size_t n;
    int64_t first, last;
    unsigned shift;   /**< x is in bucket (x - first) >> shift */
    uint32_t *bucket; /**< [buckets + 1] where each begins; NULL: n is 0 */
} bp__sorted;

/** @param[in] name  of what is indexed, for errors @param[out] sorted  bp__sorted_fini(); empty on failure
 *  @retval BP_EFORMAT  not ascending; where `strictly`, one is there twice
 *  @retval BP_ERANGE, BP_ENOMEM */
bp_status bp__sorted_init(bp__sorted *sorted, const char *name, const int64_t *at, size_t n, bool strictly);
void bp__sorted_fini(bp__sorted *sorted);

/** How many are less than x. */
static inline size_t bp__sorted_below(const bp__sorted *s, int64_t x)
{
    if (s->n == 0 || x <= s->first) return 0;
    if (x > s->last) return s->n;
    const uint64_t b = ((uint64_t)x - (uint64_t)s->first) >> s->shift;
    size_t low = s->bucket[b], high = s->bucket[b + 1];
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (s->at[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/** How many are at most x. */
static inline size_t bp__sorted_upto(const bp__sorted *s, int64_t x)
{
    return x == INT64_MAX ? s->n : bp__sorted_below(s, x + 1);
}

/** The place of x, the first one where it is repeated; false: it is not there, and *place is untouched. */
static inline bool bp__sorted_find(const bp__sorted *s, int64_t x, size_t *place)
{
    const size_t at = bp__sorted_below(s, x);
    if (at == s->n || s->at[at] != x) return false;
    *place = at;
    return true;
}

#endif
