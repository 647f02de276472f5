/** @file src/core/loader.h
 * Where the pool and the file formats meet: neither includes the other.
 *
 *     open ─► plan (image size, head, tasks) ─► decode each task ─► close
 *
 * open and close may use a library that admits one thread at a time; decode runs on distinct tasks of
 * one source from several threads at once. None of them is called by the service thread.
 */
#ifndef BP_CORE_LOADER_H
#define BP_CORE_LOADER_H

#include "core/plan.h"

typedef struct bp__source bp__source; /**< an open file with its plan; private to the loader */

typedef struct bp__loader {
    /** Open and plan; reads no bulk data. Never blocks on what is not a regular file.
     *  @param[out] source  owned: close()
     *  @retval BP_ENOTFOUND, BP_EFORMAT, BP_EIO, BP_ENOMEM  the text names file, dataset and reason */
    bp_status (*open)(const char *path, bp__source **source);

    /** Borrowed until close. */
    const bp__plan *(*plan)(const bp__source *source);

    /** Write the bytes of one task into the image; `image` is its first byte. Threads: distinct tasks
     *  of one source at once. @retval BP_EFORMAT, BP_EIO, BP_ENOMEM */
    bp_status (*decode)(bp__source *source, uint64_t task, void *image);

    void (*close)(bp__source **source);
} bp__loader;

/** The loader of bundle files; defined by the io layer. */
const bp__loader *bp__loader_default(void);

/** ROOT/NAME.h5 after checking the name.
 *  @retval BP_EINVAL  not 1..63 bytes of [A-Za-z0-9._-], or starts with '.' */
bp_status bp__bundle_path(const char *root, const char *name, char *path, size_t size);

/** Check a bundle's name. @retval BP_EINVAL */
bp_status bp__bundle_name_check(const char *name);

#endif
