/** @file io/hdf5/h5raw.h
 * The elements of a dataset as the file holds them: filters undone by us, nothing converted.
 *
 * libhdf5 hands out whatever memory it has where a chunk decodes short, and takes a chunk whose entry in an index is damaged
 * for one that was never written. So chunks are fetched as they are stored and undone here, with their sizes checked, and
 * those that are stored are counted.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5RAW_H
#define BP_IO_HDF5_H5RAW_H

#include "core/plan.h"
#include "io/hdf5/h5util.h"

/** The filters of a dataset. @param[out] known  whether bp__undo() can undo them; else `filters` is empty */
bp_status bp__h5_filters_of(const bp__h5file *file, const bp__h5set *set, bp__filters *filters, bool *known);

/** Shape of the chunks: {n, 1} for one dimension.
 *  @retval BP_EFORMAT  larger than the dataset gives reason for: whoever reads one needs as much memory */
bp_status bp__h5_chunk_of(const bp__h5file *file, const bp__h5set *set, uint64_t chunk[2]);

/** Bytes of an element as they are stored; more than in memory where texts of any length are referred to.
 *  @param[out] refers  whether there are such references: then rows as they are stored are good for nothing but their size */
bp_status bp__h5_element_bytes(const bp__h5file *file, const bp__h5set *set, size_t *bytes, bool *refers);

/** Check that every chunk that is stored is one of the dataset's grid, and that contiguous or compact bytes are as many as
 *  the shape takes. */
bp_status bp__h5_check_stored(const bp__h5file *file, const bp__h5set *set);

/** Read whole rows, as they are stored. @param[out] raw  [rows * columns * bytes of an element]
 *  @retval BP_EFORMAT  damaged @retval BP_EIO, BP_ENOMEM */
bp_status bp__h5_raw_rows(const bp__h5file *file, const bp__h5set *set, uint64_t first, uint64_t rows,
                          void *raw);

#endif
