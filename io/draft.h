/** @file io/draft.h
 * What a bundle file is going to hold, on its way from a source to the writer.
 *
 *  1. bp__draft_init().
 *  2. bp__draft_add_bars() for every run of bars, from any thread; bp__draft_add_…() for everything else, in any
 *     order, by one thread at a time.
 *  3. bp__draft_finish(): sorts, works out sessions, lifetimes, scaling factors and the price ratios of dividends,
 *     and says what is not in order.
 *  4. The writer reads bars back, series by series, from any thread: bp__draft_read().
 *  5. bp__draft_fini().
 *
 * Bars wait in the spill (io/spill.h), because sessions and scaling factors are known only when the last of them has been
 * seen: it keeps no more than a fixed amount in memory. What else stays is small: a row per series, asset and event.
 *
 * Prices and volumes are doubles as the source gave them; NaN is a missing price, 0 or NaN a missing volume. Times are
 * int64 ns since the epoch, UTC, BP_TIME_MISSING where there is none. Texts are copied.
 */
#ifndef BP_IO_DRAFT_H
#define BP_IO_DRAFT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bundlepool/bundle.h>

#include "core/status.h"
#include "io/bar.h"
#include "io/origin.h"
#include "io/scale.h"
#include "io/spill.h"

enum { BP__DAILY, BP__MINUTE, BP__NUM_FRAMES };
enum { BP__PRICE, BP__AMOUNT, BP__NUM_SCALES }; /**< of the four prices, of the volume */

/** "open" … "volume"; "daily", "minute". */
extern const char *const bp__field_name[BP__NUM_FIELDS];
extern const char *const bp__frame_name[BP__NUM_FRAMES];

/** Whether a bar says nothing: no price, no volume. Such bars are not kept: they make no session and no lifetime. */
bool bp__bar_is_blank(const bp__bar *bar);

/** How errors of bp__draft_… say what is wrong with a bar; NULL if nothing is. */
const char *bp__bar_defect(const bp__bar *bar, int frame);

typedef struct bp__draft_asset {
    int64_t sid;
    char *symbol, *name, *exchange; /**< UTF-8 */
    char currency[4];               /**< ISO 4217; BP_NO_CURRENCY: not known */
    /** BP_TIME_MISSING: bp__draft_finish() takes the days of its first and last bar in either frame; auto_close_date
     *  is then a day later. An asset without any bar keeps what it was given. */
    int64_t start_date, end_date, first_traded, auto_close_date;
} bp__draft_asset;

typedef struct bp__draft_mapping {
    int64_t sid;
    char *symbol;
    int64_t start_date, end_date;
} bp__draft_mapping;

typedef struct bp__draft_session {
    int64_t session, market_open, market_close; /**< hours: BP_TIME_MISSING where they are not known */
} bp__draft_session;

typedef struct bp__draft_ratio { /* a split, a merger or a dividend: earlier prices are multiplied */
    int64_t sid, effective_date;
    double ratio;
} bp__draft_ratio;

typedef struct bp__draft_payout {
    int64_t sid, ex_date, declared_date, record_date, pay_date;
    double amount; /**< per share */
} bp__draft_payout;

typedef struct bp__draft_stock {
    int64_t sid, ex_date, declared_date, record_date, pay_date, payment_sid;
    double ratio;
} bp__draft_stock;

/** A run of bars in the spill. */
typedef struct bp__draft_run {
    uint64_t at; /**< bytes from the start of the spill */
    size_t bars;
    bp__bar_form form;
} bp__draft_run;

/** Days from the first one that int64 ns can name to the epoch, and words of 64 days for all of them. */
#define BP__DAYS_BEFORE_EPOCH 106752
#define BP__DAY_WORDS         (2 * BP__DAYS_BEFORE_EPOCH / 64 + 1)

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

typedef struct bp__draft_place {
    int64_t sid;
    size_t row; /**< in the table of series */
} bp__draft_place;

/** The bars of one sid in one frame. */
typedef struct bp__draft_series {
    int64_t sid;
    size_t bars;
    bool dropped;                    /**< bp__draft_drop() */
    int64_t first, last;             /**< dt of the first and the last bar; BP_TIME_MISSING without any */
    bp__scale scale[BP__NUM_SCALES]; /**< what its values permit */
    double factor[BP__NUM_SCALES];   /**< 0 until it was fixed, or finish() has chosen one */
    BP__TABLE(bp__draft_run) runs;
} bp__draft_series;

enum { BP__SPLITS, BP__MERGERS, BP__DIVIDENDS, BP__NUM_RATIOS };

#define BP__SCHEMA_VERSION "v1" /**< of all data that we know how to read */

typedef struct bp__draft {
    char bundle_name[BP_NAME_MAX + 1];
    char schema_version[16]; /**< BP__SCHEMA_VERSION */
    char country[16];        /**< of the group that holds it all: "US" */
    char calendar_name[32];  /**< such as "XNYS"; "": not known */
    bp__origin origin;       /**< where it comes from; owned */

    BP__TABLE(bp__draft_asset) assets;
    BP__TABLE(bp__draft_mapping) mappings;
    BP__TABLE(bp__draft_session) calendar;
    BP__TABLE(bp__draft_ratio) ratios[BP__NUM_RATIOS];
    BP__TABLE(bp__draft_payout) payouts;
    BP__TABLE(bp__draft_stock) stocks;
    BP__TABLE(bp__draft_series) series[BP__NUM_FRAMES];

    /* Made by bp__draft_finish(). Then every table is sorted: assets and series by sid (series that were dropped are
     * gone), the others by (sid, date), the calendar by session. */
    BP__TABLE(int64_t) days; /**< [D] sessions: days on which an asset has a daily bar, and added ones */
    double factor[BP__NUM_FRAMES][BP__NUM_SCALES]; /**< of the bundle */
    bool by_asset[BP__NUM_FRAMES][BP__NUM_SCALES]; /**< one factor cannot do: that of each series counts */

    /* private to draft.c */
    BP__TABLE(bp__draft_payout) undivided;            /* payouts whose price ratio finish() works out */
    BP__TABLE(bp__draft_place) place[BP__NUM_FRAMES]; /* of each series, by sid */
    uint64_t *day_set;  /* a bit for each day that int64 ns can name, set where there is a session */
    bool day_set_stale; /* bars were taken back: it may hold too many */
    BP__TABLE(int64_t) more_days; /* of bp__draft_add_day() */
    bp__spill spill;
    bool open; /* the lock and the spill are there */
    uint64_t spilled;
    pthread_mutex_t lock;
} bp__draft;

/** An empty draft: schema "v1", country "US", no calendar.
 *
 * @param[in] folder  where the spill goes that does not fit into memory: that of the file to be written; NULL: a memory file
 * @retval BP_EINVAL  bundle_name is not allowed
 * @retval BP_EIO     no file can be made in the folder; the text names it
 */
bp_status bp__draft_init(bp__draft *draft, const char *bundle_name, const char *folder);

/** Free everything, the spill as well; a zeroed draft is allowed. */
void bp__draft_fini(bp__draft *draft);

/* Bars ------------------------------------------------------------------------------------------ */

/** Append bars to the series of a sid. Threads: any; one series by one thread at a time.
 *
 * @param[in] bars   [n] ascending by dt, later than those that were added before; blank ones are passed over. n = 0
 *                   begins a series, which stays even if it remains empty
 * @param[in] scale  [BP__NUM_SCALES] what the caller found these bars to permit (bp__scale_note()), or NULL: it is found here
 * @retval BP_EFORMAT  not ascending, a negative or infinite value, a daily bar that is no midnight: callers that know
 *                     of files and lines check before
 * @retval BP_EIO      the spill cannot be written: no space; names its folder
 * @retval BP_ENOMEM
 */
bp_status bp__draft_add_bars(bp__draft *draft, int frame, int64_t sid, const bp__bar *bars, size_t n,
                             const bp__scale *scale);

/** Keep the factors that a source has, so that its values stay as they are to the last bit. 0: choose one.
 *  The series must have been begun. */
void bp__draft_fix_factors(bp__draft *draft, int frame, int64_t sid, double price, double amount);

/** A day is a session of the daily bars even if no asset trades then: a source knows so. */
bp_status bp__draft_add_day(bp__draft *draft, int64_t day);

/** Take back all bars of a sid in a frame: its file turned out to be bad. */
void bp__draft_drop(bp__draft *draft, int frame, int64_t sid);

/** Sids were provisional, 0 .. n-1, and become `to[sid]` everywhere; before finish(). Two must not become one. */
void bp__draft_renumber(bp__draft *draft, const int64_t *to, size_t n);

/** Read all bars of a finished draft's series, or of one that no thread adds to any more. Threads: any.
 *  @param[out] bars  [series->bars] */
bp_status bp__draft_read(const bp__draft *draft, const bp__draft_series *series, bp__bar *bars);

/** The same of `n` bars from `first` on, of those that there are. */
bp_status bp__draft_read_part(const bp__draft *draft, const bp__draft_series *series, size_t first, size_t n,
                              bp__bar *bars);

/** Bars where they lie: one of the two. */
typedef struct bp__draft_view {
    const bp__bar *bars;
    const bp__packed_bar *packed;
    bp__bar_form form;
} bp__draft_view;

/** The same, without a copy where they lie in memory in one piece.
 *  @param[in]  room  [n]
 *  @param[out] view  there, or in the spill: borrowed until bp__draft_fini() */
bp_status bp__draft_look(const bp__draft *draft, const bp__draft_series *series, size_t first, size_t n,
                         bp__bar *room, bp__draft_view *view);

/** Bars in all series of a frame. */
size_t bp__draft_num_bars(const bp__draft *draft, int frame);

/* Everything else ------------------------------------------------------------------------------- */

/* Each appends one row, copying it. @retval BP_ENOMEM  nothing was added */
bp_status bp__draft_add_asset(bp__draft *draft, const bp__draft_asset *asset);
bp_status bp__draft_add_mapping(bp__draft *draft, const bp__draft_mapping *mapping);
bp_status bp__draft_add_session(bp__draft *draft, const bp__draft_session *session);
bp_status bp__draft_add_ratio(bp__draft *draft, int kind, const bp__draft_ratio *ratio);
bp_status bp__draft_add_payout(bp__draft *draft, const bp__draft_payout *payout);
bp_status bp__draft_add_stock(bp__draft *draft, const bp__draft_stock *stock);

/** A cash dividend of which only the amount is known: the payout, and, when the draft is finished, the ratio
 *  1 - amount / close of the session before, unless there is no such close or the ratio is not positive, as zipline. */
bp_status bp__draft_add_dividend(bp__draft *draft, const bp__draft_payout *payout);

/** For draft.c and finish: set the bit of a day. */
void bp__draft_mark_day(uint64_t *day_set, int64_t day);

/** Put everything in order and check it.
 *
 * @retval BP_EINVAL  two assets of one sid, a ratio that is not positive, two rows of one session, ...: the text says which
 * @retval BP_ERANGE  no factor keeps the prices of a series to 1e-6; names its sid. Volumes never fail: what is beyond a
 *                    uint32 is stored in larger units, and scale[BP__AMOUNT].low > factor tells
 * @retval BP_ENOMEM, BP_EIO
 */
bp_status bp__draft_finish(bp__draft *draft);

/** Row of a sid; SIZE_MAX if there is none. After finish(). */
size_t bp__draft_find_asset(const bp__draft *draft, int64_t sid);
size_t bp__draft_find_series(const bp__draft *draft, int frame, int64_t sid);

/** Column of a day in draft->days, or of the first one after it. */
size_t bp__draft_find_day(const bp__draft *draft, int64_t day);

#endif
