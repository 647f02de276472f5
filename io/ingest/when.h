/** @file io/ingest/when.h
 * Dates and times in cells, as vendors write them.
 *
 *  - 2020-01-31, 20200131, 2020/1/31, 2020.01.31; Jan 31, 2020; 31 Jan 2020; 31-Jan-2020. What could be
 *    DD/MM or MM/DD needs a format. 202001310931 and 20200131093100, too.
 *  - Behind it, after blanks, ';' or 'T': 9:31, 09:31:00, 09:31:00.123456789, 9:31 AM, 0931, 093100.
 *  - Behind that: Z, UTC, GMT, +01:00, -0500, +01, America/New_York, or EST, EDT and their like in America.
 *  - Seconds, ms, us or ns since the epoch: what is meant follows from the size, as from 1973 on.
 *
 * A format consists of YYYY, YY (1970 .. 2069), MM (1 or 2 digits), MON (Jan), DD, hh, mm, ss, and text that
 * must be there as it is; a time of day may follow it as above. "s", "ms", "us" and "ns" are formats as well:
 * counts since the epoch, of any size. What does not fit a format is read as if there were none.
 */
#ifndef BP_IO_INGEST_WHEN_H
#define BP_IO_INGEST_WHEN_H

#include "io/ingest/csvtext.h"
#include "io/ingest/zone.h"

/** How the times of a file are to be read. The caller zeroes it and sets the first two. One thread. */
typedef struct bp__when {
    const char *format;   /**< NULL: what is unambiguous; checked by bp__when_check_format() */
    const bp__zone *zone; /**< of times that name none; NULL: UTC */
    bool has_zone;        /**< it was given, also if it is UTC */

    /* private to when.c */
    bp__zone *named; /* by the last cell that named one */
    bp__zone_span span;
} bp__when;

void bp__when_fini(bp__when *when);

/** @retval BP_EINVAL  not a format: the text says what one looks like */
bp_status bp__when_check_format(const char *format);

typedef struct bp__moment {
    int64_t day;      /**< as written, or of the zone: a midnight; ns since the epoch */
    int64_t ns;       /**< UTC */
    int64_t later;    /**< the other time that it could be, when clocks are put back; BP_TIME_MISSING */
    bool has_time;    /**< a time of day is written */
    bool is_local;    /**< … and no zone with it */
    bool is_count;    /**< since the epoch */
    bool is_midnight; /**< of `day` */
} bp__moment;

/** @param[in]  time  of day, if it has a column of its own; NULL
 *  @return NULL, or what is wrong, such as "is not a date": borrowed until this thread reads the next one */
const char *bp__when_read(bp__when *when, const bp__csv_field *date, const bp__csv_field *time,
                          bp__moment *moment);

/** Whether a cell holds a date, so that its row is no header. */
bool bp__when_is_date(const bp__csv_field *field);

#endif
