/** @file io/hdf5/h5remote.h
 * What is asked about bundle files: each question is answered by the parser, or, with BUNDLEPOOL_PARSER=inline, in this
 * process; the answers are checked here either way, before anything of them is used.
 *
 * Threads: any. The functions fail with what looking into the file comes to (BP_EFORMAT, BP_EIO, BP_ENOMEM, BP_ESYS), and
 * with what bp__parser_ask() adds.
 */
#ifndef BP_IO_HDF5_H5REMOTE_H
#define BP_IO_HDF5_H5REMOTE_H

#include "core/plan.h"
#include "io/hdf5/h5read.h"
#include "io/origin.h"
#include "io/parser/ask.h"

/** Make and check the plan of one country. @param[in] country  NULL: the only one that the file has
 *  @param[in,out] plan  all zero but for the identity; bp__plan_fini(), on failure too */
bp_status bp__h5_ask_plan(const bp__subject *file, const char *country, bp__plan *plan);

/** Read whole rows of a dataset with through_hdf5.
 *  @param[out] raw  native integers of elem_bytes each, in C order */
bp_status bp__h5_ask_block(const bp__subject *file, const bp__plan_dataset *dataset, uint64_t first,
                           uint64_t rows, void *raw);

bp_status bp__h5_ask_countries(const bp__subject *file, bp__h5countries *countries);

/** @param[out] origin  bp__origin_fini(), on failure too */
bp_status bp__h5_ask_origin(const bp__subject *file, bp__origin *origin);

#endif
