/** @file io/hdf5/decode.h
 * From stored bytes to a column: fetch what the file stores of a task, undo the filters, convert.
 */
#ifndef BP_IO_HDF5_DECODE_H
#define BP_IO_HDF5_DECODE_H

#include "core/loader.h"

/** Read what is stored of a task: a raw chunk, or plain elements of what only HDF5 can read.
 *
 * Threads: any, on distinct tasks. What only libhdf5 can read comes from the parser.
 *
 * @param[in]  label   how errors name the file
 * @param[in]  fd      the file that the plan was made from
 * @param[out] stored  [stored_bytes of the task]
 * @retval BP_EFORMAT  HDF5 cannot read it
 * @retval BP_EIO      reading failed, or the file is shorter than it was
 * @retval BP_ENOMEM */
bp_status bp__fetch_task(const char *label, int fd, const bp__plan *plan, uint64_t task, void *stored);

/** The loader's decoder: a buffer for one chunk, and libdeflate's state. */
bp_status bp__decoder_create(bp__decoder **decoder);
void bp__decoder_destroy(bp__decoder **decoder);
bp_status bp__decoder_unpack(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                             const bp__plan_task *task, const void *stored);
bp_status bp__decoder_run(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                          const bp__plan_task *task, const void *stored, void *image);

#endif
