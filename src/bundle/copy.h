/** @file src/bundle/copy.h
 * A bundle file into a draft, as it is: what an import of HDF5 and an export to HDF5 have in common.
 */
#ifndef BP_BUNDLE_COPY_H
#define BP_BUNDLE_COPY_H

#include "io/draft.h"
#include "io/hdf5/h5series.h"
#include "io/progress.h"
#include "io/report.h"

typedef struct bp__copy_options {
    const char *symbols;  /**< only these, separated by commas; NULL: all */
    const char *currency; /**< of assets whose own is not known; NULL: it stays unknown */
    bool ignore_splits, ignore_dividends;
} bp__copy_options;

/** Copy all of a file into a draft that was just initialised: schema, calendar, assets, symbols, adjustments,
 *  bars with the factors by which they are stored. Not the origin. The draft is not finished.
 *
 * @param[in]     path    how errors and the report name the file
 * @param[in]     file    just opened; its rows are read to the end
 * @param[in,out] report  what could not be kept as it is
 * @retval BP_EINVAL    --symbols names one that the file has not
 * @retval BP_EFORMAT   bars that no bundle may have; the text names the file, the sid, and the time
 * @retval BP_ECHANGED  the file was written to meanwhile
 * @retval BP_EIO, BP_ENOMEM */
bp_status bp__copy_bundle(const char *path, bp__h5series *file, const bp__copy_options *options,
                          bp__report *report, const bp__progress *progress, bp__draft *draft);

#endif
