/** @file io/hdf5/h5number.h
 * Numbers as files store them: standard types only, whole bytes in either order, and no value that would change.
 */
#ifndef BP_IO_HDF5_H5NUMBER_H
#define BP_IO_HDF5_H5NUMBER_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A standard integer or IEEE float. */
typedef struct bp__h5number {
    size_t bytes; /**< 1, 2, 4 or 8; a float has 4 or 8 */
    bool is_float, is_signed, swapped;
} bp__h5number;

/** @return false: not a number, or none of a standard kind (padding, an offset, bits that are left out, VAX, …) */
bool bp__h5_number_of(hid_t type, bp__h5number *number);

/** Read one value. @return false: it is none of int64_t; of a float, always */
bool bp__h5_to_i64(const bp__h5number *number, const void *stored, int64_t *value);

/** Read one value: of an integer, only if a double holds it exactly. */
bool bp__h5_to_f64(const bp__h5number *number, const void *stored, double *value);

#endif
