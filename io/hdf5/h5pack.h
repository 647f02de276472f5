/** @file io/hdf5/h5pack.h
 * What HDF5's filters shuffle, deflate and fletcher32 do to a chunk, without the lock of libhdf5.
 */
#ifndef BP_IO_HDF5_H5PACK_H
#define BP_IO_HDF5_H5PACK_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define BP__GZIP_LEVEL 1 /* 2 % larger than 4, in two thirds of the time */

typedef struct bp__packer bp__packer;

/** @param[in] bytes  of the largest chunk */
bp_status bp__packer_create(size_t bytes, bp__packer **packer);
void bp__packer_destroy(bp__packer **packer);

/** Shuffle and deflate a chunk in place. Equal chunks become equal bytes.
 *
 * @param[in,out] chunk  [n * width]
 * @param[in]     width  4 or 8 bytes of an element
 * @param[out]    mask   for H5Dwrite_chunk(): what would not become smaller is shuffled only
 * @return bytes that are left */
size_t bp__pack(bp__packer *packer, void *chunk, size_t n, size_t width, uint32_t *mask);

/** Bytes that bp__seal() adds. */
#define BP__SEAL_BYTES 4

/** What the filter fletcher32 does: put a checksum behind a chunk. @param[in,out] bytes  [size + BP__SEAL_BYTES]
 *  @return bytes that the chunk has now */
size_t bp__seal(void *bytes, size_t size);

#endif
