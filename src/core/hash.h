/** @file src/core/hash.h
 * The two hashes of a version, and that of a file.
 */
#ifndef BP_CORE_HASH_H
#define BP_CORE_HASH_H

#include <stddef.h>

#include "core/image.h"

#define BP__HASH_TEXT 65 /**< 64 lower-case hex digits and NUL */

/** SHA-256 of "{symbols sorted by code point, joined by ','}|{start}|{end}|{schema_version}".
 *  Symbols are neither de-duplicated, escaped, case-folded nor normalised; `symbols` is not changed. */
bp_status bp__computed_hash(const char *const *symbols, size_t n, const char *start, const char *end,
                            const char *schema_version, char hash[BP__HASH_TEXT]);

/** Merkle root over every column of an image: name, type, shape, values. Not covered: the bundle's name,
 *  and how the file stored any of it, factors per asset included. Blocks for about a second per 2 GB. */
bp_status bp__content_hash(const bp__image *image, char hash[BP__HASH_TEXT]);

/** SHA-256 of bytes in memory. */
bp_status bp__bytes_hash(const void *bytes, size_t size, char hash[BP__HASH_TEXT]);

/** SHA-256 of all bytes of an open file.
 *  @param[in] fd     its position is neither used nor moved
 *  @param[in] label  how errors name the file
 *  @retval BP_EIO  it cannot be read */
bp_status bp__file_hash(int fd, const char *label, char hash[BP__HASH_TEXT]);

#endif
