/** @file io/ingest/columns.h
 * What the columns of a CSV file mean: the separator, the header, and its vendor's words for what bars
 * consist of.
 *
 * Case, blanks, underscores and points in a name do not matter, nor does a number in front ("5. adjusted
 * close"). Words are in a table in columns.c, and in docs/ingest.md. Two columns for one meaning are an
 * error, except that some words are only taken where there is no better one: "last" and "price" beside
 * "close".
 *
 * The header may stand below title lines, and may take three lines, as that of yfinance.
 */
#ifndef BP_IO_INGEST_COLUMNS_H
#define BP_IO_INGEST_COLUMNS_H

#include "io/draft.h"
#include "io/ingest/csvtext.h"

/** Meanings; those before are BP__OPEN … BP__VOLUME. */
enum {
    BP__COL_DATE = BP__NUM_FIELDS,
    BP__COL_TIME, /**< of day, where the date is in a column of its own */
    BP__COL_ADJUSTED,
    BP__COL_DIVIDEND,
    BP__COL_SPLIT,
    BP__COL_SYMBOL,
    BP__NUM_COLS
};

#define BP__COL_NONE      SIZE_MAX
#define BP__COL_NAME_MAX  40
#define BP__COL_NAMES_MAX 320

typedef struct bp__columns {
    size_t at[BP__NUM_COLS];                   /**< field of each meaning; BP__COL_NONE */
    char name[BP__NUM_COLS][BP__COL_NAME_MAX]; /**< as the file has it */
    size_t num_fields;
    uint64_t line;                     /**< of the header */
    uint64_t titles;                   /**< lines above it */
    char unused[BP__COL_NAMES_MAX];    /**< "'vwap', 'trades'"; "" */
    char alike[BP__COL_NAMES_MAX];     /**< of those, the ones that look like dividends or splits */
    char unadjusted[BP__COL_NAME_MAX]; /**< of those, one with closes before adjustment; "" */
    bool
        as_yfinance; /**< "Dividends" and "Stock Splits", but no adjusted close: prices are adjusted already */
    char ticker[BP__COL_NAME_MAX]; /**< that a line of the header names, as yfinance has it; "" */
    bool has_ticker;               /**< the column of symbols is one of tickers, not of codes or names */
} bp__columns;

/** Find the header of a text that was just begun, and leave the text behind it.
 *
 * @param[in] need_symbol  a column that names the asset is required
 * @retval BP_EFORMAT  no header, or one that lacks something; the text names file and line
 */
bp_status bp__columns_find(bp__csv_text *text, bool need_symbol, bp__columns *columns);

#endif
