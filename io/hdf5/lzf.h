/** @file io/hdf5/lzf.h
 * Decoder of LZF, the compression that h5py and zipline use (HDF5 filter 32000).
 *
 * Any thread. Safe on hostile input: every read and write is bounds-checked.
 */
#ifndef BP_IO_HDF5_LZF_H
#define BP_IO_HDF5_LZF_H

#include <stddef.h>

#define BP__LZF_MAX_RATIO 88 /**< 3 bytes can stand for 264, never for more */

/** Decode all of `in`.
 *  @return bytes written to `out`; 0 if the input is empty, damaged, or decodes to more than `out_size` */
size_t bp__lzf_decode(const void *in, size_t in_size, void *out, size_t out_size);

#endif
