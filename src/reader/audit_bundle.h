/** @file src/reader/audit_bundle.h
 * The audit of a whole bundle in memory, and the short form of it that a search can afford.
 */
#ifndef BP_READER_AUDIT_BUNDLE_H
#define BP_READER_AUDIT_BUNDLE_H

#include <bundlepool/bundle.h>

#include "reader/audit.h"

typedef struct bp__audit_options {
    bp__audit_thresholds thresholds;
    size_t most;      /**< of each kind that are kept in words */
    double lightest;  /**< what weighs less is left out */
    unsigned threads; /**< 0: as many as there are processors */
    /** How far it is, from the calling thread; NULL: nobody looks. @param[in] what  the phase; static */
    void (*tell)(void *context, const char *what, uint64_t done, uint64_t total);
    void *context;
} bp__audit_options;

/** Look at everything: daily bars, minute bars, tables.
 *  @param[out] audit  finished; owned: bp__audit_destroy(); NULL on failure. The bundle must stay as long
 *  @retval BP_ENOMEM */
bp_status bp__audit_bundle(const bp_bundle *bundle, const bp__audit_options *options, bp__audit **audit);

/** Compare a bundle with the checksum that its file states, if it does.
 *  @param[in] content_hash  of the bundle, as bp_bundle_version() tells it */
bp_status bp__audit_checksum(const bp_bundle *bundle, const char *content_hash, bp__findings *findings);

/** Only splits, mergers and dividends that prices contradict. Work grows with the number of events, not of bars.
 *
 * @param[in]     row          [n] daily rows that count; ascending
 * @param[in]     first, last  events after `first` and up to `last` count
 * @param[in,out] findings     initialised; memory that it lacked is told when it is sorted
 * @retval BP_ENOMEM */
bp_status bp__audit_contradictions(const bp_bundle *bundle, const size_t *row, size_t n, int64_t first,
                                   int64_t last, bp__findings *findings);

#endif
