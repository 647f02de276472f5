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

/* Length of the shortest prefix in which `entries` are listed; n + 1: there are fewer. */
static size_t until_listed(const bp__candidate *candidate, size_t n, size_t entries)
{
    size_t length = 0;
    for (size_t listed = 0; listed < entries; length++) {
        if (length == n) return n + 1;
        listed += candidate[length].listed;
    }
    return length;
}

size_t bp__lru_prefix(const bp__candidate *candidate, size_t n, const bp__arena *arena, uint64_t bytes,
                      size_t entries)
{
    size_t for_entries = until_listed(candidate, n, entries);
    if (bytes == 0 || for_entries > n) return for_entries;
    bp__extent *going = malloc((n ? n : 1) * sizeof *going);
    if (!going) return n + 1; /* as if not even all would do: ages are asked for again soon */
    for (size_t i = 0; i < n; i++) going[i] = candidate[i].extent;
    size_t for_bytes = bp__arena_least_gone(arena, bytes, going, n);
    free(going);
    return for_bytes > for_entries ? for_bytes : for_entries;
}
