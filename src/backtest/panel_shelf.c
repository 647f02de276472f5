#include "backtest/panel_shelf.h"

#include <stdlib.h>

#include "core/status.h"

#define STALE        4
#define LOOKED_AT    64 /* of the newest entries, when one is to go */
#define FEWEST       64 /* buckets */
#define NO_MORE_THAN ((size_t)1 << 24)

/* Entries --------------------------------------------------------------------------------------- */

bp__kept *bp__kept_create(void)
{
    bp__kept *kept = calloc(1, sizeof *kept);
    if (kept) atomic_init(&kept->holders, 1);
    return kept;
}

const bp__panel *bp__kept_panel(const bp__kept *kept)
{
    return &kept->panel;
}

bool bp__kept_is_borrowed(const bp__kept *kept)
{
    while (kept->part_of) kept = kept->part_of;
    return kept->own == NULL;
}

bp__kept *bp__kept_hold(bp__kept *kept)
{
    /* whoever calls holds it already, so that nothing has to be ordered */
    atomic_fetch_add_explicit(&kept->holders, 1, memory_order_relaxed);
    return kept;
}

void bp__kept_release(bp__kept **held)
{
    bp__kept *kept = *held;
    *held = NULL;
    while (kept) {
        /* the last holder must see that all others have read what they wanted */
        if (atomic_fetch_sub_explicit(&kept->holders, 1, memory_order_acq_rel) > 1) return;
        bp__kept *whole = kept->part_of;
        free(kept->own);
        free(kept);
        kept = whole;
    }
}

void bp__kept_release_all(bp__kept *list)
{
    while (list) {
        bp__kept *next = list->next;
        bp__kept_release(&list);
        list = next;
    }
}

/* Recipes --------------------------------------------------------------------------------------- */

static size_t bucket_of(const bp__shelf *s, const bp__recipe *recipe)
{
    uint64_t hash = recipe->steps;
    for (uint32_t i = 0; i < recipe->steps; i++) {
        hash = (hash ^ recipe->step[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash & (s->num_buckets - 1);
}

static bool is_same(const bp__recipe *a, const bp__recipe *b)
{
    if (a->steps != b->steps) return false;
    for (uint32_t i = 0; i < a->steps; i++)
        if (a->step[i] != b->step[i]) return false;
    return true;
}

bp__kept *bp__shelf_find(const bp__shelf *s, const bp__recipe *recipe)
{
    bp__kept *kept = s->bucket[bucket_of(s, recipe)];
    while (kept && !is_same(&kept->recipe, recipe)) kept = kept->next;
    return kept;
}

static void put_into_bucket(bp__shelf *s, bp__kept *kept)
{
    bp__kept **bucket = &s->bucket[bucket_of(s, &kept->recipe)];
    kept->next = *bucket;
    *bucket = kept;
}

static void take_from_bucket(bp__shelf *s, bp__kept *kept)
{
    bp__kept **at = &s->bucket[bucket_of(s, &kept->recipe)];
    while (*at != kept) at = &(*at)->next;
    *at = kept->next;
    kept->next = NULL;
    s->num_known--;
}

/* Twice as many buckets; without memory for them the search for an entry takes longer, and that is all. */
static void grow(bp__shelf *s)
{
    if (s->num_known < s->num_buckets || s->num_buckets >= NO_MORE_THAN) return;
    bp__kept **old = s->bucket, **bucket = calloc(2 * s->num_buckets, sizeof(*bucket));
    if (!bucket) return;
    const size_t n = s->num_buckets;
    s->bucket = bucket;
    s->num_buckets = 2 * n;
    for (size_t i = 0; i < n; i++)
        for (bp__kept *kept = old[i], *next; kept; kept = next) {
            next = kept->next;
            put_into_bucket(s, kept);
        }
    free(old);
}

/* Order of use ---------------------------------------------------------------------------------- */

static void list_first(bp__shelf *s, bp__kept *kept)
{
    kept->newer = NULL;
    kept->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = kept;
    s->newest = kept;
}

static void unlist(bp__shelf *s, bp__kept *kept)
{
    *(kept->newer ? &kept->newer->older : &s->newest) = kept->older;
    *(kept->older ? &kept->older->newer : &s->oldest) = kept->newer;
    kept->newer = kept->older = NULL;
}

/* Which one is to go; the shelf is not empty. */
static bp__kept *choose(const bp__shelf *s)
{
    if (s->stats.misses - s->oldest->used > STALE * s->stats.entries) return s->oldest;
    size_t looked_at = 0;
    for (bp__kept *kept = s->newest; kept && looked_at < LOOKED_AT; kept = kept->older, looked_at++)
        if (!kept->found) return kept;
    return s->oldest;
}

static void evict(bp__shelf *s, bp__kept *kept)
{
    unlist(s, kept);
    take_from_bucket(s, kept);
    kept->listed = false;
    s->stats.bytes -= kept->bytes;
    s->stats.entries--;
}

/* Public ---------------------------------------------------------------------------------------- */

bp_status bp__shelf_init(bp__shelf *s, size_t bound)
{
    *s = (bp__shelf){.num_buckets = FEWEST, .stats.bound = bound};
    s->bucket = calloc(s->num_buckets, sizeof(*s->bucket));
    return s->bucket ? BP_OK : BP_ENOMEM;
}

void bp__shelf_fini(bp__shelf *s)
{
    while (s->newest) {
        bp__kept *kept = s->newest;
        evict(s, kept);
        bp__kept_release(&kept);
    }
    free(s->bucket);
    *s = (bp__shelf){0};
}

void bp__shelf_use(bp__shelf *s, bp__kept *kept)
{
    kept->found = true;
    kept->used = s->stats.misses;
    if (!kept->listed || s->newest == kept) return;
    unlist(s, kept);
    list_first(s, kept);
}

void bp__shelf_announce(bp__shelf *s, bp__kept *kept)
{
    grow(s);
    bp__kept_hold(kept);
    put_into_bucket(s, kept);
    s->num_known++;
    kept->used = s->stats.misses;
}

bp__kept *bp__shelf_forget(bp__shelf *s, bp__kept *kept)
{
    take_from_bucket(s, kept);
    return kept;
}

bp__kept *bp__shelf_keep(bp__shelf *s, bp__kept *kept)
{
    bp__kept *gone = NULL;
    if (kept->bytes > s->stats.bound) return bp__shelf_forget(s, kept);
    while (s->stats.bytes > s->stats.bound - kept->bytes) {
        bp__kept *victim = choose(s);
        evict(s, victim);
        s->stats.evictions++;
        victim->next = gone;
        gone = victim;
    }
    list_first(s, kept);
    kept->listed = true;
    s->stats.bytes += kept->bytes;
    s->stats.entries++;
    return gone;
}

bool bp__shelf_selfcheck(const bp__shelf *s)
{
    size_t bytes = 0, entries = 0, known = 0;
    for (const bp__kept *kept = s->newest; kept; kept = kept->older) {
        bytes += kept->bytes;
        entries++;
        if (!kept->listed || bp__shelf_find(s, &kept->recipe) != kept) return false;
        if ((kept->older ? kept->older->newer : s->oldest) != kept) return false;
    }
    for (size_t i = 0; i < s->num_buckets; i++)
        for (const bp__kept *kept = s->bucket[i]; kept; kept = kept->next) known++;
    return bytes == s->stats.bytes && entries == s->stats.entries && known == s->num_known &&
           bytes <= s->stats.bound && entries <= known;
}
