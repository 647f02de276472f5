/** @file src/reader/minute.h
 * What the parts of the reader of minute bars share.
 */
#ifndef BP_READER_MINUTE_H
#define BP_READER_MINUTE_H

#include "reader/calendar.h"

/** @retval BP_ENOSID */
bp_status bp__reader_minute_row(const bp_reader *reader, int64_t sid, size_t *row);

/** Place, among all bars, of the first bar of a row that is not before `time`. */
size_t bp__reader_bars_below(const bp__minute_bars *minute, size_t row, int64_t time);

#endif
