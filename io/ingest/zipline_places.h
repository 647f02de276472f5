/** @file io/ingest/zipline_places.h
 * Which minute each row of zipline's minute tables is of: row r is minute r % minutes_per_day of session
 * r / minutes_per_day.
 */
#ifndef BP_IO_INGEST_ZIPLINE_PLACES_H
#define BP_IO_INGEST_ZIPLINE_PLACES_H

#include "io/ingest/zipline_parts.h"

/** The sessions by which the minutes are counted. */
typedef struct bp__zipline_places {
    size_t unknown; /**< at the beginning: zipline counts them, but nothing says which days they are */
    size_t n;       /**< all of them */
    bool ends;      /**< there are no more: a further row is an error in the file */
    int64_t *day, *first, *last; /**< [n]; last is BP_TIME_MISSING where it is not known; owned */
} bp__zipline_places;

/** From the hours in metadata.json, or the sessions and the regular hours of the calendar.
 *  @param[out] places  bp__zipline_places_fini(), whatever the outcome
 *  @retval BP_EFORMAT  they contradict each other, or do not tell enough: the text says which option would
 *  @retval BP_ENOMEM */
bp_status bp__zipline_places_find(const bp__zipline *z, bp__zipline_places *places);
void bp__zipline_places_fini(bp__zipline_places *places);

/** A row without a place: the text says which, and what to do. @return BP_EFORMAT
 *  @param[in] table  how the text names the table, within the folder */
bp_status bp__zipline_places_error(const bp__zipline *z, const bp__zipline_places *places, const char *table,
                                   uint64_t row);

#endif
