/** @file io/ingest/adjclose.h
 * Dividends and splits from closes and adjusted closes, for files that have nothing better.
 *
 * The ratio of both is constant between two events, but for rounding. Where it jumps from one day to the
 * next by more than the decimals of both explain, there is an event on that day, by which earlier prices
 * are multiplied with q:
 *
 *  - q near a simple fraction m/k, and far from 1, is a split of k new shares for m old ones;
 *  - q a bit below the fraction of a common split is that split, and a dividend on its day;
 *  - every other q below 1 is a dividend of (1 - q) × the close before;
 *  - every other q above 1 is nothing that there is: the columns are no pair.
 *
 * What is known of a day already, because the file gives it, is taken out of q first. A level before and
 * after a jump is taken from up to 20 days, so that rounding cancels. Pure; any thread.
 */
#ifndef BP_IO_INGEST_ADJCLOSE_H
#define BP_IO_INGEST_ADJCLOSE_H

#include "io/draft.h"

/** A dividend, a split, or both, on one day. */
typedef struct bp__event {
    int64_t day;
    double dividend; /**< per share; 0: none */
    double split;    /**< new shares per old one; 1: none */
    uint64_t line;   /**< 0: not from a line */
    int64_t since;   /**< in minute files: the first row of that day */
} bp__event;

typedef BP__TABLE(bp__event) bp__events;

typedef struct bp__pair {
    int64_t day;
    double close, adjusted; /**< positive */
    uint64_t line;
} bp__pair;

#define BP__ADJCLOSE_SHOWN 4

/** What was found. */
typedef struct bp__adjclose {
    size_t n;                            /**< jumps of q, with those that nothing explains */
    bp__event first[BP__ADJCLOSE_SHOWN]; /**< of those that became events */
    const bp__pair *odd;                 /**< the first with a q above 1 that is no split; NULL */
    double q;                            /**< of that */
} bp__adjclose;

/** @param[in]     pairs      [n] ascending by day
 *  @param[in]     decimals   digits behind the decimal mark, at most, of the closes and of the adjusted ones
 *  @param[in]     dividends, splits  which are wanted
 *  @param[in,out] events     ascending by day; the file's own, to which new ones are added
 *  @param[out]    found      what was added, and what could not be
 *  @retval BP_ENOMEM */
bp_status bp__adjclose_events(const bp__pair *pairs, size_t n, const int decimals[2], bool dividends,
                              bool splits, bp__events *events, bp__adjclose *found);

/** Whether so many jumps are too many to be dividends and splits: then the columns are no pair. */
bool bp__adjclose_often(const bp__pair *pairs, size_t n, size_t found);

/** Sort by day. */
void bp__events_sort(bp__events *events);

#endif
