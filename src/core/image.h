/** @file src/core/image.h
 * A bundle in memory: one contiguous, position-independent block of bytes.
 *
 *     bp__image header | small columns | bulk columns
 *     `------ head_bytes -------------'
 *
 * The head (header, table of columns, every small column) is built while the file is planned and copied as
 * a whole; the bulk columns (OPEN … MINUTE_VOLUME) are written in place by the tasks of the plan. Small
 * columns stand in the order of their numbers, and so do bulk ones; numbers are only ever appended, so a
 * small column may have a larger number than the bulk ones. Columns are 64-byte aligned. Offsets and
 * fixed-width integers only.
 */
#ifndef BP_CORE_IMAGE_H
#define BP_CORE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <bundlepool/bundle.h>

#include "core/status.h"

#define BP__IMAGE_ALIGN 64u
#define BP__FIRST_BULK  BP_COL_OPEN
#define BP__LAST_BULK   BP_COL_MINUTE_VOLUME

/** Whether the bytes of a column are written by tasks; else they are part of the head. */
static inline bool bp__column_is_bulk(bp_column column)
{
    return column >= BP__FIRST_BULK && column <= BP__LAST_BULK;
}

/** Whether a column tells how the file stored values, and not a value. */
static inline bool bp__column_is_factor(bp_column column)
{
    return column >= BP_COL_FACTOR && column <= BP_COL_MINUTE_VOLUME_FACTOR;
}

typedef struct bp__image_column {
    uint64_t offset; /**< from the start of the image */
    uint64_t bytes;
    uint64_t shape[2];
    uint32_t type; /**< bp_type */
    uint32_t ndim;
} bp__image_column;

typedef struct bp__image {
    uint64_t magic;
    uint64_t layout_id;  /**< computed from sizes and offsets of this program's structs */
    uint64_t bytes;      /**< of the whole image, a multiple of 64 */
    uint64_t head_bytes; /**< a multiple of 64 */
    char schema_version[16];
    char calendar_name[32];
    char checksum
        [72]; /**< that the file states, for whoever compares it with bp__image_checksum(); "": none; any other
                            text: it was lost */
    bp__image_column column[BP_NUM_COLUMNS];
} bp__image;

/* Building a head ------------------------------------------------------------------------------- */

typedef struct bp__head bp__head;

/** @param[out] head  owned: bp__head_destroy() */
bp_status bp__head_create(bp__head **head);
void bp__head_destroy(bp__head **head);

/** Set the texts of the header, cut to what fits. NULL leaves the default ("v1", ""). */
void bp__head_names(bp__head *head, const char *schema_version, const char *calendar_name);

/** Set the checksum that the file states, cut to what fits; "" by default. */
void bp__head_checksum(bp__head *head, const char *checksum);

/** Give a small column its values (copied). `rows` × `cols` elements; cols is 1 for 1-D columns.
 *  A column never given is empty. Asserts that the column is small, and was not given before. */
bp_status bp__head_put(bp__head *head, bp_column column, const void *data, uint64_t rows, uint64_t cols);

/** Give a bulk column its shape; its bytes come later. @retval BP_ERANGE  too large for 2^62 bytes */
bp_status bp__head_reserve(bp__head *head, bp_column column, uint64_t rows, uint64_t cols);

/** Store a text; equal texts may share a place. @param[out] offset  for a text column */
bp_status bp__head_text(bp__head *head, const char *text, uint32_t *offset);

/** Lay everything out.
 *  @param[out] bytes        owned by the caller: free()
 *  @param[out] head_bytes   size of *bytes
 *  @param[out] image_bytes  size of the whole image
 *  @retval BP_ENOMEM, BP_ERANGE */
bp_status bp__head_seal(bp__head *head, void **bytes, uint64_t *head_bytes, uint64_t *image_bytes);

/* Using an image -------------------------------------------------------------------------------- */

/** Where a column lies in an image that is being filled; NULL if it is empty. */
void *bp__image_fill(void *image, bp_column column);

/** Bytes of one element of a type. */
uint32_t bp__type_bytes(bp_type type);

/** Check that everything in the header and table lies within `bytes` and is consistent.
 *  @retval BP_EFORMAT  the text says what */
bp_status bp__image_selfcheck(const bp__image *image, uint64_t bytes);

#endif
