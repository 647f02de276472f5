#include "backtest/scratch.h"

#include <stdint.h>
#include <stdlib.h>

#define ALIGNMENT ((size_t)64)

void *bp__scratch_take(bp__scratch *s, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    const size_t size = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    if (s->used == s->count) {
        void *more = realloc(s->block, (s->count + 1) * sizeof *s->block);
        if (!more) return NULL;
        s->block = more;
        s->block[s->count++] = (struct bp__scratch_block){0};
    }
    struct bp__scratch_block *b = &s->block[s->used];
    if (b->size < size) {
        free(b->at);
        b->at = aligned_alloc(ALIGNMENT, size);
        b->size = b->at ? size : 0;
    }
    if (b->at) s->used++;
    return b->at;
}

void bp__scratch_clear(bp__scratch *s)
{
    s->used = 0;
}

void bp__scratch_fini(bp__scratch *s)
{
    for (size_t i = 0; i < s->count; i++) free(s->block[i].at);
    free(s->block);
    *s = (bp__scratch){0};
}
