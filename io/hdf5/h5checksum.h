/** @file io/hdf5/h5checksum.h
 * The checksum of a bundle file that was just written, for `bundle verify` to compare with what it reads.
 *
 * DESIGN
 *
 * It is taken of the file as a reader sees it, and not of the draft: so it holds for the reader's rules (which texts are
 * equal, what a missing table means) without a second version of them, and a file that would not be read back is not
 * handed out. Each thread digests whole columns, and keeps no more of one in memory than it is at
 * (io/hdf5/h5series.h).
 */
#ifndef BP_IO_HDF5_H5CHECKSUM_H
#define BP_IO_HDF5_H5CHECKSUM_H

#include "core/status.h"

/** Read the file and put its checksum into the attribute `checksum` of its country, which has room for it.
 *
 * Threads: any; starts others, which end before it returns. Takes the lock of libhdf5.
 *
 * @param[in] label    how errors name the file
 * @param[in] fd       open for reading and writing; closed by libhdf5 and by nobody else
 * @param[in] threads  0: as many as there are processors
 * @retval BP_EIO, BP_ENOMEM, BP_ESYS
 * @retval BP_EFORMAT  what was written cannot be read */
bp_status bp__h5_put_checksum(const char *label, int fd, const char *country, unsigned threads);

#endif
