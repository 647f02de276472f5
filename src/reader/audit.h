/** @file src/reader/audit.h
 * Findings over the bars and events of a bundle: while it is made, series by series, or of an image.
 *
 *  1. bp__audit_create() with the sessions.
 *  2. bp__audit_add_event() for every split, merger and cash dividend, by one thread.
 *  3. bp__audit_series() for every asset with daily bars, from any threads, in any order.
 *  4. bp__audit_finish(): what needs all assets. Then bp__audit_findings() has everything.
 *  5. bp__audit_destroy().
 *
 * It holds one bit for each asset and session, the events, and the findings; never a price. docs/verify.md says what is
 * found, and how.
 */
#ifndef BP_READER_AUDIT_H
#define BP_READER_AUDIT_H

#include "reader/audit_findings.h"
#include "reader/audit_series.h"

typedef struct bp__audit bp__audit;

/** One asset's daily bars, as they are read back: NaN is a missing price, 0 a missing volume. Borrowed. */
typedef struct bp__audit_input {
    int64_t sid;
    const char *symbol;     /**< "": none */
    const double *value[5]; /**< [D] each: open, high, low, close, volume */
} bp__audit_input;

/** @param[in]  day         [num_days] ascending midnights; borrowed until the audit is destroyed
 *  @param[in]  thresholds  copied; NULL: the defaults
 *  @param[in]  most        of each kind of finding that are kept in words
 *  @param[out] audit       owned: bp__audit_destroy() */
bp_status bp__audit_create(const bp__audit_thresholds *thresholds, const int64_t *day, size_t num_days,
                           size_t most, bp__audit **audit);
void bp__audit_destroy(bp__audit **audit);

/** @param[in] date   on and after it prices are as after the event
 *  @param[in] value  ratio by which earlier prices are multiplied, or amount per share
 *  @retval BP_ENOMEM */
bp_status bp__audit_add_event(bp__audit *audit, int64_t sid, bp__audit_kind kind, int64_t date, double value);

/** Look at one series. A series without any bar is a finding. Threads: any, once all events are known.
 *  @retval BP_ENOMEM */
bp_status bp__audit_series(bp__audit *audit, const bp__audit_input *input);

/** After the last series. @retval BP_ENOMEM */
bp_status bp__audit_finish(bp__audit *audit);

/** Borrowed: to add further findings, to print, to count. */
bp__findings *bp__audit_findings(bp__audit *audit);
#endif
