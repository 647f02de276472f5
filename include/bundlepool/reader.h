/** @file reader.h
 * Four readers over a bundle: asset finder, daily bars, minute bars, adjustments. They answer what zipline's
 * AssetFinder, daily and minute bar readers and SQLiteAdjustmentReader answer, by the same rules;
 * docs/readers.md compares them function by function.
 *
 * Steps
 *  1. bp_pool_get() or bp_bundle_load(): a bundle.
 *  2. bp_reader_create(): one handle for all four readers; its indexes are built here.
 *  3. Any number of threads ask; nobody changes anything.
 *  4. bp_reader_destroy(), and then bp_bundle_release(): a reader borrows its bundle.
 *
 * Conventions, unless a function says otherwise
 *  - Threads: any, and many at a time on one reader. No MPI, no file, nothing blocks.
 *  - No search is linear. Functions that give one value allocate nothing.
 *  - Times are int64 ns since the epoch, UTC. A session or day is the midnight that names it. BP_TIME_MISSING
 *    as "as of" is no date at all; as an answer it says that there is none.
 *  - A missing price is NaN, a missing volume 0. Values are as traded unless a function says adjusted.
 *  - Texts that are handed out are borrowed until the bundle is released.
 *  - Lists go to the caller's memory: `room` elements at most are written to `out`, `*count` says how many
 *    there are. With room 0, `out` may be NULL: so one asks for the number first.
 *  - On failure outputs are untouched, and bp_error_text() names the bundle and what was asked for.
 *    Everything that takes a field fails with BP_EINVAL for a number that is not one, and with BP_ENOTFOUND
 *    where the bundle holds no such values at all.
 */
#ifndef BUNDLEPOOL_READER_H
#define BUNDLEPOOL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bundlepool/bundle.h>
#include <bundlepool/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bp_reader bp_reader;

/** What a bar has. */
typedef enum bp_field {
    BP_FIELD_OPEN = 0,
    BP_FIELD_HIGH = 1,
    BP_FIELD_LOW = 2,
    BP_FIELD_CLOSE = 3,
    BP_FIELD_VOLUME = 4
} bp_field;

/** Build the indexes of a bundle.
 *
 * Blocks: a pass over assets, sessions and adjustments, not over bars. Takes some 100 bytes per symbol
 * mapping, and 8 per asset, session and adjustment. What bp_reader_…_last_traded() needs is built by its
 * first call.
 *
 * @param[in]  bundle  borrowed until bp_reader_destroy()
 * @param[out] reader  owned: bp_reader_destroy(); NULL on failure
 * @retval BP_EFORMAT  columns of the bundle contradict each other; the text names them
 * @retval BP_ENOMEM   no memory for the indexes
 */
BP_API bp_status bp_reader_create(const bp_bundle *bundle, bp_reader **reader);

/** Free a reader; *reader becomes NULL, and may be NULL already. No other thread may be using it. */
BP_API void bp_reader_destroy(bp_reader **reader);

/** The bundle that a reader was made for. Borrowed. */
BP_API const bp_bundle *bp_reader_bundle(const bp_reader *reader);

/* Asset finder ---------------------------------------------------------------------------------- */

/** A row of the asset table. Grows at its end.
 *
 *     bp_asset asset = bp_asset_init();
 *     bp_reader_retrieve_asset(reader, sid, &asset);
 */
typedef struct bp_asset {
    size_t size; /**< set by bp_asset_init() */
    int64_t sid;
    const char *symbol;   /**< the last one it had; borrowed, as the next two */
    const char *name;     /**< "" where it is not known */
    const char *exchange; /**< "" where it is not known */
    int64_t start_date;   /**< first day listed */
    int64_t end_date;     /**< last day listed */
    int64_t first_traded;
    int64_t auto_close_date;
    char currency[8]; /**< ISO 4217; BP_NO_CURRENCY: not known, or no daily bars */
} bp_asset;

/** An asset to be filled in: everything 0 but the size. */
static inline bp_asset bp_asset_init(void)
{
    bp_asset asset;
    memset(&asset, 0, sizeof asset);
    asset.size = sizeof asset;
    return asset;
}

/** How a symbol is looked up. The case of ASCII letters does not matter in either way, and one of the
 *  characters `. / - _` parts a share class from its company: BRK_A, BRK.A and brk/a are one symbol. */
typedef enum bp_lookup {
    BP_LOOKUP_STRICT = 0,
    BP_LOOKUP_FUZZY = 1 /**< the parting character may be missing as well: BRKA */
} bp_lookup;

/** That an asset had a symbol from start to end. Frozen: this struct never grows. */
typedef struct bp_ownership {
    int64_t sid;
    const char *symbol;           /**< as the bundle writes it; borrowed */
    int64_t start_date, end_date; /**< as the bundle says; BP_TIME_MISSING: not known */
} bp_ownership;

/** A, the number of rows of the asset table, and their sids, ascending. Borrowed until release. */
BP_API size_t bp_reader_num_assets(const bp_reader *reader);
BP_API const int64_t *bp_reader_sids(const bp_reader *reader);

/** The asset of a sid.
 *
 * @param[in,out] asset  from bp_asset_init()
 * @retval BP_ENOSID  no such sid in the asset table
 * @retval BP_EINVAL  asset->size is not valid
 */
BP_API bp_status bp_reader_retrieve_asset(const bp_reader *reader, int64_t sid, bp_asset *asset);

/** The assets of several sids, in their order.
 *
 * @param[in,out] assets  [num] each from bp_asset_init()
 * @param[out]    found   [num] whether each sid is there; what is not, is left alone. NULL: all have to be
 *                        there
 * @retval BP_ENOSID  `found` is NULL, and a sid is not in the asset table
 * @retval BP_EINVAL  the size of one is not valid
 */
BP_API bp_status bp_reader_retrieve_all(const bp_reader *reader, const int64_t *sids, size_t num,
                                        bp_asset *assets, bool *found);

/** The asset that had a symbol on a day.
 *
 * A symbol belongs to the asset that took it last, from its start until another one takes it, even beyond the
 * end that the bundle gives; zipline does the same. Without a date it must have had one owner ever. Fuzzily,
 * the periods of all symbols that are spelled alike are looked through, and of several owners the one that is
 * spelled as asked for is taken.
 *
 * @param[in]  as_of  BP_TIME_MISSING: no date
 * @retval BP_ENOSYMBOL   nobody ever had this symbol, or nobody on that day
 * @retval BP_EAMBIGUOUS  several had it: without a date, at different times; with a date, by periods that
 *                        overlap (a fault of the data) or by spellings that only a fuzzy look-up takes for
 *                        one
 * @retval BP_EINVAL      `how` is not a way
 */
BP_API bp_status bp_reader_lookup_symbol(const bp_reader *reader, const char *symbol, int64_t as_of,
                                         bp_lookup how, int64_t *sid);

/** Several symbols as of one day. @param[out] sids  [num]
 *  @retval as bp_reader_lookup_symbol(), of the first symbol that fails */
BP_API bp_status bp_reader_lookup_symbols(const bp_reader *reader, const char *const *symbols, size_t num,
                                          int64_t as_of, bp_lookup how, int64_t *sids);

/** Everyone who ever had a symbol, by start date. @retval BP_ENOSYMBOL  nobody @retval BP_EINVAL  as above */
BP_API bp_status bp_reader_owners(const bp_reader *reader, const char *symbol, bp_lookup how,
                                  bp_ownership *out, size_t room, size_t *count);

/** The symbol that an asset had on a day: of its periods, the last that had begun by then.
 *
 * @param[in] as_of  BP_TIME_MISSING: the one it had last
 * @retval BP_ENOSID      no such sid in the asset table
 * @retval BP_ENOSYMBOL   it had none yet on that day, or never had one
 */
BP_API bp_status bp_reader_symbol_of(const bp_reader *reader, int64_t sid, int64_t as_of,
                                     const char **symbol);

/** Every symbol that an asset ever had, by start date. @retval BP_ENOSID  no such sid in the asset table */
BP_API bp_status bp_reader_symbols_of(const bp_reader *reader, int64_t sid, bp_ownership *out, size_t room,
                                      size_t *count);

/** The exchanges of the asset table, in order of their names; "" is one of them where some asset has none. */
BP_API void bp_reader_exchanges(const bp_reader *reader, const char **out, size_t room, size_t *count);

/** Ascending sids of the assets of an exchange; none for a name that is no exchange. */
BP_API void bp_reader_sids_of_exchange(const bp_reader *reader, const char *exchange, int64_t *out,
                                       size_t room, size_t *count);

/** Which assets were listed on which dates: from start_date to end_date, both included. A date that is not
 *  known bounds nothing.
 *
 * @param[in]  sids           [num_sids]; NULL: all of the asset table, and num_sids is their number
 * @param[in]  include_start  false: not yet on its start date, as nothing is known of it that morning
 * @param[out] alive          [num_dates][num_sids]
 * @retval BP_ENOSID  a sid is not in the asset table
 * @retval BP_EINVAL  `sids` is NULL, and num_sids is another number
 */
BP_API bp_status bp_reader_lifetimes(const bp_reader *reader, const int64_t *dates, size_t num_dates,
                                     const int64_t *sids, size_t num_sids, bool include_start, bool *alive);

/** Ascending sids of the assets that were listed on a date. */
BP_API void bp_reader_alive(const bp_reader *reader, int64_t date, bool include_start, int64_t *out,
                            size_t room, size_t *count);

/* Daily bars ------------------------------------------------------------------------------------ */

/** First and last session of the daily bars; BP_TIME_MISSING if there is none. bp_bundle_sessions() has them
 *  all, bp_bundle_sids() the assets. */
BP_API int64_t bp_reader_first_session(const bp_reader *reader);
BP_API int64_t bp_reader_last_session(const bp_reader *reader);

/** Currency of an asset's prices, as in the bundle; BP_NO_CURRENCY: not known.
 *  @retval BP_ENOSID  no daily bars */
BP_API bp_status bp_reader_currency(const bp_reader *reader, int64_t sid, char code[4]);

/** One value of one session. What is missing in an asset's lifetime is NaN, or 0; the lifetime is that of its
 *  bars.
 *
 * @retval BP_ENOSID         no daily bars of this sid
 * @retval BP_ENODATA_ON     `day` is no session
 * @retval BP_ENODATA_BEFORE nothing there, and the asset's first bar is later, or it has none
 * @retval BP_ENODATA_AFTER  nothing there, and the asset's last bar is earlier
 */
BP_API bp_status bp_reader_daily_value(const bp_reader *reader, int64_t sid, int64_t day, bp_field field,
                                       double *value);

/** The last session at or before `time` on which an asset had a volume; BP_TIME_MISSING: none.
 *
 * The first call of a reader passes over all volumes once, while other such calls wait for it.
 *
 * @retval BP_ENOSID  no daily bars of this sid
 * @retval BP_ENOMEM  first call only: no memory for the index, 3 bytes per 16 values
 */
BP_API bp_status bp_reader_daily_last_traded(const bp_reader *reader, int64_t sid, int64_t time,
                                             int64_t *session);

/** Place and number of the sessions from start to end, both included.
 *
 * @param[out] first  index of `start` among bp_bundle_sessions()
 * @retval BP_ENODATA_ON  start or end is no session
 * @retval BP_EINVAL      start is after end
 */
BP_API bp_status bp_reader_daily_range(const bp_reader *reader, int64_t start, int64_t end, size_t *first,
                                       size_t *num);

/** Bars of several assets over the sessions from start to end, both included.
 *
 * @param[in]  fields  [num_fields]
 * @param[in]  sids    [num_sids] in any order; one may stand there twice
 * @param[out] out     [num_fields] tables of [sessions][num_sids] doubles, as zipline lays them out
 * @param[in]  stride  doubles from a row of a table to the next; 0: num_sids
 * @retval BP_ENODATA_ON  start or end is no session
 * @retval BP_EINVAL      start is after end, or stride is less than num_sids
 * @retval BP_ENOSID      no daily bars of one of them; the text names it
 */
BP_API bp_status bp_reader_daily_load(const bp_reader *reader, const bp_field *fields, size_t num_fields,
                                      int64_t start, int64_t end, const int64_t *sids, size_t num_sids,
                                      double *const *out, size_t stride);

/* Minute bars ----------------------------------------------------------------------------------- */

/* A minute is the time of its end. The minutes of a session are those after its open up to its close. Hours
 * are known where every session of the calendar has them and they do not overlap. */

/** M, the number of sids with minute bars, and these sids, ascending. Borrowed until release. */
BP_API size_t bp_reader_num_minute_sids(const bp_reader *reader);
BP_API const int64_t *bp_reader_minute_sids(const bp_reader *reader);

/** First and last session with minute bars (where hours are not known, UTC days stand for sessions), and the
 *  close of the latter, or the last minute with a bar; BP_TIME_MISSING if there is no bar. */
BP_API int64_t bp_reader_minute_first_session(const bp_reader *reader);
BP_API int64_t bp_reader_minute_last_session(const bp_reader *reader);
BP_API int64_t bp_reader_minute_last_available(const bp_reader *reader);

/** Hours of a session of the calendar; BP_TIME_MISSING where they are not known.
 *  @retval BP_ENODATA_ON  no such session in the calendar */
BP_API bp_status bp_reader_session_hours(const bp_reader *reader, int64_t session, int64_t *open,
                                         int64_t *close);

/** The session of the calendar to which a minute belongs.
 *  @retval BP_ENODATA_ON  to none, or hours are not known */
BP_API bp_status bp_reader_session_of(const bp_reader *reader, int64_t minute, int64_t *session);

/** One value of one minute; NaN or 0 where the asset has no bar.
 *
 * @retval BP_ENOSID      no minute bars of this sid
 * @retval BP_ENODATA_ON  no bar, and no minute of any session, or, where hours are not known, a time before
 *                        the first or after the last bar of all
 */
BP_API bp_status bp_reader_minute_value(const bp_reader *reader, int64_t sid, int64_t minute, bp_field field,
                                        double *value);

/** The last minute at or before `time` with a volume; BP_TIME_MISSING: none. Otherwise as
 *  bp_reader_daily_last_traded(). */
BP_API bp_status bp_reader_minute_last_traded(const bp_reader *reader, int64_t sid, int64_t time,
                                              int64_t *minute);

/** Which minutes an axis has. */
typedef enum bp_axis {
    BP_AXIS_MARKET = 0, /**< every minute of every session; where hours are not known, as BP_AXIS_BARS */
    BP_AXIS_BARS = 1    /**< every minute at which one of the sids has a bar, also outside of the hours */
} bp_axis;

/** The ascending minutes from start to end, both included.
 *
 * @param[in] sids  [num_sids] whose bars count for BP_AXIS_BARS; NULL: those of all sids
 * @retval BP_EINVAL  start is after end, or `axis` is not one
 * @retval BP_ENOSID  no minute bars of one of them
 * @retval BP_ENOMEM  BP_AXIS_BARS only, which needs 8 bytes per bar for a while
 */
BP_API bp_status bp_reader_minutes(const bp_reader *reader, bp_axis axis, int64_t start, int64_t end,
                                   const int64_t *sids, size_t num_sids, int64_t *out, size_t room,
                                   size_t *count);

/** Bars of several assets at given minutes, such as bp_reader_minutes() gives. A bar that is at none of them
 *  is left out.
 *
 * @param[in]  minutes  [num_minutes] ascending
 * @param[out] out      [num_fields] tables of [num_minutes][num_sids]; otherwise as bp_reader_daily_load()
 * @retval BP_EINVAL  minutes are not ascending, or stride is less than num_sids
 * @retval BP_ENOSID  no minute bars of one of them; the text names it
 */
BP_API bp_status bp_reader_minute_load(const bp_reader *reader, const bp_field *fields, size_t num_fields,
                                       const int64_t *minutes, size_t num_minutes, const int64_t *sids,
                                       size_t num_sids, double *const *out, size_t stride);

/* Adjustments ----------------------------------------------------------------------------------- */

/** Tables of ratios; to be joined by |. Prices before the effective date are multiplied by the ratio; volumes
 *  are divided by it, for splits alone. A ratio that is not a positive number is never applied. */
enum {
    BP_ADJUST_SPLITS = 1,
    BP_ADJUST_MERGERS = 2,
    BP_ADJUST_DIVIDENDS = 4,
    BP_ADJUST_ALL = 7,
    BP_ADJUST_NONE = 0 /**< as traded */
};

/** A row of one of these tables. Frozen, as every struct of this part is. */
typedef struct bp_ratio {
    int64_t effective_date;
    double ratio;
} bp_ratio;

/** Rows of one table for a sid, by date, as they are in the bundle: none for a sid without any.
 *  @param[in] kind  one of BP_ADJUST_SPLITS, …_MERGERS, …_DIVIDENDS @retval BP_EINVAL  it is not */
BP_API bp_status bp_reader_ratios_of(const bp_reader *reader, unsigned kind, int64_t sid, bp_ratio *out,
                                     size_t room, size_t *count);

/** What happens to a table of [dates][sids] at one of its rows: rows first_row … last_row of the columns are
 *  multiplied by value. */
typedef struct bp_adjustment {
    int64_t row; /**< from which on it is known */
    int64_t first_row, last_row, first_col, last_col;
    double value;
    uint32_t kind; /**< BP_ADJUST_SPLITS, … */
    uint32_t reserved;
} bp_adjustment;

/** Adjustments with effective dates from dates[0] to the last date, for tables over these dates and sids.
 *
 * As zipline's: row is the place of the effective date among the dates, or of the first one after it;
 * first_row is 0 and last_row is row, because zipline's pipeline reads the bars of the session before for
 * each date. Who holds the bars of the dates themselves leaves out row `row`. In order of row, then splits,
 * mergers, dividends, then sids as they were given, then dates; with too little room, it is not said which of
 * them are there.
 *
 * @param[in] dates  [num_dates] ascending
 * @param[in] sids   [num_sids] known or not
 * @param[in] field  BP_FIELD_VOLUME: the inverse ratios of splits; else the ratios of `kinds`
 * @param[in] kinds  BP_ADJUST_SPLITS | …
 * @retval BP_EINVAL  dates are not ascending, or `kinds` has an unknown bit
 */
BP_API bp_status bp_reader_load_adjustments(const bp_reader *reader, const int64_t *dates, size_t num_dates,
                                            const int64_t *sids, size_t num_sids, bp_field field,
                                            unsigned kinds, bp_adjustment *out, size_t room, size_t *count);

/** A dividend in cash. */
typedef struct bp_dividend {
    int64_t sid, ex_date, declared_date, record_date, pay_date;
    double amount; /**< per share */
} bp_dividend;

/** A dividend in shares. */
typedef struct bp_stock_dividend {
    int64_t sid, ex_date, declared_date, record_date, pay_date, payment_sid;
    double ratio; /**< shares of payment_sid per share */
} bp_stock_dividend;

/** Dividends whose ex-dates are from `from` to `to`, both included, by sids as they are given, then by date.
 *
 * @param[in] sids  [num_sids] known or not; NULL: of all sids, ascending
 * @retval BP_EINVAL  from is after to
 */
BP_API bp_status bp_reader_dividends(const bp_reader *reader, int64_t from, int64_t to, const int64_t *sids,
                                     size_t num_sids, bp_dividend *out, size_t room, size_t *count);
BP_API bp_status bp_reader_stock_dividends(const bp_reader *reader, int64_t from, int64_t to,
                                           const int64_t *sids, size_t num_sids, bp_stock_dividend *out,
                                           size_t room, size_t *count);

/** The last k sessions of an asset up to `session`, as they looked at a later time: adjusted by what had
 *  become effective since each of them, and by no ratio with an effective date after `as_of`. Allocates
 *  nothing.
 *
 * @param[in]  k      sessions; those before the first of the bundle are NaN, or 0
 * @param[in]  as_of  not before `session`; BP_TIME_MISSING: `session`
 * @param[in]  kinds  BP_ADJUST_SPLITS | …
 * @param[out] value  [k]
 * @retval BP_ENOSID      no daily bars of this sid
 * @retval BP_ENODATA_ON  `session` is no session
 * @retval BP_EINVAL      as_of is before session, or `kinds` has an unknown bit
 */
BP_API bp_status bp_reader_window(const bp_reader *reader, int64_t sid, bp_field field, int64_t session,
                                  size_t k, int64_t as_of, unsigned kinds, double *value);

#ifdef __cplusplus
}
#endif
#endif
