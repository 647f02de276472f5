/** @file tests/support/market.h
 * Bundle files for tests: every price shows which version of its bundle it belongs to.
 */
#ifndef BP_TESTS_MARKET_H
#define BP_TESTS_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include <bundlepool/bundle.h>

/** A fresh folder, the same on every rank; rank 0 makes it. Collective. Borrowed for ever. */
const char *market_root(void);

/** Remove it and what is in it. Collective. */
void market_remove(void);

/** Write (replace) bundle `name`: every close is `version`, in N × D. Any one rank. */
void market_write(const char *name, uint32_t version, int64_t assets, int64_t days);

/** The version that a bundle holds; 0 if its values do not agree with each other (a torn image). */
uint32_t market_version(const bp_bundle *bundle);

#endif
