/** @file io/ingest/csvwork.h
 * What the sources that read CSV have in common: rules from the options, and what is put into the draft at
 * the end.
 */
#ifndef BP_IO_INGEST_CSVWORK_H
#define BP_IO_INGEST_CSVWORK_H

#include "io/ingest/series.h"

/** Assets of one source, at most: each takes up to a KiB until all are known. */
#define BP__ASSETS_MOST ((size_t)1 << 20)

/** A file that was read, for the origin. */
typedef struct bp__read_file {
    char *name; /**< within the source; owned */
    bp__input_stamp stamp;
} bp__read_file;

typedef struct bp__csv_work {
    bp__ingest *in;
    bp__csv_rules rules;
    _Atomic uint64_t read; /**< stored bytes so far */
    uint64_t total;        /**< stored bytes in all; 0: not known */
    BP__TABLE(bp__read_file) files;
    bp__dayset days;   /**< of all bars that are kept */
    bp__dayset listed; /**< that sessions.csv has */

    /* private to csvwork.c */
    bp__remarks *remarks;
    bp__zone *zone;
    bp__calendar *calendar;
    char *within;
} bp__csv_work;

/** Check the options, and make the rules of them.
 *  @param[in] folder  that files must be in; NULL: anywhere
 *  @retval BP_EINVAL  an option that makes no sense: the text names it */
bp_status bp__csv_work_begin(bp__csv_work *work, bp__ingest *in, const char *folder);
void bp__csv_work_end(bp__csv_work *work);

/** Say how far it is. Threads: any. */
void bp__csv_work_tell(bp__csv_work *work);

/** Remember that a file was read. @param[in] name  within the source; copied */
bp_status bp__csv_work_read(bp__csv_work *work, const char *name, const bp__input_stamp *stamp);

/** Whether --symbols, if it is there, names this one. */
bool bp__csv_work_wants(const bp__csv_work *work, const char *symbol);

/** Whether a symbol can be one: UTF-8 without control characters, not too long. @return NULL, or what is
 * wrong */
const char *bp__symbol_problem(const char *symbol);

/** Dividends and splits of one asset.
 *  @param[in] daily  they are of daily bars, or there are some; else price ratios come from minute bars */
bp_status bp__csv_work_add_events(bp__csv_work *work, int64_t sid, const bp__events *events, bool daily);

/** Dates of an asset that are not given: sessions, those of its first and its last bar in either frame.
 *  @param[in] first, last  BP_TIME_MISSING: it has no bar */
void bp__csv_work_fill_dates(bp__draft_asset *asset, int64_t first, int64_t last);

/** An asset that is known by its symbol and these sessions alone, with its mapping. */
bp_status bp__csv_work_add_asset(bp__csv_work *work, int64_t sid, const char *symbol, int64_t first,
                                 int64_t last);

/** A session for each day of `days`, with hours if there is a calendar. */
bp_status bp__csv_work_add_sessions(bp__csv_work *work);

/** The name and the country of the calendar, what the origin says of the files that were read, and what there is
 *  to remark. */
bp_status bp__csv_work_finish(bp__csv_work *work);

#endif
