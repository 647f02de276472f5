/** @file io/hdf5/filters.h
 * Undoing what a writer's filters did to a chunk, without libhdf5: deflate, shuffle, LZF and fletcher32 (HDF5's sum of
 * 16-bit words behind a chunk), in any order, with one compression at most. Whatever stands in a chunk, nothing but its
 * bytes is read, and a chunk that does not come out at its very size is damaged.
 */
#ifndef BP_IO_HDF5_FILTERS_H
#define BP_IO_HDF5_FILTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/plan.h"

/** Memory of one thread that undoes filters; it grows with the chunks. */
typedef struct bp__undoer bp__undoer;

/** @param[out] undoer  owned: bp__undoer_destroy() @retval BP_ENOMEM */
bp_status bp__undoer_create(bp__undoer **undoer);
void bp__undoer_destroy(bp__undoer **undoer);

/** What came of a chunk. */
typedef struct bp__undone {
    const uint8_t
        *bytes;      /**< what it held before the filters: in `stored`, or in the undoer until its next use */
    bool shuffled;   /**< still in byte planes, by filters->shuffle_bytes */
    const char *why; /**< after BP_EFORMAT: what is wrong with it */
} bp__undone;

/** Whether filters are ones that bp__undo() knows, in number and kind. */
bool bp__can_undo(const bp__filters *filters);

/** Undo the filters of a chunk.
 *
 * @param[in] skipped       bit i: filter i was left out for this chunk
 * @param[in] bytes         of the chunk before its filters
 * @param[in] keeps_planes  leave the planes of a shuffle that was the first filter to who converts the elements
 * @retval BP_EFORMAT, BP_ENOMEM  no text is recorded */
bp_status bp__undo(bp__undoer *undoer, const bp__filters *filters, uint32_t skipped, const void *stored,
                   uint64_t stored_bytes, uint64_t bytes, bool keeps_planes, bp__undone *undone);

/** HDF5's Fletcher-32: of 16-bit words with the high byte first. */
uint32_t bp__fletcher32(const void *data, size_t bytes);

#endif
