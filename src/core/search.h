/** @file src/core/search.h
 * Binary search: where a number stands among ascending ones. Where it is asked for often, there is
 * src/reader/sorted.h, which needs an index.
 */
#ifndef BP_CORE_SEARCH_H
#define BP_CORE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/** The place of the first that is not less than `x`; n where all are.
 *  @param[in] at  [n] ascending, perhaps with repeats */
static inline size_t bp__first_from(const int64_t *at, size_t n, int64_t x)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (at[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

#endif
