/** @file io/hdf5/h5read.h
 * The loader of bundle files in HDF5.
 */
#ifndef BP_IO_HDF5_H5READ_H
#define BP_IO_HDF5_H5READ_H

#include "core/loader.h"

/** Reads zipline's HDF5 daily layout, and beside it what zipline leaves out. @return static */
const bp__loader *bp__h5_loader(void);

#endif
