#include "mpi/segments.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

struct bp__segments {
    size_t bytes;
    char **all, **unused; /* [capacity] each; owned */
    size_t num_all, num_unused, capacity;
};

bp_status bp__segments_create(size_t bytes, bp__segments **segments)
{
    bp__segments *s = calloc(1, sizeof *s);
    *segments = NULL;
    if (!s) BP_FAIL(BP_ENOMEM, "no memory for segments between nodes");
    s->bytes = bytes;
    *segments = s;
    return BP_OK;
}

void bp__segments_destroy(bp__segments **segments, bool in_use)
{
    bp__segments *s = *segments;
    if (!s) return;
    for (size_t i = 0; !in_use && i < s->num_all; i++) munmap(s->all[i], s->bytes);
    free(s->all);
    free(s->unused);
    free(s);
    *segments = NULL;
}

static bp_status grow_lists(bp__segments *s)
{
    size_t capacity = s->capacity ? 2 * s->capacity : 16;
    char **all = realloc(s->all, capacity * sizeof *all);
    if (all) s->all = all;
    char **unused = realloc(s->unused, capacity * sizeof *unused);
    if (unused) s->unused = unused;
    if (!all || !unused) BP_FAIL(BP_ENOMEM, "no memory for segments between nodes");
    s->capacity = capacity;
    return BP_OK;
}

static bp_status map_one(bp__segments *s)
{
    if (s->num_all == s->capacity) BP_TRY(grow_lists(s));
    void *memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        BP_FAIL_ERRNO(BP_ENOMEM, errno, "no memory for a segment of %zu bytes between nodes", s->bytes);
    if (madvise(memory, s->bytes, MADV_DONTFORK) != 0) {
        int err = errno;
        munmap(memory, s->bytes);
        BP_FAIL_ERRNO(BP_ESYS, err, "memory cannot be withheld from child processes");
    }
    s->all[s->num_all++] = memory;
    s->unused[s->num_unused++] = memory;
    return BP_OK;
}

bp_status bp__segments_get(bp__segments *segments, char **segment)
{
    *segment = NULL;
    if (segments->num_unused == 0) BP_TRY(map_one(segments));
    *segment = segments->unused[--segments->num_unused];
    return BP_OK;
}

void bp__segments_release(bp__segments *segments, char *segment)
{
    segments->unused[segments->num_unused++] = segment;
}
