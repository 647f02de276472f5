/** @file io/hdf5/h5inline.h
 * Looking into a bundle file in this very process: the parser's, unless BUNDLEPOOL_PARSER=inline. What a damaged file
 * makes of libhdf5 happens here.
 *
 * Threads: any; each takes the lock of libhdf5. All fail with BP_EFORMAT, BP_EIO, BP_ENOMEM, BP_ESYS.
 */
#ifndef BP_IO_HDF5_H5INLINE_H
#define BP_IO_HDF5_H5INLINE_H

#include "core/plan.h"
#include "io/hdf5/h5read.h"
#include "io/origin.h"
#include "io/parser/ask.h"

/** @param[in]     country  NULL: the only one that the file has
 *  @param[in,out] plan     all zero but for the identity; bp__plan_fini(), on failure too */
bp_status bp__h5_inline_plan(const bp__subject *file, const char *country, bp__plan *plan);

/** @param[out] raw  whole rows: native integers of elem_bytes each, in C order */
bp_status bp__h5_inline_block(const bp__subject *file, const bp__plan_dataset *dataset, uint64_t first,
                              uint64_t rows, void *raw);

bp_status bp__h5_inline_countries(const bp__subject *file, bp__h5countries *countries);

/** @param[in,out] origin  all zero; bp__origin_fini(), on failure too */
bp_status bp__h5_inline_origin(const bp__subject *file, bp__origin *origin);

#endif
