/** @file io/decode.h
 * From stored bytes to a column: pread, undo the filters, convert, in one task of a plan.
 */
#ifndef BP_IO_DECODE_H
#define BP_IO_DECODE_H

#include "core/plan.h"

/** Decode one task of a plan into an image whose head is in place.
 *
 * Threads: any, on distinct tasks. Tasks of datasets with through_hdf5 take the lock of libhdf5.
 *
 * @param[in] label  how errors name the file
 * @param[in] fd     the file that the plan was made from
 * @param[in] image  its first byte
 * @retval BP_EFORMAT  the stored bytes are damaged
 * @retval BP_EIO      reading failed, or the file is shorter than it was
 * @retval BP_ENOMEM */
bp_status bp__decode_task(const char *label, int fd, const bp__plan *plan, uint64_t task, void *image);

#endif
