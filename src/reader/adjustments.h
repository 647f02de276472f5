/** @file src/reader/adjustments.h
 * What those who apply adjustments share.
 */
#ifndef BP_READER_ADJUSTMENTS_H
#define BP_READER_ADJUSTMENTS_H

#include "reader/reader.h"

/** @retval BP_EINVAL  bits that are no kind */
bp_status bp__reader_check_kinds(const bp_reader *reader, unsigned kinds);

/** Whether a ratio is one: positive, and neither it nor its inverse is infinite. */
bool bp__reader_applies(double ratio);

#endif
