/** @file io/ingest/bcolz.h
 * Columns of bcolz tables: whole numbers in blocks of a fixed number of rows, each block a file of its own in
 * Blosc's format.
 *
 *     TABLE/COLUMN/meta/storage   JSON: dtype, chunklen (rows of a block)
 *     TABLE/COLUMN/meta/sizes     JSON: shape (rows)
 *     TABLE/COLUMN/data/__0.blp   16 bytes ("blpk", version, number of blocks, which is 1), then a Blosc
 * buffer
 *
 * Nothing that these files say is believed before it is known to fit: a block is as long as its rows need,
 * and memory is taken for one block at a time.
 */
#ifndef BP_IO_INGEST_BCOLZ_H
#define BP_IO_INGEST_BCOLZ_H

#include "io/ingest/sealed.h"

/** Does not change once it is open: threads share it. */
typedef struct bp__bcolz {
    bp__sealed *sealed; /**< borrowed */
    char *path;         /**< TABLE/COLUMN; owned */
    uint64_t rows;
    size_t block_rows;
    size_t item_size; /**< 4 or 8 */
    bool is_signed;
} bp__bcolz;

/** @param[in] path  below the folder
 *  @retval BP_ENOTFOUND  there is no such column
 *  @retval BP_EFORMAT    its files contradict themselves, or each other; the text names file and key */
bp_status bp__bcolz_open(bp__sealed *sealed, const char *path, bp__bcolz *column);

/** A zeroed one is allowed. */
void bp__bcolz_close(bp__bcolz *column);

/** Where a thread reads; it keeps the block that it was in. */
typedef struct bp__bcolz_cursor {
    const bp__bcolz *column; /**< borrowed */
    uint64_t block;          /**< in memory, if there are rows */
    size_t rows;             /**< of the block; 0: none is in memory */
    unsigned char *bytes;    /**< owned */
} bp__bcolz_cursor;

/** Read rows first .. first+n-1, which the column must have.
 *  @retval BP_EFORMAT  a block is damaged, or a value is none of uint32; the text names the file of the block
 * */
bp_status bp__bcolz_read(bp__bcolz_cursor *cursor, uint64_t first, size_t n, uint32_t *value);
void bp__bcolz_cursor_fini(bp__bcolz_cursor *cursor);

#endif
