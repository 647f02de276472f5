/** @file src/bundle/side_files.h
 * What the daily and minute files of a csvdir cannot hold, in files beside them: assets.csv, symbols.csv,
 * adjustments.csv, sessions.csv, bundle.csv. docs/export.md describes every column.
 */
#ifndef BP_BUNDLE_SIDE_FILES_H
#define BP_BUNDLE_SIDE_FILES_H

#include <stdbool.h>

#include "bundle/stems.h"
#include "io/hdf5/h5series.h"

#define BP__SIDE_FILE_LAST "bundle.csv" /**< a folder that has it is a whole export */

bool bp__is_side_file(const char *name);

/** Write all of them into an open folder.
 *  @param[in] asset  [assets] all assets of the file, with their stems
 *  @param[in] path   how errors name the folder
 *  @retval BP_EIO */
bp_status bp__side_files_write(const bp__h5series *file, const bp__stem_of *asset, size_t assets, int folder,
                               const char *path);

#endif
