/** @file src/reader/audit_hours.h
 * Which session a minute bar is of: a time in UTC says that of no market by itself.
 *
 *  1. Where the bundle knows the hours of a session, the session has the bars within them.
 *  2. A session without hours, of a bundle that knows those of others, has its bars around the same time of the day as the
 *     nearest of these: in Sydney it begins on the evening before by UTC.
 *  3. In a bundle without any hours a series tells by itself: where it never has a bar for some hours of the day, a
 *     session is what lies between two such pauses, and its day is that of its middle.
 *  4. Where a series has none either, nobody knows when its days begin: it trades around the clock.
 */
#ifndef BP_READER_AUDIT_HOURS_H
#define BP_READER_AUDIT_HOURS_H

#include <bundlepool/bundle.h>

#include "core/status.h"

/** When sessions are open, as far as the calendar of a bundle knows. */
typedef struct bp__audit_hours {
    size_t n;
    int64_t *session, *open, *close;   /**< [n] ascending by close; owned */
    const int64_t *listed;             /**< [num_sessions] all sessions; borrowed from the bundle */
    const int64_t *open_of, *close_of; /**< [num_sessions] BP_TIME_MISSING: not known */
    size_t num_sessions;
} bp__audit_hours;

/** @retval BP_ENOMEM */
bp_status bp__audit_hours_init(const bp_bundle *bundle, bp__audit_hours *hours);
void bp__audit_hours_fini(bp__audit_hours *hours);

/** What a series tells of its sessions. */
typedef struct bp__audit_day {
    bool known;     /**< it pauses */
    int64_t middle; /**< of a session, as time of the day in UTC */
} bp__audit_day;

/** @param[in] dt  [n] of all bars of the series */
bp__audit_day bp__audit_day_of(const int64_t *dt, size_t n);

typedef enum bp__audit_place {
    BP__OUTSIDE, /**< of the hours of all sessions */
    BP__WITHIN,
    BP__NOBODY_KNOWS, /**< which session it is of: *session is the day in UTC */
} bp__audit_place;

/** @param[in]  day  of the series that the bar is of
 *  @param[out] session  set unless BP__OUTSIDE */
bp__audit_place bp__audit_place_bar(const bp__audit_hours *hours, bp__audit_day day, int64_t dt,
                                    int64_t *session);

#endif
