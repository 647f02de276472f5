/** @file io/hdf5/h5chunks.h
 * Where the bulk datasets of a bundle file lie: datasets and tasks of a plan.
 *
 * Called between bp__h5_lock() and bp__h5_unlock().
 */
#ifndef BP_IO_HDF5_H5CHUNKS_H
#define BP_IO_HDF5_H5CHUNKS_H

#include "core/plan.h"
#include "io/hdf5/h5small.h"

/** Check every bulk dataset, reserve its column in `head`, and cut it into tasks.
 *  @param[in,out] plan  dataset and task arrays are allocated; the caller frees them, on failure too
 *  @retval BP_EFORMAT, BP_EIO, BP_ENOMEM */
bp_status bp__h5_plan_bulk(const bp__h5file *file, const bp__h5shape *shape, bp__head *head, bp__plan *plan);

/** Read whole rows of a dataset that only libhdf5 finds, or whose numbers are to be converted.
 *  @param[out] raw  native integers of elem_bytes each, [rows * shape[1]] */
bp_status bp__h5_read_block(const bp__h5file *file, const bp__plan_dataset *dataset, uint64_t first,
                            uint64_t rows, void *raw);

#endif
