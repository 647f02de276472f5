/** @file src/reader/audit_series.h
 * Findings over one asset's daily bars and its events. Pure but for the list of findings; any thread.
 */
#ifndef BP_READER_AUDIT_SERIES_H
#define BP_READER_AUDIT_SERIES_H

#include <float.h>

#include "reader/audit_findings.h"

/** From where on something is told. */
typedef struct bp__audit_thresholds {
    double
        jump; /**< percent by which a price rises, or has to rise to be back, from one session to the next */
    double dividend; /**< percent of the price before */
    double few;      /**< percent of the assets that are alive */
    double minutes;  /**< percent between a daily bar and its minutes */
    uint64_t stale;  /**< sessions with the same four prices */
} bp__audit_thresholds;

#define BP__AUDIT_DEFAULTS                                                                                   \
    ((bp__audit_thresholds){.jump = 40, .dividend = 20, .few = 20, .minutes = 1, .stale = 5})

typedef enum bp__audit_kind { BP__AUDIT_SPLIT, BP__AUDIT_MERGER, BP__AUDIT_DIVIDEND } bp__audit_kind;

typedef struct bp__audit_event {
    int64_t sid, date;
    bp__audit_kind kind;
    double value; /**< ratio, or amount per share */
} bp__audit_event;

/** Order of events: by sid, date, kind, value. */
int bp__audit_event_compare(const void *a, const void *b);

/** What is looked at. All of it borrowed. */
typedef struct bp__audited {
    const bp__audit_thresholds *thresholds;
    bp__findings *findings;
    int64_t sid;
    const char *symbol;
    const int64_t *day; /**< [days] */
    size_t days;
    const double *value[5];       /**< [days] each; only closes are needed by bp__audit_events() */
    const bp__audit_event *event; /**< [num_events] in order */
    size_t num_events;
} bp__audited;

static inline bool bp__audit_priced(double price)
{
    return price > 0 && price <= DBL_MAX;
}

/** Add a finding about this asset. */
#define BP__FOUND(a, kind, date, size, weight, ...)                                                          \
    bp__findings_add((a)->findings, BP__FOUND_##kind, (a)->sid, (a)->symbol, (date), (size), (weight),       \
                     __VA_ARGS__)

/** How much the close moves on a usual day around session t, as the logarithm of a ratio: robust, from what is near. */
double bp__audit_usual_move(const bp__audited *a, size_t t);

/** Splits, mergers and dividends that the closes contradict. O(events), but for holes in the closes. */
void bp__audit_events(const bp__audited *a);

/** The same, of the events between two closes that follow each other.
 *  @return the part of the move that no event explains, as a ratio; NaN where a finding says that events do not fit */
double bp__audit_gap(const bp__audited *a, size_t before, size_t after, const bp__audit_event *event,
                     size_t n);

/** What else closes tell: jumps between sessions. Tells about events as well. */
void bp__audit_jumps(const bp__audited *a);

/** What each bar tells, and runs of equal ones. */
void bp__audit_bars(const bp__audited *a);

/** "7 for 1", "3 for 2", "1 for 10"; "1.2345 for 1" where it is no simple one. @param[in] shares  new ones for an old one
 *  @return `text` */
const char *bp__audit_ratio_text(double shares, char text[48]);

#endif
