/** @file io/hdf5/h5input.h
 * How libhdf5 reads a file that is open already, and nothing but that file: it opens none, so a process that may open
 * nothing can use it, and two openings of one file share nothing.
 */
#ifndef BP_IO_HDF5_H5INPUT_H
#define BP_IO_HDF5_H5INPUT_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bp__h5input {
    int fd; /**< borrowed */
    uint64_t bytes;
    int error; /**< errno of the first read that failed; 0: none has */
} bp__h5input;

/** Read bytes of the file itself. @return false: they are not all there, or `error` says what failed */
bool bp__h5_input_read(bp__h5input *input, uint64_t address, size_t size, void *buffer);

/** Properties to open a file that reads from `input`, which has to live and stay in its place as long as that is open.
 *  @return H5Pclose(); negative if libhdf5 has no memory */
hid_t bp__h5_input_fapl(bp__h5input *input);

#endif
