/** @file io/ingest/zipline_parts.h
 * The parts of an ingestion of zipline, for the files that read one of them each. They run in this order:
 *
 *  1. assets: which sids there are, and how long each of them lives.
 *  2. daily, first half: where in the columns each sid has its rows, and which days these have.
 *  3. calendar: which sessions there are, and what zipline counts them as.
 *  4. daily, second half: bars, each in the session of its place.
 *  5. minute: bars, each in the minute of its place.
 *  6. adjustments.
 *
 * DESIGN. zipline finds a bar by its place and never by its day: the k-th row of a sid belongs to the k-th
 * session from calendar_offset on, and the m-th minute of a file to minute m % minutes_per_day of session m /
 * minutes_per_day. So everything depends on the right list of sessions, and one that is missing shifts every
 * later bar. The files may only name their calendar; so what they do say (days, offsets, first and last
 * session) is held against the list, and what does not fit is an error.
 */
#ifndef BP_IO_INGEST_ZIPLINE_PARTS_H
#define BP_IO_INGEST_ZIPLINE_PARTS_H

#include "io/ingest/bcolz.h"
#include "io/ingest/calendar.h"
#include "io/ingest/meta.h"
#include "io/ingest/sealed.h"
#include "io/ingest/source.h"

#define BP__ZIPLINE_DAILY       "daily_equities.bcolz"
#define BP__ZIPLINE_MINUTE      "minute_equities.bcolz"
#define BP__ZIPLINE_ADJUSTMENTS "adjustments.sqlite"

/** A sid that is imported. */
typedef struct bp__zipline_asset {
    int64_t sid;
    int64_t start, end; /**< days; BP_TIME_MISSING and INT64_MAX: no bound */
} bp__zipline_asset;

/** The rows of a sid in the columns of the daily table. */
typedef struct bp__zipline_rows {
    int64_t sid;
    uint64_t first;     /**< row */
    size_t n;           /**< rows, at least one */
    int64_t offset;     /**< what zipline counts its first session as */
    int64_t begin, end; /**< days of its first and last row, as the column `day` has them */
} bp__zipline_rows;

/** The sessions. */
typedef struct bp__zipline_calendar {
    char name[32];
    BP__TABLE(int64_t) session; /**< days, ascending */
    int64_t base;               /**< what zipline counts the first of them as, in calendar_offset */
    bool exact;                 /**< it was read, not worked out from the bars */
    char *from;                 /**< where it was read, for messages; owned */
} bp__zipline_calendar;

/** What metadata.json says. */
typedef struct bp__zipline_minutes {
    bool there;
    int64_t per_day;
    int64_t start, end;    /**< first and last session */
    double ratio;          /**< of the prices of most sids */
    bp__meta meta;         /**< for the ratios of the others */
    int64_t *open, *close; /**< [sessions] ns of the first and the last minute; NULL: it has no hours */
    size_t sessions;
} bp__zipline_minutes;

typedef struct bp__zipline {
    bp__ingest *in;
    bp__sealed folder;

    BP__TABLE(bp__zipline_asset) assets; /**< by sid */
    BP__TABLE(int64_t)
    known;       /**< other sids that are told of already: futures, assets not asked for; by sid */
    int version; /**< of assets-N.sqlite */

    BP__TABLE(bp__zipline_rows) rows; /**< by their first row; of sids that are imported */
    bp__meta daily;                   /**< attributes of the daily table; no object where there is none */
    bp__bcolz column[BP__NUM_FIELDS], day, id;
    bp__zipline_minutes minutes;
    bp__zipline_calendar calendar;
    bp__calendar *hours; /**< of the calendar's name; NULL: not one that is known; owned */
} bp__zipline;

bp_status bp__zipline_read_assets(bp__zipline *z);
bp_status bp__zipline_read_adjustments(bp__zipline *z);
bp_status bp__zipline_look_at_daily(bp__zipline *z);
bp_status bp__zipline_read_daily(bp__zipline *z);
bp_status bp__zipline_look_at_minutes(bp__zipline *z);
bp_status bp__zipline_read_minutes(bp__zipline *z);
bp_status bp__zipline_find_sessions(bp__zipline *z);

/** What the prices of a sid are multiplied by in its minute table. @retval BP_EFORMAT  no positive number */
bp_status bp__zipline_minute_ratio(const bp__zipline *z, int64_t sid, double *ratio);

/** The asset of a sid; NULL if it is not imported. */
const bp__zipline_asset *bp__zipline_asset_of(const bp__zipline *z, int64_t sid);

/** Whether it was told already why a sid is not imported. */
bool bp__zipline_is_known(const bp__zipline *z, int64_t sid);

/** Column of a day among the sessions, or of the first one after it. */
size_t bp__zipline_find_session(const bp__zipline_calendar *calendar, int64_t day);

/** When a session opens and closes: as metadata.json says, else the regular hours of the calendar of that
 *  name, which knows no early closes; BP_TIME_MISSING where neither tells.
 *  @return whether that is known: what the calendar says of a day on which it may have other hours is not */
bool bp__zipline_hours(const bp__zipline *z, int64_t session, int64_t *open, int64_t *close);

/** Put a failure that concerns one row or file (BP_EFORMAT) into the report, so that what comes after it is
 *  looked at as well. @return BP_OK, or a failure of another kind */
bp_status bp__zipline_report(bp__zipline *z, bp_status s);

#endif
