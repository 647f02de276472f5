/* DESIGN of get
 *
 *  1. Find the listed slot of the name; none: ask the agent (MISS), who hands one over, pinned.
 *  2. Pin it, and load its word again: still listed in the same generation, or start over.
 *  3. READY: is it known to have been current at most max_staleness_ms before this get began? If not, stat()
 *     the file where this rank may: an equal identity proves it. Anything else proves nothing: ask the agent
 *     for a check.
 *  4. OPEN or FILL: help to decode, or sleep on the slot's word, until it is READY (step 3) or FAILED (copy
 *     the error).
 *
 * A hit is steps 1 to 3 without asking: no lock, no MPI, and no system call but that stat().
 */
#include "mpi/pool.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"
#include "core/direct.h"
#include "core/fault.h"
#include "core/log.h"
#include "mpi/decoding.h"

static void release(const bp_bundle *bundle)
{
    bp__handle *h = (bp__handle *)(uintptr_t)bundle;
    bp_pool *pool = h->pool;
    if (bp__load_relaxed(&bp__forked)) return;  /* the pin is the parent's */
    if (bp__load_relaxed(&pool->ended)) return; /* MPI_Finalize took the pins, and left the image */
    if (!bp__dir_release(pool->own, (uint32_t)(h - pool->handle)))
        bp__log(BP_LOG_ERROR,
                "%s: released more often than it was got or held; the program must release each "
                "bundle once",
                bundle->name);
}

/* A pin of this rank's keeps the slot as it is, so that nothing has to be ordered. */
static bool hold(const bp_bundle *bundle)
{
    bp__handle *h = (bp__handle *)(uintptr_t)bundle;
    bp_pool *pool = h->pool;
    const uint32_t slot = (uint32_t)(h - pool->handle);
    if (bp__load_relaxed(&bp__forked) || bp__load_relaxed(&pool->ended)) return false;
    if (BP__PINS(bp__load_relaxed(&pool->own->use[slot])) >= BP__MAX_PINS) return false;
    bp__add_relaxed(&pool->own->use[slot], BP__ONE_PIN);
    return true;
}

/* A bundle may be a link to another file system than the root's, with other habits. */
static bool may_look(const bp_pool *pool, const bp__handle *h, const bp__identity *id)
{
    char path[BP_PATH_MAX + BP_NAME_MAX + 8];
    if (!pool->may_check || id->dev == pool->root_dev) return pool->may_check;
    snprintf(path, sizeof path, "%s/%s.h5", pool->cfg.root, h->bundle.name);
    return bp__filesystem_at(path).fine;
}

/* The slot is pinned and READY: two threads that fill in its handle at once would write the same. */
static void fill_handle(bp_pool *pool, uint32_t slot, uint64_t generation)
{
    bp__handle *h = &pool->handle[slot];
    const bp__slot *s = &pool->dir.slot[slot];
    pthread_mutex_lock(&pool->lock);
    if (bp__load_relaxed(&h->generation) != generation) {
        h->pool = pool;
        h->bundle.image = (const bp__image *)(const void *)(pool->arena.view + s->extent.offset);
        h->bundle.generation = generation;
        h->bundle.release = release;
        h->bundle.hold = hold;
        h->bundle.pooled = true;
        for (size_t i = 0; i < sizeof h->bundle.name / 8; i++) {
            uint64_t part = bp__load_relaxed(&s->name[i]);
            memcpy(h->bundle.name + 8 * i, &part, 8);
        }
        h->may_look = may_look(pool, h, &s->identity);
        bp__store_relaxed(&h->checked, 0);
        bp__store_release(&h->generation, generation);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* Was the version in this slot on disk at `begin` − max_staleness or later? Checks the file if it may.
 *
 * The caller has pinned the slot, loaded its word as READY and then the handle's generation. The slot's
 * `checked` was stored before that word, and the handle's was set to 0 before that generation: as long as the
 * slot is pinned, both are times at which a check found this very version. So the later one holds, in
 * whatever order the two are loaded. */
static inline bool is_current(bp_pool *pool, uint32_t slot, const char *name, uint64_t begin, bool may_look)
{
    if (pool->staleness_ticks < 0) return true;
    bp__handle *h = &pool->handle[slot];
    const bp__slot *s = &pool->dir.slot[slot];
    bp__nap_here(BP__NAP_WORD_CHECKED);
    uint64_t checked = bp__load_relaxed(&s->checked);
    bp__nap_here(BP__NAP_CHECKED_CHECKED);
    uint64_t own = bp__load_relaxed(&h->checked);
    if (own > checked) checked = own;
    if ((int64_t)(begin - checked) <= pool->staleness_ticks) return true;
    if (!may_look || !h->may_look) return false;

    char path[BP_PATH_MAX + BP_NAME_MAX + 8];
    struct stat st;
    size_t n = strlen(name);
    memcpy(path, pool->cfg.root, pool->root_len);
    path[pool->root_len] = '/';
    memcpy(path + pool->root_len + 1, name, n);
    memcpy(path + pool->root_len + 1 + n, ".h5", 4);
    uint64_t now = bp__ticks();
    bp__add_relaxed(&pool->own->checks, 1);
    if (stat(path, &st) != 0) return false;
    bp__identity id = bp__identity_from(&st);
    if (!bp__identity_equal(&id, &s->identity)) return false;
    bp__store_relaxed(&h->checked, now);
    return true;
}

static inline const bp_bundle *hand_out(bp_pool *pool, uint32_t slot, uint64_t now)
{
    bp__store_relaxed(&bp__dir_used(&pool->dir, pool->own)[slot], now);
    return &pool->handle[slot].bundle;
}

/* Make the handle that of the slot's generation, to which its `checked` then belongs. */
static inline void settle_handle(bp_pool *pool, uint32_t slot, uint64_t word)
{
    if (bp__load_acquire(&pool->handle[slot].generation) != bp__word_generation(word))
        fill_handle(pool, slot, bp__word_generation(word));
}

static bp_status timed_out(const bp_pool *pool, const char *name, const char *waiting_for)
{
    BP_FAIL(BP_ETIMEOUT,
            "%s: not published within load_timeout_ms = %lld (waiting for %s); the load goes on, try again",
            name, (long long)pool->cfg.load_timeout_ms, waiting_for);
}

/* Step 1 of a miss: a pin on the slot in which the bundle is, or will be. */
static bp_status ask_for_slot(bp_pool *pool, const char *name, const struct timespec *deadline,
                              uint32_t *slot, uint64_t *word)
{
    const bp__reply *reply;
    uint32_t box;
    bp_status s = bp__request_begin(pool, BP__MISS, name, 0, deadline, &reply, &box);
    if (s == BP_ETIMEOUT) return timed_out(pool, name, "its slot");
    BP_TRY(s);
    *slot = reply->slot;
    /* The agent's pin protects the slot until ours does: ours is added before the box is closed, as the agent
     * loads `closed` before it scans the pins. */
    bp__nap_here(BP__NAP_REPLY_PIN);
    bp__add_seq_cst(&pool->own->use[*slot], BP__ONE_PIN);
    bp__nap_here(BP__NAP_PIN_CLOSED_STORED);
    *word = bp__load_acquire(&pool->dir.slot[*slot].word);
    bp__request_end(pool, box);
    return BP_OK;
}

/* Decode, unless another thread of this process does. @return false: there was nothing to do */
static bool help(bp_pool *pool, uint32_t slot, const struct timespec *deadline)
{
    const bp__helper h = {&pool->dir, pool->own, &pool->arena, pool->loader};
    if (pthread_mutex_trylock(&pool->helping) != 0) return false;
    bool any = bp__decoding_help(&h, slot, deadline);
    pthread_mutex_unlock(&pool->helping);
    return any;
}

/* Step 4. @return BP_ETIMEOUT without a text */
static bp_status wait_until_filled(bp_pool *pool, uint32_t slot, const struct timespec *deadline,
                                   uint64_t *word)
{
    const bp__slot *s = &pool->dir.slot[slot];
    for (;;) {
        *word = bp__load_acquire(&s->word);
        if (bp__word_fill(*word) >= BP__SLOT_READY) return BP_OK;
        if (bp__word_fill(*word) == BP__SLOT_FILL && help(pool, slot, deadline)) continue;
        const _Atomic uint32_t *half = (const _Atomic uint32_t *)(const void *)&s->word;
        if (!bp__dir_wait(half, (uint32_t)*word, deadline)) return BP_ETIMEOUT;
    }
}

/* Is the listed version still the one on disk? *current false: start over. */
static bp_status check(bp_pool *pool, const char *name, uint64_t generation, const struct timespec *deadline,
                       bool *current)
{
    const bp__reply *reply;
    uint32_t box;
    bp_status s = bp__request_begin(pool, BP__CHECK, name, 0, deadline, &reply, &box);
    if (s == BP_ETIMEOUT) return timed_out(pool, name, "a check of its file");
    BP_TRY(s);
    *current = reply->word == generation;
    bp__request_end(pool, box);
    return BP_OK;
}

static bp_status slow_get(bp_pool *pool, const char *name, const bp__key *key, uint64_t begin,
                          const bp_bundle **bundle)
{
    struct timespec deadline = bp__deadline(pool->cfg.load_timeout_ms);
    uint64_t from_ns = bp__clock_ns();
    bool missed = false;
    bp_status s = BP_OK;
    do {
        uint64_t word = 0;
        uint32_t slot = bp__dir_pin(&pool->dir, pool->own, key, BP__ONE_PIN, &word);
        if (slot == BP__NO_SLOT) {
            missed = true;
            s = ask_for_slot(pool, name, &deadline, &slot, &word);
            if (bp__failed(s)) break;
        }
        if (BP__PINS(bp__load_relaxed(&pool->own->use[slot])) > BP__MAX_PINS)
            s = bp__fail(BP_EBUSY, "%s: this rank holds it more than %llu times; release what is not used",
                         name, (unsigned long long)BP__MAX_PINS);
        if (s == BP_OK && bp__word_fill(word) < BP__SLOT_READY) {
            missed = true;
            s = wait_until_filled(pool, slot, &deadline, &word);
            if (bp__failed(s)) s = timed_out(pool, name, "its image");
        }
        if (s == BP_OK && bp__word_fill(word) == BP__SLOT_FAILED)
            s = bp__fail_text(pool->dir.slot[slot].code, pool->dir.slot[slot].text);
        if (s == BP_OK) {
            settle_handle(pool, slot, word);
            bool current = is_current(pool, slot, name, begin, true);
            if (!current) s = check(pool, name, bp__word_generation(word), &deadline, &current);
            if (s == BP_OK && current) {
                *bundle = hand_out(pool, slot, bp__ticks()); /* used now, not when the wait began */
                break;
            }
        }
        bp__dir_unpin(pool->own, slot, BP__ONE_PIN);
        if (s == BP_ECHANGED && !bp__deadline_passed(&deadline)) s = BP_OK; /* it will be loaded again */
    } while (s == BP_OK);

    bp__add_relaxed(&pool->own->wait_ns, bp__clock_ns() - from_ns);
    bp__add_relaxed(missed ? &pool->own->misses : &pool->own->late_hits, 1);
    return s;
}

/* A hit, or nothing. */
static inline const bp_bundle *find(bp_pool *pool, const char *name, const bp__key *key, uint64_t begin,
                                    bool may_look)
{
    uint64_t word;
    const uint64_t add = BP__ONE_PIN + BP__ONE_GET;
    uint32_t slot = bp__dir_pin(&pool->dir, pool->own, key, add, &word);
    if (slot == BP__NO_SLOT) return NULL;
    if (bp__word_fill(word) == BP__SLOT_READY) {
        settle_handle(pool, slot, word);
        if (is_current(pool, slot, name, begin, may_look)) return hand_out(pool, slot, begin);
    }
    bp__dir_unpin(pool->own, slot, add);
    return NULL;
}

bp_status bp_pool_get(bp_pool *pool, const char *name, const bp_bundle **bundle)
{
    bp__key key;
    *bundle = NULL;
    if (bp__load_relaxed(&bp__forked))
        BP_FAIL(BP_EFORKED, "a pool cannot be used after fork in the child process");
    if (!pool) BP_FAIL(BP_EINVAL, "no pool");
    if (!pool->pooled) return bp__direct_load(pool->loader, pool->cfg.root, name, bundle);
    if (!name || !bp__key_from(name, &key)) return bp__bundle_name_check(name);

    uint64_t begin = bp__ticks();
    *bundle = find(pool, name, &key, begin, true);
    if (*bundle) return BP_OK;
    BP_TRY(bp__bundle_name_check(name));
    return slow_get(pool, name, &key, begin, bundle);
}

const bp_bundle *bp__pool_find(bp_pool *pool, const char *name, bool may_look)
{
    bp__key key;
    if (bp__load_relaxed(&bp__forked) || !pool->pooled || !bp__key_from(name, &key)) return NULL;
    return find(pool, name, &key, bp__ticks(), may_look);
}

bp_status bp_pool_version(bp_pool *pool, const char *name, bp_version *version)
{
    const bp_bundle *bundle;
    BP_TRY(bp_pool_get(pool, name, &bundle));
    bp_status s = bp_bundle_version(bundle, version);
    bp_bundle_release(&bundle);
    return s;
}
