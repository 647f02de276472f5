#include "core/lru.h"

#include <stdlib.h>

static int goes_first(const void *a, const void *b)
{
    const bp__candidate *x = a, *y = b;
    if (x->pinned != y->pinned) return x->pinned ? 1 : -1;
    if (x->listed != y->listed) return x->listed ? 1 : -1;
    if (x->age != y->age) return x->age > y->age ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

void bp__lru_sort(bp__candidate *candidate, size_t n)
{
    if (n > 1) qsort(candidate, n, sizeof *candidate, goes_first);
}

size_t bp__lru_prefix(const bp__candidate *candidate, size_t n, const bp__arena *arena, uint64_t bytes,
                      size_t entries)
{
    bp__extent *gone = malloc((n ? n : 1) * sizeof *gone);
    if (!gone) return n + 1; /* as if not even all would do: ages are asked for again soon */
    size_t length = 0, unlisted = 0;
    while ((bytes > 0 && !bp__arena_would_fit(arena, bytes, gone, length)) || unlisted < entries) {
        if (length == n) {
            length = n + 1;
            break;
        }
        unlisted += candidate[length].listed;
        gone[length] = candidate[length].extent;
        length++;
    }
    free(gone);
    return length;
}
