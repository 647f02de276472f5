/** @file src/search/single.h
 * One backtest by itself, to be looked at: over a private copy of a bundle, in this process alone. Needs no MPI.
 *
 * Steps: bp__single_open() for a bundle, bp__single_run() any number of times, bp__single_close().
 */
#ifndef BP_SEARCH_SINGLE_H
#define BP_SEARCH_SINGLE_H

#include "search/doubts.h"
#include "search/spec.h"

typedef struct bp__single {
    const bp__spec *spec; /**< borrowed */
    const bp_bundle *bundle;
    bp__scope *scope;
    bp__workspace *workspace;
    char content_hash[65], computed_hash[65];
    bp__doubts doubts;  /**< with the hashes */
    double load_s;      /**< seconds that loading took */
    uint64_t allocated; /**< by malloc(), before there was a scope */
} bp__single;

/** Load a bundle of a search and make it ready.
 *  @param[in]  root    folder of the bundles
 *  @param[in]  hash    whether the hashes are wanted: of a large bundle that takes a while
 *  @param[out] single  bp__single_close(), after a failure too
 *  @retval any  of bp_bundle_load(), bp__scope_create(); BP_ENOMEM */
bp_status bp__single_open(const bp__spec *spec, const char *root, uint64_t bundle, bool hash,
                          bp__single *single);
void bp__single_close(bp__single *single);

/** What scope and workspace have allocated so far. */
uint64_t bp__single_bytes(const bp__single *single);

/** Backtest a combination of the search. @param[in] ledger  or NULL
 *  @param[out] record  its arrays are valid until the next run @retval as bp__backtest_run() */
bp_status bp__single_run(bp__single *single, uint64_t combination, const bp__ledger *ledger,
                         bp__record *record);

#endif
