/** @file io/hdf5/h5values.h
 * The values of small datasets: numbers and texts.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5VALUES_H
#define BP_IO_HDF5_H5VALUES_H

#include "io/hdf5/h5util.h"

#define BP__H5_ANY_ROWS UINT64_MAX

/** A small 1-D dataset that is open: its elements are numbers, texts, or rows of fields. The rows are read once, with the first
 *  field. Its members are read-only. */
typedef struct bp__h5table {
    const bp__h5file *file; /**< borrowed */
    bp__h5set set;          /**< set.shape[0] rows */
    char *raw;              /**< as they are stored; NULL: not read yet */
    size_t row_bytes;
    bool refers; /**< rows refer to texts elsewhere: then `raw` is good for nothing */
} bp__h5table;

/** @param[in]  rows   how many there must be, or BP__H5_ANY_ROWS
 *  @param[out] table  bp__h5_table_close() after success */
bp_status bp__h5_table_open(const bp__h5file *file, const char *path, uint64_t rows, bp__h5table *table);

void bp__h5_table_close(bp__h5table *table);

/** Take the numbers of all rows: filters are undone and numbers converted by us, and what cannot be kept is an error.
 *
 * @param[in]  field  NULL: the elements are the numbers themselves
 * @param[in]  type   BP_TYPE_I64 from any standard integer type, BP_TYPE_F64 from any IEEE float
 * @param[out] data   owned: free(); never NULL on success
 */
bp_status bp__h5_table_numbers(bp__h5table *table, const char *field, bp_type type, void **data);

typedef bp_status (*bp__h5_text_fn)(void *context, uint64_t row, const char *text);

/** Take texts, fixed or variable in length, as above; each is handed to `each` in turn, which may fail. */
bp_status bp__h5_table_texts(bp__h5table *table, const char *field, bp__h5_text_fn each, void *context);

/** All of a dataset whose elements are numbers. @param[out] n  rows read */
bp_status bp__h5_read_numbers(const bp__h5file *file, const char *path, bp_type type, uint64_t rows,
                              void **data, uint64_t *n);

/** All of a dataset whose elements are texts. */
bp_status bp__h5_read_texts(const bp__h5file *file, const char *path, uint64_t rows, bp__h5_text_fn each,
                            void *context);

#endif
