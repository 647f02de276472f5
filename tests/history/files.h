/** @file tests/history/files.h
 * The bundle files of a run, on rank 0: who rewrites them, and the log of that.
 *
 * Bundle b is b<b>.h5. Every value of its version v is v * FILES_MAX + b, so that an image tells which
 * version of which bundle it is. A rewrite is a rename, or, in place, other bytes in the same file.
 */
#ifndef TESTS_HISTORY_FILES_H
#define TESTS_HISTORY_FILES_H

#include "core/loader.h"
#include "history/history.h"

#define FILES_MAX 16 /**< bundles */

typedef struct files_shape {
    int64_t assets, days;
} files_shape;

/** Name of bundle b; borrowed for ever. Any rank. */
const char *files_name(int bundle);

/** The version that an image shows; 0 if its values do not agree or belong to another bundle. Any rank. */
uint32_t files_version(const bp_bundle *image, int bundle);

/** Rank 0, while no pool lives: write a new version of every bundle, in these shapes from now on. */
void files_create(const char *root, int bundles, const files_shape *shape);

/** Rank 0, any thread: write the next version of a bundle, and log it. */
void files_rewrite(int bundle, bool in_place);

/** Rank 0: log the present version of every bundle as if it had been written now. */
void files_log_present(void);

/** Rank 0: take the log. */
void files_take_log(history *to);

/** The pool's loader, but every `every`-th load has its file rewritten in the middle of it, by turns in place
 *  and by a rename; 0: none. No load opens or reads a file while it is being written in place. */
const bp__loader *files_loader(unsigned every);

#endif
