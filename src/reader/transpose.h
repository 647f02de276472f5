/** @file src/reader/transpose.h
 * From series, which lie one behind the other, to rows that take one value of each.
 *
 * Values are gathered in a tile that stays in the first-level cache, and go from there to the rows. A large
 * table goes around the caches, as memcpy does it: nobody reads a row before the last one is written, and
 * otherwise each line would be fetched from memory only to be written over.
 */
#ifndef BP_READER_TRANSPOSE_H
#define BP_READER_TRANSPOSE_H

#include <stddef.h>

/** out[t * stride + i] = series[i][t] for t < rows and i < num.
 *
 * @param[in] bytes  of the whole table, which this may be a part of
 */
void bp__transpose(const double *const *series, size_t num, size_t rows, double *out, size_t stride,
                   size_t bytes);

#endif
