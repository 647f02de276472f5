/** @file io/hdf5/h5patch.h
 * Other values for attributes that a file has already: only bytes in their places change.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5PATCH_H
#define BP_IO_HDF5_H5PATCH_H

#include <hdf5.h>
#include <stdbool.h>

/** Open the very file that `fd` has open for reading and writing. @return what HDF5 calls it; negative: failed */
hid_t bp__h5_patch_open(int fd);

/** @param[in] type  of `value` in memory @return whether it is done */
bool bp__h5_patch_attr(hid_t file, const char *object, const char *name, hid_t type, const void *value);

/** @return whether everything is in the file; false for one that could not be opened */
bool bp__h5_patch_close(hid_t file);

#endif
