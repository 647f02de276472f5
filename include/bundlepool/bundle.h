/** @file bundle.h
 * A bundle in memory: one immutable image of assets, daily bars, minute bars, calendar and
 * adjustments.
 *
 * A `const bp_bundle *` is borrowed from bp_pool_get() or bp_bundle_load() and given back with
 * bp_bundle_release(). In between, nothing that the bundle shows changes, moves or vanishes, whatever is
 * invalidated, evicted or rewritten meanwhile. Every pointer obtained from a bundle is borrowed, too, and
 * invalid after that release. The memory is read-only: a stray write stops the process that made it.
 *
 * Shapes, units, missing values
 *  - N assets with daily bars, in ascending order of sid; D sessions, ascending.
 *  - A daily column is float64 [N][D]: one asset's series is contiguous.
 *  - Prices are in the currency of the asset; a missing price is NaN. Volume is a number of shares as
 *    float64; missing is 0.
 *  - Times are int64 nanoseconds since the epoch, UTC. A session is the midnight that names it.
 *    A missing time is INT64_MIN (::BP_TIME_MISSING).
 *
 * Unless it says otherwise, a function here works on bundles of either origin, calls no MPI, blocks on
 * nothing, and may be called from any thread. A bundle is valid only in the process that got it.
 */
#ifndef BUNDLEPOOL_BUNDLE_H
#define BUNDLEPOOL_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bundlepool/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BP_NAME_MAX     63 /**< bytes of a bundle's name, without the NUL */
#define BP_TIME_MISSING INT64_MIN
#define BP_NS_PER_DAY   INT64_C(86400000000000)

/** ISO 4217's code for no currency, three X: it is not known. */
#define BP_NO_CURRENCY "\130XX"

typedef struct bp_bundle bp_bundle;

typedef enum bp_type { BP_TYPE_I64 = 1, BP_TYPE_F64 = 2, BP_TYPE_U32 = 3, BP_TYPE_BYTES = 4 } bp_type;

/* Every column of an image: identifier, name, element type, number of dimensions.
 * "text" columns are u32 offsets into STRINGS, see bp_bundle_text(). Append only.
 *
 * Values are as they are: nobody has to multiply by a factor. The FACTOR columns tell how a file stored
 * them, as uint32 of value × factor, where one factor for all assets would not do; they are empty where it
 * does, and no part of the content hash.
 *
 * Shapes: N assets with daily bars, D sessions, A rows of the asset table, G symbol mappings,
 * Q calendar sessions, M sids with minute bars, K minute bars in all (sid m owns rows
 * MINUTE_OFFSET[m] .. MINUTE_OFFSET[m+1]). */
#define BP_COLUMN_MAP(X)                                                                                     \
    X(SID, "index/sid", I64, 1)                   /* [N] ascending */                                        \
    X(DAY, "index/day", I64, 1)                   /* [D] ascending */                                        \
    X(LIFE_START, "lifetimes/start_date", I64, 1) /* [N] column index of the first bar */                    \
    X(LIFE_END, "lifetimes/end_date", I64, 1)     /* [N] column index of the last bar */                     \
    X(CURRENCY, "currency/code", BYTES, 2)        /* [N][3] ISO 4217; its code for no currency = missing */  \
    X(ASSET_SID, "assets/sid", I64, 1)            /* [A] ascending */                                        \
    X(ASSET_SYMBOL, "assets/symbol", U32, 1)      /* [A] text */                                             \
    X(ASSET_NAME, "assets/name", U32, 1)          /* [A] text */                                             \
    X(ASSET_EXCHANGE, "assets/exchange", U32, 1)  /* [A] text */                                             \
    X(ASSET_START, "assets/start_date", I64, 1)   /* [A] first day listed */                                 \
    X(ASSET_END, "assets/end_date", I64, 1)       /* [A] last day listed */                                  \
    X(ASSET_FIRST_TRADED, "assets/first_traded", I64, 1)                                                     \
    X(ASSET_AUTO_CLOSE, "assets/auto_close_date", I64, 1)                                                    \
    X(MAP_SID, "assets/symbol_mappings/sid", I64, 1)       /* [G] */                                         \
    X(MAP_SYMBOL, "assets/symbol_mappings/symbol", U32, 1) /* [G] text */                                    \
    X(MAP_START, "assets/symbol_mappings/start_date", I64, 1)                                                \
    X(MAP_END, "assets/symbol_mappings/end_date", I64, 1)                                                    \
    X(SESSION, "calendar/session", I64, 1) /* [Q] ascending */                                               \
    X(MARKET_OPEN, "calendar/market_open", I64, 1)                                                           \
    X(MARKET_CLOSE, "calendar/market_close", I64, 1)                                                         \
    X(SPLIT_SID, "adjustments/splits/sid", I64, 1) /* by (sid, effective_date) */                            \
    X(SPLIT_DATE, "adjustments/splits/effective_date", I64, 1)                                               \
    X(SPLIT_RATIO, "adjustments/splits/ratio", F64, 1) /* multiply earlier prices by it */                   \
    X(MERGER_SID, "adjustments/mergers/sid", I64, 1)                                                         \
    X(MERGER_DATE, "adjustments/mergers/effective_date", I64, 1)                                             \
    X(MERGER_RATIO, "adjustments/mergers/ratio", F64, 1)                                                     \
    X(DIVIDEND_SID, "adjustments/dividends/sid", I64, 1)                                                     \
    X(DIVIDEND_DATE, "adjustments/dividends/effective_date", I64, 1)                                         \
    X(DIVIDEND_RATIO, "adjustments/dividends/ratio", F64, 1)                                                 \
    X(PAYOUT_SID, "adjustments/dividend_payouts/sid", I64, 1) /* by (sid, ex_date) */                        \
    X(PAYOUT_EX, "adjustments/dividend_payouts/ex_date", I64, 1)                                             \
    X(PAYOUT_DECLARED, "adjustments/dividend_payouts/declared_date", I64, 1)                                 \
    X(PAYOUT_RECORD, "adjustments/dividend_payouts/record_date", I64, 1)                                     \
    X(PAYOUT_PAY, "adjustments/dividend_payouts/pay_date", I64, 1)                                           \
    X(PAYOUT_AMOUNT, "adjustments/dividend_payouts/amount", F64, 1) /* per share */                          \
    X(STOCK_SID, "adjustments/stock_dividend_payouts/sid", I64, 1)                                           \
    X(STOCK_EX, "adjustments/stock_dividend_payouts/ex_date", I64, 1)                                        \
    X(STOCK_DECLARED, "adjustments/stock_dividend_payouts/declared_date", I64, 1)                            \
    X(STOCK_RECORD, "adjustments/stock_dividend_payouts/record_date", I64, 1)                                \
    X(STOCK_PAY, "adjustments/stock_dividend_payouts/pay_date", I64, 1)                                      \
    X(STOCK_PAYMENT_SID, "adjustments/stock_dividend_payouts/payment_sid", I64, 1)                           \
    X(STOCK_RATIO, "adjustments/stock_dividend_payouts/ratio", F64, 1)                                       \
    X(MINUTE_SID, "minute/index/sid", I64, 1)       /* [M] ascending */                                      \
    X(MINUTE_OFFSET, "minute/index/offset", I64, 1) /* [M+1] */                                              \
    X(STRINGS, "strings", BYTES, 1)                 /* NUL-terminated texts */                               \
    X(OPEN, "data/open", F64, 2)                    /* [N][D] */                                             \
    X(HIGH, "data/high", F64, 2)                                                                             \
    X(LOW, "data/low", F64, 2)                                                                               \
    X(CLOSE, "data/close", F64, 2)                                                                           \
    X(VOLUME, "data/volume", F64, 2)                                                                         \
    X(MINUTE_DT, "minute/dt", I64, 1)          /* [K] ascending within a sid */                              \
    X(MINUTE_OPEN, "minute/data/open", F64, 1) /* [K] */                                                     \
    X(MINUTE_HIGH, "minute/data/high", F64, 1)                                                               \
    X(MINUTE_LOW, "minute/data/low", F64, 1)                                                                 \
    X(MINUTE_CLOSE, "minute/data/close", F64, 1)                                                             \
    X(MINUTE_VOLUME, "minute/data/volume", F64, 1)                                                           \
    X(FACTOR, "data/scaling_factor", F64, 1)               /* [N] of prices; empty: one for all */           \
    X(VOLUME_FACTOR, "data/volume_scaling_factor", F64, 1) /* [N] */                                         \
    X(MINUTE_FACTOR, "minute/data/scaling_factor", F64, 1) /* [M] */                                         \
    X(MINUTE_VOLUME_FACTOR, "minute/data/volume_scaling_factor", F64, 1) /* [M] */

typedef enum bp_column {
#define X(id, name, type, ndim) BP_COL_##id,
    BP_COLUMN_MAP(X)
#undef X
        BP_NUM_COLUMNS
} bp_column;

/** A column as it lies in memory: C order, 64-byte aligned. Frozen: this struct never grows. */
typedef struct bp_array {
    const void *data; /**< borrowed until release */
    bp_type type;
    int ndim;          /**< 1 or 2 */
    uint64_t shape[2]; /**< shape[1] is 1 where ndim is 1 */
} bp_array;

/** Identifies one state of a bundle; from bp_pool_version() or bp_bundle_version(). Grows at its end.
 *
 *     bp_version version = bp_version_init();
 *     bp_bundle_version(bundle, &version);
 *     bp_version_fini(&version);
 */
typedef struct bp_version {
    size_t size; /**< set by bp_version_init() */
    char bundle_name[BP_NAME_MAX + 1];
    char **asset_list; /**< sorted symbols; owned by the version */
    size_t num_assets;
    char date_range[2][32]; /**< ISO, as hashed: earliest start, latest end */
    char schema_version[16];
    char computed_hash[72]; /**< 64 hex digits over symbols, dates and schema: the compatible one */
    char content_hash[72];  /**< 64 hex digits over every value: changes when a price does */
} bp_version;

/** A version to be filled in: everything 0 but the size. */
static inline bp_version bp_version_init(void)
{
    bp_version version;
    memset(&version, 0, sizeof version);
    version.size = sizeof version;
    return version;
}

/** Load a bundle into private memory of this process: no pool, no MPI.
 *
 * Blocks: reads and decodes the whole file.
 *
 * @param[in]  root    folder of the bundles
 * @param[in]  name    1..63 bytes of [A-Za-z0-9._-], not starting with '.'; copied
 * @param[out] bundle  borrowed until bp_bundle_release(), which frees it; NULL on failure
 *
 * @retval BP_EINVAL     the name is not valid
 * @retval BP_ENOTFOUND  no file ROOT/NAME.h5
 * @retval BP_EFORMAT    the file is not a bundle; the text names file, dataset and reason
 * @retval BP_EIO        reading failed
 * @retval BP_ENOMEM     the image does not fit into memory
 * @retval BP_ECHANGED   the file kept changing while it was read
 */
BP_API bp_status bp_bundle_load(const char *root, const char *name, const bp_bundle **bundle);

/** Give a bundle back. *bundle becomes NULL, and may be NULL already. Never blocks, never fails. If a rank holds a
 *  pool's bundle no more, a further release, by a copy of the pointer, is logged as an error and changes nothing. */
BP_API void bp_bundle_release(const bp_bundle **bundle);

/** Name under which the bundle was asked for; borrowed. */
BP_API const char *bp_bundle_name(const bp_bundle *bundle);

/** Bytes of the image. */
BP_API uint64_t bp_bundle_bytes(const bp_bundle *bundle);

/** A number that differs between any two versions that one pool ever published. */
BP_API uint64_t bp_bundle_generation(const bp_bundle *bundle);

/** One column, without a copy. An absent dataset is a column with shape[0] == 0.
 *  @return false only if `column` is not a column. */
BP_API bool bp_bundle_column(const bp_bundle *bundle, bp_column column, bp_array *array);

/** Name of a column, such as "data/close"; NULL if there is no such column. */
BP_API const char *bp_column_name(bp_column column);

/** A text that a "text" column refers to; "" where the offset is out of bounds. Borrowed until release. */
BP_API const char *bp_bundle_text(const bp_bundle *bundle, uint32_t offset);

/** N, the number of assets with daily bars. */
BP_API size_t bp_bundle_num_assets(const bp_bundle *bundle);

/** D, the number of sessions of the daily bars. */
BP_API size_t bp_bundle_num_sessions(const bp_bundle *bundle);

/** [N] ascending sids of the daily bars; borrowed until release. */
BP_API const int64_t *bp_bundle_sids(const bp_bundle *bundle);

/** [D] ascending sessions; borrowed until release. */
BP_API const int64_t *bp_bundle_sessions(const bp_bundle *bundle);

/** float64 [N][D] of one of BP_COL_OPEN … BP_COL_VOLUME; NULL for any other column. */
BP_API const double *bp_bundle_daily(const bp_bundle *bundle, bp_column column);

/** Row of a sid in the daily bars.
 *  @retval BP_ENOSID  there is none; *row is untouched */
BP_API bp_status bp_bundle_row(const bp_bundle *bundle, int64_t sid, size_t *row);

/** Row of a sid in the asset table.
 *  @retval BP_ENOSID  there is none; *row is untouched */
BP_API bp_status bp_bundle_asset_row(const bp_bundle *bundle, int64_t sid, size_t *row);

/** Symbol of daily row `row`; the sid in decimal where the file has no asset table. Borrowed. */
BP_API const char *bp_bundle_symbol(const bp_bundle *bundle, size_t row);

/** The version of this bundle. Computes content_hash over the whole image: about a second per 2 GB.
 *
 * @param[in,out] version  from bp_version_init(); the caller owns what is filled in: bp_version_fini();
 *                         untouched on failure
 * @retval BP_EINVAL       version->size is not valid
 * @retval BP_ENOMEM       no memory for the symbols
 */
BP_API bp_status bp_bundle_version(const bp_bundle *bundle, bp_version *version);

/** Free what a version owns; it can be filled in again. A zeroed version is allowed. */
BP_API void bp_version_fini(bp_version *version);

#ifdef __cplusplus
}
#endif
#endif
