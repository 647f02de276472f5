/** @file io/hdf5/h5bars.h
 * The bars of a bundle file that is being written: from the draft's spill into compressed chunks, by several threads.
 */
#ifndef BP_IO_HDF5_H5BARS_H
#define BP_IO_HDF5_H5BARS_H

#include "io/hdf5/h5out.h"
#include "io/hdf5/h5write.h"

/** Write all daily and minute bars, and scaling factors per asset.
 *
 * Takes the lock of libhdf5 itself, for moments; returns when every thread has ended.
 *
 * @retval BP_EINVAL  bars of a sid that is no asset, or of a day that is no session
 * @retval BP_ENOMEM, BP_EIO */
bp_status bp__h5_put_bars(const bp__h5out *out, const bp__write_options *options);

#endif
