/** @file io/draft.h
 * What a bundle file is going to hold: plain arrays in memory, filled by an ingest, read by the writer.
 *
 *  1. bp__draft_init(); bp__draft_set_daily() once, then fill sid, day and daily in place.
 *  2. bp__draft_add_…() for everything else, in the order that the file is to have.
 *  3. bp__draft_check() says what is not in order; the writer calls it as well.
 *  4. bp__draft_fini().
 *
 * Units are those of the file: prices × 1000 as integers with 0 for missing, times in ns since the epoch
 * with BP_TIME_MISSING. Texts are copied; every array is owned by the draft. One thread.
 */
#ifndef BP_IO_DRAFT_H
#define BP_IO_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include <bundlepool/bundle.h>

#include "core/status.h"

#define BP__PRICE_SCALE 1000

enum { BP__OPEN, BP__HIGH, BP__LOW, BP__CLOSE, BP__VOLUME, BP__NUM_FIELDS };

/** "open" … "volume". */
extern const char *const bp__field_name[BP__NUM_FIELDS];

typedef struct bp__draft_asset {
    int64_t sid;
    char *symbol, *name, *exchange; /**< UTF-8 */
    int64_t start_date, end_date, first_traded, auto_close_date;
} bp__draft_asset;

typedef struct bp__draft_mapping {
    int64_t sid;
    char *symbol;
    int64_t start_date, end_date;
} bp__draft_mapping;

typedef struct bp__draft_session {
    int64_t session, market_open, market_close;
} bp__draft_session;

typedef struct bp__draft_ratio { /* a split, a merger or a dividend: earlier prices are multiplied */
    int64_t sid, effective_date;
    double ratio;
} bp__draft_ratio;

typedef struct bp__draft_payout {
    int64_t sid, ex_date, declared_date, record_date, pay_date;
    double amount;
} bp__draft_payout;

typedef struct bp__draft_stock {
    int64_t sid, ex_date, declared_date, record_date, pay_date, payment_sid;
    double ratio;
} bp__draft_stock;

typedef struct bp__draft_bar {
    int64_t dt;
    uint32_t value[BP__NUM_FIELDS];
} bp__draft_bar;

typedef struct bp__draft_minute { /* a sid that has minute bars: rows first … first of the next one */
    int64_t sid;
    size_t first;
} bp__draft_minute;

/** A growing table: `n` rows of type T. */
#define BP__TABLE(T)                                                                                         \
    struct {                                                                                                 \
        T *row;                                                                                              \
        size_t n, cap;                                                                                       \
    }

/** Make room for one more row. @retval BP_ENOMEM  nothing changed */
bp_status bp__table_grow(void **row, size_t n, size_t *cap, size_t size);

/** Append `value` to a table, or return BP_ENOMEM from the calling function. */
#define BP__APPEND(table, value)                                                                             \
    do {                                                                                                     \
        void *rows_ = (table)->row;                                                                          \
        BP_TRY(bp__table_grow(&rows_, (table)->n, &(table)->cap, sizeof *(table)->row));                     \
        (table)->row = rows_;                                                                                \
        (table)->row[(table)->n++] = (value);                                                                \
    } while (0)

enum { BP__SPLITS, BP__MERGERS, BP__DIVIDENDS, BP__NUM_RATIOS };

typedef struct bp__draft {
    char bundle_name[BP_NAME_MAX + 1];
    char schema_version[16]; /**< "v1" */
    char calendar_name[32];  /**< such as "XNYS" */
    char currency[4];        /**< of every asset; "USD" */

    size_t num_sids, num_sessions;
    int64_t *sid;                    /**< [N] ascending */
    int64_t *day;                    /**< [D] ascending */
    uint32_t *daily[BP__NUM_FIELDS]; /**< [N][D] */

    BP__TABLE(bp__draft_asset) assets;                 /**< by sid */
    BP__TABLE(bp__draft_mapping) mappings;             /**< by (sid, start_date) */
    BP__TABLE(bp__draft_session) calendar;             /**< by session */
    BP__TABLE(bp__draft_ratio) ratios[BP__NUM_RATIOS]; /**< by (sid, effective_date) */
    BP__TABLE(bp__draft_payout) payouts;               /**< by (sid, ex_date) */
    BP__TABLE(bp__draft_stock) stocks;                 /**< by (sid, ex_date) */
    BP__TABLE(bp__draft_minute) minutes;               /**< by sid */
    BP__TABLE(bp__draft_bar) bars;                     /**< by (sid, dt) */
} bp__draft;

/** An empty draft: schema "v1", currency "USD". @retval BP_EINVAL  bundle_name is not allowed */
bp_status bp__draft_init(bp__draft *draft, const char *bundle_name);

/** Free everything; a zeroed draft is allowed. */
void bp__draft_fini(bp__draft *draft);

/** Make room for n sids and d sessions of daily bars, all zero (missing). Once per draft.
 *  @retval BP_ENOMEM, BP_ERANGE  nothing changed */
bp_status bp__draft_set_daily(bp__draft *draft, size_t n, size_t d);

/* Each appends one row, copying it. @retval BP_ENOMEM  nothing was added */
bp_status bp__draft_add_asset(bp__draft *draft, const bp__draft_asset *asset);
bp_status bp__draft_add_mapping(bp__draft *draft, const bp__draft_mapping *mapping);
bp_status bp__draft_add_session(bp__draft *draft, const bp__draft_session *session);
bp_status bp__draft_add_ratio(bp__draft *draft, int kind, const bp__draft_ratio *ratio);
bp_status bp__draft_add_payout(bp__draft *draft, const bp__draft_payout *payout);
bp_status bp__draft_add_stock(bp__draft *draft, const bp__draft_stock *stock);

/** Begin the minute bars of a sid; bp__draft_add_bar() appends to the sid begun last. */
bp_status bp__draft_add_minute(bp__draft *draft, int64_t sid);
bp_status bp__draft_add_bar(bp__draft *draft, const bp__draft_bar *bar);

/** Add a cash dividend that goes ex in session column `ex` of daily row `row`: the payout, and the ratio
 *  1 - amount / close before, unless there is no such close or the ratio is not positive, as zipline does. */
bp_status bp__draft_add_dividend(bp__draft *draft, size_t row, size_t ex, const bp__draft_payout *payout);

/** First and last session column with a bar (a field that is not 0); without any, 0 and D - 1, as zipline. */
void bp__draft_lifetime(const bp__draft *draft, size_t row, int64_t *first, int64_t *last);

/** Check that everything is ascending, unique and in range where the file format wants it so.
 *  @retval BP_EINVAL  the text says what */
bp_status bp__draft_check(const bp__draft *draft);

/** price × 1000 rounded half to even; NaN becomes 0 (missing).
 *  @retval BP_ERANGE  negative, infinite or beyond uint32; *out is untouched */
bp_status bp__price_to_u32(double price, uint32_t *out);

/** The same for a volume, unscaled. */
bp_status bp__volume_to_u32(double volume, uint32_t *out);

#endif
