#include "reader/sorted.h"

#include <inttypes.h>
#include <stdlib.h>

static bp_status check(const char *name, const int64_t *at, size_t n, bool strictly)
{
    for (size_t i = 1; i < n; i++)
        if (at[i] < at[i - 1] || (strictly && at[i] == at[i - 1]))
            BP_FAIL(BP_EFORMAT, "%s: not ascending at row %zu: %" PRId64 " after %" PRId64, name, i, at[i],
                    at[i - 1]);
    return BP_OK;
}

bp_status bp__sorted_init(bp__sorted *sorted, const char *name, const int64_t *at, size_t n, bool strictly)
{
    *sorted = (bp__sorted){.at = at};
    if (n == 0) return BP_OK;
    if (n >= UINT32_MAX) BP_FAIL(BP_ERANGE, "%s: %zu rows are too many for a reader", name, n);
    BP_TRY(check(name, at, n, strictly));
    bp__sorted s = {.at = at, .n = n, .first = at[0], .last = at[n - 1]};
    const uint64_t span = (uint64_t)s.last - (uint64_t)s.first;
    while (span >> s.shift >= 2 * (uint64_t)n) s.shift++;
    const size_t buckets = (size_t)(span >> s.shift) + 1;
    s.bucket = malloc((buckets + 1) * sizeof *s.bucket);
    if (!s.bucket) BP_FAIL(BP_ENOMEM, "%s: no memory for an index of %zu rows", name, n);
    size_t i = 0;
    for (size_t b = 0; b <= buckets; b++) {
        while (i < n && ((uint64_t)at[i] - (uint64_t)s.first) >> s.shift < b) i++;
        s.bucket[b] = (uint32_t)i;
    }
    *sorted = s;
    return BP_OK;
}

void bp__sorted_fini(bp__sorted *sorted)
{
    free(sorted->bucket);
    *sorted = (bp__sorted){0};
}
