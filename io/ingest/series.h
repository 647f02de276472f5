/** @file io/ingest/series.h
 * What becomes of the rows of one asset in one frame: bars in the draft, in blocks; dividends and splits;
 * days.
 *
 * Rows ascend by date, or all of them descend, as some vendors have it: then the whole series is kept and
 * turned round at the end. A date that is there twice, or that is out of order, is an error of its line.
 * One thread per series.
 */
#ifndef BP_IO_INGEST_SERIES_H
#define BP_IO_INGEST_SERIES_H

#include "io/ingest/adjclose.h"
#include "io/ingest/csvfile.h"
#include "io/ingest/dayset.h"

typedef struct bp__series {
    int frame;
    int64_t sid;
    double fixed[BP__NUM_SCALES]; /**< factors that are given; 0: any */
    bool bad;                     /**< there were errors, or it is empty */
    bool empty;                   /**< no errors, but no value */
    uint64_t rows;                /**< with those that say nothing */
    size_t kept;                  /**< bars in the draft */
    bp__events events;
    bp__dayset days;
    BP__TABLE(bp__bar) bars; /**< that are not in the draft yet */

    /* private to series.c */
    BP__TABLE(bp__pair) pairs;
    int decimals[2];
    int64_t last;                             /* time of the row before */
    int direction;                            /* 1: ascending, -1; 0: not known yet */
    int64_t last_day;                         /* that was added to the days */
    int64_t day;                              /* of the row before */
    int64_t since;                            /* the earliest row of that day */
    uint64_t num_days, midnights, first_line; /* in minute files: days, rows at a midnight, the first row */
    bp__scale scale[BP__NUM_SCALES];
    double noted;             /* the last price that the scale knows of */
    bool lost;                /* no factor keeps its prices */
    double largest, smallest; /* volume */
    uint64_t largest_line;
    uint64_t blank;                 /**< rows without any value */
    uint64_t outside, outside_line; /**< bars outside of the calendar's hours */
    uint64_t ignored[BP__NUM_RATIOS], ignored_line[BP__NUM_RATIOS]; /**< events that are left out */
    int64_t session, open, close;                                   /* hours of the session at hand */
} bp__series;

void bp__series_init(bp__series *series, int frame, int64_t sid);
void bp__series_fini(bp__series *series);

/** Take the next row. What is wrong with it goes to the report.
 *  @retval BP_ENOMEM, BP_EIO  of the draft: the whole ingest must end */
bp_status bp__series_add(bp__series *series, bp__csv_file *file, const bp__csv_row *row, bp__draft *draft);

/** Give all bars to the draft that may go there already: none where the newest come first. */
bp_status bp__series_flush(bp__series *series, bp__draft *draft);

/** After the last row: what is left goes to the draft, or, if the series is bad, all of it is taken back.
 *  @param[in] name  of the asset, for what is told; NULL: as the file is its own */
bp_status bp__series_finish(bp__series *series, bp__csv_file *file, const char *name, bp__draft *draft);

#endif
