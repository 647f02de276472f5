/** @file src/bundle/look.h
 * What `bundle verify` would find in a bundle, found while the bundle is written: nothing is read a second time.
 *
 *  1. bp__look_begin() with the finished draft.
 *  2. bp__look_series() as the writer's hook (io/hdf5/h5write.h).
 *  3. bp__look_end() tells.
 */
#ifndef BP_BUNDLE_LOOK_H
#define BP_BUNDLE_LOOK_H

#include <stdio.h>

#include "io/draft.h"

typedef struct bp__look bp__look;

/** @param[in]  draft  finished; borrowed until bp__look_end()
 *  @param[out] look   owned: bp__look_end(); NULL on failure */
bp_status bp__look_begin(const bp__draft *draft, bp__look **look);

/** @param[in] look  a bp__look. Threads: any. */
void bp__look_series(void *look, size_t row, const double *const value[BP__NUM_FIELDS]);

/** Print what was found, and what can be done about splits that prices contradict. Frees `look`, which may be NULL.
 *  @param[in] file  NULL: the bundle could not be written, there is nothing to tell */
bp_status bp__look_end(bp__look **look, FILE *file);

#endif
