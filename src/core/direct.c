#include "core/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/atomic.h"

#define MAX_TRIES 5

typedef struct private_bundle {
    struct bp_bundle face;    /* first: a bundle's address is its struct's */
    _Atomic uint64_t holders; /* whoever is the last to release it frees it */
} private_bundle;

static bool hold_private(const bp_bundle *bundle)
{
    bp__add_relaxed(&((private_bundle *)(uintptr_t)bundle)->holders, 1);
    return true;
}

static void release_private(const bp_bundle *bundle)
{
    private_bundle *b = (private_bundle *)(uintptr_t)bundle;
    if (bp__sub_release(&b->holders, 1) > 1) return;
    (void)bp__load_acquire(&b->holders); /* what others have read, they have read by now */
    munmap((void *)(uintptr_t)bundle->image, bundle->image->bytes);
    free(b);
}

static bp_status decode_all(const bp__loader *loader, bp__source *source, const char *path, bp__image **image)
{
    const bp__plan *plan = loader->plan(source);
    void *map = mmap(NULL, plan->image_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        BP_FAIL_ERRNO(BP_ENOMEM, errno, "%s: no memory for an image of %llu bytes", path,
                      (unsigned long long)plan->image_bytes);
    memcpy(map, plan->head, plan->head_bytes);
    bp__decoder *decoder = NULL;
    bp_status s = loader->decoder_create(&decoder);
    for (uint64_t task = 0; task < plan->num_tasks && s == BP_OK; task++)
        s = bp__load_task(loader, source, path, decoder, task, map);
    loader->decoder_destroy(&decoder);
    if (s == BP_OK && mprotect(map, plan->image_bytes, PROT_READ) != 0)
        s = bp__fail_errno(BP_ESYS, errno, "%s: the image cannot be made read-only", path);
    if (bp__failed(s))
        munmap(map, plan->image_bytes);
    else
        *image = map;
    return s;
}

/* Load once. *changed: the file is not, or no longer, the one that was waited for. */
static bp_status load_once(const bp__loader *loader, const char *path, bp__image **image, bool *changed)
{
    bp__source *source = NULL;
    bp__identity before, after;
    *image = NULL;
    *changed = false;
    BP_TRY(bp__identify_settled(path, &before));
    bp_status s = loader->open(path, &source);
    if (s == BP_OK) {
        *changed = !bp__identity_equal(&before, &loader->plan(source)->identity);
        if (!*changed) s = decode_all(loader, source, path, image);
        loader->close(&source);
    }
    if (bp__failed(bp__identify(AT_FDCWD, path, path, &after)) || !bp__identity_equal(&before, &after))
        *changed = true;
    if (*changed && *image) {
        munmap(*image, (*image)->bytes);
        *image = NULL;
    }
    return s;
}

bp_status bp__direct_load(const bp__loader *loader, const char *root, const char *name,
                          const bp_bundle **bundle)
{
    static _Atomic uint64_t last_generation; /* a plain counter: nothing is ordered by it */
    char path[PATH_MAX];
    bp__image *image = NULL;
    *bundle = NULL;
    BP_TRY(bp__bundle_path(root, name, path, sizeof path));

    bool changed = true;
    for (int i = 0; i < MAX_TRIES && changed; i++) {
        bp_status s = load_once(loader, path, &image, &changed);
        if (!changed) BP_TRY(s);
    }
    if (changed) BP_FAIL(BP_ECHANGED, "%s: changed during each of %d attempts to read it", path, MAX_TRIES);

    private_bundle *b = calloc(1, sizeof *b);
    if (!b) {
        munmap(image, image->bytes);
        BP_FAIL(BP_ENOMEM, "%s: no memory for a bundle", path);
    }
    b->face.image = image;
    b->face.generation = bp__add_relaxed(&last_generation, 1) + 1;
    b->face.release = release_private;
    b->face.hold = hold_private;
    snprintf(b->face.name, sizeof b->face.name, "%s", name);
    bp__store_relaxed(&b->holders, 1);
    *bundle = &b->face;
    return BP_OK;
}
