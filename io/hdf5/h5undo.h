/** @file io/hdf5/h5undo.h
 * Undoing the filters of a chunk that only libhdf5 knows, with the size of what comes out.
 *
 * libhdf5 does not look at that size: where a chunk decodes short, it takes the memory behind for the rest.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5UNDO_H
#define BP_IO_HDF5_H5UNDO_H

#include "io/hdf5/h5util.h"

typedef struct bp__h5undoer bp__h5undoer;

/** What bp__h5_undo() is to undo: chunks of `set`, of element_bytes for each element as it is stored.
 *  @param[in]  opaque  elements refer to something, so their type means nothing outside of the file
 *  @param[out] undoer  owned: bp__h5_undoer_destroy(), also after a failure
 *  @retval BP_EFORMAT  the filters' parameters are not those of its type @retval BP_ENOMEM */
bp_status bp__h5_undoer_create(const bp__h5file *file, const bp__h5set *set, size_t element_bytes,
                               bool opaque, bp__h5undoer **undoer);
void bp__h5_undoer_destroy(bp__h5undoer **undoer);

/** Undo the filters of a chunk.
 *  @param[in]  skipped  bit i: filter i was left out
 *  @param[out] chunk    of the right size: in the undoer's memory, until its next use
 *  @retval BP_EFORMAT  it is damaged, or comes out at another size */
bp_status bp__h5_undo(bp__h5undoer *undoer, uint32_t skipped, const void *stored, size_t stored_bytes,
                      const uint8_t **chunk);

#endif
