/** @file io/ingest/csvfile.h
 * One CSV file of bars: plain or gzip, columns by the names in its header.
 *
 *  - date, open, high, low, close, volume are required, dividend and split optional; any order, any
 *    case, others are ignored. No quotes. CRLF, a UTF-8 byte order mark and blank lines are allowed.
 *  - A date is YYYY-MM-DD, with [T| ]HH:MM[:SS] behind it in minute files, taken as UTC; strictly
 *    ascending.
 *  - A blank number or nan is missing.
 *
 * Errors are "PATH:LINE: what is wrong". One thread per series.
 */
#ifndef BP_IO_INGEST_CSVFILE_H
#define BP_IO_INGEST_CSVFILE_H

#include <stdbool.h>

#include "io/draft.h"

typedef struct bp__csv_event { /* a row with a dividend or a split */
    int64_t date;
    double dividend; /**< 0: none */
    double split;    /**< new shares per old one; 1: none */
} bp__csv_event;

typedef struct bp__csv_series {
    BP__TABLE(bp__bar) bars;
    BP__TABLE(bp__csv_event) events;
} bp__csv_series;

/** Read a file of daily bars (dates without time of day) or of minute bars.
 *
 * @param[out] series  owned: bp__csv_fini(); at least one bar; zeroed on failure
 *
 * @retval BP_EFORMAT  the text names file and line
 * @retval BP_ERANGE   a price or volume that a bundle file cannot hold; names file, line and column
 * @retval BP_EIO, BP_ENOMEM
 */
bp_status bp__csv_read(const char *path, bool daily, bp__csv_series *series);

void bp__csv_fini(bp__csv_series *series);

#endif
