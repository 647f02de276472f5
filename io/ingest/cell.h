/** @file io/ingest/cell.h
 * Numbers in cells, as vendors write them.
 *
 *  - Missing: an empty cell, "-", "--", null, NA, N/A, None, nan, in any case, and what spreadsheets make
 *    of them (#N/A).
 *  - "1234.5", "1e3", "+1", "$1234.5"; in a file whose separator is no comma also "1234,5".
 *  - Thousands separators where no other reading is possible: "1,234.50", "1,234,567", "1.234,50",
 *    "1.234.567". With one mark and three digits behind it ("1,234") it depends on what the other numbers
 *    of the file look like, and in volumes on whether all of them are so: a number that contradicts how an earlier one was read is refused, and
 *    bp__numbers_unsettled() says when none settled it.
 *  - Volumes may end in K, M or B.
 */
#ifndef BP_IO_INGEST_CELL_H
#define BP_IO_INGEST_CELL_H

#include "io/ingest/csvtext.h"

/** How the numbers of a file are written, as far as it is known: zeroed, but `commas`, to begin with. One
 * thread. */
typedef struct bp__numbers {
    bool commas;  /**< separated by commas: the decimal mark is a point */
    char point;   /**< ',' or '.', once a number could be read in one way only; 0 */
    char assumed; /**< the mark that was taken for the decimal one in a number that has two readings */
    uint64_t assumed_line; /**< where that was first */
    bool grouped;          /**< a thousands separator that can be nothing else */
    uint64_t grouped_line; /**< of the first "1,234" that was read as 1234; 0 */
    char volume_groups; /**< the mark that groups digits in all volumes that were looked at beforehand; 0 */
} bp__numbers;

typedef enum bp__cell { BP__CELL_NUMBER, BP__CELL_MISSING, BP__CELL_BAD, BP__CELL_UNCLEAR } bp__cell;

/** @param[out] value     NaN where it is missing
 *  @param[out] decimals  digits behind the decimal mark */
bp__cell bp__cell_number(bp__numbers *how, const bp__csv_field *field, bool volume, uint64_t line,
                         double *value, int *decimals);

/** Powers of ten that are doubles without an error. */
extern const double bp__ten_to_the[23];

/** A number that can be read in one way only: digits with at most one decimal mark, as nearly all are. Both the digits
 *  and the power of ten are doubles without an error, so that their quotient is the double nearest to the decimal
 *  number.
 *  @param[in] p  followed, some time, by a byte that is neither a digit nor the mark
 *  @return where it ends; NULL if there is none: too long, or no digit at all */
static inline const char *bp__cell_plain(const char *p, char point, double *value, int *decimals)
{
    const char *const first = p;
    uint64_t digits = 0;
    for (; (unsigned char)(*p - '0') < 10; p++) digits = 10 * digits + (uint64_t)(*p - '0');
    const char *const mark = p;
    if (*p == point && point)
        for (p++; (unsigned char)(*p - '0') < 10; p++) digits = 10 * digits + (uint64_t)(*p - '0');
    if (p == first || p - first > 18 || (mark == first && p == mark + 1) || digits > UINT64_C(1) << 53)
        return NULL;
    *decimals = p == mark ? 0 : (int)(p - mark - 1);
    *value = *decimals == 0 ? (double)digits : (double)digits / bp__ten_to_the[*decimals];
    return p;
}

/** How a cell groups digits: the one mark in it that has three digits behind it, each time; 0: it has no mark.
 *  @return false: a mark in it is the decimal one, or could not be a mark at all */
bool bp__cell_grouping(const bp__csv_field *field, char *mark);

/** The ratio of a split: a number, or "2:1", "2/1", "7-for-1": new shares per old one. NaN where it is
 * missing. */
bp__cell bp__cell_ratio(bp__numbers *how, const bp__csv_field *field, uint64_t line, double *value);

/** Whether a cell is written like a ratio, right or wrong: "2:1". */
bool bp__cell_is_ratio(const bp__csv_field *field);

/** Whether a cell says that a value is missing. */
bool bp__cell_is_missing(const bp__csv_field *field);

/** Line of a number that has two readings, of which no other number of the file settled one; 0: none. At
 * the end of the file. Then "1,234" was read as 1234 between commas, else as 1.234. */
uint64_t bp__numbers_unsettled(const bp__numbers *how);

#endif
