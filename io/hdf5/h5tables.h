/** @file io/hdf5/h5tables.h
 * What is small of a bundle file: attributes, index, lifetimes, assets, calendar, adjustments, origin.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5TABLES_H
#define BP_IO_HDF5_H5TABLES_H

#include "io/hdf5/h5out.h"

/** Write it all. @retval BP_ENOMEM, BP_EIO */
bp_status bp__h5_put_tables(const bp__h5out *out);

#endif
