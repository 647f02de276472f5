/** @file src/core/bundle.h
 * What a `bp_bundle` is: a view of an image, and how to give it back.
 *
 * Whoever hands out bundles (the pool, the direct loader) owns these structs. `image` points to memory
 * that is read-only for this process.
 */
#ifndef BP_CORE_BUNDLE_H
#define BP_CORE_BUNDLE_H

#include "core/hash.h"
#include "core/image.h"

struct bp_bundle {
    const bp__image *image;
    uint64_t generation;
    void (*release)(const bp_bundle *bundle); /**< called once per bp_bundle_release() */
    char name[BP_NAME_MAX + 1];
};

#endif
