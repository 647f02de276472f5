/** @file io/hdf5/h5driver.h
 * A file driver of libhdf5 for files that are being written: it never fails, and remembers that it should have.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5DRIVER_H
#define BP_IO_HDF5_H5DRIVER_H

#include <hdf5.h>

/** Where the bytes go. */
typedef struct bp__h5sink {
    int fd;    /**< borrowed: empty at first, open for reading and writing */
    int error; /**< errno of the first call that failed; 0 so far */
} bp__h5sink;

/** An access property list with which H5Fcreate(), for any name, makes a file of `sink`, which must live until
 *  H5Fclose(). Look at sink->error afterwards, and as often as work can be saved by it.
 *  @return owned: H5Pclose(); negative: no memory */
hid_t bp__h5_sink_fapl(bp__h5sink *sink);

#endif
