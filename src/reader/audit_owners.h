/** @file src/reader/audit_owners.h
 * Findings over who has which symbol, and when: of a bundle in memory, and of one that is just being written.
 */
#ifndef BP_READER_AUDIT_OWNERS_H
#define BP_READER_AUDIT_OWNERS_H

#include "reader/audit_findings.h"

/** A symbol, and whose it was. */
typedef struct bp__audit_owner {
    const char *symbol; /**< borrowed */
    int64_t sid;
    int64_t start, end; /**< BP_TIME_MISSING: no bound */
    bool known;         /**< there is an asset with this sid */
} bp__audit_owner;

/** Two assets with one symbol at one time, symbols that a fuzzy look-up takes for one, periods that end before they
 *  start, sids that are no asset's.
 *  @param[in] owner  [n] put into another order */
void bp__audit_owners(bp__findings *findings, bp__audit_owner *owner, size_t n);

#endif
