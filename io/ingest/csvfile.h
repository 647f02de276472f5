/** @file io/ingest/csvfile.h
 * A CSV file of bars, row by row: opened, unpacked, its columns understood, each value read and checked.
 *
 *  1. bp__csv_open().
 *  2. bp__csv_row_next() until there are no more. What is wrong with a row goes to the report, all of it,
 *  with line and
 *     column.
 *  3. bp__csv_finish(): what is known at the end.
 *  4. bp__csv_close(), at any time.
 *
 * One thread per file.
 */
#ifndef BP_IO_INGEST_CSVFILE_H
#define BP_IO_INGEST_CSVFILE_H

#include "io/ingest/calendar.h"
#include "io/ingest/cell.h"
#include "io/ingest/columns.h"
#include "io/ingest/csvplain.h"
#include "io/ingest/remark.h"
#include "io/ingest/source.h"
#include "io/ingest/when.h"

/** What holds for all files of an ingest; borrowed by each of them. */
typedef struct bp__csv_rules {
    const bp__ingest_options *options;
    bp__report *report;
    bp__remarks *remarks;
    const bp__zone *zone;         /**< NULL: UTC */
    const bp__calendar *calendar; /**< NULL: none */
    /** Whose days are the sessions of minute bars: of the calendar, else that of --timezone; NULL: neither is
     *  given, so that a bar is of the day that is written. */
    const bp__zone *day_zone;
    const char *within;     /**< real path that files must be in; NULL: anywhere */
    _Atomic uint64_t *read; /**< stored bytes that were read */
    bool no_events;         /**< adjustments come from elsewhere: dividend and split columns are not used */
    bool may_be_empty;      /**< a header alone is a series without bars */
} bp__csv_rules;

typedef struct bp__csv_row {
    uint64_t line;
    bool good;                  /**< no errors; else only `line` and `symbol` mean something */
    bp__csv_field date, symbol; /**< as written; good until the next row */
    bp__moment when;
    double value[BP__NUM_FIELDS]; /**< NaN: missing; a price of 0 is missing */
    double dividend, split;       /**< 0: none; 1: none */
    double adjusted;              /**< close; NaN: missing */
    int decimals[2];              /**< of the close and of the adjusted close */
} bp__csv_row;

typedef struct bp__csv_file {
    const bp__csv_rules *rules;
    const char *path; /**< borrowed */
    bp__columns columns;
    bp__csv_text text;
    bool has_dividends, has_splits, has_adjusted; /**< columns, as far as the rules use them */
    bool bad;                                     /**< there were errors */
    bool headless; /**< some of them in rows that are of no asset that is known */
    bool turned;   /**< its rows began with the newest, and that is told */
    uint64_t rows; /**< good ones so far */

    /* private to csvfile.c */
    bp__input *input;
    bp__when how_when;
    bp__numbers how_number;
    bp__csv_plain plain;
    int frame;
    bool table;
    char *symbol;                                      /* of the first row, where each file has one */
    int unclear;                                       /* the first column whose marks have two readings */
    char unclear_cell[BP__COL_NAME_MAX];               /* and its first such cell; "" */
    uint64_t zeros, zeros_line, crossed, crossed_line; /* bars, and where the first one is */
    uint64_t zoneless,
        counted; /* lines of the first minute bars whose zone, or whose day's zone, is said nowhere */
} bp__csv_file;

/** @param[in] frame  BP__DAILY, BP__MINUTE; BP__NUM_FRAMES: a table, whose rows say it by a time of day; then
 *                    bp__csv_frame() tells
 *  @retval any  the text names the file, and the line if it is about one; nothing is left to be closed */
bp_status bp__csv_open(const char *path, int frame, const bp__csv_rules *rules, bp__csv_file *file);
void bp__csv_close(bp__csv_file *file);

/** The next row: both that follow. @retval any  it cannot be read any further */
bp_status bp__csv_row_next(bp__csv_file *file, bp__csv_row *row, bool *more);

/** To the next row, of which only line and symbol are known then; its values may be passed over. */
bp_status bp__csv_row_begin(bp__csv_file *file, bp__csv_row *row, bool *more);

/** The values of that row. @param[in,out] more  set to false if the others are not worth reading */
bp_status bp__csv_row_read(bp__csv_file *file, bp__csv_row *row, bool *more);

/** After the last row: what the remarks are to hold, and what was read. */
bp_status bp__csv_finish(bp__csv_file *file, bp__input_stamp *stamp);

int bp__csv_frame(const bp__csv_file *file);

/** A file of one asset may say whose it is, in a column of tickers or in a line of its header: if that is another
 *  one than `symbol`, by which it goes, add a warning. After the rows. Case and marks do not matter, nor do an exchange
 *  or a share class beside it: "NASDAQ:AAPL", "AAPL.US". */
void bp__csv_check_symbol(const bp__csv_file *file, const char *symbol);

/** An error in a line of the file. */
void bp__csv_error(bp__csv_file *file, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
