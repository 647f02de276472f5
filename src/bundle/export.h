/** @file src/bundle/export.h
 * What a bundle can be turned into: a table with a row for each form (src/bundle/export.c).
 */
#ifndef BP_BUNDLE_EXPORT_H
#define BP_BUNDLE_EXPORT_H

#include <stdbool.h>

#include "io/hdf5/h5series.h"
#include "io/progress.h"

/** An export at work. */
typedef struct bp__export {
    const char *name, *path; /**< of the bundle and of its file; borrowed */
    bp__h5series *file;      /**< just opened; borrowed */
    const char *to;          /**< as the user says it: DIR; borrowed */
    bool replace;            /**< what an older export made may be replaced */
    unsigned threads;        /**< 0: as many as there are processors */
    bp__progress progress;
} bp__export;

/* Each writes all of a bundle, and prints what it has made. What it makes appears as a whole, or not at all.
 * @retval BP_EIO       something is there already that is not to be replaced, no space, …
 * @retval BP_ECHANGED  the bundle's file was written to meanwhile
 * @retval BP_ENOMEM, BP_EFORMAT */
bp_status bp__export_csvdir(const bp__export *e);
bp_status bp__export_hdf5(const bp__export *e);

#endif
