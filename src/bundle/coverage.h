/** @file src/bundle/coverage.h
 * How much of each asset a bundle has, and what the bundle does not know: `bundle info`.
 */
#ifndef BP_BUNDLE_COVERAGE_H
#define BP_BUNDLE_COVERAGE_H

#include <bundlepool/bundle.h>

#include "core/json.h"
#include "core/status.h"

/** What was not known when the bundle was made, as "calendar, currency (3 of 8 assets)"; "" if nothing. The bars may be
 *  missing. @param[in] path  of the bundle's file @return `text` */
const char *bp__unknown_text(const bp_bundle *bundle, const char *path, char *text, size_t size);

/** A table of all assets on stdout. @retval BP_ENOMEM */
bp_status bp__coverage_text(const bp_bundle *bundle);

/** The same as the member "coverage" of an object that is open. @retval BP_ENOMEM */
bp_status bp__coverage_json(const bp_bundle *bundle, bp__json *j);

#endif
