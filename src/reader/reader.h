/** @file src/reader/reader.h
 * What a reader is: the columns of its bundle, checked against each other once, and indexes over them.
 *
 * DESIGN. A bundle is columns. A reader adds what a search needs and nothing else, so that it is small beside
 * the bundle and can be made for every pin. Everything but the indexes of trades (trades.h), which need a
 * pass over all volumes, is built on creation and never changes; so threads need no lock. Every column is
 * checked here for its length and order, and so the readers may take both for granted, whoever made the
 * image.
 */
#ifndef BP_READER_READER_H
#define BP_READER_READER_H

#include <bundlepool/reader.h>

#include "reader/dated.h"
#include "reader/sorted.h"
#include "reader/symbols.h"
#include "reader/trades.h"

enum { BP__NUM_READER_FIELDS = BP_FIELD_VOLUME + 1 };

/** Rows of the asset table. */
typedef struct bp__asset_rows {
    size_t num;
    const int64_t *start, *end, *first_traded, *auto_close;
    const uint32_t *symbol, *name, *exchange;
    bp__sorted sid;
    uint32_t *by_exchange; /**< [num] rows by exchange, then sid; owned */
} bp__asset_rows;

typedef struct bp__daily_bars {
    size_t assets, sessions;                    /**< N, D */
    const int64_t *life_start, *life_end;       /**< [N]; NULL: not in the bundle */
    const char *currency;                       /**< [N][3]; NULL: not in the bundle */
    const double *value[BP__NUM_READER_FIELDS]; /**< [N][D]; NULL: not in the bundle */
    bp__sorted sid, day;
    bp__trades *trades;
} bp__daily_bars;

typedef struct bp__minute_bars {
    size_t assets, bars; /**< M, K */
    const int64_t *offset, *dt;
    const double *value[BP__NUM_READER_FIELDS]; /**< [K]; NULL: not in the bundle */
    bp__sorted sid;
    int64_t first, last; /**< of all bars; BP_TIME_MISSING: none */
    bp__trades *trades;
} bp__minute_bars;

typedef struct bp__calendar {
    size_t num;
    const int64_t *open, *close;
    bool has_hours; /**< of every session, and they do not overlap */
    bp__sorted session, opens;
} bp__calendar;

enum { BP__RATIOS = 3 }; /**< splits, mergers, dividends: table k is bit k of BP_ADJUST_… */

struct bp_reader {
    const bp_bundle *bundle;
    bp__asset_rows assets;
    bp__symbols symbols;
    bp__daily_bars daily;
    bp__minute_bars minute;
    bp__calendar calendar;
    bp__dated ratio[BP__RATIOS];
    bp__dated payout, stock;
    const int64_t *payout_declared, *payout_record, *payout_pay;
    const int64_t *stock_declared, *stock_record, *stock_pay, *stock_payment;
};

/** @retval BP_EINVAL  not a field */
bp_status bp__reader_check_field(const bp_reader *reader, bp_field field);

/** Turn a stride of 0 into num_sids. @retval BP_EINVAL  rows would overlap */
bp_status bp__reader_check_stride(const bp_reader *reader, size_t num_sids, size_t *stride);

/** What is behind the public functions over daily bars. @retval BP_ENOSID @retval BP_ENODATA_ON
 *  @retval BP_EINVAL, BP_ENOTFOUND  no such field; none in this bundle */
bp_status bp__reader_daily_row(const bp_reader *reader, int64_t sid, size_t *row);
bp_status bp__reader_session(const bp_reader *reader, int64_t day, size_t *at);
bp_status bp__reader_daily_values(const bp_reader *reader, bp_field field, const double **value);

static inline const char *bp__reader_name(const bp_reader *reader)
{
    return bp_bundle_name(reader->bundle);
}

#endif
