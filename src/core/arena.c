#include "core/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { USED, KEPT, EMPTY } kind;

typedef struct part {
    uint64_t offset, bytes;
    kind kind;
} part;

/* The parts are in order and cover the arena. There are two for each bundle at most, and nothing here is done more
 * often than loads begin and end: so going over all of them is cheaper than any cleverness. */
struct bp__arena {
    uint64_t size, budget, page;
    uint64_t used, kept;
    part *part;
    size_t num, cap;
};

bp_status bp__arena_create(uint64_t size, uint64_t budget, uint64_t page, bp__arena **arena)
{
    bp__arena *a = calloc(1, sizeof *a);
    *arena = NULL;
    if (!a) BP_FAIL(BP_ENOMEM, "no memory for the books of an arena");
    a->size = size & ~(page - 1);
    a->budget = budget;
    a->page = page;
    a->cap = 64;
    a->part = malloc(a->cap * sizeof *a->part);
    if (!a->part) {
        free(a);
        BP_FAIL(BP_ENOMEM, "no memory for the books of an arena");
    }
    if (a->size > 0) a->part[a->num++] = (part){0, a->size, EMPTY};
    *arena = a;
    return BP_OK;
}

void bp__arena_destroy(bp__arena **arena)
{
    if (!*arena) return;
    free((*arena)->part);
    free(*arena);
    *arena = NULL;
}

uint64_t bp__arena_round(const bp__arena *arena, uint64_t bytes)
{
    uint64_t last = arena->page - 1;
    return bytes > UINT64_MAX - last ? ~last : (bytes + last) & ~last;
}

uint64_t bp__arena_used(const bp__arena *arena)
{
    return arena->used;
}

uint64_t bp__arena_claimed(const bp__arena *arena)
{
    return arena->used + arena->kept;
}

uint64_t bp__arena_budget(const bp__arena *arena)
{
    return arena->budget;
}

/* An extent that is to be released as number `turn`. */
typedef struct leaving {
    uint64_t offset;
    size_t turn;
} leaving;

static int by_offset(const void *a, const void *b)
{
    const leaving *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Whether `bytes` would find a place if what has a turn below `turns` were gone. Both the parts and `l` are in the order
 * of their offsets, so that one pass goes over both. */
static bool would_fit(const bp__arena *arena, uint64_t bytes, const leaving *l, size_t n, size_t turns)
{
    uint64_t used = arena->used, gap = 0, largest = 0;
    for (size_t i = 0, k = 0; i < arena->num; i++) {
        const part *p = &arena->part[i];
        while (k < n && l[k].offset < p->offset) k++;
        bool free_then = p->kind != USED;
        if (!free_then && k < n && l[k].offset == p->offset && l[k].turn < turns) {
            free_then = true;
            used -= p->bytes;
        }
        gap = free_then ? gap + p->bytes : 0;
        if (gap > largest) largest = gap;
    }
    return bytes <= largest && used <= arena->budget && bytes <= arena->budget - used;
}

/* The more is gone, the more fits: so the least number is found by halving. */
size_t bp__arena_least_gone(const bp__arena *arena, uint64_t bytes, const bp__extent *going, size_t n)
{
    bytes = bp__arena_round(arena, bytes);
    leaving *l = malloc((n ? n : 1) * sizeof *l);
    if (!l) return n + 1;
    for (size_t i = 0; i < n; i++) l[i] = (leaving){going[i].offset, i};
    if (n > 1) qsort(l, n, sizeof *l, by_offset);
    size_t low = 0, high = n + 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (middle > n || would_fit(arena, bytes, l, n, middle))
            high = middle;
        else
            low = middle + 1;
    }
    free(l);
    return low;
}

/* KEPT bytes within [from, from + bytes), none of which lie before part `first` */
static uint64_t kept_within(const bp__arena *a, size_t first, uint64_t from, uint64_t bytes)
{
    uint64_t sum = 0, to = from + bytes;
    for (size_t i = first; i < a->num && a->part[i].offset < to; i++) {
        const part *p = &a->part[i];
        uint64_t low = p->offset > from ? p->offset : from;
        uint64_t high = p->offset + p->bytes < to ? p->offset + p->bytes : to;
        if (p->kind == KEPT && low < high) sum += high - low;
    }
    return sum;
}

typedef struct place {
    bool found;
    uint64_t at, kept, gap;
} place;

/* A place in the gap that begins with part `first`. */
static void consider(const bp__arena *a, place *best, size_t first, uint64_t at, uint64_t bytes, uint64_t gap)
{
    uint64_t kept = kept_within(a, first, at, bytes);
    if (best->found && (kept < best->kept || (kept == best->kept && gap >= best->gap))) return;
    *best = (place){true, at, kept, gap};
}

static void erase(bp__arena *a, size_t i)
{
    memmove(&a->part[i], &a->part[i + 1], (a->num - i - 1) * sizeof *a->part);
    a->num--;
}

/* Room for two more parts was made before. */
static void insert(bp__arena *a, size_t i, part p)
{
    memmove(&a->part[i + 1], &a->part[i], (a->num - i) * sizeof *a->part);
    a->part[i] = p;
    a->num++;
}

static void join(bp__arena *a, size_t i)
{
    if (a->part[i].kind == USED) return;
    if (i + 1 < a->num && a->part[i + 1].kind == a->part[i].kind) {
        a->part[i].bytes += a->part[i + 1].bytes;
        erase(a, i + 1);
    }
    if (i > 0 && a->part[i - 1].kind == a->part[i].kind) {
        a->part[i - 1].bytes += a->part[i].bytes;
        erase(a, i);
    }
}

/* Cut the part that holds `at` in two, so that one begins there. */
static void cut(bp__arena *a, uint64_t at)
{
    for (size_t i = 0; i < a->num; i++) {
        part *p = &a->part[i];
        if (at > p->offset && at < p->offset + p->bytes) {
            part right = {at, p->offset + p->bytes - at, p->kind};
            p->bytes = at - p->offset;
            insert(a, i + 1, right);
            return;
        }
    }
}

bp_status bp__arena_reserve(bp__arena *arena, uint64_t bytes, bp__extent *extent)
{
    bytes = bp__arena_round(arena, bytes);
    if (bytes == 0 || arena->used > arena->budget || bytes > arena->budget - arena->used) return BP_EFULL;
    if (arena->num + 2 > arena->cap) {
        part *grown = realloc(arena->part, 2 * arena->cap * sizeof *grown);
        if (!grown) BP_FAIL(BP_ENOMEM, "no memory for the books of an arena");
        arena->part = grown;
        arena->cap *= 2;
    }

    /* A place with the most KEPT bytes in its gap begins where a part begins, or ends where one ends. */
    place best = {0};
    for (size_t first = 0; first < arena->num; first++) {
        if (arena->part[first].kind == USED) continue;
        size_t last = first;
        while (last + 1 < arena->num && arena->part[last + 1].kind != USED) last++;
        uint64_t begin = arena->part[first].offset, end = arena->part[last].offset + arena->part[last].bytes;
        for (size_t i = first; i <= last && end - begin >= bytes; i++) {
            uint64_t at = arena->part[i].offset, to = at + arena->part[i].bytes;
            if (end - at >= bytes) consider(arena, &best, first, at, bytes, end - begin);
            if (to - begin >= bytes) consider(arena, &best, first, to - bytes, bytes, end - begin);
        }
        first = last;
    }
    if (!best.found) return BP_EFULL;

    cut(arena, best.at);
    cut(arena, best.at + bytes);
    size_t i = 0;
    while (arena->part[i].offset != best.at) i++;
    while (arena->part[i].bytes < bytes) { /* merge the parts that the place spans */
        arena->part[i].bytes += arena->part[i + 1].bytes;
        erase(arena, i + 1);
    }
    arena->part[i].kind = USED;
    arena->used += bytes;
    arena->kept -= best.kept;
    *extent = (bp__extent){best.at, bytes};
    return BP_OK;
}

bool bp__arena_trim(bp__arena *arena, bp__extent *extent)
{
    if (arena->used + arena->kept <= arena->budget) return false;
    uint64_t over = bp__arena_round(arena, arena->used + arena->kept - arena->budget);
    for (size_t i = arena->num; i-- > 0;) {
        part *p = &arena->part[i];
        if (p->kind != KEPT) continue;
        if (p->bytes > over) { /* its tail is enough */
            uint64_t at = p->offset + p->bytes - over;
            if (arena->num + 1 <= arena->cap) cut(arena, at), p = &arena->part[++i];
        }
        *extent = (bp__extent){p->offset, p->bytes};
        p->kind = EMPTY;
        arena->kept -= p->bytes;
        join(arena, i);
        return true;
    }
    return false;
}

void bp__arena_release(bp__arena *arena, bp__extent extent, bool keep)
{
    size_t i = 0;
    while (i < arena->num && arena->part[i].offset != extent.offset) i++;
    assert(i < arena->num && arena->part[i].kind == USED && arena->part[i].bytes == extent.bytes);
    arena->part[i].kind = keep ? KEPT : EMPTY;
    arena->used -= extent.bytes;
    if (keep) arena->kept += extent.bytes;
    join(arena, i);
}

bp_status bp__arena_selfcheck(const bp__arena *arena)
{
    uint64_t at = 0, used = 0, kept = 0;
    for (size_t i = 0; i < arena->num; i++) {
        const part *p = &arena->part[i];
        if (p->offset != at || p->bytes == 0)
            BP_FAIL(BP_EINVAL, "arena: part %zu does not follow part before it", i);
        if ((p->offset | p->bytes) & (arena->page - 1))
            BP_FAIL(BP_EINVAL, "arena: part %zu is not in pages", i);
        if (i > 0 && p->kind != USED && arena->part[i - 1].kind == p->kind)
            BP_FAIL(BP_EINVAL, "arena: free parts %zu and %zu are not joined", i - 1, i);
        at += p->bytes;
        if (p->kind == USED) used += p->bytes;
        if (p->kind == KEPT) kept += p->bytes;
    }
    if (at != arena->size) BP_FAIL(BP_EINVAL, "arena: parts do not cover it");
    if (used != arena->used || kept != arena->kept) BP_FAIL(BP_EINVAL, "arena: sums are wrong");
    if (used > arena->budget) BP_FAIL(BP_EINVAL, "arena: over the budget");
    return BP_OK;
}
