/** @file io/hdf5/h5write.h
 * Writes a draft as a bundle file: zipline's HDF5 daily layout, and beside it what zipline leaves out.
 *
 *     attributes of the root: version = 0, bundle_name, schema_version, calendar_name, made_by, source…
 *     attribute of the root: checksums = 1; of /US: checksum, of what was written, as it was read back
 *     /US/index/{sid, day}
 *     /US/data/{open, …, volume}            each with scaling_factor
 *     /US/data/{scaling_factor, volume_scaling_factor}  of each asset, where one factor cannot do for all
 *     /US/lifetimes/{start_date, end_date}
 *     /US/currency/code
 *     /US/assets/…  /US/calendar/…  /US/adjustments/…
 *     /US/minute/…                          if there are minute bars
 *
 * The country group is the draft's. Bars pass through in chunks: what is in memory at a time does not grow with the
 * bundle. The file holds no times and no uninitialised bytes, and no trace of the number of threads: equal drafts
 * give equal files.
 *
 * It is written under a temporary name and renamed when it is whole and on the disk (core/replace.h): a reader sees the
 * old file or the new one, never a part, whatever happens to the process. A limit on the size of files (ulimit -f)
 * is an error like a full disk if the program ignores SIGXFSZ.
 */
#ifndef BP_IO_HDF5_H5WRITE_H
#define BP_IO_HDF5_H5WRITE_H

#include "io/draft.h"
#include "io/progress.h"

typedef enum bp__write_filter { BP__WRITE_GZIP, BP__WRITE_NONE } bp__write_filter;

typedef struct bp__write_options {
    bp__write_filter filter;
    unsigned threads;      /**< 0: as many as there are processors */
    bp__progress progress; /**< told after each block of assets or bars, in such units */
    /** Called for each daily series, from several threads at once. May be NULL.
     *  @param[in] row    of draft->series[BP__DAILY], and so of the daily datasets
     *  @param[in] value  [BP__NUM_FIELDS][D] as they will be read back: NaN, and 0 for a volume, is missing */
    void (*look)(void *context, size_t row, const double *const value[BP__NUM_FIELDS]);
    void *look_context;
} bp__write_options;

/** Write `draft`, which is finished, as the file `path`, replacing what is there; its mode follows the umask.
 *
 * Threads: any, one at a time inside libhdf5; starts others, which end before it returns. Blocks on the disk. Memory: a
 * few MB for each thread, and one series.
 *
 * @param[in] options  NULL: all zero
 * @retval BP_EINVAL  the draft is not finished, or contradicts itself
 * @retval BP_ENOMEM
 * @retval BP_EIO     the folder is missing, the disk is full, ...; the text names the path
 * On failure the old file is untouched and the temporary one is gone.
 */
bp_status bp__h5_write(const bp__draft *draft, const char *path, const bp__write_options *options);

#endif
