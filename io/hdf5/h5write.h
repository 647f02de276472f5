/** @file io/hdf5/h5write.h
 * Writes a draft as a bundle file: zipline's HDF5 daily layout, and beside it what zipline leaves out.
 *
 *     attributes of the root: version = 0, bundle_name, schema_version, calendar_name
 *     /US/index/{sid, day}
 *     /US/data/{open, …, volume}            each with scaling_factor
 *     /US/lifetimes/{start_date, end_date}
 *     /US/currency/code
 *     /US/assets/…  /US/calendar/…  /US/adjustments/…
 *     /US/minute/…                          if there are minute bars
 *
 * The file is put together in memory, so that nothing of libhdf5 can fail half-way on a full disk; then it is
 * written under a temporary name in the folder of `path`, synced (fsync) and renamed: a reader sees the old
 * file or the new one, never a part. It holds no times and no uninitialised bytes: equal drafts give equal
 * files.
 */
#ifndef BP_IO_HDF5_H5WRITE_H
#define BP_IO_HDF5_H5WRITE_H

#include "io/draft.h"

typedef enum bp__write_filter { BP__WRITE_GZIP, BP__WRITE_NONE } bp__write_filter;

/** Write `draft` as the file `path`, replacing what is there; its mode follows the umask.
 *
 * Threads: any, one at a time inside libhdf5. Blocks on the disk. Memory: as much as the file is long.
 *
 * @retval BP_EINVAL  bp__draft_check() fails
 * @retval BP_ENOMEM  the file does not fit into memory
 * @retval BP_EIO     the folder is missing, the disk is full, ...; the text names the path
 * On failure the old file is untouched and the temporary one is gone.
 */
bp_status bp__h5_write(const bp__draft *draft, const char *path, bp__write_filter filter);

#endif
