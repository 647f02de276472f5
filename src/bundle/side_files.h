/** @file src/bundle/side_files.h
 * What the daily and minute files of a csvdir cannot hold, in files beside them: assets.csv, symbols.csv,
 * adjustments.csv, sessions.csv, bundle.csv. docs/export.md describes every column.
 */
#ifndef BP_BUNDLE_SIDE_FILES_H
#define BP_BUNDLE_SIDE_FILES_H

#include <stdbool.h>

#include "bundle/newdir.h"
#include "bundle/stems.h"
#include "io/hdf5/h5series.h"

bool bp__is_side_file(const char *name);

/** What the small datasets of a file do not say. */
typedef struct bp__side_facts {
    const bp__stem_of *asset; /**< [assets] all assets of the file, with their stems */
    size_t assets;
    const uint64_t
        *minute_days; /**< [BP__DAY_WORDS] days on which there are minute bars: bp__draft_mark_day() */
} bp__side_facts;

/** Write all of them into a folder that is being made. @retval BP_EIO, BP_ENOMEM */
bp_status bp__side_files_write(const bp__h5series *file, const bp__side_facts *facts, bp__newdir *dir);

#endif
