/** @file src/bundle/diff_rows.h
 * Differences between the small tables of two bundles: assets, symbols, the calendar, splits, dividends.
 */
#ifndef BP_BUNDLE_DIFF_ROWS_H
#define BP_BUNDLE_DIFF_ROWS_H

#include "bundle/changes.h"
#include "bundle/match.h"

/** @retval BP_ENOMEM */
bp_status bp__diff_rows(const bp__match *match, bp__changes *changes);

#endif
