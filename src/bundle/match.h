/** @file src/bundle/match.h
 * Which asset of one bundle is which of another.
 *
 * By symbol first: sids are counted anew by an ingest of files, and one file more moves them all. What is left and has the
 * same sid and mostly the same closes has been renamed.
 */
#ifndef BP_BUNDLE_MATCH_H
#define BP_BUNDLE_MATCH_H

#include <stddef.h>

#include <bundlepool/bundle.h>

#include "core/status.h"

#define BP__NO_MATCH SIZE_MAX

/** An asset of one bundle: in any of its tables of assets, daily and minute bars. */
typedef struct bp__party {
    int64_t sid;
    const char *symbol; /**< borrowed from the bundle */
    size_t other;       /**< its place among those of the other bundle, or BP__NO_MATCH */
} bp__party;

typedef struct bp__match {
    const bp_bundle *bundle[2]; /**< borrowed */
    bp__party *party[2];        /**< [n] by sid; owned */
    size_t n[2];
} bp__match;

/** @param[out] match  bp__match_fini(), after a failure too @retval BP_ENOMEM */
bp_status bp__match_init(const bp_bundle *a, const bp_bundle *b, bp__match *match);
void bp__match_fini(bp__match *match);

/** Place of a sid among the assets of a side, or BP__NO_MATCH. */
size_t bp__match_find(const bp__match *match, int side, int64_t sid);

#endif
