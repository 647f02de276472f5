#include "search/skips.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* What stands before the compressed bits. */
typedef struct head {
    uint64_t size, count;
} head;

static uint64_t words_of(uint64_t size)
{
    return (size + 63) / 64;
}

static bp_status init(uint64_t size, bp__skips *s)
{
    *s = (bp__skips){.word = calloc(words_of(size) + 1, sizeof *s->word), .size = size};
    if (!s->word) BP_FAIL(BP_ENOMEM, "no memory for a grid of %" PRIu64 " combinations", size);
    return BP_OK;
}

void bp__skips_fini(bp__skips *s)
{
    free(s->word);
    *s = (bp__skips){0};
}

bp_status bp__skips_find(const bp__spec *spec, bp__skips *s)
{
    double params[BP_STRATEGY_MAX_PARAMS];
    BP_TRY(init(spec->grid.size, s));
    for (uint64_t i = 0; i < s->size; i++) {
        bp__grid_at(&spec->grid, i, params);
        if (!bp__spec_check(spec, params)) continue;
        s->word[i / 64] |= UINT64_C(1) << (i % 64);
        s->count++;
    }
    return BP_OK;
}

bool bp__skips_are_equal(const bp__skips *a, const bp__skips *b)
{
    return a->size == b->size && memcmp(a->word, b->word, words_of(a->size) * sizeof *a->word) == 0;
}

bp_status bp__skips_pack(const bp__skips *s, void **bytes, size_t *size)
{
    const head h = {s->size, s->count};
    const uLong plain = (uLong)(words_of(s->size) * sizeof *s->word);
    uLongf packed = compressBound(plain);
    unsigned char *to = malloc(sizeof h + packed);
    *bytes = to;
    *size = 0;
    if (!to || compress(to + sizeof h, &packed, (const Bytef *)s->word, plain) != Z_OK) {
        free(to);
        *bytes = NULL;
        BP_FAIL(BP_ENOMEM, "no memory for a grid of %" PRIu64 " combinations", s->size);
    }
    memcpy(to, &h, sizeof h);
    *size = sizeof h + packed;
    return BP_OK;
}

/* Whether the bits are as many as the head says, and all of combinations that there are. */
static bool is_right(const bp__skips *s)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < words_of(s->size); i++) count += (uint64_t)__builtin_popcountll(s->word[i]);
    return count == s->count && (s->size % 64 == 0 || s->word[s->size / 64] >> (s->size % 64) == 0);
}

bp_status bp__skips_unpack(const char *path, const void *bytes, size_t size, uint64_t combinations,
                           bp__skips *s)
{
    head h = {0};
    *s = (bp__skips){0};
    if (size >= sizeof h) memcpy(&h, bytes, sizeof h);
    bool right = h.size == combinations;
    if (right) {
        BP_TRY(init(h.size, s));
        uLongf plain = (uLongf)(words_of(h.size) * sizeof *s->word);
        const uLongf whole = plain;
        const int z =
            uncompress((Bytef *)s->word, &plain, (const Bytef *)bytes + sizeof h, (uLong)(size - sizeof h));
        if (z == Z_MEM_ERROR) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
        s->count = h.count;
        right = z == Z_OK && plain == whole && is_right(s);
    }
    if (right) return BP_OK;
    BP_FAIL(BP_EFORMAT, "%.200s: what it says of skipped combinations cannot be of its search; it is damaged",
            path);
}
