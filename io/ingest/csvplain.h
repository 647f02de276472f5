/** @file io/ingest/csvplain.h
 * Rows that need no second look: a date such as 2020-01-31 and plain numbers, as nearly all rows of daily bars are.
 *
 * Such a row is read from left to right, each byte once. Whatever else a row holds, right or wrong, it is left where it
 * is, for csvtext.h, when.h and cell.h to read: they give the same of a plain row, and say what is wrong with any other.
 * One thread per file.
 */
#ifndef BP_IO_INGEST_CSVPLAIN_H
#define BP_IO_INGEST_CSVPLAIN_H

#include "io/draft.h"
#include "io/ingest/columns.h"
#include "io/ingest/csvtext.h"

#define BP__CSV_DATE_BYTES 10

/** How rows are laid out. Zeroed: no row is plain. */
typedef struct bp__csv_plain {
    size_t columns;
    signed char what[BP__CSV_FIELDS]; /**< of each column: its meaning, or PASSED_OVER */

    /* private to csvplain.c: the month of the row before, in which nearly every row is */
    char month[8];   /* "2020-01-" */
    int64_t day0;    /* the day before its first, in days since the epoch */
    unsigned length; /* days */
} bp__csv_plain;

typedef struct bp__csv_plain_row {
    const char *date; /**< as written, BP__CSV_DATE_BYTES; good until the next row */
    int64_t day;      /**< a midnight, ns */
    double
        value[BP__NUM_FIELDS]; /**< prices above 0, the high not below the low; NaN: no column of volumes */
} bp__csv_plain_row;

/** @param[in] columns  that have a date and all prices; nothing but these and the volume is read */
void bp__csv_plain_init(bp__csv_plain *plain, const bp__columns *columns);

/** The next row, if it is plain. @param[in] point  the decimal mark; 0: not known yet, so that no row is plain
 *  @return false: the text stands where it was */
bool bp__csv_plain_next(bp__csv_plain *plain, bp__csv_text *text, char point, bp__csv_plain_row *row);

#endif
