/** @file io/hdf5/literals.h
 * The part of deflate that no library does alone: Huffman codes for bytes among which nothing repeats.
 *
 * A search for matches takes most of the time of deflate. Where it is known to be in vain, coding the bytes by their
 * frequency is four times as fast, and as short. Pure; any thread.
 */
#ifndef BP_IO_HDF5_LITERALS_H
#define BP_IO_HDF5_LITERALS_H

#include <stddef.h>
#include <stdint.h>

/** Write bytes as deflate blocks (RFC 1951) without matches, none of them the last of the stream, which must be at the
 *  boundary of a byte, and is so afterwards.
 *
 * @param[in] room  bytes in `to`
 * @return bytes written; 0: there is not enough room */
size_t bp__deflate_literals(const uint8_t *from, size_t n, uint8_t *to, size_t room);

#endif
