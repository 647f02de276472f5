/** @file io/hdf5/h5attr.h
 * Attributes that are read.
 *
 * libhdf5 1.10 takes the sizes that an attribute states for true, and reads on in whatever memory is behind its header. So the
 * header of an object is looked at before an attribute of it is read: each has to lie within it. Headers of the later
 * format have checksums, which libhdf5 compares, and are taken as they are.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5ATTR_H
#define BP_IO_HDF5_H5ATTR_H

#include "io/hdf5/h5util.h"

/** Read a scalar number attribute into an int64_t (from an integer) or a double (from any number).
 *  @param[out] value  untouched if there is none */
bp_status bp__h5_attr_number(const bp__h5file *file, const char *path, const char *name, bp_type type,
                             void *value, bool *found);

/** Read a scalar text attribute, cut to `size`; untouched if there is none. */
bp_status bp__h5_attr_text(const bp__h5file *file, const char *path, const char *name, char *text,
                           size_t size);

#endif
