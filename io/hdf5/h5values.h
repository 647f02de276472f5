/** @file io/hdf5/h5values.h
 * The values of small datasets: numbers and texts.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5VALUES_H
#define BP_IO_HDF5_H5VALUES_H

#include "io/hdf5/h5util.h"

#define BP__H5_ANY_ROWS UINT64_MAX

/** Read a small 1-D dataset, or one field of a compound one: filters are undone and numbers converted by us, and what cannot
 *  be kept is an error.
 *
 * @param[in]  field  NULL: the dataset's elements are the numbers themselves
 * @param[in]  type   BP_TYPE_I64 from any standard integer type, BP_TYPE_F64 from any IEEE float
 * @param[in]  rows   how many there must be, or BP__H5_ANY_ROWS
 * @param[out] data   owned: free(); never NULL on success
 * @param[out] n      rows read
 */
bp_status bp__h5_read_numbers(const bp__h5file *file, const char *path, const char *field, bp_type type,
                              uint64_t rows, void **data, uint64_t *n);

typedef bp_status (*bp__h5_text_fn)(void *context, uint64_t row, const char *text);

/** Read texts, fixed or variable in length, as above; each is handed to `each` in turn, which may fail. */
bp_status bp__h5_read_texts(const bp__h5file *file, const char *path, const char *field, uint64_t rows,
                            bp__h5_text_fn each, void *context, uint64_t *n);

#endif
