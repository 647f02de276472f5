/** @file src/reader/audit_market.h
 * Findings that need all assets: sessions in which few trade, holes, ends and beginnings, weekends.
 */
#ifndef BP_READER_AUDIT_MARKET_H
#define BP_READER_AUDIT_MARKET_H

#include "reader/audit_series.h"

/** When an asset trades. */
typedef struct bp__audit_asset {
    int64_t sid;
    char symbol[32];
    size_t bars, first, last; /**< sessions with a price; the first and the last of them */
    uint64_t *present;        /**< bit t: it has a price in session t; owned by the audit */
} bp__audit_asset;

static inline bool bp__audit_present(const bp__audit_asset *asset, size_t t)
{
    return asset->present[t / 64] >> (t % 64) & 1;
}

/** Saturday or Sunday. */
bool bp__audit_is_weekend(int64_t day);

/** @param[in] day    [days]
 *  @param[in] asset  [n] with at least one bar each
 *  @retval BP_ENOMEM */
bp_status bp__audit_market(const bp__audit_thresholds *thresholds, bp__findings *findings, const int64_t *day,
                           size_t days, const bp__audit_asset *asset, size_t n);

#endif
