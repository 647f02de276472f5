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

/** SHA-256 over the content hash and what that leaves out of an image: the calendar's name, and the columns of factors.
 *  A file that states it (image->checksum) can be told from what has become of it.
 *  @param[in] content_hash  of this very image */
bp_status bp__image_checksum(const bp__image *image, const char content_hash[BP__HASH_TEXT],
                             char checksum[BP__HASH_TEXT]);

/* The content hash of an image that is never in memory as a whole: column by column, in any order and by any threads. */

typedef struct bp__digest {
    unsigned char bytes[32];
} bp__digest;

/** Have bytes [from, to) of a column in their place. They are asked for in ascending order, and those before `from` are not
 *  looked at any more. */
typedef bp_status bp__need_bytes(void *context, bp_column column, uint64_t from, uint64_t to);

/** @param[in]  need    NULL: all of the column is there
 *  @param[out] digest  of one column; that of a column of factors counts for nothing
 *  @retval any  what `need` returns; BP_ENOMEM, BP_ESYS */
bp_status bp__column_digest(const bp__image *image, bp_column column, bp__need_bytes *need, void *context,
                            bp__digest *digest);

/** @param[in] digest  of each column */
bp_status bp__content_hash_of(const bp__image *image, const bp__digest digest[BP_NUM_COLUMNS],
                              char hash[BP__HASH_TEXT]);

/** SHA-256 of bytes in memory. */
bp_status bp__bytes_hash(const void *bytes, size_t size, char hash[BP__HASH_TEXT]);

/** SHA-256 of all bytes of an open file.
 *  @param[in] fd     its position is neither used nor moved
 *  @param[in] label  how errors name the file
 *  @retval BP_EIO  it cannot be read */
bp_status bp__file_hash(int fd, const char *label, char hash[BP__HASH_TEXT]);

#endif
