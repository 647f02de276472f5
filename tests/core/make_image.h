/** @file tests/core/make_image.h
 * Images and bundles by hand, for tests.
 */
#ifndef TESTS_CORE_MAKE_IMAGE_H
#define TESTS_CORE_MAKE_IMAGE_H

#include <stdlib.h>

#include "core/bundle.h"
#include "tests/core/suite.h"

/** Seal and destroy a head, and lay the image out with zeros in its bulk columns. @return owned: free() */
static inline bp__image *make_image(bp__head *head)
{
    void *bytes = NULL;
    uint64_t head_bytes, image_bytes;
    MUST(bp__head_seal(head, &bytes, &head_bytes, &image_bytes));
    bp__image *image = aligned_alloc(BP__IMAGE_ALIGN, image_bytes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(image);
    memset(image, 0, image_bytes);
    memcpy(image, bytes, head_bytes);
    free(bytes);
    bp__head_destroy(&head);
    return image;
}

static inline void free_bundle(const bp_bundle *bundle)
{
    free((void *)(uintptr_t)bundle->image);
    free((void *)(uintptr_t)bundle);
}

/** A bundle over an image. @return borrowed until bp_bundle_release(), which frees the image too */
static inline const bp_bundle *make_bundle(bp__image *image, const char *name)
{
    bp_bundle *b = calloc(1, sizeof *b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    b->image = image;
    b->generation = 17;
    b->release = free_bundle;
    strcpy(b->name, name);
    return b;
}

#endif
