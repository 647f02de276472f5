/** @file src/reader/audit_findings.h
 * What is odd about a bundle, as a list: each finding has an asset, a date, a size, a sentence and a weight.
 *
 * The weight is an estimate of how wrong a backtest may be that trades the asset, in percent of its price: from
 * BP__HEAVY on a finding is heavy, and no result should be believed before somebody has looked at it. What is only worth
 * knowing, as a delisting, weighs next to nothing.
 *
 * Of each kind the heaviest are kept in words, and the others are counted: which ones are kept does not depend on the
 * order in which threads find them.
 */
#ifndef BP_READER_AUDIT_FINDINGS_H
#define BP_READER_AUDIT_FINDINGS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/json.h"
#include "core/status.h"

#define BP__HEAVY        5.0
#define BP__FINDING_TEXT 240
#define BP__NO_SID       INT64_MIN /**< of a finding that is about no asset */

/* Identifier, name, unit of its size. Names are for --json and scripts: they stay as they are. docs/verify.md explains
 * each. */
#define BP__FINDING_MAP(X)                                                                                   \
    X(SPLIT_CONTRADICTED, "split-contradicted", "%")                                                         \
    X(SPLIT_INVERTED, "split-inverted", "%")                                                                 \
    X(SPLIT_MISSING, "split-missing", "%")                                                                   \
    X(UNIT_CHANGE, "unit-change", "%")                                                                       \
    X(SPIKE, "spike", "%")                                                                                   \
    X(JUMP, "jump", "%")                                                                                     \
    X(DIVIDEND_BEYOND, "dividend-beyond-price", "%")                                                         \
    X(DIVIDEND_CONTRADICTED, "dividend-contradicted", "%")                                                   \
    X(DIVIDEND_LARGE, "dividend-large", "%")                                                                 \
    X(EVENT_TWICE, "event-twice", "events")                                                                  \
    X(HIGH_BELOW_LOW, "high-below-low", "%")                                                                 \
    X(OUTSIDE_RANGE, "outside-range", "%")                                                                   \
    X(WICK, "wick", "%")                                                                                     \
    X(PRICE_PARTIAL, "price-partial", "bars")                                                                \
    X(VOLUME_ALONE, "volume-alone", "bars")                                                                  \
    X(VOLUME_ZERO, "volume-zero", "bars")                                                                    \
    X(STALE, "stale-price", "sessions")                                                                      \
    X(CONSTANT, "constant-price", "sessions")                                                                \
    X(HOLE, "hole", "sessions")                                                                              \
    X(ENDS_EARLY, "ends-early", "sessions")                                                                  \
    X(BEGINS_LATE, "begins-late", "sessions")                                                                \
    X(STRAY_SESSION, "stray-session", "assets")                                                              \
    X(CALENDAR_GAP, "calendar-gap", "days")                                                                  \
    X(FEW_ASSETS, "few-assets", "assets")                                                                    \
    X(BLANK_SESSION, "blank-session", "sessions")                                                            \
    X(WEEKEND, "weekend", "sessions")                                                                        \
    X(MIXED_CALENDARS, "mixed-calendars", "assets")                                                          \
    X(MINUTE_RANGE, "minute-range", "bars")                                                                  \
    X(MINUTE_PARTIAL, "minute-partial", "bars")                                                              \
    X(MINUTE_VOLUME, "minute-volume-alone", "bars")                                                          \
    X(MINUTE_ORDER, "minute-order", "bars")                                                                  \
    X(MINUTE_HOURS, "minute-hours", "bars")                                                                  \
    X(MINUTE_SECONDS, "minute-seconds", "bars")                                                              \
    X(MINUTE_DAILY, "minute-daily", "%")                                                                     \
    X(NO_BARS, "no-bars", "sessions")                                                                        \
    X(NO_ASSET, "no-asset", "assets")                                                                        \
    X(LIFE_BACKWARDS, "life-backwards", "days")                                                              \
    X(BARS_OUTSIDE_LIFE, "bars-outside-life", "days")                                                        \
    X(RATIO, "ratio", "events")                                                                              \
    X(UNKNOWN_SID, "unknown-sid", "events")                                                                  \
    X(SYMBOL_SHARED, "symbol-shared", "assets")                                                              \
    X(SYMBOL_ALIKE, "symbol-alike", "assets")                                                                \
    X(MAPPING_BACKWARDS, "mapping-backwards", "days")                                                        \
    X(MAPPING_SID, "mapping-unknown-sid", "assets")                                                          \
    X(SESSION_TIME, "session-time", "sessions")                                                              \
    X(CALENDAR_HOURS, "calendar-hours", "sessions")                                                          \
    X(CALENDAR_DAYS, "calendar-days", "sessions")                                                            \
    X(LIFETIME, "lifetime", "sessions")                                                                      \
    X(LIFETIME_BARS, "lifetime-bars", "sessions")                                                            \
    X(ASSET_DATE, "asset-date", "dates")                                                                     \
    X(NEGATIVE_SID, "negative-sid", "assets")                                                                \
    X(EVENT_DATE, "event-date", "events")                                                                    \
    X(EVENT_OUTSIDE, "event-outside", "events")                                                              \
    X(MINUTE_SESSION, "minute-session", "sessions")                                                          \
    X(PRICE_SIZE, "price-size", "")                                                                          \
    X(TEXT, "text", "bytes")                                                                                 \
    X(CURRENCY, "currency", "assets")                                                                        \
    X(CHECKSUM, "checksum", "bundles")

typedef enum bp__finding_kind {
#define X(id, name, unit) BP__FOUND_##id,
    BP__FINDING_MAP(X)
#undef X
        BP__NUM_FINDINGS
} bp__finding_kind;

extern const char *const bp__finding_name[BP__NUM_FINDINGS];
extern const char *const bp__finding_unit[BP__NUM_FINDINGS];

typedef struct bp__finding {
    bp__finding_kind kind;
    int64_t sid;     /**< BP__NO_SID: none */
    char symbol[32]; /**< cut to what fits; "" where there is none */
    int64_t date;    /**< or time; BP_TIME_MISSING: none */
    double size, weight;
    char text[BP__FINDING_TEXT]; /**< for people; names neither the asset nor the date */
} bp__finding;

typedef struct bp__findings {
    size_t most;     /**< of each kind that are kept */
    double lightest; /**< what weighs less is no finding; 0 at first */
    size_t count[BP__NUM_FINDINGS];
    size_t heavy; /**< of all kinds, kept or not */
    struct {
        bp__finding *row; /**< a heap, the lightest on top, until bp__findings_sort() */
        size_t n, cap;
    } kept[BP__NUM_FINDINGS];
    bp_status status; /**< of the first finding that could not be kept */
    pthread_mutex_t lock;
} bp__findings;

/** @param[in] most  of each kind that are kept in words; at least 1 */
void bp__findings_init(bp__findings *findings, size_t most);

/** A zeroed one is allowed. */
void bp__findings_fini(bp__findings *findings);

/** Add a finding; the format makes its text. Threads: any. No memory is told by findings->status. */
void bp__findings_add(bp__findings *findings, bp__finding_kind kind, int64_t sid, const char *symbol,
                      int64_t date, double size, double weight, const char *format, ...)
    __attribute__((format(printf, 8, 9)));

/** All that were kept, the heaviest first; then by kind, sid and date. When no thread adds any more.
 *  @param[out] sorted  pointers into `findings`; owned: free(); NULL if there is none
 *  @retval BP_ENOMEM  here, or while findings were added */
bp_status bp__findings_sort(bp__findings *findings, const bp__finding ***sorted, size_t *n);

/** How many there are, kept or not. */
size_t bp__findings_total(const bp__findings *findings);

/** Print a line each, "heavy: AAPL 2014-06-09: TEXT [split-contradicted]", or "warning: ..." for what is not heavy; then
 *  how many more there are of each kind. @param[in] lead  what each line begins with, such as "  " */
bp_status bp__findings_print(bp__findings *findings, FILE *file, const char *lead);

/** Members "findings" (an array), "counts" (by kind, all of them) and "heavy" of an object that is open. */
bp_status bp__findings_json(bp__findings *findings, bp__json *j);

/** "AAPL 2014-06-09", "sid 7", "2014-06-09": what a finding is about. @return `text` */
const char *bp__finding_where(const bp__finding *f, char *text, size_t size);

#endif
