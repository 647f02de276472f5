/** @file io/hdf5/h5series.h
 * A bundle file read asset by asset, for whoever never needs all bars at once: import and export.
 *
 *  1. bp__h5_series_open(): everything small is there.
 *  2. bp__h5_series_daily() and bp__h5_series_minute() for rows that ascend; what was read before is given
 *     back to the system.
 *  3. bp__h5_series_check(): whether all of it was one state of the file.
 *  4. bp__h5_series_close().
 *
 * DESIGN
 *
 * The memory is that of an image whose pages come and go: reserved as a whole, filled by the tasks of the
 * plan in the order of rows, and given back behind the row that is read. So bars are decoded by the code that
 * loads bundles, and what is held is the chunks that the current row lies in: a few MiB of files that we
 * wrote, all of a column where a file keeps it in one chunk.
 *
 * Threads: one at a time.
 */
#ifndef BP_IO_HDF5_H5SERIES_H
#define BP_IO_HDF5_H5SERIES_H

#include <stddef.h>

#include "core/bundle.h"
#include "io/draft.h"

typedef struct bp__h5series bp__h5series;

/** @param[in]  path     of the file
 *  @param[in]  country  NULL: the only one that it has
 *  @param[out] series   owned: bp__h5_series_close(); NULL on failure
 *  @retval any  what the loader's open() returns; BP_ENOMEM */
bp_status bp__h5_series_open(const char *path, const char *country, bp__h5series **series);

/** The same of a file that this process has just written and has open.
 *  @param[in] label  how errors name it @param[in] fd  stays the caller's */
bp_status bp__h5_series_written(const char *label, int fd, bp__h5series **series);

/** Everything but bars: its bulk columns have their shapes, and may not be looked at; borrowed until close. */
const bp_bundle *bp__h5_series_head(const bp__h5series *series);

/** The country that is read: "US". Borrowed until close. */
const char *bp__h5_series_country(const bp__h5series *series);

/** The bars of daily row `row`, which is not less than those asked for before.
 *  @param[out] value  [D] each; borrowed until the next row is asked for
 *  @retval BP_EFORMAT, BP_EIO, BP_ENOMEM */
bp_status bp__h5_series_daily(bp__h5series *series, size_t row, const double *value[BP__NUM_FIELDS]);

/** The bars of row `row` of the minute index, which is not less than those asked for before.
 *  @param[out] dt, value  [n] each; borrowed until the next row is asked for */
bp_status bp__h5_series_minute(bp__h5series *series, size_t row, const int64_t **dt,
                               const double *value[BP__NUM_FIELDS], size_t *n);

/** The factor by which the file stores a row of a bulk column: of the daily bars, or of the minute index. */
double bp__h5_series_factor(const bp__h5series *series, bp_column column, size_t row);

/** Digest a whole column, for its part in the content hash. Of a bulk column no row may have been asked for before. */
bp_status bp__h5_series_digest(bp__h5series *series, bp_column column, bp__digest *digest);

/** @retval BP_ECHANGED  the file was written to while it was read: what was read may be of no use
 *  @retval BP_EIO       it cannot be looked at any more */
bp_status bp__h5_series_check(const bp__h5series *series);

void bp__h5_series_close(bp__h5series **series);

#endif
