/** @file src/reader/audit_columns.h
 * Parts of the audit of a bundle in memory.
 */
#ifndef BP_READER_AUDIT_COLUMNS_H
#define BP_READER_AUDIT_COLUMNS_H

#include <bundlepool/bundle.h>

#include "reader/audit_hours.h"
#include "reader/audit_series.h"

/** A column's values. @param[out] n  how many rows; NULL: not asked */
static inline const void *bp__audit_column(const bp_bundle *bundle, bp_column column, size_t *n)
{
    bp_array a = {0};
    bp_bundle_column(bundle, column, &a);
    if (n) *n = a.shape[0];
    return a.shape[0] > 0 ? a.data : NULL;
}

/** A sid's symbol in either table, or "": borrowed. */
const char *bp__audit_symbol(const bp_bundle *bundle, int64_t sid);

/** Assets and events beside each other. @retval BP_ENOMEM */
bp_status bp__audit_tables(const bp_bundle *bundle, bp__findings *findings);

/** Sessions, calendar, lifetimes and dates of assets. */
void bp__audit_dates(const bp_bundle *bundle, bp__findings *findings);

/** Names, symbols, exchanges, currencies. */
void bp__audit_texts(const bp_bundle *bundle, bp__findings *findings);

/** What is wrong with a text that a person will see, as the end of a sentence; NULL: nothing. */
const char *bp__audit_text_problem(const char *text);

/** Minute bars of the m-th sid that has some. Any thread. */
void bp__audit_minutes(const bp_bundle *bundle, const bp__audit_hours *hours,
                       const bp__audit_thresholds *thresholds, size_t m, bp__findings *findings);

#endif
