#include "core/directory.h"
#include "core/atomic.h"

#include <assert.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/fault.h"
#include "core/futex.h"

#define SLICE_MS 250 /* of a wait: so late is noticed at most that the pool has broken */

#define MAGIC UINT64_C(0x314c544344504e42) /* "BNPDCTL1" */

static uint64_t layout_id(void)
{
    const uint64_t facts[] = {
        sizeof(bp__dir_header),
        offsetof(bp__dir_header, applied),
        offsetof(bp__dir_header, broken_text),
        sizeof(bp__slot),
        offsetof(bp__slot, name),
        offsetof(bp__slot, identity),
        offsetof(bp__slot, text),
        offsetof(bp__slot, available),
        sizeof(bp__turns),
        sizeof(bp__claims),
        sizeof(bp__box),
        offsetof(bp__box, name),
        sizeof(bp__reply),
        offsetof(bp__reply, report),
        sizeof(bp__lines),
        offsetof(bp__lines, use),
        BP__BOXES,
    };
    uint64_t id = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) id = (id ^ facts[i]) * UINT64_C(0x100000001b3);
    return id;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) & ~(to - 1);
}

static uint32_t buckets_for(uint32_t num_slots)
{
    uint32_t n = 64;
    while (n < 2 * num_slots) n *= 2;
    return n;
}

size_t bp__dir_bytes(uint32_t num_slots, uint32_t num_ranks, size_t page)
{
    bp__directory dir;
    bp__dir_attach(&dir, NULL, num_slots, num_ranks, page);
    return dir.agent_bytes + dir.common_bytes + num_ranks * dir.lines_stride;
}

void bp__dir_attach(bp__directory *dir, void *memory, uint32_t num_slots, uint32_t num_ranks, size_t page)
{
    uint32_t num_buckets = buckets_for(num_slots);
    size_t buckets_at = round_up(sizeof(bp__dir_header), 64);
    size_t slots_at = round_up(buckets_at + num_buckets * sizeof(uint32_t), 64);
    size_t replies_at = round_up(slots_at + num_slots * sizeof(bp__slot), 64);
    size_t agent_bytes = round_up(replies_at + (size_t)num_ranks * BP__BOXES * sizeof(bp__reply), page);
    size_t common_bytes = round_up(128 + num_slots * sizeof(bp__turns), page);
    uintptr_t base = (uintptr_t)memory;

    *dir = (bp__directory){
        .header = (void *)base,
        .bucket = (void *)(base + buckets_at),
        .slot = (void *)(base + slots_at),
        .reply = (void *)(base + replies_at),
        .doorbell = (void *)(base + agent_bytes),
        .claims = (void *)(base + agent_bytes + 64),
        .turns = (void *)(base + agent_bytes + 128),
        .lines = (void *)(base + agent_bytes + common_bytes),
        .lines_stride = round_up(sizeof(bp__lines) + 2 * (size_t)num_slots * sizeof(uint64_t), page),
        .num_slots = num_slots,
        .bucket_mask = num_buckets - 1,
        .num_ranks = num_ranks,
        .agent_bytes = agent_bytes,
        .common_bytes = common_bytes,
    };
}

void bp__dir_init(bp__directory *dir, uint64_t ticks_per_ms)
{
    for (uint32_t i = 0; i <= dir->bucket_mask; i++) atomic_init(&dir->bucket[i], BP__NO_SLOT);
    for (uint32_t i = 0; i < dir->num_slots; i++) atomic_init(&dir->slot[i].next, BP__NO_SLOT);
    dir->header->num_slots = dir->num_slots;
    dir->header->num_buckets = dir->bucket_mask + 1;
    dir->header->num_ranks = dir->num_ranks;
    dir->header->ticks_per_ms = ticks_per_ms;
    dir->header->max_decoders = 1;
    dir->header->layout_id = layout_id();
    dir->header->magic = MAGIC;
}

bp_status bp__dir_check(const bp__directory *dir)
{
    const bp__dir_header *h = dir->header;
    if (h->magic != MAGIC || h->layout_id != layout_id() || h->num_slots != dir->num_slots ||
        h->num_ranks != dir->num_ranks)
        BP_FAIL(BP_EINVAL, "the ranks of this node run different builds of the program");
    return BP_OK;
}

void bp__dir_ring(const bp__directory *dir)
{
    bp__add_release(dir->doorbell, 1);
    bp__futex_wake(dir->doorbell);
}

void bp__dir_ring_decoding(const bp__directory *dir, uint32_t slot)
{
    bp__turns *turns = &dir->turns[slot];
    bp__add_release(&turns->progress, 1);
    bp__futex_wake(&turns->progress);
}

bp_status bp__dir_whole(const bp__directory *dir)
{
    return bp__load_acquire(&dir->header->broken) ? bp__fail_text(BP_EMPI, dir->header->broken_text) : BP_OK;
}

/* The agent wakes all who sleep when it breaks the pool. Who was about to sleep then, on a word that does not
 * change, is woken by the end of a slice: no second word has to be loaded in order with the one slept on. */
bool bp__dir_wait(const _Atomic uint32_t *word, uint32_t expected, const struct timespec *deadline)
{
    struct timespec slice = bp__deadline(SLICE_MS);
    const bool last = deadline->tv_sec < slice.tv_sec ||
                      (deadline->tv_sec == slice.tv_sec && deadline->tv_nsec <= slice.tv_nsec);
    return bp__futex_wait(word, expected, last ? deadline : &slice) || !last;
}

/* Agent ------------------------------------------------------------------------------------------ */

static uint64_t word_of(const bp__directory *dir, uint32_t slot)
{
    return bp__load_relaxed(&dir->slot[slot].word); /* own store */
}

static void set_word(bp__directory *dir, uint32_t slot, uint64_t word)
{
    bp__store_seq_cst(&dir->slot[slot].word, word);
}

static const _Atomic uint32_t *futex_of(const bp__directory *dir, uint32_t slot)
{
    return (const _Atomic uint32_t *)(const void *)&dir->slot[slot].word; /* little-endian: the low half */
}

void bp__dir_name(const bp__directory *dir, uint32_t slot, char name[BP_NAME_MAX + 1])
{
    for (size_t i = 0; i < (BP_NAME_MAX + 1) / 8; i++) {
        uint64_t part = bp__load_relaxed(&dir->slot[slot].name[i]);
        memcpy(name + 8 * i, &part, 8);
    }
}

static bp__key key_of(const bp__directory *dir, uint32_t slot)
{
    char name[BP_NAME_MAX + 1];
    bp__dir_name(dir, slot, name);
    bp__key key = {0};
    bool ok = bp__key_from(name, &key);
    assert(ok);
    (void)ok;
    return key;
}

uint32_t bp__dir_find(const bp__directory *dir, const bp__key *key)
{
    uint32_t s = bp__load_relaxed(&dir->bucket[key->hash & dir->bucket_mask]);
    while (s != BP__NO_SLOT && !bp__slot_is(&dir->slot[s], key)) s = bp__load_relaxed(&dir->slot[s].next);
    return s;
}

void bp__dir_open(bp__directory *dir, uint32_t slot, uint64_t generation, const char *name)
{
    bp__slot *s = &dir->slot[slot];
    bp__key key;
    bool ok = bp__key_from(name, &key);
    assert(ok && bp__word_fill(word_of(dir, slot)) == BP__SLOT_FREE &&
           bp__dir_find(dir, &key) == BP__NO_SLOT);
    (void)ok;
    for (size_t i = 0; i < sizeof key.part / sizeof *key.part; i++)
        bp__store_relaxed(&s->name[i], key.part[i]);
    bp__store_relaxed(&s->checked, 0);
    s->extent = (bp__extent){0, 0};
    s->code = BP_OK;
    s->text[0] = '\0';
    bp__nap_here(BP__NAP_NAME_WORD_STORED);
    set_word(dir, slot, bp__word(generation, BP__SLOT_OPEN, true));
    _Atomic uint32_t *bucket = &dir->bucket[key.hash & dir->bucket_mask];
    bp__store_release(&s->next, bp__load_relaxed(bucket));
    bp__store_release(bucket, slot);
}

void bp__dir_fill(bp__directory *dir, uint32_t slot, bp__extent extent, bp__extent stage)
{
    bp__slot *s = &dir->slot[slot];
    bp__turns *t = &dir->turns[slot];
    uint64_t w = word_of(dir, slot);
    assert(bp__word_fill(w) == BP__SLOT_OPEN);
    s->extent = extent;
    s->stage = stage;
    bp__store_relaxed(&s->num_tasks, 0);
    bp__store_relaxed(&s->available, 0);
    bp__store_relaxed(&t->next, stage.bytes > 0 ? 0 : BP__NO_TURNS);
    bp__store_relaxed(&t->ranks, 0);
    bp__store_relaxed(&t->failed, 0);
    bp__store_relaxed(&t->overtaken, 0);
    bp__nap_here(BP__NAP_TURNS_WORD_STORED);
    set_word(dir, slot, bp__word(bp__word_generation(w), BP__SLOT_FILL, bp__word_listed(w)));
    if (stage.bytes > 0) bp__futex_wake_some(futex_of(dir, slot), dir->header->max_decoders);
}

void bp__dir_ready(bp__directory *dir, uint32_t slot, const bp__identity *identity, uint64_t checked)
{
    uint64_t w = word_of(dir, slot);
    assert(bp__word_fill(w) == BP__SLOT_FILL);
    dir->slot[slot].identity = *identity;
    bp__store_relaxed(&dir->slot[slot].checked, checked);
    bp__nap_here(BP__NAP_CHECKED_WORD_STORED);
    set_word(dir, slot, bp__word(bp__word_generation(w), BP__SLOT_READY, bp__word_listed(w)));
    bp__futex_wake(futex_of(dir, slot));
}

static void unchain(bp__directory *dir, uint32_t slot)
{
    bp__key key = key_of(dir, slot);
    _Atomic uint32_t *link = &dir->bucket[key.hash & dir->bucket_mask];
    for (uint32_t s; (s = bp__load_relaxed(link)) != slot; link = &dir->slot[s].next)
        assert(s != BP__NO_SLOT);
    bp__store_release(link, bp__load_relaxed(&dir->slot[slot].next));
}

void bp__dir_fail(bp__directory *dir, uint32_t slot, bp_status code, const char *text)
{
    uint64_t w = word_of(dir, slot);
    assert(bp__word_fill(w) == BP__SLOT_OPEN || bp__word_fill(w) == BP__SLOT_FILL);
    if (bp__word_listed(w)) unchain(dir, slot);
    dir->slot[slot].code = code;
    size_t n = strnlen(text, BP_ERROR_TEXT_MAX - 1);
    memcpy(dir->slot[slot].text, text, n);
    dir->slot[slot].text[n] = '\0';
    set_word(dir, slot, bp__word(bp__word_generation(w), BP__SLOT_FAILED, false));
    bp__futex_wake(futex_of(dir, slot));
}

void bp__dir_unlist(bp__directory *dir, uint32_t slot)
{
    uint64_t w = word_of(dir, slot);
    assert(bp__word_listed(w));
    unchain(dir, slot);
    set_word(dir, slot, bp__word(bp__word_generation(w), bp__word_fill(w), false));
}

void bp__dir_reclaim(bp__directory *dir, uint32_t slot)
{
    uint64_t w = word_of(dir, slot);
    assert(!bp__word_listed(w) &&
           (bp__word_fill(w) == BP__SLOT_READY || bp__word_fill(w) == BP__SLOT_FAILED));
    set_word(dir, slot, bp__word(bp__word_generation(w), BP__SLOT_FREE, false));
}

void bp__dir_break(bp__directory *dir, const char *text)
{
    if (bp__load_relaxed(&dir->header->broken)) return;
    snprintf(dir->header->broken_text, sizeof dir->header->broken_text, "%s", text);
    bp__store_release(&dir->header->broken, 1);
    for (uint32_t s = 0; s < dir->num_slots; s++) {
        bp__fill fill = bp__word_fill(word_of(dir, s));
        if (fill == BP__SLOT_OPEN || fill == BP__SLOT_FILL)
            bp__dir_fail(dir, s, BP_EMPI, text);
        else if (bp__word_listed(word_of(dir, s)))
            bp__dir_unlist(dir, s);
        bp__futex_wake(&dir->slot[s].available);
    }
    for (uint32_t i = 0; i < dir->num_ranks * BP__BOXES; i++) bp__futex_wake(&dir->reply[i].answered);
}

/* Ranks are read one after the other. For an unlisted slot that is enough: once a rank was read, it gets no
 * pin that stays, whatever the others do. For a listed one the sum is a guess. */
uint64_t bp__dir_pins(const bp__directory *dir, uint32_t slot)
{
    uint64_t pins = 0;
    for (uint32_t r = 0; r < dir->num_ranks; r++) {
        pins += BP__PINS(bp__load_seq_cst(&bp__dir_lines(dir, r)->use[slot]));
        bp__nap_here(BP__NAP_PINS_PINS);
    }
    return pins;
}

uint64_t bp__dir_last_use(const bp__directory *dir, uint32_t slot)
{
    uint64_t last = 0;
    for (uint32_t r = 0; r < dir->num_ranks; r++) {
        uint64_t t = bp__load_relaxed(&bp__dir_used(dir, bp__dir_lines(dir, r))[slot]);
        if (t > last) last = t;
    }
    return last;
}

void bp__dir_count(const bp__directory *dir, uint32_t rank, bp__report *counts)
{
    bp__lines *lines = bp__dir_lines(dir, rank);
    for (uint32_t s = 0; s < dir->num_slots; s++) counts->hits += BP__GETS(bp__load_relaxed(&lines->use[s]));
    counts->hits += bp__load_relaxed(&lines->late_hits);
    counts->misses += bp__load_relaxed(&lines->misses);
    counts->rank_checks += bp__load_relaxed(&lines->checks);
    counts->wait_ns += bp__load_relaxed(&lines->wait_ns);
}

bp_status bp__dir_selfcheck(const bp__directory *dir)
{
    uint32_t chained = 0, listed = 0;
    for (uint32_t b = 0; b <= dir->bucket_mask; b++) {
        uint32_t steps = 0;
        for (uint32_t s = bp__load_seq_cst(&dir->bucket[b]); s != BP__NO_SLOT;
             s = bp__load_seq_cst(&dir->slot[s].next)) {
            if (s >= dir->num_slots || ++steps > dir->num_slots)
                BP_FAIL(BP_EINVAL, "directory: chain %u runs wild", b);
            if (!bp__word_listed(word_of(dir, s)))
                BP_FAIL(BP_EINVAL, "directory: slot %u is chained, not listed", s);
            bp__key key = key_of(dir, s);
            if ((key.hash & dir->bucket_mask) != b)
                BP_FAIL(BP_EINVAL, "directory: slot %u in a wrong chain", s);
            if (bp__dir_find(dir, &key) != s) BP_FAIL(BP_EINVAL, "directory: a name is listed twice");
            chained++;
        }
    }
    for (uint32_t s = 0; s < dir->num_slots; s++) {
        uint64_t w = word_of(dir, s);
        if (!bp__word_listed(w)) continue;
        listed++;
        if (bp__word_fill(w) == BP__SLOT_FREE || bp__word_fill(w) == BP__SLOT_FAILED)
            BP_FAIL(BP_EINVAL, "directory: slot %u is listed while free or failed", s);
    }
    if (listed != chained) BP_FAIL(BP_EINVAL, "directory: %u listed, %u chained", listed, chained);
    for (uint32_t a = 0; a < dir->num_slots; a++) {
        if (bp__word_fill(word_of(dir, a)) < BP__SLOT_FILL || dir->slot[a].extent.bytes == 0) continue;
        for (uint32_t b = a + 1; b < dir->num_slots; b++) {
            const bp__extent *x = &dir->slot[a].extent, *y = &dir->slot[b].extent;
            if (bp__word_fill(word_of(dir, b)) < BP__SLOT_FILL || y->bytes == 0) continue;
            if (x->offset < y->offset + y->bytes && y->offset < x->offset + x->bytes)
                BP_FAIL(BP_EINVAL, "directory: slots %u and %u share memory", a, b);
        }
    }
    return BP_OK;
}
