/** @file src/core/directory_inline.h
 * The hit path's part of core/directory.h, inline. Included by that header only.
 */
#ifndef BP_CORE_DIRECTORY_INLINE_H
#define BP_CORE_DIRECTORY_INLINE_H

#include <string.h>

#include "core/atomic.h"
#include "core/fault.h"

static inline bool bp__key_from(const char *name, bp__key *key)
{
    enum { PARTS = sizeof key->part / sizeof *key->part };
    size_t n = strnlen(name, BP_NAME_MAX + 1);
    if (n == 0 || n > BP_NAME_MAX) return false;
    memset(key->part, 0, sizeof key->part);
    memcpy(key->part, name, n);
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i <= n / 8 && i < PARTS; i++) {
        h = (h ^ key->part[i]) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    key->hash = h;
    return true;
}

static inline bool bp__slot_is(const bp__slot *slot, const bp__key *key)
{
    uint64_t difference = 0;
    for (size_t i = 0; i < sizeof key->part / sizeof *key->part; i++)
        difference |= bp__load_relaxed(&slot->name[i]) ^ key->part[i];
    return difference == 0;
}

static inline uint32_t bp__dir_pin(const bp__directory *dir, bp__lines *own, const bp__key *key, uint64_t add,
                                   uint64_t *word)
{
    uint32_t s = bp__load_acquire(&dir->bucket[key->hash & dir->bucket_mask]);
    /* A chain that is being changed may lead astray, but never out of the table nor, as steps are bounded,
     * round for ever. Whoever misses a slot because of it asks the agent, who does not. So a bucket need not
     * agree with its slots. */
    bp__nap_here(BP__NAP_BUCKET_WORD);
    for (uint32_t steps = 0; s < dir->num_slots && steps < dir->num_slots; steps++) {
        bp__slot *slot = &dir->slot[s];
        uint64_t before = bp__load_acquire(&slot->word);
        bp__nap_here(BP__NAP_WORD_NAME);
        if (bp__word_listed(before) && bp__slot_is(slot, key)) {
            bp__nap_here(BP__NAP_NAME_PIN);
            uint64_t use = bp__add_seq_cst(&own->use[s], add);
            bp__nap_here(BP__NAP_PIN_WORD);
            /* The pin is added before the word is loaded again, as the agent stores the word without `listed`
             * before it scans the pins: either this load sees the slot unlisted, or the scan sees the pin.
             * If the scan did not, a later tenant may have stored its name by now, and part of it may have
             * been read above; but then the word is not what it was before. */
            uint64_t now = bp__load_seq_cst(&slot->word);
            /* the fill may have moved on meanwhile; the name cannot have, within a generation */
            if (bp__word_listed(now) && bp__word_generation(now) == bp__word_generation(before) &&
                BP__PINS(use) < BP__MAX_PINS) {
                *word = now;
                return s;
            }
            bp__dir_unpin(own, s, add);
            return BP__NO_SLOT;
        }
        s = bp__load_acquire(&slot->next);
    }
    return BP__NO_SLOT;
}

static inline void bp__dir_unpin(bp__lines *own, uint32_t slot, uint64_t add)
{
    /* release: all reads of the image are done before the agent's scan can see that the pin is gone */
    bp__sub_release(&own->use[slot], add);
}

static inline bool bp__dir_release(bp__lines *own, uint32_t slot)
{
    uint64_t before = bp__sub_release(&own->use[slot], BP__ONE_PIN);
    if (BP__PINS(before) > 0) return true;
    bp__add_relaxed(&own->use[slot], BP__ONE_PIN); /* it was borrowed from the count of gets */
    return false;
}

#endif
