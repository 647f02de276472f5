/** @file io/hdf5/h5out.h
 * A bundle file that is being written: creating it, its small datasets, its attributes.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5OUT_H
#define BP_IO_HDF5_H5OUT_H

#include "io/draft.h"
#include "io/hdf5/h5driver.h"
#include "io/hdf5/h5util.h"

typedef struct bp__h5out {
    const bp__draft *draft; /**< borrowed */
    bp__h5file file;
    bp__h5sink sink;
    hid_t lcpl; /**< creates the groups on the way */
} bp__h5out;

/** Create an HDF5 file in what `fd` has open, which is empty.
 *
 * @param[in]  label  borrowed: how errors name the file
 * @param[out] out    to be closed, on failure too */
bp_status bp__h5_create(const char *label, int fd, const bp__draft *draft, bp__h5out *out);

/** Write what libhdf5 still holds, and close the file; bp__h5_written() tells whether it is whole. */
void bp__h5_finish(bp__h5out *out);

/** @retval BP_EIO  something could not be written since the file was created: the disk is full, ... */
bp_status bp__h5_written(const bp__h5out *out);

/** Report a failed HDF5 call. The driver never fails, so what fails is memory. @return BP_ENOMEM */
bp_status bp__h5_out_fail(const bp__h5out *out, const char *path);

/** Path of a dataset in the country group: "/US/data/open". */
void bp__h5_out_path(const bp__h5out *out, const char *folder, const char *name, char path[BP__H5_PATH_MAX]);

/** Create a dataset whose bars or rows are written by the caller.
 *  @param[in]  chunk  NULL: contiguous
 *  @param[out] set    owned: H5Dclose() */
bp_status bp__h5_put_empty(const bp__h5out *out, const char *path, hid_t type, int rank, const hsize_t *shape,
                           const hsize_t *chunk, bool gzip, hid_t *set);

/* Write a dataset of one dimension. */
bp_status bp__h5_put(const bp__h5out *out, const char *path, hid_t type, const void *data, size_t n);
bp_status bp__h5_put_i64(const bp__h5out *out, const char *path, const int64_t *data, size_t n);
bp_status bp__h5_put_f64(const bp__h5out *out, const char *path, const double *data, size_t n);

/** A text type of `size` bytes, padded with NUL, as zipline's currency codes; H5Tclose(). */
hid_t bp__h5_text_type(size_t size, H5T_cset_t cset);

/* Write an attribute of an open object. */
bp_status bp__h5_put_attr(const bp__h5out *out, hid_t object, const char *name, hid_t type,
                          const void *value);
bp_status bp__h5_put_attr_text(const bp__h5out *out, hid_t object, const char *name, const char *text);

#endif
