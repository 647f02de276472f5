/** @file src/core/bundle.h
 * What a `bp_bundle` is: a view of an image, and how to give it back.
 *
 * Whoever hands out bundles (the pool, the direct loader) owns these structs. `image` points to memory
 * that is read-only for this process.
 */
#ifndef BP_CORE_BUNDLE_H
#define BP_CORE_BUNDLE_H

#include <stdbool.h>

#include "core/hash.h"
#include "core/image.h"

struct bp_bundle {
    const bp__image *image;
    uint64_t generation;
    void (*release)(const bp_bundle *bundle); /**< called once per bp_bundle_release() */
    bool (*hold)(const bp_bundle *bundle);    /**< see bp__bundle_hold(); NULL: it cannot be held again */
    bool pooled; /**< it ends with its pool, and a child process may not use it */
    char name[BP_NAME_MAX + 1];
};

/** Hold a bundle that is held already, once more: one more bp_bundle_release() is owed. Any thread.
 *  @return false: it cannot be, nothing is owed */
bool bp__bundle_hold(const bp_bundle *bundle);

/** Whether memory lies in the image, and so lasts as long as the bundle is held. */
bool bp__bundle_has(const bp_bundle *bundle, const void *data);

#endif
