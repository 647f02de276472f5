#include "core/stats.h"

#include "core/sized.h"

enum {
    HEAD = offsetof(bp_stats, rank), /* never changes */
    TAIL = offsetof(bp_stats, cluster) + sizeof(bp_counters),
    NUM_COUNTERS = 3,
    LEAST_COUNTERS = offsetof(bp_counters, misses), /* one counter, at least */
};
_Static_assert(HEAD + NUM_COUNTERS * sizeof(bp_counters) == TAIL, "the nested counters follow one another");

static size_t counters_size(const void *theirs)
{
    size_t size;
    memcpy(&size, (const char *)theirs + HEAD, sizeof size);
    return size;
}

bp_status bp__stats_check(const bp_stats *theirs)
{
    BP_TRY(bp__sized_check(theirs, HEAD + NUM_COUNTERS * LEAST_COUNTERS, "bp_stats"));
    size_t step = counters_size(theirs);
    const char *counters = (const char *)theirs + HEAD;
    bool fit = step >= LEAST_COUNTERS && step <= (theirs->size - HEAD) / NUM_COUNTERS;
    for (size_t i = 1; fit && i < NUM_COUNTERS; i++)
        fit = memcmp(counters + i * step, &step, sizeof step) == 0;
    if (!fit || step % _Alignof(uint64_t) != 0)
        BP_FAIL(BP_EINVAL, "bp_stats: impossible sizes of its counters; initialise it with bp_stats_init()");
    return BP_OK;
}

void bp__stats_write(bp_stats *theirs, const bp_stats *own)
{
    size_t step = counters_size(theirs), tail = HEAD + NUM_COUNTERS * step;
    char *to = (char *)theirs;
    const char *from = (const char *)own;
    memcpy(to + sizeof theirs->size, from + sizeof own->size, HEAD - sizeof own->size);
    for (size_t i = 0; i < NUM_COUNTERS; i++)
        bp__sized_write(to + HEAD + i * step, from + HEAD + i * sizeof(bp_counters));
    bp__copy_into(to + tail, theirs->size - tail, from + TAIL, sizeof *own - TAIL);
}
